//! Can this experiment be believed? Checks of the data, of the system, and of results that look too good.
//!
//! | question | item |
//! |---|---|
//! | does the effect fade or grow, and where does it settle? | [`NoveltyTest`] on [`DailyPanel`]s |
//! | are A/A comparisons significant as often as they claim? | [`AaAudit`] |
//! | do two concurrent experiments change each other's effects? | [`InteractionTest`], [`screen_interactions`] |
//! | does the effect differ between segments? | [`SegmentAnalysis`], [`membership_shift`] |
//! | what did all launches together achieve? | [`CumulativeImpact`] |
//! | is a figure too good, too round, too equal, too sudden? | [`Twyman`] |
//! | which of many experiments have a sample-ratio mismatch, and where? | [`SrmFleet`], [`localise_srm`] |
//!
//! Everything is a pure function of numbers and mergeable states at one look fixed beforehand; under repeated
//! looks only the sample-ratio p-values stay valid, if they are sequential ones
//! ([`Shares::sequential`](crate::Shares::sequential)).

mod audit;
mod fleet;
mod interaction;
mod launches;
mod matrix;
mod mixture;
mod novelty;
mod panel;
mod prior;
mod segments;
mod truncated;
mod twyman;
mod uniformity;

pub use audit::{AaAudit, AaReport, AaVerdict};
pub use fleet::{FleetEntry, FleetReport, LocatedCell, SrmCell, SrmFleet, SrmLocation, localise_srm};
pub use interaction::{
    Contrast, Interaction, InteractionOutcome, InteractionTest, Scale, ScreenedPair, Variances,
    screen_interactions,
};
pub use launches::{CumulativeImpact, Experiment, Holdout, HoldoutComparison, Impact, ImpactMethod, Launch};
pub use novelty::{Cohort, CohortCheck, DayEffect, Novelty, NoveltyOutcome, NoveltyTest, Pattern};
pub use panel::DailyPanel;
pub use prior::EffectPrior;
pub use segments::{
    Heterogeneity, Segment, SegmentAnalysis, SegmentArms, SegmentEffect, SegmentReport, membership_shift,
};
pub use twyman::{Flag, FlagKind, Twyman};
pub use uniformity::Uniformity;
