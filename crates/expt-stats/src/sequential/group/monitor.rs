//! Boundaries for the information that looks really have.

use serde::{Deserialize, Serialize};

use super::design::{GroupLook, GroupSequential, check_information};
use super::rule::{Binding, Efficacy};
use super::solve::{self, Bounds};
use super::spending::Sides;
use crate::error::StatsError;
use crate::special::normal;

/// Follows a design whose looks come earlier, later, or in another number than planned.
///
/// The level is spent by the realised information (Lan and DeMets 1983): each look gets the bound that spends what
/// the spending function allows up to it, given the bounds of the looks before, which stay. A look with more than the
/// planned information (over-run) or the last look with less (under-run, pass `last`) gets all that is left, with the
/// true correlation of the looks. A look too early to spend anything gets no bound. Classical boundaries use as their
/// spending function what the plan spends at its looks, linear between them (a design by fixed bounds likewise).
/// The looks must not be timed by the observed effect.
///
/// Efficacy only: a non-binding futility boundary of the plan may be read from the design; a binding one is refused.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::sequential::{Efficacy, GroupMonitor, GroupPlan, Spending};
///
/// let efficacy = Efficacy::Spending { function: Spending::LanDeMetsObrienFleming };
/// let design = GroupPlan::equally_spaced(Alpha::FIVE_PERCENT, 2, efficacy).design()?;
/// let mut monitor = GroupMonitor::new(&design)?;
/// monitor.look(0.45, false)?;
/// let last = monitor.look(1.2, true)?; // 20 % over-run
/// assert!((last.alpha_spent - 0.05).abs() < 1e-9);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupMonitor {
    design: GroupSequential,
    information: Vec<f64>,
    finished: bool,
}

impl GroupMonitor {
    /// Starts before the first look.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if the design counts on a binding futility boundary.
    pub fn new(design: &GroupSequential) -> Result<Self, StatsError> {
        if design.plan().futility.is_some() && design.plan().binding == Binding::Binding {
            let (what, allowed) = ("the binding futility boundary", "non-binding, as it may then be ignored");
            return Err(StatsError::OutOfRange { what, value: 1.0, allowed });
        }
        Ok(Self { design: design.clone(), information: Vec::new(), finished: false })
    }

    /// Adds a look at `information`, a share of the planned full information, and returns its bound.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] after the last look, or if the information does not rise.
    pub fn look(&mut self, information: f64, last: bool) -> Result<GroupLook, StatsError> {
        if self.finished {
            let allowed = "none after the look that spent the rest of alpha";
            return Err(StatsError::OutOfRange {
                what: "another look, at information",
                value: information,
                allowed,
            });
        }
        let mut all = self.information.clone();
        all.push(information);
        check_information(&all, MOST_INFORMATION)?;
        let last = last || information >= 1.0;
        let looks = self.bounds(&all, last)?;
        let newest =
            looks.last().copied().ok_or(StatsError::TooFew { what: "the looks", have: 0, need: 1 })?;
        (self.information, self.finished) = (all, last);
        Ok(newest)
    }

    /// Returns all looks so far with their bounds.
    ///
    /// # Errors
    /// As [`GroupMonitor::look`], only if a stored monitor was altered.
    pub fn looks(&self) -> Result<Vec<GroupLook>, StatsError> {
        if self.information.is_empty() {
            return Ok(Vec::new());
        }
        check_information(&self.information, MOST_INFORMATION)?;
        self.bounds(&self.information, self.finished)
    }

    fn bounds(&self, information: &[f64], last: bool) -> Result<Vec<GroupLook>, StatsError> {
        let plan = self.design.plan();
        let (sides, alpha) = (plan.sides(), plan.alpha());
        let mut cumulative = Vec::with_capacity(information.len());
        for &t in information {
            cumulative.push(self.spent(t, sides)?);
        }
        if let Some(end) = cumulative.last_mut().filter(|_| last) {
            *end = self.total();
        }
        let rule = Efficacy::Spends { cumulative };
        let upper = solve::efficacy(&rule, alpha, sides, information, &[])?;
        let bounds = Bounds { sides, information: information.to_vec(), upper, lower: Vec::new() };
        let mut alpha_spent = 0.0;
        let looks =
            bounds.spends().into_iter().zip(information).zip(&bounds.upper).map(|((amount, &t), &bound)| {
                alpha_spent += amount;
                let efficacy = Some(bound).filter(|bound| bound.is_finite());
                let stage_level = efficacy.map_or(0.0, normal::sf);
                GroupLook { information: t, efficacy, futility: None, alpha_spent, stage_level }
            });
        Ok(looks.collect())
    }

    /// Returns the level that may be spent up to `t`.
    fn spent(&self, t: f64, sides: Sides) -> Result<f64, StatsError> {
        if let Efficacy::Spending { function } = &self.design.plan().efficacy {
            return function.spent(self.design.plan().alpha(), t, sides);
        }
        let mut left = (0.0, 0.0);
        for look in self.design.looks() {
            if t <= look.information {
                let share = (t - left.0) / (look.information - left.0);
                return Ok(left.1 + share * (look.alpha_spent - left.1));
            }
            left = (look.information, look.alpha_spent);
        }
        Ok(left.1)
    }

    fn total(&self) -> f64 {
        match &self.design.plan().efficacy {
            Efficacy::Bounds { .. } => self.design.looks().last().map_or(0.0, |look| look.alpha_spent),
            _ => self.design.plan().alpha().get(),
        }
    }
}

/// An over-run beyond this is an error of unit, not an over-run.
const MOST_INFORMATION: f64 = 1e6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Alpha;
    use crate::sequential::{GroupPlan, Spending};
    use crate::testing::close;

    fn monitor(efficacy: Efficacy) -> GroupMonitor {
        let design = GroupPlan::equally_spaced(Alpha::FIVE_PERCENT, 4, efficacy).design().unwrap();
        GroupMonitor::new(&design).unwrap()
    }

    #[test]
    fn on_schedule_it_repeats_the_design() {
        for efficacy in [Efficacy::Pocock, Efficacy::Spending { function: Spending::LanDeMetsPocock }] {
            let mut monitor = monitor(efficacy);
            for planned in monitor.design.looks().to_vec() {
                let got = monitor.look(planned.information, false).unwrap();
                close(got.efficacy.unwrap(), planned.efficacy.unwrap(), 1e-9);
            }
            assert!(monitor.look(1.2, true).is_err());
        }
    }

    #[test]
    fn under_and_over_run_spend_exactly_alpha_and_keep_earlier_bounds() {
        for end in [0.8, 1.5] {
            let mut monitor = monitor(Efficacy::ObrienFleming);
            let tiny = monitor.look(1e-9, false).unwrap();
            assert!(tiny.efficacy.is_none_or(|bound| bound > 4.0));
            let first = monitor.look(0.31, false).unwrap();
            let last = monitor.look(end, true).unwrap();
            close(last.alpha_spent, 0.05, 1e-9);
            close(monitor.looks().unwrap()[1].efficacy.unwrap(), first.efficacy.unwrap(), 1e-12);
            let json = serde_json::to_string(&monitor).unwrap();
            assert_eq!(serde_json::from_str::<GroupMonitor>(&json).unwrap(), monitor);
        }
        assert!(monitor(Efficacy::Pocock).look(f64::NAN, false).is_err());
    }
}
