//! Where runs, models, events and artifacts of expt are kept.

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
