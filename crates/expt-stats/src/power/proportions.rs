//! Two proportions.

use serde::{Deserialize, Serialize};

use super::curve::{MOST_UNITS, OppositeTail, Reference, Rule, solve};
use super::inflation::Inflation;
use super::size::Size;
use crate::error::{StatsError, positive};
use crate::level::{Alpha, Alternative, Probability};

/// Names the approximation by which the power of a test of two proportions is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProportionMethod {
    /// Each arm with its own variance `p (1 - p)`: the z test with unpooled variance.
    Unpooled,
    /// The critical value from the pooled proportion, the spread from each arm's own: the usual two-proportion z test
    /// (Fleiss, Tytun and Ury 1980, without their continuity correction), and the default, as it is of
    /// [`ProportionTest`](crate::fixed::ProportionTest). With unequal arms the other is several points off for that test.
    #[default]
    Pooled,
    /// The variance-stabilising arcsine: Cohen's h (1988), as statsmodels' `NormalIndPower` of
    /// `proportion_effectsize`.
    Arcsine,
}

/// Plans the comparison of two proportions.
///
/// ```
/// use expt_stats::power::{OppositeTail, ProportionMethod, TwoProportions};
/// use expt_stats::{Alpha, Probability};
///
/// let test = TwoProportions::new(Alpha::FIVE_PERCENT, Probability::new(0.05)?)?
///     .with_method(ProportionMethod::Arcsine)
///     .with_opposite_tail(OppositeTail::Counted);
/// // statsmodels 0.15.0: 31217.423430777748
/// let size = test.sample_size(Probability::new(0.055)?, Probability::new(0.8)?)?;
/// assert!((size.control - 31_217.423_431).abs() < 1e-4);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwoProportions {
    rule: Rule,
    method: ProportionMethod,
    control: Probability,
    ratio: f64,
    inflation: Inflation,
}

impl TwoProportions {
    /// Plans a two-sided z test with equal arms, where the control has this proportion.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless the proportion is strictly between 0 and 1.
    pub fn new(alpha: Alpha, control: Probability) -> Result<Self, StatsError> {
        if control.get() <= 0.0 || control.get() >= 1.0 {
            let allowed = "the open interval (0, 1)";
            return Err(StatsError::OutOfRange {
                what: "the control's proportion",
                value: control.get(),
                allowed,
            });
        }
        let rule = Rule { alpha, alternative: Alternative::TwoSided, opposite: OppositeTail::Ignored };
        Ok(Self { rule, method: ProportionMethod::Pooled, control, ratio: 1.0, inflation: Inflation::NONE })
    }

    /// Sets the approximation.
    #[must_use]
    pub const fn with_method(mut self, method: ProportionMethod) -> Self {
        self.method = method;
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

    /// Sets the units of the treatment per unit of the control.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless it is positive and finite.
    pub fn with_ratio(mut self, ratio: f64) -> Result<Self, StatsError> {
        self.ratio = positive("the allocation ratio", ratio)?;
        Ok(self)
    }

    /// Sets what makes the test need more units or fewer.
    #[must_use]
    pub const fn with_inflation(mut self, inflation: Inflation) -> Self {
        self.inflation = inflation;
        self
    }

    /// Returns Cohen's h, `2 asin(sqrt(treatment)) - 2 asin(sqrt(control))`.
    #[must_use]
    pub fn cohen_h(&self, treatment: Probability) -> f64 {
        let angle = |p: f64| 2.0 * p.sqrt().atan2((1.0 - p).sqrt());
        angle(treatment.get()) - angle(self.control.get())
    }

    /// Returns the power when the treatment has this proportion, with `n_a` units in the control.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `n_a` is positive and finite.
    pub fn power(&self, treatment: Probability, n_a: f64) -> Result<Probability, StatsError> {
        let n = positive("the units of the control", n_a)?;
        Ok(Probability::clamped(self.power_at(treatment.get(), n)))
    }

    /// Returns the size at which the test finds the treatment's proportion with this power.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if the power is not greater than alpha and less than one, or the proportion equals
    /// the control's or lies on the wrong side of it; [`StatsError::Overflow`] beyond 1e18 units.
    pub fn sample_size(&self, treatment: Probability, power: Probability) -> Result<Size, StatsError> {
        let target = self.rule.reachable(power)?;
        let difference = treatment.get() - self.control.get();
        let right = self.rule.alternative == Alternative::TwoSided || difference * self.rule.sign() > 0.0;
        if difference.abs() <= 0.0 || !right {
            let (what, allowed) =
                ("the treatment's proportion", "on the alternative's side of the control's");
            return Err(StatsError::OutOfRange { what, value: treatment.get(), allowed });
        }
        let guess = 3.0 / difference.abs();
        let root =
            solve(target, 1e-9, MOST_UNITS.sqrt(), guess, |root| self.power_at(treatment.get(), root * root));
        let n = root.map_or(f64::INFINITY, |root| root * root);
        Size::new(n, n * self.ratio)
    }

    /// Returns the proportion nearest to the control's that the test finds with this power, above it (below it for
    /// [`Alternative::Less`]), or `None` if there is none.
    ///
    /// # Errors
    /// As [`TwoProportions::sample_size`] and [`TwoProportions::power`].
    pub fn detectable(&self, n_a: f64, power: Probability) -> Result<Option<Probability>, StatsError> {
        let target = self.rule.reachable(power)?;
        let n = positive("the units of the control", n_a)?;
        let (from, sign) = (self.control.get(), self.rule.sign());
        let room = if sign > 0.0 { 1.0 - from } else { from };
        let step =
            solve(target, room * 1e-12, room, 3.0 / n.sqrt(), |step| self.power_at(from + sign * step, n));
        Ok(step.map(|step| Probability::clamped(from + sign * step)))
    }

    fn power_at(&self, treatment: f64, n_a: f64) -> f64 {
        let n_b = n_a * self.ratio;
        let (p, q) = (self.control.get(), treatment.clamp(0.0, 1.0));
        let critical = self.rule.critical(Reference::Normal, f64::INFINITY);
        let scale = self.inflation.factor();
        let own = ((p * (1.0 - p) / n_a + q * (1.0 - q) / n_b) * scale).sqrt();
        let (critical, shift) = match self.method {
            ProportionMethod::Unpooled => (critical, (q - p) / own),
            ProportionMethod::Pooled => {
                let pooled = (p + self.ratio * q) / (1.0 + self.ratio);
                let null = (pooled * (1.0 - pooled) * (1.0 / n_a + 1.0 / n_b) * scale).sqrt();
                (critical * null / own, (q - p) / own)
            }
            ProportionMethod::Arcsine => {
                let h = self.cohen_h(Probability::clamped(q));
                (critical, h / ((1.0 / n_a + 1.0 / n_b) * scale).sqrt())
            }
        };
        self.rule.power(critical, f64::INFINITY, shift.clamp(-1e15, 1e15))
    }
}
