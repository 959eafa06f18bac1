//! Why a design does not apply.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Says why a design does not apply.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefusalReason {
    /// Interleaving merges two rankings; this output is no ranking.
    NotARanking,
    /// The outcomes come after the deadline.
    OutcomesTooLate {
        /// Days until the outcome of a unit is known.
        outcome_delay: u32,
        /// Days there are.
        deadline: u32,
    },
    /// Outcomes come back too seldom for an allocation to learn before the deadline.
    TooFewUpdates {
        /// Updates before the deadline.
        updates: u32,
        /// Updates that are needed.
        need: u32,
    },
    /// The candidate cannot run beside the present system without acting.
    NotShadowable,
    /// A shadow run shows outputs, and the outcome of an action that was not taken is never seen.
    OutcomeNeedsTheAction,
    /// There are no units before the deadline.
    NoUnits,
    /// A bad arm would cost too much to give it a fixed share of the units before a safer design has cleared it.
    TooHarmful,
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotARanking => {
                f.write_str("interleaving merges two rankings, and the output is no ranking")
            }
            Self::OutcomesTooLate { outcome_delay, deadline } => {
                write!(
                    f,
                    "outcomes are known after {outcome_delay} days, and the deadline is after {deadline}"
                )
            }
            Self::TooFewUpdates { updates, need } => {
                write!(
                    f,
                    "outcomes come back for {updates} updates before the deadline; a bandit needs {need}"
                )
            }
            Self::NotShadowable => f.write_str("the candidate cannot run without acting"),
            Self::OutcomeNeedsTheAction => f.write_str(
                "the outcome of an action that is not taken is never seen, so only outputs can be compared",
            ),
            Self::NoUnits => f.write_str("no units arrive before the deadline"),
            Self::TooHarmful => f.write_str(
                "a bad arm is too costly for a fixed share of the units; clear it by shadow first",
            ),
        }
    }
}
