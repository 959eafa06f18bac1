//! From weights and coverage to ranges, and from a bucket to a variation.

use serde::{Deserialize, Serialize};

use super::hash::hash;

/// A half-open part of the unit interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "(f64, f64)", into = "(f64, f64)")]
pub struct BucketRange {
    /// The first bucket inside.
    pub start: f64,
    /// The first bucket after it.
    pub end: f64,
}

impl BucketRange {
    /// Whether a bucket lies inside.
    #[must_use]
    pub fn contains(self, bucket: f64) -> bool {
        bucket >= self.start && bucket < self.end
    }
}

impl From<(f64, f64)> for BucketRange {
    fn from((start, end): (f64, f64)) -> Self {
        Self { start, end }
    }
}

impl From<BucketRange> for (f64, f64) {
    fn from(range: BucketRange) -> Self {
        (range.start, range.end)
    }
}

/// A namespace and the part of it that an experiment owns; in JSON an array of three.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "(String, f64, f64)", into = "(String, f64, f64)")]
pub struct Namespace {
    /// The name.
    pub id: String,
    /// What the experiment owns of it.
    pub range: BucketRange,
}

impl Namespace {
    /// Whether a value falls into the part.
    #[must_use]
    pub fn contains(&self, value: &str) -> bool {
        let bucket = f64::from(super::hash::bucket_namespace(&self.id, value)) / 1_000.0;
        self.range.contains(bucket)
    }
}

impl From<(String, f64, f64)> for Namespace {
    fn from((id, start, end): (String, f64, f64)) -> Self {
        Self { id, range: BucketRange { start, end } }
    }
}

impl From<Namespace> for (String, f64, f64) {
    fn from(namespace: Namespace) -> Self {
        (namespace.id, namespace.range.start, namespace.range.end)
    }
}

/// The same weight for each of `count` variations; none for a count that is not positive or above a million.
#[must_use]
pub fn equal_weights(count: i64) -> Vec<f64> {
    match u32::try_from(count) {
        Ok(count) if (1..=MOST).contains(&count) => vec![1.0 / f64::from(count); count as usize],
        _ => Vec::new(),
    }
}

/// The ranges of the variations: each takes the first `coverage` of the part that its weight gives it.
///
/// Coverage is limited to 0 to 1. Weights that are absent, of another number than the variations, or further
/// than 0.01 from adding up to 1, are replaced by equal ones.
#[must_use]
pub fn bucket_ranges(variations: i64, coverage: f64, weights: Option<&[f64]>) -> Vec<BucketRange> {
    let coverage = coverage.clamp(0.0, 1.0);
    let equal = equal_weights(variations);
    let weights = weights
        .filter(|weights| weights.len() == equal.len())
        .filter(|weights| {
            let total = weights.iter().fold(0.0, |total, weight| weight + total);
            (0.99..=1.01).contains(&total)
        })
        .unwrap_or(&equal);
    let mut sum = 0.0;
    let range = |weight: &f64| {
        let start = sum;
        sum += weight;
        BucketRange { start, end: start + coverage * weight }
    };
    weights.iter().map(range).collect()
}

/// The first range that contains the bucket.
#[must_use]
pub fn choose_variation(bucket: f64, ranges: &[BucketRange]) -> Option<usize> {
    ranges.iter().position(|range| range.contains(bucket))
}

/// Whether the bucket of a value lies in one of the ranges; no for an unknown hash version.
pub(super) fn in_ranges(seed: &str, value: &str, version: u32, ranges: &[BucketRange]) -> bool {
    hash(seed, value, version).is_some_and(|bucket| choose_variation(bucket, ranges).is_some())
}

/// More variations than any experiment has; the limit keeps a count from outside from filling the memory.
const MOST: u32 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// From growthbook/growthbook, `packages/sdk-js/test/cases.json` (spec 0.8.0), section `getBucketRange`.
    #[test]
    fn ranges_of_the_published_cases() {
        let check = |count, coverage, weights: Option<&[f64]>, expected: &[(f64, f64)]| {
            let got = bucket_ranges(count, coverage, weights);
            assert_eq!(got.len(), expected.len());
            for (got, expected) in got.iter().zip(expected) {
                assert!((got.start - expected.0).abs() < 1e-9 && (got.end - expected.1).abs() < 1e-9);
            }
        };
        check(2, 0.5, None, &[(0.0, 0.25), (0.5, 0.75)]);
        check(3, 0.2, Some(&[0.2, 0.3, 0.5]), &[(0.0, 0.04), (0.2, 0.26), (0.5, 0.6)]);
        check(2, -0.2, None, &[(0.0, 0.0), (0.5, 0.5)]);
        check(2, 1.5, None, &[(0.0, 0.5), (0.5, 1.0)]);
        check(2, 1.0, Some(&[0.7, 0.6]), &[(0.0, 0.5), (0.5, 1.0)]);
        check(2, 1.0, Some(&[0.4, 0.5999]), &[(0.0, 0.4), (0.4, 0.9999)]);
        check(-1, 1.0, None, &[]);
    }

    #[test]
    fn an_empty_range_contains_nothing() {
        let ranges = [(0.0, 0.5), (0.5, 0.5), (0.5, 1.0)].map(BucketRange::from);
        assert_eq!(choose_variation(0.5, &ranges), Some(2));
        assert_eq!(choose_variation(1.0, &ranges), None);
    }
}
