//! Ratios of proportions and of odds.

use serde::{Deserialize, Serialize};

use super::caution::Caution;
use super::counts::Counts;
use super::difference::two_arms;
use super::score::Score;
use crate::error::StatsError;
use crate::interval::{Coverage, Interval};
use crate::level::Alpha;
use crate::special::normal;

/// Names an interval for the ratio of two independent proportions, treatment / control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RateRatioMethod {
    /// Inverts the score test with the factor `N / (N - 1)` (Koopman 1984; Miettinen and Nurminen 1985): the
    /// default.
    #[default]
    MiettinenNurminen,
    /// Inverts the score test without the factor (Koopman 1984).
    Koopman,
    /// Normal on the log scale, variance `1/x_t - 1/n_t + 1/x_c - 1/n_c` (Katz et al. 1978); the whole range
    /// without events in an arm.
    Log,
    /// [`RateRatioMethod::Log`] after one half was added to events and units of each arm (Walter 1975).
    LogAdjusted,
}

/// Holds the ratio of two proportions with an interval.
///
/// Estimand: treatment's event probability divided by control's (relative risk). Independent units, fixed sample
/// size. Without events in the control the upper bound is open; without events in the treatment a score interval
/// starts at zero.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::fixed::{Counts, RateRatio, RateRatioMethod};
///
/// let (control, treatment) = (Counts::new(100, 1000)?, Counts::new(130, 1000)?);
/// let got = RateRatio::new(&control, &treatment, RateRatioMethod::Log, Alpha::FIVE_PERCENT)?;
/// assert!((got.ratio.unwrap() - 1.3).abs() < 1e-12);
/// assert!((got.interval.lower.unwrap() - 1.016_984_27).abs() < 1e-8); // statsmodels
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RateRatio {
    /// Treatment / control; `None` without events in the control.
    pub ratio: Option<f64>,
    /// The interval.
    pub interval: Interval,
    /// How the interval was made.
    pub method: RateRatioMethod,
    /// Why the level is in doubt, if it is.
    pub cautions: Vec<Caution>,
}

impl RateRatio {
    /// Computes the interval.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] without units in an arm.
    pub fn new(
        control: &Counts,
        treatment: &Counts,
        method: RateRatioMethod,
        alpha: Alpha,
    ) -> Result<Self, StatsError> {
        let ((x_c, n_c), (x_t, n_t)) = (control.known("the control")?, treatment.known("the treatment")?);
        let z = normal::upper_quantile(0.5 * alpha.get());
        let log = |add: f64| {
            let (x_c, n_c, x_t, n_t) = (x_c + add, n_c + add, x_t + add, n_t + add);
            // 1/x - 1/n as one fraction, which is exactly zero when every unit had the event.
            let variance = (n_t - x_t) / x_t / n_t + (n_c - x_c) / x_c / n_c;
            on_log_scale((x_t / n_t) / (x_c / n_c), z * variance.sqrt())
        };
        let (lower, upper) = match method {
            RateRatioMethod::MiettinenNurminen => Score::new(control, treatment, true).ratio_bounds(z),
            RateRatioMethod::Koopman => Score::new(control, treatment, false).ratio_bounds(z),
            RateRatioMethod::Log => log(0.0),
            RateRatioMethod::LogAdjusted => log(0.5),
        };
        let ratio = (x_t / n_t) / (x_c / n_c);
        Ok(Self {
            ratio: ratio.is_finite().then_some(ratio),
            interval: Interval::new(lower, upper, alpha, Coverage::Fixed),
            method,
            cautions: two_arms(control, treatment)?,
        })
    }
}

/// Names an interval for the odds ratio of two independent proportions, treatment / control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OddsRatioMethod {
    /// Inverts the score test with the factor `N / (N - 1)` (Miettinen and Nurminen 1985): the default.
    #[default]
    MiettinenNurminen,
    /// Normal on the log scale, variance the sum of `1 / cell` (Woolf 1955); the whole range with an empty cell.
    Logit,
    /// [`OddsRatioMethod::Logit`] after one half was added to each cell (Haldane 1956; Gart 1966).
    LogitAdjusted,
    /// [`OddsRatioMethod::Logit`] after the cells were smoothed towards independence by twice their probability
    /// under it (Agresti 1999).
    LogitSmoothed,
}

/// Holds the odds ratio of two proportions with an interval.
///
/// Estimand: the treatment's odds of the event divided by the control's; the estimate is the sample odds ratio,
/// not Fisher's conditional one. Independent units, fixed sample size.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::fixed::{Counts, OddsRatio, OddsRatioMethod};
///
/// let (control, treatment) = (Counts::new(10, 50)?, Counts::new(20, 50)?);
/// let got = OddsRatio::new(&control, &treatment, OddsRatioMethod::Logit, Alpha::FIVE_PERCENT)?;
/// assert!((got.ratio.unwrap() - 8.0 / 3.0).abs() < 1e-12);
/// assert!(got.interval.is_above(1.0));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OddsRatio {
    /// Treatment / control; `None` where a zero stands in the denominator.
    pub ratio: Option<f64>,
    /// The interval.
    pub interval: Interval,
    /// How the interval was made.
    pub method: OddsRatioMethod,
    /// Why the level is in doubt, if it is.
    pub cautions: Vec<Caution>,
}

