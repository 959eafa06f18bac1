//! File names of segments.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

/// The names of the segments of one writer: they sort by the time at which the writer began, and behind
/// that in the order in which it made them.
#[derive(Debug)]
pub(super) struct Names {
    writer: String,
    next: u32,
}

impl Names {
    /// Names that no other writer has.
    pub(super) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        // The keys of a `RandomState` come from the operating system and differ for each.
        let mut random = RandomState::new().build_hasher();
        random.write_u32(std::process::id());
        Self { writer: format!("{micros:016x}-{:016x}", random.finish()), next: 0 }
    }

    pub(super) fn next(&mut self) -> String {
        let name = format!("{}-{:08x}{SUFFIX}", self.writer, self.next);
        self.next = self.next.saturating_add(1);
        name
    }
}

/// Whether a file of this name is read: any name of letters, digits, `-`, `_` and `.` that ends in `.seg`.
/// It cannot lead out of its folder.
pub(super) fn is_segment_name(name: &str) -> bool {
    name.ends_with(SUFFIX)
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

const SUFFIX: &str = ".seg";
