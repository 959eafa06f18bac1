//! Two means within margins of each other.

use serde::{Deserialize, Serialize};

use super::curve::{MOST_UNITS, Reference, solve};
use super::means::TwoMeans;
use super::size::Size;
use crate::error::{StatsError, finite, positive};
use crate::level::{Alternative, Probability};
use crate::special::{noncentral, normal, student};

/// Plans a test that a difference of means lies between two margins: two one-sided tests, each at alpha (TOST,
/// Schuirmann 1987).
///
/// The power is exact for the pooled t test (the two statistics share one standard deviation, over which it is
/// integrated: Owen 1965, Phillips 1990), not the sum of two tails. Made by [`TwoMeans::equivalent`].
///
/// ```
/// use expt_stats::power::TwoMeans;
/// use expt_stats::{Alpha, Probability};
///
/// let same = TwoMeans::new(Alpha::FIVE_PERCENT, 1.0, 1.0)?.equivalent(-0.1, 0.1)?;
/// // 2 (z_{0.95} + z_{0.9})^2 / 0.1^2 per arm, with z_{0.9} because both sides must hold.
/// assert_eq!(same.sample_size(0.0, Probability::new(0.8)?)?.units().control, 1713);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Equivalence {
    means: TwoMeans,
    lower: f64,
    upper: f64,
}

impl Equivalence {
    pub(super) fn new(means: TwoMeans, lower: f64, upper: f64) -> Result<Self, StatsError> {
        let (lower, upper) = (finite("the lower margin", lower)?, finite("the upper margin", upper)?);
        if lower >= upper {
            let allowed = "greater than the lower margin";
            return Err(StatsError::OutOfRange { what: "the upper margin", value: upper, allowed });
        }
        // Two one-sided tests, whatever the sides of the test it came from.
        let means = means.with_reference(match means.reference() {
            Reference::ConfidenceSequence => {
                let allowed = "a test of fixed size";
                return Err(StatsError::OutOfRange {
                    what: "the reference of equivalence",
                    value: upper,
                    allowed,
                });
            }
            reference => reference,
        })?;
        Ok(Self { means: means.with_alternative(Alternative::Greater)?, lower, upper })
    }

    /// Returns the power when the true difference is `effect`, with `n_a` units in the control.
    ///
    /// # Errors
    /// As [`TwoMeans::power`].
    pub fn power(&self, effect: f64, n_a: f64) -> Result<Probability, StatsError> {
        self.means.power(effect, n_a)?;
        Ok(Probability::clamped(self.power_at(effect, n_a)))
    }

    /// Returns the size at which equivalence is shown with this power when the true difference is `effect`.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the effect lies between the margins and the power between 0 and 1;
    /// [`StatsError::Overflow`] beyond 1e18 units.
    pub fn sample_size(&self, effect: f64, power: Probability) -> Result<Size, StatsError> {
        let effect = finite("the effect", effect)?;
        if effect <= self.lower || effect >= self.upper {
            return Err(StatsError::OutOfRange {
                what: "the effect",
                value: effect,
                allowed: "between the margins",
            });
        }
        let target = positive("power", power.get())?;
        if target >= 1.0 {
            return Err(StatsError::OutOfRange { what: "power", value: target, allowed: "less than 1" });
        }
        let low = self.means.fewest().sqrt().max(1e-9);
        let room = (self.upper - effect).min(effect - self.lower);
        let guess = 3.0 * self.means.standard_error(1e6) * 1e3 / room;
        let root = solve(target, low, MOST_UNITS.sqrt(), guess, |root| self.power_at(effect, root * root));
        let n = root.map_or(f64::INFINITY, |root| root * root);
        Size::new(n, n * self.means.ratio())
    }

    fn power_at(&self, effect: f64, n_a: f64) -> f64 {
        let df = self.means.df(n_a);
        let tail = self.means.rule.alpha.get();
        let critical =
            if df.is_finite() { student::upper_quantile(tail, df) } else { normal::upper_quantile(tail) };
        let above = self.means.shift(effect - self.lower, n_a);
        let below = self.means.shift(self.upper - effect, n_a);
        noncentral::between(critical, df, above, below)
    }
}
