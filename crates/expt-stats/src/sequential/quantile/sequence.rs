//! The confidence sequence of a quantile.

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, finite, positive};
use crate::level::{Alpha, Probability};
use crate::sequential::bounded::LevelInterval;
use crate::sequential::group::Sides;
use crate::sequential::root::find_root;
use crate::sequential::uniform::BetaBinomialMixture;

/// Encloses one quantile of any distribution at every time (Howard and Ramdas 2022).
///
/// The number of values up to the true quantile is binomial, so the two-sided beta-binomial mixture with `g = p` and
/// `h = 1 - p` says which counts are believable; their order statistics are the interval. Nothing is assumed of the
/// distribution, ties included. The state is the data, or any sketch that returns values by rank: adding an error of
/// the sketch's rank to the ranks on both sides keeps the interval valid.
///
/// ```
/// use expt_stats::sequential::QuantileSequence;
/// use expt_stats::{Alpha, Probability};
///
/// let median = QuantileSequence::new(Probability::new(0.5)?, Alpha::FIVE_PERCENT, 1000.0)?;
/// let values: Vec<f64> = (0..1000).map(f64::from).collect();
/// let interval = median.interval(&values)?;
/// assert!(interval.contains(500.0) && !interval.contains(600.0));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct QuantileSequence {
    p: Probability,
    alpha: Alpha,
    t_opt: f64,
    #[serde(skip_serializing)]
    mixture: BetaBinomialMixture,
}

/// Holds the ranks, from 1 on, of the values that bound a quantile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QuantileRanks {
    /// The rank of the lower bound, `None` if it is minus infinity.
    pub lower: Option<u64>,
    /// The rank of the upper bound, `None` if it is infinity.
    pub upper: Option<u64>,
}

impl QuantileSequence {
    /// Makes a sequence for the quantile `p` that is about tightest near `t_opt` values.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `0 < p < 1` and `t_opt` is positive.
    pub fn new(p: Probability, alpha: Alpha, t_opt: f64) -> Result<Self, StatsError> {
        let mixture = mixture(p.get(), positive("the number of values to tune for", t_opt)?, alpha)?;
        Ok(Self { p, alpha, t_opt, mixture })
    }

    /// Returns the ranks that bound the quantile after `count` values.
    #[must_use]
    pub fn ranks(&self, count: u64) -> QuantileRanks {
        let (p, n) = (self.p.get(), count as f64);
        if count == 0 {
            return QuantileRanks { lower: None, upper: None };
        }
        let v = p * (1.0 - p) * n;
        let spare = |share: f64| -self.alpha.get().ln() - self.mixture.ln_e((share - p) * n, v);
        let low = if spare(0.0) < 0.0 { find_root(spare, 0.0, p) } else { 0.0 };
        let high = if spare(1.0) < 0.0 { find_root(|share| -spare(share), p, 1.0) } else { 1.0 };
        // At least n low values are at or below the quantile, at most n high are strictly below it.
        let (lower, upper) = (whole((n * low).ceil()), whole((n * high).floor()).saturating_add(1));
        QuantileRanks { lower: (lower >= 1).then_some(lower), upper: (upper <= count).then_some(upper) }
    }

    /// Returns the interval for the quantile of values in rising order.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`], or [`StatsError::OutOfRange`] if the values are not in rising order.
    pub fn interval(&self, sorted: &[f64]) -> Result<LevelInterval, StatsError> {
        check_sorted(sorted)?;
        let ranks = self.ranks(sorted.len() as u64);
        let at = |rank: Option<u64>| {
            let index = usize::try_from(rank?.checked_sub(1)?).ok()?;
            sorted.get(index).copied()
        };
        let (lower, upper) = (at(ranks.lower), at(ranks.upper));
        Ok(LevelInterval::new(lower.unwrap_or(f64::NEG_INFINITY), upper.unwrap_or(f64::INFINITY), self.alpha))
    }
}

/// The two-sided beta-binomial mixture of a quantile's counts.
pub(super) fn mixture(p: f64, t_opt: f64, alpha_opt: Alpha) -> Result<BetaBinomialMixture, StatsError> {
    if !(p > 0.0 && p < 1.0) {
        return Err(StatsError::OutOfRange {
            what: "the quantile",
            value: p,
            allowed: "the open interval (0, 1)",
        });
    }
    BetaBinomialMixture::tuned(t_opt * p * (1.0 - p), p, 1.0 - p, alpha_opt, Sides::Two)
}

pub(super) fn check_sorted(values: &[f64]) -> Result<(), StatsError> {
    let mut last = f64::MIN;
    for &value in values {
        if finite("a value", value)? < last {
            let allowed = "at least the value before it, so sort the values first";
            return Err(StatsError::OutOfRange { what: "a value", value, allowed });
        }
        last = value;
    }
    Ok(())
}

/// Returns a whole number that is not negative as an integer.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the argument is a rank of at most a count"
)]
fn whole(value: f64) -> u64 {
    value.max(0.0) as u64
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    p: Probability,
    alpha: Alpha,
    t_opt: f64,
}

impl TryFrom<Stored> for QuantileSequence {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::new(stored.p, stored.alpha, stored.t_opt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(p: f64) -> QuantileSequence {
        QuantileSequence::new(Probability::new(p).unwrap(), Alpha::FIVE_PERCENT, 100.0).unwrap()
    }

    #[test]
    fn ranks_enclose_the_quantile_and_mirror() {
        for (p, n) in [(0.5, 1000), (0.05, 4000), (0.99, 100_000)] {
            let (ranks, mirrored) = (sequence(p).ranks(n), sequence(1.0 - p).ranks(n));
            let (lower, upper) = (ranks.lower.unwrap(), ranks.upper.unwrap());
            assert!((lower as f64) < p * n as f64 && p * (n as f64) < upper as f64);
            assert!((n + 1 - mirrored.upper.unwrap()).abs_diff(lower) <= 1);
        }
        assert_eq!(sequence(0.5).ranks(0), QuantileRanks { lower: None, upper: None });
        assert_eq!(sequence(0.5).ranks(3), QuantileRanks { lower: None, upper: None });
    }

    /// The counts next to the limits, tried one by one.
    #[test]
    fn the_ranks_are_the_last_believable_counts() {
        let (sequence, n) = (sequence(0.3), 500_u64);
        let ranks = sequence.ranks(n);
        let ln_e = |count: u64| {
            let s = count as f64 - 0.3 * n as f64;
            sequence.mixture.ln_e(s, 0.3 * 0.7 * n as f64)
        };
        let limit = 20_f64.ln();
        assert!(ln_e(ranks.lower.unwrap()) <= limit && ln_e(ranks.lower.unwrap() - 1) > limit);
        assert!(ln_e(ranks.upper.unwrap() - 1) <= limit && ln_e(ranks.upper.unwrap()) > limit);
    }

    #[test]
    fn unsorted_or_wild_values_are_refused() {
        assert!(sequence(0.5).interval(&[2.0, 1.0]).is_err());
        assert!(sequence(0.5).interval(&[1.0, f64::NAN]).is_err());
        assert!(sequence(0.5).interval(&[]).unwrap().lower().is_none());
        assert!(QuantileSequence::new(Probability::new(1.0).unwrap(), Alpha::FIVE_PERCENT, 10.0).is_err());
    }
}
