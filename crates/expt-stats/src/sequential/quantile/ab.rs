//! A test of two arms' quantiles at every look.

use serde::{Deserialize, Serialize};

use super::sequence::{check_sorted, mixture};
use crate::error::{StatsError, positive};
use crate::level::{Alpha, Probability};
use crate::sequential::evalue::EValue;
use crate::sequential::root::minimise;
use crate::sequential::uniform::BetaBinomialMixture;

/// Tests whether two arms have the same quantile `p`, valid at every look (Howard and Ramdas 2022, the two-sample test).
///
/// If the arms shared the quantile x, the product of their beta-binomial mixtures at x would be an e-process. The
/// evidence is the least of that product over all x, so it is an e-value whatever the common quantile is. Each arm's factor
/// is cheapest where the share of its values up to x is nearest to what the mixture expects; between these places of
/// the two arms only order statistics need be tried. Two-sided; nothing is assumed of the distributions.
///
/// ```
/// use expt_stats::sequential::QuantileAb;
/// use expt_stats::{Alpha, Probability};
///
/// let test = QuantileAb::new(Probability::new(0.5)?, 200.0, Alpha::FIVE_PERCENT)?;
/// let a: Vec<f64> = (0..400).map(f64::from).collect();
/// let b: Vec<f64> = (0..400).map(|i| f64::from(i) + 150.0).collect();
/// assert!(test.evidence(&a, &b)?.rejects(Alpha::FIVE_PERCENT));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct QuantileAb {
    p: Probability,
    t_opt: f64,
    alpha_opt: Alpha,
    #[serde(skip_serializing)]
    mixture: BetaBinomialMixture,
}

impl QuantileAb {
    /// Makes a test of the quantile `p`, about tightest near `t_opt` values an arm at level `alpha_opt`.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `0 < p < 1` and `t_opt` is positive.
    pub fn new(p: Probability, t_opt: f64, alpha_opt: Alpha) -> Result<Self, StatsError> {
        let mixture = mixture(p.get(), positive("the number of values to tune for", t_opt)?, alpha_opt)?;
        Ok(Self { p, t_opt, alpha_opt, mixture })
    }

    /// Returns the evidence against a common quantile; `a` and `b` are each in rising order. No evidence without values
    /// in both arms.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`], or [`StatsError::OutOfRange`] if values are not in rising order.
    pub fn evidence(&self, a: &[f64], b: &[f64]) -> Result<EValue, StatsError> {
        check_sorted(a)?;
        check_sorted(b)?;
        let (Some(a), Some(b)) = (self.arm(a), self.arm(b)) else { return Ok(EValue::ONE) };
        let (left, right) = if a.valley.1 <= b.valley.1 { (a, b) } else { (b, a) };
        let total = |x: f64| left.ln_e(x) + right.ln_e(x);
        // Right of its valley the left arm's factor only rises, left of its own the right arm's only falls, and that
        // at its order statistics.
        let ends = total(left.valley.1).min(total(right.valley.0));
        let from = right.sorted.partition_point(|&x| x <= left.valley.1).saturating_sub(1);
        let between = right.sorted.iter().skip(from).take_while(|&&x| x <= right.valley.0);
        let mut least = ends;
        let mut last = f64::NEG_INFINITY;
        for &x in between {
            if x > last {
                least = least.min(total(x));
            }
            last = x;
        }
        Ok(EValue::saturating(least))
    }

    /// Finds where an arm's factor is least; `None` without values.
    fn arm<'a>(&'a self, sorted: &'a [f64]) -> Option<Arm<'a>> {
        let n = sorted.len() as f64;
        let of = |share: f64| self.ln_e(share, n);
        let best = minimise(of, 0.0, 1.0);
        let rank = |value: f64| value.max(0.0);
        let lower = value_at(sorted, rank((best * n).ceil()))?;
        let upper = value_at(sorted, rank((best * n).floor()) + 1.0)?;
        Some(Arm { test: self, sorted, valley: (lower, upper), least: of(best) })
    }

