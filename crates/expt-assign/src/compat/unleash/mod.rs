//! Unleash: strategies, constraints, segments, variants and dependencies, evaluated as its SDKs do.
//!
//! The behaviour is that of the client specification (Unleash/client-specification, files 01 to 22). Where the
//! specification is silent, it is that of the Node SDK, whose rules other SDKs follow: text where a number is
//! expected is read as JavaScript's `Number`, `DATE_*` compares the context's time whatever the field, a pattern
//! that does not compile never matches. Two points follow Unleash's Rust core (yggdrasil) instead, because there
//! the Node SDK depends on what its caller did: a feature without a list of strategies is one with an empty list,
//! and a strategy without a group id is in the group of its feature's name.
//!
//! Nothing here asks a clock, a host name or a random generator: they come in with the [`Context`].
//!
//! ```
//! use expt_assign::compat::unleash::{Context, Features, rollout_bucket};
//!
//! let features = Features::from_json(
//!     r#"{"version": 1, "features": [{"name": "ranker", "enabled": true, "strategies": [
//!         {"name": "flexibleRollout", "parameters": {"rollout": "50", "groupId": "ranker"}}]}]}"#,
//! )?;
//! let context = Context { user_id: Some("carol".to_owned()), ..Context::default() };
//! assert_eq!(features.is_enabled("ranker", &context), rollout_bucket("ranker", "carol") <= 50);
//! # Ok::<(), expt_assign::compat::unleash::Error>(())
//! ```

mod cidr;
mod constraint;
mod context;
mod error;
mod features;
mod pattern;
mod strategy;
pub(super) mod text;
mod variant;
mod wire;

pub use context::Context;
pub use error::Error;
pub use features::Features;
pub use variant::{Payload, Variant};

/// The bucket, from 1 to 100, that a rollout percentage is compared with: the unit is in if it is not above it.
///
/// Murmur3 (x86, 32 bit, seed 0) of `{group}:{id}`, modulo 100, plus 1.
#[must_use]
pub fn rollout_bucket(group: &str, id: &str) -> u32 {
    murmur3(group, id, ROLLOUT_SEED) % 100 + 1
}

/// The bucket, from 1 to `total`, that the running sum of variant weights is compared with.
///
/// Murmur3 (x86, 32 bit, seed 86028157) of `{group}:{id}`, modulo `total`, plus 1. A `total` of 0 gives 1.
#[must_use]
pub fn variant_bucket(group: &str, id: &str, total: u32) -> u32 {
    murmur3(group, id, VARIANT_SEED) % total.max(1) + 1
}

fn murmur3(group: &str, id: &str, seed: u32) -> u32 {
    // Reading from memory does not fail.
    murmur3::murmur3_32(&mut format!("{group}:{id}").as_bytes(), seed).unwrap_or_default()
}

const ROLLOUT_SEED: u32 = 0;
const VARIANT_SEED: u32 = 86_028_157;

#[cfg(test)]
mod tests {
    use super::*;

    /// Buckets by an independent Python implementation of the formula.
    #[test]
    fn buckets() {
        assert_eq!(rollout_bucket("a", "CY7Bvqiy8CsT07Lq8TDIWG2x9aJTFMP9-2kUtMXhkPrSbbAjLGms"), 33);
        assert_eq!(rollout_bucket("ranker_v2", "carol@example.com"), 47);
        assert_eq!(variant_bucket("a", "CY7Bvqiy8CsT07Lq8TDIWG2x9aJTFMP9-2kUtMXhkPrSbbAjLGms", 1000), 413);
        assert_eq!(variant_bucket("ranker_v2", "carol@example.com", 1000), 302);
    }

    /// The Node SDK's own test of its normalised values (`strategy/util.test.ts`, as published by Unleash).
    #[test]
    fn published_values() {
        assert_eq!(rollout_bucket("gr1", "123"), 73);
        assert_eq!(rollout_bucket("groupX", "999"), 25);
        assert_eq!(variant_bucket("gr1", "123", 100), 96);
        assert_eq!(variant_bucket("groupX", "999", 100), 60);
    }

    #[test]
    fn no_weight_does_not_divide_by_zero() {
        assert_eq!(variant_bucket("a", "b", 0), 1);
    }
}
