//! The Hoeffding confidence sequence with a normal mixture.

use serde::{Deserialize, Serialize};

use super::level_interval::LevelInterval;
use super::support::Support;
use crate::error::{StatsError, positive};
use crate::level::Alpha;
use crate::sequential::group::Sides;
use crate::sequential::uniform::{NormalMixture, UniformBoundary};

/// Encloses the mean of bounded values at every time: values in the unit interval are 1/2-sub-Gaussian, so the
/// intrinsic time is `t/4` and the bound that of the two-sided [`NormalMixture`] (Howard et al. 2021).
///
/// Estimand: the mean, the same for every value given the past. Blind to the variance, so an empirical Bernstein or
/// betting sequence is narrower for skewed data. Adding is O(1), and states merge.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::sequential::{HoeffdingSequence, Support};
///
/// let mut sequence = HoeffdingSequence::new(Alpha::FIVE_PERCENT, Support::UNIT, 500.0)?;
/// for i in 0..1000 {
///     sequence.add(f64::from(i % 4 == 0))?;
/// }
/// assert!(sequence.interval()?.contains(0.25) && !sequence.interval()?.contains(0.35));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoeffdingSequence {
    alpha: Alpha,
    support: Support,
    mixture: NormalMixture,
    count: u64,
    sum: f64,
}

impl HoeffdingSequence {
    /// Makes a sequence that is tightest near `t_opt` values.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `t_opt` is positive.
    pub fn new(alpha: Alpha, support: Support, t_opt: f64) -> Result<Self, StatsError> {
        let v_opt = positive("the number of values to tune for", t_opt)? / 4.0;
        Ok(Self {
            alpha,
            support,
            mixture: NormalMixture::tuned(v_opt, alpha, Sides::Two)?,
            count: 0,
            sum: 0.0,
        })
    }

    /// Adds a value.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] outside the support; nothing is changed then.
    pub fn add(&mut self, value: f64) -> Result<(), StatsError> {
        self.sum += self.support.to_unit(value)?;
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// Joins the values of two states of one configuration.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if they are configured differently.
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        if (self.alpha, self.support, self.mixture) != (other.alpha, other.support, other.mixture) {
            let (value, allowed) =
                (other.mixture.rho(), "that of the other state; level and support must agree as well");
            return Err(StatsError::OutOfRange { what: "the scale of a merged state", value, allowed });
        }
        Ok(Self { count: self.count.saturating_add(other.count), sum: self.sum + other.sum, ..*self })
    }

    /// Returns the interval now: the whole support before the first value.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] only if a stored state was altered.
    pub fn interval(&self) -> Result<LevelInterval, StatsError> {
        let t = self.count as f64;
        if self.count == 0 {
            return Ok(LevelInterval::on(self.support, 0.0, 1.0, self.alpha));
        }
        let (mean, reach) = (self.sum / t, self.mixture.bound(0.25 * t, self.alpha)? / t);
        Ok(LevelInterval::on(self.support, mean - reach, mean + reach, self.alpha))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    #[test]
    fn merging_equals_adding_and_the_support_scales() {
        let support = Support::new(-3.0, 5.0).unwrap();
        let make = || HoeffdingSequence::new(Alpha::FIVE_PERCENT, support, 50.0).unwrap();
        let (mut left, mut right, mut all) = (make(), make(), make());
        for i in 0..200 {
            let value = f64::from(i % 9) - 3.0;
            all.add(value).unwrap();
            if i < 90 { left.add(value).unwrap() } else { right.add(value).unwrap() }
        }
        let (merged, whole) = (left.merge(&right).unwrap().interval().unwrap(), all.interval().unwrap());
        close(merged.lower().unwrap(), whole.lower().unwrap(), 1e-12);
        close(merged.upper().unwrap(), whole.upper().unwrap(), 1e-12);
        let other = HoeffdingSequence::new(Alpha::PER_MILLE, support, 50.0).unwrap();
        assert!(all.merge(&other).is_err() && all.add(5.1).is_err() && all.add(f64::NAN).is_err());
        let empty = make().interval().unwrap();
        assert_eq!((empty.lower(), empty.upper()), (Some(-3.0), Some(5.0)));
    }
}
