//! The rules and messages that all metadata backends share.

use std::fmt::Display;

use expt_core::{Declared, Document, Experiment, ExperimentId, FeaturePin, ModelName, RunId, Stage};

use crate::{Error, ErrorKind, Requirement, Result};

pub(crate) fn no_experiment(operation: &'static str, id: &ExperimentId) -> Error {
    let message = format!("experiment {id} is not in this store; create_experiment registers it");
    Error::new(ErrorKind::NotFound, operation, message)
}

pub(crate) fn no_run(operation: &'static str, id: RunId) -> Error {
    let message = format!("run {id} is not in this store; create_run registers it");
    Error::new(ErrorKind::NotFound, operation, message)
}

pub(crate) fn no_version(operation: &'static str, model: &ModelName, version: u32) -> Error {
    let message = format!("model {model} has no version {version}; model_versions lists what it has");
    Error::new(ErrorKind::NotFound, operation, message)
}

pub(crate) fn no_document(kind: &str, name: &str, version: Option<u32>) -> Error {
    let which = version.map_or("no version".to_owned(), |version| format!("no version {version}"));
    let message = format!("document {kind} {name:?} has {which}; documents lists what there is");
    Error::new(ErrorKind::NotFound, "read document", message)
}

pub(crate) fn run_taken(id: RunId) -> Error {
    let message = format!("run {id} is there already; derive the id of a new run from something new");
    Error::new(ErrorKind::AlreadyExists, "create run", message)
}

/// A new run has no metrics: they would have a summary and no points.
pub(crate) fn check_new_run(run: &expt_core::Run) -> Result<()> {
    if run.metrics.is_empty() {
        return Ok(());
    }
    let message = format!(
        "run {} comes with {} metrics; create it without, then call append_metrics",
        run.id,
        run.metrics.len()
    );
    Err(Error::new(ErrorKind::InvalidInput, "create run", message))
}

/// The same experiment may be registered again.
pub(crate) fn check_same_experiment(old: &Experiment, new: &Experiment) -> Result<()> {
    let what = if old.hypothesis != new.hypothesis {
        "hypothesis"
    } else if old.owner != new.owner {
        "owner"
    } else {
        return Ok(());
    };
    let message = format!("experiment {} is there with another {what}; give a new one a new id", old.id);
    Err(Error::new(ErrorKind::AlreadyExists, "create experiment", message))
}

/// A pin is kept as JSON, which has no NaN and no infinity.
pub(crate) fn check_features(features: &Declared<FeaturePin>) -> Result<()> {
    let mut rows = features.given().into_iter().flat_map(|pin| &pin.golden);
    if rows.all(|row| row.input.iter().chain(&row.output).all(|value| value.is_finite())) {
        return Ok(());
    }
    let message = "a golden row has a number that is not finite; pin rows with finite numbers";
    Err(Error::new(ErrorKind::InvalidInput, COMMIT, message))
}

/// The stage as it reads back from its word, so that a user's stage cannot look like a built-in one and
/// not be it.
pub(crate) fn check_stage(stage: &Stage) -> Result<Stage> {
    Ok(stage.as_str().parse()?)
}

pub(crate) fn check_alias(alias: &str) -> Result<()> {
    if !alias.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidInput, COMMIT, "an alias is empty; give it a name like champion"))
}

pub(crate) fn check_document(document: &Document) -> Result<()> {
    let Document { kind, name, version, .. } = document;
    let problem = if *version == 0 {
        "has version 0; versions count from 1"
    } else if expt_core::Digest::of(&document.bytes) != document.digest {
        "has a digest that is not of its bytes; Document::seal makes the right one"
    } else {
        return Ok(());
    };
    let message = format!("document {kind} {name:?} version {version} {problem}");
    Err(Error::new(ErrorKind::InvalidInput, COMMIT, message))
}

pub(crate) fn document_taken(document: &Document) -> Error {
    let Document { kind, name, version, .. } = document;
    let message = format!(
        "document {kind} {name:?} has a version {version} with other bytes, and versions never change; put the next version"
    );
    Error::new(ErrorKind::AlreadyExists, COMMIT, message)
}

/// The requirement that does not hold, and what holds instead.
pub(crate) fn unmet(requirement: &Requirement, found: impl Display) -> Error {
    let or_none = |version: &Option<u32>| version.map_or("none".to_owned(), |v| format!("version {v}"));
    let wanted = match requirement {
        Requirement::StageIs { model, version, stage } => format!("stage of {model}@{version} is {stage}"),
        Requirement::InStage { model, stage, version } => {
            format!("version of {model} in stage {stage} is {}", or_none(version))
        }
        Requirement::AliasIs { model, alias, version } => {
            format!("alias {alias:?} of {model} is {}", or_none(version))
        }
        Requirement::DocumentIs { kind, name, version } => {
            format!("newest version of document {kind} {name:?} is {version}")
        }
    };
    let message = format!("required: {wanted}; found: {found}; read the registry again and decide anew");
    Error::new(ErrorKind::Conflict, COMMIT, message)
}

pub(crate) const COMMIT: &str = "commit registry";
