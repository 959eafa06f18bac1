//! Welch's two-sample t test, for means and for ratios of means.

use serde::{Deserialize, Serialize};

use super::t_test::{TOutcome, TTest};
use crate::arm::ArmEstimate;
use crate::error::{StatsError, finite};
use crate::interval::Interval;
use crate::level::{Alpha, Alternative, LnP};

/// Compares two arms at one sample size fixed beforehand.
///
/// Estimand: `treatment - control`. Assumes independent units and estimates that are approximately
/// normal; variances may differ. [`TTest`] asks the same with more options and returns cautions. With `v_i` the variance of arm i's estimate, `t = (difference - null)
/// / sqrt(v_c + v_t)` has about `(v_c + v_t)^2 / (v_c^2/(n_c - 1) + v_t^2/(n_t - 1))` degrees of
/// freedom (Welch 1947; Satterthwaite 1946). Not valid under repeated looks: use
/// [`DifferenceSequence`](crate::DifferenceSequence) for that.
///
/// ```
/// use expt_stats::{Alpha, ArmEstimate, Moments, Welch, WelchOutcome};
///
/// let control = ArmEstimate::mean(&Moments::from_summary(50, 10.0, 4.0)?)?;
/// let treatment = ArmEstimate::mean(&Moments::from_summary(55, 10.8, 5.0)?)?;
/// let WelchOutcome::Tested(test) = Welch::new(Alpha::FIVE_PERCENT).compare(&control, &treatment) else {
///     panic!("both arms vary");
/// };
/// assert!((test.ln_p.p() - 0.055_718_985).abs() < 1e-9);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Welch {
    alpha: Alpha,
    alternative: Alternative,
    null: f64,
}

impl Welch {
    /// Makes a two-sided test of no difference.
    #[must_use]
    pub const fn new(alpha: Alpha) -> Self {
        Self { alpha, alternative: Alternative::TwoSided, null: 0.0 }
    }

    /// Sets the alternative; a one-sided interval is unbounded on the other side.
    #[must_use]
    pub const fn with_alternative(mut self, alternative: Alternative) -> Self {
        self.alternative = alternative;
        self
    }

    /// Sets the difference under the null hypothesis.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] if it is not finite.
    pub fn with_null(mut self, null: f64) -> Result<Self, StatsError> {
        self.null = finite("the null difference", null)?;
        Ok(self)
    }

    /// Runs the test.
    #[must_use]
    pub fn compare(&self, control: &ArmEstimate, treatment: &ArmEstimate) -> WelchOutcome {
        let test = TTest::new(self.alpha).with_alternative(self.alternative).with_finite_null(self.null);
        match test.compare(control, treatment) {
            TOutcome::NoVariance { estimate } => WelchOutcome::NoVariance { difference: estimate },
            TOutcome::Tested(test) => WelchOutcome::Tested(WelchTest {
                difference: test.estimate,
                standard_error: test.standard_error,
                df: satterthwaite(control, treatment),
                t: test.statistic,
                ln_p: test.ln_p,
                alternative: self.alternative,
                null: self.null,
                interval: test.interval,
            }),
        }
    }
}

/// Holds what a Welch comparison yields.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum WelchOutcome {
    /// At least one arm varies: the test exists.
    Tested(WelchTest),
    /// No arm varies (or the variance left the range of `f64`), so there is no scale to judge by.
    NoVariance {
        /// The observed difference.
        difference: f64,
    },
}

/// Holds a Welch test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WelchTest {
    /// Treatment minus control.
    pub difference: f64,
    /// Standard error of the difference.
    pub standard_error: f64,
    /// Satterthwaite degrees of freedom.
    pub df: f64,
    /// The test statistic.
    pub t: f64,
    /// The p-value.
    pub ln_p: LnP,
    /// The alternative tested against.
    pub alternative: Alternative,
    /// The difference under the null hypothesis.
    pub null: f64,
    /// The interval for the difference, fixed sample size.
    pub interval: Interval,
}

/// Returns the Satterthwaite degrees of freedom; scale free, so tiny variances do not underflow.
pub(crate) fn satterthwaite(control: &ArmEstimate, treatment: &ArmEstimate) -> f64 {
    combined_df((control.variance(), control.count()), (treatment.variance(), treatment.count()))
}

