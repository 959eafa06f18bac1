//! Deterministic, layered, explainable assignment: what does this unit get?
//!
//! A [`Config`] says who may get what; [`Snapshot::compile`] checks it and turns it into a pure function
//! from a unit and a decision point to an [`Assignment`]. No I/O, threads, clocks or globals.
//!
//! ```
//! use expt_assign::{
//!     ArmEntry, Config, Context, LayerEntry, PhaseEntry, PhaseState, Ranges, Reason, Snapshot, UnitEntry,
//! };
//! use expt_assign::targeting::Value;
//! use expt_core::*;
//!
//! let (user, ranker) = (UnitKind::new("user")?, DecisionPoint::new("ranker")?);
//! let model = |version| Binding::Pinned {
//!     model: ModelName::new("ranker").unwrap(),
//!     version,
//!     digest: Digest::of(b"the bytes of the model"),
//! };
//! let [control, treatment] = &Ranges::split(&[Share::HALF, Share::HALF])?[..] else { panic!() };
//! let plan = Digest::of(b"a sealed plan"); // really: PhaseEntry::from_plan(&plan.seal()?)
//! let phase = PhaseEntry::new("ranker-v2/ab".parse()?, "ranker-v2".parse()?, "ranking".parse()?, plan)
//!     .with_state(PhaseState::Running)
//!     .with_ranges(Ranges::of(Share::percent(20)?))
//!     .with_targeting("country in ('DE', 'AT')".parse()?)
//!     .with_arm(ArmEntry::new("control".parse()?, control.clone()).with_binding(ranker.clone(), model(3)))
//!     .with_arm(ArmEntry::new("v2".parse()?, treatment.clone()).with_binding(ranker.clone(), model(4)));
//! let config = Config::new("shop", "shop-2026", 1)
//!     .with_unit(UnitEntry::new(user.clone(), "user_id").with_fallback("device_id"))
//!     .with_layer(LayerEntry::new("ranking".parse()?, user.clone(), [ranker.clone()]))
//!     .with_phase(phase);
//!
//! let snapshot = Snapshot::compile(config)?; // or every fault at once
//! let point = snapshot.decision_point(&ranker).ok_or("no layer lists it")?;
//!
//! // A request: its unit is digested once, and nothing is allocated.
//! let unit = snapshot.unit(&user, "u-8")?;
//! let attributes = [("country", Value::Text("DE"))];
//! let context = Context::new(Timestamp::from_micros(0)).with_attributes(&attributes);
//! let assignment = snapshot.assign(&unit, point, &context);
//! assert_eq!(assignment.reason(), Reason::Arm);
//! assert_eq!(assignment.binding(), Some(&model(4)));
//! let exposure = assignment.exposure(context.now()).ok_or("not analysed")?; // or .expose(at, &sink)
//! assert_eq!((exposure.unit.as_str(), exposure.config_version), ("u-8", 1));
//! let why = snapshot.explain(&unit, &ranker, &context).to_string();
//! assert!(why.ends_with("(experiment \"ranker-v2\", epoch 1), analysed"), "{why}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The main types
//! - **Saying it:** [`Config`] with [`UnitEntry`], [`LayerEntry`], [`PhaseEntry`], [`HoldoutEntry`],
//!   [`ExclusionEntry`]; [`targeting::Rule`], which requests a phase is for; [`Ranges`], which are the truth
//!   about traffic; [`Faults`], everything that is wrong.
//! - **Asking it:** [`Snapshot`], whose documentation has the order of evaluation; [`Unit`], [`Context`] and
//!   [`PointHandle`]; [`Assignment`] with its [`Outcome`]; [`Choices`], every layer at once; [`Explanation`].
//! - **Changing it:** [`planner`], which says who would enter, leave or switch before anybody does.
//! - **Around it:** [`StickyRecord`] in and out; [`ExposureSink`] and [`Deduplicate`].
//! - **Underneath:** [`mix`], the frozen algorithm, with golden vectors and a second implementation in Python.
//!
//! # What it does not do
//! - It stores, sends and logs nothing. Loading sticky records and queueing exposures is up to whoever
//!   serves (`expt-serve`).
//! - There is no adaptive split and no interleaving yet.
//! - It cannot check that traffic stays within the maximum of a plan: it knows only the plan's digest.
//!
//! # Features
//! - `json` (default): [`Config`] reads and writes JSON. Without it a config is built in code or read with
//!   another serde format.
//! - `regex` (default): rules may test texts with regular expressions. Without it such a config does not
//!   compile, and says so.
//! - `compat`: the buckets and evaluations of other products, for teams that move here.

#[cfg(feature = "compat")]
pub mod compat;
pub mod mix;
pub mod planner;
pub mod targeting;

mod assignment;
mod check;
mod choice;
mod config;
mod context;
mod dedup;
mod error;
mod explain;
mod fault;
mod ranges;
mod sink;
mod snapshot;
mod sticky;
mod unit;

pub use assignment::{Assignment, Outcome, Peek, Reason, Served};
pub use choice::Choices;
pub use config::{
    ArmEntry, BreakGlass, Buckets, Clusters, Config, ExcludedUnit, ExclusionCause, ExclusionEntry,
    ExposurePolicy, FORMAT, ForcedUnit, Format, HoldoutEntry, HoldoutLifetime, HoldoutScope, LayerEntry,
    LoginRule, MAX_JSON_BYTES, PhaseEntry, PhaseState, Prerequisite, ProjectKey, ShippedOnly, Stickiness,
    UnitEntry, Window,
};
pub use context::Context;
pub use dedup::Deduplicate;
pub use error::{AssignError, Result};
pub use explain::{Explanation, Stage, Step};
pub use fault::{Fault, FaultKind, Faults};
pub use ranges::{Range, Ranges};
pub use sink::{ExposureSink, Full, Pushed};
pub use snapshot::{KindHandle, PointHandle, Snapshot};
pub use sticky::StickyRecord;
pub use unit::Unit;
