//! The score statistics of two proportions, with the nuisance rate estimated under the null hypothesis.

use super::counts::{Counts, difference};
use super::root::root;

/// Two arms whose rates are compared by a score statistic.
///
/// With `correction` the variance carries Miettinen and Nurminen's (1985) factor `N / (N - 1)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Score {
    control: Counts,
    treatment: Counts,
    factor: f64,
}

impl Score {
    pub(super) fn new(control: &Counts, treatment: &Counts, correction: bool) -> Self {
        let n = control.count() as f64 + treatment.count() as f64;
        let factor = if correction && n > 1.0 { n / (n - 1.0) } else { 1.0 };
        Self { control: *control, treatment: *treatment, factor }
    }

    /// Returns the standard error of the difference when the difference is `null`.
    pub(super) fn difference_error(&self, null: f64) -> f64 {
        let (p_c, p_t) = self.rates_at_difference(null);
        let variance = |p: f64, counts: &Counts| p * (1.0 - p) / counts.count() as f64;
        ((variance(p_c, &self.control) + variance(p_t, &self.treatment)) * self.factor).max(0.0).sqrt()
    }

    /// Returns the interval of the difference: where the statistic is within `z`.
    pub(super) fn difference_bounds(&self, z: f64) -> (f64, f64) {
        let observed = difference(&self.control, &self.treatment);
        let gap = |null: f64, sign: f64| {
            let error = self.difference_error(null);
            let away = sign * (observed - null);
            if error > 0.0 {
                away / error - z
            } else if away > 0.0 {
                f64::INFINITY
            } else {
                -z
            }
        };
        let lower = if observed <= -1.0 { -1.0 } else { root(|null| gap(null, 1.0), -1.0, observed) };
        let upper = if observed >= 1.0 { 1.0 } else { root(|null| gap(null, -1.0), observed, 1.0) };
        (lower, upper)
    }

    /// Returns the most likely rates of control and treatment whose difference is `null`.
    fn rates_at_difference(&self, null: f64) -> (f64, f64) {
        let pair = |counts: &Counts| (counts.events() as f64, counts.count() as f64);
        let flip = |(x, n): (f64, f64)| (n - x, n);
        let (mut c, mut t, mut null) = (pair(&self.control), pair(&self.treatment), null);
        // Small rates keep their digits, rates near one do not: look at the rarer outcome.
        let rare = c.0 + t.0 <= 0.5 * (c.1 + t.1);
        if !rare {
            (c, t, null) = (flip(c), flip(t), -null);
        }
        let (p_c, p_t) = if null >= 0.0 {
            let p = smaller_rate(c, t, null);
            (p, p + null)
        } else {
            let p = smaller_rate(t, c, -null);
            (p - null, p)
        };
        if rare { (p_c, p_t) } else { (1.0 - p_c, 1.0 - p_t) }
    }

    /// Returns the interval of the ratio treatment / control; the upper bound may be infinite.
    pub(super) fn ratio_bounds(&self, z: f64) -> (f64, f64) {
        let statistic = |ln_ratio: f64| self.ratio_statistic(ln_ratio);
        let (none_c, none_t) = (self.control.events() == 0, self.treatment.events() == 0);
        positive_bounds(statistic, z, none_t, none_c)
    }

    /// Returns the interval of the odds ratio; the upper bound may be infinite.
    pub(super) fn odds_bounds(&self, z: f64) -> (f64, f64) {
        let statistic = |ln_odds: f64| self.odds_statistic(ln_odds.exp());
        let zero = self.treatment.events() == 0 || self.control.others() == 0;
        let infinite = self.control.events() == 0 || self.treatment.others() == 0;
        positive_bounds(statistic, z, zero, infinite)
    }

    /// Miettinen and Nurminen's statistic of the ratio of rates.
    ///
    /// The restricted rate p of the control and its complement q both solve a quadratic with the same discriminant;
    /// each is taken from its own, so that neither a rare event nor a rare non-event loses its digits.
    fn ratio_statistic(&self, ln_ratio: f64) -> f64 {
        let (x_c, y_c, n_c) =
            (self.control.events() as f64, self.control.others() as f64, self.control.count() as f64);
        let (x_t, y_t, n_t) =
            (self.treatment.events() as f64, self.treatment.others() as f64, self.treatment.count() as f64);
        let (ratio, excess) = (ln_ratio.exp(), ln_ratio.exp_m1());
        let a = (n_c + n_t) * ratio;
        // p is the smaller root of a p^2 - b p + c, q the larger root of a q^2 - b' q + c'.
        let (b_p, c_p) = (n_t * ratio + x_t + n_c + x_c * ratio, x_c + x_t);
        let (b_q, c_q) = ((n_c + n_t) * excess + y_t + y_c * ratio, y_c * excess);
        let square = if b_p < b_q.abs() { b_p * b_p - 4.0 * a * c_p } else { b_q * b_q - 4.0 * a * c_q };
        let root = square.max(0.0).sqrt();
        let p_c = (2.0 * c_p / (b_p + root)).min(1.0);
        let q_c = if b_q >= 0.0 { (b_q + root) / (2.0 * a) } else { 2.0 * c_q / (b_q - root) };
        let q_c = q_c.clamp(0.0, 1.0);
        let p_t = (ratio * p_c).min(1.0);
        let q_t = if p_t < 0.5 { 1.0 - p_t } else { (ratio * q_c - excess).clamp(0.0, 1.0) };
        let variance = p_t * q_t / n_t + ratio * ratio * p_c * q_c / n_c;
        let distance = if x_c + x_t <= y_c + y_t {
            x_t / n_t - ratio * (x_c / n_c)
        } else {
            ratio * (y_c / n_c) - y_t / n_t - excess
        };
        standardise(distance, variance * self.factor)
    }

