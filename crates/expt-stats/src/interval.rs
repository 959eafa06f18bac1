//! An interval that says what it covers and when.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::level::Alpha;

/// Says under which use an interval keeps its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Coverage {
    /// Valid at one sample size fixed beforehand; looking repeatedly and stopping breaks it.
    Fixed,
    /// Valid under the looks that a group-sequential design planned.
    GroupSequential,
    /// Valid at all looks at once, whatever rule stops the experiment.
    Anytime,
}

/// Holds an interval; a missing bound means that side is unbounded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Interval {
    /// The lower bound, `None` if unbounded.
    pub lower: Option<f64>,
    /// The upper bound, `None` if unbounded.
    pub upper: Option<f64>,
    /// The error level: the interval misses the estimand with at most this probability.
    pub alpha: Alpha,
    /// When the level holds.
    pub coverage: Coverage,
}

impl Interval {
    /// Makes an interval; a bound that is not finite becomes unbounded.
    #[inline]
    pub(crate) fn new(lower: f64, upper: f64, alpha: Alpha, coverage: Coverage) -> Self {
        let bound = |value: f64| value.is_finite().then_some(value);
        Self { lower: bound(lower), upper: bound(upper), alpha, coverage }
    }

    /// Tells whether `value` lies inside, bounds included.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        !self.is_above(value) && !self.is_below(value)
    }

    /// Tells whether the whole interval is greater than `value`.
    #[must_use]
    pub fn is_above(&self, value: f64) -> bool {
        self.lower.is_some_and(|lower| lower > value)
    }

    /// Tells whether the whole interval is less than `value`.
    #[must_use]
    pub fn is_below(&self, value: f64) -> bool {
        self.upper.is_some_and(|upper| upper < value)
    }

    /// Returns the width, or `None` if a side is unbounded.
    #[must_use]
    pub fn width(&self) -> Option<f64> {
        Some(self.upper? - self.lower?)
    }

    /// Returns the part common to both, or `None` if there is none.
    ///
    /// The running intersection of an anytime-valid interval is itself anytime valid for an estimand
    /// that does not change. Level and coverage are taken from `self`.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let lower = [self.lower, other.lower].into_iter().flatten().reduce(f64::max);
        let upper = [self.upper, other.upper].into_iter().flatten().reduce(f64::min);
        if lower.zip(upper).is_some_and(|(lower, upper)| lower > upper) {
            return None;
        }
        Some(Self { lower, upper, ..*self })
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lower {
            Some(lower) => write!(f, "[{lower:.6}, ")?,
            None => f.write_str("(-inf, ")?,
        }
        match self.upper {
            Some(upper) => write!(f, "{upper:.6}]"),
            None => f.write_str("inf)"),
        }
    }
}
