//! What this crate refuses.

use expt_core::{CoreError, PhaseId, UnitKind};

use crate::fault::Faults;

/// An input that this crate refuses.
///
/// Every message says what was wrong, what is allowed, and where it helps, which call to make.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssignError {
    /// Text that is not a range.
    #[error(
        "range {value:?} is not like 0000000000000000-7fffffffffffffff: two numbers of 16 lowercase hexadecimal digits, the second not below the first"
    )]
    Range {
        /// What was given, cut to its first 80 characters.
        value: String,
    },
    /// Text that is not a rule.
    #[error("the rule is not readable at byte {at}, {found:?}: {problem}")]
    Rule {
        /// Where, in bytes from the begin of the text.
        at: usize,
        /// What stands there, cut to its first 80 characters.
        found: String,
        /// What is wrong, and what may stand there.
        problem: String,
    },
    /// Shares that do not fit into the space.
    #[error("the shares add up to {total} parts per million; they may add up to at most 1,000,000")]
    Shares {
        /// Their sum, in parts per million.
        total: u64,
    },
    /// A kind of unit that the config does not declare.
    #[error("unit kind {kind} is not declared; declared are: {declared}")]
    UnitKind {
        /// What was asked for.
        kind: UnitKind,
        /// What the config declares.
        declared: String,
    },
    /// A handle of a kind of unit that the config does not declare.
    #[error(
        "the handle is of a kind of unit that this config does not declare; find it again with Snapshot::unit_kind"
    )]
    KindGone,
    /// None of the attributes that identify a unit is there.
    #[error("no attribute identifies a unit of kind {kind}; give one of: {attributes}")]
    Unidentified {
        /// The kind.
        kind: UnitKind,
        /// The attributes that would do, best first.
        attributes: String,
    },
    /// The attribute that identifies a unit has a value that cannot.
    #[error("attribute {attribute:?} identifies units of kind {kind}, but its value {problem}")]
    UnitValue {
        /// The kind.
        kind: UnitKind,
        /// The attribute.
        attribute: String,
        /// What is wrong with the value, and what is allowed.
        problem: String,
    },
    /// A plan that splits no traffic, so that no phase entry can be made of it.
    #[error("the plan of phase {phase} does not split traffic; give the plan of an A/B test")]
    NoSplit {
        /// The phase of the plan.
        phase: PhaseId,
    },
    /// A config of another format.
    #[error("config format {found:?} is not readable by this version; allowed is {expected:?}", expected = crate::config::FORMAT)]
    Format {
        /// What the config says, cut to its first 80 characters.
        found: String,
    },
    /// Text that is not the JSON of a config.
    #[error("config at line {line}, column {column}: {problem}")]
    Json {
        /// The line, from 1; 0 if it has none.
        line: usize,
        /// The column, from 1; 0 if it has none.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A config that does not compile.
    #[error(transparent)]
    Faults(#[from] Faults),
    /// A value of `expt-core` that is not allowed, such as a unit id with a control character.
    #[error(transparent)]
    Core(#[from] CoreError),
}

/// `Result` with this crate's error.
pub type Result<T, E = AssignError> = std::result::Result<T, E>;

/// The first characters of outside text, so that an error stays readable.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}
