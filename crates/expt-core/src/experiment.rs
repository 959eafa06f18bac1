//! The thread that everything hangs on.

use serde::{Deserialize, Serialize};

use crate::id::{Actor, ExperimentId};
use crate::time::Timestamp;

/// One hypothesis about one model problem: owns training runs and online phases.
///
/// Its id is carried by every run, model version, prediction and readout, and joins them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Experiment {
    /// The id that joins offline to online.
    pub id: ExperimentId,
    /// What is expected to happen, and why, in a sentence.
    pub hypothesis: String,
    /// Who answers for it.
    pub owner: Actor,
    /// When it was registered.
    pub created: Timestamp,
}
