//! Every step of an assignment, in plain words.

use std::borrow::Cow;
use std::fmt;

use expt_core::{DecisionPoint, UnitKind};

use crate::assignment::{Outcome, Reason, Served};
use crate::unit::Unit;

/// Why a unit gets what it gets: every step, and the result.
///
/// It comes from the very code that assigns, so it cannot tell another story. Its `Display` is for people;
/// the wording may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    kind: UnitKind,
    unit: String,
    point: DecisionPoint,
    config_version: u32,
    steps: Vec<Step>,
    reason: Reason,
    result: String,
}

impl Explanation {
    pub(crate) fn new(
        unit: &Unit<'_>,
        point: &DecisionPoint,
        config_version: u32,
        steps: Vec<Step>,
        outcome: Outcome<'_>,
    ) -> Self {
        Self {
            kind: unit.kind.clone(),
            unit: unit.id().to_owned(),
            point: point.clone(),
            config_version,
            steps,
            reason: outcome.reason(),
            result: result(outcome),
        }
    }

    /// The steps, in the order in which they were taken.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Why, in one word.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// What the unit gets, in a sentence.
    #[must_use]
    pub fn result(&self) -> &str {
        &self.result
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, unit, point, config_version, steps, .. } = self;
        writeln!(f, "{kind} {unit:?} asks for {point:?} (config version {config_version})")?;
        for step in steps {
            writeln!(f, "  {:<12} {}", step.stage, step.text)?;
        }
        write!(f, "=> {}", self.result)
    }
}

/// One step of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// Which step.
    pub stage: Stage,
    /// What was found.
    pub text: Cow<'static, str>,
}

impl Step {
    pub(crate) fn new(stage: Stage, text: impl Into<Cow<'static, str>>) -> Self {
        Self { stage, text: text.into() }
    }
}

/// The steps of an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Is the unit given an arm by name?
    Forced,
    /// Does it take part in nothing?
    Exclusion,
    /// Does a holdout hold it?
    Holdout,
    /// Does a sticky record keep it where it is?
    Sticky,
    /// Which layer, and which phase has its place there?
    Layer,
    /// Does the request fit the phase's targeting?
    Targeting,
    /// Is the unit in the arms of other phases that the phase asks for?
    Prerequisite,
    /// What does the phase do with it?
    Phase,
    /// Which arm has its place?
    Arm,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Forced => "forced",
            Self::Exclusion => "exclusion",
            Self::Holdout => "holdout",
            Self::Sticky => "sticky",
            Self::Layer => "layer",
            Self::Targeting => "targeting",
            Self::Prerequisite => "prerequisite",
            Self::Phase => "phase",
            Self::Arm => "arm",
        })
    }
}

/// Listens to an evaluation.
pub(crate) trait Trace {
    fn step(&mut self, step: impl FnOnce() -> Step);
}

/// Does not listen: the step is never made, so the hot path allocates nothing.
impl Trace for () {
    #[inline]
    fn step(&mut self, _step: impl FnOnce() -> Step) {}
}

impl Trace for Vec<Step> {
    fn step(&mut self, step: impl FnOnce() -> Step) {
        self.push(step());
    }
}

/// A place as people read it: per cent of the space, rounded down to a millionth.
pub(crate) struct Place(pub(crate) u64);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ppm = (u128::from(self.0) * 1_000_000) >> 64;
        write!(f, "{}.{:04} %", ppm / 10_000, ppm % 10_000)
    }
}

fn result(outcome: Outcome<'_>) -> String {
    let arm = |served: Served<'_>| {
        let Served { arm, phase, experiment, epoch, .. } = served;
        format!("arm {arm:?} of phase {phase:?} (experiment {experiment:?}, epoch {epoch})")
    };
    match outcome {
        Outcome::Arm(served) => format!("{}, analysed", arm(served)),
        Outcome::Shipped(served) => format!("{}, shipped, not analysed", arm(served)),
        Outcome::Forced(served) => format!("{}, forced, not analysed", arm(served)),
        Outcome::Holdout(holdout) => format!("nothing new: held out by {holdout:?}, analysed"),
        Outcome::ShippedOnly { group, served: None } => {
            format!("nothing: in the comparison group {group:?}, analysed as that")
        }
        Outcome::ShippedOnly { group, served: Some(served) } => {
            format!("{}, shipped; in the comparison group {group:?}, analysed as that", arm(served))
        }
        Outcome::Excluded(cause) => format!("nothing: the unit is excluded ({cause})"),
        Outcome::NotTargeted(phase) => format!("nothing: the request does not fit phase {phase:?}"),
        Outcome::Prerequisite(phase) => {
            format!("nothing: the unit is not in the arm of another phase that phase {phase:?} asks for")
        }
        Outcome::Paused(phase) => format!("nothing: phase {phase:?} takes no new units"),
        Outcome::Unbound(phase) => format!("nothing: phase {phase:?} does not bind the decision point"),
        Outcome::Unallocated => "nothing: no phase has the unit's place".to_owned(),
        Outcome::NoLayer => "nothing: no layer lists the decision point".to_owned(),
        Outcome::WrongUnit { expected } => {
            format!("nothing: the layer randomises units of kind {expected:?}")
        }
    }
}
