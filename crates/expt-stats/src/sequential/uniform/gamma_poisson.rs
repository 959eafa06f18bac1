//! The gamma-Poisson mixture: for sums whose jumps are bounded above.

use serde::{Deserialize, Serialize};

use super::{Mixture, UniformBoundary, intrinsic, tuned_rho};
use crate::error::{StatsError, finite, positive};
use crate::level::Alpha;
use crate::sequential::evalue::EValue;
use crate::sequential::group::Sides;
use crate::sequential::root::{bracket_above, find_root};
use crate::special::gamma::{deviance, incomplete_gamma, stirling_error};

/// Mixes the exponential supermartingales of a sub-Poisson sum with jumps of at most `c` over a gamma distribution
/// (Howard et al. 2021); one-sided.
///
/// With `a = (V + ρ)/c²`, `b = a + S/c`, `r = ρ/c²` and Q the upper regularised incomplete gamma function,
/// `ln e = b ln(b/a) - b + a + ln(r/b)/2 + δ(b) - δ(r) + ln Q(b, a) - ln Q(r, r)`, where δ is the error of Stirling's
/// formula. `V` is the sum of conditional variances, which must be known or bounded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct GammaPoissonMixture {
    rho: f64,
    c: f64,
    #[serde(skip_serializing)]
    constant: f64,
}

impl GammaPoissonMixture {
    /// Makes a mixture with scale `rho` for jumps of at most `c`.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless both, and `rho / c²`, are positive numbers.
    pub fn new(rho: f64, c: f64) -> Result<Self, StatsError> {
        let (rho, c) = (positive("the scale rho", rho)?, positive("the largest jump c", c)?);
        let r = positive("rho / c^2", rho / (c * c))?;
        Ok(Self { rho, c, constant: 0.5 * r.ln() - stirling_error(r) - incomplete_gamma(r, r).ln_upper })
    }

    /// Makes the mixture that is about tightest near intrinsic time `v_opt` for level `alpha_opt`.
    ///
    /// # Errors
    /// As [`GammaPoissonMixture::new`], and for a level of 1/2 and more.
    pub fn tuned(v_opt: f64, c: f64, alpha_opt: Alpha) -> Result<Self, StatsError> {
        Self::new(tuned_rho(v_opt, alpha_opt, Sides::One)?, c)
    }

    fn ln_e(&self, s: f64, v: f64) -> f64 {
        let a = (v + self.rho) / (self.c * self.c);
        let b = a + s / self.c;
        self.constant + deviance(b, a) - 0.5 * b.ln() + stirling_error(b) + incomplete_gamma(b, a).ln_upper
    }
}

impl UniformBoundary for GammaPoissonMixture {
    fn bound(&self, v: f64, alpha: Alpha) -> Result<f64, StatsError> {
        let (v, ln_level) = (intrinsic(v)?, -alpha.get().ln());
        let excess = |s: f64| self.ln_e(s, v) - ln_level;
        let start = ((v + self.rho) * ((v / self.rho).ln_1p() + 2.0 * ln_level)).sqrt();
        let high = bracket_above(excess, start);
        let low = if high > start { 0.5 * high } else { 0.0 };
        Ok(find_root(excess, low, high))
    }
}

impl Mixture for GammaPoissonMixture {
    /// A sum of `-(V + ρ)/c` or less is refused: so far below the mean there is no evidence to speak of.
    fn evidence(&self, s: f64, v: f64) -> Result<EValue, StatsError> {
        let (s, v) = (finite("the sum", s)?, intrinsic(v)?);
        if s <= -(v + self.rho) / self.c {
            return Err(StatsError::OutOfRange {
                what: "the sum",
                value: s,
                allowed: "above -(v + rho) / c",
            });
        }
        Ok(EValue::saturating(self.ln_e(s, v)))
    }
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    rho: f64,
    c: f64,
}

impl TryFrom<Stored> for GammaPoissonMixture {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::new(stored.rho, stored.c)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: confseq 0.0.11 for the bounds; the published formula in mpmath, 40 digits, for the evidence.
    #[test]
    fn agrees_with_confseq_and_mpmath() {
        let mixture = |v_opt, c| GammaPoissonMixture::tuned(v_opt, c, Alpha::FIVE_PERCENT).unwrap();
        let bound = |v| mixture(1.0, 0.5).bound(v, Alpha::FIVE_PERCENT).unwrap();
        close(bound(0.1), 1.6762267353347853, 1e-10);
        close(bound(1000.0), 114.50741265463193, 1e-10);
        close(bound(1e7), 14841.5120925538, 1e-8);
        let ln = |s, v, c| mixture(10.0, c).evidence(s, v).unwrap().ln();
        close(ln(30.0, 100.0, 1.0), 2.7142284702516015, 1e-12);
        close(ln(5.0, 1.0, 1.0), 3.2659031378526807, 1e-12);
        close(ln(-20.0, 100.0, 0.5), -3.0691904741869999, 1e-12);
    }

    #[test]
    fn the_evidence_at_the_boundary_is_one_over_alpha() {
        for (v_opt, c) in [(1.0, 1.0), (1e4, 0.01), (5.0, 30.0)] {
            let mixture = GammaPoissonMixture::tuned(v_opt, c, Alpha::FIVE_PERCENT).unwrap();
            for v in [0.0, 1e-3, 1.0, 1e6] {
                let bound = mixture.bound(v, Alpha::PER_MILLE).unwrap();
                close(mixture.evidence(bound, v).unwrap().ln(), 1000_f64.ln(), 1e-8);
            }
            assert!(mixture.evidence(-1e9, 1.0).is_err());
        }
    }
}
