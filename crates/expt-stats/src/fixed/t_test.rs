//! The t tests of means: Welch, pooled, one-sample, paired.

use serde::{Deserialize, Serialize};

use super::caution::{self, Caution};
use super::tail;
use super::welch::satterthwaite;
use crate::agreement::PairedMoments;
use crate::arm::ArmEstimate;
use crate::comoments::CoMoments;
use crate::error::{StatsError, finite};
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, Alternative, LnP};
use crate::moments::Moments;

/// Names the distribution that a statistic is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// Student's t: the variance was estimated from the data.
    #[default]
    Student,
    /// The standard normal: a z test.
    Normal,
}

/// Holds the question of a t test: level, alternative, null value, reference distribution.
///
/// Estimand: a difference of expectations, treatment minus control ([`TTest::welch`], [`TTest::pooled`],
/// [`TTest::ratios`], [`TTest::paired`], [`TTest::compare`]), or one expectation ([`TTest::one_sample`]). Assumes independent units
/// and an estimate that is approximately normal; where the pooled skewness says that it is not, the result carries
/// [`Caution::SkewedForSize`]. With standard error `se`, `t = (estimate - null) / se` and the interval is
/// `estimate ± q se`; a one-sided alternative gives a one-sided interval. Tails are exact on the log scale. One
/// sample size fixed beforehand: under repeated looks use [`DifferenceSequence`](crate::DifferenceSequence).
///
/// | method | standard error | degrees of freedom |
/// |---|---|---|
/// | Welch (1947) | `sqrt(s_c^2/n_c + s_t^2/n_t)` | Satterthwaite (1946) |
/// | pooled (Student 1908) | `s sqrt(1/n_c + 1/n_t)`, `s` over both arms | `n_c + n_t - 2` |
/// | one-sample, paired | `s / sqrt(n)` | `n - 1` |
///
/// ```
/// use expt_stats::fixed::TTest;
/// use expt_stats::{Alpha, Alternative, Moments};
///
/// let control = Moments::from_summary(50, 10.0, 4.0)?;
/// let treatment = Moments::from_summary(55, 10.8, 5.0)?;
/// let test = TTest::new(Alpha::FIVE_PERCENT).welch(&control, &treatment)?.tested()?;
/// assert!((test.ln_p.p() - 0.055_718_985).abs() < 1e-9); // SciPy's ttest_ind_from_stats
/// let pooled = TTest::new(Alpha::FIVE_PERCENT).pooled(&control, &treatment)?.tested()?;
/// assert_eq!(pooled.df, Some(103.0));
/// let greater = TTest::new(Alpha::FIVE_PERCENT).with_alternative(Alternative::Greater);
/// assert_eq!(greater.welch(&control, &treatment)?.tested()?.interval.upper, None);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct TTest {
    alpha: Alpha,
    alternative: Alternative,
    null: f64,
    reference: Reference,
}

impl TTest {
    /// Asks two-sidedly whether the estimand is zero.
    #[must_use]
    pub const fn new(alpha: Alpha) -> Self {
        Self { alpha, alternative: Alternative::TwoSided, null: 0.0, reference: Reference::Student }
    }

    /// Sets the alternative; a one-sided interval is unbounded on the other side.
    #[must_use]
    pub const fn with_alternative(mut self, alternative: Alternative) -> Self {
        self.alternative = alternative;
        self
    }

    /// Sets the value under the null hypothesis.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] if it is not finite.
    pub fn with_null(mut self, null: f64) -> Result<Self, StatsError> {
        self.null = finite("the null value", null)?;
        Ok(self)
    }

    /// Sets a null value that was checked before.
    pub(super) const fn with_finite_null(mut self, null: f64) -> Self {
        self.null = null;
        self
    }

    /// Sets the reference distribution.
    #[must_use]
    pub const fn with_reference(mut self, reference: Reference) -> Self {
        self.reference = reference;
        self
    }

    /// Compares two means whose variances may differ.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two units in an arm, [`StatsError::Overflow`].
    pub fn welch(&self, control: &Moments, treatment: &Moments) -> Result<TOutcome, StatsError> {
        let (c, t) = (ArmEstimate::mean(control)?, ArmEstimate::mean(treatment)?);
        let outcome = self.two_arms(treatment.mean_minus(control), &c, &t);
        Ok(outcome.with_cautions(caution::of_means(control, treatment)?))
    }

