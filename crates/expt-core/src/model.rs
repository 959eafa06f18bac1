//! Registered models: versions, stages, promotions.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::artifact::ArtifactRef;
use crate::digest::Digest;
use crate::error::{CoreError, Result};
use crate::id::{Actor, ExperimentId, ModelName, RunId, check_name};
use crate::pin::FeaturePin;
use crate::time::Timestamp;

/// A numbered, immutable version of a registered model, and the mutable marks on it (stage, aliases).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelVersion {
    /// The model.
    pub model: ModelName,
    /// Counts from 1 within the model.
    pub version: u32,
    /// The run that trained it.
    pub run: RunId,
    /// The experiment of that run.
    pub experiment: ExperimentId,
    /// Its bytes.
    pub artifact: ArtifactRef,
    /// The feature pipeline that it was trained on, or why there is none.
    pub features: crate::Declared<FeaturePin>,
    /// What its run lacks to be reproducible; empty is what serving asks for.
    pub provenance_gaps: Vec<String>,
    /// When it was registered.
    pub created: Timestamp,
    /// Where it stands.
    pub stage: Stage,
    /// The names that point at it now.
    pub aliases: BTreeSet<String>,
}

impl ModelVersion {
    /// `model@version`, as people write it.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}@{}", self.model, self.version)
    }
}

/// Where a model version stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Stage {
    /// Registered, nothing more.
    #[default]
    None,
    /// A candidate.
    Staging,
    /// What users get. At most one version of a model is in it.
    Production,
    /// Kept for audit and rollback.
    Archived,
    /// A stage of the user's own.
    Other(String),
}

impl Stage {
    /// The word that stores and reports use.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::None => "none",
            Self::Staging => "staging",
            Self::Production => "production",
            Self::Archived => "archived",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Stage {
    type Err = CoreError;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "none" => Self::None,
            "staging" => Self::Staging,
            "production" => Self::Production,
            "archived" => Self::Archived,
            own => check_name("stage", own).map(|()| Self::Other(own.to_owned()))?,
        })
    }
}

impl Serialize for Stage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Stage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Why somebody believed that a promotion was right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Evidence {
    /// A stored document, such as a readout.
    Document {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// Its digest.
        digest: Digest,
    },
    /// Metrics of a run.
    Run {
        /// The run.
        run: RunId,
        /// What to look at in it.
        note: String,
    },
    /// A rollback to a version that was served before.
    Rollback,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document { kind, name, digest } => write!(f, "{kind} of {name} ({})", digest.short()),
            Self::Run { run, note } => write!(f, "run {run}: {note}"),
            Self::Rollback => write!(f, "rollback"),
        }
    }
}

/// One change of stage: who, when, from, to, why, on what evidence. Promotions are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// Counts from 1 within the model, over all its versions.
    pub sequence: u64,
    /// The model.
    pub model: ModelName,
    /// The version.
    pub version: u32,
    /// The stage before.
    pub from: Stage,
    /// The stage after.
    pub to: Stage,
    /// Who did it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// On what evidence.
    pub evidence: Option<Evidence>,
    /// Set where a version without full provenance was let through: the reason of the approver.
    pub provenance_override: Option<String>,
}
