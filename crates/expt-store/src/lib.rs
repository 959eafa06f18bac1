//! Where runs, models, events and artifacts of expt are kept.

pub mod blocking;

mod clock;
mod durability;
mod error;
mod page;
mod traits;

pub use clock::{Clock, ManualClock, SystemClock};
pub use durability::Durability;
pub use error::{Error, ErrorKind, Result};
pub use page::{Page, PageOptions, PageToken};
pub use traits::{
    ArtifactStore, EventScan, EventStore, EventStoreExt, EventTable, RegistryCommit, RegistryStore,
    RegistryStoreExt, Requirement, RunStore, RunStoreExt, RunUpdate, Update,
};
