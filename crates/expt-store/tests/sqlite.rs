//! The metadata suite on SQLite, and what only SQLite does: several processes, `kill -9`, formats.
#![cfg(feature = "sqlite")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests are tests; a child process answers on its standard output"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use expt_core::{Document, Experiment, MetricName, MetricPoint, Run, RunId, Timestamp};
use expt_store::blocking::wait;
use expt_store::testkit::{MetadataHarness, Opened};
use expt_store::{
    Durability, ErrorKind, PageOptions, RegistryCommit, RegistryStore, RunStore, RunStoreExt, SqliteOptions,
    SqliteStore, Update,
};
use tempfile::TempDir;

struct Sqlite;

fn path(opened: &Opened) -> std::path::PathBuf {
    opened.guard.downcast_ref::<TempDir>().unwrap().path().join("expt.db")
}

impl MetadataHarness for Sqlite {
    fn open(&self) -> Opened {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(folder.path().join("expt.db")).unwrap();
        Opened::new(store, Arc::new(folder))
    }

    fn handle(&self, opened: &Opened) -> Opened {
        Opened::new(SqliteStore::open(path(opened)).unwrap(), Arc::clone(&opened.guard))
    }

    fn reopen(&self, opened: Opened) -> Opened {
        let (path, guard) = (path(&opened), Arc::clone(&opened.guard));
        drop(opened);
        // Of the files beside it, the last handle leaves none.
        let left = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "the log is folded into the file when the last handle is dropped");
        Opened::new(SqliteStore::open(path).unwrap(), guard)
    }
}

expt_store::metadata_conformance!(Sqlite);

/// What a child process of these tests is asked to do: `ROLE PATH NUMBER`.
const ROLE: &str = "EXPT_STORE_TEST_ROLE";
const POINTS: u64 = 300;

/// Runs this test binary again, as the role.
fn child(role: &str, path: &Path, number: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_process", "--nocapture", "--test-threads=1"])
        .env(ROLE, format!("{role}\n{}\n{number}", path.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Not a test of its own: the body of the children of the others. Without a role it has nothing to do.
#[test]
fn child_process() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let parts: Vec<_> = role.split('\n').collect();
    let (path, number) = (Path::new(parts[1]), parts[2].parse().unwrap());
    match parts[0] {
        "write" => write_a_run(path, number),
        "read" => read_while_others_write(path, number),
        "append" => append_until_killed(path, number),
        other => panic!("no such role: {other}"),
    }
}

fn experiment() -> Experiment {
    Experiment {
        id: "e".parse().unwrap(),
        hypothesis: "h".into(),
        owner: "ada".parse().unwrap(),
        created: Timestamp::default(),
    }
}

fn create(store: &SqliteStore, number: u64) -> RunId {
    wait(store.create_experiment(&experiment())).unwrap();
    let run = Run::new(id(number), experiment().id, format!("run {number}"), Timestamp::default());
    wait(store.create_run(&run)).unwrap();
    run.id
}

fn id(number: u64) -> RunId {
    RunId::derive([number.to_le_bytes()])
}

fn loss() -> MetricName {
    MetricName::new("loss").unwrap()
}

fn point(step: u64) -> MetricPoint {
    MetricPoint { metric: loss(), step, value: step as f64, at: Timestamp::default() }
}

/// Opens the store, which several processes do at once, and writes a run with points.
fn write_a_run(path: &Path, number: u64) {
    let store = SqliteStore::open(path).unwrap();
    let run = create(&store, number);
    for step in 0..POINTS {
        let level = if step % 50 == 0 { Durability::Durable } else { Durability::Committed };
        wait(store.append_metrics(run, &[point(step)], level)).unwrap();
    }
}

/// Reads until `number` runs are complete; no state on the way may be torn.
fn read_while_others_write(path: &Path, number: u64) {
    let store = SqliteStore::open(path).unwrap();
    let start = Instant::now();
    loop {
        let runs = wait(store.find_runs("metrics.loss exists")).unwrap();
        for run in &runs {
            let summary = run.metrics["loss"];
            assert_eq!((summary.last_step + 1, summary.last), (summary.count, summary.last_step as f64));
        }
        let done = runs.iter().filter(|run| run.metrics["loss"].count == POINTS).count() as u64;
        if done == number {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{done} of {number} runs are complete");
    }
}

/// Appends for ever, saying after each append how many points are acknowledged.
fn append_until_killed(path: &Path, number: u64) {
    let store = SqliteStore::open(path).unwrap();
    let run = create(&store, number);
    println!("\nacknowledged 0");
    for step in 0.. {
        wait(store.append_metrics(run, &[point(step)], Durability::Committed)).unwrap();
        println!("\nacknowledged {}", step + 1);
    }
}

#[test]
fn many_processes_share_one_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("expt.db");
    // Nobody made the file: its first opening is a race.
    let writers: Vec<_> = (0..3).map(|number| child("write", &path, number)).collect();
    let reader = child("read", &path, 3);
    for child in writers.into_iter().chain([reader]) {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let store = SqliteStore::open(&path).unwrap();
    for number in 0..3 {
        let points = wait(store.metric_points(id(number), &loss())).unwrap();
        assert_eq!(points, (0..POINTS).map(point).collect::<Vec<_>>());
    }
}

#[test]
fn kill_9_loses_nothing_acknowledged() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("expt.db");
    for round in 0..3 {
        let mut child = child("append", &path, round);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = 0;
        let read = |line: String| line.strip_prefix("acknowledged ").and_then(|n| n.parse::<u64>().ok());
        while acknowledged < 200 * (round + 1) {
            let line = lines.next().expect("the child lives").unwrap();
            acknowledged = read(line).unwrap_or(acknowledged);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it died, too.
        acknowledged = lines.map_while(Result::ok).filter_map(read).last().unwrap_or(acknowledged);
        let store = SqliteStore::open(&path).unwrap();
        let points = wait(store.metric_points(id(round), &loss())).unwrap();
        let count = points.len() as u64;
        assert!(count >= acknowledged, "{count} of {acknowledged} acknowledged points");
        assert_eq!(points, (0..count).map(point).collect::<Vec<_>>());
        assert_eq!(wait(store.run(id(round))).unwrap().metrics["loss"].count, count);
    }
}

fn refused(path: &Path) -> ErrorKind {
    let options = SqliteOptions::default().with_busy_timeout(Duration::from_millis(200));
    SqliteStore::open_with(path, options).unwrap_err().kind()
}

#[test]
fn files_of_others_and_of_newer_formats_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    drop(SqliteStore::open(path("newer.db")).unwrap());
    let change = |name: &str, sql: &str| {
        rusqlite::Connection::open(path(name)).unwrap().execute_batch(sql).unwrap();
    };
    change("newer.db", "PRAGMA user_version = 9");
    assert_eq!(refused(&path("newer.db")), ErrorKind::Unsupported);
    change("foreign.db", "CREATE TABLE theirs (x)");
    let before = std::fs::read(path("foreign.db")).unwrap();
    assert_eq!(refused(&path("foreign.db")), ErrorKind::InvalidInput);
    assert_eq!(std::fs::read(path("foreign.db")).unwrap(), before, "it stays as it is");
    std::fs::write(path("text.db"), "no database, but longer than a header of one, ".repeat(90)).unwrap();
    assert_eq!(refused(&path("text.db")), ErrorKind::Corrupted);
    assert_eq!(refused(&path("no/such/folder/expt.db")), ErrorKind::Unavailable);
    assert_eq!(refused(Path::new(":memory:")), ErrorKind::InvalidInput);
    assert_eq!(refused(Path::new("")), ErrorKind::InvalidInput);
}

#[test]
fn a_file_that_others_hold_is_unavailable_and_then_works() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("expt.db");
    let options = SqliteOptions::default().with_busy_timeout(Duration::from_millis(100)).with_queue(1);
    let store = SqliteStore::open_with(&path, options).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = wait(store.create_experiment(&experiment())).unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("busy timeout"), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    wait(store.create_experiment(&experiment())).unwrap();
}

#[test]
fn damaged_content_is_corruption() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("expt.db");
    let store = SqliteStore::open(&path).unwrap();
    let run = create(&store, 1);
    wait(store.append_metrics(run, &[point(1)], Durability::Durable)).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("UPDATE chunks SET data = x'02180000'; UPDATE runs SET status = 'lost'").unwrap();
    assert_eq!(wait(store.metric_points(run, &loss())).unwrap_err().kind(), ErrorKind::Corrupted);
    assert_eq!(wait(store.run(run)).unwrap_err().kind(), ErrorKind::Corrupted);
}

