//! Whom holdouts hold, before and after.

use std::collections::BTreeMap;

use expt_core::{LayerId, Timestamp, UnitKind};

use super::portion::Portion;
use super::space::{Claims, Owner, Project, Source, joint};
use crate::config::{Config, HoldoutEntry, HoldoutScope};
use crate::ranges::{Range, Ranges};

/// What holdouts say of a unit; of several the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Hold {
    General,
    Compared,
    Held,
}

/// A config at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'c> {
    pub(super) config: &'c Config,
    /// When; without it holdouts that end hold, and those that rotate are in their first period.
    pub(super) at: Option<Timestamp>,
}

impl<'c> View<'c> {
    fn project(self) -> Project<'c> {
        Project::of(self.config)
    }

    /// The holdouts that units of the kind meet in the layer.
    fn in_layer(self, layer: &LayerId, unit: &UnitKind) -> impl Iterator<Item = &'c HoldoutEntry> {
        let holds = move |entry: &&HoldoutEntry| {
            let scope = match &entry.scope {
                HoldoutScope::All => true,
                HoldoutScope::Layers(layers) => layers.contains(layer),
            };
            scope && entry.unit == *unit
        };
        self.config.holdouts.iter().filter(holds)
    }

    /// The places that a holdout holds and those of its comparison group, as owners [`HELD`] and
    /// [`COMPARED`].
    pub(super) fn claims(self, entry: &'c HoldoutEntry) -> Claims<'c> {
        Claims::Ranges(Source::Holdout(self.project(), &entry.salt), self.places(entry))
    }

    fn places(self, entry: &HoldoutEntry) -> Places {
        let Some(shift) = entry.shift(entry.step(), self.at) else { return Vec::new() };
        let compared = entry.shipped_only.as_ref().map(|group| &group.ranges);
        let groups = [(Some(&entry.ranges), HELD), (compared, COMPARED)];
        let ranges = groups.into_iter().filter_map(|(ranges, group)| Some((ranges?, group)));
        ranges
            .flat_map(|(ranges, group)| ranges.as_slice().iter().map(move |range| (*range, group)))
            .flat_map(|(range, group)| moved(range, shift).into_iter().flatten().map(move |r| (r, group)))
            .collect()
    }
}

/// Ranges with the group that has them.
type Places = Vec<(Range, u32)>;

/// What holdouts say of the units of a layer, before and after.
pub(super) fn held(
    old: Option<View<'_>>,
    new: Option<View<'_>>,
    layer: &LayerId,
    unit: &UnitKind,
) -> BTreeMap<(Hold, Hold), Portion> {
    // Holdouts with one salt share a space; different ones are independent.
    let mut spaces: Vec<(Source<'_>, [Places; 2])> = Vec::new();
    for (side, view) in [old, new].into_iter().enumerate() {
        let entries = view.into_iter().flat_map(|view| view.in_layer(layer, unit).map(move |e| (view, e)));
        for (view, entry) in entries {
            let source = Source::Holdout(view.project(), &entry.salt);
            let index = spaces.iter().position(|(known, _)| *known == source).unwrap_or_else(|| {
                spaces.push((source, Default::default()));
                spaces.len() - 1
            });
            if let Some(claims) = spaces.get_mut(index).and_then(|(_, sides)| sides.get_mut(side)) {
                claims.extend(view.places(entry));
            }
        }
    }
    let mut states = BTreeMap::from([((Hold::General, Hold::General), Portion::ALL)]);
    for (source, [before, after]) in spaces {
        let groups = joint(&Claims::Ranges(source, before), &Claims::Ranges(source, after));
        let mut next = BTreeMap::<_, Portion>::new();
        for ((had, has), share) in states {
            for ((old, new), part) in &groups {
                let state = (had.max(hold(*old)), has.max(hold(*new)));
                let sum = next.entry(state).or_default();
                *sum = sum.plus(share.times(*part));
            }
        }
        states = next;
    }
    states
}

pub(super) fn hold(owner: Owner) -> Hold {
    match owner {
        Some(HELD) => Hold::Held,
        Some(_) => Hold::Compared,
        None => Hold::General,
    }
}

/// A range that has moved on, in at most two pieces.
fn moved(range: Range, shift: u64) -> [Option<Range>; 2] {
    let (first, last) = (range.first().wrapping_add(shift), range.last().wrapping_add(shift));
    if range == Range::FULL {
        [Some(range), None]
    } else if first <= last {
        [Range::new(first, last), None]
    } else {
        [Range::new(first, u64::MAX), Range::new(0, last)]
    }
}

/// All places that a holdout claims.
pub(super) fn claimed(entry: &HoldoutEntry) -> Ranges {
    let compared = entry.shipped_only.iter().flat_map(|group| group.ranges.as_slice());
    entry.ranges.as_slice().iter().chain(compared).copied().collect()
}

/// The owner of the places that are held.
pub(super) const HELD: u32 = 0;
/// The owner of the places of a comparison group.
const COMPARED: u32 = 1;