/// As [`satterthwaite`] for any two variance components with their counts.
pub(super) fn combined_df(control: (f64, u64), treatment: (f64, u64)) -> f64 {
    let total = control.0 + treatment.0;
    let (c, t) = (control.0 / total, treatment.0 / total);
    1.0 / (c * c / (control.1 - 1) as f64 + t * t / (treatment.1 - 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moments::Moments;
    use crate::testing::close;

    fn arm(count: u64, mean: f64, variance: f64) -> ArmEstimate {
        ArmEstimate::mean(&Moments::from_summary(count, mean, variance).unwrap()).unwrap()
    }

    fn test(welch: Welch, control: &ArmEstimate, treatment: &ArmEstimate) -> WelchTest {
        match welch.compare(control, treatment) {
            WelchOutcome::Tested(test) => test,
            WelchOutcome::NoVariance { .. } => panic!("no variance"),
        }
    }

    /// Source: the Welch-Satterthwaite formula in 50-digit mpmath, checked with scipy 1.18.1.
    #[test]
    fn agrees_with_scipy() {
        let five = Welch::new(Alpha::FIVE_PERCENT);
        let got = test(five, &arm(50, 10.0, 4.0), &arm(55, 10.8, 5.0));
        close(got.standard_error, 0.41341152730552994, 1e-13);
        close(got.df, 102.97588132696745, 1e-13);
        close(got.t, 1.9351177873875887, 1e-12);
        close(got.ln_p.get(), -2.8874343469285404, 1e-12);
        close(got.interval.lower.unwrap(), -0.019906541470575037, 1e-10);
        close(got.interval.upper.unwrap(), 1.6199065414705764, 1e-12);

        let got = test(five, &arm(1_000_000, 0.5, 0.25), &arm(1_000_000, 0.7, 0.21));
        close(got.ln_p.get(), -42558.753921883195, 1e-12);
        close(got.interval.lower.unwrap(), 0.19867068693962017, 1e-12);

        let got = test(five, &arm(30, 0.0, 1e-300), &arm(30, 1e-150, 1e-300));
        close(got.df, 58.0, 1e-12);
        close(got.ln_p.get(), -8.196187472750086, 1e-12);

        let ten = Welch::new(Alpha::new(0.1).unwrap()).with_null(0.25).unwrap();
        let got = test(ten, &arm(50, 10.0, 4.0), &arm(55, 10.8, 5.0));
        close(got.ln_p.p(), 0.18632743335519053, 1e-12);
        close(got.interval.lower.unwrap(), 0.11382541671730335, 1e-11);
    }

    /// Source: as above.
    #[test]
    fn one_sided_tests_agree_with_scipy() {
        let greater = Welch::new(Alpha::FIVE_PERCENT).with_alternative(Alternative::Greater);
        let got = test(greater, &arm(3, 5.0, 1e-12), &arm(3, 5.000001, 1e-12));
        close(got.ln_p.p(), 0.143932067334388, 1e-9);
        close(got.interval.lower.unwrap(), -7.406456119576919e-07, 1e-9);
        assert_eq!(got.interval.upper, None);
        let got = test(greater, &arm(500_000_000, 3.2, 118.0), &arm(500_000_000, 3.201, 119.0));
        close(got.df, 999982194.9022965, 1e-12);
        close(got.ln_p.get(), -2.614781428073899, 1e-12);
    }

    #[test]
    fn swapping_the_arms_mirrors_the_test() {
        let (a, b) = (arm(50, 10.0, 4.0), arm(55, 10.8, 5.0));
        let welch = Welch::new(Alpha::FIVE_PERCENT);
        let (ab, ba) = (test(welch, &a, &b), test(welch, &b, &a));
        close(ab.difference, -ba.difference, 0.0);
        assert_eq!(ab.ln_p, ba.ln_p);
        let less = test(welch.with_alternative(Alternative::Less), &b, &a);
        assert_eq!(less.ln_p, test(welch.with_alternative(Alternative::Greater), &a, &b).ln_p);
    }

    #[test]
    fn no_variance_is_a_variant_and_one_value_an_error() {
        let outcome = Welch::new(Alpha::FIVE_PERCENT).compare(&arm(9, 1.0, 0.0), &arm(9, 2.0, 0.0));
        assert_eq!(outcome, WelchOutcome::NoVariance { difference: 1.0 });
        let one = Moments::from_summary(1, 1.0, 0.0).unwrap();
        assert!(matches!(ArmEstimate::mean(&one), Err(StatsError::TooFew { have: 1, need: 2, .. })));
    }
}
