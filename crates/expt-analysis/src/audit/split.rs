//! Which arm a place belongs to.

use expt_assign::{Range, Ranges};

use super::error::{AuditError, Result};

/// The ranges of all arms in one sorted list, so that a place is found in `O(log ranges)`.
#[derive(Debug, Clone)]
pub(super) struct Split {
    sorted: Vec<(Range, usize)>,
    /// The places of each arm.
    widths: Vec<f64>,
}

impl Split {
    pub(super) fn new<'a>(arms: impl IntoIterator<Item = &'a Ranges>) -> Result<Self> {
        let mut sorted = Vec::new();
        let mut widths = Vec::new();
        for (arm, ranges) in arms.into_iter().enumerate() {
            sorted.extend(ranges.into_iter().map(|range| (*range, arm)));
            widths.push(ranges.width() as f64);
        }
        sorted.sort_unstable();
        for ((low, first), (high, second)) in sorted.iter().zip(sorted.iter().skip(1)) {
            if let Some(places) = low.overlap(*high) {
                return Err(AuditError::Overlap { first: *first, second: *second, places });
            }
        }
        Ok(Self { sorted, widths })
    }

    pub(super) fn arms(&self) -> usize {
        self.widths.len()
    }

    /// The places of each arm, in the order of the arms.
    pub(super) fn widths(&self) -> &[f64] {
        &self.widths
    }

    #[inline]
    pub(super) fn arm(&self, place: u64) -> Option<usize> {
        let after = self.sorted.partition_point(|(range, _)| range.first() <= place);
        let (range, arm) = self.sorted.get(after.checked_sub(1)?)?;
        range.contains(place).then_some(*arm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_search_through_all_ranges_finds() {
        let range = |first, last| Ranges::from(Range::new(first, last).unwrap());
        let arms = [range(10, 19).with(range(40, 40)), Ranges::none(), range(20, 29), range(0, 4)];
        let split = Split::new(&arms).unwrap();
        for place in (0..60).chain([u64::MAX]) {
            assert_eq!(split.arm(place), arms.iter().position(|arm| arm.contains(place)), "{place}");
        }
        assert_eq!(split.widths(), [11.0, 0.0, 10.0, 5.0]);
        assert!(Split::new(&[range(0, 5), range(5, 9)]).is_err());
        assert_eq!(Split::new(&[Ranges::all()]).unwrap().arm(u64::MAX), Some(0));
    }
}
