//! The gamma-exponential mixture: for sub-exponential sums.

use serde::{Deserialize, Serialize};

use super::{Mixture, UniformBoundary, intrinsic, tuned_rho};
use crate::error::{StatsError, finite, positive};
use crate::level::Alpha;
use crate::sequential::evalue::EValue;
use crate::sequential::group::Sides;
use crate::sequential::root::{bracket_above, find_root};
use crate::special::gamma::{deviance, incomplete_gamma, ln_gamma, stirling_error};

/// Mixes the exponential supermartingales of a sub-exponential sum with scale `c` over a gamma distribution (Howard et
/// al. 2021); one-sided.
///
/// With `a = (V + ρ)/c²`, `x = a + S/c`, `r = ρ/c²` and the regularised incomplete gamma function P,
/// `ln e = a ln(a/x) - a + x + ln(r/a)/2 + δ(a) - δ(r) + ln P(a, x) - ln P(r, r)`, where δ is the error of
/// Stirling's formula: the published form `r ln r - ln Γ(r) + ln Γ(a) - a ln x + ...` without its cancellation.
/// For values of at least `-c` below their mean (`c = 1` on the unit interval) `V` may be the sum of squared distances
/// from any predictable guess of the mean: the empirical Bernstein bound.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::sequential::{GammaExponentialMixture, UniformBoundary};
///
/// let mixture = GammaExponentialMixture::tuned(1.0, 1.0, Alpha::FIVE_PERCENT)?;
/// assert!((mixture.bound(10.0, Alpha::FIVE_PERCENT)? - 14.018_674_569).abs() < 1e-8);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct GammaExponentialMixture {
    rho: f64,
    c: f64,
    #[serde(skip_serializing)]
    constant: f64,
}

impl GammaExponentialMixture {
    /// Makes a mixture with scale `rho` for sums of scale `c`.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless both, and `rho / c²`, are positive numbers.
    pub fn new(rho: f64, c: f64) -> Result<Self, StatsError> {
        let (rho, c) = (positive("the scale rho", rho)?, positive("the scale c", c)?);
        let r = positive("rho / c^2", rho / (c * c))?;
        Ok(Self { rho, c, constant: 0.5 * r.ln() - stirling_error(r) - incomplete_gamma(r, r).ln_lower })
    }

    /// Makes the mixture that is about tightest near intrinsic time `v_opt` for level `alpha_opt`.
    ///
    /// # Errors
    /// As [`GammaExponentialMixture::new`], and for a level of 1/2 and more.
    pub fn tuned(v_opt: f64, c: f64, alpha_opt: Alpha) -> Result<Self, StatsError> {
        Self::new(tuned_rho(v_opt, alpha_opt, Sides::One)?, c)
    }

    fn ln_e(&self, s: f64, v: f64) -> f64 {
        let a = (v + self.rho) / (self.c * self.c);
        let x = a + s / self.c;
        if x <= 0.0 {
            return self.constant - HALF_LN_TAU + mean_inverse(a, -x).ln();
        }
        self.constant + deviance(a, x) - 0.5 * a.ln() + stirling_error(a) + incomplete_gamma(a, x).ln_lower
    }
}

impl UniformBoundary for GammaExponentialMixture {
    fn bound(&self, v: f64, alpha: Alpha) -> Result<f64, StatsError> {
        let (v, ln_level) = (intrinsic(v)?, -alpha.get().ln());
        let excess = |s: f64| self.ln_e(s, v) - ln_level;
        let start = ((v + self.rho) * ((v / self.rho).ln_1p() + 2.0 * ln_level)).sqrt();
        let high = bracket_above(excess, start);
        let low = if high > start { 0.5 * high } else { 0.0 };
        Ok(find_root(excess, low, high))
    }
}

impl Mixture for GammaExponentialMixture {
    fn evidence(&self, s: f64, v: f64) -> Result<EValue, StatsError> {
        Ok(EValue::saturating(self.ln_e(finite("the sum", s)?, intrinsic(v)?)))
    }
}

