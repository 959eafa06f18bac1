//! The regularised incomplete beta function.

use super::central::Central;
use super::gamma::{ln_1p_minus, ln_gamma, ln_gamma_1p, ln_gamma_step, stirling_error};
use super::numeric::{HALF_LN_TAU, Here, SQRT_TAU, Split, TailPair, iterate, solve, sum_of_ratios};
use super::target::Target;

/// A point of the beta distribution's axis, each number exact to the last place however close to an end or to
/// the mean the point is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    x: f64,
    /// `1 - x`.
    y: f64,
    /// `(a + b) x - a = b x - a y`: the distance from the mean, times `a + b`.
    balance: f64,
}

impl Point {
    /// Takes the point `x`, for which `y` is what is left to one.
    pub(crate) fn new(a: f64, b: f64, x: f64) -> Self {
        // Twofold products keep the small difference of two numbers near `a`.
        let n = a + b;
        let n_low = (a.max(b) - n) + a.min(b);
        let product = n * x;
        let product_low = n.mul_add(x, -product);
        Self { x, y: 1.0 - x, balance: (product - a) + (product_low + n_low * x) }
    }

    /// Takes the point with both coordinates, of which the smaller one is the more exact.
    pub(crate) fn from_both(a: f64, b: f64, x: f64, y: f64) -> Self {
        if x <= y { Self { y, ..Self::new(a, b, x) } } else { Self { y: x, ..Self::new(b, a, y) }.mirrored() }
    }

    /// Takes the point with `x / (1 - x) = odds`.
    pub(crate) fn from_odds(a: f64, b: f64, odds: f64) -> Self {
        let product = b * odds;
        let balance = (product - a) + b.mul_add(odds, -product);
        Self::from_balanced_odds(odds, balance)
    }

    /// Takes the point with these odds, where `b odds - a` is known better than it can be computed.
    pub(crate) fn from_balanced_odds(odds: f64, balance: f64) -> Self {
        let y = 1.0 / (1.0 + odds);
        let x = if odds > 1.0 { 1.0 / (1.0 + 1.0 / odds) } else { odds * y };
        Self { x, y, balance: balance * y }
    }

    /// Takes the point with these numbers, known better than they can be computed.
    pub(super) const fn with_balance(x: f64, y: f64, balance: f64) -> Self {
        Self { x, y, balance }
    }

    const fn mirrored(self) -> Self {
        Self { x: self.y, y: self.x, balance: -self.balance }
    }
}

/// Splits the beta distribution with `a, b > 0` at a point.
///
/// On the side of the mean where the point is: the expansion of [`Central`] when both parameters are large and
/// the point is near the mean, a power series with positive terms where it is quick, else the continued fraction
/// of Didonato and Morris (1992), the even part of DLMF 8.17.22. For a parameter below 1, near its end of the
/// axis, the difference `1 - x^a / (a B(a, b))` is taken by expm1. All share the saddle-point form of
/// `x^a y^b / B(a, b)` (Loader 2000), in which nothing cancels.
pub(crate) fn split(a: f64, b: f64, at: Point) -> Split {
    if at.x <= 0.0 || at.y <= 0.0 {
        return Split::end(at.x > 0.0);
    }
    if a < 1.0 && at.x <= 0.7 && b * at.x <= SMALL_LIMIT {
        return small_shape(a, b, at.x);
    }
    if b < 1.0 && at.y <= 0.7 && a * at.y <= SMALL_LIMIT {
        return small_shape(b, a, at.y).mirrored();
    }
    if at.balance <= 0.0 { lower_tail(a, b, at) } else { lower_tail(b, a, at.mirrored()).mirrored() }
}

/// Returns `ln I_x(a, b)` and `ln (1 - I_x(a, b))` for `a, b > 0` and `x + y = 1`, `x, y > 0`.
pub(crate) fn incomplete_beta(a: f64, b: f64, x: f64, y: f64) -> TailPair {
    TailPair::of(&split(a, b, Point::from_both(a, b, x, y)))
}

