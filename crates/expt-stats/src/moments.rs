//! The sufficient statistics of one metric in one arm.

use serde::{Deserialize, Serialize};

use crate::columns::{BLOCK, block};
use crate::error::{StatsError, finite, non_negative};
use crate::twofold::Twofold;

/// Holds count, mean and the second and third central sums of a sample; a commutative monoid.
///
/// Estimand: mean, variance and skewness of the distribution the values were drawn from.
/// [`Moments::default`] is the empty sample and [`Moments::merge`] joins two samples, so that any
/// split over threads, days or machines gives the same result. Updating follows Welford (1962) and
/// Chan, Golub and LeVeque (1983), the third sum Pébay (2008). The mean is carried to twice
/// the precision of an `f64`: values near 1e9 with variance 1 keep twelve digits of the variance,
/// where a sum of squares has none left.
///
/// ```
/// use expt_stats::Moments;
///
/// let monday = Moments::from_values(&[1.0, 2.0])?;
/// let tuesday = Moments::from_values(&[3.0, 4.0])?;
/// let both = monday.merge(&tuesday)?;
/// assert_eq!(both.mean(), Some(2.5));
/// assert!((both.variance().unwrap() - 5.0 / 3.0).abs() < 1e-15);
/// assert_eq!(Moments::from_values(&[1.0])?.variance(), None);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Moments {
    count: u64,
    mean: Twofold,
    second: f64,
    third: Option<f64>,
}

impl Moments {
    /// Counts the values of a slice.
    ///
    /// # Errors
    /// As [`Moments::push`].
    pub fn from_values(values: &[f64]) -> Result<Self, StatsError> {
        let mut moments = Self::default();
        for chunk in values.chunks(BLOCK) {
            let sums = block(chunk);
            let (mean, second, third) = (sums.mean, sums.second, Some(sums.third));
            let merged = Self { count: chunk.len() as u64, mean, second, third }
                .checked()
                .and_then(|b| moments.merge(&b));
            match merged {
                Ok(merged) => moments = merged,
                // One at a time finds the value to blame, or that only the plain sum of the block overflows.
                Err(_) => chunk.iter().try_for_each(|&value| moments.push(value))?,
            }
        }
        Ok(moments)
    }

    /// Makes moments from a published summary; `variance` has divisor `n - 1`.
    ///
    /// The skewness is then unknown, so a sequential procedure refuses them until it is stated by
    /// [`Moments::with_skewness`].
    ///
    /// # Errors
    /// [`StatsError::NotFinite`], a negative variance as [`StatsError::OutOfRange`], and a positive
    /// variance of fewer than two values as [`StatsError::TooFew`].
    pub fn from_summary(count: u64, mean: f64, variance: f64) -> Result<Self, StatsError> {
        let (mean, variance) = (finite("mean", mean)?, non_negative("variance", variance)?);
        if count < 2 && variance > 0.0 {
            return Err(StatsError::TooFew { what: "the summary with a variance", have: count, need: 2 });
        }
        let second = variance * (count.saturating_sub(1)) as f64;
        let mean = if count == 0 { 0.0 } else { mean };
        let third = if count == 0 { Some(0.0) } else { None };
        Self { count, mean: Twofold::new(mean), second, third }.checked()
    }

    /// Makes the moments of `events` ones and `count - events` zeros, skewness included.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if there are more events than units.
    pub fn from_counts(events: u64, count: u64) -> Result<Self, StatsError> {
        if events > count {
            return Err(StatsError::OutOfRange {
                what: "events",
                value: events as f64,
                allowed: "at most the number of units",
            });
        }
        if count == 0 {
            return Ok(Self::default());
        }
        let (events, n) = (events as f64, count as f64);
        let rate = events / n;
        let second = events * (1.0 - rate);
        Ok(Self { count, mean: Twofold::new(rate), second, third: Some(second * (1.0 - 2.0 * rate)) })
    }

    /// States the skewness of moments that came from a summary.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] if it is not finite.
    pub fn with_skewness(mut self, skewness: f64) -> Result<Self, StatsError> {
        let n = self.count as f64;
        let scale = if self.count == 0 { 0.0 } else { self.second * (self.second / n).sqrt() };
        self.third = Some(finite("skewness", skewness)? * scale);
        self.checked()
    }

