//! Rank-biased overlap.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::StatsError;

/// Compares two rankings with most weight on their heads; they may hold different items, end early, and have ties.
///
/// Estimand: `(1 - p) sum p^(d-1) A_d` over all depths d, with `A_d` the agreement of the two heads of length d (Webber,
/// Moffat and Zobel 2010, "A similarity measure for indefinite rankings"): the agreement that a reader sees who goes on
/// to the next rank with probability `p`. The first ten ranks carry 86 % of the weight at `p = 0.9`. The extrapolated
/// score assumes that the agreement goes on beyond the ends as it was; minimum and maximum bound what any continuation can
/// make of it. Ties by [`RankTies`], after Corsi and Urbano (2024, "The treatment of ties in rank-biased overlap"), whose
/// published values are reproduced. O(n log n). A score of one pair of rankings has no standard error; over requests,
/// count the scores in [`Moments`](crate::Moments).
///
/// ```
/// use expt_stats::agreement::RankBiasedOverlap;
///
/// let rbo = RankBiasedOverlap::new(0.9)?;
/// let score = rbo.compare(&[1, 2, 3, 4, 5], &[2, 3, 4, 1, 5])?;
/// assert!((score.extrapolated - 0.828).abs() < 1e-12);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "(f64, RankTies)", into = "(f64, RankTies)")]
pub struct RankBiasedOverlap {
    p: f64,
    ties: RankTies,
}

/// Says what a tie means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RankTies {
    /// It is not known which item is first: the average over all orders (RBO^a).
    #[default]
    Average,
    /// As before, corrected for the information that the ties lose, so that a ranking agrees with itself by 1 (RBO^b).
    Corrected,
    /// The items really share a rank (RBO^w, the treatment of Webber et al.).
    Equal,
}

/// Holds a rank-biased overlap.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RboScore {
    /// The score if the agreement goes on as it was; the one to report.
    pub extrapolated: f64,
    /// The score if nothing beyond the ends agrees.
    pub minimum: f64,
    /// The score if everything beyond the ends agrees.
    pub maximum: f64,
    /// `maximum - minimum`: how much the unseen could matter.
    pub residual: f64,
}

impl RankBiasedOverlap {
    /// Makes a measure with persistence `p`.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless `0 < p < 1`.
    pub fn new(p: f64) -> Result<Self, StatsError> {
        if p > 0.0 && p < 1.0 {
            return Ok(Self { p, ties: RankTies::default() });
        }
        Err(StatsError::OutOfRange { what: "the persistence", value: p, allowed: "the open interval (0, 1)" })
    }

    /// Sets what a tie means.
    #[must_use]
    pub const fn with_ties(mut self, ties: RankTies) -> Self {
        self.ties = ties;
        self
    }

    /// Compares two rankings without ties.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] for an empty ranking, [`StatsError::Refused`] if an item appears twice in one.
    pub fn compare<T: Ord>(&self, a: &[T], b: &[T]) -> Result<RboScore, StatsError> {
        self.compare_tied(a.chunks(1), b.chunks(1))
    }

    /// Compares two rankings that are given as groups of tied items, best group first.
    ///
    /// # Errors
    /// As [`RankBiasedOverlap::compare`]; an empty group counts as none.
    pub fn compare_tied<'a, T: Ord + 'a>(
        &self,
        a: impl IntoIterator<Item = &'a [T]>,
        b: impl IntoIterator<Item = &'a [T]>,
    ) -> Result<RboScore, StatsError> {
        let mut ids = BTreeMap::new();
        let (a, b) = (List::new(a, &mut ids)?, List::new(b, &mut ids)?);
        let (short, long) = if a.items.len() <= b.items.len() { (a, b) } else { (b, a) };
        Ok(Depths::new(&short, &long, ids.len(), self.ties).score(self.p))
    }
}

impl TryFrom<(f64, RankTies)> for RankBiasedOverlap {
    type Error = StatsError;

    fn try_from((p, ties): (f64, RankTies)) -> Result<Self, StatsError> {
        Ok(Self::new(p)?.with_ties(ties))
    }
}

impl From<RankBiasedOverlap> for (f64, RankTies) {
    fn from(rbo: RankBiasedOverlap) -> Self {
        (rbo.p, rbo.ties)
    }
}

/// A ranking: ids in order, and the groups' sizes.
struct List {
    items: Vec<usize>,
    groups: Vec<usize>,
}

