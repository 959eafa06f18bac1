//! From wanted shares to ranges, moving no more places than must move.

use std::collections::{BTreeMap, BTreeSet};

use expt_core::{ArmId, Share};

use super::error::PlanError;
use super::portion::{Portion, SPACE};
use crate::ranges::{Range, Ranges, border, sweep};

/// Gives arms new shares: each keeps what it can, and exactly the rest moves.
///
/// An arm that shrinks gives from the ranges that it got last; arms that grow, and new ones, take what was
/// given. An arm that is not wanted, or wanted with no share, gives everything and is not in the result. So
/// the places that change hands are the sum over arms of what they gain, which no layout can undercut.
///
/// ```
/// use expt_assign::Ranges;
/// use expt_assign::planner::resize;
/// use expt_core::{ArmId, Share};
///
/// let [a, b, c] = ["a", "b", "c"].map(|name| ArmId::new(name).unwrap());
/// let halves = Ranges::split(&[Share::HALF, Share::HALF])?;
/// let current = [(a.clone(), halves[0].clone()), (b.clone(), halves[1].clone())];
/// let thirds = [(a, Share::ppm(333_334)?), (b, Share::ppm(333_333)?), (c, Share::ppm(333_333)?)];
/// let resized = resize(&current, &thirds)?;
/// // Arm a keeps the lower two thirds of what it had; c has what a and b gave: 33.3 % moves, not 50 %.
/// assert_eq!(resized[0].1.as_slice()[0].first(), 0);
/// assert!(resized[2].1.as_slice().iter().all(|range| !resized[1].1.contains(range.first())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`PlanError::Shares`] if the wanted shares do not add up to everything, because arms cover every place;
/// [`PlanError::Twice`] if an arm stands twice; [`PlanError::Overlap`] if the current ranges overlap.
pub fn resize(
    current: &[(ArmId, Ranges)],
    wanted: &[(ArmId, Share)],
) -> Result<Vec<(ArmId, Ranges)>, PlanError> {
    let total = wanted.iter().map(|(_, share)| u64::from(share.as_ppm())).sum();
    if total != u64::from(Share::ALL.as_ppm()) {
        return Err(PlanError::Shares { total });
    }
    let had: BTreeMap<&ArmId, u128> = current.iter().map(|(arm, ranges)| (arm, ranges.width())).collect();
    let mut widths: Vec<_> =
        wanted.iter().map(|(arm, share)| (arm.clone(), border(share.as_ppm().into()))).collect();
    // Rounding down leaves fewer places than arms. They go first to arms that have one more already, so that
    // the same shares again move nobody.
    let mut left = SPACE.saturating_sub(widths.iter().map(|(_, width)| *width).sum());
    for at_hand in [true, false] {
        for ((arm, width), (_, share)) in widths.iter_mut().zip(wanted) {
            let exact = border(share.as_ppm().into());
            let takes = *share != Share::NONE && *width == exact;
            if left > 0 && takes && (!at_hand || had.get(arm) == Some(&(exact + 1))) {
                *width += 1;
                left -= 1;
            }
        }
    }
    resize_widths(current, &widths)
}

/// As [`resize`], by numbers of places, which must add up to the whole space.
pub(super) fn resize_widths(
    current: &[(ArmId, Ranges)],
    wanted: &[(ArmId, u128)],
) -> Result<Vec<(ArmId, Ranges)>, PlanError> {
    for names in
        [current.iter().map(|(arm, _)| arm).collect(), Vec::from_iter(wanted.iter().map(|(arm, _)| arm))]
    {
        let mut seen = BTreeSet::new();
        if let Some(arm) = names.into_iter().find(|arm| !seen.insert(*arm)) {
            return Err(PlanError::Twice { arm: arm.clone() });
        }
    }
    let all: Ranges = current.iter().flat_map(|(_, ranges)| ranges.as_slice()).copied().collect();
    require_disjoint(&all)?;
    let had: BTreeMap<&ArmId, &Ranges> = current.iter().map(|(arm, ranges)| (arm, ranges)).collect();
    let kept = wanted.iter().map(|(arm, width)| {
        let had = had.get(arm).copied().cloned().unwrap_or_default();
        (arm, cut(had, *width), *width)
    });
    let kept: Vec<_> = kept.collect();
    let held = kept.iter().flat_map(|(_, ranges, _)| ranges.as_slice());
    let mut pool = Pool(gaps(held));
    let mut resized = Vec::with_capacity(kept.len());
    for (arm, ranges, width) in kept {
        let need = width.saturating_sub(ranges.width());
        let ranges = pool.fill(ranges, need);
        if !ranges.is_empty() {
            resized.push((arm.clone(), ranges));
        }
    }
    Ok(resized)
}

