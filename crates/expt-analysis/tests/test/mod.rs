//! A simulated A/B test.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use expt_analysis::Analysis;
use expt_core::{
    AbTestPlan, Aggregation, ArmId, ArmRef, Correction, Digest, Direction, Event, ExperimentId, Exposure,
    ExposureTarget, Identity, LayerId, MetricName, ModelName, ModelOrigin, Outcome, OutcomeId, Output,
    PhaseId, PinStatus, Plan, PlannedArm, PlannedMetric, Prediction, PredictionId, RequestId, RunId, Share,
    Shown, Stamp, Subject, Timestamp, UnitId, UnitKind,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn start() -> Timestamp {
    "2026-03-02".parse().unwrap()
}

/// A metric of units: whether it happened within a day.
pub(crate) fn metric(name: &str) -> PlannedMetric {
    PlannedMetric {
        metric: MetricName::new(name).unwrap(),
        aggregation: Aggregation::UnitAny,
        direction: Direction::HigherIsBetter,
        window: DAY,
        margin: None,
    }
}

/// Primary `clicks`, secondaries `dwell` and `other`, guardrail `errors`; 2 to 3 weeks; units come over 13 days.
pub(crate) struct Test {
    pub(crate) plan: AbTestPlan,
    pub(crate) units: usize,
    /// For each arm, its true share of the traffic.
    pub(crate) traffic: Vec<f64>,
    /// For each metric and arm, the share of units with an outcome.
    pub(crate) rates: BTreeMap<MetricName, Vec<f64>>,
}

impl Test {
    pub(crate) fn new(arms: usize) -> Self {
        let names = ["control", "arm1", "arm2"];
        let shares: &[u32] = if arms == 2 { &[500_000, 500_000] } else { &[400_000, 300_000, 300_000] };
        let arm = |(name, share): (&&str, &u32)| PlannedArm {
            arm: ArmId::new(name).unwrap(),
            share: Share::ppm(*share).unwrap(),
            bindings: BTreeMap::new(),
        };
        let errors =
            PlannedMetric { direction: Direction::LowerIsBetter, margin: Some(0.05), ..metric("errors") };
        let plan = AbTestPlan {
            experiment: ExperimentId::new("e").unwrap(),
            phase: PhaseId::new("e/ab").unwrap(),
            hypothesis: "better".into(),
            unit: UnitKind::new("user").unwrap(),
            layer: LayerId::new("l").unwrap(),
            arms: names.iter().zip(shares).map(arm).collect(),
            control: ArmId::new("control").unwrap(),
            max_traffic: Share::ALL,
            primary: metric("clicks"),
            secondaries: vec![metric("dwell"), metric("other")],
            guardrails: vec![errors],
            alpha: 0.05,
            tuned_units: 2000,
            correction: Correction::BenjaminiHochberg,
            min_weeks: 2,
            max_weeks: 3,
        };
        let rates = [("clicks", 0.3), ("dwell", 0.3), ("other", 0.5), ("errors", 0.02)];
        let rates = rates.map(|(name, rate)| (MetricName::new(name).unwrap(), vec![rate; arms]));
        let traffic = shares.iter().map(|share| f64::from(*share) / 1e6).collect();
        Self { plan, units: 0, traffic, rates: rates.into() }
    }

    pub(crate) fn with_units(mut self, units: usize) -> Self {
        self.units = units;
        self
    }

    pub(crate) fn with_rates(mut self, metric: &str, rates: &[f64]) -> Self {
        self.rates.insert(MetricName::new(metric).unwrap(), rates.to_vec());
        self
    }

    pub(crate) fn analysis(&self, seed: u64) -> Analysis {
        Analysis::new(&Plan::AbTest(self.plan.clone()).seal().unwrap(), self.events(seed)).unwrap()
    }

    pub(crate) fn events(&self, seed: u64) -> Vec<Event> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut events = Vec::new();
        for number in 0..self.units {
            let unit = UnitId::new(format!("u{number:06}")).unwrap();
            let mut draw = rng.random_range(0.0..1.0);
            let last = self.traffic.len() - 1;
            let arm = (0..last).find(|arm| {
                draw -= self.traffic[*arm];
                draw < 0.0
            });
            let arm = arm.unwrap_or(last);
            // The first comes in at the start, so that days and weeks are whole.
            let after = if number == 0 { 0 } else { rng.random_range(0..13 * DAY.as_secs()) };
            let at = start() + Duration::from_secs(after);
            events.push(self.exposure(&unit, arm, at));
            let prediction = PredictionId::derive([number.to_le_bytes()]);
            events.push(Event::Prediction(self.prediction(prediction, &unit, arm, at)));
            for planned in self.plan.metrics() {
                let happens = rng.random_bool(self.rates[&planned.metric][arm]);
                let per_prediction = planned.aggregation == Aggregation::PerPrediction;
                let subject = if per_prediction {
                    Subject::Prediction(prediction)
                } else {
                    Subject::Unit { unit: unit.clone(), unit_kind: self.plan.unit.clone() }
                };
                if per_prediction || happens {
                    let at = at + Duration::from_secs(rng.random_range(0..DAY.as_secs()));
                    let id = OutcomeId::derive([unit.as_str(), planned.metric.as_str()]);
                    let (metric, value) = (planned.metric.clone(), f64::from(u8::from(happens)));
                    events.push(Event::Outcome(Outcome { id, at, received: at, subject, metric, value }));
                }
            }
        }
        events
    }

    fn exposure(&self, unit: &UnitId, arm: usize, at: Timestamp) -> Event {
        let target = ExposureTarget::Arm {
            experiment: self.plan.experiment.clone(),
            phase: self.plan.phase.clone(),
            arm: self.plan.arms[arm].arm.clone(),
            epoch: 1,
        };
        let (unit, unit_kind) = (unit.clone(), self.plan.unit.clone());
        Event::Exposure(Exposure { at, unit, unit_kind, identity: Identity::Own, target, config_version: 1 })
    }

    /// The same exposure, to the other of two arms.
    pub(crate) fn in_the_other_arm(&self, event: &Event) -> Event {
        let Event::Exposure(row) = event else { panic!("{event:?} is no exposure") };
        let ExposureTarget::Arm { arm, .. } = &row.target else { panic!("{row:?} is to no arm") };
        self.exposure(&row.unit, usize::from(*arm == self.plan.control), row.at)
    }

    /// A click of a unit that may not be in the test.
    pub(crate) fn outcome_of(&self, unit: &str) -> Event {
        Event::Outcome(Outcome {
            id: OutcomeId::derive([unit]),
            at: start() + DAY,
            received: start() + DAY,
            subject: Subject::Unit { unit: UnitId::new(unit).unwrap(), unit_kind: self.plan.unit.clone() },
            metric: self.plan.primary.metric.clone(),
            value: 1.0,
        })
    }

    fn prediction(&self, id: PredictionId, unit: &UnitId, arm: usize, at: Timestamp) -> Prediction {
        let model = ModelOrigin {
            model: ModelName::new("m").unwrap(),
            version: 1,
            digest: Digest::of(b"m"),
            run: RunId::derive(["r"]),
            experiment: self.plan.experiment.clone(),
            features: None,
            pin: PinStatus::Verified,
        };
        let arms = vec![ArmRef {
            experiment: self.plan.experiment.clone(),
            phase: self.plan.phase.clone(),
            arm: self.plan.arms[arm].arm.clone(),
        }];
        Prediction {
            id,
            at,
            request: RequestId::derive([id.as_bytes()]),
            unit: unit.clone(),
            unit_kind: self.plan.unit.clone(),
            stamp: Arc::new(Stamp { model, arms, config_version: 1, shown: Shown::Arm }),
            output: Output::Value(0.5),
        }
    }
}
