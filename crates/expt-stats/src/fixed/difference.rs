//! The difference of two proportions: tests and intervals.

use serde::{Deserialize, Serialize};

use super::caution::{self, Caution};
use super::counts::{Counts, difference};
use super::proportion::wilson;
use super::score::Score;
use super::statsmodels;
use super::tail;
use crate::error::{StatsError, finite};
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, Alternative, LnP};
use crate::special::normal;

/// Names an interval for the difference of two independent proportions, treatment minus control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DifferenceMethod {
    /// Joins the two Wilson intervals by squares: method 10 of Newcombe (1998), the default.
    #[default]
    Newcombe,
    /// Inverts the score test with the factor `N / (N - 1)` (Miettinen and Nurminen 1985).
    MiettinenNurminen,
    /// Inverts the score test without the factor (Mee 1984).
    Mee,
    /// [`DifferenceMethod::MiettinenNurminen`] as statsmodels 0.15.0 computes it (`method="score"`): one coefficient of
    /// its cubic for the restricted rates has a count in the place of a size, so the rates are not the most likely
    /// ones and the bounds are off by up to a few parts in a thousand; and its search stops at 2e-12. Offered to
    /// reproduce its numbers.
    StatsmodelsScore,
    /// Wald's interval after one event and one non-event were added to each arm (Agresti and Caffo 2000).
    AgrestiCaffo,
    /// Unpooled normal interval. Does not keep its level for rare events; offered for comparison.
    Wald,
}

/// Holds the difference of two proportions with an interval.
///
/// Estimand: treatment's minus control's event probability; independent units. Fixed sample size. The score
/// intervals are found by bracketing, to a few ulp. When an arm expects fewer than ten events or non-events at the
/// pooled rate, the result carries a [`Caution`].
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::fixed::{Counts, DifferenceMethod, ProportionDifference};
///
/// let (control, treatment) = (Counts::new(0, 100)?, Counts::new(7, 100)?);
/// let got = ProportionDifference::new(&control, &treatment, DifferenceMethod::Newcombe, Alpha::FIVE_PERCENT)?;
/// assert!((got.interval.lower.unwrap() - 0.018_603_17).abs() < 1e-8); // statsmodels
/// assert_eq!(got.cautions.len(), 1); // 3.5 expected events
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProportionDifference {
    /// Treatment minus control.
    pub difference: f64,
    /// The interval.
    pub interval: Interval,
    /// How the interval was made.
    pub method: DifferenceMethod,
    /// Why the level is in doubt, if it is.
    pub cautions: Vec<Caution>,
}

impl ProportionDifference {
    /// Computes the interval.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] without units in an arm.
    pub fn new(
        control: &Counts,
        treatment: &Counts,
        method: DifferenceMethod,
        alpha: Alpha,
    ) -> Result<Self, StatsError> {
        let ((x_c, n_c), (x_t, n_t)) = (control.known("the control")?, treatment.known("the treatment")?);
        let (observed, z) = (difference(control, treatment), normal::upper_quantile(0.5 * alpha.get()));
        let (lower, upper) = match method {
            DifferenceMethod::Newcombe => {
                let ((l_c, u_c), (l_t, u_t)) = (wilson(control, z), wilson(treatment, z));
                let (p_c, p_t) = (x_c / n_c, x_t / n_t);
                (observed - (p_t - l_t).hypot(u_c - p_c), observed + (u_t - p_t).hypot(p_c - l_c))
            }
            DifferenceMethod::MiettinenNurminen => Score::new(control, treatment, true).difference_bounds(z),
            DifferenceMethod::StatsmodelsScore => statsmodels::bounds(control, treatment, alpha),
            DifferenceMethod::Mee => Score::new(control, treatment, false).difference_bounds(z),
            DifferenceMethod::AgrestiCaffo => {
                let (p_c, p_t) = ((x_c + 1.0) / (n_c + 2.0), (x_t + 1.0) / (n_t + 2.0));
                let reach = z * (spread(p_c) / (n_c + 2.0) + spread(p_t) / (n_t + 2.0)).sqrt();
                (p_t - p_c - reach, p_t - p_c + reach)
            }
            DifferenceMethod::Wald => {
                let reach = z * unpooled_error(control, treatment);
                (observed - reach, observed + reach)
            }
        };
        let interval = Interval::new(lower, upper, alpha, Coverage::Fixed);
        let mut cautions = two_arms(control, treatment)?;
        if method == DifferenceMethod::Wald {
            cautions.push(Caution::WaldInterval);
        }
        Ok(Self { difference: observed, interval, method, cautions })
    }
}

