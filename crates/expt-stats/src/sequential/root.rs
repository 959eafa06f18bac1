//! The one root finder of this module.

/// Returns the point where `f` changes its sign between `low` and `high`, to about two ulp.
///
/// Chandrupatla (1997): inverse quadratic interpolation where it is safe, bisection otherwise. Never more than
/// [`MAX_STEPS`] evaluations. If both ends have the same sign, the end nearer to a root is returned.
pub(crate) fn find_root(mut f: impl FnMut(f64) -> f64, low: f64, high: f64) -> f64 {
    let (mut a, mut b) = (low, high);
    let (mut fa, mut fb) = (f(a), f(b));
    if fa == 0.0 || same_sign(fa, fb) && fa.abs() <= fb.abs() {
        return a;
    }
    if fb == 0.0 || same_sign(fa, fb) {
        return b;
    }
    let mut share = 0.5;
    for _ in 0..MAX_STEPS {
        let x = a + share * (b - a);
        let fx = f(x);
        let (c, fc) = if same_sign(fx, fa) {
            (a, fa)
        } else {
            let old = (b, fb);
            (b, fb) = (a, fa);
            old
        };
        (a, fa) = (x, fx);
        let (best, f_best) = if fa.abs() < fb.abs() { (a, fa) } else { (b, fb) };
        let limit = (f64::EPSILON * best.abs()).max(f64::MIN_POSITIVE) / (b - a).abs();
        if f_best == 0.0 || limit >= 0.5 {
            return best;
        }
        let (place, value) = ((a - b) / (c - b), (fa - fb) / (fc - fb));
        let smooth = value * value < place && (1.0 - value) * (1.0 - value) < 1.0 - place;
        share = if smooth {
            fa / (fb - fa) * (fc / (fb - fc)) + (c - a) / (b - a) * (fa / (fc - fa)) * (fb / (fc - fb))
        } else {
            0.5
        };
        share = if share.is_finite() { share.clamp(limit, 1.0 - limit) } else { 0.5 };
    }
    0.5 * (a + b)
}

/// Doubles `start` until `f` is positive there, or gives up at `f64::MAX`.
pub(crate) fn bracket_above(mut f: impl FnMut(f64) -> f64, start: f64) -> f64 {
    let mut high = start.max(f64::MIN_POSITIVE);
    while high < f64::MAX / 4.0 && f(high) < 0.0 {
        high *= 2.0;
    }
    high
}

/// Returns the place of the least value of a unimodal function between `low` and `high`, by golden sections.
///
/// The place is good to about the square root of the precision, the value there to all of it.
pub(crate) fn minimise(mut f: impl FnMut(f64) -> f64, low: f64, high: f64) -> f64 {
    let (mut a, mut b) = (low, high);
    let mut x = [b - GOLDEN * (b - a), a + GOLDEN * (b - a)];
    let mut fx = x.map(&mut f);
    for _ in 0..MINIMISE_STEPS {
        if fx[0] < fx[1] {
            b = x[1];
            x = [b - GOLDEN * (b - a), x[0]];
            fx = [f(x[0]), fx[0]];
        } else {
            a = x[0];
            x = [x[1], a + GOLDEN * (b - a)];
            fx = [fx[1], f(x[1])];
        }
    }
    0.5 * (a + b)
}

fn same_sign(a: f64, b: f64) -> bool {
    (a < 0.0) == (b < 0.0)
}

/// Upper bound on the evaluations; bisection alone needs 64 at most between neighbouring powers of two.
const MAX_STEPS: u32 = 200;

/// Shrinks the bracket to 1e-10 of its width.
const MINIMISE_STEPS: u32 = 48;
/// `(sqrt 5 - 1) / 2`.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    #[test]
    fn smooth_steep_and_flat_functions() {
        close(find_root(|x| x * x - 2.0, 0.0, 2.0), std::f64::consts::SQRT_2, 1e-15);
        close(find_root(|x| x.powi(9), -1.0, 2.0).abs(), 0.0, 1e-30);
        close(find_root(|x| if x < 0.3 { -1.0 } else { 1e9 }, 0.0, 1.0), 0.3, 1e-14);
        close(find_root(|x| (x - 1e-9).exp_m1(), -5.0, 700.0), 1e-9, 1e-9);
        close(find_root(|x| x - 1e300, 0.0, f64::MAX), 1e300, 1e-14);
    }

    #[test]
    fn the_least_value_is_found() {
        let at = minimise(|x| (x - 0.3).powi(2), 0.0, 1.0);
        assert!((at - 0.3).abs() < 1e-8);
        assert!(minimise(|x| x, 2.0, 3.0) < 2.0 + 1e-9);
    }

    #[test]
    fn without_a_change_of_sign_the_better_end_is_returned() {
        close(find_root(|x| x + 1.0, 0.0, 5.0), 0.0, 0.0);
        close(find_root(|x| -1.0 / x, 1.0, 5.0), 5.0, 0.0);
        close(bracket_above(|x| x - 100.0, 1.0), 128.0, 0.0);
    }
}
