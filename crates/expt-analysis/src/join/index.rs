//! Rows to dense tables: everything that does not depend on the look.

use std::collections::HashMap;
use std::time::Duration;

use expt_core::{
    AbTestPlan, Aggregation, Event, Exposure, ExposureTarget, MetricName, Outcome, Output, PinStatus,
    Prediction, PredictionId, Shown, Subject, Timestamp, UnitId,
};

use super::order;
use crate::ledger::Disposition;

/// Rows are numbered by `u32`, which halves what a look has to read.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) metrics: Vec<MetricRule>,
    /// Sorted by id.
    pub(super) units: Vec<UnitRow>,
    pub(super) exposures: Vec<ExposureRow>,
    /// Sorted by unit, then id.
    pub(super) predictions: Vec<PredictionRow>,
    /// Sorted by unit, then prediction, then metric, then id: a look goes through memory in order, sums in an
    /// order that does not depend on the log, and sees the outcomes of a prediction side by side.
    pub(super) outcomes: Vec<OutcomeRow>,
    pub(super) unplanned: Vec<MetricName>,
    pub(super) merged_lists: Vec<Timestamp>,
    pub(super) first: Option<Timestamp>,
    pub(super) latest: Option<Timestamp>,
}

#[derive(Debug)]
pub(super) struct MetricRule {
    pub(super) metric: MetricName,
    pub(super) aggregation: Aggregation,
    pub(super) window: Duration,
}

#[derive(Debug)]
pub(super) struct UnitRow {
    pub(super) first: Timestamp,
    pub(super) arm: usize,
    /// When it first saw another arm.
    pub(super) mixed: Option<Timestamp>,
}

#[derive(Debug)]
pub(super) struct ExposureRow {
    pub(super) at: Timestamp,
    /// What it is at a look after `at`, unless its unit is mixed by then.
    pub(super) last: Disposition,
    /// [`NONE`] for an exposure to something else.
    pub(super) unit: u32,
}

#[derive(Debug)]
pub(super) struct PredictionRow {
    pub(super) at: Timestamp,
    /// From when on none of its outcomes can be missing.
    pub(super) matures: Timestamp,
    /// What it is at a look after that, unless its unit is mixed by then.
    pub(super) last: Disposition,
    /// [`NONE`] for one that never counts.
    pub(super) unit: u32,
}

#[derive(Debug)]
pub(super) struct OutcomeRow {
    /// The later of when it happened and when it was received.
    pub(super) known: Timestamp,
    pub(super) value: f64,
    /// Into `metrics`, or beyond them into `unplanned`.
    pub(super) metric: u32,
    /// [`NONE`] for one that never counts.
    pub(super) unit: u32,
    /// [`NONE`] for an outcome of a unit.
    pub(super) prediction: u32,
    /// What it is when everything is known and over, unless its unit is mixed by then.
    pub(super) last: Disposition,
}

/// No row.
pub(super) const NONE: u32 = u32::MAX;

