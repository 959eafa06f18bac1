//! Models, stages, aliases, promotions and documents.

use std::sync::Arc;

use expt_core::{Declared, Digest, Document, Evidence, ModelVersion, Stage};

use super::MetadataHarness;
use super::sample::*;
use crate::blocking::wait;
use crate::{
    ErrorKind, PageOptions, RegistryCommit, RegistryStore, RegistryStoreExt, Requirement, Result, Update,
};

fn commit(store: &dyn RegistryStore, update: Update) -> Result<Vec<ModelVersion>> {
    wait(store.commit(&updates([update])))
}

/// A registry in which model `m` has versions 1, 2 and 3.
fn with_model(harness: &dyn MetadataHarness) -> Arc<dyn RegistryStore> {
    let store = harness.open().registry;
    let three = ["a", "b", "c"].map(|run| register("m", run, run.as_bytes()));
    wait(store.commit(&updates(three))).unwrap();
    store
}

fn stage_of(store: &dyn RegistryStore, version: u32) -> Stage {
    wait(store.model_version(&model_name("m"), version)).unwrap().stage
}

fn document(name: &str, version: u32, text: &str) -> Document {
    Document::seal("plan", name, version, text, at(3)).unwrap()
}

pub(super) fn versions_count_from_one(harness: &dyn MetadataHarness) {
    let store = harness.open().registry;
    let first = updates([register("m", "a", b"1"), register("n", "a", b"1"), register("m", "b", b"1")]);
    let labels: Vec<_> = wait(store.commit(&first)).unwrap().iter().map(ModelVersion::label).collect();
    assert_eq!(labels, ["m@1", "n@1", "m@2"]);
    let next = commit(&*store, register("m", "a", b"2")).unwrap();
    assert_eq!(next[0].label(), "m@3");
}

pub(super) fn registering_again_gives_the_same(harness: &dyn MetadataHarness) {
    let store = with_model(harness);
    commit(&*store, promote("m", 1, Stage::Staging)).unwrap();
    let again = commit(&*store, register("m", "a", b"a")).unwrap();
    assert_eq!((again.len(), again[0].version, &again[0].stage), (1, 1, &Stage::Staging));
    let twice = updates([register("m", "x", b"x"), register("m", "x", b"x")]);
    let twice: Vec<_> = wait(store.commit(&twice)).unwrap().iter().map(|v| v.version).collect();
    assert_eq!(twice, [4, 4]);
    assert_eq!(wait(store.all_versions(&model_name("m"))).unwrap().len(), 4);
}

pub(super) fn version_reads_back(harness: &dyn MetadataHarness) {
    let store = harness.open().registry;
    let mut update = register("m", "a", b"1");
    if let Update::Register { features: pin, provenance_gaps, .. } = &mut update {
        *pin = features();
        *provenance_gaps = vec!["seed: none".into(), "'\"".into()];
    }
    let version = commit(&*store, update).unwrap().remove(0);
    assert_eq!(version.features, features(), "every bit of the golden rows");
    assert_eq!(version.provenance_gaps, ["seed: none", "'\""]);
    assert_eq!((version.run, version.created, &version.stage), (run_id("a"), at(5), &Stage::None));
    assert_eq!(version.artifact, expt_core::ArtifactRef::of(b"1"));
    assert_eq!(wait(store.model_version(&version.model, 1)).unwrap(), version);
    let mut endless = register("m", "b", b"1");
    if let (Update::Register { features: pin, .. }, Declared::Given(mut golden)) = (&mut endless, features())
    {
        golden.golden[0].output[0] = f64::NAN;
        *pin = golden.into();
    }
    assert_eq!(kind_of(commit(&*store, endless)), ErrorKind::InvalidInput);
}

