//! The bootstrap of rows in memory.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::bootstrap::interval::{BootstrapInterval, BootstrapResult};
use crate::bootstrap::stream::Stream;
use crate::error::StatsError;
use crate::level::Alpha;

/// Resamples units with replacement (Efron 1979).
///
/// Estimand: whatever the statistic estimates. Assumes independent units: give one entry for each unit of
/// randomisation, not for each row. A statistic that returns `None` or a number that is not finite is undefined
/// for that replicate and left out, and the result says how many were left. Coverage is approximate; it is poor
/// for extremes, and for means of heavy-tailed values below some hundred units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(u64, u32)", into = "(u64, u32)")]
pub struct Bootstrap {
    seed: u64,
    replicates: u32,
}

impl Bootstrap {
    /// Makes a bootstrap.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless there are 2 to 1,000,000 replicates.
    pub fn new(seed: u64, replicates: u32) -> Result<Self, StatsError> {
        if !(2..=MAX_REPLICATES).contains(&replicates) {
            let value = f64::from(replicates);
            return Err(StatsError::OutOfRange {
                what: "the number of replicates",
                value,
                allowed: "2 to 1000000",
            });
        }
        Ok(Self { seed, replicates })
    }

    /// Returns the statistic of each replicate of a range; a part of the work for one of several threads.
    ///
    /// The parts of any split, put together in order, are what one call would return.
    pub fn replicates<T: Copy, S>(
        &self,
        units: &[T],
        range: Range<u32>,
        statistic: impl Fn(&[T]) -> Option<S>,
    ) -> Vec<Option<S>> {
        let mut drawn = Vec::with_capacity(units.len());
        range
            .map(|replicate| {
                self.draw(units, FIRST, replicate, &mut drawn);
                statistic(&drawn)
            })
            .collect()
    }

    /// Makes an interval for a statistic of one sample.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] without units, if the statistic of the sample is undefined, or if fewer than two
    /// replicates have one.
    pub fn interval<T: Copy>(
        &self,
        units: &[T],
        statistic: impl Fn(&[T]) -> Option<f64>,
        method: BootstrapInterval,
        alpha: Alpha,
    ) -> Result<BootstrapResult, StatsError> {
        let estimate = defined(units.len(), statistic(units))?;
        let replicates = finite(self.replicates(units, 0..self.replicates, &statistic));
        let jackknife =
            if method == BootstrapInterval::Bca { leave_one_out(units, &statistic) } else { Vec::new() };
        BootstrapResult::new(estimate, &replicates, method, &jackknife, alpha)
    }

    /// Makes a studentised interval (bootstrap-t, Efron 1982) for a statistic with its standard error.
    ///
    /// # Errors
    /// As [`Bootstrap::interval`].
    pub fn studentised<T: Copy>(
        &self,
        units: &[T],
        statistic: impl Fn(&[T]) -> Option<(f64, f64)>,
        alpha: Alpha,
    ) -> Result<BootstrapResult, StatsError> {
        let whole = statistic(units).filter(|(estimate, error)| estimate.is_finite() && error.is_finite());
        defined(units.len(), whole.map(|whole| whole.0))?;
        let replicates: Vec<(f64, f64)> = self
            .replicates(units, 0..self.replicates, &statistic)
            .into_iter()
            .flatten()
            .filter(|(estimate, error)| estimate.is_finite() && error.is_finite())
            .collect();
        BootstrapResult::studentised(whole.unwrap_or_default(), &replicates, alpha)
    }

    /// Makes an interval for a comparison of two independent samples, each resampled by itself.
    ///
    /// The comparison takes the control first, then the treatment: a difference, a lift, a difference of quantiles.
    ///
    /// # Errors
    /// As [`Bootstrap::interval`].
    pub fn compare<T: Copy>(
        &self,
        control: &[T],
        treatment: &[T],
        comparison: impl Fn(&[T], &[T]) -> Option<f64>,
        method: BootstrapInterval,
        alpha: Alpha,
    ) -> Result<BootstrapResult, StatsError> {
        let estimate = defined(control.len().min(treatment.len()), comparison(control, treatment))?;
        let (mut c, mut t) = (Vec::with_capacity(control.len()), Vec::with_capacity(treatment.len()));
        let replicates = (0..self.replicates).map(|replicate| {
            self.draw(control, FIRST, replicate, &mut c);
            self.draw(treatment, SECOND, replicate, &mut t);
            comparison(&c, &t)
        });
        let replicates = finite(replicates.collect());
        let jackknife = if method == BootstrapInterval::Bca {
            // Influences of both arms on a common scale: deviations from their own mean, over their size.
            let parts = [
                leave_one_out(control, &|units: &[T]| comparison(units, treatment)),
                leave_one_out(treatment, &|units: &[T]| comparison(control, units)),
            ];
            parts.iter().flat_map(|part| centred(part)).collect()
        } else {
            Vec::new()
        };
        BootstrapResult::new(estimate, &replicates, method, &jackknife, alpha)
    }

    fn draw<T: Copy>(&self, units: &[T], purpose: u64, replicate: u32, into: &mut Vec<T>) {
        let mut stream = Stream::new(self.seed, purpose, u64::from(replicate));
        into.clear();
        into.extend(units.iter().filter_map(|_| units.get(stream.below(units.len())).copied()));
    }
}

impl TryFrom<(u64, u32)> for Bootstrap {
    type Error = StatsError;

    fn try_from((seed, replicates): (u64, u32)) -> Result<Self, StatsError> {
        Self::new(seed, replicates)
    }
}

impl From<Bootstrap> for (u64, u32) {
    fn from(bootstrap: Bootstrap) -> Self {
        (bootstrap.seed, bootstrap.replicates)
    }
}

