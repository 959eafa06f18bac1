//! Run tracking and model promotion: what a training program holds.
//!
//! [`Tracker`] starts runs; a [`Run`] takes params, metrics, tags and artifacts without ever holding up
//! training; [`Registry`] turns a run's artifact into a model version and moves it through stages.
//! Everything is async and needs no runtime; [`blocking`] has the same types for programs without async.
//!
//! ```
//! use std::sync::Arc;
//!
//! use expt_core::{Actor, CodeVersion, DatasetVersion, Declared, Digest, Experiment, ExperimentId, Provenance};
//! use expt_store::{RunStoreExt, Stores, SystemClock};
//! use expt_track::{NewRun, Tracker};
//!
//! # expt_store::blocking::wait(async {
//! let stores = Stores::memory();
//! let tracker = Tracker::new(&stores, Arc::new(SystemClock));
//! let ranker = ExperimentId::new("ranker-v2")?;
//! tracker.register(ranker.clone(), "deeper trees rank better", Actor::new("ada")?).await?;
//!
//! let provenance = Provenance {
//!     dataset: DatasetVersion { name: "clicks".into(), digest: Digest::of(b"..."), rows: 3 }.into(),
//!     features: Declared::opted_out("raw columns only"),
//!     code: CodeVersion { commit: "3f2a91c".into(), dirty: false }.into(),
//!     seed: 7.into(),
//! };
//! let run = tracker.start(NewRun::new(ranker, "forest").with_param("depth", 8).with_provenance(provenance)).await?;
//! for epoch in 0..3 {
//!     run.metric("val_auc", epoch, 0.8 + 0.02 * epoch as f64); // returns at once
//! }
//! run.finish().await?; // everything above is stored when this returns
//!
//! let found = stores.runs.find_runs("metrics.val_auc > 0.83 and params.depth = 8").await?;
//! assert_eq!(found[0].id, run.id());
//! # Ok::<(), expt_store::Error>(()) }).unwrap();
//! ```
//!
//! # What it does not do
//! It searches no hyper-parameters (`expt-hpo`), serves nothing (`expt-serve`), and reads runs only for
//! promotion: queries go to the stores.

pub mod blocking;

mod registry;
mod run;
mod tracker;
mod writer;

pub use registry::{Promote, Registry};
pub use run::Run;
pub use tracker::{NewRun, Tracker, TrackerOptions};
pub use writer::Backpressure;

pub use expt_store::{Error, ErrorKind, Result};
