//! Where runs, models, events and artifacts of expt are kept.
//!
//! ```
//! use expt_core::{Actor, Experiment, ExperimentId, Run, RunId, RunStatus};
//! use expt_store::blocking::wait;
//! use expt_store::{RunStoreExt, RunUpdate, Stores};
//!
//! let stores = Stores::memory(); // or Stores::open("folder")
//! let experiment = Experiment {
//!     id: ExperimentId::new("ranker-v2")?,
//!     hypothesis: "deeper trees rank better".into(),
//!     owner: Actor::new("ada")?,
//!     created: "2026-03-01".parse()?,
//! };
//! wait(stores.runs.create_experiment(&experiment))?;
//! let run = Run::new(RunId::derive(["first"]), experiment.id, "forest", "2026-03-01".parse()?);
//! wait(stores.runs.create_run(&run))?;
//! let update = RunUpdate::new().with_param("depth", 8).with_status(RunStatus::Finished, "2026-03-02".parse()?);
//! wait(stores.runs.update_run(run.id, &update))?;
//!
//! let found = wait(stores.runs.find_runs("params.depth > 4 and status = 'finished'"))?;
//! assert_eq!(found[0].id, run.id);
//! # Ok::<(), expt_store::Error>(())
//! ```
//!
//! # The main types
//! - **The traits:** [`RunStore`], [`RegistryStore`], [`EventStore`], [`ArtifactStore`]. Object-safe and async;
//!   each method says whether it is atomic, durable on return, idempotent and ordered. Conveniences are in
//!   [`RunStoreExt`], [`RegistryStoreExt`] and [`EventStoreExt`]. [`Stores`] holds one of each.
//! - **The backends:** [`MemoryStore`], [`MemoryEvents`], [`MemoryArtifacts`]; `SqliteStore` (feature `sqlite`);
//!   [`segment::SegmentStore`], the event log; [`LocalArtifacts`].
//! - **Around them:** [`Durability`], what "acknowledged" means; [`Clock`]; [`lineage`](lineage()), from a
//!   prediction id back to the data; [`blocking::wait`], for programs without a runtime. No backend here needs one.
//!
//! # What it does not do
//! It queues and batches nothing for its callers: that is what `expt-track` and `expt-serve` are for. There is
//! no backend for a server or for object storage yet. SQLite's write-ahead log needs a local file system.
//!
//! # Features
//! - `sqlite` (default): the embedded metadata store. Builds SQLite from C.
//! - `testkit`: the conformance suite that every backend runs; for authors of backends, not covered by semver.

pub mod blocking;
pub mod oneshot;
pub mod segment;
#[cfg(feature = "testkit")]
pub mod testkit;

mod clock;
mod cursor;
mod durability;
mod error;
mod lineage;
mod local;
mod memory;
mod page;
mod rules;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stores;
mod traits;

pub use clock::{Clock, ManualClock, SystemClock};
pub use durability::Durability;
pub use error::{Error, ErrorKind, Result};
pub use lineage::{Lineage, lineage};
pub use local::LocalArtifacts;
pub use memory::{MemoryArtifacts, MemoryEvents, MemoryStore};
pub use page::{Page, PageOptions, PageToken};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};
pub use stores::Stores;
pub use traits::{
    ArtifactStore, EventScan, EventStore, EventStoreExt, EventTable, RegistryCommit, RegistryStore,
    RegistryStoreExt, Requirement, RunStore, RunStoreExt, RunUpdate, Update,
};
