//! The posterior of a rate of events.

use serde::{Deserialize, Serialize};

use crate::bayes::posterior::Posterior;
use crate::bayes::posterior::sealed::Axis;
use crate::error::{StatsError, positive};
use crate::special::beta::{incomplete_beta, ln_beta, ln_beta_kernel};
use crate::special::beta_quantile;
use crate::tails::{Tails, ln_1m_exp};

/// Holds a beta distribution: prior or posterior of the rate of a yes-or-no outcome.
///
/// With a Beta(a, b) prior, `x` events among `n` independent units give Beta(a + x, b + n - x). The uniform prior
/// is Beta(1, 1), that of Jeffreys Beta(1/2, 1/2).
///
/// ```
/// use expt_stats::bayes::{BetaPosterior, Posterior};
///
/// let posterior = BetaPosterior::new(1.0, 1.0)?.updated(3, 10)?;
/// assert!((posterior.mean() - 4.0 / 12.0).abs() < 1e-15);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct BetaPosterior {
    alpha: f64,
    beta: f64,
}

impl BetaPosterior {
    /// Makes a prior.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless both parameters are between 1e-6 and 1e15, [`StatsError::NotFinite`].
    pub fn new(alpha: f64, beta: f64) -> Result<Self, StatsError> {
        let checked = |what: &'static str, value: f64| {
            if (1e-6..=1e15).contains(&positive(what, value)?) {
                return Ok(value);
            }
            Err(StatsError::OutOfRange { what, value, allowed: "1e-6 to 1e15" })
        };
        Ok(Self { alpha: checked("alpha of the beta distribution", alpha)?, beta: checked("beta", beta)? })
    }

    /// Adds `events` among `count` units; counts of days or machines may be added in any order.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if there are more events than units, or too many.
    pub fn updated(self, events: u64, count: u64) -> Result<Self, StatsError> {
        let Some(others) = count.checked_sub(events) else {
            let allowed = "at most the number of units";
            return Err(StatsError::OutOfRange { what: "events", value: events as f64, allowed });
        };
        Self::new(self.alpha + events as f64, self.beta + others as f64)
    }

    /// Returns the two parameters.
    #[must_use]
    pub const fn parameters(&self) -> (f64, f64) {
        (self.alpha, self.beta)
    }
}

impl Posterior for BetaPosterior {
    fn mean(&self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    fn variance(&self) -> f64 {
        let n = self.alpha + self.beta;
        (self.alpha / n) * (self.beta / n) / (n + 1.0)
    }

    fn quantile(&self, p: f64) -> f64 {
        let p = p.clamp(f64::MIN_POSITIVE, 1.0 - 0.5 * f64::EPSILON);
        beta_quantile(p, self.alpha, self.beta).unwrap_or_else(|_| self.mean())
    }
}

/// The axis is the logit of the rate.
impl Axis for BetaPosterior {
    fn value(&self, u: f64) -> f64 {
        expit(u).0
    }

    fn slope(&self, u: f64) -> f64 {
        let (x, y) = expit(u);
        x * y
    }

    fn coordinate(&self, x: f64) -> f64 {
        if x <= 0.0 {
            f64::NEG_INFINITY
        } else if x >= 1.0 {
            f64::INFINITY
        } else {
            x.ln() - (-x).ln_1p()
        }
    }

    fn centre(&self) -> f64 {
        (self.alpha / self.beta).ln()
    }

    fn spread(&self) -> f64 {
        let part = |shape: f64| 1.0 / shape + 1.0 / shape / shape;
        (part(self.alpha) + part(self.beta)).sqrt()
    }

    fn ln_density(&self, u: f64) -> f64 {
        let (a, b) = (self.alpha, self.beta);
        if u.abs() > FAR {
            return if u < 0.0 { a * u } else { -b * u } - ln_beta(a, b);
        }
        let (x, y) = expit(u);
        ln_beta_kernel(a, b, x, y)
    }

    fn tails(&self, u: f64) -> Tails {
        let (a, b) = (self.alpha, self.beta);
        if u.is_infinite() {
            return if u < 0.0 { Tails::ABOVE } else { Tails::BELOW };
        }
        if u.abs() > FAR {
            // The first term of the series, exact so far out.
            let (shape, lower) = if u < 0.0 { (a, true) } else { (b, false) };
            let near = (-shape * u.abs() - shape.ln() - ln_beta(a, b)).clamp(f64::MIN, 0.0);
            let far = ln_1m_exp(near);
            let (ln_lower, ln_upper) = if lower { (near, far) } else { (far, near) };
            return Tails { ln_lower, ln_upper };
        }
        let (x, y) = expit(u);
        let tails = incomplete_beta(a, b, x, y);
        Tails { ln_lower: tails.ln_lower, ln_upper: tails.ln_upper }
    }
}

/// Returns `e^u / (1 + e^u)` and `1 / (1 + e^u)`.
fn expit(u: f64) -> (f64, f64) {
    let small = (-u.abs()).exp();
    let (less, more) = (small / (1.0 + small), 1.0 / (1.0 + small));
    if u < 0.0 { (less, more) } else { (more, less) }
}

/// Beyond this logit one of `x` and `1 - x` is near the end of the doubles.
const FAR: f64 = 690.0;

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    alpha: f64,
    beta: f64,
}

impl TryFrom<Stored> for BetaPosterior {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::new(stored.alpha, stored.beta)
    }
}
