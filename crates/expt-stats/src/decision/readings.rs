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
    /// The units, both arms together, at the looks before this one, if the design is group-sequential.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_looks: Vec<u64>,
    /// Why the data cannot be trusted, if something besides the sample-ratio test says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid: Option<String>,
    /// The state of each metric by name.
    pub metrics: BTreeMap<String, MetricState>,
}

impl Readings {
    /// Makes readings without metrics.
    #[must_use]
    pub const fn new(srm: SrmResult, runtime_reached: bool) -> Self {
        Self { srm, runtime_reached, earlier_looks: Vec::new(), invalid: None, metrics: BTreeMap::new() }
    }

    /// Sets the units at the looks before this one, for a group-sequential design.
    #[must_use]
    pub fn with_earlier_looks(mut self, units: impl IntoIterator<Item = u64>) -> Self {
        self.earlier_looks = units.into_iter().collect();
        self
    }

    /// States that the data cannot be trusted, and why: an assignment that was wrong, a log with holes. The verdict is
    /// then [`Verdict::Invalid`](crate::Verdict::Invalid), whatever the metrics say.
    #[must_use]
    pub fn with_invalid(mut self, reason: impl Into<String>) -> Self {
        self.invalid = Some(reason.into());
        self
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
