//! The rows of the append-only event tables.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{
    ArmId, ExperimentId, HoldoutId, MetricName, OutcomeId, PhaseId, PredictionId, RequestId, UnitId, UnitKind,
};
use crate::stamp::Stamp;
use crate::time::Timestamp;

/// One row of an event log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Event {
    /// A unit saw an arm.
    Exposure(Exposure),
    /// A model said something for a request.
    Prediction(Prediction),
    /// A unit did something.
    Outcome(Outcome),
    /// Two rankings were merged into one response.
    MergedList(MergedList),
}

impl Event {
    /// When it happened.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Exposure(row) => row.at,
            Self::Prediction(row) => row.at,
            Self::Outcome(row) => row.at,
            Self::MergedList(row) => row.at,
        }
    }
}

/// A unit saw an arm of a phase, or was kept from it by a holdout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// When.
    pub at: Timestamp,
    /// The unit that was randomised.
    pub unit: UnitId,
    /// Its kind.
    pub unit_kind: UnitKind,
    /// How the unit was identified.
    pub identity: Identity,
    /// What it saw.
    pub target: ExposureTarget,
    /// The version of the assignment config that was in force.
    pub config_version: u32,
}

/// How a unit was identified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Identity {
    /// By the unit's own id.
    Own,
    /// By a fallback attribute, such as the device of a user who is not logged in.
    Fallback,
}

/// What a unit was exposed to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ExposureTarget {
    /// An arm.
    Arm {
        /// The experiment.
        experiment: ExperimentId,
        /// The phase.
        phase: PhaseId,
        /// The arm.
        arm: ArmId,
        /// The epoch of the phase.
        epoch: u32,
    },
    /// Nothing new: it is in a holdout.
    Holdout {
        /// The holdout.
        holdout: HoldoutId,
    },
}

/// A model said something for a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Its id.
    pub id: PredictionId,
    /// When.
    pub at: Timestamp,
    /// The request; a shadow prediction shares it with the one that was shown.
    pub request: RequestId,
    /// The unit that asked.
    pub unit: UnitId,
    /// Its kind.
    pub unit_kind: UnitKind,
    /// Where the model comes from, what the request is part of, whether it was shown.
    pub stamp: Arc<Stamp>,
    /// What the model said.
    pub output: Output,
}

/// What a model said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Output {
    /// One number: a score, a probability, a class.
    Value(f64),
    /// A ranking, best first. Item `i` is addressed as `prediction_id#i`.
    Items(Vec<ScoredItem>),
}

/// One item of a ranking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoredItem {
    /// The item.
    pub key: String,
    /// Its score.
    pub score: f64,
}

/// A unit did something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its id: the same outcome sent twice counts once.
    pub id: OutcomeId,
    /// When it happened.
    pub at: Timestamp,
    /// When it became known: a look at an earlier time does not see it.
    pub received: Timestamp,
    /// What it belongs to.
    pub subject: Subject,
    /// The metric.
    pub metric: MetricName,
    /// The value.
    pub value: f64,
}

/// What an outcome belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Subject {
    /// A unit.
    Unit {
        /// The unit.
        unit: UnitId,
        /// Its kind.
        unit_kind: UnitKind,
    },
    /// A prediction.
    Prediction(PredictionId),
    /// One item of a ranked prediction.
    Item {
        /// The prediction.
        prediction: PredictionId,
        /// The position in its items, from 0.
        index: u32,
    },
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit { unit, unit_kind } => write!(f, "{unit_kind} {unit}"),
            Self::Prediction(id) => write!(f, "{id}"),
            Self::Item { prediction, index } => write!(f, "{prediction}#{index}"),
        }
    }
}

/// An interleaved response: which prediction owns which position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MergedList {
    /// When.
    pub at: Timestamp,
    /// The request.
    pub request: RequestId,
    /// The unit that asked.
    pub unit: UnitId,
    /// The phase that merged.
    pub phase: PhaseId,
    /// The two predictions; `owner` 0 and 1 point at them.
    pub predictions: [PredictionId; 2],
    /// What was shown, best first.
    pub positions: Vec<MergedPosition>,
}

/// One position of an interleaved response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MergedPosition {
    /// The item.
    pub key: String,
    /// Which of the two predictions put it there (0 or 1); `None` where both would have.
    pub owner: Option<u8>,
    /// The probability, over the coin flips of the merge, that the owner put it there; in (0, 1].
    pub propensity: f64,
}
