//! Distances between two histograms.

use serde::{Deserialize, Serialize};

use super::histogram::Histogram;
use super::kolmogorov;
use super::transport::{Step, Wasserstein};
use crate::error::StatsError;
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, LnP};
use crate::special::{chi_square_ln_sf, chi_square_upper_quantile, normal};

/// Compares two histograms with the same edges.
#[derive(Clone, Debug)]
pub struct BinnedComparison<'a> {
    reference: &'a Histogram,
    candidate: &'a Histogram,
    n: f64,
    m: f64,
}

/// Says what to do where one histogram has an empty bin and the other has not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyBins {
    /// Add half a count to every bin of both; bins that are empty in both are left out before. Without such a bin
    /// nothing is added.
    #[default]
    AddHalf,
    /// Refuse: the index would be infinite.
    Refuse,
}

/// Holds a population stability index.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StabilityIndex {
    /// The index.
    pub value: f64,
    /// What it is on average without drift: `(bins - 1) (1/n + 1/m)`.
    pub expected_without_drift: f64,
    /// What it exceeds without drift with probability alpha.
    pub critical: f64,
    /// The p-value of "no drift".
    pub ln_p: LnP,
    /// The index minus its sampling noise: an estimate of the populations' index; may be negative.
    pub corrected: f64,
    /// The standard error of the corrected index.
    pub standard_error: f64,
    /// An interval for the populations' index, at one look.
    pub interval: Interval,
    /// How many bins were not empty in both.
    pub bins: u64,
    /// Whether half counts were added.
    pub smoothed: bool,
}

/// Holds a Jensen-Shannon divergence, in nats.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JensenShannon {
    /// The divergence of the observed shares, between 0 and ln 2.
    pub divergence: f64,
    /// Its square root, a metric (Endres and Schindelin 2003).
    pub distance: f64,
    /// The divergence minus its first-order bias; may be negative.
    pub corrected: f64,
    /// What the divergence is on average without a difference: `(bins - 1) (1/n + 1/m) / 8`.
    pub expected_without_difference: f64,
    /// The p-value of "no difference".
    pub ln_p: LnP,
    /// The standard error of the corrected divergence.
    pub standard_error: f64,
    /// An interval for the populations' divergence, at one look.
    pub interval: Interval,
}

/// Holds a Kolmogorov-Smirnov distance between binned samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BinnedKs {
    /// The greatest distance at an edge: at most that of the raw samples.
    pub distance: f64,
    /// The asymptotic p-value, conservative because of the binning.
    pub ln_p: LnP,
}

impl<'a> BinnedComparison<'a> {
    /// Pairs two histograms.
    ///
    /// # Errors
    /// [`StatsError::Refused`] if the edges differ, [`StatsError::TooFew`] if one is empty.
    pub fn new(reference: &'a Histogram, candidate: &'a Histogram) -> Result<Self, StatsError> {
        if reference.edges() != candidate.edges() {
            let why = "the histograms have different edges; fix the edges in the plan";
            return Err(StatsError::Refused { what: "the comparison", why });
        }
        let count = |what, histogram: &Histogram| match histogram.count() {
            0 => Err(StatsError::TooFew { what, have: 0, need: 1 }),
            count => Ok(count as f64),
        };
        let (n, m) = (count("the reference", reference)?, count("the candidate", candidate)?);
        Ok(Self { reference, candidate, n, m })
    }