    /// Compares two ratios of means by the delta method, see [`ArmEstimate::ratio`].
    ///
    /// # Errors
    /// As [`ArmEstimate::ratio`], and [`StatsError::Overflow`].
    pub fn ratios(&self, control: &CoMoments, treatment: &CoMoments) -> Result<TOutcome, StatsError> {
        let outcome = self.compare(&ArmEstimate::ratio(control)?, &ArmEstimate::ratio(treatment)?);
        Ok(outcome.with_cautions(caution::of_ratios(control, treatment)?))
    }

    /// Compares two means whose variances are equal.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] without a unit in an arm or below three units, [`StatsError::Overflow`].
    pub fn pooled(&self, control: &Moments, treatment: &Moments) -> Result<TOutcome, StatsError> {
        let units = control.count().saturating_add(treatment.count());
        if control.count() == 0 || treatment.count() == 0 || units < 3 {
            return Err(StatsError::TooFew { what: "the comparison", have: units, need: 3 });
        }
        let (n_c, n_t, df) = (control.count() as f64, treatment.count() as f64, (units - 2) as f64);
        let variance = (control.second() + treatment.second()) / df * (1.0 / n_c + 1.0 / n_t);
        let difference = treatment.mean_minus(control);
        let outcome = self.judge(difference, difference - self.null, variance.sqrt(), df);
        Ok(outcome.with_cautions(caution::of_means(control, treatment)?))
    }

    /// Compares one mean with the null value.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two units.
    pub fn one_sample(&self, sample: &Moments) -> Result<TOutcome, StatsError> {
        let arm = ArmEstimate::mean(sample)?;
        let away = sample.mean_above(self.null);
        let outcome = self.judge(arm.estimate(), away, arm.variance().sqrt(), (arm.count() - 1) as f64);
        Ok(outcome.with_cautions(caution::of_moments(arm.count(), sample)))
    }

    /// Compares two measurements of the same units: the mean of candidate minus reference.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two pairs.
    pub fn paired(&self, pairs: &PairedMoments) -> Result<TOutcome, StatsError> {
        self.one_sample(pairs.differences())
    }

    /// Compares two estimates of any kind, such as ratios of means, with Satterthwaite's degrees of freedom.
    ///
    /// The estimates do not say how skewed their metric is, so there are no cautions.
    #[must_use]
    pub fn compare(&self, control: &ArmEstimate, treatment: &ArmEstimate) -> TOutcome {
        self.two_arms(treatment.estimate() - control.estimate(), control, treatment)
    }

    /// Computes statistic and p-value of [`TTest::compare`] alone, for fleets of metrics: no interval, no allocation.
    ///
    /// `None` where [`TTest::compare`] says that nothing varies.
    #[inline]
    #[must_use]
    pub fn evidence(&self, control: &ArmEstimate, treatment: &ArmEstimate) -> Option<Evidence> {
        let difference = treatment.estimate() - control.estimate();
        let standard_error = (control.variance() + treatment.variance()).sqrt();
        if standard_error <= 0.0 || !standard_error.is_finite() || !difference.is_finite() {
            return None;
        }
        let student = self.reference == Reference::Student;
        let df = if student { satterthwaite(control, treatment) } else { f64::INFINITY };
        let statistic = ((difference - self.null) / standard_error).clamp(f64::MIN, f64::MAX);
        let ln_p = tail::ln_p(statistic, df, self.alternative);
        Some(Evidence { statistic, df: df.is_finite().then_some(df), ln_p })
    }

    fn two_arms(&self, difference: f64, control: &ArmEstimate, treatment: &ArmEstimate) -> TOutcome {
        let standard_error = (control.variance() + treatment.variance()).sqrt();
        let df = if standard_error > 0.0 { satterthwaite(control, treatment) } else { f64::INFINITY };
        self.judge(difference, difference - self.null, standard_error, df)
    }

    /// Judges an estimate that is `away` from the null value.
    fn judge(&self, estimate: f64, away: f64, standard_error: f64, df: f64) -> TOutcome {
        if standard_error <= 0.0 || !standard_error.is_finite() || !estimate.is_finite() {
            return TOutcome::NoVariance { estimate: estimate.clamp(f64::MIN, f64::MAX) };
        }
        let df = if self.reference == Reference::Normal { f64::INFINITY } else { df };
        let statistic = (away / standard_error).clamp(f64::MIN, f64::MAX);
        let reach = tail::critical(self.alpha, self.alternative, df) * standard_error;
        let (lower, upper) = tail::open(estimate - reach, estimate + reach, self.alternative);
        TOutcome::Tested(TResult {
            estimate,
            standard_error,
            df: df.is_finite().then_some(df),
            statistic,
            ln_p: tail::ln_p(statistic, df, self.alternative),
            alternative: self.alternative,
            null: self.null,
            interval: Interval::new(lower, upper, self.alpha, Coverage::Fixed),
            cautions: Vec::new(),
        })
    }

