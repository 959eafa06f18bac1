//! Stores that fail, stall and are meddled with.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use expt_core::query::RunQuery;
use expt_core::{
    Document, Experiment, ExperimentId, MetricName, MetricPoint, ModelName, ModelVersion, Promotion, Run,
    RunId,
};
use expt_store::{
    Durability, Error, ErrorKind, Page, PageOptions, RegistryCommit, RegistryStore, Result, RunStore,
    RunUpdate, Stores,
};
use parking_lot::{Condvar, Mutex};

/// What a [`Gate`] does with updates and metrics; all else goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Open,
    /// Waits until it is opened.
    Stalled,
    Unavailable,
    Panics,
}

/// A run store that can stall and fail.
#[derive(Debug)]
pub(crate) struct Gate {
    inner: Arc<dyn RunStore>,
    mode: Mutex<Mode>,
    changed: Condvar,
    appends: AtomicU64,
}

impl Gate {
    /// Stores in memory behind an open gate.
    pub(crate) fn stores() -> (Stores, Arc<Self>) {
        let mut stores = Stores::memory();
        let (mode, changed, appends) = (Mutex::new(Mode::Open), Condvar::new(), AtomicU64::new(0));
        let gate = Arc::new(Self { inner: stores.runs, mode, changed, appends });
        stores.runs = gate.clone();
        (stores, gate)
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.mode.lock() = mode;
        self.changed.notify_all();
    }

    /// How many calls of `append_metrics` there were.
    pub(crate) fn appends(&self) -> u64 {
        self.appends.load(Ordering::SeqCst)
    }

    fn pass(&self) -> Result<()> {
        let mut mode = self.mode.lock();
        while *mode == Mode::Stalled {
            self.changed.wait(&mut mode);
        }
        match *mode {
            Mode::Unavailable => Err(Error::new(ErrorKind::Unavailable, "write run", "the gate is shut")),
            Mode::Panics => panic!("the gate panics, as asked for"),
            _ => Ok(()),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl RunStore for Gate {
    async fn create_experiment(&self, experiment: &Experiment) -> Result<()> {
        self.inner.create_experiment(experiment).await
    }

    async fn experiment(&self, id: &ExperimentId) -> Result<Experiment> {
        self.inner.experiment(id).await
    }

    async fn experiments(&self, page: &PageOptions) -> Result<Page<Experiment>> {
        self.inner.experiments(page).await
    }

    async fn create_run(&self, run: &Run) -> Result<()> {
        self.inner.create_run(run).await
    }

    async fn run(&self, id: RunId) -> Result<Run> {
        self.inner.run(id).await
    }

    async fn update_run(&self, id: RunId, update: &RunUpdate) -> Result<()> {
        self.pass()?;
        self.inner.update_run(id, update).await
    }

    async fn append_metrics(&self, id: RunId, points: &[MetricPoint], durability: Durability) -> Result<()> {
        self.pass()?;
        self.appends.fetch_add(1, Ordering::SeqCst);
        self.inner.append_metrics(id, points, durability).await
    }

    async fn metric_history(
        &self,
        id: RunId,
        metric: &MetricName,
        page: &PageOptions,
    ) -> Result<Page<MetricPoint>> {
        self.inner.metric_history(id, metric, page).await
    }

    async fn search_runs(&self, query: &RunQuery, page: &PageOptions) -> Result<Page<Run>> {
        self.inner.search_runs(query, page).await
    }
}

/// A registry in which somebody else does something just before the next commit.
pub(crate) struct Meddled {
    inner: Arc<dyn RegistryStore>,
    before_commit: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Meddled {
    pub(crate) fn stores(stores: &Stores, before_commit: impl FnOnce() + Send + 'static) -> Stores {
        let before_commit = Mutex::new(Some(Box::new(before_commit) as _));
        let meddled = Self { inner: Arc::clone(&stores.registry), before_commit };
        Stores { registry: Arc::new(meddled), ..stores.clone() }
    }
}

impl fmt::Debug for Meddled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meddled")
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl RegistryStore for Meddled {
    async fn commit(&self, commit: &RegistryCommit) -> Result<Vec<ModelVersion>> {
        let meddle = self.before_commit.lock().take();
        if let Some(meddle) = meddle {
            meddle();
        }
        self.inner.commit(commit).await
    }

    async fn model_version(&self, model: &ModelName, version: u32) -> Result<ModelVersion> {
        self.inner.model_version(model, version).await
    }

    async fn model_versions(&self, model: &ModelName, page: &PageOptions) -> Result<Page<ModelVersion>> {
        self.inner.model_versions(model, page).await
    }

    async fn models(&self, page: &PageOptions) -> Result<Page<ModelName>> {
        self.inner.models(page).await
    }

    async fn promotions(&self, model: &ModelName, page: &PageOptions) -> Result<Page<Promotion>> {
        self.inner.promotions(model, page).await
    }

    async fn document(&self, kind: &str, name: &str, version: Option<u32>) -> Result<Document> {
        self.inner.document(kind, name, version).await
    }

    async fn documents(&self, kind: &str, page: &PageOptions) -> Result<Page<Document>> {
        self.inner.documents(kind, page).await
    }
}
