//! The gamma function and the gamma distribution.

use super::super::target::{Tail, Target};
use super::super::{beta, gamma};
use super::ordered;
use super::shape as checked_shape;
use crate::error::{StatsError, positive};

/// Returns ln Γ(x); relative error below 1e-14, also next to the zeros at 1 and 2.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless `x > 0`; [`StatsError::Overflow`] above about 2.5e305.
pub fn ln_gamma(x: f64) -> Result<f64, StatsError> {
    let value = gamma::ln_gamma(positive("x", x)?);
    if value.is_finite() { Ok(value) } else { Err(StatsError::Overflow { what: "ln gamma" }) }
}

/// Returns ln B(a, b) = ln Γ(a) + ln Γ(b) - ln Γ(a + b), without the cancellation for large parameters.
///
/// # Errors
/// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `a` and `b` are positive and finite.
pub fn ln_beta(a: f64, b: f64) -> Result<f64, StatsError> {
    Ok(beta::ln_beta(positive("a", a)?, positive("b", b)?).clamp(f64::MIN, f64::MAX))
}

/// Returns P(X <= x) for the gamma distribution.
///
/// With scale 1 it is the regularised incomplete gamma function `P(shape, x)`.
///
/// # Errors
/// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] if `x` is not a number or `shape` or `scale` is not
/// positive and finite.
pub fn gamma_cdf(x: f64, shape: f64, scale: f64) -> Result<f64, StatsError> {
    let (x, shape) = reduced(x, shape, scale)?;
    Ok(gamma::split(shape, x).lower())
}

/// Returns P(X > x) for the gamma distribution.
///
/// With scale 1 it is the regularised incomplete gamma function `Q(shape, x)`.
///
/// # Errors
/// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] if `x` is not a number or `shape` or `scale` is not
/// positive and finite.
pub fn gamma_sf(x: f64, shape: f64, scale: f64) -> Result<f64, StatsError> {
    let (x, shape) = reduced(x, shape, scale)?;
    Ok(gamma::split(shape, x).upper())
}

/// Returns ln P(X <= x), at least `f64::MIN`, for the gamma distribution.
///
/// # Errors
/// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] if `x` is not a number or `shape` or `scale` is not
/// positive and finite.
pub fn gamma_ln_cdf(x: f64, shape: f64, scale: f64) -> Result<f64, StatsError> {
    let (x, shape) = reduced(x, shape, scale)?;
    Ok(gamma::split(shape, x).ln_lower())
}

/// Returns ln P(X > x), at least `f64::MIN`, for the gamma distribution.
///
/// # Errors
/// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] if `x` is not a number or `shape` or `scale` is not
/// positive and finite.
pub fn gamma_ln_sf(x: f64, shape: f64, scale: f64) -> Result<f64, StatsError> {
    let (x, shape) = reduced(x, shape, scale)?;
    Ok(gamma::split(shape, x).ln_upper())
}

/// Returns the x with P(X <= x) = p, for the gamma distribution.
///
/// # Errors
/// As [`gamma_cdf`], and unless `0 < p < 1`.
pub fn gamma_quantile(p: f64, shape: f64, scale: f64) -> Result<f64, StatsError> {
    gamma_quantile_at(Tail::Lower(p), shape, scale)
}

/// Returns the x with P(X > x) = q, for the gamma distribution.
///
/// # Errors
/// As [`gamma_quantile`].
pub fn gamma_upper_quantile(q: f64, shape: f64, scale: f64) -> Result<f64, StatsError> {
    gamma_quantile_at(Tail::Upper(q), shape, scale)
}

/// Returns the quantile of the gamma distribution at this tail probability.
///
/// # Errors
/// As [`gamma_quantile`].
pub fn gamma_quantile_at(tail: Tail, shape: f64, scale: f64) -> Result<f64, StatsError> {
    let (shape, scale) = (checked_shape("shape", shape)?, positive("scale", scale)?);
    Ok((scale * gamma::gamma_quantile(shape, Target::new(tail)?)).min(f64::MAX))
}

fn reduced(x: f64, shape: f64, scale: f64) -> Result<(f64, f64), StatsError> {
    Ok((ordered("x", x)? / positive("scale", scale)?, checked_shape("shape", shape)?))
}
