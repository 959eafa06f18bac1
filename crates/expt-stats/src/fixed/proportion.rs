//! One proportion and its interval.

use serde::{Deserialize, Serialize};

use super::caution::{self, Caution};
use super::counts::Counts;
use crate::error::StatsError;
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, Probability};
use crate::special::{beta_quantile, beta_upper_quantile, normal};

/// Names an interval for one proportion `p = x / n`; `z` is the normal quantile at `1 - alpha/2`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProportionMethod {
    /// Inverts the score test (Wilson 1927): the default.
    #[default]
    Wilson,
    /// Wald's interval around Wilson's centre, `(x + z^2/2) / (n + z^2)` (Agresti and Coull 1998).
    AgrestiCoull,
    /// Inverts two one-sided exact tests (Clopper and Pearson 1934): never below its level, and wide.
    ClopperPearson,
    /// Equal-tailed interval of the posterior under the prior Beta(1/2, 1/2) (Jeffreys 1946; Brown, Cai and
    /// DasGupta 2001), without their adjustment at 0 and n.
    Jeffreys,
    /// `p ± z sqrt(p (1 - p) / n)`. Does not keep its level; offered for comparison.
    Wald,
}

/// Holds an observed share with its Wilson interval.
///
/// Estimand: the probability of the event. Interval (Wilson 1927): with `z` the normal quantile,
/// `(p + z^2/2n ± z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)`; never empty and inside `[0, 1]` for 0 and
/// for n events too. Fixed sample size.
///
/// ```
/// use expt_stats::{Alpha, Proportion};
///
/// let share = Proportion::wilson(0, 10, Alpha::FIVE_PERCENT)?;
/// assert_eq!(share.share.get(), 0.0);
/// assert!((share.interval.upper.unwrap() - 0.277_532_8).abs() < 1e-6);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Proportion {
    /// How many units had the event.
    pub events: u64,
    /// How many units there are.
    pub count: u64,
    /// The observed share.
    pub share: Probability,
    /// The Wilson interval.
    pub interval: Interval,
}

impl Proportion {
    /// Computes the share of `events` in `count`.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] without units, [`StatsError::OutOfRange`] if there are more events.
    pub fn wilson(events: u64, count: u64, alpha: Alpha) -> Result<Self, StatsError> {
        let estimate =
            ProportionEstimate::new(&Counts::new(events, count)?, ProportionMethod::Wilson, alpha)?;
        Ok(Self { events, count, share: estimate.rate, interval: estimate.interval })
    }
}

/// Holds an observed proportion with an interval of a chosen method.
///
/// Estimand: the probability of the event; assumes independent units with one probability. Fixed sample size. All
/// methods stay in `[0, 1]`. Below ten events or non-events every method but the exact one carries a
/// [`Caution`], and Wald's always does.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::fixed::{Counts, ProportionEstimate, ProportionMethod};
///
/// let got = ProportionEstimate::new(&Counts::new(0, 10)?, ProportionMethod::ClopperPearson, Alpha::FIVE_PERCENT)?;
/// assert_eq!(got.interval.lower, Some(0.0));
/// assert!((got.interval.upper.unwrap() - 0.308_497_1).abs() < 1e-7); // R, binom.test(0, 10)
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProportionEstimate {
    /// The observed share.
    pub rate: Probability,
    /// The interval.
    pub interval: Interval,
    /// How the interval was made.
    pub method: ProportionMethod,
    /// Why the level is in doubt, if it is.
    pub cautions: Vec<Caution>,
}

impl ProportionEstimate {
    /// Computes the interval.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] without units.
    pub fn new(counts: &Counts, method: ProportionMethod, alpha: Alpha) -> Result<Self, StatsError> {
        let (x, n) = counts.known("the proportion")?;
        let (rate, tail) = (x / n, 0.5 * alpha.get());
        let z = normal::upper_quantile(tail);
        let (lower, upper) = match method {
            ProportionMethod::Wilson => wilson(counts, z),
            ProportionMethod::AgrestiCoull => {
                let (n, centre) = (n + z * z, (x + 0.5 * z * z) / (n + z * z));
                let reach = z * (centre * (1.0 - centre) / n).sqrt();
                (centre - reach, centre + reach)
            }
            ProportionMethod::ClopperPearson => (
                if counts.events() == 0 { 0.0 } else { beta_quantile(tail, x, n - x + 1.0)? },
                if counts.others() == 0 { 1.0 } else { beta_upper_quantile(tail, x + 1.0, n - x)? },
            ),
            ProportionMethod::Jeffreys => {
                let (a, b) = (x + 0.5, n - x + 0.5);
                (beta_quantile(tail, a, b)?, beta_upper_quantile(tail, a, b)?)
            }
            ProportionMethod::Wald => {
                let reach = z * (rate * (1.0 - rate) / n).sqrt();
                (rate - reach, rate + reach)
            }
        };
        let interval = Interval::new(lower.max(0.0), upper.min(1.0), alpha, Coverage::Fixed);
        let mut cautions = Vec::new();
        if method == ProportionMethod::Wald {
            cautions.push(Caution::WaldInterval);
        }
        if method != ProportionMethod::ClopperPearson {
            cautions.extend(caution::of_events(counts.count(), rate));
        }
        Ok(Self { rate: Probability::clamped(rate), interval, method, cautions })
    }
}

