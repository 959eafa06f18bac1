//! Small random worlds in which everything that can happen to a log happens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use expt_core::{
    AbTestPlan, Aggregation, ArmId, ArmRef, Correction, Digest, Direction, Event, ExperimentId, Exposure,
    ExposureTarget, HoldoutId, Identity, LayerId, MergedList, MetricName, ModelName, ModelOrigin, Outcome,
    OutcomeId, Output, PhaseId, PinStatus, PlannedArm, PlannedMetric, Prediction, PredictionId, RequestId,
    RunId, ScoredItem, Share, Shown, Stamp, Subject, Timestamp, UnitId, UnitKind,
};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

/// A plan, and a log that may say anything about it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) plan: AbTestPlan,
    pub(crate) events: Vec<Event>,
}

/// Time in these worlds is a few whole seconds, so that edges are hit all the time.
pub(crate) fn at(second: u64) -> Timestamp {
    Timestamp::from_micros(0) + Duration::from_secs(second)
}

impl World {
    pub(crate) fn random(rng: &mut StdRng) -> Self {
        let mut world = Self { plan: plan(rng), events: Vec::new() };
        for _ in 0..rng.random_range(0..14) {
            let event = match rng.random_range(0..20) {
                0..6 => world.exposure(rng),
                6..12 => world.prediction(rng),
                12..19 => world.outcome(rng),
                _ => world.merged_list(rng),
            };
            world.events.push(event);
            // Mostly what belongs together: outcomes of what is there.
            for _ in 0..rng.random_range(0..3) {
                let outcome = world.outcome(rng);
                world.events.push(outcome);
            }
        }
        world
    }

    /// Without rows of one id that became known at the same time and say different things: which of them
    /// counts is fixed, and not documented.
    pub(crate) fn without_ties(mut self) -> Self {
        let mut kept: Vec<Event> = Vec::new();
        for event in self.events {
            let tie = kept.iter().any(|other| match (other, &event) {
                (Event::Prediction(a), Event::Prediction(b)) => {
                    a.id == b.id && a.at == b.at && format!("{a:?}") != format!("{b:?}")
                }
                (Event::Outcome(a), Event::Outcome(b)) => {
                    a.id == b.id && a.received == b.received && format!("{a:?}") != format!("{b:?}")
                }
                _ => false,
            });
            if !tie {
                kept.push(event);
            }
        }
        self.events = kept;
        self
    }

    pub(crate) fn looks(&self, rng: &mut StdRng) -> Vec<Timestamp> {
        vec![at(rng.random_range(0..20)), at(rng.random_range(10..45)), at(100), Timestamp::MAX]
    }

    fn exposure(&self, rng: &mut StdRng) -> Event {
        let target = match rng.random_range(0..12) {
            0 => ExposureTarget::Holdout { holdout: HoldoutId::new("h").unwrap() },
            kind => ExposureTarget::Arm {
                experiment: self.plan.experiment.clone(),
                phase: phase(if kind == 1 { "e/other" } else { "e/ab" }),
                arm: arm(rng),
                epoch: 0,
            },
        };
        let identity = *[Identity::Own, Identity::Fallback].choose(rng).unwrap();
        let (unit, unit_kind) = unit(rng);
        Event::Exposure(Exposure {
            at: at(rng.random_range(0..20)),
            unit,
            unit_kind,
            identity,
            target,
            config_version: 1,
        })
    }

    fn prediction(&self, rng: &mut StdRng) -> Event {
        // Half of them are after an exposure, to the same unit and arm.
        let after = self.events.iter().filter_map(|event| match event {
            Event::Exposure(row) => Some(row),
            _ => None,
        });
        let after: Vec<_> = after.collect();
        let (mut unit, mut arm_ref) = (unit(rng), arm(rng));
        let mut time = at(rng.random_range(0..25));
        if let Some(row) = after.choose(rng).filter(|_| rng.random_bool(0.7)) {
            unit = (row.unit.clone(), row.unit_kind.clone());
            if let ExposureTarget::Arm { arm, .. } = &row.target {
                arm_ref = arm.clone();
            }
            time = row.at + Duration::from_secs(rng.random_range(0..4));
        }
        let shown = match rng.random_range(0..16) {
            0 => Shown::Shadow,
            1 => Shown::Forced,
            2 => Shown::Fallback,
            3 => Shown::Excluded,
            4 => Shown::Production,
            5 => Shown::Holdout(HoldoutId::new("h").unwrap()),
            _ => Shown::Arm,
        };
        let mut arms = vec![ArmRef {
            experiment: self.plan.experiment.clone(),
            phase: phase(if rng.random_range(0..12) == 0 { "e/other" } else { "e/ab" }),
            arm: arm_ref,
        }];
        if rng.random_bool(0.2) {
            let other =
                ArmRef { phase: phase("e/third"), arm: arm(rng), experiment: self.plan.experiment.clone() };
            arms.insert(rng.random_range(0..=1), other);
        }
        let pin = *[PinStatus::Verified, PinStatus::Unchecked, PinStatus::Verified, PinStatus::Mismatch]
            .choose(rng)
            .unwrap();
        let item = |key: &str| ScoredItem { key: key.into(), score: 0.5 };
        let output = match rng.random_range(0..8) {
            0 => Output::Value(f64::NAN),
            1..4 => Output::Value(0.5),
            _ => Output::Items(vec![item("a"), item("b")]),
        };
        let number = rng.random_range(0..8_u8);
        Event::Prediction(Prediction {
            id: prediction_id(number),
            at: time,
            request: RequestId::derive([[number]]),
            unit: unit.0,
            unit_kind: unit.1,
            stamp: Arc::new(Stamp {
                model: ModelOrigin {
                    model: ModelName::new("m").unwrap(),
                    version: 1,
                    digest: Digest::of(b"m"),
                    run: RunId::derive(["r"]),
                    experiment: self.plan.experiment.clone(),
                    features: None,
                    pin,
                },
                arms,
                config_version: 1,
                shown,
            }),
            output,
        })
    }

