//! What is stored of a run.

use expt_core::{CodeVersion, Declared, Digest, MetricName, Provenance, RunKind, RunStatus};
use expt_store::blocking::wait;
use expt_store::{ErrorKind, RunStoreExt, Stores};
use expt_track::{NewRun, Run, TrackerOptions};

use crate::{experiment, provenance, start, stored, tracker};

fn check_both(check: impl Fn(&Stores)) {
    check(&Stores::memory());
    let folder = tempfile::tempdir().unwrap();
    check(&Stores::open(folder.path()).unwrap());
}

/// What is stored, the points of metric `m` included.
fn points(stores: &Stores, run: &Run) -> Vec<(u64, f64)> {
    let found = wait(stores.runs.metric_points(run.id(), &MetricName::new("m").unwrap())).unwrap();
    found.iter().map(|point| (point.step, point.value)).collect()
}

#[test]
fn all_that_was_logged_is_stored_when_finish_returns() {
    check_both(|stores| {
        let tracker = tracker(stores, &TrackerOptions::default());
        let parent = start(&tracker, "parent");
        let new = NewRun::new(experiment(), "child").with_kind(RunKind::Trial).with_parent(parent.id());
        let new =
            new.with_param("depth", 8).with_params([("rate".into(), 0.5.into())]).with_tag("team", "search");
        let run = wait(tracker.start(new.with_provenance(provenance(Digest::of(b"pin"))))).unwrap();
        run.param("late", true);
        run.tag("team", "ranking");
        for step in 0..100 {
            run.metric("m", step, if step == 7 { f64::NAN } else { step as f64 });
        }
        let artifact = wait(run.artifact("model", "bytes")).unwrap();
        wait(run.finish()).unwrap();

        let found = wait(stores.runs.run(run.id())).unwrap();
        assert_eq!(
            (found.status, found.kind, found.parent),
            (RunStatus::Finished, RunKind::Trial, Some(parent.id()))
        );
        assert!(found.ended >= Some(found.started), "{:?}", found.ended);
        let params: Vec<_> = found.params.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(params, ["depth=8", "late=true", "rate=0.5"]);
        assert_eq!(found.tags["team"], "ranking");
        assert_eq!(found.artifacts["model"], artifact);
        assert_eq!(wait(stores.artifacts.get(artifact.digest)).unwrap(), "bytes");
        assert!(found.is_reproducible());

        let points = points(stores, &run);
        assert!(points.iter().map(|(step, _)| *step).eq(0..100), "the order is that of logging");
        assert!(points[7].1.is_nan());
    });
}

#[test]
fn a_fault_is_returned_once_and_the_run_goes_on() {
    check_both(|stores| {
        let tracker = tracker(stores, &TrackerOptions::default());
        let check = |name: &str, fault: fn(&Run), kind: ErrorKind, part: &str| {
            let (run, other) = (start(&tracker, name), start(&tracker, &format!("beside {name}")));
            run.param("depth", 8);
            fault(&run);
            run.metric("m", 0, 1.0);
            let error = wait(run.finish()).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(part), "{error}");
            wait(other.flush()).unwrap();
            assert_eq!(stored(stores, name).status, RunStatus::Running);
            run.metric("m", 1, 2.0);
            wait(run.finish()).unwrap();
            assert_eq!(stored(stores, name).status, RunStatus::Finished);
            assert_eq!(stored(stores, name).params["depth"], 8.into());
            assert_eq!(points(stores, &run), [(0, 1.0), (1, 2.0)]);
        };
        check(
            "two values",
            |run| run.param("depth", 9),
            ErrorKind::Conflict,
            "\"depth\" is 8 and cannot become 9",
        );
        check("bad name", |run| run.metric(" m", 0, 1.0), ErrorKind::InvalidInput, "metric name \" m\"");
    });
}

