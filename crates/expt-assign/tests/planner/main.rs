//! What the change planner promises.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod census;
mod changes;
mod common;
#[cfg(feature = "json")]
mod history;
mod layout;
mod random;
