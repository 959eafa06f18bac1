//! Hyper-parameter search: a study is a run, its trials are child runs.
//!
//! A [`Space`] says what may vary, a [`Sampler`] suggests params, a [`Pruner`] ends hopeless trials early,
//! and a [`Study`] keeps all of it as runs, so that every trial can be queried, promoted and traced like any
//! other run.
//!
//! ```
//! use std::sync::Arc;
//!
//! use expt_core::{Actor, Direction, ExperimentId};
//! use expt_hpo::{Domain, MedianPruner, Space, StudyOptions, blocking::Study};
//! use expt_store::{Stores, SystemClock};
//! use expt_track::blocking::Tracker;
//!
//! let stores = Stores::memory();
//! let tracker = Tracker::new(&stores, Arc::new(SystemClock));
//! let experiment = ExperimentId::new("ranker-v2")?;
//! tracker.register(experiment.clone(), "a better rate", Actor::new("ada")?)?;
//!
//! let space = Space::new().with("rate", Domain::log_float(1e-4, 1.0)?)?.with("depth", Domain::int(2, 8)?)?;
//! let options = StudyOptions::new(experiment, "rates", space, "loss", Direction::LowerIsBetter)
//!     .with_seed(7)
//!     .with_pruner(MedianPruner::default());
//! let study = Study::start(&tracker, options)?;
//! for _ in 0..20 {
//!     let trial = study.ask()?;
//!     let loss = (trial.float("rate")?.ln() + 4.0).abs() + trial.int("depth")? as f64;
//!     trial.complete(loss)?;
//! }
//! let best = study.finish()?.expect("twenty trials completed");
//! assert!(best.value.unwrap() < 6.0);
//! # Ok::<(), expt_store::Error>(())
//! ```
//!
//! The value of the best of many trials is biased by the selection: judge what you promote on data that the
//! search never saw.
//!
//! # What it does not do yet
//! Its one sampler is random; a study lives in one process and is not resumed.

pub mod blocking;

mod pruner;
mod sampler;
mod space;
mod study;
mod trial;

pub use pruner::{MedianPruner, NeverPrune, PruneDecision, PruneView, Pruner};
pub use sampler::{RandomSampler, Sampler, SuggestContext};
pub use space::{Domain, Params, Space};
pub use study::{Observation, Study, StudyOptions, TrialState};
pub use trial::Trial;

pub use expt_store::{Error, ErrorKind, Result};
