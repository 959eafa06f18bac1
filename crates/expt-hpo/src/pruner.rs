//! Which trials to end early.

use std::fmt::Debug;

use expt_core::Direction;

use crate::study::{Observation, TrialState};

/// Decides whether a trial goes on: a pure function of what it and the others reported.
pub trait Pruner: Debug + Send + Sync {
    /// Its name, as the study's tags show it.
    fn name(&self) -> &'static str;

    /// The decision after the trial's newest report.
    fn decide(&self, view: &PruneView<'_>) -> PruneDecision;
}

/// What a pruner sees.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct PruneView<'a> {
    /// Which way is good.
    pub direction: Direction,
    /// What the trial reported, in the order of reporting: step and value.
    pub reports: &'a [(u64, f64)],
    /// The other trials of the study.
    pub others: &'a [Observation],
}

impl<'a> PruneView<'a> {
    /// A view of a trial among others.
    #[must_use]
    pub const fn new(direction: Direction, reports: &'a [(u64, f64)], others: &'a [Observation]) -> Self {
        Self { direction, reports, others }
    }
}

/// Whether to end the trial, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PruneDecision {
    /// Whether to end it.
    pub prune: bool,
    /// Why, in words with numbers.
    pub reason: String,
}

impl PruneDecision {
    /// Goes on.
    #[must_use]
    pub fn keep(reason: impl Into<String>) -> Self {
        Self { prune: false, reason: reason.into() }
    }

    /// Ends it.
    #[must_use]
    pub fn prune(reason: impl Into<String>) -> Self {
        Self { prune: true, reason: reason.into() }
    }
}

/// Ends no trial.
#[derive(Debug, Clone, Copy, Default)]
pub struct NeverPrune;

impl Pruner for NeverPrune {
    fn name(&self) -> &'static str {
        "never"
    }

    fn decide(&self, _view: &PruneView<'_>) -> PruneDecision {
        PruneDecision::keep("this pruner ends no trial")
    }
}

/// Ends a trial whose mean so far is worse than the median of the others' means up to the same step.
///
/// This is the median stopping rule of Golovin et al. 2017, with the running mean in place
/// of the best value on the trial's side too, because the steps of a cross-validation are not improvements
/// of each other. Only completed trials are compared with; a trial with a NaN among its reports is ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct MedianPruner {
    /// No trial is ended before so many others have completed with something to compare with; NaN aside.
    pub startup_trials: usize,
    /// No trial is ended before it has reported so many steps; NaN aside.
    pub warmup_steps: usize,
}

impl Default for MedianPruner {
    /// 5 completed trials, 1 step.
    fn default() -> Self {
        Self { startup_trials: 5, warmup_steps: 1 }
    }
}

impl Pruner for MedianPruner {
    fn name(&self) -> &'static str {
        "median"
    }

    fn decide(&self, view: &PruneView<'_>) -> PruneDecision {
        let Some((step, _)) = view.reports.last().copied() else {
            return PruneDecision::keep("nothing is reported yet");
        };
        let Some(own) = mean_until(view.reports, step).filter(|mean| !mean.is_nan()) else {
            return PruneDecision::prune(format!("a report up to step {step} is NaN"));
        };
        if view.reports.len() < self.warmup_steps {
            return PruneDecision::keep(format!("warming up until {} steps", self.warmup_steps));
        }
        let complete = view.others.iter().filter(|other| other.state == TrialState::Complete);
        let mut means: Vec<f64> = complete
            .filter_map(|other| mean_until(&other.reports, step))
            .filter(|mean| !mean.is_nan())
            .collect();
        if means.len() < self.startup_trials.max(1) {
            return PruneDecision::keep(format!(
                "{} of {} trials to compare with",
                means.len(),
                self.startup_trials
            ));
        }
        means.sort_by(f64::total_cmp);
        let median = median(&means);
        let worse = match view.direction {
            Direction::HigherIsBetter => own < median,
            Direction::LowerIsBetter => own > median,
        };
        let compared =
            format!("mean {own:.4} up to step {step}, median of {} trials {median:.4}", means.len());
        if worse { PruneDecision::prune(compared) } else { PruneDecision::keep(compared) }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a trial has fewer than 2^52 steps")]
fn mean_until(reports: &[(u64, f64)], step: u64) -> Option<f64> {
    let values: Vec<f64> = reports.iter().filter(|(at, _)| *at <= step).map(|(_, value)| *value).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The median of sorted values; the mean of the middle two of an even number.
fn median(sorted: &[f64]) -> f64 {
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { at(half) } else { f64::midpoint(at(half.saturating_sub(1)), at(half)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Params;
    use expt_core::RunId;

    fn other(values: &[f64], state: TrialState) -> Observation {
        let reports = values.iter().copied().enumerate().map(|(step, value)| (step as u64, value)).collect();
        let run = RunId::derive(["other"]);
        Observation { number: 0, run, params: Params::new(), reports, value: values.last().copied(), state }
    }

    fn check(reports: &[f64], direction: Direction, prune: bool) {
        let state = TrialState::Complete;
        let others: Vec<_> = [0.1, 0.2, 0.3, 0.4, 0.5].iter().map(|v| other(&[*v, *v], state)).collect();
        let reports: Vec<_> = reports.iter().copied().enumerate().map(|(s, v)| (s as u64, v)).collect();
        let decision = MedianPruner::default().decide(&PruneView::new(direction, &reports, &others));
        assert_eq!(decision.prune, prune, "{reports:?}: {}", decision.reason);
    }

    #[test]
    fn ends_what_is_worse_than_the_median() {
        check(&[0.29], Direction::HigherIsBetter, true);
        check(&[0.3], Direction::HigherIsBetter, false);
        check(&[0.31], Direction::LowerIsBetter, true);
        check(&[0.1, 0.6], Direction::HigherIsBetter, false);
        check(&[0.9, f64::NAN], Direction::HigherIsBetter, true);
        check(&[], Direction::HigherIsBetter, false);
    }

    #[test]
    fn compares_with_completed_trials_only_and_only_with_enough() {
        let others = vec![other(&[0.9], TrialState::Pruned); 9];
        let view = PruneView::new(Direction::HigherIsBetter, &[(0, 0.1)], &others);
        assert!(!MedianPruner::default().decide(&view).prune);
    }
}
