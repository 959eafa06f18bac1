//! What lookups walk over.

use expt_core::Share;

use super::foreign::Foreign;
use crate::choice::NONE;
use crate::config::{ExclusionCause, LoginRule, Stickiness};
use crate::mix::{MixKey, UnitDigest};
use crate::ranges::Range;
use crate::targeting::Program;

/// The whole space in pieces, each with its owner or none.
///
/// The first pieces stand in the table itself: most tables have no more, and counting the borders below a place
/// has no branch that a processor could guess wrong. Unused borders repeat the last owner, so it does not matter
/// whether they are counted.
#[derive(Debug)]
pub(super) struct Table {
    borders: [u64; INLINE],
    owners: [u32; INLINE + 1],
    /// All pieces of a longer table.
    long: Option<Box<Long>>,
}

/// The lowest place of each piece, ascending, the first being 0; and the owner of each.
#[derive(Debug)]
struct Long {
    starts: Vec<u64>,
    owners: Vec<u32>,
}

const INLINE: usize = 3;

impl Table {
    /// From disjoint ranges with their owners.
    pub(super) fn new(claims: impl IntoIterator<Item = (Range, u32)>) -> Self {
        let mut claims: Vec<_> = claims.into_iter().collect();
        claims.sort_unstable();
        let mut pieces: Vec<(u64, u32)> = Vec::with_capacity(2 * claims.len() + 1);
        let mut next = Some(0);
        let mut piece = |start: Option<u64>, owner: u32| {
            // Neighbours with one owner are one piece.
            if let Some(start) = start
                && pieces.last().is_none_or(|(_, before)| *before != owner)
            {
                pieces.push((start, owner));
            }
        };
        for (range, owner) in claims {
            if next.is_some_and(|free| free < range.first()) {
                piece(next, NONE);
            }
            piece(Some(range.first()), owner);
            next = range.last().checked_add(1);
        }
        piece(next, NONE);
        let last = pieces.last().map_or(NONE, |(_, owner)| *owner);
        let (mut borders, mut owners) = ([u64::MAX; INLINE], [last; INLINE + 1]);
        for (slot, (_, owner)) in owners.iter_mut().zip(&pieces) {
            *slot = *owner;
        }
        for (slot, (start, _)) in borders.iter_mut().zip(pieces.iter().skip(1)) {
            *slot = *start;
        }
        let long = (pieces.len() > INLINE + 1).then(|| {
            let (starts, owners) = pieces.into_iter().unzip();
            Box::new(Long { starts, owners })
        });
        Self { borders, owners, long }
    }

    /// The owner of a place; [`NONE`] if it has none.
    pub(super) fn owner(&self, place: u64) -> u32 {
        self.long.as_ref().map_or_else(|| self.short_owner(place), |long| long.owner(place))
    }

    /// The owner of a place in a table that [`is_short`](Self::is_short).
    #[inline]
    pub(super) fn short_owner(&self, place: u64) -> u32 {
        let [a, b, c] = self.borders;
        let index = usize::from(a <= place) + usize::from(b <= place) + usize::from(c <= place);
        self.owners.get(index).copied().unwrap_or(NONE)
    }

    /// Whether all pieces stand in the table itself.
    pub(super) const fn is_short(&self) -> bool {
        self.long.is_none()
    }

    /// The owner of every place, if one has them all.
    pub(super) fn sole_owner(&self) -> Option<u32> {
        let [owner, rest @ ..] = self.owners;
        (self.long.is_none() && rest.iter().all(|other| *other == owner)).then_some(owner)
    }
}

impl Long {
    fn owner(&self, place: u64) -> u32 {
        let after = self.starts.partition_point(|start| *start <= place);
        self.owners.get(after.wrapping_sub(1)).copied().unwrap_or(NONE)
    }
}

/// What the quick path looks at: two cache lines a layer.
#[derive(Debug)]
pub(super) struct QuickLayer {
    pub(super) key: MixKey,
    /// The phases that hold traffic, by place.
    pub(super) traffic: Table,
    /// Of its kind of unit.
    pub(super) tag: u64,
    /// The phase that has every place, so that the place of a unit need not be known.
    pub(super) sole: u32,
    /// Nothing stands before the lookup by place (no forced unit, exclusion, holdout or sticky phase), and that is
    /// short.
    pub(super) plain: bool,
}

