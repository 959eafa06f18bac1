//! From a statistic to a p-value, and from a level to a critical value.

use crate::level::{Alpha, Alternative, LnP};
use crate::special::student;

/// Returns the p-value of a t statistic; infinite `df` means the normal distribution.
pub(super) fn ln_p(statistic: f64, df: f64, alternative: Alternative) -> LnP {
    LnP::saturating(match alternative {
        Alternative::TwoSided => std::f64::consts::LN_2 + student::ln_sf(statistic.abs(), df),
        Alternative::Greater => student::ln_sf(statistic, df),
        Alternative::Less => student::ln_sf(-statistic, df),
    })
}

/// Returns how many standard errors an interval reaches on the sides that it bounds.
pub(super) fn critical(alpha: Alpha, alternative: Alternative, df: f64) -> f64 {
    let tail = if alternative == Alternative::TwoSided { 0.5 * alpha.get() } else { alpha.get() };
    student::upper_quantile(tail, df)
}

/// Opens the side of an interval that a one-sided alternative does not bound.
pub(super) fn open(lower: f64, upper: f64, alternative: Alternative) -> (f64, f64) {
    match alternative {
        Alternative::TwoSided => (lower, upper),
        Alternative::Greater => (lower, f64::INFINITY),
        Alternative::Less => (f64::NEG_INFINITY, upper),
    }
}
