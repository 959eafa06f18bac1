//! Layers.

use expt_core::{DecisionPoint, LayerId, UnitKind};
use serde::{Deserialize, Serialize};

/// A layer: a partition of traffic in which phases exclude each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LayerEntry {
    /// Its id. Its places derive from it, so renaming a layer moves every unit in it.
    pub id: LayerId,
    /// What it randomises.
    pub unit: UnitKind,
    /// What its phases may bind. A decision point belongs to exactly one layer.
    pub decision_points: Vec<DecisionPoint>,
}

impl LayerEntry {
    /// A layer.
    #[must_use]
    pub fn new(
        id: LayerId,
        unit: UnitKind,
        decision_points: impl IntoIterator<Item = DecisionPoint>,
    ) -> Self {
        Self { id, unit, decision_points: decision_points.into_iter().collect() }
    }
}
