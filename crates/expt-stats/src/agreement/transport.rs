//! The 1-Wasserstein distance.

use serde::{Deserialize, Serialize};

use super::histogram::sorted;
use crate::error::{StatsError, finite};
use crate::interval::{Coverage, Interval};
use crate::level::Alpha;
use crate::special::normal;

/// Holds a 1-Wasserstein distance, in the unit of the values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Wasserstein {
    /// The distance: the area between the two distribution functions.
    pub distance: f64,
    /// The mean of the candidate minus that of the reference; the distance is at least its size, and equal to it when one
    /// distribution lies wholly above the other.
    pub mean_shift: f64,
    /// What the distance is on average without a difference, asymptotically.
    pub noise: f64,
    /// The standard error by linearisation.
    pub standard_error: f64,
    /// The normal interval at one look; `None` unless the distance is more than three times the noise, because near zero
    /// its distribution is not normal.
    pub interval: Option<Interval>,
}

/// Computes the 1-Wasserstein (earth mover's) distance of two samples.
///
/// Estimand: `∫ |F - G|` over the line, the least mean distance by which values of one distribution must move to become the
/// other's. Assumes independent values. No resampling: the standard error comes from the linear expansion
/// `sqrt(Var h(X)/n + Var h(Y)/m)` with the potential `h(x) = ∫ sign(F - G)` up to x (the optimal Kantorovich potential;
/// del Barrio, Giné and Matrán 1999 for the one-sample limit), which holds where the distributions differ; the noise is
/// `sqrt(2/π) sqrt(1/n + 1/m) ∫ sqrt(H (1 - H))` for the pooled `H`, the mean of the absolute Gaussian limit where they
/// do not. To test for a difference use [`Smirnov`](crate::rank::Smirnov). Distances agree with scipy's
/// `wasserstein_distance` to 1e-12 relative.
///
/// # Errors
/// [`StatsError::TooFew`] for an empty sample, [`StatsError::NotFinite`] also if the values' range overflows.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::agreement::wasserstein;
///
/// let got = wasserstein(&[0.0, 1.0, 3.0], &[5.0, 6.0, 8.0], Alpha::FIVE_PERCENT)?;
/// assert!((got.distance - 5.0).abs() < 1e-12 && (got.mean_shift - 5.0).abs() < 1e-12);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
pub fn wasserstein(reference: &[f64], candidate: &[f64], alpha: Alpha) -> Result<Wasserstein, StatsError> {
    let (a, b) = (sorted("the reference", reference)?, sorted("the candidate", candidate)?);
    let least = a.first().copied().unwrap_or(0.0).min(b.first().copied().unwrap_or(0.0));
    let most = a.last().copied().unwrap_or(0.0).max(b.last().copied().unwrap_or(0.0));
    finite("the range of the values", (most - least) * (most - least))?;
    let marked = |values: &[f64], reference: f64| -> Vec<Step> {
        values.iter().map(|&place| Step { place, reference, candidate: 1.0 - reference }).collect()
    };
    let mut steps = marked(&a, 1.0);
    steps.extend(marked(&b, 0.0));
    steps.sort_by(|x, y| x.place.total_cmp(&y.place));
    Ok(Wasserstein::new(&steps, a.len() as f64, b.len() as f64, alpha))
}

/// How many values of each sample lie at a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) place: f64,
    pub(super) reference: f64,
    pub(super) candidate: f64,
}

impl Wasserstein {
    /// Computes from places in ascending order.
    pub(super) fn new(steps: &[Step], n: f64, m: f64, alpha: Alpha) -> Self {
        let (mut a, mut b, mut last) = (0.0, 0.0, steps.first().map_or(0.0, |step| step.place));
        let (mut distance, mut shift, mut brownian, mut potential) = (0.0, 0.0, 0.0, 0.0);
        let (mut of_a, mut of_b) = (Weighted::default(), Weighted::default());
        for step in steps {
            let gap = step.place - last;
            let (f, g, pooled) = (a / n, b / m, (a + b) / (n + m));
            let apart = (a * m - b * n) / (n * m);
            distance += (f - g).abs() * gap;
            shift += (f - g) * gap;
            brownian += (pooled * (1.0 - pooled)).max(0.0).sqrt() * gap;
            if apart != 0.0 {
                potential += gap.copysign(apart);
            }
            of_a.add(potential, step.reference);
            of_b.add(potential, step.candidate);
            a += step.reference;
            b += step.candidate;
            last = step.place;
        }
        let noise = std::f64::consts::FRAC_2_PI.sqrt() * (1.0 / n + 1.0 / m).sqrt() * brownian;
        let standard_error = (of_a.variance() / n + of_b.variance() / m).sqrt();
        let reach = normal::upper_quantile(0.5 * alpha.get()) * standard_error;
        let interval = (distance > 3.0 * noise && standard_error > 0.0)
            .then(|| Interval::new((distance - reach).max(0.0), distance + reach, alpha, Coverage::Fixed));
        Self { distance, mean_shift: shift, noise, standard_error, interval }
    }
}

