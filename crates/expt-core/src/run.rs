//! Runs: one training or evaluation execution.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::artifact::ArtifactRef;
use crate::error::{CoreError, Result};
use crate::id::{ExperimentId, MetricName, RunId};
use crate::metric::MetricSummary;
use crate::provenance::Provenance;
use crate::time::Timestamp;
use crate::value::ParamValue;

/// One execution, with what went in and what came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The experiment it belongs to.
    pub experiment: ExperimentId,
    /// The run it is a child of: the study of a trial.
    pub parent: Option<RunId>,
    /// What people call it.
    pub name: String,
    /// What kind of run it is.
    pub kind: RunKind,
    /// Where it stands.
    pub status: RunStatus,
    /// When it began.
    pub started: Timestamp,
    /// When it ended, if it has.
    pub ended: Option<Timestamp>,
    /// Dataset, features, code and seed.
    pub provenance: Option<Provenance>,
    /// Inputs: written once, never changed.
    pub params: BTreeMap<String, ParamValue>,
    /// Remarks: may change.
    pub tags: BTreeMap<String, String>,
    /// A summary of each metric. The points themselves are read with the store's `metric_history`.
    pub metrics: BTreeMap<MetricName, MetricSummary>,
    /// Named outputs.
    pub artifacts: BTreeMap<String, ArtifactRef>,
}

impl Run {
    /// A run that begins now, without params, provenance or parent.
    #[must_use]
    pub fn new(id: RunId, experiment: ExperimentId, name: impl Into<String>, started: Timestamp) -> Self {
        Self {
            id,
            experiment,
            parent: None,
            name: name.into(),
            kind: RunKind::Run,
            status: RunStatus::Running,
            started,
            ended: None,
            provenance: None,
            params: BTreeMap::new(),
            tags: BTreeMap::new(),
            metrics: BTreeMap::new(),
            artifacts: BTreeMap::new(),
        }
    }

    /// Whether the run has provenance without gaps.
    #[must_use]
    pub fn is_reproducible(&self) -> bool {
        self.provenance.as_ref().is_some_and(Provenance::is_reproducible)
    }
}

/// What kind of run it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RunKind {
    /// A training or evaluation run of its own.
    Run,
    /// The parent of trials.
    Study,
    /// A child of a study.
    Trial,
}

impl RunKind {
    /// The word that queries and stores use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Study => "study",
            Self::Trial => "trial",
        }
    }
}

impl fmt::Display for RunKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a run stands. A run that has ended never runs again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RunStatus {
    /// It has begun and not ended.
    Running,
    /// It did what it was for.
    Finished,
    /// A pruner ended it early.
    Pruned,
    /// It ended with an error.
    Failed,
    /// Its process went away.
    Interrupted,
}

impl RunStatus {
    /// The word that queries and stores use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Pruned => "pruned",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    /// Checks that a run of this status may take the next one.
    ///
    /// # Errors
    /// [`CoreError::Status`] unless this is [`RunStatus::Running`], or both are the same.
    pub fn check_next(self, next: Self) -> Result<()> {
        if self == next || self == Self::Running {
            return Ok(());
        }
        let help = "a run that has ended stays as it is: start a new run";
        Err(CoreError::Status { from: self, to: next, help })
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
