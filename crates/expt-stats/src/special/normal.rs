//! The normal distribution far into its tails.

use super::numeric::{HALF_LN_TAU, SQRT_TAU, polynomial};
use super::tables as t;

/// Returns P(Z > x); relative error below 1e-15 wherever the value is a normal number.
pub(crate) fn sf(x: f64) -> f64 {
    if x < 0.0 {
        1.0 - sf(-x)
    } else if x < CENTRE_LIMIT {
        0.5 - centre(x)
    } else if x < UNDERFLOW {
        exp_half_square(x) * scaled_sf(x)
    } else {
        0.0
    }
}

/// Returns ln P(Z > x), at least `f64::MIN`.
pub(crate) fn ln_sf(x: f64) -> f64 {
    if x < 0.0 {
        (-sf(-x)).ln_1p()
    } else if x < CENTRE_LIMIT {
        sf(x).ln()
    } else if x < 1e150 {
        -0.5 * x * x + scaled_sf(x).ln()
    } else {
        (-0.5 * x * x - HALF_LN_TAU - x.ln()).max(f64::MIN)
    }
}

/// Returns `exp(x^2 / 2) P(Z > x)` for `x >= 0`: Mills' ratio over `sqrt(2 π)`.
pub(crate) fn scaled_sf(x: f64) -> f64 {
    if x < CENTRE_LIMIT {
        (0.5 - centre(x)) * (0.5 * x * x).exp()
    } else if x < MIDDLE_LIMIT {
        polynomial(&t::MIDDLE_P, x) / polynomial(&t::MIDDLE_Q, x)
    } else {
        let square = 1.0 / (x * x);
        polynomial(&t::FAR_P, square) / (polynomial(&t::FAR_Q, square) * x)
    }
}

/// Returns P(0 < Z < x) for `x >= 0`, with small relative error at small `x`.
pub(crate) fn centre(x: f64) -> f64 {
    if x < CENTRE_LIMIT { x * polynomial(&t::CENTRE, x * x) } else { 0.5 - sf(x) }
}

/// Returns the z with P(Z > z) = q for `0 < q < 1`; relative error below 1e-15.
pub(crate) fn upper_quantile(q: f64) -> f64 {
    let distance = 0.5 - q;
    if distance.abs() <= 0.4 {
        return central_quantile(distance);
    }
    if q < 0.5 { tail_quantile(-q.ln()) } else { -tail_quantile(-(1.0 - q).ln()) }
}

/// Returns the z with P(0 < Z < z) = `distance`, at most 0.4 in size.
pub(crate) fn central_quantile(distance: f64) -> f64 {
    let shifted = 0.16 - distance * distance;
    distance * (polynomial(&t::QUANTILE_CENTRE_P, shifted) / polynomial(&t::QUANTILE_CENTRE_Q, shifted))
}

/// Returns the z with ln P(Z > z) = `ln_q` for `ln_q < 0`, however small the probability.
pub(crate) fn ln_upper_quantile(ln_q: f64) -> f64 {
    if ln_q > -std::f64::consts::LN_2 {
        -upper_quantile((-ln_q.exp_m1()).max(f64::MIN_POSITIVE))
    } else if ln_q > -2.4 {
        upper_quantile(ln_q.exp())
    } else {
        tail_quantile(-ln_q)
    }
}

/// Returns the z with `ln P(Z > z) = -depth` for `depth > 2.29`.
fn tail_quantile(depth: f64) -> f64 {
    let root = depth.sqrt();
    if root < 3.5 {
        return polynomial(&t::QUANTILE_NEAR_P, root - 1.5) / polynomial(&t::QUANTILE_NEAR_Q, root - 1.5);
    }
    if root < 8.0 {
        return polynomial(&t::QUANTILE_MIDDLE_P, root - 3.5) / polynomial(&t::QUANTILE_MIDDLE_Q, root - 3.5);
    }
    if root < 27.5 {
        return polynomial(&t::QUANTILE_FAR_P, root - 8.0) / polynomial(&t::QUANTILE_FAR_Q, root - 8.0);
    }
    let far = std::f64::consts::SQRT_2 * root;
    if depth > 1e30 {
        return far;
    }
    // Newton on the concave ln sf from the first term of its expansion; the error falls below 1e-16 in three.
    let mut z = far - (far.ln() + HALF_LN_TAU) / far;
    for _ in 0..3 {
        z += (ln_sf(z) + depth) * SQRT_TAU * scaled_sf(z);
    }
    z
}

/// Returns `exp(-x^2 / 2)` with the rounding of the square put back.
fn exp_half_square(x: f64) -> f64 {
    let square = x * x;
    let lost = x.mul_add(x, -square);
    (-0.5 * square).exp() * (1.0 - 0.5 * lost)
}

/// Below it the power series of the centre is used.
pub(super) const CENTRE_LIMIT: f64 = 0.65;

/// From it on the rational function is one of `1 / x^2`.
const MIDDLE_LIMIT: f64 = 5.0;

/// From it on the tail is below the smallest positive `f64`.
const UNDERFLOW: f64 = 38.6;

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
    fn methods_meet_at_their_limits_and_the_tail_falls() {
        for limit in [CENTRE_LIMIT, MIDDLE_LIMIT] {
            close(sf(limit - 1e-12), sf(limit) + 1e-12 * exp_half_square(limit) / SQRT_TAU, 1e-15);
        }
        let mut last = 0.0;
        for step in -400..4000 {
            let now = ln_sf(f64::from(step) * 0.01);
            assert!(now <= last);
            last = now;
        }
    }
}
