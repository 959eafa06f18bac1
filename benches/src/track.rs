//! What logging costs the thread that trains.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use expt::core::{Actor, ExperimentId};
use expt::store::{Stores, SystemClock};
use expt::track::NewRun;
use expt::track::blocking::Tracker;

use crate::Figure;

const POINTS: u64 = 50_000;

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
    let nanos = |time: std::time::Duration| time.as_nanos() as f64 / POINTS as f64;
    Ok(vec![
        Figure {
            name: "metric call",
            value: nanos(calls),
            unit: "ns",
            peer: Some(("waiting for the store", nanos(stored))),
            limit: None,
        },
        Figure { name: "point stored", value: nanos(stored), unit: "ns", peer: None, limit: None },
    ])
}