pub(super) fn commit_is_all_or_nothing(harness: &dyn MetadataHarness) {
    let store = with_model(harness);
    let good = [
        register("m", "d", b"d"),
        promote("m", 1, Stage::Production),
        set_alias("m", "champion", Some(1)),
        Update::PutDocument(document("p", 1, "x")),
    ];
    for bad in [promote("m", 99, Stage::Staging), set_alias("m", "", Some(1)), set_alias("m", "a", Some(99))]
    {
        assert!(wait(store.commit(&updates(good.clone().into_iter().chain([bad])))).is_err());
        assert_eq!(wait(store.all_versions(&model_name("m"))).unwrap().len(), 3);
        let first = wait(store.model_version(&model_name("m"), 1)).unwrap();
        assert_eq!((first.stage, first.aliases.len()), (Stage::None, 0));
        assert!(wait(store.all_promotions(&model_name("m"))).unwrap().is_empty());
        assert_eq!(kind_of(wait(store.document("plan", "p", None))), ErrorKind::NotFound);
    }
    let done = wait(store.commit(&updates(good))).unwrap();
    assert_eq!(done.iter().map(|v| v.version).collect::<Vec<_>>(), [4]);
    assert_eq!(stage_of(&*store, 1), Stage::Production);
    assert!(wait(store.commit(&RegistryCommit::new())).unwrap().is_empty());
    // What was registered is given as it is after the whole change.
    let both =
        updates([register("m", "e", b"e"), promote("m", 5, Stage::Staging), set_alias("m", "next", Some(5))]);
    let fifth = wait(store.commit(&both)).unwrap().remove(0);
    assert_eq!((fifth.stage, fifth.aliases.contains("next")), (Stage::Staging, true));
}

/// The requirement holds, or is refused without any change.
fn check_requirement(store: &dyn RegistryStore, requirement: Requirement, expected: Option<ErrorKind>) {
    let text = format!("{requirement:?}");
    let before = wait(store.all_versions(&model_name("m"))).unwrap();
    let commit = updates([set_alias("m", "touched", Some(1)), set_alias("m", "touched", None)])
        .update(set_alias("m", "mark", expected.map(|_| 1)))
        .require(requirement);
    let found = wait(store.commit(&commit));
    assert_eq!(found.as_ref().err().map(crate::Error::kind), expected, "{text}: {found:?}");
    assert_eq!(wait(store.all_versions(&model_name("m"))).unwrap(), before, "{text}");
}

pub(super) fn stage_is(harness: &dyn MetadataHarness) {
    let store = with_model(harness);
    commit(&*store, promote("m", 2, Stage::Staging)).unwrap();
    let require =
        |model: &str, version, stage| Requirement::StageIs { model: model_name(model), version, stage };
    check_requirement(&*store, require("m", 2, Stage::Staging), None);
    check_requirement(&*store, require("m", 1, Stage::None), None);
    check_requirement(&*store, require("m", 2, Stage::None), Some(ErrorKind::Conflict));
    check_requirement(&*store, require("m", 9, Stage::None), Some(ErrorKind::NotFound));
    check_requirement(&*store, require("n", 1, Stage::None), Some(ErrorKind::NotFound));
}

pub(super) fn in_stage(harness: &dyn MetadataHarness) {
    let store = with_model(harness);
    let require = |stage, version| Requirement::InStage { model: model_name("m"), stage, version };
    check_requirement(&*store, require(Stage::Production, None), None);
    check_requirement(&*store, require(Stage::Production, Some(1)), Some(ErrorKind::Conflict));
    commit(&*store, promote("m", 2, Stage::Production)).unwrap();
    check_requirement(&*store, require(Stage::Production, Some(2)), None);
    check_requirement(&*store, require(Stage::Production, Some(1)), Some(ErrorKind::Conflict));
    check_requirement(&*store, require(Stage::Production, Some(9)), Some(ErrorKind::Conflict));
    check_requirement(&*store, require(Stage::Production, None), Some(ErrorKind::Conflict));
    // Of a stage that holds several, each is in it.
    check_requirement(&*store, require(Stage::None, Some(1)), None);
    check_requirement(&*store, require(Stage::None, Some(3)), None);
    check_requirement(&*store, require(Stage::None, Some(2)), Some(ErrorKind::Conflict));
}