/// Gives a phase, or a holdout, another share of its space: it grows by appending free places and shrinks by
/// giving up those that it got last, so nobody moves who need not, and a ramp that is taken back and repeated
/// brings the same units.
///
/// `taken` are the places of others. Of the free places, those in `resting` are taken last: what was given up
/// recently, by whom units may still be influenced.
///
/// ```
/// use expt_assign::Ranges;
/// use expt_assign::planner::{Portion, ramp};
/// use expt_core::Share;
///
/// let fifth = Ranges::of(Share::percent(20)?);
/// let other = Ranges::between(Share::percent(20)?, Share::percent(40)?);
/// let half = ramp(&fifth, Share::HALF, &other, &Ranges::none())?;
/// assert_eq!(half.as_slice()[0], fifth.as_slice()[0]);
/// assert_eq!(Portion::of(&half).to_string(), "50 %");
/// let error = ramp(&fifth, Share::percent(90)?, &other, &Ranges::none()).unwrap_err();
/// assert!(error.to_string().contains("80 %"), "{error}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`PlanError::NoRoom`] if too little is free, [`PlanError::Overlap`] if the current ranges overlap each
/// other or what is taken.
pub fn ramp(current: &Ranges, wanted: Share, taken: &Ranges, resting: &Ranges) -> Result<Ranges, PlanError> {
    require_disjoint(current)?;
    let mut foreign = taken.as_slice().to_vec();
    foreign.sort_unstable();
    for range in current {
        let at = foreign.partition_point(|other| other.last() < range.first());
        if let Some(both) = foreign.get(at).and_then(|other| other.overlap(*range)) {
            return Err(PlanError::Overlap { places: both });
        }
    }
    let (target, had) = (border(wanted.as_ppm().into()), current.width());
    // Ranges that came from other borders may differ by the rounding of one place; that is no ramp.
    if target.abs_diff(had) <= 1 && wanted != Share::NONE {
        return Ok(current.clone());
    }
    if target < had {
        return Ok(cut(current.clone(), target));
    }
    let held = || current.as_slice().iter().chain(taken.as_slice());
    let free = gaps(held());
    let room = free.iter().map(|range| range.width()).sum::<u128>().saturating_add(had);
    if target > room {
        let largest = Portion::ratio(room, SPACE);
        return Err(PlanError::NoRoom { wanted, largest });
    }
    let mut fresh = Pool(gaps(held().chain(resting.as_slice())));
    let ranges = fresh.fill(current.clone(), target - had);
    let need = target.saturating_sub(ranges.width());
    let rested = gaps(ranges.as_slice().iter().chain(taken.as_slice()));
    Ok(Pool(rested).fill(ranges, need))
}

/// Free places: disjoint ranges, ascending.
struct Pool(Vec<Range>);

impl Pool {
    /// Appends so many places, or as many as there are: those right behind the last range first, then the
    /// smallest piece that is large enough, then the largest, so that few ranges come of it.
    fn fill(&mut self, ranges: Ranges, need: u128) -> Ranges {
        let (mut list, mut need): (Vec<_>, _) = (ranges.into_iter().collect(), need);
        while need > 0 {
            let behind = list.last().and_then(|last: &Range| last.last().checked_add(1));
            let Some(index) = self.choose(behind, need) else { break };
            let piece = self.0.remove(index);
            let (taken, rest) = split(piece, need);
            if let Some(rest) = rest {
                self.0.insert(index, rest);
            }
            need = need.saturating_sub(taken.width());
            let joined = list.last_mut().filter(|_| behind == Some(taken.first()));
            match joined.and_then(|last| Some((Range::new(last.first(), taken.last())?, last))) {
                Some((whole, last)) => *last = whole,
                None => list.push(taken),
            }
        }
        list.into_iter().collect()
    }

    fn choose(&self, behind: Option<u64>, need: u128) -> Option<usize> {
        let pieces = || self.0.iter().enumerate();
        let adjacent = behind.and_then(|place| pieces().find(|(_, piece)| piece.first() == place));
        let fits = || pieces().filter(|(_, piece)| piece.width() >= need).min_by_key(|(_, p)| p.width());
        // Of pieces of one width the lowest.
        let largest = || pieces().rev().max_by_key(|(_, piece)| piece.width());
        adjacent.or_else(fits).or_else(largest).map(|(index, _)| index)
    }
}

/// The lowest places of a range, as many as asked for or all, and the rest.
fn split(range: Range, width: u128) -> (Range, Option<Range>) {
    let border = u128::from(range.first()).saturating_add(width);
    let parts = u64::try_from(border).ok().filter(|border| *border <= range.last()).and_then(|border| {
        let lower = Range::new(range.first(), border.checked_sub(1)?)?;
        Some((lower, Range::new(border, range.last())))
    });
    parts.unwrap_or((range, None))
}

/// The first places of a list, in the order in which they were given out.
fn cut(ranges: Ranges, width: u128) -> Ranges {
    let mut left = width;
    let kept = ranges.into_iter().map_while(|range| {
        let (kept, _) = (left > 0).then(|| split(range, left))?;
        left = left.saturating_sub(kept.width());
        Some(kept)
    });
    kept.collect()
}

/// The places that none of the ranges has.
fn gaps<'a>(ranges: impl IntoIterator<Item = &'a Range>) -> Vec<Range> {
    sweep(ranges.into_iter().map(|range| (*range, 0)).collect()).gaps
}

fn require_disjoint(ranges: &Ranges) -> Result<(), PlanError> {
    let found = sweep(ranges.as_slice().iter().map(|range| (*range, 0)).collect());
    found.overlaps.first().map_or(Ok(()), |(places, ..)| Err(PlanError::Overlap { places: *places }))
}
