//! Events to bytes.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use expt_core::{
    Event, Exposure, ExposureTarget, Identity, MergedList, MetricName, Outcome, Output, PhaseId, PinStatus,
    Prediction, RequestId, Shown, Stamp, Subject, UnitId, UnitKind,
};

use super::record::*;
use super::wire::{put_f64, put_signed, put_text, put_varint};
use crate::{Error, ErrorKind, Result};

/// The dictionary of one segment, and the definitions and rows of its next frame.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    defines: Vec<u8>,
    rows: Vec<u8>,
    before: Before,
    next: u64,
    unit_kinds: HashMap<UnitKind, u64>,
    metrics: HashMap<MetricName, u64>,
    phases: HashMap<PhaseId, u64>,
    targets: HashMap<ExposureTarget, u64>,
    stamps: HashMap<Arc<Stamp>, u64>,
    /// The stamps that were met lately, by address: hashing a stamp costs more than the rest of a row.
    /// The `Arc` in the value keeps the address from being used again.
    recent: HashMap<usize, (Arc<Stamp>, u64)>,
}

/// A place to go back to.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    defines: usize,
    rows: usize,
    next: u64,
    before: Before,
}

impl Encoder {
    /// The bytes of the next frame's payload so far.
    pub(super) const fn len(&self) -> usize {
        self.defines.len() + self.rows.len()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            defines: self.defines.len(),
            rows: self.rows.len(),
            next: self.next,
            before: self.before.clone(),
        }
    }

    /// Forgets what was added since the mark, which must be of the same frame.
    pub(super) fn back_to(&mut self, mark: &Mark) {
        self.defines.truncate(mark.defines);
        self.rows.truncate(mark.rows);
        self.before = mark.before.clone();
        if self.next > mark.next {
            self.next = mark.next;
            self.unit_kinds.retain(|_, id| *id < mark.next);
            self.metrics.retain(|_, id| *id < mark.next);
            self.phases.retain(|_, id| *id < mark.next);
            self.targets.retain(|_, id| *id < mark.next);
            self.stamps.retain(|_, id| *id < mark.next);
            self.recent.clear();
        }
    }

    /// Writes the payload of the frame.
    pub(super) fn payload(&self, out: &mut Vec<u8>) {
        put_varint(out, self.defines.len() as u64);
        out.extend_from_slice(&self.defines);
        out.extend_from_slice(&self.rows);
    }

    /// Begins the next frame of the same segment. Frees the memory of a frame that was unusually large.
    pub(super) fn next_frame(&mut self) {
        self.defines.clear();
        self.rows.clear();
        self.rows.shrink_to(KEPT_BYTES);
        self.before = Before::default();
    }

    /// Begins the next segment, with nothing in its dictionary.
    pub(super) fn next_segment(&mut self) {
        *self = Self::default();
    }

    /// The dictionary, by number.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<(u64, Entry)> = Vec::new();
        entries.extend(self.unit_kinds.iter().map(|(name, id)| (*id, Entry::UnitKind(name.clone()))));
        entries.extend(self.metrics.iter().map(|(name, id)| (*id, Entry::Metric(name.clone()))));
        entries.extend(self.phases.iter().map(|(name, id)| (*id, Entry::Phase(name.clone()))));
        entries.extend(self.targets.iter().map(|(target, id)| (*id, Entry::Target(target.clone()))));
        entries.extend(self.stamps.iter().map(|(stamp, id)| (*id, Entry::Stamp(Arc::clone(stamp)))));
        entries.sort_unstable_by_key(|(id, _)| *id);
        entries.into_iter().map(|(_, entry)| entry).collect()
    }

    /// Adds a row. After an error the caller goes back to a mark.
    ///
    /// # Errors
    /// `Unsupported` for a kind of event that the format does not know.
    pub(super) fn push(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::Exposure(row) => self.exposure(row),
            Event::Prediction(row) => self.prediction(row),
            Event::Outcome(row) => self.outcome(row),
            Event::MergedList(row) => {
                self.merged_list(row);
                Ok(())
            }
            _ => Err(unknown("event")),
        }
    }

    fn exposure(&mut self, row: &Exposure) -> Result<()> {
        let by = match row.identity {
            Identity::Own => 0,
            Identity::Fallback => EXPOSURE_BY_FALLBACK,
            _ => return Err(unknown("identity")),
        };
        let (kind, target) = (self.unit_kind(&row.unit_kind), self.target(&row.target)?);
        let same = self.same_unit(&row.unit);
        self.rows.push(EXPOSURE | by | same);
        self.at(row.at);
        self.unit(&row.unit, same);
        put_varint(&mut self.rows, kind);
        put_varint(&mut self.rows, target);
        put_varint(&mut self.rows, row.config_version.into());
        Ok(())
    }

    fn prediction(&mut self, row: &Prediction) -> Result<()> {
        let of = match row.output {
            Output::Value(_) => 0,
            Output::Items(_) => PREDICTION_OF_ITEMS,
            _ => return Err(unknown("output")),
        };
        let (kind, stamp) = (self.unit_kind(&row.unit_kind), self.stamp(&row.stamp)?);
        let (unit, request) = (self.same_unit(&row.unit), self.same_request(row.request));
        self.rows.push(PREDICTION | of | unit | request);
        self.rows.extend_from_slice(row.id.as_bytes());
        self.at(row.at);
        self.request(row.request, request);
        self.unit(&row.unit, unit);
        put_varint(&mut self.rows, kind);
        put_varint(&mut self.rows, stamp);
        match &row.output {
            Output::Value(value) => put_f64(&mut self.rows, *value),
            Output::Items(items) => {
                put_varint(&mut self.rows, items.len() as u64);
                for item in items {
                    put_text(&mut self.rows, &item.key);
                    put_f64(&mut self.rows, item.score);
                }
            }
            _ => return Err(unknown("output")),
        }
        Ok(())
    }

    fn outcome(&mut self, row: &Outcome) -> Result<()> {
        let metric = define(&mut self.metrics, &row.metric, &mut self.next, || {
            self.defines.push(DEFINE_METRIC);
            put_text(&mut self.defines, row.metric.as_str());
        });
        let (of, unit_kind) = match &row.subject {
            Subject::Unit { unit, unit_kind } => (self.same_unit(unit), self.unit_kind(unit_kind)),
            Subject::Prediction(_) => (OUTCOME_OF_PREDICTION, 0),
            Subject::Item { .. } => (OUTCOME_OF_ITEM, 0),
            _ => return Err(unknown("subject")),
        };
        self.rows.push(OUTCOME | of);
        self.rows.extend_from_slice(row.id.as_bytes());
        self.at(row.at);
        put_signed(&mut self.rows, row.received.as_micros().wrapping_sub(row.at.as_micros()));
        match &row.subject {
            Subject::Unit { unit, .. } => {
                self.unit(unit, of);
                put_varint(&mut self.rows, unit_kind);
            }
            Subject::Prediction(id) => self.rows.extend_from_slice(id.as_bytes()),
            Subject::Item { prediction, index } => {
                self.rows.extend_from_slice(prediction.as_bytes());
                put_varint(&mut self.rows, (*index).into());
            }
            _ => return Err(unknown("subject")),
        }
        put_varint(&mut self.rows, metric);
        put_f64(&mut self.rows, row.value);
        Ok(())
    }

    fn merged_list(&mut self, row: &MergedList) {
        let phase = define(&mut self.phases, &row.phase, &mut self.next, || {
            self.defines.push(DEFINE_PHASE);
            put_text(&mut self.defines, row.phase.as_str());
        });
        let (unit, request) = (self.same_unit(&row.unit), self.same_request(row.request));
        self.rows.push(MERGED_LIST | unit | request);
        self.at(row.at);
        self.request(row.request, request);
        self.unit(&row.unit, unit);
        put_varint(&mut self.rows, phase);
        for id in &row.predictions {
            self.rows.extend_from_slice(id.as_bytes());
        }
        put_varint(&mut self.rows, row.positions.len() as u64);
        for position in &row.positions {
            put_text(&mut self.rows, &position.key);
            put_varint(&mut self.rows, position.owner.map_or(0, |owner| u64::from(owner) + 1));
            put_f64(&mut self.rows, position.propensity);
        }
    }

    fn at(&mut self, at: expt_core::Timestamp) {
        let step = self.before.step_to(at);
        put_signed(&mut self.rows, step);
    }

    fn same_unit(&self, unit: &UnitId) -> u8 {
        if self.before.unit.as_ref() == Some(unit) { SAME_UNIT } else { 0 }
    }

    fn unit(&mut self, unit: &UnitId, flags: u8) {
        if flags & SAME_UNIT == 0 {
            put_text(&mut self.rows, unit.as_str());
            self.before.unit = Some(unit.clone());
        }
    }

    fn same_request(&self, request: RequestId) -> u8 {
        if self.before.request == Some(request) { SAME_REQUEST } else { 0 }
    }

    fn request(&mut self, request: RequestId, flags: u8) {
        if flags & SAME_REQUEST == 0 {
            self.rows.extend_from_slice(request.as_bytes());
            self.before.request = Some(request);
        }
    }

    fn unit_kind(&mut self, kind: &UnitKind) -> u64 {
        define(&mut self.unit_kinds, kind, &mut self.next, || {
            self.defines.push(DEFINE_UNIT_KIND);
            put_text(&mut self.defines, kind.as_str());
        })
    }

    fn target(&mut self, target: &ExposureTarget) -> Result<u64> {
        if !matches!(target, ExposureTarget::Arm { .. } | ExposureTarget::Holdout { .. }) {
            return Err(unknown("exposure target"));
        }
        Ok(define(&mut self.targets, target, &mut self.next, || match target {
            ExposureTarget::Arm { experiment, phase, arm, epoch } => {
                self.defines.push(DEFINE_ARM);
                for name in [experiment.as_str(), phase.as_str(), arm.as_str()] {
                    put_text(&mut self.defines, name);
                }
                put_varint(&mut self.defines, (*epoch).into());
            }
            ExposureTarget::Holdout { holdout } => {
                self.defines.push(DEFINE_HOLDOUT);
                put_text(&mut self.defines, holdout.as_str());
            }
            _ => {}
        }))
    }

    fn stamp(&mut self, stamp: &Arc<Stamp>) -> Result<u64> {
        let address = Arc::as_ptr(stamp).addr();
        if let Some((_, id)) = self.recent.get(&address) {
            return Ok(*id);
        }
        let id = match self.stamps.get(stamp) {
            Some(id) => *id,
            None => {
                put_stamp(&mut self.defines, stamp)?;
                let id = self.next;
                self.next += 1;
                self.stamps.insert(Arc::clone(stamp), id);
                id
            }
        };
        if self.recent.len() >= RECENT_STAMPS {
            self.recent.clear();
        }
        self.recent.insert(address, (Arc::clone(stamp), id));
        Ok(id)
    }
}

