//! Student's t distribution for every positive number of degrees of freedom, infinity included.

use super::numeric::{Here, SQRT_TAU, Split, polynomial, small_exp_m1, small_ln_1p, solve, sum_of_ratios};
use super::target::Target;
use super::{Tail, normal, tables};

/// Returns P(T > t).
pub(crate) fn sf(t: f64, df: f64) -> f64 {
    if is_normal(t, df) {
        normal::sf(t)
    } else if t < 0.0 {
        1.0 - sf(-t, df)
    } else if let Some((exponent, factor)) = near_normal(t, df) {
        exponent.exp() * factor
    } else {
        tail(t, df).lower()
    }
}

/// Returns ln P(T > t), at least `f64::MIN`.
pub(crate) fn ln_sf(t: f64, df: f64) -> f64 {
    if is_normal(t, df) {
        normal::ln_sf(t)
    } else if t < 0.0 {
        (-sf(-t, df)).ln_1p()
    } else if let Some((exponent, factor)) = near_normal(t, df) {
        exponent + factor.ln()
    } else {
        tail(t, df).ln_lower()
    }
}

/// Returns the t with P(T > t) = q for `0 < q < 1`, at most `f64::MAX` in size.
pub(crate) fn upper_quantile(q: f64, df: f64) -> f64 {
    if q > 0.0 && q < 0.5 {
        let z = normal::upper_quantile(q);
        if is_quick(z * z, df) {
            return quick_quantile(z, df);
        }
    }
    match Target::new(Tail::Upper(q)) {
        Ok(target) => quantile(target, df),
        // Not reached for an open unit interval; the ends of the axis are what is meant.
        Err(_) => {
            if q > 0.5 {
                f64::MIN
            } else {
                f64::MAX
            }
        }
    }
}

/// Returns the quantile, at most `f64::MAX` in size.
pub(crate) fn quantile(target: Target, df: f64) -> f64 {
    let z = target.normal().abs();
    let far = if z <= 0.0 || is_normal(z, df) {
        z
    } else if is_quick(z * z, df) {
        quick_quantile(z, df)
    } else if near_the_median(target.distance(), df) {
        central_quantile(target.distance(), df)
    } else {
        tail_quantile(target, df, z)
    };
    if target.is_lower() { -far } else { far }
}

/// At these the correction `(t^4 + t^2) / (4 df)` of the exponent is below the last place.
fn is_normal(t: f64, df: f64) -> bool {
    df > 1e17 && (df.is_infinite() || t * t < 1e-17 * df)
}

/// Returns P(T > t) for `t >= 0` as `exp(exponent) * factor`, where no more is needed than `tau` (see [`tail`]): the
/// same number as of [`tail`], without what only a quantile needs.
fn near_normal(t: f64, df: f64) -> Option<(f64, f64)> {
    if df < ASYMPTOTIC_DF {
        return None;
    }
    let (scale, numerator) = (df - 0.5, t * t);
    let depth = if numerator < SMALL * df { small_ln_1p(numerator, df) } else { (t / df * t).ln_1p() };
    let square = scale * depth;
    if is_quick(square, df) {
        let stretch = expansion(1.0 / scale, square, &tables::STUDENT_TAIL);
        let z = square.sqrt() * (1.0 + stretch);
        if z < normal::CENTRE_LIMIT {
            return Some((0.0, normal::sf(z)));
        }
        return Some((-0.5 * square * (1.0 + stretch * (2.0 + stretch)), normal::scaled_sf(z)));
    }
    (depth <= 1.0).then(|| (-0.5 * square, central_tail(scale, depth)))
}

/// Returns the t whose upper tail is that of the normal `z`.
fn quick_quantile(z: f64, df: f64) -> f64 {
    let inverse = 1.0 / (df - 0.5);
    let tau = z * (1.0 + expansion(inverse, z * z, &tables::STUDENT_QUANTILE));
    let depth = tau * tau * inverse;
    (df * if depth < SMALL { small_exp_m1(depth) } else { depth.exp_m1() }).sqrt()
}

