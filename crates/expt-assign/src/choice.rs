//! What was chosen for a unit in one layer, in a few bytes.

use std::fmt;

use crate::assignment::Stuck;
use crate::mix::UnitDigest;

/// What was chosen for a unit in one layer: small enough for a thousand layers a request. What it means at a
/// decision point is read from the snapshot that made it.
///
/// The parts are packed by hand, so that a choice is made and copied in whole registers: written part by part and
/// read whole, it would wait for the processor to put it together, longer than choosing takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Choice {
    /// From the lowest bit: index (32), arm (16), stuck (8), verdict (8).
    packed: u64,
    /// The holdout that the verdict is about.
    pub(crate) holdout: u32,
}

/// The index of nothing.
pub(crate) const NONE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Verdict {
    Arm,
    Shipped,
    Forced,
    Holdout,
    /// In the comparison group of the holdout; the index is a phase that has shipped an arm, or none.
    ShippedOnly,
    /// The index is the exclusion.
    Excluded,
    Paused,
    NotTargeted,
    Prerequisite,
    Unallocated,
    NoLayer,
    /// The index is the layer.
    WrongUnit,
}

impl Choice {
    #[inline]
    pub(crate) const fn of(verdict: Verdict, index: u32) -> Self {
        Self::arm(verdict, index, 0, Stuck::Off)
    }

    #[inline]
    pub(crate) const fn arm(verdict: Verdict, phase: u32, arm: u16, stuck: Stuck) -> Self {
        let packed = (verdict as u64) << 56 | (stuck as u64) << 48 | (arm as u64) << 32 | phase as u64;
        Self { packed, holdout: NONE }
    }

    /// The same, about a holdout.
    #[inline]
    pub(crate) const fn with_holdout(self, holdout: u32) -> Self {
        Self { holdout, ..self }
    }

    /// The same, with another verdict.
    pub(crate) const fn with_verdict(self, verdict: Verdict) -> Self {
        let packed = self.packed & (u64::MAX >> 8) | (verdict as u64) << 56;
        Self { packed, ..self }
    }

    /// What was chosen.
    #[inline]
    pub(crate) const fn verdict(self) -> Verdict {
        match self.packed >> 56 {
            0 => Verdict::Arm,
            1 => Verdict::Shipped,
            2 => Verdict::Forced,
            3 => Verdict::Holdout,
            4 => Verdict::ShippedOnly,
            5 => Verdict::Excluded,
            6 => Verdict::Paused,
            7 => Verdict::NotTargeted,
            8 => Verdict::Prerequisite,
            9 => Verdict::Unallocated,
            10 => Verdict::NoLayer,
            _ => Verdict::WrongUnit,
        }
    }

    /// Whether it is an arm.
    #[inline]
    pub(crate) const fn serves(self) -> bool {
        match self.verdict() {
            Verdict::Arm | Verdict::Shipped | Verdict::Forced => true,
            Verdict::ShippedOnly => self.index() != NONE,
            _ => false,
        }
    }

    /// What sticky records had to do with it.
    #[inline]
    pub(crate) const fn stuck(self) -> Stuck {
        match self.packed >> 48 & 0xff {
            0 => Stuck::Off,
            1 => Stuck::Kept,
            2 => Stuck::Moved,
            _ => Stuck::New,
        }
    }

    /// The arm, by its position in the phase.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "16 bits of the packed number")]
    pub(crate) const fn arm_index(self) -> u16 {
        (self.packed >> 32) as u16
    }

    /// The phase, exclusion or layer that the verdict is about; [`NONE`] where it is about none.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the low 32 bits of the packed number")]
    pub(crate) const fn index(self) -> u32 {
        self.packed as u32
    }
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = (self.verdict(), self.stuck(), self.arm_index(), self.index(), self.holdout);
        f.debug_tuple("Choice").field(&parts).finish()
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
        self.of.iter().filter(|choice| choice.serves()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out() {
        use Verdict::*;
        let verdicts = [
            Arm,
            Shipped,
            Forced,
            Holdout,
            ShippedOnly,
            Excluded,
            Paused,
            NotTargeted,
            Prerequisite,
            Unallocated,
            NoLayer,
            WrongUnit,
        ];
        for verdict in verdicts {
            for stuck in [Stuck::Off, Stuck::Kept, Stuck::Moved, Stuck::New] {
                for (index, arm) in [(0, 0), (NONE, u16::MAX), (7, 9)] {
                    let choice = Choice::arm(Arm, index, arm, stuck).with_verdict(verdict).with_holdout(5);
                    let parts = (choice.verdict(), choice.stuck(), choice.index(), choice.arm_index());
                    assert_eq!(parts, (verdict, stuck, index, arm));
                    assert_eq!(choice.holdout, 5);
                }
            }
        }
    }
}
