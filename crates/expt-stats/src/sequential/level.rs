//! The asymptotic confidence sequence of one arm's level.

use serde::{Deserialize, Serialize};

use super::boundary::AsymptoticBoundary;
use super::start::{NotYet, Shortfall, StartRule};
use crate::effect::Shape;
use crate::error::StatsError;
use crate::interval::{Coverage, Interval};
use crate::level::Alpha;
use crate::moments::Moments;

/// Tracks the mean of *one* arm at every look, for monitoring and display.
///
/// Estimand: the mean of one arm; the boundary is that of
/// [`DifferenceSequence`](crate::DifferenceSequence). It is a type of its own because two level
/// intervals that do not overlap are no test of a difference, and one level says nothing about it.
///
/// ```
/// use expt_stats::{Alpha, LevelLook, LevelSequence, Moments};
///
/// let sequence = LevelSequence::new(Alpha::FIVE_PERCENT, 1000)?;
/// let LevelLook::Ready(level) = sequence.look(&Moments::from_counts(400, 1000)?)? else { panic!() };
/// assert!(level.interval.contains(0.4) && !level.interval.contains(0.5));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelSequence {
    boundary: AsymptoticBoundary,
    start: StartRule,
}

impl LevelSequence {
    /// Makes a sequence tuned to `intended_units` of the one arm.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if `intended_units` is zero.
    pub fn new(alpha: Alpha, intended_units: u64) -> Result<Self, StatsError> {
        Ok(Self { boundary: AsymptoticBoundary::new(alpha, intended_units)?, start: StartRule::default() })
    }

    /// Looks at the level.
    ///
    /// # Errors
    /// [`StatsError::SkewnessUnknown`] if the moments came from a summary without skewness.
    pub fn look(&self, moments: &Moments) -> Result<LevelLook, StatsError> {
        if !moments.knows_skewness() {
            return Err(StatsError::SkewnessUnknown { what: "the arm" });
        }
        let shape = Shape::Skewed { skewness: moments.skewness() };
        if let Some(not_yet) = self.start.shortfall(moments.count(), shape) {
            return Ok(LevelLook::NotYet(not_yet));
        }
        let (Some(mean), Some(standard_error)) = (moments.mean(), moments.standard_error()) else {
            let have = moments.count() as f64;
            return Ok(LevelLook::NotYet(NotYet { what: Shortfall::Units, need: 2.0, have }));
        };
        let reach = standard_error * self.boundary.reach(moments.count());
        let interval = Interval::new(mean - reach, mean + reach, self.boundary.alpha(), Coverage::Anytime);
        Ok(LevelLook::Ready(LevelEstimate { mean, standard_error, interval }))
    }
}

/// Holds what one look at a level yields.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "look", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LevelLook {
    /// The start rule is not met.
    NotYet(NotYet),
    /// An interval that holds at all looks.
    Ready(LevelEstimate),
}

/// Holds the estimate of a level at one look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LevelEstimate {
    /// The mean.
    pub mean: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The interval, valid at all looks.
    pub interval: Interval,
}
