//! What logging costs the thread that trains.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use expt::core::{Actor, ExperimentId, MetricName, MetricPoint, Timestamp};
use expt::store::blocking::wait;
use expt::store::{Durability, Stores, SystemClock};
use expt::track::NewRun;
use expt::track::blocking::Tracker;

use crate::Figure;

const POINTS: u64 = 50_000;
const DIRECT: u64 = 5_000;

pub(crate) fn figures() -> Result<Vec<Figure>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let stores = Stores::open(folder.path())?;
    let tracker = Tracker::new(&stores, Arc::new(SystemClock));
    let experiment = ExperimentId::new("bench")?;
    tracker.register(experiment.clone(), "logging is cheap", Actor::new("bench")?)?;
    let run = tracker.start(NewRun::new(experiment, "points"))?;
    let begun = Instant::now();
    for step in 0..POINTS {
        run.metric("loss", step, 1.0 / (step + 1) as f64);
    }
    let calls = begun.elapsed();
    run.finish()?;
    let stored = begun.elapsed();

    // The same through the store, one acknowledged append a point, as a tracker without a queue would do it.
    let metric = MetricName::new("direct")?;
    let begun = Instant::now();
    for step in 0..DIRECT {
        let point = MetricPoint { metric: metric.clone(), step, value: 0.5, at: Timestamp::default() };
        wait(stores.runs.append_metrics(run.id(), &[point], Durability::Committed))?;
    }
    let direct = begun.elapsed().as_nanos() as f64 / DIRECT as f64;
    let nanos = |time: Duration| time.as_nanos() as f64 / POINTS as f64;
    let peer = Some(("one append a point, waited for", direct));
    Ok(vec![
        Figure { name: "metric call", value: nanos(calls), unit: "ns", peer, limit: None },
        Figure { name: "point stored, committed", value: nanos(stored), unit: "ns", peer, limit: None },
    ])
}
