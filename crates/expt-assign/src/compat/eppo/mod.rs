//! Eppo: flags in the Universal Flag Configuration, and experiments in the format before it.
//!
//! [`Flags`] reads configurations for servers, and for clients, whose names are MD5 digests and whose values
//! are base64. It evaluates as the vendor's Rust SDK does where the vendor's SDKs differ (conversions of
//! attributes, regular expressions), except that build metadata does not order versions. [`Experiments`]
//! reads the older format, with its holdouts, as the last JavaScript SDK for it did.
//!
//! Contextual bandits and logging are not offered.

mod condition;
mod error;
mod evaluate;
mod flags;
mod import;
mod obfuscation;
mod rac;
mod rac_rule;
mod shard;
mod time;
mod value;

#[cfg(test)]
mod tests;

pub use error::{EppoError, NoAssignment};
pub use evaluate::{AllocationCode, AllocationEvaluation, Assignment, Evaluation};
pub use flags::Flags;
pub use rac::{ExperimentAssignment, Experiments, Holdout, HoldoutPart, ValueType};
pub use shard::shard;
pub use value::{AssignmentValue, VariationType};