/// Names the variance of the difference in a z test of two proportions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ZVariance {
    /// `p (1 - p) (1/n_c + 1/n_t)` with p over both arms: the score test of equal rates, the default. With a null
    /// difference other than zero it is only what some packages do; use [`ZVariance::Restricted`].
    #[default]
    Pooled,
    /// `p_c (1 - p_c) / n_c + p_t (1 - p_t) / n_t`: Wald's test.
    Unpooled,
    /// With the rates that are most likely under the null difference, times `N / (N - 1)`: the score test of
    /// Miettinen and Nurminen (1985), which agrees with their interval.
    Restricted,
}

/// Asks whether two proportions differ, by a z test.
///
/// Estimand: treatment's minus control's event probability. `z = (difference - null) / se`. Tails are exact on the
/// log scale; fixed sample size.
///
/// ```
/// use expt_stats::fixed::{Counts, ProportionTest};
///
/// let test = ProportionTest::default().compare(&Counts::new(100, 1000)?, &Counts::new(130, 1000)?)?.tested()?;
/// assert!((test.ln_p.p() - 0.035_488_45).abs() < 1e-8); // statsmodels
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProportionTest {
    variance: ZVariance,
    alternative: Alternative,
    null: f64,
}

impl ProportionTest {
    /// Sets the variance.
    #[must_use]
    pub const fn with_variance(mut self, variance: ZVariance) -> Self {
        self.variance = variance;
        self
    }

    /// Sets the alternative.
    #[must_use]
    pub const fn with_alternative(mut self, alternative: Alternative) -> Self {
        self.alternative = alternative;
        self
    }

    /// Sets the difference under the null hypothesis, such as minus a margin.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless it lies strictly between -1 and 1.
    pub fn with_null(mut self, null: f64) -> Result<Self, StatsError> {
        if finite("the null difference", null)?.abs() >= 1.0 {
            let allowed = "the open interval (-1, 1)";
            return Err(StatsError::OutOfRange { what: "the null difference", value: null, allowed });
        }
        self.null = null;
        Ok(self)
    }

    /// Runs the test.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] without units in an arm.
    pub fn compare(&self, control: &Counts, treatment: &Counts) -> Result<ZOutcome, StatsError> {
        let ((_, n_c), (_, n_t)) = (control.known("the control")?, treatment.known("the treatment")?);
        let observed = difference(control, treatment);
        let standard_error = match self.variance {
            ZVariance::Pooled => {
                let both = control.merge(treatment)?;
                (bernoulli(&both) * (1.0 / n_c + 1.0 / n_t)).sqrt()
            }
            ZVariance::Unpooled => unpooled_error(control, treatment),
            ZVariance::Restricted => Score::new(control, treatment, true).difference_error(self.null),
        };
        if standard_error <= 0.0 {
            return Ok(ZOutcome::NoVariance { difference: observed });
        }
        let statistic = (observed - self.null) / standard_error;
        Ok(ZOutcome::Tested(ZResult {
            difference: observed,
            standard_error,
            statistic,
            ln_p: tail::ln_p(statistic, f64::INFINITY, self.alternative),
            cautions: two_arms(control, treatment)?,
        }))
    }
}

/// Holds what a z test yields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ZOutcome {
    /// The test exists.
    Tested(ZResult),
    /// The variance is zero (all units had the event, or none had), so there is no scale to judge by.
    NoVariance {
        /// The observed difference.
        difference: f64,
    },
}

impl ZOutcome {
    /// Returns the test, for callers to whom its absence is an error.
    ///
    /// # Errors
    /// [`StatsError::NoVariance`] if the variance is zero.
    pub fn tested(self) -> Result<ZResult, StatsError> {
        match self {
            Self::Tested(result) => Ok(result),
            Self::NoVariance { .. } => Err(StatsError::NoVariance { what: "the proportion" }),
        }
    }
}

/// Holds a z test of two proportions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ZResult {
    /// Treatment minus control.
    pub difference: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// `(difference - null) / standard_error`.
    pub statistic: f64,
    /// The p-value.
    pub ln_p: LnP,
    /// Why the level is in doubt, if it is.
    pub cautions: Vec<Caution>,
}

