//! Sets of buckets.

use crate::config::Buckets;
use crate::ranges::{Range, Ranges};

/// A set of buckets: half-open spans from the lowest up, of which no two meet.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::compat) struct Spans(Vec<(u32, u32)>);

impl Spans {
    /// The buckets of any spans, which may overlap and be empty.
    pub(in crate::compat) fn of(spans: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut spans: Vec<_> = spans.into_iter().filter(|(from, to)| from < to).collect();
        spans.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(spans.len());
        for (from, to) in spans {
            match merged.last_mut() {
                Some((_, end)) if from <= *end => *end = to.max(*end),
                _ => merged.push((from, to)),
            }
        }
        Self(merged)
    }

    /// The buckets below a number for which this is true.
    pub(in crate::compat) fn filter(total: u32, fits: impl Fn(u32) -> bool) -> Self {
        Self::of((0..total).filter(|bucket| fits(*bucket)).map(|bucket| (bucket, bucket + 1)))
    }

    /// Every bucket below a number.
    pub(in crate::compat) fn below(total: u32) -> Self {
        Self::of([(0, total)])
    }

    pub(in crate::compat) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::compat) fn and(&self, other: &Self) -> Self {
        let (mut ours, mut others) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut common = Vec::new();
        while let (Some((from, to)), Some((other_from, other_to))) = (ours.peek(), others.peek()) {
            common.push((*from.max(other_from), *to.min(other_to)));
            if to <= other_to {
                ours.next();
            } else {
                others.next();
            }
        }
        Self::of(common)
    }

    pub(in crate::compat) fn or(&self, other: &Self) -> Self {
        Self::of(self.0.iter().chain(&other.0).copied())
    }

    /// The buckets below a number that are not in it.
    pub(in crate::compat) fn others(&self, total: u32) -> Self {
        let starts = std::iter::once(0).chain(self.0.iter().map(|(_, to)| *to));
        let ends = self.0.iter().map(|(from, _)| *from).chain(std::iter::once(total));
        Self::of(starts.zip(ends))
    }

    /// Their places.
    pub(in crate::compat) fn ranges(&self, buckets: &Buckets) -> Ranges {
        let places = |(from, to): &(u32, u32)| buckets.range((*from).into(), (*to).into());
        self.0.iter().filter_map(places).collect::<Vec<Range>>().into_iter().collect()
    }
}

/// Of several spans that are asked in their order, the buckets that each takes.
pub(in crate::compat) fn first_wins(spans: impl IntoIterator<Item = Spans>, total: u32) -> Vec<Spans> {
    let mut free = Spans::below(total);
    let take = |wanted: Spans| {
        let taken = free.and(&wanted);
        free = free.and(&taken.others(total));
        taken
    };
    spans.into_iter().map(take).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_agree_with_one_by_one() {
        let lists = [
            vec![],
            vec![(0, 10)],
            vec![(3, 3), (9, 2)],
            vec![(0, 1), (2, 4), (3, 6)],
            vec![(5, 8), (1, 2), (8, 10)],
        ];
        for a in &lists {
            for b in &lists {
                let has = |list: &[(u32, u32)], bucket| list.iter().any(|(f, t)| (*f..*t).contains(&bucket));
                let (one, two) = (Spans::of(a.iter().copied()), Spans::of(b.iter().copied()));
                let taken = first_wins([one.clone(), two.clone()], 10);
                for bucket in 0..10 {
                    let (x, y) = (has(a, bucket), has(b, bucket));
                    let holds = |spans: &Spans| has(&spans.0, bucket);
                    assert_eq!(holds(&one), x, "{a:?} {bucket}");
                    assert_eq!(holds(&one.and(&two)), x && y, "{a:?} {b:?} {bucket}");
                    assert_eq!(holds(&one.or(&two)), x || y, "{a:?} {b:?} {bucket}");
                    assert_eq!(holds(&one.others(10)), !x, "{a:?} {bucket}");
                    assert_eq!(holds(&taken[1]), y && !x, "{a:?} {b:?} {bucket}");
                    assert_eq!(Spans::filter(10, |bucket| has(a, bucket)), one);
                }
            }
        }
        assert_eq!(Spans::of([(0, 5), (5, 10)]), Spans::below(10));
    }
}
