//! Distribution functions that stay right in the tails, for large degrees of freedom, and on the log
//! scale.
//!
//! The usual libraries fail where experiments live: statrs 0.19.1 never returns from the t quantile
//! at df = 1e8 and loses ten digits in the normal tail. Everything here terminates, and a probability
//! too small for an `f64` is still exact as a logarithm. Only the normal quantile is statrs' own.
//!
//! ```
//! use expt_stats::special::{student_t_ln_sf, student_t_quantile};
//!
//! assert!((student_t_quantile(0.975, 1e8)? - 1.959_964_0).abs() < 1e-6);
//! assert!((student_t_ln_sf(40.0, 1e6)? + 804.0).abs() < 1.0); // p itself would be about 1e-349
//! # Ok::<(), expt_stats::StatsError>(())
//! ```

use crate::error::{StatsError, positive};

pub(crate) mod beta;
pub(crate) mod gamma;
pub(crate) mod normal;
pub(crate) mod student;

/// Returns P(Z > x) for a standard normal Z; relative error below 1e-12.
///
/// # Errors
/// [`StatsError::OutOfRange`] if `x` is not a number.
pub fn normal_sf(x: f64) -> Result<f64, StatsError> {
    Ok(normal::sf(ordered("x", x)?))
}

/// Returns ln P(Z > x) for a standard normal Z, down to -1.8e308.
///
/// # Errors
/// [`StatsError::OutOfRange`] if `x` is not a number.
pub fn normal_ln_sf(x: f64) -> Result<f64, StatsError> {
    Ok(normal::ln_sf(ordered("x", x)?))
}

/// Returns the z with P(Z <= z) = p.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless `0 < p < 1`.
pub fn normal_quantile(p: f64) -> Result<f64, StatsError> {
    let p = inside_unit(p)?;
    Ok(-normal::upper_quantile(p))
}

/// Returns P(T > t) for Student's t with `df` degrees of freedom, which may be infinite.
///
/// # Errors
/// [`StatsError::OutOfRange`] if `t` is not a number or `df` is not positive.
pub fn student_t_sf(t: f64, df: f64) -> Result<f64, StatsError> {
    Ok(student::sf(ordered("t", t)?, degrees(df)?))
}

/// Returns ln P(T > t) for Student's t with `df` degrees of freedom, which may be infinite.
///
/// # Errors
/// [`StatsError::OutOfRange`] if `t` is not a number or `df` is not positive.
pub fn student_t_ln_sf(t: f64, df: f64) -> Result<f64, StatsError> {
    Ok(student::ln_sf(ordered("t", t)?, degrees(df)?))
}

/// Returns the t with P(T <= t) = p for Student's t; saturates at `f64::MAX` for tiny `df`.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless `0 < p < 1` and `df > 0`.
pub fn student_t_quantile(p: f64, df: f64) -> Result<f64, StatsError> {
    let p = inside_unit(p)?;
    Ok(-student::upper_quantile(p, degrees(df)?))
}

/// Returns ln P(X > x) for chi-square with `df` degrees of freedom; 0 for `x <= 0`.
///
/// # Errors
/// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] if `x` is not a number or `df` is not
/// positive and finite.
pub fn chi_square_ln_sf(x: f64, df: f64) -> Result<f64, StatsError> {
    let (x, df) = (ordered("x", x)?, positive("df", df)?);
    if x <= 0.0 {
        return Ok(0.0);
    }
    if x.is_infinite() {
        return Ok(f64::MIN);
    }
    Ok(gamma::incomplete_gamma(0.5 * df, 0.5 * x).ln_upper)
}

/// Returns P(X > x) for chi-square with `df` degrees of freedom; 1 for `x <= 0`.
///
/// # Errors
/// As [`chi_square_ln_sf`].
pub fn chi_square_sf(x: f64, df: f64) -> Result<f64, StatsError> {
    Ok(chi_square_ln_sf(x, df)?.exp())
}

/// Returns the regularised incomplete beta function `I_x(a, b)`: P(B <= x) for B ~ Beta(a, b).
///
/// # Errors
/// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `0 <= x <= 1` and `a`, `b` are
/// positive and finite.
pub fn beta_cdf(x: f64, a: f64, b: f64) -> Result<f64, StatsError> {
    let (a, b) = (positive("a", a)?, positive("b", b)?);
    if !(0.0..=1.0).contains(&x) {
        return Err(StatsError::OutOfRange { what: "x", value: x, allowed: "the closed interval [0, 1]" });
    }
    if x <= 0.0 || x >= 1.0 {
        return Ok(x);
    }
    Ok(beta::incomplete_beta(a, b, x, 1.0 - x).ln_lower.exp())
}