pub(super) fn alias_is(harness: &dyn MetadataHarness) {
    let store = with_model(harness);
    let require =
        |version| Requirement::AliasIs { model: model_name("m"), alias: "champion".into(), version };
    check_requirement(&*store, require(None), None);
    check_requirement(&*store, require(Some(1)), Some(ErrorKind::Conflict));
    commit(&*store, set_alias("m", "champion", Some(2))).unwrap();
    check_requirement(&*store, require(Some(2)), None);
    check_requirement(&*store, require(Some(1)), Some(ErrorKind::Conflict));
    check_requirement(&*store, require(None), Some(ErrorKind::Conflict));
}

pub(super) fn document_is(harness: &dyn MetadataHarness) {
    let store = with_model(harness);
    let require = |version| Requirement::DocumentIs { kind: "plan".into(), name: "p".into(), version };
    check_requirement(&*store, require(0), None);
    check_requirement(&*store, require(1), Some(ErrorKind::Conflict));
    wait(store.put_document(document("p", 1, "x"))).unwrap();
    wait(store.put_document(document("p", 2, "y"))).unwrap();
    check_requirement(&*store, require(2), None);
    check_requirement(&*store, require(1), Some(ErrorKind::Conflict));
    check_requirement(&*store, require(0), Some(ErrorKind::Conflict));
    // The requirement is of the state before the updates.
    let next = updates([Update::PutDocument(document("p", 3, "z"))]).require(require(2));
    wait(store.commit(&next)).unwrap();
    assert_eq!(kind_of(wait(store.commit(&next))), ErrorKind::Conflict);
}

pub(super) fn production_has_one_version(harness: &dyn MetadataHarness) {
    let store = with_model(harness);
    commit(&*store, promote("m", 1, Stage::Production)).unwrap();
    let Update::Promote { model, version, to, by, at, reason, .. } = promote("m", 2, Stage::Production)
    else {
        unreachable!("promote makes a promotion")
    };
    let second = Update::Promote {
        model,
        version,
        to,
        by,
        at,
        reason,
        evidence: Some(Evidence::Rollback),
        provenance_override: Some("approved".into()),
    };
    commit(&*store, second).unwrap();
    assert_eq!([1, 2, 3].map(|v| stage_of(&*store, v)), [Stage::Archived, Stage::Production, Stage::None]);
    let history = wait(store.all_promotions(&model_name("m"))).unwrap();
    let moves: Vec<_> =
        history.iter().map(|p| (p.sequence, p.version, p.from.as_str(), p.to.as_str())).collect();
    assert_eq!(
        moves,
        [(1, 1, "none", "production"), (2, 1, "production", "archived"), (3, 2, "none", "production")]
    );
    let (leaving, entering) = (&history[1], &history[2]);
    assert_eq!((&leaving.by, leaving.at, &leaving.reason), (&entering.by, entering.at, &entering.reason));
    assert_eq!((&leaving.evidence, &leaving.provenance_override), (&None, &None));
    assert_eq!(entering.evidence, Some(Evidence::Rollback));
    assert_eq!(entering.provenance_override.as_deref(), Some("approved"));
    assert_eq!(wait(store.in_stage(&model_name("m"), &Stage::Production)).unwrap().version, 2);
    // The version that is there already stays, and the promotion is recorded.
    commit(&*store, promote("m", 2, Stage::Production)).unwrap();
    assert_eq!(stage_of(&*store, 2), Stage::Production);
    assert_eq!(wait(store.all_promotions(&model_name("m"))).unwrap().len(), 4);
}

