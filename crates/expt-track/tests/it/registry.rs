//! From a run to production and back.

use std::sync::Arc;

use expt_core::{
    AbTestPlan, Actor, Aggregation, ArmId, Correction, Declared, Digest, Direction, Evidence,
    FeatureDefinition, FeaturePin, MetricName, ModelName, ModelVersion, Plan, PlannedArm, PlannedMetric,
    Promotion, RunId, RunStatus, SealedPlan, Share, Stage,
};
use expt_store::blocking::wait;
use expt_store::{Error, ErrorKind, RegistryStoreExt, Stores, SystemClock};
use expt_track::{NewRun, Promote, Registry, TrackerOptions};

use crate::stores::Meddled;
use crate::{actor, experiment, provenance, tracker};

fn both(check: impl Fn(&Stores)) {
    check(&Stores::memory());
    let folder = tempfile::tempdir().unwrap();
    check(&Stores::open(folder.path()).unwrap());
}

fn registry(stores: &Stores) -> Registry {
    Registry::new(stores, Arc::new(SystemClock))
}

fn model() -> ModelName {
    ModelName::new("ranker").unwrap()
}

fn pin(expression: &str) -> FeaturePin {
    let definition =
        FeatureDefinition { name: "x".into(), expression: expression.into(), inputs: vec!["x".into()] };
    FeaturePin { pipeline: "p".into(), definitions: vec![definition], commit: None, golden: Vec::new() }
}

/// A run with the artifact `model` that ended; `full` is with provenance that lacks nothing.
fn trained(stores: &Stores, name: &str, full: bool, status: RunStatus) -> RunId {
    let tracker = tracker(stores, &TrackerOptions::default());
    let mut new = NewRun::new(experiment(), name).with_id(RunId::derive([name]));
    if full {
        new = new.with_provenance(provenance(pin("x").digest().unwrap()));
    }
    let run = wait(tracker.start(new)).unwrap();
    wait(run.artifact("model", format!("bytes of {name}"))).unwrap();
    if status != RunStatus::Running {
        wait(run.end(status)).unwrap();
    }
    let id = run.id();
    if status == RunStatus::Running {
        // Dropped it would be interrupted.
        std::mem::forget(run);
    }
    id
}

fn register(stores: &Stores, name: &str, full: bool) -> u32 {
    let run = trained(stores, name, full, RunStatus::Finished);
    wait(registry(stores).register(&model(), run, "model", pin("x"))).unwrap().version
}

fn move_to(version: u32, to: Stage) -> Promote {
    Promote::new(model(), version, to, actor("grace"), "because")
}

fn promote(stores: &Stores, version: u32) -> Result<ModelVersion, Error> {
    wait(registry(stores).promote(move_to(version, Stage::Production)))
}

fn rollback(stores: &Stores) -> Result<ModelVersion, Error> {
    wait(registry(stores).rollback(&model(), actor("grace"), "it is worse"))
}

fn history(stores: &Stores) -> Vec<Promotion> {
    wait(stores.registry.all_promotions(&model())).unwrap()
}

/// `version from>to`, the oldest first.
fn moves(stores: &Stores) -> Vec<String> {
    history(stores).iter().map(|p| format!("{} {}>{}", p.version, p.from, p.to)).collect()
}

fn check_refused<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind, parts: &[&str]) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "{error} lacks {part:?}");
    }
}

#[test]
fn only_a_finished_run_is_registered() {
    both(|stores| {
        let check = |name: &str, status| {
            let run = trained(stores, name, true, status);
            let registered = wait(registry(stores).register(&model(), run, "model", pin("x")));
            check_refused(registered, ErrorKind::Refused, &[&status.to_string(), "register a finished run"]);
        };
        check("running", RunStatus::Running);
        check("failed", RunStatus::Failed);
        check("pruned", RunStatus::Pruned);
        let none = wait(registry(stores).register(&model(), RunId::derive(["none"]), "model", pin("x")));
        check_refused(none, ErrorKind::NotFound, &[]);
        assert_eq!(wait(stores.registry.all_versions(&model())).unwrap(), []);
    });
}

#[test]
fn an_artifact_that_is_not_there_is_answered_with_those_that_are() {
    let stores = Stores::memory();
    let run = trained(&stores, "r", true, RunStatus::Finished);
    let registered = wait(registry(&stores).register(&model(), run, "weights", pin("x")));
    check_refused(registered, ErrorKind::NotFound, &["no artifact \"weights\"", "it has [model]"]);
}

