//! What makes an experiment need more units, or fewer.

use serde::{Deserialize, Serialize};

use super::curve::tuned_reach;
use crate::error::{StatsError, finite, non_negative, positive};
use crate::level::{Alpha, Probability};
use crate::special::normal;

/// Holds the factor by which a size is multiplied: more than one for clusters and interim looks, less for covariates.
///
/// Factors multiply ([`Inflation::times`]).
///
/// ```
/// use expt_stats::power::Inflation;
///
/// // 30 sessions a user, intraclass correlation 0.05, and a covariate of correlation 0.6.
/// let both = Inflation::clusters(30.0, 0.0, 0.05)?.times(Inflation::cuped(0.6)?);
/// assert!((both.factor() - 2.45 * 0.64).abs() < 1e-12);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Inflation(f64);

impl Inflation {
    /// No change.
    pub const NONE: Self = Self(1.0);

    /// Makes any factor.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless it is positive and finite.
    pub fn new(factor: f64) -> Result<Self, StatsError> {
        Ok(Self(positive("the inflation factor", factor)?))
    }

    /// A covariate with this correlation to the metric (CUPED): `1 - correlation^2` (Deng, Xu, Kohavi and Walker 2013).
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the correlation is strictly between -1 and 1.
    pub fn cuped(correlation: f64) -> Result<Self, StatsError> {
        if correlation.is_nan() || correlation.abs() >= 1.0 {
            let allowed = "the open interval (-1, 1)";
            return Err(StatsError::OutOfRange { what: "the correlation", value: correlation, allowed });
        }
        Ok(Self((1.0 - correlation) * (1.0 + correlation)))
    }

    /// Clusters of this mean size are randomised and their members counted: the design effect
    /// `1 + ((1 + cv^2) size - 1) icc` (Kish 1965; with varying sizes Eldridge, Ashby and Kerry 2006), where `cv` is the
    /// coefficient of variation of the sizes and `icc` the intraclass correlation.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless the size is at least 1, `cv` is not negative and
    /// `icc` is in `[0, 1]`.
    pub fn clusters(mean_size: f64, cv: f64, icc: f64) -> Result<Self, StatsError> {
        let size = finite("the mean cluster size", mean_size)?;
        if size < 1.0 {
            return Err(StatsError::OutOfRange {
                what: "the mean cluster size",
                value: size,
                allowed: "at least 1",
            });
        }
        let cv = non_negative("the coefficient of variation", cv)?;
        if !(0.0..=1.0).contains(&icc) {
            let allowed = "the closed interval [0, 1]";
            return Err(StatsError::OutOfRange { what: "the intraclass correlation", value: icc, allowed });
        }
        Self::new(1.0 + ((1.0 + cv * cv) * size - 1.0) * icc)
    }

    /// Interim looks of a group-sequential design: the factor from the fixed to the maximal size, which the design
    /// gives (for example 1.03 for five O'Brien-Fleming looks).
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless it is at least 1 and finite.
    pub fn group_sequential(factor: f64) -> Result<Self, StatsError> {
        let factor = finite("the inflation factor of the looks", factor)?;
        if factor < 1.0 {
            let what = "the inflation factor of the looks";
            return Err(StatsError::OutOfRange { what, value: factor, allowed: "at least 1" });
        }
        Ok(Self(factor))
    }

    /// Any number of looks by a confidence sequence tuned to the planned size, against a two-sided z test:
    /// `((reach + z_power) / (z_{1 - alpha/2} + z_power))^2`.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the power is greater than alpha and less than one.
    pub fn confidence_sequence(alpha: Alpha, power: Probability) -> Result<Self, StatsError> {
        let value = power.get();
        if value <= alpha.get() || value >= 1.0 {
            let allowed = "greater than alpha and less than 1";
            return Err(StatsError::OutOfRange { what: "power", value, allowed });
        }
        let beyond = -normal::upper_quantile(value);
        let ratio = (tuned_reach(alpha) + beyond) / (normal::upper_quantile(0.5 * alpha.get()) + beyond);
        Self::new(ratio * ratio)
    }

    /// Returns both factors together.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        Self((self.0 * other.0).clamp(f64::MIN_POSITIVE, f64::MAX))
    }

    /// Returns the factor.
    #[must_use]
    pub const fn factor(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Inflation {
    type Error = StatsError;

    fn try_from(factor: f64) -> Result<Self, StatsError> {
        Self::new(factor)
    }
}

impl From<Inflation> for f64 {
    fn from(inflation: Inflation) -> Self {
        inflation.0
    }
}
