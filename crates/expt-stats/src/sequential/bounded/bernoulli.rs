//! The confidence sequence of a proportion.

use serde::{Deserialize, Serialize};

use super::level_interval::LevelInterval;
use crate::error::{StatsError, positive};
use crate::level::Alpha;
use crate::sequential::dirichlet::ln_bayes_factor;
use crate::sequential::evalue::EValue;
use crate::sequential::root::find_root;

/// Encloses the success probability of 0/1 values at every time, exactly (Howard et al. 2021).
///
/// For each candidate p the evidence against it is the Bayes factor of a beta prior centred at p, of a mass tuned to
/// `t_opt` values: the two-sided beta-binomial mixture. The interval holds the candidates whose evidence is below
/// `1/alpha`. Counts are the whole state: they merge by addition, in any order.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::sequential::{BernoulliCounts, BernoulliSequence};
///
/// let sequence = BernoulliSequence::new(Alpha::FIVE_PERCENT, 100.0, Alpha::FIVE_PERCENT)?;
/// let interval = sequence.interval(BernoulliCounts::new(7, 10_000)?);
/// assert!((interval.lower().unwrap() - 6.560_895e-5).abs() < 1e-9);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct BernoulliSequence {
    alpha: Alpha,
    mass: f64,
}

/// Holds how many of how many values were 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u64, u64)", into = "(u64, u64)")]
pub struct BernoulliCounts {
    successes: u64,
    count: u64,
}

impl BernoulliCounts {
    /// Makes a state.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if there are more successes than values.
    pub fn new(successes: u64, count: u64) -> Result<Self, StatsError> {
        if successes > count {
            let (value, allowed) = (successes as f64, "at most the number of values");
            return Err(StatsError::OutOfRange { what: "the number of successes", value, allowed });
        }
        Ok(Self { successes, count })
    }

    /// Adds a value.
    pub fn add(&mut self, success: bool) {
        self.successes = self.successes.saturating_add(u64::from(success));
        self.count = self.count.saturating_add(1);
    }

    /// Joins two states.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let successes = self.successes.saturating_add(other.successes);
        Self { successes, count: self.count.saturating_add(other.count) }
    }
}

impl BernoulliSequence {
    /// Makes a sequence that is about tightest near `t_opt` values at level `alpha_opt`.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `t_opt` is positive.
    pub fn new(alpha: Alpha, t_opt: f64, alpha_opt: Alpha) -> Result<Self, StatsError> {
        let twice = -2.0 * alpha_opt.get().ln();
        let tuned = positive("the number of values to tune for", t_opt)? / (twice + twice.ln_1p());
        Ok(Self { alpha, mass: (tuned - 1.0).max(LEAST_MASS) })
    }

    /// Returns the evidence against the probability `p`.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless `0 < p < 1`.
    pub fn evidence(&self, counts: BernoulliCounts, p: f64) -> Result<EValue, StatsError> {
        if !(p > 0.0 && p < 1.0) {
            return Err(StatsError::OutOfRange {
                what: "the probability",
                value: p,
                allowed: "the open interval (0, 1)",
            });
        }
        Ok(EValue::saturating(self.ln_e(counts, p)))
    }

    /// Returns the interval now.
    #[must_use]
    pub fn interval(&self, counts: BernoulliCounts) -> LevelInterval {
        let limit = -self.alpha.get().ln();
        let rate = counts.successes as f64 / (counts.count as f64).max(1.0);
        let spare = |p: f64| limit - self.ln_e(counts, p);
        let lower = if counts.successes > 0 && spare(LEAST) < 0.0 {
            find_root(spare, LEAST, rate.min(MOST))
        } else {
            0.0
        };
        let failures = counts.successes < counts.count;
        let upper =
            if failures && spare(MOST) < 0.0 { find_root(|p| -spare(p), rate.max(LEAST), MOST) } else { 1.0 };
        LevelInterval::new(lower, upper, self.alpha)
    }

    fn ln_e(&self, counts: BernoulliCounts, p: f64) -> f64 {
        let successes = counts.successes as f64;
        let failures = (counts.count - counts.successes) as f64;
        ln_bayes_factor([(p, successes), (1.0 - p, failures)].into_iter(), self.mass)
    }
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    alpha: Alpha,
    mass: f64,
}

impl TryFrom<Stored> for BernoulliSequence {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Ok(Self { alpha: stored.alpha, mass: positive("the prior mass", stored.mass)? })
    }
}

impl TryFrom<(u64, u64)> for BernoulliCounts {
    type Error = StatsError;

    fn try_from((successes, count): (u64, u64)) -> Result<Self, StatsError> {
        Self::new(successes, count)
    }
}

impl From<BernoulliCounts> for (u64, u64) {
    fn from(counts: BernoulliCounts) -> Self {
        (counts.successes, counts.count)
    }
}

/// The least prior mass; less would be worse than no tuning.
const LEAST_MASS: f64 = 1e-3;
/// The candidates next to 0 and 1.
const LEAST: f64 = 1e-290;
const MOST: f64 = 1.0 - f64::EPSILON;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn interval(successes: u64, count: u64) -> (f64, f64) {
        let sequence = BernoulliSequence::new(Alpha::FIVE_PERCENT, 100.0, Alpha::FIVE_PERCENT).unwrap();
        let got = sequence.interval(BernoulliCounts::new(successes, count).unwrap());
        (got.lower().unwrap(), got.upper().unwrap())
    }

    /// Source: confseq 0.0.11 `bernoulli_confidence_interval`.
    #[test]
    fn agrees_with_confseq() {
        let (lower, upper) = interval(7, 10_000);
        close(lower, 6.560895110192745e-05, 1e-9);
        close(upper, 0.0021764795667033716, 1e-9);
        assert_eq!(interval(0, 1), (0.0, 1.0));
    }

    #[test]
    fn extremes_and_mirrors() {
        for (successes, count) in [(0, 0), (0, 5000), (5000, 5000), (1, 1 << 60), (1 << 59, 1 << 60)] {
            let (lower, upper) = interval(successes, count);
            let (mirror_lower, mirror_upper) = interval(count - successes, count);
            let rate = successes as f64 / (count as f64).max(1.0);
            assert!((0.0..=1.0).contains(&lower) && lower <= rate && rate <= upper && upper <= 1.0);
            assert!(
                (lower - (1.0 - mirror_upper)).abs() < 1e-12 && (upper - (1.0 - mirror_lower)).abs() < 1e-12
            );
        }
        assert!(
            BernoulliCounts::new(2, 1).is_err() && serde_json::from_str::<BernoulliCounts>("[3,2]").is_err()
        );
    }
}
