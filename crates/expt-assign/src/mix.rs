//! `xmix0`: from a unit to a place among 2^64.
//!
//! **Unfrozen.** The `0` says that this algorithm may still change, and every assignment with it. It is
//! frozen under the name `xmix1` once it has passed the full battery (many salt sets, a million ids, bands
//! from true random values). Until then use it for experiments that you can start again.
//!
//! # The algorithm
//! All integers are little-endian; `||` joins byte strings; `lp(x)` is the length of `x` as 8 bytes, then
//! `x`.
//! 1. `root = blake3.derive_key("expt-assign 2026 xmix0", project key)`.
//! 2. A derived key is `blake3.keyed_hash(root, lp(domain) || lp(part) || ...)`, 32 bytes, with the domain
//!    and parts `"unit", kind` or `"layer", layer id` or `"arms", experiment id, epoch as 4 bytes` or
//!    `"holdout", salt`.
//! 3. The digest of a unit is the first 16 bytes of `blake3.keyed_hash(unit key, unit id)`, read as two
//!    words `a`, `b`. It is computed once a request; two of 10^9 units share one with chance 1.5e-21.
//! 4. With a derived key read as words `k0..k3`, and `fold(x, m)` the exclusive or of the two halves of the
//!    128-bit product `x * m`, the place of a unit is
//!    ```text
//!    b ^= fold(a ^ k0, k1 | 1)
//!    a ^= fold(b ^ k2, k3 | 1)
//!    b ^= fold(a ^ k1, k0 | 1)      the place is b
//!    ```
//!
//! For each key step 4 permutes the 2^128 digests, so it adds no bias of its own: the places of uniform
//! digests are exactly uniform. That places under different keys look independent is an empirical claim,
//! tested in `tests/statistics.rs`, not a cryptographic one.

use std::fmt;

use expt_core::{ExperimentId, LayerId, UnitId, UnitKind};

/// The keys of one project.
///
/// ```
/// use expt_assign::mix::Xmix0;
/// use expt_core::{ExperimentId, UnitId, UnitKind};
///
/// let project = Xmix0::new("shop");
/// let unit = project.unit(&UnitKind::new("user")?).digest(&UnitId::new("u-1")?);
/// let ranker = ExperimentId::new("ranker-v2")?;
/// assert_ne!(project.arms(&ranker, 1).place(unit), project.arms(&ranker, 2).place(unit));
/// # Ok::<(), expt_core::CoreError>(())
/// ```
#[derive(Clone)]
pub struct Xmix0 {
    root: [u8; 32],
}

impl Xmix0 {
    /// Derives the keys from the project key.
    #[must_use]
    pub fn new(project_key: &str) -> Self {
        Self { root: blake3::derive_key("expt-assign 2026 xmix0", project_key.as_bytes()) }
    }

    /// The key that digests units of a kind.
    #[must_use]
    pub fn unit(&self, kind: &UnitKind) -> UnitKey {
        UnitKey(self.derive("unit", &[kind.as_str().as_bytes()]))
    }

    /// The key of a layer: its places pick the phase.
    #[must_use]
    pub fn layer(&self, layer: &LayerId) -> MixKey {
        self.mix_key("layer", &[layer.as_str().as_bytes()])
    }

    /// The key of the arms of an experiment in one epoch: its places pick the arm.
    #[must_use]
    pub fn arms(&self, experiment: &ExperimentId, epoch: u32) -> MixKey {
        self.mix_key("arms", &[experiment.as_str().as_bytes(), &epoch.to_le_bytes()])
    }

    /// The key of a holdout: its places say who is held.
    #[must_use]
    pub fn holdout(&self, salt: &str) -> MixKey {
        self.mix_key("holdout", &[salt.as_bytes()])
    }

    fn mix_key(&self, domain: &str, parts: &[&[u8]]) -> MixKey {
        MixKey(words(&self.derive(domain, parts)))
    }

    fn derive(&self, domain: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.root);
        for part in std::iter::once(&domain.as_bytes()).chain(parts) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        *hasher.finalize().as_bytes()
    }
}

impl fmt::Debug for Xmix0 {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Xmix0").finish_non_exhaustive()
    }
}

/// Digests units of one kind in one project.
#[derive(Clone)]
pub struct UnitKey([u8; 32]);

impl UnitKey {
    /// The digest of a unit.
    #[must_use]
    pub fn digest(&self, unit: &UnitId) -> UnitDigest {
        let digest = blake3::keyed_hash(&self.0, unit.as_str().as_bytes());
        UnitDigest(words(digest.as_bytes()))
    }

    /// Tells kinds of units, and projects, apart at the cost of comparing two integers.
    pub(crate) fn tag(&self) -> u64 {
        let [tag] = words(blake3::keyed_hash(&self.0, b"").as_bytes());
        tag
    }
}

impl fmt::Debug for UnitKey {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnitKey").finish_non_exhaustive()
    }
}

/// The keyed digest of a unit, 128 bits: all that assignment needs to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitDigest([u64; 2]);

impl UnitDigest {
    /// The two words `a` and `b` of the algorithm.
    #[must_use]
    pub const fn words(self) -> [u64; 2] {
        self.0
    }
}

impl fmt::Display for UnitDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b] = self.0;
        f.pad(&format!("{:016x}{:016x}", a.swap_bytes(), b.swap_bytes()))
    }
}

/// Turns digests into places. Independent keys give independent places, as far as is tested.
#[derive(Clone, Copy)]
pub struct MixKey([u64; 4]);

impl MixKey {
    /// The place of a unit under this key.
    #[must_use]
    #[inline]
    pub const fn place(&self, unit: UnitDigest) -> u64 {
        let ([a, b], [k0, k1, k2, k3]) = (unit.0, self.0);
        let b = b ^ fold(a ^ k0, k1 | 1);
        let a = a ^ fold(b ^ k2, k3 | 1);
        b ^ fold(a ^ k1, k0 | 1)
    }
}

impl fmt::Debug for MixKey {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MixKey").finish_non_exhaustive()
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the two halves of the product are what is wanted")]
const fn fold(x: u64, m: u64) -> u64 {
    let product = x as u128 * m as u128;
    (product >> 64) as u64 ^ product as u64
}

/// The first `N` little-endian words.
fn words<const N: usize>(bytes: &[u8; 32]) -> [u64; N] {
    let mut words = [0; N];
    for (word, chunk) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*chunk);
    }
    words
}
