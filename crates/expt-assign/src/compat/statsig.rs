//! statsig.
