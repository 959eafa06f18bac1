//! The gamma function and the regularised incomplete gamma function.

use super::central::Central;
use super::numeric::{
    HALF_LN_TAU, Here, SQRT_TAU, Split, TailPair, iterate, polynomial, solve, sum_of_ratios,
};
use super::tables;
use super::target::Target;

/// Returns `ln(1 + x) - x` for `x > -1` without the cancellation near zero.
///
/// With `z = x / (2 + x)`, `ln(1 + x) = 2 atanh(z)`, hence
/// `ln(1 + x) - x = z (2 (z^2/3 + z^4/5 + ...) - x)`: every bracket keeps full relative accuracy.
pub(crate) fn ln_1p_minus(x: f64) -> f64 {
    if !(-0.5..=1.0).contains(&x) {
        return x.ln_1p() - x;
    }
    let z = x / (2.0 + x);
    let square = z * z;
    let (mut power, mut sum, mut odd) = (square, 0.0, 3.0);
    while power > f64::EPSILON * 1e-1 * square {
        sum += power / odd;
        power *= square;
        odd += 2.0;
    }
    z * (2.0 * sum - x)
}

/// Returns `ln Γ(x) - [(x - 1/2) ln x - x + ln(2π)/2]` for `x > 0`; absolute error below 1e-16 above 1.
///
/// Stirling's series (DLMF 5.11.1) from 10 on, a rational function of `1/x` from 1 to 10; below, the
/// recurrence `s(x) = s(x + 1) + (x + 1/2) ln(1 + 1/x) - 1`.
pub(crate) fn stirling_error(x: f64) -> f64 {
    if x < 1.0 {
        return stirling_error(x + 1.0) + (x + 0.5) * (x.ln_1p() - x.ln()) - 1.0;
    }
    let inverse = 1.0 / x;
    if x < 10.0 {
        return inverse
            * (polynomial(&tables::STIRLING_P, inverse) / polynomial(&tables::STIRLING_Q, inverse));
    }
    polynomial(&STIRLING, inverse * inverse) * inverse
}

/// Returns `ln Γ(x)` for `x > 0`; relative error a few ulp, also at its zeros 1 and 2.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    if x < 1.0 {
        ln_gamma_1p(x) - x.ln()
    } else if x <= 2.0 {
        ln_gamma_1p(x - 1.0)
    } else if x < 3.0 {
        (x - 2.0).ln_1p() + ln_gamma_1p(x - 2.0)
    } else {
        // In this order the large terms neither cancel nor overflow early.
        (x - 0.5) * (x.ln() - 1.0) + (HALF_LN_TAU - 0.5 + stirling_error(x))
    }
}

/// Returns `ln Γ(1 + a)` for `0 <= a <= 1` with small relative error.
pub(super) fn ln_gamma_1p(a: f64) -> f64 {
    a * (1.0 - a) * (polynomial(&tables::LN_GAMMA_1P_P, a) / polynomial(&tables::LN_GAMMA_1P_Q, a))
}

/// Returns `ln Γ(b + a) - ln Γ(b)` for `0 < a <= 1`, with an error relative to `a`.
pub(super) fn ln_gamma_step(a: f64, b: f64) -> f64 {
    let (mut at, mut sum) = (b, 0.0);
    while at < 10.0 {
        sum -= (a / at).ln_1p();
        at += 1.0;
    }
    let ratio = a / at;
    let stirling = stirling_error(at + a) - stirling_error(at);
    sum + a * at.ln() + at * ln_1p_minus(ratio) + (a - 0.5) * ratio.ln_1p() + stirling
}

/// Returns `z ln(z / e) - z + e >= 0` for `z >= 0`, `e > 0`: one cell of a deviance.
pub(crate) fn deviance(z: f64, e: f64) -> f64 {
    if z <= 0.0 {
        return e;
    }
    let relative = (e - z) / z;
    if (-0.5..=1.0).contains(&relative) {
        return -z * ln_1p_minus(relative);
    }
    let ratio = z / e;
    let ln_ratio = if ratio.is_normal() { ratio.ln() } else { z.ln() - e.ln() };
    if relative < 1e300 { z * (ln_ratio + relative) } else { z * ln_ratio - z + e }
}

/// Splits the gamma distribution of shape `a > 0` at `x`.
///
/// From `a = 40` on, near the centre, the expansion of [`Central`]; else the power series of P (all terms
/// positive) below the mean and the continued fraction of Q (DLMF 8.9.2) above it; for `a < 1` and small `x`
/// the difference `1 - x^a / Γ(1 + a)`, taken by expm1. The factor `x^a e^-x / Γ(a)` is in its saddle-point
/// form (Loader 2000), so large `a` costs no digits.
pub(crate) fn split(a: f64, x: f64) -> Split {
    if x <= 0.0 || x.is_infinite() {
        return Split::end(x > 0.0);
    }
    if a < 1.0 && x <= SMALL_LIMIT {
        return small_shape(a, x);
    }
    let exponent = deviance(a, x).min(f64::MAX);
    let ln_scale = -exponent - stirling_error(a);
    let density = a.sqrt() / SQRT_TAU;
    let holds_lower = x < a;
    let factor = match Central::new(exponent, 1.0 / a.sqrt()) {
        Some(central) => central.gamma(!holds_lower),
        None if holds_lower => density / a * sum_of_ratios(|k| x / (a + 1.0 + k)),
        None => {
            let first = x + 1.0 - a;
            density / iterate(first, |n| (-n * (n - a), first + 2.0 * n))
        }
    };
    Split { holds_lower, ln_scale, factor, density, other: None }
}

