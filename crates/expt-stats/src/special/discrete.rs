//! Binomial, Poisson and hypergeometric probabilities.

use super::beta::{self, Point};
use super::gamma::{self, deviance, stirling_error};
use super::numeric::{HALF_LN_TAU, Split};
use super::quadrature;

/// Returns ln of the binomial probability of `k` of `n`, for real `0 <= k <= n` and `0 < p < 1` with `q = 1 - p`.
///
/// The saddle-point form of Loader (2000): all large terms cancel before they are computed.
pub(super) fn binomial_ln_pmf(k: f64, n: f64, p: f64, q: f64) -> f64 {
    let rest = n - k;
    if k <= 0.0 {
        return n * if p < 0.5 { (-p).ln_1p() } else { q.ln() };
    }
    if rest <= 0.0 {
        return n * if q < 0.5 { (-q).ln_1p() } else { p.ln() };
    }
    front(k, rest) - beta::kernel_exponent(k, rest, Point::new(k, rest, p))
}

/// Returns what a binomial ln probability is at its mode's p: the part without p.
fn front(k: f64, rest: f64) -> f64 {
    let n = k + rest;
    stirling_error(n) - stirling_error(k) - stirling_error(rest) - HALF_LN_TAU - 0.5 * (k * (rest / n)).ln()
}

/// Returns ln of the Poisson probability of `k` events at rate `rate > 0` (Loader 2000).
pub(super) fn poisson_ln_pmf(k: f64, rate: f64) -> f64 {
    if k <= 0.0 {
        return -rate;
    }
    -deviance(k, rate) - stirling_error(k) - HALF_LN_TAU - 0.5 * k.ln()
}

/// Splits at `k < n`: lower is P(X <= k).
pub(super) fn binomial(k: f64, n: f64, p: f64) -> Split {
    beta::split(k + 1.0, n - k, Point::new(k + 1.0, n - k, p)).mirrored()
}

/// Splits at `k`: lower is P(X <= k).
pub(super) fn poisson(k: f64, rate: f64) -> Split {
    gamma::split(k + 1.0, rate).mirrored()
}

/// An urn of which some are drawn without replacement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Urn {
    pub(super) population: f64,
    pub(super) successes: f64,
    pub(super) draws: f64,
}

impl Urn {
    /// The fewest successes that can be drawn.
    pub(super) fn least(self) -> f64 {
        (self.draws - (self.population - self.successes)).max(0.0)
    }

    /// The most successes that can be drawn.
    pub(super) fn most(self) -> f64 {
        self.draws.min(self.successes)
    }

    /// Returns ln P(X = k) for `least <= k <= most`, as a quotient of binomial probabilities with the same p (Loader
    /// 2000).
    pub(super) fn ln_pmf(self, k: f64) -> f64 {
        let Self { population, successes, draws } = self;
        if draws <= 0.0 || draws >= population || successes <= 0.0 || successes >= population {
            return 0.0;
        }
        let (p, q) = (draws / population, (population - draws) / population);
        // `successes p - k`, from twofold products so that large counts keep their small difference.
        let (first, second) = (successes * draws, k * population);
        let low = successes.mul_add(draws, -first) - k.mul_add(population, -second);
        let surplus = ((first - second) + low) / population;
        let part = |hits: f64, misses: f64, surplus: f64| {
            if hits <= 0.0 {
                misses * if p < 0.5 { (-p).ln_1p() } else { q.ln() }
            } else if misses <= 0.0 {
                hits * if q < 0.5 { (-q).ln_1p() } else { p.ln() }
            } else {
                front(hits, misses) - beta::kernel_exponent(hits, misses, Point::with_balance(p, q, surplus))
            }
        };
        let failures = population - successes;
        part(k, successes - k, surplus) + part(draws - k, failures - (draws - k), -surplus)
            - front(draws, population - draws)
    }

    /// Splits at `least <= k < most`: lower is P(X <= k).
    pub(super) fn split(self, k: f64) -> Split {
        let mean = self.draws * (self.successes / self.population);
        if k + 0.5 <= mean {
            return self.lower(k);
        }
        // The failures drawn are draws - X: P(X > k) = P(failures <= draws - k - 1).
        let failures = Self { successes: self.population - self.successes, ..self };
        failures.lower(self.draws - k - 1.0).mirrored()
    }

    /// P(X <= k) for a k below the mean, from its largest term downwards.
    fn lower(self, k: f64) -> Split {
        let Self { population, successes, draws } = self;
        let others = population - successes - draws;
        let ratio = |j: f64| j / (successes - j + 1.0) * ((others + j) / (draws - j + 1.0));
        let ln_scale = self.ln_pmf(k);
        let slope = -ratio(k).ln();
        let variance = (successes / population)
            * (draws / population)
            * (population - successes)
            * ((population - draws) / population);
        let factor = if slope > DIRECT_SLOPE || variance < DIRECT_VARIANCE {
            let (mut term, mut sum, mut j) = (1.0, 1.0, k);
            while term > 1e-17 * sum && j > 0.0 {
                term *= ratio(j).max(0.0);
                sum += term;
                j -= 1.0;
            }
            sum
        } else {
            // So flat that the sum is the integral up to k + 1/2 (Euler and Maclaurin, midpoint form).
            let edge = k + 0.5;
            let least = self.least();
            let f = |x: f64| if x > least { (self.ln_pmf(x) - ln_scale).exp() } else { 0.0 };
            let unit = (1.0 / slope.max(1e-300)).min(variance.sqrt());
            quadrature::outwards(&f, edge, -unit) - (f(k + 1.0) - f(k)) / 24.0
        };
        Split { holds_lower: true, ln_scale, factor, density: 0.0, other: None }
    }
}

/// A sum whose terms fall at least by this exponent each is taken term by term.
const DIRECT_SLOPE: f64 = 0.002;

/// As is a sum over a distribution this narrow; beyond it the midpoint form has lost less than 1e-14.
const DIRECT_VARIANCE: f64 = 1e6;
