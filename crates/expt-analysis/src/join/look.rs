//! The join at one time.

use expt_core::{Aggregation, Timestamp};

use super::index::{Index, NONE, OutcomeRow, PredictionRow, UnitRow};
use super::{Joined, JoinedUnit, UnitValue};
use crate::ledger::{Counts, Disposition, Ledger};

/// The units of a phase at one look, in one array for all.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    pub(crate) as_of: Timestamp,
    pub(crate) ledger: Ledger,
    /// How many units are left out because they saw two arms.
    pub(crate) mixed: u64,
    index: &'a Index,
    units: Vec<UnitState>,
    /// For each unit of the index, its metrics.
    values: Vec<UnitValue>,
}

/// A unit that counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LookUnit<'a> {
    pub(crate) arm: usize,
    pub(crate) first: Timestamp,
    pub(crate) predictions: u64,
    pub(crate) values: &'a [UnitValue],
}

#[derive(Debug, Clone, Copy)]
enum UnitState {
    NotYet,
    Mixed,
    Counts { predictions: u64 },
}

impl<'a> Look<'a> {
    pub(super) fn new(index: &'a Index, as_of: Timestamp) -> Self {
        let units: Vec<_> = index.units.iter().map(|unit| UnitState::of(unit, as_of)).collect();
        let mixed = units.iter().filter(|state| matches!(state, UnitState::Mixed)).count() as u64;
        let values = index.units.iter().flat_map(|unit| index.metrics.iter().map(move |rule| (unit, rule)));
        let values = values.map(|(unit, rule)| {
            let over = rule.aggregation != Aggregation::PerPrediction && unit.first + rule.window <= as_of;
            UnitValue { numerator: 0.0, denominator: f64::from(u8::from(over)) }
        });
        let values = values.collect();
        let mut look = Self { as_of, ledger: Ledger::default(), mixed, index, units, values };
        look.tally_exposures();
        let predictions = look.count_predictions();
        look.add_outcomes(&predictions);
        let mut lists = Counts::default();
        for at in &index.merged_lists {
            lists.add(if *at > as_of { Disposition::NotYet } else { Disposition::OtherPhase });
        }
        look.ledger.merged_lists = lists.tally();
        look
    }

    /// The units that count, sorted by id.
    pub(crate) fn units(&self) -> impl Iterator<Item = LookUnit<'_>> + Clone {
        let width = self.index.metrics.len();
        let rows = self.index.units.iter().zip(&self.units).zip(self.values.chunks_exact(width.max(1)));
        rows.filter_map(|((unit, state), values)| match state {
            UnitState::Counts { predictions } => {
                Some(LookUnit { arm: unit.arm, first: unit.first, predictions: *predictions, values })
            }
            UnitState::NotYet | UnitState::Mixed => None,
        })
    }

    pub(super) fn into_joined(self) -> Joined {
        let units = self.units().map(|unit| JoinedUnit {
            arm: unit.arm,
            first: unit.first,
            predictions: unit.predictions,
            values: unit.values.to_vec(),
        });
        Joined { as_of: self.as_of, units: units.collect(), mixed: self.mixed, ledger: self.ledger }
    }

    fn is_mixed(&self, unit: u32) -> bool {
        matches!(self.units.get(unit as usize), Some(UnitState::Mixed))
    }

    fn tally_exposures(&mut self) {
        let mut counts = Counts::default();
        for row in &self.index.exposures {
            counts.add(match row.last {
                _ if row.at > self.as_of => Disposition::NotYet,
                _ if self.is_mixed(row.unit) => Disposition::MixedArms,
                last => last,
            });
        }
        self.ledger.exposures = counts.tally();
    }

    /// What became of each prediction.
    fn count_predictions(&mut self) -> Vec<Disposition> {
        let mut counts = Counts::default();
        let mut all = Vec::with_capacity(self.index.predictions.len());
        for row in &self.index.predictions {
            let disposition = self.prediction(row);
            counts.add(disposition);
            all.push(disposition);
            if disposition == Disposition::Counted
                && let Some(UnitState::Counts { predictions }) = self.units.get_mut(row.unit as usize)
            {
                *predictions += 1;
            }
        }
        self.ledger.predictions = counts.tally();
        all
    }

    fn prediction(&self, row: &PredictionRow) -> Disposition {
        match row.last {
            _ if row.at > self.as_of => Disposition::NotYet,
            last if row.unit == NONE => last,
            _ if self.is_mixed(row.unit) => Disposition::MixedArms,
            _ if row.matures > self.as_of => Disposition::Immature,
            last => last,
        }
    }

    fn add_outcomes(&mut self, predictions: &[Disposition]) {
        let index = self.index;
        let width = index.metrics.len();
        let names = index.metrics.iter().map(|rule| &rule.metric).chain(&index.unplanned);
        let mut counts = vec![Counts::default(); width + index.unplanned.len()];
        // The prediction and metric of the last outcome that counted: a prediction is in the denominator once.
        let mut seen = (NONE, NONE);
        for row in &index.outcomes {
            let slot = row.unit as usize * width + row.metric as usize;
            let aggregation = index.metrics.get(row.metric as usize).map(|rule| rule.aggregation);
            let per_prediction = aggregation == Some(Aggregation::PerPrediction);
            let disposition = if row.known > self.as_of {
                Disposition::NotYet
            } else if row.unit == NONE {
                row.last
            } else if per_prediction {
                of_prediction(row, predictions)
            } else {
                self.of_unit(row, slot)
            };
            if let Some(counts) = counts.get_mut(row.metric as usize) {
                counts.add(disposition);
            }
            if disposition != Disposition::Counted {
                continue;
            }
            let Some(value) = self.values.get_mut(slot) else { continue };
            match aggregation {
                Some(Aggregation::UnitAny) if row.value > 0.0 => value.numerator = 1.0,
                Some(Aggregation::UnitAny) => {}
                _ => value.numerator += row.value,
            }
            if per_prediction && seen != (row.prediction, row.metric) {
                seen = (row.prediction, row.metric);
                value.denominator += 1.0;
            }
        }
        let tallies = counts.iter().map(Counts::tally);
        self.ledger.outcomes = names.cloned().zip(tallies).collect();
    }

    fn of_unit(&self, row: &OutcomeRow, slot: usize) -> Disposition {
        match row.last {
            _ if self.is_mixed(row.unit) => Disposition::MixedArms,
            Disposition::Counted if self.values.get(slot).is_none_or(|value| value.denominator == 0.0) => {
                Disposition::Immature
            }
            last => last,
        }
    }
}

impl UnitState {
    fn of(unit: &UnitRow, as_of: Timestamp) -> Self {
        match unit.mixed {
            Some(mixed) if mixed <= as_of => Self::Mixed,
            _ if unit.first > as_of => Self::NotYet,
            _ => Self::Counts { predictions: 0 },
        }
    }
}

fn of_prediction(row: &OutcomeRow, predictions: &[Disposition]) -> Disposition {
    match predictions.get(row.prediction as usize) {
        Some(Disposition::Counted) => row.last,
        Some(same @ (Disposition::Immature | Disposition::MixedArms)) => *same,
        _ => Disposition::SubjectNotCounted,
    }
}
