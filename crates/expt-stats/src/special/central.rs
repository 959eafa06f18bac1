//! The tails of the beta and gamma distributions near their centre, when the parameters are large.

use super::numeric::SQRT_TAU;
use super::{normal, tables};

/// The expansion of an upper tail about the mode of the log (or logit) of the variable.
///
/// With `u` that logarithm, the density of `u` is `exp(-η^2 / 2)` in a variable `η(u)` whose derivative obeys a
/// differential equation; in `e = η * width` the Jacobian `G(e) = du/de` satisfies
/// `G - e G' = G^3 + asymmetry e G^2 - spread e^2 G`, `G(0) = 1`, which gives its Taylor coefficients one after
/// the other. Integrated term by term against the normal density, all moments being positive, this is the
/// uniform expansion of Temme (1982) without its cancellation at the centre; the nearest singularity is at
/// `|e| = 2 sqrt(π)`, for every shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Central {
    eta: f64,
    e: f64,
    width: f64,
}

impl Central {
    /// Takes the point with `exponent = η^2 / 2`, where the standard deviation of `u` at the mode is `width`
    /// (`sqrt(1/a + 1/b)`), or `None` where the expansion would be slow.
    pub(super) fn new(exponent: f64, width: f64) -> Option<Self> {
        let eta = (2.0 * exponent).sqrt();
        let e = eta * width;
        (width <= WIDEST && e <= FARTHEST).then_some(Self { eta, e, width })
    }

    /// Returns the tail of the gamma distribution over `exp(-exponent)` and the Stirling correction.
    pub(super) fn gamma(&self, upper: bool) -> f64 {
        let sign = if upper { 1.0 } else { -1.0 };
        let mut parity = 1.0;
        let coefficients = tables::GAMMA_JACOBIAN.iter().skip(1).map(|coefficient| {
            parity *= sign;
            coefficient * parity
        });
        self.integrate(coefficients)
    }

    /// Returns the tail of the beta distribution over `exp(-exponent)` and the Stirling correction, where
    /// `asymmetry = 1 - 2 mean` and `spread = mean (1 - mean)`, the mean being on this side's axis.
    pub(super) fn beta(&self, asymmetry: f64, spread: f64) -> f64 {
        let mut jacobian = [0.0; TERMS];
        let mut squared = [0.0; TERMS];
        jacobian[0] = 1.0;
        squared[0] = 1.0;
        self.integrate(
            (1..TERMS).map(|k| next_coefficient(k, asymmetry, spread, &mut jacobian, &mut squared)),
        )
    }

    fn integrate(&self, coefficients: impl Iterator<Item = f64>) -> f64 {
        let variance = self.width * self.width;
        // Moments of the normal tail of order k - 2 and k - 1, times width^k.
        let (mut before, mut last) = (0.0, SQRT_TAU * normal::scaled_sf(self.eta));
        let (mut sum, mut power, mut order) = (last, self.width, 0.0);
        let mut quiet = false;
        for coefficient in coefficients {
            let moment = power + order * variance * before;
            (before, last) = (last, moment);
            power *= self.e;
            order += 1.0;
            let term = coefficient * moment;
            sum += term;
            let small = term.abs() <= 1e-17 * sum;
            if small && quiet {
                break;
            }
            quiet = small;
        }
        sum / SQRT_TAU
    }
}

#[allow(clippy::indexing_slicing, reason = "k and the fixed lengths are from the one caller")]
fn next_coefficient(
    k: usize,
    asymmetry: f64,
    spread: f64,
    jacobian: &mut [f64; TERMS],
    squared: &mut [f64; TERMS],
) -> f64 {
    let backwards = || jacobian[1..k].iter().rev();
    let second: f64 = jacobian[1..k].iter().zip(backwards()).map(|(a, b)| a * b).sum();
    let third: f64 = squared[1..k].iter().zip(backwards()).map(|(a, b)| a * b).sum();
    let before = if k > 1 { jacobian[k - 2] } else { 0.0 };
    let right = second + third + asymmetry * squared[k - 1] - spread * before;
    let coefficient = -right / (k as f64 + 2.0);
    jacobian[k] = coefficient;
    squared[k] = 2.0 * coefficient + second;
    coefficient
}

/// More terms than the limits below need.
const TERMS: usize = 34;

/// `1/a + 1/b` may be at most the square of it.
const WIDEST: f64 = 0.16;

/// `e` may be at most this; the terms then fall by a factor of 6 each.
const FARTHEST: f64 = 0.6;
