//! What a backend must do.

mod artifact;
mod event;
mod registry;
mod run;

pub use artifact::ArtifactStore;
pub use event::{EventScan, EventStore, EventStoreExt, EventTable};
pub use registry::{RegistryCommit, RegistryStore, RegistryStoreExt, Requirement, Update};
pub use run::{RunStore, RunStoreExt, RunUpdate};
