//! What a serving binary relies on: loading, routing, the event queue, the shadow.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod events;
mod loader;
mod queue;
mod router;
mod shadow;

use std::sync::Arc;

use expt_core::{
    Actor, CodeVersion, DatasetVersion, Declared, Digest, ExperimentId, FeatureDefinition, FeaturePin,
    FeatureVersion, ModelName, Provenance,
};
use expt_serve::{Deployment, LoadFor, Loader};
use expt_store::blocking::wait;
use expt_store::{Stores, SystemClock};
use expt_track::NewRun;
use expt_track::blocking::{Registry, Tracker};

fn actor() -> Actor {
    Actor::new("ada").unwrap()
}

fn model() -> ModelName {
    ModelName::new("ranker").unwrap()
}

fn registry(stores: &Stores) -> Registry {
    Registry::new(stores, Arc::new(SystemClock))
}

fn pin(expression: &str) -> FeaturePin {
    let definition =
        FeatureDefinition { name: "x".into(), expression: expression.into(), inputs: vec!["x".into()] };
    FeaturePin { pipeline: "p".into(), definitions: vec![definition], commit: None, golden: Vec::new() }
}

/// Trains and registers the next version of the model, with its bytes; `gap` is what its seed lacks.
fn train(stores: &Stores, bytes: &'static str, features: impl Into<Declared<FeaturePin>>, gap: bool) -> u32 {
    let features = features.into();
    let digest = features.given().map_or(Digest::of(b"raw"), |pin| pin.digest().unwrap());
    let provenance = Provenance {
        dataset: DatasetVersion { name: "clicks".into(), digest: Digest::of(b"rows"), rows: 3 }.into(),
        features: FeatureVersion { pipeline: "p".into(), digest }.into(),
        code: CodeVersion { commit: "c1".into(), dirty: false }.into(),
        seed: if gap { Declared::opted_out("lost") } else { 7.into() },
    };
    let tracker = Tracker::new(stores, Arc::new(SystemClock));
    let experiment = ExperimentId::new("e").unwrap();
    tracker.register(experiment.clone(), "it is better", actor()).unwrap();
    let run = tracker.start(NewRun::new(experiment, bytes).with_provenance(provenance)).unwrap();
    run.artifact("model", bytes).unwrap();
    run.finish().unwrap();
    registry(stores).register(&model(), run.id(), "model", features).unwrap().version
}

/// A version that may be shown.
fn deploy(stores: &Stores, bytes: &'static str) -> Deployment {
    let version = train(stores, bytes, pin("x"), false);
    wait(Loader::new(stores, pin("x")).load(&model(), version, LoadFor::Showing)).unwrap()
}
