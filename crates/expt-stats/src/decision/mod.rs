//! From estimates to a verdict, with its derivation.

mod design;
mod engine;
mod eyes;
mod outcome;
mod procedure;
mod readings;

pub use design::{Design, Direction, Guardrail, Metric};
pub use outcome::{Decision, Harm, InvalidReason, MetricDecision, MetricStatus, Role, Rule, Step, Verdict};
pub use procedure::Procedure;
pub use readings::{MetricState, Readings};
