//! The interval for a level, a type of its own.

use serde::{Deserialize, Serialize};

use super::support::Support;
use crate::interval::{Coverage, Interval};
use crate::level::Alpha;

/// Holds an interval for the *level* of one group: a mean, a rate or a quantile, valid at all looks.
///
/// Nothing in this crate decides from it, and it does not turn into the interval of a difference: two levels whose
/// intervals do not overlap are no test, and one level says nothing about a difference.
///
/// ```compile_fail
/// fn decide(_: expt_stats::DifferenceEstimate) {}
/// fn misuse(level: expt_stats::sequential::LevelInterval) {
///     decide(level);
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelInterval {
    /// The bounds, alpha, and when the level holds.
    interval: Interval,
}

impl LevelInterval {
    pub(crate) fn new(lower: f64, upper: f64, alpha: Alpha) -> Self {
        Self { interval: Interval::new(lower, upper, alpha, Coverage::Anytime) }
    }

    /// Makes one from bounds on the unit interval, which may lie outside and then say nothing.
    pub(super) fn on(support: Support, lower: f64, upper: f64, alpha: Alpha) -> Self {
        Self::new(support.place(lower), support.place(upper), alpha)
    }

    /// Returns the lower bound, `None` if unbounded.
    #[must_use]
    pub const fn lower(&self) -> Option<f64> {
        self.interval.lower
    }

    /// Returns the upper bound, `None` if unbounded.
    #[must_use]
    pub const fn upper(&self) -> Option<f64> {
        self.interval.upper
    }

    /// Returns the error level over all looks.
    #[must_use]
    pub const fn alpha(&self) -> Alpha {
        self.interval.alpha
    }

    /// Tells whether `value` lies inside, bounds included.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.interval.contains(value)
    }
}

/// Keeps the running intersection of the intervals of one confidence sequence.
///
/// For a level that does not change, the intersection is itself valid at all looks and never widens. If it becomes
/// empty, either the rare error happened or the level changed; both bounds are then still told.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunningLevel {
    lower: Option<f64>,
    upper: Option<f64>,
    alpha: Alpha,
}

impl RunningLevel {
    /// Starts with the whole line.
    #[must_use]
    pub const fn new(alpha: Alpha) -> Self {
        Self { lower: None, upper: None, alpha }
    }

    /// Adds a look.
    pub fn add(&mut self, look: &LevelInterval) {
        self.lower = [self.lower, look.lower()].into_iter().flatten().reduce(f64::max);
        self.upper = [self.upper, look.upper()].into_iter().flatten().reduce(f64::min);
    }

    /// Joins the looks of two stretches of one sequence.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        let mut both = *self;
        both.add(&LevelInterval {
            interval: Interval {
                lower: other.lower,
                upper: other.upper,
                alpha: other.alpha,
                coverage: Coverage::Anytime,
            },
        });
        both
    }

    /// Returns the greatest lower bound so far.
    #[must_use]
    pub const fn lower(&self) -> Option<f64> {
        self.lower
    }

    /// Returns the least upper bound so far.
    #[must_use]
    pub const fn upper(&self) -> Option<f64> {
        self.upper
    }

    /// Returns the intersection, `None` if it is empty.
    #[must_use]
    pub fn interval(&self) -> Option<LevelInterval> {
        if self.lower.zip(self.upper).is_some_and(|(lower, upper)| lower > upper) {
            return None;
        }
        let none = f64::INFINITY;
        Some(LevelInterval::new(self.lower.unwrap_or(-none), self.upper.unwrap_or(none), self.alpha))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_intersection_only_shrinks_and_may_become_empty() {
        let alpha = Alpha::FIVE_PERCENT;
        let mut running = RunningLevel::new(alpha);
        assert!(running.interval().unwrap().lower().is_none());
        running.add(&LevelInterval::new(0.1, 0.8, alpha));
        running.add(&LevelInterval::new(0.0, 0.5, alpha));
        assert_eq!((running.lower(), running.upper()), (Some(0.1), Some(0.5)));
        let mut later = RunningLevel::new(alpha);
        later.add(&LevelInterval::new(0.6, 0.9, alpha));
        assert!(running.merge(&later).interval().is_none());
        assert_eq!(running.merge(&later), later.merge(&running));
    }
}