impl Index {
    pub(super) fn new(plan: &AbTestPlan, events: impl IntoIterator<Item = Event>) -> Self {
        let (mut exposures, mut predictions, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
        let mut merged_lists = Vec::new();
        for event in events {
            match event {
                Event::Exposure(row) => exposures.push(row),
                Event::Prediction(row) => predictions.push(row),
                Event::Outcome(row) => outcomes.push(row),
                other => merged_lists.push(other.at()),
            }
        }
        let metrics = plan.metrics().map(|metric| MetricRule {
            metric: metric.metric.clone(),
            aggregation: metric.aggregation,
            window: metric.window,
        });
        let mut index = Self {
            metrics: metrics.collect(),
            units: Vec::new(),
            exposures: Vec::with_capacity(exposures.len()),
            predictions: Vec::new(),
            outcomes: Vec::new(),
            unplanned: Vec::new(),
            merged_lists,
            first: None,
            latest: None,
        };
        let units = index.add_exposures(plan, exposures);
        let by_id = index.add_predictions(plan, &units, &predictions);
        index.add_outcomes(plan, &units, &by_id, &outcomes);
        index.first = index.units.iter().map(|unit| unit.first).min();
        index
    }

    fn add_exposures(&mut self, plan: &AbTestPlan, mut rows: Vec<Exposure>) -> HashMap<UnitId, u32> {
        rows.sort_unstable_by(order::exposures);
        let mut ids: HashMap<UnitId, u32> = HashMap::new();
        for row in rows {
            let (last, unit) = match arm_of(plan, &row) {
                Err(disposition) => (disposition, NONE),
                Ok(arm) => match ids.get(&row.unit) {
                    Some(unit) => {
                        self.saw(*unit, arm, row.at);
                        (Disposition::Repeated, *unit)
                    }
                    None => {
                        let unit = number(self.units.len());
                        self.units.push(UnitRow { first: row.at, arm, mixed: None });
                        ids.insert(row.unit, unit);
                        (Disposition::Counted, unit)
                    }
                },
            };
            if unit != NONE {
                self.latest = self.latest.max(Some(row.at));
            }
            self.exposures.push(ExposureRow { at: row.at, last, unit });
        }
        ids
    }

    /// A unit saw an arm: if it is not the one that it has, the unit is mixed from then on.
    fn saw(&mut self, unit: u32, arm: usize, at: Timestamp) {
        if let Some(unit) = self.units.get_mut(unit as usize)
            && unit.arm != arm
        {
            unit.mixed = Some(unit.mixed.map_or(at, |before| before.min(at)));
        }
    }

    fn add_predictions<'a>(
        &mut self,
        plan: &AbTestPlan,
        units: &HashMap<UnitId, u32>,
        rows: &'a [Prediction],
    ) -> HashMap<PredictionId, (u32, &'a Output)> {
        let outlive = |rule: &&MetricRule| rule.aggregation == Aggregation::PerPrediction;
        let window = self.metrics.iter().filter(outlive).map(|rule| rule.window).max().unwrap_or_default();
        let mut placed: Vec<(PredictionRow, &Prediction)> = Vec::with_capacity(rows.len());
        let mut first: Option<&Prediction> = None;
        for row in order::by_id(rows, |row| (row.id.as_bytes(), row.at), order::predictions) {
            let (last, unit) = match first.filter(|first| first.id == row.id) {
                Some(first) if order::predictions(first, row).is_eq() => (Disposition::Duplicate, NONE),
                Some(_) => (Disposition::Conflict, NONE),
                None => {
                    first = Some(row);
                    self.place_prediction(plan, units, row)
                }
            };
            if unit != NONE {
                self.latest = self.latest.max(Some(row.at));
            }
            placed.push((PredictionRow { at: row.at, matures: row.at + window, last, unit }, row));
        }
        placed.sort_by_key(|(row, _)| row.unit);
        let mut by_id = HashMap::with_capacity(placed.len());
        for (position, (row, prediction)) in placed.into_iter().enumerate() {
            if !matches!(row.last, Disposition::Duplicate | Disposition::Conflict) {
                by_id.insert(prediction.id, (number(position), &prediction.output));
            }
            self.predictions.push(row);
        }
        by_id
    }

    fn place_prediction(
        &mut self,
        plan: &AbTestPlan,
        units: &HashMap<UnitId, u32>,
        row: &Prediction,
    ) -> (Disposition, u32) {
        match row.stamp.shown {
            Shown::Arm => {}
            Shown::Shadow => return (Disposition::Shadow, NONE),
            Shown::Holdout(_) => return (Disposition::Holdout, NONE),
            Shown::Production => return (Disposition::OtherPhase, NONE),
            _ => return (Disposition::NotByArm, NONE),
        }
        let Some(stamped) = row.stamp.arms.iter().find(|arm| arm.phase == plan.phase) else {
            return (Disposition::OtherPhase, NONE);
        };
        let Some(arm) = plan.arms.iter().position(|planned| planned.arm == stamped.arm) else {
            return (Disposition::UnknownArm, NONE);
        };
        let unit = units.get(&row.unit).filter(|_| row.unit_kind == plan.unit).copied();
        let known = unit.and_then(|unit| Some((unit, self.units.get(unit as usize)?)));
        let Some((unit, known)) = known.filter(|(_, known)| known.first <= row.at) else {
            return (Disposition::NotExposed, NONE);
        };
        if known.arm != arm {
            // What was shown is as good a witness as an exposure.
            self.saw(unit, arm, row.at);
            return (Disposition::MixedArms, unit);
        }
        if row.stamp.model.pin == PinStatus::Mismatch {
            return (Disposition::PinMismatch, NONE);
        }
        (Disposition::Counted, unit)
    }

