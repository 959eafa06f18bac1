//! What an audit cannot be made of.

use expt_assign::Range;
use expt_stats::StatsError;

/// Reports an input of an audit that has to change.
///
/// A bad *finding* (a mismatch, a dependent pair, an impossible wish) is a value of the report, never an error.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The statistics.
    #[error(transparent)]
    Stats(#[from] StatsError),
    /// Something that the audit is about is not there.
    #[error("there are {have} {what}; at least {need} are needed: {remedy}")]
    TooFew {
        /// Of what.
        what: &'static str,
        /// How many there are.
        have: usize,
        /// How many are needed.
        need: usize,
        /// What to do.
        remedy: &'static str,
    },
    /// More than the audit takes, so that its time and memory stay bounded.
    #[error("there are {have} {what}; at most {allowed} are allowed: {remedy}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        have: usize,
        /// How many are allowed.
        allowed: usize,
        /// What to do.
        remedy: &'static str,
    },
    /// A row has not one value for each column.
    #[error("{row} has {found} {what}; it must have {allowed}, one for each")]
    Length {
        /// Of what.
        what: &'static str,
        /// Whose row.
        row: String,
        /// How many values it has.
        found: usize,
        /// How many it must have.
        allowed: usize,
    },
    /// A value is infinite or not a number.
    #[error("{column} of {row} is {value}; it must be finite, so drop or cap such values before the audit")]
    NotFinite {
        /// Whose row.
        row: String,
        /// Which column.
        column: String,
        /// The value.
        value: f64,
    },
    /// A thing that may be there once is there twice.
    #[error("{what} {id} is there twice; give each once, and add up what belongs together")]
    Duplicate {
        /// Of what.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// Two arms claim the same places.
    #[error(
        "arms {first} and {second} (counted from 0) both claim {places}; compile the config to see where"
    )]
    Overlap {
        /// The arm with the lower places.
        first: usize,
        /// The other arm.
        second: usize,
        /// What they have in common.
        places: Range,
    },
    /// A covariate says nothing that the others do not say.
    #[error(
        "covariate {covariate} is constant, or a linear combination of the covariates before it; leave it out"
    )]
    Dependent {
        /// The covariate.
        covariate: String,
    },
    /// An arm is too small for a variance.
    #[error(
        "epoch {epoch} puts {units} units into arm {arm} (counted from 0); at least 2 are needed: add units"
    )]
    ThinArm {
        /// The epoch.
        epoch: u32,
        /// The arm.
        arm: usize,
        /// Its units.
        units: u64,
    },
    /// Two periods of an expectation are in force at the same time.
    #[error(
        "a period ends at {to}, but begins at {from} and after the end of the one before, {before}, is needed"
    )]
    Period {
        /// Where it begins.
        from: expt_core::Timestamp,
        /// Where it ends.
        to: expt_core::Timestamp,
        /// Where the one before ends.
        before: expt_core::Timestamp,
    },
    /// Phases hold more of a layer than there is.
    #[error("the phases hold {total} parts per million of the layer; at most 1000000 can be held")]
    Layer {
        /// The sum of their shares.
        total: u64,
    },
    /// A number lies outside its allowed range.
    #[error("{what} is {value}; allowed is {allowed}")]
    OutOfRange {
        /// Which input.
        what: &'static str,
        /// The value.
        value: f64,
        /// What is allowed.
        allowed: &'static str,
    },
}

/// `Result` with the error of the audits.
pub type Result<T, E = AuditError> = std::result::Result<T, E>;
