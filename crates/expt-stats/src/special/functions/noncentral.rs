//! The noncentral t and chi-square distributions: what power is made of.

use super::super::noncentral;
use super::{degrees, ordered, shape};
use crate::error::{StatsError, finite, non_negative};

/// Returns P(T > t) for the noncentral t with `df` degrees of freedom and noncentrality `shift`: the distribution
/// of `(Z + shift) / sqrt(chi^2 / df)`.
///
/// Integrated over the distribution of the standard deviation, with positive terms only: relative error below 1e-12
/// down to 1e-280 (checked for `df` from 2 to 1e6 and shifts to 30), and exactly 0 or 1 beyond. Never NaN, unlike scipy and
/// statsmodels at a large noncentrality.
///
/// ```
/// use expt_stats::special::noncentral_t_sf;
///
/// // The upper part of the power of a t test at d = 0.8, 100 and 400 units.
/// let shift = 0.8 * (100.0_f64 * 400.0 / 500.0).sqrt();
/// assert!((noncentral_t_sf(1.964_739_4, 498.0, shift)? - 0.999_999_89).abs() < 1e-9);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
///
/// # Errors
/// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] if `t` is not a number, `df` is not positive or `shift`
/// is not finite.
pub fn noncentral_t_sf(t: f64, df: f64, shift: f64) -> Result<f64, StatsError> {
    Ok(noncentral::t_sf(ordered("t", t)?, degrees(df)?, finite("the noncentrality", shift)?))
}

/// Returns P(T <= t) for the noncentral t with `df` degrees of freedom and noncentrality `shift`.
///
/// # Errors
/// As [`noncentral_t_sf`].
pub fn noncentral_t_cdf(t: f64, df: f64, shift: f64) -> Result<f64, StatsError> {
    Ok(noncentral::t_cdf(ordered("t", t)?, degrees(df)?, finite("the noncentrality", shift)?))
}

/// Returns P(X > x) for chi-square with `df` degrees of freedom and noncentrality `shift >= 0`: the power of a
/// chi-square test.
///
/// A Poisson mixture with positive terms, about `sqrt(shift)` of them: relative error below 1e-11 up to a shift of
/// 1e10, the normal approximation of Sankaran (1963) beyond.
///
/// # Errors
/// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] if `x` is not a number, `df` is not positive and finite
/// or `shift` is negative or not finite.
pub fn noncentral_chi_square_sf(x: f64, df: f64, shift: f64) -> Result<f64, StatsError> {
    let (x, df, shift) = (ordered("x", x)?, shape("df", df)?, non_negative("the noncentrality", shift)?);
    if x <= 0.0 || x.is_infinite() {
        return Ok(if x > 0.0 { 0.0 } else { 1.0 });
    }
    Ok(noncentral::chi_square_sf(x, df, shift))
}
