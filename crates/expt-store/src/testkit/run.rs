//! Experiments and runs.

use expt_core::{ArtifactRef, ParamValue, RunStatus};

use super::MetadataHarness;
use super::sample::*;
use crate::blocking::wait;
use crate::{ErrorKind, PageOptions, RunUpdate};

pub(super) fn experiment_reads_back(harness: &dyn MetadataHarness) {
    let store = harness.open().runs;
    let experiment = experiment("ranker-v2");
    wait(store.create_experiment(&experiment)).unwrap();
    assert_eq!(wait(store.experiment(&experiment.id)).unwrap(), experiment);
}

pub(super) fn experiment_may_be_registered_again(harness: &dyn MetadataHarness) {
    let store = fresh(harness).runs;
    let first = experiment("e");
    let mut again = first.clone();
    again.created = at(99);
    wait(store.create_experiment(&again)).unwrap();
    assert_eq!(wait(store.experiment(&first.id)).unwrap(), first);
    again.hypothesis.push('!');
    assert_eq!(kind_of(wait(store.create_experiment(&again))), ErrorKind::AlreadyExists);
    let mut other = first.clone();
    other.owner = actor("bob");
    assert_eq!(kind_of(wait(store.create_experiment(&other))), ErrorKind::AlreadyExists);
    assert_eq!(wait(store.experiment(&first.id)).unwrap(), first);
}

pub(super) fn experiments_come_in_pages(harness: &dyn MetadataHarness) {
    let store = harness.open().runs;
    let names = ["b", "a", "C", "é", "ab", "Z z", "0"];
    names.iter().for_each(|name| wait(store.create_experiment(&experiment(name))).unwrap());
    for limit in [1, 2, 7, 100] {
        let found = all_pages(limit, |page| wait(store.experiments(page)).unwrap());
        let found: Vec<_> = found.iter().map(|experiment| experiment.id.as_str()).collect();
        assert_eq!(found, ["0", "C", "Z z", "a", "ab", "b", "é"]);
    }
}

pub(super) fn missing_things_are_not_found(harness: &dyn MetadataHarness) {
    let store = harness.open().runs;
    let id = run_id("none");
    assert_eq!(kind_of(wait(store.experiment(&experiment("e").id))), ErrorKind::NotFound);
    assert_eq!(kind_of(wait(store.run(id))), ErrorKind::NotFound);
    assert_eq!(kind_of(wait(store.update_run(id, &RunUpdate::new()))), ErrorKind::NotFound);
    let history = wait(store.metric_history(id, &metric_name("m"), &PageOptions::default()));
    assert_eq!(kind_of(history), ErrorKind::NotFound);
    assert!(wait(store.experiments(&PageOptions::default())).unwrap().items.is_empty());
}

pub(super) fn run_reads_back_with_all_parts(harness: &dyn MetadataHarness) {
    let store = fresh(harness).runs;
    let parent = run("study", 1);
    let child = full_run("trial", Some(parent.id));
    wait(store.create_run(&parent)).unwrap();
    wait(store.create_run(&child)).unwrap();
    assert_eq!(wait(store.run(parent.id)).unwrap(), parent);
    assert_eq!(wait(store.run(child.id)).unwrap(), child);
    // A run may be recorded after it has ended.
    let mut late = full_run("late", None);
    (late.status, late.ended) = (RunStatus::Failed, Some(at(9)));
    wait(store.create_run(&late)).unwrap();
    assert_eq!(wait(store.run(late.id)).unwrap(), late);
}

pub(super) fn id_is_taken_once(harness: &dyn MetadataHarness) {
    let store = fresh(harness).runs;
    let first = full_run("r", None);
    wait(store.create_run(&first)).unwrap();
    let mut second = run("r", 99);
    second.name = "another".into();
    assert_eq!(kind_of(wait(store.create_run(&second))), ErrorKind::AlreadyExists);
    assert_eq!(wait(store.run(first.id)).unwrap(), first);
}

pub(super) fn experiment_and_parent_must_be_there(harness: &dyn MetadataHarness) {
    let store = fresh(harness).runs;
    let mut orphan = run("r", 1);
    orphan.parent = Some(run_id("nobody"));
    assert_eq!(kind_of(wait(store.create_run(&orphan))), ErrorKind::NotFound);
    let mut stray = run("r", 1);
    stray.experiment = experiment("nothing").id;
    assert_eq!(kind_of(wait(store.create_run(&stray))), ErrorKind::NotFound);
    assert_eq!(kind_of(wait(store.run(orphan.id))), ErrorKind::NotFound);
}

pub(super) fn new_run_has_no_metrics(harness: &dyn MetadataHarness) {
    let store = fresh(harness).runs;
    let mut run = run("r", 1);
    run.metrics.insert(metric_name("auc"), expt_core::MetricSummary::of(0, 0.5));
    assert_eq!(kind_of(wait(store.create_run(&run))), ErrorKind::InvalidInput);
    assert_eq!(kind_of(wait(store.run(run.id))), ErrorKind::NotFound);
}

