//! The noncentral t and chi-square distributions, for power.

use super::discrete::poisson_ln_pmf;
use super::gamma;
use super::gamma::stirling_error;
use super::numeric::{HALF_LN_TAU, SQRT_TAU};
use super::{normal, quadrature};

/// Returns P(T > t) for `df > 0` and a finite shift.
pub(crate) fn t_sf(t: f64, df: f64, shift: f64) -> f64 {
    if t < 0.0 { mixture(-t, df, -shift, false) } else { mixture(t, df, shift, true) }
}

/// Returns P(T <= t) for `df > 0` and a finite shift.
pub(crate) fn t_cdf(t: f64, df: f64, shift: f64) -> f64 {
    if t < 0.0 { mixture(-t, df, -shift, true) } else { mixture(t, df, shift, false) }
}

/// Returns P(T > t) or P(T <= t) for `t >= 0`: the normal tail at `t s - shift`, averaged over the distribution of
/// `s = sqrt(chi^2 / df)`.
///
/// In `v = ln s` the integrand has one peak; it is integrated from there to both sides. All terms are positive,
/// so a small tail keeps its digits.
fn mixture(t: f64, df: f64, shift: f64, upper: bool) -> f64 {
    let sign = if upper { 1.0 } else { -1.0 };
    if t <= 0.0 || df > 1e18 {
        return normal::sf(sign * (t - shift));
    }
    if t.is_infinite() {
        return if upper { 0.0 } else { 1.0 };
    }
    let a = 0.5 * df;
    let distance =
        |v: f64| sign * if v.abs() < 0.5 { (t - shift) + t * v.exp_m1() } else { t * v.exp() - shift };
    let ln_density =
        2.0 * a.sqrt().ln() - 0.5 * a.ln() + std::f64::consts::LN_2 - HALF_LN_TAU - stirling_error(a);
    let ln_integrand = |v: f64| normal::ln_sf(distance(v)) + ln_density - a * exp_minus_tangent(2.0 * v);
    // Every stationary point is a maximum, so that the derivative changes its sign once.
    let slope = |v: f64| {
        let reach = t * v.exp();
        -sign * hazard(distance(v)) * reach - 2.0 * a * (2.0 * v).exp_m1()
    };
    let (mut low, mut high) = (-1.0, 1.0);
    while slope(low) < 0.0 && low > -700.0 {
        low *= 2.0;
    }
    while slope(high) > 0.0 && high < 350.0 {
        high *= 2.0;
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if slope(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    let peak = 0.5 * (low + high);
    let top = ln_integrand(peak);
    if top < -745.0 {
        return 0.0;
    }
    // A step of one standard deviation of the narrower factor at the peak.
    let reach = t * peak.exp();
    let h = hazard(distance(peak));
    let curvature = h * (h - distance(peak)) * reach * reach + 4.0 * a * (2.0 * peak).exp();
    let step = 1.0 / curvature.max(1e-6).sqrt();
    let f = |v: f64| (ln_integrand(v) - top).exp();
    let sum = quadrature::around(&f, peak, step);
    (sum * top.exp()).min(1.0)
}

/// Returns P(T1 > critical and T2 < -critical) for two t statistics with one standard deviation and means `above`
/// and `-below` standard errors: the power of two one-sided tests (Owen 1965).
pub(crate) fn between(critical: f64, df: f64, above: f64, below: f64) -> f64 {
    // Given s, Z must lie between critical s - above and below - critical s.
    let given = |s: f64| {
        let (low, high) = (critical * s - above, below - critical * s);
        if low >= high {
            return 0.0;
        }
        if low > 0.0 { normal::sf(low) - normal::sf(high) } else { normal::sf(-high) - normal::sf(-low) }
    };
    if df > 1e18 {
        return given(1.0);
    }
    let a = 0.5 * df;
    let ln_density = 0.5 * a.ln() + std::f64::consts::LN_2 - HALF_LN_TAU - stirling_error(a);
    let f = |v: f64| given(v.exp()) * (ln_density - a * exp_minus_tangent(2.0 * v)).exp();
    let width = 1.0 / (2.0 * df).sqrt();
    let last = if critical > 0.0 { (0.5 * (above + below) / critical).ln() } else { f64::INFINITY };
    if last.is_nan() {
        return 0.0;
    }
    let start = last.min(0.0);
    let left = quadrature::outwards(&f, start, -0.5 * width);
    let right = if last > 0.0 { quadrature::outwards(&f, 0.0, (0.5 * width).min(last)) } else { 0.0 };
    (left + right).min(1.0)
}

/// Returns the normal density over P(Z > x).
fn hazard(x: f64) -> f64 {
    if x > 0.0 {
        1.0 / (SQRT_TAU * normal::scaled_sf(x))
    } else {
        (-0.5 * x * x).exp() / (SQRT_TAU * normal::sf(x))
    }
}

/// Returns `e^x - 1 - x` without cancellation.
fn exp_minus_tangent(x: f64) -> f64 {
    if x.abs() > 0.5 {
        return x.exp_m1() - x;
    }
    let (mut term, mut sum, mut k) = (0.5 * x * x, 0.0, 2.0);
    while term.abs() > 1e-18 * sum {
        sum += term;
        k += 1.0;
        term *= x / k;
    }
    sum
}

/// Returns P(X > x) for chi-square with `df > 0` and noncentrality `shift >= 0`, at `x > 0`.
///
/// The Poisson mixture of central tails; the terms have one peak. The sum starts below it, where a term no longer
/// matters, with one incomplete gamma function, and goes up by additions only.
pub(crate) fn chi_square_sf(x: f64, df: f64, shift: f64) -> f64 {
    let (a, half, rate) = (0.5 * df, 0.5 * x, 0.5 * shift);
    if rate <= 0.0 {
        return gamma::split(a, half).upper();
    }
    if rate > LARGEST_RATE {
        return sankaran(x, df, shift);
    }
    let ln_term = |j: f64| poisson_ln_pmf(j, rate) + gamma::split(a + j, half).ln_upper();
    let (low, peak) = start_of(&ln_term, rate, half);
    let top = ln_term(peak);
    // Tail and its next increment, over exp(top).
    let mut weight = (poisson_ln_pmf(low, rate) - top).exp();
    let mut tail = gamma::split(a + low, half).upper();
    let mut increment = (poisson_ln_pmf(a + low, half)).exp();
    if !(weight.is_finite() && weight > 0.0 && tail > 0.0 && increment > 0.0) {
        // Out of the range of f64 at the start: term by term through logarithms.
        return by_logarithms(&ln_term, low, peak);
    }
    let (mut sum, mut j) = (0.0, low);
    loop {
        let term = weight * tail;
        sum += term;
        if (j > peak && term <= 1e-17 * sum) || j - low > MAX_TERMS {
            break;
        }
        tail += increment;
        j += 1.0;
        increment *= half / (a + j);
        weight *= rate / j;
    }
    (sum * top.exp()).min(1.0)
}

/// Returns a first index far enough below the largest term, and the index of that term.
fn start_of(ln_term: &impl Fn(f64) -> f64, rate: f64, half: f64) -> (f64, f64) {
    let (mut low, mut high) = (0.0, (rate + half + 10.0).ceil());
    while high - low > 1.0 {
        let middle = f64::floor(0.5 * (low + high));
        if ln_term(middle + 1.0) > ln_term(middle) { low = middle } else { high = middle }
    }
    let peak = if ln_term(high) > ln_term(low) { high } else { low };
    let floor = ln_term(peak) - 42.0;
    let (mut below, mut above) = (0.0, peak);
    while above - below > 1.0 {
        let middle = f64::floor(0.5 * (below + above));
        if ln_term(middle) < floor { below = middle } else { above = middle }
    }
    (below, peak)
}

fn by_logarithms(ln_term: &impl Fn(f64) -> f64, low: f64, peak: f64) -> f64 {
    let top = ln_term(peak);
    let (mut sum, mut j) = (0.0, low);
    while j - low < 1e6 {
        let term = (ln_term(j) - top).exp();
        sum += term;
        if j > peak && term <= 1e-17 * sum {
            break;
        }
        j += 1.0;
    }
    (sum * top.exp()).min(1.0)
}

/// The normal approximation of Sankaran (1963) to a power of the variable; error below 1e-9 where it is used.
fn sankaran(x: f64, df: f64, shift: f64) -> f64 {
    let (one, two, three) = (df + shift, df + 2.0 * shift, df + 3.0 * shift);
    let power = 1.0 - 2.0 * (one / two) * (three / two) / 3.0;
    let p = (two / one) / one;
    let m = (power - 1.0) * (1.0 - 3.0 * power);
    let centre = 1.0 + power * p * (power - 1.0 - 0.5 * (2.0 - power) * m * p);
    let spread = power * (2.0 * p).sqrt() * (1.0 + 0.5 * m * p);
    normal::sf(((power * (x / one).ln()).exp() - centre) / spread)
}

/// Above it the mixture has too many terms to be worth it.
const LARGEST_RATE: f64 = 5e9;

const MAX_TERMS: f64 = 5e6;
