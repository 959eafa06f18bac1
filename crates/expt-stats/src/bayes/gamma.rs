//! The posterior of a rate of counts.

use serde::{Deserialize, Serialize};

use crate::bayes::posterior::Posterior;
use crate::bayes::posterior::sealed::Axis;
use crate::error::{StatsError, non_negative, positive};
use crate::special::gamma::{deviance, incomplete_gamma, stirling_error};
use crate::special::gamma_quantile;
use crate::tails::{Tails, ln_1m_exp};

/// Holds a gamma distribution by shape and rate: prior or posterior of the rate of Poisson counts.
///
/// With a Gamma(a, b) prior, a total count `x` over an exposure `t` (units, or unit-days) gives Gamma(a + x, b +
/// t). Counts of users vary more than Poisson counts do: check that the variance of a unit's count is
/// about its mean before you trust this posterior.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct GammaPosterior {
    shape: f64,
    rate: f64,
}

impl GammaPosterior {
    /// Makes a prior.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless `1e-6 <= shape <= 1e15` and `1e-100 <= rate <= 1e100`,
    /// [`StatsError::NotFinite`].
    pub fn new(shape: f64, rate: f64) -> Result<Self, StatsError> {
        let checked = |what: &'static str, value: f64, low: f64, high: f64, allowed: &'static str| {
            if (low..=high).contains(&positive(what, value)?) {
                return Ok(value);
            }
            Err(StatsError::OutOfRange { what, value, allowed })
        };
        let shape = checked("shape of the gamma distribution", shape, 1e-6, 1e15, "1e-6 to 1e15")?;
        Ok(Self {
            shape,
            rate: checked("rate of the gamma distribution", rate, 1e-100, 1e100, "1e-100 to 1e100")?,
        })
    }

    /// Adds a total count over an exposure.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] for a negative exposure or too many counts, [`StatsError::NotFinite`].
    pub fn updated(self, count: u64, exposure: f64) -> Result<Self, StatsError> {
        Self::new(self.shape + count as f64, self.rate + non_negative("exposure", exposure)?)
    }

    /// Returns shape and rate.
    #[must_use]
    pub const fn parameters(&self) -> (f64, f64) {
        (self.shape, self.rate)
    }
}

impl Posterior for GammaPosterior {
    fn mean(&self) -> f64 {
        self.shape / self.rate
    }

    fn variance(&self) -> f64 {
        self.shape / self.rate / self.rate
    }

    fn quantile(&self, p: f64) -> f64 {
        let p = p.clamp(f64::MIN_POSITIVE, 1.0 - 0.5 * f64::EPSILON);
        gamma_quantile(p, self.shape, 1.0).map_or_else(|_| self.mean(), |x| x / self.rate)
    }
}

/// The axis is the logarithm of the rate of counts.
impl Axis for GammaPosterior {
    fn value(&self, u: f64) -> f64 {
        u.exp()
    }

    fn slope(&self, u: f64) -> f64 {
        u.exp()
    }

    fn coordinate(&self, x: f64) -> f64 {
        if x <= 0.0 { f64::NEG_INFINITY } else { x.ln() }
    }

    fn centre(&self) -> f64 {
        (self.shape / self.rate).ln()
    }

    fn spread(&self) -> f64 {
        (1.0 / self.shape + 1.0 / self.shape / self.shape).sqrt()
    }

    fn ln_density(&self, u: f64) -> f64 {
        let (a, z) = (self.shape, u + self.rate.ln());
        if z > FAR {
            return f64::MIN;
        }
        let centred = 0.5 * (a / std::f64::consts::TAU).ln() - stirling_error(a);
        if z < -FAR {
            // The deviance a ln(a / x) - a + x without the x that underflows.
            return centred + a * (z - a.ln()) + a;
        }
        centred - deviance(a, z.exp())
    }

    fn tails(&self, u: f64) -> Tails {
        let (a, z) = (self.shape, u + self.rate.ln());
        if z > FAR || z == f64::NEG_INFINITY {
            return if z > 0.0 { Tails::BELOW } else { Tails::ABOVE };
        }
        if z < -FAR {
            let ln_lower = (self.ln_density(u) - a.ln()).clamp(f64::MIN, 0.0);
            return Tails { ln_lower, ln_upper: ln_1m_exp(ln_lower) };
        }
        let tails = incomplete_gamma(a, z.exp());
        Tails { ln_lower: tails.ln_lower, ln_upper: tails.ln_upper }
    }
}

/// Beyond this logarithm the value is near an end of the doubles.
const FAR: f64 = 600.0;

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    shape: f64,
    rate: f64,
}

impl TryFrom<Stored> for GammaPosterior {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::new(stored.shape, stored.rate)
    }
}