pub(super) fn promotions_are_recorded(harness: &dyn MetadataHarness) {
    let store = with_model(harness);
    commit(&*store, register("n", "a", b"a")).unwrap();
    for (model, version, to) in [
        ("m", 3, Stage::Staging),
        ("n", 1, Stage::Staging),
        ("m", 3, Stage::Archived),
        ("m", 1, Stage::Staging),
    ] {
        commit(&*store, promote(model, version, to)).unwrap();
    }
    let history = wait(store.all_promotions(&model_name("m"))).unwrap();
    let moves: Vec<_> =
        history.iter().map(|p| (p.sequence, p.version, p.from.as_str(), p.to.as_str())).collect();
    assert_eq!(moves, [(1, 3, "none", "staging"), (2, 3, "staging", "archived"), (3, 1, "none", "staging")]);
    assert_eq!((&history[0].by, history[0].at), (&actor("ada"), at(30)));
    assert_eq!(wait(store.all_promotions(&model_name("n"))).unwrap().len(), 1);
}

pub(super) fn evidence_survives(harness: &dyn MetadataHarness) {
    let store = with_model(harness);
    let all = [
        Evidence::Document { kind: "readout".into(), name: "p'1".into(), digest: Digest::of(b"r") },
        Evidence::Run { run: run_id("a"), note: "auc \"0.9\"\n".into() },
        Evidence::Rollback,
    ];
    for evidence in &all {
        let mut update = promote("m", 1, Stage::Staging);
        if let Update::Promote { evidence: slot, .. } = &mut update {
            *slot = Some(evidence.clone());
        }
        commit(&*store, update).unwrap();
    }
    let found = wait(store.all_promotions(&model_name("m"))).unwrap();
    assert_eq!(found.into_iter().filter_map(|p| p.evidence).collect::<Vec<_>>(), all);
}

pub(super) fn own_stages(harness: &dyn MetadataHarness) {
    let store = with_model(harness);
    let canary = Stage::Other("canary".into());
    commit(&*store, promote("m", 1, canary.clone())).unwrap();
    commit(&*store, promote("m", 2, canary.clone())).unwrap();
    assert_eq!([1, 2].map(|v| stage_of(&*store, v)), [canary.clone(), canary]);
    // The word of a built-in stage is that stage, however it is made.
    commit(&*store, promote("m", 1, Stage::Production)).unwrap();
    commit(&*store, promote("m", 2, Stage::Other("production".into()))).unwrap();
    assert_eq!([1, 2].map(|v| stage_of(&*store, v)), [Stage::Archived, Stage::Production]);
    for bad in ["", " x", "a\nb"] {
        let refused = commit(&*store, promote("m", 3, Stage::Other(bad.into())));
        assert_eq!(kind_of(refused), ErrorKind::InvalidInput);
    }
}

pub(super) fn missing_version_is_refused(harness: &dyn MetadataHarness) {
    let store = with_model(harness);
    for update in [
        promote("m", 9, Stage::Staging),
        promote("m", 0, Stage::Staging),
        promote("n", 1, Stage::Production),
        set_alias("m", "a", Some(9)),
        set_alias("n", "a", Some(1)),
    ] {
        assert_eq!(kind_of(commit(&*store, update)), ErrorKind::NotFound);
    }
    assert_eq!(kind_of(wait(store.model_version(&model_name("m"), 9))), ErrorKind::NotFound);
    assert_eq!(kind_of(wait(store.model_version(&model_name("n"), 1))), ErrorKind::NotFound);
    assert_eq!(kind_of(wait(store.in_stage(&model_name("m"), &Stage::Production))), ErrorKind::NotFound);
    assert!(wait(store.all_versions(&model_name("n"))).unwrap().is_empty());
    assert!(wait(store.all_promotions(&model_name("n"))).unwrap().is_empty());
}

pub(super) fn aliases_move_and_go(harness: &dyn MetadataHarness) {
    let store = with_model(harness);
    let aliases = || {
        let versions = wait(store.all_versions(&model_name("m"))).unwrap();
        let mut found: Vec<_> = versions.into_iter().map(|v| Vec::from_iter(v.aliases)).collect();
        found.reverse();
        found
    };
    commit(&*store, set_alias("m", "champion", Some(1))).unwrap();
    commit(&*store, set_alias("m", "rollback", Some(1))).unwrap();
    assert_eq!(aliases(), [vec!["champion", "rollback"], vec![], vec![]]);
    commit(&*store, set_alias("m", "champion", Some(3))).unwrap();
    assert_eq!(aliases(), [vec!["rollback"], vec![], vec!["champion"]]);
    commit(&*store, set_alias("m", "champion", None)).unwrap();
    commit(&*store, set_alias("m", "champion", None)).unwrap();
    commit(&*store, set_alias("n", "champion", None)).unwrap();
    assert_eq!(aliases(), [vec!["rollback"], vec![], vec![]]);
    for version in [None, Some(1)] {
        assert_eq!(kind_of(commit(&*store, set_alias("m", "", version))), ErrorKind::InvalidInput);
    }
    assert_eq!(wait(store.models(&PageOptions::default())).unwrap().items, [model_name("m")]);
}

