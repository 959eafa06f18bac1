//! The threads that own the connections.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::SqliteOptions;
use super::fault::{Fault, Sql, describe};
use super::migrate::{begin_immediate, open_reader, open_writer};
use super::queue::Queue;
use crate::{Durability, Error, ErrorKind, Result, oneshot};

/// One thread that writes, in groups, and some that read. Dropped, it does what is queued and joins them.
pub(super) struct Actor {
    writes: Arc<Queue<Write>>,
    reads: Arc<Queue<Read>>,
    writer: Option<JoinHandle<()>>,
    readers: Vec<JoinHandle<()>>,
}

impl Actor {
    pub(super) fn start(path: &Path, options: SqliteOptions) -> Result<Self> {
        let fault = |fault: Fault| fault.into_error("open store");
        let writer = open_writer(path, &options).map_err(fault)?;
        let readers = (0..options.readers.max(1)).map(|_| open_reader(path, &options));
        let readers: Vec<Connection> = readers.collect::<Sql<_>>().map_err(fault)?;
        let writes = Arc::new(Queue::new(options.queue.max(1)));
        let reads = Arc::new(Queue::new(options.queue.max(1)));
        // Complete before the first thread starts, so that an early return joins those that run.
        let mut actor = Self {
            writes: Arc::clone(&writes),
            reads: Arc::clone(&reads),
            writer: None,
            readers: Vec::new(),
        };
        actor.writer = Some(spawn("expt-sqlite-write", move || write_all(&writer, &writes, &options))?);
        for reader in readers {
            let reads = Arc::clone(&reads);
            actor.readers.push(spawn("expt-sqlite-read", move || read_all(&reader, &reads))?);
        }
        Ok(actor)
    }

    /// Runs the work in a transaction of the writer. On return it is committed at the level.
    ///
    /// A call whose future is dropped after it began may still take effect.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        durability: Durability,
        work: impl FnOnce(&Connection) -> Sql<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let work = Pending { operation, work: Some(work), result: None, reply };
        self.writes.push(Write { durability, work: Box::new(work) }).await;
        answer.await.unwrap_or_else(|| Err(gone(operation)))
    }

    /// Runs the work in a transaction of a reader, which sees one state of the database.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Sql<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let read = move |connection: &Connection| {
            let result = snapshot(connection, work);
            reply.send(result.map_err(|fault| fault.into_error(operation)));
        };
        self.reads.push(Box::new(read)).await;
        answer.await.unwrap_or_else(|| Err(gone(operation)))
    }
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actor").field("readers", &self.readers.len()).finish_non_exhaustive()
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        // The writer closes its connection last: the last to close folds the log into the file, and two that
        // close at once each leave it to the other.
        self.reads.close();
        join(self.readers.drain(..));
        self.writes.close();
        join(self.writer.take());
    }
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    let current = std::thread::current().id();
    for thread in threads {
        // A waker may drop the last handle on one of these threads, which cannot wait for itself. One that
        // panicked has told its callers already.
        if thread.thread().id() != current {
            let _ = thread.join();
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).spawn(work).map_err(|error| {
        let message = "no thread can be started; lower the number of threads of this process";
        Error::new(ErrorKind::Unavailable, "open store", message).with_source(error)
    })
}

type Read = Box<dyn FnOnce(&Connection) + Send>;

struct Write {
    durability: Durability,
    work: Box<dyn Work>,
}

/// One change: done in a transaction, answered when that has ended.
trait Work: Send {
    /// Does it; whether it went well.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Answers with what `run` gave, or with the fault of the transaction.
    fn answer(self: Box<Self>, fault: Option<&rusqlite::Error>);
}

