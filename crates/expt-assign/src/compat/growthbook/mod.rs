//! GrowthBook: feature rules, experiments and sticky buckets, as its JavaScript SDK evaluates them.
//!
//! The model is `packages/sdk-js` at specification 0.8.0. [`Features`] holds a payload; [`Features::evaluate`]
//! and [`Features::run`] are pure: sticky buckets come in with the [`Context`] and the changed ones go out
//! with the result; tracking is up to the caller.
//!
//! Where it differs from the SDK:
//! - Payloads with fields of another type than documented are refused, where JavaScript would convert.
//! - What would make the SDK throw an exception is a condition that nothing passes.
//! - Objects are compared as wholes without regard to the order of their keys.
//! - Regular expressions with lookaround or back references match nothing, and `.` takes a character, not
//!   half a surrogate pair.
//! - URL targeting, visual changes, redirects and encrypted payloads are not evaluated, and refused where
//!   ignoring them would let more users in.

mod buckets;
mod condition;
mod context;
mod error;
mod evaluate;
mod experiment;
mod features;
mod hash;
mod import;
pub(in crate::compat) mod js;
mod members;
mod operator;
pub(in crate::compat) mod pattern;
mod query;
mod remember;
mod result;
mod sticky;
mod targeting;
mod version;

#[cfg(test)]
mod tests;

pub use buckets::{BucketRange, Namespace, bucket_ranges, choose_variation, equal_weights};
pub use condition::Condition;
pub use context::Context;
pub use error::GrowthBookError;
pub use experiment::Experiment;
pub use features::Features;
pub use hash::{bucket_namespace, bucket_v1, bucket_v2, bucket_v2_bytes, hash};
pub use members::SavedGroups;
pub use query::query_string_override;
pub use result::{BanditLeaf, Evaluation, ExperimentResult, FeatureResult, FeatureSource};
pub use sticky::{StickyBuckets, StickyDocument, StickyKey};
