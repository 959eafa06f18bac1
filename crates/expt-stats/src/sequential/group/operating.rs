//! What a design does under a given effect.

use serde::{Deserialize, Serialize};

use super::design::GroupSequential;
use super::spending::Sides;
use crate::error::{StatsError, finite};
use crate::level::Probability;
use crate::sequential::root::{bracket_above, find_root};
use crate::special::normal;

/// Holds the probabilities of a design's ways to end under one effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExitProbabilities {
    /// The drift: the mean of Z at full information.
    pub drift: f64,
    /// The probability to stop at each look by crossing the upper bound.
    pub upper: Vec<f64>,
    /// The probability to stop at each look by crossing the lower bound: two-sided the mirrored efficacy bound,
    /// one-sided futility.
    pub lower: Vec<f64>,
    /// The probability to reject the null, on either side for a two-sided test.
    pub power: f64,
    /// The mean information fraction at the end; times the maximal number of units it is the expected sample size.
    pub expected_information: f64,
}

impl GroupSequential {
    /// Returns how the design ends under `drift`, the mean of Z at full information: the effect divided by the
    /// standard error that its estimate will have at the planned end. Futility bounds are obeyed.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] beyond a drift of 1e6, [`StatsError::NotFinite`].
    pub fn exit_probabilities(&self, drift: f64) -> Result<ExitProbabilities, StatsError> {
        if finite("drift", drift)?.abs() > MAX_DRIFT {
            let allowed = "between -1e6 and 1e6 standard errors";
            return Err(StatsError::OutOfRange { what: "drift", value: drift, allowed });
        }
        Ok(self.ends(drift))
    }

    fn ends(&self, drift: f64) -> ExitProbabilities {
        let bounds = self.bounds();
        let (upper, lower) = bounds.exits(drift);
        let rejected = match bounds.sides {
            Sides::One => upper.iter().sum::<f64>(),
            Sides::Two => upper.iter().chain(&lower).sum(),
        };
        let last = bounds.information.last().copied().unwrap_or(1.0);
        let saved: f64 = upper
            .iter()
            .zip(&lower)
            .zip(&bounds.information)
            .map(|((up, down), information)| (up + down) * (last - information))
            .sum();
        ExitProbabilities {
            drift,
            upper,
            lower,
            power: rejected.clamp(0.0, 1.0),
            expected_information: last - saved,
        }
    }

    /// Returns the drift at which the design has this power.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the power lies above that at no drift (the type I error) and below 1.
    pub fn drift_for_power(&self, power: Probability) -> Result<f64, StatsError> {
        let wanted = power.get();
        if wanted <= self.ends(0.0).power || wanted >= 1.0 {
            let allowed = "above the type I error and below 1";
            return Err(StatsError::OutOfRange { what: "power", value: wanted, allowed });
        }
        let missing =
            |drift: f64| (1.0 - wanted).ln() - (1.0 - self.ends(drift).power).max(f64::MIN_POSITIVE).ln();
        let high = bracket_above(missing, 4.0);
        Ok(find_root(missing, 0.0, high))
    }

    /// Returns the maximal information of the design divided by that of a fixed design of the same level and power.
    ///
    /// # Errors
    /// As [`GroupSequential::drift_for_power`].
    pub fn inflation_factor(&self, power: Probability) -> Result<f64, StatsError> {
        let drift = self.drift_for_power(power)?;
        let level = self.plan().alpha().get() / self.plan().sides().count();
        let fixed = normal::upper_quantile(level) + normal::upper_quantile(1.0 - power.get());
        Ok((drift / fixed) * (drift / fixed))
    }
}

/// Beyond this every look is certain.
const MAX_DRIFT: f64 = 1e6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Alpha;
    use crate::sequential::{Efficacy, GroupPlan};

    fn design(efficacy: Efficacy, looks: u32) -> GroupSequential {
        GroupPlan::equally_spaced(Alpha::FIVE_PERCENT, looks, efficacy).design().unwrap()
    }

    /// Source: Jennison and Turnbull 2000, inflation factors to three decimals, two-sided 5 %, power 0.9.
    #[test]
    fn inflation_factors_of_the_textbook() {
        let power = Probability::new(0.9).unwrap();
        for (looks, pocock, fleming) in [(2, 1.100, 1.007), (3, 1.151, 1.016), (5, 1.207, 1.026)] {
            let got = design(Efficacy::Pocock, looks).inflation_factor(power).unwrap();
            assert!((got - pocock).abs() < 6e-4, "{looks} {got}");
            let got = design(Efficacy::ObrienFleming, looks).inflation_factor(power).unwrap();
            assert!((got - fleming).abs() < 6e-4, "{looks} {got}");
        }
    }

    #[test]
    fn probabilities_add_up_and_power_rises_with_the_drift() {
        let design = design(Efficacy::Pocock, 4);
        let null = design.exit_probabilities(0.0).unwrap();
        assert!((null.power - 0.05).abs() < 1e-10);
        let mut last = null.power;
        for step in 1..10 {
            let now = design.exit_probabilities(f64::from(step) * 0.7).unwrap();
            assert!(now.power > last && now.expected_information < null.expected_information);
            last = now.power;
        }
        let far = design.exit_probabilities(1e6).unwrap();
        assert!((far.power - 1.0).abs() < 1e-12 && (far.expected_information - 0.25).abs() < 1e-12);
        assert!(design.exit_probabilities(f64::NAN).is_err());
        assert!(design.drift_for_power(Probability::new(0.05).unwrap()).is_err());
    }
}
