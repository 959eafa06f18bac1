//! Readers while the config is swapped a thousand times a second.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use expt::assign::mix::UnitHash;
use expt::assign::{Context, PointHandle, Snapshot};
use expt::core::{Timestamp, UnitKind};
use expt::serve::{EventQueue, Overflow, Router};
use expt::store::Stores;

use super::configs::{point, snapshot};
use super::method::{EXPERIMENTS, ids, median};
use super::ours;
use crate::Figure;

pub(crate) fn figures() -> Result<Vec<Figure>, Box<dyn Error>> {
    let first = snapshot(EXPERIMENTS, UnitHash::default(), None)?;
    let point = first.decision_point(&point(0)?).ok_or("no point")?;
    let events = EventQueue::start(&Stores::memory(), 1, Overflow::Drop)?;
    let router = Router::new(first, Arc::new(events));
    let (ids, user) = (ids(), UnitKind::new("user")?);
    let bench = Bench { router, point, ids, user };
    let alone = bench.run(Vec::new())?;
    let next = (0..SWAPS).map(|_| snapshot(EXPERIMENTS, UnitHash::default(), None));
    let swapped = bench.run(next.collect::<Result<_, _>>()?)?;
    let ratios = alone.iter().zip(&swapped).map(|(alone, swapped)| swapped / alone);
    let slowest = |of: &[f64]| of.iter().copied().fold(0.0, f64::max);
    Ok(vec![
        ours(
            "slowest of two readers with 1,000 swaps a second, against none",
            ratios.fold(0.0, f64::max),
            "x",
            2.0,
        ),
        ours("assignment from an id through a router, two readers", slowest(&alone), "ns", None),
        ours("the same with 1,000 swaps a second", slowest(&swapped), "ns", None),
    ])
}

struct Bench {
    router: Router,
    point: PointHandle,
    ids: Vec<String>,
    user: UnitKind,
}

impl Bench {
    /// Nanoseconds of CPU time that an assignment takes in each of two threads, while a third puts one snapshot
    /// after the other in force.
    fn run(&self, next: Vec<Snapshot>) -> Result<Vec<f64>, Box<dyn Error>> {
        let (begin, done) = (Barrier::new(READERS + 1), AtomicBool::new(false));
        let read = || {
            let mut rounds = Vec::new();
            begin.wait();
            while !done.load(Ordering::Relaxed) {
                rounds.push(self.round());
            }
            median(rounds)
        };
        std::thread::scope(|scope| {
            let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(read)).collect();
            let pause = Duration::from_millis(1);
            begin.wait();
            if next.is_empty() {
                std::thread::sleep(pause * u32::try_from(SWAPS)?);
            }
            let mut due = Instant::now();
            for snapshot in next {
                self.router.swap(snapshot);
                due += pause;
                // One that was late is not made up for: a burst is not what is asked.
                match due.checked_duration_since(Instant::now()) {
                    Some(left) => std::thread::sleep(left),
                    None => due = Instant::now(),
                }
            }
            done.store(true, Ordering::Relaxed);
            readers.into_iter().map(|reader| reader.join().map_err(|_| "a reader panicked".into())).collect()
        })
    }

    /// So many assignments that snapshots are swapped within.
    fn round(&self) -> f64 {
        let begun = ThreadTime::now();
        for id in std::iter::repeat_n(&self.ids, PASSES).flatten() {
            self.assign(id);
        }
        begun.elapsed().as_nanos() as f64 / (PASSES * self.ids.len()) as f64
    }

    /// One request.
    #[inline]
    fn assign(&self, id: &str) {
        let snapshot = self.router.read();
        let Ok(unit) = snapshot.unit(&self.user, black_box(id)) else { return };
        let context = Context::new(Timestamp::from_micros(0));
        black_box(snapshot.assign(&unit, black_box(self.point), &context).binding());
    }
}

const READERS: usize = 2;
const SWAPS: usize = 500;
const PASSES: usize = 64;
