//! Sorting p-values while remembering where they came from.

/// Numbers in ascending order, and where each of them was.
#[derive(Debug)]
pub struct Ranked {
    /// The numbers, ascending.
    pub(super) sorted: Vec<f64>,
    /// The place in the input of each of them.
    place: Vec<usize>,
}

impl Ranked {
    /// Brings values in rank order back into input order.
    pub(super) fn restore<T: Copy>(&self, in_rank_order: &[T], filler: T) -> Vec<T> {
        let mut restored = vec![filler; in_rank_order.len()];
        for (&place, &value) in self.place.iter().zip(in_rank_order) {
            if let Some(slot) = restored.get_mut(place) {
                *slot = value;
            }
        }
        restored
    }
}

/// Ranks any numbers.
pub(super) fn ranked(values: &[f64]) -> Ranked {
    let mut pairs: Vec<(f64, usize)> = values.iter().copied().zip(0..).collect();
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (sorted, place) = pairs.into_iter().unzip();
    Ranked { sorted, place }
}

/// Ranks numbers in `[0, 1]`; linear time where they are spread out, as p-values are.
///
/// The key is the number in 32 bits of fixed point, packed with its place into one `u64`, and sorted by
/// radix in three passes. The key is monotone, so only runs of equal keys (ties, and p below 2^-32) are left
/// for a comparison sort.
pub(super) fn ranked_unit(values: &[f64]) -> Ranked {
    if values.len() < RADIX_PAYS || u32::try_from(values.len()).is_err() {
        return ranked(values);
    }
    let mut packed = radix_sorted(values);
    let value = |packed: u64| values.get(place(packed)).copied().unwrap_or(f64::INFINITY);
    for run in packed.chunk_by_mut(|a, b| a >> 32 == b >> 32) {
        if run.len() > 1 {
            run.sort_unstable_by(|&a, &b| value(a).total_cmp(&value(b)));
        }
    }
    Ranked {
        sorted: packed.iter().map(|&packed| value(packed)).collect(),
        place: packed.iter().map(|&packed| place(packed)).collect(),
    }
}

/// Sorts `(key, place)` by key.
#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a digit is below the number of buckets, a cursor below the length, by the counts made before"
)]
fn radix_sorted(values: &[f64]) -> Vec<u64> {
    let mut counts = vec![[0_u32; BUCKETS]; PASSES.len()];
    let mut from: Vec<u64> = Vec::with_capacity(values.len());
    for (&value, place) in values.iter().zip(0_u64..) {
        // The conversion saturates, so that p = 1 gets the largest key.
        let packed = u64::from((value * TWO_TO_32) as u32) << 32 | place;
        for (counts, shift) in counts.iter_mut().zip(PASSES) {
            counts[digit(packed, shift)] += 1;
        }
        from.push(packed);
    }
    let mut to = vec![0; from.len()];
    for (counts, shift) in counts.iter_mut().zip(PASSES) {
        let mut cursor = 0;
        for count in counts.iter_mut() {
            cursor += std::mem::replace(count, cursor);
        }
        for &packed in &from {
            let cursor = &mut counts[digit(packed, shift)];
            to[*cursor as usize] = packed;
            *cursor += 1;
        }
        std::mem::swap(&mut from, &mut to);
    }
    from
}

#[allow(clippy::cast_possible_truncation, reason = "11 bits fit")]
fn digit(packed: u64, shift: u32) -> usize {
    (packed >> shift) as usize & (BUCKETS - 1)
}

#[allow(clippy::cast_possible_truncation, reason = "the place is the low half")]
fn place(packed: u64) -> usize {
    packed as u32 as usize
}

/// Below this length a comparison sort is faster.
const RADIX_PAYS: usize = 4096;

/// 2^11 buckets a pass: the counters of a pass fit the first-level cache.
const BUCKETS: usize = 2048;

/// How far down each pass shifts, least significant digit first; the key is the upper half.
const PASSES: [u32; 3] = [32, 43, 54];

const TWO_TO_32: f64 = 4_294_967_296.0;

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    #[test]
    fn radix_and_comparison_agree_on_ties_tiny_values_and_the_ends() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut values: Vec<f64> = (0..20_000).map(|_| rng.random::<f64>()).collect();
        values.extend((0..3_000).map(|i| f64::from(i % 7) * 1e-300));
        values.extend((0..3_000).map(|_| (rng.random::<f64>() * 10.0).floor() / 10.0));
        values.extend([0.0, 1.0, 1.0, f64::MIN_POSITIVE, 5e-324, 0.5]);
        let (fast, slow) = (ranked_unit(&values), ranked(&values));
        assert_eq!(fast.sorted, slow.sorted);
        assert_eq!(fast.restore(&fast.sorted, 0.0), values);
        assert_eq!(slow.restore(&slow.sorted, 0.0), values);
    }
}
