//! What a payload is refused for.

/// A payload that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Text that is not a features response or a list of delta events.
    #[error(
        "line {line}, column {column}: {problem}; allowed is {{\"features\": [...], \"segments\": [...]}} or {{\"events\": [...]}}"
    )]
    Json {
        /// The line, from 1; 0 if it has none.
        line: usize,
        /// The column, from 1; 0 if it has none.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// Patterns that would take too much memory.
    #[error(
        "pattern {pattern:?} needs more than the {allowed} bytes that are left for it; write it without large repetitions"
    )]
    Pattern {
        /// The pattern, cut to its first 80 characters.
        pattern: String,
        /// How many bytes it may take.
        allowed: usize,
    },
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Json { line: error.line(), column: error.column(), problem: error.to_string() }
    }
}
