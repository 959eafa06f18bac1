//! Can this experiment be believed?
mod launches;
mod matrix;
mod mixture;
mod novelty;
mod panel;
mod prior;
mod truncated;

pub use launches::{CumulativeImpact, Experiment, Holdout, HoldoutComparison, Impact, ImpactMethod, Launch};
pub use novelty::{Cohort, CohortCheck, DayEffect, Novelty, NoveltyOutcome, NoveltyTest, Pattern};
pub use panel::DailyPanel;
pub use prior::EffectPrior;
