//! Sets of buckets and of units.

use std::collections::BTreeSet;

use super::error::Error;
use super::gzip::unpack;
use super::{BUCKETS, low, murmur3};
use crate::error::excerpt;

/// The buckets that are allocated to a segment.
#[derive(Debug)]
pub(super) enum Allocation {
    /// All of them.
    All,
    /// These.
    Buckets(BTreeSet<u32>),
    /// Those whose bits are set, from the lowest bit of the first byte on.
    Bits(Vec<u8>),
}

impl Allocation {
    pub(super) fn of(place: &str, buckets: &[u64]) -> Result<Self, Error> {
        let mut set = BTreeSet::new();
        for bucket in buckets {
            let problem = "is not a bucket; buckets are 0 to 999999";
            let refused = || Error::State { place: excerpt(place), value: bucket.to_string(), problem };
            set.insert(u32::try_from(*bucket).ok().filter(|_| *bucket < BUCKETS).ok_or_else(refused)?);
        }
        Ok(if u64::try_from(set.len()).is_ok_and(|count| count == BUCKETS) {
            Self::All
        } else {
            Self::Buckets(set)
        })
    }

    /// `packed` is base64 of gzip; what its bits take is taken off `budget`.
    pub(super) fn unpack(place: &str, packed: &str, budget: &mut usize) -> Result<Self, Error> {
        let bits = base64(packed).and_then(|file| unpack(&file, MOST_BYTES.min(*budget)));
        let Some(bits) = bits else {
            let problem = "is not base64 of gzip of a bitset, or all bitsets together are too large";
            return Err(Error::State { place: excerpt(place), value: excerpt(packed), problem });
        };
        *budget -= bits.len();
        Ok(if bits.iter().all(|byte| *byte == u8::MAX) && bits.len() == MOST_BYTES {
            Self::All
        } else {
            Self::Bits(bits)
        })
    }

    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::All)
    }

    pub(super) fn contains(&self, bucket: u64) -> bool {
        match self {
            Self::All => true,
            Self::Buckets(set) => u32::try_from(bucket).is_ok_and(|bucket| set.contains(&bucket)),
            Self::Bits(bits) => {
                let byte = usize::try_from(bucket / 8).ok().and_then(|byte| bits.get(byte));
                byte.is_some_and(|byte| (byte >> (bucket % 8)) & 1 == 1)
            }
        }
    }
}

/// A Bloom filter of Guava's strategy `MURMUR128_MITZ_64`.
#[derive(Debug)]
pub(super) struct Bloom {
    bytes: Vec<u8>,
    bits: u64,
    hashes: u32,
}

impl Bloom {
    /// `data` is Guava's array of big-endian 64-bit words, as base64.
    pub(super) fn of(place: &str, data: &str, bits: i64, hashes: i64) -> Result<Self, Error> {
        let refused = |value: String, problem| Error::State { place: excerpt(place), value, problem };
        let Some(bytes) = base64(data) else {
            return Err(refused(excerpt(data), "is not base64"));
        };
        let Some(bits) = u64::try_from(bits).ok().filter(|bits| *bits > 0) else {
            return Err(refused(bits.to_string(), "is not a number of bits; at least 1 is needed"));
        };
        match u32::try_from(hashes) {
            Ok(hashes) if hashes <= 255 => Ok(Self { bytes, bits, hashes }),
            _ => Err(refused(hashes.to_string(), "is not a number of hash functions; 0 to 255 are allowed")),
        }
    }

    pub(super) fn may_contain(&self, unit: &str) -> bool {
        let hash = murmur3(unit);
        let step = low(hash >> 64);
        let mut combined = low(hash);
        (0..self.hashes).all(|_| {
            // The sign bit is masked, as Guava does with its signed longs.
            let set = self.bit((combined & (u64::MAX >> 1)) % self.bits);
            combined = combined.wrapping_add(step);
            set
        })
    }

    fn bit(&self, index: u64) -> bool {
        let Ok(byte) = usize::try_from(index / 8) else { return false };
        // Bytes of a whole word are in reverse.
        let whole = self.bytes.len() / 8 * 8;
        let at = if byte < whole { byte / 8 * 8 + 7 - byte % 8 } else { byte };
        self.bytes.get(at).is_some_and(|bits| bits >> (index % 8) & 1 == 1)
    }
}

/// Standard base64, with its padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(bytes)
}

/// One bit a bucket.
const MOST_BYTES: usize = 125_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocations() {
        let some = Allocation::of("segments/a", &[3, 999_999]).unwrap();
        assert!(some.contains(3) && some.contains(999_999) && !some.contains(4));
        assert!(matches!(
            Allocation::of("segments/a", &(0..BUCKETS).collect::<Vec<_>>()),
            Ok(Allocation::All)
        ));
        let refused = Allocation::of("segments/a", &[1_000_000]).unwrap_err().to_string();
        assert!(refused.starts_with("segments/a: 1000000 is not a bucket"), "{refused}");
    }

    /// Python: `base64.b64encode(gzip.compress(b"\x05\xff" + b"\x00" * 6, mtime=0))`.
    #[test]
    fn packed_allocations() {
        let packed = "H4sIAAAAAAACA2P9zwAGAD2b9L8IAAAA";
        let mut budget = 10;
        let some = Allocation::unpack("segments/a", packed, &mut budget).unwrap();
        assert_eq!(budget, 2);
        let set: Vec<u64> = (0..100).filter(|bucket| some.contains(*bucket)).collect();
        assert_eq!(set, [0, 2, 8, 9, 10, 11, 12, 13, 14, 15]);
        assert!(!some.contains(999_999) && !some.is_full());
        let refused = Allocation::unpack("segments/a", packed, &mut budget).unwrap_err().to_string();
        assert!(refused.contains("too large"), "{refused}");
    }

    /// RFC 4648, section 10.
    #[test]
    fn base64_of_the_rfc() {
        for (text, bytes) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")]
        {
            assert_eq!(base64(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        for text in ["Zg", "Zg=", "Z===", "Zm9v!", "Zm 9"] {
            assert_eq!(base64(text), None, "{text}");
        }
    }

    /// A filter of 64 bits and 2 functions in which bits 0 and 9 are set: Guava writes the word 0x201 big-endian.
    #[test]
    fn blooms() {
        let bloom = Bloom::of("m", "AAAAAAAAAgE=", 64, 2).unwrap();
        assert!(bloom.bit(0) && bloom.bit(9) && !bloom.bit(1) && !bloom.bit(63) && !bloom.bit(64));
        assert!(Bloom::of("m", "//////////8=", 64, 3).unwrap().may_contain("anyone"));
        assert!(!Bloom::of("m", "AAAAAAAAAAA=", 64, 3).unwrap().may_contain("anyone"));
        assert!(Bloom::of("m", "AAAAAAAAAAA=", 0, 3).is_err() && Bloom::of("m", "", 8, -1).is_err());
    }
}
