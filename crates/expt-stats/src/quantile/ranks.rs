//! The ranks of the order statistics that bracket a quantile.

use serde::{Deserialize, Serialize};

use crate::level::{Alpha, Alternative, Probability};
use crate::tails::binomial;

/// Holds the ranks (from one) of the order statistics that cover a quantile, whatever the distribution.
///
/// The number of values below the population quantile is Binomial(n, q) for a continuous distribution, so
/// the interval from the `l`-th to the `u`-th smallest value covers with probability `P(l <= B < u)`.
/// `l` is the largest rank with `P(B < l) <= alpha/2` and `u` the smallest with `P(B >= u) <= alpha/2`
/// (all of `alpha` on one side for a one-sided interval); Conover (1999), "Practical Nonparametric
/// Statistics". The binomial tails are exact to about 1e-12. A rank that does not exist is `None`: that
/// side is unbounded.
///
/// ```
/// use expt_stats::quantile::RankInterval;
/// use expt_stats::{Alpha, Alternative, Probability};
///
/// let ranks = RankInterval::new(10, Probability::new(0.75)?, Alpha::FIVE_PERCENT, Alternative::TwoSided);
/// assert_eq!((ranks.lower_rank, ranks.upper_rank), (Some(5), None));
/// assert!((ranks.coverage.get() - 0.980_272_293).abs() < 1e-9);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RankInterval {
    /// The rank of the lower bound, `None` if unbounded.
    pub lower_rank: Option<u64>,
    /// The rank of the upper bound, `None` if unbounded.
    pub upper_rank: Option<u64>,
    /// How often the interval covers the quantile of a continuous distribution.
    pub coverage: Probability,
}

impl RankInterval {
    /// Finds the ranks for a sample of `n` values.
    ///
    /// [`Alternative::Greater`] asks for a lower bound only, [`Alternative::Less`] for an upper one.
    #[must_use]
    pub fn new(n: u64, q: Probability, alpha: Alpha, alternative: Alternative) -> Self {
        let q = q.get();
        let share = if alternative == Alternative::TwoSided { 0.5 * alpha.get() } else { alpha.get() };
        let limit = share * (1.0 + TIE_SLACK);
        let below = |rank: u64| binomial(signed(rank) - 1, n, q).ln_lower.exp();
        let above = |rank: u64| binomial(signed(rank) - 1, n, q).ln_upper.exp();
        // The largest l in 1..=n with P(B < l) <= limit, as a count of the ranks that qualify.
        let lower = count(n, |rank| below(rank) <= limit);
        let upper = count(n, |rank| above(rank) > limit) + 1;
        let lower_rank = (alternative != Alternative::Less && lower > 0).then_some(lower);
        let upper_rank = (alternative != Alternative::Greater && upper <= n).then_some(upper);
        let missed_below = lower_rank.map_or(0.0, below);
        let missed_above = upper_rank.map_or(0.0, above);
        Self { lower_rank, upper_rank, coverage: Probability::clamped(1.0 - missed_below - missed_above) }
    }
}

/// Counts the ranks from 1 to `n` at the front that satisfy a condition which, once false, stays so.
fn count(n: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut yes, mut no) = (0, n.saturating_add(1));
    while no - yes > 1 {
        let middle = yes + (no - yes) / 2;
        if holds(middle) { yes = middle } else { no = middle }
    }
    yes
}

fn signed(rank: u64) -> i64 {
    i64::try_from(rank).unwrap_or(i64::MAX)
}

/// Relative slack that keeps rounding from breaking an exact tie.
const TIE_SLACK: f64 = 1e-12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn ranks(n: u64, q: f64, alpha: f64, alternative: Alternative) -> RankInterval {
        RankInterval::new(n, Probability::new(q).unwrap(), Alpha::new(alpha).unwrap(), alternative)
    }

    #[test]
    fn coverage_is_at_least_the_level_and_ranks_are_extremal() {
        for n in [1, 2, 3, 10, 57, 1000, 123_456] {
            for q in [0.0, 0.001, 0.3, 0.5, 0.99, 1.0] {
                for alpha in [0.5, 0.05, 0.001] {
                    let got = ranks(n, q, alpha, Alternative::TwoSided);
                    assert!(got.coverage.get() >= 1.0 - alpha - 1e-12, "{n} {q} {alpha} {got:?}");
                    let mirror = ranks(n, 1.0 - q, alpha, Alternative::TwoSided);
                    assert_eq!(got.lower_rank, mirror.upper_rank.map(|rank| n + 1 - rank), "{n} {q}");
                }
            }
        }
    }

    #[test]
    fn one_sided_and_empty() {
        let got = ranks(10, 0.5, 0.05, Alternative::Greater);
        assert_eq!((got.lower_rank, got.upper_rank), (Some(2), None));
        close(got.coverage.get(), 1.0 - 11.0 / 1024.0, 1e-13);
        let got = ranks(0, 0.5, 0.05, Alternative::TwoSided);
        assert_eq!((got.lower_rank, got.upper_rank), (None, None));
        close(got.coverage.get(), 1.0, 0.0);
    }
}
