//! flagd: the operation `fractional`, in its first form and in that of 2026.
//!
//! Both hash a text with MurmurHash3 (x86, 32 bits, seed 0): by default the flag's key followed by the targeting
//! key, with nothing between, otherwise what the flag's own expression yields. The first takes the hash as a
//! signed number, its magnitude over 2^31 - 1, in percent; the second scales it to the sum of the weights in whole
//! numbers.

/// The hash of both forms.
#[must_use]
pub fn hash(key: &str, unit: &str) -> u32 {
    let text = [key.as_bytes(), unit.as_bytes()].concat();
    // Reading from memory does not fail.
    murmur3::murmur3_32(&mut text.as_slice(), 0).unwrap_or_default()
}

/// The bucket of the first form, in percent: from 0 to 100, and a trifle above for the hash 2^31.
#[must_use]
pub fn bucket_v1(key: &str, unit: &str) -> f64 {
    percent(hash(key, unit))
}

/// The bucket of the second form: from 0 to one less than the sum of the weights.
///
/// # Examples
/// ```
/// use expt_assign::compat::flagd::{bucket_v2, variant_v2};
///
/// let bucket = bucket_v2("ranker_v2", "carol@example.com", 100);
/// assert_eq!(bucket, 82);
/// assert_eq!(variant_v2(bucket, &[82, 18]), Some(1));
/// ```
#[must_use]
pub fn bucket_v2(key: &str, unit: &str, total_weight: u32) -> u32 {
    scaled(hash(key, unit), total_weight)
}

/// The position of the variant that a bucket of the first form falls into, `None` when it falls past the end.
///
/// Each weight counts as its percentage of their sum, added up in that order in double precision.
#[must_use]
pub fn variant_v1(bucket: f64, weights: &[u32]) -> Option<usize> {
    let total: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
    let mut end = 0.0;
    weights.iter().position(|weight| {
        end += if total > 0.0 { 100.0 * f64::from(*weight) / total } else { 0.0 };
        bucket < end
    })
}

/// The position of the variant that a bucket of the second form falls into, `None` when it falls past the end.
#[must_use]
pub fn variant_v2(bucket: u32, weights: &[u32]) -> Option<usize> {
    let mut end = 0_u64;
    weights.iter().position(|weight| {
        end += u64::from(*weight);
        u64::from(bucket) < end
    })
}

fn percent(hash: u32) -> f64 {
    f64::from(hash.cast_signed()).abs() / f64::from(i32::MAX) * 100.0
}

/// The high half of the product, which fits because `hash / 2^32` is below 1.
fn scaled(hash: u32, total_weight: u32) -> u32 {
    ((u64::from(hash) * u64::from(total_weight)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An independent Python implementation of the formulas.
    #[test]
    fn the_buckets_are_those_of_another_implementation() {
        let unit = "CY7Bvqiy8CsT07Lq8TDIWG2x9aJTFMP9-2kUtMXhkPrSbbAjLGms";
        assert!((bucket_v1("a", unit) - 57.112_421_121_966_29).abs() < 1e-12);
        assert_eq!(bucket_v2("a", unit, 100), 71);
        assert_eq!(bucket_v2("a", unit, i32::MAX as u32), 1_534_243_695);
    }

    /// The edges that flagd's own test bed asks for: hashes 0, 1, 2^31 - 1, 2^31 and 2^32 - 1.
    #[test]
    fn the_edges_of_the_hash_stay_in_range() {
        let hashes = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
        assert_eq!(hashes.map(|hash| scaled(hash, 100)), [0, 0, 49, 50, 99]);
        assert_eq!(percent(0x7fff_ffff), 100.0);
        assert!(percent(0x8000_0000) > 100.0);
        assert_eq!(percent(0xffff_ffff), percent(1));
    }

    #[test]
    fn a_variant_is_the_first_whose_cumulative_weight_exceeds_the_bucket() {
        assert_eq!(variant_v1(49.99, &[1, 1]), Some(0));
        assert_eq!(variant_v1(50.0, &[1, 1]), Some(1));
        assert_eq!(variant_v1(100.0, &[1, 1]), None);
        assert_eq!(variant_v1(0.0, &[0, 0]), None);
        assert_eq!(variant_v2(1, &[1, 0, 1]), Some(2));
        assert_eq!(variant_v2(u32::MAX, &[u32::MAX, u32::MAX]), Some(1));
    }
}