    fn outcome(&self, rng: &mut StdRng) -> Event {
        let earlier: Vec<&Outcome> = self
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Outcome(row) => Some(row),
                _ => None,
            })
            .collect();
        // One in ten is sent again, perhaps later, perhaps with another value.
        if let Some(row) = earlier.choose(rng).filter(|_| rng.random_bool(0.1)) {
            let mut row = (*row).clone();
            row.received = row.received + Duration::from_secs(rng.random_range(0..3));
            if rng.random_bool(0.3) {
                row.value += 1.0;
            }
            return Event::Outcome(row);
        }
        let causes: Vec<(Timestamp, Subject)> = self
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Exposure(row) => {
                    Some((row.at, Subject::Unit { unit: row.unit.clone(), unit_kind: row.unit_kind.clone() }))
                }
                Event::Prediction(row) if rng.random_bool(0.5) => Some((row.at, Subject::Prediction(row.id))),
                Event::Prediction(row) => {
                    Some((row.at, Subject::Item { prediction: row.id, index: rng.random_range(0..3) }))
                }
                _ => None,
            })
            .collect();
        let (unit, unit_kind) = unit(rng);
        let stray = match rng.random_range(0..2) {
            0 => (at(rng.random_range(0..30)), Subject::Unit { unit, unit_kind }),
            _ => (at(rng.random_range(0..30)), Subject::Prediction(prediction_id(rng.random_range(0..10)))),
        };
        let (cause, subject) = causes.choose(rng).cloned().filter(|_| rng.random_bool(0.85)).unwrap_or(stray);
        // Around the cause, and around the ends of windows.
        let at = cause + Duration::from_secs(rng.random_range(0..12))
            - Duration::from_secs(rng.random_range(0..3));
        let received =
            at + Duration::from_secs(rng.random_range(0..6)) - Duration::from_secs(rng.random_range(0..2));
        let names: Vec<MetricName> = self.plan.metrics().map(|metric| metric.metric.clone()).collect();
        let metric = names.choose(rng).cloned().filter(|_| rng.random_range(0..20) > 0);
        let value = [0.0, 1.0, 1.0, 2.0, 0.5, -1.0, 3.0, f64::NAN, f64::INFINITY];
        let reach = if rng.random_bool(0.2) { value.len() } else { 7 };
        Event::Outcome(Outcome {
            id: OutcomeId::derive([[rng.random_range(0..60_u8)]]),
            at,
            received,
            subject,
            metric: metric.unwrap_or_else(|| MetricName::new("unplanned").unwrap()),
            value: value[rng.random_range(0..reach)],
        })
    }

    fn merged_list(&self, rng: &mut StdRng) -> Event {
        Event::MergedList(MergedList {
            at: at(rng.random_range(0..30)),
            request: RequestId::derive(["r"]),
            unit: unit(rng).0,
            phase: self.plan.phase.clone(),
            predictions: [prediction_id(0), prediction_id(1)],
            positions: Vec::new(),
        })
    }
}

fn plan(rng: &mut StdRng) -> AbTestPlan {
    let aggregations = [Aggregation::UnitTotal, Aggregation::UnitAny, Aggregation::PerPrediction];
    let mut metric = |name: &str| PlannedMetric {
        metric: MetricName::new(name).unwrap(),
        aggregation: *aggregations.choose(rng).unwrap(),
        direction: Direction::HigherIsBetter,
        window: Duration::from_secs(rng.random_range(1..10)),
        margin: Some(1.0),
    };
    let arm = |name, share| PlannedArm {
        arm: ArmId::new(name).unwrap(),
        share: Share::percent(share).unwrap(),
        bindings: BTreeMap::new(),
    };
    AbTestPlan {
        experiment: ExperimentId::new("e").unwrap(),
        phase: phase("e/ab"),
        hypothesis: "h".into(),
        unit: UnitKind::new("user").unwrap(),
        layer: LayerId::new("l").unwrap(),
        arms: vec![arm("control", 50), arm("a", 50)],
        control: ArmId::new("control").unwrap(),
        max_traffic: Share::ALL,
        primary: metric("primary"),
        secondaries: vec![metric("secondary")],
        guardrails: vec![metric("guardrail")],
        alpha: 0.05,
        tuned_units: 100,
        correction: Correction::Holm,
        min_weeks: 1,
        max_weeks: 2,
    }
}

fn phase(name: &str) -> PhaseId {
    PhaseId::new(name).unwrap()
}

fn prediction_id(number: u8) -> PredictionId {
    PredictionId::derive([[number]])
}

/// Mostly one arm, so that not every unit is mixed; sometimes one that the plan does not have.
fn arm(rng: &mut StdRng) -> ArmId {
    ArmId::new(["control", "control", "control", "control", "a", "x"].choose(rng).unwrap()).unwrap()
}

/// One of a few units; sometimes of another kind, with the id of one of these.
fn unit(rng: &mut StdRng) -> (UnitId, UnitKind) {
    let kind = if rng.random_range(0..12) == 0 { "device" } else { "user" };
    let name = ["u1", "u2", "u3", "u4", "u5"].choose(rng).unwrap();
    (UnitId::new(name).unwrap(), UnitKind::new(kind).unwrap())
}
