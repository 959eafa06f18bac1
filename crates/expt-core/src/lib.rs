//! Ids, runs, plans, stamps, events and the query language of expt: the words that every other crate uses.
//!
//! This crate is pure. It does no I/O, starts no thread, asks no clock and holds no global; times and
//! digests come in as arguments.
//!
//! ```
//! use expt_core::query::RunQuery;
//! use expt_core::{ExperimentId, MetricName, MetricSummary, Run, RunId};
//!
//! let id = RunId::derive(["ranker-v2", "seed 7"]);
//! let mut run = Run::new(id, ExperimentId::new("ranker-v2")?, "forest", "2026-03-01".parse()?);
//! run.params.insert("depth".into(), 8.into());
//! run.metrics.insert(MetricName::new("val_auc")?, MetricSummary::of(0, 0.87));
//!
//! let query = RunQuery::parse("metrics.val_auc > 0.85 and params.depth = 8 and started since '2026-02-01'")?;
//! assert!(query.filter.matches(&run));
//! # Ok::<(), expt_core::CoreError>(())
//! ```
//!
//! # The main types
//! - **Offline:** [`Experiment`], [`Run`] with its [`Provenance`], [`MetricPoint`], [`ArtifactRef`].
//! - **Registry:** [`ModelVersion`], [`Stage`], [`Promotion`], [`Document`].
//! - **Features:** [`FeaturePin`] and [`PinDiff`], the comparison with what is live.
//! - **Online:** [`Plan`] and [`SealedPlan`], [`Stamp`], and the event rows [`Exposure`], [`Prediction`],
//!   [`Outcome`] and [`MergedList`].
//! - **Asking:** [`query`]. **Sealing:** [`canonical`] and [`Digest`].
//!
//! # What it does not do
//! It stores nothing (`expt-store`), decides no assignment (`expt-assign`) and computes no statistic
//! (`expt-stats`).

pub mod canonical;
pub mod query;

mod artifact;
mod digest;
mod document;
mod error;
mod event;
mod experiment;
mod id;
mod metric;
mod model;
mod pin;
mod plan;
mod provenance;
mod run;
mod stamp;
mod time;
mod value;

pub use artifact::ArtifactRef;
pub use digest::Digest;
pub use document::Document;
pub use error::{CoreError, Result};
pub use event::{
    Event, Exposure, ExposureTarget, Identity, MergedList, MergedPosition, Outcome, Output, Prediction,
    ScoredItem, Subject,
};
pub use experiment::Experiment;
pub use id::{
    Actor, ArmId, DecisionPoint, ExperimentId, HoldoutId, LayerId, MAX_NAME_BYTES, MetricName, ModelName,
    OutcomeId, PhaseId, PredictionId, RequestId, RunId, UnitId, UnitKind,
};
pub use metric::{MetricPoint, MetricSummary};
pub use model::{Evidence, ModelVersion, Promotion, Stage};
pub use pin::{FeatureDefinition, FeaturePin, GoldenRow, PinDiff, PinStatus};
pub use plan::{
    AbTestPlan, Aggregation, Binding, Correction, Direction, PhaseKind, Plan, PlannedArm, PlannedMetric,
    SealedPlan, ShadowPlan, Share,
};
pub use provenance::{CodeVersion, DatasetVersion, Declared, FeatureVersion, Provenance};
pub use run::{Run, RunKind, RunStatus};
pub use stamp::{ArmRef, ModelOrigin, Shown, Stamp};
pub use time::Timestamp;
pub use value::ParamValue;
