//! A number of units.

use serde::{Deserialize, Serialize};

use super::plan::SampleSize;
use crate::arm::ArmEstimate;
use crate::error::StatsError;

/// Holds the units that a test needs, as real numbers: a plan is an approximation, and rounding is the last step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Size {
    /// Units in the control; all units of a one-sample test.
    pub control: f64,
    /// Units in the treatment; zero in a one-sample test.
    pub treatment: f64,
}

impl Size {
    pub(super) fn new(control: f64, treatment: f64) -> Result<Self, StatsError> {
        if control.is_nan() || control + treatment > 1e18 {
            return Err(StatsError::Overflow { what: "the sample size" });
        }
        Ok(Self { control, treatment })
    }

    /// Returns the units of both arms.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.control + self.treatment
    }

    /// Returns whole units per arm, rounded up and at least two where an arm has any.
    ///
    /// Lowered by a part in 1e12 first, so that an exact whole number is not raised by rounding.
    #[must_use]
    pub fn units(&self) -> SampleSize {
        let whole = |n: f64| if n > 0.0 { ((n * (1.0 - 1e-12)).ceil() as u64).max(2) } else { 0 };
        SampleSize { control: whole(self.control), treatment: whole(self.treatment) }
    }
}

/// Returns the variance that one unit contributes to an estimate: n times the estimate's variance.
///
/// The usual way to plan from data: the mean or ratio of an earlier period, by the delta method (Deng, Knoblich and
/// Lu 2018) for a ratio.
#[must_use]
pub fn unit_variance(arm: &ArmEstimate) -> f64 {
    (arm.variance() * arm.count() as f64).min(f64::MAX)
}
