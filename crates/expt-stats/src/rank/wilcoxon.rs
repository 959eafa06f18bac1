//! Wilcoxon's signed-rank test of paired differences.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::level::{Alternative, LnP};
use crate::rank::Null;
use crate::rank::permutation::signed_sum;
use crate::rank::ranks::{Ranks, sample};
use crate::special::normal;

/// Says what becomes of differences that are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Zeros {
    /// They are left out (Wilcoxon 1945).
    #[default]
    Drop,
    /// They are ranked and their ranks left out (Pratt 1959).
    Pratt,
    /// They are ranked and half of their ranks goes to each side.
    Split,
}

/// Tests whether paired differences, treatment minus control, are symmetric about zero.
///
/// Estimand: the pseudo-median of the differences. `W+` is the sum of the ranks of `|d|` with `d > 0`;
/// asymptotically `z = (W+ - n (n + 1) / 4) / s` with `s^2 = (n (n + 1) (2n + 1) - sum(t^3 - t) / 2) / 24`
/// (Wilcoxon 1945; Pratt 1959 and Cureton 1967 for zeros). Assumes independent pairs and, for more than
/// a test of the sharp hypothesis, a symmetric distribution. The same as scipy's `wilcoxon` in every mode, except
/// that exact p-values with Pratt's zeros condition on them (scipy's are not symmetric there). If every
/// difference is zero, p is one.
///
/// ```
/// use expt_stats::rank::Wilcoxon;
///
/// let test = Wilcoxon::new().compare(&[0.73, 0.62, 0.21, 0.52, 0.17])?;
/// assert_eq!((test.w_plus, test.w_minus), (15.0, 0.0));
/// assert!((test.ln_p.p() - 2.0 / 32.0).abs() < 1e-12);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wilcoxon {
    alternative: Alternative,
    null: Null,
    zeros: Zeros,
    continuity: bool,
}

/// Holds a signed-rank test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WilcoxonTest {
    /// The sum of the ranks of positive differences.
    pub w_plus: f64,
    /// The sum of the ranks of negative differences.
    pub w_minus: f64,
    /// The p-value.
    pub ln_p: LnP,
    /// How it was computed; never [`Null::Auto`].
    pub null: Null,
    /// The alternative tested against.
    pub alternative: Alternative,
}

impl Wilcoxon {
    /// Makes a two-sided test that chooses between exact and asymptotic, without continuity correction.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the alternative about the differences.
    #[must_use]
    pub const fn with_alternative(mut self, alternative: Alternative) -> Self {
        self.alternative = alternative;
        self
    }

    /// Sets how the p-value is computed.
    ///
    /// [`Null::Auto`] is exact up to 50 differences without ties and zeros, [`Null::Permutation`] up to 13
    /// with them, else asymptotic.
    #[must_use]
    pub const fn with_null(mut self, null: Null) -> Self {
        self.null = null;
        self
    }

    /// Sets what becomes of zeros.
    #[must_use]
    pub const fn with_zeros(mut self, zeros: Zeros) -> Self {
        self.zeros = zeros;
        self
    }

    /// Moves the asymptotic statistic by one half towards its mean.
    #[must_use]
    pub const fn with_continuity(mut self) -> Self {
        self.continuity = true;
        self
    }

