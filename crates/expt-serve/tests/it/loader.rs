//! What loads, and what may be shown.

use std::sync::Arc;

use bytes::Bytes;
use expt_core::{Declared, FeaturePin, ModelVersion, PinStatus, Stage};
use expt_serve::{Deployment, LoadFor, Loader, ModelSet, PinPolicy};
use expt_store::blocking::wait;
use expt_store::{Error, ErrorKind, LocalArtifacts, MemoryArtifacts, Stores};
use expt_track::Promote;

use crate::{actor, deploy, model, pin, registry, train};

fn load(
    stores: &Stores,
    version: u32,
    live: impl Into<Declared<FeaturePin>>,
    policy: PinPolicy,
    purpose: LoadFor,
) -> Result<Deployment, Error> {
    wait(Loader::new(stores, live).with_policy(policy).load(&model(), version, purpose))
}

fn promote(stores: &Stores, version: u32, to: Stage) -> ModelVersion {
    let promote = Promote::new(model(), version, to, actor(), "it is good");
    registry(stores).promote(promote.overriding_provenance("a drill")).unwrap()
}

#[test]
fn a_deployment_says_where_it_comes_from() {
    let stores = Stores::memory();
    let one = deploy(&stores, "one");
    let version = wait(stores.registry.model_version(&model(), 1)).unwrap();
    assert_eq!((one.bytes(), one.version(), one.may_show()), (&Bytes::from("one"), &version, true));
    let origin = one.origin();
    assert_eq!((&origin.model, origin.version, origin.digest), (&model(), 1, version.artifact.digest));
    assert_eq!(
        (origin.run, &origin.experiment, origin.pin),
        (version.run, &version.experiment, PinStatus::Verified)
    );
    assert_eq!(origin.features, Some(pin("x").digest().unwrap()));
    assert!(one.pin_diff().unwrap().is_compatible());
}

#[test]
fn a_tampered_artifact_does_not_load() {
    let artifacts = Arc::new(MemoryArtifacts::new());
    let stores = Stores { artifacts: artifacts.clone(), ..Stores::memory() };
    let digest = deploy(&stores, "one").origin().digest;
    artifacts.damage(digest, Bytes::from("two"));
    let error = load(&stores, 1, pin("x"), PinPolicy::Warn, LoadFor::Shadow).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupted, "{error}");

    let folder = tempfile::tempdir().unwrap();
    let stores =
        Stores { artifacts: Arc::new(LocalArtifacts::open(folder.path()).unwrap()), ..Stores::memory() };
    deploy(&stores, "one");
    let files = find_files(folder.path());
    files.iter().filter(|file| std::fs::read(file).unwrap() == b"one").for_each(|file| {
        std::fs::write(file, "two").unwrap();
    });
    let error = load(&stores, 1, pin("x"), PinPolicy::Refuse, LoadFor::Showing).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupted, "{error}");
}

fn find_files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { find_files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_pin_that_does_not_match_is_treated_as_the_policy_says() {
    let stores = Stores::memory();
    train(&stores, "one", pin("x"), false);
    let error = load(&stores, 1, pin("ln x"), PinPolicy::Refuse, LoadFor::Showing).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(
        error.to_string().contains("ranker@1") && error.to_string().contains("other logic of x"),
        "{error}"
    );
    let check = |live: Declared<FeaturePin>, policy, purpose, status, may_show| {
        let loaded = load(&stores, 1, live, policy, purpose).unwrap();
        assert_eq!((loaded.origin().pin, loaded.may_show()), (status, may_show), "{policy:?} {purpose:?}");
        assert_eq!(ModelSet::new(loaded.clone(), ()).is_ok(), may_show);
        let other = ModelSet::new(deploy(&stores, "production"), ()).unwrap().with(loaded, ());
        assert_eq!(other.map_err(|error| error.kind()).err(), (!may_show).then_some(ErrorKind::Refused));
    };
    let other = || Declared::from(pin("ln x"));
    check(other(), PinPolicy::Shadow, LoadFor::Showing, PinStatus::Mismatch, false);
    check(other(), PinPolicy::Shadow, LoadFor::Shadow, PinStatus::Mismatch, false);
    check(other(), PinPolicy::Warn, LoadFor::Showing, PinStatus::Mismatch, true);
    check(other(), PinPolicy::Warn, LoadFor::Shadow, PinStatus::Mismatch, false);
    check(pin("x").into(), PinPolicy::Shadow, LoadFor::Showing, PinStatus::Verified, true);
    check(pin("x").into(), PinPolicy::Refuse, LoadFor::Shadow, PinStatus::Verified, false);
    let none = || Declared::opted_out("reads raw text");
    check(none(), PinPolicy::Refuse, LoadFor::Showing, PinStatus::Unchecked, true);
}

#[test]
fn a_model_without_a_pin_is_unchecked() {
    let stores = Stores::memory();
    let version = train(&stores, "one", Declared::opted_out("reads raw text"), false);
    let loaded = load(&stores, version, pin("x"), PinPolicy::Refuse, LoadFor::Showing).unwrap();
    assert_eq!((loaded.origin().pin, loaded.origin().features), (PinStatus::Unchecked, None));
    assert!(loaded.pin_diff().is_none() && loaded.may_show());
}

#[test]
fn a_provenance_gap_is_shown_to_nobody_unless_an_approver_says_so() {
    let stores = Stores::memory();
    let version = train(&stores, "one", pin("x"), true);
    let full = train(&stores, "two", pin("x"), false);
    let showing = |version| load(&stores, version, pin("x"), PinPolicy::Refuse, LoadFor::Showing);
    let refused = || {
        let error = showing(version).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.to_string().contains("seed: lost"), "{error}");
    };
    refused();
    let shadow = load(&stores, version, pin("x"), PinPolicy::Refuse, LoadFor::Shadow).unwrap();
    assert!(!shadow.may_show());
    let plain = Promote::new(model(), version, Stage::Staging, actor(), "a candidate");
    registry(&stores).promote(plain).unwrap();
    promote(&stores, full, Stage::Staging);
    refused();
    promote(&stores, version, Stage::Staging);
    assert!(showing(version).unwrap().may_show());
}

#[test]
fn a_stage_is_loaded_by_name() {
    let stores = Stores::memory();
    let loader = Loader::new(&stores, pin("x"));
    let production = || wait(loader.load_stage(&model(), &Stage::Production, LoadFor::Showing));
    let version = train(&stores, "one", pin("x"), false);
    assert_eq!(production().unwrap_err().kind(), ErrorKind::NotFound);
    promote(&stores, version, Stage::Production);
    assert_eq!(production().unwrap().version().version, version);
    let error = load(&stores, 9, pin("x"), PinPolicy::Refuse, LoadFor::Showing).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
