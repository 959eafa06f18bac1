//! `xmix1`: from a unit to a place among 2^64.
//!
//! **FROZEN.** This algorithm never changes, in no version and on no platform: whoever needs another one
//! gives it another name. Stored ranges, logged assignments and every "who would have got what" depend on
//! it. 10,000 vectors in `testdata/xmix1.json`, written by the independent implementation
//! `testdata/xmix1.py`, hold it in place; an analyst can recompute assignments with that file.
//!
//! # The algorithm
//! All integers are little-endian; `||` joins byte strings; `lp(x)` is the length of `x` in bytes as 8
//! bytes, then `x`. Names and ids are the bytes of their UTF-8 text, nothing added. Sums, products and
//! shifts of words are those of unsigned 64-bit integers unless said otherwise.
//! 1. `root = blake3.derive_key("expt-assign 2026 xmix1", project key)`, 32 bytes.
//! 2. A derived key is `blake3.keyed_hash(root, lp(domain) || lp(part) || ...)`, 32 bytes, with the domain
//!    and parts `"unit", kind` or `"layer", layer id` or `"arms", experiment id, epoch as 4 bytes` or
//!    `"holdout", salt`. (`"exposures", phase id` is derived alike and says whose exposures a sample logs; it
//!    decides no arm, and is not among the vectors.)
//! 3. The digest of a unit is 16 bytes, read as two words `a` (bytes 0 to 7), `b` (bytes 8 to 15). The
//!    project says once which function makes them from the unit key and the unit id:
//!    - `siphash-1-3-128` ([`UnitHash::SipHash13`]): SipHash with one compression and three finalization
//!      rounds and 128 bits of output, keyed by the first 16 bytes of the unit key, of the bytes of the id.
//!      In the output `a` is what the first finalization gives and `b` what the second gives, which is the
//!      byte order of the reference implementation.
//!    - `blake3` ([`UnitHash::Blake3`]): the first 16 bytes of `blake3.keyed_hash(unit key, unit id)`.
//!
//!    It is computed once a request; two of 10^9 units share one with chance 1.5e-21.
//! 4. With a derived key read as words `k0..k3`, and `fold(x, m)` the exclusive or of the two halves of the
//!    128-bit product `x * m`, the place of a unit is
//!    ```text
//!    b ^= fold(a ^ k0, k1 | 1)
//!    a ^= fold(b ^ k2, k3 | 1)      the place is a
//!    ```
//!
//! There is nothing here that a machine could do differently: words are made from bytes in a stated order,
//! lengths are written as 8 bytes whatever the size of a pointer, and all arithmetic is on integers.
//!
//! # What is known of its quality
//! For each key step 4 permutes the 2^128 digests, so it adds no bias of its own: the places of uniform
//! digests are exactly uniform. That places under different keys look independent is an empirical claim,
//! not a cryptographic one. It was tested before the algorithm was frozen: 1,000 layers, a million ids of
//! four kinds, fifty salt sets each, 20 million pairs and quintuples of layers, told from true random bits
//! by no mark that was fixed beforehand. Marks, results and how to run it again: `docs/calibration.md` in
//! the repository. Two rounds are what was tested: a digest that is not uniform is not made so.

mod digest;
mod place;
mod siphash;

use std::fmt;

use expt_core::{ExperimentId, LayerId, PhaseId, UnitKind};

pub use self::digest::{UnitDigest, UnitHash, UnitKey};
pub use self::place::MixKey;

/// The keys of one project.
///
/// ```
/// use expt_assign::mix::{UnitHash, Xmix1};
/// use expt_core::{ExperimentId, UnitKind};
///
/// let project = Xmix1::new("shop", UnitHash::default());
/// let unit = project.unit(&UnitKind::new("user")?).digest("u-1");
/// let ranker = ExperimentId::new("ranker-v2")?;
/// assert_ne!(project.arms(&ranker, 1).place(unit), project.arms(&ranker, 2).place(unit));
/// # Ok::<(), expt_core::CoreError>(())
/// ```
#[derive(Clone)]
pub struct Xmix1 {
    root: [u8; 32],
    hash: UnitHash,
}

impl Xmix1 {
    /// Derives the keys from the project key.
    #[must_use]
    pub fn new(project_key: &str, hash: UnitHash) -> Self {
        Self { root: blake3::derive_key("expt-assign 2026 xmix1", project_key.as_bytes()), hash }
    }

    /// The key that digests units of a kind.
    #[must_use]
    pub fn unit(&self, kind: &UnitKind) -> UnitKey {
        UnitKey::new(self.derive("unit", &[kind.as_str().as_bytes()]), self.hash)
    }

    /// The key of a layer: its places pick the phase.
    #[must_use]
    pub fn layer(&self, layer: &LayerId) -> MixKey {
        MixKey::new(&self.derive("layer", &[layer.as_str().as_bytes()]))
    }

    /// The key of the arms of an experiment in one epoch: its places pick the arm.
    #[must_use]
    pub fn arms(&self, experiment: &ExperimentId, epoch: u32) -> MixKey {
        MixKey::new(&self.derive("arms", &[experiment.as_str().as_bytes(), &epoch.to_le_bytes()]))
    }

    /// The key of a holdout: its places say who is held.
    #[must_use]
    pub fn holdout(&self, salt: &str) -> MixKey {
        MixKey::new(&self.derive("holdout", &[salt.as_bytes()]))
    }

    /// The key of a phase's sample of exposures: its places say whose exposures are logged.
    #[must_use]
    pub fn exposures(&self, phase: &PhaseId) -> MixKey {
        MixKey::new(&self.derive("exposures", &[phase.as_str().as_bytes()]))
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

impl fmt::Debug for Xmix1 {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Xmix1").field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// The first `N` little-endian words.
fn words<const N: usize>(bytes: &[u8; 32]) -> [u64; N] {
    let mut words = [0; N];
    for (word, chunk) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*chunk);
    }
    words
}
