//! Student's t distribution for every positive number of degrees of freedom, infinity included.

use super::beta::{ln_beta_kernel, tail_fraction};
use super::gamma::ln_gamma;
use super::{MAX_STEPS, ln_1m_exp, normal};

/// Returns P(T > t).
pub(crate) fn sf(t: f64, df: f64) -> f64 {
    if df.is_infinite() {
        normal::sf(t)
    } else if t < 0.0 {
        1.0 - sf(-t, df)
    } else if t * t < CENTRE_LIMIT {
        0.5 - centre(t, df).probability
    } else {
        tail(t.ln(), df).ln_sf.exp()
    }
}

/// Returns ln P(T > t), at least `f64::MIN`.
pub(crate) fn ln_sf(t: f64, df: f64) -> f64 {
    if df.is_infinite() {
        normal::ln_sf(t)
    } else if t < 0.0 {
        ln_1m_exp(ln_sf(-t, df))
    } else if t * t < CENTRE_LIMIT {
        sf(t, df).ln()
    } else if t.is_infinite() {
        f64::MIN
    } else {
        tail(t.ln(), df).ln_sf.clamp(f64::MIN, 0.0)
    }
}

/// Returns the t with P(T > t) = q for `0 < q < 1`, at most `f64::MAX` in size.
///
/// Near the median, Newton's method on the concave function P(0 < T < t); in the tail, on
/// ln P(T > e^s), which is concave in s. Both start at the normal quantile, left of the root; concavity
/// makes them converge from every start, and a fixed cap on the steps keeps them from ever hanging.
pub(crate) fn upper_quantile(q: f64, df: f64) -> f64 {
    if q > 0.5 {
        return -upper_quantile(1.0 - q, df);
    }
    let start = normal::upper_quantile(q);
    if df.is_infinite() || start <= 0.0 {
        return start.max(0.0);
    }
    if q > 0.2 && df >= 1.0 {
        return centre_quantile(0.5 - q, df, start);
    }
    let t = tail_quantile(q.ln(), df, start);
    if q > 0.2 && t * t < CENTRE_LIMIT { centre_quantile(0.5 - q, df, t) } else { t }
}

/// Solves P(0 < T < t) = probability.
fn centre_quantile(probability: f64, df: f64, start: f64) -> f64 {
    let mut t = start;
    for _ in 0..MAX_NEWTON {
        let here = centre(t, df);
        let step = (probability - here.probability) * t / here.kernel;
        t += step;
        if step.abs() <= f64::EPSILON * t {
            break;
        }
    }
    t
}

/// Solves ln P(T > e^s) = ln q and returns e^s.
fn tail_quantile(ln_q: f64, df: f64, start: f64) -> f64 {
    let mut s = start.ln();
    for _ in 0..MAX_NEWTON {
        let here = tail(s, df);
        let step = (here.ln_sf - ln_q) * (here.ln_sf - here.ln_kernel).exp();
        s += step;
        if step.abs() <= f64::EPSILON {
            break;
        }
    }
    s.exp().min(f64::MAX)
}

/// The centre of the distribution at one point.
struct Centre {
    /// P(0 < T < t).
    probability: f64,
    /// t times the density.
    kernel: f64,
}

/// Returns P(0 < T < t) for `t >= 0`: the series of `I_y(1/2, df/2) / 2`, all terms positive.
fn centre(t: f64, df: f64) -> Centre {
    let square = t * t;
    let (x, y) = (df / (df + square), square / (df + square));
    if y <= 0.0 {
        return Centre { probability: 0.0, kernel: 0.0 };
    }
    let kernel = ln_beta_kernel(0.5, 0.5 * df, y, x).exp();
    let (mut term, mut sum, mut k) = (1.0, 1.0, 0.0);
    while term > sum * f64::EPSILON * 0.1 && k < MAX_STEPS {
        term *= (0.5 * (df + 1.0) + k) / (1.5 + k) * y;
        sum += term;
        k += 1.0;
    }
    Centre { probability: kernel * sum, kernel }
}

/// The upper tail at one point.
struct Tail {
    /// ln P(T > t).
    ln_sf: f64,
    /// ln of t times the density.
    ln_kernel: f64,
}

/// Returns the tail at `t = e^s`, `I_x(df/2, 1/2) / 2` with `x = df / (df + t^2)`.
fn tail(s: f64, df: f64) -> Tail {
    let a = 0.5 * df;
    let ln_far = 2.0 * s - df.ln();
    if ln_far > 46.0 {
        // x < 1e-20: I_x(a, b) = x^a / (a B(a, b)) to the last bit, and t^2 may overflow.
        let ln_beta = ln_gamma(a) + ln_gamma(0.5) - ln_gamma(a + 0.5);
        let ln_kernel = -a * ln_far - ln_beta;
        return Tail { ln_sf: ln_kernel - df.ln(), ln_kernel };
    }
    let t = s.exp();
    let square = t * t;
    if square < CENTRE_LIMIT {
        let centre = centre(t, df);
        return Tail { ln_sf: (0.5 - centre.probability).ln(), ln_kernel: centre.kernel.ln() };
    }
    let (x, y) = (df / (df + square), square / (df + square));
    let ln_kernel = ln_beta_kernel(a, 0.5, x, y);
    // a y - x/2, written so that it stays exact at df = 1e12.
    let lambda = 0.5 * x * (square - 1.0);
    Tail { ln_sf: ln_kernel - tail_fraction(a, 0.5, x, y, lambda).ln() - std::f64::consts::LN_2, ln_kernel }
}

/// Below this `t^2` the series is used, above it the continued fraction.
const CENTRE_LIMIT: f64 = 3.0;

/// More Newton steps than any argument needs.
const MAX_NEWTON: u32 = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

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
