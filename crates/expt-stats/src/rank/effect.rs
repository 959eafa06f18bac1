//! Effect sizes that depend on the order of the values, or on their differences.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::interval::{Coverage, Interval};
use crate::level::Alpha;
use crate::rank::permutation::mann_whitney_lower;
use crate::rank::ranks::{pooled, sample};
use crate::special::normal;

/// Holds the probability that a value of the treatment exceeds one of the control.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CommonLanguage {
    /// `P(T > C) + P(T = C) / 2` (McGraw and Wong 1992): the Mann-Whitney U over the number of pairs.
    pub probability: f64,
    /// The rank-biserial correlation `2 probability - 1`, also known as Cliff's delta (1993).
    pub rank_biserial: f64,
}

/// Estimates `P(T > C) + P(T = C) / 2`. For an interval see [`brunner_munzel`](crate::rank::brunner_munzel).
///
/// # Errors
/// [`StatsError::TooFew`] if a sample is empty, [`StatsError::NotFinite`] for a value that is not finite.
pub fn common_language(control: &[f64], treatment: &[f64]) -> Result<CommonLanguage, StatsError> {
    let control = sample("the control", control, 1)?;
    let treatment = sample("the treatment", treatment, 1)?;
    let (m, n) = (control.len() as f64, treatment.len() as f64);
    let sum: f64 = pooled(control, treatment).ranks.iter().skip(control.len()).sum();
    let probability = ((sum - 0.5 * n * (n + 1.0)) / (m * n)).clamp(0.0, 1.0);
    Ok(CommonLanguage { probability, rank_biserial: 2.0 * probability - 1.0 })
}

/// Holds the Hodges-Lehmann estimate of a shift.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HodgesLehmann {
    /// The median of all differences of a value of the treatment and one of the control.
    pub shift: f64,
    /// The interval that inverts the Mann-Whitney test; unbounded if the samples are too small for the level.
    pub interval: Interval,
}

/// Estimates the shift of the treatment by the median of all `m n` differences (Hodges and Lehmann 1963).
///
/// Assumes that both distributions differ by a shift only; otherwise it estimates the median of `T - C` for
/// an independent pair. The interval lies between differences of ranks `k` and `m n + 1 - k` (Moses 1965),
/// `k` from the exact distribution of U up to 50 values an arm and from its normal approximation above.
/// The differences are never stored: `O((m + n) 64)` steps a rank.
///
/// # Errors
/// [`StatsError::TooFew`] if a sample is empty, [`StatsError::NotFinite`] for a value that is not finite.
pub fn hodges_lehmann(control: &[f64], treatment: &[f64], alpha: Alpha) -> Result<HodgesLehmann, StatsError> {
    let mut control = sample("the control", control, 1)?.to_vec();
    let mut treatment = sample("the treatment", treatment, 1)?.to_vec();
    control.sort_by(f64::total_cmp);
    treatment.sort_by(f64::total_cmp);
    let (m, n) = (control.len(), treatment.len());
    let pairs = m as u64 * n as u64;
    let ranked = |rank: u64| nth_difference(&control, &treatment, rank);
    let (low, high) = (ranked(pairs.div_ceil(2)), ranked(pairs / 2 + 1));
    let shift = (0.5 * low + 0.5 * high).clamp(f64::MIN, f64::MAX);
    let rank = interval_rank(m, n, 0.5 * alpha.get());
    let bound = |rank: u64| ranked(rank).clamp(f64::MIN, f64::MAX);
    let interval = Interval {
        lower: (rank > 0).then(|| bound(rank)),
        upper: (rank > 0).then(|| bound(pairs + 1 - rank)),
        alpha,
        coverage: Coverage::Fixed,
    };
    Ok(HodgesLehmann { shift, interval })
}

/// The largest k with P(U <= k - 1) <= tail; 0 if there is none.
fn interval_rank(m: usize, n: usize, tail: f64) -> u64 {
    let pairs = m as f64 * n as f64;
    if m.max(n) <= 50 {
        let (mut yes, mut no) = (0, m * n / 2 + 1);
        while no - yes > 1 {
            let middle = yes + (no - yes) / 2;
            if mann_whitney_lower(m, n, middle - 1) <= tail { yes = middle } else { no = middle }
        }
        return yes as u64;
    }
    let spread = (pairs * ((m + n) as f64 + 1.0) / 12.0).sqrt();
    (0.5 * pairs - normal::upper_quantile(tail) * spread).floor().max(0.0) as u64
}

/// The difference of rank `rank` (from one) among all `t - c`, by bisection on the order of the doubles.
fn nth_difference(control: &[f64], treatment: &[f64], rank: u64) -> f64 {
    let (mut low, mut high) = (ordered(f64::NEG_INFINITY), ordered(f64::INFINITY));
    while low < high {
        let middle = low + (high - low) / 2;
        if at_most(control, treatment, unordered(middle)) >= rank { high = middle } else { low = middle + 1 }
    }
    unordered(low)
}

/// The number of differences that are at most `limit`; as c rises, more of the t qualify.
fn at_most(control: &[f64], treatment: &[f64], limit: f64) -> u64 {
    let mut rest = treatment.iter().peekable();
    let (mut taken, mut count) = (0, 0);
    for c in control {
        while rest.next_if(|t| **t - c <= limit).is_some() {
            taken += 1;
        }
        count += taken;
    }
    count
}

/// Maps doubles to integers in the same order.
fn ordered(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}

fn unordered(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: R's documentation of `wilcox.test` states the definition; here by brute force.
    #[test]
    fn the_shift_is_the_median_of_all_differences() {
        let control: Vec<f64> = (0..23).map(|i| f64::from((i * 37) % 101)).collect();
        let treatment: Vec<f64> = (0..30).map(|i| 7.5 + f64::from((i * 53) % 97)).collect();
        let mut all: Vec<f64> = treatment.iter().flat_map(|t| control.iter().map(move |c| t - c)).collect();
        all.sort_by(f64::total_cmp);
        let got = hodges_lehmann(&control, &treatment, Alpha::FIVE_PERCENT).unwrap();
        close(got.shift, 0.5 * (all[344] + all[345]), 1e-15);
        let k = interval_rank(23, 30, 0.025) as usize;
        close(got.interval.lower.unwrap(), all[k - 1], 1e-15);
        close(got.interval.upper.unwrap(), all[690 - k], 1e-15);
        assert!(mann_whitney_lower(23, 30, k - 1) <= 0.025 && mann_whitney_lower(23, 30, k) > 0.025);
    }

    #[test]
    fn edges() {
        let got = hodges_lehmann(&[1.0], &[3.0], Alpha::FIVE_PERCENT).unwrap();
        assert_eq!((got.shift, got.interval.lower, got.interval.upper), (2.0, None, None));
        let huge = hodges_lehmann(&[-1.7e308, 0.0], &[1.7e308, 5e-324], Alpha::FIVE_PERCENT).unwrap();
        assert!(huge.shift.is_finite());
        assert!(hodges_lehmann(&[], &[1.0], Alpha::FIVE_PERCENT).is_err());
        let same = common_language(&[1.0, 2.0], &[1.0, 2.0]).unwrap();
        assert_eq!((same.probability, same.rank_biserial), (0.5, 0.0));
        close(common_language(&[1.0], &[2.0, 3.0]).unwrap().probability, 1.0, 0.0);
    }
}
