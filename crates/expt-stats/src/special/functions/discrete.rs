//! Binomial, Poisson and hypergeometric probabilities, for exact tests.

use super::super::discrete::{self, Urn};
use super::super::numeric::Split;
use crate::error::{StatsError, positive};
use crate::level::Probability;

/// Returns ln P(X = k) for X ~ Binomial(n, p), `f64::MIN` where it cannot happen.
///
/// The saddle-point form of Loader (2000); the error of the logarithm is a few 1e-16 of the larger of one and
/// itself, for counts up to 2^53.
///
/// ```
/// use expt_stats::{Probability, special::binomial_ln_pmf};
///
/// let half = Probability::new(0.5)?;
/// assert!((binomial_ln_pmf(2, 4, half).exp() - 6.0 / 16.0).abs() < 1e-15);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[must_use]
pub fn binomial_ln_pmf(k: u64, n: u64, p: Probability) -> f64 {
    let (p, certain) = (p.get(), if p.get() <= 0.0 { 0 } else { n });
    if k > n {
        return f64::MIN;
    }
    if n == 0 || p <= 0.0 || p >= 1.0 {
        return if k == certain { 0.0 } else { f64::MIN };
    }
    discrete::binomial_ln_pmf(k as f64, n as f64, p, 1.0 - p).clamp(f64::MIN, 0.0)
}

/// Returns P(X <= k) for X ~ Binomial(n, p).
#[must_use]
pub fn binomial_cdf(k: u64, n: u64, p: Probability) -> f64 {
    binomial(k, n, p).lower()
}

/// Returns P(X > k) for X ~ Binomial(n, p).
#[must_use]
pub fn binomial_sf(k: u64, n: u64, p: Probability) -> f64 {
    binomial(k, n, p).upper()
}

/// Returns ln P(X <= k), at least `f64::MIN`, for X ~ Binomial(n, p).
#[must_use]
pub fn binomial_ln_cdf(k: u64, n: u64, p: Probability) -> f64 {
    binomial(k, n, p).ln_lower()
}

/// Returns ln P(X > k), at least `f64::MIN`, for X ~ Binomial(n, p).
#[must_use]
pub fn binomial_ln_sf(k: u64, n: u64, p: Probability) -> f64 {
    binomial(k, n, p).ln_upper()
}

/// Returns ln P(X = k) for X ~ Poisson(rate), `f64::MIN` where it cannot happen.
///
/// # Errors
/// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless the rate is positive and finite.
pub fn poisson_ln_pmf(k: u64, rate: f64) -> Result<f64, StatsError> {
    Ok(discrete::poisson_ln_pmf(k as f64, positive("rate", rate)?).clamp(f64::MIN, 0.0))
}

/// Returns P(X <= k) for X ~ Poisson(rate).
///
/// # Errors
/// As [`poisson_ln_pmf`].
pub fn poisson_cdf(k: u64, rate: f64) -> Result<f64, StatsError> {
    Ok(poisson(k, rate)?.lower())
}

/// Returns P(X > k) for X ~ Poisson(rate).
///
/// # Errors
/// As [`poisson_ln_pmf`].
pub fn poisson_sf(k: u64, rate: f64) -> Result<f64, StatsError> {
    Ok(poisson(k, rate)?.upper())
}

/// Returns ln P(X <= k), at least `f64::MIN`, for X ~ Poisson(rate).
///
/// # Errors
/// As [`poisson_ln_pmf`].
pub fn poisson_ln_cdf(k: u64, rate: f64) -> Result<f64, StatsError> {
    Ok(poisson(k, rate)?.ln_lower())
}

/// Returns ln P(X > k), at least `f64::MIN`, for X ~ Poisson(rate).
///
/// # Errors
/// As [`poisson_ln_pmf`].
pub fn poisson_ln_sf(k: u64, rate: f64) -> Result<f64, StatsError> {
    Ok(poisson(k, rate)?.ln_upper())
}

/// Returns ln P(X = k), where X of `draws` without replacement are among the `successes` of a `population`;
/// `f64::MIN` where it cannot happen.
///
/// ```
/// use expt_stats::special::hypergeometric_ln_pmf;
///
/// // Two aces in a hand of five.
/// assert!((hypergeometric_ln_pmf(2, 52, 4, 5)?.exp() - 103_776.0 / 2_598_960.0).abs() < 1e-15);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
///
/// # Errors
/// [`StatsError::OutOfRange`] if `successes` or `draws` exceed the population.
pub fn hypergeometric_ln_pmf(k: u64, population: u64, successes: u64, draws: u64) -> Result<f64, StatsError> {
    let urn = urn(population, successes, draws)?;
    let k = k as f64;
    if k < urn.least() || k > urn.most() {
        return Ok(f64::MIN);
    }
    Ok(urn.ln_pmf(k).clamp(f64::MIN, 0.0))
}

/// Returns P(X <= k) for X as in [`hypergeometric_ln_pmf`].
///
/// # Errors
/// As [`hypergeometric_ln_pmf`].
pub fn hypergeometric_cdf(k: u64, population: u64, successes: u64, draws: u64) -> Result<f64, StatsError> {
    Ok(hypergeometric(k, population, successes, draws)?.lower())
}

/// Returns P(X > k) for X as in [`hypergeometric_ln_pmf`].
///
/// # Errors
/// As [`hypergeometric_ln_pmf`].
pub fn hypergeometric_sf(k: u64, population: u64, successes: u64, draws: u64) -> Result<f64, StatsError> {
    Ok(hypergeometric(k, population, successes, draws)?.upper())
}

/// Returns ln P(X <= k), at least `f64::MIN`, for X as in [`hypergeometric_ln_pmf`].
///
/// # Errors
/// As [`hypergeometric_ln_pmf`].
pub fn hypergeometric_ln_cdf(k: u64, population: u64, successes: u64, draws: u64) -> Result<f64, StatsError> {
    Ok(hypergeometric(k, population, successes, draws)?.ln_lower())
}

/// Returns ln P(X > k), at least `f64::MIN`, for X as in [`hypergeometric_ln_pmf`].
///
/// # Errors
/// As [`hypergeometric_ln_pmf`].
pub fn hypergeometric_ln_sf(k: u64, population: u64, successes: u64, draws: u64) -> Result<f64, StatsError> {
    Ok(hypergeometric(k, population, successes, draws)?.ln_upper())
}

fn binomial(k: u64, n: u64, p: Probability) -> Split {
    let p = p.get();
    if k >= n || p <= 0.0 || p >= 1.0 {
        return Split::end(k >= n || p <= 0.0);
    }
    discrete::binomial(k as f64, n as f64, p)
}

fn poisson(k: u64, rate: f64) -> Result<Split, StatsError> {
    Ok(discrete::poisson(k as f64, positive("rate", rate)?))
}

fn urn(population: u64, successes: u64, draws: u64) -> Result<Urn, StatsError> {
    for (what, value) in [("successes", successes), ("draws", draws)] {
        if value > population {
            return Err(StatsError::OutOfRange {
                what,
                value: value as f64,
                allowed: "at most the population",
            });
        }
    }
    Ok(Urn { population: population as f64, successes: successes as f64, draws: draws as f64 })
}

fn hypergeometric(k: u64, population: u64, successes: u64, draws: u64) -> Result<Split, StatsError> {
    let urn = urn(population, successes, draws)?;
    let k = k as f64;
    if k < urn.least() || k >= urn.most() {
        return Ok(Split::end(k >= urn.most()));
    }
    Ok(urn.split(k))
}
