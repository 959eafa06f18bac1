//! References to bytes that are stored elsewhere.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// Bytes of an artifact store, addressed by their content.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ArtifactRef {
    /// The digest of the bytes: the address and the check.
    pub digest: Digest,
    /// How many bytes there are.
    pub bytes: u64,
}

impl ArtifactRef {
    /// The reference of the bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { digest: Digest::of(bytes), bytes: bytes.len() as u64 }
    }
}
