//! What was chosen for a unit in one layer, in a few bytes.

use crate::assignment::Stuck;
use crate::mix::UnitDigest;

/// What was chosen for a unit in one layer: small enough for a thousand layers a request. What it means at a
/// decision point is read from the snapshot that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) verdict: Verdict,
    pub(crate) stuck: Stuck,
    /// Of the phase.
    pub(crate) arm: u16,
    /// The phase, the exclusion or the layer that the verdict is about; [`NONE`] where it is about none.
    pub(crate) index: u32,
    /// The holdout that the verdict is about.
    pub(crate) holdout: u32,
}

/// The index of nothing.
pub(crate) const NONE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Arm,
    Shipped,
    Forced,
    Holdout,
    /// In the comparison group of the holdout; `index` is a phase that has shipped an arm, or none.
    ShippedOnly,
    /// `index` is the exclusion.
    Excluded,
    Paused,
    NotTargeted,
    Prerequisite,
    Unallocated,
    NoLayer,
    /// `index` is the layer.
    WrongUnit,
}

impl Choice {
    #[inline]
    pub(crate) const fn of(verdict: Verdict, index: u32) -> Self {
        Self { verdict, stuck: Stuck::Off, arm: 0, index, holdout: NONE }
    }

    #[inline]
    pub(crate) const fn arm(verdict: Verdict, phase: u32, arm: u16, stuck: Stuck) -> Self {
        Self { verdict, stuck, arm, index: phase, holdout: NONE }
    }
}

/// What was chosen for one unit in every layer. Made by [`Snapshot::assign_all`](crate::Snapshot::assign_all),
/// read by [`Snapshot::assigned`](crate::Snapshot::assigned); keep it for the next request, so that it
/// allocates once.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    pub(crate) of: Vec<Choice>,
    /// What they were made for: the version of the config, and the unit.
    pub(crate) made_for: Option<(u32, UnitDigest)>,
}

impl Choices {
    /// For no unit yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { of: Vec::new(), made_for: None }
    }

    /// In how many layers the unit is served an arm.
    #[must_use]
    pub fn served(&self) -> usize {
        let serves = |choice: &&Choice| match choice.verdict {
            Verdict::Arm | Verdict::Shipped | Verdict::Forced => true,
            Verdict::ShippedOnly => choice.index != NONE,
            _ => false,
        };
        self.of.iter().filter(serves).count()
    }
}
