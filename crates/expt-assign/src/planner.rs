//! Says what a change of a config does to units, before it is made.
//!
//! [`plan`] compares two configs by exact arithmetic over their ranges: who enters, leaves, or switches, in each
//! arm. [`ConfigEdit`] makes changes that move the least; [`ChangePlan::approve`] refuses those that would make
//! units switch, or take from them what was shipped, unless the epoch is bumped or a reason is given; and
//! [`History`] is a record of approved changes that shows when it was tampered with.
//!
//! Weights are an input of the planner, ranges are the truth: [`resize`] and [`ramp`] turn the one into the
//! other, and nothing else ever does.
//!
//! ```
//! use expt_assign::planner::{ConfigEdit, Move, PlanError, plan};
//! # use expt_assign::{ArmEntry, Config, LayerEntry, PhaseEntry, PhaseState, Ranges, UnitEntry};
//! # use expt_core::*;
//! # let (user, point) = (UnitKind::new("user")?, DecisionPoint::new("ranker")?);
//! # let arm = |name: &str, ranges: &Ranges| {
//! #     let params = [("arm".to_owned(), name.into())].into_iter().collect();
//! #     ArmEntry::new(name.parse().unwrap(), ranges.clone()).with_binding(point.clone(), Binding::Params(params))
//! # };
//! # let halves = Ranges::split(&[Share::HALF, Share::HALF])?;
//! # let phase = PhaseEntry::new("ranker-v2/ab".parse()?, "ranker-v2".parse()?, "ranking".parse()?, Digest::of(b""))
//! #     .with_state(PhaseState::Running)
//! #     .with_ranges(Ranges::of(Share::percent(20)?))
//! #     .with_arm(arm("control", &halves[0]))
//! #     .with_arm(arm("v2", &halves[1]));
//! # let config = Config::new("shop", "shop-2026", 1)
//! #     .with_unit(UnitEntry::new(user.clone(), "user_id"))
//! #     .with_layer(LayerEntry::new("ranking".parse()?, user, [point.clone()]))
//! #     .with_phase(phase);
//! // A running test with 20 % of its layer, half and half. It is to have 60 : 40.
//! let test = PhaseId::new("ranker-v2/ab")?;
//! let shares = [("control".parse()?, Share::percent(60)?), ("v2".parse()?, Share::percent(40)?)];
//! let wanted = ConfigEdit::of(&config).resplit(&test, &shares)?.finish()?;
//! let change = plan(&config, &wanted)?;
//! assert_eq!(change.layers()[0].of(Move::Switches).to_string(), "2 %"); // a tenth of a fifth
//! assert!(change.phases()[0].excess().is_none());
//! assert!(matches!(change.approve(), Err(PlanError::Refused { .. })));
//!
//! // With a new epoch the arms are drawn anew, and the analysis begins with it.
//! let wanted = ConfigEdit::of(&config).resplit(&test, &shares)?.bump_epoch(&test)?.finish()?;
//! assert!(plan(&config, &wanted)?.approve().is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod census;
mod change;
mod concern;
mod edit;
mod error;
mod flow;
mod flows;
mod history;
mod holding;
mod layout;
mod movement;
mod phases;
mod portion;
mod review;
mod show;
mod space;

use expt_core::Timestamp;

pub use census::{Census, Counts, Subject, UnitMove};
pub use change::{Approved, ChangePlan, HoldoutChange, Justification, LayerMovement, Moved};
pub use concern::{Concern, Doubt};
pub use edit::ConfigEdit;
pub use error::PlanError;
pub use flow::{Amount, ArmChange, Flow, LayerFlows};
pub use history::{Entry, History, HistoryError, Record};
pub use layout::{ramp, resize};
pub use movement::{Gets, Move};
pub use phases::{PhaseChange, Standing};
pub use portion::Portion;

use crate::config::Config;

/// Works out what it does to units to put `wanted` into force where `old` is.
///
/// Holdouts that end are taken to hold, and those that rotate to be in their first period; [`plan_at`] takes
/// them as they are at a time.
///
/// # Errors
/// [`PlanError::Old`] and [`PlanError::Wanted`] for a config that does not compile, [`PlanError::Version`] if a
/// change does not raise the version, [`PlanError::TooLarge`] for more pairs of arms than are worth a table.
pub fn plan(old: &Config, wanted: &Config) -> Result<ChangePlan, PlanError> {
    ChangePlan::new(old, wanted, None)
}

/// As [`plan`], with holdouts as they are at this time.
///
/// # Errors
/// As [`plan`].
pub fn plan_at(old: &Config, wanted: &Config, at: Timestamp) -> Result<ChangePlan, PlanError> {
    ChangePlan::new(old, wanted, Some(at))
}
