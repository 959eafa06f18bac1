//! One trial.

use std::sync::Arc;

use expt_core::{ParamValue, RunStatus};
use expt_track::Run;

use crate::pruner::{PruneDecision, PruneView};
use crate::space::Params;
use crate::study::{Observation, Shared, TrialState, step_metric};
use crate::{Error, ErrorKind, Result};

/// A trial that runs: its params, and the child run to log to.
///
/// A trial that is dropped before it ended counts as failed, its run as interrupted.
#[derive(Debug)]
pub struct Trial {
    place: Place,
    run: Run,
    params: Params,
}

/// A trial's place in its study. Dropped before the trial ended, it counts as failed: also where its run
/// never started.
#[derive(Debug)]
pub(crate) struct Place {
    shared: Arc<Shared>,
    number: u64,
}

impl Trial {
    pub(crate) const fn started(place: Place, run: Run, params: Params) -> Self {
        Self { place, run, params }
    }

    /// Its number, from 0.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.place.number
    }

    /// Its run, for more metrics, tags and artifacts.
    #[must_use]
    pub const fn run(&self) -> &Run {
        &self.run
    }

    /// Its params.
    #[must_use]
    pub const fn params(&self) -> &Params {
        &self.params
    }

    /// A param that is a number.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if this trial has no such param, or it is no number.
    pub fn float(&self, name: &str) -> Result<f64> {
        self.param(name, "a number", ParamValue::as_f64)
    }

    /// A param that is a whole number.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if this trial has no such param, or it is no whole number.
    pub fn int(&self, name: &str) -> Result<i64> {
        self.param(name, "a whole number", |value| match value {
            ParamValue::Int(value) => Some(*value),
            _ => None,
        })
    }

    /// A param that is text.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if this trial has no such param, or it is no text.
    pub fn text(&self, name: &str) -> Result<&str> {
        self.param(name, "text", ParamValue::as_str)
    }

    fn param<'a, T>(
        &'a self,
        name: &str,
        kind: &str,
        read: impl Fn(&'a ParamValue) -> Option<T>,
    ) -> Result<T> {
        self.params.get(name).and_then(read).ok_or_else(|| {
            let names: Vec<String> =
                self.params.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            let message = format!(
                "trial {} has no param {name:?} that is {kind}; it has [{}]",
                self.number(),
                names.join(", ")
            );
            Error::new(ErrorKind::InvalidInput, "read param", message)
        })
    }

    /// Reports a value on the way, as the metric `OBJECTIVE.step`, and asks the pruner whether to go on.
    /// Does no I/O. To end the trial, call [`prune`](Self::prune).
    #[must_use]
    pub fn report(&self, step: u64, value: f64) -> PruneDecision {
        let Shared { options, trials } = &*self.place.shared;
        self.run.metric(&step_metric(&options.objective), step, value);
        let (own, others) = {
            let mut trials = trials.lock();
            let mut own = Vec::new();
            if let Some(trial) = trials.iter_mut().find(|trial| trial.number == self.number()) {
                trial.reports.push((step, value));
                own.clone_from(&trial.reports);
            }
            let others: Vec<Observation> =
                trials.iter().filter(|t| t.number != self.number()).cloned().collect();
            (own, others)
        };
        options.pruner.decide(&PruneView::new(options.direction, &own, &others))
    }

    /// Ends the trial with its value of the objective.
    ///
    /// # Errors
    /// As [`Run::finish`]; the trial then counts as failed, and its run as interrupted.
    pub async fn complete(self, value: f64) -> Result<()> {
        self.run.metric(&self.place.shared.options.objective, 0, value);
        self.end(RunStatus::Finished, TrialState::Complete, Some(value)).await
    }

    /// Ends the trial early.
    ///
    /// # Errors
    /// As [`Run::end`]; the trial then counts as failed, and its run as interrupted.
    pub async fn prune(self, decision: PruneDecision) -> Result<()> {
        self.run.tag("trial.pruned", decision.reason);
        self.end(RunStatus::Pruned, TrialState::Pruned, None).await
    }

    /// Ends the trial with a fault.
    ///
    /// # Errors
    /// As [`Run::end`]; its run then counts as interrupted.
    pub async fn fail(self, why: impl Into<String>) -> Result<()> {
        self.run.tag("trial.failed", why);
        self.end(RunStatus::Failed, TrialState::Failed, None).await
    }

    async fn end(self, status: RunStatus, state: TrialState, value: Option<f64>) -> Result<()> {
        self.run.end(status).await?;
        self.place.note(|trial| {
            trial.state = state;
            trial.value = value;
        });
        Ok(())
    }
}

impl Place {
    pub(crate) const fn new(shared: Arc<Shared>, number: u64) -> Self {
        Self { shared, number }
    }

    fn note(&self, change: impl FnOnce(&mut Observation)) {
        let mut trials = self.shared.trials.lock();
        if let Some(trial) = trials.iter_mut().find(|trial| trial.number == self.number) {
            change(trial);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.note(|trial| {
            if trial.state == TrialState::Running {
                trial.state = TrialState::Failed;
            }
        });
    }
}
