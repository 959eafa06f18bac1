//! Inference that stays valid however often one looks.

mod boundary;
mod difference;
mod level;
mod start;

pub(crate) use boundary::Boundary;
pub use difference::{DifferenceEstimate, DifferenceLook, DifferenceSequence};
pub use level::{LevelEstimate, LevelLook, LevelSequence};
pub use start::{NotYet, Shortfall, StartRule};
