//! What serving reads: a versioned document that says who may get what.
//!
//! A config is plain data. [`Snapshot::compile`](crate::Snapshot::compile) checks it, reports every fault,
//! and turns it into what answers questions.

mod buckets;
mod exclusion;
mod holdout;
mod layer;
mod map;
mod phase;
mod unit;

use std::fmt;

use expt_core::{Digest, canonical};
use serde::{Deserialize, Serialize};

pub use buckets::Buckets;
pub use exclusion::{ExcludedUnit, ExclusionCause, ExclusionEntry};
pub use holdout::{BreakGlass, HoldoutEntry, HoldoutLifetime, HoldoutScope, ShippedOnly};
pub use layer::LayerEntry;
pub use phase::{ArmEntry, ExposurePolicy, PhaseEntry, PhaseState, Prerequisite, Stickiness};
pub use unit::{Clusters, ForcedUnit, LoginRule, UnitEntry, Window};

use crate::error::Result;
use crate::mix::UnitHash;

/// The format that this version reads and writes.
pub const FORMAT: &str = "expt-assign/1";

/// The longest JSON text that is read as a config, in bytes: room for some 20,000 phases.
pub const MAX_JSON_BYTES: usize = 16 << 20;

/// An assignment config.
///
/// As JSON (feature `json`) its fields have the names that they have here, unknown fields and keys that
/// appear twice are refused, and ranges are text ([`Range`](crate::Range)).
///
/// ```
/// use expt_assign::{Config, LayerEntry, Snapshot, UnitEntry};
/// use expt_core::{DecisionPoint, LayerId, UnitKind};
///
/// let user = UnitKind::new("user")?;
/// let config = Config::new("shop", "shop-2026", 1)
///     .with_unit(UnitEntry::new(user.clone(), "user_id").with_fallback("device_id"))
///     .with_layer(LayerEntry::new(LayerId::new("ranking")?, user, [DecisionPoint::new("ranker")?]));
/// assert!(Snapshot::compile(config).is_ok());
/// # Ok::<(), expt_core::CoreError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// The format of the document.
    pub format: Format,
    /// Counts up with every change; exposures and stamps carry it.
    pub version: u32,
    /// The name of the project, for people.
    pub project: String,
    /// What all keys derive from. Changing it moves every unit of every phase and holdout.
    pub key: ProjectKey,
    /// How unit ids are digested. Changing it moves every unit of every phase and holdout.
    #[serde(default)]
    pub unit_hash: UnitHash,
    /// The kinds of units, and what identifies them.
    pub units: Vec<UnitEntry>,
    /// The layers.
    pub layers: Vec<LayerEntry>,
    /// The phases, in any order.
    #[serde(default)]
    pub phases: Vec<PhaseEntry>,
    /// The holdouts, in the order in which they are asked within their scope.
    #[serde(default)]
    pub holdouts: Vec<HoldoutEntry>,
    /// Units that take part in nothing: staff, bots, those who did not consent. The first that fits counts.
    #[serde(default)]
    pub exclusions: Vec<ExclusionEntry>,
    /// Units that are given an arm by name; served, never analysed.
    #[serde(default)]
    pub forced: Vec<ForcedUnit>,
}

impl Config {
    /// A config without units, layers and phases.
    #[must_use]
    pub fn new(project: impl Into<String>, key: impl Into<ProjectKey>, version: u32) -> Self {
        Self {
            format: Format::V1,
            version,
            project: project.into(),
            key: key.into(),
            unit_hash: UnitHash::default(),
            units: Vec::new(),
            layers: Vec::new(),
            phases: Vec::new(),
            holdouts: Vec::new(),
            exclusions: Vec::new(),
            forced: Vec::new(),
        }
    }

    /// Sets how unit ids are digested.
    #[must_use]
    pub const fn with_unit_hash(mut self, unit_hash: UnitHash) -> Self {
        self.unit_hash = unit_hash;
        self
    }

    /// Adds a kind of unit.
    #[must_use]
    pub fn with_unit(mut self, unit: UnitEntry) -> Self {
        self.units.push(unit);
        self
    }

    /// Adds a layer.
    #[must_use]
    pub fn with_layer(mut self, layer: LayerEntry) -> Self {
        self.layers.push(layer);
        self
    }

