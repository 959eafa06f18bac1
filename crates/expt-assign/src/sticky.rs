//! What is remembered of a unit so that it keeps its arm.

use expt_core::{ArmId, PhaseId};
use serde::{Deserialize, Serialize};

/// A unit has an arm of a phase, and keeps it.
///
/// Records come in with a request and go out with an assignment
/// ([`Assignment::sticky_record`](crate::Assignment::sticky_record)). Whoever serves keeps them, under
/// the unit and its kind, and loads them before it asks; this crate stores nothing. A record holds for one
/// epoch only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct StickyRecord {
    /// The phase.
    pub phase: PhaseId,
    /// Its epoch when the arm was given.
    pub epoch: u32,
    /// The arm.
    pub arm: ArmId,
}

impl StickyRecord {
    /// Makes a record.
    #[must_use]
    pub const fn new(phase: PhaseId, epoch: u32, arm: ArmId) -> Self {
        Self { phase, epoch, arm }
    }
}
