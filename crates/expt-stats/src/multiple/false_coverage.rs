//! Intervals that are reported because their parameters were selected.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::interval::Interval;
use crate::level::Alpha;

/// Names a way to keep the false coverage rate of selected intervals: the expected share of reported
/// intervals that miss their parameter (zero if none is reported) is at most alpha.
///
/// With `r` of `m` parameters selected, both report intervals at the error level `r alpha / m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FalseCoverage {
    /// For usual confidence intervals and a simple selection rule (Bonferroni, Holm, BH; more generally, one
    /// whose number of selections does not depend on the selected parameter's own statistic as long as it is
    /// selected), independent estimates or positive dependence (Benjamini and Yekutieli 2005).
    BenjaminiYekutieli,
    /// For intervals that invert e-values, such as confidence sequences built from test martingales: any
    /// selection rule and any dependence (e-BY: Xu, Wang and Ramdas 2022).
    EBy,
}

impl FalseCoverage {
    /// Returns the error level of each selected interval, or `None` if nothing is selected.
    ///
    /// ```
    /// use expt_stats::{Alpha, multiple::FalseCoverage};
    ///
    /// let level = FalseCoverage::BenjaminiYekutieli.level(Alpha::FIVE_PERCENT, 3, 20)?;
    /// assert_eq!(level.map(Alpha::get), Some(0.05 * 3.0 / 20.0));
    /// # Ok::<(), expt_stats::StatsError>(())
    /// ```
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if more are selected than there are.
    pub fn level(self, alpha: Alpha, selected: usize, family: usize) -> Result<Option<Alpha>, StatsError> {
        if selected > family {
            return Err(StatsError::OutOfRange {
                what: "the number of selected parameters",
                value: selected as f64,
                allowed: "at most the number of parameters that could have been selected",
            });
        }
        if selected == 0 {
            return Ok(None);
        }
        let level = alpha.get() * selected as f64 / family as f64;
        Alpha::new(level.max(f64::MIN_POSITIVE)).map(Some)
    }

    /// Builds the selected intervals: `interval(i, level)` must return the interval of parameter i that misses
    /// it with probability `level` at most. `selected` has one entry for every parameter that *could* have
    /// been selected, not only for those that were.
    ///
    /// ```
    /// use expt_stats::{Alpha, Correction, Welch, Moments, multiple::FalseCoverage};
    ///
    /// let control = Moments::from_counts(500, 5_000)?;
    /// let arms = [(620, 5_000), (505, 5_000), (498, 5_000)];
    /// let treatments = arms.map(|(yes, n)| Moments::from_counts(yes, n).unwrap());
    /// let p = [0.0002, 0.87, 0.95];
    /// let selected = Correction::BenjaminiHochberg.correct(&p)?.rejected(Alpha::FIVE_PERCENT);
    /// let reported = FalseCoverage::BenjaminiYekutieli.intervals(Alpha::FIVE_PERCENT, &selected, |i, level| {
    ///     // Any interval of this crate, asked for the level that is passed in.
    ///     # let _ = (&control, &treatments[i]);
    ///     assert!((level.get() - 0.05 / 3.0).abs() < 1e-15);
    ///     Ok(i)
    /// })?;
    /// assert_eq!(reported.values, [Some(0), None, None]);
    /// # Ok::<(), expt_stats::StatsError>(())
    /// ```
    ///
    /// # Errors
    /// Those of `interval`.
    pub fn intervals<T>(
        self,
        alpha: Alpha,
        selected: &[bool],
        mut interval: impl FnMut(usize, Alpha) -> Result<T, StatsError>,
    ) -> Result<SelectedIntervals<T>, StatsError> {
        let count = selected.iter().filter(|selected| **selected).count();
        let level = self.level(alpha, count, selected.len())?;
        let mut values = Vec::with_capacity(selected.len());
        for (i, selected) in selected.iter().enumerate() {
            values.push(match level {
                Some(level) if *selected => Some(interval(i, level)?),
                _ => None,
            });
        }
        Ok(SelectedIntervals { method: self, alpha, selected: count, family: selected.len(), level, values })
    }
}

impl fmt::Display for FalseCoverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BenjaminiYekutieli => "FCR (Benjamini-Yekutieli)",
            Self::EBy => "FCR (e-BY)",
        })
    }
}

/// Holds the intervals of the selected parameters and how their level came about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SelectedIntervals<T = Interval> {
    /// The method.
    pub method: FalseCoverage,
    /// The false coverage rate that is kept.
    pub alpha: Alpha,
    /// How many parameters were selected.
    pub selected: usize,
    /// How many could have been.
    pub family: usize,
    /// The error level of each interval; `None` if nothing is selected.
    pub level: Option<Alpha>,
    /// One entry per parameter; `None` where it was not selected.
    pub values: Vec<Option<T>>,
}

impl<T> fmt::Display for SelectedIntervals<T> {
    /// Writes the derivation of the level.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, alpha, selected, family, level, .. } = self;
        match level {
            Some(level) => {
                write!(f, "{method}: {selected} of {family} selected, intervals at {level:.6} for {alpha}")
            }
            None => write!(f, "{method}: none of {family} selected"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges() {
        let method = FalseCoverage::EBy;
        assert_eq!(method.level(Alpha::FIVE_PERCENT, 0, 0).unwrap(), None);
        assert_eq!(method.level(Alpha::FIVE_PERCENT, 7, 7).unwrap(), Some(Alpha::FIVE_PERCENT));
        assert!(method.level(Alpha::FIVE_PERCENT, 2, 1).is_err());
        let none = method.intervals(Alpha::FIVE_PERCENT, &[false; 3], |_, _| Ok(0)).unwrap();
        assert_eq!((none.level, none.values), (None, vec![None; 3]));
    }
}
