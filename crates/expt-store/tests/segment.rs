//! The event segments: the suite, and what is their own: format, crashes, damage.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use expt_core::{Event, Outcome, OutcomeId, Output, Prediction, Subject};
use expt_store::blocking::wait;
use expt_store::segment::{SegmentOptions, SegmentStore, read_segment};
use expt_store::testkit::event::{EventHarness, sample};
use expt_store::{
    Durability, ErrorKind, EventScan, EventStore, EventStoreExt, MemoryEvents, PageOptions, Result,
};
use tempfile::TempDir;

struct Segments(TempDir);

impl EventHarness for Segments {
    fn fresh() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Arc<dyn EventStore> {
        Arc::new(SegmentStore::open(self.0.path().join("events")).unwrap())
    }
}

mod segments {
    expt_store::event_conformance!(super::Segments);
}

/// A new file every few calls.
struct SmallSegments(TempDir);

impl EventHarness for SmallSegments {
    fn fresh() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Arc<dyn EventStore> {
        let options = SegmentOptions::default().with_max_segment_bytes(2000).with_buffer_bytes(100);
        Arc::new(SegmentStore::open_with(self.0.path(), options).unwrap())
    }
}

mod small_segments {
    expt_store::event_conformance!(super::SmallSegments);
}

struct Memory(Arc<MemoryEvents>);

impl EventHarness for Memory {
    fn fresh() -> Self {
        Self(Arc::default())
    }

    fn open(&self) -> Arc<dyn EventStore> {
        Arc::clone(&self.0) as _
    }
}

mod memory {
    expt_store::event_conformance!(super::Memory);
}

fn append(store: &SegmentStore, events: &[Event]) {
    wait(store.append(events, Durability::Committed)).unwrap();
}

fn scan(dir: &Path) -> Result<Vec<Event>> {
    wait(SegmentStore::open(dir)?.scan_all(&EventScan::all()))
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn only_file(dir: &Path) -> PathBuf {
    let files = files(dir);
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

/// The bytes of one segment that was written with these calls.
fn written(calls: &[&[Event]]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let store = SegmentStore::open(dir.path()).unwrap();
    calls.iter().for_each(|events| append(&store, events));
    fs::read(only_file(dir.path())).unwrap()
}

/// The events of the golden file, in the calls with which they were appended.
fn golden() -> Vec<Vec<Event>> {
    serde_json::from_str(include_str!("../testdata/events-v1.json")).unwrap()
}

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/events-v1.seg");

#[test]
fn files_of_version_1_read_and_are_written_as_ever() {
    let bytes = fs::read(GOLDEN).unwrap();
    assert_eq!(read_segment(&bytes).unwrap(), golden().concat());
    let calls = golden();
    let calls: Vec<&[Event]> = calls.iter().map(Vec::as_slice).collect();
    assert_eq!(written(&calls), bytes, "a change here is a new version of the format");
}

#[test]
fn a_prediction_takes_at_most_64_bytes() {
    let stamp = expt_store::testkit::event::stamp(0);
    let predictions: Vec<Event> = (0..10_000)
        .map(|index: u32| {
            let id = |kind: &str| [kind.to_owned(), index.to_string()];
            Event::Prediction(Prediction {
                id: expt_core::PredictionId::derive(id("prediction")),
                at: expt_core::Timestamp::from_micros(1_772_368_200_000_000 + i64::from(index) * 731),
                request: expt_core::RequestId::derive(id("request")),
                unit: format!("user-{:08}", index.wrapping_mul(2_654_435_761) % 100_000_000).parse().unwrap(),
                unit_kind: "user".parse().unwrap(),
                stamp: Arc::clone(&stamp),
                output: Output::Value(f64::from(index) / 7.0),
            })
        })
        .collect();
    for batch in [1, 100, 10_000] {
        let calls: Vec<&[Event]> = predictions.chunks(batch).collect();
        let bytes = written(&calls).len();
        let each = bytes as f64 / predictions.len() as f64;
        println!("batches of {batch}: {each:.2} bytes a prediction");
        assert!(each <= if batch == 1 { 90.0 } else { 64.0 }, "{each} bytes in batches of {batch}");
    }
}

#[test]
fn a_segment_that_is_cut_anywhere_has_a_prefix_of_whole_calls() {
    let events = sample(24);
    let calls: Vec<&[Event]> = events.chunks(5).collect();
    let bytes = written(&calls);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.seg");
    let (mut most, further) = (0, sample(2));
    for length in 0..=bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        let found = scan(dir.path()).unwrap();
        assert!(found.len().is_multiple_of(5) || found.len() == 24, "half a call at {length}");
        assert_eq!(found, events[..found.len()], "at {length}");
        assert!(found.len() >= most);
        most = found.len();
        let report = SegmentStore::open(dir.path()).unwrap().report().unwrap();
        assert_eq!((report[0].bytes, report[0].events()), (length as u64, found.len() as u64));
        assert!(report[0].damage.is_none() && (length < bytes.len() || report[0].torn_bytes == 0));
    }
    assert_eq!(most, 24);
    // Appending behind a torn tail never touches it.
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    append(&SegmentStore::open(dir.path()).unwrap(), &further);
    assert_eq!(fs::read(&path).unwrap().len(), bytes.len() - 1);
    let found = scan(dir.path()).unwrap();
    assert_eq!(found.len(), 20 + 2);
}

#[test]
fn a_flipped_bit_is_an_error_or_a_torn_end_and_never_another_event() {
    let events = sample(12);
    let calls: Vec<&[Event]> = events.chunks(4).collect();
    let mut bytes = written(&calls);
    let last_frame = written(&calls[..2]).len();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            match read_segment(&bytes) {
                Ok(found) => {
                    assert_eq!(found, events[..8], "byte {at} bit {bit}");
                    assert!(at >= last_frame, "damage at byte {at} bit {bit} was not noticed");
                }
                Err(error) => {
                    let expected = [ErrorKind::Corrupted, ErrorKind::Unsupported];
                    assert!(expected.contains(&error.kind()), "{error}");
                    assert!(at < last_frame);
                }
            }
            bytes[at] ^= 1 << bit;
        }
    }
}

