//! Events among units.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;

/// Holds how many units there are and how many of them had an event; a commutative monoid.
///
/// ```
/// use expt_stats::fixed::Counts;
///
/// let both = Counts::new(3, 10)?.merge(&Counts::new(4, 20)?)?;
/// assert_eq!((both.events(), both.count()), (7, 30));
/// assert!(Counts::new(11, 10).is_err());
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Counts {
    events: u64,
    count: u64,
}

impl Counts {
    /// Makes counts of `events` among `count` units.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if there are more events than units.
    pub fn new(events: u64, count: u64) -> Result<Self, StatsError> {
        if events > count {
            let allowed = "at most the number of units";
            return Err(StatsError::OutOfRange { what: "events", value: events as f64, allowed });
        }
        Ok(Self { events, count })
    }

    /// Counts one unit.
    ///
    /// # Errors
    /// [`StatsError::Overflow`] at `u64::MAX` units.
    pub fn push(&mut self, event: bool) -> Result<(), StatsError> {
        *self = self.merge(&Self { events: u64::from(event), count: 1 })?;
        Ok(())
    }

    /// Joins two samples.
    ///
    /// # Errors
    /// [`StatsError::Overflow`] beyond `u64::MAX` units.
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        let overflow = StatsError::Overflow { what: "the count" };
        let count = self.count.checked_add(other.count).ok_or(overflow)?;
        Ok(Self { events: self.events + other.events, count })
    }

    /// Takes a part out of a sample, exactly.
    ///
    /// # Errors
    /// [`StatsError::NotAPart`] if `part` has more events or more non-events.
    pub fn subtract(&self, part: &Self) -> Result<Self, StatsError> {
        let events = self.events.checked_sub(part.events);
        match (events, self.others().checked_sub(part.others())) {
            (Some(events), Some(others)) => Ok(Self { events, count: events + others }),
            _ => Err(StatsError::NotAPart { what: "the counts" }),
        }
    }

    /// Returns the number of events.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Returns the number of units without an event.
    #[must_use]
    pub const fn others(&self) -> u64 {
        self.count - self.events
    }

    /// Returns the number of units.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Returns the share of units with an event, or `None` without units.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        (self.count > 0).then(|| self.events as f64 / self.count as f64)
    }

    /// Returns itself as a pair of floats, events and units, if there are units.
    pub(super) fn known(&self, what: &'static str) -> Result<(f64, f64), StatsError> {
        if self.count == 0 {
            return Err(StatsError::TooFew { what, have: 0, need: 1 });
        }
        Ok((self.events as f64, self.count as f64))
    }
}

/// Returns `treatment - control` of two rates; the numerator is exact, so close rates keep their digits.
pub(super) fn difference(control: &Counts, treatment: &Counts) -> f64 {
    let cross = |a: &Counts, b: &Counts| i128::from(a.events).checked_mul(i128::from(b.count));
    match (cross(treatment, control), cross(control, treatment)) {
        (Some(t), Some(c)) => (t - c) as f64 / (control.count as f64 * treatment.count as f64),
        _ => treatment.rate().unwrap_or(0.0) - control.rate().unwrap_or(0.0),
    }
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    events: u64,
    count: u64,
}

impl TryFrom<Stored> for Counts {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::new(stored.events, stored.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_and_subtracting_are_exact_and_validated() {
        let (a, b) = (Counts::new(3, 10).unwrap(), Counts::new(u64::MAX - 20, u64::MAX - 11).unwrap());
        let both = a.merge(&b).unwrap();
        assert_eq!(both.subtract(&b).unwrap(), a);
        assert!(both.merge(&a).is_err() && a.subtract(&b).is_err());
        assert!(Counts::new(5, 10).unwrap().subtract(&Counts::new(0, 6).unwrap()).is_err());
        let mut counted = Counts::default();
        [true, false, true].iter().for_each(|&event| counted.push(event).unwrap());
        assert_eq!(counted, Counts::new(2, 3).unwrap());
        assert!(serde_json::from_str::<Counts>(r#"{"events":2,"count":1}"#).is_err());
        assert!(serde_json::from_str::<Counts>(r#"{"events":-2,"count":1}"#).is_err());
    }

    #[test]
    fn close_rates_keep_their_digits() {
        let rates = (Counts::new(333_333_333, 1_000_000_000).unwrap(), Counts::new(1, 3).unwrap());
        crate::testing::close(difference(&rates.0, &rates.1), 1.0 / 3e9, 1e-15);
    }
}
