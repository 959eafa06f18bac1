//! Rows to dense tables: everything that does not depend on the look.

use std::collections::HashMap;
use std::time::Duration;

use expt_core::{
    AbTestPlan, Aggregation, Event, Exposure, ExposureTarget, MetricName, Outcome, PhaseId, PinStatus,
    Prediction, PredictionId, Shown, Subject, Timestamp, UnitId,
};

use crate::ledger::Disposition;

#[derive(Debug)]
pub(super) struct Index {
    pub(super) metrics: Vec<MetricRule>,
    /// Sorted by id.
    pub(super) units: Vec<UnitRow>,
    pub(super) exposures: Vec<ExposureRow>,
    pub(super) predictions: Vec<PredictionRow>,
    pub(super) outcomes: Vec<OutcomeRow>,
    pub(super) unplanned: Vec<MetricName>,
    pub(super) merged_lists: Vec<Timestamp>,
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
    /// When it was first seen in another arm.
    pub(super) mixed: Option<Timestamp>,
}

#[derive(Debug)]
pub(super) struct ExposureRow {
    pub(super) at: Timestamp,
    /// What it is at a look after `at`; a counted or repeated one may still be of a mixed unit.
    pub(super) fixed: Disposition,
    pub(super) unit: Option<usize>,
}

#[derive(Debug)]
pub(super) struct PredictionRow {
    pub(super) at: Timestamp,
    pub(super) fixed: Disposition,
    pub(super) unit: Option<usize>,
}

