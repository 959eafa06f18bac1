//! Fisher's F distribution.

use super::super::beta::{self, Point};
use super::super::gamma;
use super::super::numeric::Split;
use super::super::target::{Tail, Target};
use super::{degrees, ordered};
use crate::error::StatsError;

/// Returns P(F <= x) for F with `df1` and `df2` degrees of freedom, which may be infinite.
///
/// # Errors
/// [`StatsError::OutOfRange`] if `x` is not a number or a `df` is not positive.
pub fn fisher_f_cdf(x: f64, df1: f64, df2: f64) -> Result<f64, StatsError> {
    let split = split(x, df1, df2)?;
    Ok(split.lower())
}

/// Returns P(F > x) for F with `df1` and `df2` degrees of freedom, which may be infinite.
///
/// ```
/// use expt_stats::special::fisher_f_sf;
///
/// // t^2 of Student is F with 1 degree of freedom: two-sided p at t = 2.228 and 10 df.
/// assert!((fisher_f_sf(2.228_138_851_986_274_7_f64.powi(2), 1.0, 10.0)? - 0.05).abs() < 1e-14);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
///
/// # Errors
/// [`StatsError::OutOfRange`] if `x` is not a number or a `df` is not positive.
pub fn fisher_f_sf(x: f64, df1: f64, df2: f64) -> Result<f64, StatsError> {
    let split = split(x, df1, df2)?;
    Ok(split.upper())
}

/// Returns ln P(F <= x), at least `f64::MIN`, for F with `df1` and `df2` degrees of freedom, which may be infinite.
///
/// # Errors
/// [`StatsError::OutOfRange`] if `x` is not a number or a `df` is not positive.
pub fn fisher_f_ln_cdf(x: f64, df1: f64, df2: f64) -> Result<f64, StatsError> {
    let split = split(x, df1, df2)?;
    Ok(split.ln_lower())
}

/// Returns ln P(F > x), at least `f64::MIN`, for F with `df1` and `df2` degrees of freedom, which may be infinite.
///
/// # Errors
/// [`StatsError::OutOfRange`] if `x` is not a number or a `df` is not positive.
pub fn fisher_f_ln_sf(x: f64, df1: f64, df2: f64) -> Result<f64, StatsError> {
    let split = split(x, df1, df2)?;
    Ok(split.ln_upper())
}

/// Returns the x with P(F <= x) = p, for F with `df1` and `df2` degrees of freedom, which may be infinite.
///
/// # Errors
/// As [`fisher_f_cdf`], and unless `0 < p < 1`.
pub fn fisher_f_quantile(p: f64, df1: f64, df2: f64) -> Result<f64, StatsError> {
    fisher_f_quantile_at(Tail::Lower(p), df1, df2)
}

/// Returns the x with P(F > x) = q, for F with `df1` and `df2` degrees of freedom, which may be infinite.
///
/// # Errors
/// As [`fisher_f_quantile`].
pub fn fisher_f_upper_quantile(q: f64, df1: f64, df2: f64) -> Result<f64, StatsError> {
    fisher_f_quantile_at(Tail::Upper(q), df1, df2)
}

/// Returns the quantile of F at this tail probability.
///
/// # Errors
/// As [`fisher_f_quantile`].
pub fn fisher_f_quantile_at(tail: Tail, df1: f64, df2: f64) -> Result<f64, StatsError> {
    let (a, b) = (0.5 * degrees(df1)?, 0.5 * degrees(df2)?);
    let target = Target::new(tail)?;
    let value = match (a.is_finite(), b.is_finite()) {
        (true, true) => beta::beta_odds_quantile(a, b, target) * (b / a),
        (true, false) => gamma::gamma_quantile(a, target) / a,
        (false, true) => b / gamma::gamma_quantile(b, target.mirrored()),
        (false, false) => 1.0,
    };
    Ok(value.min(f64::MAX))
}

fn split(x: f64, df1: f64, df2: f64) -> Result<Split, StatsError> {
    let (x, a, b) = (ordered("x", x)?, 0.5 * degrees(df1)?, 0.5 * degrees(df2)?);
    if x <= 0.0 || x.is_infinite() {
        return Ok(Split::end(x > 0.0));
    }
    Ok(match (a.is_finite(), b.is_finite()) {
        // The distance from the mean is `a (x - 1)`, exact next to 1.
        (true, true) => beta::split(
            a,
            b,
            Point::from_balanced_odds((a / b * x).min(f64::MAX), (a * (x - 1.0)).min(f64::MAX)),
        ),
        (true, false) => gamma::split(a, a * x),
        (false, true) => gamma::split(b, b / x).mirrored(),
        (false, false) => Split::end(x >= 1.0),
    })
}
