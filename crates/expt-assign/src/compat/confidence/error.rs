//! What a state or a request is refused for.

/// A state or a request that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Text that is not the JSON of a resolver state or of a context.
    #[error("line {line}, column {column}: {problem}")]
    Json {
        /// The line, from 1; 0 if it has none.
        line: usize,
        /// The column, from 1; 0 if it has none.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A part of a state that has a value which is not allowed.
    #[error("{place}: {value} {problem}")]
    State {
        /// Where: the name of the segment, flag or filter.
        place: String,
        /// The value, cut to its first 80 characters.
        value: String,
        /// What is wrong with it, and what is allowed.
        problem: &'static str,
    },
    /// A secret that belongs to no client of the state.
    #[error("the client secret is not known; the state has {known} clients")]
    Client {
        /// How many clients there are.
        known: usize,
    },
    /// More flags than one request may resolve.
    #[error("the request would resolve {count} flags; at most {limit} are allowed: name the flags", limit = super::resolve::MAX_FLAGS)]
    Flags {
        /// How many.
        count: usize,
    },
    /// A text of the context where targeting needs a number; the local resolver refuses the whole request.
    #[error("attribute {attribute:?} has {value:?}, and a number is needed")]
    Number {
        /// The attribute.
        attribute: String,
        /// Its value, cut to its first 80 characters.
        value: String,
    },
    /// A flag whose state contradicts itself, which shows only when a unit comes there.
    #[error("flag {flag}, rule {rule}: {problem}")]
    Flag {
        /// The flag.
        flag: String,
        /// The rule.
        rule: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// Targeting that takes too long to evaluate.
    #[error(
        "{place}: segments refer to each other more than 32 deep, or one request has too many conditions and records"
    )]
    Complex {
        /// The segment or the rule where it was given up.
        place: String,
    },
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Json { line: error.line(), column: error.column(), problem: error.to_string() }
    }
}
