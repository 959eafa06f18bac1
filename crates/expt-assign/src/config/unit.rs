//! Kinds of units, and units that are treated apart.

use expt_core::{ArmId, HoldoutId, PhaseId, UnitId, UnitKind};
use serde::{Deserialize, Serialize};

/// A kind of unit, and the attributes of a request that identify one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct UnitEntry {
    /// The kind.
    pub kind: UnitKind,
    /// The attribute whose value is the unit's own id: `user_id`.
    pub attribute: String,
    /// Attributes that stand in when it is missing, best first: `device_id`. A unit that is identified by
    /// one of them is marked so in its exposures, and has other arms than under its own id.
    #[serde(default)]
    pub fallbacks: Vec<String>,
}

impl UnitEntry {
    /// A kind that is identified by one attribute.
    #[must_use]
    pub fn new(kind: UnitKind, attribute: impl Into<String>) -> Self {
        Self { kind, attribute: attribute.into(), fallbacks: Vec::new() }
    }

    /// Adds an attribute that stands in when those before it are missing.
    #[must_use]
    pub fn with_fallback(mut self, attribute: impl Into<String>) -> Self {
        self.fallbacks.push(attribute.into());
        self
    }

    /// All attributes, the unit's own first.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.attribute).chain(&self.fallbacks).map(String::as_str)
    }
}

/// A unit that takes part in nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ExcludedUnit {
    /// Its kind.
    pub kind: UnitKind,
    /// The unit.
    pub unit: UnitId,
}

impl ExcludedUnit {
    /// Excludes a unit.
    #[must_use]
    pub const fn new(kind: UnitKind, unit: UnitId) -> Self {
        Self { kind, unit }
    }
}

/// A unit that is given an arm by name, whatever the state of the phase; served, never analysed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ForcedUnit {
    /// The unit, of the kind that the layer of the phase randomises.
    pub unit: UnitId,
    /// The phase.
    pub phase: PhaseId,
    /// The arm.
    pub arm: ArmId,
    /// The holdouts that would hold the unit and are overridden. A holdout that is not named here refuses
    /// the config, so that nobody is taken out of a holdout by accident.
    #[serde(default)]
    pub overrides: Vec<HoldoutId>,
}

impl ForcedUnit {
    /// Gives a unit an arm.
    #[must_use]
    pub const fn new(unit: UnitId, phase: PhaseId, arm: ArmId) -> Self {
        Self { unit, phase, arm, overrides: Vec::new() }
    }

    /// Overrides a holdout that holds the unit.
    #[must_use]
    pub fn with_override(mut self, holdout: HoldoutId) -> Self {
        self.overrides.push(holdout);
        self
    }
}