    /// Counts one value.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] for an infinite or undefined value and [`StatsError::Overflow`] when a
    /// sum leaves the range of `f64`; the moments are unchanged in both cases.
    pub fn push(&mut self, value: f64) -> Result<(), StatsError> {
        let delta = Twofold::new(finite("value", value)?).minus(self.mean);
        let count = self.count.checked_add(1).ok_or(StatsError::Overflow { what: "the count" })?;
        let (n, step) = (count as f64, delta / count as f64);
        let term = delta * step * (n - 1.0);
        *self = Self {
            count,
            mean: self.mean.plus(step),
            second: self.second + term,
            third: self.third.map(|third| third + term * step * (n - 2.0) - 3.0 * step * self.second),
        }
        .checked()?;
        Ok(())
    }

    /// Joins two samples; commutative to the last bit, associative up to rounding.
    ///
    /// # Errors
    /// [`StatsError::Overflow`] when a count or sum leaves its range.
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        let (a, b) = if self.order(other) { (self, other) } else { (other, self) };
        if b.count == 0 {
            return Ok(*a);
        }
        let count = a.count.checked_add(b.count).ok_or(StatsError::Overflow { what: "the count" })?;
        let (na, nb, n) = (a.count as f64, b.count as f64, count as f64);
        let delta = b.mean.minus(a.mean);
        let between = delta * delta * (na / n) * nb;
        let third = match (a.third, b.third) {
            (Some(x), Some(y)) => {
                let spread = (na * b.second - nb * a.second) / n;
                Some(x + y + between * delta * ((na - nb) / n) + 3.0 * delta * spread)
            }
            _ => None,
        };
        Self { count, mean: a.mean.plus(delta * (nb / n)), second: a.second + b.second + between, third }
            .checked()
    }

    /// Takes a part out of a sample: the inverse of [`Moments::merge`].
    ///
    /// Sound only if `part` was merged in before; the states cannot show that, only some contradictions. The more
    /// of the spread leaves, the fewer digits of the variance stay: about `log10(before / after)` are lost. Sums
    /// that rounding made slightly negative become zero.
    ///
    /// # Errors
    /// [`StatsError::NotAPart`] if `part` has more values or more spread than the sample; [`StatsError::Overflow`].
    pub fn subtract(&self, part: &Self) -> Result<Self, StatsError> {
        let not_a_part = StatsError::NotAPart { what: "the moments" };
        let count = self.count.checked_sub(part.count).ok_or(not_a_part.clone())?;
        if part.count == 0 {
            return Ok(*self);
        }
        if count == 0 {
            return Ok(Self::default());
        }
        let (na, nb, n) = (count as f64, part.count as f64, self.count as f64);
        let shift = self.mean.minus(part.mean) * (nb / na);
        let mean = self.mean.plus(shift);
        let delta = part.mean.minus(mean);
        let between = delta * delta * (na / n) * nb;
        let second = remainder(self.second, part.second + between, count).ok_or(not_a_part)?;
        let third = self.third.zip(part.third).map(|(whole, part_third)| {
            let spread = (na * part.second - nb * second) / n;
            if second > 0.0 {
                whole - part_third - between * delta * ((na - nb) / n) - 3.0 * delta * spread
            } else {
                0.0
            }
        });
        Self { count, mean, second, third }.checked()
    }

    /// Returns the number of values.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Returns the mean, or `None` without values.
    #[inline]
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean.high)
    }

    /// Returns the sample variance (divisor `n - 1`), or `None` below two values.
    #[inline]
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        (self.count > 1).then(|| self.second / (self.count - 1) as f64)
    }

    /// Returns the standard error of the mean, or `None` below two values.
    #[must_use]
    pub fn standard_error(&self) -> Option<f64> {
        self.variance().map(|variance| (variance / self.count as f64).sqrt())
    }

    /// Returns the sample skewness `m3 / m2^(3/2)`; `None` when unknown or when all values are equal.
    #[must_use]
    pub fn skewness(&self) -> Option<f64> {
        let n = self.count as f64;
        let skewness = self.third? / (self.second * (self.second / n).sqrt());
        skewness.is_finite().then_some(skewness)
    }

    /// Returns `self - other` of the means from all their digits; zero if a sample is empty.
    pub(crate) fn mean_minus(&self, other: &Self) -> f64 {
        if self.count > 0 && other.count > 0 { self.mean.minus(other.mean) } else { 0.0 }
    }

    /// Returns the mean minus a number from all digits of the mean.
    pub(crate) fn mean_above(&self, value: f64) -> f64 {
        self.mean.minus(Twofold::new(value))
    }

    /// Returns the second central sum.
    pub(crate) const fn second(&self) -> f64 {
        self.second
    }

    /// Tells whether the third sum is known.
    pub(crate) fn knows_skewness(&self) -> bool {
        self.third.is_some()
    }

    /// Orders two samples so that merging does not depend on who merges whom.
    fn order(&self, other: &Self) -> bool {
        let key = |m: &Self| (m.count, m.mean.high, m.mean.low, m.second, m.third.unwrap_or(0.0));
        key(self) >= key(other)
    }

    /// Returns itself if every part is finite.
    fn checked(self) -> Result<Self, StatsError> {
        let parts = [self.mean.high, self.mean.low, self.second, self.third.unwrap_or(0.0)];
        if parts.iter().all(|part| part.is_finite()) && self.second >= 0.0 {
            Ok(self)
        } else {
            Err(StatsError::Overflow { what: "a moment" })
        }
    }
}

