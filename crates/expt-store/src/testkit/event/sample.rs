//! Events to append: the same at each call.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "the cases are tests: they fail by panicking"
)]

use std::sync::Arc;
use std::time::Duration;

use expt_core::{
    ArmId, ArmRef, Digest, Event, ExperimentId, Exposure, ExposureTarget, HoldoutId, Identity, MergedList,
    MergedPosition, MetricName, ModelName, ModelOrigin, Outcome, OutcomeId, Output, PhaseId, PinStatus,
    Prediction, PredictionId, RequestId, RunId, ScoredItem, Shown, Stamp, Subject, Timestamp, UnitId,
    UnitKind,
};

/// Some events of every table, one a second from 1970 on, the same at each call.
#[must_use]
pub fn sample(count: usize) -> Vec<Event> {
    let event = |index: usize| match index % 8 {
        0 => Event::Exposure(exposure(index)),
        1 | 2 | 5 => Event::Prediction(prediction(index)),
        3 | 4 | 6 => Event::Outcome(outcome(index)),
        _ => Event::MergedList(merged_list(index)),
    };
    (0..count).map(event).collect()
}

/// One stamp of several: every reason to show, every pin status, with and without a feature pin.
#[must_use]
pub fn stamp(index: usize) -> Arc<Stamp> {
    let name = |kind: &str| format!("{kind}-{}", index % 3);
    let arm = |layer: &str| ArmRef {
        experiment: ExperimentId::new(format!("ranker-{layer}")).unwrap(),
        phase: PhaseId::new(format!("ranker-{layer}/ab")).unwrap(),
        arm: ArmId::new(name("arm")).unwrap(),
    };
    Arc::new(Stamp {
        model: ModelOrigin {
            model: ModelName::new("ranker").unwrap(),
            version: 1 + u32::try_from(index % 3).unwrap(),
            digest: Digest::of(name("bytes").as_bytes()),
            run: RunId::derive([name("run")]),
            experiment: ExperimentId::new("ranker-v2").unwrap(),
            features: (!index.is_multiple_of(4)).then(|| Digest::of(b"features")),
            pin: [PinStatus::Verified, PinStatus::Mismatch, PinStatus::Unchecked][index % 3],
        },
        arms: if index % 7 == 5 { vec![] } else { vec![arm("v2"), arm("threshold")] },
        config_version: 7,
        shown: match index % 7 {
            0 => Shown::Arm,
            1 => Shown::Holdout(HoldoutId::new("global").unwrap()),
            2 => Shown::Excluded,
            3 => Shown::Forced,
            4 => Shown::Fallback,
            5 => Shown::Production,
            _ => Shown::Shadow,
        },
    })
}

pub(super) fn exposure(index: usize) -> Exposure {
    Exposure {
        at: second_of(index),
        unit: unit(index),
        unit_kind: UnitKind::new("user").unwrap(),
        identity: if index.is_multiple_of(16) { Identity::Own } else { Identity::Fallback },
        target: if index.is_multiple_of(24) {
            ExposureTarget::Holdout { holdout: HoldoutId::new("global").unwrap() }
        } else {
            ExposureTarget::Arm {
                experiment: ExperimentId::new("ranker-v2").unwrap(),
                phase: PhaseId::new("ranker-v2/ab").unwrap(),
                arm: ArmId::new(format!("arm-{}", index % 3)).unwrap(),
                epoch: 1,
            }
        },
        config_version: 7,
    }
}

pub(super) fn prediction(index: usize) -> Prediction {
    let item = |item: usize| ScoredItem { key: format!("item-{item}"), score: 0.25 };
    Prediction {
        id: PredictionId::derive([format!("prediction {index}")]),
        at: second_of(index),
        request: RequestId::derive([format!("request {}", index / 2)]),
        unit: unit(index),
        unit_kind: UnitKind::new("user").unwrap(),
        stamp: stamp(index),
        output: if index.is_multiple_of(5) {
            Output::Items((0..index % 4).map(item).collect())
        } else {
            Output::Value(0.125)
        },
    }
}

pub(super) fn outcome(index: usize) -> Outcome {
    let prediction = PredictionId::derive([format!("prediction {}", index / 2)]);
    Outcome {
        id: OutcomeId::derive([format!("outcome {index}")]),
        at: second_of(index),
        received: second_of(index) + Duration::from_millis(1500),
        subject: match index % 3 {
            0 => Subject::Unit { unit: unit(index), unit_kind: UnitKind::new("user").unwrap() },
            1 => Subject::Prediction(prediction),
            _ => Subject::Item { prediction, index: 3 },
        },
        metric: MetricName::new(if index.is_multiple_of(2) { "click" } else { "dwell" }).unwrap(),
        value: 1.5,
    }
}

pub(super) fn merged_list(index: usize) -> MergedList {
    let position = |position: usize| MergedPosition {
        key: format!("item-{position}"),
        owner: [None, Some(0), Some(1)][position % 3],
        propensity: 0.5,
    };
    MergedList {
        at: second_of(index),
        request: RequestId::derive([format!("request {}", index / 2)]),
        unit: unit(index),
        phase: PhaseId::new("ranker-v2/interleave").unwrap(),
        predictions: ["a", "b"].map(|side| PredictionId::derive([format!("{side} {index}")])),
        positions: (0..4).map(position).collect(),
    }
}

fn unit(index: usize) -> UnitId {
    UnitId::new(format!("user-{}", index / 4)).unwrap()
}

fn second_of(index: usize) -> Timestamp {
    second(i64::try_from(index).unwrap())
}

pub(super) fn second(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds.saturating_mul(1_000_000))
}
