//! The local artifact store: the suite, and what is its own.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use expt_core::{ArtifactRef, Digest};
use expt_store::blocking::wait;
use expt_store::testkit::artifact::ArtifactHarness;
use expt_store::{ArtifactStore, Durability, LocalArtifacts, MemoryArtifacts};
use tempfile::TempDir;

struct Local(TempDir);

impl ArtifactHarness for Local {
    fn fresh() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Arc<dyn ArtifactStore> {
        Arc::new(LocalArtifacts::open(self.0.path().join("artifacts")).unwrap())
    }

    fn damage(&self, digest: Digest, bytes: &[u8]) {
        let store = LocalArtifacts::open(self.0.path().join("artifacts")).unwrap();
        fs::write(store.path(digest), bytes).unwrap();
    }
}

mod local {
    expt_store::artifact_conformance!(super::Local);
}

struct Memory(Arc<MemoryArtifacts>);

impl ArtifactHarness for Memory {
    fn fresh() -> Self {
        Self(Arc::default())
    }

    fn open(&self) -> Arc<dyn ArtifactStore> {
        Arc::clone(&self.0) as _
    }

    fn damage(&self, digest: Digest, bytes: &[u8]) {
        self.0.damage(digest, bytes.to_vec().into());
    }
}

mod memory {
    expt_store::artifact_conformance!(super::Memory);
}

fn temporary(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir.join("tmp")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn the_layout_is_as_documented() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalArtifacts::open(dir.path()).unwrap();
    wait(store.put("".into(), Durability::Durable)).unwrap();
    // The digest of nothing, from the test vectors of the BLAKE3 reference implementation.
    let name = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
    assert_eq!(fs::read(dir.path().join("blake3/af").join(name)).unwrap(), b"");
    assert!(temporary(dir.path()).is_empty());
}

#[test]
fn what_dead_writers_left_is_removed_after_a_day_and_not_before() {
    let dir = tempfile::tempdir().unwrap();
    LocalArtifacts::open(dir.path()).unwrap();
    for (name, hours) in [("old", 25), ("young", 1)] {
        let file = fs::File::create(dir.path().join("tmp").join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(hours * 3600)).unwrap();
    }
    LocalArtifacts::open(dir.path()).unwrap();
    assert_eq!(temporary(dir.path()), ["young"]);
}

#[test]
fn a_failed_put_leaves_nothing_and_the_store_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalArtifacts::open(dir.path()).unwrap();
    let artifact = ArtifactRef::of(b"bytes");
    // A folder where the file should be: the rename fails.
    fs::create_dir_all(store.path(artifact.digest)).unwrap();
    let error = wait(store.put("bytes".into(), Durability::Durable)).unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains(&artifact.digest.to_string()), "{error}");
    assert!(temporary(dir.path()).is_empty());
    assert!(!wait(store.contains(artifact.digest)).unwrap());
    fs::remove_dir(store.path(artifact.digest)).unwrap();
    assert_eq!(wait(store.put("bytes".into(), Durability::Durable)).unwrap(), artifact);
}