    fn ln_e(&self, share: f64, n: f64) -> f64 {
        let p = self.p.get();
        self.mixture.ln_e((share - p) * n, p * (1.0 - p) * n)
    }
}

/// One arm's values, and where its factor is least.
#[derive(Clone, Copy)]
struct Arm<'a> {
    test: &'a QuantileAb,
    sorted: &'a [f64],
    valley: (f64, f64),
    least: f64,
}

impl Arm<'_> {
    /// Returns the least log factor that is possible if the quantile is `x`.
    fn ln_e(&self, x: f64) -> f64 {
        let n = self.sorted.len() as f64;
        if x < self.valley.0 {
            self.test.ln_e(self.sorted.partition_point(|&value| value <= x) as f64 / n, n)
        } else if x > self.valley.1 {
            self.test.ln_e(self.sorted.partition_point(|&value| value < x) as f64 / n, n)
        } else {
            self.least
        }
    }
}

/// Returns the value of a rank from 1 on, the nearest one at the ends.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank of at most the number of values"
)]
fn value_at(sorted: &[f64], rank: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((rank.max(1.0) as usize - 1).min(last)).copied()
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    p: Probability,
    t_opt: f64,
    alpha_opt: Alpha,
}

impl TryFrom<Stored> for QuantileAb {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::new(stored.p, stored.t_opt, stored.alpha_opt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(p: f64) -> QuantileAb {
        QuantileAb::new(Probability::new(p).unwrap(), 100.0, Alpha::FIVE_PERCENT).unwrap()
    }

    #[test]
    fn swapping_the_arms_changes_nothing_and_shifts_are_found() {
        let a: Vec<f64> = (0..200).map(|i| f64::from(i * i % 211)).collect();
        let mut a = a;
        a.sort_by(f64::total_cmp);
        for shift in [0.0, 20.0, 80.0, 300.0] {
            let b: Vec<f64> = a.iter().map(|x| x * 0.9 + shift).collect();
            let (ab, ba) = (test(0.5).evidence(&a, &b).unwrap(), test(0.5).evidence(&b, &a).unwrap());
            assert!((ab.ln() - ba.ln()).abs() < 1e-9);
            assert_eq!(ab.rejects(Alpha::FIVE_PERCENT), shift > 50.0, "{shift} {ab}");
        }
    }

    /// The least over every x, found by trying all of them.
    #[test]
    fn the_candidates_suffice() {
        for (p, shift) in [(0.1, 0.7), (0.5, 1.3), (0.9, 2.0)] {
            let test = test(p);
            let a: Vec<f64> = (0..57).map(|i| f64::from(i * 7 % 31) / 3.0).collect();
            let b: Vec<f64> = (0..83).map(|i| f64::from(i * 5 % 37) / 3.0 + shift).collect();
            let sorted = |mut values: Vec<f64>| {
                values.sort_by(f64::total_cmp);
                values
            };
            let (a, b) = (sorted(a), sorted(b));
            let (arm_a, arm_b) = (test.arm(&a).unwrap(), test.arm(&b).unwrap());
            let every = a.iter().chain(&b).flat_map(|&x| [x - 1e-9, x, x + 1e-9]);
            let least = every.map(|x| arm_a.ln_e(x) + arm_b.ln_e(x)).fold(f64::INFINITY, f64::min);
            let got = test.evidence(&a, &b).unwrap().ln();
            assert!((got - least).abs() < 1e-9, "{p} {got} {least}");
        }
    }

    #[test]
    fn empty_and_wild_arms() {
        assert_eq!(test(0.5).evidence(&[], &[1.0]).unwrap(), EValue::ONE);
        assert!(test(0.5).evidence(&[1.0, 0.0], &[1.0]).is_err());
        assert!(test(0.5).evidence(&[1.0], &[f64::INFINITY]).is_err());
        assert!(test(0.999).evidence(&[1.0; 50], &[1.0]).unwrap().ln() <= 0.0);
    }
}
