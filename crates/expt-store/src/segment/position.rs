//! Where a page begins.

use serde::{Deserialize, Serialize};

use crate::cursor::Cursor;
use crate::{EventScan, EventTable};

/// The segment, the byte at which a frame begins, and the row in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) segment: String,
    pub(super) frame: u64,
    pub(super) row: u64,
}

/// The tokens of a scan.
pub(crate) fn tokens(list: &'static str, scan: &EventScan) -> Cursor {
    let table = scan.table.map(|table| match table {
        EventTable::Exposures => "exposures",
        EventTable::Predictions => "predictions",
        EventTable::Outcomes => "outcomes",
        EventTable::MergedLists => "merged lists",
    });
    Cursor::new(list, &(table, scan.from, scan.until))
}
