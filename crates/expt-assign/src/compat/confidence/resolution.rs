//! What comes out of resolving flags.

use std::fmt;

use super::materialization::Record;
use super::value::Value;

/// The flags of a request, and what is to be read and stored.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Resolved<'a> {
    /// The flags, by name. Flags that are not active, or not for the client, are not here.
    pub flags: Vec<Resolution<'a>>,
    /// What must be read first. If there is something, `flags` has only those that could do without:
    /// look these records up and ask again with [`Materializations::Complete`](super::Materializations::Complete).
    pub to_read: Vec<Record>,
    /// What is to be stored for the flags that are resolved.
    pub to_write: Vec<Record>,
}

/// What a flag is for a context.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Resolution<'a> {
    /// The flag.
    pub flag: &'a str,
    /// Why.
    pub reason: Reason,
    /// The variant; empty if there is none, or if the client's default is meant.
    pub variant: &'a str,
    /// The variant's value with all fields of the flag's schema; empty for the client's default.
    pub value: Option<Value>,
    /// The rule that matched.
    pub rule: &'a str,
    /// Its segment.
    pub segment: &'a str,
    /// The assignment that covers the unit's bucket.
    pub assignment_id: &'a str,
    /// The unit.
    pub targeting_key: String,
    /// The attribute that it was taken from; empty for `targeting_key`.
    pub targeting_key_selector: &'a str,
    /// Rules that took the unit in and let it through, in order.
    pub fallthroughs: Vec<Fallthrough<'a>>,
}

/// A rule that took a unit in and let it through to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fallthrough<'a> {
    /// The rule.
    pub rule: &'a str,
    /// The assignment.
    pub assignment_id: &'a str,
    /// The unit.
    pub targeting_key: String,
    /// The attribute that it was taken from; empty for `targeting_key`.
    pub targeting_key_selector: &'a str,
}

/// Why a flag is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A rule matched.
    Match,
    /// No rule matched.
    NoSegmentMatch,
    /// The unit is neither a text of at most 100 bytes nor a whole number.
    TargetingKeyError,
    /// It depends on stored assignments, and there is no store.
    MaterializationNotSupported,
}

impl Resolution<'_> {
    /// Whether it is an exposure that is to be logged.
    #[must_use]
    pub fn should_apply(&self) -> bool {
        self.reason == Reason::Match || !self.fallthroughs.is_empty()
    }
}

impl<'a> Resolution<'a> {
    pub(super) fn new(flag: &'a str) -> Self {
        Self {
            flag,
            reason: Reason::NoSegmentMatch,
            variant: "",
            value: None,
            rule: "",
            segment: "",
            assignment_id: "",
            targeting_key: String::new(),
            targeting_key_selector: "",
            fallthroughs: Vec::new(),
        }
    }
}

/// The name that Confidence gives it.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Match => "RESOLVE_REASON_MATCH",
            Self::NoSegmentMatch => "RESOLVE_REASON_NO_SEGMENT_MATCH",
            Self::TargetingKeyError => "RESOLVE_REASON_TARGETING_KEY_ERROR",
            Self::MaterializationNotSupported => "RESOLVE_REASON_MATERIALIZATION_NOT_SUPPORTED",
        })
    }
}
