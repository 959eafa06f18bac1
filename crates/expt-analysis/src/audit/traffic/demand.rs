//! How many units an effect needs.

use expt_stats::{Alpha, PowerPlan, Probability, Shares, StatsError};

use crate::audit::error::{AuditError, Result};

/// A metric as it is without the treatment, one value a unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Baseline {
    mean: f64,
    /// `None` for a proportion, whose variance its mean gives.
    variance: Option<f64>,
}

impl Baseline {
    /// A metric that a unit has or has not, and the part of units that have it.
    ///
    /// # Errors
    /// [`AuditError::OutOfRange`] unless it is 0 to 1.
    pub fn proportion(share: f64) -> Result<Self> {
        if (0.0..=1.0).contains(&share) {
            return Ok(Self { mean: share, variance: None });
        }
        Err(AuditError::OutOfRange { what: "the proportion", value: share, allowed: "0 to 1" })
    }

    /// A metric with this mean and this variance between units; the treatment is taken not to change the variance.
    ///
    /// # Errors
    /// [`AuditError::OutOfRange`] unless the mean is finite and the variance finite and greater than 0.
    pub fn mean(mean: f64, variance: f64) -> Result<Self> {
        if !mean.is_finite() {
            return Err(AuditError::OutOfRange {
                what: "the mean",
                value: mean,
                allowed: "any finite number",
            });
        }
        if !(variance.is_finite() && variance > 0.0) {
            let allowed = "finite and greater than 0";
            return Err(AuditError::OutOfRange { what: "the variance", value: variance, allowed });
        }
        Ok(Self { mean, variance: Some(variance) })
    }

    /// The variances of a unit without and with an effect.
    fn variances(&self, effect: f64) -> (f64, f64) {
        let of = |share: f64| (share * (1.0 - share)).max(0.0);
        match self.variance {
            Some(variance) => (variance, variance),
            None => (of(self.mean), of(self.mean + effect)),
        }
    }

    /// The largest size of an effect in a direction.
    fn room(&self, direction: f64) -> f64 {
        match self.variance {
            Some(_) => f64::MAX,
            None if direction < 0.0 => self.mean,
            None => 1.0 - self.mean,
        }
    }
}

/// The smallest effect worth finding (the MDE): treatment minus control.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Effect {
    /// A difference, in the units of the metric; for a proportion 0.01 is one percentage point.
    Absolute(f64),
    /// A part of the mean: 0.01 is one per cent more.
    Relative(f64),
}

/// What a phase wants to find, and how surely.
#[derive(Debug, Clone)]
pub(super) struct Demand {
    baseline: Baseline,
    /// Absolute.
    pub(super) effect: f64,
    /// Control first, none zero.
    pub(super) shares: Shares,
    pub(super) alpha: Alpha,
    pub(super) power: Probability,
    pub(super) sequential: bool,
}

impl Demand {
    pub(super) fn new(baseline: Baseline, effect: Effect) -> Result<Self> {
        let effect = match effect {
            Effect::Absolute(difference) => difference,
            Effect::Relative(part) => part * baseline.mean,
        };
        let allowed = "finite, not 0, and for a proportion such that it stays between 0 and 1";
        // Half an ulp of a sum such as 0.9 + 0.1 is no reason to refuse it.
        let room = baseline.room(effect) * (1.0 + 1e-12);
        if !(effect.is_finite() && effect.abs() > 0.0 && effect.abs() <= room) {
            return Err(AuditError::OutOfRange { what: "the effect", value: effect, allowed });
        }
        Ok(Self {
            baseline,
            effect,
            shares: Shares::new(&[1.0, 1.0])?,
            alpha: Alpha::FIVE_PERCENT,
            power: Probability::new(0.8)?,
            sequential: true,
        })
    }

    /// The units of all arms together at which every comparison finds an absolute effect.
    pub(super) fn units(&self, effect: f64) -> Result<u64> {
        let (before, after) = self.baseline.variances(effect);
        let (control, treatments) =
            self.shares.as_slice().split_first().ok_or(StatsError::Overflow { what: "the shares" })?;
        let alpha = self.alpha.split(treatments.len());
        let mut most = 0.0_f64;
        for treatment in treatments {
            let plan = PowerPlan::new(alpha, self.power, before, after)?
                .with_treatment_share(treatment / (control + treatment))?;
            let size = if self.sequential { plan.sequential_size(effect)? } else { plan.fixed_size(effect)? };
            most = most.max(size.control as f64 / control).max(size.treatment as f64 / treatment);
        }
        // Lowered by a part in 1e12 first, so that an exact whole number is not raised by rounding.
        Ok((most * (1.0 - 1e-12)).ceil() as u64)
    }

    /// The smallest effect, in the direction of the wanted one, that so many units find; `None` if no effect is
    /// large enough.
    ///
    /// By bisection, because the variance of a proportion depends on the effect; the demand falls as the effect grows.
    pub(super) fn detectable(&self, units: u64) -> Option<f64> {
        let direction = self.effect.signum();
        let room = self.baseline.room(direction);
        let enough = |size: f64| self.units(size * direction).is_ok_and(|needed| needed <= units);
        let mut high = self.effect.abs().min(room);
        while !enough(high) {
            if high >= room {
                return None;
            }
            high = (2.0 * high).min(room);
        }
        let mut low = 0.0;
        while high - low > 1e-12 * high {
            let middle = low + 0.5 * (high - low);
            if enough(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(high * direction)
    }
}