#[derive(Debug)]
pub(super) struct OutcomeRow {
    /// Into `metrics`, or beyond them into `unplanned`.
    pub(super) metric: usize,
    pub(super) at: Timestamp,
    pub(super) received: Timestamp,
    pub(super) value: f64,
    pub(super) fixed: Disposition,
    pub(super) target: Target,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    None,
    Unit(usize),
    Prediction(usize),
}

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
            predictions: Vec::with_capacity(predictions.len()),
            outcomes: Vec::with_capacity(outcomes.len()),
            unplanned: Vec::new(),
            merged_lists,
            latest: None,
        };
        let units = index.add_exposures(plan, exposures);
        let by_id = index.add_predictions(plan, &units, predictions);
        index.add_outcomes(plan, &units, &by_id, outcomes);
        index
    }

    fn add_exposures(&mut self, plan: &AbTestPlan, mut rows: Vec<Exposure>) -> HashMap<UnitId, usize> {
        let arm_of = |target: &ExposureTarget| match target {
            ExposureTarget::Arm { phase, arm, .. } if *phase == plan.phase => {
                Ok(plan.arms.iter().position(|planned| planned.arm == *arm))
            }
            ExposureTarget::Holdout { .. } => Err(Disposition::Holdout),
            _ => Err(Disposition::OtherPhase),
        };
        // By unit, then time, then arm: the first row of a unit is its first exposure whatever came in first.
        rows.sort_by(|a, b| {
            (&a.unit, a.at).cmp(&(&b.unit, b.at)).then_with(|| target_name(a).cmp(target_name(b)))
        });
        let mut ids: HashMap<UnitId, usize> = HashMap::new();
        for row in rows {
            let (fixed, unit) = match arm_of(&row.target) {
                Err(disposition) => (disposition, None),
                Ok(_) if row.unit_kind != plan.unit => (Disposition::OtherPhase, None),
                Ok(None) => (Disposition::UnknownArm, None),
                Ok(Some(arm)) => match ids.get(&row.unit).copied() {
                    Some(unit) => {
                        if let Some(known) = self.units.get_mut(unit)
                            && known.arm != arm
                            && known.mixed.is_none()
                        {
                            known.mixed = Some(row.at);
                        }
                        (Disposition::Repeated, Some(unit))
                    }
                    None => {
                        ids.insert(row.unit.clone(), self.units.len());
                        self.units.push(UnitRow { first: row.at, arm, mixed: None });
                        (Disposition::Counted, Some(self.units.len() - 1))
                    }
                },
            };
            if unit.is_some() {
                self.latest = self.latest.max(Some(row.at));
            }
            self.exposures.push(ExposureRow { at: row.at, fixed, unit });
        }
        ids
    }

    fn add_predictions(
        &mut self,
        plan: &AbTestPlan,
        units: &HashMap<UnitId, usize>,
        mut rows: Vec<Prediction>,
    ) -> HashMap<PredictionId, usize> {
        rows.sort_by(|a, b| (a.id, a.at, &a.unit).cmp(&(b.id, b.at, &b.unit)));
        let mut by_id: HashMap<PredictionId, usize> = HashMap::with_capacity(rows.len());
        let mut previous: Option<Prediction> = None;
        for row in rows {
            let twin = previous.as_ref().filter(|first| first.id == row.id);
            let (fixed, unit) = match twin {
                Some(first) if *first == row => (Disposition::Duplicate, None),
                Some(_) => (Disposition::Conflict, None),
                None => self.place_prediction(plan, units, &row),
            };
            if fixed != Disposition::Duplicate && fixed != Disposition::Conflict {
                by_id.insert(row.id, self.predictions.len());
            }
            self.predictions.push(PredictionRow { at: row.at, fixed, unit });
            if twin.is_none() {
                previous = Some(row);
            }
        }
        by_id
    }

    fn place_prediction(
        &self,
        plan: &AbTestPlan,
        units: &HashMap<UnitId, usize>,
        row: &Prediction,
    ) -> (Disposition, Option<usize>) {
        let disposition = match &row.stamp.shown {
            Shown::Arm => None,
            Shown::Shadow => Some(Disposition::Shadow),
            Shown::Holdout(_) => Some(Disposition::Holdout),
            Shown::Production => Some(Disposition::OtherPhase),
            _ => Some(Disposition::NotByArm),
        };
        if let Some(disposition) = disposition {
            return (disposition, None);
        }
        let is_ours = |phase: &PhaseId| *phase == plan.phase;
        let Some(stamped) = row.stamp.arms.iter().find(|arm| is_ours(&arm.phase)) else {
            return (Disposition::OtherPhase, None);
        };
        let Some((unit, known)) = units.get(&row.unit).and_then(|unit| Some((*unit, self.units.get(*unit)?)))
        else {
            return (Disposition::NotExposed, None);
        };
        if row.at < known.first {
            return (Disposition::NotExposed, None);
        }
        if plan.arms.get(known.arm).is_none_or(|planned| planned.arm != stamped.arm) {
            return (Disposition::MixedArms, None);
        }
        if row.stamp.model.pin == PinStatus::Mismatch {
            return (Disposition::PinMismatch, None);
        }
        (Disposition::Counted, Some(unit))
    }

    fn add_outcomes(
        &mut self,
        plan: &AbTestPlan,
        units: &HashMap<UnitId, usize>,
        by_id: &HashMap<PredictionId, usize>,
        mut rows: Vec<Outcome>,
    ) {
        let key = |row: &Outcome| (row.id, row.received, row.at, row.value.to_bits());
        rows.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.metric.cmp(&b.metric)));
        let mut names: HashMap<MetricName, usize> = HashMap::new();
        for (position, rule) in self.metrics.iter().enumerate() {
            names.insert(rule.metric.clone(), position);
        }
        let mut previous: Option<Outcome> = None;
        for row in rows {
            let metric = *names.entry(row.metric.clone()).or_insert_with(|| {
                self.unplanned.push(row.metric.clone());
                self.metrics.len() + self.unplanned.len() - 1
            });
            let twin = previous.as_ref().filter(|first| first.id == row.id);
            let (fixed, target) = match twin {
                Some(first) if says_the_same(first, &row) => (Disposition::Duplicate, Target::None),
                Some(_) => (Disposition::Conflict, Target::None),
                None => self.place_outcome(plan, units, by_id, metric, &row),
            };
            if !matches!(target, Target::None) {
                self.latest = self.latest.max(Some(row.received));
            }
            let (at, received, value) = (row.at, row.received, row.value);
            self.outcomes.push(OutcomeRow { metric, at, received, value, fixed, target });
            if twin.is_none() {
                previous = Some(row);
            }
        }
    }

    fn place_outcome(
        &self,
        plan: &AbTestPlan,
        units: &HashMap<UnitId, usize>,
        by_id: &HashMap<PredictionId, usize>,
        metric: usize,
        row: &Outcome,
    ) -> (Disposition, Target) {
        let Some(rule) = self.metrics.get(metric) else {
            return (Disposition::UnplannedMetric, Target::None);
        };
        if !row.value.is_finite() {
            return (Disposition::NotFinite, Target::None);
        }
        let prediction = match &row.subject {
            Subject::Prediction(id) => Some(id),
            Subject::Item { prediction, .. } => Some(prediction),
            _ => None,
        };
        let target = match (prediction, &row.subject) {
            (Some(id), _) => by_id.get(id).copied().map(Target::Prediction),
            (None, Subject::Unit { unit, unit_kind }) if *unit_kind == plan.unit => {
                units.get(unit).copied().map(Target::Unit)
            }
            _ => None,
        };
        match (target, rule.aggregation) {
            (None, _) => (Disposition::Orphan, Target::None),
            (Some(Target::Unit(_)), Aggregation::PerPrediction) => (Disposition::WrongSubject, Target::None),
            (Some(target), _) => (Disposition::Counted, target),
        }
    }
}

fn target_name(row: &Exposure) -> &str {
    match &row.target {
        ExposureTarget::Arm { arm, .. } => arm.as_str(),
        _ => "",
    }
}

/// The same outcome sent twice; when it was received does not matter.
fn says_the_same(a: &Outcome, b: &Outcome) -> bool {
    a.at == b.at && a.subject == b.subject && a.metric == b.metric && a.value.to_bits() == b.value.to_bits()
}