#[test]
fn damage_is_reported_with_file_and_place_and_does_not_hide_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let events = sample(12);
    let mut bytes = written(&[&events[..4], &events[4..8], &events[8..]]);
    let second = written(&[&events[..4]]).len();
    bytes[second + 40] ^= 1;
    fs::write(dir.path().join("b.seg"), &bytes).unwrap();
    fs::write(dir.path().join("a.seg"), written(&[&events])).unwrap();
    fs::write(dir.path().join("c.seg"), b"no event segment at all").unwrap();
    let error = scan(dir.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupted);
    let text = error.to_string();
    assert!(text.contains("b.seg") && text.contains(&format!("at byte {second}")), "{text}");
    let report = SegmentStore::open(dir.path()).unwrap().report().unwrap();
    let counts: Vec<_> = report.iter().map(|of| (of.events(), of.damage.is_some())).collect();
    assert_eq!(counts, [(12, false), (4, true), (0, true)]);
    assert_eq!(serde_json::to_value(&report).unwrap()[0]["torn_bytes"], 0);
}

#[test]
fn a_later_format_is_refused_and_other_files_are_ignored() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = written(&[&sample(1)]);
    bytes[8] = 2;
    for name in ["notes.txt", "x.seg.bak", "with space.seg", "ü.seg"] {
        fs::write(dir.path().join(name), &bytes).unwrap();
    }
    assert!(scan(dir.path()).unwrap().is_empty());
    fs::write(dir.path().join("later.seg"), &bytes).unwrap();
    let error = scan(dir.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("newer library"), "{error}");
}

/// Frames that are whole, around payloads that say anything.
#[test]
fn forged_payloads_are_errors() {
    let bytes = written(&[&sample(8)]);
    let payload = bytes[32..].to_vec();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    for round in 0..30_000 {
        let mut forged = payload.clone();
        for _ in 0..=round % 4 {
            let at = (next() % forged.len() as u64) as usize;
            forged[at] = next() as u8;
        }
        forged.truncate(1 + (next() % (forged.len() as u64 * 2)) as usize);
        let mut file = bytes[..16].to_vec();
        let length = u32::try_from(forged.len()).unwrap().to_le_bytes();
        file.extend(length);
        file.extend(&blake3_of(&[&16_u64.to_le_bytes(), &length])[..4]);
        file.extend(&blake3_of(&[&forged])[..8]);
        file.extend(forged);
        if let Err(error) = read_segment(&file) {
            assert_eq!(error.kind(), ErrorKind::Corrupted);
        }
    }
}

fn blake3_of(parts: &[&[u8]]) -> [u8; 32] {
    *expt_core::Digest::of(&parts.concat()).as_bytes()
}

#[test]
fn a_handle_makes_files_only_when_it_writes_and_rotates_by_size() {
    let dir = tempfile::tempdir().unwrap();
    let options = SegmentOptions::default().with_max_segment_bytes(4000);
    let store = SegmentStore::open_with(dir.path(), options).unwrap();
    wait(store.append(&sample(1), Durability::Buffered)).unwrap();
    wait(store.scan_all(&EventScan::all())).unwrap();
    assert!(files(dir.path()).is_empty());
    let events = sample(1000);
    events.chunks(10).for_each(|call| append(&store, call));
    let files = files(dir.path());
    assert!(files.len() > 10);
    for file in &files {
        assert!(fs::metadata(file).unwrap().len() < 4000 + 2000);
        // Each stands alone.
        read_segment(&fs::read(file).unwrap()).unwrap();
    }
    let found = scan(dir.path()).unwrap();
    assert_eq!(found, [sample(1), events].concat());
}

#[test]
fn buffered_events_are_written_when_the_handle_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let store = SegmentStore::open(dir.path()).unwrap();
    wait(store.append(&sample(9), Durability::Buffered)).unwrap();
    drop(store);
    assert_eq!(scan(dir.path()).unwrap(), sample(9));
}

