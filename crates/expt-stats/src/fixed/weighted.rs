//! Moments of weighted values, with the meaning of the weights named.

use serde::{Deserialize, Serialize};

use crate::arm::ArmEstimate;
use crate::error::{StatsError, finite, non_negative};
use crate::twofold::Twofold;

/// Says what a weight means. The mean is the same, the variance of the mean is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightKind {
    /// The value occurred so many times: `n` is the sum of weights. A table of counts.
    Frequency,
    /// The value counts so much: every unit is one observation whatever its weight, such as an inverse sampling
    /// probability. `n` is the effective size `(sum w)^2 / sum w^2` (Kish 1965).
    Reliability,
}

/// Holds weighted count, mean and second central sum; a commutative monoid for one kind of weights.
///
/// Updating follows West (1979), merging Chan, Golub and LeVeque (1983). With `W = sum w`, `W2 = sum w^2` and `S` the
/// weighted sum of squared deviations:
///
/// | | frequency | reliability |
/// |---|---|---|
/// | variance of a value | `S / (W - 1)` | `S / (W - W2 / W)` |
/// | variance of the mean | that `/ W` | that `W2 / W^2` |
///
/// The second column is unbiased for units of equal variance whose weights have nothing to do with their values.
///
/// ```
/// use expt_stats::fixed::{WeightKind, WeightedMoments};
///
/// let mut table = WeightedMoments::new(WeightKind::Frequency);
/// table.push(1.0, 3.0)?; // three ones
/// table.push(5.0, 1.0)?; // a five
/// assert_eq!((table.mean(), table.variance()), (Some(2.0), Some(4.0)));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct WeightedMoments {
    kind: WeightKind,
    count: u64,
    weight: f64,
    squares: f64,
    mean: Twofold,
    second: f64,
}

impl WeightedMoments {
    /// Makes an empty sample.
    #[must_use]
    pub fn new(kind: WeightKind) -> Self {
        Self { kind, count: 0, weight: 0.0, squares: 0.0, mean: Twofold::default(), second: 0.0 }
    }

    /// Counts a value with its weight; a value of weight zero leaves no trace.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`]; a negative weight as [`StatsError::OutOfRange`]; [`StatsError::Overflow`]. The
    /// state is then unchanged.
    pub fn push(&mut self, value: f64, weight: f64) -> Result<(), StatsError> {
        let (value, weight) = (finite("value", value)?, non_negative("weight", weight)?);
        if weight > 0.0 {
            let mean = Twofold::new(value);
            let one = Self { kind: self.kind, count: 1, weight, squares: weight * weight, mean, second: 0.0 };
            *self = self.merge(&one)?;
        }
        Ok(())
    }

    /// Joins two samples of one kind of weights; commutative and associative up to rounding.
    ///
    /// # Errors
    /// [`StatsError::WeightsDiffer`] if the kinds differ, [`StatsError::Overflow`].
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        if self.kind != other.kind {
            return Err(StatsError::WeightsDiffer);
        }
        let (a, b) = if self.order(other) { (self, other) } else { (other, self) };
        if b.count == 0 {
            return a.checked();
        }
        let weight = a.weight + b.weight;
        let share = b.weight / weight;
        let delta = b.mean.minus(a.mean);
        let merged = Self {
            kind: a.kind,
            count: a.count.checked_add(b.count).ok_or(StatsError::Overflow { what: "the count" })?,
            weight,
            squares: a.squares + b.squares,
            mean: a.mean.plus(delta * share),
            second: a.second + b.second + delta * delta * a.weight * share,
        };
        merged.checked()
    }

    /// Returns how many values were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Returns the sum of weights.
    #[must_use]
    pub const fn weight(&self) -> f64 {
        self.weight
    }

    /// Returns the number of units that the sample is worth: the sum of frequencies, or Kish's effective size.
    #[must_use]
    pub fn effective_count(&self) -> f64 {
        match self.kind {
            WeightKind::Frequency => self.weight,
            WeightKind::Reliability if self.count == 0 => 0.0,
            WeightKind::Reliability => self.weight / (self.squares / self.weight),
        }
    }

    /// Returns the weighted mean, or `None` without values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean.high)
    }

    /// Returns the variance of a value; `None` unless the sample is worth more than one unit.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        let degrees = match self.kind {
            WeightKind::Frequency => self.weight - 1.0,
            WeightKind::Reliability if self.count < 2 => 0.0,
            WeightKind::Reliability => self.weight - self.squares / self.weight,
        };
        let variance = self.second / degrees;
        (degrees > 0.0 && variance.is_finite()).then_some(variance)
    }

    /// Returns the standard error of the mean, or `None` where there is no variance.
    #[must_use]
    pub fn standard_error(&self) -> Option<f64> {
        self.variance().map(|variance| (variance / self.effective_count()).sqrt())
    }

    /// Returns the arm for a comparison, with the effective size, rounded down, as its count.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] if the sample is worth less than two units.
    pub fn arm(&self) -> Result<ArmEstimate, StatsError> {
        let units = self.effective_count() as u64;
        match (self.mean(), self.variance()) {
            (Some(mean), Some(variance)) if units >= 2 => {
                ArmEstimate::new(mean, variance / self.effective_count(), units)
            }
            _ => Err(StatsError::TooFew { what: "the weighted sample", have: units, need: 2 }),
        }
    }

    /// Orders two samples so that merging does not depend on who merges whom.
    fn order(&self, other: &Self) -> bool {
        let key = |m: &Self| (m.count, m.weight, m.squares, m.mean.high, m.mean.low, m.second);
        key(self) >= key(other)
    }

    /// Returns itself if every part is finite and possible.
    fn checked(self) -> Result<Self, StatsError> {
        let parts = [self.weight, self.squares, self.mean.high, self.mean.low, self.second];
        let possible = self.second >= 0.0 && (self.count == 0) == (self.weight <= 0.0) && self.squares >= 0.0;
        // A square that underflowed would make the effective size infinite.
        let squared = self.count == 0 || self.squares > 0.0;
        if parts.iter().all(|part| part.is_finite()) && possible && squared {
            Ok(self)
        } else {
            Err(StatsError::Overflow { what: "a weighted moment" })
        }
    }
}

