//! Places of many ids as bitmaps, a block of ids at a time.

/// Words in a plane. Two columns fit the first cache of a core, a block of 1,000 columns the last.
pub(super) const WORDS: usize = 128;

/// Ids in a block.
pub(super) const BLOCK: usize = WORDS * 64;

/// Bits of a place that the tables look at: the top ones.
pub(super) const BITS: usize = 3;

/// Buckets of a column in the tables of pairs: equal parts of the space of places.
pub(super) const BUCKETS: usize = 1 << BITS;

/// One bit an id.
pub(super) type Plane = [u64; WORDS];

/// The top bits of the places of a column in a block, the highest first.
pub(super) type TopBits = [Plane; BITS];

/// Which ids are in which bucket of a column, in a block. The last bucket is the rest.
pub(super) type Buckets = [Plane; BUCKETS - 1];

/// Where the bits come from.
pub(super) trait Source {
    /// Sets the top bits of at most [`BLOCK`] ids, from `first` on, in a column; beyond them anything.
    fn top_bits(&mut self, column: usize, first: usize, ids: usize, bits: &mut TopBits);
}

/// The top bits of places.
pub(super) fn gather(places: impl IntoIterator<Item = u64>, bits: &mut TopBits) {
    let mut places = places.into_iter();
    for word in 0..WORDS {
        let mut words = [0; BITS];
        for byte in 0..8 {
            let mut packed = 0;
            for index in 0..8 {
                packed |= (places.next().unwrap_or(0) >> (64 - BITS)) << (8 * index);
            }
            for (bit, word) in words.iter_mut().enumerate() {
                // The multiplication brings the lowest bit of each byte to the top, in order.
                let lowest = packed >> (BITS - 1 - bit) & 0x0101_0101_0101_0101_u64;
                *word |= (lowest.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * byte);
            }
        }
        for (plane, found) in bits.iter_mut().zip(words) {
            plane[word] = found;
        }
    }
}

/// Splits the ids of a column by bucket; bits beyond the last id are zero. Adds up how many there are in
/// each bucket.
pub(super) fn split(bits: &TopBits, ids: usize, buckets: &mut Buckets, totals: &mut [u64; BUCKETS]) {
    for word in 0..WORDS {
        let valid = match ids.saturating_sub(word * 64) {
            0 => 0,
            rest @ 1..64 => (1 << rest) - 1,
            _ => u64::MAX,
        };
        for (bucket, plane) in buckets.iter_mut().enumerate() {
            let mut found = valid;
            for (bit, slice) in bits.iter().enumerate() {
                found &= if bucket >> (BITS - 1 - bit) & 1 == 1 { slice[word] } else { !slice[word] };
            }
            plane[word] = found;
        }
    }
    let mut rest = ids as u64;
    for (plane, total) in buckets.iter().zip(totals.iter_mut()) {
        let found: u64 = plane.iter().map(|word| u64::from(word.count_ones())).sum();
        *total += found;
        rest -= found;
    }
    totals[BUCKETS - 1] += rest;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_say_which_bucket() {
        let ids = BLOCK - 37;
        let places: Vec<u64> = (0..ids as u64).map(|id| id.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let (mut bits, mut buckets, mut totals) =
            ([[0; WORDS]; BITS], [[0; WORDS]; BUCKETS - 1], [0; BUCKETS]);
        gather(places.iter().copied(), &mut bits);
        split(&bits, ids, &mut buckets, &mut totals);
        let mut expected = [0; BUCKETS];
        for id in 0..BLOCK {
            let is = |plane: &Plane| plane[id / 64] >> (id % 64) & 1 == 1;
            let found = buckets.iter().position(is);
            let bucket = places.get(id).map(|place| (*place as f64 / u64::MAX as f64 * 8.0) as usize);
            assert_eq!(found, bucket.filter(|bucket| *bucket < BUCKETS - 1), "id {id}");
            if let Some(bucket) = bucket {
                expected[bucket] += 1;
                assert_eq!(is(&bits[0]), bucket >= 4, "id {id}");
            }
        }
        assert_eq!(totals, expected);
    }
}