/// Returns `∫ (1 - u)^(a - 1) exp(-y u) du` over (0, 1), which is the mean of `1 / (a + K)` for a Poisson K of mean `y`.
///
/// It takes the place of the incomplete gamma function where its argument is negative. Below 10^4 as the Poisson sum,
/// above by the moments of K up to the sixth, relative error 1e-11.
fn mean_inverse(a: f64, y: f64) -> f64 {
    let m = a + y;
    if m > 1e4 {
        let (p, q) = (1.0 / m, y / m);
        let second = q * p;
        let third = -q * p * p;
        let fourth = 3.0 * second * second + second * p * p;
        let fifth = -10.0 * second * second * p;
        return p * (1.0 + second + third + fourth + fifth + 15.0 * second * second * second);
    }
    let mut k = (y - 12.0 * y.sqrt() - 40.0).max(0.0).floor();
    let ln_weight = if k > 0.0 { k * y.ln() - y - ln_gamma(k + 1.0) } else { -y };
    let (mut weight, mut sum) = (ln_weight.exp(), 0.0);
    while k <= y || weight > 1e-18 {
        sum += weight / (a + k);
        k += 1.0;
        weight *= y / k;
    }
    sum
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    rho: f64,
    c: f64,
}

impl TryFrom<Stored> for GammaExponentialMixture {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::new(stored.rho, stored.c)
    }
}

/// `ln(2 π) / 2`.
const HALF_LN_TAU: f64 = 0.918_938_533_204_672_7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn mixture(v_opt: f64, c: f64) -> GammaExponentialMixture {
        GammaExponentialMixture::tuned(v_opt, c, Alpha::FIVE_PERCENT).unwrap()
    }

    /// Source: confseq 0.0.11 for the bounds; the integral in mpmath, 40 digits, for the evidence.
    #[test]
    fn agrees_with_confseq_and_mpmath() {
        let bound = |v| mixture(1.0, 1.0).bound(v, Alpha::FIVE_PERCENT).unwrap();
        close(bound(0.1), 3.829988914725255, 1e-10);
        close(bound(1000.0), 127.64882543740441, 1e-10);
        close(bound(1e7), 15576.0432800367, 1e-9);
        let ln = |s, v, c| mixture(10.0, c).evidence(s, v).unwrap().ln();
        close(ln(5.0, 1.0, 1.0), 2.444_854_918_024_566, 1e-12);
        close(ln(40.0, 100.0, 0.5), 5.471_585_687_533_068, 1e-12);
        close(ln(-5.0, 1.0, 1.0), -1.7522157393486322, 1e-12);
        close(ln(-300.0, 20.0, 1.0), -5.941495995716681, 1e-12);
    }

    #[test]
    fn the_evidence_is_continuous_where_the_formula_changes() {
        let mixture = mixture(10.0, 1.0);
        let v = 3.0;
        let edge = -(v + mixture.rho);
        for (below, above) in [(edge - 1e-9, edge + 1e-9), (-1e4 - 1e-6, -1e4 + 1e-6)] {
            let (low, high) = (mixture.ln_e(below, v), mixture.ln_e(above, v));
            assert!((low - high).abs() < 1e-7, "{low} {high}");
        }
    }

    #[test]
    fn the_evidence_at_the_boundary_is_one_over_alpha() {
        for (v_opt, c) in [(1.0, 1.0), (1e4, 0.01), (5.0, 30.0)] {
            let mixture = mixture(v_opt, c);
            for v in [0.0, 1e-3, 1.0, 1e6] {
                let bound = mixture.bound(v, Alpha::PER_MILLE).unwrap();
                close(mixture.evidence(bound, v).unwrap().ln(), 1000_f64.ln(), 1e-8);
            }
            let json = serde_json::to_string(&mixture).unwrap();
            assert_eq!(serde_json::from_str::<GammaExponentialMixture>(&json).unwrap(), mixture);
        }
        assert!(
            GammaExponentialMixture::new(1.0, 0.0).is_err()
                && GammaExponentialMixture::new(1.0, 1e200).is_err()
        );
    }
}