#[test]
fn the_pin_is_the_one_that_was_trained_on_and_stays() {
    both(|stores| {
        let run = trained(stores, "r", true, RunStatus::Finished);
        let register = |features: Declared<FeaturePin>| {
            wait(registry(stores).register(&model(), run, "model", features))
        };
        check_refused(register(pin("ln x").into()), ErrorKind::Refused, &["pin what the run was trained on"]);
        let first = register(pin("x").into()).unwrap();
        assert_eq!((first.version, &first.provenance_gaps), (1, &Vec::new()));
        assert_eq!(register(pin("x").into()).unwrap(), first, "again is the same version");
        let other = register(Declared::opted_out("changed my mind"));
        check_refused(other, ErrorKind::AlreadyExists, &["ranker@1", "another feature pin"]);
        assert_eq!(wait(stores.registry.all_versions(&model())).unwrap(), [first]);
    });
}

#[test]
fn production_needs_provenance_or_an_approver_with_a_reason() {
    both(|stores| {
        let version = register(stores, "r", false);
        let to = |stage: Stage| move_to(version, stage);
        let check = |promote: Promote, parts: &[&str]| {
            check_refused(wait(registry(stores).promote(promote)), ErrorKind::Refused, parts);
        };
        check(to(Stage::Production), &["no provenance was logged", "overriding_provenance"]);
        // What the store reads as Production must not pass as a stage of the user's own.
        check(to(Stage::Other("production".into())), &["no provenance was logged"]);
        check(to(Stage::Production).overriding_provenance(" "), &["without a reason"]);
        assert_eq!(history(stores), []);

        wait(registry(stores).promote(to(Stage::Staging))).unwrap();
        let evidence = Evidence::Run { run: RunId::derive(["r"]), note: "auc".into() };
        let promote = to(Stage::Production).overriding_provenance("a drill").with_evidence(evidence.clone());
        let promoted = wait(registry(stores).promote(promote)).unwrap();
        assert_eq!(promoted.stage, Stage::Production);
        let last = history(stores).pop().unwrap();
        assert_eq!((last.version, &last.from, &last.to), (version, &Stage::Staging, &Stage::Production));
        assert_eq!(
            (last.by, last.reason.as_str(), last.evidence),
            (actor("grace"), "because", Some(evidence))
        );
        assert_eq!(last.provenance_override.as_deref(), Some("a drill"));
    });
}

#[test]
fn an_override_of_nothing_is_not_recorded() {
    let stores = Stores::memory();
    let version = register(&stores, "r", true);
    let promote = move_to(version, Stage::Production).overriding_provenance("just in case");
    wait(registry(&stores).promote(promote)).unwrap();
    assert_eq!(history(&stores)[0].provenance_override, None);
}

#[test]
fn promoting_archives_the_version_before() {
    both(|stores| {
        let (one, two) = (register(stores, "one", true), register(stores, "two", true));
        promote(stores, one).unwrap();
        promote(stores, two).unwrap();
        assert_eq!(moves(stores), ["1 none>production", "1 production>archived", "2 none>production"]);
        assert_eq!(wait(stores.registry.in_stage(&model(), &Stage::Production)).unwrap().version, two);
        check_refused(promote(stores, 9), ErrorKind::NotFound, &["no version 9"]);
        let nameless = wait(registry(stores).promote(move_to(one, Stage::Other(String::new()))));
        check_refused(nameless, ErrorKind::InvalidInput, &[]);
    });
}

#[test]
fn rollback_goes_back_further_each_time() {
    both(|stores| {
        check_refused(rollback(stores), ErrorKind::NotFound, &["in stage production"]);
        // The second can only be shown with an override, which its return needs too.
        let full = [true, false, true];
        let [one, two, three] = [0, 1, 2].map(|index| register(stores, &format!("r{index}"), full[index]));
        promote(stores, one).unwrap();
        check_refused(rollback(stores), ErrorKind::NotFound, &["nothing was in production before ranker@1"]);
        let overridden = move_to(two, Stage::Production).overriding_provenance("a drill");
        wait(registry(stores).promote(overridden)).unwrap();
        promote(stores, three).unwrap();

        assert_eq!(rollback(stores).unwrap().version, two);
        let last = history(stores).pop().unwrap();
        assert_eq!(
            (last.evidence, last.provenance_override.as_deref()),
            (Some(Evidence::Rollback), Some("a drill"))
        );
        assert_eq!(last.reason, "it is worse");
        assert_eq!(rollback(stores).unwrap().version, one, "not back to what was rolled back from");
        check_refused(rollback(stores), ErrorKind::NotFound, &["before ranker@1"]);
        promote(stores, three).unwrap();
        assert_eq!(rollback(stores).unwrap().version, one);
        assert_eq!(wait(stores.registry.model_version(&model(), three)).unwrap().stage, Stage::Archived);
    });
}

#[test]
fn promoting_again_is_no_version_of_its_own() {
    let stores = Stores::memory();
    let (one, two) = (register(&stores, "one", true), register(&stores, "two", true));
    for version in [one, two, two] {
        promote(&stores, version).unwrap();
    }
    assert_eq!(rollback(&stores).unwrap().version, one);
}

