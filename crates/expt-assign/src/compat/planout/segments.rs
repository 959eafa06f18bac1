//! A set of segments in the order in which CPython iterates over it.
//!
//! The reference samples from `list(set)`. For `set(range(n))` that is ascending, but no longer after segments were
//! taken out and put back: CPython leaves a mark where an element was, and what comes back goes to the next place
//! that was never used, until the table is rebuilt. Which segments the next experiment gets depends on it, so the
//! table is reproduced: open addressing by the number itself, nine places looked at in a row, then a jump.

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
        let Some((place, false)) = self.find(number) else { return };
        let Some(slot) = self.table.get_mut(place) else { return };
        *slot = Slot::Taken(number);
        self.filled += 1;
        self.taken += 1;
        if self.filled * 5 >= (self.table.len() - 1) * 3 {
            self.rebuild();
        }
    }

    /// Takes a number out, and leaves a mark.
    pub(super) fn remove(&mut self, number: u32) {
        let Some((place, true)) = self.find(number) else { return };
        if let Some(slot) = self.table.get_mut(place) {
            *slot = Slot::Mark;
            self.taken -= 1;
        }
    }

    /// Where a number is (true), or the first empty slot on its way (false). Marks are passed over.
    fn find(&self, number: u32) -> Option<(usize, bool)> {
        let mask = self.table.len() - 1;
        let mut perturb = number as usize;
        let mut start = perturb & mask;
        // The table is never full, and the jumps reach every slot once `perturb` is used up.
        loop {
            let row = if start + ROW <= mask { ROW } else { 0 };
            for place in start..=start + row {
                match self.table.get(place)? {
                    Slot::Empty => return Some((place, false)),
                    Slot::Taken(other) if *other == number => return Some((place, true)),
                    _ => {}
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
            let Some((place, _)) = self.find(number) else { continue };
            if let Some(slot) = self.table.get_mut(place) {
                *slot = Slot::Taken(number);
            }
        }
    }
}

const SMALLEST: usize = 8;

/// How many more slots are looked at in a row.
const ROW: usize = 9;
