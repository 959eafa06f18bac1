//! The score interval of a difference with the numbers of statsmodels 0.15.0.
//!
//! Everything that shapes its digits is kept: the cubic with its wrong coefficient, the order of operations, the
//! bracket from Wald's interval, and a search by Brent's method that stops at an absolute 2e-12.

use super::counts::Counts;
use crate::level::Alpha;
use crate::special::normal;

/// Returns the bounds; where statsmodels raises an error for want of a sign change, the end of its bracket.
pub(super) fn bounds(control: &Counts, treatment: &Counts, alpha: Alpha) -> (f64, f64) {
    let arms = Arms {
        x_0: control.events() as f64,
        n_0: control.count() as f64,
        x_1: treatment.events() as f64,
        n_1: treatment.count() as f64,
    };
    let (p_0, p_1) = (arms.x_0 / arms.n_0, arms.x_1 / arms.n_1);
    let z = normal::upper_quantile(0.5 * alpha.get());
    let reach = z * (p_1 * (1.0 - p_1) / arms.n_1 + p_0 * (1.0 - p_0) / arms.n_0).sqrt();
    let observed = p_1 - p_0;
    let (low, high) = (observed - reach, observed + reach);
    let gap = |null: f64| 2.0 * normal::sf(arms.statistic(null).abs()) - alpha.get();
    let lower = brent(&gap, low - low.abs() * 0.25, observed);
    let upper = brent(&gap, observed, (high + high.abs() * 0.5).min(0.99999));
    (lower, upper)
}

/// Events and units of control (0) and treatment (1).
struct Arms {
    x_0: f64,
    n_0: f64,
    x_1: f64,
    n_1: f64,
}

impl Arms {
    fn statistic(&self, null: f64) -> f64 {
        let Self { x_0, n_0, x_1, n_1 } = *self;
        let (n, x) = (n_0 + n_1, x_0 + x_1);
        let p_0 = if null == 0.0 { x / n } else { self.rate(null, n, x) };
        let p_1 = if null == 0.0 { x / n } else { p_0 + null };
        let variance = (p_1 * (1.0 - p_1) / n_1 + p_0 * (1.0 - p_0) / n_0) * (n / (n - 1.0));
        let statistic = (x_1 / n_1 - x_0 / n_0 - null) / variance.sqrt();
        if statistic.is_nan() { f64::INFINITY } else { statistic }
    }

    /// Solves the cubic by its trigonometric form.
    fn rate(&self, null: f64, n: f64, x: f64) -> f64 {
        let square = (self.n_1 + 2.0 * self.n_0) * null - n - x;
        // Miettinen and Nurminen have the control's units where the first count of its events stands.
        let linear = (self.x_0 * null - n - 2.0 * self.x_0) * null + x;
        let constant = self.x_0 * null * (1.0 - null);
        let third = square / (3.0 * n);
        let q = third.powf(3.0) - linear * square / (6.0 * n.powf(2.0)) + constant / (2.0 * n);
        let p = q.signum() * (third.powf(2.0) - linear / (3.0 * n)).sqrt();
        let angle = (std::f64::consts::PI + (q / p.powf(3.0)).clamp(-1.0, 1.0).acos()) / 3.0;
        2.0 * p * angle.cos() - third
    }
}

/// Finds a root by the method of Brent (1973) with SciPy's default tolerances.
fn brent(f: &impl Fn(f64) -> f64, low: f64, high: f64) -> f64 {
    let (mut before, mut now) = (low, high);
    let (mut f_before, mut f_now) = (f(before), f(now));
    if (f_before > 0.0) == (f_now > 0.0) {
        return if f_before.abs() < f_now.abs() { before } else { now };
    }
    let (mut other, mut f_other) = (before, f_before);
    let (mut step, mut last_step) = (0.0, 0.0);
    for _ in 0..100 {
        if f_before != 0.0 && f_now != 0.0 && (f_before < 0.0) != (f_now < 0.0) {
            (other, f_other) = (before, f_before);
            step = now - before;
            last_step = step;
        }
        if f_other.abs() < f_now.abs() {
            (before, now, other) = (now, other, now);
            (f_before, f_now, f_other) = (f_now, f_other, f_now);
        }
        let tolerance = (2e-12 + 4.0 * f64::EPSILON * now.abs()) / 2.0;
        let half = (other - now) / 2.0;
        if f_now == 0.0 || half.abs() < tolerance {
            return now;
        }
        if last_step.abs() > tolerance && f_now.abs() < f_before.abs() {
            let guess = if before.total_cmp(&other).is_eq() {
                -f_now * (now - before) / (f_now - f_before)
            } else {
                let to_before = (f_before - f_now) / (before - now);
                let to_other = (f_other - f_now) / (other - now);
                -f_now * (f_other * to_other - f_before * to_before)
                    / (to_other * to_before * (f_other - f_before))
            };
            if 2.0 * guess.abs() < last_step.abs().min(3.0 * half.abs() - tolerance) {
                (last_step, step) = (step, guess);
            } else {
                (last_step, step) = (half, half);
            }
        } else {
            (last_step, step) = (half, half);
        }
        (before, f_before) = (now, f_now);
        now += if step.abs() > tolerance { step } else { tolerance.copysign(half) };
        f_now = f(now);
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: statsmodels 0.15.0 `confint_proportions_2indep(method="score")`, whose own search error is 1e-8 of the
    /// first bound.
    #[test]
    fn agrees_to_the_digits_that_are_wrong() {
        let counts = |events| Counts::new(events, 1_000_000).unwrap();
        let (_, upper) = bounds(&counts(3), &counts(15), Alpha::FIVE_PERCENT);
        close(upper, 2.207364806392595e-05, 1e-11);
        let arms = (Counts::new(273_946, 304_924).unwrap(), Counts::new(13_820, 15_246).unwrap());
        let (_, upper) = bounds(&arms.0, &arms.1, Alpha::new(0.1).unwrap());
        close(upper, 0.011976764530260696, 1e-11);
    }
}
