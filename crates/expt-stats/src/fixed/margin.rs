//! Non-inferiority and equivalence: tests against a margin fixed beforehand.

use serde::{Deserialize, Serialize};

use super::t_test::{TOutcome, TResult, TTest};
use crate::arm::ArmEstimate;
use crate::decision::Direction;
use crate::error::{StatsError, finite, positive};
use crate::level::{Alpha, Alternative, LnP};
use crate::moments::Moments;

/// Asks whether the treatment is worse than the control by less than a margin.
///
/// Estimand: treatment minus control. The margin is a positive number in the metric's unit, and the metric's
/// [`Direction`] gives it its sign: where higher is better the null hypothesis is `difference <= -margin`, where
/// lower is better `difference >= margin`. One-sided at alpha. The margin must not be read off the data.
///
/// ```
/// use expt_stats::fixed::NonInferiority;
/// use expt_stats::{Alpha, Direction, Moments};
///
/// let control = Moments::from_summary(10_000, 200.0, 900.0)?; // latency in ms
/// let treatment = Moments::from_summary(10_000, 200.5, 900.0)?;
/// let at_most_2_ms = NonInferiority::new(2.0, Direction::LowerIsBetter, Alpha::FIVE_PERCENT)?;
/// assert!(at_most_2_ms.welch(&control, &treatment)?.tested()?.ln_p.is_at_most(Alpha::FIVE_PERCENT));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NonInferiority {
    test: TTest,
}

impl NonInferiority {
    /// Fixes the margin.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless the margin is positive and finite.
    pub fn new(margin: f64, direction: Direction, alpha: Alpha) -> Result<Self, StatsError> {
        let margin = positive("the margin", margin)?;
        let (alternative, null) = match direction {
            Direction::HigherIsBetter => (Alternative::Greater, -margin),
            Direction::LowerIsBetter => (Alternative::Less, margin),
        };
        Ok(Self { test: TTest::new(alpha).with_alternative(alternative).with_null(null)? })
    }

    /// Tests two means, with Welch's standard error. Rejecting means that the treatment is not inferior.
    ///
    /// # Errors
    /// As [`TTest::welch`].
    pub fn welch(&self, control: &Moments, treatment: &Moments) -> Result<TOutcome, StatsError> {
        self.test.welch(control, treatment)
    }

    /// Tests two estimates of any kind.
    #[must_use]
    pub fn compare(&self, control: &ArmEstimate, treatment: &ArmEstimate) -> TOutcome {
        self.test.compare(control, treatment)
    }

    /// Returns the one-sided test that this is.
    #[must_use]
    pub const fn test(&self) -> &TTest {
        &self.test
    }
}

/// Asks whether a difference lies between two bounds fixed beforehand (TOST, Schuirmann 1987).
///
/// Two one-sided tests at alpha: `difference <= low` and `difference >= high` must both be rejected, so
/// `p = max(p_low, p_high)`. The interval that goes with it has level `1 - 2 alpha`: equivalence is declared
/// exactly when it lies inside the bounds.
///
/// ```
/// use expt_stats::fixed::Equivalence;
/// use expt_stats::{Alpha, Moments};
///
/// let (a, b) = (Moments::from_summary(900, 5.0, 4.0)?, Moments::from_summary(900, 5.05, 4.0)?);
/// let tost = Equivalence::new(-0.5, 0.5, Alpha::FIVE_PERCENT)?.welch(&a, &b)?;
/// assert!(tost.ln_p.is_at_most(Alpha::FIVE_PERCENT));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Equivalence {
    low: f64,
    high: f64,
    alpha: Alpha,
}

impl Equivalence {
    /// Fixes the bounds.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`]; [`StatsError::OutOfRange`] unless `low < high`.
    pub fn new(low: f64, high: f64, alpha: Alpha) -> Result<Self, StatsError> {
        if finite("the upper bound", high)? <= finite("the lower bound", low)? {
            let allowed = "greater than the lower bound";
            return Err(StatsError::OutOfRange { what: "the upper bound", value: high, allowed });
        }
        Ok(Self { low, high, alpha })
    }

