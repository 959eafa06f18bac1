//! How far two systems agree on the same inputs: the statistics of shadow traffic.

mod flips;
mod paired;

pub use flips::{FlipCounts, McNemar};
pub use paired::{PairedMoments, PairedSummary};
