//! Logging never blocks or fails training, and what is acknowledged is there.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use expt_core::{MetricName, RunId, RunStatus};
use expt_store::blocking::wait;
use expt_store::{ErrorKind, RunStoreExt, Stores};
use expt_track::{Backpressure, Tracker, TrackerOptions};

use crate::stores::{Gate, Mode};
use crate::{start, stored, tracker};

/// Far longer than what must not wait takes, far shorter than a stall.
const SOON: Duration = Duration::from_secs(2);

fn values(stores: &Stores, run: RunId, metric: &str) -> Vec<u64> {
    let points = wait(stores.runs.metric_points(run, &MetricName::new(metric).unwrap())).unwrap();
    points.iter().map(|point| point.value as u64).collect()
}

/// A tracker in front of a stalled store whose queue is certainly full.
fn stalled(options: &TrackerOptions) -> (Stores, Arc<Gate>, Tracker) {
    let (stores, gate) = Gate::stores();
    let tracker = tracker(&stores, options);
    gate.set(Mode::Stalled);
    (stores, gate, tracker)
}

#[test]
fn a_store_that_fails_never_shows_in_metric_and_always_in_flush() {
    let (stores, gate) = Gate::stores();
    let tracker = tracker(&stores, &TrackerOptions::default());
    let run = start(&tracker, "r");
    gate.set(Mode::Unavailable);
    for step in 0..10_000 {
        run.metric("m", step, 1.0);
    }
    run.tag("k", "v");
    let error = wait(run.flush()).unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true));
    wait(run.flush()).unwrap();
    run.metric("m", 0, 1.0);
    assert_eq!(wait(run.finish()).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(
        wait(run.finish()).unwrap_err().kind(),
        ErrorKind::Unavailable,
        "the end itself is not stored"
    );
    gate.set(Mode::Open);
    run.metric("m", 1, 2.0);
    wait(run.finish()).unwrap();
    assert_eq!(values(&stores, run.id(), "m"), [2]);
    assert_eq!(tracker.dropped(), 0);
}

#[test]
fn a_store_that_panics_is_an_error_of_flush() {
    let (stores, gate) = Gate::stores();
    let tracker = tracker(&stores, &TrackerOptions::default());
    let run = start(&tracker, "r");
    gate.set(Mode::Panics);
    run.metric("m", 0, 1.0);
    let check = || {
        let error = wait(run.flush()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.to_string().contains("writer thread has ended"), "{error}");
    };
    check();
    run.metric("m", 1, 1.0);
    check();
    // The queue closes a moment after the flush has failed.
    let until = Instant::now() + SOON;
    while tracker.dropped() == 0 && Instant::now() < until {
        run.metric("m", 2, 1.0);
    }
    assert!(tracker.dropped() > 0, "what no thread takes is counted");
}

#[test]
fn drop_counts_what_a_slow_store_leaves_no_room_for() {
    let options = TrackerOptions::default().with_capacity(8).with_backpressure(Backpressure::Drop);
    let (stores, gate, tracker) = stalled(&options);
    let run = start(&tracker, "r");
    let begun = Instant::now();
    run.param("stalls", 1);
    for step in 0..1000 {
        run.metric("m", step, step as f64);
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    let dropped = tracker.dropped();
    assert!((980..=1000).contains(&dropped), "{dropped}");
    run.metric(" bad", 0, 1.0);
    gate.set(Mode::Open);
    let error = wait(run.flush()).unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::InvalidInput,
        "a bad name is told of although there was no room: {error}"
    );
    let kept = values(&stores, run.id(), "m");
    assert_eq!((kept.len() as u64, tracker.dropped()), (1000 - dropped, dropped));
    assert!(kept.is_sorted());
}

#[test]
fn block_waits_and_loses_nothing() {
    let (stores, gate, tracker) = stalled(&TrackerOptions::default().with_capacity(8));
    let run = start(&tracker, "r");
    run.param("stalls", 1);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (0..1000).for_each(|step| run.metric("m", step, step as f64));
            done.store(true, Ordering::SeqCst);
        });
        std::thread::sleep(Duration::from_millis(50));
        assert!(!done.load(Ordering::SeqCst), "the queue has room for 8");
        gate.set(Mode::Open);
    });
    wait(run.finish()).unwrap();
    assert!(values(&stores, run.id(), "m").into_iter().eq(0..1000));
    assert_eq!(tracker.dropped(), 0);
}

#[test]
fn the_end_of_a_dropped_run_needs_no_room_and_comes_last() {
    for backpressure in [Backpressure::Drop, Backpressure::Block] {
        let options = TrackerOptions::default().with_capacity(2).with_backpressure(backpressure);
        let (stores, gate, tracker) = stalled(&options);
        let (full, run) = (start(&tracker, "full"), start(&tracker, "r"));
        full.tag("the store", "stalls here");
        // The thread must have taken the first one, or the third would wait.
        std::thread::sleep(Duration::from_millis(20));
        run.param("a", 1);
        run.metric("m", 0, 1.0);
        let begun = Instant::now();
        drop(run);
        assert!(begun.elapsed() < SOON, "{backpressure:?}: {:?}", begun.elapsed());
        gate.set(Mode::Open);
        wait(full.flush()).unwrap();
        let found = stored(&stores, "r");
        assert_eq!((found.status, found.params.len(), found.metrics.len()), (RunStatus::Interrupted, 1, 1));
    }
}

