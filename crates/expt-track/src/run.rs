//! A run, as the code that trains holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use expt_core::{ArtifactRef, MetricName, MetricPoint, ParamValue, Provenance, RunId, RunStatus};
use expt_store::{Durability, Error, ErrorKind, Result, RunUpdate};

use crate::tracker::Shared;

/// A run that has started.
///
/// [`metric`](Self::metric), [`param`](Self::param) and [`tag`](Self::tag) only put something into a queue:
/// they do no I/O and cannot fail. What goes wrong later (a store that cannot be written, a param that is
/// given two values) is returned by the next [`flush`](Self::flush) or [`finish`](Self::finish).
///
/// A run that is dropped before it is finished, as when training panics, is recorded as interrupted, whatever
/// the [`Backpressure`](crate::Backpressure); dropping it does not wait.
#[derive(Debug)]
pub struct Run {
    shared: Arc<Shared>,
    begun: expt_core::Run,
    ended: AtomicBool,
}

impl Run {
    pub(crate) const fn started(shared: Arc<Shared>, begun: expt_core::Run) -> Self {
        Self { shared, begun, ended: AtomicBool::new(false) }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> RunId {
        self.begun.id
    }

    /// What it began with.
    #[must_use]
    pub const fn begun(&self) -> &expt_core::Run {
        &self.begun
    }

    /// Logs one value of a metric. Any `f64` is kept, infinities and NaN too.
    pub fn metric(&self, name: &str, step: u64, value: f64) {
        match MetricName::new(name) {
            Ok(metric) => {
                let at = self.shared.clock.now();
                self.shared.writer.point(self.id(), MetricPoint { metric, step, value, at });
            }
            Err(error) => self.shared.writer.fault(self.id(), error.into()),
        }
    }

    /// Logs a param. Params are written once: another value for the same key is an error of the next flush.
    pub fn param(&self, key: impl Into<String>, value: impl Into<ParamValue>) {
        self.shared.writer.update(self.id(), RunUpdate::new().with_param(key, value));
    }

    /// Sets a tag. Tags may change.
    pub fn tag(&self, key: impl Into<String>, value: impl Into<String>) {
        self.shared.writer.update(self.id(), RunUpdate::new().with_tag(key, value));
    }

    /// Stores bytes, durably, and names them.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if the name has other bytes;
    /// [`Unavailable`](ErrorKind::Unavailable) if they cannot be written.
    pub async fn artifact(&self, name: impl Into<String>, bytes: impl Into<Bytes>) -> Result<ArtifactRef> {
        let artifact = self.shared.artifacts.put(bytes.into(), Durability::Durable).await?;
        let update = RunUpdate::new().with_artifact(name, artifact.clone());
        self.shared.runs.update_run(self.id(), &update).await?;
        Ok(artifact)
    }

    /// Sets the provenance, if the run began without.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if it has other provenance.
    pub async fn provenance(&self, provenance: Provenance) -> Result<()> {
        self.shared.runs.update_run(self.id(), &RunUpdate::new().with_provenance(provenance)).await
    }

    /// Waits until everything that was logged is stored. It never holds up an executor, even where the queue
    /// is full.
    ///
    /// # Errors
    /// The first fault since the last flush, as the store or the check of the input said it. What it is about
    /// is not stored and not tried again: log it again, or go on without it.
    /// [`Internal`](ErrorKind::Internal) if the writer thread has ended, because a store panicked.
    pub async fn flush(&self) -> Result<()> {
        self.shared.writer.flush(self.id()).await
    }

    /// Stores everything and ends the run as finished.
    ///
    /// # Errors
    /// As [`flush`](Self::flush); the run is then still running, and finishing it again ends it without what
    /// could not be stored.
    pub async fn finish(&self) -> Result<()> {
        self.end(RunStatus::Finished).await
    }

    /// Ends the run as finished if it can be repeated: dataset, features, code and seed given, code committed.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused) with what is missing; the run is then still running. As
    /// [`flush`](Self::flush).
    pub async fn finish_reproducible(&self) -> Result<()> {
        self.flush().await?;
        let stored = self.shared.runs.run(self.id()).await?;
        let gaps = stored.provenance.map_or_else(|| vec!["no provenance was logged".into()], |p| p.gaps());
        if gaps.is_empty() {
            return self.finish().await;
        }
        let message = format!(
            "run {} is not reproducible ({}); give what is missing, or call finish",
            self.id(),
            gaps.join("; ")
        );
        Err(Error::new(ErrorKind::Refused, "finish run as reproducible", message))
    }

    /// Stores everything and ends the run with a status.
    ///
    /// # Errors
    /// As [`flush`](Self::flush); [`Conflict`](ErrorKind::Conflict) if it has ended with another status;
    /// [`InvalidInput`](ErrorKind::InvalidInput) for [`RunStatus::Running`], which is no end.
    pub async fn end(&self, status: RunStatus) -> Result<()> {
        if status == RunStatus::Running {
            let message =
                format!("run {} cannot end as running; give the status that it ended with", self.id());
            return Err(Error::new(ErrorKind::InvalidInput, "end run", message));
        }
        self.flush().await?;
        let update = RunUpdate::new().with_status(status, self.shared.clock.now());
        self.shared.runs.update_run(self.id(), &update).await?;
        self.ended.store(true, Ordering::Release);
        Ok(())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let ended = self.ended.load(Ordering::Acquire);
        let interrupted = || RunUpdate::new().with_status(RunStatus::Interrupted, self.shared.clock.now());
        self.shared.writer.leave(self.id(), (!ended).then(interrupted));
    }
}
