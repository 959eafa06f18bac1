//! What becomes of an event.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use expt_core::Event;
use expt_serve::{EventQueue, Overflow};
use expt_store::blocking::wait;
use expt_store::{ErrorKind, Stores};

use crate::events::{Gate, Mode, event, logged};

/// Far longer than what must not wait takes.
const SOON: Duration = Duration::from_secs(2);

fn values(stores: &Stores) -> Vec<i32> {
    let value = |event: &Event| match event {
        Event::Outcome(outcome) => outcome.value as i32,
        _ => panic!("only outcomes were pushed"),
    };
    logged(stores).iter().map(value).collect()
}

fn check_stats(queue: &EventQueue, appended: u64, dropped: u64, failed: u64) {
    let stats = queue.stats();
    assert_eq!((stats.appended, stats.dropped, stats.failed), (appended, dropped, failed));
}

#[test]
fn what_was_pushed_is_in_the_log_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    for events in
        [Stores::memory().events, Arc::new(expt_store::segment::SegmentStore::open(folder.path()).unwrap())]
    {
        let stores = Stores { events, ..Stores::memory() };
        let queue = EventQueue::start(&stores, 5000, Overflow::Drop).unwrap();
        (0..2000).for_each(|value| assert!(queue.push(event(value))));
        assert!(queue.push_all((2000..4000).map(event).collect()));
        wait(queue.flush()).unwrap();
        assert!(values(&stores).into_iter().eq(0..4000));
        check_stats(&queue, 4000, 0, 0);
    }
}

#[test]
fn an_overflow_is_counted_and_nobody_waits() {
    let (stores, gate) = Gate::stores();
    let queue = EventQueue::start(&stores, 4, Overflow::Drop).unwrap();
    gate.set(Mode::Stalled);
    queue.push(event(0));
    let mut flush = pin!(queue.flush());
    let begun = Instant::now();
    assert!(flush.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    // The thread is at the gate soon; then there is room for 4 pushes, however large.
    std::thread::sleep(Duration::from_millis(100));
    let taken = (1..100).filter(|value| queue.push(event(*value))).count() as u64;
    assert_eq!(taken, 4);
    assert!(!queue.push_all((100..110).map(event).collect()));
    check_stats(&queue, 0, 99 - taken + 10, 0);
    // Also where there is no room even for the news that there is a flush.
    let mut late = pin!(queue.flush());
    assert!(late.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    gate.set(Mode::Open);
    wait(late).unwrap();
    wait(flush).unwrap();
    check_stats(&queue, 1 + taken, 99 - taken + 10, 0);
    assert_eq!(values(&stores).len() as u64, 1 + taken);
}

#[test]
fn block_loses_nothing() {
    let (stores, gate) = Gate::stores();
    let queue = EventQueue::start(&stores, 2, Overflow::Block).unwrap();
    gate.set(Mode::Stalled);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (0..3000).for_each(|value| assert!(queue.push(event(value))));
            done.store(true, Ordering::SeqCst);
        });
        std::thread::sleep(Duration::from_millis(100));
        assert!(!done.load(Ordering::SeqCst), "there is room for 2, and a batch in the thread");
        gate.set(Mode::Open);
    });
    wait(queue.flush()).unwrap();
    assert!(values(&stores).into_iter().eq(0..3000));
    check_stats(&queue, 3000, 0, 0);
}

#[test]
fn what_the_log_does_not_take_is_counted_and_returned_once() {
    let (stores, gate) = Gate::stores();
    let queue = EventQueue::start(&stores, 100, Overflow::Drop).unwrap();
    gate.set(Mode::Unavailable);
    queue.push_all((0..10).map(event).collect());
    assert_eq!(wait(queue.flush()).unwrap_err().kind(), ErrorKind::Unavailable);
    check_stats(&queue, 0, 0, 10);
    wait(queue.flush()).unwrap();
    gate.set(Mode::Hiccup);
    queue.push(event(10));
    wait(queue.flush()).unwrap();
    assert_eq!(values(&stores), [10], "it is tried once more");
    check_stats(&queue, 1, 0, 10);
}

#[test]
fn an_event_that_is_invalid_does_not_cost_the_others() {
    let (stores, _) = Gate::stores();
    let queue = EventQueue::start(&stores, 100, Overflow::Drop).unwrap();
    queue.push_all([0, 1, 2, -3, 4, 5, -6, 7].map(event).into());
    assert_eq!(wait(queue.flush()).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(values(&stores), [0, 1, 2, 4, 5, 7]);
    check_stats(&queue, 6, 0, 2);
}

#[test]
fn dropping_appends_what_is_queued() {
    let (stores, gate) = Gate::stores();
    let queue = EventQueue::start(&stores, 100, Overflow::Drop).unwrap();
    gate.set(Mode::Stalled);
    (0..50).for_each(|value| assert!(queue.push(event(value))));
    gate.set(Mode::Open);
    drop(queue);
    assert_eq!(values(&stores).len(), 50);
}

#[test]
fn a_log_that_panics_is_an_error_of_flush() {
    let (stores, gate) = Gate::stores();
    let queue = EventQueue::start(&stores, 100, Overflow::Drop).unwrap();
    gate.set(Mode::Panics);
    queue.push(event(0));
    assert_eq!(wait(queue.flush()).unwrap_err().kind(), ErrorKind::Internal);
    assert_eq!(wait(queue.flush()).unwrap_err().kind(), ErrorKind::Internal);
}

#[test]
fn flushes_of_many_threads_each_cover_their_own() {
    let stores = Stores::memory();
    let queue = EventQueue::start(&stores, 16, Overflow::Block).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (queue, stores) = (&queue, &stores);
            scope.spawn(move || {
                for round in 0..20 {
                    let value = thread * 100 + round;
                    queue.push(event(value));
                    wait(queue.flush()).unwrap();
                    assert!(values(stores).contains(&value));
                }
            });
        }
    });
    check_stats(&queue, 80, 0, 0);
}
