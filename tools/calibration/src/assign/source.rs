//! Where places come from: the mix, random bits, and mixes that are broken on purpose.

use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use expt::assign::mix::{MixKey, UnitDigest};

use super::bits::{Source, TopBits, gather};

/// The mix: a key for each column.
pub(super) struct Mixed<'a> {
    pub(super) digests: &'a [UnitDigest],
    pub(super) keys: &'a [MixKey],
}

impl Source for Mixed<'_> {
    fn top_bits(&mut self, column: usize, first: usize, ids: usize, bits: &mut TopBits) {
        let key = self.keys[column];
        gather(self.digests[first..first + ids].iter().map(|digest| key.place(*digest)), bits);
    }
}

/// Cryptographic random bits: what a perfect mix looks like.
pub(super) struct RandomBits(ChaCha12Rng);

impl RandomBits {
    pub(super) fn new(replicate: u64) -> Self {
        Self(ChaCha12Rng::seed_from_u64(0x7261_6e64_0000_0000 | replicate))
    }
}

impl Source for RandomBits {
    fn top_bits(&mut self, _: usize, _: usize, _: usize, bits: &mut TopBits) {
        for word in bits.as_flattened_mut() {
            *word = self.0.next_u64();
        }
    }
}

/// Broken on purpose: a function from column and id to a place.
pub(super) struct Broken<F>(pub(super) F);

impl<F: Fn(usize, usize) -> u64> Source for Broken<F> {
    fn top_bits(&mut self, column: usize, first: usize, ids: usize, bits: &mut TopBits) {
        gather((first..first + ids).map(|id| (self.0)(column, id)), bits);
    }
}

/// FNV-1a with 32 bits of the text so far, gone on with more text.
pub(super) fn fnv1a(state: u32, text: &str) -> u32 {
    text.bytes().fold(state, |state, byte| (state ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
