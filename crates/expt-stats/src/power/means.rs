//! Two means.

use serde::{Deserialize, Serialize};

use super::curve::{MOST_UNITS, OppositeTail, Reference, Rule, solve};
use super::equivalence::Equivalence;
use super::inflation::Inflation;
use super::size::Size;
use crate::error::{StatsError, finite, non_negative, positive};
use crate::level::{Alpha, Alternative, Probability};

/// Plans the comparison of two means, or of any two estimates with a variance per unit.
///
/// The statistic `(difference - null) / standard error` rejects beyond its critical value; its mean under an effect
/// is the effect in standard errors, with a variance of `variance_a / n_a + variance_b / n_b`. For [`Reference::Normal`]
/// that gives `n_a = (z_{1 - alpha/2} + z_power)^2 (variance_a + variance_b / ratio) / effect^2` (Chow, Shao and Wang
/// 2008, section 3.2); for [`Reference::Student`] the noncentral t distribution with `n - 2` degrees of freedom (Cohen
/// 1988), as statsmodels' `TTestIndPower` with [`OppositeTail::Counted`]. `a` is the control; `ratio = n_b / n_a`.
///
/// ```
/// use expt_stats::power::{OppositeTail, Reference, TwoMeans};
/// use expt_stats::{Alpha, Probability};
///
/// let test = TwoMeans::new(Alpha::FIVE_PERCENT, 1.0, 1.0)?
///     .with_reference(Reference::Student)?
///     .with_opposite_tail(OppositeTail::Counted);
/// // statsmodels 0.15.0: 6280.048916291407
/// assert!((test.sample_size(0.05, Probability::new(0.8)?)?.control - 6_280.048_916).abs() < 1e-5);
/// // Non-inferiority: a loss of 0.02 is allowed, one-sided.
/// let safe = TwoMeans::new(Alpha::FIVE_PERCENT, 1.0, 1.0)?.non_inferior(0.02, true)?;
/// assert_eq!(safe.sample_size(0.0, Probability::new(0.8)?)?.units().control, 30_913);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwoMeans {
    pub(super) rule: Rule,
    reference: Reference,
    variance_a: f64,
    variance_b: f64,
    ratio: f64,
    null: f64,
    inflation: Inflation,
}

impl TwoMeans {
    /// Plans a two-sided z test with equal arms and these variances per unit.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless the variances are finite, not negative and not
    /// both zero.
    pub fn new(alpha: Alpha, variance_a: f64, variance_b: f64) -> Result<Self, StatsError> {
        non_negative("the variance of the control", variance_a)?;
        non_negative("the variance of the treatment", variance_b)?;
        positive("the sum of variances", variance_a + variance_b)?;
        let rule = Rule { alpha, alternative: Alternative::TwoSided, opposite: OppositeTail::Ignored };
        let (reference, inflation) = (Reference::Normal, Inflation::NONE);
        Ok(Self { rule, reference, variance_a, variance_b, ratio: 1.0, null: 0.0, inflation })
    }

    /// Sets the reference distribution.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] for a one-sided confidence sequence.
    pub fn with_reference(mut self, reference: Reference) -> Result<Self, StatsError> {
        self.reference = reference;
        self.checked()
    }