/// Judges expected events of the smaller arm at the pooled rate.
pub(super) fn two_arms(control: &Counts, treatment: &Counts) -> Result<Vec<Caution>, StatsError> {
    let rate = control.merge(treatment)?.rate().unwrap_or(0.0);
    Ok(caution::of_events(control.count().min(treatment.count()), rate).collect())
}

fn spread(p: f64) -> f64 {
    p * (1.0 - p)
}

/// Returns `p (1 - p)` from both counts, so that a rate near one keeps its digits.
fn bernoulli(counts: &Counts) -> f64 {
    let (x, y, n) = (counts.events() as f64, counts.others() as f64, counts.count() as f64);
    (x / n) * (y / n)
}

fn unpooled_error(control: &Counts, treatment: &Counts) -> f64 {
    let variance = |counts: &Counts| bernoulli(counts) / counts.count() as f64;
    (variance(control) + variance(treatment)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn counts(events: u64, count: u64) -> Counts {
        Counts::new(events, count).unwrap()
    }

    fn check(control: Counts, treatment: Counts, method: DifferenceMethod, lower: f64, upper: f64) {
        let got = ProportionDifference::new(&control, &treatment, method, Alpha::FIVE_PERCENT).unwrap();
        close(got.interval.lower.unwrap(), lower, 1e-10);
        close(got.interval.upper.unwrap(), upper, 1e-10);
    }

    /// Source: statsmodels 0.15.0 `confint_proportions_2indep(compare="diff")`.
    #[test]
    fn intervals_agree_with_statsmodels() {
        use DifferenceMethod::{AgrestiCaffo, Newcombe, Wald};
        let (a, b) = (counts(100, 1000), counts(130, 1000));
        check(a, b, Wald, 0.0020679344393763587, 0.057932065560623636);
        let (a, b) = (counts(0, 100), counts(7, 100));
        check(a, b, Newcombe, 0.018603170911274128, 0.13749514739073504);
        check(a, b, AgrestiCaffo, 0.013059760235523604, 0.12419514172526072);
        check(b, a, AgrestiCaffo, -0.12419514172526072, -0.013059760235523604);
        let (a, b) = (counts(520_000, 10_000_000), counts(530_000, 10_000_000));
        check(a, b, Newcombe, 0.0008045075358519848, 0.0011954941079663137);
    }

    #[test]
    fn a_score_interval_ends_where_the_score_test_rejects() {
        let (a, b) = (counts(7, 60), counts(15, 52));
        let got = ProportionDifference::new(&a, &b, DifferenceMethod::MiettinenNurminen, Alpha::FIVE_PERCENT)
            .unwrap();
        for end in [got.interval.lower.unwrap(), got.interval.upper.unwrap()] {
            let test = ProportionTest::default().with_variance(ZVariance::Restricted).with_null(end).unwrap();
            close(test.compare(&a, &b).unwrap().tested().unwrap().ln_p.p(), 0.05, 1e-11);
        }
    }

    #[test]
    fn extreme_counts_have_bounds_inside_minus_one_and_one() {
        use DifferenceMethod::{Mee, MiettinenNurminen, Newcombe};
        for (a, b) in
            [(counts(0, 1), counts(1, 1)), (counts(0, 9), counts(0, 3)), (counts(5, 5), counts(0, 700))]
        {
            for method in [Newcombe, MiettinenNurminen, Mee] {
                let got = ProportionDifference::new(&a, &b, method, Alpha::FIVE_PERCENT).unwrap();
                let (lower, upper) = (got.interval.lower.unwrap(), got.interval.upper.unwrap());
                assert!(-1.0 <= lower && lower <= got.difference && got.difference <= upper && upper <= 1.0);
                let mirrored = ProportionDifference::new(&b, &a, method, Alpha::FIVE_PERCENT).unwrap();
                close(mirrored.interval.lower.unwrap(), -upper, 1e-12);
            }
        }
    }

    #[test]
    fn no_variance_is_a_variant() {
        let outcome = ProportionTest::default().compare(&counts(0, 5), &counts(0, 9)).unwrap();
        assert_eq!(outcome, ZOutcome::NoVariance { difference: 0.0 });
        assert!(outcome.tested().is_err());
        assert!(ProportionTest::default().compare(&counts(0, 0), &counts(0, 9)).is_err());
        assert!(ProportionTest::default().with_null(1.0).is_err());
    }
}
