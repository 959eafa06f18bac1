//! Stored ranges: which places belong to whom.

use std::fmt;
use std::str::FromStr;

use expt_core::Share;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{AssignError, Result, excerpt};

/// The places from `first` to `last`, **both included**; never empty.
///
/// A place is any `u64`. With both ends included the whole space, 2^64 places, can be written exactly,
/// which a half-open `u64` range cannot. It is written as text, `0000000000000000-7fffffffffffffff`,
/// because many JSON tools silently round numbers above 2^53.
///
/// ```
/// use expt_assign::Range;
///
/// let lower: Range = "0000000000000000-7fffffffffffffff".parse()?;
/// assert!(lower.contains(u64::MAX / 2) && !lower.contains(u64::MAX / 2 + 1));
/// assert_eq!(Range::FULL.width(), 1 << 64);
/// assert_eq!(Range::new(7, 6), None);
/// # Ok::<(), expt_assign::AssignError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    first: u64,
    last: u64,
}

impl Range {
    /// Every place.
    pub const FULL: Self = Self { first: 0, last: u64::MAX };

    /// From `first` to `last`, both included; `None` if `last` is below `first`.
    #[must_use]
    pub const fn new(first: u64, last: u64) -> Option<Self> {
        if first <= last { Some(Self { first, last }) } else { None }
    }

    /// The lowest place.
    #[must_use]
    pub const fn first(self) -> u64 {
        self.first
    }

    /// The highest place.
    #[must_use]
    pub const fn last(self) -> u64 {
        self.last
    }

    /// How many places: 1 to 2^64.
    #[must_use]
    pub const fn width(self) -> u128 {
        (self.last - self.first) as u128 + 1
    }

    /// Whether the place is in it.
    #[must_use]
    pub const fn contains(self, place: u64) -> bool {
        self.first <= place && place <= self.last
    }

    /// The places that are in both.
    #[must_use]
    pub fn overlap(self, other: Self) -> Option<Self> {
        Self::new(self.first.max(other.first), self.last.min(other.last))
    }
}

impl fmt::Debug for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:016x}-{:016x}", self.first, self.last))
    }
}

impl FromStr for Range {
    type Err = AssignError;

    fn from_str(text: &str) -> Result<Self> {
        let end = |text: &str| {
            let digits: &[u8; 16] = text.as_bytes().try_into().ok()?;
            digits.iter().try_fold(0, |number, digit| {
                let digit = match digit {
                    b'0'..=b'9' => digit - b'0',
                    b'a'..=b'f' => digit - b'a' + 10,
                    _ => return None,
                };
                Some(number << 4 | u64::from(digit))
            })
        };
        text.split_once('-')
            .and_then(|(first, last)| Self::new(end(first)?, end(last)?))
            .ok_or_else(|| AssignError::Range { value: excerpt(text) })
    }
}

impl Serialize for Range {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl serde::de::Visitor<'_> for Text {
            type Value = Range;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a range such as 0000000000000000-7fffffffffffffff")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Range, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// A list of ranges in the order in which they were given out.
///
/// Ranges, never weights, are the truth of a config: a share turns into ranges once, and from then on
/// traffic changes by appending or removing ranges, so that nobody moves who need not. Ranges of one list
/// must not overlap; compiling a config reports it where they do.
///
/// ```
/// use expt_assign::Ranges;
/// use expt_core::Share;
///
/// let arms = Ranges::split(&[Share::HALF, Share::HALF])?;
/// assert_eq!(arms[0].as_slice()[0].to_string(), "0000000000000000-7fffffffffffffff");
/// assert_eq!(arms[0].width() + arms[1].width(), 1 << 64);
///
/// // A ramp from 20 % to 50 % of a layer appends; it moves nobody.
/// let ramped = Ranges::of(Share::percent(20)?).with(Ranges::between(Share::percent(20)?, Share::HALF));
/// assert_eq!(ramped.width(), Ranges::of(Share::HALF).width());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ranges(Vec<Range>);

impl Ranges {
    /// No place.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Every place.
    #[must_use]
    pub fn all() -> Self {
        Self(vec![Range::FULL])
    }

    /// The lowest places, as many as the share says.
    #[must_use]
    pub fn of(share: Share) -> Self {
        Self::between(Share::NONE, share)
    }

    /// The places from one share of the space up to another; none if `to` is not above `from`.
    ///
    /// A border stands at `floor(share * 2^64)`, computed in integers, so ranges that meet at the same
    /// share neither overlap nor leave a gap.
    #[must_use]
    pub fn between(from: Share, to: Share) -> Self {
        Self::from_borders(border(from.as_ppm().into()), border(to.as_ppm().into()))
    }

    /// Cuts the space into one list for each share, from the lowest place up.
    ///
    /// Shares that add up to [`Share::ALL`] cover every place; of smaller sums the rest is left over.
    ///
    /// # Errors
    /// [`AssignError::Shares`] if they add up to more than everything.
    pub fn split(shares: &[Share]) -> Result<Vec<Self>> {
        let total = shares.iter().map(|share| u64::from(share.as_ppm())).sum();
        if total > u64::from(Share::ALL.as_ppm()) {
            return Err(AssignError::Shares { total });
        }
        let mut ppm = 0;
        Ok(shares
            .iter()
            .map(|share| {
                let from = border(ppm);
                ppm += u64::from(share.as_ppm());
                Self::from_borders(from, border(ppm))
            })
            .collect())
    }

    /// These ranges and, after them, the others.
    #[must_use]
    pub fn with(mut self, others: impl IntoIterator<Item = Range>) -> Self {
        self.0.extend(others);
        self
    }

