//! Quantiles at every look.

mod ab;
mod sequence;

pub use ab::QuantileAb;
pub use sequence::{QuantileRanks, QuantileSequence};
