//! Artifacts in a folder of the local file system.

mod artifact;
pub(crate) mod disk;

pub use artifact::LocalArtifacts;

pub(crate) use artifact::{check, missing};
