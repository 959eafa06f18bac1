//! Shares of units, exact.

use std::fmt;
use std::iter::Sum;

use expt_core::Share;

use crate::ranges::Ranges;

/// A share of units: from none to all, as a binary fraction of 256 bits.
///
/// Ranges are multiples of 2^-64 of the space, and places under different keys are independent, so shares are
/// products of such multiples: up to four of them (a layer, arms, two holdouts) are exact, and equality means
/// equality. What needs more places, and shares of another product's buckets, is rounded down; the error is
/// below 2^-250 and shows nowhere.
///
/// ```
/// use expt_assign::planner::Portion;
/// use expt_core::Share;
///
/// let fifth = Portion::from(Share::percent(20)?);
/// assert_eq!(fifth.times(Portion::from(Share::HALF)).to_string(), "10 %");
/// assert!(fifth.minus(fifth).is_none() && fifth < Portion::ALL);
/// # Ok::<(), expt_core::CoreError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Portion([u64; LIMBS]);

impl Portion {
    /// Nobody.
    pub const NONE: Self = Self([0; LIMBS]);
    /// Everybody.
    pub const ALL: Self = Self([1, 0, 0, 0, 0]);

    /// The share of a part of a whole of at most 2^64; everybody if the part is not smaller.
    pub(crate) fn ratio(part: u128, whole: u128) -> Self {
        if part >= whole {
            return if whole == 0 { Self::NONE } else { Self::ALL };
        }
        let mut limbs = [0; LIMBS];
        let mut rest = part;
        for limb in limbs.iter_mut().skip(1) {
            // `rest` is below 2^64, so nothing is shifted out, and the quotient fits.
            let shifted = rest << 64;
            *limb = u64::try_from(shifted / whole).unwrap_or(u64::MAX);
            rest = shifted % whole;
        }
        Self(limbs)
    }

    /// The share of the space that the ranges cover, if no two of them overlap.
    #[must_use]
    pub fn of(ranges: &Ranges) -> Self {
        Self::ratio(ranges.width(), SPACE)
    }

    /// Whether it is nobody at all.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// Both together, if they have nobody in common; everybody at most.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let (mut sum, mut carry) = (self.0, 0);
        for (limb, added) in sum.iter_mut().zip(other.0).rev() {
            let total = u128::from(*limb) + u128::from(added) + carry;
            (*limb, carry) = (low(total), total >> 64);
        }
        Self(sum).min(Self::ALL)
    }

    /// This without the other; nobody at least.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        if self <= other {
            return Self::NONE;
        }
        let (mut rest, mut borrow) = (self.0, false);
        for (limb, taken) in rest.iter_mut().zip(other.0).rev() {
            let (once, under) = limb.overflowing_sub(taken);
            let (twice, again) = once.overflowing_sub(u64::from(borrow));
            (*limb, borrow) = (twice, under || again);
        }
        Self(rest)
    }

    /// This share of the other: those who are in both, where the two are independent.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        // By weight: the product of limbs `i` and `j` has its low half at `i + j`, its high half one above.
        let mut sums = [0_u128; 2 * LIMBS - 1];
        for (i, one) in self.0.into_iter().enumerate() {
            for (j, two) in other.0.into_iter().enumerate() {
                let product = u128::from(one) * u128::from(two);
                if let Some(sum) = sums.get_mut(i + j) {
                    *sum += u128::from(low(product));
                }
                if let Some(sum) = (i + j).checked_sub(1).and_then(|above| sums.get_mut(above)) {
                    *sum += product >> 64;
                }
            }
        }
        let mut carry = 0;
        for sum in sums.iter_mut().rev() {
            let total = *sum + carry;
            (*sum, carry) = (u128::from(low(total)), total >> 64);
        }
        let mut limbs = [0; LIMBS];
        limbs.iter_mut().zip(sums).for_each(|(limb, sum)| *limb = low(sum));
        Self(limbs).min(Self::ALL)
    }

    /// The share as a number from 0 to 1, right to some 15 digits.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        // From the smallest limb up, so that nothing is lost that could count.
        #[allow(clippy::cast_precision_loss, reason = "what is lost is below 2^-52 of the limb")]
        self.0.into_iter().rev().fold(0.0, |sum, limb| sum / TWO_64 + limb as f64)
    }
}

impl From<Share> for Portion {
    fn from(share: Share) -> Self {
        Self::ratio(share.as_ppm().into(), Share::ALL.as_ppm().into())
    }
}

impl Sum for Portion {
    fn sum<I: Iterator<Item = Self>>(portions: I) -> Self {
        portions.fold(Self::NONE, Self::plus)
    }
}

impl fmt::Display for Portion {
    /// Per cent, to four decimals; `< 0.0001 %` for a share that would read as nobody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.4}", self.as_f64() * 100.0);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        match text {
            "0" if !self.is_none() => f.pad("< 0.0001 %"),
            _ => f.pad(&format!("{text} %")),
        }
    }
}

impl fmt::Debug for Portion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [whole, fraction @ ..] = self.0;
        write!(f, "{whole:x}.")?;
        fraction.iter().try_for_each(|limb| write!(f, "{limb:016x}"))
    }
}

/// The low half.
#[allow(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
const fn low(number: u128) -> u64 {
    number as u64
}

/// One for the whole, four for the fraction; the first is the most significant.
const LIMBS: usize = 5;
#[allow(clippy::cast_precision_loss, reason = "a power of two is exact")]
const TWO_64: f64 = SPACE as f64;
/// How many places there are.
pub(crate) const SPACE: u128 = 1 << 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(percent: u32) -> Portion {
        Portion::from(Share::percent(percent).unwrap())
    }

    #[test]
    fn arithmetic_is_exact() {
        let half = percent(50);
        assert_eq!(half.plus(half), Portion::ALL);
        assert_eq!(Portion::ALL.minus(half), half);
        assert_eq!(Portion::ALL.times(percent(7)), percent(7));
        let smallest = Portion::ratio(1, SPACE);
        assert_eq!(Portion::ALL.minus(smallest).plus(smallest), Portion::ALL);
        // (1 - x)(1 + x) = 1 - x^2, with (1 - x) a + (1 - x) x = (1 - x)(a + x).
        let rest = Portion::ALL.minus(smallest);
        assert_eq!(rest.times(rest).plus(rest.times(smallest)), rest);
        assert_eq!(rest.plus(half), Portion::ALL, "saturates");
        assert_eq!(half.minus(rest), Portion::NONE, "saturates");
        let tiny = smallest.times(smallest).times(smallest).times(smallest);
        assert_eq!(format!("{tiny:?}"), format!("0.{}1", "0".repeat(63)));
    }

    #[test]
    fn reads_as_per_cent() {
        assert_eq!(percent(20).to_string(), "20 %");
        assert_eq!(Portion::ratio(1, 3).to_string(), "33.3333 %");
        assert_eq!(Portion::ratio(1, SPACE).to_string(), "< 0.0001 %");
        assert_eq!(Portion::NONE.to_string(), "0 %");
        assert!((Portion::ratio(1, 3).as_f64() - 1.0 / 3.0).abs() < 1e-16);
    }
}
