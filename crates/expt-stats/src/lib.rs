//! The statistics of online experiments: mergeable states, tests and intervals that stay valid under
//! peeking, and decisions that explain themselves. Pure functions of numbers; it knows no storage, no
//! clock and no experiment.
//!
//! ```
//! use expt_stats::{Alpha, DifferenceLook, DifferenceSequence, EffectState, Moments};
//!
//! // One state per arm; states of days, shards or machines merge in any order.
//! let control = Moments::from_counts(480, 4_800)?.merge(&Moments::from_counts(520, 5_200)?)?;
//! let treatment = Moments::from_counts(1_200, 10_000)?;
//!
//! // An interval that may be looked at after every unit.
//! let sequence = DifferenceSequence::new(Alpha::FIVE_PERCENT, 20_000)?;
//! let DifferenceLook::Ready(now) = sequence.look(&EffectState::proportions(&control, &treatment)?) else {
//!     panic!("the start rule is met");
//! };
//! assert!((now.estimate - 0.02).abs() < 1e-12);
//! assert!(now.interval.is_above(0.0));
//! # Ok::<(), expt_stats::StatsError>(())
//! ```
//!
//! # The main types
//! [Which test do I want?](guide) answers by question. By type:
//!
//! | what | types |
//! |---|---|
//! | state of a metric in an arm | [`Moments`]; of a ratio or a pair, [`CoMoments`]; quantiles, [`quantile::QuantileSketch`] |
//! | one look at a size fixed beforehand | [`fixed`], [`quantile`], [`rank`], [`regression`], [`bootstrap`] |
//! | any number of looks, or a few planned ones | [`EffectState`] into [`DifferenceSequence`]; [`sequential`] |
//! | many hypotheses at once, or one after the other | [`Correction`], [`multiple`]; [`online`] |
//! | do the arms have their promised units? | [`Shares`], [`srm`] |
//! | can the result be trusted, and will it last? | [`integrity`] |
//! | shadow traffic: do two systems agree? | [`PairedMoments`], [`FlipCounts`], [`agreement`] |
//! | interleaving: which ranking is preferred? | [`preference`] |
//! | after a bandit: what did its arms do? | [`adaptive`] |
//! | how many units, how many days? | [`power`] |
//! | beliefs | [`bayes`] |
//! | ship, stop or go on? | [`Design`] and [`Readings`] to [`Decision`] |
//! | distribution functions | [`special`] |
//!
//! # Conventions
//! - A difference is treatment minus control. The unit of analysis is the unit of randomisation.
//! - A p-value is carried as its logarithm ([`LnP`]), evidence as `ln_e`; neither over- nor underflows.
//! - Invalid input is a [`StatsError`] that names value, range and remedy; an undefined result is an
//!   `Option` or a variant. NaN never comes out, and serialised numbers are finite.
//! - An [`Interval`] says whether it holds at one look or at all looks ([`Coverage`]).
//!
//! # What it does not do
//! It reads no files, joins no events, assigns no units and does not know what an experiment is. Stored as JSON, states
//! keep every bit only if the parser rounds correctly (feature `float_roundtrip` of serde_json).

#[doc = include_str!("guide.md")]
pub mod guide {}

pub mod adaptive;
pub mod agreement;
mod arm;
pub mod bayes;
pub mod bootstrap;
mod columns;
mod comoments;
mod decision;
mod effect;
mod error;
pub mod fixed;
pub mod integrity;
mod interval;
mod level;
pub mod meta;
mod moments;
pub mod multiple;
pub mod online;
pub mod power;
pub mod preference;
pub mod quantile;
pub mod rank;
pub mod regression;
pub mod sequential;
pub mod special;
pub mod srm;
mod tails;
#[cfg(test)]
mod testing;
mod twofold;

pub use agreement::{FlipCounts, McNemar, PairedMoments, PairedSummary};
pub use arm::ArmEstimate;
pub use comoments::CoMoments;
pub use decision::{
    Decision, Design, Direction, Guardrail, Harm, InvalidReason, Metric, MetricDecision, MetricState,
    MetricStatus, Procedure, Readings, Role, Rule, Step, Verdict,
};
pub use effect::{EffectState, Shape};
pub use error::StatsError;
pub use fixed::{LiftScale, Proportion, RelativeLift, Welch, WelchOutcome, WelchTest};
pub use interval::{Coverage, Interval};
pub use level::{Alpha, Alternative, LnP, Probability};
pub use moments::Moments;
pub use multiple::{Adjusted, Correction};
pub use power::plan::{PowerPlan, SampleSize};
pub use sequential::{
    DifferenceEstimate, DifferenceLook, DifferenceSequence, LevelEstimate, LevelLook, LevelSequence, NotYet,
    Shortfall, StartRule,
};
pub use srm::{Shares, SrmMethod, SrmResult, SrmVerdict};
