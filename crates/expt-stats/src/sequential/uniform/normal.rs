//! The normal mixture: for sub-Gaussian sums.

use serde::{Deserialize, Serialize};

use super::{Mixture, UniformBoundary, intrinsic, tuned_rho};
use crate::error::{StatsError, finite, positive};
use crate::level::Alpha;
use crate::sequential::evalue::EValue;
use crate::sequential::group::Sides;
use crate::sequential::root::find_root;
use crate::special::normal;

/// Mixes `exp(λ S - λ² V / 2)` over a normal λ with variance `1/ρ`, or its positive half (Robbins 1970; Howard et al.
/// 2021).
///
/// Two-sided: `ln e = ln(ρ / (V + ρ)) / 2 + S² / (2 (V + ρ))` with the boundary
/// `sqrt((V + ρ) (ln(1 + V/ρ) + 2 ln(1/α)))` for `|S|`. One-sided, `ln 2 + ln Φ(S / sqrt(V + ρ))` is added, and the
/// boundary is solved for.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::sequential::{NormalMixture, Sides, UniformBoundary};
///
/// let mixture = NormalMixture::tuned(1.0, Alpha::FIVE_PERCENT, Sides::One)?;
/// assert!((mixture.bound(10.0, Alpha::FIVE_PERCENT)? - 9.439_391_617).abs() < 1e-8);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NormalMixture {
    rho: f64,
    sides: Sides,
}

impl NormalMixture {
    /// Makes a mixture with scale `rho`.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `rho` is positive.
    pub fn new(rho: f64, sides: Sides) -> Result<Self, StatsError> {
        Ok(Self { rho: positive("the scale rho", rho)?, sides })
    }

    /// Makes the mixture that is tightest near intrinsic time `v_opt` for level `alpha_opt`.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] for a `v_opt` that is not positive, or a level of 1/2 and
    /// more for one side.
    pub fn tuned(v_opt: f64, alpha_opt: Alpha, sides: Sides) -> Result<Self, StatsError> {
        Self::new(tuned_rho(v_opt, alpha_opt, sides)?, sides)
    }

    /// Returns the scale ρ.
    #[must_use]
    pub const fn rho(&self) -> f64 {
        self.rho
    }

    fn ln_e(&self, s: f64, v: f64) -> f64 {
        let total = v + self.rho;
        let z = s / total.sqrt();
        let ln_shrink = -0.5 * (v / self.rho).ln_1p();
        match self.sides {
            Sides::Two => 0.5 * z * z + ln_shrink,
            // Far below zero, z²/2 + ln Φ(z) is a difference of large numbers.
            Sides::One if z < -DEEP => {
                std::f64::consts::LN_2 + ln_shrink - (z.abs() * ROOT_TAU).ln() + deep(z)
            }
            Sides::One => 0.5 * z * z + ln_shrink + std::f64::consts::LN_2 + normal::ln_sf(-z),
        }
    }
}

impl UniformBoundary for NormalMixture {
    fn bound(&self, v: f64, alpha: Alpha) -> Result<f64, StatsError> {
        let v = intrinsic(v)?;
        let (ln_level, total) = (-alpha.get().ln(), v + self.rho);
        let two_sided = |ln_level: f64| (total * ((v / self.rho).ln_1p() + 2.0 * ln_level).max(0.0)).sqrt();
        match self.sides {
            Sides::Two => Ok(two_sided(ln_level)),
            // The one-sided e-value lies between the two-sided one and twice that.
            Sides::One => {
                let low = two_sided(ln_level - std::f64::consts::LN_2);
                Ok(find_root(|s| self.ln_e(s, v) - ln_level, low, two_sided(ln_level)))
            }
        }
    }
}

impl Mixture for NormalMixture {
    fn evidence(&self, s: f64, v: f64) -> Result<EValue, StatsError> {
        Ok(EValue::saturating(self.ln_e(finite("the sum", s)?, intrinsic(v)?)))
    }
}

/// Returns `ln [Φ(z) |z| sqrt(2π) exp(z²/2)]` for `z < -20` by its asymptotic series; the first term left out is
/// below 1e-13.
fn deep(z: f64) -> f64 {
    let inverse = 1.0 / (z * z);
    (-inverse * (1.0 - 3.0 * inverse * (1.0 - 5.0 * inverse * (1.0 - 7.0 * inverse)))).ln_1p()
}

const DEEP: f64 = 20.0;
/// `sqrt(2 π)`.
const ROOT_TAU: f64 = 2.506_628_274_631_000_7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn mixture(v_opt: f64, sides: Sides) -> NormalMixture {
        NormalMixture::tuned(v_opt, Alpha::FIVE_PERCENT, sides).unwrap()
    }

    /// Source: confseq 0.0.11 `normal_mixture_bound`; the deep tail in mpmath, 40 digits.
    #[test]
    fn agrees_with_confseq_and_mpmath() {
        let bound = |v, alpha| mixture(1.0, Sides::One).bound(v, Alpha::new(alpha).unwrap()).unwrap();
        close(bound(0.1, 0.05), 1.1492681796262338, 1e-11);
        close(bound(1e7, 0.05), 15022.778804221203, 1e-11);
        close(bound(1000.0, 0.01), 128.76235998612628, 1e-11);
        let ln = |s, v, sides| mixture(10.0, sides).evidence(s, v).unwrap().ln();
        close(ln(-5.0, 1.0, Sides::Two), 5.238719467943111, 1e-13);
        close(ln(300.0, 100.0, Sides::One), 441.6117698288303, 1e-13);
        close(ln(-300.0, 1.0, Sides::One), -5.700_869_977_514_091, 1e-13);
        assert!(ln(-1e300, 1.0, Sides::One).is_finite());
    }

    #[test]
    fn the_evidence_at_the_boundary_is_one_over_alpha() {
        for sides in [Sides::One, Sides::Two] {
            let mixture = mixture(37.0, sides);
            for v in [0.0, 1e-300, 1e-3, 1.0, 1e9, 1e200] {
                let bound = mixture.bound(v, Alpha::PER_MILLE).unwrap();
                close(mixture.evidence(bound, v).unwrap().ln(), 1000_f64.ln(), 1e-9);
            }
            assert!(
                mixture.bound(-1.0, Alpha::PER_MILLE).is_err() && mixture.evidence(f64::NAN, 1.0).is_err()
            );
        }
        assert!(NormalMixture::tuned(1.0, Alpha::new(0.6).unwrap(), Sides::One).is_err());
    }
}