/// Whether four terms of the [`expansion`] leave less than 1e-15, for the square of its argument.
fn is_quick(square: f64, df: f64) -> bool {
    df > 60.0 && df > 7.0 * square && df.is_finite()
}

/// Returns by what share of itself `tau` (see [`tail`]) differs from the normal variable with the same tail, or that
/// from it, as a series in `1 / s^2`; takes `1 / s` for `s = df - 1/2`.
///
/// The density of tau says that each term solves `c' - x c = (what the ones before leave) + constant`, which has one
/// odd polynomial solution (after the idea of Hill 1970).
#[inline]
fn expansion(inverse_scale: f64, square: f64, terms: &tables::StudentTerms) -> f64 {
    let inverse = inverse_scale * inverse_scale;
    let near = polynomial(&terms.first, square) + inverse * polynomial(&terms.second, square);
    // There the other terms are below 1e-16.
    let far = if inverse_scale * (160.0 * (1.0 + square)) < 1.0 {
        0.0
    } else {
        polynomial(&terms.third, square) + inverse * polynomial(&terms.fourth, square)
    };
    inverse * (near + inverse * inverse * far)
}

/// Near the median the distance from one half has more digits than the tail; beyond `t^2 = df` the series is slow.
fn near_the_median(distance: f64, df: f64) -> bool {
    distance < 0.1 && distance < 0.4 * FRAC_1_SQRT_PI * half_step(0.5 * df)
}

/// Solves P(0 < T < t) = probability.
fn central_quantile(probability: f64, df: f64) -> f64 {
    // P(0 < T < t) is concave: from the left Newton's method cannot overshoot, and the density is known.
    let mut t = probability / (FRAC_1_SQRT_PI * half_step(0.5 * df) / df.sqrt());
    for _ in 0..MAX_NEWTON {
        let (here, density) = centre(t, df);
        let step = (probability - here) / density;
        // Halley: the ln density falls by (df + 1) t / (df + t^2).
        let bend = 0.5 * step * (df + 1.0) * t / (df + t * t);
        let step = step / (1.0 - bend).max(0.5);
        t += step;
        if step.abs() <= 1e-5 * t {
            break;
        }
    }
    t
}

/// Solves ln P(T > t) = target.
fn tail_quantile(target: Target, df: f64, z: f64) -> f64 {
    let start = start(target, df, z);
    solve(start, target.ln(), false, |t| {
        let split = tail(t, df);
        let ratio = t / df.sqrt();
        let square = ratio * ratio;
        // d ln(t f(t)) / d ln t.
        let slope = 1.0
            - (df + 1.0) * if square > 1.0 { 1.0 / (1.0 + 1.0 / square) } else { square / (1.0 + square) };
        Here { ln_tail: split.ln_lower(), hazard: split.density / split.factor, slope }
    })
}

/// Returns a first guess: the power law of the far tail, or the expansion of Hill (1970) about the normal.
fn start(target: Target, df: f64, z: f64) -> f64 {
    let a = 0.5 * df;
    // P(T > t) = y^(1/2) x^a K / (2 a) (1 + ...), x = df / (df + t^2).
    let ln_x = (target.ln() + (2.0 * a / half_step(a)).ln()) / a;
    if ln_x < -2.5 || df < 1.5 {
        // One more term: the ratio of the second to the first.
        let x = ln_x.min(-1e-3).exp();
        let correction = (1.0 + (a + 0.5) / (a + 1.0) * x) * (1.0 - x).max(0.1).sqrt();
        let ln_x = ln_x - correction.ln() / a;
        if ln_x < -60.0 {
            return (0.5 * (df.ln() - ln_x)).min(709.0).exp();
        }
        return (df * (-ln_x.min(-1e-3)).exp_m1()).sqrt();
    }
    // Hill's y: the normal quantile to the variable in which t is nearly normal.
    let scale = df - 0.5;
    let square = z * z;
    let b = 48.0 * scale * scale;
    let tau = if square > 1e6 {
        z
    } else {
        z / (1.0 + (square + 3.0) / b
            - (((0.4 * square + 3.3) * square + 24.0) * square + 85.5)
                / (b * (b + 0.8 * square * square + 100.0)))
    };
    (df * (tau * tau / scale).exp_m1()).sqrt()
}

