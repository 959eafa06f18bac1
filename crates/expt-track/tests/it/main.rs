//! What a training program relies on: runs, the writer behind them, the registry.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod registry;
mod run;
mod stores;
mod writer;

use std::sync::Arc;

use expt_core::{
    Actor, CodeVersion, DatasetVersion, Digest, ExperimentId, FeatureVersion, Provenance, Run as Stored,
    RunId,
};
use expt_store::blocking::wait;
use expt_store::{Stores, SystemClock};
use expt_track::{NewRun, Run, Tracker, TrackerOptions};

/// A tracker with the experiment `e`.
fn tracker(stores: &Stores, options: &TrackerOptions) -> Tracker {
    let tracker = Tracker::with_options(stores, Arc::new(SystemClock), options).unwrap();
    wait(tracker.register(experiment(), "it is better", actor("ada"))).unwrap();
    tracker
}

fn start(tracker: &Tracker, name: &str) -> Run {
    wait(tracker.start(NewRun::new(experiment(), name).with_id(RunId::derive([name])))).unwrap()
}

fn stored(stores: &Stores, name: &str) -> Stored {
    wait(stores.runs.run(RunId::derive([name]))).unwrap()
}

fn experiment() -> ExperimentId {
    ExperimentId::new("e").unwrap()
}

fn actor(name: &str) -> Actor {
    Actor::new(name).unwrap()
}

/// Without gaps; `features` is the digest of a pin.
fn provenance(features: Digest) -> Provenance {
    Provenance {
        dataset: DatasetVersion { name: "clicks".into(), digest: Digest::of(b"rows"), rows: 3 }.into(),
        features: FeatureVersion { pipeline: "p".into(), digest: features }.into(),
        code: CodeVersion { commit: "3f2a91c".into(), dirty: false }.into(),
        seed: 7.into(),
    }
}
