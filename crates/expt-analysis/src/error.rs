//! What can go wrong in an analysis.

use expt_core::{CoreError, PhaseId};
use expt_stats::StatsError;

/// An analysis that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnalysisError {
    /// The stores.
    #[error(transparent)]
    Store(#[from] expt_store::Error),
    /// The statistics.
    #[error(transparent)]
    Stats(#[from] StatsError),
    /// An id, a plan or a document.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// The stored plan of the phase does not read, or is not what was sealed.
    #[error(
        "the stored plan of phase {phase} does not read: {problem}; it was changed, damaged or written by another \
         version; a changed plan is a new phase"
    )]
    PlanUnreadable {
        /// The phase.
        phase: String,
        /// What the reader said.
        problem: String,
    },
    /// The phase is of another kind.
    #[error("phase {phase} is no {expected}; ask for the readout that fits its plan")]
    OtherKind {
        /// The phase.
        phase: PhaseId,
        /// What was asked for.
        expected: &'static str,
    },
    /// Nothing to read.
    #[error("phase {phase} has no exposure up to {as_of}; wait for traffic, or look at a later time")]
    NoExposure {
        /// The phase.
        phase: PhaseId,
        /// The time of the look.
        as_of: expt_core::Timestamp,
    },
}

/// `Result` with this crate's error.
pub type Result<T, E = AnalysisError> = std::result::Result<T, E>;
