//! The same types for programs without async: each call waits on this thread.
//!
//! One implementation, two faces: every method here waits for the one of the same name. Do not call them
//! from inside an async runtime; await the types of the crate root there.
//!
//! ```
//! use std::sync::Arc;
//!
//! use expt_core::{Actor, ExperimentId};
//! use expt_store::{Stores, SystemClock};
//! use expt_track::{NewRun, blocking};
//!
//! let tracker = blocking::Tracker::new(&Stores::memory(), Arc::new(SystemClock));
//! let id = ExperimentId::new("ranker-v2")?;
//! tracker.register(id.clone(), "deeper trees rank better", Actor::new("ada")?)?;
//! let run = tracker.start(NewRun::new(id, "forest"))?;
//! run.metric("val_auc", 0, 0.81);
//! run.finish()?;
//! # Ok::<(), expt_store::Error>(())
//! ```

use std::sync::Arc;

use bytes::Bytes;
use expt_core::{
    Actor, ArtifactRef, Declared, ExperimentId, FeaturePin, ModelName, ModelVersion, ParamValue, Provenance,
    RunId, RunStatus, SealedPlan,
};
use expt_store::blocking::wait;
use expt_store::{Clock, Result, Stores};

use crate::{NewRun, Promote};

/// Starts runs: [`crate::Tracker`], waiting.
#[derive(Debug, Clone)]
pub struct Tracker(crate::Tracker);

impl Tracker {
    /// See [`crate::Tracker::new`].
    ///
    /// # Panics
    /// If the operating system gives no thread.
    #[must_use]
    pub fn new(stores: &Stores, clock: Arc<dyn Clock>) -> Self {
        Self(crate::Tracker::new(stores, clock))
    }

    /// See [`crate::Tracker::register`].
    ///
    /// # Errors
    /// As there.
    pub fn register(&self, id: ExperimentId, hypothesis: impl Into<String>, owner: Actor) -> Result<()> {
        wait(self.0.register(id, hypothesis, owner))
    }

    /// See [`crate::Tracker::start`].
    ///
    /// # Errors
    /// As there.
    pub fn start(&self, new: NewRun) -> Result<Run> {
        wait(self.0.start(new)).map(Run)
    }

    /// See [`crate::Tracker::dropped`].
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }

    /// The async tracker below.
    #[must_use]
    pub const fn as_async(&self) -> &crate::Tracker {
        &self.0
    }
}

/// A run that has started: [`crate::Run`], waiting.
#[derive(Debug)]
pub struct Run(crate::Run);

impl Run {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> RunId {
        self.0.id()
    }

    /// Logs one value of a metric; returns at once.
    pub fn metric(&self, name: &str, step: u64, value: f64) {
        self.0.metric(name, step, value);
    }

    /// Logs a param; returns at once.
    pub fn param(&self, key: impl Into<String>, value: impl Into<ParamValue>) {
        self.0.param(key, value);
    }

    /// Sets a tag; returns at once.
    pub fn tag(&self, key: impl Into<String>, value: impl Into<String>) {
        self.0.tag(key, value);
    }

    /// See [`crate::Run::artifact`].
    ///
    /// # Errors
    /// As there.
    pub fn artifact(&self, name: impl Into<String>, bytes: impl Into<Bytes>) -> Result<ArtifactRef> {
        wait(self.0.artifact(name, bytes))
    }

    /// See [`crate::Run::provenance`].
    ///
    /// # Errors
    /// As there.
    pub fn provenance(&self, provenance: Provenance) -> Result<()> {
        wait(self.0.provenance(provenance))
    }

    /// See [`crate::Run::flush`].
    ///
    /// # Errors
    /// As there.
    pub fn flush(&self) -> Result<()> {
        wait(self.0.flush())
    }

    /// See [`crate::Run::finish`].
    ///
    /// # Errors
    /// As there.
    pub fn finish(&self) -> Result<()> {
        wait(self.0.finish())
    }

    /// See [`crate::Run::finish_reproducible`].
    ///
    /// # Errors
    /// As there.
    pub fn finish_reproducible(&self) -> Result<()> {
        wait(self.0.finish_reproducible())
    }

    /// See [`crate::Run::end`].
    ///
    /// # Errors
    /// As there.
    pub fn end(&self, status: RunStatus) -> Result<()> {
        wait(self.0.end(status))
    }
}

/// Registers and promotes model versions: [`crate::Registry`], waiting.
#[derive(Debug, Clone)]
pub struct Registry(crate::Registry);

impl Registry {
    /// See [`crate::Registry::new`].
    #[must_use]
    pub fn new(stores: &Stores, clock: Arc<dyn Clock>) -> Self {
        Self(crate::Registry::new(stores, clock))
    }

    /// See [`crate::Registry::register`].
    ///
    /// # Errors
    /// As there.
    pub fn register(
        &self,
        model: &ModelName,
        run: RunId,
        artifact: &str,
        features: impl Into<Declared<FeaturePin>>,
    ) -> Result<ModelVersion> {
        wait(self.0.register(model, run, artifact, features))
    }

    /// See [`crate::Registry::promote`].
    ///
    /// # Errors
    /// As there.
    pub fn promote(&self, promote: Promote) -> Result<ModelVersion> {
        wait(self.0.promote(promote))
    }

    /// See [`crate::Registry::rollback`].
    ///
    /// # Errors
    /// As there.
    pub fn rollback(&self, model: &ModelName, by: Actor, reason: impl Into<String>) -> Result<ModelVersion> {
        wait(self.0.rollback(model, by, reason))
    }

    /// See [`crate::Registry::seal`].
    ///
    /// # Errors
    /// As there.
    pub fn seal(&self, plan: &SealedPlan) -> Result<()> {
        wait(self.0.seal(plan))
    }
}