#[test]
fn an_artifact_name_keeps_its_bytes() {
    let stores = Stores::memory();
    let run = start(&tracker(&stores, &TrackerOptions::default()), "r");
    let first = wait(run.artifact("model", "one")).unwrap();
    assert_eq!(wait(run.artifact("model", "one")).unwrap(), first);
    assert_eq!(wait(run.artifact("model", "two")).unwrap_err().kind(), ErrorKind::Conflict);
}

#[test]
fn a_dropped_run_is_interrupted_after_what_it_logged() {
    check_both(|stores| {
        let tracker = tracker(stores, &TrackerOptions::default());
        let run = start(&tracker, "dropped");
        run.metric("m", 0, 1.0);
        run.param("late", 1);
        drop(run);
        let ended = start(&tracker, "ended");
        wait(ended.end(RunStatus::Failed)).unwrap();
        drop(ended);
        drop(tracker);
        let found = stored(stores, "dropped");
        assert_eq!((found.status, found.params.len(), found.metrics.len()), (RunStatus::Interrupted, 1, 1));
        assert_eq!(stored(stores, "ended").status, RunStatus::Failed);
    });
}

#[test]
fn a_run_ends_once_and_not_as_running() {
    let stores = Stores::memory();
    let tracker = tracker(&stores, &TrackerOptions::default());
    let run = start(&tracker, "r");
    assert_eq!(wait(run.end(RunStatus::Running)).unwrap_err().kind(), ErrorKind::InvalidInput);
    wait(run.finish()).unwrap();
    wait(run.finish()).unwrap();
    assert_eq!(wait(run.end(RunStatus::Failed)).unwrap_err().kind(), ErrorKind::Conflict);
    let never = start(&tracker, "never ended");
    assert!(wait(never.end(RunStatus::Running)).is_err());
    drop(never);
    drop((run, tracker));
    assert_eq!(stored(&stores, "never ended").status, RunStatus::Interrupted);
}

#[test]
fn reproducible_or_told_what_is_missing() {
    let stores = Stores::memory();
    let tracker = tracker(&stores, &TrackerOptions::default());
    let run = start(&tracker, "r");
    let error = wait(run.finish_reproducible()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("no provenance was logged"), "{error}");

    let code = CodeVersion { commit: "c1".into(), dirty: true }.into();
    let seed = Declared::opted_out("hardware");
    wait(run.provenance(Provenance { code, seed, ..provenance(Digest::of(b"pin")) })).unwrap();
    let error = wait(run.finish_reproducible()).unwrap_err().to_string();
    assert!(error.contains("uncommitted changes on c1") && error.contains("seed: hardware"), "{error}");
    run.metric("m", 0, 1.0);
    assert_eq!(stored(&stores, "r").status, RunStatus::Running);
    assert_eq!(
        wait(run.provenance(provenance(Digest::of(b"pin")))).unwrap_err().kind(),
        ErrorKind::Conflict,
        "provenance is given once"
    );

    let good = start(&tracker, "good");
    wait(good.provenance(provenance(Digest::of(b"pin")))).unwrap();
    wait(good.finish_reproducible()).unwrap();
    assert_eq!(stored(&stores, "good").status, RunStatus::Finished);
}

#[test]
fn starting_needs_the_experiment_the_parent_and_a_free_id() {
    let stores = Stores::memory();
    let tracker = tracker(&stores, &TrackerOptions::default());
    let check = |new: NewRun, kind| assert_eq!(wait(tracker.start(new)).unwrap_err().kind(), kind);
    let run = start(&tracker, "r");
    check(NewRun::new("other".parse().unwrap(), "x"), ErrorKind::NotFound);
    check(
        NewRun::new(experiment(), "x").with_parent(expt_core::RunId::derive(["none"])),
        ErrorKind::NotFound,
    );
    check(NewRun::new(experiment(), "x").with_id(run.id()), ErrorKind::AlreadyExists);
    let again = |words: &str| wait(tracker.register(experiment(), words, crate::actor("ada")));
    again("it is better").unwrap();
    assert_eq!(again("it is worse").unwrap_err().kind(), ErrorKind::AlreadyExists);
}
