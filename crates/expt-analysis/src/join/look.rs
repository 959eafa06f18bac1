//! The join at one time.

use std::time::Duration;

use expt_core::{Aggregation, Timestamp};

use super::index::{Index, MetricRule, OutcomeRow, PredictionRow, Target, UnitRow};
use super::{Joined, JoinedUnit, UnitValue};
use crate::ledger::{Disposition, Ledger, Tally};

pub(super) fn at(index: &Index, as_of: Timestamp) -> Joined {
    let look = Look { index, as_of, prediction_window: longest(index, |a| a == Aggregation::PerPrediction) };
    let mut ledger = Ledger::default();
    look.tally_exposures(&mut ledger.exposures);
    let mut units: Vec<Option<JoinedUnit>> = index.units.iter().map(|unit| look.unit(unit)).collect();
    let counted = look.count_predictions(&mut units, &mut ledger.predictions);
    look.add_outcomes(&mut units, &counted, &mut ledger);
    for at in &index.merged_lists {
        ledger.merged_lists.read += 1;
        ledger.merged_lists.add(if *at > as_of { Disposition::NotYet } else { Disposition::OtherPhase });
    }
    Joined { as_of, units: units.into_iter().flatten().collect(), ledger }
}

struct Look<'a> {
    index: &'a Index,
    as_of: Timestamp,
    /// How long after a prediction its last outcome may count.
    prediction_window: Duration,
}

impl Look<'_> {
    fn is_mixed(&self, unit: &UnitRow) -> bool {
        unit.mixed.is_some_and(|mixed| mixed <= self.as_of)
    }

    fn unit(&self, unit: &UnitRow) -> Option<JoinedUnit> {
        if unit.first > self.as_of || self.is_mixed(unit) {
            return None;
        }
        let begin = |rule: &MetricRule| {
            let over =
                rule.aggregation != Aggregation::PerPrediction && unit.first + rule.window <= self.as_of;
            UnitValue { numerator: 0.0, denominator: f64::from(u8::from(over)) }
        };
        let values = self.index.metrics.iter().map(begin).collect();
        Some(JoinedUnit { arm: unit.arm, first: unit.first, predictions: 0, values })
    }

    fn tally_exposures(&self, tally: &mut Tally) {
        for row in &self.index.exposures {
            let unit = row.unit.and_then(|unit| self.index.units.get(unit));
            tally.read += 1;
            tally.add(match unit {
                _ if row.at > self.as_of => Disposition::NotYet,
                Some(unit) if self.is_mixed(unit) => Disposition::MixedArms,
                _ => row.fixed,
            });
        }
    }

    /// Which predictions count.
    fn count_predictions(&self, units: &mut [Option<JoinedUnit>], tally: &mut Tally) -> Vec<bool> {
        let mut counted = Vec::with_capacity(self.index.predictions.len());
        for row in &self.index.predictions {
            let disposition = self.prediction(row);
            tally.read += 1;
            tally.add(disposition);
            let counts = disposition == Disposition::Counted;
            counted.push(counts);
            if let (true, Some(Some(unit))) = (counts, row.unit.and_then(|unit| units.get_mut(unit))) {
                unit.predictions += 1;
            }
        }
        counted
    }

    fn prediction(&self, row: &PredictionRow) -> Disposition {
        let mixed =
            row.unit.and_then(|unit| self.index.units.get(unit)).is_some_and(|unit| self.is_mixed(unit));
        match row.fixed {
            _ if row.at > self.as_of => Disposition::NotYet,
            Disposition::Counted if mixed => Disposition::MixedArms,
            Disposition::Counted if row.at + self.prediction_window > self.as_of => Disposition::Immature,
            fixed => fixed,
        }
    }

    fn add_outcomes(&self, units: &mut [Option<JoinedUnit>], counted: &[bool], ledger: &mut Ledger) {
        let width = self.index.metrics.len();
        // Whether the prediction has an outcome of the metric: it is in the denominator once.
        let mut has = vec![false; counted.len() * width];
        let names = self.index.metrics.iter().map(|rule| &rule.metric).chain(&self.index.unplanned);
        let mut tallies: Vec<Tally> = names.clone().map(|_| Tally::default()).collect();
        for row in &self.index.outcomes {
            let disposition = self.outcome(row, counted);
            if let Some(tally) = tallies.get_mut(row.metric) {
                tally.read += 1;
                tally.add(disposition);
            }
            if disposition != Disposition::Counted {
                continue;
            }
            let prediction = match row.target {
                Target::Prediction(prediction) => Some(prediction),
                Target::Unit(_) | Target::None => None,
            };
            let unit = self.unit_of(row.target).and_then(|unit| units.get_mut(unit)?.as_mut());
            let (Some(rule), Some(unit)) = (self.index.metrics.get(row.metric), unit) else { continue };
            let Some(value) = unit.values.get_mut(row.metric) else { continue };
            match rule.aggregation {
                Aggregation::UnitAny => {
                    value.numerator = value.numerator.max(f64::from(u8::from(row.value > 0.0)))
                }
                Aggregation::PerPrediction => {
                    value.numerator += row.value;
                    let seen = prediction.and_then(|prediction| has.get_mut(prediction * width + row.metric));
                    if seen.is_some_and(|seen| !std::mem::replace(seen, true)) {
                        value.denominator += 1.0;
                    }
                }
                _ => value.numerator += row.value,
            }
        }
        ledger.outcomes = names.cloned().zip(tallies).collect();
    }

    fn unit_of(&self, target: Target) -> Option<usize> {
        match target {
            Target::Unit(unit) => Some(unit),
            Target::Prediction(prediction) => self.index.predictions.get(prediction)?.unit,
            Target::None => None,
        }
    }

    fn outcome(&self, row: &OutcomeRow, counted: &[bool]) -> Disposition {
        if row.received > self.as_of || row.at > self.as_of {
            return Disposition::NotYet;
        }
        let (Disposition::Counted, Some(rule)) = (row.fixed, self.index.metrics.get(row.metric)) else {
            return row.fixed;
        };
        let unit = self.unit_of(row.target).and_then(|unit| self.index.units.get(unit));
        let cause = match (rule.aggregation, row.target) {
            (Aggregation::PerPrediction, Target::Prediction(prediction)) => {
                if counted.get(prediction) != Some(&true) {
                    return self.uncounted(prediction);
                }
                self.index.predictions.get(prediction).map(|row| row.at)
            }
            _ => unit.map(|unit| unit.first),
        };
        match (cause, unit) {
            (None, _) | (_, None) => Disposition::SubjectNotCounted,
            (Some(_), Some(unit)) if self.is_mixed(unit) => Disposition::MixedArms,
            (Some(cause), _) if row.at < cause => Disposition::BeforeWindow,
            (Some(cause), _) if row.at >= cause + rule.window => Disposition::AfterWindow,
            (Some(cause), _) if cause + rule.window > self.as_of => Disposition::Immature,
            _ => Disposition::Counted,
        }
    }

    fn uncounted(&self, prediction: usize) -> Disposition {
        match self.index.predictions.get(prediction).map(|row| self.prediction(row)) {
            Some(same @ (Disposition::Immature | Disposition::MixedArms)) => same,
            _ => Disposition::SubjectNotCounted,
        }
    }
}

fn longest(index: &Index, of: impl Fn(Aggregation) -> bool) -> Duration {
    index.metrics.iter().filter(|rule| of(rule.aggregation)).map(|rule| rule.window).max().unwrap_or_default()
}
