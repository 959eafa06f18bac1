//! What goes wrong below the store, and what it is called above.

use rusqlite::ErrorCode;

use crate::{Error, ErrorKind};

/// `Result` of code that talks to the database.
pub(super) type Sql<T> = Result<T, Fault>;

/// An error of the driver, or one of ours.
#[derive(Debug)]
pub(super) enum Fault {
    Driver(rusqlite::Error),
    Store(Error),
}

impl Fault {
    /// Stored content that cannot be what was written.
    pub(super) fn corrupted(what: impl std::fmt::Display) -> Self {
        let message = format!("the file has {what}; restore it from a backup");
        Self::Store(Error::new(ErrorKind::Corrupted, "read database", message))
    }

    pub(super) fn into_error(self, operation: &'static str) -> Error {
        match self {
            Self::Store(error) => error,
            Self::Driver(error) => describe(&error, operation).with_source(error),
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Driver(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// Whether another connection holds what this one needs.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Our error for the driver's, without it as the source: for each caller of a batch that failed as one.
pub(super) fn describe(error: &rusqlite::Error, operation: &'static str) -> Error {
    let (kind, message) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            ErrorKind::Unavailable,
            "the database is held by others for longer than the busy timeout; try again, or allow more time with SqliteOptions::with_busy_timeout",
        ),
        Some(ErrorCode::DiskFull) => {
            (ErrorKind::Unavailable, "the disk is full and nothing was changed; free space and try again")
        }
        Some(ErrorCode::CannotOpen) => {
            (ErrorKind::Unavailable, "the database cannot be opened; its folder must exist and be writable")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            (ErrorKind::Unavailable, "the database cannot be written; give this process the right to")
        }
        Some(ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory | ErrorCode::FileLockingProtocolFailed) => {
            (ErrorKind::Unavailable, "the operating system refused to read or write; try again")
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            (ErrorKind::Corrupted, "the database file is damaged; restore it from a backup")
        }
        Some(ErrorCode::NotADatabase) => {
            (ErrorKind::Corrupted, "the file is no database; give the path of another")
        }
        Some(ErrorCode::TooBig) => {
            (ErrorKind::InvalidInput, "a value or the query is larger than SQLite takes; give less at once")
        }
        _ if matches!(
            error,
            rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::Utf8Error(..)
        ) =>
        {
            (ErrorKind::Corrupted, "the database has a value of another type than was written")
        }
        _ => (ErrorKind::Internal, "the database refused a statement of this crate; please report it"),
    };
    Error::new(kind, operation, message)
}
