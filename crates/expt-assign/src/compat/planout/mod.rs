//! planout.
