use std::collections::BTreeMap;
use std::fmt::Debug;

use async_trait::async_trait;
use expt_core::query::RunQuery;
use expt_core::{
    ArtifactRef, Experiment, ExperimentId, MetricName, MetricPoint, ParamValue, Provenance, Run, RunId,
    RunStatus, Timestamp,
};

use crate::{Durability, ErrorKind, Page, PageOptions, Result};

/// Experiments, runs and their metrics.
///
/// Every change is one atomic request. Many processes may use one store.
#[async_trait]
pub trait RunStore: Debug + Send + Sync + 'static {
    /// Registers an experiment.
    ///
    /// Atomic and durable on return. Idempotent: the same experiment (the time of its creation aside) may
    /// be registered again; the first registration stays.
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if the id has another hypothesis or owner.
    async fn create_experiment(&self, experiment: &Experiment) -> Result<()>;

    /// An experiment.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound).
    async fn experiment(&self, id: &ExperimentId) -> Result<Experiment>;

    /// All experiments, by id.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a token of another list.
    async fn experiments(&self, page: &PageOptions) -> Result<Page<Experiment>>;

    /// Creates a run with all that it has, its metrics aside: they are appended.
    ///
    /// Atomic and durable on return. Not idempotent.
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if the id is taken; [`NotFound`](ErrorKind::NotFound) if
    /// its experiment or its parent is not there; [`InvalidInput`](ErrorKind::InvalidInput) if it has metrics.
    async fn create_run(&self, run: &Run) -> Result<()>;

    /// A run with everything but the points of its metrics.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound).
    async fn run(&self, id: RunId) -> Result<Run>;

    /// Changes a run.
    ///
    /// Atomic, durable on return, idempotent.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound); [`Conflict`](ErrorKind::Conflict) if the run has ended and the
    /// update would change its status, params or provenance, or if a param, the provenance or an artifact
    /// name is there with another value. Nothing is changed then.
    async fn update_run(&self, id: RunId, update: &RunUpdate) -> Result<()>;

    /// Appends metric points, in this order, and updates the summaries.
    ///
    /// Atomic. On return they are safe at the level asked for. Not idempotent. Points may be appended to a
    /// run that has ended, because a writer in the background may be late.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the run is not there.
    async fn append_metrics(&self, id: RunId, points: &[MetricPoint], durability: Durability) -> Result<()>;

    /// The points of one metric, in the order in which they were appended.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the run is not there; a metric that it does not have is empty.
    async fn metric_history(
        &self,
        id: RunId,
        metric: &MetricName,
        page: &PageOptions,
    ) -> Result<Page<MetricPoint>>;

    /// Finds runs, in the order of the query. The query's limit counts over all pages.
    ///
    /// A page begins after the last run of the page before, by the values it then had; runs that are
    /// created meanwhile may or may not be seen.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a token of another query.
    async fn search_runs(&self, query: &RunQuery, page: &PageOptions) -> Result<Page<Run>>;
}

/// A change of a run. What is `None` or empty stays.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct RunUpdate {
    /// The status, and when it was reached if it ends the run.
    pub status: Option<(RunStatus, Timestamp)>,
    /// The provenance.
    pub provenance: Option<Provenance>,
    /// Params to add. A param may be given again with the same value.
    pub params: BTreeMap<String, ParamValue>,
    /// Tags to set.
    pub tags: BTreeMap<String, String>,
    /// Artifacts to add.
    pub artifacts: BTreeMap<String, ArtifactRef>,
}

impl RunUpdate {
    /// A change of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the status as of the time.
    #[must_use]
    pub const fn with_status(mut self, status: RunStatus, at: Timestamp) -> Self {
        self.status = Some((status, at));
        self
    }

    /// Sets the provenance.
    #[must_use]
    pub fn with_provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = Some(provenance);
        self
    }

    /// Adds a param.
    #[must_use]
    pub fn with_param(mut self, key: impl Into<String>, value: impl Into<ParamValue>) -> Self {
        self.params.insert(key.into(), value.into());
        self
    }

    /// Sets a tag.
    #[must_use]
    pub fn with_tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// Adds an artifact.
    #[must_use]
    pub fn with_artifact(mut self, name: impl Into<String>, artifact: ArtifactRef) -> Self {
        self.artifacts.insert(name.into(), artifact);
        self
    }

    /// Applies the change to a run: the one meaning that all backends share.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) as [`RunStore::update_run`] says; the run is then unchanged.
    pub fn apply(&self, run: &mut Run) -> Result<()> {
        let conflict = |what: String| Err(crate::Error::new(ErrorKind::Conflict, "update run", what));
        let ended = run.status != RunStatus::Running;
        if let Some((status, _)) = self.status
            && let Err(error) = run.status.check_next(status)
        {
            return conflict(format!("run {}: {error}", run.id));
        }
        if let Some(provenance) = &self.provenance
            && run.provenance.as_ref() != Some(provenance)
            && (ended || run.provenance.is_some())
        {
            return conflict(format!("run {} has its provenance, and it never changes", run.id));
        }
        for (key, value) in &self.params {
            match run.params.get(key) {
                Some(old) if is_same(old, value) => {}
                Some(old) => {
                    return conflict(format!(
                        "run {}: param {key:?} is {old} and cannot become {value}; params are written once, use a tag for what changes",
                        run.id
                    ));
                }
                None if ended => {
                    return conflict(format!("run {} has ended and takes no new param {key:?}", run.id));
                }
                None => {}
            }
        }
        for (name, artifact) in &self.artifacts {
            if run.artifacts.get(name).is_some_and(|old| old != artifact) {
                return conflict(format!(
                    "run {}: artifact {name:?} is there with other bytes; use another name",
                    run.id
                ));
            }
        }
        if let Some((status, at)) = self.status
            && !ended
        {
            run.status = status;
            run.ended = (status != RunStatus::Running).then_some(at);
        }
        if let Some(provenance) = &self.provenance {
            run.provenance = Some(provenance.clone());
        }
        run.params.extend(self.params.clone());
        run.tags.extend(self.tags.clone());
        run.artifacts.extend(self.artifacts.clone());
        Ok(())
    }
}

/// Whether a param is given the value that it has, to the bit: NaN is itself, and -0.0 is not 0.0.
fn is_same(a: &ParamValue, b: &ParamValue) -> bool {
    match (a, b) {
        (ParamValue::Float(a), ParamValue::Float(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}

/// Conveniences over [`RunStore`].
#[async_trait]
pub trait RunStoreExt: RunStore {
    /// Finds all runs of a query text, reading every page.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the text does not parse, with the place and what is
    /// allowed there; as [`RunStore::search_runs`].
    async fn find_runs(&self, query: &str) -> Result<Vec<Run>> {
        let query = RunQuery::parse(query)?;
        let (mut runs, mut page) = (Vec::new(), PageOptions::default());
        loop {
            let found = self.search_runs(&query, &page).await?;
            runs.extend(found.items);
            match found.next {
                Some(token) => page.token = Some(token),
                None => return Ok(runs),
            }
        }
    }

    /// Reads all points of one metric.
    ///
    /// # Errors
    /// As [`RunStore::metric_history`].
    async fn metric_points(&self, id: RunId, metric: &MetricName) -> Result<Vec<MetricPoint>> {
        let (mut points, mut page) = (Vec::new(), PageOptions::default());
        loop {
            let found = self.metric_history(id, metric, &page).await?;
            points.extend(found.items);
            match found.next {
                Some(token) => page.token = Some(token),
                None => return Ok(points),
            }
        }
    }
}

impl<S: RunStore + ?Sized> RunStoreExt for S {}
