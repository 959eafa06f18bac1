//! The normal distribution far into its tails.

use statrs::function::erf::erfc_inv;

use super::{HALF_LN_TAU, iterate, ln_1m_exp};

/// Returns P(Z > x); relative error below 1e-13 wherever the value is a normal number.
pub(crate) fn sf(x: f64) -> f64 {
    if x < 0.0 {
        return 1.0 - sf(-x);
    }
    if x < SERIES_LIMIT { 0.5 - centre(x) } else { density(x) / mills_fraction(x) }
}

/// Returns ln P(Z > x), at least `f64::MIN`.
pub(crate) fn ln_sf(x: f64) -> f64 {
    if x < 0.0 {
        ln_1m_exp(ln_sf(-x))
    } else if x < SERIES_LIMIT {
        sf(x).ln()
    } else {
        (-0.5 * x * x - HALF_LN_TAU - mills_fraction(x).ln()).max(f64::MIN)
    }
}

/// Returns the z with P(Z > z) = q for `0 < q < 1`; statrs is accurate to 2e-16 here.
pub(crate) fn upper_quantile(q: f64) -> f64 {
    std::f64::consts::SQRT_2 * erfc_inv(2.0 * q)
}

/// Returns P(0 < Z < x) as `density(x) (x + x^3/3 + x^5/(3*5) + ...)`, all terms positive.
fn centre(x: f64) -> f64 {
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term > sum * f64::EPSILON * 0.1 {
        odd += 2.0;
        term *= x * x / odd;
        sum += term;
    }
    density(x) * sum
}

/// Returns the density with `x` split in two, so that the rounding of `x^2` is not magnified.
fn density(x: f64) -> f64 {
    let coarse = (x * 16.0).trunc() / 16.0;
    (-0.5 * coarse * coarse).exp() * (-0.5 * (x - coarse) * (x + coarse)).exp() * INVERSE_SQRT_TAU
}

/// Returns density / sf: Laplace's continued fraction `x + 1/(x + 2/(x + 3/...))`.
fn mills_fraction(x: f64) -> f64 {
    iterate(x, |n| (n, x))
}

/// Below this point the power series is used, from it on the continued fraction.
const SERIES_LIMIT: f64 = 2.5;

/// `1 / sqrt(2 π)`.
const INVERSE_SQRT_TAU: f64 = 0.398_942_280_401_432_7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: mpmath, 40 digits.
    #[test]
    fn tails_agree_with_mpmath() {
        close(sf(37.5), 4.605353009581955e-308, 1e-12);
        close(sf(3.3), 0.0004834241423837775, 1e-13);
        close(sf(0.3), 0.3820885778110474, 1e-14);
        close(sf(-3.3), 1.0 - 0.0004834241423837775, 1e-15);
        close(ln_sf(37.5), 4.605353009581955e-308_f64.ln(), 1e-13);
        close(upper_quantile(1e-300), 37.0470962993612, 1e-13);
        close(upper_quantile(0.001), 3.090232306167813, 1e-13);
    }

    #[test]
    fn the_log_tail_reaches_minus_1e300_and_never_overflows() {
        close(ln_sf(1.5e150), -1.125e300, 1e-12);
        close(ln_sf(f64::MAX), f64::MIN, 0.0);
        close(ln_sf(f64::INFINITY), f64::MIN, 0.0);
        close(ln_sf(f64::NEG_INFINITY), 0.0, 0.0);
    }

    #[test]
    fn both_methods_meet_at_the_limit_and_the_tail_falls() {
        close(sf(SERIES_LIMIT - 1e-9), sf(SERIES_LIMIT) + density(SERIES_LIMIT) * 1e-9, 1e-13);
        let mut last = 0.0;
        for step in -400..4000 {
            let now = ln_sf(f64::from(step) * 0.01);
            assert!(now <= last);
            last = now;
        }
    }
}