/// Returns `whole - part` as the central sum of `count` values; `None` if it is negative beyond rounding.
pub(crate) fn remainder(whole: f64, part: f64, count: u64) -> Option<f64> {
    let rest = whole - part;
    let rounding = 1e-9 * whole.max(part);
    if rest < -rounding {
        return None;
    }
    Some(if count < 2 { 0.0 } else { rest.max(0.0) })
}

impl Default for Moments {
    fn default() -> Self {
        Self { count: 0, mean: Twofold::default(), second: 0.0, third: Some(0.0) }
    }
}

/// The serialised form.
#[derive(Serialize, Deserialize)]
struct Stored {
    count: u64,
    mean: f64,
    mean_low: f64,
    second: f64,
    third: Option<f64>,
}

impl From<Moments> for Stored {
    fn from(m: Moments) -> Self {
        Self { count: m.count, mean: m.mean.high, mean_low: m.mean.low, second: m.second, third: m.third }
    }
}

impl TryFrom<Stored> for Moments {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        non_negative("the second central sum", stored.second)?;
        let mean = Twofold { high: stored.mean, low: stored.mean_low };
        Self { count: stored.count, mean, second: stored.second, third: stored.third }.checked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// A fixed sequence of skewed values without a generator.
    fn values(n: u32, offset: f64) -> Vec<f64> {
        (0..n).map(|i| offset + (f64::from((i * 7919) % 1009) / 250.0).exp().floor()).collect()
    }

    /// Source: scipy 1.18.1 (`mean_a`, `var_a` of a Welch case from raw values).
    #[test]
    fn mean_and_variance_agree_with_scipy() {
        let raw = [
            0.3510999572313923,
            3.495625363136954,
            0.5934379416647847,
            -0.6180222356544752,
            1.2644806755107534,
            0.09067523059039587,
            -0.4873204539203142,
            1.8364815700219077,
            1.1639449164194604,
            0.09654635839363132,
            -1.2760803527645934,
            0.10379924259378633,
        ];
        let whole = Moments::from_values(&raw).unwrap();
        close(whole.mean().unwrap(), 0.5512223511019736, 1e-14);
        close(whole.variance().unwrap(), 1.604650767706082, 1e-14);
    }

    #[test]
    fn merging_agrees_under_any_chunking_at_offset_1e9() {
        for offset in [0.0, 1.0, -1e9, 1e9] {
            let plain = Moments::from_values(&values(20_000, 0.0)).unwrap();
            let data = values(20_000, offset);
            let whole = Moments::from_values(&data).unwrap();
            close(whole.variance().unwrap(), plain.variance().unwrap(), 1e-12);
            for size in [1, 2, 3, 17, 1000, 19_999] {
                let merged = data
                    .chunks(size)
                    .map(|chunk| Moments::from_values(chunk).unwrap())
                    .fold(Moments::default(), |sum, part| part.merge(&sum).unwrap());
                assert_eq!(merged.count(), whole.count());
                close(merged.mean().unwrap(), whole.mean().unwrap(), 1e-15);
                close(merged.variance().unwrap(), plain.variance().unwrap(), 1e-12);
                close(merged.skewness().unwrap(), plain.skewness().unwrap(), 1e-11);
            }
        }
    }

