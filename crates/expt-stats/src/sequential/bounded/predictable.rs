//! Predictable-mixture confidence sequences: each value is weighted by what the values before it suggest.

use serde::{Deserialize, Serialize};

use super::level_interval::LevelInterval;
use super::support::Support;
use crate::error::StatsError;
use crate::level::Alpha;

/// Encloses the mean of bounded values by Hoeffding's inequality with weights
/// `λ_t = min(sqrt(8 ln(2/α) / (t ln(1 + t))), 1)` (Waudby-Smith and Ramdas 2024).
///
/// The interval is `Σ λ x / Σ λ ± (ln(2/α) + Σ λ²/8) / Σ λ` on the unit interval. Adding is O(1); no merge, as weights
/// go by the order of the values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictableHoeffding {
    alpha: Alpha,
    support: Support,
    count: u64,
    weights: f64,
    weighted: f64,
    penalty: f64,
}

impl PredictableHoeffding {
    /// Makes a sequence.
    #[must_use]
    pub const fn new(alpha: Alpha, support: Support) -> Self {
        Self { alpha, support, count: 0, weights: 0.0, weighted: 0.0, penalty: 0.0 }
    }

    /// Adds a value.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] outside the support; nothing is changed then.
    pub fn add(&mut self, value: f64) -> Result<(), StatsError> {
        let x = self.support.to_unit(value)?;
        self.count = self.count.saturating_add(1);
        let t = self.count as f64;
        let weight = (8.0 * ln_inverse_half(self.alpha) / (t * t.ln_1p())).sqrt().min(1.0);
        self.weights += weight;
        self.weighted += weight * x;
        self.penalty += weight * weight / 8.0;
        Ok(())
    }

    /// Returns the interval now: the whole support before the first value.
    #[must_use]
    pub fn interval(&self) -> LevelInterval {
        if self.count == 0 {
            return LevelInterval::on(self.support, 0.0, 1.0, self.alpha);
        }
        let (mean, reach) =
            (self.weighted / self.weights, (ln_inverse_half(self.alpha) + self.penalty) / self.weights);
        LevelInterval::on(self.support, mean - reach, mean + reach, self.alpha)
    }
}

/// Encloses the mean of bounded values by an empirical Bernstein inequality with predictable weights (Waudby-Smith
/// and Ramdas 2024).
///
/// `λ_t = min(sqrt(2 ln(2/α) / (t ln(1 + t) s²_{t-1})), truncation)`, where `s²_t` is the variance so far with one
/// made-up value of variance 1/4; the penalty of a value is its squared distance from the mean of those before
/// it times `-ln(1 - λ) - λ`. Before the first value that mean is taken as the end of the support that the bound looks
/// away from, as confseq 0.0.11 does. Adding is O(1); no merge, as weights go by the order of the values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictableBernstein {
    alpha: Alpha,
    support: Support,
    truncation: f64,
    count: u64,
    sum: f64,
    squares: f64,
    weights: f64,
    weighted: f64,
    penalty: Penalty,
}

/// The penalties of the two sides, which differ by the first value only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Penalty {
    lower: f64,
    upper: f64,
}

impl PredictableBernstein {
    /// Makes a sequence whose weights are cut at `truncation`; 1/2 is usual.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless `0 < truncation < 1`.
    pub fn new(alpha: Alpha, support: Support, truncation: f64) -> Result<Self, StatsError> {
        if !(truncation > 0.0 && truncation < 1.0) {
            let allowed = "the open interval (0, 1)";
            return Err(StatsError::OutOfRange { what: "the truncation", value: truncation, allowed });
        }
        let penalty = Penalty::default();
        let (sum, squares, weights, weighted) = (0.0, 0.0, 0.0, 0.0);
        Ok(Self { alpha, support, truncation, count: 0, sum, squares, weights, weighted, penalty })
    }

    /// Adds a value.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] outside the support; nothing is changed then.
    pub fn add(&mut self, value: f64) -> Result<(), StatsError> {
        let x = self.support.to_unit(value)?;
        let before = self.count as f64;
        self.count = self.count.saturating_add(1);
        let t = self.count as f64;
        let weight = bet(ln_inverse_half(self.alpha), t, self.squares).min(self.truncation);
        let cost = -(-weight).ln_1p() - weight;
        let (low, high) = if before > 0.0 {
            let distance = x - self.sum / before;
            (distance * distance, distance * distance)
        } else {
            (x * x, (1.0 - x) * (1.0 - x))
        };
        self.penalty.lower += cost * low;
        self.penalty.upper += cost * high;
        self.weights += weight;
        self.weighted += weight * x;
        self.sum += x;
        self.squares += squared_distance(x, self.sum, t);
        Ok(())
    }

    /// Returns the interval now: the whole support before the first value.
    #[must_use]
    pub fn interval(&self) -> LevelInterval {
        if self.count == 0 {
            return LevelInterval::on(self.support, 0.0, 1.0, self.alpha);
        }
        let mean = self.weighted / self.weights;
        let reach = |penalty: f64| (ln_inverse_half(self.alpha) + penalty) / self.weights;
        let (lower, upper) = (mean - reach(self.penalty.lower), mean + reach(self.penalty.upper));
        LevelInterval::on(self.support, lower, upper, self.alpha)
    }
}

/// Returns the predictable weight of value number `t`: `sqrt(2 l / (t ln(1 + t) s²))` with
/// `s² = (1/4 + squares) / t`, the variance of the `t - 1` values before it and one made-up value.
pub(super) fn bet(ln_level: f64, t: f64, squares: f64) -> f64 {
    (2.0 * ln_level / (t.ln_1p() * (0.25 + squares))).sqrt()
}

/// Returns the squared distance of `x` from the mean of the `t` values so far with one made-up value of 1/2.
pub(super) fn squared_distance(x: f64, sum: f64, t: f64) -> f64 {
    let distance = x - ((0.5 + sum) / (t + 1.0)).min(1.0);
    distance * distance
}

fn ln_inverse_half(alpha: Alpha) -> f64 {
    -(0.5 * alpha.get()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    #[test]
    fn both_enclose_the_mean_and_mirror() {
        let mut hoeffding = PredictableHoeffding::new(Alpha::FIVE_PERCENT, Support::UNIT);
        let mut bernstein = PredictableBernstein::new(Alpha::FIVE_PERCENT, Support::UNIT, 0.5).unwrap();
        let (mut mirrored, mut first) = (bernstein, bernstein);
        for i in 0..3000 {
            let x = f64::from(i % 7) / 10.0;
            hoeffding.add(x).unwrap();
            bernstein.add(x).unwrap();
            mirrored.add(1.0 - x).unwrap();
        }
        first.add(0.5).unwrap();
        assert_eq!((first.interval().lower(), first.interval().upper()), (Some(0.0), Some(1.0)));
        for interval in [hoeffding.interval(), bernstein.interval()] {
            assert!(interval.contains(0.3) && !interval.contains(0.4));
        }
        close(mirrored.interval().upper().unwrap(), 1.0 - bernstein.interval().lower().unwrap(), 1e-12);
        assert!(PredictableBernstein::new(Alpha::FIVE_PERCENT, Support::UNIT, 1.0).is_err());
        assert!(bernstein.add(2.0).is_err());
    }
}