pub(super) fn status_only_moves_on(harness: &dyn MetadataHarness) {
    use RunStatus::{Failed, Finished, Interrupted, Pruned, Running};
    let store = fresh(harness).runs;
    for end in [Finished, Pruned, Failed, Interrupted] {
        let run = run(end.as_str(), 1);
        wait(store.create_run(&run)).unwrap();
        let to = |status, second| {
            wait(store.update_run(run.id, &RunUpdate::new().with_status(status, at(second))))
        };
        to(Running, 2).unwrap();
        to(end, 3).unwrap();
        to(end, 4).unwrap();
        for other in [Running, Finished, Pruned, Failed, Interrupted].into_iter().filter(|s| *s != end) {
            assert_eq!(kind_of(to(other, 5)), ErrorKind::Conflict, "{end} to {other}");
        }
        let found = wait(store.run(run.id)).unwrap();
        assert_eq!((found.status, found.ended), (end, Some(at(3))));
    }
}

pub(super) fn params_are_written_once(harness: &dyn MetadataHarness) {
    let store = fresh(harness).runs;
    let run = full_run("r", None);
    wait(store.create_run(&run)).unwrap();
    let set =
        |value: ParamValue| wait(store.update_run(run.id, &RunUpdate::new().with_param("depth", value)));
    set(3.into()).unwrap();
    for other in [4.into(), 3.0.into(), "3".into(), true.into()] {
        assert_eq!(kind_of(set(other)), ErrorKind::Conflict);
    }
    wait(store.update_run(run.id, &RunUpdate::new().with_param("width", 5))).unwrap();
    let params = wait(store.run(run.id)).unwrap().params;
    assert_eq!((params["depth"].clone(), params["width"].clone()), (3.into(), 5.into()));
}

pub(super) fn every_param_value_survives(harness: &dyn MetadataHarness) {
    let store = fresh(harness).runs;
    let mut run = run("r", 1);
    let values: [ParamValue; 14] = [
        i64::MIN.into(),
        i64::MAX.into(),
        ((1_i64 << 53) + 1).into(),
        0.into(),
        1.0.into(),
        (-0.0).into(),
        (0.1 + 0.2).into(),
        5e-324.into(),
        f64::INFINITY.into(),
        f64::NEG_INFINITY.into(),
        "".into(),
        "a\0b\n".into(),
        false.into(),
        "x".repeat(100_000).into(),
    ];
    run.params = values.iter().enumerate().map(|(index, value)| (index.to_string(), value.clone())).collect();
    run.params.insert("nan".into(), f64::NAN.into());
    run.params.insert(String::new(), 1.into());
    wait(store.create_run(&run)).unwrap();
    let mut found = wait(store.run(run.id)).unwrap().params;
    assert!(matches!(found.remove("nan"), Some(ParamValue::Float(value)) if value.is_nan()));
    assert!(matches!(found["5"], ParamValue::Float(zero) if zero.is_sign_negative()));
    run.params.remove("nan");
    assert_eq!(found, run.params);
}

pub(super) fn provenance_is_written_once(harness: &dyn MetadataHarness) {
    let store = fresh(harness).runs;
    let run = run("r", 1);
    wait(store.create_run(&run)).unwrap();
    let set = |seed| wait(store.update_run(run.id, &RunUpdate::new().with_provenance(provenance(seed))));
    set(u64::MAX).unwrap();
    set(u64::MAX).unwrap();
    assert_eq!(kind_of(set(8)), ErrorKind::Conflict);
    assert_eq!(wait(store.run(run.id)).unwrap().provenance, Some(provenance(u64::MAX)));
}

pub(super) fn artifacts_are_written_once(harness: &dyn MetadataHarness) {
    let store = fresh(harness).runs;
    let run = full_run("r", None);
    wait(store.create_run(&run)).unwrap();
    let set = |name: &str, bytes: u64| {
        let artifact = ArtifactRef { bytes, ..ArtifactRef::of(b"bytes") };
        wait(store.update_run(run.id, &RunUpdate::new().with_artifact(name, artifact)))
    };
    set("model", 5).unwrap();
    assert_eq!(kind_of(set("model", 6)), ErrorKind::Conflict);
    set("huge", u64::MAX).unwrap();
    let artifacts = wait(store.run(run.id)).unwrap().artifacts;
    assert_eq!((artifacts["model"].bytes, artifacts["huge"].bytes), (5, u64::MAX));
}