/// The number of the key, which is defined with the next free number if it is new.
fn define<K: Clone + Eq + Hash>(
    known: &mut HashMap<K, u64>,
    key: &K,
    next: &mut u64,
    write: impl FnOnce(),
) -> u64 {
    if let Some(id) = known.get(key) {
        return *id;
    }
    write();
    let id = *next;
    *next += 1;
    known.insert(key.clone(), id);
    id
}

fn put_stamp(out: &mut Vec<u8>, stamp: &Stamp) -> Result<()> {
    let pin = match stamp.model.pin {
        PinStatus::Verified => 0,
        PinStatus::Mismatch => 1,
        PinStatus::Unchecked => 2,
        _ => return Err(unknown("pin status")),
    };
    let (shown, holdout) = match &stamp.shown {
        Shown::Arm => (0, None),
        Shown::Holdout(id) => (1, Some(id)),
        Shown::Excluded => (2, None),
        Shown::Forced => (3, None),
        Shown::Fallback => (4, None),
        Shown::Production => (5, None),
        Shown::Shadow => (6, None),
        _ => return Err(unknown("reason to show")),
    };
    out.push(DEFINE_STAMP);
    put_text(out, stamp.model.model.as_str());
    put_varint(out, stamp.model.version.into());
    out.extend_from_slice(stamp.model.digest.as_bytes());
    out.extend_from_slice(stamp.model.run.as_bytes());
    put_text(out, stamp.model.experiment.as_str());
    out.push(stamp.model.features.is_some().into());
    if let Some(features) = &stamp.model.features {
        out.extend_from_slice(features.as_bytes());
    }
    out.push(pin);
    put_varint(out, stamp.arms.len() as u64);
    for arm in &stamp.arms {
        for name in [arm.experiment.as_str(), arm.phase.as_str(), arm.arm.as_str()] {
            put_text(out, name);
        }
    }
    put_varint(out, stamp.config_version.into());
    out.push(shown);
    if let Some(holdout) = holdout {
        put_text(out, holdout.as_str());
    }
    Ok(())
}

fn unknown(what: &str) -> Error {
    let message = format!("segments of version 1 have no place for this kind of {what}");
    Error::new(ErrorKind::Unsupported, "append events", message)
}

const RECENT_STAMPS: usize = 1024;
const KEPT_BYTES: usize = 1 << 20;
