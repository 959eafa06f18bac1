//! The normal posterior of a mean or of an effect.

use serde::{Deserialize, Serialize};

use crate::arm::ArmEstimate;
use crate::bayes::posterior::Posterior;
use crate::bayes::posterior::sealed::Axis;
use crate::error::{StatsError, finite, positive};
use crate::special::normal;
use crate::tails::Tails;

/// Holds a normal distribution with a positive variance.
///
/// The estimate of an arm with many units is normal with its variance taken as known; a normal prior with mean
/// `m` and variance `s^2` then gives precision `1/s^2 + 1/v` and the mean weighted by the precisions.
///
/// ```
/// use expt_stats::bayes::{NormalPosterior, Posterior};
///
/// let posterior = NormalPosterior::new(0.0, 1.0)?.updated(2.0, 1.0)?;
/// assert_eq!((posterior.mean(), posterior.variance()), (1.0, 0.5));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct NormalPosterior {
    mean: f64,
    variance: f64,
}

impl NormalPosterior {
    /// Makes a prior, or a posterior under a flat prior.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`]; [`StatsError::OutOfRange`] unless the variance is positive.
    pub fn new(mean: f64, variance: f64) -> Result<Self, StatsError> {
        Ok(Self { mean: finite("mean", mean)?, variance: positive("variance", variance)? })
    }

    /// Takes the posterior of an arm's estimate under a flat prior.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if the arm's variance is zero.
    pub fn flat(arm: &ArmEstimate) -> Result<Self, StatsError> {
        Self::new(arm.estimate(), arm.variance())
    }

    /// Adds an estimate with its variance.
    ///
    /// # Errors
    /// As [`NormalPosterior::new`].
    pub fn updated(self, estimate: f64, variance: f64) -> Result<Self, StatsError> {
        let data = Self::new(estimate, variance)?;
        // Written so that neither precision overflows.
        let weight = self.variance / (self.variance + data.variance);
        let mean = self.mean + weight * (data.mean - self.mean);
        Self::new(mean, weight * data.variance)
    }

    /// Returns the standard deviation.
    #[must_use]
    pub fn standard_deviation(&self) -> f64 {
        self.variance.sqrt()
    }

    fn z(&self, u: f64) -> f64 {
        (u - self.mean) / self.standard_deviation()
    }
}

impl Posterior for NormalPosterior {
    fn mean(&self) -> f64 {
        self.mean
    }

    fn variance(&self) -> f64 {
        self.variance
    }

    fn quantile(&self, p: f64) -> f64 {
        let p = p.clamp(f64::MIN_POSITIVE, 1.0 - 0.5 * f64::EPSILON);
        self.mean - normal::upper_quantile(p) * self.standard_deviation()
    }

    fn credible_interval(&self, alpha: crate::level::Alpha) -> (f64, f64) {
        let reach = normal::upper_quantile(0.5 * alpha.get()) * self.standard_deviation();
        (self.mean - reach, self.mean + reach)
    }
}

/// The axis is the value itself.
impl Axis for NormalPosterior {
    fn value(&self, u: f64) -> f64 {
        u
    }

    fn slope(&self, _: f64) -> f64 {
        1.0
    }

    fn coordinate(&self, x: f64) -> f64 {
        x
    }

    fn centre(&self) -> f64 {
        self.mean
    }

    fn spread(&self) -> f64 {
        self.standard_deviation()
    }

    fn ln_density(&self, u: f64) -> f64 {
        let z = self.z(u);
        -0.5 * z * z - 0.5 * (std::f64::consts::TAU * self.variance).ln()
    }

    fn tails(&self, u: f64) -> Tails {
        let z = self.z(u);
        Tails { ln_lower: normal::ln_sf(-z), ln_upper: normal::ln_sf(z) }
    }
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    mean: f64,
    variance: f64,
}

impl TryFrom<Stored> for NormalPosterior {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::new(stored.mean, stored.variance)
    }
}