#[test]
fn dropping_the_store_does_what_is_queued() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("expt.db");
    let store = SqliteStore::open(&path).unwrap();
    let run = create(&store, 1);
    {
        // Begun, and then nobody waits for them.
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let points: Vec<_> = (0..100).map(|step| [point(step)]).collect();
        for point in &points {
            let mut append = store.append_metrics(run, point, Durability::Committed);
            let _ = append.as_mut().poll(&mut context);
        }
    }
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(wait(store.run(run)).unwrap().metrics["loss"].count, 100);
}

#[test]
fn changes_that_share_a_commit_stand_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("expt.db");
    let store = SqliteStore::open(&path).unwrap();
    let document = |name: &str, version| {
        Update::PutDocument(Document::seal("k", name, version, "x", Timestamp::default()).unwrap())
    };
    // The second fails at its second update, after its first has been done.
    let commits = [
        RegistryCommit::new().update(document("first", 1)),
        RegistryCommit::new().update(document("second", 1)).update(document("second", 0)),
        RegistryCommit::new().update(document("third", 1)),
    ];
    // While another holds the lock, the writer waits with what came first and the rest is queued.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let experiment = experiment();
    let mut waiting = store.create_experiment(&experiment);
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    std::thread::sleep(Duration::from_millis(50));
    let mut queued: Vec<_> = commits.iter().map(|commit| store.commit(commit)).collect();
    assert!(queued.iter_mut().all(|commit| commit.as_mut().poll(&mut context).is_pending()));
    other.execute_batch("ROLLBACK").unwrap();
    wait(waiting).unwrap();
    let went: Vec<_> = queued.into_iter().map(|commit| wait(commit).is_ok()).collect();
    assert_eq!(went, [true, false, true]);
    let found = wait(store.documents("k", &PageOptions::default())).unwrap().items;
    assert_eq!(found.iter().map(|document| document.name.as_str()).collect::<Vec<_>>(), ["first", "third"]);
}