/// Splits at a point below the mean.
fn lower_tail(a: f64, b: f64, at: Point) -> Split {
    let Point { x, y, balance } = at;
    let n = a + b;
    let exponent = kernel_exponent(a, b, at).min(f64::MAX);
    let ln_scale = stirling_error(n) - stirling_error(a) - stirling_error(b) - exponent;
    let harmonic = a.min(b) * (a.max(b) / n);
    let root = harmonic.sqrt();
    let density = root / SQRT_TAU;
    let central =
        Central::new(exponent, 1.0 / root).map(|central| central.beta((a - b) / n, (a / n) * (b / n)));
    let factor = central.unwrap_or_else(|| {
        let first = n * x / (a + 1.0);
        if first.max(x) < QUICK_RATIO || (x < QUICK_RATIO && a < 60.0) {
            return density / a * sum_of_ratios(|k| (n + k) / (a + 1.0 + k) * x);
        }
        density / tail_fraction(a, b, x, y, -balance)
    });
    Split { holds_lower: true, ln_scale, factor, density, other: None }
}

/// Splits a beta distribution with `a < 1` at a small `x`: `I = A (1 + J)` with
/// `A = x^a Γ(a + b) / (Γ(1 + a) Γ(b))`, so that `1 - I = (1 - A) - A J`.
fn small_shape(a: f64, b: f64, x: f64) -> Split {
    let ln_scale = a * x.ln() - ln_gamma_1p(a) + ln_gamma_step(a, b);
    let (mut term, mut sum, mut k) = (1.0, 0.0, 0.0);
    while f64::abs(term) > 1e-18 * (1.0 - x) && k < 1000.0 {
        k += 1.0;
        term *= (k - b) / k * x;
        sum += a * term / (a + k);
    }
    let upper = -ln_scale.exp_m1() - ln_scale.exp() * sum;
    let density = a * (b * (-x).ln_1p()).exp();
    Split { holds_lower: true, ln_scale, factor: 1.0 + sum, density, other: Some(upper.max(0.0)) }
}

/// Returns `a ln(x0 / x) + b ln(y0 / y)` with the mean `x0 = a / (a + b)`: two terms, neither negative.
pub(super) fn kernel_exponent(a: f64, b: f64, Point { x, y, balance }: Point) -> f64 {
    let n = a + b;
    let deviation = |weight: f64, relative: f64, ratio: f64| {
        let near = (-0.5..=1.0).contains(&relative);
        weight * if near { -ln_1p_minus(relative) } else { relative - ratio.ln() }
    };
    deviation(a, balance / a, n * (x / a)) + deviation(b, -balance / b, n * (y / b))
}

/// Returns `ln [x^a y^b / B(a, b)]` in the saddle-point form of Loader (2000).
///
/// Each term is small where the value is not small, so nothing cancels at a = 5e11.
pub(crate) fn ln_beta_kernel(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let at = Point::from_both(a, b, x, y);
    let n = a + b;
    let exponent = kernel_exponent(a, b, at);
    0.5 * (a * (b / n)).ln() - HALF_LN_TAU + stirling_error(n)
        - stirling_error(a)
        - stirling_error(b)
        - exponent
}

/// Returns `ln B(a, b)`.
pub(crate) fn ln_beta(a: f64, b: f64) -> f64 {
    let (small, large) = (a.min(b), a.max(b));
    if large < 10.0 {
        return ln_gamma(small) - (ln_gamma(small + large) - ln_gamma(large));
    }
    let ratio = small / large;
    let stirling = stirling_error(large) - stirling_error(small + large);
    if small < 1.0 {
        return ln_gamma_1p(small) - small.ln() - ln_gamma_step(small, large);
    }
    // ln Γ(small) - small ln(large) + ..., with the powers gathered so that equal large terms cancel exactly.
    0.5 * (std::f64::consts::TAU / small).ln()
        + stirling_error(small)
        + stirling
        + small * (ratio / (1.0 + ratio)).ln()
        - (large - 0.5) * ratio.ln_1p()
}

/// Returns the continued fraction `f` with `I_x(a, b) = kernel / f`, for `lambda = a y - b x >= 0`.
fn tail_fraction(a: f64, b: f64, x: f64, y: f64, lambda: f64) -> f64 {
    let first = a / (a + 1.0) * (lambda + 1.0);
    iterate(first, |n| {
        let scale = a + 2.0 * n - 1.0;
        let weight = n * (b - n) * x;
        let numerator = ((a + n - 1.0) / scale) * ((a + b + n - 1.0) / scale) * weight * x;
        let denominator = n + weight / scale + (a + n) / (a + 2.0 * n + 1.0) * (lambda + 1.0 + n * (1.0 + y));
        (numerator, denominator)
    })
}

