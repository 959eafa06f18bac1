//! Statistics to resample.

use crate::level::Probability;
use crate::quantile::{QuantileMethod, SortedSample};

/// The mean of the units; `None` without units.
#[must_use]
pub fn mean(units: &[f64]) -> Option<f64> {
    (!units.is_empty()).then(|| units.iter().sum::<f64>() / units.len() as f64)
}

/// The ratio of the sums of pairs `(denominator, numerator)`; `None` if the denominators sum to zero.
#[must_use]
pub fn ratio(units: &[(f64, f64)]) -> Option<f64> {
    let x: f64 = units.iter().map(|unit| unit.0).sum();
    let y: f64 = units.iter().map(|unit| unit.1).sum();
    (x != 0.0).then(|| y / x)
}

/// A quantile of type 7. Its bootstrap distribution is discrete; the rank interval of
/// [`SortedSample::interval`] is exact instead.
pub fn quantile(q: Probability) -> impl Fn(&[f64]) -> Option<f64> {
    move |units: &[f64]| {
        SortedSample::new(units).ok().map(|sample| sample.quantile(q, QuantileMethod::Linear))
    }
}
