//! How much traffic, for how many weeks, for which effect.

mod advice;
mod demand;

use std::time::Duration;

use expt_core::Share;
use expt_stats::{Alpha, Probability, Shares};

pub use advice::{TrafficAdvice, TrafficOption, TrafficShortfall};
pub use demand::{Baseline, Effect};

use super::error::{AuditError, Result};
use demand::Demand;

/// Says how large a share of a layer a phase needs, for how many whole weeks, or which effect it can find.
///
/// # Assumptions and formulas
/// - Weeks are whole, because weekdays differ.
/// - In its first week the layer has `first` different units, and in each further week `new` ones that were not there
///   before ([`Inflow`]). A phase with share s of the layer gets `floor(s (first + (weeks - 1) new))` units.
/// - With shares `w_k` of the arms, control first, every treatment is compared with the control. Each comparison finds
///   the effect with the power when `v_0/n_0 + v_k/n_k <= (effect / (critical + z_power))^2` ([`PowerPlan`], after Chow,
///   Shao and Wang 2008), at the level alpha split evenly over the comparisons (Bonferroni), as readouts
///   split it. The phase needs the largest `n_0 / w_0` and `n_k / w_k`.
/// - `critical` is that of the sequential test at the size to which it is tuned; [`with_one_look`](Self::with_one_look)
///   takes a test that is looked at once. The number of units that comes out is what the plan of the phase is to be
///   tuned to, `AbTestPlan::tuned_units`.
///
/// [`PowerPlan`]: expt_stats::PowerPlan
///
/// ```
/// use expt_analysis::audit::{Baseline, Effect, Inflow, TrafficAdvice, TrafficPlan};
/// use expt_core::Share;
///
/// // 40,000 users in the first week, 10,000 more in each further one; 5 % buy; half a percentage point matters.
/// let plan = TrafficPlan::new(Inflow::new(40_000, 10_000), Baseline::proportion(0.05)?, Effect::Absolute(0.005))?
///     .with_one_look()
///     .with_taken(&[Share::percent(30)?])?;
/// let TrafficAdvice::Feasible(fit) = plan.share_for(6)? else { panic!("6 weeks are enough") };
/// assert_eq!((fit.share, fit.needed), (Share::ppm(694_023)?, 62_462));
///
/// // Four weeks are not; the answer says what would do.
/// let TrafficAdvice::Impossible(short) = plan.share_for(4)? else { panic!("4 weeks are too short") };
/// assert_eq!(short.with_free_share.unwrap().weeks, 6);
/// assert!((short.detectable.unwrap() - 0.005_662).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct TrafficPlan {
    inflow: Inflow,
    demand: Demand,
    taken: u32,
    window: Duration,
    max_weeks: u32,
}

impl TrafficPlan {
    /// A plan for two equal arms that are looked at again and again, at the level 0.05 with the power 0.8, in a layer
    /// without other phases, for at most 26 weeks.
    ///
    /// # Errors
    /// [`AuditError::OutOfRange`] for an effect of zero, one that is not finite, one relative to a mean of zero, or one
    /// that leads a proportion out of 0 to 1.
    pub fn new(inflow: Inflow, baseline: Baseline, effect: Effect) -> Result<Self> {
        let demand = Demand::new(baseline, effect)?;
        Ok(Self { inflow, demand, taken: 0, window: Duration::ZERO, max_weeks: 26 })
    }

    /// Sets the shares of the arms, control first.
    ///
    /// # Errors
    /// [`AuditError::OutOfRange`] for an arm without a share.
    pub fn with_arms(mut self, shares: Shares) -> Result<Self> {
        if let Some(&value) = shares.as_slice().iter().find(|share| **share <= 0.0) {
            let allowed = "greater than 0: leave out an arm that gets nobody";
            return Err(AuditError::OutOfRange { what: "the share of an arm", value, allowed });
        }
        self.demand.shares = shares;
        Ok(self)
    }

    /// Sets the error level over all comparisons and the power of each.
    ///
    /// # Errors
    /// [`AuditError::OutOfRange`] unless the power is greater than alpha and less than 1.
    pub fn with_levels(mut self, alpha: Alpha, power: Probability) -> Result<Self> {
        if power.get() <= alpha.get() || power.get() >= 1.0 {
            let (value, allowed) = (power.get(), "greater than alpha and less than 1");
            return Err(AuditError::OutOfRange { what: "the power", value, allowed });
        }
        (self.demand.alpha, self.demand.power) = (alpha, power);
        Ok(self)
    }

    /// Takes a test that is looked at once, which needs fewer units.
    #[must_use]
    pub const fn with_one_look(mut self) -> Self {
        self.demand.sequential = false;
        self
    }

    /// Sets the shares of the layer that other phases hold.
    ///
    /// # Errors
    /// [`AuditError::Layer`] if they are more than everything.
    pub fn with_taken(mut self, phases: &[Share]) -> Result<Self> {
        let total: u64 = phases.iter().map(|share| u64::from(share.as_ppm())).sum();
        match u32::try_from(total) {
            Ok(taken) if taken <= Share::ALL.as_ppm() => self.taken = taken,
            _ => return Err(AuditError::Layer { total }),
        }
        Ok(self)
    }

