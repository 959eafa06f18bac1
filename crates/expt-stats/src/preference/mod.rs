//! Interleaving preference tests.
