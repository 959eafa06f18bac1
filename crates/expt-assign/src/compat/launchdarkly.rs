//! LaunchDarkly: the bucket of a percentage rollout or an experiment.
//!
//! The bytes are `{flag key}.{salt}.{value}`, or `{seed}.{value}` where the rollout has a seed, as UTF-8; the
//! hash is the first 15 hexadecimal digits of SHA-1; the bucket is that number over 2^60 - 1, both in single
//! precision. The value is the context's attribute: text as it is, whole numbers in decimal.

use sha1::{Digest, Sha1};

/// The 60-bit number of a value: the first 15 hexadecimal digits of the SHA-1 of `{prefix}.{value}`.
///
/// The prefix is `{flag key}.{salt}`, or the rollout's seed in decimal where it has one.
///
/// # Examples
/// ```
/// use expt_assign::compat::launchdarkly::{bucket, bucket60};
///
/// assert_eq!(bucket(bucket60("hashKey.saltyA", "userKeyA")), 0.42157587);
/// assert_eq!(bucket(bucket60("61", "userKeyA")), 0.09801207);
/// ```
#[must_use]
pub fn bucket60(prefix: &str, value: &str) -> u64 {
    let digest = Sha1::new().chain_update(prefix).chain_update(".").chain_update(value).finalize();
    let [a, b, c, d, e, f, g, h, ..]: [u8; 20] = digest.into();
    u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 4
}

/// The prefix of a rollout without a seed.
#[must_use]
pub fn prefix(flag_key: &str, salt: &str) -> String {
    format!("{flag_key}.{salt}")
}

/// The bucket, from 0 to 1, of a 60-bit number; in single precision, as the vendor's server SDKs in Rust and
/// others compute it.
#[must_use]
pub fn bucket(number: u64) -> f32 {
    (number as f32) / (MAX60 as f32)
}

/// The position of the variation that a bucket falls into: the first whose cumulative weight exceeds it, weights
/// in parts per 100,000, and the last one for what rounding leaves over.
///
/// `None` when there are no weights.
#[must_use]
pub fn variation(bucket: f32, weights: &[u32]) -> Option<usize> {
    let mut sum = 0.0_f32;
    let hit = weights.iter().position(|weight| {
        sum += (*weight as f32) / 100_000.0;
        bucket < sum
    });
    hit.or(weights.len().checked_sub(1))
}

const MAX60: u64 = (1 << 60) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buckets_are_those_of_the_vendors_own_tests() {
        // launchdarkly-server-sdk-evaluation 2.2.1, its tests of `bucket`: hashKey, saltyA, and seed 61.
        let expected = [
            ("userKeyA", 0.421_575_87, 0.098_012_07),
            ("userKeyB", 0.670_848_5, 0.144_837_77),
            ("userKeyC", 0.103_431_06, 0.924_264_1),
        ];
        for (user, salted, seeded) in expected {
            assert_eq!(bucket(bucket60(&prefix("hashKey", "saltyA"), user)), salted, "{user}");
            assert_eq!(bucket(bucket60("61", user)), seeded, "{user}");
        }
    }

    #[test]
    fn the_number_of_text_beyond_ascii_hashes_its_utf8_bytes() {
        // An independent Python implementation of the formula.
        assert_eq!(
            bucket60(&prefix("flag", "a"), "CY7Bvqiy8CsT07Lq8TDIWG2x9aJTFMP9-2kUtMXhkPrSbbAjLGms"),
            220_140_633_973_215_444
        );
    }

    #[test]
    fn a_variation_is_the_first_whose_cumulative_weight_exceeds_the_bucket() {
        assert_eq!(variation(0.0, &[0, 60_000, 40_000]), Some(1));
        assert_eq!(variation(0.6, &[60_000, 40_000]), Some(1));
        assert_eq!(variation(0.599_999, &[60_000, 40_000]), Some(0));
        assert_eq!(variation(1.0, &[60_000, 40_000]), Some(1));
        assert_eq!(variation(0.5, &[]), None);
    }
}