impl OddsRatio {
    /// Computes the interval.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] without units in an arm.
    pub fn new(
        control: &Counts,
        treatment: &Counts,
        method: OddsRatioMethod,
        alpha: Alpha,
    ) -> Result<Self, StatsError> {
        let ((x_c, n_c), (x_t, n_t)) = (control.known("the control")?, treatment.known("the treatment")?);
        let (y_c, y_t) = (control.others() as f64, treatment.others() as f64);
        let z = normal::upper_quantile(0.5 * alpha.get());
        let logit = |x_c: f64, y_c: f64, x_t: f64, y_t: f64| {
            let variance = 1.0 / x_c + 1.0 / y_c + 1.0 / x_t + 1.0 / y_t;
            on_log_scale((x_t / y_t) * (y_c / x_c), z * variance.sqrt())
        };
        let (lower, upper) = match method {
            OddsRatioMethod::MiettinenNurminen => Score::new(control, treatment, true).odds_bounds(z),
            OddsRatioMethod::Logit => logit(x_c, y_c, x_t, y_t),
            OddsRatioMethod::LogitAdjusted => logit(x_c + 0.5, y_c + 0.5, x_t + 0.5, y_t + 0.5),
            OddsRatioMethod::LogitSmoothed => {
                let n = n_c + n_t;
                let (event, other) = (2.0 * (x_c + x_t) / n, 2.0 * (y_c + y_t) / n);
                let (c, t) = (n_c / n, n_t / n);
                logit(x_c + event * c, y_c + other * c, x_t + event * t, y_t + other * t)
            }
        };
        let ratio = (x_t / y_t) * (y_c / x_c);
        Ok(Self {
            ratio: ratio.is_finite().then_some(ratio),
            interval: Interval::new(lower, upper, alpha, Coverage::Fixed),
            method,
            cautions: two_arms(control, treatment)?,
        })
    }
}

/// Returns `ratio e^±reach`; the whole range if an empty cell makes the reach infinite.
fn on_log_scale(ratio: f64, reach: f64) -> (f64, f64) {
    if reach.is_finite() && ratio > 0.0 && ratio.is_finite() {
        (ratio * (-reach).exp(), ratio * reach.exp())
    } else {
        (0.0, f64::INFINITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn counts(events: u64, count: u64) -> Counts {
        Counts::new(events, count).unwrap()
    }

    /// Source: statsmodels 0.15.0 `confint_proportions_2indep(compare="ratio", method="log")`.
    #[test]
    fn the_log_interval_agrees_with_statsmodels() {
        let (a, b) = (counts(3, 1_000_000), counts(15, 1_000_000));
        let got = RateRatio::new(&a, &b, RateRatioMethod::Log, Alpha::FIVE_PERCENT).unwrap();
        close(got.interval.lower.unwrap(), 1.4475188412733229, 1e-12);
        close(got.interval.upper.unwrap(), 17.270932361756703, 1e-12);
    }

    #[test]
    fn swapping_the_arms_inverts_the_ratios() {
        use OddsRatioMethod as Odds;
        use RateRatioMethod as Rate;
        let (a, b) = (counts(7, 60), counts(15, 52));
        for method in [Rate::MiettinenNurminen, Rate::Koopman, Rate::Log, Rate::LogAdjusted] {
            let ab = RateRatio::new(&a, &b, method, Alpha::FIVE_PERCENT).unwrap().interval;
            let ba = RateRatio::new(&b, &a, method, Alpha::FIVE_PERCENT).unwrap().interval;
            close(ab.lower.unwrap(), 1.0 / ba.upper.unwrap(), 1e-12);
        }
        for method in [Odds::MiettinenNurminen, Odds::Logit, Odds::LogitAdjusted, Odds::LogitSmoothed] {
            let ab = OddsRatio::new(&a, &b, method, Alpha::FIVE_PERCENT).unwrap().interval;
            let ba = OddsRatio::new(&b, &a, method, Alpha::FIVE_PERCENT).unwrap().interval;
            close(ab.lower.unwrap(), 1.0 / ba.upper.unwrap(), 1e-12);
            let others = (counts(a.others(), a.count()), counts(b.others(), b.count()));
            let mirrored =
                OddsRatio::new(&others.0, &others.1, method, Alpha::FIVE_PERCENT).unwrap().interval;
            close(ab.lower.unwrap(), 1.0 / mirrored.upper.unwrap(), 1e-12);
        }
    }

    #[test]
    fn empty_cells_open_the_interval() {
        let (none, some) = (counts(0, 50), counts(5, 50));
        for method in [RateRatioMethod::MiettinenNurminen, RateRatioMethod::Log] {
            let got = RateRatio::new(&none, &some, method, Alpha::FIVE_PERCENT).unwrap();
            assert_eq!((got.ratio, got.interval.upper), (None, None), "{method:?}");
            let got = RateRatio::new(&some, &none, method, Alpha::FIVE_PERCENT).unwrap();
            assert_eq!((got.ratio, got.interval.lower), (Some(0.0), Some(0.0)), "{method:?}");
            let got = RateRatio::new(&none, &none, method, Alpha::FIVE_PERCENT).unwrap();
            assert_eq!((got.ratio, got.interval.lower, got.interval.upper), (None, Some(0.0), None));
        }
        let odds =
            OddsRatio::new(&none, &some, OddsRatioMethod::MiettinenNurminen, Alpha::FIVE_PERCENT).unwrap();
        assert!(odds.interval.lower.unwrap() > 1.0 && odds.interval.upper.is_none());
        let full =
            RateRatio::new(&counts(9, 9), &counts(9, 9), RateRatioMethod::Log, Alpha::FIVE_PERCENT).unwrap();
        assert_eq!(full.interval.width(), Some(0.0));
    }
}
