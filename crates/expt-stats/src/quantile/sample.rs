//! Quantiles of a sample by the definitions of Hyndman and Fan.

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, finite};
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, Alternative, Probability};
use crate::quantile::ranks::RankInterval;

/// Names a definition of the sample quantile: the nine of Hyndman and Fan (1996, "Sample Quantiles in
/// Statistical Packages"), with numpy's names.
///
/// All estimate the same population quantile and differ by less than the distance of neighbouring order
/// statistics; for a sample of thousands the choice does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuantileMethod {
    /// Type 1: the inverse of the empirical distribution function.
    InvertedCdf,
    /// Type 2: type 1 with the mean of both neighbours where the function is flat.
    AveragedInvertedCdf,
    /// Type 3: the nearest order statistic, the even one if two are equally near.
    ClosestObservation,
    /// Type 4: linear interpolation of the empirical distribution function.
    InterpolatedInvertedCdf,
    /// Type 5: knots at `(k - 1/2) / n` (Hazen 1914).
    Hazen,
    /// Type 6: knots at `k / (n + 1)` (Weibull 1939).
    Weibull,
    /// Type 7: knots at `(k - 1) / (n - 1)`; the default of numpy, R and most others.
    #[default]
    Linear,
    /// Type 8: approximately median-unbiased whatever the distribution.
    MedianUnbiased,
    /// Type 9: approximately unbiased for the normal distribution.
    NormalUnbiased,
}

impl QuantileMethod {
    /// Returns the position from zero in the sorted sample: the index below and the weight of the next.
    fn position(self, q: f64, n: usize) -> (f64, f64) {
        let size = n as f64;
        let knots = |alpha: f64, beta: f64| size * q + (alpha + q * (1.0 - alpha - beta)) - 1.0;
        let split = |at: f64| (at.floor(), at - at.floor());
        match self {
            Self::InvertedCdf => {
                let (below, rest) = split(size * q - 1.0);
                (below, f64::from(u8::from(rest > 0.0)))
            }
            Self::AveragedInvertedCdf => {
                let (below, rest) = split(size * q - 1.0);
                (below, if rest > 0.0 { 1.0 } else { 0.5 })
            }
            Self::ClosestObservation => {
                let (below, rest) = split(size * q - 1.5);
                let stay = rest <= 0.0 && below.rem_euclid(2.0) >= 1.0;
                (below, f64::from(u8::from(!stay)))
            }
            Self::InterpolatedInvertedCdf => split(knots(0.0, 1.0)),
            Self::Hazen => split(knots(0.5, 0.5)),
            Self::Weibull => split(knots(0.0, 0.0)),
            Self::Linear => split((size - 1.0) * q),
            Self::MedianUnbiased => split(knots(1.0 / 3.0, 1.0 / 3.0)),
            Self::NormalUnbiased => split(knots(3.0 / 8.0, 3.0 / 8.0)),
        }
    }
}

/// Holds the finite values of a sample in ascending order; never empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct SortedSample(Vec<f64>);

impl SortedSample {
    /// Sorts a sample.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] if it is empty and [`StatsError::NotFinite`] for a value that is not finite.
    pub fn new(values: &[f64]) -> Result<Self, StatsError> {
        Self::try_from(values.to_vec())
    }

    /// Returns the values in ascending order.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// Returns the sample quantile.
    ///
    /// Estimand: the smallest x with P(X <= x) >= q. A sample of one value returns that value for every q.
    #[must_use]
    pub fn quantile(&self, q: Probability, method: QuantileMethod) -> f64 {
        let (below, weight) = method.position(q.get(), self.0.len());
        interpolate(self.at(below), self.at(below + 1.0), weight)
    }

    /// Returns the distribution-free interval for the quantile between two order statistics.
    ///
    /// Ranks as in [`RankInterval`]; a side whose rank does not exist is unbounded. For a discrete
    /// distribution the interval covers at least as often.
    #[must_use]
    pub fn interval(&self, q: Probability, alpha: Alpha, alternative: Alternative) -> Interval {
        let ranks = RankInterval::new(self.0.len() as u64, q, alpha, alternative);
        let value = |rank: Option<u64>| rank.map(|rank| self.at(rank as f64 - 1.0));
        Interval {
            lower: value(ranks.lower_rank),
            upper: value(ranks.upper_rank),
            alpha,
            coverage: Coverage::Fixed,
        }
    }