/// Returns ln Γ(x).
///
/// # Errors
/// [`StatsError::OutOfRange`] unless `x > 0`; [`StatsError::Overflow`] above about 2.5e305.
pub fn ln_gamma(x: f64) -> Result<f64, StatsError> {
    let value = gamma::ln_gamma(positive("x", x)?);
    if value.is_finite() { Ok(value) } else { Err(StatsError::Overflow { what: "ln gamma" }) }
}

/// Both tails of a distribution at one point, as logarithms between `f64::MIN` and 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TailPair {
    pub(crate) ln_lower: f64,
    pub(crate) ln_upper: f64,
}

impl TailPair {
    /// Completes the pair from its lower tail.
    fn from_lower(ln_lower: f64) -> Self {
        let ln_lower = ln_lower.clamp(f64::MIN, 0.0);
        Self { ln_lower, ln_upper: ln_1m_exp(ln_lower) }
    }

    /// Completes the pair from its upper tail.
    fn from_upper(ln_upper: f64) -> Self {
        let ln_upper = ln_upper.clamp(f64::MIN, 0.0);
        Self { ln_lower: ln_1m_exp(ln_upper), ln_upper }
    }
}

/// Returns `ln(1 - e^x)` for `x <= 0`, at least `f64::MIN` (Maechler 2012).
pub(crate) fn ln_1m_exp(x: f64) -> f64 {
    let value = if x > -std::f64::consts::LN_2 { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() };
    value.max(f64::MIN)
}

/// Evaluates `first + a1/(b1 + a2/(b2 + ...))` by the modified Lentz method, where `terms(n)` is
/// `(a_n, b_n)`.
///
/// The cap bounds the time of any call to milliseconds; no argument in the tests comes near it.
fn iterate(first: f64, terms: impl Fn(f64) -> (f64, f64)) -> f64 {
    let guard = |x: f64| if x.abs() < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { x };
    let mut value = guard(first);
    let (mut c, mut d, mut n) = (value, 0.0, 1.0);
    while n < MAX_STEPS {
        let (a, b) = terms(n);
        d = 1.0 / guard(b + a * d);
        c = guard(b + a / c);
        let factor = c * d;
        value *= factor;
        if (factor - 1.0).abs() <= f64::EPSILON {
            break;
        }
        n += 1.0;
    }
    value
}

fn ordered(what: &'static str, value: f64) -> Result<f64, StatsError> {
    if value.is_nan() {
        return Err(StatsError::OutOfRange { what, value, allowed: "any number" });
    }
    Ok(value)
}

fn degrees(df: f64) -> Result<f64, StatsError> {
    if df > 0.0 {
        return Ok(df);
    }
    Err(StatsError::OutOfRange { what: "df", value: df, allowed: "greater than zero, infinity included" })
}

fn inside_unit(p: f64) -> Result<f64, StatsError> {
    if p > 0.0 && p < 1.0 {
        return Ok(p);
    }
    Err(StatsError::OutOfRange { what: "p", value: p, allowed: "the open interval (0, 1)" })
}

/// `ln(2 π) / 2`.
pub(crate) const HALF_LN_TAU: f64 = 0.918_938_533_204_672_7;

/// Upper bound on the steps of a series or continued fraction.
const MAX_STEPS: f64 = 1e6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    #[test]
    fn arguments_outside_the_domain_are_errors() {
        assert!(normal_sf(f64::NAN).is_err());
        assert!(normal_quantile(0.0).is_err() && normal_quantile(1.0).is_err());
        assert!(student_t_sf(1.0, 0.0).is_err() && student_t_sf(1.0, f64::NAN).is_err());
        assert!(chi_square_sf(1.0, -1.0).is_err());
        assert!(beta_cdf(1.5, 1.0, 1.0).is_err() && beta_cdf(0.5, 0.0, 1.0).is_err());
        assert!(ln_gamma(0.0).is_err() && ln_gamma(1e308).is_err());
    }

    #[test]
    fn edges_are_values() {
        close(chi_square_sf(-1.0, 3.0).unwrap(), 1.0, 0.0);
        close(chi_square_ln_sf(f64::INFINITY, 3.0).unwrap(), f64::MIN, 0.0);
        close(beta_cdf(0.0, 2.0, 3.0).unwrap(), 0.0, 0.0);
        close(beta_cdf(1.0, 2.0, 3.0).unwrap(), 1.0, 0.0);
        assert!(chi_square_ln_sf(1e300, 1.0).unwrap() < -1e299);
    }
}