    /// Computes the population stability index with its sampling noise.
    ///
    /// Estimand: `sum (q - p) ln(q/p)` over bins, the symmetrised Kullback-Leibler divergence (Jeffreys 1946). Assumes
    /// independent values and edges that were not made from either sample. Without drift, the index divided by
    /// `1/n + 1/m` is asymptotically chi-square with `bins - 1` degrees of freedom (Yurdakul and Naranjo 2020,
    /// "Statistical properties of the population stability index"): that gives mean, critical value and p-value. The
    /// interval is normal around the corrected index, with the delta method's multinomial variance plus the chi-square's
    /// `2 (bins - 1) (1/n + 1/m)^2`, cut at 0. Wants about five expected counts a bin.
    ///
    /// # Errors
    /// [`StatsError::Refused`] for an empty bin under [`EmptyBins::Refuse`].
    pub fn psi(&self, empty: EmptyBins, alpha: Alpha) -> Result<StabilityIndex, StatsError> {
        let pairs = self.pairs();
        let bins = pairs.len() as f64;
        let smoothed = pairs.iter().any(|(a, b)| *a <= 0.0 || *b <= 0.0);
        if smoothed && empty == EmptyBins::Refuse {
            let why = "the index is infinite where only one histogram is empty; use fewer bins or `EmptyBins::AddHalf`";
            return Err(StatsError::Refused { what: "an empty bin", why });
        }
        let add = if smoothed { 0.5 } else { 0.0 };
        let (n, m) = (self.n + add * bins, self.m + add * bins);
        let shares: Vec<(f64, f64)> = pairs.iter().map(|(a, b)| ((a + add) / n, (b + add) / m)).collect();
        let value: f64 = shares.iter().map(|(p, q)| (q - p) * (q / p).ln()).sum::<f64>().max(0.0);
        let slope_p = |(p, q): (f64, f64)| (p / q).ln() + 1.0 - q / p;
        let slope_q = |(p, q): (f64, f64)| (q / p).ln() + 1.0 - p / q;
        let variance = spread(&shares, |(p, _)| p, slope_p) / n + spread(&shares, |(_, q)| q, slope_q) / m;
        let unit = 1.0 / self.n + 1.0 / self.m;
        let df = bins - 1.0;
        let noise = df * unit;
        let corrected = value - noise;
        let standard_error = (variance + 2.0 * df * unit * unit).sqrt();
        let (ln_p, critical) = chi_square(value / unit, df, alpha)?;
        Ok(StabilityIndex {
            value,
            expected_without_drift: noise,
            critical: critical * unit,
            ln_p,
            corrected,
            standard_error,
            interval: around(corrected, standard_error, f64::INFINITY, alpha),
            bins: pairs.len() as u64,
            smoothed,
        })
    }

    /// Computes the Jensen-Shannon divergence (Lin 1991) with its bias and standard error.
    ///
    /// Estimand: `H((p + q)/2) - H(p)/2 - H(q)/2` with the entropy `H` in nats; empty bins are no problem. Assumptions as
    /// for [`BinnedComparison::psi`]. The plug-in estimate is too large by about
    /// `(B_p - 1)/(4n) + (B_q - 1)/(4m) - sum (p(1-p)/n + q(1-q)/m) / (4 (p + q))`, the bias of Miller (1955) for each
    /// entropy, with `B` the occupied bins. Without a difference, `8 / (1/n + 1/m)` times the divergence is asymptotically
    /// chi-square with `bins - 1` degrees of freedom. Standard error by the delta method.
    ///
    /// # Errors
    /// None for valid histograms; the type allows for overflow.
    pub fn jensen_shannon(&self, alpha: Alpha) -> Result<JensenShannon, StatsError> {
        let pairs = self.pairs();
        let shares: Vec<(f64, f64)> = pairs.iter().map(|(a, b)| (a / self.n, b / self.m)).collect();
        let log = |x: f64, p: f64, q: f64| if x > 0.0 { (2.0 * x / (p + q)).ln() } else { 0.0 };
        let sum: f64 = shares.iter().map(|&(p, q)| 0.5 * (p * log(p, p, q) + q * log(q, p, q))).sum();
        let divergence = sum.clamp(0.0, std::f64::consts::LN_2);
        let occupied =
            |side: fn(&(f64, f64)) -> f64| shares.iter().filter(|pair| side(pair) > 0.0).count() as f64;
        let mixed: f64 = shares
            .iter()
            .map(|(p, q)| (p * (1.0 - p) / self.n + q * (1.0 - q) / self.m) / (4.0 * (p + q)))
            .sum();
        let bias = (occupied(|pair| pair.0) - 1.0) / (4.0 * self.n)
            + (occupied(|pair| pair.1) - 1.0) / (4.0 * self.m);
        let corrected = divergence - (bias - mixed);
        let slope_p = |(p, q): (f64, f64)| 0.5 * log(p, p, q);
        let slope_q = |(p, q): (f64, f64)| 0.5 * log(q, p, q);
        let variance =
            spread(&shares, |(p, _)| p, slope_p) / self.n + spread(&shares, |(_, q)| q, slope_q) / self.m;
        let unit = (1.0 / self.n + 1.0 / self.m) / 8.0;
        let df = pairs.len() as f64 - 1.0;
        let standard_error = (variance + 2.0 * df * unit * unit).sqrt();
        let (ln_p, _) = chi_square(divergence / unit, df, alpha)?;
        Ok(JensenShannon {
            divergence,
            distance: divergence.sqrt(),
            corrected,
            expected_without_difference: df * unit,
            ln_p,
            standard_error,
            interval: around(corrected, standard_error, std::f64::consts::LN_2, alpha),
        })
    }

