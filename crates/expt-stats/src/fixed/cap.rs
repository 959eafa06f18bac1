//! Winsorising: caps that cannot depend on the arm.

use serde::{Deserialize, Serialize};

use super::t_test::{TOutcome, TTest};
use crate::error::{StatsError, finite};
use crate::level::Probability;
use crate::moments::Moments;

/// Holds bounds to which extreme values are pulled in, the same for every arm.
///
/// Capping (winsorising) changes the estimand to the expectation of the capped metric and takes away skewness. A cap
/// read off one arm would be moved by the treatment itself, so there is no way to make one: it is fixed in the plan
/// ([`Cap::planned`]), or read off all arms together ([`Cap::from_all_arms`]), or off the time before the
/// experiment ([`Cap::from_pre_period`]).
///
/// ```
/// use expt_stats::Probability;
/// use expt_stats::fixed::{Cap, CappedMoments};
///
/// let (control, treatment) = ([1.0, 2.0, 3.0, 4.0, 90.0], [2.0, 3.0, 3.0, 5.0, 6.0]);
/// let cap = Cap::from_all_arms(&[&control, &treatment], None, Some(Probability::new(0.9)?))?;
/// assert_eq!(cap.upper(), Some(6.0));
/// let mut arm = CappedMoments::new(cap);
/// for value in control {
///     arm.push(value)?;
/// }
/// assert_eq!((arm.moments().mean(), arm.capped()), (Some(3.2), 1));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Cap {
    lower: Option<f64>,
    upper: Option<f64>,
    source: CapSource,
}

/// Says where a cap came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapSource {
    /// Numbers in the plan.
    Plan,
    /// Quantiles over all arms together.
    AllArms,
    /// Quantiles of the time before the experiment.
    PrePeriod,
}

impl Cap {
    /// Takes bounds from the plan.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`]; [`StatsError::OutOfRange`] unless `lower < upper`.
    pub fn planned(lower: Option<f64>, upper: Option<f64>) -> Result<Self, StatsError> {
        Self::new(lower, upper, CapSource::Plan)
    }

    /// Reads bounds off all arms thrown together: the smallest values that at least these shares of the values do
    /// not exceed.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two arms with values; [`StatsError::NotFinite`]; [`StatsError::OutOfRange`] if
    /// both bounds coincide.
    pub fn from_all_arms(
        arms: &[&[f64]],
        lower: Option<Probability>,
        upper: Option<Probability>,
    ) -> Result<Self, StatsError> {
        let filled = arms.iter().filter(|arm| !arm.is_empty()).count();
        if filled < 2 {
            return Err(StatsError::TooFew {
                what: "the list of arms with values",
                have: filled as u64,
                need: 2,
            });
        }
        Self::quantiles(arms.concat(), lower, upper, CapSource::AllArms)
    }

    /// Reads bounds off the metric before the experiment.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] without values; [`StatsError::NotFinite`]; [`StatsError::OutOfRange`] if both bounds
    /// coincide.
    pub fn from_pre_period(
        values: &[f64],
        lower: Option<Probability>,
        upper: Option<Probability>,
    ) -> Result<Self, StatsError> {
        Self::quantiles(values.to_vec(), lower, upper, CapSource::PrePeriod)
    }

    /// Pulls a value in.
    #[must_use]
    pub fn apply(&self, value: f64) -> f64 {
        let raised = self.lower.map_or(value, |lower| value.max(lower));
        self.upper.map_or(raised, |upper| raised.min(upper))
    }

    /// Returns the lower bound.
    #[must_use]
    pub const fn lower(&self) -> Option<f64> {
        self.lower
    }

    /// Returns the upper bound.
    #[must_use]
    pub const fn upper(&self) -> Option<f64> {
        self.upper
    }

    /// Returns where the bounds came from.
    #[must_use]
    pub const fn source(&self) -> CapSource {
        self.source
    }

    fn new(lower: Option<f64>, upper: Option<f64>, source: CapSource) -> Result<Self, StatsError> {
        let lower = lower.map(|value| finite("the lower cap", value)).transpose()?;
        let upper = upper.map(|value| finite("the upper cap", value)).transpose()?;
        if let Some((_, value)) = lower.zip(upper).filter(|(lower, upper)| lower >= upper) {
            let allowed = "greater than the lower cap";
            return Err(StatsError::OutOfRange { what: "the upper cap", value, allowed });
        }
        Ok(Self { lower, upper, source })
    }

    fn quantiles(
        mut values: Vec<f64>,
        lower: Option<Probability>,
        upper: Option<Probability>,
        source: CapSource,
    ) -> Result<Self, StatsError> {
        if values.is_empty() {
            return Err(StatsError::TooFew { what: "the pre-period", have: 0, need: 1 });
        }
        for &value in &values {
            finite("a value", value)?;
        }
        let last = values.len() - 1;
        let mut quantile = |share: Probability| {
            let rank = (share.get() * values.len() as f64).ceil() as usize;
            let (_, value, _) =
                values.select_nth_unstable_by(rank.saturating_sub(1).min(last), f64::total_cmp);
            *value
        };
        let (lower, upper) = (lower.map(&mut quantile), upper.map(&mut quantile));
        Self::new(lower, upper, source)
    }
}

