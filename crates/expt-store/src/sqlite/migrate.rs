//! Opening connections, and bringing the file to the newest format.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OpenFlags};

use super::fault::{Fault, Sql, is_busy};
use super::{SqliteOptions, filter, schema};
use crate::{Error, ErrorKind};

/// Opens the connection that writes, after making the file or bringing it to the newest format.
///
/// Safe while other processes do the same.
pub(super) fn open_writer(path: &Path, options: &SqliteOptions) -> Sql<Connection> {
    let connection = open(path, options)?;
    let (application, _) = identity(&connection)?;
    if application != schema::APPLICATION_ID {
        refuse_foreign(&connection, application)?;
    }
    switch_to_wal(&connection, options)?;
    connection.execute_batch("PRAGMA synchronous = FULL")?;
    begin_immediate(&connection, options)?;
    let migrated = migrate(&connection);
    connection.execute_batch(if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    if migrated? {
        sync_folder(path);
    }
    Ok(connection)
}

/// Opens a connection that only reads. The file must have its format already.
pub(super) fn open_reader(path: &Path, options: &SqliteOptions) -> Sql<Connection> {
    let connection = open(path, options)?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    connection.create_scalar_function(
        "expt_like",
        2,
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC,
        filter::like,
    )?;
    Ok(connection)
}

/// Takes the write lock, asking every millisecond until the busy timeout.
///
/// SQLite's own busy handler sleeps longer the longer it has waited, which starves late comers when
/// several processes write.
pub(super) fn begin_immediate(connection: &Connection, options: &SqliteOptions) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::ZERO)?;
    let begun = retry_while_busy(options, || connection.prepare_cached("BEGIN IMMEDIATE")?.execute([]));
    connection.busy_timeout(options.busy_timeout)?;
    begun.map(|_| ())
}

fn open(path: &Path, options: &SqliteOptions) -> Sql<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(options.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(256);
    // `fullfsync` is what "on the medium" means on macOS, and nothing elsewhere. The size limit keeps the
    // log from staying as large as the largest transaction was.
    connection.execute_batch(
        "PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; PRAGMA temp_store = MEMORY;
         PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -8192; PRAGMA trusted_schema = OFF",
    )?;
    Ok(connection)
}

/// The application id and the format of the file.
fn identity(connection: &Connection) -> Sql<(i32, u32)> {
    let application = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok((application, u32::try_from(version).unwrap_or(u32::MAX)))
}

/// A file with tables that are not ours stays as it is.
fn refuse_foreign(connection: &Connection, application: i32) -> Sql<()> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    // Read again: another process may have made the tables since.
    let (now, _) = identity(connection)?;
    if now == schema::APPLICATION_ID || (application == 0 && tables == 0) {
        return Ok(());
    }
    let message = "the file is the database of another program; give the path of a new file";
    Err(Error::new(ErrorKind::InvalidInput, "open store", message).into())
}

/// Write-ahead logging, so that readers and a writer do not wait for each other. The switch fails at once
/// where several connections try it, so it is repeated.
fn switch_to_wal(connection: &Connection, options: &SqliteOptions) -> Sql<()> {
    let mode: String = retry_while_busy(options, || {
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
    })?;
    if mode == "wal" {
        return Ok(());
    }
    let message = format!("the file keeps journal mode {mode}; give a path on a local disk");
    Err(Error::new(ErrorKind::Unsupported, "open store", message).into())
}

/// Whether it changed the file.
fn migrate(connection: &Connection) -> Sql<bool> {
    let (_, version) = identity(connection)?;
    let newest = schema::newest();
    if version > newest {
        let message = format!(
            "the file has format {version} and this version of expt-store knows formats up to {newest}; use a newer version"
        );
        return Err(Error::new(ErrorKind::Unsupported, "open store", message).into());
    }
    if version == newest {
        return Ok(false);
    }
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    for step in schema::STEPS.iter().skip(done) {
        connection.execute_batch(step)?;
    }
    connection.pragma_update(None, "application_id", schema::APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", newest)?;
    Ok(true)
}

fn retry_while_busy<T>(
    options: &SqliteOptions,
    mut attempt: impl FnMut() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let start = Instant::now();
    loop {
        match attempt() {
            Err(error) if is_busy(&error) && start.elapsed() < options.busy_timeout => {
                std::thread::sleep(Duration::from_millis(1));
            }
            result => return result,
        }
    }
}

/// Makes the name of a new file durable. Where folders cannot be synced, there is nothing to do.
fn sync_folder(path: &Path) {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Ok(folder) = std::fs::File::open(parent.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
}

/// Refuses paths that SQLite takes for a private database of each connection.
pub(super) fn check_path(path: &Path) -> Sql<()> {
    if !path.as_os_str().is_empty() && path != Path::new(":memory:") {
        return Ok(());
    }
    let message = format!(
        "path {:?} names no file; give the path of a file, or use MemoryStore",
        path.display().to_string()
    );
    Err(Fault::Store(Error::new(ErrorKind::InvalidInput, "open store", message)))
}
