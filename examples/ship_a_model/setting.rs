//! The shop: its stores, its clock, its people, its wines.

use std::error::Error;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use expt::core::{
    Actor, CodeVersion, DatasetVersion, DecisionPoint, Declared, Digest, ExperimentId, FeatureDefinition,
    FeaturePin, FeatureVersion, GoldenRow, LayerId, ModelName, Provenance, RunId, Timestamp, UnitKind,
};
use expt::store::{Clock, ManualClock, Stores};
use expt::track::blocking::{Registry, Tracker};
use expt_examples::ml::{Dataset, Pipeline, Recipe, Split};

/// Everything that the chapters share.
pub(crate) struct Setting {
    pub(crate) seed: u64,
    pub(crate) stores: Stores,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tracker: Tracker,
    pub(crate) registry: Registry,
    pub(crate) data: Dataset,
    pub(crate) split: Split,
    /// The feature pipeline that is live: fitted on the training rows.
    pub(crate) pipeline: Pipeline,
    pub(crate) code: Declared<CodeVersion>,
    pub(crate) names: Names,
}

/// What things are called.
#[derive(Clone)]
pub(crate) struct Names {
    pub(crate) model: ModelName,
    pub(crate) first: ExperimentId,
    pub(crate) second: ExperimentId,
    pub(crate) layer: LayerId,
    pub(crate) point: DecisionPoint,
    pub(crate) user: UnitKind,
    pub(crate) trainer: Actor,
    pub(crate) approver: Actor,
}

impl Setting {
    pub(crate) fn new(stores: Stores, seed: u64) -> Result<Self, Box<dyn Error>> {
        // A Monday. Time is simulated, so that two runs with one seed tell the same story.
        let clock = Arc::new(ManualClock::at("2026-03-02T08:00:00Z".parse()?));
        let data = Dataset::load();
        let split = data.split(seed);
        Ok(Self {
            seed,
            tracker: Tracker::new(&stores, clock.clone()),
            registry: Registry::new(&stores, clock.clone()),
            pipeline: Pipeline::fit(Recipe::V1, &split.train)?,
            code: code_version(),
            names: Names {
                model: ModelName::new("wine-quality")?,
                first: ExperimentId::new("wine-quality-v1")?,
                second: ExperimentId::new("wine-quality-v2")?,
                layer: LayerId::new("recommendation")?,
                point: DecisionPoint::new("recommend")?,
                user: UnitKind::new("user")?,
                trainer: Actor::new("ada")?,
                approver: Actor::new("grace")?,
            },
            stores,
            clock,
            data,
            split,
        })
    }

    /// The same shop with another crowd: salts and visits follow the seed, wines and models stay.
    pub(crate) fn with_online_seed(&self, seed: u64) -> Self {
        Self {
            seed,
            stores: self.stores.clone(),
            clock: Arc::new(ManualClock::at(self.clock.now())),
            tracker: self.tracker.clone(),
            registry: self.registry.clone(),
            data: self.data.clone(),
            split: self.split.clone(),
            pipeline: self.pipeline.clone(),
            code: self.code.clone(),
            names: self.names.clone(),
        }
    }

    /// Lets simulated time pass.
    pub(crate) fn pass(&self, time: Duration) -> Timestamp {
        self.clock.set(self.clock.now() + time);
        self.clock.now()
    }

    /// An id that is the same whenever the story is told with this seed.
    pub(crate) fn run_id(&self, name: &str) -> RunId {
        RunId::derive([name.as_bytes(), &self.seed.to_le_bytes()])
    }

    /// The dataset in its entirety, the pipeline, the commit and the seed.
    pub(crate) fn provenance(&self) -> Result<Provenance, Box<dyn Error>> {
        let dataset = DatasetVersion {
            name: self.data.name.clone(),
            digest: Digest::of(&self.data.canonical_bytes()),
            rows: self.data.rows.len() as u64,
        };
        let pin = self.pin(&self.pipeline)?;
        let features = FeatureVersion { digest: pin.digest()?, pipeline: pin.pipeline };
        let (code, seed) = (self.code.clone(), self.seed.into());
        Ok(Provenance { dataset: dataset.into(), features: features.into(), code, seed })
    }

    /// Pins a pipeline: what it computes, and what it made of 32 golden rows.
    pub(crate) fn pin(&self, pipeline: &Pipeline) -> Result<FeaturePin, Box<dyn Error>> {
        let golden =
            self.split.train.rows.iter().take(32).map(|row| {
                Ok(GoldenRow { input: row.features.clone(), output: pipeline.apply(&row.features)? })
            });
        let definitions = pipeline.definitions().into_iter().map(|definition| FeatureDefinition {
            name: definition.name,
            expression: definition.expression,
            inputs: definition.inputs,
        });
        Ok(FeaturePin {
            pipeline: pipeline.version().to_owned(),
            definitions: definitions.collect(),
            commit: self.code.given().map(|code| code.commit.clone()),
            golden: golden.collect::<Result<_, Box<dyn Error>>>()?,
        })
    }
}

/// The commit of the working tree, as git says it.
fn code_version() -> Declared<CodeVersion> {
    let git = |arguments: &[&str]| {
        let output =
            Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
    };
    match (git(&["rev-parse", "--short=12", "HEAD"]), git(&["status", "--porcelain"])) {
        (Some(commit), Some(changes)) => CodeVersion { commit, dirty: !changes.is_empty() }.into(),
        _ => Declared::opted_out("the example does not run in a git checkout"),
    }
}