    /// The ranges, in the order in which they were given out.
    #[must_use]
    pub fn as_slice(&self) -> &[Range] {
        &self.0
    }

    /// Whether there is no range.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the place is in one of them.
    #[must_use]
    pub fn contains(&self, place: u64) -> bool {
        self.0.iter().any(|range| range.contains(place))
    }

    /// How many places, if no two ranges overlap.
    #[must_use]
    pub fn width(&self) -> u128 {
        self.0.iter().fold(0, |sum, range| sum.saturating_add(range.width()))
    }

    /// From a border up to, but without, another.
    fn from_borders(from: u128, to: u128) -> Self {
        let last = to.checked_sub(1).and_then(|last| u64::try_from(last).ok());
        let range = last.zip(u64::try_from(from).ok()).and_then(|(last, first)| Range::new(first, last));
        Self(range.into_iter().collect())
    }
}

impl From<Range> for Ranges {
    fn from(range: Range) -> Self {
        Self(vec![range])
    }
}

impl FromIterator<Range> for Ranges {
    fn from_iter<I: IntoIterator<Item = Range>>(ranges: I) -> Self {
        Self(ranges.into_iter().collect())
    }
}

impl IntoIterator for Ranges {
    type Item = Range;
    type IntoIter = std::vec::IntoIter<Range>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Ranges {
    type Item = &'a Range;
    type IntoIter = std::slice::Iter<'a, Range>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// The first place above the given part of the space; 2^64 for everything.
pub(crate) fn border(ppm: u64) -> u128 {
    (u128::from(ppm) << 64) / u128::from(Share::ALL.as_ppm())
}

/// What ranges of several owners have in common, and what they leave free.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    /// Places that two owners (or one owner twice) claim: the places, who had them, who claims them too.
    pub(crate) overlaps: Vec<(Range, usize, usize)>,
    /// Places that nobody claims.
    pub(crate) gaps: Vec<Range>,
}

/// Walks over the ranges from the lowest place up, in `O(n log n)`, so that a config of a stranger cannot
/// make validation slow. Each range that overlaps an earlier one is reported once.
pub(crate) fn sweep(mut claims: Vec<(Range, usize)>) -> Sweep {
    claims.sort_unstable();
    let mut found = Sweep::default();
    // The lowest place that nothing so far has reached, and whose range reaches up to it.
    let mut next = Some(0);
    let mut reaching: Option<(Range, usize)> = None;
    for (range, owner) in claims {
        if let Some((before, had)) = reaching
            && let Some(common) = before.overlap(range)
        {
            // Of two owners of one place the later in the config is the intruder.
            found.overlaps.push((common, had.min(owner), had.max(owner)));
        }
        if let Some(free) = next
            && free < range.first
        {
            found.gaps.extend(Range::new(free, range.first - 1));
        }
        if reaching.is_none_or(|(before, _)| range.last > before.last) {
            reaching = Some((range, owner));
            next = range.last.checked_add(1);
        }
    }
    found.gaps.extend(next.and_then(|free| Range::new(free, u64::MAX)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u64, last: u64) -> Range {
        Range::new(first, last).unwrap()
    }

    #[test]
    fn split_is_exact_and_complete() {
        let thirds = [333_333, 333_333, 333_334].map(|ppm| Share::ppm(ppm).unwrap());
        let lists = Ranges::split(&thirds).unwrap();
        let found = sweep(lists.iter().flatten().map(|range| (*range, 0)).collect());
        assert!(found.gaps.is_empty() && found.overlaps.is_empty());
        // floor(333333 * 2^64 / 10^6), less 1, computed with bc.
        assert_eq!(lists[0].as_slice(), [range(0, 6_148_908_542_321_825_967)]);
        assert_eq!(Ranges::split(&[Share::NONE, Share::ALL]).unwrap(), [Ranges::none(), Ranges::all()]);
        let too_much = [Share::ALL, Share::ppm(1).unwrap()];
        assert_eq!(Ranges::split(&too_much).unwrap_err(), AssignError::Shares { total: 1_000_001 });
    }

    #[test]
    fn between_the_wrong_way_round_is_nothing() {
        assert!(Ranges::between(Share::HALF, Share::NONE).is_empty());
        assert!(Ranges::between(Share::ALL, Share::ALL).is_empty());
    }

    #[test]
    fn text_is_strict() {
        assert_eq!(Range::FULL.to_string().parse(), Ok(Range::FULL));
        for bad in [
            "",
            "-",
            "0-1",
            "000000000000000A-000000000000000f",
            "0000000000000002-0000000000000001",
            "+000000000000001-0000000000000002",
            "0000000000000001-0000000000000002-",
        ] {
            assert!(bad.parse::<Range>().is_err(), "{bad}");
        }
    }

    #[test]
    fn sweep_finds_overlaps_and_gaps() {
        let found = sweep(vec![(range(5, 9), 1), (range(0, 3), 0), (range(9, 20), 0), (range(12, 12), 2)]);
        assert_eq!(found.gaps, [range(4, 4), range(21, u64::MAX)]);
        assert_eq!(found.overlaps, [(range(9, 9), 0, 1), (range(12, 12), 0, 2)]);
        assert_eq!(sweep(vec![]).gaps, [Range::FULL]);
        assert!(sweep(vec![(Range::FULL, 0)]).gaps.is_empty());
        assert_eq!(sweep(vec![(Range::FULL, 0), (range(7, 7), 0)]).overlaps, [(range(7, 7), 0, 0)]);
    }
}
