//! Who has which places, before and after.

use std::collections::BTreeMap;

use expt_core::{ExperimentId, LayerId};

use super::portion::{Portion, SPACE};
use crate::config::{Buckets, Config, ProjectKey};
use crate::mix::UnitHash;
use crate::ranges::Range;

/// Where places come from. Equal sources give a unit the same place, different ones independent places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source<'c> {
    Layer(Project<'c>, &'c LayerId),
    Arms(Project<'c>, &'c ExperimentId, u32),
    Holdout(Project<'c>, &'c str),
    Buckets(&'c Buckets),
}

/// What all keys of a config derive from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Project<'c>(&'c ProjectKey, UnitHash);

impl<'c> Project<'c> {
    pub(super) const fn of(config: &'c Config) -> Self {
        Self(&config.key, config.unit_hash)
    }
}

impl Source<'_> {
    /// How many units of weight there are in all.
    fn total(self) -> u128 {
        match self {
            Self::Buckets(buckets) => buckets.total().into(),
            _ => SPACE,
        }
    }

    /// The weight of a range: its places or, of another product's formula, the buckets that stand in it.
    fn weight(self, range: Range) -> u128 {
        match self {
            Self::Buckets(buckets) => {
                // Bucket b stands at floor(b * 2^64 / n), which is below x if and only if b < x * n / 2^64.
                let below = |place: u128| (place * u128::from(buckets.total())).div_ceil(SPACE);
                below(u128::from(range.last()) + 1) - below(range.first().into())
            }
            _ => range.width(),
        }
    }
}

/// The owner of a piece; `None` if nobody is.
pub(super) type Owner = Option<u32>;

/// Who has which places of a space.
#[derive(Debug, Clone)]
pub(super) enum Claims<'c> {
    /// One owner, or nobody, has every place.
    One(Owner),
    /// Disjoint ranges with their owners.
    Ranges(Source<'c>, Vec<(Range, u32)>),
}

impl Claims<'_> {
    /// The share of each owner.
    fn shares(&self) -> BTreeMap<Owner, Portion> {
        match self {
            Self::One(owner) => BTreeMap::from([(*owner, Portion::ALL)]),
            Self::Ranges(source, claims) => {
                let mut weights = BTreeMap::new();
                each_piece(&pieces(claims), &[(0, None)], |range, owner, _| {
                    *weights.entry(owner).or_insert(0) += source.weight(range);
                });
                shares(weights, *source)
            }
        }
    }
}

/// Who has how much, before and after: by an exact sweep where the places are the same, as a product where
/// they are independent.
pub(super) fn joint(old: &Claims<'_>, new: &Claims<'_>) -> BTreeMap<(Owner, Owner), Portion> {
    if let (Claims::Ranges(source, before), Claims::Ranges(same, after)) = (old, new)
        && source == same
    {
        let mut weights = BTreeMap::new();
        each_piece(&pieces(before), &pieces(after), |range, had, has| {
            *weights.entry((had, has)).or_insert(0) += source.weight(range);
        });
        return shares(weights, *source);
    }
    let after = new.shares();
    let pairs = old
        .shares()
        .into_iter()
        .flat_map(|(had, share)| after.iter().map(move |(has, part)| ((had, *has), share.times(*part))));
    pairs.filter(|(_, share)| !share.is_none()).collect()
}

fn shares<K: Ord>(weights: BTreeMap<K, u128>, source: Source<'_>) -> BTreeMap<K, Portion> {
    let shares = weights.into_iter().map(|(key, weight)| (key, Portion::ratio(weight, source.total())));
    shares.filter(|(_, share)| !share.is_none()).collect()
}

/// The whole space in pieces: the lowest place of each with its owner, ascending from 0.
fn pieces(claims: &[(Range, u32)]) -> Vec<(u64, Owner)> {
    let mut claims = claims.to_vec();
    claims.sort_unstable();
    let mut pieces = Vec::with_capacity(2 * claims.len() + 1);
    let mut next = Some(0);
    for (range, owner) in claims {
        if let Some(free) = next.filter(|free| *free < range.first()) {
            pieces.push((free, None));
        }
        pieces.push((range.first(), Some(owner)));
        next = range.last().checked_add(1);
    }
    pieces.extend(next.map(|free| (free, None)));
    pieces
}

/// Walks over the common pieces of two partitions.
fn each_piece(old: &[(u64, Owner)], new: &[(u64, Owner)], mut visit: impl FnMut(Range, Owner, Owner)) {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    let (mut had, mut has) = (None, None);
    let mut start = Some(0);
    while let Some(first) = start {
        if let Some((_, owner)) = old.next_if(|(begin, _)| *begin == first) {
            had = *owner;
        }
        if let Some((_, owner)) = new.next_if(|(begin, _)| *begin == first) {
            has = *owner;
        }
        start = old.peek().into_iter().chain(new.peek()).map(|(begin, _)| *begin).min();
        let last = start.map_or(u64::MAX, |next| next.saturating_sub(1));
        if let Some(range) = Range::new(first, last) {
            visit(range, had, has);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u64, last: u64) -> Range {
        Range::new(first, last).unwrap()
    }

    fn width(width: u128) -> Portion {
        Portion::ratio(width, SPACE)
    }

    #[test]
    fn the_sweep_is_exact_at_borders() {
        let layer = LayerId::new("l").unwrap();
        let key = ProjectKey::from("k");
        let source = Source::Layer(Project(&key, UnitHash::default()), &layer);
        let old = Claims::Ranges(source, vec![(range(10, u64::MAX), 1), (range(0, 4), 0)]);
        let new = Claims::Ranges(source, vec![(range(3, 11), 0), (range(u64::MAX, u64::MAX), 2)]);
        let expected = [
            ((None, Some(0)), width(5)),
            ((Some(0), None), width(3)),
            ((Some(0), Some(0)), width(2)),
            ((Some(1), None), width(SPACE - 10 - 2 - 1)),
            ((Some(1), Some(0)), width(2)),
            ((Some(1), Some(2)), width(1)),
        ];
        let found = joint(&old, &new);
        assert_eq!(found, BTreeMap::from(expected));
        assert_eq!(found.into_values().sum::<Portion>(), Portion::ALL);
        let none = joint(&Claims::One(None), &new);
        assert_eq!(none.get(&(None, Some(0))), Some(&width(9)));
    }

    #[test]
    fn independent_spaces_multiply() {
        let (layer, other) = (LayerId::new("l").unwrap(), LayerId::new("m").unwrap());
        let key = ProjectKey::from("k");
        let half = |layer| {
            let source = Source::Layer(Project(&key, UnitHash::default()), layer);
            Claims::Ranges(source, vec![(range(0, u64::MAX / 2), 0)])
        };
        let quarter = width(1 << 62);
        assert!(joint(&half(&layer), &half(&other)).into_values().eq([quarter; 4]));
        assert_eq!(joint(&half(&layer), &half(&layer)).len(), 2);
    }

    #[test]
    fn buckets_count_those_that_stand_in_a_range() {
        let buckets = Buckets::Flagd { key: "f".into(), total: 7 };
        let source = Source::Buckets(&buckets);
        for (from, to) in [(0, 1), (0, 7), (2, 5), (6, 7)] {
            assert_eq!(source.weight(buckets.range(from, to).unwrap()), u128::from(to - from));
        }
        // The first place of a bucket counts, and no other.
        assert_eq!(source.weight(range(0, 0)), 1);
        assert_eq!(source.weight(range(1, 1)), 0);
    }
}
