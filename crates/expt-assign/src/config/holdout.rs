//! Holdouts.

use expt_core::{Actor, HoldoutId, LayerId, Timestamp, UnitKind};
use serde::{Deserialize, Serialize};

use crate::ranges::Ranges;

/// A slice of units that is kept from every update in its scope.
///
/// It cuts all units into three groups: **held** units get nothing new; the units of the **comparison
/// group**, if it has one, get what has been shipped but no running phase, so that the held can be compared
/// with the effect of all that was shipped and nothing else; everybody else is **general**.
///
/// It holds a unit if any identity of it that the request shows is held: its own id, a fallback, or another
/// kind of unit of the same request ([`Context::with_also`](crate::Context::with_also)).
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
    /// The group that gets what has been shipped, and nothing else.
    #[serde(default)]
    pub shipped_only: Option<ShippedOnly>,
    /// When it holds, and whom.
    #[serde(default)]
    pub lifetime: HoldoutLifetime,
    /// Set to release everybody at once; the entry stays, so that it is on record who did it and why.
    #[serde(default)]
    pub break_glass: Option<BreakGlass>,
}

impl HoldoutEntry {
    /// A global, permanent holdout.
    #[must_use]
    pub fn new(id: HoldoutId, unit: UnitKind, salt: impl Into<String>, ranges: Ranges) -> Self {
        let (scope, lifetime) = (HoldoutScope::All, HoldoutLifetime::Permanent);
        Self { id, unit, salt: salt.into(), ranges, scope, shipped_only: None, lifetime, break_glass: None }
    }

    /// Limits it to some layers.
    #[must_use]
    pub fn with_layers(mut self, layers: impl IntoIterator<Item = LayerId>) -> Self {
        self.scope = HoldoutScope::Layers(layers.into_iter().collect());
        self
    }

    /// Gives it a group that gets what has been shipped and nothing else; usually as large as the held.
    #[must_use]
    pub fn with_shipped_only(mut self, id: HoldoutId, ranges: Ranges) -> Self {
        self.shipped_only = Some(ShippedOnly { id, ranges });
        self
    }

    /// Says when it holds.
    #[must_use]
    pub const fn with_lifetime(mut self, lifetime: HoldoutLifetime) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Releases everybody.
    #[must_use]
    pub fn with_break_glass(mut self, glass: BreakGlass) -> Self {
        self.break_glass = Some(glass);
        self
    }

    /// How far its places move from one period to the next, if it rotates: by their own width.
    pub(crate) fn step(&self) -> u64 {
        let compared = self.shipped_only.as_ref().map_or(0, |group| group.ranges.width());
        // Only the whole space is wider than a `u64`, and moved by its own width it is where it was.
        u64::try_from(self.ranges.width().saturating_add(compared)).unwrap_or(0)
    }

    /// How far its places have moved, by a [`step`](Self::step) each time; `None` if it holds nobody then. Without a
    /// time one that ends holds, and one that rotates is in its first period.
    #[inline]
    pub(crate) fn shift(&self, step: u64, now: Option<Timestamp>) -> Option<u64> {
        if self.break_glass.is_some() {
            return None;
        }
        match (self.lifetime, now) {
            (HoldoutLifetime::Until(end), Some(now)) => (now < end).then_some(0),
            (HoldoutLifetime::Rotating { start, days }, Some(now)) => {
                let since = now.as_micros().checked_sub(start.as_micros()).filter(|since| *since >= 0)?;
                let period = u64::try_from(since / (i64::from(days.max(1)) * MICROS_A_DAY)).ok()?;
                Some(period.wrapping_mul(step))
            }
            _ => Some(0),
        }
    }
}

/// The comparison group of a holdout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ShippedOnly {
    /// What its exposures are logged under.
    pub id: HoldoutId,
    /// Its places, in the same space as those that are held.
    pub ranges: Ranges,
}

/// When a holdout holds, and whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub enum HoldoutLifetime {
    /// Always, the same units.
    #[default]
    Permanent,
    /// The same units, up to but without this time.
    Until(Timestamp),
    /// From `start` on, other units in each period: the ranges move on by their own width (held and
    /// comparison group together), so that nobody is held in two successive periods while they cover at most
    /// half of the space. Before `start` it holds nobody.
    Rotating {
        /// When the first period begins.
        start: Timestamp,
        /// How long a period is, in whole days; at least 1.
        days: u32,
    },
}

/// Why everybody was released from a holdout, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BreakGlass {
    /// Who approved it.
    pub approver: Actor,
    /// Why. Not empty.
    pub reason: String,
    /// When it was approved, for the record; it holds nobody from the moment that the config is in force.
    pub at: Timestamp,
}

impl BreakGlass {
    /// Releases everybody.
    #[must_use]
    pub fn new(approver: Actor, reason: impl Into<String>, at: Timestamp) -> Self {
        Self { approver, reason: reason.into(), at }
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

const MICROS_A_DAY: i64 = 86_400_000_000;
