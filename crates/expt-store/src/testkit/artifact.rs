//! What every [`ArtifactStore`] must do. [`artifact_conformance!`](crate::artifact_conformance) makes the
//! tests.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "the cases are tests: they fail by panicking"
)]

use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use expt_core::{ArtifactRef, Digest};

use crate::blocking::wait;
use crate::{ArtifactStore, Durability, ErrorKind};

/// A place for artifacts: makes a store and opens it as often as a case asks.
///
/// The value holds what the store lives in, such as a temporary folder, and removes it when it is dropped.
pub trait ArtifactHarness: Sync {
    /// A place without artifacts.
    fn fresh() -> Self;

    /// A handle on the store of this place. Further calls give further handles, as other processes have;
    /// a store that has no such thing gives the same one.
    fn open(&self) -> Arc<dyn ArtifactStore>;

    /// Puts other bytes where the artifact is stored, behind the back of the store.
    fn damage(&self, digest: Digest, bytes: &[u8]);
}

/// Makes one test of each case that every [`ArtifactStore`] must pass, for a type that is an
/// [`ArtifactHarness`](crate::testkit::artifact::ArtifactHarness).
#[macro_export]
macro_rules! artifact_conformance {
    ($harness:ty) => {
        $crate::artifact_conformance! { @cases $harness:
            bytes_come_back_under_their_digest
            bytes_of_any_size_come_back
            what_is_missing_is_not_found
            the_same_bytes_are_the_same_artifact
            another_handle_sees_what_was_put
            damaged_bytes_are_found_out
            put_replaces_damaged_bytes
            concurrent_puts_of_the_same_bytes_agree
            concurrent_puts_of_other_bytes_keep_apart
        }
    };
    (@cases $harness:ty: $($case:ident)+) => {$(
        #[test]
        fn $case() {
            $crate::testkit::artifact::$case(
                &<$harness as $crate::testkit::artifact::ArtifactHarness>::fresh(),
            );
        }
    )+};
}

/// At every level of durability.
pub fn bytes_come_back_under_their_digest(harness: &impl ArtifactHarness) {
    let store = harness.open();
    for (level, bytes) in LEVELS.into_iter().zip(["a", "b", "c"]) {
        let artifact = wait(store.put(bytes.into(), level)).unwrap();
        assert_eq!(artifact, ArtifactRef::of(bytes.as_bytes()));
        assert_eq!(wait(store.get(artifact.digest)).unwrap(), bytes);
        assert!(wait(store.contains(artifact.digest)).unwrap());
    }
}

/// None, and many.
pub fn bytes_of_any_size_come_back(harness: &impl ArtifactHarness) {
    let store = harness.open();
    for size in [0, 1, 65_535, 65_536, 65_537, 3 << 20] {
        let bytes = Bytes::from_iter((0..size).map(|index: u32| index.wrapping_mul(31).to_le_bytes()[1]));
        let artifact = wait(store.put(bytes.clone(), Durability::Durable)).unwrap();
        assert_eq!(artifact.bytes, u64::from(size));
        assert!(wait(store.get(artifact.digest)).unwrap() == bytes, "{size} bytes");
    }
}

/// Before anything was put, and after something else was.
pub fn what_is_missing_is_not_found(harness: &impl ArtifactHarness) {
    let (store, digest) = (harness.open(), Digest::of(b"missing"));
    for _ in 0..2 {
        let error = wait(store.get(digest)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains(&digest.to_string()), "{error}");
        assert!(!wait(store.contains(digest)).unwrap());
        wait(store.put("something else".into(), Durability::Committed)).unwrap();
    }
}

/// Put again, at lower and higher levels.
pub fn the_same_bytes_are_the_same_artifact(harness: &impl ArtifactHarness) {
    let store = harness.open();
    let first = wait(store.put("same".into(), Durability::Committed)).unwrap();
    for level in LEVELS {
        assert_eq!(wait(store.put("same".into(), level)).unwrap(), first);
    }
    assert_eq!(wait(store.get(first.digest)).unwrap(), "same");
}

/// At once, and after the handle is gone.
pub fn another_handle_sees_what_was_put(harness: &impl ArtifactHarness) {
    let (first, second) = (harness.open(), harness.open());
    let artifact = wait(first.put("shared".into(), Durability::Committed)).unwrap();
    assert_eq!(wait(second.get(artifact.digest)).unwrap(), "shared");
    drop((first, second));
    assert_eq!(wait(harness.open().get(artifact.digest)).unwrap(), "shared");
}

/// Changed, cut, emptied, lengthened, and replaced by those of another artifact.
pub fn damaged_bytes_are_found_out(harness: &impl ArtifactHarness) {
    let store = harness.open();
    let artifact = wait(store.put("weights".into(), Durability::Durable)).unwrap();
    for damaged in ["Weights", "weight", "", "weights ", "another artifact"] {
        harness.damage(artifact.digest, damaged.as_bytes());
        let error = wait(store.get(artifact.digest)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupted);
        for digest in [artifact.digest, Digest::of(damaged.as_bytes())] {
            assert!(error.to_string().contains(&digest.to_string()), "{error}");
        }
    }
}

/// The one repair there is.
pub fn put_replaces_damaged_bytes(harness: &impl ArtifactHarness) {
    let store = harness.open();
    for level in LEVELS {
        let artifact = wait(store.put("weights".into(), level)).unwrap();
        for damaged in ["Weights", "", "weights "] {
            harness.damage(artifact.digest, damaged.as_bytes());
            wait(store.put("weights".into(), level)).unwrap();
            assert_eq!(wait(store.get(artifact.digest)).unwrap(), "weights");
        }
    }
}

/// Many handles, one artifact.
pub fn concurrent_puts_of_the_same_bytes_agree(harness: &impl ArtifactHarness) {
    let bytes = Bytes::from(vec![7; 300_000]);
    let digest = Digest::of(&bytes);
    thread::scope(|scope| {
        for writer in 0..8 {
            let (store, bytes) = (harness.open(), bytes.clone());
            scope.spawn(move || {
                let level = LEVELS[writer % 3];
                assert_eq!(wait(store.put(bytes.clone(), level)).unwrap().digest, digest);
                assert!(wait(store.get(digest)).unwrap() == bytes);
            });
        }
    });
}

/// Many artifacts, one handle.
pub fn concurrent_puts_of_other_bytes_keep_apart(harness: &impl ArtifactHarness) {
    let store = harness.open();
    let text = |writer: usize, index: usize| format!("artifact {index} of writer {writer}");
    thread::scope(|scope| {
        for writer in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for index in 0..50 {
                    wait(store.put(text(writer, index).into(), Durability::Committed)).unwrap();
                }
            });
        }
    });
    for (writer, index) in (0..4).flat_map(|writer| (0..50).map(move |index| (writer, index))) {
        let text = text(writer, index);
        assert_eq!(wait(store.get(Digest::of(text.as_bytes()))).unwrap(), text);
    }
}

const LEVELS: [Durability; 3] = [Durability::Buffered, Durability::Committed, Durability::Durable];
