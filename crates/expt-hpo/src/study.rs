//! A search, kept as a run.

use std::sync::Arc;

use expt_core::{Direction, ExperimentId, MetricName, Provenance, RunId, RunKind};
use expt_track::{NewRun, Run, Tracker};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::pruner::{NeverPrune, Pruner};
use crate::sampler::{RandomSampler, Sampler, SuggestContext};
use crate::space::{Params, Space};
use crate::trial::{Place, Trial};
use crate::{Error, ErrorKind, Result};

/// A search: a parent run whose children are the trials.
///
/// [`ask`](Self::ask) for a trial, train with its params, and [`complete`](Trial::complete) it. Several
/// threads may ask at once.
#[derive(Debug)]
pub struct Study {
    tracker: Tracker,
    run: Run,
    shared: Arc<Shared>,
}

/// What trials share with their study.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: StudyOptions,
    pub(crate) trials: Mutex<Vec<Observation>>,
}

impl Study {
    /// Starts the parent run.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the objective, or the objective with `.step` behind it, is
    /// no metric name; as [`Tracker::start`].
    pub async fn start(tracker: &Tracker, options: StudyOptions) -> Result<Self> {
        // Here, and not as a fault of every trial.
        MetricName::new(&options.objective)?;
        MetricName::new(step_metric(&options.objective))?;
        let mut new = NewRun::new(options.experiment.clone(), options.name.clone())
            .with_kind(RunKind::Study)
            .with_tag("study.objective", options.objective.clone())
            .with_tag("study.sampler", options.sampler.name())
            .with_tag("study.pruner", options.pruner.name())
            .with_tag("study.seed", options.seed.to_string());
        if let Some(id) = options.run {
            new = new.with_id(id);
        }
        if let Some(provenance) = &options.provenance {
            new = new.with_provenance(provenance.clone());
        }
        let run = tracker.start(new).await?;
        Ok(Self {
            tracker: tracker.clone(),
            run,
            shared: Arc::new(Shared { options, trials: Mutex::default() }),
        })
    }

    /// The parent run.
    #[must_use]
    pub const fn run(&self) -> &Run {
        &self.run
    }

    /// Starts the next trial: a child run with the suggested params and the study's provenance. Its id is
    /// derived from the study's id and the trial's number.
    ///
    /// # Errors
    /// As [`Tracker::start`]; the trial then counts as failed, and the next one has the next number.
    pub async fn ask(&self) -> Result<Trial> {
        let options = &self.shared.options;
        let observation = {
            let mut trials = self.shared.trials.lock();
            let number = trials.len() as u64;
            let params =
                options.sampler.suggest(&options.space, &trials, SuggestContext::new(options.seed, number));
            let run = RunId::derive([self.run.id().as_bytes().as_slice(), &number.to_le_bytes()]);
            let state = TrialState::Running;
            trials.push(Observation { number, run, params, reports: Vec::new(), value: None, state });
            trials.last().cloned()
        };
        let nothing = || Error::new(ErrorKind::Internal, "ask for trial", "the trial was not kept");
        let Observation { number, run, params, .. } = observation.ok_or_else(nothing)?;
        let mut new = NewRun::new(options.experiment.clone(), format!("{} #{number}", options.name))
            .with_id(run)
            .with_kind(RunKind::Trial)
            .with_parent(self.run.id())
            .with_params(params.clone())
            .with_tag("trial.number", number.to_string());
        if let Some(provenance) = &options.provenance {
            new = new.with_provenance(provenance.clone());
        }
        let place = Place::new(Arc::clone(&self.shared), number);
        let run = self.tracker.start(new).await?;
        Ok(Trial::started(place, run, params))
    }

    /// All trials so far, by number.
    #[must_use]
    pub fn trials(&self) -> Vec<Observation> {
        self.shared.trials.lock().clone()
    }

