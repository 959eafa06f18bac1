//! Every row that a join read, with what became of it.

use std::collections::BTreeMap;
use std::fmt;

use expt_core::MetricName;
use serde::{Deserialize, Serialize};

/// What became of the rows of the event tables in one join: each row has exactly one [`Disposition`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ledger {
    /// Exposures.
    pub exposures: Tally,
    /// Predictions.
    pub predictions: Tally,
    /// Outcomes, by metric; metrics that the plan does not have are tallied too.
    pub outcomes: BTreeMap<MetricName, Tally>,
    /// Merged lists.
    pub merged_lists: Tally,
}

impl Ledger {
    /// Whether in every table the dispositions add up to the rows that were read.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.tables().all(|(_, tally)| tally.balances())
    }

    /// The tables, each with a name for people.
    pub fn tables(&self) -> impl Iterator<Item = (String, &Tally)> {
        let fixed = [("exposures", &self.exposures), ("predictions", &self.predictions)];
        let outcomes = self.outcomes.iter().map(|(metric, tally)| (format!("outcomes: {metric}"), tally));
        let lists = std::iter::once(("merged lists".to_owned(), &self.merged_lists));
        fixed.into_iter().map(|(name, tally)| (name.to_owned(), tally)).chain(outcomes).chain(lists)
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, tally) in self.tables().filter(|(_, tally)| tally.read > 0) {
            writeln!(f, "{name:<24} {:>9} read", tally.read)?;
            for (disposition, rows) in &tally.rows {
                writeln!(f, "  {:<22} {rows:>9}", disposition.as_str())?;
            }
        }
        Ok(())
    }
}

/// The rows of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tally {
    /// How many were read.
    pub read: u64,
    /// How many have each disposition.
    pub rows: BTreeMap<Disposition, u64>,
}

impl Tally {
    /// Whether the dispositions add up to the rows that were read. A sum that is too large, as in a readout
    /// that was damaged, does not.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.rows.values().try_fold(0_u64, |sum, rows| sum.checked_add(*rows)) == Some(self.read)
    }

    /// How many rows have the disposition.
    #[must_use]
    pub fn count(&self, disposition: Disposition) -> u64 {
        self.rows.get(&disposition).copied().unwrap_or(0)
    }
}

/// A tally in the making: an array, because a look counts every row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    read: u64,
    rows: [u64; Disposition::ALL.len()],
}

impl Counts {
    pub(crate) fn add(&mut self, disposition: Disposition) {
        self.read += 1;
        if let Some(rows) = self.rows.get_mut(disposition as usize) {
            *rows += 1;
        }
    }

    pub(crate) fn tally(&self) -> Tally {
        let rows = Disposition::ALL.into_iter().zip(self.rows).filter(|(_, rows)| *rows > 0);
        Tally { read: self.read, rows: rows.collect() }
    }
}

/// What became of a row: it counts, or the first reason why it does not. The reasons are tried in this order:
///
/// | row | reasons |
/// |---|---|
/// | exposure | `NotYet`, `Holdout`, `OtherPhase`, `UnknownArm`, `MixedArms`, `Repeated` |
/// | prediction | `NotYet`, `Duplicate`, `Conflict`, `Shadow`, `Holdout`, `NotByArm`, `OtherPhase`, `UnknownArm`, `NotExposed`, `PinMismatch`, `MixedArms`, `Immature` |
/// | outcome, any | `NotYet`, `Duplicate`, `Conflict`, `UnplannedMetric`, `NotFinite`, `WrongSubject`; then |
/// | of a unit | `NotExposed`, `MixedArms`, `BeforeWindow`, `AfterWindow`, `Immature` |
/// | of a prediction, for a metric of units | `Orphan`, `SubjectNotCounted`, `MixedArms`, `BeforeWindow`, `AfterWindow`, `Immature` |
/// | of a prediction, for a metric of predictions | `Orphan`, `SubjectNotCounted`, `MixedArms`, `Immature`, `BeforeWindow`, `AfterWindow` |
/// | merged list | `NotYet`, `OtherPhase` |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Disposition {
    /// It is in the result.
    Counted,
    /// It is a further exposure of a unit to the arm that it has; the same exposure sent twice is one, too.
    Repeated,
    /// It happened, or became known, after the look.
    NotYet,
    /// It has the id of another row and says the same.
    Duplicate,
    /// It has the id of another row and says something else; of the two, the one that was known first counts.
    Conflict,
    /// It belongs to another phase, or to none, or is about another kind of unit.
    OtherPhase,
    /// It names an arm that the plan does not have.
    UnknownArm,
    /// It is an exposure to a holdout, or a prediction for a unit in one.
    Holdout,
    /// The prediction was not shown.
    Shadow,
    /// The prediction was shown without regard to the phase: forced, excluded or a fallback.
    NotByArm,
    /// No exposure of the unit to the phase came before it; for an outcome: there is none at all.
    NotExposed,
    /// Its unit saw two arms of the phase, by its exposures or by what was shown to it, and is left out.
    MixedArms,
    /// The features of the model that answered were not those that it was trained on.
    PinMismatch,
    /// The time in which its outcomes count is not over at the look. For a prediction that is the longest window
    /// of the metrics that count predictions, so that all of them are over the same predictions.
    Immature,
    /// The plan has no such metric.
    UnplannedMetric,
    /// Its prediction, or that item of it, is not in the log.
    Orphan,
    /// Its prediction is in the log and does not count.
    SubjectNotCounted,
    /// It happened before what it would be the outcome of: the first exposure of its unit, or its prediction.
    BeforeWindow,
    /// It happened after the time in which outcomes count.
    AfterWindow,
    /// Its metric counts outcomes of predictions, and it is one of a unit.
    WrongSubject,
    /// Its value is not a finite number.
    NotFinite,
}

impl Disposition {
    /// Every disposition, in the order of declaration.
    pub(crate) const ALL: [Self; 21] = [
        Self::Counted,
        Self::Repeated,
        Self::NotYet,
        Self::Duplicate,
        Self::Conflict,
        Self::OtherPhase,
        Self::UnknownArm,
        Self::Holdout,
        Self::Shadow,
        Self::NotByArm,
        Self::NotExposed,
        Self::MixedArms,
        Self::PinMismatch,
        Self::Immature,
        Self::UnplannedMetric,
        Self::Orphan,
        Self::SubjectNotCounted,
        Self::BeforeWindow,
        Self::AfterWindow,
        Self::WrongSubject,
        Self::NotFinite,
    ];

    /// The words that reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Repeated => "repeated exposure",
            Self::NotYet => "after the look",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflicting duplicate",
            Self::OtherPhase => "other phase or none",
            Self::UnknownArm => "unknown arm",
            Self::Holdout => "holdout",
            Self::Shadow => "shadow",
            Self::NotByArm => "not by arm",
            Self::NotExposed => "not exposed before",
            Self::MixedArms => "unit saw two arms",
            Self::PinMismatch => "pin mismatch",
            Self::Immature => "immature",
            Self::UnplannedMetric => "metric not in plan",
            Self::Orphan => "orphan",
            Self::SubjectNotCounted => "subject not counted",
            Self::BeforeWindow => "before window",
            Self::AfterWindow => "after window",
            Self::WrongSubject => "wrong kind of subject",
            Self::NotFinite => "not finite",
        }
    }
}