/// Holds the moments of capped values, with how many were capped; a commutative monoid for one cap.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CappedMoments {
    cap: Cap,
    moments: Moments,
    capped: u64,
}

impl CappedMoments {
    /// Makes an empty arm.
    #[must_use]
    pub fn new(cap: Cap) -> Self {
        Self { cap, moments: Moments::default(), capped: 0 }
    }

    /// Counts one value, capped.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] for an infinite or undefined value (an infinity is a fault of the data, not an
    /// extreme); [`StatsError::Overflow`]; the state is then unchanged.
    pub fn push(&mut self, value: f64) -> Result<(), StatsError> {
        let capped = self.cap.apply(finite("value", value)?);
        self.moments.push(capped)?;
        self.capped += u64::from(capped.total_cmp(&value).is_ne());
        Ok(())
    }

    /// Joins two samples with the same cap.
    ///
    /// # Errors
    /// [`StatsError::CapsDiffer`], [`StatsError::Overflow`].
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        self.same_cap(other)?;
        let moments = self.moments.merge(&other.moments)?;
        Ok(Self { cap: self.cap, moments, capped: self.capped + other.capped })
    }

    /// Takes out a part that was merged in before.
    ///
    /// # Errors
    /// [`StatsError::CapsDiffer`], and as [`Moments::subtract`].
    pub fn subtract(&self, part: &Self) -> Result<Self, StatsError> {
        self.same_cap(part)?;
        let moments = self.moments.subtract(&part.moments)?;
        let capped =
            self.capped.checked_sub(part.capped).ok_or(StatsError::NotAPart { what: "the capped values" })?;
        Ok(Self { cap: self.cap, moments, capped })
    }

    /// Compares this arm, the control, with a treatment by Welch's test.
    ///
    /// # Errors
    /// [`StatsError::CapsDiffer`] if the arms were not capped alike, and as [`TTest::welch`].
    pub fn welch(&self, treatment: &Self, test: &TTest) -> Result<TOutcome, StatsError> {
        self.same_cap(treatment)?;
        test.welch(&self.moments, &treatment.moments)
    }

    /// Returns the moments of the capped values.
    #[must_use]
    pub const fn moments(&self) -> &Moments {
        &self.moments
    }

    /// Returns how many values were capped.
    #[must_use]
    pub const fn capped(&self) -> u64 {
        self.capped
    }

    /// Returns the cap.
    #[must_use]
    pub const fn cap(&self) -> &Cap {
        &self.cap
    }

    fn same_cap(&self, other: &Self) -> Result<(), StatsError> {
        if self.cap == other.cap { Ok(()) } else { Err(StatsError::CapsDiffer) }
    }
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    lower: Option<f64>,
    upper: Option<f64>,
    source: CapSource,
}

impl TryFrom<Stored> for Cap {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::new(stored.lower, stored.upper, stored.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Alpha;

    fn share(value: f64) -> Option<Probability> {
        Some(Probability::new(value).unwrap())
    }

    #[test]
    fn one_arm_cannot_make_a_cap_and_two_caps_do_not_mix() {
        let (a, b): (Vec<f64>, Vec<f64>) =
            ((1..=50).map(f64::from).collect(), (51..=100).map(f64::from).collect());
        assert!(Cap::from_all_arms(&[&a], None, share(0.9)).is_err());
        assert!(Cap::from_all_arms(&[&a, &[]], None, share(0.9)).is_err());
        let cap = Cap::from_all_arms(&[&a, &b], share(0.05), share(0.99)).unwrap();
        assert_eq!((cap.lower(), cap.upper(), cap.source()), (Some(5.0), Some(99.0), CapSource::AllArms));
        let (one, other) =
            (CappedMoments::new(cap), CappedMoments::new(Cap::planned(None, Some(99.0)).unwrap()));
        assert_eq!(one.merge(&other), Err(StatsError::CapsDiffer));
        assert_eq!(one.welch(&other, &TTest::new(Alpha::FIVE_PERCENT)), Err(StatsError::CapsDiffer));
    }

    #[test]
    fn capping_counts_and_is_undone() {
        let mut sum = CappedMoments::new(Cap::planned(Some(0.0), Some(10.0)).unwrap());
        for value in [-5.0, 0.0, 3.0, 10.0, 1e300] {
            sum.push(value).unwrap();
        }
        assert_eq!((sum.capped(), sum.moments().mean()), (2, Some(4.6)));
        assert!(sum.push(f64::INFINITY).is_err());
        let both = sum.merge(&sum).unwrap();
        assert_eq!(both.subtract(&sum).unwrap().capped(), 2);
        let text = serde_json::to_string(&sum).unwrap();
        assert_eq!(serde_json::from_str::<CappedMoments>(&text).unwrap(), sum);
    }

    #[test]
    fn bad_caps_are_refused() {
        assert!(Cap::planned(Some(1.0), Some(1.0)).is_err() && Cap::planned(None, Some(f64::NAN)).is_err());
        assert!(Cap::from_pre_period(&[], None, share(0.9)).is_err());
        assert!(Cap::from_pre_period(&[f64::NAN], None, share(0.9)).is_err());
        assert_eq!(Cap::from_pre_period(&[3.0, 1.0], share(0.0), share(1.0)).unwrap().upper(), Some(3.0));
    }
}
