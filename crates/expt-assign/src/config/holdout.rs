//! Holdouts.

use expt_core::{HoldoutId, LayerId, UnitKind};
use serde::{Deserialize, Serialize};

use crate::ranges::Ranges;

/// A slice of units that is kept from every update in its scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HoldoutEntry {
    /// Its id.
    pub id: HoldoutId,
    /// What it holds.
    pub unit: UnitKind,
    /// What its places derive from. It never changes while the holdout lasts: another salt is another
    /// slice of units.
    pub salt: String,
    /// The places that it holds.
    pub ranges: Ranges,
    /// What it keeps them from.
    pub scope: HoldoutScope,
}

impl HoldoutEntry {
    /// A global holdout.
    #[must_use]
    pub fn new(id: HoldoutId, unit: UnitKind, salt: impl Into<String>, ranges: Ranges) -> Self {
        Self { id, unit, salt: salt.into(), ranges, scope: HoldoutScope::All }
    }

    /// Limits it to some layers.
    #[must_use]
    pub fn with_layers(mut self, layers: impl IntoIterator<Item = LayerId>) -> Self {
        self.scope = HoldoutScope::Layers(layers.into_iter().collect());
        self
    }
}

/// What a holdout keeps its units from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum HoldoutScope {
    /// Every layer. Asked before any scoped holdout.
    All,
    /// These layers.
    Layers(Vec<LayerId>),
}
