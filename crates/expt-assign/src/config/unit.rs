//! Kinds of units, and units that are given an arm by name.

use std::collections::BTreeMap;

use expt_core::{ArmId, HoldoutId, PhaseId, UnitId, UnitKind};
use serde::{Deserialize, Serialize};

use super::map::unique;

/// A kind of unit, and how one is recognised in a request.
///
/// The simplest kind is the value of one attribute. On top of that
/// - [`with_fallback`](Self::with_fallback) names attributes that stand in: user, then device, then cookie;
/// - [`with_clusters`](Self::with_clusters) randomises groups: the value is looked up in a map of clusters;
/// - [`with_window`](Self::with_window) randomises time as well: one unit for each value and window, as a
///   switchback over city and hour needs.
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
    /// What happens to the arm of a fallback when the unit's own id becomes known.
    #[serde(default)]
    pub login: LoginRule,
    /// Turns values into clusters, if clusters are randomised.
    #[serde(default)]
    pub clusters: Option<Clusters>,
    /// Cuts time into windows, if each is randomised by itself.
    #[serde(default)]
    pub window: Option<Window>,
}

impl UnitEntry {
    /// A kind that is identified by one attribute.
    #[must_use]
    pub fn new(kind: UnitKind, attribute: impl Into<String>) -> Self {
        let attribute = attribute.into();
        let (fallbacks, login) = (Vec::new(), LoginRule::default());
        Self { kind, attribute, fallbacks, login, clusters: None, window: None }
    }

    /// Adds an attribute that stands in when those before it are missing.
    #[must_use]
    pub fn with_fallback(mut self, attribute: impl Into<String>) -> Self {
        self.fallbacks.push(attribute.into());
        self
    }

    /// Sets what happens when the unit's own id becomes known.
    #[must_use]
    pub const fn with_login(mut self, login: LoginRule) -> Self {
        self.login = login;
        self
    }

    /// Randomises clusters instead of values.
    #[must_use]
    pub fn with_clusters(mut self, clusters: Clusters) -> Self {
        self.clusters = Some(clusters);
        self
    }

    /// Randomises each window of time by itself.
    #[must_use]
    pub const fn with_window(mut self, window: Window) -> Self {
        self.window = Some(window);
        self
    }

    /// All attributes, the unit's own first.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.attribute).chain(&self.fallbacks).map(String::as_str)
    }
}

/// What happens to the arm that a unit had under a fallback identity when its own id becomes known.
///
/// Without sticky records there is nothing to keep: the unit has the arm of whatever identifies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum LoginRule {
    /// The unit is another one from now on: records that were made under a fallback do not hold it. Exposures
    /// under both identities are logged, and the analysis sees both.
    #[default]
    Reassign,
    /// The unit keeps its arm: records that were made under a fallback hold it under its own id as well.
    KeepArm,
}

/// A map from values to clusters.
///
/// A value that the map does not have identifies no unit: it is not put into a cluster by chance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Clusters {
    /// Counts up with every change of the map, for those who read exposures.
    pub version: u32,
    /// The cluster of each value.
    #[serde(deserialize_with = "unique")]
    pub of: BTreeMap<String, String>,
}

impl Clusters {
    /// A map.
    #[must_use]
    pub fn new<K: Into<String>, V: Into<String>>(version: u32, of: impl IntoIterator<Item = (K, V)>) -> Self {
        Self { version, of: of.into_iter().map(|(value, cluster)| (value.into(), cluster.into())).collect() }
    }
}

/// Windows of time that are randomised one by one.
///
/// A unit is a value and a window; its id is the value, `@`, and the begin of the window in seconds since
/// 1970-01-01T00:00:00Z: `berlin@1772582400`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Window {
    /// How long a window is, in seconds; at least 1.
    pub seconds: u32,
    /// What is added to universal time before it is cut, in seconds: 3600 lets days begin at midnight in
    /// UTC+1. It is fixed, so the change to summer time does not move windows.
    #[serde(default)]
    pub offset_seconds: i32,
}

impl Window {
    /// Windows of so many seconds, cut in universal time.
    #[must_use]
    pub const fn seconds(seconds: u32) -> Self {
        Self { seconds, offset_seconds: 0 }
    }

    /// Sets what is added to universal time before it is cut.
    #[must_use]
    pub const fn with_offset_seconds(mut self, offset_seconds: i32) -> Self {
        self.offset_seconds = offset_seconds;
        self
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
    /// the config, so that nobody is taken out of a holdout by accident; a holdout that holds other units at
    /// other times holds the unit at those times.
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
