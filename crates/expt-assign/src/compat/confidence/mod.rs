//! Confidence (Spotify): flags, segments, sticky materializations and targeting, resolved as its resolvers do.
//!
//! Confidence has two resolvers whose answers differ in a few corners that its specification
//! (spotify/confidence-resolver, `resolver-spec`) names; [`Dialect`] chooses between them.
//!
//! Sticky assignments are data: what a unit was assigned before comes in with the [`Request`] as [`Record`]s, and
//! what is to be stored goes out in [`Resolved`]. Asked without them, the resolver says which it needs.
//! Nothing here asks a clock: times occur in contexts and targeting only.
//!
//! ```
//! use expt_assign::compat::confidence::{Context, Reason, Request, State};
//!
//! let state = State::from_json(
//!     r#"{"account": {"name": "accounts/shop"},
//!         "clients": {"secret": {"client": {"name": "clients/web"}, "clientCredential": {}}},
//!         "segments": {"segments/all": {"name": "segments/all"}},
//!         "bitsets": {"segments/all": "ALL"},
//!         "flags": {"flags/ranker": {"name": "flags/ranker", "state": "ACTIVE", "clients": ["clients/web"],
//!             "variants": [{"name": "new", "value": {"model": "v2"}}],
//!             "rules": [{"name": "r", "segment": "segments/all", "enabled": true, "assignmentSpec": {
//!                 "bucketCount": 100, "assignments": [{"assignmentId": "a", "variant": {"variant": "new"},
//!                 "bucketRanges": [{"lower": 0, "upper": 100}]}]}}]}}}"#,
//! )?;
//! let context = Context::from_json(r#"{"targeting_key": "carol"}"#)?;
//! let resolved = state.resolve(&Request::new("secret", &context), &["flags/ranker"])?;
//! assert_eq!(resolved.flags[0].reason, Reason::Match);
//! assert_eq!(resolved.flags[0].variant, "new");
//! # Ok::<(), expt_assign::compat::confidence::Error>(())
//! ```

mod bits;
mod compile;
mod criterion;
mod error;
mod evaluate;
mod gzip;
mod materialization;
mod request;
mod resolution;
mod resolve;
mod segment;
mod state;
mod target;
mod time;
mod value;
mod wire;

#[cfg(test)]
mod resolve_tests;

pub use error::Error;
pub use materialization::{Materializations, Record};
pub use request::{Dialect, Request};
pub use resolution::{Fallthrough, Reason, Resolution, Resolved};
pub use state::State;
pub use value::{Context, Value};

/// The bucket of a unit in an account, from 0 to `buckets` - 1; allocations have [`BUCKETS`] of them.
///
/// Murmur3 (x64, 128 bit, seed 0) of `MegaSalt-{account}|{unit}`: the low 64 bits without their last 4, modulo
/// `buckets`. `account` is the id without `accounts/`. No buckets give 0.
#[must_use]
pub fn bucket(account: &str, unit: &str, buckets: u64) -> u64 {
    salted(&format!("MegaSalt-{account}|{unit}"), buckets)
}

/// The bucket of a unit in the split of a segment, from 0 to `buckets` - 1.
///
/// As [`bucket`], of `{segment}|{unit}`, where `segment` is the id without `segments/`. No buckets give 0.
#[must_use]
pub fn variant_bucket(segment: &str, unit: &str, buckets: u64) -> u64 {
    salted(&format!("{segment}|{unit}"), buckets)
}

fn salted(text: &str, buckets: u64) -> u64 {
    (low(murmur3(text)) >> 4) % buckets.max(1)
}

fn murmur3(text: &str) -> u128 {
    // Reading from memory does not fail.
    murmur3::murmur3_x64_128(&mut text.as_bytes(), 0).unwrap_or_default()
}

#[allow(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
fn low(hash: u128) -> u64 {
    hash as u64
}

/// How many buckets an allocation has.
pub const BUCKETS: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// The first by the vendor's test of its Java and Rust resolvers, the others by an independent Python
    /// implementation of the formula.
    #[test]
    fn buckets() {
        assert_eq!(bucket("confidence-test", "roug", BUCKETS), 567_493);
        assert_eq!(bucket("a", "CY7Bvqiy8CsT07Lq8TDIWG2x9aJTFMP9-2kUtMXhkPrSbbAjLGms", BUCKETS), 527_927);
        assert_eq!(
            variant_bucket("a", "CY7Bvqiy8CsT07Lq8TDIWG2x9aJTFMP9-2kUtMXhkPrSbbAjLGms", 10_000),
            2_367
        );
        assert_eq!(bucket("a", "b", 0), 0);
    }
}
