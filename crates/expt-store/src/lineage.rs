//! From one prediction back to everything that it came from, and forward to what came of it.

mod tree;

use std::collections::BTreeSet;

use expt_core::{
    Event, Experiment, ExperimentId, Exposure, ExposureTarget, ModelVersion, Outcome, Prediction,
    PredictionId, Promotion, Run, Shown, Stamp, Subject,
};
use serde::Serialize;

use crate::{
    Error, ErrorKind, EventScan, EventStore, EventStoreExt, PageOptions, RegistryStore, RegistryStoreExt,
    Result, RunStore,
};

/// What is known about one prediction. Its `Display` is a tree for people; it serialises for programs.
///
/// What a store does not have is `None` or absent, and the tree says so.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Lineage {
    /// The prediction, with its stamp.
    pub prediction: Prediction,
    /// The first exposure of the unit to each arm or holdout of the stamp.
    pub exposures: Vec<Exposure>,
    /// The outcomes of the prediction and of its items, each once, by the time at which they happened.
    pub outcomes: Vec<Outcome>,
    /// The model version that the stamp names.
    pub model_version: Option<ModelVersion>,
    /// The promotions of that version, the oldest first.
    pub promotions: Vec<Promotion>,
    /// The run that the stamp names, with its provenance.
    pub run: Option<Run>,
    /// The run that this is a child of.
    pub parent: Option<Run>,
    /// The experiments that the stamp and the run name.
    pub experiments: Vec<Experiment>,
}

/// Finds out where a prediction came from and what came of it.
///
/// Reads the event log twice: up to the prediction, and through for its exposures and outcomes.
///
/// # Errors
/// [`NotFound`](ErrorKind::NotFound) if the prediction is not in the event store. What else is missing is
/// no error. Otherwise as the stores' methods.
pub async fn lineage(
    prediction: PredictionId,
    runs: &dyn RunStore,
    registry: &dyn RegistryStore,
    events: &dyn EventStore,
) -> Result<Lineage> {
    let prediction = events.prediction(prediction).await?.ok_or_else(|| {
        let message = format!(
            "prediction {prediction} is not in this event store; flush the program that made it, or open the store it writes to"
        );
        Error::new(ErrorKind::NotFound, "trace prediction", message)
    })?;
    let (exposures, outcomes) = around(&prediction, events).await?;
    let stamp = &prediction.stamp;
    let model = &stamp.model.model;
    let model_version = known(registry.model_version(model, stamp.model.version).await)?;
    let mut promotions = known(registry.all_promotions(model).await)?.unwrap_or_default();
    promotions.retain(|promotion| promotion.version == stamp.model.version);
    let run = known(runs.run(stamp.model.run).await)?;
    let parent = match run.as_ref().and_then(|run| run.parent) {
        Some(parent) => known(runs.run(parent).await)?,
        None => None,
    };
    let mut experiments = Vec::new();
    for id in experiment_ids(stamp, run.as_ref()) {
        experiments.extend(known(runs.experiment(id).await)?);
    }
    Ok(Lineage { exposures, outcomes, model_version, promotions, run, parent, experiments, prediction })
}

/// The exposures that the prediction is part of, and the outcomes that belong to it.
async fn around(prediction: &Prediction, events: &dyn EventStore) -> Result<(Vec<Exposure>, Vec<Outcome>)> {
    let (mut exposures, mut outcomes): (Vec<Exposure>, Vec<Outcome>) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    let mut page = PageOptions::default().with_limit(8192);
    loop {
        let found = events.scan(&EventScan::all(), &page).await?;
        for event in found.items {
            match event {
                Event::Exposure(row) if is_part(prediction, &row) => {
                    match exposures.iter_mut().find(|other| other.target == row.target) {
                        Some(first) if row.at < first.at => *first = row,
                        Some(_) => {}
                        None => exposures.push(row),
                    }
                }
                Event::Outcome(row) if is_of(&row.subject, prediction.id) && seen.insert(row.id) => {
                    outcomes.push(row);
                }
                _ => {}
            }
        }
        match found.next {
            Some(token) => page.token = Some(token),
            None => break,
        }
    }
    exposures.sort_by_key(|row| row.at);
    outcomes.sort_by_key(|row| (row.at, row.id));
    Ok((exposures, outcomes))
}

fn is_part(prediction: &Prediction, row: &Exposure) -> bool {
    row.unit == prediction.unit
        && row.unit_kind == prediction.unit_kind
        && match &row.target {
            ExposureTarget::Arm { experiment, phase, arm, .. } => {
                let arms = &prediction.stamp.arms;
                arms.iter().any(|of| of.experiment == *experiment && of.phase == *phase && of.arm == *arm)
            }
            ExposureTarget::Holdout { holdout } => {
                matches!(&prediction.stamp.shown, Shown::Holdout(of) if of == holdout)
            }
            _ => false,
        }
}

fn is_of(subject: &Subject, id: PredictionId) -> bool {
    match subject {
        Subject::Prediction(of) => *of == id,
        Subject::Item { prediction, .. } => *prediction == id,
        _ => false,
    }
}

fn known<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The experiment of the model first, then those of the arms, each once.
fn experiment_ids<'a>(stamp: &'a Stamp, run: Option<&'a Run>) -> Vec<&'a ExperimentId> {
    let mut ids = vec![&stamp.model.experiment];
    for id in run.map(|run| &run.experiment).into_iter().chain(stamp.arms.iter().map(|arm| &arm.experiment)) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

#[cfg(test)]
mod tests;
