use async_trait::async_trait;
use expt_core::Event;
use parking_lot::RwLock;

use crate::cursor::page_limit;
use crate::segment::tokens;
use crate::{Durability, Error, ErrorKind, EventScan, EventStore, Page, PageOptions, Result};

/// Events in the memory of this process, for tests and replays. What is acknowledged is gone with it.
#[derive(Debug, Default)]
pub struct MemoryEvents(RwLock<Vec<Event>>);

impl MemoryEvents {
    /// A store without events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl EventStore for MemoryEvents {
    async fn append(&self, events: &[Event], _durability: Durability) -> Result<()> {
        self.0.write().extend_from_slice(events);
        Ok(())
    }

    async fn scan(&self, scan: &EventScan, page: &PageOptions) -> Result<Page<Event>> {
        let tokens = tokens("memory events", scan);
        let start: usize = tokens.position(page)?.unwrap_or(0);
        let events = self.0.read();
        if start > events.len() {
            let message =
                format!("page token points at event {start} of {}; begin the scan again", events.len());
            return Err(Error::new(ErrorKind::InvalidInput, "scan events", message));
        }
        let accepted = events.iter().enumerate().skip(start).filter(|(_, event)| scan.accepts(event));
        // One further than the page, so that it shows where the next begins.
        let mut found: Vec<_> = accepted.take(page_limit(page).saturating_add(1)).collect();
        let next = (found.len() > page_limit(page)).then(|| found.pop()).flatten();
        Ok(Page {
            items: found.into_iter().map(|(_, event)| event.clone()).collect(),
            next: next.map(|(index, _)| tokens.token(&index)),
        })
    }

    async fn flush(&self, _durability: Durability) -> Result<()> {
        Ok(())
    }
}