    /// Sets the time in which outcomes of a unit count; the readout waits for it after the last week.
    #[must_use]
    pub const fn with_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Sets the longest time that is thought of.
    ///
    /// # Errors
    /// [`AuditError::OutOfRange`] unless it is 1 to 520 weeks.
    pub fn with_max_weeks(mut self, weeks: u32) -> Result<Self> {
        self.max_weeks = check_weeks(weeks, 520, "1 to 520")?;
        Ok(self)
    }

    /// The part of the layer that no other phase holds.
    #[must_use]
    pub fn free(&self) -> Share {
        share(u64::from(Share::ALL.as_ppm() - self.taken))
    }

    /// How many units the phase needs, over all arms.
    ///
    /// # Errors
    /// [`AuditError::Stats`] for an effect so small that it needs more than 1e18 units.
    pub fn needed(&self) -> Result<u64> {
        self.demand.units(self.demand.effect)
    }

    /// What so large a share gives in so many weeks.
    ///
    /// # Errors
    /// [`AuditError::OutOfRange`] for no weeks or more than the longest time; as [`needed`](Self::needed).
    pub fn at(&self, share: Share, weeks: u32) -> Result<TrafficOption> {
        let weeks =
            check_weeks(weeks, self.max_weeks, "1 to the longest time, 26 weeks unless set otherwise")?;
        let units = self.units(share, weeks);
        let week = Duration::from_secs(7 * 86_400);
        let wait = u32::try_from(self.window.as_nanos().div_ceil(week.as_nanos())).unwrap_or(u32::MAX);
        Ok(TrafficOption {
            share,
            weeks,
            ready_weeks: weeks.saturating_add(wait),
            units,
            needed: self.needed()?,
            detectable: self.demand.detectable(units),
        })
    }

    /// The smallest share of the layer that is enough for the effect in so many weeks.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn share_for(&self, weeks: u32) -> Result<TrafficAdvice> {
        let all = self.at(self.free(), weeks)?;
        match self.least_share(weeks)? {
            Some(share) => Ok(TrafficAdvice::Feasible(self.at(share, weeks)?)),
            None => self.shortfall(all),
        }
    }

    /// The fewest weeks in which the share of the layer is enough for the effect.
    ///
    /// # Errors
    /// As [`needed`](Self::needed).
    pub fn weeks_for(&self, share: Share) -> Result<TrafficAdvice> {
        match self.least_weeks(share)? {
            Some(weeks) if share <= self.free() => Ok(TrafficAdvice::Feasible(self.at(share, weeks)?)),
            _ => self.shortfall(self.at(share, self.max_weeks)?),
        }
    }

    fn shortfall(&self, asked: TrafficOption) -> Result<TrafficAdvice> {
        let free = self.free();
        let weeks = self.least_weeks(free)?;
        let share = self.least_share(self.max_weeks)?;
        Ok(TrafficAdvice::Impossible(TrafficShortfall {
            free,
            detectable: self.demand.detectable(self.units(free, asked.weeks)),
            with_free_share: weeks.map(|weeks| self.at(free, weeks)).transpose()?,
            with_all_weeks: share.map(|share| self.at(share, self.max_weeks)).transpose()?,
            asked,
        }))
    }

    /// The smallest share that is enough, if it is free.
    fn least_share(&self, weeks: u32) -> Result<Option<Share>> {
        let (needed, layer) = (u128::from(self.needed()?), self.inflow.units(weeks));
        if layer == 0 {
            return Ok(None);
        }
        let ppm = (needed * u128::from(Share::ALL.as_ppm())).div_ceil(layer);
        let free = ppm <= u128::from(self.free().as_ppm());
        Ok(free.then(|| share(u64::try_from(ppm).unwrap_or(u64::MAX))))
    }

    fn least_weeks(&self, share: Share) -> Result<Option<u32>> {
        let needed = self.needed()?;
        Ok((1..=self.max_weeks).find(|weeks| self.units(share, *weeks) >= needed))
    }

    fn units(&self, share: Share, weeks: u32) -> u64 {
        let units = self.inflow.units(weeks) * u128::from(share.as_ppm()) / u128::from(Share::ALL.as_ppm());
        u64::try_from(units).unwrap_or(u64::MAX)
    }
}

/// How many different units come to a layer: those who could take part, not their visits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inflow {
    first: u64,
    new: u64,
}

impl Inflow {
    /// Different units of a week, and of a further week those that were in no week before.
    #[must_use]
    pub const fn new(first: u64, new: u64) -> Self {
        Self { first, new }
    }

    /// Different units after so many weeks.
    fn units(self, weeks: u32) -> u128 {
        let further = u128::from(weeks.saturating_sub(1)) * u128::from(self.new);
        if weeks == 0 { 0 } else { u128::from(self.first) + further }
    }
}

fn check_weeks(weeks: u32, most: u32, allowed: &'static str) -> Result<u32> {
    if (1..=most).contains(&weeks) {
        return Ok(weeks);
    }
    Err(AuditError::OutOfRange { what: "the number of weeks", value: f64::from(weeks), allowed })
}

/// A share of at most everything.
fn share(ppm: u64) -> Share {
    u32::try_from(ppm).ok().and_then(|ppm| Share::ppm(ppm).ok()).unwrap_or(Share::ALL)
}
