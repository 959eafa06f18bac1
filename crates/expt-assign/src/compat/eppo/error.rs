//! What is refused, and why there is no assignment.

use super::value::VariationType;

/// A configuration that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EppoError {
    /// Text that is not JSON, or not of the shape of a configuration.
    #[error("the JSON at line {line}, column {column}: {problem}")]
    Json {
        /// The line, from 1; 0 if it has none.
        line: usize,
        /// The column, from 1; 0 if it has none.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// Regular expressions that together take more memory than a configuration may use.
    #[error("the regular expressions take more than 64 MiB together; use fewer or shorter ones")]
    Patterns,
}

impl From<serde_json::Error> for EppoError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json { line: error.line(), column: error.column(), problem: error.to_string() }
    }
}

/// Why a flag gives a subject nothing, so that the caller's default value is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoAssignment {
    /// There is no such flag, or it is off.
    #[error("the flag is not known, or disabled")]
    FlagUnrecognizedOrDisabled,
    /// The flag has another type than the caller expects.
    #[error("the flag is of type {found}, but type {expected} is expected")]
    TypeMismatch {
        /// The type of the flag.
        found: VariationType,
        /// The type asked for.
        expected: VariationType,
    },
    /// No allocation matches.
    #[error("no allocation matches the subject")]
    DefaultAllocationNull,
    /// The flag, or the variation that it chose, cannot be used.
    #[error("the flag, or the variation that it chose, is not of a form that can be used")]
    Misconfigured,
}

impl NoAssignment {
    /// The name that the SDK's evaluation details use.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::FlagUnrecognizedOrDisabled => "FLAG_UNRECOGNIZED_OR_DISABLED",
            Self::TypeMismatch { .. } => "TYPE_MISMATCH",
            Self::DefaultAllocationNull => "DEFAULT_ALLOCATION_NULL",
            Self::Misconfigured => "ASSIGNMENT_ERROR",
        }
    }
}
