//! Paired yes/no decisions.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::fixed::Proportion;
use crate::level::{Alpha, LnP};
use crate::special::beta::{incomplete_beta, ln_beta_kernel};

/// Counts paired decisions of a reference and a candidate; a commutative monoid.
///
/// ```
/// use expt_stats::{Alpha, FlipCounts};
///
/// let mut flips = FlipCounts::default();
/// for (reference, candidate) in [(true, true), (true, false), (false, false), (false, false)] {
///     flips.push(reference, candidate);
/// }
/// assert_eq!(flips.flip_rate(Alpha::FIVE_PERCENT)?.share.get(), 0.25);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FlipCounts {
    /// Both said yes.
    pub both_yes: u64,
    /// Both said no.
    pub both_no: u64,
    /// Only the reference said yes.
    pub only_reference: u64,
    /// Only the candidate said yes.
    pub only_candidate: u64,
}

impl FlipCounts {
    /// Counts one pair; a count at `u64::MAX` stays there.
    pub const fn push(&mut self, reference: bool, candidate: bool) {
        let cell = match (reference, candidate) {
            (true, true) => &mut self.both_yes,
            (false, false) => &mut self.both_no,
            (true, false) => &mut self.only_reference,
            (false, true) => &mut self.only_candidate,
        };
        *cell = cell.saturating_add(1);
    }

    /// Joins two counters.
    #[must_use]
    pub const fn merge(&self, other: &Self) -> Self {
        Self {
            both_yes: self.both_yes.saturating_add(other.both_yes),
            both_no: self.both_no.saturating_add(other.both_no),
            only_reference: self.only_reference.saturating_add(other.only_reference),
            only_candidate: self.only_candidate.saturating_add(other.only_candidate),
        }
    }

    /// Returns the share of inputs on which the decision flipped, with its Wilson interval.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] without pairs.
    pub fn flip_rate(&self, alpha: Alpha) -> Result<Proportion, StatsError> {
        let flips = self.only_reference.saturating_add(self.only_candidate);
        let count = flips.saturating_add(self.both_yes).saturating_add(self.both_no);
        Proportion::wilson(flips, count, alpha)
    }

    /// Tests whether both say yes equally often (McNemar 1947), two-sided.
    ///
    /// Given the flips, each direction has probability 1/2: with `m` the smaller of the two counts and
    /// X binomial(flips, 1/2), the exact p is `min(1, 2 P(X <= m))` and the mid-p `2 P(X < m) + P(X = m)`
    /// (Fagerland, Lydersen and Laake 2013), the less conservative one. Without flips both are 1.
    #[must_use]
    pub fn mcnemar(&self) -> McNemar {
        let smaller = self.only_reference.min(self.only_candidate);
        let flips = self.only_reference.saturating_add(self.only_candidate);
        if flips == 0 || self.only_reference == self.only_candidate {
            // The distribution is symmetric about m, so 2 P(X < m) + P(X = m) is one.
            return McNemar { exact: LnP::ONE, mid: LnP::ONE };
        }
        let (m, n) = (smaller as f64, flips as f64);
        let ln_two = std::f64::consts::LN_2;
        let ln_at_most = incomplete_beta(n - m, m + 1.0, 0.5, 0.5).ln_lower;
        // P(X = m) as a beta kernel: x^(n-m) y^(m+1) / B(n-m, m+1) / (n - m) * 2.
        let ln_at = ln_beta_kernel(n - m, m + 1.0, 0.5, 0.5) - (n - m).ln() + ln_two;
        let exact = LnP::saturating(ln_two + ln_at_most);
        // 2 P(X <= m) - P(X = m), as 2 P(X <= m) (1 - share/2): share is at most 1, so nothing cancels.
        let share = (ln_at - ln_at_most).min(0.0).exp();
        McNemar { exact, mid: LnP::saturating(ln_two + ln_at_most + (-0.5 * share).ln_1p()) }
    }
}

/// Holds McNemar's test in two versions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct McNemar {
    /// The exact conditional p-value; never above its level.
    pub exact: LnP,
    /// The mid-p value; close to its level on average, may exceed it slightly.
    pub mid: LnP,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn mcnemar(only_reference: u64, only_candidate: u64) -> McNemar {
        FlipCounts { only_reference, only_candidate, ..FlipCounts::default() }.mcnemar()
    }

    /// Source: binomial sums by hand, such as 2 (1 + 8) / 2^8 for 1 of 8 flips.
    #[test]
    fn small_tables_agree_with_binomial_sums() {
        close(mcnemar(1, 7).exact.p(), 18.0 / 256.0, 1e-12);
        close(mcnemar(7, 1).mid.p(), 10.0 / 256.0, 1e-12);
        close(mcnemar(0, 5).exact.p(), 2.0 / 32.0, 1e-12);
        close(mcnemar(0, 5).mid.p(), 1.0 / 32.0, 1e-12);
    }

    #[test]
    fn ties_no_flips_and_huge_counts() {
        assert_eq!(mcnemar(0, 0).exact, LnP::ONE);
        assert_eq!(mcnemar(9, 9).mid, LnP::ONE);
        let huge = mcnemar(500_000_000, 500_200_000);
        // Normal limit: z = 200_000 / sqrt(1.0002e9) = 6.324.
        assert!((huge.mid.get() + 22.1).abs() < 0.1, "{}", huge.mid.get());
        assert!(mcnemar(0, 1 << 40).exact.get() < -1e11);
        assert!(FlipCounts::default().flip_rate(Alpha::FIVE_PERCENT).is_err());
    }
}
