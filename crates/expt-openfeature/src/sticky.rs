//! Where sticky records are between requests.

use std::sync::Arc;

use expt_assign::StickyRecord;
use expt_core::UnitKind;

/// Keeps the sticky records of units, for phases that hold the units that they have.
///
/// Both calls are made within an evaluation, so they must not block: this is a memory of the process, or a
/// cache in front of a store. What it does not know does not hold a unit.
pub trait StickyMemory: Send + Sync {
    /// The records of a unit, of any phase.
    ///
    /// It is asked for the unit of the evaluation and, if that is identified by its own id, for each fallback
    /// that the context shows: `LoginRule::KeepArm` says that their records count.
    fn records(&self, kind: &UnitKind, id: &str) -> Vec<StickyRecord>;

    /// Keeps a record: the unit was just given the arm. It replaces one of the same phase.
    fn keep(&self, kind: &UnitKind, id: &str, record: StickyRecord);
}

impl<M: StickyMemory + ?Sized> StickyMemory for Arc<M> {
    fn records(&self, kind: &UnitKind, id: &str) -> Vec<StickyRecord> {
        (**self).records(kind, id)
    }

    fn keep(&self, kind: &UnitKind, id: &str, record: StickyRecord) {
        (**self).keep(kind, id, record);
    }
}