    /// Miettinen and Nurminen's statistic of the odds ratio.
    fn odds_statistic(&self, odds: f64) -> f64 {
        let (x_c, n_c) = (self.control.events() as f64, self.control.count() as f64);
        let (x_t, n_t) = (self.treatment.events() as f64, self.treatment.count() as f64);
        let events = x_c + x_t;
        // a p^2 + b p - events = 0 for the control's odds p / (1 - p) times `odds` in the treatment.
        let (a, b) = (n_c * (odds - 1.0), n_t * odds + n_c - events * (odds - 1.0));
        let p_c = 2.0 * events / (b + (b * b + 4.0 * a * events).max(0.0).sqrt());
        let p_c = p_c.clamp(f64::MIN_POSITIVE, 1.0);
        let p_t = (p_c * odds / (1.0 + p_c * (odds - 1.0))).clamp(f64::MIN_POSITIVE, 1.0);
        let information = |p: f64| p * (1.0 - p);
        let (i_c, i_t) = (information(p_c), information(p_t));
        // Both residuals are equal and opposite times n, so one of them carries the statistic.
        let residual = x_t - n_t * p_t;
        let variance = (1.0 / (n_t * i_t) + 1.0 / (n_c * i_c)) * self.factor;
        standardise(residual * (1.0 / (n_t * i_t) + 1.0 / (n_c * i_c)), variance)
    }
}

/// Inverts a statistic that decreases in the logarithm of its parameter; an empty cell makes a bound trivial.
fn positive_bounds(statistic: impl Fn(f64) -> f64, z: f64, zero: bool, infinite: bool) -> (f64, f64) {
    let bound = |target: f64| {
        let gap = |ln: f64| statistic(ln) - target;
        let mut reach = 1.0;
        while reach < LN_LIMIT && (gap(-reach) < 0.0 || gap(reach) > 0.0) {
            reach *= 2.0;
        }
        root(gap, -reach, reach).exp()
    };
    (if zero { 0.0 } else { bound(z) }, if infinite { f64::INFINITY } else { bound(-z) })
}

/// Divides by the standard error; zero by zero is zero.
fn standardise(value: f64, variance: f64) -> f64 {
    if value == 0.0 || value.is_nan() { 0.0 } else { value / variance.sqrt() }
}

/// Returns the most likely rate `u` of the first sample when the second one's is `u + gap`, `gap >= 0`.
///
/// The likelihood's derivative decreases in u, so a bracketed search cannot fail; the closed form (a cubic) loses
/// its digits for rare events in large samples.
fn smaller_rate(first: (f64, f64), second: (f64, f64), gap: f64) -> f64 {
    let ((x, n), (y, m)) = (first, second);
    if gap == 0.0 {
        return (x + y) / (n + m);
    }
    let term = |count: f64, rate: f64| if count > 0.0 { count / rate } else { 0.0 };
    // Rounding must not carry the last rate below zero, where its term would change sign.
    let rest = |u: f64| (1.0 - u - gap).max(0.0);
    let slope = |u: f64| term(x, u) - term(n - x, 1.0 - u) + term(y, u + gap) - term(m - y, rest(u));
    let top = 1.0 - gap;
    if top <= 0.0 || slope(0.0) <= 0.0 {
        0.0
    } else if slope(top) >= 0.0 {
        top
    } else {
        root(slope, 0.0, top)
    }
}

/// A ratio of counts cannot leave `e^±256`, whose square is still a number.
const LN_LIMIT: f64 = 256.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// The restricted rates maximise the likelihood among all rates with that difference.
    #[test]
    fn restricted_rates_are_most_likely() {
        let ln = |x: f64, p: f64| if x > 0.0 { x * p.ln() } else { 0.0 };
        for (x_c, n_c, x_t, n_t, null) in [
            (3, 40, 9, 50, 0.2),
            (0, 20, 0, 30, -0.1),
            (20, 20, 3, 30, 0.4),
            (0, 7, 7, 7, -0.9),
            (5, 9, 5, 9, 0.01),
        ] {
            let score = Score::new(&Counts::new(x_c, n_c).unwrap(), &Counts::new(x_t, n_t).unwrap(), true);
            let (best_c, best_t) = score.rates_at_difference(null);
            close(best_t - best_c, null, 1e-12);
            let likelihood = |p: f64, q: f64| {
                ln(x_c as f64, p)
                    + ln((n_c - x_c) as f64, 1.0 - p)
                    + ln(x_t as f64, q)
                    + ln((n_t - x_t) as f64, 1.0 - q)
            };
            let best = likelihood(best_c, best_t);
            for step in 0..=1000 {
                let p = f64::from(step) / 1000.0;
                let q = p + null;
                assert!(!(0.0..=1.0).contains(&q) || likelihood(p, q) <= best + 1e-9);
            }
        }
    }
}
