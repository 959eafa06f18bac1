//! The estimate of one arm: a mean or a ratio of means, with its variance.

use serde::{Deserialize, Serialize};

use crate::comoments::CoMoments;
use crate::error::{StatsError, finite, non_negative};
use crate::moments::Moments;

/// Holds an arm's estimate, the variance *of that estimate*, and the number of units behind it.
///
/// The unit is the unit of randomisation. Means and ratios meet here, so every comparison of two arms
/// is written once.
///
/// ```
/// use expt_stats::{ArmEstimate, Moments};
///
/// let arm = ArmEstimate::mean(&Moments::from_values(&[1.0, 2.0, 3.0])?)?;
/// assert_eq!(arm.estimate(), 2.0);
/// assert!((arm.variance() - 1.0 / 3.0).abs() < 1e-15);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct ArmEstimate {
    estimate: f64,
    variance: f64,
    count: u64,
}

impl ArmEstimate {
    /// Makes an arm from numbers computed elsewhere; `variance` is that of the estimate.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two units; [`StatsError::NotFinite`]; [`StatsError::OutOfRange`] for
    /// a negative variance.
    #[inline]
    pub fn new(estimate: f64, variance: f64, count: u64) -> Result<Self, StatsError> {
        if count < 2 {
            return Err(StatsError::TooFew { what: "the arm", have: count, need: 2 });
        }
        let estimate = finite("estimate", estimate)?;
        Ok(Self { estimate, variance: non_negative("variance of the estimate", variance)?, count })
    }

    /// Takes the mean, with variance `s^2 / n`.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two values.
    #[inline]
    pub fn mean(moments: &Moments) -> Result<Self, StatsError> {
        let count = moments.count();
        match (moments.mean(), moments.variance()) {
            (Some(mean), Some(variance)) => Self::new(mean, variance / count as f64, count),
            _ => Err(StatsError::TooFew { what: "the arm", have: count, need: 2 }),
        }
    }

    /// Takes the ratio of means `R = mean(y) / mean(x)` by the delta method.
    ///
    /// Estimand: the ratio of expectations, such as clicks per request, where units (users) were
    /// randomised and requests within a unit are dependent. Variance, from Deng, Knoblich and Lu (2018):
    /// `(s_y^2 - 2 R s_xy + R^2 s_x^2) / (n mean(x)^2)`, which is first order in `1/n`.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two units, [`StatsError::DenominatorNearZero`] if the mean of `x` is
    /// less than five standard errors away from zero, where the linearisation is not to be trusted.
    pub fn ratio(pairs: &CoMoments) -> Result<Self, StatsError> {
        let count = pairs.count();
        let too_few = StatsError::TooFew { what: "the arm", have: count, need: 2 };
        let (Some(x), Some(y), Some(variance_x)) = (pairs.mean_x(), pairs.mean_y(), pairs.variance_x())
        else {
            return Err(too_few);
        };
        far_from_zero(x, variance_x / count as f64)?;
        let ratio = y / x;
        let residual = pairs.residual_variance(ratio).ok_or(too_few)?;
        Self::new(ratio, residual / (count as f64) / (x * x), count)
    }

    /// Returns the estimate.
    #[must_use]
    pub const fn estimate(&self) -> f64 {
        self.estimate
    }

    /// Returns the variance of the estimate.
    #[must_use]
    pub const fn variance(&self) -> f64 {
        self.variance
    }

    /// Returns the number of units.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }
}

/// Refuses a denominator within [`DENOMINATOR_ERRORS`] standard errors of zero.
pub(crate) fn far_from_zero(mean: f64, variance: f64) -> Result<(), StatsError> {
    let standard_error = variance.sqrt();
    if mean.abs() <= DENOMINATOR_ERRORS * standard_error {
        return Err(StatsError::DenominatorNearZero { mean, standard_error, need: DENOMINATOR_ERRORS });
    }
    Ok(())
}

/// How many standard errors a denominator's mean must be away from zero.
pub(crate) const DENOMINATOR_ERRORS: f64 = 5.0;

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    estimate: f64,
    variance: f64,
    count: u64,
}

impl TryFrom<Stored> for ArmEstimate {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::new(stored.estimate, stored.variance, stored.count)
    }
}
