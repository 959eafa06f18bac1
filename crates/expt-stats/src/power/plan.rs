//! How many units an experiment needs, and what it can detect.

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, non_negative, positive};
use crate::level::{Alpha, Probability};
use crate::sequential::Boundary;
use crate::special::normal;

/// Plans the size of a two-arm comparison of means.
///
/// Normal approximation with unequal variances (Chow, Shao and Wang 2008, section 3.2): a two-sided
/// test at alpha detects `delta` with the stated power when
/// `v_c/n_c + v_t/n_t = (delta / (critical + z_power))^2`. For a fixed sample `critical` is the normal
/// quantile. For a confidence sequence tuned to its own n it is the reach of the boundary at that n, so
/// the result is the n at which *that one look* has the power; stopping earlier is a bonus, and the
/// chance to stop at any look up to n is higher.
///
/// ```
/// use expt_stats::{Alpha, PowerPlan, Probability};
///
/// let plan = PowerPlan::new(Alpha::FIVE_PERCENT, Probability::new(0.8)?, 1.0, 1.0)?;
/// assert_eq!(plan.fixed_size(0.1)?.control, 1570); // statsmodels: 1569.78
/// assert!(plan.sequential_size(0.1)?.control > 2800);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct PowerPlan {
    alpha: Alpha,
    power: Probability,
    control_variance: f64,
    treatment_variance: f64,
    treatment_share: f64,
}

impl PowerPlan {
    /// Plans equal arms with these variances per unit.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the power is in `(alpha, 1)` and the variances are not negative
    /// and not both zero; [`StatsError::NotFinite`].
    pub fn new(
        alpha: Alpha,
        power: Probability,
        control_variance: f64,
        treatment_variance: f64,
    ) -> Result<Self, StatsError> {
        let (value, allowed) = (power.get(), "greater than alpha and less than 1");
        if value <= alpha.get() || value >= 1.0 {
            return Err(StatsError::OutOfRange { what: "power", value, allowed });
        }
        non_negative("control variance", control_variance)?;
        non_negative("treatment variance", treatment_variance)?;
        positive("the sum of variances", control_variance + treatment_variance)?;
        Ok(Self { alpha, power, control_variance, treatment_variance, treatment_share: 0.5 })
    }

    /// Sets the share of units in the treatment.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless it is strictly between 0 and 1.
    pub fn with_treatment_share(mut self, share: f64) -> Result<Self, StatsError> {
        if !(share > 0.0 && share < 1.0) {
            let allowed = "the open interval (0, 1)";
            return Err(StatsError::OutOfRange { what: "the treatment share", value: share, allowed });
        }
        self.treatment_share = share;
        Ok(self)
    }

    /// Returns the size at which a fixed-sample test detects `delta`.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] for a zero or infinite `delta`,
    /// [`StatsError::Overflow`] beyond 1e18 units.
    pub fn fixed_size(&self, delta: f64) -> Result<SampleSize, StatsError> {
        self.size(delta, self.fixed_critical())
    }

    /// Returns the size at which a confidence sequence tuned to that size detects `delta`.
    ///
    /// # Errors
    /// As [`PowerPlan::fixed_size`].
    pub fn sequential_size(&self, delta: f64) -> Result<SampleSize, StatsError> {
        self.size(delta, self.sequential_critical()?)
    }

    /// Returns the smallest difference a fixed-sample test of `units` detects (the MDE).
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below four units.
    pub fn fixed_detectable(&self, units: u64) -> Result<f64, StatsError> {
        self.detectable(units, self.fixed_critical())
    }

    /// Returns the smallest difference a confidence sequence tuned to `units` detects there.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below four units.
    pub fn sequential_detectable(&self, units: u64) -> Result<f64, StatsError> {
        self.detectable(units, self.sequential_critical()?)
    }

    fn fixed_critical(&self) -> f64 {
        normal::upper_quantile(0.5 * self.alpha.get())
    }

