//! What is remembered of a unit so that it keeps its arm.

use expt_core::{ArmId, Identity, PhaseId};
use serde::{Deserialize, Serialize};

/// A unit has an arm of a phase, and keeps it.
///
/// Records come in with a request ([`Context::with_sticky`](crate::Context::with_sticky)) and go out with an
/// assignment ([`Assignment::sticky_record`](crate::Assignment::sticky_record)). Whoever serves keeps them,
/// under the unit and its kind, and loads them before it asks; this crate stores nothing. A record holds for
/// one epoch only.
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
    /// How the unit was identified when the arm was given. What a record that was made under a fallback is
    /// worth under the unit's own id, says [`LoginRule`](crate::LoginRule).
    #[serde(default = "own")]
    pub identity: Identity,
}

impl StickyRecord {
    /// A record of a unit that was identified by its own id.
    #[must_use]
    pub const fn new(phase: PhaseId, epoch: u32, arm: ArmId) -> Self {
        Self { phase, epoch, arm, identity: Identity::Own }
    }

    /// Sets how the unit was identified.
    #[must_use]
    pub const fn with_identity(mut self, identity: Identity) -> Self {
        self.identity = identity;
        self
    }
}

const fn own() -> Identity {
    Identity::Own
}
