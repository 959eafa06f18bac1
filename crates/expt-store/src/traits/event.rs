use std::fmt::Debug;

use async_trait::async_trait;
use expt_core::{Event, Prediction, PredictionId, Timestamp};

use crate::{Durability, Page, PageOptions, Result};

/// The append-only tables of exposures, predictions, outcomes and merged lists.
#[async_trait]
pub trait EventStore: Debug + Send + Sync + 'static {
    /// Appends the events, in this order.
    ///
    /// Atomic: after a crash all events of the call are there, or a prefix of them if the call was not
    /// acknowledged. On return they are safe at the level asked for. Not idempotent: the readers drop
    /// duplicates by the ids in the rows. Ordered within one store handle; between handles and processes
    /// there is no order.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if they cannot be written (after which the handle
    /// may be used again); [`InvalidInput`](crate::ErrorKind::InvalidInput) for an event that is too large
    /// to store; [`Unsupported`](crate::ErrorKind::Unsupported) for a kind of event that the format of this
    /// version has no place for.
    async fn append(&self, events: &[Event], durability: Durability) -> Result<()>;

    /// Reads events that were acknowledged at [`Durability::Committed`] or more before the call, of this
    /// and of other processes, in a fixed order: by writer, within a writer in the order of appending.
    ///
    /// A page may have fewer items than its limit and still have a next one. The order and the tokens stay
    /// valid while others append; what they append to places already read is not seen.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a token of another scan;
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if stored bytes are not what was written (a torn tail of
    /// a writer that died is not corruption: it is left out); [`Unavailable`](crate::ErrorKind::Unavailable).
    async fn scan(&self, scan: &EventScan, page: &PageOptions) -> Result<Page<Event>>;

    /// Makes everything that this handle appended before the call safe at the level.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable).
    async fn flush(&self, durability: Durability) -> Result<()>;
}

/// Which events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventScan {
    /// Only this table.
    pub table: Option<EventTable>,
    /// Only events at or after this time.
    pub from: Option<Timestamp>,
    /// Only events before this time.
    pub until: Option<Timestamp>,
}

impl EventScan {
    /// Every event.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Every event of one table.
    #[must_use]
    pub fn of(table: EventTable) -> Self {
        Self { table: Some(table), ..Self::default() }
    }

    /// Only events of the half-open interval of event time.
    #[must_use]
    pub const fn between(mut self, from: Timestamp, until: Timestamp) -> Self {
        (self.from, self.until) = (Some(from), Some(until));
        self
    }

    /// Whether the event is one of them.
    #[must_use]
    pub fn accepts(&self, event: &Event) -> bool {
        self.table.is_none_or(|table| table == EventTable::of(event))
            && self.from.is_none_or(|from| event.at() >= from)
            && self.until.is_none_or(|until| event.at() < until)
    }
}

/// One of the event tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventTable {
    /// Units that saw arms.
    Exposures,
    /// What models said.
    Predictions,
    /// What units did.
    Outcomes,
    /// Interleaved responses.
    MergedLists,
}

impl EventTable {
    /// The table of the event.
    ///
    /// # Panics
    /// Never for the events of this version of `expt-core`.
    #[must_use]
    pub const fn of(event: &Event) -> Self {
        match event {
            Event::Exposure(_) => Self::Exposures,
            Event::Prediction(_) => Self::Predictions,
            Event::Outcome(_) => Self::Outcomes,
            _ => Self::MergedLists,
        }
    }
}

/// Conveniences over [`EventStore`].
#[async_trait]
pub trait EventStoreExt: EventStore {
    /// Reads all pages of a scan into memory. For tables of a size that fits; otherwise read page by page.
    ///
    /// # Errors
    /// As [`EventStore::scan`].
    async fn scan_all(&self, scan: &EventScan) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        let mut page = PageOptions::default().with_limit(8192);
        loop {
            let found = self.scan(scan, &page).await?;
            events.extend(found.items);
            match found.next {
                Some(token) => page.token = Some(token),
                None => return Ok(events),
            }
        }
    }

    /// Finds one prediction by its id, reading the table page by page.
    ///
    /// # Errors
    /// As [`EventStore::scan`].
    async fn prediction(&self, id: PredictionId) -> Result<Option<Prediction>> {
        let scan = EventScan::of(EventTable::Predictions);
        let mut page = PageOptions::default().with_limit(8192);
        loop {
            let found = self.scan(&scan, &page).await?;
            let hit = found.items.into_iter().find_map(|event| match event {
                Event::Prediction(prediction) if prediction.id == id => Some(prediction),
                _ => None,
            });
            match (hit, found.next) {
                (Some(prediction), _) => return Ok(Some(prediction)),
                (None, Some(token)) => page.token = Some(token),
                (None, None) => return Ok(None),
            }
        }
    }
}

impl<S: EventStore + ?Sized> EventStoreExt for S {}