    /// Returns the level.
    #[must_use]
    pub const fn alpha(&self) -> Alpha {
        self.alpha
    }
}

/// Holds the evidence of a t test without its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Evidence {
    /// `(estimate - null) / standard_error`.
    pub statistic: f64,
    /// The degrees of freedom; `None` if the reference is the normal distribution.
    pub df: Option<f64>,
    /// The p-value.
    pub ln_p: LnP,
}

/// Holds what a t test yields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum TOutcome {
    /// The data vary: the test exists.
    Tested(TResult),
    /// Nothing varies (or the variance left the range of `f64`), so there is no scale to judge by.
    NoVariance {
        /// The observed estimate.
        estimate: f64,
    },
}

impl TOutcome {
    /// Returns the test, for callers to whom its absence is an error.
    ///
    /// # Errors
    /// [`StatsError::NoVariance`] if nothing varies.
    pub fn tested(self) -> Result<TResult, StatsError> {
        match self {
            Self::Tested(result) => Ok(result),
            Self::NoVariance { .. } => Err(StatsError::NoVariance { what: "the metric" }),
        }
    }

    /// Returns the estimate, which exists in any case.
    #[must_use]
    pub const fn estimate(&self) -> f64 {
        match self {
            Self::Tested(result) => result.estimate,
            Self::NoVariance { estimate } => *estimate,
        }
    }

    /// Adds cautions.
    pub(super) fn with_cautions(mut self, cautions: impl IntoIterator<Item = Caution>) -> Self {
        if let Self::Tested(result) = &mut self {
            result.cautions.extend(cautions);
        }
        self
    }
}

/// Holds a t or z test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TResult {
    /// The estimate: a mean, or treatment minus control.
    pub estimate: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The degrees of freedom; `None` if the reference is the normal distribution.
    pub df: Option<f64>,
    /// `(estimate - null) / standard_error`.
    pub statistic: f64,
    /// The p-value.
    pub ln_p: LnP,
    /// The alternative tested against.
    pub alternative: Alternative,
    /// The value under the null hypothesis.
    pub null: f64,
    /// The interval for the estimand, fixed sample size.
    pub interval: Interval,
    /// Why the level is in doubt, if it is.
    pub cautions: Vec<Caution>,
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    alpha: Alpha,
    alternative: Alternative,
    null: f64,
    reference: Reference,
}

impl TryFrom<Stored> for TTest {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        let test = Self::new(stored.alpha).with_alternative(stored.alternative).with_null(stored.null)?;
        Ok(test.with_reference(stored.reference))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::{Lift, LiftScale};
    use crate::testing::close;

    fn five() -> TTest {
        TTest::new(Alpha::FIVE_PERCENT)
    }

    fn summary(count: u64, mean: f64, variance: f64) -> Moments {
        Moments::from_summary(count, mean, variance).unwrap()
    }

    /// Source: scipy 1.18.1 `stats.ttest_ind_from_stats(equal_var=True)`.
    #[test]
    fn pooled_agrees_with_scipy() {
        let got = five().pooled(&summary(50, 10.0, 4.0), &summary(55, 10.8, 5.0)).unwrap().tested().unwrap();
        close(got.standard_error, 0.4156259435814067, 1e-13);
        close(got.statistic, 1.9248076602400745, 1e-12);
        close(got.ln_p.get(), -2.8644892257312136, 1e-12);
        close(got.interval.lower.unwrap(), -0.02429603154263877, 1e-10);
    }

