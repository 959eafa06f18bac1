//! From the digest of a unit to its place.

use std::fmt;

use super::{UnitDigest, words};

/// Turns digests into places. Independent keys give independent places, as far as is tested.
#[derive(Clone, Copy)]
pub struct MixKey {
    /// `k0` and `k2` of the algorithm.
    flip: [u64; 2],
    /// `k1 | 1` and `k3 | 1`: odd, so that a multiplication loses nothing.
    multiply: [u64; 2],
}

impl MixKey {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let [k0, k1, k2, k3] = words(key);
        Self { flip: [k0, k2], multiply: [k1 | 1, k3 | 1] }
    }

    /// The place of a unit under this key.
    #[must_use]
    #[inline]
    pub const fn place(&self, unit: UnitDigest) -> u64 {
        let ([a, b], [k0, k2], [m1, m3]) = (unit.words(), self.flip, self.multiply);
        let b = b ^ fold(a ^ k0, m1);
        a ^ fold(b ^ k2, m3)
    }
}

impl fmt::Debug for MixKey {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MixKey").finish_non_exhaustive()
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the two halves of the product are what is wanted")]
#[inline]
const fn fold(x: u64, m: u64) -> u64 {
    let product = x as u128 * m as u128;
    (product >> 64) as u64 ^ product as u64
}
