//! A set of segments in the order in which CPython iterates over it.
//!
//! The reference samples from `list(set)`. For `set(range(n))` that is ascending, but no longer after segments were
//! taken out and put back: CPython leaves a mark where an element was, and what comes back takes the last mark on
//! the way to an empty slot, which need not be its own. Which segments the next experiment gets depends on it, so
//! the table is reproduced: open addressing by the number itself, ten slots looked at in a row, then a jump.

/// A set of whole numbers that iterates as CPython's does (3.11).
#[derive(Debug, Clone)]
pub(super) struct SegmentSet {
    /// A power of two many.
    table: Vec<Slot>,
    /// Slots that are not empty: taken ones and marks.
    filled: usize,
    taken: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Empty,
    /// An element was here.
    Mark,
    Taken(u32),
}

/// What the way of a number through the table ends at.
struct Found {
    place: usize,
    /// Whether the number is there; else the slot is empty.
    there: bool,
    /// The last mark on the way.
    mark: Option<usize>,
}

impl SegmentSet {
    /// The numbers from 0 to one less than `count`, put in one after the other.
    pub(super) fn up_to(count: u32) -> Self {
        let mut set = Self { table: vec![Slot::Empty; SMALLEST], filled: 0, taken: 0 };
        (0..count).for_each(|number| set.insert(number));
        set
    }

    pub(super) fn len(&self) -> usize {
        self.taken
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        self.table.iter().filter_map(|slot| match slot {
            Slot::Taken(number) => Some(*number),
            _ => None,
        })
    }

    /// Puts a number in; does nothing if it is there.
    pub(super) fn insert(&mut self, number: u32) {
        let Some(Found { place, there: false, mark }) = self.find(number) else { return };
        self.put(mark.unwrap_or(place), Slot::Taken(number));
        self.taken += 1;
        if mark.is_none() {
            self.filled += 1;
            if self.filled * 5 >= (self.table.len() - 1) * 3 {
                self.rebuild();
            }
        }
    }

    /// Takes a number out, and leaves a mark.
    pub(super) fn remove(&mut self, number: u32) {
        if let Some(Found { place, there: true, .. }) = self.find(number) {
            self.put(place, Slot::Mark);
            self.taken -= 1;
        }
    }

    fn put(&mut self, place: usize, new: Slot) {
        if let Some(slot) = self.table.get_mut(place) {
            *slot = new;
        }
    }

    fn find(&self, number: u32) -> Option<Found> {
        let mask = self.table.len() - 1;
        let mut perturb = number as usize;
        let mut start = perturb & mask;
        let mut mark = None;
        // The table is never full, and the jumps reach every slot once `perturb` is used up.
        loop {
            let row = if start + ROW <= mask { ROW } else { 0 };
            for place in start..=start + row {
                match self.table.get(place)? {
                    Slot::Empty => return Some(Found { place, there: false, mark }),
                    Slot::Taken(other) if *other == number => {
                        return Some(Found { place, there: true, mark });
                    }
                    Slot::Taken(_) => {}
                    Slot::Mark => mark = Some(place),
                }
            }
            perturb >>= 5;
            start = start.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb) & mask;
        }
    }

    /// A new table for the elements, in their order, without marks.
    fn rebuild(&mut self) {
        let least = if self.taken > 50_000 { self.taken * 2 } else { self.taken * 4 };
        let mut size = SMALLEST;
        while size <= least {
            size *= 2;
        }
        let elements: Vec<u32> = self.iter().collect();
        self.table = vec![Slot::Empty; size];
        self.filled = self.taken;
        for number in elements {
            if let Some(Found { place, .. }) = self.find(number) {
                self.put(place, Slot::Taken(number));
            }
        }
    }
}

const SMALLEST: usize = 8;

/// How many more slots are looked at in a row.
const ROW: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(set: &mut SegmentSet, removed: &[u32], added: &[u32], expected: &[u32]) {
        removed.iter().for_each(|number| set.remove(*number));
        added.iter().for_each(|number| set.insert(*number));
        assert_eq!(set.iter().collect::<Vec<_>>(), expected);
        assert_eq!(set.len(), expected.len());
    }

    /// CPython 3.11.7: `list(s)` of `s = set(range(20))` after `remove` and `add` in this order.
    #[test]
    fn the_order_is_that_of_cpython() {
        let mut set = SegmentSet::up_to(20);
        let gone = [1, 2, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 18, 19];
        check(&mut set, &[3, 4, 5, 11, 17, 0], &[], &gone);
        let back = [1, 2, 3, 0, 6, 7, 8, 9, 10, 5, 12, 13, 14, 15, 16, 17, 18, 19];
        check(&mut set, &[], &[5, 0, 17, 3], &back);
        let again = [2, 1, 3, 0, 6, 7, 8, 9, 10, 5, 12, 13, 14, 15, 16, 17, 18, 19, 11, 4];
        check(&mut set, &[1, 2, 12], &[12, 4, 11, 1, 2], &again);
        check(&mut set, &[], &[4, 0], &again);
        check(&mut set, &[100], &[], &again);
    }

    /// CPython 3.11.7, as above with `range(60000)`, the multiples of 3 removed and half of them added again:
    /// `sum(i * x for i, x in enumerate(l)) % 1000003`.
    #[test]
    fn large_sets_have_the_order_of_cpython() {
        let mut set = SegmentSet::up_to(60_000);
        (0..60_000).step_by(3).for_each(|number| set.remove(number));
        (0..=59_997).rev().step_by(6).for_each(|number| set.insert(number));
        assert_eq!(set.len(), 50_000);
        let sum =
            set.iter().enumerate().fold(0_u64, |sum, (place, number)| sum + place as u64 * u64::from(number));
        assert_eq!(sum % 1_000_003, 42_527);
    }
}
