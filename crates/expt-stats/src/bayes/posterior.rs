//! What the comparison of arms needs of a posterior.

use crate::level::Alpha;
use crate::tails::Tails;

/// The posterior of one arm's mean or rate; implemented by the posteriors of this module.
pub trait Posterior: sealed::Axis {
    /// Returns the posterior mean.
    fn mean(&self) -> f64;

    /// Returns the posterior variance.
    fn variance(&self) -> f64;

    /// Returns the x with posterior probability `p` below it, for `p` strictly between 0 and 1 (clamped to that).
    fn quantile(&self, p: f64) -> f64;

    /// Returns the posterior probability of at most `x`; 0 if `x` is not a number.
    fn cdf(&self, x: f64) -> f64 {
        if x.is_nan() { 0.0 } else { self.tails_of(x).ln_lower.exp() }
    }

    /// Returns the posterior probability of more than `x`; 0 if `x` is not a number.
    fn sf(&self, x: f64) -> f64 {
        if x.is_nan() { 0.0 } else { self.tails_of(x).ln_upper.exp() }
    }

    /// Returns the equal-tailed interval with posterior probability `1 - alpha`.
    fn credible_interval(&self, alpha: Alpha) -> (f64, f64) {
        let tail = 0.5 * alpha.get();
        (self.quantile(tail), self.quantile(1.0 - tail))
    }
}

pub(super) mod sealed {
    use super::Tails;

    /// An axis on which the posterior is smooth and about as wide as [`Axis::spread`].
    pub trait Axis {
        /// The value at a point of the axis.
        fn value(&self, u: f64) -> f64;

        /// The derivative of the value.
        fn slope(&self, u: f64) -> f64;

        /// The point of the axis of a value; infinite beyond the range.
        fn coordinate(&self, x: f64) -> f64;

        /// Where most of the posterior is.
        fn centre(&self) -> f64;

        /// How wide it is, rather too much than too little.
        fn spread(&self) -> f64;

        /// The logarithm of the density on the axis.
        fn ln_density(&self, u: f64) -> f64;

        /// Both tails at a point of the axis, which may be infinite.
        fn tails(&self, u: f64) -> Tails;

        /// Both tails at a value.
        fn tails_of(&self, x: f64) -> Tails {
            self.tails(self.coordinate(x))
        }

        /// Points between which the posterior is smooth.
        fn points(&self) -> Vec<f64> {
            let (centre, spread) = (self.centre(), self.spread());
            STEPS.iter().flat_map(|step| [centre - step * spread, centre + step * spread]).collect()
        }
    }

    const STEPS: [f64; 11] = [0.0, 0.5, 1.0, 1.7, 2.5, 3.5, 5.0, 7.0, 10.0, 20.0, 40.0];
}