    /// The completed trial with the best value; of several, the first. NaN is no value.
    #[must_use]
    pub fn best(&self) -> Option<Observation> {
        let direction = self.shared.options.direction;
        let better = |a: f64, b: f64| match direction {
            Direction::HigherIsBetter => a > b,
            Direction::LowerIsBetter => a < b,
        };
        let trials = self.shared.trials.lock();
        let complete = trials.iter().filter(|t| t.state == TrialState::Complete);
        let valued =
            complete.filter_map(|trial| trial.value.filter(|v| !v.is_nan()).map(|value| (value, trial)));
        valued
            .reduce(|best, next| if better(next.0, best.0) { next } else { best })
            .map(|(_, trial)| trial.clone())
    }

    /// Ends the parent run, and gives the best trial. Trials that still run are not waited for.
    ///
    /// # Errors
    /// As [`Run::finish`].
    pub async fn finish(&self) -> Result<Option<Observation>> {
        let best = self.best();
        if let Some((best, value)) = best.as_ref().and_then(|best| Some((best, best.value?))) {
            self.run.metric(&self.shared.options.objective, 0, value);
            self.run.tag("study.best", best.run.to_string());
        }
        self.run.tag("study.trials", self.shared.trials.lock().len().to_string());
        self.run.finish().await?;
        Ok(best)
    }
}

/// What a study is about.
#[derive(Debug)]
pub struct StudyOptions {
    pub(crate) experiment: ExperimentId,
    pub(crate) name: String,
    pub(crate) space: Space,
    pub(crate) objective: String,
    pub(crate) direction: Direction,
    pub(crate) sampler: Box<dyn Sampler>,
    pub(crate) pruner: Box<dyn Pruner>,
    pub(crate) seed: u64,
    pub(crate) run: Option<RunId>,
    pub(crate) provenance: Option<Provenance>,
}

impl StudyOptions {
    /// A search of the space for the best value of the objective (the name of a metric), with a random
    /// sampler, no pruner and seed 0.
    #[must_use]
    pub fn new(
        experiment: ExperimentId,
        name: impl Into<String>,
        space: Space,
        objective: impl Into<String>,
        direction: Direction,
    ) -> Self {
        Self {
            experiment,
            name: name.into(),
            space,
            objective: objective.into(),
            direction,
            sampler: Box::new(RandomSampler),
            pruner: Box::new(NeverPrune),
            seed: 0,
            run: None,
            provenance: None,
        }
    }

    /// Sets the sampler.
    #[must_use]
    pub fn with_sampler(mut self, sampler: impl Sampler + 'static) -> Self {
        self.sampler = Box::new(sampler);
        self
    }

    /// Sets the pruner.
    #[must_use]
    pub fn with_pruner(mut self, pruner: impl Pruner + 'static) -> Self {
        self.pruner = Box::new(pruner);
        self
    }

    /// Sets the seed of the suggestions.
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the id of the parent run, for studies that must have the same ids when they are repeated.
    #[must_use]
    pub const fn with_run(mut self, run: RunId) -> Self {
        self.run = Some(run);
        self
    }

    /// Sets the provenance of the study and its trials.
    #[must_use]
    pub fn with_provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = Some(provenance);
        self
    }
}

/// What is known of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Its number, from 0.
    pub number: u64,
    /// Its run.
    pub run: RunId,
    /// Its params.
    pub params: Params,
    /// What it reported on the way: step and value.
    pub reports: Vec<(u64, f64)>,
    /// Its value, once it is complete.
    pub value: Option<f64>,
    /// Where it stands.
    pub state: TrialState,
}

/// Where a trial stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TrialState {
    /// It was asked for and has not ended.
    Running,
    /// It has a value.
    Complete,
    /// A pruner ended it.
    Pruned,
    /// It failed, or was dropped.
    Failed,
}

/// The metric of what trials report on the way.
pub(crate) fn step_metric(objective: &str) -> String {
    format!("{objective}.step")
}
