//! Sticky assignments, as data.

use serde::{Deserialize, Serialize};

/// What a unit was assigned, or that it belongs to a materialization.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Record {
    /// The unit.
    pub unit: String,
    /// The materialization.
    pub materialization: String,
    /// The rule; empty if the record only says that the unit belongs to the materialization.
    pub rule: String,
    /// The variant; empty if there is none.
    pub variant: String,
}

/// What is known about earlier assignments.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub enum Materializations<'a> {
    /// Nothing yet: what is needed comes back in [`Resolved::to_read`](super::Resolved::to_read).
    #[default]
    Discover,
    /// All there is.
    Complete(&'a [Record]),
    /// There is no store; flags that need one are
    /// [`Reason::MaterializationNotSupported`](super::Reason::MaterializationNotSupported).
    Unsupported,
}

/// There is no store.
#[derive(Debug)]
pub(super) struct Unsupported;

/// What is known, needed and to be stored.
#[derive(Debug)]
pub(super) struct Ledger<'a> {
    known: Materializations<'a>,
    pub(super) to_read: Vec<Record>,
    pub(super) to_write: Vec<Record>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(known: Materializations<'a>) -> Self {
        Self { known, to_read: Vec::new(), to_write: Vec::new() }
    }

    /// Whether a unit has a record in a materialization, of the rule if one is given; `None` if that is to be read.
    pub(super) fn has(
        &mut self,
        materialization: &str,
        unit: &str,
        rule: Option<&str>,
        read: &str,
    ) -> Result<Option<bool>, Unsupported> {
        match self.known {
            Materializations::Complete(records) => Ok(Some(records.iter().any(|record| {
                record.unit == unit
                    && record.materialization == materialization
                    && rule.is_none_or(|rule| record.rule == rule)
            }))),
            Materializations::Discover => {
                let record = Record {
                    unit: unit.to_owned(),
                    materialization: materialization.to_owned(),
                    rule: read.to_owned(),
                    variant: String::new(),
                };
                if !self.to_read.contains(&record) {
                    self.to_read.push(record);
                }
                Ok(None)
            }
            Materializations::Unsupported => Err(Unsupported),
        }
    }

    /// The variant that a unit was assigned by a rule.
    pub(super) fn variant(&self, materialization: &str, unit: &str, rule: &str) -> Option<&'a str> {
        let Materializations::Complete(records) = self.known else { return None };
        let mine = |record: &&Record| {
            record.unit == unit && record.materialization == materialization && record.rule == rule
        };
        records.iter().find(mine).map(|record| record.variant.as_str()).filter(|variant| !variant.is_empty())
    }

    /// How many records a look-up may go through.
    pub(super) fn size(&self) -> usize {
        let known = if let Materializations::Complete(records) = self.known { records.len() } else { 0 };
        known + self.to_read.len() + self.to_write.len()
    }

    /// Notes what is to be stored; `Ok(false)` if the rule has stored something for this unit already.
    pub(super) fn write(&mut self, record: Record) -> Result<bool, Unsupported> {
        if matches!(self.known, Materializations::Unsupported) {
            return Err(Unsupported);
        }
        let same = |other: &Record| {
            (&other.unit, &other.materialization, &other.rule)
                == (&record.unit, &record.materialization, &record.rule)
        };
        if self.to_write.iter().any(same) {
            return Ok(false);
        }
        // A rule that only reads has no name to write to.
        if !record.materialization.is_empty() {
            self.to_write.push(record);
        }
        Ok(true)
    }
}
