//! What the distributions share: the two tails of a point, and bounded iteration.

/// Both tails of a distribution at one point.
///
/// One tail is `exp(ln_scale) * factor`, without rounding it through a logarithm or a probability that may
/// underflow; the other is its complement, or `other` where the complement would lose digits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Split {
    /// Whether the tail held is the lower one.
    pub(super) holds_lower: bool,
    pub(super) ln_scale: f64,
    pub(super) factor: f64,
    /// The density of the logarithm (or logit) of the variable, over `exp(ln_scale)`.
    pub(super) density: f64,
    pub(super) other: Option<f64>,
}

impl Split {
    /// The distribution's end: all mass on one side.
    pub(super) const fn end(all_lower: bool) -> Self {
        Self { holds_lower: !all_lower, ln_scale: f64::MIN, factor: 1.0, density: 0.0, other: None }
    }

    pub(crate) fn lower(&self) -> f64 {
        if self.holds_lower { self.held() } else { self.complement() }
    }

    pub(crate) fn upper(&self) -> f64 {
        if self.holds_lower { self.complement() } else { self.held() }
    }

    /// Returns ln of the lower tail, between `f64::MIN` and 0.
    pub(crate) fn ln_lower(&self) -> f64 {
        if self.holds_lower { self.ln_held() } else { self.ln_complement() }
    }

    /// Returns ln of the upper tail, between `f64::MIN` and 0.
    pub(crate) fn ln_upper(&self) -> f64 {
        if self.holds_lower { self.ln_complement() } else { self.ln_held() }
    }

    /// Returns the same point seen from the other end of the axis.
    pub(super) const fn mirrored(self) -> Self {
        Self { holds_lower: !self.holds_lower, ..self }
    }

    /// Returns the density of the logarithm (or logit) of the variable over the tail.
    pub(super) fn hazard(&self, lower: bool) -> f64 {
        if lower == self.holds_lower {
            self.density / self.factor
        } else {
            self.density * self.ln_scale.exp() / self.complement()
        }
    }

    fn held(&self) -> f64 {
        (self.ln_scale.exp() * self.factor).min(1.0)
    }

    fn ln_held(&self) -> f64 {
        match self.other {
            Some(other) if other < 0.5 => (-other).ln_1p(),
            _ => (self.ln_scale + self.factor.ln()).clamp(f64::MIN, 0.0),
        }
    }

    fn complement(&self) -> f64 {
        self.other.unwrap_or_else(|| 1.0 - self.held())
    }

    fn ln_complement(&self) -> f64 {
        match self.other {
            Some(other) if other < 0.5 => other.ln().clamp(f64::MIN, 0.0),
            _ => (-self.held()).ln_1p().max(f64::MIN),
        }
    }
}

/// Both tails of a distribution at one point, as logarithms between `f64::MIN` and 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TailPair {
    pub(crate) ln_lower: f64,
    pub(crate) ln_upper: f64,
}

impl TailPair {
    pub(super) fn of(split: &Split) -> Self {
        Self { ln_lower: split.ln_lower(), ln_upper: split.ln_upper() }
    }
}

/// Returns `ln(1 - e^x)` for `x <= 0`, at least `f64::MIN` (Maechler 2012).
pub(crate) fn ln_1m_exp(x: f64) -> f64 {
    let value = if x > -std::f64::consts::LN_2 { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() };
    value.max(f64::MIN)
}

/// Evaluates a polynomial, lowest power first.
#[inline]
pub(super) fn polynomial<const N: usize>(coefficients: &[f64; N], x: f64) -> f64 {
    // Even and odd powers apart: two short chains of operations instead of a long one.
    let square = x * x;
    let mut pairs = coefficients.chunks(2).rev();
    let split = |pair: &[f64]| match pair {
        [first, second, ..] => (*first, *second),
        [first] => (*first, 0.0),
        [] => (0.0, 0.0),
    };
    // The highest pair begins the sums: adding it to zeros would take the time of another power.
    let (mut even, mut odd) = pairs.next().map_or((0.0, 0.0), split);
    for pair in pairs {
        let (first, second) = split(pair);
        even = even * square + first;
        odd = odd * square + second;
    }
    even + odd * x
}

