//! What a design yields at one look.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::design::Direction;
use crate::interval::Interval;
use crate::level::LnP;
use crate::sequential::NotYet;

/// Holds a verdict, the metrics behind it, and how it was reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// One entry per metric of the design: primary, guardrails, secondaries.
    pub metrics: Vec<MetricDecision>,
    /// Which rule was applied, with which numbers, in order.
    pub derivation: Vec<Step>,
}

/// Says what to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// A primary is superior and none inferior, every guardrail non-inferior, and the minimum runtime has passed.
    Ship,
    /// The treatment does harm: stop it now.
    Stop {
        /// What is harmed.
        harm: Harm,
    },
    /// Nothing is decided yet.
    Continue,
    /// The maximum was reached without a decision.
    Inconclusive,
    /// The data cannot be trusted.
    Invalid {
        /// Why.
        reason: InvalidReason,
    },
}

/// Names the metrics that a treatment harms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Harm {
    /// The harmed metrics, primary first; never empty.
    pub metrics: Vec<String>,
}

/// Says why data cannot be trusted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum InvalidReason {
    /// The arms do not have the units they were promised.
    SampleRatioMismatch {
        /// The p-value of the promised shares.
        ln_p: LnP,
    },
    /// Something else, as the readings state it.
    Declared {
        /// What.
        what: String,
    },
}

/// Holds the decision about one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MetricDecision {
    /// The metric's name.
    pub metric: String,
    /// Its role.
    pub role: Role,
    /// Its good direction.
    pub direction: Direction,
    /// What is decided about it.
    pub status: MetricStatus,
    /// Treatment minus control; `None` without data.
    pub estimate: Option<f64>,
    /// The interval for the difference; it carries its level and says whether it holds at all looks.
    pub interval: Option<Interval>,
    /// The difference that the p-values are about: 0, or the margin of a guardrail.
    pub null: f64,
    /// The two-sided p-value, valid at the looks at which the interval is.
    pub ln_p: Option<LnP>,
    /// The p-value after correction for the number of primaries or secondaries; `None` for guardrails.
    pub adjusted_ln_p: Option<LnP>,
    /// The ln e-value; only a confidence sequence has one.
    pub ln_e: Option<f64>,
}

/// Says what a metric is for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Decides.
    Primary,
    /// Must not get worse by as much as its margin.
    Guardrail {
        /// The non-inferiority margin, zero or more.
        margin: f64,
    },
    /// Informs.
    Secondary,
}

/// Says what is decided about a metric, in the sense of its good direction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
#[non_exhaustive]
pub enum MetricStatus {
    /// There is no data.
    NoData,
    /// The start rule is not met.
    NotYet(NotYet),
    /// The procedure does not look yet.
    NotLookedAt {
        /// The units, both arms together, at which it first does.
        before_units: u64,
    },
    /// Better than control.
    Superior,
    /// Worse than control by less than the margin, or better (guardrails only).
    NonInferior,
    /// Worse than control; for a guardrail, worse by more than its margin.
    Inferior,
    /// The interval allows more than one answer.
    Undecided,
}

/// Names a rule of the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// Sample-ratio mismatch.
    Health,
    /// The confidence sequence of the primary.
    Primary,
    /// The non-inferiority of a guardrail.
    Guardrail,
    /// The correction of the secondaries.
    Multiplicity,
    /// A secondary metric.
    Secondary,
    /// Minimum runtime and minimum units.
    Minimum,
    /// Maximum units.
    Maximum,
    /// The verdict.
    Verdict,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Health => "health",
            Self::Primary => "primary",
            Self::Guardrail => "guardrail",
            Self::Multiplicity => "multiplicity",
            Self::Secondary => "secondary",
            Self::Minimum => "minimum",
            Self::Maximum => "maximum",
            Self::Verdict => "verdict",
        })
    }
}

/// Holds one step of a derivation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Step {
    /// The rule that was applied.
    pub rule: Rule,
    /// What it said, in words and numbers.
    pub detail: String,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.detail)
    }
}
