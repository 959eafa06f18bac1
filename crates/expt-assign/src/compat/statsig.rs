//! Statsig: the buckets of a rule and of a user.
//!
//! The first eight bytes of SHA-256, big-endian. A rule hashes `{spec salt}.{rule salt}.{unit}` modulo 10,000
//! and passes when the bucket is below its pass percentage times 100; a user bucket hashes `{salt}.{unit}`
//! modulo 1,000.

use sha2::{Digest, Sha256};

/// The bucket of a unit under a rule, from 0 to 9,999.
#[must_use]
pub fn rule_bucket(spec_salt: &str, rule_salt: &str, unit: &str) -> u32 {
    remainder(hash(&[spec_salt, rule_salt, unit]), 10_000)
}

/// Whether a rule passes: the bucket is below the pass percentage, given from 0 to 100, times 100.
///
/// # Examples
/// ```
/// use expt_assign::compat::statsig::{passes, rule_bucket};
///
/// let bucket = rule_bucket("ranker_v2", "4Xz", "carol@example.com");
/// assert_eq!(bucket, 4366);
/// assert!(passes(bucket, 43.67) && !passes(bucket, 43.66));
/// ```
#[must_use]
pub fn passes(rule_bucket: u32, pass_percentage: f64) -> bool {
    f64::from(rule_bucket) < pass_percentage * 100.0
}

/// The bucket of a unit under a salt, from 0 to 999: what a condition of type `user_bucket` compares.
#[must_use]
pub fn user_bucket(salt: &str, unit: &str) -> u32 {
    remainder(hash(&[salt, unit]), 1_000)
}

fn hash(parts: &[&str]) -> u64 {
    let mut state = Sha256::new();
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            state.update(".");
        }
        state.update(part);
    }
    let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = state.finalize().into();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The result is below `modulus`, so it fits.
fn remainder(hash: u64, modulus: u32) -> u32 {
    (hash % u64::from(modulus)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An independent Python implementation of the formulas.
    #[test]
    fn the_buckets_are_those_of_another_implementation() {
        assert_eq!(rule_bucket("a", "rule1", "CY7Bvqiy8CsT07Lq8TDIWG2x9aJTFMP9-2kUtMXhkPrSbbAjLGms"), 1421);
        assert_eq!(user_bucket("a", "CY7Bvqiy8CsT07Lq8TDIWG2x9aJTFMP9-2kUtMXhkPrSbbAjLGms"), 808);
        assert_eq!(user_bucket("ranker_v2", "carol@example.com"), 85);
    }

    #[test]
    fn the_whole_range_passes_at_a_hundred_percent_and_nobody_at_zero() {
        assert!(passes(9_999, 100.0));
        assert!(!passes(0, 0.0));
    }
}
