//! Layers.

use expt_core::{DecisionPoint, LayerId, UnitKind};
use serde::{Deserialize, Serialize};

use super::Buckets;

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
    /// Where its places come from, if not from [`mix`](crate::mix): another product's buckets, for traffic
    /// that has moved here and must not be reshuffled.
    #[serde(default)]
    pub buckets: Option<Buckets>,
}

impl LayerEntry {
    /// A layer.
    #[must_use]
    pub fn new(
        id: LayerId,
        unit: UnitKind,
        decision_points: impl IntoIterator<Item = DecisionPoint>,
    ) -> Self {
        Self { id, unit, decision_points: decision_points.into_iter().collect(), buckets: None }
    }

    /// Takes its places from another product's buckets.
    #[must_use]
    pub fn with_buckets(mut self, buckets: Buckets) -> Self {
        self.buckets = Some(buckets);
        self
    }
}