#[test]
fn of_two_racing_promotions_of_a_version_one_has_a_conflict() {
    both(|stores| {
        let version = register(stores, "r", true);
        let below = stores.clone();
        let meddled = Meddled::stores(stores, move || {
            wait(registry(&below).promote(move_to(version, Stage::Staging))).unwrap();
        });
        check_refused(
            promote(&meddled, version),
            ErrorKind::Conflict,
            &["stage of ranker@1 is none", "staging"],
        );
        assert_eq!(moves(stores), ["1 none>staging"]);
        promote(&meddled, version).unwrap();
    });
}

#[test]
fn a_rollback_does_not_undo_what_it_has_not_seen() {
    both(|stores| {
        let [one, two, three] = ["one", "two", "three"].map(|name| register(stores, name, true));
        promote(stores, one).unwrap();
        promote(stores, two).unwrap();
        let below = stores.clone();
        let meddled = Meddled::stores(stores, move || drop(promote(&below, three).unwrap()));
        check_refused(rollback(&meddled), ErrorKind::Conflict, &["version 2", "version 3"]);
        assert_eq!(wait(stores.registry.in_stage(&model(), &Stage::Production)).unwrap().version, three);
    });
}

#[test]
fn racing_promotions_of_many_versions_are_serialised() {
    both(|stores| {
        let versions: Vec<u32> = (0..6).map(|index| register(stores, &format!("r{index}"), true)).collect();
        std::thread::scope(|scope| {
            for version in &versions {
                scope.spawn(|| promote(stores, *version).unwrap());
            }
        });
        let found = wait(stores.registry.all_versions(&model())).unwrap();
        let live: Vec<u32> =
            found.iter().filter(|version| version.stage == Stage::Production).map(|v| v.version).collect();
        let history = history(stores);
        let last = history.last().unwrap();
        assert_eq!(live, [last.version], "the last one to arrive is alone in production");
        assert!(history.iter().map(|p| p.sequence).eq(1..=11));
        for (index, promotion) in history.iter().enumerate() {
            let expected = if index % 2 == 0 { Stage::Production } else { Stage::Archived };
            assert_eq!(promotion.to, expected, "{index}");
            // Who is archived is who had entered before.
            assert!(index % 2 == 0 || promotion.version == history[index - 1].version, "{index}");
        }
    });
}

fn plan(unit: &str) -> SealedPlan {
    let arm = |name: &str| PlannedArm {
        arm: ArmId::new(name).unwrap(),
        share: Share::HALF,
        bindings: std::collections::BTreeMap::new(),
    };
    let primary = PlannedMetric {
        metric: MetricName::new("clicks").unwrap(),
        aggregation: Aggregation::UnitTotal,
        direction: Direction::HigherIsBetter,
        window: std::time::Duration::from_secs(3600),
        margin: None,
    };
    let plan = AbTestPlan {
        experiment: experiment(),
        phase: "e/ab".parse().unwrap(),
        hypothesis: "better".into(),
        unit: unit.parse().unwrap(),
        layer: "ranking".parse().unwrap(),
        arms: vec![arm("control"), arm("treatment")],
        control: "control".parse().unwrap(),
        max_traffic: Share::ALL,
        primary,
        secondaries: Vec::new(),
        guardrails: Vec::new(),
        alpha: 0.05,
        tuned_units: 5000,
        correction: Correction::Holm,
        min_weeks: 1,
        max_weeks: 2,
    };
    Plan::AbTest(plan).seal().unwrap()
}

#[test]
fn a_phase_has_one_plan() {
    both(|stores| {
        let registry = registry(stores);
        wait(registry.seal(&plan("user"))).unwrap();
        wait(registry.seal(&plan("user"))).unwrap();
        check_refused(wait(registry.seal(&plan("device"))), ErrorKind::AlreadyExists, &["e/ab"]);
        let document = wait(stores.registry.document("plan", "e/ab", None)).unwrap();
        assert_eq!((document.version, document.digest), (1, plan("user").digest()));
        assert_eq!((document.experiment, Digest::of(&document.bytes)), (Some(experiment()), document.digest));
    });
}

#[test]
fn the_blocking_face_is_the_same_registry() {
    let stores = Stores::memory();
    let registry = expt_track::blocking::Registry::new(&stores, Arc::new(SystemClock));
    let run = trained(&stores, "r", true, RunStatus::Finished);
    let version = registry.register(&model(), run, "model", pin("x")).unwrap();
    let by: Actor = actor("grace");
    registry.promote(Promote::new(model(), version.version, Stage::Production, by.clone(), "good")).unwrap();
    check_refused(registry.rollback(&model(), by, "bad"), ErrorKind::NotFound, &[]);
    registry.seal(&plan("user")).unwrap();
}
