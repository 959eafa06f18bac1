use std::sync::Arc;

use expt_core::{
    Actor, ArmRef, ArtifactRef, CodeVersion, DatasetVersion, Declared, Digest, Evidence, MetricName,
    ModelOrigin, OutcomeId, Output, PinStatus, Provenance, RequestId, RunId, RunKind, ScoredItem, Stage,
    Timestamp,
};

use super::*;
use crate::blocking::wait;
use crate::{Durability, MemoryEvents, MemoryStore, RegistryCommit, Update};

fn at(hour: u32) -> Timestamp {
    format!("2026-03-01T{hour:02}:00:00Z").parse().unwrap()
}

fn arm(experiment: &str, arm: &str) -> ArmRef {
    ArmRef {
        experiment: experiment.parse().unwrap(),
        phase: format!("{experiment}/ab").parse().unwrap(),
        arm: arm.parse().unwrap(),
    }
}

fn exposure(unit: &str, of: &ArmRef, hour: u32) -> Event {
    let ArmRef { experiment, phase, arm } = of.clone();
    Event::Exposure(Exposure {
        at: at(hour),
        unit: unit.parse().unwrap(),
        unit_kind: "user".parse().unwrap(),
        identity: expt_core::Identity::Own,
        target: ExposureTarget::Arm { experiment, phase, arm, epoch: 1 },
        config_version: 3,
    })
}

fn outcome(id: &str, subject: Subject, hour: u32) -> Event {
    let metric = MetricName::new("click").unwrap();
    let id = OutcomeId::derive([id]);
    Event::Outcome(Outcome { id, at: at(hour), received: at(hour), subject, metric, value: 1.0 })
}

/// A prediction of a model of a trial of a study, in two arms.
fn prediction() -> Prediction {
    let key = |key: &str| ScoredItem { key: key.into(), score: 0.5 };
    Prediction {
        id: PredictionId::derive(["p"]),
        at: at(9),
        request: RequestId::derive(["r"]),
        unit: "ada".parse().unwrap(),
        unit_kind: "user".parse().unwrap(),
        stamp: Arc::new(Stamp {
            model: ModelOrigin {
                model: "ranker".parse().unwrap(),
                version: 1,
                digest: Digest::of(b"weights"),
                run: RunId::derive(["trial"]),
                experiment: "ranker-v2".parse().unwrap(),
                features: Some(Digest::of(b"features")),
                pin: PinStatus::Verified,
            },
            arms: vec![arm("ranker-v2", "treatment"), arm("threshold", "low")],
            config_version: 3,
            shown: Shown::Arm,
        }),
        output: Output::Items(vec![key("a"), key("b")]),
    }
}

fn events() -> MemoryEvents {
    let (store, prediction) = (MemoryEvents::new(), prediction());
    let [first, second] = [0, 1].map(|index| &prediction.stamp.arms[index]);
    let mut other = prediction.clone();
    other.id = PredictionId::derive(["other"]);
    let item = |of: &Prediction, index| Subject::Item { prediction: of.id, index };
    let rows = [
        exposure("bob", second, 7),
        exposure("ada", first, 8),
        exposure("ada", first, 6),
        exposure("ada", &arm("ranker-v2", "control"), 5),
        Event::Prediction(other.clone()),
        Event::Prediction(prediction.clone()),
        outcome("1", item(&prediction, 1), 10),
        outcome("1", item(&prediction, 1), 10),
        outcome("2", item(&other, 1), 10),
        outcome("3", Subject::Prediction(prediction.id), 9),
    ];
    wait(store.append(&rows, Durability::Committed)).unwrap();
    store
}