/// A weighted mean and variance.
#[derive(Default)]
struct Weighted {
    weight: f64,
    mean: f64,
    second: f64,
}

impl Weighted {
    fn add(&mut self, value: f64, weight: f64) {
        if weight > 0.0 {
            self.weight += weight;
            let delta = value - self.mean;
            self.mean += delta * (weight / self.weight);
            self.second += weight * delta * (value - self.mean);
        }
    }

    fn variance(&self) -> f64 {
        if self.weight > 1.0 { self.second / (self.weight - 1.0) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};
    use rand_distr::StandardNormal;

    use super::*;
    use crate::agreement::{BinnedComparison, Edges, Histogram};
    use crate::testing::close;

    /// Source: scipy 1.17.1 `wasserstein_distance`.
    #[test]
    fn agrees_with_scipy() {
        let (a, b) = ([0.1, 2.3, 1.1, 0.5, 3.3, 0.2, 1.9], [1.0, 0.4, 2.8, 4.1, 0.3]);
        let got = wasserstein(&a, &b, Alpha::FIVE_PERCENT).unwrap();
        close(got.distance, 0.4799999999999998, 1e-13);
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        close(got.mean_shift, mean(&b) - mean(&a), 1e-12);
        let back = wasserstein(&b, &a, Alpha::FIVE_PERCENT).unwrap();
        close(back.distance, got.distance, 1e-13);
        close(back.standard_error, got.standard_error, 1e-12);
        let scaled = |x: &[f64]| x.iter().map(|v| 10.0 * v + 1e6).collect::<Vec<_>>();
        let far = wasserstein(&scaled(&a), &scaled(&b), Alpha::FIVE_PERCENT).unwrap();
        close(far.distance, 10.0 * got.distance, 1e-9);
    }

    /// Normal samples a distance of 0.8 apart. At N = 600 a coverage of .95 is off by at most .028 (3.09 standard errors).
    #[test]
    fn the_interval_covers_and_the_noise_is_right() {
        let mut rng = StdRng::seed_from_u64(3);
        let runs = 600;
        let (mut hits, mut noise, mut null) = (0, 0.0, 0.0);
        let truth = 0.8;
        for _ in 0..runs {
            let mut draw = |n: u32, mean: f64, sd: f64| -> Vec<f64> {
                (0..n).map(|_| mean + sd * rng.sample::<f64, _>(StandardNormal)).collect()
            };
            let (a, same, other) = (draw(300, 0.0, 1.0), draw(400, 0.0, 1.0), draw(400, 0.8, 1.0));
            let got = wasserstein(&a, &other, Alpha::FIVE_PERCENT).unwrap();
            hits += u32::from(got.interval.is_some_and(|interval| interval.contains(truth)));
            let nothing = wasserstein(&a, &same, Alpha::FIVE_PERCENT).unwrap();
            noise += nothing.noise / f64::from(runs);
            null += nothing.distance / f64::from(runs);
        }
        let coverage = f64::from(hits) / f64::from(runs);
        assert!((coverage - 0.95).abs() < 3.09 * (0.0475 / f64::from(runs)).sqrt(), "{coverage}");
        close(noise, null, 0.05);
    }

    #[test]
    fn binned_is_near_raw() {
        let a: Vec<f64> = (0..500).map(|i| f64::from(i * 7919 % 1000) / 1000.0).collect();
        let b: Vec<f64> = a.iter().map(|x| x * x).collect();
        let edges = Edges::uniform(0.0, 1.0, 100).unwrap();
        let fill = |values: &[f64]| {
            let mut histogram = Histogram::new(edges.clone());
            values.iter().for_each(|x| histogram.add(*x).unwrap());
            histogram
        };
        let (x, y) = (fill(&a), fill(&b));
        let binned = BinnedComparison::new(&x, &y).unwrap().wasserstein(Alpha::FIVE_PERCENT);
        let raw = wasserstein(&a, &b, Alpha::FIVE_PERCENT).unwrap();
        assert!((binned.distance - raw.distance).abs() < 0.005, "{binned:?} {raw:?}");
        close(binned.standard_error, raw.standard_error, 0.02);
    }

    #[test]
    fn extremes() {
        for values in [&[0.0][..], &[-0.0, 5e-324], &[1e150, -1e150]] {
            let got = wasserstein(values, &[1.0], Alpha::FIVE_PERCENT).unwrap();
            assert!(got.distance.is_finite() && got.standard_error.is_finite() && got.noise.is_finite());
        }
        close(wasserstein(&[2.0, 2.0], &[2.0], Alpha::FIVE_PERCENT).unwrap().distance, 0.0, 0.0);
        assert!(wasserstein(&[], &[1.0], Alpha::FIVE_PERCENT).is_err());
        assert!(wasserstein(&[f64::NAN], &[1.0], Alpha::FIVE_PERCENT).is_err());
        assert!(wasserstein(&[f64::MAX], &[f64::MIN], Alpha::FIVE_PERCENT).is_err());
    }
}
