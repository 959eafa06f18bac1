//! A bracketed root, found in bounded time.

/// Finds a sign change of `f` between `low` and `high`, to a relative step of a few ulp.
///
/// Chandrupatla (1997): inverse quadratic interpolation where the function is smooth enough, else bisection, so it
/// converges for any function; infinite values at the ends are allowed. The ends need not be evaluated by the
/// caller; without a sign change it returns an end.
pub(super) fn root(f: impl Fn(f64) -> f64, low: f64, high: f64) -> f64 {
    let (mut a, mut b) = (high, low);
    let (mut f_a, mut f_b) = (f(a), f(b));
    if (f_a > 0.0) == (f_b > 0.0) {
        return if f_a.abs() < f_b.abs() { a } else { b };
    }
    let mut t = 0.5;
    for _ in 0..MAX_STEPS {
        let x = a + t * (b - a);
        let f_x = f(x);
        let (c, f_c);
        if (f_x > 0.0) == (f_a > 0.0) {
            (c, f_c) = (a, f_a);
        } else {
            (c, f_c) = (b, f_b);
            (b, f_b) = (a, f_a);
        }
        (a, f_a) = (x, f_x);
        let (best, f_best) = if f_a.abs() < f_b.abs() { (a, f_a) } else { (b, f_b) };
        let narrowest = (2.0 * f64::EPSILON * best.abs() + f64::MIN_POSITIVE) / (b - a).abs();
        if f_best == 0.0 || narrowest >= 0.5 || !narrowest.is_finite() {
            return best;
        }
        let (xi, phi) = ((a - b) / (c - b), (f_a - f_b) / (f_c - f_b));
        let smooth = phi * phi < xi && (1.0 - phi) * (1.0 - phi) < 1.0 - xi;
        t = 0.5;
        if smooth {
            let quadratic = f_a / (f_b - f_a) * (f_c / (f_b - f_c))
                + (c - a) / (b - a) * (f_a / (f_c - f_a)) * (f_b / (f_c - f_b));
            if quadratic.is_finite() {
                t = quadratic;
            }
        }
        t = t.clamp(narrowest, 1.0 - narrowest);
    }
    if f_a.abs() < f_b.abs() { a } else { b }
}

/// Bisection alone needs about 1,100 steps from 1 to the smallest double; roots here need about 15.
const MAX_STEPS: u32 = 300;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    #[test]
    fn finds_roots_of_smooth_steep_and_infinite_functions() {
        close(root(|x| x * x - 2.0, 0.0, 2.0), std::f64::consts::SQRT_2, 1e-15);
        close(root(|x| 1.0 / x - 1e9, 0.0, 1.0), 1e-9, 1e-14);
        close(root(|x| (x - 0.3).signum(), 0.0, 1.0), 0.3, 1e-15);
        close(root(|x| 0.7 / x - 0.3 / (1.0 - x), 0.0, 1.0), 0.7, 1e-15);
        assert!(root(|x| x + 1.0, 0.0, 1.0).abs() < 1e-300);
    }
}
