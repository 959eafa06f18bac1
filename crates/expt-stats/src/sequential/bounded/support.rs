//! The range that values are known to lie in.

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, finite};

/// Holds the two ends between which every value must lie; known beforehand, not estimated.
///
/// ```
/// use expt_stats::sequential::Support;
///
/// assert!(Support::new(1.0, 5.0).is_ok());
/// assert!(Support::new(5.0, 1.0).is_err());
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "(f64, f64)", into = "(f64, f64)")]
pub struct Support {
    low: f64,
    high: f64,
}

impl Support {
    /// The unit interval.
    pub const UNIT: Self = Self { low: 0.0, high: 1.0 };

    /// Makes a range.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`], or [`StatsError::OutOfRange`] unless `low < high` with a finite distance.
    pub fn new(low: f64, high: f64) -> Result<Self, StatsError> {
        let (low, high) = (finite("the low end", low)?, finite("the high end", high)?);
        let width = finite("the width of the support", high - low)?;
        if width < f64::MIN_POSITIVE {
            let allowed = "above the low end";
            return Err(StatsError::OutOfRange { what: "the high end", value: high, allowed });
        }
        Ok(Self { low, high })
    }

    /// Returns the low end.
    #[must_use]
    pub const fn low(self) -> f64 {
        self.low
    }

    /// Returns the high end.
    #[must_use]
    pub const fn high(self) -> f64 {
        self.high
    }

    /// Maps a value to the unit interval.
    pub(super) fn to_unit(self, value: f64) -> Result<f64, StatsError> {
        if value >= self.low && value <= self.high {
            return Ok(((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0));
        }
        let allowed = "inside the support; cap it before it is counted, by a bound fixed beforehand";
        finite("a value", value)?;
        Err(StatsError::OutOfRange { what: "a value", value, allowed })
    }

    /// Maps a place of the unit interval back, clamped to the support.
    pub(super) fn place(self, unit: f64) -> f64 {
        let unit = unit.clamp(0.0, 1.0);
        ((1.0 - unit) * self.low + unit * self.high).clamp(self.low, self.high)
    }
}

impl TryFrom<(f64, f64)> for Support {
    type Error = StatsError;

    fn try_from((low, high): (f64, f64)) -> Result<Self, StatsError> {
        Self::new(low, high)
    }
}

impl From<Support> for (f64, f64) {
    fn from(support: Support) -> Self {
        (support.low, support.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    #[test]
    fn values_map_there_and_back_and_strangers_are_refused() {
        let support = Support::new(-2.0, 6.0).unwrap();
        close(support.to_unit(0.0).unwrap(), 0.25, 0.0);
        close(support.place(0.25), 0.0, 0.0);
        close(support.place(-7.0), -2.0, 0.0);
        for bad in [-2.1, 6.1, f64::NAN, f64::INFINITY] {
            assert!(support.to_unit(bad).is_err());
        }
        assert!(Support::new(f64::MIN, f64::MAX).is_err() && Support::new(1.0, 1.0).is_err());
        assert!(serde_json::from_str::<Support>("[1.0,0.0]").is_err());
    }
}