impl List {
    fn new<'a, T: Ord + 'a>(
        groups: impl IntoIterator<Item = &'a [T]>,
        ids: &mut BTreeMap<&'a T, usize>,
    ) -> Result<Self, StatsError> {
        let mut list = Self { items: Vec::new(), groups: Vec::new() };
        for group in groups.into_iter().filter(|group| !group.is_empty()) {
            for item in group {
                let next = ids.len();
                list.items.push(*ids.entry(item).or_insert(next));
            }
            list.groups.push(group.len());
        }
        if list.items.is_empty() {
            return Err(StatsError::TooFew { what: "a ranking", have: 0, need: 1 });
        }
        let mut sorted = list.items.clone();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair.first() == pair.last()) {
            let why = "an item appears twice; remove duplicates by their key first";
            return Err(StatsError::Refused { what: "a ranking", why });
        }
        Ok(list)
    }
}

/// Where an item of one list stands at a depth: below it, in the group that the depth cuts, or above.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Below,
    Cut,
    Above,
}

/// Walks down one list, group by group.
struct Walk<'a> {
    list: &'a List,
    place: Vec<Place>,
    /// Items above the group, its size, and the next group's number.
    above: usize,
    group: usize,
    next: usize,
}

impl<'a> Walk<'a> {
    fn new(list: &'a List, items: usize) -> Self {
        Self { list, place: vec![Place::Below; items], above: 0, group: 0, next: 0 }
    }

    /// Goes to depth `d` and returns the ids that changed place, with their new one.
    fn go(&mut self, d: usize) -> Vec<(usize, Place)> {
        let mut changed = Vec::new();
        if d > self.above + self.group {
            self.above += self.group;
            self.group = self.list.groups.get(self.next).copied().unwrap_or(0);
            self.next += 1;
            changed.extend(self.members().map(|id| (id, Place::Cut)));
        }
        if self.group > 0 && d == self.above + self.group {
            changed = self.members().map(|id| (id, Place::Above)).collect();
        }
        changed
    }

    fn members(&self) -> impl Iterator<Item = usize> {
        self.list.items.iter().skip(self.above).take(self.group).copied()
    }

    /// Returns how much the items of the cut group count at depth `d`, and how many items count 1, and how many that.
    fn contribution(&self, d: usize, equal: bool) -> (f64, f64, f64) {
        let size = self.group as f64;
        if d >= self.above + self.group {
            return (1.0, self.above as f64 + size, 0.0);
        }
        let share = if equal { 1.0 } else { (d - self.above) as f64 / size };
        (share, self.above as f64, size)
    }
}

/// Agreements at each depth down to the end of the longer list.
struct Depths {
    short: f64,
    long: f64,
    overlap: f64,
    /// The agreement at the end of the shorter list.
    joint: f64,
    extrapolated: Vec<f64>,
    minimum: Vec<f64>,
    maximum: Vec<f64>,
}

impl Depths {
    fn new(short: &List, long: &List, items: usize, ties: RankTies) -> Self {
        let (s, l) = (short.items.len(), long.items.len());
        let equal = ties == RankTies::Equal;
        let (mut in_short, mut in_long) = (Walk::new(short, items), Walk::new(long, items));
        let mut shared = Shared::default();
        let mut lone = Lone::default();
        let mut own = vec![false; items];
        for id in &short.items {
            if let Some(slot) = own.get_mut(*id) {
                *slot = true;
            }
        }
        let mut depths = Self {
            short: s as f64,
            long: l as f64,
            overlap: 0.0,
            joint: 0.0,
            extrapolated: Vec::with_capacity(l),
            minimum: Vec::with_capacity(l),
            maximum: Vec::with_capacity(l),
        };
        for d in 1..=l {
            for (id, to) in in_short.go(d) {
                let other = in_long.place.get(id).copied().unwrap_or(Place::Below);
                if let Some(place) = in_short.place.get_mut(id) {
                    shared.shift((*place, other), (to, other));
                    *place = to;
                }
            }
            for (id, to) in in_long.go(d) {
                let other = in_short.place.get(id).copied().unwrap_or(Place::Below);
                if let Some(place) = in_long.place.get_mut(id) {
                    shared.shift((other, *place), (other, to));
                    if !own.get(id).copied().unwrap_or(false) {
                        lone.shift(*place, to);
                    }
                    *place = to;
                }
            }
            let (cut_short, whole_short, part_short) = in_short.contribution(d, equal);
            let (cut_long, whole_long, part_long) = in_long.contribution(d, equal);
            let depth = d as f64;
            let seen = shared.sum(cut_short, cut_long);
            let beyond = (d as f64 - s as f64).max(0.0);
            // The shorter list's continuation has no ties.
            let mass = |whole: f64, part: f64, cut: f64| match ties {
                RankTies::Equal => whole + part,
                RankTies::Average => depth,
                RankTies::Corrected => whole + part * cut * cut,
            };
            let (mass_short, mass_long) =
                (mass(whole_short, part_short, cut_short), mass(whole_long, part_long, cut_long));
            let mass_short = if d > s { depth } else { mass_short };
            let agreement = |overlap: f64| match ties {
                RankTies::Equal => 2.0 * overlap / (mass_short + mass_long),
                RankTies::Average => overlap / depth,
                RankTies::Corrected => overlap / (mass_short * mass_long).sqrt(),
            };
            if d == s {
                depths.joint = agreement(seen);
            }
            depths.overlap = seen;
            depths.minimum.push(agreement(seen));
            depths.extrapolated.push(agreement(seen + beyond * depths.joint * lone.mean(cut_long)));
            depths.maximum.push(agreement(seen + lone.first(beyond, cut_long)));
        }
        depths
    }

