//! The conformance suite that every backend runs.
//!
//! It is for authors of backends and not covered by semantic versioning: a new version may add cases.
//! [`metadata_conformance!`](crate::metadata_conformance) makes the tests of a [`RunStore`](crate::RunStore)
//! and [`RegistryStore`](crate::RegistryStore).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::float_cmp,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "the cases are tests: they fail by panicking"
)]

pub mod artifact;
pub mod event;

mod concurrency;
mod harness;
mod metric;
mod model;
mod query;
mod registry;
mod run;
mod sample;

pub use harness::{MetadataCase, MetadataHarness, Opened, metadata_cases, run_metadata_case};
