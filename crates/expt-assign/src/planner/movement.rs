//! What a unit gets before and after, and what that means for it.

use std::fmt;

use expt_core::{ArmId, ExperimentId, PhaseId};
use serde::{Deserialize, Serialize};

use crate::choice::{Choice, NONE, Verdict};
use crate::config::{ArmEntry, Config, PhaseEntry};

/// What a unit gets in a layer, as far as the planner tells things apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Gets {
    /// Nothing: no phase has its place, or the phase does not take it.
    Nothing,
    /// Nothing: a holdout holds it.
    Held,
    /// Nothing: it is in the comparison group of a holdout, and nothing has been shipped here for it.
    Compared,
    /// An arm of a running phase, or of a paused one that a sticky record keeps it in.
    Arm {
        /// The phase.
        phase: PhaseId,
        /// The arm.
        arm: ArmId,
    },
    /// The winner of a phase that has shipped.
    Winner {
        /// The phase.
        phase: PhaseId,
        /// The winner.
        arm: ArmId,
    },
    /// An arm that the config gives it by name. Such units are in no share.
    Forced {
        /// The phase.
        phase: PhaseId,
        /// The arm.
        arm: ArmId,
    },
}

impl fmt::Display for Gets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.pad("nothing"),
            Self::Held => f.pad("held out"),
            Self::Compared => f.pad("comparison group"),
            Self::Arm { phase, arm } => f.pad(&format!("{phase}: {arm}")),
            Self::Winner { phase, arm } => f.pad(&format!("{phase}: {arm} (shipped)")),
            Self::Forced { phase, arm } => f.pad(&format!("{phase}: {arm} (forced)")),
        }
    }
}

/// What a change means for a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Move {
    /// It gets what it got, as part of the same experiment.
    Stays,
    /// It gets an arm or a winner and had none.
    Enters,
    /// It had an arm of a running phase and gets none.
    Leaves,
    /// It had an arm of one experiment and gets one of another.
    Replaces,
    /// **It had an arm and gets another one of the same experiment in the same epoch.** Its outcomes can be
    /// counted for neither.
    Switches,
    /// It had an arm, and the experiment draws anew in another epoch: another arm, or the same one by chance
    /// with something else in it.
    Redrawn,
    /// It had another arm of the experiment whose winner it now gets.
    ToWinner,
    /// **It had a winner that was shipped and no longer gets it.**
    LosesWinner,
    /// **It has the arm that it had, and the arm gives something else.**
    Rebound,
}

impl Move {
    /// Whether the unit notices.
    #[must_use]
    pub const fn is_movement(self) -> bool {
        !matches!(self, Self::Stays)
    }

    /// The word for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stays => "stays",
            Self::Enters => "enters",
            Self::Leaves => "leaves",
            Self::Replaces => "leaves and enters",
            Self::Switches => "switches",
            Self::Redrawn => "is redrawn",
            Self::ToWinner => "gets the winner",
            Self::LosesWinner => "loses a winner",
            Self::Rebound => "gets something else in its arm",
        }
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// [`Gets`] by index in one config: phase and arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Got {
    Nothing,
    Held,
    Compared,
    Arm(u32, u32),
    Winner(u32, u32),
    Forced(u32, u32),
}

impl Got {
    /// What the engine chose.
    pub(super) fn chosen(choice: Choice) -> Self {
        let (phase, arm) = (choice.index(), choice.arm_index().into());
        match choice.verdict() {
            Verdict::Arm => Self::Arm(phase, arm),
            Verdict::Shipped => Self::Winner(phase, arm),
            Verdict::ShippedOnly if phase != NONE => Self::Winner(phase, arm),
            Verdict::ShippedOnly => Self::Compared,
            Verdict::Forced => Self::Forced(phase, arm),
            Verdict::Holdout => Self::Held,
            _ => Self::Nothing,
        }
    }

    pub(super) fn named(self, config: &Config) -> Gets {
        match (self, arm_of(config, self)) {
            (Self::Held, _) => Gets::Held,
            (Self::Compared, _) => Gets::Compared,
            (Self::Arm(..), Some((phase, arm))) => {
                Gets::Arm { phase: phase.id.clone(), arm: arm.arm.clone() }
            }
            (Self::Winner(..), Some((phase, arm))) => {
                Gets::Winner { phase: phase.id.clone(), arm: arm.arm.clone() }
            }
            (Self::Forced(..), Some((phase, arm))) => {
                Gets::Forced { phase: phase.id.clone(), arm: arm.arm.clone() }
            }
            _ => Gets::Nothing,
        }
    }
}

/// The phase and arm that are served.
pub(super) fn arm_of(config: &Config, got: Got) -> Option<(&PhaseEntry, &ArmEntry)> {
    let (Got::Arm(phase, arm) | Got::Winner(phase, arm) | Got::Forced(phase, arm)) = got else { return None };
    let phase = config.phases.get(phase as usize)?;
    Some((phase, phase.arms.get(arm as usize)?))
}

/// What it means for a unit to have had the one and to get the other.
pub(super) fn classify(old: &Config, wanted: &Config, had: Got, gets: Got) -> Move {
    let side = |config, got| match got {
        // What is given by name is in no experiment.
        Got::Forced(..) => None,
        got => {
            arm_of(config, got).map(|(phase, arm)| Side { phase, arm, won: matches!(got, Got::Winner(..)) })
        }
    };
    match (side(old, had), side(wanted, gets)) {
        (None, None) => Move::Stays,
        (None, Some(_)) => Move::Enters,
        (Some(had), None) => {
            if had.won {
                Move::LosesWinner
            } else {
                Move::Leaves
            }
        }
        (Some(had), Some(gets)) => served_twice(&had, &gets),
    }
}

struct Side<'c> {
    phase: &'c PhaseEntry,
    arm: &'c ArmEntry,
    won: bool,
}

impl Side<'_> {
    const fn experiment(&self) -> &ExperimentId {
        &self.phase.experiment
    }
}

fn served_twice(had: &Side<'_>, gets: &Side<'_>) -> Move {
    let same_experiment = had.experiment() == gets.experiment();
    let same_arm = same_experiment && had.arm.arm == gets.arm.arm;
    let same_things = had.arm.bindings == gets.arm.bindings;
    if had.won {
        // Of a winner counts what it gives, not by which name.
        return match (same_things, gets.won || same_arm) {
            (true, true) => Move::Stays,
            (true, false) => Move::Enters,
            (false, _) if same_arm => Move::Rebound,
            (false, _) => Move::LosesWinner,
        };
    }
    let same_epoch = had.phase.epoch == gets.phase.epoch;
    match () {
        () if !same_experiment => Move::Replaces,
        () if same_arm && same_things => Move::Stays,
        () if !same_epoch && !gets.won => Move::Redrawn,
        () if same_arm => Move::Rebound,
        () if gets.won => Move::ToWinner,
        () => Move::Switches,
    }
}
