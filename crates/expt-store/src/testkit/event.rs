//! What every [`EventStore`] must do. [`event_conformance!`](crate::event_conformance) makes the tests.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "the cases are tests: they fail by panicking"
)]

mod sample;

use std::sync::Arc;
use std::thread;

use expt_core::{
    Event, ExposureTarget, HoldoutId, MergedPosition, MetricName, OutcomeId, Output, PhaseId, PinStatus,
    PredictionId, ScoredItem, Shown, Stamp, Subject, Timestamp, UnitId, UnitKind,
};

use self::sample::{exposure, merged_list, outcome, prediction, second};
use crate::blocking::wait;
use crate::{
    Durability, ErrorKind, EventScan, EventStore, EventStoreExt, EventTable, PageOptions, PageToken,
};

pub use self::sample::{sample, stamp};

/// A place for events: makes a store and opens it as often as a case asks.
///
/// The value holds what the store lives in, such as a temporary folder, and removes it when it is dropped.
pub trait EventHarness: Sync {
    /// A place without events.
    fn fresh() -> Self;

    /// A handle on the store of this place. Further calls give further handles, as other processes have;
    /// a store that has no such thing gives the same one.
    fn open(&self) -> Arc<dyn EventStore>;
}

/// Makes one test of each case that every [`EventStore`] must pass, for a type that is an
/// [`EventHarness`](crate::testkit::event::EventHarness).
#[macro_export]
macro_rules! event_conformance {
    ($harness:ty) => {
        $crate::event_conformance! { @cases $harness:
            an_empty_store_has_no_events
            events_come_back_in_order
            an_empty_append_is_nothing
            every_level_of_durability_reads_back
            another_handle_sees_what_is_committed
            pages_join_to_the_whole
            filters_choose_by_table_and_half_open_time
            a_token_of_another_scan_is_refused
            one_prediction_is_found_by_id
            every_kind_of_stamp_and_target_comes_back
            odd_numbers_keep_their_bits
            hostile_texts_come_back
            long_lists_and_empty_lists_come_back
            a_large_call_comes_back
            concurrent_writers_lose_nothing_and_keep_their_order
            a_scan_among_appends_sees_whole_calls_in_order
        }
    };
    (@cases $harness:ty: $($case:ident)+) => {$(
        #[test]
        fn $case() {
            $crate::testkit::event::$case(&<$harness as $crate::testkit::event::EventHarness>::fresh());
        }
    )+};
}

/// A store that was just made.
pub fn an_empty_store_has_no_events(harness: &impl EventHarness) {
    let store = harness.open();
    wait(store.flush(Durability::Durable)).unwrap();
    let page = wait(store.scan(&EventScan::all(), &PageOptions::default())).unwrap();
    assert!(page.items.is_empty() && page.next.is_none());
}

/// All rows of all tables, field by field.
pub fn events_come_back_in_order(harness: &impl EventHarness) {
    let (store, events) = (harness.open(), sample(40));
    for call in events.chunks(7) {
        wait(store.append(call, Durability::Committed)).unwrap();
    }
    assert_eq!(all(&*store), events);
}

/// A call without events.
pub fn an_empty_append_is_nothing(harness: &impl EventHarness) {
    let store = harness.open();
    for level in LEVELS {
        wait(store.append(&[], level)).unwrap();
    }
    assert!(all(&*store).is_empty());
}

/// Buffered, committed and durable calls, mixed, keep their order.
pub fn every_level_of_durability_reads_back(harness: &impl EventHarness) {
    let (store, events) = (harness.open(), sample(30));
    for (index, event) in events.iter().enumerate() {
        wait(store.append(std::slice::from_ref(event), LEVELS[index % 3])).unwrap();
    }
    for level in LEVELS {
        wait(store.flush(level)).unwrap();
    }
    assert_eq!(all(&*store), events);
}

/// What is committed is there for others at once, and after the handle is gone.
pub fn another_handle_sees_what_is_committed(harness: &impl EventHarness) {
    let (first, events) = (harness.open(), sample(12));
    let (before, after) = events.split_at(7);
    let second = harness.open();
    wait(first.append(before, Durability::Committed)).unwrap();
    assert_eq!(all(&*second), before);
    wait(first.append(after, Durability::Buffered)).unwrap();
    wait(first.flush(Durability::Durable)).unwrap();
    drop((first, second));
    assert_eq!(all(&*harness.open()), events);
}