/// What the quick path looks at: two cache lines a phase.
#[derive(Debug)]
pub(super) struct QuickPhase {
    pub(super) key: MixKey,
    /// The arms by place.
    pub(super) split: Table,
    /// The decision point that its arms bind, if it is one.
    pub(super) sole_point: u32,
    /// Where the binding of its first arm for that point stands among the snapshot's.
    pub(super) bindings: u32,
    /// It is running, nothing stands between a unit in its ranges and an arm, and the table of arms is short.
    pub(super) plain: bool,
}

#[derive(Debug)]
pub(super) struct Layer {
    pub(super) has_forced: bool,
    pub(super) login: LoginRule,
    pub(super) foreign: Option<Foreign>,
    /// The holdouts in whose scope it is, in the order of asking.
    pub(super) holdouts: Vec<u32>,
    /// The phases whose sticky records count.
    pub(super) sticky: Vec<u32>,
}

#[derive(Debug)]
pub(super) struct Phase {
    pub(super) mode: Mode,
    pub(super) sticky: Stickiness,
    pub(super) layer: u32,
    pub(super) foreign: Option<Foreign>,
    pub(super) targeting: Option<Program>,
    pub(super) prerequisites: Vec<Requirement>,
    pub(super) exposures: Exposures,
}

/// The unit must be in the phase, in one of the arms; without arms, in any.
#[derive(Debug)]
pub(super) struct Requirement {
    pub(super) phase: u32,
    pub(super) arms: Vec<u16>,
}

/// Whose exposures are logged.
#[derive(Debug)]
pub(super) enum Exposures {
    Every,
    /// Of the units whose place under the key is below the share.
    Sampled(MixKey, Share),
    Never,
}

/// What a phase does with the units in its ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nothing: a draft, or stopped.
    Idle,
    Running,
    Paused,
    /// Gives them all one arm.
    Shipped(u16),
}

#[derive(Debug)]
pub(super) struct Holdout {
    pub(super) tag: u64,
    pub(super) key: MixKey,
    /// [`HELD`] or [`COMPARED`], by place.
    pub(super) groups: Table,
    /// By how much the places move on from one period to the next.
    pub(super) step: u64,
}

/// The owner of the places that a holdout holds.
pub(super) const HELD: u32 = 0;
/// The owner of the places of its comparison group.
pub(super) const COMPARED: u32 = 1;

#[derive(Debug)]
pub(super) struct Exclusion {
    pub(super) cause: ExclusionCause,
    /// Sorted.
    pub(super) units: Vec<UnitDigest>,
    pub(super) when: Option<Program>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owner_is_found_at_both_ends_and_in_no_gap() {
        let range = |first, last| Range::new(first, last).unwrap();
        let table = Table::new([(range(10, u64::MAX), 1), (range(0, 3), 0), (range(5, 5), 2)]);
        let expected = [(0, 0), (3, 0), (4, NONE), (5, 2), (6, NONE), (10, 1), (u64::MAX, 1)];
        for (place, owner) in expected {
            assert_eq!(table.owner(place), owner, "{place}");
        }
        for place in [0, 7, u64::MAX] {
            assert_eq!(Table::new([]).owner(place), NONE);
            assert_eq!(Table::new([(Range::FULL, 3)]).owner(place), 3);
        }
        assert_eq!(table.sole_owner(), None);
        assert_eq!(Table::new([]).sole_owner(), Some(NONE));
        assert_eq!(Table::new([(range(0, 8), 3), (range(9, u64::MAX), 3)]).sole_owner(), Some(3));
        // A border at the highest place is a border, and not an unused one.
        let last = Table::new([(range(0, u64::MAX - 1), 0), (range(u64::MAX, u64::MAX), 1)]);
        assert_eq!((last.owner(u64::MAX - 1), last.owner(u64::MAX)), (0, 1));
    }

    #[test]
    fn the_owner_agrees_with_arithmetic() {
        for pieces in [1, 2, 3, 5, 8, 9, 50] {
            let claim = |index: u32| {
                let first = u64::from(index) * 100 + 10;
                (Range::new(first, first + 49).unwrap(), index)
            };
            let table = Table::new((0..pieces).map(claim));
            for place in 0..u64::from(pieces) * 100 + 200 {
                let index = u32::try_from(place / 100).unwrap();
                let inside = index < pieces && (10..60).contains(&(place % 100));
                assert_eq!(table.owner(place), if inside { index } else { NONE }, "{place} of {pieces}");
            }
        }
    }
}
