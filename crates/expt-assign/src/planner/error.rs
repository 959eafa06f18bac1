//! What the planner refuses.

use expt_core::{ArmId, Share};

use super::concern::Concern;
use super::portion::Portion;
use crate::error::AssignError;
use crate::fault::Faults;
use crate::ranges::Range;

/// A change that the planner refuses.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The config in force does not compile.
    #[error("the config in force cannot be planned from: {0}")]
    Old(#[source] Faults),
    /// The wanted config does not compile.
    #[error("the wanted config cannot be planned: {0}")]
    Wanted(#[source] Faults),
    /// The wanted config is another one, and its version does not say so.
    #[error(
        "the wanted config differs but has version {wanted}, and version {old} is in force; give it a higher version"
    )]
    Version {
        /// The version in force.
        old: u32,
        /// The version of the wanted config.
        wanted: u32,
    },
    /// Units would switch, or lose what they have.
    #[error("{}", refused(.concerns))]
    Refused {
        /// Everything that stands against it.
        concerns: Vec<Concern>,
    },
    /// More pairs of arms than are worth a table.
    #[error(
        "the change has more than {limit} pairs of what units get before and after; plan it in smaller steps"
    )]
    TooLarge {
        /// How many are allowed.
        limit: usize,
    },
    /// Too little is free.
    #[error(
        "{wanted} is more than there is room for; it may have at most {largest}, unless others are stopped or ramped down first"
    )]
    NoRoom {
        /// What was asked for.
        wanted: Share,
        /// What it may have, with what it has.
        largest: Portion,
    },
    /// Shares of arms that do not add up to everything.
    #[error("the shares of the arms add up to {total} parts per million; they must add up to 1,000,000")]
    Shares {
        /// Their sum, in parts per million.
        total: u64,
    },
    /// An arm that stands twice.
    #[error("arm {arm:?} stands twice; give each arm once")]
    Twice {
        /// The arm.
        arm: ArmId,
    },
    /// Ranges that overlap.
    #[error("the places {places} belong to two; compile the config to see whose they are")]
    Overlap {
        /// The places.
        places: Range,
    },
    /// Something that the config does not have.
    #[error("the config has no {what} {id:?}; it has: {known}")]
    Unknown {
        /// A phase, a layer, an arm, a holdout.
        what: &'static str,
        /// What was asked for.
        id: String,
        /// What there is.
        known: String,
    },
    /// A step that the state of the phase does not allow.
    #[error("phase {phase:?} is {state}, and cannot be {step}; allowed for phases that are {allowed}")]
    State {
        /// The phase.
        phase: String,
        /// Its state.
        state: &'static str,
        /// What was asked for.
        step: &'static str,
        /// The states that it is allowed in.
        allowed: &'static str,
    },
    /// Something of the config that is not allowed.
    #[error(transparent)]
    Assign(#[from] AssignError),
}

fn refused(concerns: &[Concern]) -> String {
    match concerns {
        [concern] => format!("the change is refused: {concern}"),
        concerns => {
            let list: String = concerns.iter().map(|concern| format!("\n  {concern}")).collect();
            format!("the change is refused for {} causes{list}", concerns.len())
        }
    }
}