/// Returns Wilson's bounds.
pub(super) fn wilson(counts: &Counts, z: f64) -> (f64, f64) {
    let (x, n) = (counts.events() as f64, counts.count() as f64);
    let p = x / n;
    let shrink = z * z / n;
    let centre = p + 0.5 * shrink;
    let reach = z * (p * (1.0 - p) / n + 0.25 * shrink / n).sqrt();
    let lower = if counts.events() == 0 { 0.0 } else { ((centre - reach) / (1.0 + shrink)).max(0.0) };
    let upper = if counts.others() == 0 { 1.0 } else { ((centre + reach) / (1.0 + shrink)).min(1.0) };
    (lower, upper)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn check(events: u64, count: u64, method: ProportionMethod, lower: f64, upper: f64) {
        let counts = Counts::new(events, count).unwrap();
        let got = ProportionEstimate::new(&counts, method, Alpha::FIVE_PERCENT).unwrap().interval;
        close(got.lower.unwrap(), lower, 1e-11);
        close(got.upper.unwrap(), upper, 1e-11);
    }

    /// Source: Wilson's formula evaluated by hand for 81 of 263 (Newcombe 1998, table I: 0.2553, 0.3662).
    #[test]
    fn agrees_with_newcombe_1998() {
        let got = Proportion::wilson(81, 263, Alpha::FIVE_PERCENT).unwrap();
        close(got.interval.lower.unwrap(), 0.2553, 2e-4);
        close(got.interval.upper.unwrap(), 0.3662, 2e-4);
    }

    /// Source: statsmodels 0.15.0 `proportion_confint`.
    #[test]
    fn all_methods_agree_with_statsmodels() {
        use ProportionMethod::{AgrestiCoull, ClopperPearson, Jeffreys, Wald};
        check(0, 1_000_000, ClopperPearson, 0.0, 3.688872650206489e-06);
        check(500_000, 1_000_000, Jeffreys, 0.49902001919386424, 0.5009799808061357);
        check(999, 1000, ClopperPearson, 0.9944410757201734, 0.9999746825125088);
        check(999, 1000, AgrestiCoull, 0.9937585172566711, 1.0);
        check(0, 10, Wald, 0.0, 0.0);
    }

    #[test]
    fn cautions_name_rare_events_and_wald() {
        let cautions = |events, count, method| {
            let counts = Counts::new(events, count).unwrap();
            ProportionEstimate::new(&counts, method, Alpha::FIVE_PERCENT).unwrap().cautions
        };
        assert_eq!(cautions(10, 20, ProportionMethod::Wilson), []);
        assert_eq!(cautions(9, 20, ProportionMethod::Wilson), [Caution::FewEvents { expected: 9.0 }]);
        assert_eq!(cautions(10, 20, ProportionMethod::Wald), [Caution::WaldInterval]);
        assert_eq!(cautions(0, 2, ProportionMethod::ClopperPearson), []);
    }

    #[test]
    fn events_and_non_events_mirror_each_other() {
        let (a, b) =
            (Proportion::wilson(3, 40, Alpha::FIVE_PERCENT), Proportion::wilson(37, 40, Alpha::FIVE_PERCENT));
        close(a.unwrap().interval.lower.unwrap(), 1.0 - b.unwrap().interval.upper.unwrap(), 1e-13);
        assert!(Proportion::wilson(1, 0, Alpha::FIVE_PERCENT).is_err());
        assert!(Proportion::wilson(2, 1, Alpha::FIVE_PERCENT).is_err());
    }
}