/// The folder is gone for a while: calls fail, nothing of them is kept, what was buffered is.
#[test]
fn a_failed_write_loses_its_call_only() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("events");
    let store = SegmentStore::open(&dir).unwrap();
    let events = sample(30);
    fs::remove_dir(&dir).unwrap();
    wait(store.append(&events[..10], Durability::Buffered)).unwrap();
    for _ in 0..3 {
        let error = wait(store.append(&events[10..20], Durability::Committed)).unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert!(wait(store.flush(Durability::Committed)).is_err());
    }
    fs::create_dir(&dir).unwrap();
    append(&store, &events[20..]);
    assert_eq!(scan(&dir).unwrap(), [&events[..10], &events[20..]].concat());
}

#[test]
fn a_call_larger_than_a_frame_and_an_event_larger_than_that() {
    let dir = tempfile::tempdir().unwrap();
    let store = SegmentStore::open(dir.path()).unwrap();
    let ranked = |index: usize, bytes: usize| {
        let Some(Event::Prediction(mut row)) =
            sample(index + 3).into_iter().rev().find(|event| matches!(event, Event::Prediction(_)))
        else {
            panic!("no prediction in the sample");
        };
        row.output = Output::Items(vec![expt_core::ScoredItem { key: "k".repeat(bytes), score: 0.0 }]);
        Event::Prediction(row)
    };
    let error = wait(store.append(&[ranked(0, 10), ranked(1, 65 << 20)], Durability::Durable)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(scan(dir.path()).unwrap().is_empty());
    let large: Vec<Event> = (0..5).map(|index| ranked(index, 20 << 20)).collect();
    append(&store, &large);
    append(&store, &sample(5));
    assert!(scan(dir.path()).unwrap() == [large, sample(5)].concat());
}

#[test]
fn a_token_of_a_segment_that_is_gone_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    append(&SegmentStore::open(dir.path()).unwrap(), &sample(10));
    let page = |store: &SegmentStore, token| {
        let page = PageOptions::default().with_limit(3).with_token(token);
        wait(store.scan(&EventScan::all(), &page))
    };
    let token = page(&SegmentStore::open(dir.path()).unwrap(), None).unwrap().next;
    let other = SegmentStore::open(dir.path()).unwrap();
    assert_eq!(page(&other, token.clone()).unwrap().items, sample(10)[3..6]);
    fs::remove_file(only_file(dir.path())).unwrap();
    let error = page(&SegmentStore::open(dir.path()).unwrap(), token).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

const CHILD: &str = "EXPT_SEGMENT_TEST_CHILD";
const EACH: u32 = 3;

/// The events of one call of the child.
fn of_call(call: u32) -> Vec<Event> {
    let event = |place| {
        Event::Outcome(Outcome {
            id: OutcomeId::derive([format!("{call} {place}")]),
            at: "2026-03-01".parse().unwrap(),
            received: "2026-03-01".parse().unwrap(),
            subject: Subject::Unit { unit: "u".parse().unwrap(), unit_kind: "user".parse().unwrap() },
            metric: "click".parse().unwrap(),
            value: f64::from(call * EACH + place),
        })
    };
    (0..EACH).map(event).collect()
}

/// The test starts itself as a child that appends and says what was acknowledged, and kills it.
#[test]
fn what_was_acknowledged_survives_kill_9() {
    if let Some(dir) = std::env::var_os(CHILD) {
        let options = SegmentOptions::default().with_max_segment_bytes(20_000);
        let store = SegmentStore::open_with(dir, options).unwrap();
        for call in 0.. {
            append(&store, &of_call(call));
            println!("acknowledged {call}");
        }
    }
    for round in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["what_was_acknowledged_survives_kill_9", "--exact", "--nocapture"])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(60 + 37 * round));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        let acknowledged = output.lines().map_while(std::io::Result::ok);
        let acknowledged = acknowledged.filter(|line| line.contains("acknowledged")).count();
        killer.join().unwrap();
        assert!(acknowledged > 0, "the child was killed before it wrote anything");
        let found = scan(dir.path()).unwrap();
        let calls = found.len() / EACH as usize;
        assert!(calls >= acknowledged, "{acknowledged} acknowledged, {calls} found");
        assert_eq!(found, (0..u32::try_from(calls).unwrap()).flat_map(of_call).collect::<Vec<_>>());
    }
}

/// Makes the golden files anew: only for a new version of the format, under a new name.
/// `EXPT_WRITE_GOLDEN=1 cargo test -p expt-store --test segment golden`
#[test]
fn golden_files_are_only_written_on_demand() {
    if std::env::var_os("EXPT_WRITE_GOLDEN").is_some() {
        let events = sample(48);
        let calls: Vec<&[Event]> = events.chunks(12).collect();
        let json = GOLDEN.replace(".seg", ".json");
        fs::write(json, serde_json::to_string_pretty(&calls).unwrap() + "\n").unwrap();
        fs::write(GOLDEN, written(&calls)).unwrap();
    }
    assert_eq!(golden().len(), 4);
}
