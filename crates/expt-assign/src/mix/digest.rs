//! From the id of a unit to its digest.

use std::fmt;

use super::siphash::siphash13_128;
use super::words;
use serde::{Deserialize, Serialize};

/// Which function digests the units of a project. A change of it moves every unit, so it is said once.
///
/// Either way the key is derived from the project key, so nobody without it can choose ids to get an arm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum UnitHash {
    /// SipHash-1-3 with 128 bits of output: several times faster for ids of usual length.
    #[default]
    #[serde(rename = "siphash-1-3-128")]
    SipHash13,
    /// Keyed BLAKE3: for those who want a cryptographic hash throughout.
    #[serde(rename = "blake3")]
    Blake3,
}

impl UnitHash {
    /// Its name in a config.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SipHash13 => "siphash-1-3-128",
            Self::Blake3 => "blake3",
        }
    }
}

impl fmt::Display for UnitHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Digests units of one kind in one project.
#[derive(Clone)]
pub struct UnitKey(Keyed);

impl UnitKey {
    pub(super) fn new(key: [u8; 32], hash: UnitHash) -> Self {
        Self(match hash {
            UnitHash::SipHash13 => Keyed::SipHash13(words(&key)),
            UnitHash::Blake3 => Keyed::Blake3(key),
        })
    }

    /// The digest of a unit.
    #[must_use]
    #[inline]
    pub fn digest(&self, id: &str) -> UnitDigest {
        match &self.0 {
            Keyed::SipHash13(key) => {
                let (a, b) = siphash13_128(*key, id.as_bytes());
                UnitDigest { a, b }
            }
            Keyed::Blake3(key) => {
                let [a, b] = words(blake3::keyed_hash(key, id.as_bytes()).as_bytes());
                UnitDigest { a, b }
            }
        }
    }

    /// Tells kinds of units, and projects, apart at the cost of comparing two integers.
    pub(crate) fn tag(&self) -> u64 {
        self.digest("").a
    }
}

impl fmt::Debug for UnitKey {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnitKey").finish_non_exhaustive()
    }
}

#[derive(Clone)]
enum Keyed {
    SipHash13([u64; 2]),
    Blake3([u8; 32]),
}

/// The keyed digest of a unit, 128 bits: all that assignment needs to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitDigest {
    // Two numbers and no array, so that a digest is handed on in registers.
    a: u64,
    b: u64,
}

impl UnitDigest {
    /// Of no unit; fills unused slots.
    pub(crate) const NONE: Self = Self { a: 0, b: 0 };

    /// The two words `a` and `b` of the algorithm.
    #[must_use]
    #[inline]
    pub const fn words(self) -> [u64; 2] {
        [self.a, self.b]
    }
}

impl fmt::Display for UnitDigest {
    /// The 16 bytes in hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { a, b } = self;
        f.pad(&format!("{:016x}{:016x}", a.swap_bytes(), b.swap_bytes()))
    }
}
