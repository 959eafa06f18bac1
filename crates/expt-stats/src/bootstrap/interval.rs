//! Intervals from bootstrap replicates.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, Probability};
use crate::quantile::{QuantileMethod, SortedSample};
use crate::special::normal;

/// Names an interval (Efron 1979, 1987; Davison and Hinkley 1997).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BootstrapInterval {
    /// The quantiles of the replicates.
    Percentile,
    /// The quantiles mirrored at the estimate: `2 estimate - quantile`.
    Basic,
    /// The percentile interval at levels corrected for bias and for acceleration, which comes from leaving
    /// out one unit at a time: second-order accurate, but as many more evaluations as there are units.
    #[default]
    Bca,
}

/// Holds the outcome of a bootstrap.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BootstrapResult {
    /// The statistic of the sample itself.
    pub estimate: f64,
    /// The standard deviation of the replicates; `None` below two of them.
    pub standard_error: Option<f64>,
    /// The interval.
    pub interval: Interval,
    /// How many replicates had a defined statistic.
    pub replicates: u64,
}

impl BootstrapResult {
    /// Makes a result; `bca` holds the jackknife's estimates if that interval is wanted.
    pub(super) fn new(
        estimate: f64,
        replicates: &[f64],
        method: BootstrapInterval,
        jackknife: &[f64],
        alpha: Alpha,
    ) -> Result<Self, StatsError> {
        let sample = sorted(replicates)?;
        let at = |p: f64| sample.quantile(Probability::clamped(p), QuantileMethod::Linear);
        let tail = 0.5 * alpha.get();
        let (lower, upper) = match method {
            BootstrapInterval::Percentile => (at(tail), at(1.0 - tail)),
            BootstrapInterval::Basic => (2.0 * estimate - at(1.0 - tail), 2.0 * estimate - at(tail)),
            BootstrapInterval::Bca => {
                let level = Bca::new(estimate, &sample, jackknife);
                (at(level.adjusted(tail)), at(level.adjusted(1.0 - tail)))
            }
        };
        Ok(Self {
            estimate,
            standard_error: deviation(replicates),
            interval: Interval::new(lower, upper, alpha, Coverage::Fixed),
            replicates: replicates.len() as u64,
        })
    }

    /// Makes a studentised result: `estimate - t* s` with `t*` the quantiles of the replicates' t.
    pub(super) fn studentised(
        (estimate, standard_error): (f64, f64),
        replicates: &[(f64, f64)],
        alpha: Alpha,
    ) -> Result<Self, StatsError> {
        let t: Vec<f64> = replicates
            .iter()
            .filter(|(_, error)| *error > 0.0)
            .map(|(replicate, error)| (replicate - estimate) / error)
            .filter(|t| t.is_finite())
            .collect();
        let sample = sorted(&t)?;
        let at = |p: f64| sample.quantile(Probability::clamped(p), QuantileMethod::Linear);
        let tail = 0.5 * alpha.get();
        let (lower, upper) =
            (estimate - at(1.0 - tail) * standard_error, estimate - at(tail) * standard_error);
        let estimates: Vec<f64> = replicates.iter().map(|replicate| replicate.0).collect();
        Ok(Self {
            estimate,
            standard_error: deviation(&estimates),
            interval: Interval::new(lower, upper, alpha, Coverage::Fixed),
            replicates: t.len() as u64,
        })
    }
}

/// Bias and acceleration.
struct Bca {
    bias: f64,
    acceleration: f64,
}

impl Bca {
    fn new(estimate: f64, sample: &SortedSample, jackknife: &[f64]) -> Self {
        let n = sample.values().len() as f64;
        let below = sample.values().partition_point(|value| *value < estimate) as f64;
        let at_most = sample.values().partition_point(|value| *value <= estimate) as f64;
        // Ties count half; the ends are half a replicate away from none and all.
        let share = (0.5 * (below + at_most) / n).clamp(0.5 / n, 1.0 - 0.5 / n);
        let mean = jackknife.iter().sum::<f64>() / jackknife.len().max(1) as f64;
        let widest = jackknife.iter().fold(0.0_f64, |widest, value| widest.max((mean - value).abs()));
        let power = |k: i32| jackknife.iter().map(|value| ((mean - value) / widest).powi(k)).sum::<f64>();
        let acceleration = if widest > 0.0 { power(3) / (6.0 * power(2).powf(1.5)) } else { 0.0 };
        let acceleration = if acceleration.is_finite() { acceleration } else { 0.0 };
        Self { bias: -normal::upper_quantile(share), acceleration }
    }

    fn adjusted(&self, p: f64) -> f64 {
        let z = self.bias - normal::upper_quantile(p);
        let slowed = 1.0 - self.acceleration * z;
        if slowed <= 0.0 {
            return if z > 0.0 { 1.0 } else { 0.0 };
        }
        normal::sf(-(self.bias + z / slowed))
    }
}

fn sorted(replicates: &[f64]) -> Result<SortedSample, StatsError> {
    let have = replicates.len() as u64;
    if have < 2 {
        return Err(StatsError::TooFew {
            what: "the list of replicates with a defined statistic",
            have,
            need: 2,
        });
    }
    SortedSample::new(replicates)
}

fn deviation(values: &[f64]) -> Option<f64> {
    crate::moments::Moments::from_values(values).ok()?.variance().map(f64::sqrt)
}