/// Pages of any size, read by fresh handles or one, are the whole list.
pub fn pages_join_to_the_whole(harness: &impl EventHarness) {
    let (store, events) = (harness.open(), sample(50));
    for call in events.chunks(9) {
        wait(store.append(call, Durability::Committed)).unwrap();
    }
    for limit in [1, 2, 7, 49, 50, 51, u32::MAX] {
        for anew in [false, true] {
            let (mut found, mut page) = (Vec::new(), PageOptions::default().with_limit(limit));
            loop {
                let reader = if anew { harness.open() } else { Arc::clone(&store) };
                let next = wait(reader.scan(&EventScan::all(), &page)).unwrap();
                assert!(u32::try_from(next.items.len()).unwrap() <= limit);
                found.extend(next.items);
                match next.next {
                    Some(token) => page.token = Some(PageToken::new(token.as_str())),
                    None => break,
                }
            }
            assert_eq!(found, events, "limit {limit}");
        }
    }
}

/// Every table, and times at the borders of the interval.
pub fn filters_choose_by_table_and_half_open_time(harness: &impl EventHarness) {
    let (store, events) = (harness.open(), sample(60));
    wait(store.append(&events, Durability::Committed)).unwrap();
    let tables = [
        None,
        Some(EventTable::Exposures),
        Some(EventTable::Predictions),
        Some(EventTable::Outcomes),
        Some(EventTable::MergedLists),
    ];
    let times = [(i64::MIN, i64::MAX), (0, 1), (5, 25), (25, 5), (59, 60), (60, 99)];
    for table in tables {
        for (from, until) in times {
            let scan = EventScan { table, ..EventScan::default() }.between(second(from), second(until));
            let expected: Vec<_> = events.iter().filter(|event| scan.accepts(event)).cloned().collect();
            let mut found = Vec::new();
            let mut page = PageOptions::default().with_limit(4);
            loop {
                let next = wait(store.scan(&scan, &page)).unwrap();
                found.extend(next.items);
                match next.next {
                    Some(token) => page.token = Some(token),
                    None => break,
                }
            }
            assert_eq!(found, expected, "{scan:?}");
        }
    }
}

