//! The four stores, together.

use std::sync::Arc;

use crate::memory::{MemoryArtifacts, MemoryEvents, MemoryStore};
use crate::{ArtifactStore, EventStore, RegistryStore, RunStore};

/// The stores that the crates above work on. Each part can be of another backend.
#[derive(Debug, Clone)]
pub struct Stores {
    /// Experiments, runs, metrics.
    pub runs: Arc<dyn RunStore>,
    /// Models and documents.
    pub registry: Arc<dyn RegistryStore>,
    /// Exposures, predictions, outcomes.
    pub events: Arc<dyn EventStore>,
    /// Bytes.
    pub artifacts: Arc<dyn ArtifactStore>,
}

impl Stores {
    /// Stores in the memory of this process, for tests and replays.
    #[must_use]
    pub fn memory() -> Self {
        let metadata = Arc::new(MemoryStore::new());
        Self {
            runs: metadata.clone(),
            registry: metadata,
            events: Arc::new(MemoryEvents::new()),
            artifacts: Arc::new(MemoryArtifacts::new()),
        }
    }

    /// The embedded stores in a folder, which is made if it is not there: SQLite in `expt.sqlite`, event
    /// segments in `events/`, artifacts in `artifacts/`. Many processes of one machine may open the folder.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the folder cannot be made or written;
    /// [`Corrupted`](crate::ErrorKind::Corrupted) or [`Unsupported`](crate::ErrorKind::Unsupported) if it
    /// holds something else, or a newer format.
    #[cfg(feature = "sqlite")]
    pub fn open(folder: impl AsRef<std::path::Path>) -> crate::Result<Self> {
        let folder = folder.as_ref();
        std::fs::create_dir_all(folder).map_err(|error| {
            let message = format!("cannot make the folder {}", folder.display());
            crate::Error::new(crate::ErrorKind::Unavailable, "open stores", message).with_source(error)
        })?;
        let metadata = Arc::new(crate::sqlite::SqliteStore::open(folder.join("expt.sqlite"))?);
        Ok(Self {
            runs: metadata.clone(),
            registry: metadata,
            events: Arc::new(crate::segment::SegmentStore::open(folder.join("events"))?),
            artifacts: Arc::new(crate::local::LocalArtifacts::open(folder.join("artifacts"))?),
        })
    }
}
