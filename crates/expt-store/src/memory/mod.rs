//! Stores in the memory of this process: the oracle of the conformance suite, and enough for a small program.

mod artifact;
mod event;
mod registry;
mod run;

use parking_lot::RwLock;

pub use artifact::MemoryArtifacts;
pub use event::MemoryEvents;

/// Experiments, runs, metrics and the registry in memory, gone with the process.
///
/// ```
/// use expt_core::Experiment;
/// use expt_store::blocking::wait;
/// use expt_store::{MemoryStore, RunStore};
///
/// let store = MemoryStore::new();
/// let experiment = Experiment {
///     id: "ranker-v2".parse()?,
///     hypothesis: "a deeper tree ranks better".into(),
///     owner: "ada".parse()?,
///     created: "2026-03-01".parse()?,
/// };
/// wait(store.create_experiment(&experiment))?;
/// assert_eq!(wait(store.experiment(&experiment.id))?, experiment);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryStore {
    runs: RwLock<run::Runs>,
    registry: RwLock<registry::Registry>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}
