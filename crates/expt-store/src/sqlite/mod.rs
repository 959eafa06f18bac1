//! The embedded metadata store: one SQLite file, safe for many processes of one machine.

mod actor;
mod chunk;
mod column;
mod commit;
mod fault;
mod filter;
mod hydrate;
mod metric;
mod migrate;
mod queue;
mod registry;
mod run;
mod schema;
mod search;
mod update;

use std::path::{Path, PathBuf};
use std::time::Duration;

use actor::Actor;

use crate::Result;

/// Experiments, runs, metrics and the registry in one SQLite file.
///
/// One thread writes, committing what is queued in groups; others read, each from one state of the
/// database. No call blocks its executor, and none needs a runtime. Many processes of one machine may use
/// the file at once; a network file system is no place for it. Dropping the store does what is queued and
/// joins the threads; a call whose future is dropped after it began may still take effect.
///
/// ```
/// use expt_core::Experiment;
/// use expt_store::blocking::wait;
/// use expt_store::{RunStore, SqliteStore};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("expt.db");
/// let store = SqliteStore::open(&path)?;
/// let experiment = Experiment {
///     id: "ranker-v2".parse()?,
///     hypothesis: "a deeper tree ranks better".into(),
///     owner: "ada".parse()?,
///     created: "2026-03-01".parse()?,
/// };
/// wait(store.create_experiment(&experiment))?;
/// drop(store);
///
/// let store = SqliteStore::open(&path)?;
/// assert_eq!(wait(store.experiment(&experiment.id))?, experiment);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    actor: Actor,
}

impl SqliteStore {
    /// Opens the file, and makes it if it is not there.
    ///
    /// # Errors
    /// As [`SqliteStore::open_with`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, SqliteOptions::default())
    }

    /// Opens the file with options. A file of an older format is brought to the newest.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for a file of a newer format, or on a file system
    /// that cannot share memory between processes; [`InvalidInput`](crate::ErrorKind::InvalidInput) for the
    /// database of another program or a path that is no file; [`Corrupted`](crate::ErrorKind::Corrupted)
    /// for a file that is no database; [`Unavailable`](crate::ErrorKind::Unavailable) if it cannot be
    /// opened or others hold it for too long.
    pub fn open_with(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self> {
        let path = path.as_ref();
        migrate::check_path(path).map_err(|fault| fault.into_error("open store"))?;
        Ok(Self { path: path.to_owned(), actor: Actor::start(path, options)? })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// How a [`SqliteStore`] is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// How long a call waits for other processes before it fails as
    /// [`Unavailable`](crate::ErrorKind::Unavailable); 30 s if nothing is said.
    pub busy_timeout: Duration,
    /// How many threads read; 2 if nothing is said, at least 1.
    pub readers: usize,
    /// How many calls may be queued before further ones wait; 1024 if nothing is said, at least 1.
    pub queue: usize,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(30), readers: 2, queue: 1024 }
    }
}

impl SqliteOptions {
    /// Waits so long for other processes.
    #[must_use]
    pub const fn with_busy_timeout(mut self, busy_timeout: Duration) -> Self {
        self.busy_timeout = busy_timeout;
        self
    }

    /// Reads with so many threads.
    #[must_use]
    pub const fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers;
        self
    }

    /// Queues at most so many calls.
    #[must_use]
    pub const fn with_queue(mut self, queue: usize) -> Self {
        self.queue = queue;
        self
    }
}
