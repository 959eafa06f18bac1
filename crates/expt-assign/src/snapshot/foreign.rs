//! Places that come from another product's buckets.

use crate::config::Buckets;

/// Another product's formula, ready to be asked.
#[derive(Debug, Clone)]
pub(super) struct Foreign(Buckets);

impl Foreign {
    pub(super) const fn new(buckets: Buckets) -> Self {
        Self(buckets)
    }

    /// The place of a unit.
    pub(super) fn place(&self, unit: &str) -> u64 {
        self.0.place(unit)
    }
}
