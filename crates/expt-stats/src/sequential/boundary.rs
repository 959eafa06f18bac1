//! The normal-mixture boundary behind every asymptotic confidence sequence.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::level::{Alpha, LnP};

/// Holds the level and mixture scale of a two-sided Gaussian-mixture boundary, in standard errors.
///
/// With `g = n rho^2` and `v` the variance of the estimate at n units, the confidence sequence of
/// Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024, the Gaussian mixture) is
/// `estimate ± sqrt(v) sqrt(2 (1 + g)/g ln(sqrt(1 + g)/alpha))`, and the e-value of no effect is
/// `exp(estimate^2 g / (2 v (1 + g))) / sqrt(1 + g)`.
///
/// These are bare numbers, for tools that bring their own estimate. They say neither whether the estimate is a level
/// or a difference nor whether there is enough data for the normal approximation, so nothing is decided from them:
/// that takes a [`DifferenceSequence`](crate::DifferenceSequence).
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::sequential::AsymptoticBoundary;
///
/// let boundary = AsymptoticBoundary::new(Alpha::FIVE_PERCENT, 5000)?;
/// let at = boundary.at(2100);
/// assert!((at.ln_e(at.reach()) - 20_f64.ln()).abs() < 1e-12);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct AsymptoticBoundary {
    alpha: Alpha,
    intended: u64,
    /// `-ln alpha`, and the information `rho^2` of one unit: computed once, as a look costs nanoseconds.
    ln_inverse_alpha: f64,
    per_unit: f64,
}

/// Holds the boundary at one number of units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundaryAt {
    g: f64,
    half_ln: f64,
    ln_inverse_alpha: f64,
}

impl AsymptoticBoundary {
    /// Tunes the mixture to be tightest near `intended` units.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] for zero units.
    pub fn new(alpha: Alpha, intended: u64) -> Result<Self, StatsError> {
        if intended == 0 {
            let allowed = "at least 1 unit, both arms together";
            return Err(StatsError::OutOfRange { what: "the intended sample size", value: 0.0, allowed });
        }
        let per_unit = tuned_information(alpha) / intended as f64;
        Ok(Self { alpha, intended, ln_inverse_alpha: -alpha.get().ln(), per_unit })
    }

    /// Returns the error level over all looks.
    #[must_use]
    pub const fn alpha(self) -> Alpha {
        self.alpha
    }

    /// Returns the number of units the boundary is tuned to.
    #[must_use]
    pub const fn intended(self) -> u64 {
        self.intended
    }

    /// Returns the mixture scale `rho`, the approximate minimiser of the width at the intended n
    /// (the same paper, appendix on tuning).
    #[must_use]
    pub fn rho(self) -> f64 {
        self.per_unit.sqrt()
    }

    /// Returns the boundary at `units`.
    #[inline]
    #[must_use]
    pub fn at(self, units: u64) -> BoundaryAt {
        let g = self.per_unit * units as f64;
        // Below 1e-3 the digits of `ln(1 + g)` matter to an e-value near 1; above, `ln` is twice as fast.
        let half_ln = if g > 1e-3 { 0.5 * (1.0 + g).ln() } else { 0.5 * g.ln_1p() };
        BoundaryAt { g, half_ln, ln_inverse_alpha: self.ln_inverse_alpha }
    }

    /// Returns half the width in standard errors at `units`.
    pub(crate) fn reach(self, units: u64) -> f64 {
        self.at(units).reach()
    }
}

impl BoundaryAt {
    /// Returns half the width of the interval in standard errors; infinite at no units.
    #[inline]
    #[must_use]
    pub fn reach(self) -> f64 {
        self.reach_squared().sqrt()
    }

    /// Returns the ln e-value of an estimate that is `z` standard errors from its null value.
    #[inline]
    #[must_use]
    pub fn ln_e(self, z: f64) -> f64 {
        self.ln_e_squared(z * z)
    }

