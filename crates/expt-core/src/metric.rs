//! Metrics of a run over its steps.

use serde::{Deserialize, Serialize};

use crate::id::MetricName;
use crate::time::Timestamp;

/// One value of one metric at one step. The value may be infinite or NaN: training produces such values,
/// and hiding them would hide the fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricPoint {
    /// The metric.
    pub metric: MetricName,
    /// The step: an epoch, a fold, a batch number.
    pub step: u64,
    /// The value.
    pub value: f64,
    /// When it was logged.
    pub at: Timestamp,
}

/// What is kept of a metric for search: its last, smallest and largest value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricSummary {
    /// The value at the highest step; of several points at one step, the one that was logged last.
    pub last: f64,
    /// The highest step.
    pub last_step: u64,
    /// The smallest value that is not NaN, or NaN if there is none.
    pub min: f64,
    /// The largest value that is not NaN, or NaN if there is none.
    pub max: f64,
    /// How many points there are.
    pub count: u64,
}

impl MetricSummary {
    /// The summary of one point.
    #[must_use]
    pub const fn of(step: u64, value: f64) -> Self {
        Self { last: value, last_step: step, min: value, max: value, count: 1 }
    }

    /// Adds a point that was logged after all those before.
    #[must_use]
    pub const fn with(self, step: u64, value: f64) -> Self {
        let newest = step >= self.last_step;
        Self {
            last: if newest { value } else { self.last },
            last_step: if newest { step } else { self.last_step },
            min: self.min.min(value),
            max: self.max.max(value),
            count: self.count + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_keeps_the_value_of_the_highest_step() {
        let summary = MetricSummary::of(1, 0.5).with(3, 0.9).with(2, f64::NAN).with(3, 0.8);
        assert_eq!((summary.last, summary.last_step, summary.count), (0.8, 3, 4));
        assert_eq!((summary.min, summary.max), (0.5, 0.9));
        assert_eq!(MetricSummary::of(0, f64::NAN).with(1, 2.0).min.to_bits(), 2.0_f64.to_bits());
    }
}