    /// Computes the Kolmogorov-Smirnov distance at the edges, with the limiting two-sided p-value (Kolmogorov 1933; Smirnov
    /// 1939). Raw samples are tested by [`Smirnov`](crate::rank::Smirnov).
    #[must_use]
    pub fn kolmogorov_smirnov(&self) -> BinnedKs {
        let distance = self.steps().fold(0.0, |most: f64, (f, g)| most.max((f - g).abs()));
        let z = (self.n / (self.n + self.m) * self.m).sqrt() * distance;
        BinnedKs { distance, ln_p: LnP::saturating(kolmogorov::ln_sf(z)) }
    }

    /// Computes the 1-Wasserstein distance as if each bin's values lay in its middle, those of an open bin at its edge.
    ///
    /// It is within the mean of the closed bins' half widths, over both samples, of the raw distance; what lies beyond the
    /// outer edges is underestimated without limit, so choose them wide. See [`wasserstein`](super::wasserstein) for the
    /// standard error and the noise.
    #[must_use]
    pub fn wasserstein(&self, alpha: Alpha) -> Wasserstein {
        let cuts = self.reference.edges().cuts();
        let middles = cuts.windows(2).map(|pair| pair.iter().map(|cut| 0.5 * cut).sum::<f64>());
        let ends = (cuts.first().copied().unwrap_or(0.0), cuts.last().copied().unwrap_or(0.0));
        let places = std::iter::once(ends.0).chain(middles).chain(std::iter::once(ends.1));
        let counts = self.reference.counts().iter().zip(self.candidate.counts());
        let steps: Vec<Step> = places
            .zip(counts)
            .map(|(place, (a, b))| Step { place, reference: *a as f64, candidate: *b as f64 })
            .collect();
        Wasserstein::new(&steps, self.n, self.m, alpha)
    }

    /// Returns the counts of the bins that are not empty in both.
    fn pairs(&self) -> Vec<(f64, f64)> {
        let counts = self.reference.counts().iter().zip(self.candidate.counts());
        counts.filter(|(a, b)| **a > 0 || **b > 0).map(|(a, b)| (*a as f64, *b as f64)).collect()
    }

    /// Returns both distribution functions at the edges.
    fn steps(&self) -> impl Iterator<Item = (f64, f64)> {
        let counts = self.reference.counts().iter().zip(self.candidate.counts());
        let (n, m) = (self.n, self.m);
        counts.scan((0.0, 0.0), move |(f, g), (a, b)| {
            *f += *a as f64;
            *g += *b as f64;
            Some((*f / n, *g / m))
        })
    }
}

