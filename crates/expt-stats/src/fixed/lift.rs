//! Relative lifts: two delta-method intervals, named apart.

use serde::{Deserialize, Serialize};

use super::caution::{self, Caution};
use super::t_test::Reference;
use super::tail;
use super::welch::{combined_df, satterthwaite};
use crate::arm::{ArmEstimate, DENOMINATOR_ERRORS, far_from_zero};
use crate::comoments::CoMoments;
use crate::error::{StatsError, finite};
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, Alternative, LnP};
use crate::moments::Moments;

/// Names the scale on which a relative lift is taken to be normal. The two are different methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LiftScale {
    /// Symmetric on the lift itself: variance `v_t / c^2 + v_c t^2 / c^4`; degrees of freedom of the absolute
    /// difference. gbstats' relative effect.
    Linear,
    /// Symmetric on `ln(t / c)`: variance `v_t / t^2 + v_c / c^2`, and Satterthwaite's degrees of freedom of these
    /// two; both estimates must have one sign. tea-tasting's relative effect.
    Log,
}

/// Holds the question about a relative lift `treatment / control - 1`.
///
/// Estimand: the ratio of the two arms' expectations, minus one. With `c`, `t` the estimates and `v_c`, `v_t` their
/// variances, the interval is `lift ± q sqrt(variance)` on the chosen [`LiftScale`], with the p-value of the same
/// statistic (delta method: Deng, Knoblich and Lu 2018). First order in `1/n`, fixed sample size. A denominator
/// close to zero gives [`Caution::DenominatorNearZero`]: use [`Fieller`](super::Fieller), which is exact for
/// normal estimates.
///
/// ```
/// use expt_stats::fixed::Lift;
/// use expt_stats::{Alpha, ArmEstimate, LiftScale, Moments};
///
/// let control = ArmEstimate::mean(&Moments::from_summary(1000, 10.0, 4.0)?)?;
/// let treatment = ArmEstimate::mean(&Moments::from_summary(1100, 10.2, 5.0)?)?;
/// let lift = Lift::new(LiftScale::Log, Alpha::FIVE_PERCENT).compare(&control, &treatment)?;
/// assert!((lift.lift - 0.02).abs() < 1e-12);
/// assert!(lift.interval.is_above(0.0));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lift {
    scale: LiftScale,
    alpha: Alpha,
    alternative: Alternative,
    reference: Reference,
}

impl Lift {
    /// Asks two-sidedly whether the lift is zero.
    #[must_use]
    pub const fn new(scale: LiftScale, alpha: Alpha) -> Self {
        Self { scale, alpha, alternative: Alternative::TwoSided, reference: Reference::Student }
    }

    /// Sets the alternative; a one-sided interval is unbounded on the other side.
    #[must_use]
    pub const fn with_alternative(mut self, alternative: Alternative) -> Self {
        self.alternative = alternative;
        self
    }

    /// Sets the reference distribution.
    #[must_use]
    pub const fn with_reference(mut self, reference: Reference) -> Self {
        self.reference = reference;
        self
    }

    /// Computes the lift of two means; the result carries the caution of their skewness too.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two units in an arm, and as [`Lift::compare`].
    pub fn means(&self, control: &Moments, treatment: &Moments) -> Result<LiftResult, StatsError> {
        let mut result = self.compare(&ArmEstimate::mean(control)?, &ArmEstimate::mean(treatment)?)?;
        result.cautions.extend(caution::of_means(control, treatment)?);
        Ok(result)
    }

    /// Computes the lift of two ratios of means; the result carries the caution of their skewness too.
    ///
    /// # Errors
    /// As [`ArmEstimate::ratio`] and [`Lift::compare`].
    pub fn ratios(&self, control: &CoMoments, treatment: &CoMoments) -> Result<LiftResult, StatsError> {
        let mut result = self.compare(&ArmEstimate::ratio(control)?, &ArmEstimate::ratio(treatment)?)?;
        result.cautions.extend(caution::of_ratios(control, treatment)?);
        Ok(result)
    }

