//! Student's t distribution.

use super::super::student;
use super::super::target::{Tail, Target};
use super::{degrees, ordered};
use crate::error::StatsError;

/// Returns P(T <= t) for Student's t with `df` degrees of freedom, which may be infinite.
///
/// # Errors
/// [`StatsError::OutOfRange`] if `t` is not a number or `df` is not positive.
pub fn student_t_cdf(t: f64, df: f64) -> Result<f64, StatsError> {
    let (t, df) = (ordered("t", t)?, degrees(df)?);
    Ok(student::sf(-t, df))
}

/// Returns P(T > t) for Student's t with `df` degrees of freedom, which may be infinite.
///
/// Hill's (1970) transformation to normal moments, with finite sums that raise small degrees of freedom; relative
/// error below 1e-13 for `df` from 1e-3 to infinity.
///
/// # Errors
/// [`StatsError::OutOfRange`] if `t` is not a number or `df` is not positive.
pub fn student_t_sf(t: f64, df: f64) -> Result<f64, StatsError> {
    let (t, df) = (ordered("t", t)?, degrees(df)?);
    Ok(student::sf(t, df))
}

/// Returns ln P(T <= t), at least `f64::MIN`, for Student's t with `df` degrees of freedom, which may be infinite.
///
/// # Errors
/// [`StatsError::OutOfRange`] if `t` is not a number or `df` is not positive.
pub fn student_t_ln_cdf(t: f64, df: f64) -> Result<f64, StatsError> {
    let (t, df) = (ordered("t", t)?, degrees(df)?);
    Ok(student::ln_sf(-t, df))
}

/// Returns ln P(T > t), at least `f64::MIN`, for Student's t with `df` degrees of freedom, which may be infinite.
///
/// # Errors
/// [`StatsError::OutOfRange`] if `t` is not a number or `df` is not positive.
pub fn student_t_ln_sf(t: f64, df: f64) -> Result<f64, StatsError> {
    let (t, df) = (ordered("t", t)?, degrees(df)?);
    Ok(student::ln_sf(t, df))
}

/// Returns the t with P(T <= t) = p, for Student's t with `df` degrees of freedom, which may be infinite.
///
/// Saturates at `f64::MAX` for tiny `df`.
///
/// ```
/// use expt_stats::special::student_t_quantile;
///
/// assert!((student_t_quantile(0.975, 10.0)? - 2.228_138_851_986_274_7).abs() < 1e-14);
/// assert!((student_t_quantile(0.975, 1e8)? - 1.959_964_0).abs() < 1e-6); // statrs 0.19.1 never returns
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
///
/// # Errors
/// As [`student_t_cdf`], and unless `0 < p < 1`.
pub fn student_t_quantile(p: f64, df: f64) -> Result<f64, StatsError> {
    student_t_quantile_at(Tail::Lower(p), df)
}

/// Returns the t with P(T > t) = q, for Student's t with `df` degrees of freedom, which may be infinite.
///
/// # Errors
/// As [`student_t_quantile`].
pub fn student_t_upper_quantile(q: f64, df: f64) -> Result<f64, StatsError> {
    student_t_quantile_at(Tail::Upper(q), df)
}

/// Returns the quantile of Student's t with `df` degrees of freedom at this tail probability.
///
/// # Errors
/// As [`student_t_quantile`].
pub fn student_t_quantile_at(tail: Tail, df: f64) -> Result<f64, StatsError> {
    let df = degrees(df)?;
    Ok(student::quantile(Target::new(tail)?, df))
}
