//! Agreement of the heads of two rankings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::kendall::Fenwick;
use crate::error::StatsError;
use crate::level::Probability;

/// Compares the first `k` items of two rankings, which need not hold the same items.
///
/// The Kendall distance with penalty `p` (Fagin, Kumar and Sivakumar 2003, "Comparing top k lists"): each pair of items
/// counts 1 if the heads certainly order it oppositely (both heads hold both, in other order; one head holds both, the
/// other only the later one; each holds one of them), and `p` if only one head holds both and the other neither. `p = 0`
/// is the optimistic choice, 1/2 the neutral one. Divided by its maximum, that of disjoint heads.
///
/// ```
/// use expt_stats::Probability;
/// use expt_stats::agreement::TopK;
///
/// let got = TopK::new(3, Probability::new(0.5)?)?.compare(&["a", "b", "c", "d"], &["b", "a", "x", "c"])?;
/// assert_eq!(got.overlap, 2.0 / 3.0);
/// assert!(got.first_differs);
/// assert_eq!(got.kendall_distance, 2.0);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopK {
    k: usize,
    penalty: Probability,
}

/// Holds the agreement of the heads of two rankings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TopKScore {
    /// The share of the longer head's items that both hold: overlap at k.
    pub overlap: f64,
    /// Whether the first items differ.
    pub first_differs: bool,
    /// The Kendall distance with penalty.
    pub kendall_distance: f64,
    /// The distance divided by its maximum: 0 for equal heads, 1 for disjoint ones.
    pub normalised_distance: f64,
}

impl TopK {
    /// Makes a comparison of the first `k` items.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] for k = 0.
    pub fn new(k: usize, penalty: Probability) -> Result<Self, StatsError> {
        if k == 0 {
            return Err(StatsError::OutOfRange { what: "k", value: 0.0, allowed: "at least 1" });
        }
        Ok(Self { k, penalty })
    }

    /// Compares; rankings shorter than `k` are taken whole.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] for an empty ranking, [`StatsError::Refused`] if an item appears twice in a head.
    pub fn compare<T: Ord>(&self, a: &[T], b: &[T]) -> Result<TopKScore, StatsError> {
        let (a, b) = (a.get(..self.k).unwrap_or(a), b.get(..self.k).unwrap_or(b));
        if a.is_empty() || b.is_empty() {
            return Err(StatsError::TooFew { what: "a ranking", have: 0, need: 1 });
        }
        let (at_a, at_b) = (places(a)?, places(b)?);
        // Places in `b` of the items of `a`, in the order of `a`.
        let found: Vec<Option<usize>> = a.iter().map(|item| at_b.get(item).copied()).collect();
        let back: Vec<Option<usize>> = b.iter().map(|item| at_a.get(item).copied()).collect();
        let common = found.iter().flatten().count() as f64;
        let (only_a, only_b) = (a.len() as f64 - common, b.len() as f64 - common);
        let pairs = |count: f64| 0.5 * count * (count - 1.0);
        let certain =
            inversions(&found, b.len()) + lone_before(&found) + lone_before(&back) + only_a * only_b;
        let penalty = self.penalty.get();
        let distance = certain + penalty * (pairs(only_a) + pairs(only_b));
        let (m, n) = (a.len() as f64, b.len() as f64);
        let most = m * n + penalty * (pairs(m) + pairs(n));
        Ok(TopKScore {
            overlap: common / m.max(n),
            first_differs: a.first() != b.first(),
            kendall_distance: distance,
            normalised_distance: distance / most,
        })
    }
}

/// Maps each item to its place.
fn places<T: Ord>(list: &[T]) -> Result<BTreeMap<&T, usize>, StatsError> {
    let map: BTreeMap<&T, usize> = list.iter().enumerate().map(|(place, item)| (item, place)).collect();
    if map.len() < list.len() {
        let why = "an item appears twice; remove duplicates by their key first";
        return Err(StatsError::Refused { what: "a ranking", why });
    }
    Ok(map)
}

/// Counts pairs of common items in opposite order.
fn inversions(found: &[Option<usize>], len: usize) -> f64 {
    let mut seen = Fenwick::new(len);
    let (mut count, mut before) = (0, 0);
    for &place in found.iter().flatten() {
        count += before - seen.below(place + 1);
        seen.add(place);
        before += 1;
    }
    count as f64
}

/// Counts pairs in which an item of this list only stands before a common one, which the other list must put first.
fn lone_before(found: &[Option<usize>]) -> f64 {
    let (mut lone, mut count) = (0.0, 0.0);
    for place in found {
        if place.is_some() {
            count += lone;
        } else {
            lone += 1.0;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: the four cases of the paper, pair by pair.
    fn brute(a: &[u32], b: &[u32], p: f64) -> f64 {
        let mut items: Vec<u32> = a.iter().chain(b).copied().collect();
        items.sort_unstable();
        items.dedup();
        let at = |list: &[u32], item: u32| list.iter().position(|x| *x == item);
        let mut sum = 0.0;
        for (index, &i) in items.iter().enumerate() {
            for &j in &items[..index] {
                sum += match (at(a, i), at(a, j), at(b, i), at(b, j)) {
                    (Some(ai), Some(aj), Some(bi), Some(bj)) => f64::from(u8::from((ai < aj) != (bi < bj))),
                    (Some(x), Some(y), Some(_), None) | (Some(_), None, Some(x), Some(y)) => {
                        f64::from(u8::from(y < x))
                    }
                    (Some(x), Some(y), None, Some(_)) | (None, Some(_), Some(x), Some(y)) => {
                        f64::from(u8::from(x < y))
                    }
                    (Some(_), None, None, Some(_)) | (None, Some(_), Some(_), None) => 1.0,
                    _ => p,
                };
            }
        }
        sum
    }

    #[test]
    fn agrees_with_all_pairs() {
        for seed in 0..40_u32 {
            let list = |start: u32, len: u32, step: u32| -> Vec<u32> {
                (0..len).map(|i| (start + i * step) % 17).collect()
            };
            let (a, b) = (list(seed, 3 + seed % 7, 3), list(seed / 2, 2 + seed % 9, 5));
            for p in [0.0, 0.5] {
                let top = TopK::new(20, Probability::new(p).unwrap()).unwrap();
                let got = top.compare(&a, &b).unwrap();
                close(got.kendall_distance, brute(&a, &b, p), 1e-12);
                close(top.compare(&b, &a).unwrap().kendall_distance, got.kendall_distance, 1e-12);
                assert!((0.0..=1.0).contains(&got.normalised_distance));
            }
        }
    }

    #[test]
    fn edges() {
        let top = TopK::new(2, Probability::new(0.0).unwrap()).unwrap();
        close(top.compare(&[1, 2, 3], &[1, 2, 9]).unwrap().normalised_distance, 0.0, 0.0);
        close(top.compare(&[1, 2], &[3, 4]).unwrap().normalised_distance, 1.0, 0.0);
        assert!(top.compare(&[1, 1], &[1, 2]).is_err());
        assert!(top.compare(&[1, 2, 1], &[1, 2]).is_ok(), "beyond the head nothing is read");
        assert!(top.compare::<u8>(&[], &[1]).is_err());
        assert!(TopK::new(0, Probability::new(0.0).unwrap()).is_err());
    }
}