    /// Sets the alternative.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] for a one-sided confidence sequence.
    pub fn with_alternative(mut self, alternative: Alternative) -> Result<Self, StatsError> {
        self.rule.alternative = alternative;
        self.checked()
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

    /// Sets the difference under the null hypothesis.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`].
    pub fn with_null(mut self, null: f64) -> Result<Self, StatsError> {
        self.null = finite("the null difference", null)?;
        Ok(self)
    }

    /// Makes it a one-sided test that the treatment is not worse than the control by `margin > 0`, in a metric where
    /// higher is better or worse.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless the margin is positive and finite.
    pub fn non_inferior(self, margin: f64, higher_is_better: bool) -> Result<Self, StatsError> {
        let margin = positive("the margin", margin)?;
        let (null, alternative) =
            if higher_is_better { (-margin, Alternative::Greater) } else { (margin, Alternative::Less) };
        self.with_null(null)?.with_alternative(alternative)
    }

    /// Makes it a test that the difference lies between two margins (TOST).
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `lower < upper`.
    pub fn equivalent(self, lower: f64, upper: f64) -> Result<Equivalence, StatsError> {
        Equivalence::new(self, lower, upper)
    }

    /// Sets what makes the test need more units or fewer.
    #[must_use]
    pub const fn with_inflation(mut self, inflation: Inflation) -> Self {
        self.inflation = inflation;
        self
    }

    /// Returns the power to find `effect` with `n_a` units in the control and `n_a * ratio` in the treatment.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless the effect is finite, `n_a` is positive and a t
    /// test has degrees of freedom left.
    pub fn power(&self, effect: f64, n_a: f64) -> Result<Probability, StatsError> {
        let effect = finite("the effect", effect)?;
        let n = positive("the units of the control", n_a)?;
        if n <= self.fewest() {
            let allowed = "enough for the degrees of freedom of a t test (a tenth at least)";
            return Err(StatsError::OutOfRange { what: "the units of the control", value: n_a, allowed });
        }
        Ok(Probability::clamped(self.power_at(effect, n)))
    }

    /// Returns the size at which the test finds `effect` with this power.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if the power is not greater than alpha and less than one, or the effect lies on the
    /// wrong side of the null difference; [`StatsError::Overflow`] beyond 1e18 units.
    pub fn sample_size(&self, effect: f64, power: Probability) -> Result<Size, StatsError> {
        let target = self.rule.reachable(power)?;
        let effect = finite("the effect", effect)?;
        let distance = effect - self.null;
        let right = self.rule.alternative == Alternative::TwoSided || distance * self.rule.sign() > 0.0;
        if distance.abs() <= 0.0 || !right {
            let allowed = "a value on the alternative's side of the null difference";
            return Err(StatsError::OutOfRange { what: "the effect", value: effect, allowed });
        }
        let reach = self.rule.critical(self.closed_form(), f64::INFINITY) + self.rule.beyond(target);
        let ratio = reach / distance;
        let known =
            (self.variance_a + self.variance_b / self.ratio) * ratio * ratio * self.inflation.factor();
        let exact = self.reference == self.closed_form() && self.rule.opposite == OppositeTail::Ignored;
        let n = if exact {
            known
        } else {
            let low = self.fewest().sqrt().max(1e-9);
            // Guenther's (1981) correction of the normal size for the estimated variance.
            let guess = (known + 0.25 * self.rule.critical(Reference::Normal, f64::INFINITY).powi(2)).sqrt();
            let root =
                solve(target, low, MOST_UNITS.sqrt(), guess, |root| self.power_at(effect, root * root));
            root.map_or(f64::INFINITY, |root| root * root)
        };
        Size::new(n, n * self.ratio)
    }

    /// Returns the smallest effect (the MDE) that the test finds with this power, on the alternative's side of the
    /// null difference (for a two-sided test the positive one).
    ///
    /// # Errors
    /// As [`TwoMeans::sample_size`] and [`TwoMeans::power`].
    pub fn detectable(&self, n_a: f64, power: Probability) -> Result<f64, StatsError> {
        let target = self.rule.reachable(power)?;
        self.power(self.null, n_a)?;
        let (error, df) = (self.standard_error(n_a), self.df(n_a));
        let critical = self.rule.critical(self.reference, df);
        let guess = critical.min(1e6) + self.rule.beyond(target);
        let shift =
            solve(target, 1e-9, 1e12, guess, |shift| self.rule.power(critical, df, self.rule.sign() * shift));
        let shift = shift.ok_or(StatsError::Overflow { what: "the detectable effect" })?;
        Ok(self.null + self.rule.sign() * shift * error)
    }

    fn checked(self) -> Result<Self, StatsError> {
        if self.reference == Reference::ConfidenceSequence && self.rule.alternative != Alternative::TwoSided {
            let (what, allowed) = ("the sides of a confidence sequence", "two-sided");
            return Err(StatsError::OutOfRange { what, value: 1.0, allowed });
        }
        Ok(self)
    }

    /// The reference whose size follows from normal quantiles alone, nearest to that of the test.
    const fn closed_form(&self) -> Reference {
        match self.reference {
            Reference::ConfidenceSequence => Reference::ConfidenceSequence,
            _ => Reference::Normal,
        }
    }

    /// The size that a test must exceed.
    pub(super) fn fewest(&self) -> f64 {
        match self.reference {
            Reference::Student => (2.0 + LEAST_DF) / (1.0 + self.ratio),
            Reference::Welch => (1.0 + LEAST_DF) / self.ratio.min(1.0),
            Reference::Normal | Reference::ConfidenceSequence => 0.0,
        }
    }

    fn power_at(&self, effect: f64, n_a: f64) -> f64 {
        let df = self.df(n_a);
        let critical = self.rule.critical(self.reference, df);
        self.rule.power(critical, df, self.shift(effect - self.null, n_a))
    }

    /// Returns a difference in standard errors; where both vanish, the limit.
    pub(super) fn shift(&self, difference: f64, n_a: f64) -> f64 {
        (difference / self.standard_error(n_a)).clamp(-1e15, 1e15)
    }

    pub(super) fn standard_error(&self, n_a: f64) -> f64 {
        let n_b = n_a * self.ratio;
        let (a, b) = match self.reference {
            Reference::Student => {
                let (a, b) = ((n_a - 1.0).max(0.0), (n_b - 1.0).max(0.0));
                let weight = if a + b > 0.0 { b / (a + b) } else { 0.5 };
                let pooled = self.variance_a + weight * (self.variance_b - self.variance_a);
                (pooled, pooled)
            }
            _ => (self.variance_a, self.variance_b),
        };
        ((a / n_a + b / n_b) * self.inflation.factor()).sqrt()
    }

    pub(super) fn df(&self, n_a: f64) -> f64 {
        let n_b = n_a * self.ratio;
        match self.reference {
            Reference::Student => n_a + n_b - 2.0,
            Reference::Welch => {
                let (a, b) = (self.variance_a / n_a, self.variance_b / n_b);
                let (a, b) = (a / (a + b), b / (a + b));
                1.0 / (a * a / (n_a - 1.0) + b * b / (n_b - 1.0))
            }
            Reference::Normal | Reference::ConfidenceSequence => f64::INFINITY,
        }
    }

    pub(super) const fn reference(&self) -> Reference {
        self.reference
    }

    pub(super) const fn ratio(&self) -> f64 {
        self.ratio
    }
}

/// With fewer degrees of freedom critical values leave the range of `f64`.
pub(super) const LEAST_DF: f64 = 0.1;
