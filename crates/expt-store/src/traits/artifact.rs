use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;
use expt_core::{ArtifactRef, Digest};

use crate::{Durability, Result};

/// Bytes, addressed by their digest.
#[async_trait]
pub trait ArtifactStore: Debug + Send + Sync + 'static {
    /// Stores the bytes.
    ///
    /// Atomic: a reader sees all of them or nothing. Durable on return at the level asked for (a backend
    /// may do more). Idempotent: the same bytes again are the same artifact; bytes that were stored before
    /// and damaged since are replaced.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if they cannot be written.
    async fn put(&self, bytes: Bytes, durability: Durability) -> Result<ArtifactRef>;

    /// Reads the bytes and checks them against the digest.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Corrupted`](crate::ErrorKind::Corrupted) if the stored
    /// bytes have another digest; [`Unavailable`](crate::ErrorKind::Unavailable).
    async fn get(&self, digest: Digest) -> Result<Bytes>;

    /// Whether there are bytes at the digest; they are not read.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable).
    async fn contains(&self, digest: Digest) -> Result<bool>;
}
