//! The chi-square distribution.

use super::super::gamma;
use super::super::target::{Tail, Target};
use super::{ordered, shape};
use crate::error::StatsError;

/// Returns P(X <= x) for chi-square with `df` degrees of freedom.
///
/// # Errors
/// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] if `x` is not a number or `df` is not positive and
/// finite.
pub fn chi_square_cdf(x: f64, df: f64) -> Result<f64, StatsError> {
    let (x, df) = (ordered("x", x)?, shape("df", df)?);
    Ok(gamma::split(0.5 * df, 0.5 * x).lower())
}

/// Returns P(X > x) for chi-square with `df` degrees of freedom.
///
/// # Errors
/// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] if `x` is not a number or `df` is not positive and
/// finite.
pub fn chi_square_sf(x: f64, df: f64) -> Result<f64, StatsError> {
    let (x, df) = (ordered("x", x)?, shape("df", df)?);
    Ok(gamma::split(0.5 * df, 0.5 * x).upper())
}

/// Returns ln P(X <= x), at least `f64::MIN`, for chi-square with `df` degrees of freedom.
///
/// # Errors
/// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] if `x` is not a number or `df` is not positive and
/// finite.
pub fn chi_square_ln_cdf(x: f64, df: f64) -> Result<f64, StatsError> {
    let (x, df) = (ordered("x", x)?, shape("df", df)?);
    Ok(gamma::split(0.5 * df, 0.5 * x).ln_lower())
}

/// Returns ln P(X > x), at least `f64::MIN`, for chi-square with `df` degrees of freedom.
///
/// ```
/// use expt_stats::special::chi_square_ln_sf;
///
/// assert!((chi_square_ln_sf(10_000.0, 2.0)? + 5_000.0).abs() < 1e-9);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
///
/// # Errors
/// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] if `x` is not a number or `df` is not positive and
/// finite.
pub fn chi_square_ln_sf(x: f64, df: f64) -> Result<f64, StatsError> {
    let (x, df) = (ordered("x", x)?, shape("df", df)?);
    Ok(gamma::split(0.5 * df, 0.5 * x).ln_upper())
}

/// Returns the x with P(X <= x) = p, for chi-square with `df` degrees of freedom.
///
/// # Errors
/// As [`chi_square_cdf`], and unless `0 < p < 1`.
pub fn chi_square_quantile(p: f64, df: f64) -> Result<f64, StatsError> {
    chi_square_quantile_at(Tail::Lower(p), df)
}

/// Returns the x with P(X > x) = q, for chi-square with `df` degrees of freedom.
///
/// # Errors
/// As [`chi_square_quantile`].
pub fn chi_square_upper_quantile(q: f64, df: f64) -> Result<f64, StatsError> {
    chi_square_quantile_at(Tail::Upper(q), df)
}

/// Returns the quantile of chi-square with `df` degrees of freedom at this tail probability.
///
/// # Errors
/// As [`chi_square_quantile`].
pub fn chi_square_quantile_at(tail: Tail, df: f64) -> Result<f64, StatsError> {
    let df = shape("df", df)?;
    Ok((2.0 * gamma::gamma_quantile(0.5 * df, Target::new(tail)?)).min(f64::MAX))
}