/// Returns the variance of `slope` under the probabilities `share`.
fn spread(shares: &[(f64, f64)], share: fn((f64, f64)) -> f64, slope: impl Fn((f64, f64)) -> f64) -> f64 {
    let mean: f64 = shares.iter().map(|&pair| share(pair) * slope(pair)).sum();
    shares.iter().map(|&pair| share(pair) * (slope(pair) - mean).powi(2)).sum()
}

/// Returns ln P(chi-square > x) and the critical value; one bin leaves nothing to test.
fn chi_square(x: f64, df: f64, alpha: Alpha) -> Result<(LnP, f64), StatsError> {
    if df < 1.0 {
        return Ok((LnP::ONE, 0.0));
    }
    Ok((LnP::saturating(chi_square_ln_sf(x, df)?), chi_square_upper_quantile(alpha.get(), df)?))
}

/// Returns the normal interval, cut to `[0, top]`.
fn around(estimate: f64, error: f64, top: f64, alpha: Alpha) -> Interval {
    let reach = normal::upper_quantile(0.5 * alpha.get()) * error;
    let (lower, upper) = ((estimate - reach).clamp(0.0, top), (estimate + reach).clamp(0.0, top));
    Interval::new(lower, upper, alpha, Coverage::Fixed)
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::agreement::Edges;
    use crate::testing::close;

    fn histogram(counts: &[u64]) -> Histogram {
        let cuts = (1..counts.len()).map(|i| i as f64).collect();
        Histogram::from_counts(Edges::new(cuts).unwrap(), counts.to_vec()).unwrap()
    }

    /// Source: numpy and scipy 1.17.1 (`chi2.logsf`, `chi2.isf`, `jensenshannon` squared).
    #[test]
    fn agrees_with_scipy() {
        let (a, b) = (histogram(&[10, 20, 30, 40]), histogram(&[15, 25, 20, 50]));
        let both = BinnedComparison::new(&a, &b).unwrap();
        let psi = both.psi(EmptyBins::Refuse, Alpha::FIVE_PERCENT).unwrap();
        close(psi.value, 0.0809199890878789, 1e-13);
        close(psi.ln_p.get(), -1.4404588258492106, 1e-12);
        close(psi.critical, 0.14919025997115884, 1e-12);
        close(psi.expected_without_drift, 3.0 * (0.01 + 1.0 / 110.0), 1e-14);
        let js = both.jensen_shannon(Alpha::FIVE_PERCENT).unwrap();
        close(js.divergence, 0.010032142176370554, 1e-13);
        close(js.divergence / std::f64::consts::LN_2, 0.014473321767342813, 1e-13);
        close(both.kolmogorov_smirnov().distance, 40.0 / 110.0 - 0.3, 1e-13);
        let back = BinnedComparison::new(&b, &a).unwrap();
        close(back.psi(EmptyBins::Refuse, Alpha::FIVE_PERCENT).unwrap().value, psi.value, 1e-14);
        close(back.jensen_shannon(Alpha::FIVE_PERCENT).unwrap().corrected, js.corrected, 1e-12);
    }

    /// Draws two histograms; with N runs a rate p is off by at most 3.09 sqrt(p (1 - p) / N), .015 here.
    #[test]
    fn noise_levels_and_intervals_hold_under_simulation() {
        let mut rng = StdRng::seed_from_u64(11);
        let p = [0.05, 0.1, 0.2, 0.3, 0.2, 0.1, 0.05];
        let q = [0.1, 0.15, 0.2, 0.25, 0.15, 0.1, 0.05];
        let mut draw = |shares: &[f64; 7], n: u32| {
            let mut counts = [0; 7];
            for _ in 0..n {
                let u: f64 = rng.random();
                let mut sum = 0.0;
                let bin = shares.iter().position(|share| {
                    sum += share;
                    u < sum
                });
                counts[bin.unwrap_or(6)] += 1;
            }
            histogram(&counts)
        };
        let truth = |f: fn(f64, f64) -> f64| p.iter().zip(q).map(|(p, q)| f(*p, q)).sum::<f64>();
        let psi_truth = truth(|p, q| (q - p) * (q / p).ln());
        let js_truth = truth(|p, q| {
            let m = 0.5 * (p + q);
            0.5 * (p * (p / m).ln() + q * (q / m).ln())
        });
        let runs = 2000;
        let (mut psi, mut js, mut mean_psi, mut mean_js) = ([0, 0, 0], [0, 0, 0], [0.0; 2], [0.0; 2]);
        for _ in 0..runs {
            let (a, same, other) = (draw(&p, 400), draw(&p, 600), draw(&q, 600));
            for (i, (candidate, psi_true, js_true)) in
                [(&same, 0.0, 0.0), (&other, psi_truth, js_truth)].into_iter().enumerate()
            {
                let both = BinnedComparison::new(&a, candidate).unwrap();
                let got = both.psi(EmptyBins::AddHalf, Alpha::FIVE_PERCENT).unwrap();
                psi[i] += u32::from(got.interval.contains(psi_true));
                mean_psi[i] += got.corrected / f64::from(runs);
                let distance = both.jensen_shannon(Alpha::FIVE_PERCENT).unwrap();
                js[i] += u32::from(distance.interval.contains(js_true));
                mean_js[i] += distance.corrected / f64::from(runs);
                if i == 0 {
                    psi[2] += u32::from(got.ln_p.is_at_most(Alpha::FIVE_PERCENT));
                    js[2] += u32::from(distance.ln_p.is_at_most(Alpha::FIVE_PERCENT));
                }
            }
        }
        let rate = |count: u32| f64::from(count) / f64::from(runs);
        for counts in [psi, js] {
            assert!(rate(counts[0]) > 0.935, "no drift {}", rate(counts[0]));
            assert!((rate(counts[1]) - 0.95).abs() < 0.02, "drift {}", rate(counts[1]));
            assert!((rate(counts[2]) - 0.05).abs() < 0.015, "level {}", rate(counts[2]));
        }
        assert!(
            mean_psi[0].abs() < 0.002 && (mean_psi[1] - psi_truth).abs() < 0.01,
            "{mean_psi:?} {psi_truth}"
        );
        assert!(mean_js[0].abs() < 0.0003 && (mean_js[1] - js_truth).abs() < 0.001, "{mean_js:?} {js_truth}");
    }

    #[test]
    fn empty_bins_and_edges() {
        let (a, b) = (histogram(&[10, 0, 5, 0]), histogram(&[10, 5, 0, 0]));
        let both = BinnedComparison::new(&a, &b).unwrap();
        assert!(both.psi(EmptyBins::Refuse, Alpha::FIVE_PERCENT).is_err());
        let psi = both.psi(EmptyBins::AddHalf, Alpha::FIVE_PERCENT).unwrap();
        assert!(psi.smoothed && psi.bins == 3 && psi.value.is_finite());
        let (one, two) = (histogram(&[7, 0]), histogram(&[0, 1 << 60]));
        let same = BinnedComparison::new(&one, &one).unwrap();
        assert_eq!(same.psi(EmptyBins::Refuse, Alpha::FIVE_PERCENT).unwrap().ln_p, LnP::ONE);
        assert_eq!(same.kolmogorov_smirnov().ln_p, LnP::ONE);
        let apart = BinnedComparison::new(&one, &two).unwrap();
        close(apart.jensen_shannon(Alpha::FIVE_PERCENT).unwrap().divergence, std::f64::consts::LN_2, 1e-14);
        close(apart.kolmogorov_smirnov().distance, 1.0, 0.0);
        assert!(BinnedComparison::new(&histogram(&[0, 0]), &one).is_err());
        assert!(BinnedComparison::new(&a, &one).is_err());
    }
}