    fn score(&self, p: f64) -> RboScore {
        let (s, l, x) = (self.short, self.long, self.overlap);
        let weighted = |agreements: &[f64]| {
            let mut weight = 1.0 - p;
            agreements.iter().fold(0.0, |sum, agreement| {
                let part = agreement * weight;
                weight *= p;
                sum + part
            })
        };
        let tail = p.powf(l);
        let extrapolated = weighted(&self.extrapolated) + (x + (l - s) * self.joint) / l * tail;
        // Beyond l the agreement is x/d at least: sum p^d/d from l + 1 on.
        let minimum = weighted(&self.minimum) + x * (1.0 - p) / p * reciprocal_tail(p, l);
        let end = l + s - x;
        let mut maximum = weighted(&self.maximum);
        let mut depth = l + 1.0;
        let mut weight = (1.0 - p) * tail;
        while depth <= end {
            maximum += weight * ((2.0 * depth - l - s + x) / depth).min(1.0);
            weight *= p;
            depth += 1.0;
        }
        maximum += p.powf(depth - 1.0);
        let clamp = |score: f64| score.clamp(0.0, 1.0);
        let (minimum, maximum) = (clamp(minimum), clamp(maximum).max(clamp(minimum)));
        let extrapolated = clamp(extrapolated);
        RboScore { extrapolated, minimum, maximum, residual: maximum - minimum }
    }
}

/// Returns `sum p^d / d` for d above `from`, without cancellation.
fn reciprocal_tail(p: f64, from: f64) -> f64 {
    // The terms fall at least by p each; what is left after this many is below 1e-17 of the sum, or the closed form holds.
    let needed = 40.0 / -p.ln();
    if needed <= 1e6 {
        let (mut sum, mut d, mut power) = (0.0, from, p.powf(from));
        let end = from + needed;
        while d < end {
            d += 1.0;
            power *= p;
            sum += power / d;
        }
        return sum;
    }
    let mut sum = -(-p).ln_1p();
    let (mut d, mut power) = (1.0, p);
    while d <= from {
        sum -= power / d;
        power *= p;
        d += 1.0;
    }
    sum.max(0.0)
}

/// Counts items in both lists by their places in the shorter and longer one.
#[derive(Default)]
struct Shared {
    both_above: f64,
    short_cut: f64,
    long_cut: f64,
    both_cut: f64,
}

impl Shared {
    fn shift(&mut self, from: (Place, Place), to: (Place, Place)) {
        for (pair, step) in [(from, -1.0), (to, 1.0)] {
            match pair {
                (Place::Above, Place::Above) => self.both_above += step,
                (Place::Cut, Place::Above) => self.short_cut += step,
                (Place::Above, Place::Cut) => self.long_cut += step,
                (Place::Cut, Place::Cut) => self.both_cut += step,
                _ => {}
            }
        }
    }

    fn sum(&self, short: f64, long: f64) -> f64 {
        self.both_above + self.short_cut * short + self.long_cut * long + self.both_cut * short * long
    }
}

/// Counts the longer list's items that the shorter one lacks.
#[derive(Default)]
struct Lone {
    above: f64,
    cut: f64,
}

impl Lone {
    fn shift(&mut self, from: Place, to: Place) {
        for (place, step) in [(from, -1.0), (to, 1.0)] {
            match place {
                Place::Above => self.above += step,
                Place::Cut => self.cut += step,
                Place::Below => {}
            }
        }
    }

    /// Returns their mean contribution.
    fn mean(&self, share: f64) -> f64 {
        let count = self.above + self.cut;
        if count > 0.0 { (self.above + self.cut * share) / count } else { 0.0 }
    }