    /// Returns the order statistic at a position from zero, the ends beyond them.
    pub(super) fn at(&self, position: f64) -> f64 {
        let last = self.0.len() - 1;
        let index = if position <= 0.0 { 0 } else { (position as usize).min(last) };
        self.0.get(index).copied().unwrap_or(0.0)
    }
}

impl TryFrom<Vec<f64>> for SortedSample {
    type Error = StatsError;

    fn try_from(mut values: Vec<f64>) -> Result<Self, StatsError> {
        if values.is_empty() {
            return Err(StatsError::TooFew { what: "the sample", have: 0, need: 1 });
        }
        for &value in &values {
            finite("value", value)?;
        }
        values.sort_by(f64::total_cmp);
        Ok(Self(values))
    }
}

impl From<SortedSample> for Vec<f64> {
    fn from(sample: SortedSample) -> Self {
        sample.0
    }
}

/// Returns `low + (high - low) weight`, monotone in the weight and exact at both ends.
pub(super) fn interpolate(low: f64, high: f64, weight: f64) -> f64 {
    let gap = high - low;
    if !gap.is_finite() {
        return low * (1.0 - weight) + high * weight;
    }
    if weight >= 0.5 { high - gap * (1.0 - weight) } else { low + gap * weight }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    const ALL: [QuantileMethod; 9] = [
        QuantileMethod::InvertedCdf,
        QuantileMethod::AveragedInvertedCdf,
        QuantileMethod::ClosestObservation,
        QuantileMethod::InterpolatedInvertedCdf,
        QuantileMethod::Hazen,
        QuantileMethod::Weibull,
        QuantileMethod::Linear,
        QuantileMethod::MedianUnbiased,
        QuantileMethod::NormalUnbiased,
    ];

    /// Source: numpy 2.4.6, `quantile(x, q, method=...)` of [1, 2, 4, 8, 16, 32].
    #[test]
    fn all_nine_types_agree_with_numpy() {
        let sample = SortedSample::new(&[8.0, 1.0, 32.0, 4.0, 2.0, 16.0]).unwrap();
        let check = |q: f64, want: [f64; 9]| {
            for (method, want) in ALL.into_iter().zip(want) {
                close(sample.quantile(Probability::new(q).unwrap(), method), want, 1e-14);
            }
        };
        check(0.25, QUARTER);
        check(0.5, HALF);
        check(0.9, NINTH);
    }

    #[test]
    fn quantiles_rise_and_stay_inside_for_adversarial_values() {
        let values = [-1.7e308, -0.0, 0.0, 5e-324, 1e300, 1.7e308];
        let sample = SortedSample::new(&values).unwrap();
        for method in ALL {
            let mut last = f64::NEG_INFINITY;
            for step in 0..=1000 {
                let now = sample.quantile(Probability::new(f64::from(step) / 1000.0).unwrap(), method);
                assert!(now >= last && now.is_finite(), "{method:?} {step} {now}");
                last = now;
            }
            close(last, 1.7e308, 1e-15);
        }
        assert!(SortedSample::new(&[]).is_err());
        assert!(SortedSample::new(&[1.0, f64::NAN]).is_err());
        assert!(serde_json::from_str::<SortedSample>("[]").is_err());
    }

    const QUARTER: [f64; 9] = [2.0, 2.0, 2.0, 1.5, 2.0, 1.75, 2.5, 1.9166666666666667, 1.9375];
    const HALF: [f64; 9] = [4.0, 6.0, 4.0, 4.0, 6.0, 6.0, 6.0, 6.0, 6.0];
    const NINTH: [f64; 9] =
        [32.0, 32.0, 16.0, 22.400000000000006, 30.400000000000006, 32.0, 24.0, 32.0, 32.0];
}
