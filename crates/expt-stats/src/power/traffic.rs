//! From units to days.

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, finite, non_negative};

/// Describes how many new units arrive each day, and how many of them enter the experiment.
///
/// Days are counted from 0, the day of the start. Units are new ones: a visitor who returns counts once.
///
/// ```
/// use expt_stats::power::{Ramp, Traffic};
///
/// // Two days at a tenth of the traffic, then all of it.
/// let traffic = Traffic::daily(1_000.0)?.with_ramp(&[Ramp::new(2, 0.1)?]);
/// assert_eq!(traffic.units(3), 1_200.0);
/// let runtime = traffic.runtime(10_000.0, 1)?.expect("reached");
/// assert_eq!((runtime.reached_on, runtime.days), (12, 14)); // rounded up to whole weeks
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    week: [f64; 7],
    share: f64,
    ramp: Vec<Ramp>,
}

/// Holds one step of a ramp: some days at a share of the final traffic.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ramp {
    days: u32,
    share: f64,
}

impl Ramp {
    /// Makes a step.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the share is in `[0, 1]`.
    pub fn new(days: u32, share: f64) -> Result<Self, StatsError> {
        Ok(Self { days, share: unit_share("the share of a ramp step", share)? })
    }
}

/// Holds how long an experiment runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Runtime {
    /// Days to run: whole weeks, and at least the minimum.
    pub days: u32,
    /// The same in weeks.
    pub weeks: u32,
    /// Days after which the units are there.
    pub reached_on: u32,
    /// Units after `days`.
    pub units: f64,
}

impl Traffic {
    /// Takes the same traffic for every day.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless it is finite and not negative.
    pub fn daily(units: f64) -> Result<Self, StatsError> {
        Self::weekly([units; 7])
    }

    /// Takes a week that repeats; the first entry is the day of the start.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless all are finite and not negative.
    pub fn weekly(week: [f64; 7]) -> Result<Self, StatsError> {
        for units in week {
            non_negative("the units of a day", units)?;
        }
        Ok(Self { week, share: 1.0, ramp: Vec::new() })
    }

    /// Sets the share of the traffic that the experiment gets, all arms together.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the share is in `[0, 1]`.
    pub fn with_share(mut self, share: f64) -> Result<Self, StatsError> {
        self.share = unit_share("the share of the experiment", share)?;
        Ok(self)
    }

    /// Sets the steps before the full share; they follow each other.
    #[must_use]
    pub fn with_ramp(mut self, steps: &[Ramp]) -> Self {
        self.ramp = steps.to_vec();
        self
    }

    /// Returns the units after this many days.
    #[must_use]
    pub fn units(&self, days: u32) -> f64 {
        let mut sum = 0.0;
        let mut day = 0;
        for step in &self.ramp {
            let last = day + step.days.min(days.saturating_sub(day));
            sum += step.share * self.span(day, last);
            day = last;
        }
        (self.share * (sum + self.span(day, days))).min(f64::MAX)
    }

    /// Returns how long it takes to get these units, in whole weeks and at least `minimum_weeks`, or `None` if it takes
    /// longer than ten years.
    ///
    /// Whole weeks give every weekday the same weight; one is the least for a metric with a weekly rhythm, two where
    /// novelty is to wear off.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] unless the units are finite.
    pub fn runtime(&self, units: f64, minimum_weeks: u32) -> Result<Option<Runtime>, StatsError> {
        finite("the units", units)?;
        if self.units(LONGEST) < units {
            return Ok(None);
        }
        let (mut low, mut high) = (0, LONGEST);
        while low < high {
            let middle = low.midpoint(high);
            if self.units(middle) >= units { high = middle } else { low = middle + 1 }
        }
        let weeks = low.div_ceil(7).max(minimum_weeks.max(1)).min(LONGEST / 7 + 1);
        Ok(Some(Runtime { days: weeks * 7, weeks, reached_on: low, units: self.units(weeks * 7) }))
    }

    /// The traffic of the days `from..to`.
    fn span(&self, from: u32, to: u32) -> f64 {
        self.before(to) - self.before(from)
    }

    /// The traffic of the days before `day`.
    fn before(&self, day: u32) -> f64 {
        let week: f64 = self.week.iter().sum();
        let rest: f64 = self.week.iter().take((day % 7) as usize).sum();
        f64::from(day / 7) * week + rest
    }
}

fn unit_share(what: &'static str, share: f64) -> Result<f64, StatsError> {
    if (0.0..=1.0).contains(&share) {
        return Ok(share);
    }
    Err(StatsError::OutOfRange { what, value: share, allowed: "the closed interval [0, 1]" })
}

/// Ten years.
const LONGEST: u32 = 3650;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    #[test]
    fn units_add_up_day_by_day() {
        let week = [5.0, 4.0, 3.0, 2.0, 1.0, 10.0, 20.0];
        let ramp = [Ramp::new(3, 0.1).unwrap(), Ramp::new(6, 0.5).unwrap()];
        let traffic = Traffic::weekly(week).unwrap().with_share(0.8).unwrap().with_ramp(&ramp);
        let mut sum = 0.0;
        for day in 0..40_u32 {
            close(traffic.units(day), sum, 1e-12);
            let share = if day < 3 {
                0.1
            } else if day < 9 {
                0.5
            } else {
                1.0
            };
            sum += 0.8 * share * week[(day % 7) as usize];
        }
    }

    #[test]
    fn the_runtime_is_the_first_whole_week_with_the_units() {
        let traffic = Traffic::daily(100.0).unwrap();
        let at = |units: f64, weeks: u32| traffic.runtime(units, weeks).unwrap();
        assert_eq!(at(700.0, 1).unwrap().days, 7);
        assert_eq!(at(700.1, 1).unwrap().days, 14);
        assert_eq!(at(1.0, 2).unwrap().days, 14);
        assert_eq!(at(0.0, 0).unwrap().days, 7);
        assert_eq!(at(1e9, 1), None);
        assert_eq!(Traffic::daily(0.0).unwrap().runtime(1.0, 1).unwrap(), None);
        assert!(traffic.runtime(f64::NAN, 1).is_err() && Traffic::daily(-1.0).is_err());
        assert!(Ramp::new(3, 1.5).is_err() && Traffic::daily(1.0).unwrap().with_share(f64::NAN).is_err());
    }
}