/// Knows whether it was woken.
#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn poll<F: Future>(future: Pin<&mut F>, flag: &Arc<Flag>) -> Poll<F::Output> {
    flag.0.store(false, Ordering::SeqCst);
    future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(flag))))
}

#[test]
fn a_flush_never_holds_up_an_executor() {
    let options = TrackerOptions::default().with_capacity(1).with_backpressure(Backpressure::Drop);
    let (stores, gate, tracker) = stalled(&options);
    let (run, other) = (start(&tracker, "r"), start(&tracker, "other"));
    for step in 0..10 {
        run.metric("m", step, 1.0);
    }
    let (flags, mut one, mut two) =
        ([Arc::new(Flag::default()), Arc::default()], pin!(run.finish()), pin!(other.finish()));
    let begun = Instant::now();
    assert!(poll(one.as_mut(), &flags[0]).is_pending() && poll(two.as_mut(), &flags[1]).is_pending());
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    gate.set(Mode::Open);
    // One thread drives both, and polls only what was woken.
    let mut left = vec![0, 1];
    let until = Instant::now() + SOON;
    while !left.is_empty() && Instant::now() < until {
        left.retain(|index| {
            let future =
                if *index == 0 { one.as_mut() as Pin<&mut dyn Future<Output = _>> } else { two.as_mut() };
            let flag = &flags[*index];
            if !flag.0.load(Ordering::SeqCst) {
                std::thread::yield_now();
                return true;
            }
            match poll_dyn(future, flag) {
                Poll::Ready(result) => {
                    let result: expt_store::Result<()> = result;
                    result.unwrap();
                    false
                }
                Poll::Pending => true,
            }
        });
    }
    assert!(left.is_empty(), "a future was not woken");
    assert_eq!([stored(&stores, "r").status, stored(&stores, "other").status], [RunStatus::Finished; 2]);
}

fn poll_dyn<T>(future: Pin<&mut dyn Future<Output = T>>, flag: &Arc<Flag>) -> Poll<T> {
    flag.0.store(false, Ordering::SeqCst);
    future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(flag))))
}

#[test]
fn many_threads_log_to_one_run() {
    let folder = tempfile::tempdir().unwrap();
    for stores in [Stores::memory(), Stores::open(folder.path()).unwrap()] {
        let tracker = tracker(&stores, &TrackerOptions::default().with_capacity(64));
        let (run, other) = (start(&tracker, "r"), start(&tracker, "other"));
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (run, other) = (&run, &other);
                scope.spawn(move || {
                    for step in 0..500 {
                        run.metric(&format!("m{thread}"), step, step as f64);
                        if step % 10 == 0 {
                            other.metric("m", step, step as f64);
                        }
                    }
                    wait(run.flush()).unwrap();
                });
            }
        });
        for thread in 0..8 {
            let found = values(&stores, run.id(), &format!("m{thread}"));
            assert!(found.into_iter().eq(0..500), "flush of each thread covers it, in its order");
        }
        wait(other.flush()).unwrap();
        assert_eq!(values(&stores, other.id(), "m").len(), 8 * 50);
    }
}

#[test]
fn points_are_committed_in_groups() {
    let (stores, gate) = Gate::stores();
    let mut options = TrackerOptions::default();
    // Longer than an Instant can be: only a full group, or somebody who waits, ends it.
    options.linger = Duration::MAX;
    let tracker = tracker(&stores, &options);
    let run = start(&tracker, "r");
    (0..5000).for_each(|step| run.metric("m", step, 1.0));
    wait(run.flush()).unwrap();
    assert_eq!((gate.appends(), values(&stores, run.id(), "m").len()), (2, 5000));
}

#[test]
fn the_last_handle_writes_what_is_queued() {
    let stores = Stores::memory();
    let tracker = tracker(&stores, &TrackerOptions::default());
    let (run, clone) = (start(&tracker, "r"), tracker.clone());
    drop(tracker);
    (0..100).for_each(|step| run.metric("m", step, step as f64));
    let id = run.id();
    drop(run);
    drop(clone);
    assert_eq!(values(&stores, id, "m").len(), 100);
}

#[test]
fn the_blocking_face_is_the_same_tracker() {
    let stores = Stores::memory();
    let tracker = expt_track::blocking::Tracker::new(&stores, Arc::new(expt_store::SystemClock));
    tracker.register(crate::experiment(), "it is better", crate::actor("ada")).unwrap();
    let run = tracker
        .start(expt_track::NewRun::new(crate::experiment(), "r").with_id(RunId::derive(["r"])))
        .unwrap();
    run.metric("m", 0, 1.0);
    run.param("p", 1);
    run.param("p", 2);
    assert_eq!(run.flush().unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(run.finish_reproducible().unwrap_err().kind(), ErrorKind::Refused);
    run.finish().unwrap();
    assert_eq!((stored(&stores, "r").status, tracker.dropped()), (RunStatus::Finished, 0));
}