    /// Computes the lift of `treatment` over `control`.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if the control's estimate is zero, or on the log scale unless both have one sign;
    /// [`StatsError::Overflow`].
    pub fn compare(&self, control: &ArmEstimate, treatment: &ArmEstimate) -> Result<LiftResult, StatsError> {
        let (c, t) = (control.estimate(), treatment.estimate());
        if c == 0.0 {
            let allowed = "anything but zero, because a lift divides by it";
            return Err(StatsError::OutOfRange { what: "the control's estimate", value: c, allowed });
        }
        let ratio = finite("treatment / control", t / c)?;
        // Divided twice, so that the square of a tiny estimate does not underflow.
        let relative = |arm: &ArmEstimate, by: f64| arm.variance() / by / by;
        let varies = control.variance() + treatment.variance() > 0.0;
        let (variance, df) = match self.scale {
            LiftScale::Linear => (
                relative(treatment, c) + relative(control, c) * ratio * ratio,
                if varies { satterthwaite(control, treatment) } else { f64::INFINITY },
            ),
            LiftScale::Log if ratio <= 0.0 => {
                let allowed = "greater than zero on the log scale; use `LiftScale::Linear`";
                return Err(StatsError::OutOfRange { what: "treatment / control", value: ratio, allowed });
            }
            LiftScale::Log => {
                let (v_c, v_t) = (relative(control, c), relative(treatment, t));
                let df = combined_df((v_c, control.count()), (v_t, treatment.count()));
                (v_c + v_t, if varies { df } else { f64::INFINITY })
            }
        };
        let standard_error = variance.sqrt();
        if !standard_error.is_finite() {
            return Err(StatsError::Overflow { what: "the variance of the lift" });
        }
        let df = if self.reference == Reference::Normal { f64::INFINITY } else { df };
        let reach = tail::critical(self.alpha, self.alternative, df) * standard_error;
        let lift = (t - c) / c;
        let (effect, lower, upper) = match self.scale {
            LiftScale::Linear => (lift, lift - reach, lift + reach),
            LiftScale::Log => {
                let log = if lift.abs() < 0.5 { lift.ln_1p() } else { ratio.ln() };
                (log, (log - reach).exp_m1(), (log + reach).exp_m1())
            }
        };
        let (lower, upper) = tail::open(lower, upper, self.alternative);
        let statistic = (effect / standard_error).clamp(f64::MIN, f64::MAX);
        Ok(LiftResult {
            lift,
            standard_error,
            df: df.is_finite().then_some(df),
            ln_p: (standard_error > 0.0).then(|| tail::ln_p(statistic, df, self.alternative)),
            interval: Interval::new(lower, upper, self.alpha, Coverage::Fixed),
            scale: self.scale,
            cautions: self.cautions(control, treatment),
        })
    }

    fn cautions(&self, control: &ArmEstimate, treatment: &ArmEstimate) -> Vec<Caution> {
        let logged = if self.scale == LiftScale::Log { Some(treatment) } else { None };
        let distance = |arm: &ArmEstimate| arm.estimate().abs() / arm.variance().sqrt();
        let nearest =
            [Some(control), logged].into_iter().flatten().map(distance).fold(f64::INFINITY, f64::min);
        let near = nearest <= DENOMINATOR_ERRORS;
        near.then_some(Caution::DenominatorNearZero { standard_errors: nearest }).into_iter().collect()
    }
}

/// Holds a relative lift with its delta-method interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LiftResult {
    /// `treatment / control - 1`.
    pub lift: f64,
    /// The standard error, on the scale.
    pub standard_error: f64,
    /// The degrees of freedom; `None` if the reference is the normal distribution.
    pub df: Option<f64>,
    /// The p-value of no lift, on the scale; `None` if nothing varies.
    pub ln_p: Option<LnP>,
    /// The interval for the lift.
    pub interval: Interval,
    /// The scale of standard error and interval.
    pub scale: LiftScale,
    /// Why the level is in doubt, if it is.
    pub cautions: Vec<Caution>,
}

/// Holds a relative lift that is far from a zero denominator: the strict form of [`LiftResult`].
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
    /// Computes the lift of `treatment` over `control` as [`Lift`] does, two-sided, and refuses what that would
    /// only caution about.
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
        far_from_zero(control.estimate(), control.variance())?;
        if scale == LiftScale::Log {
            far_from_zero(treatment.estimate(), treatment.variance())?;
        }
        let LiftResult { lift, interval, .. } = Lift::new(scale, alpha).compare(control, treatment)?;
        Ok(Self { lift, interval, scale })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::{Welch, WelchOutcome};
    use crate::testing::close;

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