/// Returns `ln(1 + a / b)` for `0 <= a <= b / 7`: twice the artanh of `a / (2 b + a)`, without a call.
#[inline]
pub(super) fn small_ln_1p(a: f64, b: f64) -> f64 {
    let ratio = a / (2.0 * b + a);
    let square = ratio * ratio;
    ratio * (2.0 + square * polynomial(&TWICE_ARTANH, square))
}

/// Returns `exp(x) - 1` for `0 <= x <= 1/7`, without a call.
#[inline]
pub(super) fn small_exp_m1(x: f64) -> f64 {
    x + x * x * polynomial(&INVERSE_FACTORIALS, x)
}

/// Evaluates `first + a1/(b1 + a2/(b2 + ...))` by the modified Lentz method, where `terms(n)` is
/// `(a_n, b_n)`.
pub(super) fn iterate(first: f64, terms: impl Fn(f64) -> (f64, f64)) -> f64 {
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

/// Sums `1 + r(0) + r(0) r(1) + ...` for ratios between 0 and 1 that do not grow beyond their limit below 1.
pub(super) fn sum_of_ratios(ratio: impl Fn(f64) -> f64) -> f64 {
    let (mut term, mut sum, mut k) = (1.0, 1.0, 0.0);
    while term > sum * (0.1 * f64::EPSILON) && k < MAX_STEPS {
        term *= ratio(k);
        sum += term;
        k += 1.0;
    }
    sum
}

/// What Newton's method knows at one point.
pub(super) struct Here {
    /// ln of the tail that is solved for.
    pub(super) ln_tail: f64,
    /// The density of ln v over that tail.
    pub(super) hazard: f64,
    /// The derivative of the ln density of ln v.
    pub(super) slope: f64,
}

/// Finds the `v > 0` where the ln of a tail is `ln_target`, by Halley's method on the logarithm of `v`.
///
/// With a log-concave density of ln v, ln of a tail is concave in ln v, so that Newton's method converges from
/// any start (from the far side it first jumps to the near one); Halley's correction, held between half and
/// infinite damping, makes the last step cubic. The cap only bounds the time.
pub(super) fn solve(start: f64, ln_target: f64, lower: bool, at: impl Fn(f64) -> Here) -> f64 {
    let sign = if lower { 1.0 } else { -1.0 };
    let mut v = start.clamp(f64::MIN_POSITIVE, f64::MAX);
    for _ in 0..MAX_NEWTON {
        let here = at(v);
        let excess = here.ln_tail - ln_target;
        let step = if here.hazard > 1e-290 {
            let newton = (-sign * excess / here.hazard).clamp(-1e6, 1e6);
            newton / (1.0 + 0.5 * newton * (here.slope - sign * here.hazard)).max(0.5)
        } else {
            -sign * excess.signum()
        };
        let before = v;
        v = (v * step.clamp(-690.0, 690.0).exp()).clamp(f64::MIN_POSITIVE, f64::MAX);
        let scale = 1.0 + here.hazard.max(here.slope.abs());
        if step.abs() * scale < 1e-5 || (v - before).abs() <= f64::EPSILON * v {
            break;
        }
    }
    v
}

/// `2 / (2k + 3)`: what follows 2 in the series of `2 artanh(r) / r` in `r^2`.
const TWICE_ARTANH: [f64; 6] = [2.0 / 3.0, 2.0 / 5.0, 2.0 / 7.0, 2.0 / 9.0, 2.0 / 11.0, 2.0 / 13.0];

/// `1 / k!` from k = 2 on.
const INVERSE_FACTORIALS: [f64; 10] = [
    0.5,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5_040.0,
    1.0 / 40_320.0,
    1.0 / 362_880.0,
    1.0 / 3_628_800.0,
    1.0 / 39_916_800.0,
];

/// `ln(2 π) / 2`.
pub(super) const HALF_LN_TAU: f64 = 0.918_938_533_204_672_7;

/// `sqrt(2 π)`.
pub(super) const SQRT_TAU: f64 = 2.506_628_274_631_000_5;

/// Upper bound on the steps of a series or continued fraction; no argument in the tests comes near it.
const MAX_STEPS: f64 = 1e5;

/// More Newton steps than any argument in the tests needs.
const MAX_NEWTON: u32 = 200;