struct Pending<T, F> {
    operation: &'static str,
    work: Option<F>,
    result: Option<Sql<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: FnOnce(&Connection) -> Sql<T> + Send> Work for Pending<T, F> {
    fn run(&mut self, connection: &Connection) -> bool {
        self.result = self.work.take().map(|work| work(connection));
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, fault: Option<&rusqlite::Error>) {
        let Self { operation, result, reply, .. } = *self;
        reply.send(match (result, fault) {
            (Some(Err(own)), _) => Err(own.into_error(operation)),
            (_, Some(fault)) => Err(describe(fault, operation)),
            (Some(result), None) => result.map_err(|fault| fault.into_error(operation)),
            (None, None) => Err(gone(operation)),
        });
    }
}

/// If the thread dies, so does its queue: nobody may wait for it.
struct Guard<'a, J>(&'a Queue<J>);

impl<J> Drop for Guard<'_, J> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

fn read_all(connection: &Connection, queue: &Queue<Read>) {
    let _guard = Guard(queue);
    loop {
        let jobs = queue.pop(1);
        if jobs.is_empty() {
            return;
        }
        jobs.into_iter().for_each(|job| job(connection));
    }
}

fn snapshot<T>(connection: &Connection, work: impl FnOnce(&Connection) -> Sql<T>) -> Sql<T> {
    execute(connection, "BEGIN")?;
    let result = work(connection);
    // Ending a transaction that only read cannot lose anything.
    let ended = execute(connection, "ROLLBACK");
    let value = result?;
    ended?;
    Ok(value)
}

fn write_all(connection: &Connection, queue: &Queue<Write>, options: &SqliteOptions) {
    let _guard = Guard(queue);
    let mut synchronous = None;
    loop {
        let mut jobs = queue.pop(GROUP);
        if jobs.is_empty() {
            return;
        }
        while !jobs.is_empty() {
            let durability = jobs.iter().map(|job| job.durability).max();
            let full = durability == Some(Durability::Durable);
            jobs = match begin(connection, full, &mut synchronous, options) {
                Ok(()) => write_group(connection, jobs),
                Err(fault) => {
                    jobs.into_iter().for_each(|job| job.work.answer(Some(&fault)));
                    Vec::new()
                }
            };
        }
    }
}

/// In write-ahead mode, a commit is synced at level FULL and not at NORMAL; a sync covers all commits
/// before it. The level cannot change inside a transaction.
fn begin(
    connection: &Connection,
    full: bool,
    level: &mut Option<bool>,
    options: &SqliteOptions,
) -> rusqlite::Result<()> {
    if *level != Some(full) {
        let level = if full { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
        connection.execute_batch(level)?;
    }
    *level = Some(full);
    begin_immediate(connection, options)
}

/// Does the jobs in the open transaction, each in its own savepoint, and commits. Gives back those that it
/// did not come to.
fn write_group(connection: &Connection, jobs: Vec<Write>) -> Vec<Write> {
    let mut done = Vec::new();
    let mut any = false;
    let mut jobs = jobs.into_iter();
    for mut job in jobs.by_ref() {
        let mut fault = execute(connection, "SAVEPOINT job").err();
        if fault.is_none() {
            let went_well = job.work.run(connection);
            any |= went_well;
            let undo = if went_well { None } else { execute(connection, "ROLLBACK TO job").err() };
            fault = undo.or_else(|| execute(connection, "RELEASE job").err());
        }
        done.push(job);
        if let Some(fault) = fault.filter(|_| connection.is_autocommit()) {
            // A full disk or the like has ended the whole transaction: nothing of this group happened.
            done.into_iter().for_each(|job| job.work.answer(Some(&fault)));
            return jobs.collect();
        }
    }
    let ended = execute(connection, if any { "COMMIT" } else { "ROLLBACK" });
    if ended.is_err() && !connection.is_autocommit() {
        let _ = execute(connection, "ROLLBACK");
    }
    done.into_iter().for_each(|job| job.work.answer(ended.as_ref().err()));
    Vec::new()
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

fn gone(operation: &'static str) -> Error {
    let message = "the thread of the store has ended; open the store again";
    Error::new(ErrorKind::Internal, operation, message)
}

/// The most changes that share a commit.
const GROUP: usize = 128;
