//! What comes from the stores: plans, and what is known about the models of the arms.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

#[allow(dead_code, reason = "each test file uses some of it")]
mod test;

use std::collections::BTreeMap;

use expt_analysis::{Analysis, AnalysisError, Readout, ShadowReadout, read_plan};
use expt_core::{
    Actor, ArtifactRef, Binding, CodeVersion, DatasetVersion, DecisionPoint, Declared, Digest, Document,
    Experiment, FeatureVersion, MetricName, MetricPoint, ModelName, Plan, Provenance, Run, RunId, RunKind,
    SealedPlan, Stage, Timestamp,
};
use expt_store::blocking::wait;
use expt_store::{Durability, ErrorKind, RegistryCommit, RegistryStoreExt, Stores, Update};
use test::{DAY, Test, start};

/// A test of version 2 of a model, made by a trial, against version 1; nothing is stored.
fn test() -> Test {
    let mut test = Test::new(2).with_units(100);
    let versions: [&[u8]; 2] = [b"old", b"new"];
    for (number, arm) in test.plan.arms.iter_mut().enumerate() {
        let (version, digest) = (u32::try_from(number).unwrap() + 1, Digest::of(versions[number]));
        let binding = Binding::Pinned { model: ModelName::new("ranker").unwrap(), version, digest };
        arm.bindings.insert(DecisionPoint::new("ranker").unwrap(), binding);
    }
    test
}

fn sealed(test: &Test) -> SealedPlan {
    Plan::AbTest(test.plan.clone()).seal().unwrap()
}

fn readout(test: &Test) -> (Analysis, Readout) {
    let analysis = test.analysis(1);
    let readout = analysis.readout(&[start() + DAY * 15]).unwrap();
    (analysis, readout)
}

fn create(stores: &Stores, test: &Test, name: &str, parent: Option<&str>, change: impl Fn(&mut Run)) {
    let started = start() - DAY + DAY / 24 * u32::from(name.len() as u8);
    let mut run = Run::new(RunId::derive([name]), test.plan.experiment.clone(), name, started);
    run.parent = parent.map(|parent| RunId::derive([parent]));
    change(&mut run);
    wait(stores.runs.create_run(&run)).unwrap();
}

fn log(stores: &Stores, run: &str, metrics: &[(&str, f64)]) {
    let point = |(metric, value): &(&str, f64)| MetricPoint {
        metric: MetricName::new(metric).unwrap(),
        step: 1,
        value: *value,
        at: start(),
    };
    let points: Vec<MetricPoint> = metrics.iter().map(point).collect();
    wait(stores.runs.append_metrics(RunId::derive([run]), &points, Durability::Committed)).unwrap();
}

fn stored(test: &Test) -> Stores {
    let stores = Stores::memory();
    let owner = Actor::new("ada").unwrap();
    let (id, created) = (test.plan.experiment.clone(), start());
    wait(stores.runs.create_experiment(&Experiment {
        id,
        hypothesis: "h".into(),
        owner: owner.clone(),
        created,
    }))
    .unwrap();
    create(&stores, test, "old", None, |_| {});
    create(&stores, test, "study", None, |run| {
        run.kind = RunKind::Study;
        run.tags.insert("study.objective".into(), "log_loss".into());
        run.tags.insert("study.trials".into(), "40".into());
    });
    create(&stores, test, "new", Some("study"), |run| {
        run.kind = RunKind::Trial;
        run.provenance = Some(Provenance {
            dataset: DatasetVersion { name: "wine".into(), digest: Digest::of(b"rows"), rows: 900 }.into(),
            features: FeatureVersion { pipeline: "p1".into(), digest: Digest::of(b"pin") }.into(),
            code: CodeVersion { commit: "3f2a91c".into(), dirty: true }.into(),
            seed: Declared::opted_out("the library has none"),
        });
    });
    // Two evaluations, the one with the longer name later, and a trial, which judges nothing.
    create(&stores, test, "evaluation", Some("new"), |_| {});
    create(&stores, test, "evaluated again", Some("new"), |_| {});
    create(&stores, test, "a trial", Some("new"), |run| run.kind = RunKind::Trial);
    log(&stores, "new", &[("log_loss", 0.4), ("accuracy", 0.8), ("endless", f64::INFINITY)]);
    log(&stores, "evaluated again", &[("auc", 0.92), ("accuracy", 0.1)]);
    log(&stores, "evaluation", &[("auc", 0.91), ("brier", 0.2)]);
    log(&stores, "a trial", &[("trial_only", 1.0)]);
    for (run, bytes) in [("old", b"old"), ("new", b"new")] {
        let register = Update::Register {
            model: ModelName::new("ranker").unwrap(),
            run: RunId::derive([run]),
            experiment: test.plan.experiment.clone(),
            artifact: ArtifactRef::of(bytes),
            features: Declared::opted_out("raw text"),
            provenance_gaps: Vec::new(),
            at: start(),
        };
        wait(stores.registry.commit(&RegistryCommit::new().update(register))).unwrap();
    }
    promote(&stores, owner);
    stores
}

fn promote(stores: &Stores, by: Actor) {
    let promote = Update::Promote {
        model: ModelName::new("ranker").unwrap(),
        version: 2,
        to: Stage::Staging,
        by,
        at: start(),
        reason: "offline it is better".into(),
        evidence: None,
        provenance_override: Some("a dirty tree, looked at".into()),
    };
    wait(stores.registry.commit(&RegistryCommit::new().update(promote))).unwrap();
}