/// Returns the odds `x / (1 - x)` of the quantile; zero or infinite where `x` or `1 - x` underflows.
pub(crate) fn beta_odds_quantile(a: f64, b: f64, target: Target) -> f64 {
    if a > b {
        return 1.0 / smaller_shape_odds(b, a, target.mirrored());
    }
    smaller_shape_odds(a, b, target)
}

fn smaller_shape_odds(a: f64, b: f64, target: Target) -> f64 {
    let n = a + b;
    let width = (1.0 / a + 1.0 / b).sqrt();
    let z = target.normal();
    let asymmetry = (b - a) / n;
    let tau = z - width * asymmetry / 3.0;
    let e = tau * width;
    // Wilson and Hilferty's (1931) cube, to which the skewness of the logit reduces when one shape is large.
    let bend = asymmetry / 3.0;
    let centred = if bend > 1e-3 { (bend * e).max(-0.95).ln_1p() / bend } else { e };
    let mut start = (a / b) * centred.clamp(-690.0, 690.0).exp();
    if a < 5.0 || e < -1.0 {
        // The power law I = x^a / (a B(a, b)) of the lower tail where it holds.
        let ln_x = (target.ln_lower() + a.ln() + ln_beta(a, b)) / a;
        if ln_x < -745.2 {
            return 0.0;
        }
        let x = ln_x.exp();
        if n * x < 0.3 * (a + 1.0) && x < 0.3 {
            start = x * (1.0 + (b - 1.0) * x / (a + 1.0)).max(0.5) / (1.0 - x);
        }
    }
    if b < 5.0 || e > 1.0 {
        let ln_y = (target.ln_upper() + b.ln() + ln_beta(a, b)) / b;
        if ln_y < -745.2 {
            return f64::INFINITY;
        }
        let y = ln_y.exp();
        if n * y < 0.3 * (b + 1.0) && y < 0.3 {
            start = (1.0 - y) / (y * (1.0 + (a - 1.0) * y / (b + 1.0)).max(0.5));
        }
    }
    let lower = target.is_lower();
    solve(start, target.ln(), lower, |odds| {
        let at = Point::from_odds(a, b, odds);
        let split = split(a, b, at);
        let ln_tail = if lower { split.ln_lower() } else { split.ln_upper() };
        Here { ln_tail, hazard: split.hazard(lower), slope: -at.balance }
    })
}

/// The power series is taken where its terms fall at least this fast.
const QUICK_RATIO: f64 = 0.55;

/// Up to this `b x` the series for `a < 1` is used.
const SMALL_LIMIT: f64 = 1.5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: mpmath, 40 digits.
    #[test]
    fn beta_cdf_agrees_with_mpmath() {
        let check = |x: f64, a: f64, b: f64, want: f64, tolerance: f64| {
            close(incomplete_beta(a, b, x, 1.0 - x).ln_lower.exp(), want, tolerance);
        };
        check(0.07891579271895235, 120.0, 880.0, 3.7896723642202375e-06, 1e-11);
        check(0.10972894817973808, 120.0, 880.0, 0.15854552863151894, 1e-12);
        check(0.12, 120.0, 880.0, 0.5098366745717474, 1e-12);
        check(0.050667838513788296, 52000.0, 948000.0, 7.340692649539357e-10, 1e-9);
        check(0.05111189234252553, 52000.0, 948000.0, 2.9050421714991186e-05, 1e-9);
        check(0.49787868018677023, 1e6, 1e6, 9.864372766345144e-10, 1e-9);
        check(0.500353553302205, 1e6, 1e6, 0.8413446855758903, 1e-10);
        check(0.2868844657138922, 0.01, 0.02, 0.6607645451653255, 1e-12);
        check(0.03225806451612903, 1.0, 30.0, 0.6260729988426404, 1e-12);
        check(0.21966048449390727, 1.0, 30.0, 0.9994131758349147, 1e-13);
        check(0.5, 1e6, 1e6, 0.5, 1e-10);
    }
}
