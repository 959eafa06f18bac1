/// How a [`SegmentStore`](super::SegmentStore) writes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SegmentOptions {
    /// A segment that has reached so many bytes is synced and followed by a new one. It may be longer by
    /// what one call appends.
    pub max_segment_bytes: u64,
    /// Buffered events are written out when they take so many bytes.
    pub buffer_bytes: usize,
}

impl Default for SegmentOptions {
    /// Segments of 64 MiB, a buffer of 256 KiB.
    fn default() -> Self {
        Self { max_segment_bytes: 64 << 20, buffer_bytes: 256 << 10 }
    }
}

impl SegmentOptions {
    /// Sets the size at which a new segment is begun.
    #[must_use]
    pub const fn with_max_segment_bytes(mut self, bytes: u64) -> Self {
        self.max_segment_bytes = bytes;
        self
    }

    /// Sets the size at which buffered events are written out.
    #[must_use]
    pub const fn with_buffer_bytes(mut self, bytes: usize) -> Self {
        self.buffer_bytes = bytes;
        self
    }
}