/// Tokens of other scans, and texts that are no tokens.
pub fn a_token_of_another_scan_is_refused(harness: &impl EventHarness) {
    let store = harness.open();
    wait(store.append(&sample(20), Durability::Committed)).unwrap();
    let page = wait(store.scan(&EventScan::all(), &PageOptions::default().with_limit(3))).unwrap();
    let token = page.next.unwrap();
    let mut tokens = vec![(EventScan::of(EventTable::Outcomes), token.clone())];
    for text in
        ["", "0", "../../etc/passwd", "a:b:c", "\u{0}", &"9".repeat(5000), &token.as_str().replace('.', ":")]
    {
        tokens.push((EventScan::all(), PageToken::new(text)));
    }
    for cut in 0..token.as_str().len() {
        tokens.push((EventScan::all(), PageToken::new(&token.as_str()[..cut])));
    }
    for (scan, token) in tokens {
        let page = PageOptions::default().with_token(Some(token.clone()));
        let error = wait(store.scan(&scan, &page)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{token:?}: {error}");
    }
}

/// The extension that lineage is built on.
pub fn one_prediction_is_found_by_id(harness: &impl EventHarness) {
    let (store, events) = (harness.open(), sample(40));
    wait(store.append(&events, Durability::Committed)).unwrap();
    for event in &events {
        if let Event::Prediction(row) = event {
            assert_eq!(wait(store.prediction(row.id)).unwrap().as_ref(), Some(row));
        }
    }
    assert_eq!(wait(store.prediction(PredictionId::derive(["no such"]))).unwrap(), None);
}

/// Stamps that repeat, that differ in one field only, and that are equal but not the same `Arc`.
pub fn every_kind_of_stamp_and_target_comes_back(harness: &impl EventHarness) {
    let store = harness.open();
    let base = stamp(0);
    let change = |change: &dyn Fn(&mut Stamp)| {
        let mut stamp = (*base).clone();
        change(&mut stamp);
        Arc::new(stamp)
    };
    let mut stamps = vec![Arc::clone(&base), change(&|_| ())];
    for shown in [
        Shown::Arm,
        Shown::Holdout(HoldoutId::new("a").unwrap()),
        Shown::Holdout(HoldoutId::new("b").unwrap()),
        Shown::Excluded,
        Shown::Forced,
        Shown::Fallback,
        Shown::Production,
        Shown::Shadow,
    ] {
        stamps.push(change(&|stamp| stamp.shown = shown.clone()));
    }
    for pin in [PinStatus::Verified, PinStatus::Mismatch, PinStatus::Unchecked] {
        stamps.push(change(&|stamp| stamp.model.pin = pin));
        stamps.push(change(&|stamp| (stamp.model.pin, stamp.model.features) = (pin, None)));
    }
    stamps.push(change(&|stamp| stamp.arms.clear()));
    stamps.push(change(&|stamp| stamp.arms.reverse()));
    stamps.push(change(&|stamp| stamp.config_version = u32::MAX));
    stamps.push(change(&|stamp| stamp.model.version = u32::MAX));
    let mut events = Vec::new();
    for round in 0..3 {
        for (index, stamp) in stamps.iter().enumerate() {
            let mut row = prediction(index + 100 * round);
            row.stamp = Arc::clone(stamp);
            events.push(Event::Prediction(row));
            let mut row = exposure(index);
            if let ExposureTarget::Arm { epoch, .. } = &mut row.target {
                *epoch = u32::MAX - u32::try_from(index).unwrap();
            }
            events.push(Event::Exposure(row));
        }
    }
    for call in events.chunks(5) {
        wait(store.append(call, Durability::Committed)).unwrap();
    }
    assert_eq!(all(&*store), events);
}

/// NaN with its payload, infinities, zeros of both signs, and the ends of time.
pub fn odd_numbers_keep_their_bits(harness: &impl EventHarness) {
    let store = harness.open();
    let bits = [
        f64::NAN.to_bits(),
        0x7ff0_0000_0000_0001,
        0xfff8_dead_beef_cafe,
        f64::INFINITY.to_bits(),
        f64::NEG_INFINITY.to_bits(),
        (-0.0_f64).to_bits(),
        0,
        1,
        f64::MAX.to_bits(),
        f64::MIN.to_bits(),
    ];
    let times = [0, -1, i64::MIN, i64::MAX, i64::MIN, 1, i64::MAX, 1 << 40, -(1 << 50), 0];
    let mut events = Vec::new();
    for (index, (bits, micros)) in bits.into_iter().zip(times).enumerate() {
        let value = f64::from_bits(bits);
        let mut row = outcome(index);
        (row.value, row.at) = (value, Timestamp::from_micros(micros));
        row.received = Timestamp::from_micros(times[bits.count_ones() as usize % times.len()]);
        events.push(Event::Outcome(row));
        let mut row = prediction(index);
        (row.output, row.at) = (Output::Value(value), Timestamp::from_micros(micros));
        events.push(Event::Prediction(row.clone()));
        row.output = Output::Items(vec![ScoredItem { key: "i".into(), score: value }]);
        events.push(Event::Prediction(row));
        let mut row = merged_list(index);
        row.positions = vec![MergedPosition { key: "i".into(), owner: Some(255), propensity: value }];
        events.push(Event::MergedList(row));
    }
    wait(store.append(&events, Durability::Committed)).unwrap();
    let found = all(&*store);
    // NaN differs from itself: the bits are compared apart, the rest by its text.
    assert_eq!(format!("{found:?}"), format!("{events:?}"));
    let numbers = |events: &[Event]| events.iter().map(|event| number(event).to_bits()).collect::<Vec<_>>();
    assert_eq!(numbers(&found), numbers(&events));
}

/// Names at their limits, and item keys that may be any text at all.
pub fn hostile_texts_come_back(harness: &impl EventHarness) {
    let store = harness.open();
    let names =
        ["x".repeat(200), "é".repeat(100), "a:b/../c".into(), "🦀\u{202e}'\"\\;--".into(), "0".into()];
    let keys = ["", "\u{0}", "EXPT-EVT\u{1}\u{0}\u{0}\u{0}", "\n\r\t", &"k".repeat(1 << 20), "ÿ\u{ffff}"];
    let mut events = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let mut row = exposure(index);
        row.unit = UnitId::new(name).unwrap();
        row.unit_kind = UnitKind::new(name).unwrap();
        row.target = ExposureTarget::Holdout { holdout: HoldoutId::new(name).unwrap() };
        events.push(Event::Exposure(row));
        let mut row = outcome(index);
        row.metric = MetricName::new(name).unwrap();
        row.subject =
            Subject::Unit { unit: UnitId::new(name).unwrap(), unit_kind: UnitKind::new(name).unwrap() };
        events.push(Event::Outcome(row));
        let mut row = merged_list(index);
        row.phase = PhaseId::new(name).unwrap();
        events.push(Event::MergedList(row));
    }
    for (index, key) in keys.iter().enumerate() {
        let mut row = prediction(index);
        row.output = Output::Items(vec![ScoredItem { key: (*key).to_owned(), score: 1.0 }]);
        events.push(Event::Prediction(row));
    }
    for call in events.chunks(4) {
        wait(store.append(call, Durability::Committed)).unwrap();
    }
    assert_eq!(all(&*store), events);
}

