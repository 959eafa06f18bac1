//! What inference after adaptive allocation returns.

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, finite};
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, LnP};
use crate::special::normal;

/// Holds an estimate after adaptive allocation with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AdaptiveEstimate {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The interval; it says at which looks it holds.
    pub interval: Interval,
    /// The two-sided p-value of the value zero; useful for differences only. At one look for a fixed interval.
    pub ln_p: LnP,
    /// How many decisions were counted.
    pub rows: u64,
    /// How many equally weighted decisions carry the same information, of the smaller arm of a difference.
    pub effective_sample_size: f64,
}

impl AdaptiveEstimate {
    /// Makes the normal interval at one look.
    pub(super) fn fixed(
        estimate: f64,
        standard_error: f64,
        alpha: Alpha,
        rows: u64,
        effective_sample_size: f64,
    ) -> Result<Self, StatsError> {
        let reach = normal::upper_quantile(0.5 * alpha.get()) * standard_error;
        let z = if standard_error > 0.0 { (estimate / standard_error).abs() } else { 0.0 };
        let ln_p = LnP::saturating(std::f64::consts::LN_2 + normal::ln_sf(z));
        Ok(Self {
            estimate: finite("the estimate", estimate)?,
            standard_error: finite("its standard error", standard_error)?,
            interval: Interval::new(estimate - reach, estimate + reach, alpha, Coverage::Fixed),
            ln_p,
            rows,
            effective_sample_size,
        })
    }
}
