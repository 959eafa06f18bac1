//! Starting runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use expt_core::{Actor, Experiment, ExperimentId, ParamValue, Provenance, RunId, RunKind};
use expt_store::{ArtifactStore, Clock, Result, RunStore, Stores};

use crate::run::Run;
use crate::writer::{Backpressure, Writer};

/// Starts runs and writes what they log, on a thread of its own.
///
/// Cloning is cheap; the clones share the thread. Dropping the last one, and the last [`Run`], writes what
/// is queued.
#[derive(Debug, Clone)]
pub struct Tracker {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) runs: Arc<dyn RunStore>,
    pub(crate) artifacts: Arc<dyn ArtifactStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) writer: Writer,
}

/// How a tracker writes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TrackerOptions {
    /// How many metrics, params and tags may be queued.
    pub capacity: usize,
    /// How long the writer gathers points for one commit.
    pub linger: Duration,
    /// What happens when the queue is full.
    pub backpressure: Backpressure,
}

impl Default for TrackerOptions {
    /// 65,536 queued, 20 ms of gathering, blocking when full.
    fn default() -> Self {
        Self { capacity: 65_536, linger: Duration::from_millis(20), backpressure: Backpressure::Block }
    }
}

impl TrackerOptions {
    /// Sets what happens when the queue is full.
    #[must_use]
    pub const fn with_backpressure(mut self, backpressure: Backpressure) -> Self {
        self.backpressure = backpressure;
        self
    }

    /// Sets how many metrics, params and tags may be queued; at least 1.
    #[must_use]
    pub const fn with_capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }
}

impl Tracker {
    /// A tracker over the stores, with the default options.
    ///
    /// # Panics
    /// If the operating system gives no thread; [`Tracker::with_options`] returns that as an error.
    #[must_use]
    #[allow(clippy::expect_used, reason = "documented under Panics")]
    pub fn new(stores: &Stores, clock: Arc<dyn Clock>) -> Self {
        Self::with_options(stores, clock, &TrackerOptions::default()).expect("a thread for the writer")
    }

    /// A tracker over the stores.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the operating system gives no thread.
    pub fn with_options(stores: &Stores, clock: Arc<dyn Clock>, options: &TrackerOptions) -> Result<Self> {
        let runs = Arc::clone(&stores.runs);
        let writer =
            Writer::start(Arc::clone(&runs), options.capacity, options.linger, options.backpressure)?;
        let shared = Shared { runs, artifacts: Arc::clone(&stores.artifacts), clock, writer };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Registers an experiment. Registering it again with the same words changes nothing.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the id has another hypothesis or owner.
    pub async fn register(
        &self,
        id: ExperimentId,
        hypothesis: impl Into<String>,
        owner: Actor,
    ) -> Result<()> {
        let created = self.shared.clock.now();
        let experiment = Experiment { id, hypothesis: hypothesis.into(), owner, created };
        self.shared.runs.create_experiment(&experiment).await
    }

    /// Starts a run. It is stored, durably, when this returns.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if the experiment or the parent is not there;
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the id is taken.
    pub async fn start(&self, new: NewRun) -> Result<Run> {
        let mut run = expt_core::Run::new(new.id, new.experiment, new.name, self.shared.clock.now());
        run.kind = new.kind;
        run.parent = new.parent;
        run.params = new.params;
        run.tags = new.tags;
        run.provenance = new.provenance;
        self.shared.runs.create_run(&run).await?;
        Ok(Run::started(Arc::clone(&self.shared), run))
    }

    /// How many metrics, params and tags were dropped because the queue was full: 0 unless
    /// [`Backpressure::Drop`] was asked for, or the writer thread has ended, as the next flush says.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.writer.dropped()
    }
}

/// What a run begins with.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    id: RunId,
    experiment: ExperimentId,
    name: String,
    kind: RunKind,
    parent: Option<RunId>,
    params: BTreeMap<String, ParamValue>,
    tags: BTreeMap<String, String>,
    provenance: Option<Provenance>,
}

impl NewRun {
    /// A run of the experiment, with a random id.
    #[must_use]
    pub fn new(experiment: ExperimentId, name: impl Into<String>) -> Self {
        Self {
            id: RunId::from_bytes(rand::random()),
            experiment,
            name: name.into(),
            kind: RunKind::Run,
            parent: None,
            params: BTreeMap::new(),
            tags: BTreeMap::new(),
            provenance: None,
        }
    }

    /// Sets the id, for runs that must have the same id when they are repeated: see [`RunId::derive`].
    #[must_use]
    pub const fn with_id(mut self, id: RunId) -> Self {
        self.id = id;
        self
    }

    /// Sets the kind.
    #[must_use]
    pub const fn with_kind(mut self, kind: RunKind) -> Self {
        self.kind = kind;
        self
    }

    /// Makes it a child.
    #[must_use]
    pub const fn with_parent(mut self, parent: RunId) -> Self {
        self.parent = Some(parent);
        self
    }

    /// Adds a param.
    #[must_use]
    pub fn with_param(mut self, key: impl Into<String>, value: impl Into<ParamValue>) -> Self {
        self.params.insert(key.into(), value.into());
        self
    }

    /// Adds params.
    #[must_use]
    pub fn with_params(mut self, params: impl IntoIterator<Item = (String, ParamValue)>) -> Self {
        self.params.extend(params);
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn with_tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// Sets the provenance.
    #[must_use]
    pub fn with_provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = Some(provenance);
        self
    }
}
