//! Evaluations through the client of the SDK, with configs like those that serve.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;
mod context;
mod exposure;
mod external;
mod outcomes;
mod router;
mod telemetry;
mod values;