    fn add_outcomes(
        &mut self,
        plan: &AbTestPlan,
        units: &HashMap<UnitId, u32>,
        by_id: &HashMap<PredictionId, (u32, &Output)>,
        rows: &[Outcome],
    ) {
        let mut placed = Vec::with_capacity(rows.len());
        let mut names: HashMap<&MetricName, u32> = HashMap::new();
        let mut first: Option<&Outcome> = None;
        for row in order::by_id(rows, |row| (row.id.as_bytes(), row.received), order::outcomes) {
            let planned = self.metrics.iter().position(|rule| rule.metric == row.metric);
            let metric = planned.map(number).unwrap_or_else(|| {
                *names.entry(&row.metric).or_insert_with(|| {
                    self.unplanned.push(row.metric.clone());
                    number(self.metrics.len() + self.unplanned.len() - 1)
                })
            });
            let (last, unit, prediction) = match first.filter(|first| first.id == row.id) {
                Some(first) if order::say_the_same(first, row) => (Disposition::Duplicate, NONE, NONE),
                Some(_) => (Disposition::Conflict, NONE, NONE),
                None => {
                    first = Some(row);
                    self.place_outcome(plan, units, by_id, metric, row)
                }
            };
            let known = row.received.max(row.at);
            if unit != NONE {
                self.latest = self.latest.max(Some(known));
            }
            placed.push(OutcomeRow { known, value: row.value, metric, unit, prediction, last });
        }
        placed.sort_by_key(|row| (row.unit, row.prediction, row.metric));
        self.outcomes = placed;
    }

    fn place_outcome(
        &self,
        plan: &AbTestPlan,
        units: &HashMap<UnitId, u32>,
        by_id: &HashMap<PredictionId, (u32, &Output)>,
        metric: u32,
        row: &Outcome,
    ) -> (Disposition, u32, u32) {
        let Some(rule) = self.metrics.get(metric as usize) else {
            return (Disposition::UnplannedMetric, NONE, NONE);
        };
        if !row.value.is_finite() {
            return (Disposition::NotFinite, NONE, NONE);
        }
        let per_prediction = rule.aggregation == Aggregation::PerPrediction;
        let (id, item) = match &row.subject {
            Subject::Prediction(id) => (id, None),
            Subject::Item { prediction, index } => (prediction, Some(*index)),
            Subject::Unit { .. } if per_prediction => return (Disposition::WrongSubject, NONE, NONE),
            Subject::Unit { unit, unit_kind } => {
                let unit = units.get(unit).filter(|_| *unit_kind == plan.unit).copied();
                let known = unit.and_then(|unit| Some((unit, self.units.get(unit as usize)?)));
                return match known {
                    Some((unit, known)) => (in_window(row.at, known.first, rule.window), unit, NONE),
                    None => (Disposition::NotExposed, NONE, NONE),
                };
            }
            _ => return (Disposition::WrongSubject, NONE, NONE),
        };
        let Some((position, _)) = by_id.get(id).filter(|(_, output)| has_item(output, item)) else {
            return (Disposition::Orphan, NONE, NONE);
        };
        let prediction = self.predictions.get(*position as usize).filter(|row| row.unit != NONE);
        let Some((prediction, unit)) =
            prediction.and_then(|row| Some((row, self.units.get(row.unit as usize)?)))
        else {
            return (Disposition::SubjectNotCounted, NONE, NONE);
        };
        let cause = if per_prediction { prediction.at } else { unit.first };
        (in_window(row.at, cause, rule.window), prediction.unit, *position)
    }
}

/// The arm of the plan that an exposure is to.
fn arm_of(plan: &AbTestPlan, row: &Exposure) -> Result<usize, Disposition> {
    match &row.target {
        ExposureTarget::Arm { phase, arm, .. } if *phase == plan.phase && row.unit_kind == plan.unit => {
            plan.arms.iter().position(|planned| planned.arm == *arm).ok_or(Disposition::UnknownArm)
        }
        ExposureTarget::Holdout { .. } => Err(Disposition::Holdout),
        _ => Err(Disposition::OtherPhase),
    }
}

fn has_item(output: &Output, item: Option<u32>) -> bool {
    match (item, output) {
        (None, _) => true,
        (Some(item), Output::Items(items)) => (item as usize) < items.len(),
        (Some(_), _) => false,
    }
}

fn in_window(at: Timestamp, cause: Timestamp, window: Duration) -> Disposition {
    match at {
        at if at < cause => Disposition::BeforeWindow,
        at if at >= cause + window => Disposition::AfterWindow,
        _ => Disposition::Counted,
    }
}

/// Four thousand million rows do not fit in memory; one beyond them would be no row.
fn number(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(NONE)
}