    fn sequential_critical(&self) -> Result<f64, StatsError> {
        // At the tuned n the reach depends on alpha alone, so any n gives it.
        Ok(Boundary::new(self.alpha, 1)?.reach(1))
    }

    /// Returns n times the variance of the difference at n units in both arms together.
    fn unit_variance(&self) -> f64 {
        self.control_variance / (1.0 - self.treatment_share) + self.treatment_variance / self.treatment_share
    }

    fn distance(&self, critical: f64) -> f64 {
        critical - normal::upper_quantile(self.power.get())
    }

    fn size(&self, delta: f64, critical: f64) -> Result<SampleSize, StatsError> {
        let delta = positive("delta", delta.abs())?;
        let ratio = self.distance(critical) / delta;
        let total = self.unit_variance() * ratio * ratio;
        if total.is_nan() || total > 1e18 {
            return Err(StatsError::Overflow { what: "the sample size" });
        }
        // Lowered by a part in 1e12 first, so that an exact whole number is not raised by rounding.
        let whole = |share: f64| ((total * share * (1.0 - 1e-12)).ceil() as u64).max(2);
        Ok(SampleSize { control: whole(1.0 - self.treatment_share), treatment: whole(self.treatment_share) })
    }

    fn detectable(&self, units: u64, critical: f64) -> Result<f64, StatsError> {
        if units < 4 {
            return Err(StatsError::TooFew { what: "the plan", have: units, need: 4 });
        }
        Ok(self.distance(critical) * (self.unit_variance() / units as f64).sqrt())
    }
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    alpha: Alpha,
    power: Probability,
    control_variance: f64,
    treatment_variance: f64,
    treatment_share: f64,
}

impl TryFrom<Stored> for PowerPlan {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::new(stored.alpha, stored.power, stored.control_variance, stored.treatment_variance)?
            .with_treatment_share(stored.treatment_share)
    }
}

/// Holds the units per arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SampleSize {
    /// Units in the control.
    pub control: u64,
    /// Units in the treatment.
    pub treatment: u64,
}

impl SampleSize {
    /// Returns the units of both arms.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.control.saturating_add(self.treatment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn plan() -> PowerPlan {
        PowerPlan::new(Alpha::FIVE_PERCENT, Probability::new(0.8).unwrap(), 1.0, 1.0).unwrap()
    }

    /// Source: `n_a = (z_{1-alpha/2} + z_power)^2 (var_a + var_b/ratio)/delta^2` = 1569.775946869818.
    #[test]
    fn size_and_detectable_difference_invert_each_other() {
        assert_eq!(plan().fixed_size(0.1).unwrap(), SampleSize { control: 1570, treatment: 1570 });
        let uneven = plan().with_treatment_share(0.1).unwrap();
        for delta in [0.5, 0.03, 0.001] {
            for plan in [plan(), uneven] {
                let units = plan.sequential_size(delta).unwrap().total();
                close(plan.sequential_detectable(units).unwrap(), delta, 0.01);
                assert!(units > plan.fixed_size(delta).unwrap().total());
            }
        }
        assert!(uneven.fixed_size(0.1).unwrap().total() > plan().fixed_size(0.1).unwrap().total());
    }

    #[test]
    fn impossible_plans_are_errors() {
        for delta in [0.0, f64::NAN, f64::INFINITY, 1e-12] {
            assert!(plan().fixed_size(delta).is_err(), "{delta}");
        }
        let power = |value| PowerPlan::new(Alpha::FIVE_PERCENT, Probability::new(value).unwrap(), 1.0, 1.0);
        assert!(power(1.0).is_err() && power(0.01).is_err());
        assert!(plan().with_treatment_share(1.0).is_err());
        assert!(plan().fixed_detectable(3).is_err());
        let text = serde_json::to_string(&plan()).unwrap();
        assert_eq!(serde_json::from_str::<PowerPlan>(&text).unwrap(), plan());
        assert!(serde_json::from_str::<PowerPlan>(&text.replace("0.5", "1.5")).is_err());
    }
}