/// Rankings and merged lists of no and of many items.
pub fn long_lists_and_empty_lists_come_back(harness: &impl EventHarness) {
    let store = harness.open();
    let mut events = Vec::new();
    for length in [0, 1, 127, 128, 20_000] {
        let key = |index: usize| format!("item {index}");
        let mut row = prediction(length);
        let item = |index| ScoredItem { key: key(index), score: 1.0 / (1.0 + f64::from(index as u32)) };
        row.output = Output::Items((0..length).map(item).collect());
        events.push(Event::Prediction(row));
        let mut row = merged_list(length);
        let position = |index| MergedPosition {
            key: key(index),
            owner: [None, Some(0), Some(1)][index % 3],
            propensity: 0.5,
        };
        row.positions = (0..length).map(position).collect();
        events.push(Event::MergedList(row));
    }
    wait(store.append(&events, Durability::Committed)).unwrap();
    assert_eq!(all(&*store), events);
}

/// One call with more events than a page has.
pub fn a_large_call_comes_back(harness: &impl EventHarness) {
    let (store, events) = (harness.open(), sample(20_000));
    wait(store.append(&events, Durability::Durable)).unwrap();
    let (found, reopened) = (all(&*store), all(&*harness.open()));
    assert!(found == events && reopened == events);
}

/// Handles and threads that append at the same time.
pub fn concurrent_writers_lose_nothing_and_keep_their_order(harness: &impl EventHarness) {
    const WRITERS: usize = 4;
    const CALLS: usize = 40;
    const EACH: usize = 5;
    let shared = harness.open();
    let stores: Vec<_> =
        (0..WRITERS).map(|writer| if writer < 2 { Arc::clone(&shared) } else { harness.open() }).collect();
    thread::scope(|scope| {
        for (writer, store) in stores.iter().enumerate() {
            scope.spawn(move || {
                for call in 0..CALLS {
                    let level = if call % 10 == 0 { Durability::Durable } else { Durability::Committed };
                    wait(store.append(&numbered(writer, call, EACH), level)).unwrap();
                }
            });
        }
    });
    check_numbered(&all(&*harness.open()), WRITERS, CALLS, EACH);
}

/// A reader goes on reading pages while a writer goes on appending.
pub fn a_scan_among_appends_sees_whole_calls_in_order(harness: &impl EventHarness) {
    const CALLS: usize = 300;
    const EACH: usize = 3;
    let (writer, reader) = (harness.open(), harness.open());
    thread::scope(|scope| {
        let appending = scope.spawn(|| {
            for call in 0..CALLS {
                wait(writer.append(&numbered(0, call, EACH), Durability::Committed)).unwrap();
            }
        });
        let mut least = 0;
        while !appending.is_finished() {
            let (mut found, mut page) = (Vec::new(), PageOptions::default().with_limit(7));
            loop {
                let next = wait(reader.scan(&EventScan::all(), &page)).unwrap();
                found.extend(next.items);
                match next.next {
                    Some(token) => page.token = Some(token),
                    None => break,
                }
            }
            assert_eq!(found.len() % EACH, 0, "half of a call was seen");
            assert!(found.len() >= least, "events that were seen before are gone");
            least = found.len();
            check_numbered(&found, 1, found.len() / EACH, EACH);
        }
    });
    check_numbered(&all(&*reader), 1, CALLS, EACH);
}

/// Events that say which writer appended them, with which call, at which place.
fn numbered(writer: usize, call: usize, each: usize) -> Vec<Event> {
    let event = |place: usize| {
        let mut row = outcome(call * each + place);
        row.id = OutcomeId::derive([format!("{writer} {call} {place}")]);
        row.subject = Subject::Unit {
            unit: UnitId::new(format!("writer {writer}")).unwrap(),
            unit_kind: UnitKind::new("writer").unwrap(),
        };
        row.value = f64::from(u32::try_from(call * each + place).unwrap());
        Event::Outcome(row)
    };
    (0..each).map(event).collect()
}

fn check_numbered(found: &[Event], writers: usize, calls: usize, each: usize) {
    assert_eq!(found.len(), writers * calls * each);
    for writer in 0..writers {
        let expected: Vec<Event> = (0..calls).flat_map(|call| numbered(writer, call, each)).collect();
        let unit = format!("writer {writer}");
        let of = |event: &&Event| match event {
            Event::Outcome(row) => {
                matches!(&row.subject, Subject::Unit { unit: of, .. } if of.as_str() == unit)
            }
            _ => false,
        };
        let found: Vec<Event> = found.iter().filter(of).cloned().collect();
        assert!(found == expected, "events of writer {writer} are lost or in another order");
    }
}

fn number(event: &Event) -> f64 {
    match event {
        Event::Outcome(row) => row.value,
        Event::MergedList(row) => row.positions[0].propensity,
        Event::Prediction(row) => match &row.output {
            Output::Value(value) => *value,
            Output::Items(items) => items[0].score,
            _ => 0.0,
        },
        _ => 0.0,
    }
}

fn all(store: &dyn EventStore) -> Vec<Event> {
    wait(store.scan_all(&EventScan::all())).unwrap()
}

const LEVELS: [Durability; 3] = [Durability::Buffered, Durability::Committed, Durability::Durable];