    /// Runs the test on the differences.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] without differences, [`StatsError::NotFinite`] for one that is not finite.
    pub fn compare(&self, differences: &[f64]) -> Result<WilcoxonTest, StatsError> {
        let all = sample("the differences", differences, 1)?;
        let kept: Vec<f64> = all.iter().copied().filter(|d| self.zeros != Zeros::Drop || *d != 0.0).collect();
        let ranks = Ranks::new(kept.iter().map(|d| d.abs()));
        let ranked = || kept.iter().zip(&ranks.ranks);
        let sum = |keep: fn(f64) -> bool| -> f64 {
            ranked().filter(|(d, _)| keep(**d)).map(|(_, rank)| *rank).sum()
        };
        let zeros = all.iter().filter(|d| **d == 0.0).count() as f64;
        let share = if self.zeros == Zeros::Split { 0.5 * sum(|d| d == 0.0) } else { 0.0 };
        let (w_plus, w_minus) = (sum(|d| d > 0.0) + share, sum(|d| d < 0.0) + share);
        let null = self.choose(all.len(), kept.len(), ranks.has_ties() || zeros > 0.0);
        let count = kept.len() as f64;
        let ln_p = match null {
            _ if zeros >= all.len() as f64 => 0.0,
            Null::Asymptotic => {
                let (mut mean, mut scale) =
                    (0.25 * count * (count + 1.0), count * (count + 1.0) * (2.0 * count + 1.0));
                let mut ties = ranks.tie_term;
                if self.zeros == Zeros::Pratt {
                    mean -= 0.25 * zeros * (zeros + 1.0);
                    scale -= zeros * (zeros + 1.0) * (2.0 * zeros + 1.0);
                    ties -= zeros * zeros * zeros - zeros;
                }
                self.ln_normal(w_plus - mean, ((scale - 0.5 * ties) / 24.0).sqrt())
            }
            Null::Permutation => {
                let steps: Vec<usize> =
                    ranked().filter(|(d, _)| **d != 0.0).map(|(_, rank)| (2.0 * rank) as usize).collect();
                let at = (2.0 * (w_plus - share)).round() as usize;
                self.ln_exact(signed_sum(&steps, at))
            }
            _ => {
                let steps: Vec<usize> = (1..=kept.len()).collect();
                let (lower, _) = signed_sum(&steps, w_plus.ceil() as usize);
                let (_, upper) = signed_sum(&steps, w_plus.floor() as usize);
                self.ln_exact((lower, upper))
            }
        };
        let (alternative, ln_p) = (self.alternative, LnP::saturating(ln_p));
        Ok(WilcoxonTest { w_plus, w_minus, ln_p, null, alternative })
    }

    fn choose(&self, all: usize, kept: usize, uneven: bool) -> Null {
        match self.null {
            Null::Auto if all > 50 => Null::Asymptotic,
            Null::Auto if !uneven => Null::Exact,
            Null::Auto if all <= 13 => Null::Permutation,
            // Without the ranks of zeros, the sums of the textbook's distribution do not occur.
            Null::Exact if kept <= MAX_EXACT && self.zeros == Zeros::Pratt && uneven => Null::Permutation,
            Null::Exact if kept <= MAX_EXACT => Null::Exact,
            Null::Permutation if kept <= MAX_EXACT => Null::Permutation,
            _ => Null::Asymptotic,
        }
    }

    fn ln_normal(&self, excess: f64, scale: f64) -> f64 {
        if scale.is_nan() || scale <= 0.0 {
            return 0.0;
        }
        let towards = match self.alternative {
            _ if !self.continuity => 0.0,
            Alternative::Greater => 0.5,
            Alternative::Less => -0.5,
            Alternative::TwoSided if excess == 0.0 => 0.0,
            Alternative::TwoSided => 0.5_f64.copysign(excess),
        };
        let z = (excess - towards) / scale;
        match self.alternative {
            Alternative::TwoSided => std::f64::consts::LN_2 + normal::ln_sf(z.abs()),
            Alternative::Greater => normal::ln_sf(z),
            Alternative::Less => normal::ln_sf(-z),
        }
    }

    fn ln_exact(&self, (lower, upper): (f64, f64)) -> f64 {
        match self.alternative {
            Alternative::TwoSided => (2.0 * lower.min(upper)).ln(),
            Alternative::Greater => upper.ln(),
            Alternative::Less => lower.ln(),
        }
    }
}

/// The most differences of an exact computation, about a second.
const MAX_EXACT: usize = 900;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    #[test]
    fn zeros_alone_are_no_evidence_and_signs_mirror() {
        for zeros in [Zeros::Drop, Zeros::Pratt, Zeros::Split] {
            for null in [Null::Auto, Null::Exact, Null::Permutation, Null::Asymptotic] {
                let test = Wilcoxon::new().with_zeros(zeros).with_null(null);
                close(test.compare(&[0.0, -0.0]).unwrap().ln_p.p(), 1.0, 1e-12);
                let (data, mirror) = ([1.0, -2.0, 3.5, 0.0, 7.0, 7.0], [-1.0, 2.0, -3.5, 0.0, -7.0, -7.0]);
                let up = test.with_alternative(Alternative::Greater).compare(&data).unwrap();
                let down = test.with_alternative(Alternative::Less).compare(&mirror).unwrap();
                close(up.ln_p.get(), down.ln_p.get(), 1e-12);
                close(up.w_plus, down.w_minus, 0.0);
            }
        }
        assert!(Wilcoxon::new().compare(&[]).is_err());
        assert!(Wilcoxon::new().compare(&[f64::INFINITY]).is_err());
        assert!(Wilcoxon::new().compare(&[-1.7e308, 1.7e308, 5e-324]).is_ok());
    }
}
