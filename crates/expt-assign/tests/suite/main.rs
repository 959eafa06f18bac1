//! What the public API promises.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod common;
mod dedup;
mod evaluation;
mod faults;
#[cfg(feature = "json")]
mod golden;
#[cfg(feature = "json")]
mod json;
mod properties;
mod requests;
mod statistics;