#[test]
fn models_come_with_run_metrics_lineage_and_selection() {
    let test = test();
    let stores = stored(&test);
    let (analysis, mut readout) = readout(&test);
    wait(analysis.attach_models(&mut readout, &stores)).unwrap();
    assert_eq!(readout.owner, Some(Actor::new("ada").unwrap()));
    let [control, treatment] = &readout.arms[..] else { panic!("{:?}", readout.arms) };
    let (old, new) = (control.model.as_ref().unwrap(), treatment.model.as_ref().unwrap());
    assert_eq!(
        (old.version, new.version, old.run, new.run_name.as_str()),
        (1, 2, RunId::derive(["old"]), "new")
    );
    assert_eq!(
        (new.digest, &new.stage, &new.experiment),
        (Digest::of(b"new"), &Stage::Staging, &test.plan.experiment)
    );
    let offline: BTreeMap<&str, f64> =
        new.offline.iter().map(|(metric, value)| (metric.as_str(), *value)).collect();
    // The run's own accuracy, the later evaluation's auc, no infinity, nothing of a trial.
    assert_eq!(offline, [("log_loss", 0.4), ("accuracy", 0.8), ("auc", 0.92), ("brier", 0.2)].into());
    assert!(old.offline.is_empty());
    assert_eq!(old.lineage, [("provenance".to_owned(), "none was logged".to_owned())]);
    let names: Vec<&str> = new.lineage.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["dataset", "features", "code", "seed", "none -> staging"]);
    assert!(new.lineage[0].1.starts_with("wine (900 rows, "), "{:?}", new.lineage[0]);
    assert_eq!(new.lineage[2].1, "3f2a91c, with uncommitted changes");
    assert_eq!(new.lineage[3].1, "left out: the library has none");
    assert!(new.lineage[4].1.starts_with("by ada at 2026-03-02"), "{:?}", new.lineage[4]);
    let note = "log_loss of ranker@2 was selected among 40 trials, so it looks better than it is; compare the \
                metrics of data that the search never saw";
    assert_eq!(readout.notes, [note]);
    // Again: the same, and nothing twice.
    let before = readout.clone();
    wait(analysis.attach_models(&mut readout, &stores)).unwrap();
    assert_eq!(readout, before);
}

#[test]
fn what_is_not_stored_stays_empty() {
    let test = test();
    let (analysis, readout) = readout(&test);
    let mut attached = readout.clone();
    wait(analysis.attach_models(&mut attached, &Stores::memory())).unwrap();
    assert_eq!(attached, readout);
    // An arm of two models has no one model to show.
    let mut two = test;
    for arm in &mut two.plan.arms {
        let binding = arm.bindings.values().next().unwrap().clone();
        arm.bindings.insert(DecisionPoint::new("retrieval").unwrap(), binding);
    }
    let (analysis, mut attached) = self::readout(&two);
    wait(analysis.attach_models(&mut attached, &stored(&two))).unwrap();
    assert!(attached.arms.iter().all(|arm| arm.model.is_none()));
    assert!(attached.owner.is_some());
}

#[test]
fn a_plan_reads_back_as_it_was_sealed_or_not_at_all() {
    let test = test();
    let (phase, sealed) = (&test.plan.phase, sealed(&test));
    let document =
        |version, plan: &Plan| Document::seal("plan", phase.as_str(), version, plan, start()).unwrap();
    let put = |documents: Vec<Document>| {
        let stores = Stores::memory();
        documents.into_iter().for_each(|document| wait(stores.registry.put_document(document)).unwrap());
        wait(read_plan(&stores, phase))
    };
    let first = document(1, sealed.plan());
    assert_eq!(put(vec![first.clone()]).unwrap(), sealed);
    let Err(AnalysisError::Store(error)) = put(vec![]) else { panic!("there is no plan") };
    assert_eq!(error.kind(), ErrorKind::NotFound);

    let check = |documents: Vec<Document>, part: &str| {
        let error = put(documents).unwrap_err();
        assert!(matches!(error, AnalysisError::PlanUnreadable { .. }), "{error:?}");
        assert!(error.to_string().contains(part), "{error}");
    };
    let mut changed = test.plan.clone();
    changed.alpha = 0.2;
    // Written anew, with a digest that fits.
    check(
        vec![first.clone(), document(2, &Plan::AbTest(changed.clone()))],
        "it was changed after it was sealed",
    );
    // The right digest, of another spelling.
    let pretty = serde_json::to_vec_pretty(sealed.plan()).unwrap();
    check(vec![Document { digest: Digest::of(&pretty), bytes: pretty, ..first.clone() }], "it seals to");
    changed.phase = "e/other".parse().unwrap();
    check(vec![document(1, &Plan::AbTest(changed))], "it is the plan of phase e/other");
    let noise = b"{}".to_vec();
    check(vec![Document { digest: Digest::of(&noise), bytes: noise, ..first }], "does not read");
}

#[test]
fn reads_plan_and_events_of_the_stores() {
    let test = test();
    let stores = stored(&test);
    let document =
        Document::seal("plan", test.plan.phase.as_str(), 1, sealed(&test).plan(), start()).unwrap();
    wait(stores.registry.put_document(document)).unwrap();
    let missing = wait(Analysis::read(&stores, &test.plan.phase)).unwrap().started();
    assert!(matches!(missing, Err(AnalysisError::NoExposure { as_of: Timestamp::MAX, .. })));
    wait(stores.events.append(&test.events(1), Durability::Committed)).unwrap();
    let read = wait(Analysis::read(&stores, &test.plan.phase)).unwrap();
    assert_eq!(read.readout(&[start() + DAY * 15]).unwrap(), readout(&test).1);
    let other = wait(ShadowReadout::read(&stores, &test.plan.phase));
    assert!(matches!(other, Err(AnalysisError::OtherKind { expected: "shadow", .. })), "{other:?}");
}
