//! The empirical Bernstein confidence sequence with a gamma-exponential mixture.

use serde::{Deserialize, Serialize};

use super::level_interval::LevelInterval;
use super::support::Support;
use crate::error::StatsError;
use crate::level::Alpha;
use crate::sequential::uniform::{GammaExponentialMixture, UniformBoundary};

/// Encloses the mean of bounded values, with a width that follows their variance (Howard et al. 2021).
///
/// The intrinsic time is the sum of squared distances of each value from the mean of those *before* it (1/2 for the
/// first), on the unit interval; each side has `alpha/2` and the bound of the [`GammaExponentialMixture`] with `c = 1`.
/// Adding is O(1). The state depends on the order of the values, so it does not merge.
///
/// confseq 0.0.11 halves alpha twice in its two-sided function; that is this sequence at half the level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmpiricalBernsteinSequence {
    alpha: Alpha,
    support: Support,
    mixture: GammaExponentialMixture,
    count: u64,
    sum: f64,
    time: f64,
}

impl EmpiricalBernsteinSequence {
    /// Makes a sequence that is about tightest at intrinsic time `v_opt`: the intended number of values times their
    /// variance on the unit interval.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `v_opt` is positive.
    pub fn new(alpha: Alpha, support: Support, v_opt: f64) -> Result<Self, StatsError> {
        let mixture = GammaExponentialMixture::tuned(v_opt, 1.0, alpha.split(2))?;
        Ok(Self { alpha, support, mixture, count: 0, sum: 0.0, time: 0.0 })
    }

    /// Adds a value.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] outside the support; nothing is changed then.
    pub fn add(&mut self, value: f64) -> Result<(), StatsError> {
        let x = self.support.to_unit(value)?;
        let guess = if self.count == 0 { 0.5 } else { self.sum / self.count as f64 };
        self.time += (x - guess) * (x - guess);
        self.sum += x;
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// Returns the interval now: the whole support before the first value.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] only if a stored state was altered.
    pub fn interval(&self) -> Result<LevelInterval, StatsError> {
        if self.count == 0 {
            return Ok(LevelInterval::on(self.support, 0.0, 1.0, self.alpha));
        }
        let t = self.count as f64;
        let (mean, reach) = (self.sum / t, self.mixture.bound(self.time, self.alpha.split(2))? / t);
        Ok(LevelInterval::on(self.support, mean - reach, mean + reach, self.alpha))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_variance_makes_it_narrow() {
        let mut narrow = EmpiricalBernsteinSequence::new(Alpha::FIVE_PERCENT, Support::UNIT, 10.0).unwrap();
        let mut wide = narrow;
        for i in 0..2000 {
            narrow.add(0.3 + 0.01 * f64::from(i % 2)).unwrap();
            wide.add(f64::from(u8::from(i % 10 < 3))).unwrap();
        }
        let width = |s: &EmpiricalBernsteinSequence| {
            let interval = s.interval().unwrap();
            interval.upper().unwrap() - interval.lower().unwrap()
        };
        assert!(width(&narrow) < 0.02 && width(&wide) > 0.05 && width(&wide) < 0.12);
        assert!(narrow.interval().unwrap().contains(0.305) && wide.interval().unwrap().contains(0.3));
        assert!(narrow.add(-0.1).is_err());
        let json = serde_json::to_string(&wide).unwrap();
        assert_eq!(serde_json::from_str::<EmpiricalBernsteinSequence>(&json).unwrap(), wide);
    }
}
