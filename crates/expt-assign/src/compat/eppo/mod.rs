//! eppo.
