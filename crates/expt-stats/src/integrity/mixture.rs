//! A finite mixture of normal distributions: the posterior of a sum when its spread is itself uncertain.

use crate::special::normal;

/// Holds weighted normal components; weights sum to one.
#[derive(Clone, Debug)]
pub(crate) struct Mixture {
    parts: Vec<Part>,
}

/// One component.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) weight: f64,
    pub(crate) mean: f64,
    pub(crate) variance: f64,
}

impl Mixture {
    /// Normalises components whose weights are given as logarithms, and drops those that cannot matter.
    pub(crate) fn from_ln_weights(parts: impl Iterator<Item = (f64, f64, f64)>) -> Self {
        let parts: Vec<(f64, f64, f64)> = parts.collect();
        let largest = parts.iter().fold(f64::NEG_INFINITY, |a, part| a.max(part.0));
        let near = parts.iter().filter(|part| part.0 > largest - NEGLIGIBLE);
        let near = near.map(|&(ln, mean, variance)| Part { weight: (ln - largest).exp(), mean, variance });
        let mut parts: Vec<Part> = near.collect();
        let total: f64 = parts.iter().map(|part| part.weight).sum();
        parts.iter_mut().for_each(|part| part.weight /= total);
        Self { parts }
    }

    pub(crate) fn mean(&self) -> f64 {
        self.parts.iter().map(|part| part.weight * part.mean).sum()
    }

    pub(crate) fn variance(&self) -> f64 {
        let mean = self.mean();
        let spread = |part: &Part| part.weight * (part.variance + (part.mean - mean).powi(2));
        self.parts.iter().map(spread).sum()
    }

    /// Returns P(X > x).
    pub(crate) fn sf(&self, x: f64) -> f64 {
        self.tail(x, 1.0)
    }

    /// Returns the smaller of both tails at `x`, exact also where it is tiny.
    pub(crate) fn smaller_tail(&self, x: f64) -> f64 {
        self.tail(x, 1.0).min(self.tail(x, -1.0))
    }

    /// Returns P(X > x), or P(X < x) if `sign` is -1.
    fn tail(&self, x: f64, sign: f64) -> f64 {
        let tail = |part: &Part| {
            let deviation = part.variance.sqrt();
            let gap = sign * (x - part.mean);
            // A point mass counts half at its own place, as a narrow normal would.
            let z = if deviation > 0.0 { gap / deviation } else { side(gap) };
            part.weight * normal::sf(z)
        };
        self.parts.iter().map(tail).sum::<f64>().clamp(0.0, 1.0)
    }

    /// Returns the x with P(X > x) = q, for `0 < q < 1`, by bisection within the span of the components.
    pub(crate) fn upper_quantile(&self, q: f64) -> f64 {
        let z = normal::upper_quantile(q);
        let reach = |part: &Part| part.mean + z * part.variance.sqrt();
        let mut low = self.parts.iter().map(reach).fold(f64::INFINITY, f64::min);
        let mut high = self.parts.iter().map(reach).fold(f64::NEG_INFINITY, f64::max);
        let (mut above, mut below) = (self.sf(low) - q, self.sf(high) - q);
        for step in 0..100 {
            // The secant is fast, the middle safe: take turns.
            let secant = low + (high - low) * (above / (above - below));
            let inside = step % 3 != 2 && secant > low && secant < high;
            let next = if inside { secant } else { 0.5 * (low + high) };
            let value = self.sf(next) - q;
            if value > 0.0 {
                (low, above) = (next, value);
                below *= 0.5; // Illinois: an end that stays is pulled in
            } else {
                (high, below) = (next, value);
                above *= 0.5;
            }
            if value == 0.0 || high - low <= 1e-12 * (high.abs() + low.abs()) || value.abs() < 1e-11 * q {
                return next;
            }
        }
        0.5 * (low + high)
    }

    /// Returns the distribution of `X + Y` with Y normal, independent, of this mean and variance.
    pub(crate) fn plus(mut self, mean: f64, variance: f64) -> Self {
        for part in &mut self.parts {
            part.mean += mean;
            part.variance += variance;
        }
        self
    }
}

fn side(x: f64) -> f64 {
    if x > 0.0 {
        f64::INFINITY
    } else if x < 0.0 {
        f64::NEG_INFINITY
    } else {
        0.0
    }
}

/// Components with a weight below `exp(-14)`, a millionth, of the largest are dropped.
const NEGLIGIBLE: f64 = 14.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: scipy 1.18 (`norm.sf`, `brentq`).
    #[test]
    fn tails_and_quantiles() {
        let parts = [(0.25_f64.ln(), 0.0, 1.0), (0.75_f64.ln(), 2.0, 0.25)];
        let mixture = Mixture::from_ln_weights(parts.into_iter());
        close(mixture.mean(), 1.5, 1e-14);
        close(mixture.variance(), 0.25 + 0.75 * 0.25 + 0.25 * 2.25 + 0.75 * 0.25, 1e-14);
        close(mixture.sf(1.0), 0.7726012145217299, 1e-12);
        close(mixture.smaller_tail(1.0), 1.0 - 0.7726012145217299, 1e-12);
        close(mixture.sf(mixture.upper_quantile(0.025)), 0.025, 1e-9);
        close(mixture.clone().plus(1.0, 0.0).sf(2.0), mixture.sf(1.0), 1e-14);
    }

    #[test]
    fn a_point_mass_is_no_trouble() {
        let mixture = Mixture::from_ln_weights([(0.0, 1.0, 0.0)].into_iter());
        close(mixture.upper_quantile(0.3), 1.0, 1e-12);
        assert_eq!((mixture.sf(0.0), mixture.sf(1.0), mixture.sf(2.0)), (1.0, 0.5, 0.0));
    }
}
