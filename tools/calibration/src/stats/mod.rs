//! Whether the methods of `expt-stats` keep what they promise, on simulated data.
//!
//! What is judged is only ever a call of the library; the loops that draw data are ours. A mark `p` means
//! that the estimate is at most `p + 3.09 sqrt(p (1 - p) / N)` (or, for a lower bound, at least `p` less
//! that), N the number of runs. Cells without a mark are printed too, with the reason.

mod draw;
mod fdr;
mod fixed;
mod integrity;
mod marks;
mod peeking;
mod power;
mod stack;

pub(crate) use fdr::fdr;
pub(crate) use fixed::fixed;
pub(crate) use integrity::integrity;
pub(crate) use peeking::peeking;
pub(crate) use power::power;
pub(crate) use stack::stack;