    /// Adds a phase.
    #[must_use]
    pub fn with_phase(mut self, phase: PhaseEntry) -> Self {
        self.phases.push(phase);
        self
    }

    /// Adds a holdout.
    #[must_use]
    pub fn with_holdout(mut self, holdout: HoldoutEntry) -> Self {
        self.holdouts.push(holdout);
        self
    }

    /// Adds units that take part in nothing.
    #[must_use]
    pub fn with_exclusion(mut self, exclusion: ExclusionEntry) -> Self {
        self.exclusions.push(exclusion);
        self
    }

    /// Adds a unit that is given an arm by name.
    #[must_use]
    pub fn with_forced(mut self, unit: ForcedUnit) -> Self {
        self.forced.push(unit);
        self
    }

    /// The digest of the canonical bytes: what an audit trail of configs refers to.
    ///
    /// # Errors
    /// [`AssignError::Core`](crate::AssignError::Core) for a parameter that is not finite.
    pub fn digest(&self) -> Result<Digest> {
        Ok(canonical::digest(self)?)
    }

    /// Reads a config. It is not checked beyond its form: compile it for that.
    ///
    /// # Errors
    /// [`AssignError::Format`](crate::AssignError::Format) for another format,
    /// [`AssignError::Json`](crate::AssignError::Json) for text that is not the JSON of a config, or for more
    /// than [`MAX_JSON_BYTES`].
    #[cfg(feature = "json")]
    pub fn from_json(json: impl AsRef<[u8]>) -> Result<Self> {
        json::read(json.as_ref())
    }

    /// Writes the config as JSON for people: indented, fields in the order of this struct.
    ///
    /// # Errors
    /// [`AssignError::Core`](crate::AssignError::Core) for a parameter that is not finite, which JSON
    /// cannot say.
    #[cfg(feature = "json")]
    pub fn to_json(&self) -> Result<String> {
        json::write(self)
    }
}

/// The format of a config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Format {
    /// `expt-assign/1`, with the frozen [`mix`](crate::mix) `xmix1`.
    #[serde(rename = "expt-assign/1")]
    V1,
}

/// The text that all keys of a project derive from. Any text but the empty one; not printed by `Debug`,
/// because who knows it can tell a unit's arms in advance.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProjectKey(String);

impl ProjectKey {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for ProjectKey {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for ProjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProjectKey(..)")
    }
}

#[cfg(feature = "json")]
mod json {
    use expt_core::canonical;
    use serde::Deserialize;

    use super::{Config, FORMAT, MAX_JSON_BYTES};
    use crate::error::{AssignError, Result, excerpt};

    pub(super) fn read(json: &[u8]) -> Result<Config> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
        }
        if json.len() > MAX_JSON_BYTES {
            let problem = format!("it has {} bytes, allowed are {MAX_JSON_BYTES}", json.len());
            return Err(AssignError::Json { line: 0, column: 0, problem });
        }
        // The bytes are seen to be UTF-8 all at once, and not text by text.
        let json = std::str::from_utf8(json).map_err(|error| {
            let problem = format!("it is not UTF-8 from byte {} on", error.valid_up_to());
            AssignError::Json { line: 0, column: 0, problem }
        })?;
        serde_json::from_str(json).map_err(|error| match serde_json::from_str::<Head>(json) {
            // What another format calls a field is not to be reported as an unknown field.
            Ok(head) if head.format != FORMAT => AssignError::Format { found: excerpt(&head.format) },
            _ => fault(&error),
        })
    }

    pub(super) fn write(config: &Config) -> Result<String> {
        // JSON libraries write a number that is not finite as `null`; the canonical form refuses it.
        canonical::to_bytes(config)?;
        serde_json::to_string_pretty(config).map_err(|error| fault(&error))
    }

    fn fault(error: &serde_json::Error) -> AssignError {
        let (line, column) = (error.line(), error.column());
        let problem = error.to_string();
        let place = format!(" at line {line} column {column}");
        let problem = problem.strip_suffix(&place).unwrap_or(&problem).to_owned();
        AssignError::Json { line, column, problem }
    }
}
