//! What is refused.

/// A payload, experiment or condition that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrowthBookError {
    /// Text that is not JSON, or not of the shape that the SDK documents.
    #[error("the JSON at line {line}, column {column}: {problem}")]
    Json {
        /// The line, from 1; 0 if it has none.
        line: usize,
        /// The column, from 1; 0 if it has none.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A payload that is encrypted.
    #[error("the payload is encrypted (encryptedFeatures); decrypt it and pass the plain features")]
    Encrypted,
    /// A condition that is nested deeper than allowed.
    #[error("a condition is nested more than {allowed} deep; flatten it")]
    Depth {
        /// How deep it may be.
        allowed: usize,
    },
    /// Regular expressions that together take more memory than a payload may use.
    #[error("the regular expressions take more than 64 MiB together; use fewer or shorter ones")]
    Patterns,
    /// A field of an experiment that this crate does not evaluate, and that would restrict who is in it.
    #[error("the experiment {key:?} uses {field}, which is not evaluated here; check it before calling run")]
    Unsupported {
        /// The experiment, cut to its first 80 characters.
        key: String,
        /// The field.
        field: &'static str,
    },
}

impl From<serde_json::Error> for GrowthBookError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json { line: error.line(), column: error.column(), problem: error.to_string() }
    }
}
