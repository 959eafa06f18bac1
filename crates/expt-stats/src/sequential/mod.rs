//! Inference that stays valid however often one looks.

mod boundary;
mod difference;
mod group;
mod level;
mod root;
mod start;

pub(crate) use boundary::Boundary;
pub use difference::{DifferenceEstimate, DifferenceLook, DifferenceSequence};
pub use group::{
    Binding, Efficacy, ExitProbabilities, FutilityRule, GroupAdjusted, GroupLook, GroupMonitor, GroupPlan,
    GroupSequential, Observation, Scale, Sides, Spending,
};
pub use level::{LevelEstimate, LevelLook, LevelSequence};
pub use start::{NotYet, Shortfall, StartRule};
