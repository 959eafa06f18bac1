//! One proportion and its Wilson interval.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, Probability};
use crate::special::normal;

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
        if count == 0 {
            return Err(StatsError::TooFew { what: "the proportion", have: 0, need: 1 });
        }
        if events > count {
            let allowed = "at most the number of units";
            return Err(StatsError::OutOfRange { what: "events", value: events as f64, allowed });
        }
        let n = count as f64;
        let p = events as f64 / n;
        let z = normal::upper_quantile(0.5 * alpha.get());
        let shrink = z * z / n;
        let centre = p + 0.5 * shrink;
        let reach = z * (p * (1.0 - p) / n + 0.25 * shrink / n).sqrt();
        let lower = if events == 0 { 0.0 } else { ((centre - reach) / (1.0 + shrink)).max(0.0) };
        let upper = if events == count { 1.0 } else { ((centre + reach) / (1.0 + shrink)).min(1.0) };
        let interval = Interval::new(lower, upper, alpha, Coverage::Fixed);
        Ok(Self { events, count, share: Probability::clamped(p), interval })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: Wilson's formula evaluated by hand for 81 of 263 (Newcombe 1998, table I: 0.2553, 0.3662).
    #[test]
    fn agrees_with_newcombe_1998() {
        let got = Proportion::wilson(81, 263, Alpha::FIVE_PERCENT).unwrap();
        close(got.interval.lower.unwrap(), 0.2553, 2e-4);
        close(got.interval.upper.unwrap(), 0.3662, 2e-4);
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