/// Returns P(0 < T < t) and the density at t, for `t >= 0`.
fn centre(t: f64, df: f64) -> (f64, f64) {
    let square = t * t;
    let a = 0.5 * df;
    let constant = half_step(a) / (2.0 * a).sqrt();
    let depth = (square / df).ln_1p();
    let density = constant * (-(a + 0.5) * depth).exp() * FRAC_1_SQRT_PI;
    if df < ASYMPTOTIC_DF || depth > 1.0 {
        let y = square / (df + square);
        // The series of `I_y(1/2, a) / 2`, all terms positive.
        return (density * t * sum_of_ratios(|k| (a + 0.5 + k) / (1.5 + k) * y), density);
    }
    let scale = df - 0.5;
    let tau = (scale * depth).sqrt();
    let decay = (-0.5 * scale * depth).exp();
    let mut moment = SQRT_TAU * normal::centre(tau);
    let (mut sum, mut power, mut order) = (moment, tau / scale * decay, 1.0);
    for coefficient in tables::STUDENT_SERIES.iter().skip(1) {
        for _ in 0..2 {
            moment = order / scale * moment - power;
            power *= depth;
            order += 2.0;
        }
        let term = coefficient * moment;
        sum += term;
        if term.abs() <= 1e-17 * sum {
            break;
        }
    }
    (normalisation(scale) * sum, density)
}

/// Splits `2 P(T > t) = I_x(df/2, 1/2)` for `t >= 0`, as a lower tail of `x = df / (df + t^2)`.
///
/// In `tau^2 = (df - 1/2) ln(1 + t^2/df)` the tail is `∫ exp(-tau^2/2) sqrt((L/2)/sinh(L/2)) dtau` up to a
/// factor, with `L = tau^2 / (df - 1/2)`; the root has a series in `L^2` (the basis of Hill 1970), integrated
/// term by term against normal moments. Smaller degrees of freedom are first raised by two at a time, which adds
/// positive terms; far out (L > 1) these terms alone are the whole tail.
fn tail(t: f64, df: f64) -> Split {
    let a = 0.5 * df;
    let ratio = t / df.sqrt();
    let depth = if ratio > 1e8 { 2.0 * t.ln() - df.ln() } else { (ratio * ratio).ln_1p() };
    if !depth.is_finite() {
        return Split::end(false);
    }
    let (x, y) = ((-depth).exp(), -(-depth).exp_m1());
    // t times the density, over exp(ln_scale).
    let density = half_step(a) * y.sqrt() * FRAC_1_SQRT_PI;
    let held = |factor: f64| Split {
        holds_lower: true,
        ln_scale: (-a * depth).max(f64::MIN),
        factor,
        density,
        other: None,
    };
    if depth > 1.0 {
        return held(0.5 * density / a * sum_of_ratios(|k| (a + 0.5 + k) / (a + 1.0 + k) * x));
    }
    if df >= ASYMPTOTIC_DF {
        return held(central_tail(df - 0.5, depth) * (0.25 * depth).exp());
    }
    let steps = (0.5 * (ASYMPTOTIC_DF - df)).ceil();
    let (mut term, mut sum, mut k) = (1.0, 0.0, 0.0);
    while k < steps {
        sum += term;
        term *= (a + 0.5 + k) / (a + 1.0 + k) * x;
        k += 1.0;
    }
    let scale = df + 2.0 * steps - 0.5;
    let rest = central_tail(scale, depth) * (-(steps - 0.25) * depth).exp();
    held(0.5 * density / a * sum + rest)
}

/// Returns the tail at `depth = ln(1 + t^2/df) <= 1` over `exp(-scale depth / 2)`, for `scale = df - 1/2`.
fn central_tail(scale: f64, depth: f64) -> f64 {
    let tau = (scale * depth).sqrt();
    let mut moment = SQRT_TAU * normal::scaled_sf(tau);
    let inverse = 1.0 / scale;
    let (mut sum, mut power, mut order) = (moment, tau * inverse, 1.0);
    for coefficient in tables::STUDENT_SERIES.iter().skip(1) {
        for _ in 0..2 {
            moment = power + order * inverse * moment;
            power *= depth;
            order += 2.0;
        }
        let term = coefficient * moment;
        sum += term;
        if term.abs() <= 1e-17 * sum {
            break;
        }
    }
    normalisation(scale) * sum
}

