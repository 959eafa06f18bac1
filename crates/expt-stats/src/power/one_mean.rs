//! One mean, or the mean of paired differences.

use serde::{Deserialize, Serialize};

use super::curve::{MOST_UNITS, OppositeTail, Reference, Rule, solve};
use super::inflation::Inflation;
use super::means::LEAST_DF;
use super::size::Size;
use crate::error::{StatsError, finite, positive};
use crate::level::{Alpha, Alternative, Probability};

/// Plans a test of one mean, or of the mean of paired differences.
///
/// The variance is that of a unit, or of a difference within a pair: `2 variance (1 - correlation)`. With
/// [`Reference::Student`] the noncentral t with `n - 1` degrees of freedom, as statsmodels' `TTestPower`.
///
/// ```
/// use expt_stats::power::OneMean;
/// use expt_stats::Alpha;
///
/// // statsmodels 0.15.0: 0.2470890899680956
/// let power = OneMean::new(Alpha::FIVE_PERCENT, 1.0)?.power(0.3, 20.0)?;
/// assert!((power.get() - 0.247_089_089_968).abs() < 1e-10);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OneMean {
    rule: Rule,
    reference: Reference,
    variance: f64,
    inflation: Inflation,
}

impl OneMean {
    /// Plans a two-sided t test with this variance, counting rejections on both sides.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless the variance is positive and finite.
    pub fn new(alpha: Alpha, variance: f64) -> Result<Self, StatsError> {
        let variance = positive("the variance", variance)?;
        let rule = Rule { alpha, alternative: Alternative::TwoSided, opposite: OppositeTail::Counted };
        Ok(Self { rule, reference: Reference::Student, variance, inflation: Inflation::NONE })
    }

    /// Sets the reference distribution; [`Reference::Welch`] is the same as [`Reference::Student`] here.
    #[must_use]
    pub const fn with_reference(mut self, reference: Reference) -> Self {
        self.reference = reference;
        self
    }

    /// Sets the alternative.
    #[must_use]
    pub const fn with_alternative(mut self, alternative: Alternative) -> Self {
        self.rule.alternative = alternative;
        self
    }

    /// Sets whether a two-sided rejection on the wrong side counts.
    #[must_use]
    pub const fn with_opposite_tail(mut self, opposite: OppositeTail) -> Self {
        self.rule.opposite = opposite;
        self
    }

    /// Sets what makes the test need more units or fewer.
    #[must_use]
    pub const fn with_inflation(mut self, inflation: Inflation) -> Self {
        self.inflation = inflation;
        self
    }

    /// Returns the power to find a mean that is `effect` away from the null with `n` units or pairs.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless the effect is finite and `n` is at least 1.1.
    pub fn power(&self, effect: f64, n: f64) -> Result<Probability, StatsError> {
        let effect = finite("the effect", effect)?;
        if finite("the units", n)? < 1.0 + LEAST_DF {
            return Err(StatsError::OutOfRange { what: "the units", value: n, allowed: "at least 1.1" });
        }
        Ok(Probability::clamped(self.power_at(effect, n)))
    }

    /// Returns the size at which the test finds `effect` with this power; all of it as `control`.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if the power is not greater than alpha and less than one or the effect is zero or of
    /// the wrong sign; [`StatsError::Overflow`] beyond 1e18 units.
    pub fn sample_size(&self, effect: f64, power: Probability) -> Result<Size, StatsError> {
        let target = self.rule.reachable(power)?;
        let effect = finite("the effect", effect)?;
        let right = self.rule.alternative == Alternative::TwoSided || effect * self.rule.sign() > 0.0;
        if effect.abs() <= 0.0 || !right {
            let allowed = "a value on the alternative's side of zero";
            return Err(StatsError::OutOfRange { what: "the effect", value: effect, allowed });
        }
        let reach = self.rule.critical(Reference::Normal, f64::INFINITY) + self.rule.beyond(target);
        let guess = reach * (self.variance * self.inflation.factor()).sqrt() / effect.abs();
        let root = solve(target, (1.0 + LEAST_DF).sqrt(), MOST_UNITS.sqrt(), guess, |root| {
            self.power_at(effect, root * root)
        });
        Size::new(root.map_or(f64::INFINITY, |root| root * root), 0.0)
    }

    /// Returns the smallest effect that the test finds with this power.
    ///
    /// # Errors
    /// As [`OneMean::sample_size`] and [`OneMean::power`].
    pub fn detectable(&self, n: f64, power: Probability) -> Result<f64, StatsError> {
        let target = self.rule.reachable(power)?;
        self.power(0.0, n)?;
        let guess = self.rule.critical(Reference::Normal, f64::INFINITY) + self.rule.beyond(target);
        let shift = solve(target, 1e-9, 1e12, guess, |shift| {
            let df = self.df(n);
            self.rule.power(self.rule.critical(self.reference, df), df, self.rule.sign() * shift)
        });
        let shift = shift.ok_or(StatsError::Overflow { what: "the detectable effect" })?;
        Ok(self.rule.sign() * shift * self.standard_error(n))
    }

    fn power_at(&self, effect: f64, n: f64) -> f64 {
        let df = self.df(n);
        let critical = self.rule.critical(self.reference, df);
        self.rule.power(critical, df, (effect / self.standard_error(n)).clamp(-1e15, 1e15))
    }

    fn standard_error(&self, n: f64) -> f64 {
        (self.variance * self.inflation.factor() / n).sqrt()
    }

    fn df(&self, n: f64) -> f64 {
        match self.reference {
            Reference::Student | Reference::Welch => n - 1.0,
            Reference::Normal | Reference::ConfidenceSequence => f64::INFINITY,
        }
    }
}
