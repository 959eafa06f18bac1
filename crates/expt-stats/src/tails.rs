//! Both tails of the binomial, beta and gamma distributions as logarithms, and their quantiles.

use crate::special::beta::incomplete_beta;
use crate::special::gamma::incomplete_gamma;
use crate::special::{TailPair, normal};

/// Returns `ln P(X <= k)` and `ln P(X > k)` for X ~ Binomial(n, q), any integer `k`.
pub(crate) fn binomial(k: i64, n: u64, q: f64) -> TailPair {
    let all = TailPair { ln_lower: 0.0, ln_upper: f64::MIN };
    if k < 0 {
        return TailPair { ln_lower: f64::MIN, ln_upper: 0.0 };
    }
    let k = k.unsigned_abs();
    if k >= n || q <= 0.0 {
        return all;
    }
    if q >= 1.0 {
        return TailPair { ln_lower: f64::MIN, ln_upper: 0.0 };
    }
    let upper = incomplete_beta((k + 1) as f64, (n - k) as f64, q, 1.0 - q);
    TailPair { ln_lower: upper.ln_upper, ln_upper: upper.ln_lower }
}

/// Returns both tails of Beta(a, b) at `x = e^u / (1 + e^u)`.
pub(crate) fn logit_beta(u: f64, a: f64, b: f64) -> TailPair {
    let (x, y) = expit(u);
    if x <= 0.0 || y <= 0.0 {
        // Beyond the range of f64 the first term of the series is exact.
        let (ln_tail, lower) = if x <= 0.0 { (a * u, true) } else { (-b * u, false) };
        let ln_tail = ln_tail.clamp(f64::MIN, 0.0);
        let rest = crate::special::ln_1m_exp(ln_tail);
        return if lower {
            TailPair { ln_lower: ln_tail, ln_upper: rest }
        } else {
            TailPair { ln_lower: rest, ln_upper: ln_tail }
        };
    }
    incomplete_beta(a, b, x, y)
}

/// Returns `e^u / (1 + e^u)` and `1 / (1 + e^u)`.
pub(crate) fn expit(u: f64) -> (f64, f64) {
    let small = (-u.abs()).exp();
    let (less, more) = (small / (1.0 + small), 1.0 / (1.0 + small));
    if u < 0.0 { (less, more) } else { (more, less) }
}

/// Returns the x with P(X <= x) = p for X ~ Beta(a, b).
///
/// Bisection and secant steps (the method of Illinois) on the logit of `x` against the logarithm of the
/// smaller tail; bounded in time whatever the arguments.
pub(crate) fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    let target = |u: f64| {
        let tails = logit_beta(u, a, b);
        if p <= 0.5 { tails.ln_lower - p.ln() } else { (-p).ln_1p() - tails.ln_upper }
    };
    let (centre, spread) = ((a / b).ln(), (1.0 / a + 1.0 / b).sqrt());
    expit(increasing_root(centre, spread, target)).0
}

/// Returns the x with P(X <= x) = p for X ~ Gamma(shape, rate 1).
pub(crate) fn gamma_quantile(p: f64, shape: f64) -> f64 {
    let target = |u: f64| {
        let tails = ln_gamma_tails(u, shape);
        if p <= 0.5 { tails.ln_lower - p.ln() } else { (-p).ln_1p() - tails.ln_upper }
    };
    let z = -normal::upper_quantile(p);
    let spread = shape.recip().sqrt().max(1e-12);
    increasing_root(shape.ln() + z * spread.min(1.0), spread, target).exp()
}

/// Returns both tails of Gamma(shape, 1) at `e^u`.
pub(crate) fn ln_gamma_tails(u: f64, shape: f64) -> TailPair {
    let x = u.exp();
    if x <= 0.0 {
        return TailPair { ln_lower: (shape * u).clamp(f64::MIN, 0.0), ln_upper: 0.0 };
    }
    if x.is_infinite() {
        return TailPair { ln_lower: 0.0, ln_upper: f64::MIN };
    }
    incomplete_gamma(shape, x)
}

/// Solves `f(u) = 0` for an increasing `f`, from a guess and its scale.
pub(crate) fn increasing_root(guess: f64, scale: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high, mut step) = (guess, guess, scale);
    let (mut f_low, mut f_high) = (f(guess), f(guess));
    for _ in 0..MAX_DOUBLINGS {
        if f_low > 0.0 {
            (high, f_high) = (low, f_low);
            low -= step;
            f_low = f(low);
        } else if f_high < 0.0 {
            (low, f_low) = (high, f_high);
            high += step;
            f_high = f(high);
        } else {
            break;
        }
        step *= 2.0;
    }
    let mut side = 0;
    for round in 0..MAX_HALVINGS {
        let width = high - low;
        if width <= f64::EPSILON * (low.abs() + high.abs()) {
            break;
        }
        let secant = high - f_high * (width / (f_high - f_low));
        let usable = round % 8 != 7 && secant > low && secant < high;
        let middle = if usable { secant } else { low + 0.5 * width };
        let value = f(middle);
        if value == 0.0 || middle <= low || middle >= high {
            return middle;
        }
        if value > 0.0 {
            (high, f_high) = (middle, value);
            f_low *= if side > 0 { 0.5 } else { 1.0 };
            side = 1;
        } else {
            (low, f_low) = (middle, value);
            f_high *= if side < 0 { 0.5 } else { 1.0 };
            side = -1;
        }
    }
    low + 0.5 * (high - low)
}

/// Steps that widen a bracket; after as many doublings any f64 is reached.
const MAX_DOUBLINGS: u32 = 100;

/// Steps that narrow it; one in eight halves.
const MAX_HALVINGS: u32 = 600;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: scipy 1.17.1, `binom.cdf` and `binom.sf`.
    #[test]
    fn binomial_tails_agree_with_scipy() {
        close(binomial(1, 10, 0.5).ln_lower.exp(), 0.0107421875, 1e-13);
        close(binomial(8, 10, 0.5).ln_upper.exp(), 0.0107421875, 1e-13);
        close(binomial(-1, 10, 0.5).ln_upper, 0.0, 0.0);
        close(binomial(10, 10, 0.5).ln_lower, 0.0, 0.0);
        close(binomial(0, 10, 0.0).ln_lower, 0.0, 0.0);
    }

    #[test]
    fn quantiles_invert_the_tails() {
        for (a, b) in [(0.5, 0.5), (1.0, 1.0), (0.01, 3.0), (1e9, 2e8), (3.0, 1e12), (1e-3, 1e-3)] {
            for p in [1e-10, 0.025, 0.3, 0.5, 0.975, 1.0 - 1e-9] {
                let x = beta_quantile(p, a, b);
                assert!((0.0..=1.0).contains(&x), "{a} {b} {p} {x}");
                if x > 1e-300 && x < 1.0 - 1e-6 {
                    close(incomplete_beta(a, b, x, 1.0 - x).ln_lower.exp(), p, 1e-7);
                }
            }
        }
        for shape in [0.1, 1.0, 7.5, 1e4, 1e9] {
            for p in [1e-10, 0.025, 0.5, 0.975] {
                close(incomplete_gamma(shape, gamma_quantile(p, shape)).ln_lower.exp(), p, 1e-8);
            }
        }
    }
}
