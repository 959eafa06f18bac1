//! What can be wrong with a value of this crate.

/// An input that this crate refuses.
///
/// Every message says what was wrong, what is allowed, and where it helps, which call to make.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// A name that cannot be an id.
    #[error("{kind} {value:?} {problem}; a name has 1 to {max} bytes, no control characters and no white space at its ends", max = crate::id::MAX_NAME_BYTES)]
    Name {
        /// The type that was asked for, such as `experiment id`.
        kind: &'static str,
        /// What was given, cut to its first 80 characters.
        value: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Text that is not the hexadecimal form of an id or digest.
    #[error("{kind} {value:?} is not {digits} lowercase hexadecimal digits")]
    Hex {
        /// The type that was asked for.
        kind: &'static str,
        /// What was given, cut to its first 80 characters.
        value: String,
        /// How many digits the type has.
        digits: usize,
    },
    /// Text that is not a time.
    #[error(
        "timestamp {value:?} is not like 2026-03-01, 2026-03-01T12:30:00Z or 2026-03-01T12:30:00.25Z (UTC, years 0001 to 9999)"
    )]
    Timestamp {
        /// What was given, cut to its first 80 characters.
        value: String,
    },
    /// A number outside what a field allows.
    #[error("{field} is {value}; allowed is {allowed}")]
    Number {
        /// The field.
        field: &'static str,
        /// What was given, as text, because it may not be finite.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A step of a run that its status does not allow.
    #[error("a run that is {from} cannot become {to}; {help}")]
    Status {
        /// The status of the run.
        from: crate::RunStatus,
        /// The status that was asked for.
        to: crate::RunStatus,
        /// What would be allowed.
        help: &'static str,
    },
    /// A value that has no canonical form.
    #[error("{what} has no canonical form; {help}")]
    Canonical {
        /// What was met.
        what: String,
        /// What to give instead.
        help: &'static str,
    },
    /// A plan that cannot be sealed.
    #[error("plan of phase {phase}: {problem}; {help}")]
    Plan {
        /// The phase of the plan.
        phase: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        help: &'static str,
    },
    /// A query that does not parse.
    #[error("query at byte {at}: {problem}; {help}\n  {query}\n  {marker}^", marker = " ".repeat(crate::query::columns(query, *at)))]
    Query {
        /// The whole query.
        query: String,
        /// Where the fault is, as a byte offset.
        at: usize,
        /// What is wrong.
        problem: String,
        /// What is allowed there.
        help: String,
    },
}

/// `Result` with this crate's error.
pub type Result<T, E = CoreError> = std::result::Result<T, E>;

/// The first characters of outside text, so that an error stays readable.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}
