//! Relative lifts: two delta-method intervals, named apart.

use serde::{Deserialize, Serialize};

use crate::arm::{ArmEstimate, far_from_zero};
use crate::error::StatsError;
use crate::interval::{Coverage, Interval};
use crate::level::Alpha;
use crate::special::student;
use crate::welch::satterthwaite;

/// Names the scale on which a relative lift is taken to be normal. The two are different methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LiftScale {
    /// Symmetric on the lift itself: variance `v_t / c^2 + v_c t^2 / c^4`.
    Linear,
    /// Symmetric on `ln(t / c)`: variance `v_t / t^2 + v_c / c^2`; both estimates must have one sign.
    Log,
}

/// Holds a relative lift `treatment / control - 1` with a delta-method interval.
///
/// Estimand: the ratio of the two arms' expectations, minus one. With `c`, `t` the estimates and
/// `v_c`, `v_t` their variances, the interval is `lift ± q sqrt(variance)` on the chosen
/// [`LiftScale`]; q is the t quantile at the Satterthwaite degrees of freedom of the absolute
/// difference (Deng, Knoblich and Lu 2018, section 3). Fixed sample size; first order in `1/n`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RelativeLift {
    /// `treatment / control - 1`.
    pub lift: f64,
    /// The interval for the lift.
    pub interval: Interval,
    /// The scale of the interval.
    pub scale: LiftScale,
}

impl RelativeLift {
    /// Computes the lift of `treatment` over `control`.
    ///
    /// # Errors
    /// [`StatsError::DenominatorNearZero`] if the control is less than five standard errors away from
    /// zero, or, on the log scale, the treatment is; [`StatsError::OutOfRange`] if their signs differ on
    /// the log scale.
    pub fn new(
        control: &ArmEstimate,
        treatment: &ArmEstimate,
        scale: LiftScale,
        alpha: Alpha,
    ) -> Result<Self, StatsError> {
        let (c, t) = (control.estimate(), treatment.estimate());
        far_from_zero(c, control.variance())?;
        let ratio = t / c;
        let relative = |arm: &ArmEstimate, by: f64| arm.variance() / (by * by);
        let varies = control.variance() + treatment.variance() > 0.0;
        let df = if varies { satterthwaite(control, treatment) } else { f64::INFINITY };
        let quantile = student::upper_quantile(0.5 * alpha.get(), df);
        let (lower, upper) = match scale {
            LiftScale::Linear => {
                let variance = relative(treatment, c) + relative(control, c) * ratio * ratio;
                (ratio - quantile * variance.sqrt() - 1.0, ratio + quantile * variance.sqrt() - 1.0)
            }
            LiftScale::Log => {
                far_from_zero(t, treatment.variance())?;
                if ratio <= 0.0 {
                    let allowed = "greater than zero on the log scale; use `LiftScale::Linear`";
                    return Err(StatsError::OutOfRange {
                        what: "treatment / control",
                        value: ratio,
                        allowed,
                    });
                }
                let reach = quantile * (relative(treatment, t) + relative(control, c)).sqrt();
                (ratio * (-reach).exp() - 1.0, ratio * reach.exp() - 1.0)
            }
        };
        let interval = Interval::new(lower, upper, alpha, Coverage::Fixed);
        Ok(Self { lift: crate::error::finite("the relative lift", ratio - 1.0)?, interval, scale })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comoments::CoMoments;
    use crate::moments::Moments;
    use crate::testing::close;
    use crate::welch::{Welch, WelchOutcome};

    fn mean(count: u64, mean: f64, variance: f64) -> ArmEstimate {
        ArmEstimate::mean(&Moments::from_summary(count, mean, variance).unwrap()).unwrap()
    }

    /// Source: gbstats 0.8.0, relative difference of a two-sided t test.
    #[test]
    fn linear_lift_agrees_with_gbstats() {
        let (a, b) = (mean(1000, 10.0, 4.0), mean(1100, 10.2, 5.0));
        let lift = RelativeLift::new(&a, &b, LiftScale::Linear, Alpha::FIVE_PERCENT).unwrap();
        close(lift.lift, 0.019999999999999928, 1e-12);
        close(lift.interval.lower.unwrap(), 0.0017007028488175528, 1e-6);
        close(lift.interval.upper.unwrap(), 0.0382992971511823, 1e-6);
    }

    /// Source: tea-tasting 2.0.0, `RatioOfMeans.analyze_aggregates(equal_var=False, use_t=True)`.
    #[test]
    fn ratios_agree_with_tea_tasting() {
        let arm = |n, mean, variance, covariance| {
            ArmEstimate::ratio(&CoMoments::from_summary(n, mean, variance, covariance).unwrap()).unwrap()
        };
        let a = arm(200, (4.965, 1.625), (4.043994974874371, 1.6124371859296482), 1.3335427135678408);
        let b = arm(
            210,
            (5.219047619047619, 1.6857142857142857),
            (3.626429710640237, 1.5658236500341762),
            1.2127136021872869,
        );
        close(a.estimate(), 0.3272910372608258, 1e-13);
        let WelchOutcome::Tested(test) = Welch::new(Alpha::FIVE_PERCENT).compare(&a, &b) else { panic!() };
        close(test.difference, -0.004298336530898783, 1e-11);
        close(test.t, -0.2047320371660164, 1e-10);
        close(test.ln_p.p(), 0.8378846817552887, 1e-10);
        close(test.interval.lower.unwrap(), -0.04557141233566638, 1e-10);
        close(test.interval.upper.unwrap(), 0.036974739273868816, 1e-10);
        let lift = RelativeLift::new(&a, &b, LiftScale::Log, Alpha::FIVE_PERCENT).unwrap();
        close(lift.lift, -0.013133071308253808, 1e-10);
        let b = arm(
            900,
            (4.978888888888889, 1.6477777777777778),
            (3.969520454826349, 1.5521085156346557),
            1.3774280064268964,
        );
        let a = arm(1000, (4.954, 1.392), (4.2941781781781785, 1.3076436436436434), 1.2582902902902896);
        let WelchOutcome::Tested(test) = Welch::new(Alpha::FIVE_PERCENT).compare(&a, &b) else { panic!() };
        close(test.ln_p.p(), 8.707892362079407e-08, 1e-8);
    }

    #[test]
    fn a_control_near_zero_is_an_error() {
        let (a, b) = (mean(100, 0.1, 4.0), mean(100, 1.0, 4.0));
        for scale in [LiftScale::Linear, LiftScale::Log] {
            let lift = RelativeLift::new(&a, &b, scale, Alpha::FIVE_PERCENT);
            assert!(matches!(lift, Err(StatsError::DenominatorNearZero { .. })));
        }
        let zero = CoMoments::from_summary(100, (0.0, 1.0), (1.0, 1.0), 0.0).unwrap();
        assert!(ArmEstimate::ratio(&zero).is_err());
    }
}
