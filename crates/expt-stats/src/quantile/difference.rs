//! The difference of one quantile between two arms.

use serde::{Deserialize, Serialize};

use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, Alternative, LnP, Probability};
use crate::quantile::sample::{QuantileMethod, SortedSample, interpolate};
use crate::special::normal;

/// Compares a quantile of the treatment with that of the control at a size fixed beforehand.
///
/// Estimand: `Q_t(q) - Q_c(q)`, the quantile treatment effect (not the quantile of the unit's effects).
/// Assumes independent units and a density that is positive and smooth at both quantiles. The standard
/// error of an arm is the width of its order-statistic interval over `2 z`, with fractional ranks `n q ± z
/// sqrt(n q (1 - q))` (Woodruff 1952; Price and Bonett 2001 use the same idea); no density is estimated. The
/// difference is then treated as normal. The unit must be the unit of randomisation: rows of one user are
/// not independent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantileComparison {
    q: Probability,
    alpha: Alpha,
    alternative: Alternative,
    method: QuantileMethod,
}

/// Holds a comparison of quantiles.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QuantileDifference {
    /// The quantile of the control.
    pub control: f64,
    /// The quantile of the treatment.
    pub treatment: f64,
    /// Treatment minus control.
    pub difference: f64,
    /// The standard error, `None` if a rank does not exist (too few units for so extreme a quantile), if
    /// ties leave no width, or if it left the range of `f64`.
    pub standard_error: Option<f64>,
    /// The p-value of no difference, `None` with the standard error.
    pub ln_p: Option<LnP>,
    /// The interval for the difference; unbounded without a standard error.
    pub interval: Interval,
}

impl QuantileComparison {
    /// Makes a two-sided comparison with type 7 quantiles.
    #[must_use]
    pub const fn new(q: Probability, alpha: Alpha) -> Self {
        Self { q, alpha, alternative: Alternative::TwoSided, method: QuantileMethod::Linear }
    }

    /// Sets the alternative; a one-sided interval is unbounded on the other side.
    #[must_use]
    pub const fn with_alternative(mut self, alternative: Alternative) -> Self {
        self.alternative = alternative;
        self
    }

    /// Sets the definition of the sample quantile.
    #[must_use]
    pub const fn with_method(mut self, method: QuantileMethod) -> Self {
        self.method = method;
        self
    }

    /// Compares two samples.
    #[must_use]
    pub fn compare(&self, control: &SortedSample, treatment: &SortedSample) -> QuantileDifference {
        let (c, t) = (control.quantile(self.q, self.method), treatment.quantile(self.q, self.method));
        let difference = (t - c).clamp(f64::MIN, f64::MAX);
        let standard_error = self
            .standard_error(control)
            .zip(self.standard_error(treatment))
            .map(|(c, t)| c.hypot(t))
            .filter(|error| *error > 0.0 && error.is_finite());
        let z = standard_error.map(|error| difference / error);
        let ln_p = z.map(|z| match self.alternative {
            Alternative::TwoSided => std::f64::consts::LN_2 + normal::ln_sf(z.abs()),
            Alternative::Greater => normal::ln_sf(z),
            Alternative::Less => normal::ln_sf(-z),
        });
        let tail = self.tail();
        let reach = standard_error.map_or(f64::INFINITY, |error| error * normal::upper_quantile(tail));
        let lower =
            if self.alternative == Alternative::Less { f64::NEG_INFINITY } else { difference - reach };
        let upper = if self.alternative == Alternative::Greater { f64::INFINITY } else { difference + reach };
        QuantileDifference {
            control: c,
            treatment: t,
            difference,
            standard_error,
            ln_p: ln_p.map(LnP::saturating),
            interval: Interval::new(lower, upper, self.alpha, Coverage::Fixed),
        }
    }

    /// The standard error of one arm's quantile.
    fn standard_error(&self, sample: &SortedSample) -> Option<f64> {
        let (n, q) = (sample.values().len() as f64, self.q.get());
        let z = normal::upper_quantile(0.5 * self.alpha.get());
        let reach = z * (n * q * (1.0 - q)).sqrt();
        let (low, high) = (n * q - reach, n * q + reach + 1.0);
        if low < 1.0 || high > n || reach <= 0.0 {
            return None;
        }
        let at = |rank: f64| {
            let below = rank.floor();
            interpolate(sample.at(below - 1.0), sample.at(below), rank - below)
        };
        Some((at(high) - at(low)) / (2.0 * z))
    }

    fn tail(&self) -> f64 {
        if self.alternative == Alternative::TwoSided { 0.5 * self.alpha.get() } else { self.alpha.get() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn grid(n: u32, shift: f64) -> SortedSample {
        let values: Vec<f64> = (0..n).map(|i| shift + (f64::from(i) + 0.5) / f64::from(n)).collect();
        SortedSample::new(&values).unwrap()
    }

    /// The median of n uniform values has standard error `1 / (2 sqrt(n))`.
    #[test]
    fn the_standard_error_is_that_of_theory() {
        let comparison = QuantileComparison::new(Probability::new(0.5).unwrap(), Alpha::FIVE_PERCENT);
        let got = comparison.compare(&grid(10_000, 0.0), &grid(10_000, 0.02));
        close(got.difference, 0.02, 1e-10);
        close(got.standard_error.unwrap(), 0.005 * 2_f64.sqrt(), 0.02);
        assert!(got.interval.is_above(0.0) && got.ln_p.unwrap().is_at_most(Alpha::FIVE_PERCENT));
    }

    #[test]
    fn swapping_mirrors_and_few_or_tied_units_are_undefined() {
        let comparison = QuantileComparison::new(Probability::new(0.9).unwrap(), Alpha::FIVE_PERCENT);
        let (a, b) = (grid(500, 0.0), grid(700, 0.1));
        let (ab, ba) = (comparison.compare(&a, &b), comparison.compare(&b, &a));
        close(ab.difference, -ba.difference, 0.0);
        assert_eq!(ab.ln_p, ba.ln_p);
        let few = comparison.compare(&grid(5, 0.0), &b);
        assert_eq!((few.standard_error, few.ln_p, few.interval.width()), (None, None, None));
        let tied = SortedSample::new(&[1.0; 500]).unwrap();
        assert_eq!(comparison.compare(&tied, &tied).standard_error, None);
        let huge = SortedSample::new(&[[-1.7e308; 250], [1.7e308; 250]].concat()).unwrap();
        let got = comparison.compare(&huge, &a);
        assert!(got.difference.is_finite());
    }
}