fn defined(units: usize, statistic: Option<f64>) -> Result<f64, StatsError> {
    let have = units as u64;
    let undefined =
        StatsError::TooFew { what: "the sample whose statistic is undefined", have, need: have + 1 };
    statistic.filter(|value| value.is_finite() && units > 0).ok_or(undefined)
}

fn finite(replicates: Vec<Option<f64>>) -> Vec<f64> {
    replicates.into_iter().flatten().filter(|value| value.is_finite()).collect()
}

fn leave_one_out<T: Copy>(units: &[T], statistic: &impl Fn(&[T]) -> Option<f64>) -> Vec<f64> {
    let mut rest = units.to_vec();
    let without = |index: usize| {
        let removed = rest.swap_remove(index);
        let value = statistic(&rest);
        rest.push(removed);
        let last = rest.len() - 1;
        rest.swap(index, last);
        value
    };
    finite((0..units.len()).map(without).collect())
}

fn centred(jackknife: &[f64]) -> Vec<f64> {
    let n = jackknife.len().max(1) as f64;
    let mean = jackknife.iter().sum::<f64>() / n;
    jackknife.iter().map(|value| (value - mean) * (n - 1.0)).map(|influence| influence / n).collect()
}

const FIRST: u64 = 1;
const SECOND: u64 = 2;

/// More replicates are a mistake.
const MAX_REPLICATES: u32 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootstrap::{mean, quantile, ratio};
    use crate::level::Probability;
    use crate::testing::close;

    fn values(n: u32) -> Vec<f64> {
        (0..n).map(|i| (f64::from((i * 7919) % 1009) / 250.0).exp()).collect()
    }

    #[test]
    fn any_split_of_the_replicates_gives_the_same_numbers() {
        let (data, bootstrap) = (values(50), Bootstrap::new(9, 100).unwrap());
        let whole = bootstrap.replicates(&data, 0..100, mean);
        let parts: Vec<Vec<Option<f64>>> = [60..100, 0..17, 17..60]
            .into_iter()
            .map(|range| bootstrap.replicates(&data, range, mean))
            .collect();
        assert_eq!(whole, [parts[1].clone(), parts[2].clone(), parts[0].clone()].concat());
        assert_ne!(whole, Bootstrap::new(10, 100).unwrap().replicates(&data, 0..100, mean));
    }

    #[test]
    fn standard_errors_are_those_of_theory() {
        let data = values(400);
        let bootstrap = Bootstrap::new(1, 2000).unwrap();
        let theory = crate::Moments::from_values(&data).unwrap().standard_error().unwrap();
        for method in [BootstrapInterval::Percentile, BootstrapInterval::Basic, BootstrapInterval::Bca] {
            let got = bootstrap.interval(&data, mean, method, Alpha::FIVE_PERCENT).unwrap();
            close(got.standard_error.unwrap(), theory, 0.06);
            close(got.interval.width().unwrap(), 3.92 * theory, 0.1);
            assert!(got.interval.contains(got.estimate));
            let other: Vec<f64> = data.iter().map(|value| value + 1.0).collect();
            let difference = |c: &[f64], t: &[f64]| Some(mean(t)? - mean(c)?);
            let both = bootstrap.compare(&data, &other, difference, method, Alpha::FIVE_PERCENT).unwrap();
            close(both.estimate, 1.0, 1e-12);
            close(both.standard_error.unwrap(), theory * 2.0_f64.sqrt(), 0.06);
        }
        let with_error = |units: &[f64]| {
            let moments = crate::Moments::from_values(units).ok()?;
            Some((moments.mean()?, moments.standard_error()?))
        };
        let t = bootstrap.studentised(&data, with_error, Alpha::FIVE_PERCENT).unwrap();
        close(t.interval.width().unwrap(), 3.92 * theory, 0.12);
        // A skewed sample: the upper side reaches further.
        assert!(t.interval.upper.unwrap() - t.estimate > t.estimate - t.interval.lower.unwrap());
    }

    #[test]
    fn other_statistics_and_edges() {
        let bootstrap = Bootstrap::new(5, 200).unwrap();
        let pairs: Vec<(f64, f64)> = values(60).into_iter().map(|x| (x, 2.0 * x)).collect();
        let got = bootstrap.interval(&pairs, ratio, BootstrapInterval::Bca, Alpha::FIVE_PERCENT).unwrap();
        close(got.interval.width().unwrap(), 0.0, 1e-12);
        let median = quantile(Probability::new(0.5).unwrap());
        let got = bootstrap.interval(&values(60), median, BootstrapInterval::Percentile, Alpha::FIVE_PERCENT);
        assert!(got.unwrap().interval.width().unwrap() > 0.0);
        let none = bootstrap.interval(&[], mean, BootstrapInterval::Basic, Alpha::FIVE_PERCENT);
        assert!(none.is_err());
        assert!(
            bootstrap.interval(&[f64::NAN], mean, BootstrapInterval::Basic, Alpha::FIVE_PERCENT).is_err()
        );
        let one = bootstrap.interval(&[3.0], mean, BootstrapInterval::Bca, Alpha::FIVE_PERCENT).unwrap();
        assert_eq!((one.interval.lower, one.interval.upper), (Some(3.0), Some(3.0)));
        let wide = [-1.7e308, 1.7e308, 5e-324];
        if let Ok(got) = bootstrap.interval(&wide, mean, BootstrapInterval::Bca, Alpha::FIVE_PERCENT) {
            assert!(got.interval.lower.is_none_or(f64::is_finite));
        }
        assert!(Bootstrap::new(1, 1).is_err());
    }
}