/// The serialised form.
#[derive(Serialize, Deserialize)]
struct Stored {
    kind: WeightKind,
    count: u64,
    weight: f64,
    squares: f64,
    mean: f64,
    mean_low: f64,
    second: f64,
}

impl From<WeightedMoments> for Stored {
    fn from(m: WeightedMoments) -> Self {
        let WeightedMoments { kind, count, weight, squares, mean: Twofold { high, low }, second } = m;
        Self { kind, count, weight, squares, mean: high, mean_low: low, second }
    }
}

impl TryFrom<Stored> for WeightedMoments {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        let Stored { kind, count, weight, squares, mean, mean_low, second } = stored;
        Self { kind, count, weight, squares, mean: Twofold { high: mean, low: mean_low }, second }.checked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moments::Moments;
    use crate::testing::close;

    fn collect(kind: WeightKind, values: &[(f64, f64)]) -> WeightedMoments {
        let mut sum = WeightedMoments::new(kind);
        values.iter().for_each(|&(value, weight)| sum.push(value, weight).unwrap());
        sum
    }

    fn values(n: u32) -> Vec<(f64, f64)> {
        (0..n).map(|i| (1e6 + f64::from((i * 7919) % 1009), f64::from(1 + i % 4))).collect()
    }

    #[test]
    fn frequencies_are_repetitions_and_equal_reliabilities_change_nothing() {
        let data = values(300);
        let repeated: Vec<f64> = data.iter().flat_map(|&(value, n)| vec![value; n as usize]).collect();
        let plain = Moments::from_values(&repeated).unwrap();
        let table = collect(WeightKind::Frequency, &data);
        close(table.variance().unwrap(), plain.variance().unwrap(), 1e-12);
        close(table.standard_error().unwrap(), plain.standard_error().unwrap(), 1e-12);
        let equal: Vec<(f64, f64)> = data.iter().map(|&(value, _)| (value, 0.3)).collect();
        let weighted = collect(WeightKind::Reliability, &equal);
        let plain = Moments::from_values(&data.iter().map(|&(value, _)| value).collect::<Vec<_>>()).unwrap();
        close(weighted.standard_error().unwrap(), plain.standard_error().unwrap(), 1e-12);
        close(weighted.effective_count(), 300.0, 1e-12);
    }

    #[test]
    fn merging_agrees_under_any_chunking() {
        let data = values(1000);
        let whole = collect(WeightKind::Reliability, &data);
        for size in [1, 7, 999] {
            let merged = data
                .chunks(size)
                .map(|chunk| collect(WeightKind::Reliability, chunk))
                .fold(WeightedMoments::new(WeightKind::Reliability), |sum, part| part.merge(&sum).unwrap());
            close(merged.variance().unwrap(), whole.variance().unwrap(), 1e-12);
        }
        assert!(whole.merge(&WeightedMoments::new(WeightKind::Frequency)).is_err());
    }

    #[test]
    fn bad_weights_are_refused() {
        let mut sum = WeightedMoments::new(WeightKind::Reliability);
        for (value, weight) in
            [(1.0, -1.0), (1.0, f64::NAN), (f64::INFINITY, 1.0), (1.0, 1e200), (1.0, 1e-200)]
        {
            assert!(sum.push(value, weight).is_err(), "{value} {weight}");
        }
        sum.push(1.0, 0.0).unwrap();
        assert_eq!((sum.count(), sum.mean(), sum.variance()), (0, None, None));
        sum.push(1.0, 2.0).unwrap();
        assert!(sum.variance().is_none() && sum.arm().is_err());
        let text = serde_json::to_string(&sum).unwrap();
        assert_eq!(serde_json::from_str::<WeightedMoments>(&text).unwrap(), sum);
        assert!(serde_json::from_str::<WeightedMoments>(&text.replace("2.0", "-2.0")).is_err());
    }
}
