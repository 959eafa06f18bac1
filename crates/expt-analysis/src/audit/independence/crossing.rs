//! Which units are in which arms of which phases.

use std::collections::{BTreeMap, HashMap};

use expt_core::{ArmId, Exposure, ExposureTarget, PhaseId, Timestamp, UnitId, UnitKind};

use super::{Association, CrossedPhase, PhasePair};
use crate::audit::error::{AuditError, Result};

/// The tables of all pairs of phases that share units, in the making.
pub(super) struct Crossing {
    phases: Vec<CrossedPhase>,
    /// By row; the smaller number is that of the rows.
    tables: BTreeMap<(usize, usize), Vec<u64>>,
    cells: usize,
}

impl Crossing {
    pub(super) fn new(phases: impl IntoIterator<Item = CrossedPhase>) -> Result<Self> {
        let mut phases: Vec<CrossedPhase> = phases.into_iter().collect();
        check_phases(phases.len())?;
        for phase in &mut phases {
            phase.units = vec![0; phase.arms.len()];
        }
        Ok(Self { phases, tables: BTreeMap::new(), cells: 0 })
    }

    /// Adds a unit that is in these phases and arms; phases in ascending order.
    pub(super) fn add(&mut self, seen: &[(usize, usize)]) -> Result<()> {
        for (at, &(left, row)) in seen.iter().enumerate() {
            if let Some(units) = self.phases.get_mut(left).and_then(|phase| phase.units.get_mut(row)) {
                *units += 1;
            }
            for &(right, column) in seen.iter().skip(at + 1) {
                let (rows, columns) = (self.arms(left), self.arms(right));
                if !self.tables.contains_key(&(left, right)) {
                    self.cells += rows * columns;
                    if self.cells > MAX_CELLS {
                        let (have, allowed) = (self.cells, MAX_CELLS);
                        let remedy = "audit fewer phases at a time";
                        return Err(AuditError::TooMany { what: "cells of tables", have, allowed, remedy });
                    }
                }
                let table = self.tables.entry((left, right)).or_insert_with(|| vec![0; rows * columns]);
                if let Some(units) = table.get_mut(row * columns + column) {
                    *units += 1;
                }
            }
        }
        Ok(())
    }

    fn arms(&self, phase: usize) -> usize {
        self.phases.get(phase).map_or(0, |phase| phase.arms.len())
    }

    /// Reads a log.
    pub(super) fn of_log<'a>(log: impl IntoIterator<Item = &'a Exposure>) -> Result<Self> {
        let mut seen: HashMap<(&UnitKind, &UnitId, &PhaseId, u32), (Timestamp, &ArmId)> = HashMap::new();
        let mut arms: BTreeMap<(&PhaseId, u32), BTreeMap<&ArmId, usize>> = BTreeMap::new();
        for row in log {
            let ExposureTarget::Arm { phase, arm, epoch, .. } = &row.target else { continue };
            arms.entry((phase, *epoch)).or_default().entry(arm).or_default();
            check_phases(arms.len())?;
            // Of two arms at the same moment the lower name is taken, so that the order of rows means nothing.
            let first = seen.entry((&row.unit_kind, &row.unit, phase, *epoch)).or_insert((row.at, arm));
            *first = (*first).min((row.at, arm));
        }
        let mut numbers = HashMap::with_capacity(arms.len());
        for (number, (name, arms)) in arms.iter_mut().enumerate() {
            arms.values_mut().enumerate().for_each(|(number, slot)| *slot = number);
            numbers.insert(*name, (number, &*arms));
        }
        let mut units: HashMap<(&UnitKind, &UnitId), Vec<(usize, usize)>> = HashMap::new();
        for ((kind, unit, phase, epoch), (_, arm)) in seen {
            let Some((number, arms)) = numbers.get(&(phase, epoch)) else { continue };
            let Some(arm) = arms.get(arm) else { continue };
            units.entry((kind, unit)).or_default().push((*number, *arm));
        }
        let mut crossing = Self::new(arms.iter().map(|((phase, epoch), arms)| CrossedPhase {
            phase: (*phase).clone(),
            epoch: *epoch,
            arms: arms.keys().map(|arm| (*arm).clone()).collect(),
            units: Vec::new(),
        }))?;
        for mut seen in units.into_values() {
            seen.sort_unstable();
            crossing.add(&seen)?;
        }
        Ok(crossing)
    }

    /// Tests every pair; p-values are not adjusted yet.
    pub(super) fn pairs(self) -> Result<(Vec<CrossedPhase>, Vec<PhasePair>)> {
        let mut pairs = Vec::with_capacity(self.tables.len());
        for (&(left, right), cells) in &self.tables {
            let (Some(one), Some(other)) = (self.phases.get(left), self.phases.get(right)) else { continue };
            let table: Vec<Vec<u64>> =
                cells.chunks_exact(other.arms.len().max(1)).map(<[u64]>::to_vec).collect();
            let across: Vec<u64> = table.iter().map(|row| row.iter().sum()).collect();
            let column = |at: usize| table.iter().filter_map(|row| row.get(at)).sum();
            let down: Vec<u64> = (0..other.arms.len()).map(column).collect();
            pairs.push(PhasePair {
                left,
                right,
                shared: across.iter().sum(),
                arms: Association::of(&table)?,
                left_reach: reach(&across, &one.units)?,
                right_reach: reach(&down, &other.units)?,
                table,
            });
        }
        Ok((self.phases, pairs))
    }
}

/// Arms by whether their units are in the other phase.
fn reach(shared: &[u64], units: &[u64]) -> Result<Association> {
    let rows = shared.iter().zip(units).map(|(shared, units)| vec![*shared, units.saturating_sub(*shared)]);
    Association::of(&rows.collect::<Vec<_>>())
}

fn check_phases(have: usize) -> Result<()> {
    if have <= MAX_PHASES {
        return Ok(());
    }
    let remedy = "audit the phases of a shorter time";
    Err(AuditError::TooMany { what: "epochs of phases", have, allowed: MAX_PHASES, remedy })
}

/// Half a million pairs.
const MAX_PHASES: usize = 1_000;

/// 160 megabytes.
const MAX_CELLS: usize = 20_000_000;
