//! Deterministic, layered, explainable assignment: what does this unit get?
//!
//! A [`Config`] says who may get what; [`Snapshot::compile`] checks it and turns it into a pure function
//! from a unit and a decision point to an [`Assignment`]. No I/O, threads, clocks or globals.
//!
//! ```
//! use expt_assign::{
//!     ArmEntry, Config, LayerEntry, PhaseEntry, PhaseState, Ranges, Reason, Snapshot, UnitEntry,
//! };
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
//!     .with_arm(ArmEntry::new("control".parse()?, control.clone()).with_binding(ranker.clone(), model(3)))
//!     .with_arm(ArmEntry::new("v2".parse()?, treatment.clone()).with_binding(ranker.clone(), model(4)));
//! let config = Config::new("shop", "shop-2026", 1)
//!     .with_unit(UnitEntry::new(user.clone(), "user_id").with_fallback("device_id"))
//!     .with_layer(LayerEntry::new("ranking".parse()?, user.clone(), [ranker.clone()]))
//!     .with_phase(phase);
//!
//! let snapshot = Snapshot::compile(config)?; // or every fault at once
//! let point = snapshot.decision_point(&ranker).ok_or("no layer lists it")?;
//! let unit = snapshot.unit(&user, UnitId::new("u-8")?)?; // digested once a request
//! let assignment = snapshot.assign(&unit, point, &[]);
//! assert_eq!(assignment.reason(), Reason::Arm);
//! assert_eq!(assignment.binding(), Some(&model(4)));
//! let exposure = assignment.exposure(Timestamp::from_micros(0)).ok_or("not analysed")?;
//! assert_eq!((exposure.unit.as_str(), exposure.config_version), ("u-8", 1));
//! let why = snapshot.explain(&unit, &ranker, &[]).to_string();
//! assert!(why.ends_with("(experiment \"ranker-v2\", epoch 1), analysed"), "{why}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The main types
//! - **Saying it:** [`Config`] with [`UnitEntry`], [`LayerEntry`], [`PhaseEntry`], [`HoldoutEntry`];
//!   [`Ranges`], which are the truth about traffic; [`Faults`], everything that is wrong.
//! - **Asking it:** [`Snapshot`], whose documentation has the order of evaluation; [`Unit`] and
//!   [`PointHandle`]; [`Assignment`] with its [`Outcome`]; [`Explanation`].
//! - **Around it:** [`StickyRecord`] in and out; [`ExposureSink`] and [`Deduplicate`].
//! - **Underneath:** [`mix`], the algorithm. It is **not frozen yet**: see there.
//!
//! # What it does not do
//! - It stores, sends and logs nothing. Loading sticky records and queueing exposures is up to whoever
//!   serves (`expt-serve`).
//! - There is no targeting, no prerequisite, no adaptive split, no interleaving, no planner that compares
//!   two configs, and no compatibility with the buckets of other products yet.
//! - A holdout recognises units of its own kind only: a request with several linked identities is asked
//!   about one by one.
//! - It cannot check that traffic stays within the maximum of a plan: it knows only the plan's digest.
//!
//! # Features
//! - `json` (default): [`Config`] reads and writes JSON. Without it a config is built in code or read with
//!   another serde format.

#[cfg(feature = "compat")]
pub mod compat;
pub mod mix;

mod assignment;
mod check;
mod config;
mod dedup;
mod error;
mod explain;
mod fault;
mod ranges;
mod sink;
mod snapshot;
mod sticky;
mod unit;

pub use assignment::{Assignment, Outcome, Reason, Served};
pub use config::{
    ArmEntry, Config, ExcludedUnit, FORMAT, ForcedUnit, Format, HoldoutEntry, HoldoutScope, LayerEntry,
    PhaseEntry, PhaseState, ProjectKey, Stickiness, UnitEntry,
};
pub use dedup::Deduplicate;
pub use error::{AssignError, Result};
pub use explain::{Explanation, Stage, Step};
pub use fault::{Fault, FaultKind, Faults};
pub use ranges::{Range, Ranges};
pub use sink::{ExposureSink, Full};
pub use snapshot::{PointHandle, Snapshot};
pub use sticky::StickyRecord;
pub use unit::Unit;
