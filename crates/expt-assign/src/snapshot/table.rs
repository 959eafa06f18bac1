//! What lookups walk over.

use expt_core::{ArmId, Binding, ExperimentId, PhaseId};

use crate::mix::MixKey;
use crate::ranges::Range;

/// The whole space in pieces, each with its owner or none.
#[derive(Debug)]
pub(super) struct Table {
    /// The lowest place of each piece, ascending; the first is 0.
    starts: Vec<u64>,
    /// One for each piece.
    owners: Vec<Option<usize>>,
}

impl Table {
    /// From disjoint ranges with their owners.
    pub(super) fn new(claims: impl IntoIterator<Item = (Range, usize)>) -> Self {
        let mut claims: Vec<_> = claims.into_iter().collect();
        claims.sort_unstable();
        let mut table = Self { starts: vec![], owners: vec![] };
        let mut next = Some(0);
        for (range, owner) in claims {
            if next.is_some_and(|free| free < range.first()) {
                table.piece(next, None);
            }
            table.piece(Some(range.first()), Some(owner));
            next = range.last().checked_add(1);
        }
        table.piece(next, None);
        table
    }

    fn piece(&mut self, start: Option<u64>, owner: Option<usize>) {
        if let Some(start) = start {
            self.starts.push(start);
            self.owners.push(owner);
        }
    }

    /// The owner of a place.
    #[inline]
    pub(super) fn owner(&self, place: u64) -> Option<usize> {
        let after = self.starts.partition_point(|start| *start <= place);
        *self.owners.get(after.wrapping_sub(1))?
    }
}

#[derive(Debug)]
pub(super) struct Phase {
    pub(super) id: PhaseId,
    pub(super) experiment: ExperimentId,
    pub(super) epoch: u32,
    pub(super) mode: Mode,
    pub(super) sticky: bool,
    pub(super) key: MixKey,
    /// The arms by place.
    pub(super) split: Table,
    /// The decision points that its arms bind, sorted.
    pub(super) points: Vec<usize>,
    pub(super) arms: Vec<Arm>,
}

#[derive(Debug)]
pub(super) struct Arm {
    pub(super) id: ArmId,
    /// One for each of the phase's `points`.
    pub(super) bindings: Vec<Binding>,
}

/// What a phase does with the units in its ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nothing: a draft, or stopped.
    Idle,
    Running,
    Paused,
    /// Gives them all one arm.
    Shipped(usize),
}

impl Phase {
    /// The arm of that name.
    pub(super) fn arm(&self, id: &ArmId) -> Option<usize> {
        self.arms.iter().position(|arm| arm.id == *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owner_is_found_at_both_ends_and_in_no_gap() {
        let range = |first, last| Range::new(first, last).unwrap();
        let table = Table::new([(range(10, u64::MAX), 1), (range(0, 3), 0), (range(5, 5), 2)]);
        let expected = [
            (0, Some(0)),
            (3, Some(0)),
            (4, None),
            (5, Some(2)),
            (6, None),
            (10, Some(1)),
            (u64::MAX, Some(1)),
        ];
        for (place, owner) in expected {
            assert_eq!(table.owner(place), owner, "{place}");
        }
        for place in [0, 7, u64::MAX] {
            assert_eq!(Table::new([]).owner(place), None);
            assert_eq!(Table::new([(Range::FULL, 3)]).owner(place), Some(3));
        }
    }

    #[test]
    fn the_owner_agrees_with_arithmetic() {
        for pieces in [1, 5, 8, 9, 50] {
            let claim = |index: u64| (Range::new(index * 100 + 10, index * 100 + 59).unwrap(), 7);
            let table = Table::new((0..pieces).map(claim));
            for place in 0..pieces * 100 + 200 {
                let inside = place / 100 < pieces && (10..60).contains(&(place % 100));
                assert_eq!(table.owner(place), inside.then_some(7), "{place} of {pieces}");
            }
        }
    }
}