    /// Returns the contribution of the first `count`.
    fn first(&self, count: f64, share: f64) -> f64 {
        let above = self.above.min(count);
        above + self.cut.min(count - above) * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    type Groups = &'static [&'static [&'static str]];

    fn tied(a: Groups, b: Groups, p: f64, ties: RankTies) -> RboScore {
        let rbo = RankBiasedOverlap::new(p).unwrap().with_ties(ties);
        rbo.compare_tied(a.iter().copied(), b.iter().copied()).unwrap()
    }

    /// Source: the values published with Corsi and Urbano (2024), seven digits.
    #[test]
    fn agrees_with_the_published_values_for_ties() {
        let x: Groups = &[&["red"], &["blue", "green"], &["yellow"], &["pink"]];
        let y: Groups = &[&["blue", "red"], &["white"], &["yellow", "black", "purple"], &["green"]];
        let check = |ties, ext: f64, min: f64, max: f64| {
            for (a, b) in [(x, y), (y, x)] {
                let got = tied(a, b, 0.95, ties);
                assert!((got.extrapolated - ext).abs() < 6e-8, "{got:?}");
                assert!((got.minimum - min).abs() < 6e-8, "{got:?}");
                assert!((got.maximum - max).abs() < 6e-8, "{got:?}");
                assert!((got.residual - 0.5620173).abs() < 6e-8, "{got:?}");
            }
        };
        check(RankTies::Average, 0.6922853, 0.3310519, 0.8930692);
        check(RankTies::Equal, 0.7068257, 0.3429684, 0.9049857);
        check(RankTies::Corrected, 0.7207131, 0.3509163, 0.9129336);
    }

    /// Source: rank lists of Webber et al. (2010), table of agreements; the sums of their definitions in Python.
    #[test]
    fn agrees_with_the_definition_without_ties() {
        let letters = |text: &'static str| text.chars().collect::<Vec<_>>();
        let check = |a, b, p, ext, min| {
            for ties in [RankTies::Average, RankTies::Corrected, RankTies::Equal] {
                let rbo = RankBiasedOverlap::new(p).unwrap().with_ties(ties);
                let got = rbo.compare(&letters(a), &letters(b)).unwrap();
                close(got.extrapolated, ext, 1e-12);
                close(got.minimum, min, 1e-12);
            }
        };
        check("abcdefg", "zcavwxy", 0.9, 0.2882172857142857, 0.2216855762208989);
        check("abc", "bxacyz", 0.8, 0.603264, 0.4044117676589084);
    }

    #[test]
    fn equal_and_disjoint_rankings_and_bounds() {
        for p in [1e-300, 0.5, 0.9, 0.999_999_99] {
            let rbo = RankBiasedOverlap::new(p).unwrap();
            let list: Vec<u32> = (0..30).collect();
            let same = rbo.compare(&list, &list).unwrap();
            close(same.extrapolated, 1.0, 1e-12);
            close(same.maximum, 1.0, 1e-12);
            let other: Vec<u32> = (100..140).collect();
            let apart = rbo.compare(&list, &other).unwrap();
            close(apart.extrapolated, 0.0, 0.0);
            for seed in 0..30_u32 {
                let a: Vec<u32> = (0..(1 + seed % 9)).map(|i| (i * 5 + seed) % 23).collect();
                let b: Vec<u32> = (0..(1 + seed % 13)).map(|i| (i * 7 + seed / 2) % 23).collect();
                for ties in [RankTies::Average, RankTies::Corrected, RankTies::Equal] {
                    let rbo = rbo.with_ties(ties);
                    let got = rbo.compare_tied(a.chunks(2), b.chunks(3)).unwrap();
                    let slack = 1e-9;
                    assert!(
                        got.minimum <= got.extrapolated + slack && got.extrapolated <= got.maximum + slack,
                        "{got:?}"
                    );
                    let back = rbo.compare_tied(b.chunks(3), a.chunks(2)).unwrap();
                    close(back.extrapolated, got.extrapolated, 1e-9);
                }
            }
        }
        assert!(RankBiasedOverlap::new(1.0).is_err() && RankBiasedOverlap::new(f64::NAN).is_err());
        let rbo = RankBiasedOverlap::new(0.9).unwrap();
        assert!(rbo.compare::<u8>(&[], &[1]).is_err() && rbo.compare(&[1, 1], &[1, 2]).is_err());
        assert!(serde_json::from_str::<RankBiasedOverlap>(r#"[1.5,"average"]"#).is_err());
    }
}