    #[test]
    fn merging_is_commutative_to_the_last_bit_and_has_a_unit() {
        let a = Moments::from_values(&values(101, 3.3)).unwrap();
        let b = Moments::from_values(&values(57, 9.1)).unwrap();
        assert_eq!(a.merge(&b).unwrap(), b.merge(&a).unwrap());
        assert_eq!(a.merge(&Moments::default()).unwrap(), a);
        assert_eq!(Moments::default().merge(&a).unwrap(), a);
    }

    #[test]
    fn columns_equal_rows_and_name_the_bad_value() {
        for (n, offset) in [(1, 3.0), (2, 0.0), (1023, 0.0), (5000, 1e9)] {
            let data = values(n, offset);
            let column = Moments::from_values(&data).unwrap();
            let mut rows = Moments::default();
            data.iter().for_each(|&value| rows.push(value).unwrap());
            close(column.mean().unwrap(), rows.mean().unwrap(), 1e-15);
            assert_eq!(column.variance().is_some(), n > 1);
            if n > 2 {
                close(column.variance().unwrap(), rows.variance().unwrap(), 1e-12);
                close(column.skewness().unwrap(), rows.skewness().unwrap(), 1e-11);
            }
        }
        let mut data = values(3000, 0.0);
        data[2000] = f64::NEG_INFINITY;
        let error = StatsError::NotFinite { what: "value", value: f64::NEG_INFINITY };
        assert_eq!(Moments::from_values(&data), Err(error));
        assert_eq!(Moments::from_values(&[1.7e308; 5000]), Err(StatsError::Overflow { what: "a moment" }));
    }

    #[test]
    fn subtracting_undoes_merging() {
        for offset in [0.0, 1e9] {
            let (first, second) = (values(3000, offset), values(700, offset + 3.0));
            let (a, b) = (Moments::from_values(&first).unwrap(), Moments::from_values(&second).unwrap());
            let rest = a.merge(&b).unwrap().subtract(&b).unwrap();
            assert_eq!(rest.count(), a.count());
            close(rest.mean().unwrap(), a.mean().unwrap(), 1e-15);
            close(rest.variance().unwrap(), a.variance().unwrap(), 1e-12);
            close(rest.skewness().unwrap(), a.skewness().unwrap(), 1e-11);
            assert_eq!(a.subtract(&a).unwrap(), Moments::default());
            assert_eq!(a.subtract(&Moments::default()).unwrap(), a);
            assert!(b.subtract(&a).is_err());
        }
        let (flat, wild) =
            (Moments::from_values(&[1.0; 9]).unwrap(), Moments::from_values(&[1.0, 7.0]).unwrap());
        assert_eq!(flat.subtract(&wild), Err(StatsError::NotAPart { what: "the moments" }));
    }

    #[test]
    fn counts_equal_the_values_they_stand_for() {
        let values: Vec<f64> = (0..50).map(|i| f64::from(u8::from(i < 8))).collect();
        let (counted, pushed) =
            (Moments::from_counts(8, 50).unwrap(), Moments::from_values(&values).unwrap());
        close(counted.variance().unwrap(), pushed.variance().unwrap(), 1e-14);
        close(counted.skewness().unwrap(), pushed.skewness().unwrap(), 1e-13);
    }

    #[test]
    fn undefined_is_none_and_bad_input_an_error() {
        let empty = Moments::default();
        assert_eq!((empty.mean(), empty.variance(), empty.skewness()), (None, None, None));
        assert_eq!(Moments::from_values(&[2.0, 2.0]).unwrap().skewness(), None);
        let mut moments = Moments::from_values(&[1.0]).unwrap();
        let before = moments;
        for bad in [f64::NAN, f64::INFINITY, 1e308] {
            assert!(moments.push(bad).is_err());
            assert_eq!(moments, before);
        }
        assert!(Moments::from_summary(10, 1.0, -1.0).is_err());
        assert!(Moments::from_summary(1, 1.0, 1.0).is_err());
        assert!(Moments::from_counts(3, 2).is_err());
    }

    #[test]
    fn serde_keeps_every_bit_and_validates() {
        let moments = Moments::from_values(&values(1000, 1e9)).unwrap();
        let text = serde_json::to_string(&moments).unwrap();
        assert_eq!(serde_json::from_str::<Moments>(&text).unwrap(), moments);
        let bad = r#"{"count":2,"mean":0.0,"mean_low":0.0,"second":-1.0,"third":0.0}"#;
        assert!(serde_json::from_str::<Moments>(bad).is_err());
    }
}
