//! How far two systems agree: the statistics of shadow traffic.
//!
//! Paired outputs come first, as they remove what the inputs share; distributions second:
//!
//! | question | type |
//! |---|---|
//! | numbers for the same input | [`PairedMoments`] |
//! | decisions for the same input | [`FlipCounts`] with [`McNemar`] |
//! | probabilities for the same input, with the outcome | [`CalibrationPair`] |
//! | rankings for the same input | [`RankBiasedOverlap`], [`Kendall`], [`TopK`] |
//! | distributions of outputs, in bounded memory | [`Histogram`] with [`BinnedComparison`] |
//! | distributions of outputs, raw | [`wasserstein`], [`Smirnov`](crate::rank::Smirnov) |
//!
//! Every distance between two samples is above zero although nothing changed. Each result therefore carries what it is
//! expected to be without a change; thresholds that ignore the sample sizes (0.1 and 0.25 for the population stability
//! index) raise alarms at small samples and sleep at large ones.

mod binned;
mod calibration;
mod flips;
mod histogram;
mod kendall;
mod kolmogorov;
mod paired;
mod rbo;
mod top_k;
mod transport;

pub use binned::{BinnedComparison, BinnedKs, EmptyBins, JensenShannon, StabilityIndex};
pub use calibration::{CalibrationPair, CalibrationSummary, ScoreCalibration};
pub use flips::{FlipCounts, McNemar};
pub use histogram::{Edges, Histogram};
pub use kendall::{Kendall, KendallTest};
pub use paired::{PairedMoments, PairedSummary};
pub use rbo::{RankBiasedOverlap, RankTies, RboScore};
pub use top_k::{TopK, TopKScore};
pub use transport::{Wasserstein, wasserstein};
