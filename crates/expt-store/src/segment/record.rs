//! The numbers of the format that reader and writer share; `FORMAT.md` says what they mean.

use std::sync::Arc;

use expt_core::{ExposureTarget, MetricName, PhaseId, RequestId, Stamp, Timestamp, UnitId, UnitKind};

pub(super) const DEFINE_UNIT_KIND: u8 = 1;
pub(super) const DEFINE_METRIC: u8 = 2;
pub(super) const DEFINE_PHASE: u8 = 3;
pub(super) const DEFINE_ARM: u8 = 4;
pub(super) const DEFINE_HOLDOUT: u8 = 5;
pub(super) const DEFINE_STAMP: u8 = 6;

/// Low half of a row's first byte.
pub(super) const KIND_MASK: u8 = 0x0f;
pub(super) const EXPOSURE: u8 = 1;
pub(super) const PREDICTION: u8 = 2;
pub(super) const OUTCOME: u8 = 3;
pub(super) const MERGED_LIST: u8 = 4;

/// High half of a row's first byte.
pub(super) const SAME_UNIT: u8 = 0x10;
pub(super) const SAME_REQUEST: u8 = 0x20;
pub(super) const EXPOSURE_BY_FALLBACK: u8 = 0x40;
pub(super) const PREDICTION_OF_ITEMS: u8 = 0x40;
pub(super) const OUTCOME_OF_PREDICTION: u8 = 0x40;
pub(super) const OUTCOME_OF_ITEM: u8 = 0x80;

/// What is written once a segment and referred to by number.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    UnitKind(UnitKind),
    Metric(MetricName),
    Phase(PhaseId),
    Target(ExposureTarget),
    Stamp(Arc<Stamp>),
}

/// What a row is written relative to: the rows before it in its frame.
#[derive(Debug, Clone, Default)]
pub(super) struct Before {
    pub(super) at: i64,
    pub(super) unit: Option<UnitId>,
    pub(super) request: Option<RequestId>,
}

impl Before {
    /// The step from the row before to `at`. Wraps, so that every pair of times has one.
    pub(super) const fn step_to(&mut self, at: Timestamp) -> i64 {
        let step = at.as_micros().wrapping_sub(self.at);
        self.at = at.as_micros();
        step
    }

    pub(super) const fn step_by(&mut self, step: i64) -> Timestamp {
        self.at = self.at.wrapping_add(step);
        Timestamp::from_micros(self.at)
    }
}