    /// As [`BoundaryAt::reach`], squared.
    #[inline]
    pub(super) fn reach_squared(self) -> f64 {
        2.0 * (self.half_ln + self.ln_inverse_alpha) * (1.0 + 1.0 / self.g)
    }

    /// As [`BoundaryAt::ln_e`], from `z²`.
    #[inline]
    pub(super) fn ln_e_squared(self, z_squared: f64) -> f64 {
        (0.5 * z_squared * (self.g / (1.0 + self.g)) - self.half_ln).min(f64::MAX)
    }
}

/// The serialised form.
#[derive(Serialize, Deserialize)]
struct Stored {
    alpha: Alpha,
    intended: u64,
}

impl TryFrom<Stored> for AsymptoticBoundary {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::new(stored.alpha, stored.intended)
    }
}

impl From<AsymptoticBoundary> for Stored {
    fn from(boundary: AsymptoticBoundary) -> Self {
        Self { alpha: boundary.alpha, intended: boundary.intended }
    }
}

/// Returns `n rho^2` at the intended n: `-2 ln alpha + ln(1 - 2 ln alpha)`.
pub(crate) fn tuned_information(alpha: Alpha) -> f64 {
    let twice = -2.0 * alpha.get().ln();
    twice + twice.ln_1p()
}

/// Turns an e-value into the p-value `min(1, 1/e)`, valid at every stopping time (Ville 1939).
#[inline]
pub(crate) fn p_from_ln_e(ln_e: f64) -> LnP {
    LnP::saturating(-ln_e)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: gbstats 0.8.0 `SequentialTwoSidedTTest`, absolute differences.
    #[test]
    fn agrees_with_gbstats() {
        type Case = ((u64, f64, f64), (u64, f64, f64), f64, u64, (f64, f64));
        let cases: [Case; 4] = [
            ((1000, 10.0, 4.0), (1100, 10.2, 5.0), 0.05, 5000, (-0.08783652808619563, 1.0671574242905555)),
            ((2000, -1.0, 9.0), (2000, -1.5, 9.0), 0.05, 100_000, (-0.9838246844167907, 3.208759542383149)),
            ((500, 0.5, 0.25), (480, 0.51, 0.25), 0.05, 5000, (-0.0978049105043952, -0.43930812429242133)),
            (
                (10_000_000, 1.23, 8.0),
                (10_000_000, 1.231, 8.1),
                0.01,
                5000,
                (-0.004667423983734942, -5.059121767441735),
            ),
        ];
        for (a, b, alpha, tuning, (lower, ln_e)) in cases {
            let boundary = AsymptoticBoundary::new(Alpha::new(alpha).unwrap(), tuning).unwrap();
            let (estimate, units) = (b.1 - a.1, a.0 + b.0);
            let error = (a.2 / a.0 as f64 + b.2 / b.0 as f64).sqrt();
            close(estimate - error * boundary.reach(units), lower, 1e-7);
            close(boundary.at(units).ln_e(estimate / error), ln_e, 1e-7);
        }
    }

    #[test]
    fn the_interval_excludes_zero_exactly_when_the_e_value_reaches_one_over_alpha() {
        let boundary = AsymptoticBoundary::new(Alpha::FIVE_PERCENT, 3000).unwrap();
        for units in [1, 10, 3000, 1_000_000, u64::MAX] {
            close(boundary.at(units).ln_e(boundary.reach(units)), -(0.05_f64.ln()), 1e-9);
        }
        assert!(AsymptoticBoundary::new(Alpha::FIVE_PERCENT, 0).is_err());
    }

    #[test]
    fn the_width_is_smallest_near_the_intended_size() {
        let at =
            |intended: u64| AsymptoticBoundary::new(Alpha::FIVE_PERCENT, intended).unwrap().reach(10_000);
        assert!(at(10_000) < at(1000) && at(10_000) < at(100_000));
    }
}