/// Returns the factor that makes the whole of the asymptotic integral one, for `scale = df - 1/2`.
fn normalisation(scale: f64) -> f64 {
    half_step_ratio(scale) / SQRT_TAU
}

/// Returns `Γ(a + 1/2) / Γ(a)`.
fn half_step(a: f64) -> f64 {
    let (mut at, mut product) = (a, 1.0);
    while at < 0.5 * ASYMPTOTIC_DF {
        product *= at / (at + 0.5);
        at += 1.0;
    }
    product * (at - 0.25).sqrt() * half_step_ratio(2.0 * at - 0.5)
}

/// Returns `Γ(a + 1/2) / (Γ(a) sqrt(a - 1/4))` for `scale = 2 a - 1/2`, an even series (Tricomi and Erdélyi
/// 1951).
fn half_step_ratio(scale: f64) -> f64 {
    let inverse = 1.0 / scale;
    1.0 / polynomial(&NORMALISER, inverse * inverse)
}

/// `1 / sqrt(π)`.
const FRAC_1_SQRT_PI: f64 = 0.564_189_583_547_756_3;

/// From this on the asymptotic series is used.
const ASYMPTOTIC_DF: f64 = 30.0;

/// Up to here there are short series of `ln(1 + x)` and `exp(x) - 1`.
const SMALL: f64 = 1.0 / 7.0;

/// More Newton steps than any argument needs.
const MAX_NEWTON: u32 = 60;

