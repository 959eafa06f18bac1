//! The event `feature_flag.evaluation` of the semantic conventions of OpenTelemetry, as names and values.
//!
//! The group is a release candidate there (as of August 2026), and names have changed several times. So
//! events are written with the names that hold now, and [`EvaluationEvent::from_attributes`] reads those that
//! held before as well, which some SDKs still write.
//!
//! An event is to be emitted as a log record with the name [`EvaluationEvent::NAME`]; span events are on
//! their way out. This crate emits nothing: give a closure that does to a [`TelemetryHook`], or make events
//! of assignments where the engine is asked without the SDK.
//!
//! ```
//! use expt_openfeature::telemetry::{EvaluationEvent, TelemetryHook, UnitIds};
//!
//! // The id of a unit goes out only as a keyed hash.
//! let hook = TelemetryHook::new(|event: EvaluationEvent| {
//!     for (name, value) in event.attributes() {
//!         // add it to a log record, and emit that under EvaluationEvent::NAME
//! #       let _ = (name, value);
//!     }
//! })
//! .with_unit_ids(UnitIds::hashed("a secret of the shop"));
//! # let _ = hook;
//! ```
//!
//! Nothing but a count may be logged of an excluded unit, so its evaluation makes no event.

mod event;
mod hook;
pub mod names;
mod read;
mod unit_ids;

pub use event::EvaluationEvent;
pub use hook::TelemetryHook;
pub use read::ReadError;
pub use unit_ids::UnitIds;