    /// Tests two means, with Welch's standard error.
    ///
    /// # Errors
    /// As [`TTest::welch`], and [`StatsError::NoVariance`] if nothing varies.
    pub fn welch(&self, control: &Moments, treatment: &Moments) -> Result<Tost, StatsError> {
        self.run(|test| test.welch(control, treatment))
    }

    /// Tests two means, with the pooled standard error.
    ///
    /// # Errors
    /// As [`TTest::pooled`], and [`StatsError::NoVariance`] if nothing varies.
    pub fn pooled(&self, control: &Moments, treatment: &Moments) -> Result<Tost, StatsError> {
        self.run(|test| test.pooled(control, treatment))
    }

    /// Tests two estimates of any kind.
    ///
    /// # Errors
    /// [`StatsError::NoVariance`] if nothing varies.
    pub fn compare(&self, control: &ArmEstimate, treatment: &ArmEstimate) -> Result<Tost, StatsError> {
        self.run(|test| Ok(test.compare(control, treatment)))
    }

    fn run(&self, test: impl Fn(TTest) -> Result<TOutcome, StatsError>) -> Result<Tost, StatsError> {
        let side = |alternative, null| {
            test(TTest::new(self.alpha).with_alternative(alternative).with_null(null)?)?.tested()
        };
        let (low, high) = (side(Alternative::Greater, self.low)?, side(Alternative::Less, self.high)?);
        let ln_p = if low.ln_p >= high.ln_p { low.ln_p } else { high.ln_p };
        Ok(Tost { low, high, ln_p })
    }
}

/// Holds two one-sided tests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tost {
    /// The test against `difference <= low`; its interval holds the lower confidence bound.
    pub low: TResult,
    /// The test against `difference >= high`; its interval holds the upper confidence bound.
    pub high: TResult,
    /// The larger of both p-values.
    pub ln_p: LnP,
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    low: f64,
    high: f64,
    alpha: Alpha,
}

impl TryFrom<Stored> for Equivalence {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::new(stored.low, stored.high, stored.alpha)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn summary(count: u64, mean: f64, variance: f64) -> Moments {
        Moments::from_summary(count, mean, variance).unwrap()
    }

    /// Source: statsmodels 0.15.0 `CompareMeans.ttost_ind(usevar="unequal")`.
    #[test]
    fn tost_agrees_with_statsmodels() {
        let (a, b) = (
            summary(30, 1.0281885606698173, 0.8766311775846213),
            summary(30, 0.8671056782957212, 1.1835446885325762),
        );
        let got = Equivalence::new(-0.5, 0.5, Alpha::FIVE_PERCENT).unwrap().welch(&a, &b).unwrap();
        close(got.low.ln_p.p(), 0.1005726226092137, 1e-11);
        close(got.high.ln_p.p(), 0.007237490310087924, 1e-11);
        assert_eq!(got.ln_p, got.low.ln_p);
    }

    #[test]
    fn the_direction_gives_the_margin_its_sign() {
        let (a, worse) = (summary(1000, 10.0, 4.0), summary(1000, 9.95, 4.0));
        let rejects = |direction, control: &Moments, treatment: &Moments| {
            let test = NonInferiority::new(0.3, direction, Alpha::FIVE_PERCENT).unwrap();
            test.welch(control, treatment).unwrap().tested().unwrap().ln_p.is_at_most(Alpha::FIVE_PERCENT)
        };
        assert!(rejects(Direction::HigherIsBetter, &a, &worse));
        assert!(rejects(Direction::LowerIsBetter, &worse, &a));
        let much = summary(1000, 9.7, 4.0);
        assert!(
            !rejects(Direction::HigherIsBetter, &a, &much) && rejects(Direction::LowerIsBetter, &a, &much)
        );
    }

    #[test]
    fn margins_are_validated() {
        let margin = |margin| NonInferiority::new(margin, Direction::HigherIsBetter, Alpha::FIVE_PERCENT);
        assert!(margin(0.0).is_err() && margin(-1.0).is_err() && margin(f64::NAN).is_err());
        assert!(Equivalence::new(0.5, 0.5, Alpha::FIVE_PERCENT).is_err());
        assert!(serde_json::from_str::<Equivalence>(r#"{"low":1.0,"high":0.0,"alpha":0.05}"#).is_err());
    }
}