pub(super) fn documents_never_change(harness: &dyn MetadataHarness) {
    let store = harness.open().registry;
    let first = document("p", 1, "one").of_experiment(experiment("e").id);
    wait(store.put_document(first.clone())).unwrap();
    let again = Document { created: at(99), experiment: None, ..first.clone() };
    wait(store.put_document(again)).unwrap();
    assert_eq!(kind_of(wait(store.put_document(document("p", 1, "two")))), ErrorKind::AlreadyExists);
    assert_eq!(wait(store.document("plan", "p", Some(1))).unwrap(), first);
    wait(store.put_document(document("p", 2, "two"))).unwrap();
    assert_eq!(wait(store.document("plan", "p", Some(1))).unwrap(), first);
}

pub(super) fn documents_are_checked(harness: &dyn MetadataHarness) {
    let store = harness.open().registry;
    let good = document("p", 1, "x");
    let lying = Document { digest: Digest::of(b"y"), ..good.clone() };
    let zero = Document { version: 0, ..good };
    for bad in [lying, zero] {
        assert_eq!(kind_of(wait(store.put_document(bad))), ErrorKind::InvalidInput);
    }
    assert_eq!(kind_of(wait(store.document("plan", "p", None))), ErrorKind::NotFound);
    let binary: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let large = Document { digest: Digest::of(&binary), bytes: binary, ..document("large", 7, "") };
    let empty = Document { digest: Digest::of(b""), bytes: vec![], ..document("", 1, "") };
    for document in [large, empty] {
        wait(store.put_document(document.clone())).unwrap();
        assert_eq!(wait(store.document("plan", &document.name, None)).unwrap(), document);
    }
}

pub(super) fn newest_document_is_found(harness: &dyn MetadataHarness) {
    let store = harness.open().registry;
    for (name, version) in [("b", 2), ("b", 10), ("a", 1), ("b", 1)] {
        wait(store.put_document(document(name, version, &format!("{name} {version}")))).unwrap();
    }
    let mut other = document("a", 5, "other kind");
    other.kind = "readout".into();
    wait(store.put_document(other.clone())).unwrap();
    assert_eq!(wait(store.document("plan", "b", None)).unwrap().version, 10);
    assert_eq!(wait(store.document("plan", "b", Some(2))).unwrap(), document("b", 2, "b 2"));
    assert_eq!(kind_of(wait(store.document("plan", "b", Some(3)))), ErrorKind::NotFound);
    assert_eq!(kind_of(wait(store.document("Plan", "b", None))), ErrorKind::NotFound);
    let list = wait(store.documents("plan", &PageOptions::default())).unwrap().items;
    assert_eq!(list, [document("a", 1, "a 1"), document("b", 10, "b 10")]);
    assert_eq!(wait(store.documents("readout", &PageOptions::default())).unwrap().items, [other]);
    assert!(wait(store.documents("none", &PageOptions::default())).unwrap().items.is_empty());
}

