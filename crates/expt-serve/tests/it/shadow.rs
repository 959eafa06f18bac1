//! A candidate that can neither slow nor break what is shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use expt_core::{
    ArmRef, Event, Output, Prediction, PredictionId, RequestId, Shown, Stamp, Timestamp, UnitId, UnitKind,
};
use expt_serve::{Deployment, EventQueue, Overflow, Shadow};
use expt_store::Stores;
use expt_store::blocking::wait;

use crate::deploy;
use crate::events::logged;

fn live(deployment: &Deployment, request: u64) -> Prediction {
    let arm = ArmRef {
        experiment: "e".parse().unwrap(),
        phase: "e/ab".parse().unwrap(),
        arm: "a".parse().unwrap(),
    };
    let model = deployment.origin().as_ref().clone();
    Prediction {
        id: PredictionId::derive([request.to_le_bytes()]),
        at: Timestamp::from_micros(5),
        request: RequestId::derive([request.to_le_bytes()]),
        unit: UnitId::new("u").unwrap(),
        unit_kind: UnitKind::new("user").unwrap(),
        stamp: Arc::new(Stamp { model, arms: vec![arm], config_version: 3, shown: Shown::Arm }),
        output: Output::Value(0.5),
    }
}

struct Setting {
    stores: Stores,
    one: Deployment,
    two: Deployment,
    events: Arc<EventQueue>,
}

fn setting() -> Setting {
    let stores = Stores::memory();
    let (one, two) = (deploy(&stores, "one"), deploy(&stores, "two"));
    let events = Arc::new(EventQueue::start(&stores, 1000, Overflow::Drop).unwrap());
    Setting { stores, one, two, events }
}

impl Setting {
    fn shadow<I: Send + 'static>(
        &self,
        capacity: usize,
        candidate: impl Fn(&I) -> Output + Send + 'static,
    ) -> Shadow<I> {
        Shadow::start(&self.two, capacity, Arc::clone(&self.events), candidate).unwrap()
    }

    fn logged(&self) -> Vec<Prediction> {
        wait(self.events.flush()).unwrap();
        let prediction = |event| match event {
            Event::Prediction(prediction) => prediction,
            other => panic!("{other:?}"),
        };
        logged(&self.stores).into_iter().map(prediction).collect()
    }
}

#[test]
fn finish_drains_and_what_is_logged_belongs_to_the_live_request() {
    let setting = setting();
    let shadow = setting.shadow(100, |input: &f64| Output::Value(input * 2.0));
    for request in 0..50 {
        assert!(shadow.offer(request as f64, &live(&setting.one, request), Duration::from_millis(3)));
    }
    let stats = shadow.finish();
    assert_eq!((stats.eligible, stats.answered, stats.dropped, stats.panicked), (50, 50, 0, 0));
    assert_eq!((stats.live.count(), stats.shadow.count()), (50, 50));
    let median = stats.live.quantile(0.5).unwrap();
    assert!((Duration::from_millis(3)..Duration::from_micros(3375)).contains(&median), "{median:?}");
    let logged = setting.logged();
    assert_eq!(logged.len(), 50);
    for (request, shadow) in logged.iter().enumerate() {
        let live = live(&setting.one, request as u64);
        assert_eq!((shadow.request, shadow.at, &shadow.unit), (live.request, live.at, &live.unit));
        assert_ne!(shadow.id, live.id);
        assert_eq!(shadow.output, Output::Value(request as f64 * 2.0));
        assert_eq!((&shadow.stamp.shown, &shadow.stamp.model), (&Shown::Shadow, &**setting.two.origin()));
        assert_eq!((&shadow.stamp.arms, shadow.stamp.config_version), (&live.stamp.arms, 3));
    }
}

#[test]
fn a_request_that_is_shadowed_again_is_a_duplicate() {
    let setting = setting();
    let shadow = setting.shadow(10, |_: &()| Output::Value(1.0));
    [1, 1, 2]
        .iter()
        .for_each(|request| assert!(shadow.offer((), &live(&setting.one, *request), Duration::ZERO)));
    drop(shadow);
    let ids: Vec<_> = setting.logged().iter().map(|prediction| prediction.id).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids[0] == ids[1] && ids[1] != ids[2]);
}

/// Panics when it is dropped, if it holds true.
struct Bomb(bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!self.0, "an input that panics when it is dropped, as asked for");
    }
}

#[test]
fn a_candidate_that_panics_is_counted_and_goes_on() {
    let setting = setting();
    let shadow = setting.shadow(100, |input: &u64| {
        assert!(!input.is_multiple_of(3), "a candidate that panics, as asked for");
        Output::Value(*input as f64)
    });
    (0..9).for_each(|request| assert!(shadow.offer(request, &live(&setting.one, request), Duration::ZERO)));
    let stats = shadow.finish();
    assert_eq!((stats.eligible, stats.answered, stats.panicked), (9, 6, 3));
    assert_eq!((stats.live.count(), setting.logged().len()), (6, 6), "latencies are of the same requests");

    let shadow = setting.shadow(10, |_: &Bomb| Output::Value(0.0));
    [true, false]
        .into_iter()
        .for_each(|bomb| assert!(shadow.offer(Bomb(bomb), &live(&setting.one, 0), Duration::ZERO)));
    let stats = shadow.finish();
    assert_eq!((stats.answered, stats.panicked), (1, 1));
}

#[test]
fn a_full_queue_is_counted_and_nobody_waits() {
    let setting = setting();
    let (open, gate) = mpsc::channel::<()>();
    let begun = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&begun);
    let shadow = setting.shadow(4, move |_: &()| {
        counter.fetch_add(1, Ordering::SeqCst);
        let _ = gate.recv();
        Output::Value(0.0)
    });
    let offer = |request| shadow.offer((), &live(&setting.one, request), Duration::ZERO);
    assert!(offer(0));
    let started = Instant::now();
    while begun.load(Ordering::SeqCst) == 0 && started.elapsed() < Duration::from_secs(2) {
        std::thread::yield_now();
    }
    let taken = (1..20).filter(|request| offer(*request)).count();
    assert_eq!(taken, 4);
    assert!(started.elapsed() < Duration::from_secs(2));
    drop(open);
    let stats = shadow.finish();
    assert_eq!((stats.eligible, stats.answered, stats.dropped), (20, 5, 15));
    assert_eq!(setting.logged().len(), 5);
}
