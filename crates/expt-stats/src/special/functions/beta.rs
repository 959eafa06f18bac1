//! The beta distribution.

use super::super::beta::{self, Point};
use super::super::numeric::Split;
use super::super::target::{Tail, Target};
use super::shape;
use crate::error::StatsError;

/// Returns P(B <= x) for B ~ Beta(a, b).
///
/// It is the regularised incomplete beta function `I_x(a, b)`. Near `x = 1` a number has few digits left: give
/// `1 - x` to `beta_sf(1 - x, b, a)`.
///
/// ```
/// use expt_stats::special::beta_cdf;
///
/// // statrs 0.19.1 says 0.4912.
/// assert!((beta_cdf(0.5, 1e6, 1e6)? - 0.5).abs() < 1e-15);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
///
/// # Errors
/// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `0 <= x <= 1` and `a`, `b` are positive and
/// finite.
pub fn beta_cdf(x: f64, a: f64, b: f64) -> Result<f64, StatsError> {
    let split = split(x, a, b)?;
    Ok(split.lower())
}

/// Returns P(B > x) for B ~ Beta(a, b).
///
/// # Errors
/// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `0 <= x <= 1` and `a`, `b` are positive and
/// finite.
pub fn beta_sf(x: f64, a: f64, b: f64) -> Result<f64, StatsError> {
    let split = split(x, a, b)?;
    Ok(split.upper())
}

/// Returns ln P(B <= x), at least `f64::MIN`, for B ~ Beta(a, b).
///
/// # Errors
/// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `0 <= x <= 1` and `a`, `b` are positive and
/// finite.
pub fn beta_ln_cdf(x: f64, a: f64, b: f64) -> Result<f64, StatsError> {
    let split = split(x, a, b)?;
    Ok(split.ln_lower())
}

/// Returns ln P(B > x), at least `f64::MIN`, for B ~ Beta(a, b).
///
/// # Errors
/// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `0 <= x <= 1` and `a`, `b` are positive and
/// finite.
pub fn beta_ln_sf(x: f64, a: f64, b: f64) -> Result<f64, StatsError> {
    let split = split(x, a, b)?;
    Ok(split.ln_upper())
}

/// Returns the x with P(B <= x) = p, for B ~ Beta(a, b).
///
/// Zero where the quantile underflows, which happens for shapes below 0.01.
///
/// # Errors
/// As [`beta_cdf`], and unless `0 < p < 1`.
pub fn beta_quantile(p: f64, a: f64, b: f64) -> Result<f64, StatsError> {
    beta_quantile_at(Tail::Lower(p), a, b)
}

/// Returns the x with P(B > x) = q, for B ~ Beta(a, b).
///
/// # Errors
/// As [`beta_quantile`].
pub fn beta_upper_quantile(q: f64, a: f64, b: f64) -> Result<f64, StatsError> {
    beta_quantile_at(Tail::Upper(q), a, b)
}

/// Returns the quantile of Beta(a, b) at this tail probability.
///
/// # Errors
/// As [`beta_quantile`].
pub fn beta_quantile_at(tail: Tail, a: f64, b: f64) -> Result<f64, StatsError> {
    let (a, b) = (shape("a", a)?, shape("b", b)?);
    let odds = beta::beta_odds_quantile(a, b, Target::new(tail)?);
    Ok(if odds <= 1.0 { odds / (1.0 + odds) } else { 1.0 / (1.0 + 1.0 / odds) })
}

fn split(x: f64, a: f64, b: f64) -> Result<Split, StatsError> {
    let (a, b) = (shape("a", a)?, shape("b", b)?);
    if !(0.0..=1.0).contains(&x) {
        return Err(StatsError::OutOfRange { what: "x", value: x, allowed: "the closed interval [0, 1]" });
    }
    Ok(beta::split(a, b, Point::new(a, b, x)))
}
