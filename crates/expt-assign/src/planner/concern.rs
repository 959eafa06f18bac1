//! What stands against a change, and what only units can tell.

use std::fmt;

use expt_core::{HoldoutId, LayerId, PhaseId, UnitKind};

use super::movement::{Gets, Move};
use super::portion::Portion;

/// Something that a change must not do without a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Concern {
    /// Units that [switch](Move::Switches), [lose a winner](Move::LosesWinner), or
    /// [get something else](Move::Rebound) in their arm.
    Movement {
        /// The layer.
        layer: LayerId,
        /// What happens to them.
        movement: Move,
        /// What they had.
        from: Gets,
        /// What they get.
        to: Gets,
        /// How many, as a share of all units that fit.
        share: Portion,
        /// How many of the units that were counted, if any were.
        units: Option<u64>,
    },
    /// Something that units' places derive from is another, so that all of them are drawn anew.
    Reshuffle {
        /// What is another.
        what: String,
        /// The phase, if it is about one.
        phase: Option<PhaseId>,
    },
    /// A phase goes back to an epoch that it has left: units get the arms of that time again, and outcomes of
    /// two different draws are counted together.
    EpochBack {
        /// The phase.
        phase: PhaseId,
        /// The epoch in force.
        old: u32,
        /// The wanted one.
        wanted: u32,
    },
}

impl Concern {
    /// Whether it is about the phase.
    #[must_use]
    pub fn concerns(&self, phase: &PhaseId) -> bool {
        let in_it = |gets: &Gets| match gets {
            Gets::Arm { phase: other, .. } | Gets::Winner { phase: other, .. } => other == phase,
            _ => false,
        };
        match self {
            Self::Movement { from, to, .. } => in_it(from) || in_it(to),
            Self::Reshuffle { phase: other, .. } => other.as_ref() == Some(phase),
            Self::EpochBack { phase: other, .. } => other == phase,
        }
    }
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Movement { layer, movement, from, to, share, units } => {
                write!(f, "in layer {layer:?} {share} of the units")?;
                if let Some(units) = units {
                    write!(f, " ({units} of those counted)")?;
                }
                let remedy = match movement {
                    Move::Switches => "keep the ranges (planner::resize), bump the epoch, or give a reason",
                    Move::LosesWinner => "keep the winner where it is, or give a reason",
                    _ => "bump the epoch, or give a reason",
                };
                match movement {
                    Move::Switches => write!(f, " would switch from {from} to {to}")?,
                    Move::LosesWinner => write!(f, " would lose {from} for {to}")?,
                    _ => write!(f, " would stay in {from} and get something else there")?,
                }
                write!(f, "; {remedy}")
            }
            Self::Reshuffle { what, .. } => {
                write!(f, "{what}, so that units would be drawn anew; keep it as it was, or give a reason")
            }
            Self::EpochBack { phase, old, wanted } => write!(
                f,
                "phase {phase:?} would go back from epoch {old} to {wanted}; take a higher one, or give a reason"
            ),
        }
    }
}

/// Something that shares cannot tell: only counted units can ([`ChangePlan::count`](super::ChangePlan::count)).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doubt {
    /// The targeting of a phase is another. Of the units of `at_most` some may enter or leave beside those in
    /// the shares.
    Targeting {
        /// The phase.
        phase: PhaseId,
        /// The units whose place is in the phase before and after.
        at_most: Portion,
    },
    /// The prerequisites of a phase are others, or a phase that they ask for changes.
    Prerequisites {
        /// The phase.
        phase: PhaseId,
        /// The units whose place is in the phase before and after.
        at_most: Portion,
    },
    /// The exclusions are others.
    Exclusions,
    /// The list of forced units is another.
    Forced,
    /// Units of the kind are identified otherwise.
    Identification {
        /// The kind.
        unit: UnitKind,
    },
    /// A phase derives its arms from the same buckets of another product as its layer, so that the two are not
    /// independent.
    SameBuckets {
        /// The phase.
        phase: PhaseId,
    },
    /// A holdout changes that also holds units of other kinds by what their requests show.
    OtherKinds {
        /// The holdout.
        holdout: HoldoutId,
    },
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Targeting { phase, at_most } => write!(
                f,
                "the targeting of phase {phase:?} is another: of {at_most} of the units some may enter or leave"
            ),
            Self::Prerequisites { phase, at_most } => write!(
                f,
                "what phase {phase:?} asks of other phases changes: of {at_most} of the units some may enter or leave"
            ),
            Self::Exclusions => f.write_str("the exclusions are others"),
            Self::Forced => f.write_str("the list of forced units is another"),
            Self::Identification { unit } => write!(f, "units of kind {unit:?} are identified otherwise"),
            Self::SameBuckets { phase } => {
                write!(
                    f,
                    "phase {phase:?} has the buckets of its layer: arms and traffic are not independent"
                )
            }
            Self::OtherKinds { holdout } => {
                write!(
                    f,
                    "holdout {holdout:?} changes, and requests may show its units beside those of a layer"
                )
            }
        }
    }
}
