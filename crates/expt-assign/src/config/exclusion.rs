//! Units that take part in nothing.

use std::fmt;

use expt_core::{UnitId, UnitKind};
use serde::{Deserialize, Serialize};

use crate::targeting::Rule;

/// Units that take part in nothing, for one cause: those that are listed, and those whose request fits the
/// rule. Nothing is logged of them but a count.
///
/// A rule sees requests, so it can say what a list cannot: "no consent" is
/// `not consent = true`, which holds for requests that do not say anything about consent, too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ExclusionEntry {
    /// Why: what counters are named by.
    pub cause: ExclusionCause,
    /// The units that are listed.
    #[serde(default)]
    pub units: Vec<ExcludedUnit>,
    /// The requests that it is about.
    #[serde(default)]
    pub when: Option<Rule>,
}

impl ExclusionEntry {
    /// Excludes nobody yet.
    #[must_use]
    pub const fn new(cause: ExclusionCause) -> Self {
        Self { cause, units: Vec::new(), when: None }
    }

    /// Excludes a unit.
    #[must_use]
    pub fn with_unit(mut self, kind: UnitKind, unit: UnitId) -> Self {
        self.units.push(ExcludedUnit { kind, unit });
        self
    }

    /// Excludes the requests that fit the rule.
    #[must_use]
    pub fn with_rule(mut self, when: Rule) -> Self {
        self.when = Some(when);
        self
    }
}

/// A unit that is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ExcludedUnit {
    /// Its kind.
    pub kind: UnitKind,
    /// The unit.
    pub unit: UnitId,
}

/// Why units take part in nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ExclusionCause {
    /// They are programs.
    Bot,
    /// They are of the house: staff, testers.
    Staff,
    /// They did not consent.
    NoConsent,
    /// They are minors.
    Minor,
    /// They are where no experiments run.
    Region,
    /// The law, or a contract, says so.
    Legal,
    /// Something else.
    Other,
}

impl ExclusionCause {
    /// The word, for counters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Staff => "staff",
            Self::NoConsent => "no consent",
            Self::Minor => "minor",
            Self::Region => "region",
            Self::Legal => "legal",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for ExclusionCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
