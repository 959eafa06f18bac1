//! unleash.
