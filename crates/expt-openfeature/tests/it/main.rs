//! Evaluations through the client of the SDK, with configs like those that serve.

mod common;
mod context;
mod exposure;
mod external;
mod outcomes;
mod router;
mod telemetry;
mod values;