/// `(4k - 1)!!` times the coefficients of the series.
const NORMALISER: [f64; 8] = [
    1.0,
    -0.0625,
    0.041015625,
    -0.0819091796875,
    0.34393882751464844,
    -2.4912861585617065,
    27.665356937795877,
    -436.4199626853224,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// The expansions about the normal distribution meet the integral and Newton's method, which use none of them.
    #[test]
    fn the_quick_paths_agree_with_the_slow_ones() {
        for df in [60.5, 75.0, 160.6, 161.0, 400.0, 1e3, 54_321.5, 1e6, 1e9, 1e13] {
            for step in 0..400 {
                let z = 0.0005 + 0.05 * f64::from(step);
                if !is_quick(1.01 * z * z, df) {
                    break;
                }
                let (exponent, factor) = near_normal(z, df).unwrap();
                let slow = tail(z, df);
                close(exponent.exp() * factor, slow.lower(), 1e-13);
                close(exponent + factor.ln(), slow.ln_lower(), 1e-13);
                let target = Target::new(Tail::LnUpper(normal::ln_sf(z))).unwrap();
                let slow = if near_the_median(target.distance(), df) {
                    central_quantile(target.distance(), df)
                } else {
                    tail_quantile(target, df, z)
                };
                close(quick_quantile(target.normal().abs(), df), slow, 1e-13);
            }
        }
    }

    /// Source: mpmath, 40 digits.
    #[test]
    fn tails_agree_with_mpmath() {
        let check = |t: f64, df: f64, want: f64| close(sf(t, df), want, 1e-12);
        check(10000.0, 0.5, 0.0032070097517369715);
        check(0.1, 0.5, 0.4731658105643032);
        check(0.1, 1.0, 0.4682744825694464);
        check(20.0, 2.0, 0.0012453319461835485);
        check(1.96, 2.0, 0.09452865480086614);
        check(1e-06, 2.0, 0.4999996464466094);
        check(-2.2, 2.0, 0.92059551209603);
        check(10000.0, 3.7, 3.4591483738673173e-15);
        check(200.0, 3.7, 6.684931380286889e-09);
        check(10.0, 3.7, 0.0004119834209123212);
        check(3.0, 3.7, 0.022062942805759333);
        check(40.0, 5.0, 9.205981085886477e-08);
        check(20.0, 5.0, 2.887758186612086e-06);
        check(1.0, 5.0, 0.1816087338245613);
        check(10000.0, 10.0, 1.2304681860353134e-36);
        check(-4.5, 10.0, 0.999428447456598);
        check(3.0, 30.0, 0.002694982032825973);
        check(20.0, 100.0, 4.997133930668478e-37);
        check(1.96, 100.0, 0.026389450683114834);
        check(10.0, 1000.0, 8.335351479300033e-23);
        check(3.0, 12345.6, 0.001352591825169397);
        check(0.1, 1e6, 0.46017217274602157);
        check(1e-06, 1e6, 0.4999996010578193);
        check(10.0, 1e8, 7.620047315123921e-24);
        check(6.0, 1e8, 9.865910171576436e-10);
        check(0.1, 1e8, 0.46017216282320156);
        check(-4.5, 1e8, 0.9999966023230542);
    }

    /// Source: mpmath, 40 digits.
    #[test]
    fn quantiles_agree_with_mpmath() {
        let check = |p: f64, df: f64, want: f64| close(-upper_quantile(p, df), want, 1e-12);
        check(1e-20, 0.5, -1.0284911563163402e+39);
        check(1e-12, 0.5, -1.02849115631634e+23);
        check(0.1, 0.5, -10.270324410234505);
        check(0.05, 1.0, -6.313751514675043);
        check(0.3, 1.0, -0.7265425280053609);
        check(0.6, 1.0, 0.32491969623290623);
        check(0.3, 2.0, -0.6172133998483676);
        check(1e-100, 3.7, -1.314136047580498e+27);
        check(1e-05, 3.7, -27.675897978814678);
        check(0.001, 10.0, -4.143700494046589);
        check(0.9, 10.0, 1.3721836411103359);
        check(1e-12, 30.0, -11.397217523311411);
        check(0.1, 30.0, -1.3104150253913955);
        check(1e-05, 100.0, -4.478426902992736);
        check(0.45, 100.0, -0.12598088204153965);
        check(1e-20, 12345.6, -9.278643103348474);
        check(1e-12, 12345.6, -7.041681498157377);
        check(0.6, 12345.6, 0.2533525628053465);
        check(1e-50, 1e6, -14.934173857988045);
        check(0.01, 1e6, -2.3263516031208056);
        check(0.499, 1e6, -0.002506631526233507);
        check(0.9, 1e6, 1.2815524121299386);
        check(1e-05, 1e8, -4.264890998523436);
    }

    /// statrs 0.19.1 never returns at df = 1e8, the degrees of freedom of 5e7 units per arm.
    #[test]
    fn huge_degrees_of_freedom_approach_the_normal() {
        for q in [0.3, 0.025, 1e-6, 1e-200] {
            let z = normal::upper_quantile(q);
            for df in [1e10, 1e12, 1e15, 1e300] {
                // Peiser (1943): t = z + (z^3 + z) / (4 df) + ...
                close(upper_quantile(q, df), z + (z * z * z + z) / (4.0 * df), 1e-12);
            }
            close(upper_quantile(q, f64::INFINITY), z, 1e-15);
        }
        close(sf(2.0, 1e12), normal::sf(2.0), 1e-11);
    }

    #[test]
    fn quantile_inverts_the_tail_and_nothing_is_nan() {
        for df in [0.01, 0.3, 1.0, 2.5, 9.0, 77.0, 1e4, 1e9, 1e13] {
            let mut last = f64::INFINITY;
            for q in [1e-300, 1e-100, 1e-20, 1e-6, 0.01, 0.1, 0.199, 0.201, 0.4, 0.499999] {
                let t = upper_quantile(q, df);
                assert!(t.is_finite() && t <= last, "df {df} q {q} t {t}");
                last = t;
                if t < 1e300 {
                    close(ln_sf(t, df), q.ln(), 1e-11);
                }
            }
            for t in [0.0, 1e-300, 1e-9, 1.7, 1.8, 1e5, 1e160, f64::MAX, f64::INFINITY] {
                assert!(ln_sf(t, df).is_finite() && ln_sf(-t, df).is_finite(), "df {df} t {t}");
                close(sf(t, df) + sf(-t, df), 1.0, 1e-13);
            }
        }
    }
}
