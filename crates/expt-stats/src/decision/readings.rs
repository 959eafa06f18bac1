//! What is known at one look.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::effect::EffectState;
use crate::srm::SrmResult;

/// Holds the data of one look at an experiment.
///
/// Every metric of the design must be present; one without data yet is stated by
/// [`Readings::with_no_data`], because a metric that is silently absent is a broken pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Readings {
    /// The sample-ratio test; [`Shares::sequential`](crate::Shares::sequential) if there are many looks.
    pub srm: SrmResult,
    /// Whether the minimum runtime has passed.
    pub runtime_reached: bool,
    /// The state of each metric by name.
    pub metrics: BTreeMap<String, MetricState>,
}

impl Readings {
    /// Makes readings without metrics.
    #[must_use]
    pub const fn new(srm: SrmResult, runtime_reached: bool) -> Self {
        Self { srm, runtime_reached, metrics: BTreeMap::new() }
    }

    /// Sets the state of a metric.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, state: EffectState) -> Self {
        self.metrics.insert(name.into(), MetricState::Effect(state));
        self
    }

    /// States that a metric has no data yet.
    #[must_use]
    pub fn with_no_data(mut self, name: impl Into<String>) -> Self {
        self.metrics.insert(name.into(), MetricState::NoData);
        self
    }
}

/// Holds what is known about one metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum MetricState {
    /// Too little to estimate anything.
    NoData,
    /// Two arms' estimates.
    Effect(EffectState),
}
