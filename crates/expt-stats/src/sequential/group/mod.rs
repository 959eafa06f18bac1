//! Group-sequential designs: a few looks planned beforehand, with exact boundaries.

mod analysis;
mod density;
mod design;
mod monitor;
mod operating;
mod rule;
mod scale;
mod solve;
mod spending;

pub use analysis::{Adjusted as GroupAdjusted, Observation};
pub use design::{GroupLook, GroupPlan, GroupSequential};
pub use monitor::GroupMonitor;
pub use operating::ExitProbabilities;
pub use rule::{Binding, Efficacy, FutilityRule};
pub use scale::Scale;
pub use spending::{Sides, Spending};
