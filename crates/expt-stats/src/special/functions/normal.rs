//! The standard normal distribution, and the error function.

use super::super::normal;
use super::super::target::{Tail, Target};
use super::{inside_unit, ordered};
use crate::error::StatsError;
use std::f64::consts::SQRT_2;

/// Returns P(Z <= x) for a standard normal Z.
///
/// # Errors
/// [`StatsError::OutOfRange`] if `x` is not a number.
pub fn normal_cdf(x: f64) -> Result<f64, StatsError> {
    let x = ordered("x", x)?;
    Ok(normal::sf(-x))
}

/// Returns P(Z > x) for a standard normal Z.
///
/// Own rational functions (see `special/tables.rs`); relative error below 1e-15 down to the smallest normal number.
///
/// # Errors
/// [`StatsError::OutOfRange`] if `x` is not a number.
pub fn normal_sf(x: f64) -> Result<f64, StatsError> {
    let x = ordered("x", x)?;
    Ok(normal::sf(x))
}

/// Returns ln P(Z <= x), at least `f64::MIN`, for a standard normal Z.
///
/// # Errors
/// [`StatsError::OutOfRange`] if `x` is not a number.
pub fn normal_ln_cdf(x: f64) -> Result<f64, StatsError> {
    let x = ordered("x", x)?;
    Ok(normal::ln_sf(-x))
}

/// Returns ln P(Z > x), at least `f64::MIN`, for a standard normal Z.
///
/// # Errors
/// [`StatsError::OutOfRange`] if `x` is not a number.
pub fn normal_ln_sf(x: f64) -> Result<f64, StatsError> {
    let x = ordered("x", x)?;
    Ok(normal::ln_sf(x))
}

/// Returns the x with P(Z <= x) = p, for a standard normal Z.
///
/// Own rational functions; relative error below 1e-15.
///
/// # Errors
/// As [`normal_cdf`], and unless `0 < p < 1`.
pub fn normal_quantile(p: f64) -> Result<f64, StatsError> {
    Ok(-normal::upper_quantile(inside_unit(p)?))
}

/// Returns the x with P(Z > x) = q, for a standard normal Z.
///
/// # Errors
/// As [`normal_quantile`].
pub fn normal_upper_quantile(q: f64) -> Result<f64, StatsError> {
    Ok(normal::upper_quantile(inside_unit(q)?))
}

/// Returns the quantile of a standard normal Z at this tail probability.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless the probability is strictly between 0 and 1.
pub fn normal_quantile_at(tail: Tail) -> Result<f64, StatsError> {
    Ok(Target::new(tail)?.normal())
}

/// Returns the error function, `2 / sqrt(π)` times the integral of `exp(-t^2)` from 0 to x.
///
/// # Errors
/// [`StatsError::OutOfRange`] if `x` is not a number.
pub fn erf(x: f64) -> Result<f64, StatsError> {
    let x = ordered("x", x)?;
    Ok((2.0 * normal::centre(x.abs() * SQRT_2)).copysign(x))
}

/// Returns the complementary error function, `1 - erf(x)`, without cancellation.
///
/// # Errors
/// [`StatsError::OutOfRange`] if `x` is not a number.
pub fn erfc(x: f64) -> Result<f64, StatsError> {
    let x = ordered("x", x)?;
    let z = x * SQRT_2;
    if z.abs() > 100.0 {
        return Ok(if z > 0.0 { 0.0 } else { 2.0 });
    }
    // The rounding of `sqrt(2) x` is put back: the density falls by `z` times it.
    let lost = x.mul_add(SQRT_2, -z) + x * SQRT_2_LOW;
    Ok(2.0 * normal::sf(z) * (1.0 - z.max(0.0) * lost))
}

/// What `f64` leaves of `sqrt(2)`.
const SQRT_2_LOW: f64 = -9.667_293_313_452_913e-17;