pub(super) fn lists_come_in_pages(harness: &dyn MetadataHarness) {
    let store = harness.open().registry;
    for n in 0..7 {
        commit(&*store, register("m", &n.to_string(), b"x")).unwrap();
        commit(&*store, register(&format!("model {n}"), "r", b"x")).unwrap();
        commit(&*store, promote("m", n + 1, Stage::Staging)).unwrap();
        wait(store.put_document(document(&format!("d{n}"), n + 1, "x"))).unwrap();
    }
    let model = model_name("m");
    for limit in [1, 3, 7, 8, 100] {
        let versions = all_pages(limit, |page| wait(store.model_versions(&model, page)).unwrap());
        assert_eq!(versions.iter().map(|v| v.version).collect::<Vec<_>>(), [7, 6, 5, 4, 3, 2, 1]);
        let promotions = all_pages(limit, |page| wait(store.promotions(&model, page)).unwrap());
        assert_eq!(promotions.iter().map(|p| p.sequence).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
        let models = all_pages(limit, |page| wait(store.models(page)).unwrap());
        assert!(models.len() == 8 && models.is_sorted());
        let documents = all_pages(limit, |page| wait(store.documents("plan", page)).unwrap());
        let names: Vec<_> = documents.iter().map(|d| d.name.as_str()).collect();
        assert_eq!(names, ["d0", "d1", "d2", "d3", "d4", "d5", "d6"]);
    }
}

pub(super) fn tokens_of_other_lists_are_refused(harness: &dyn MetadataHarness) {
    let store = with_model(harness);
    commit(&*store, register("n", "a", b"a")).unwrap();
    let page = PageOptions::default().with_limit(1);
    let versions = wait(store.model_versions(&model_name("m"), &page)).unwrap().next;
    let models = wait(store.models(&page)).unwrap().next;
    assert!(versions.is_some() && models.is_some());
    let with = |token| page.clone().with_token(token);
    let (of_versions, of_models) = (with(versions), with(models));
    assert_eq!(kind_of(wait(store.model_versions(&model_name("n"), &of_versions))), ErrorKind::InvalidInput);
    assert_eq!(kind_of(wait(store.models(&of_versions))), ErrorKind::InvalidInput);
    assert_eq!(kind_of(wait(store.promotions(&model_name("m"), &of_versions))), ErrorKind::InvalidInput);
    assert_eq!(kind_of(wait(store.documents("m", &of_models))), ErrorKind::InvalidInput);
}

pub(super) fn hostile_names_are_only_names(harness: &dyn MetadataHarness) {
    let store = harness.open().registry;
    let mut expected = Vec::new();
    for name in hostile_names() {
        let all = updates([
            register(&name, "r", b"x"),
            promote(&name, 1, Stage::Other(name.clone())),
            set_alias(&name, &name, Some(1)),
            Update::PutDocument(document(&name, 1, &name)),
        ]);
        let version = wait(store.commit(&all)).unwrap().remove(0);
        assert_eq!((version.model.as_str(), version.stage.as_str()), (name.as_str(), name.as_str()));
        assert!(version.aliases.contains(&name));
        assert_eq!(wait(store.document("plan", &name, None)).unwrap(), document(&name, 1, &name));
        expected.push(version.model);
    }
    expected.sort();
    assert_eq!(all_pages(2, |page| wait(store.models(page)).unwrap()), expected);
    let documents = all_pages(2, |page| wait(store.documents("plan", page)).unwrap());
    assert!(documents.is_sorted_by_key(|d| d.name.clone()) && documents.len() == expected.len());
}

pub(super) fn reopening_keeps_the_registry(harness: &dyn MetadataHarness) {
    let opened = harness.open();
    let all = updates([
        register("m", "a", b"a"),
        promote("m", 1, Stage::Production),
        set_alias("m", "champion", Some(1)),
        Update::PutDocument(document("p", 1, "x")),
    ]);
    let version = wait(opened.registry.commit(&all)).unwrap().remove(0);
    let opened = harness.reopen(opened);
    let store = &*opened.registry;
    assert_eq!(wait(store.model_version(&version.model, 1)).unwrap(), version);
    assert_eq!(wait(store.all_promotions(&version.model)).unwrap().len(), 1);
    assert_eq!(wait(store.document("plan", "p", None)).unwrap(), document("p", 1, "x"));
    assert_eq!(commit(store, register("m", "b", b"b")).unwrap()[0].version, 2);
}
