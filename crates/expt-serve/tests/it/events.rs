//! An event log that can stall and fail, and events to put into it.

use std::sync::Arc;

use async_trait::async_trait;
use expt_core::{Event, MetricName, Outcome, OutcomeId, Subject, Timestamp, UnitId, UnitKind};
use expt_store::blocking::wait;
use expt_store::{
    Durability, Error, ErrorKind, EventScan, EventStore, EventStoreExt, Page, PageOptions, Result, Stores,
};
use parking_lot::{Condvar, Mutex};

/// What a [`Gate`] does with appends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Open,
    /// Waits until it is opened.
    Stalled,
    Unavailable,
    /// Unavailable once, then open.
    Hiccup,
    Panics,
}

#[derive(Debug)]
pub(crate) struct Gate {
    inner: Arc<dyn EventStore>,
    mode: Mutex<Mode>,
    changed: Condvar,
}

impl Gate {
    /// Stores in memory with an open gate before the events. An event of a negative value is invalid.
    pub(crate) fn stores() -> (Stores, Arc<Self>) {
        let mut stores = Stores::memory();
        let gate =
            Arc::new(Self { inner: stores.events, mode: Mutex::new(Mode::Open), changed: Condvar::new() });
        stores.events = gate.clone();
        (stores, gate)
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.mode.lock() = mode;
        self.changed.notify_all();
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl EventStore for Gate {
    async fn append(&self, events: &[Event], durability: Durability) -> Result<()> {
        {
            let mut mode = self.mode.lock();
            while *mode == Mode::Stalled {
                self.changed.wait(&mut mode);
            }
            match *mode {
                Mode::Panics => panic!("the gate panics, as asked for"),
                Mode::Unavailable | Mode::Hiccup => {
                    if *mode == Mode::Hiccup {
                        *mode = Mode::Open;
                    }
                    return Err(Error::new(ErrorKind::Unavailable, "append events", "the gate is shut"));
                }
                Mode::Open | Mode::Stalled => {}
            }
        }
        if events.iter().any(|event| matches!(event, Event::Outcome(outcome) if outcome.value < 0.0)) {
            return Err(Error::new(ErrorKind::InvalidInput, "append events", "an event is too large"));
        }
        self.inner.append(events, durability).await
    }

    async fn scan(&self, scan: &EventScan, page: &PageOptions) -> Result<Page<Event>> {
        self.inner.scan(scan, page).await
    }

    async fn flush(&self, durability: Durability) -> Result<()> {
        self.inner.flush(durability).await
    }
}

pub(crate) fn event(value: i32) -> Event {
    let unit = UnitId::new("u").unwrap();
    Event::Outcome(Outcome {
        id: OutcomeId::derive([value.to_le_bytes()]),
        at: Timestamp::from_micros(i64::from(value)),
        received: Timestamp::from_micros(i64::from(value)),
        subject: Subject::Unit { unit, unit_kind: UnitKind::new("user").unwrap() },
        metric: MetricName::new("m").unwrap(),
        value: f64::from(value),
    })
}

pub(crate) fn logged(stores: &Stores) -> Vec<Event> {
    wait(stores.events.scan_all(&EventScan::all())).unwrap()
}