pub(super) fn ended_run_takes_tags_and_artifacts(harness: &dyn MetadataHarness) {
    let store = fresh(harness).runs;
    let run = full_run("r", None);
    wait(store.create_run(&run)).unwrap();
    let change = |update: RunUpdate| wait(store.update_run(run.id, &update));
    change(RunUpdate::new().with_status(RunStatus::Finished, at(9))).unwrap();
    change(RunUpdate::new().with_tag("team", "ads").with_artifact("plot", ArtifactRef::of(b"p"))).unwrap();
    change(RunUpdate::new().with_param("depth", 3).with_provenance(provenance(7))).unwrap();
    assert_eq!(kind_of(change(RunUpdate::new().with_param("new", 3))), ErrorKind::Conflict);
    assert_eq!(kind_of(change(RunUpdate::new().with_provenance(provenance(8)))), ErrorKind::Conflict);
    let found = wait(store.run(run.id)).unwrap();
    assert_eq!((found.tags["team"].as_str(), found.artifacts.len()), ("ads", 2));
}

pub(super) fn refused_update_changes_nothing(harness: &dyn MetadataHarness) {
    let store = fresh(harness).runs;
    let run = full_run("r", None);
    wait(store.create_run(&run)).unwrap();
    let base = RunUpdate::new()
        .with_status(RunStatus::Finished, at(9))
        .with_param("new", 1)
        .with_tag("team", "ads")
        .with_artifact("plot", ArtifactRef::of(b"p"));
    for bad in [
        base.clone().with_param("depth", 4),
        base.clone().with_provenance(provenance(8)),
        base.with_artifact("model", ArtifactRef::of(b"other")),
    ] {
        assert_eq!(kind_of(wait(store.update_run(run.id, &bad))), ErrorKind::Conflict);
        assert_eq!(wait(store.run(run.id)).unwrap(), run);
    }
}

pub(super) fn update_may_be_repeated(harness: &dyn MetadataHarness) {
    let store = fresh(harness).runs;
    let run = run("r", 1);
    wait(store.create_run(&run)).unwrap();
    let update = RunUpdate::new()
        .with_status(RunStatus::Finished, at(9))
        .with_provenance(provenance(1))
        .with_param("depth", 1)
        .with_tag("team", "ads")
        .with_artifact("plot", ArtifactRef::of(b"p"));
    wait(store.update_run(run.id, &update)).unwrap();
    let first = wait(store.run(run.id)).unwrap();
    wait(store.update_run(run.id, &update)).unwrap();
    assert_eq!(wait(store.run(run.id)).unwrap(), first);
    wait(store.update_run(run.id, &RunUpdate::new())).unwrap();
    assert_eq!(wait(store.run(run.id)).unwrap(), first);
}

pub(super) fn hostile_names_are_only_names(harness: &dyn MetadataHarness) {
    let store = harness.open().runs;
    for name in hostile_names() {
        let mut experiment = experiment(&name);
        experiment.hypothesis.clone_from(&name);
        experiment.owner = actor(&name);
        wait(store.create_experiment(&experiment)).unwrap();
        let mut run = run(&name, 1);
        run.experiment = experiment.id.clone();
        run.params.insert(name.clone(), name.as_str().into());
        run.tags.insert(name.clone(), name.clone());
        run.artifacts.insert(name.clone(), ArtifactRef::of(name.as_bytes()));
        wait(store.create_run(&run)).unwrap();
        wait(store.append_metrics(run.id, &[point(&name, 1, 2.0)], crate::Durability::Committed)).unwrap();
        run.metrics.insert(metric_name(&name), expt_core::MetricSummary::of(1, 2.0));
        assert_eq!(wait(store.experiment(&experiment.id)).unwrap(), experiment);
        assert_eq!(wait(store.run(run.id)).unwrap(), run);
        let quoted = name.replace('`', "``");
        let value = name.replace('\'', "''");
        let query = format!(
            "params.`{quoted}` = '{value}' and tags.`{quoted}` = '{value}' and metrics.`{quoted}` = 2 \
             and experiment = '{value}' and name = '{value}' order by tags.`{quoted}`"
        );
        let found = wait(crate::RunStoreExt::find_runs(&*store, &query)).unwrap();
        assert_eq!(found, [run], "{name}");
    }
}

pub(super) fn reopening_keeps_runs(harness: &dyn MetadataHarness) {
    let opened = fresh(harness);
    let run = full_run("r", None);
    wait(opened.runs.create_run(&run)).unwrap();
    wait(opened.runs.update_run(run.id, &RunUpdate::new().with_status(RunStatus::Pruned, at(9)))).unwrap();
    let before = wait(opened.runs.run(run.id)).unwrap();
    let opened = harness.reopen(opened);
    assert_eq!(wait(opened.runs.run(run.id)).unwrap(), before);
    assert_eq!(wait(opened.runs.experiment(&run.experiment)).unwrap(), experiment("e"));
    let opened = harness.reopen(opened);
    assert_eq!(kind_of(wait(opened.runs.create_run(&run))), ErrorKind::AlreadyExists);
}
