//! The result of a phase, as data.

use std::collections::BTreeMap;
use std::fmt;

use expt_core::{
    Actor, ArmId, Digest, Direction, ExperimentId, MetricName, ModelName, PhaseId, RunId, Share, Stage,
    Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::ledger::Ledger;

/// The result of an A/B test at one look: health, effects, verdict, and the offline metrics beside them.
///
/// Everything that a report shows is in here, and nothing else is: a readout that was stored can be shown
/// again, and two readouts can be compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Readout {
    /// The experiment.
    pub experiment: ExperimentId,
    /// Who answers for it, if it is registered.
    pub owner: Option<Actor>,
    /// What was expected, from the plan.
    pub hypothesis: String,
    /// The phase.
    pub phase: PhaseId,
    /// The digest of the sealed plan.
    pub plan: Digest,
    /// What was randomised.
    pub unit: String,
    /// The first exposure.
    pub started: Timestamp,
    /// The time of this look.
    pub as_of: Timestamp,
    /// The earliest time for `Ship`: the minimum runtime in whole weeks.
    pub earliest_ship: Timestamp,
    /// The time at which the phase ends.
    pub ends: Timestamp,
    /// What to do.
    pub verdict: Verdict,
    /// Why, in a sentence with numbers.
    pub reason: String,
    /// Whether the numbers can be trusted.
    pub health: Vec<HealthCheck>,
    /// The arms, in the order of the plan.
    pub arms: Vec<ArmReadout>,
    /// Each treatment against the control.
    pub comparisons: Vec<Comparison>,
    /// The primary metric at this look and the ones before, oldest first, for each comparison.
    pub looks: Vec<LookRow>,
    /// First exposures by day since the start.
    pub days: Vec<DayRow>,
    /// What became of every row.
    pub ledger: Ledger,
    /// What a reader must know: over which population, what was selected, what is exploratory.
    pub notes: Vec<String>,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Verdict {
    /// The treatment is better, and harms no guardrail.
    Ship,
    /// The treatment does harm.
    Stop,
    /// It is too early to say.
    Continue,
    /// The phase ended without an answer.
    Inconclusive,
    /// The numbers cannot be trusted.
    Invalid,
}

impl Verdict {
    /// The words that reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ship => "Ship",
            Self::Stop => "Stop",
            Self::Continue => "Continue",
            Self::Inconclusive => "Inconclusive",
            Self::Invalid => "Invalid",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One check of whether the numbers can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HealthCheck {
    /// What is checked.
    pub name: String,
    /// Whether it passed.
    pub passed: bool,
    /// What was found, with numbers.
    pub found: String,
    /// What is allowed.
    pub allowed: String,
}

/// One arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ArmReadout {
    /// Its name.
    pub arm: ArmId,
    /// Whether the others are compared with it.
    pub is_control: bool,
    /// Its planned share.
    pub share: Share,
    /// Units that count.
    pub units: u64,
    /// Predictions that count.
    pub predictions: u64,
    /// What it served, if it is one model version.
    pub model: Option<ServedModel>,
    /// Its online means, by metric; `None` where there is too little data.
    pub online: BTreeMap<MetricName, Option<f64>>,
}

/// The model of an arm, with where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServedModel {
    /// The registered model.
    pub model: ModelName,
    /// Its version.
    pub version: u32,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its stage when the readout was made.
    pub stage: Stage,
    /// The run that trained it.
    pub run: RunId,
    /// The name of that run.
    pub run_name: String,
    /// The experiment of that run.
    pub experiment: ExperimentId,
    /// The last value of each offline metric of that run and of its evaluations, which are its child runs; the run's
    /// own come first. Values that are not finite are left out.
    pub offline: BTreeMap<MetricName, f64>,
    /// Dataset, features, code and seed, and who approved it: names and values for people, in order.
    pub lineage: Vec<(String, String)>,
}

/// A treatment against the control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The treatment.
    pub treatment: ArmId,
    /// What to do with it.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// The metrics, the primary first, then secondaries, then guardrails.
    pub metrics: Vec<MetricReadout>,
    /// Which adjustment was applied, step by step, and why.
    pub derivation: Vec<String>,
}

/// The role of a metric in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Role {
    /// Decides.
    Primary,
    /// Is reported, corrected; never decides.
    Secondary,
    /// Must not get worse by more than its margin.
    Guardrail,
}

impl Role {
    /// The word that reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
            Self::Guardrail => "guardrail",
        }
    }
}

/// One metric of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MetricReadout {
    /// The metric.
    pub metric: MetricName,
    /// Its role.
    pub role: Role,
    /// Which way is good.
    pub direction: Direction,
    /// The control's mean; `None` where there is too little data.
    pub control: Option<f64>,
    /// The treatment's mean.
    pub treatment: Option<f64>,
    /// Treatment minus control.
    pub difference: Option<f64>,
    /// The interval of the difference; an end is `None` where it is unbounded.
    pub interval: Option<(Option<f64>, Option<f64>)>,
    /// What the interval is, such as `95 % confidence sequence`.
    pub interval_kind: String,
    /// The difference relative to the control's mean.
    pub relative: Option<f64>,
    /// The natural logarithm of the p-value; a p-value may be too small for a number.
    pub ln_p: Option<f64>,
    /// The same, corrected for multiplicity within its family; `None` where it is in no family.
    pub adjusted_ln_p: Option<f64>,
    /// For a guardrail: by how much it may get worse.
    pub margin: Option<f64>,
    /// What follows, in a few words: `better`, `no difference shown`, `within margin`, `not enough data: ...`.
    pub conclusion: String,
}

/// The primary metric at one look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LookRow {
    /// The treatment.
    pub treatment: ArmId,
    /// The time of the look.
    pub as_of: Timestamp,
    /// Units of all arms that count.
    pub units: u64,
    /// Treatment minus control; `None` where there is too little data.
    pub difference: Option<f64>,
    /// The interval, valid at all looks together.
    pub interval: Option<(Option<f64>, Option<f64>)>,
    /// What to do, at that look.
    pub verdict: Verdict,
}

/// First exposures of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DayRow {
    /// When the day begins: whole days since the first exposure.
    pub day: Timestamp,
    /// Units that were exposed for the first time, for each arm in the order of the plan.
    pub units: Vec<u64>,
}
