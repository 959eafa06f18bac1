//! From rows to units.

use std::collections::{BTreeMap, HashMap};

use expt_core::{Exposure, ExposureTarget, Timestamp, UnitId};

use super::{SrmAudit, SrmTally};

/// Reads the rows once, in any order.
pub(super) struct Counter<'a, 'b> {
    audit: &'b SrmAudit,
    arms: HashMap<&'b str, usize>,
    tally: SrmTally,
    /// The first exposure of a unit in an epoch, among those that count.
    firsts: HashMap<(&'a UnitId, u32), First>,
    /// Of every unit that was exposed to the phase or held.
    presence: HashMap<&'a UnitId, Presence>,
}

struct First {
    at: Timestamp,
    arm: usize,
    period: usize,
    /// Whether the unit saw another arm in the epoch.
    mixed: bool,
}

#[derive(Default)]
struct Presence {
    /// The last exposure to any arm of the phase.
    exposed: Option<Timestamp>,
    /// The first exposure to a holdout.
    held: Option<Timestamp>,
}

/// What the rows come to.
pub(super) struct Counts {
    pub(super) tally: SrmTally,
    pub(super) mixed: u64,
    pub(super) exposed_while_held: u64,
    pub(super) exposed_then_held: u64,
    /// For each period, the units of each arm.
    pub(super) periods: Vec<Vec<u64>>,
    /// The same for each day of a period, counted from 1970-01-01 UTC.
    pub(super) days: BTreeMap<(usize, i64), Vec<u64>>,
}

impl<'a, 'b> Counter<'a, 'b> {
    pub(super) fn new(audit: &'b SrmAudit) -> Self {
        let arms = audit.arms.iter().enumerate().map(|(number, arm)| (arm.as_str(), number)).collect();
        let tally = SrmTally::default();
        Self { audit, arms, tally, firsts: HashMap::new(), presence: HashMap::new() }
    }

    pub(super) fn add(&mut self, row: &'a Exposure) {
        self.tally.read += 1;
        let (arm, epoch) = match &row.target {
            _ if row.unit_kind != self.audit.kind => return self.tally.elsewhere += 1,
            ExposureTarget::Holdout { holdout } => {
                if !self.audit.holdouts.is_empty() && !self.audit.holdouts.contains(holdout) {
                    return self.tally.elsewhere += 1;
                }
                self.tally.held += 1;
                let held = &mut self.presence.entry(&row.unit).or_default().held;
                *held = Some(held.map_or(row.at, |first| first.min(row.at)));
                return;
            }
            ExposureTarget::Arm { phase, arm, epoch, .. } if *phase == self.audit.phase => (arm, *epoch),
            _ => return self.tally.elsewhere += 1,
        };
        let exposed = &mut self.presence.entry(&row.unit).or_default().exposed;
        *exposed = (*exposed).max(Some(row.at));
        let Some(&arm) = self.arms.get(arm.as_str()) else { return self.tally.unknown_arm += 1 };
        let Some((period, promise)) = self.audit.period(row.at) else { return self.tally.no_period += 1 };
        if promise.epoch != epoch {
            return self.tally.other_epoch += 1;
        }
        self.tally.accepted += 1;
        let new = First { at: row.at, arm, period, mixed: false };
        let first = self.firsts.entry((&row.unit, epoch)).or_insert(new);
        first.mixed |= first.arm != arm;
        // Of two arms at the same moment the first in the list is taken, so that the order of rows means nothing.
        if (row.at, arm) < (first.at, first.arm) {
            *first = First { at: row.at, arm, period, mixed: first.mixed };
        }
    }

    pub(super) fn finish(self) -> Counts {
        let arms = self.audit.arms.len();
        let mut counts = Counts {
            tally: self.tally,
            mixed: 0,
            exposed_while_held: 0,
            exposed_then_held: 0,
            periods: vec![vec![0; arms]; self.audit.periods.len()],
            days: BTreeMap::new(),
        };
        counts.tally.units = self.firsts.len() as u64;
        for first in self.firsts.values() {
            let day = counts.days.entry((first.period, first.at.as_micros().div_euclid(DAY)));
            let day = day.or_insert_with(|| vec![0; arms]);
            for list in [Some(day), counts.periods.get_mut(first.period)].into_iter().flatten() {
                if let Some(units) = list.get_mut(first.arm) {
                    *units += 1;
                }
            }
            counts.mixed += u64::from(first.mixed);
        }
        for presence in self.presence.values() {
            if let (Some(exposed), Some(held)) = (presence.exposed, presence.held) {
                counts.exposed_while_held += u64::from(exposed >= held);
                counts.exposed_then_held += u64::from(exposed < held);
            }
        }
        counts
    }
}

/// Microseconds of a day.
pub(super) const DAY: i64 = 86_400_000_000;