fn metadata() -> MemoryStore {
    let (store, stamp) = (MemoryStore::new(), prediction().stamp);
    let experiment = stamp.model.experiment.clone();
    let actor = || Actor::new("grace").unwrap();
    wait(store.create_experiment(&Experiment {
        id: experiment.clone(),
        hypothesis: "deeper ranks better".into(),
        owner: actor(),
        created: at(1),
    }))
    .unwrap();
    let mut study = Run::new(RunId::derive(["study"]), experiment.clone(), "search", at(1));
    study.kind = RunKind::Study;
    let mut trial = Run::new(stamp.model.run, experiment.clone(), "trial 7", at(2));
    (trial.kind, trial.parent) = (RunKind::Trial, Some(study.id));
    trial.params.insert("depth".into(), 8.into());
    trial.provenance = Some(Provenance {
        dataset: DatasetVersion { name: "clicks".into(), digest: Digest::of(b"rows"), rows: 9 }.into(),
        features: Declared::opted_out("raw\ntext"),
        code: CodeVersion { commit: "3f2a91c".into(), dirty: true }.into(),
        seed: 7.into(),
    });
    wait(store.create_run(&study)).unwrap();
    wait(store.create_run(&trial)).unwrap();
    let model = &stamp.model.model;
    let register = Update::Register {
        model: model.clone(),
        run: trial.id,
        experiment,
        artifact: ArtifactRef::of(b"weights"),
        features: Declared::opted_out("none"),
        provenance_gaps: vec![],
        at: at(3),
    };
    let promote = Update::Promote {
        model: model.clone(),
        version: 1,
        to: Stage::Production,
        by: actor(),
        at: at(4),
        reason: "better".into(),
        evidence: Some(Evidence::Rollback),
        provenance_override: None,
    };
    wait(store.commit(&RegistryCommit::new().update(register))).unwrap();
    wait(store.commit(&RegistryCommit::new().update(promote))).unwrap();
    store
}

#[test]
fn a_prediction_is_traced_to_its_run_and_its_outcomes() {
    let (events, store) = (events(), metadata());
    let found = wait(lineage(prediction().id, &store, &store, &events)).unwrap();
    assert_eq!(found.prediction, prediction());
    assert_eq!(found.outcomes.len(), 2);
    let tree = format!(
        "prediction {id} at 2026-03-01T09:00:00Z
|-- ranked 2 items to user ada, request {request}
|-- shown: arm, assignment config 3
|-- arms: 2
|   |-- treatment of phase ranker-v2/ab of experiment ranker-v2: first exposed 2026-03-01T06:00:00Z
|   `-- low of phase threshold/ab of experiment threshold: exposure: missing
|-- model ranker@1
|   |-- bytes {bytes}
|   |-- features {features} (verified)
|   |-- registered 2026-03-01T03:00:00Z, now in stage production
|   `-- none to production at 2026-03-01T04:00:00Z by grace: better (rollback)
|-- run {trial} \"trial 7\" (running)
|   |-- study {study} \"search\"
|   |-- param depth = 8
|   |-- dataset clicks ({rows}, 9 rows)
|   |-- features: opted out, raw text
|   |-- code 3f2a91c with uncommitted changes
|   `-- seed 7
|-- outcomes: 2
|   |-- click = 1 at 2026-03-01T09:00:00Z
|   `-- click = 1 of item 1 at 2026-03-01T10:00:00Z
`-- experiments
    |-- ranker-v2 of grace: deeper ranks better
    `-- threshold: missing",
        id = prediction().id,
        request = prediction().request,
        bytes = Digest::of(b"weights"),
        features = Digest::of(b"features").short(),
        trial = RunId::derive(["trial"]),
        study = RunId::derive(["study"]),
        rows = Digest::of(b"rows").short(),
    );
    assert_eq!(found.to_string(), tree);
    assert_eq!(serde_json::to_value(&found).unwrap()["model_version"]["version"], 1);
}

#[test]
fn what_is_missing_is_said_and_no_error() {
    let (events, store) = (events(), MemoryStore::new());
    let found = wait(lineage(prediction().id, &store, &store, &events)).unwrap();
    assert!(found.run.is_none() && found.model_version.is_none() && found.experiments.is_empty());
    let text = found.to_string();
    for line in ["registered: missing", ": missing\n|-- outcomes: 2", "ranker-v2: missing"] {
        assert!(text.contains(line), "{text}");
    }
    let error = wait(lineage(PredictionId::derive(["x"]), &store, &store, &events)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
