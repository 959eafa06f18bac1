//! Flags of other products become configs that give everybody what they had.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

mod common;
mod eppo;
mod growthbook;
