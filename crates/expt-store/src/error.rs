//! What can go wrong in a store.

use std::fmt;

/// An error of a store: what was asked, of which kind the fault is, what was found and what helps.
///
/// Decide by [`kind`](Self::kind), retry if [`is_retryable`](Self::is_retryable), show the text to a person.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    operation: &'static str,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of the kind, in the operation, with a message that says what was wrong, what is allowed
    /// and what to call.
    pub fn new(kind: ErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        Self { kind, operation, message: message.into(), source: None }
    }

    /// Adds the error below this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The kind of fault.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The operation that found it.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        self.operation
    }

    /// Whether the same call may go through later: true for [`ErrorKind::Unavailable`].
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.message)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<expt_core::CoreError> for Error {
    fn from(error: expt_core::CoreError) -> Self {
        Self {
            kind: ErrorKind::InvalidInput,
            operation: "check input",
            message: error.to_string(),
            source: None,
        }
    }
}

/// The kind of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// It is not there.
    NotFound,
    /// It is there already, with other content.
    AlreadyExists,
    /// The expectation of a write does not hold: somebody else was first.
    Conflict,
    /// The call cannot be meant like that.
    InvalidInput,
    /// A rule forbids it: provenance is missing, a pin does not match, an approval is needed.
    Refused,
    /// This backend does not do that.
    Unsupported,
    /// Stored bytes are not what was written.
    Corrupted,
    /// The store cannot be reached, is full or is busy; later it may work.
    Unavailable,
    /// A fault of the store itself.
    Internal,
}

/// `Result` with this crate's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;
