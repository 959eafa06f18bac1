use serde::Serialize;

/// What stands in one segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SegmentReport {
    /// The name of its file.
    pub segment: String,
    /// How long the file is.
    pub bytes: u64,
    /// How many whole frames it has: one for each acknowledged write.
    pub frames: u64,
    /// How many exposures it has.
    pub exposures: u64,
    /// How many predictions it has.
    pub predictions: u64,
    /// How many outcomes it has.
    pub outcomes: u64,
    /// How many merged lists it has.
    pub merged_lists: u64,
    /// The bytes at its end that are no whole frame: its writer died, or is at work.
    pub torn_bytes: u64,
    /// What is damaged, as the error says that a scan gives; the counts stop there.
    pub damage: Option<String>,
}

impl SegmentReport {
    /// How many events it has.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.exposures + self.predictions + self.outcomes + self.merged_lists
    }
}
