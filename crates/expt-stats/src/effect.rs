//! The state from which a sequential procedure judges the difference of two arms.

use serde::{Deserialize, Serialize};

use crate::arm::{ArmEstimate, far_from_zero};
use crate::comoments::CoMoments;
use crate::error::{StatsError, finite};
use crate::level::Probability;
use crate::moments::Moments;

/// Holds two arms' estimates and what the start rule needs to know about the metric's shape.
///
/// The shape is pooled over both arms, so the start rule cannot depend on which arm is which.
///
/// ```
/// use expt_stats::{EffectState, Moments};
///
/// let state = EffectState::proportions(
///     &Moments::from_counts(100, 1000)?,
///     &Moments::from_counts(130, 1000)?,
/// )?;
/// assert!((state.estimate() - 0.03).abs() < 1e-12);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectState {
    control: ArmEstimate,
    treatment: ArmEstimate,
    shape: Shape,
}

/// Describes the pooled distribution of a metric, as far as the start rule uses it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Shape {
    /// A mean or ratio with this skewness; `None` when every value is equal.
    Skewed {
        /// The pooled skewness, finite.
        skewness: Option<f64>,
    },
    /// A proportion: each unit has the event or not.
    Events {
        /// The pooled share of units with the event.
        rate: Probability,
    },
}

impl EffectState {
    /// Takes the difference of means of two arms.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two units in an arm; [`StatsError::SkewnessUnknown`] if an arm came
    /// from a summary without skewness.
    pub fn means(control: &Moments, treatment: &Moments) -> Result<Self, StatsError> {
        let arms = (ArmEstimate::mean(control)?, ArmEstimate::mean(treatment)?);
        let pooled = control.merge(treatment)?;
        if !pooled.knows_skewness() {
            return Err(StatsError::SkewnessUnknown { what: "an arm" });
        }
        Ok(Self { control: arms.0, treatment: arms.1, shape: Shape::Skewed { skewness: pooled.skewness() } })
    }

    /// Takes the difference of proportions: moments of zeros and ones, as from
    /// [`Moments::from_counts`].
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two units in an arm; [`StatsError::OutOfRange`] if a mean is no rate.
    pub fn proportions(control: &Moments, treatment: &Moments) -> Result<Self, StatsError> {
        let arms = (ArmEstimate::mean(control)?, ArmEstimate::mean(treatment)?);
        let rate = Probability::new(control.merge(treatment)?.mean().unwrap_or(0.0))?;
        Ok(Self { control: arms.0, treatment: arms.1, shape: Shape::Events { rate } })
    }

    /// Takes the difference of ratios `mean(y) / mean(x)`; the skewness is that of `y - R x`, pooled.
    ///
    /// # Errors
    /// As [`ArmEstimate::ratio`], and [`StatsError::SkewnessUnknown`] if an arm came from a summary.
    pub fn ratios(control: &CoMoments, treatment: &CoMoments) -> Result<Self, StatsError> {
        let arms = (ArmEstimate::ratio(control)?, ArmEstimate::ratio(treatment)?);
        let pooled = control.merge(treatment)?;
        if !pooled.knows_skewness() {
            return Err(StatsError::SkewnessUnknown { what: "an arm" });
        }
        let slope = ArmEstimate::ratio(&pooled)?.estimate();
        let skewness = pooled.residual_skewness(slope);
        Ok(Self { control: arms.0, treatment: arms.1, shape: Shape::Skewed { skewness } })
    }

    /// Makes a state from estimates computed elsewhere, with the metric's pooled skewness.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] if the skewness is not finite.
    pub fn from_arms(
        control: ArmEstimate,
        treatment: ArmEstimate,
        skewness: f64,
    ) -> Result<Self, StatsError> {
        let skewness = Some(finite("skewness", skewness)?);
        Ok(Self { control, treatment, shape: Shape::Skewed { skewness } })
    }

    /// Returns treatment minus control.
    #[must_use]
    pub fn estimate(&self) -> f64 {
        (self.treatment.estimate() - self.control.estimate()).clamp(f64::MIN, f64::MAX)
    }

    /// Returns the variance of the estimated difference.
    #[must_use]
    pub fn variance(&self) -> f64 {
        (self.control.variance() + self.treatment.variance()).min(f64::MAX)
    }

    /// Returns `treatment / control - 1` and its delta-method variance `v_t / c^2 + v_c t^2 / c^4`.
    ///
    /// # Errors
    /// [`StatsError::DenominatorNearZero`] if the control is less than five standard errors away from zero;
    /// [`StatsError::NotFinite`] if the result leaves the range of `f64`.
    pub fn relative(&self) -> Result<(f64, f64), StatsError> {
        let (c, t) = (self.control.estimate(), self.treatment.estimate());
        far_from_zero(c, self.control.variance())?;
        let ratio = t / c;
        let variance =
            self.treatment.variance() / (c * c) + self.control.variance() / (c * c) * ratio * ratio;
        let estimate = finite("the relative difference", (t - c) / c)?;
        Ok((estimate, finite("the variance of the relative difference", variance)?))
    }

    /// Returns the control arm.
    #[must_use]
    pub const fn control(&self) -> &ArmEstimate {
        &self.control
    }

    /// Returns the treatment arm.
    #[must_use]
    pub const fn treatment(&self) -> &ArmEstimate {
        &self.treatment
    }

    /// Returns the pooled shape.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Returns the units of both arms.
    #[must_use]
    pub const fn units(&self) -> u64 {
        self.control.count().saturating_add(self.treatment.count())
    }
}
