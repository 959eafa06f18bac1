use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;
use expt_core::{ArtifactRef, Digest};
use parking_lot::RwLock;

use crate::local::{check, missing};
use crate::{ArtifactStore, Durability, Result};

/// Artifacts in the memory of this process, for tests and replays. What is acknowledged is gone with it.
#[derive(Debug, Default)]
pub struct MemoryArtifacts(RwLock<HashMap<Digest, Bytes>>);

impl MemoryArtifacts {
    /// A store without artifacts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts other bytes where an artifact stands, to see what a program does when its store is damaged.
    pub fn damage(&self, digest: Digest, bytes: Bytes) {
        self.0.write().insert(digest, bytes);
    }
}

#[async_trait]
impl ArtifactStore for MemoryArtifacts {
    async fn put(&self, bytes: Bytes, _durability: Durability) -> Result<ArtifactRef> {
        let artifact = ArtifactRef::of(&bytes);
        self.0.write().insert(artifact.digest, bytes);
        Ok(artifact)
    }

    async fn get(&self, digest: Digest) -> Result<Bytes> {
        let bytes = self.0.read().get(&digest).cloned().ok_or_else(|| missing(digest, "memory"))?;
        check(digest, bytes, "memory")
    }

    async fn contains(&self, digest: Digest) -> Result<bool> {
        Ok(self.0.read().contains_key(&digest))
    }
}
