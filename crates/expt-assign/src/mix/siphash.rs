//! SipHash-1-3 with 128 bits of output.
//!
//! Aumasson and Bernstein (2012), "SipHash: a fast short-input PRF", with the 128-bit output of the authors'
//! reference implementation: one round for each 8 bytes of input, three to finish each half. It stands here, and
//! not in a crate, because it is half of a frozen algorithm: no upgrade can change it, and a unit is digested in
//! one piece, which is quicker than in a stream. The golden vectors come from another implementation.

/// The digest of some bytes: the first and the second 8 bytes of the output, as little-endian numbers.
pub(super) fn siphash13_128([k0, k1]: [u64; 2], bytes: &[u8]) -> (u64, u64) {
    let mut state = [
        k0 ^ 0x736f_6d65_7073_6575,
        // The 0xee is what tells 128 bits of output from 64.
        k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let (blocks, rest) = bytes.as_chunks::<8>();
    for block in blocks {
        absorb(&mut state, u64::from_le_bytes(*block));
    }
    // The last block holds the bytes that are left and, at its top, the length modulo 256.
    let left = match bytes.last_chunk::<8>() {
        // They are the top of the last eight bytes.
        Some(last) if !rest.is_empty() => u64::from_le_bytes(*last) >> (64 - 8 * rest.len()),
        _ => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    absorb(&mut state, left | (bytes.len() as u64) << 56);
    state[2] ^= 0xee;
    (0..3).for_each(|_| round(&mut state));
    let first = fold(state);
    state[1] ^= 0xdd;
    (0..3).for_each(|_| round(&mut state));
    (first, fold(state))
}

#[inline]
const fn absorb(state: &mut [u64; 4], block: u64) {
    state[3] ^= block;
    round(state);
    state[0] ^= block;
}

#[inline]
const fn round(state: &mut [u64; 4]) {
    let [mut v0, mut v1, mut v2, mut v3] = *state;
    v0 = v0.wrapping_add(v1);
    v1 = v1.rotate_left(13) ^ v0;
    v0 = v0.rotate_left(32);
    v2 = v2.wrapping_add(v3);
    v3 = v3.rotate_left(16) ^ v2;
    v0 = v0.wrapping_add(v3);
    v3 = v3.rotate_left(21) ^ v0;
    v2 = v2.wrapping_add(v1);
    v1 = v1.rotate_left(17) ^ v2;
    v2 = v2.rotate_left(32);
    *state = [v0, v1, v2, v3];
}

#[inline]
const fn fold([v0, v1, v2, v3]: [u64; 4]) -> u64 {
    v0 ^ v1 ^ v2 ^ v3
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every length of the last block, against the crate `siphasher` 1.0.4 with the key 00 01 .. 0f and the
    /// input 00 01 .. of that length.
    #[test]
    fn agrees_with_another_implementation() {
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        let input: Vec<u8> = (0..64).collect();
        for length in 0..64 {
            let hasher = siphasher::sip128::SipHasher13::new_with_keys(key[0], key[1]);
            let expected = hasher.hash(&input[..length]);
            assert_eq!(siphash13_128(key, &input[..length]), (expected.h1, expected.h2), "{length}");
        }
    }
}
