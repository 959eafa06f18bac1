//! What every prediction carries.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::{ArmId, ExperimentId, HoldoutId, ModelName, PhaseId, RunId};
use crate::pin::PinStatus;

/// Where a prediction's model comes from, what its request is part of, and whether it was shown.
///
/// Together with its [`Prediction`](crate::Prediction) it answers, from the prediction id alone: which
/// model version, trained by which run, on which features, in which arm of which phase. Stamps repeat, so
/// event logs intern them: a stamp's content stands once a segment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Where the model comes from.
    pub model: ModelOrigin,
    /// The arms whose decision points were read for the prediction, in the order of reading.
    pub arms: Vec<ArmRef>,
    /// The version of the assignment config that was in force.
    pub config_version: u32,
    /// Whether the user got this prediction, and why.
    pub shown: Shown,
}

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelOrigin {
    /// The registered model.
    pub model: ModelName,
    /// Its version.
    pub version: u32,
    /// The digest of its bytes.
    pub digest: Digest,
    /// The run that trained it.
    pub run: RunId,
    /// The experiment of that run.
    pub experiment: ExperimentId,
    /// The digest of its feature pin, if it has one.
    pub features: Option<Digest>,
    /// What is known about the pin.
    pub pin: PinStatus,
}

/// One arm of one phase of one experiment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ArmRef {
    /// The experiment.
    pub experiment: ExperimentId,
    /// The phase.
    pub phase: PhaseId,
    /// The arm.
    pub arm: ArmId,
}

/// Whether the user got the prediction, and why.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Shown {
    /// Yes: an arm of a running phase asked for it.
    Arm,
    /// Yes: the unit is held out, and gets what held-out units get.
    Holdout(HoldoutId),
    /// Yes: the unit is excluded from experiments.
    Excluded,
    /// Yes: somebody forced the arm; never analysed.
    Forced,
    /// Yes: the arm's own model could not be used.
    Fallback,
    /// Yes: no phase touched the request.
    Production,
    /// No: it ran in the shadow of what was shown.
    Shadow,
}

impl Shown {
    /// Whether the user got it.
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        !matches!(self, Self::Shadow)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arm => write!(f, "shown: arm"),
            Self::Holdout(id) => write!(f, "shown: holdout {id}"),
            Self::Excluded => write!(f, "shown: excluded"),
            Self::Forced => write!(f, "shown: forced"),
            Self::Fallback => write!(f, "shown: fallback"),
            Self::Production => write!(f, "shown: production"),
            Self::Shadow => write!(f, "not shown: shadow"),
        }
    }
}