/// Returns `ln P(a, x)` and `ln Q(a, x)`, the regularised incomplete gamma functions, for `a > 0`, `x > 0`.
pub(crate) fn incomplete_gamma(a: f64, x: f64) -> TailPair {
    TailPair::of(&split(a, x))
}

/// Splits a gamma distribution of shape below 1 at a small `x`: `P = A (1 + J)` with `A = x^a / Γ(1 + a)` and
/// the alternating series `J`, so that `Q = (1 - A) - A J` has no cancellation (Didonato and Morris 1986).
fn small_shape(a: f64, x: f64) -> Split {
    let ln_scale = a * x.ln() - ln_gamma_1p(a);
    let (mut term, mut sum, mut k) = (1.0, 0.0, 0.0);
    while f64::abs(term) > 1e-18 {
        k += 1.0;
        term *= -x / k;
        sum += a * term / (a + k);
    }
    let upper = -ln_scale.exp_m1() - ln_scale.exp() * sum;
    Split {
        holds_lower: true,
        ln_scale,
        factor: 1.0 + sum,
        density: a * (-x).exp(),
        other: Some(upper.max(0.0)),
    }
}

/// Returns the quantile of the gamma distribution of shape `a` and scale 1.
pub(crate) fn gamma_quantile(a: f64, target: Target) -> f64 {
    let width = 1.0 / a.sqrt();
    let z = target.normal();
    // The power law of the lower tail where it holds, else Wilson and Hilferty (1931).
    let ln_power = (target.ln_lower() + ln_gamma(a + 1.0)) / a;
    let start = if ln_power < (0.2 * (a + 1.0)).ln() {
        // One term more of the series, so that the next step is the last.
        ln_power.exp() * (ln_power.exp() / (a + 1.0)).exp()
    } else {
        let cube = 1.0 - width * width / 9.0 + z * width / 3.0;
        if cube > 0.2 { a * cube * cube * cube } else { a * 0.05 }
    };
    if ln_power < -745.2 {
        return 0.0;
    }
    solve(start, target.ln(), target.is_lower(), |x| {
        let split = split(a, x);
        let ln_tail = if target.is_lower() { split.ln_lower() } else { split.ln_upper() };
        Here { ln_tail, hazard: split.hazard(target.is_lower()), slope: a - x }
    })
}

/// Coefficients of Stirling's series, `B(2k) / (2k (2k - 1))`.
const STIRLING: [f64; 8] = [
    1.0 / 12.0,
    -1.0 / 360.0,
    1.0 / 1260.0,
    -1.0 / 1680.0,
    1.0 / 1188.0,
    -691.0 / 360_360.0,
    1.0 / 156.0,
    -3617.0 / 122_400.0,
];

/// Up to this `x` the series of a shape below 1 is used.
const SMALL_LIMIT: f64 = 1.5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    #[test]
    fn ln_gamma_agrees_with_mpmath() {
        close(ln_gamma(1e-10), 23.025850929882736, 1e-14);
        close(ln_gamma(0.5), 0.5723649429247001, 1e-14);
        close(ln_gamma(10.0), 12.801827480081469, 1e-14);
        close(ln_gamma(1e10), 220258509288.8113, 1e-14);
        assert!(ln_gamma(1.0).abs() < 1e-14 && ln_gamma(2.0).abs() < 1e-14);
    }

    #[test]
    fn ln_1p_minus_keeps_digits_near_zero() {
        close(ln_1p_minus(1e-9), -4.999999996666667e-19, 1e-15);
        close(ln_1p_minus(0.4999), 0.4999_f64.ln_1p() - 0.4999, 1e-14);
        close(ln_1p_minus(-0.4999), (-0.4999_f64).ln_1p() + 0.4999, 1e-14);
    }

    /// Chi-square tails: `Q(df/2, x/2)`. Source: mpmath, 40 digits.
    #[test]
    fn incomplete_gamma_agrees_with_mpmath() {
        let sf = |x: f64, df: f64| incomplete_gamma(df / 2.0, x / 2.0).ln_upper.exp();
        let cdf = |x: f64, df: f64| incomplete_gamma(df / 2.0, x / 2.0).ln_lower.exp();
        close(sf(0.01, 1.0), 0.920344325445942, 1e-13);
        close(cdf(0.01, 1.0), 0.07965567455405796, 1e-13);
        close(sf(1.0, 1.0), 0.3173105078629141, 1e-13);
        close(sf(1.2, 1.0), 0.27332167829229814, 1e-13);
        close(sf(1.98, 2.0), 0.3715766910220457, 1e-13);
        close(cdf(6.0, 2.0), 0.950212931632136, 1e-13);
        close(sf(2.9699999999999998, 3.0), 0.3962737514674662, 1e-13);
        close(sf(0.05, 5.0), 0.999970790460001, 1e-13);
        close(sf(4.95, 5.0), 0.42201272092868164, 1e-13);
        close(cdf(5.0, 10.0), 0.10882198108584876, 1e-13);
        close(cdf(9.9, 10.0), 0.5506899252403475, 1e-13);
        close(sf(10.1, 10.0), 0.43176421516503793, 1e-13);
        close(sf(200.0, 10.0), 1.6139305336977305e-37, 1e-12);
        close(sf(15.0, 30.0), 0.9897395720876574, 1e-13);
        close(sf(30.3, 30.0), 0.4503684404509657, 1e-13);
        close(cdf(120.0, 100.0), 0.9155933189063081, 1e-13);
        close(cdf(990.0, 1000.0), 0.4170538536448513, 1e-12);
    }
}
