//! Chance that can be repeated.

use expt_core::{ExperimentId, UnitId};

/// Random values, each under a name: `blake3.keyed_hash(key, lp(domain) || lp(part))`, where `lp(x)` is the length of
/// `x` as 8 little-endian bytes, then `x`, and the key is derived from (project key, experiment, epoch).
///
/// Values belong to names, not to positions in a stream, so a cluster's does not depend on the others.
#[derive(Clone)]
pub(super) struct Draws([u8; 32]);

impl Draws {
    pub(super) fn new(project_key: &str, experiment: &ExperimentId, epoch: u32) -> Self {
        let root = blake3::derive_key("expt-analysis 2026 cluster design v1", project_key.as_bytes());
        Self(keyed(&root, &[experiment.as_str().as_bytes(), &epoch.to_le_bytes()]))
    }

    /// Uniform bits under a name.
    pub(super) fn bits(&self, domain: &str, part: &str) -> u64 {
        let hash = keyed(&self.0, &[domain.as_bytes(), part.as_bytes()]);
        hash.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// A uniform number in [0, 1) under a name.
    pub(super) fn unit(&self, domain: &str, part: &str) -> f64 {
        (self.bits(domain, part) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The rank of a cluster: sorted by it, clusters are in random order.
    pub(super) fn rank<'a>(&self, cluster: &'a UnitId) -> (u64, &'a UnitId) {
        (self.bits("cluster", cluster.as_str()), cluster)
    }
}

fn keyed(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}