    /// Source: scipy 1.18.1 `stats.ttest_1samp`, `stats.ttest_rel`.
    #[test]
    fn one_sample_and_paired_agree_with_scipy() {
        let x = Moments::from_values(&[-2.5522179334079667, 2.050836595197164, 5.831033369182787]).unwrap();
        let got = five().with_null(0.1).unwrap().one_sample(&x).unwrap().tested().unwrap();
        close(got.statistic, 0.6916694273174602, 1e-12);
        close(got.ln_p.p(), 0.5606483097403204, 1e-12);
        close(got.interval.upper.unwrap(), 12.205832443707083, 1e-12);

        let a =
            [3.8513011114923295, 4.785820759766581, 3.07731205253743, 4.708783305913476, 4.628401097840953];
        let b = [
            3.7109060920118746,
            5.991556415852669,
            4.066644533516563,
            5.4138431785874666,
            3.8340244565921617,
        ];
        let mut pairs = PairedMoments::new(0.0).unwrap();
        a.iter().zip(b).for_each(|(&a, b)| pairs.push(a, b).unwrap());
        let got = five().paired(&pairs).unwrap().tested().unwrap();
        close(got.statistic, 1.0490470690202562, 1e-11);
        close(got.ln_p.p(), 0.3533566807373033, 1e-11);
    }

    #[test]
    fn skewness_decides_about_the_caution() {
        let arm = |n, skew| summary(n, 1.0, 1.0).with_skewness(skew).unwrap();
        let cautions =
            |n, skew| five().welch(&arm(n, skew), &arm(1_000_000, skew)).unwrap().tested().unwrap();
        assert_eq!(cautions(1430, 2.0).cautions, []);
        let Caution::SkewedForSize { units: 1410, need } = cautions(1410, 2.0).cautions[0] else { panic!() };
        close(need, 1420.0, 1e-6);
        let unknown = five().welch(&summary(9, 0.0, 1.0), &summary(9, 0.0, 1.0)).unwrap().tested().unwrap();
        assert_eq!(unknown.cautions, [Caution::ShapeUnknown]);
    }

    #[test]
    fn evidence_is_the_test_without_its_interval() {
        let arm = |count, mean, variance| ArmEstimate::mean(&summary(count, mean, variance)).unwrap();
        let (a, b) = (arm(50, 10.0, 4.0), arm(55, 10.8, 5.0));
        for test in [five(), five().with_reference(Reference::Normal).with_alternative(Alternative::Less)] {
            let (whole, part) = (test.compare(&a, &b).tested().unwrap(), test.evidence(&a, &b).unwrap());
            assert_eq!((whole.statistic, whole.df, whole.ln_p), (part.statistic, part.df, part.ln_p));
        }
        let flat = arm(9, 1.0, 0.0);
        assert_eq!(five().evidence(&flat, &flat), None);
    }

    #[test]
    fn a_ratio_is_as_skewed_as_its_line() {
        let arm = |wild: f64| {
            let mut pairs = CoMoments::default();
            (0..200)
                .for_each(|i| pairs.push(2.0, f64::from(i % 5) + if i == 7 { wild } else { 0.0 }).unwrap());
            pairs
        };
        let cautions = |wild| five().ratios(&arm(0.0), &arm(wild)).unwrap().tested().unwrap().cautions;
        assert_eq!(cautions(0.0), []);
        assert!(matches!(cautions(1000.0)[0], Caution::SkewedForSize { units: 200, .. }));
        let lift = Lift::new(LiftScale::Log, Alpha::FIVE_PERCENT);
        assert_eq!(lift.ratios(&arm(0.0), &arm(1000.0)).unwrap().cautions.len(), 2);
    }

    #[test]
    fn a_normal_reference_has_no_degrees_of_freedom() {
        let z = five().with_reference(Reference::Normal);
        let got = z.welch(&summary(50, 10.0, 4.0), &summary(55, 10.8, 5.0)).unwrap().tested().unwrap();
        assert_eq!(got.df, None);
        close(got.ln_p.p(), 2.0 * crate::special::normal_sf(got.statistic).unwrap(), 1e-13);
    }

    #[test]
    fn edges() {
        let (one, flat) = (summary(1, 1.0, 0.0), summary(9, 2.0, 0.0));
        assert!(five().welch(&one, &flat).is_err() && five().one_sample(&one).is_err());
        assert_eq!(five().welch(&flat, &flat).unwrap(), TOutcome::NoVariance { estimate: 0.0 });
        assert!(five().pooled(&one, &summary(2, 1.0, 1.0)).is_ok());
        assert!(five().pooled(&one, &one).is_err() && five().pooled(&Moments::default(), &flat).is_err());
        assert!(five().with_null(f64::NAN).is_err());
        let text = serde_json::to_string(&five()).unwrap();
        assert_eq!(serde_json::from_str::<TTest>(&text).unwrap(), five());
    }
}
