//! The same types for programs without async: each call waits on this thread.
//!
//! One implementation, two faces: every method here waits for the one of the same name.

use expt_core::{ArtifactRef, RunId};
use expt_store::Result;
use expt_store::blocking::wait;
use expt_track::blocking::Tracker;

use crate::{Observation, Params, PruneDecision, StudyOptions};

/// A search: [`crate::Study`], waiting.
#[derive(Debug)]
pub struct Study(crate::Study);

impl Study {
    /// See [`crate::Study::start`].
    ///
    /// # Errors
    /// As there.
    pub fn start(tracker: &Tracker, options: StudyOptions) -> Result<Self> {
        wait(crate::Study::start(tracker.as_async(), options)).map(Self)
    }

    /// The id of the parent run.
    #[must_use]
    pub const fn id(&self) -> RunId {
        self.0.run().id()
    }

    /// See [`crate::Study::ask`].
    ///
    /// # Errors
    /// As there.
    pub fn ask(&self) -> Result<Trial> {
        wait(self.0.ask()).map(Trial)
    }

    /// See [`crate::Study::trials`].
    #[must_use]
    pub fn trials(&self) -> Vec<Observation> {
        self.0.trials()
    }

    /// See [`crate::Study::best`].
    #[must_use]
    pub fn best(&self) -> Option<Observation> {
        self.0.best()
    }

    /// See [`crate::Study::finish`].
    ///
    /// # Errors
    /// As there.
    pub fn finish(&self) -> Result<Option<Observation>> {
        wait(self.0.finish())
    }
}

/// One trial: [`crate::Trial`], waiting.
#[derive(Debug)]
pub struct Trial(crate::Trial);

impl Trial {
    /// Its number, from 0.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.0.number()
    }

    /// The id of its run.
    #[must_use]
    pub const fn id(&self) -> RunId {
        self.0.run().id()
    }

    /// Its params.
    #[must_use]
    pub const fn params(&self) -> &Params {
        self.0.params()
    }

    /// See [`crate::Trial::float`].
    ///
    /// # Errors
    /// As there.
    pub fn float(&self, name: &str) -> Result<f64> {
        self.0.float(name)
    }

    /// See [`crate::Trial::int`].
    ///
    /// # Errors
    /// As there.
    pub fn int(&self, name: &str) -> Result<i64> {
        self.0.int(name)
    }

    /// See [`crate::Trial::text`].
    ///
    /// # Errors
    /// As there.
    pub fn text(&self, name: &str) -> Result<&str> {
        self.0.text(name)
    }

    /// Logs one value of a metric to the trial's run; returns at once.
    pub fn metric(&self, name: &str, step: u64, value: f64) {
        self.0.run().metric(name, step, value);
    }

    /// Sets a tag of the trial's run; returns at once.
    pub fn tag(&self, key: impl Into<String>, value: impl Into<String>) {
        self.0.run().tag(key, value);
    }

    /// Stores bytes with the trial's run: [`expt_track::Run::artifact`].
    ///
    /// # Errors
    /// As there.
    pub fn artifact(&self, name: impl Into<String>, bytes: Vec<u8>) -> Result<ArtifactRef> {
        wait(self.0.run().artifact(name, bytes))
    }

    /// See [`crate::Trial::report`].
    #[must_use]
    pub fn report(&self, step: u64, value: f64) -> PruneDecision {
        self.0.report(step, value)
    }

    /// See [`crate::Trial::complete`].
    ///
    /// # Errors
    /// As there.
    pub fn complete(self, value: f64) -> Result<()> {
        wait(self.0.complete(value))
    }

    /// See [`crate::Trial::prune`].
    ///
    /// # Errors
    /// As there.
    pub fn prune(self, decision: PruneDecision) -> Result<()> {
        wait(self.0.prune(decision))
    }

    /// See [`crate::Trial::fail`].
    ///
    /// # Errors
    /// As there.
    pub fn fail(self, why: impl Into<String>) -> Result<()> {
        wait(self.0.fail(why))
    }
}
