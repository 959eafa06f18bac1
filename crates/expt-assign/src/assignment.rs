//! What a unit gets.

use std::fmt;

use expt_core::{
    ArmId, ArmRef, Binding, ExperimentId, Exposure, ExposureTarget, HoldoutId, PhaseId, Shown, Timestamp,
    UnitKind,
};

use crate::sticky::StickyRecord;
use crate::unit::Unit;

/// What a unit gets at a decision point. Nothing is logged by asking: log the
/// [`exposure`](Self::exposure) when the unit really gets it.
#[derive(Debug, Clone, Copy)]
#[must_use = "an assignment does nothing until its binding is used and its exposure logged"]
pub struct Assignment<'a> {
    outcome: Outcome<'a>,
    unit: &'a Unit,
    config_version: u32,
}

impl<'a> Assignment<'a> {
    pub(crate) const fn new(outcome: Outcome<'a>, unit: &'a Unit, config_version: u32) -> Self {
        Self { outcome, unit, config_version }
    }

    /// What came out.
    #[must_use]
    pub const fn outcome(&self) -> Outcome<'a> {
        self.outcome
    }

    /// The unit that it is about.
    #[must_use]
    pub const fn unit(&self) -> &'a Unit {
        self.unit
    }

    /// The version of the config that was in force.
    #[must_use]
    pub const fn config_version(&self) -> u32 {
        self.config_version
    }

    /// Why, in one word: what to count requests by.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self.outcome {
            Outcome::Arm(Served { stuck: Stuck::Kept, .. }) => Reason::StickyArm,
            Outcome::Arm(_) => Reason::Arm,
            Outcome::Shipped(_) => Reason::Shipped,
            Outcome::Forced(_) => Reason::Forced,
            Outcome::Holdout(_) => Reason::Holdout,
            Outcome::Excluded => Reason::Excluded,
            Outcome::Paused(_) => Reason::Paused,
            Outcome::Unbound(_) => Reason::Unbound,
            Outcome::Unallocated => Reason::Unallocated,
            Outcome::NoLayer => Reason::NoLayer,
            Outcome::WrongUnit { .. } => Reason::WrongUnit,
        }
    }

    /// The arm that is served, whether or not it is analysed: of a running phase, shipped, or forced.
    #[must_use]
    pub const fn served(&self) -> Option<Served<'a>> {
        match self.outcome {
            Outcome::Arm(served) | Outcome::Shipped(served) | Outcome::Forced(served) => Some(served),
            _ => None,
        }
    }

    /// What the decision point gives; `None` means: whatever the application does without experiments.
    #[must_use]
    pub const fn binding(&self) -> Option<&'a Binding> {
        match self.served() {
            Some(served) => Some(served.binding),
            None => None,
        }
    }

    /// The row to log when the unit gets what this says: for an arm of a running phase and for a holdout;
    /// `None` for what is not analysed.
    #[must_use = "an exposure that is not logged is lost to the analysis"]
    pub fn exposure(&self, at: Timestamp) -> Option<Exposure> {
        let target = match self.outcome {
            Outcome::Arm(served) => ExposureTarget::Arm {
                experiment: served.experiment.clone(),
                phase: served.phase.clone(),
                arm: served.arm.clone(),
                epoch: served.epoch,
            },
            Outcome::Holdout(holdout) => ExposureTarget::Holdout { holdout: holdout.clone() },
            _ => return None,
        };
        Some(Exposure {
            at,
            unit: self.unit.id.clone(),
            unit_kind: self.unit.kind.clone(),
            identity: self.unit.identity,
            target,
            config_version: self.config_version,
        })
    }

    /// The record to keep so that the unit stays in its arm; `None` if the phase is not sticky or the unit
    /// has its record already.
    #[must_use = "a sticky record that is not kept does not hold the unit"]
    pub fn sticky_record(&self) -> Option<StickyRecord> {
        match self.outcome {
            Outcome::Arm(served) if served.stuck == Stuck::New => {
                Some(StickyRecord::new(served.phase.clone(), served.epoch, served.arm.clone()))
            }
            _ => None,
        }
    }

    /// What a stamp says of a prediction that is shown because of this.
    #[must_use]
    pub fn shown(&self) -> Shown {
        match self.outcome {
            Outcome::Arm(_) => Shown::Arm,
            Outcome::Forced(_) => Shown::Forced,
            Outcome::Holdout(holdout) => Shown::Holdout(holdout.clone()),
            Outcome::Excluded => Shown::Excluded,
            _ => Shown::Production,
        }
    }
}

/// What came out of an assignment.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// An arm of a phase that is running, or paused with the unit in it. Analysed.
    Arm(Served<'a>),
    /// The winner of a phase that has shipped. Not analysed.
    Shipped(Served<'a>),
    /// The arm that the config gives the unit by name. Not analysed.
    Forced(Served<'a>),
    /// Nothing new: a holdout holds the unit. Analysed.
    Holdout(&'a HoldoutId),
    /// Nothing: the unit takes part in nothing.
    Excluded,
    /// Nothing: the unit's place belongs to this phase, which takes no new units.
    Paused(&'a PhaseId),
    /// Nothing: the unit is in this phase, which does not bind the decision point.
    Unbound(&'a PhaseId),
    /// Nothing: the unit's place belongs to no phase.
    Unallocated,
    /// Nothing: no layer lists the decision point.
    NoLayer,
    /// Nothing: the layer randomises another kind of unit, or the unit is of another project.
    WrongUnit {
        /// What the layer randomises.
        expected: &'a UnitKind,
    },
}

/// An arm that is served.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Served<'a> {
    /// The experiment.
    pub experiment: &'a ExperimentId,
    /// The phase.
    pub phase: &'a PhaseId,
    /// The arm.
    pub arm: &'a ArmId,
    /// The epoch of the phase.
    pub epoch: u32,
    /// What the decision point gives.
    pub binding: &'a Binding,
    pub(crate) stuck: Stuck,
}

impl Served<'_> {
    /// The arm as stamps list it.
    #[must_use]
    pub fn arm_ref(&self) -> ArmRef {
        ArmRef { experiment: self.experiment.clone(), phase: self.phase.clone(), arm: self.arm.clone() }
    }
}

/// What sticky records had to do with an arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stuck {
    /// Nothing.
    Off,
    /// A record kept it.
    Kept,
    /// A record is to be made.
    New,
}

/// Why a unit gets what it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Its place is in the arm.
    Arm,
    /// A sticky record keeps it in the arm.
    StickyArm,
    /// The phase has shipped the arm.
    Shipped,
    /// It is forced.
    Forced,
    /// It is held out.
    Holdout,
    /// It is excluded.
    Excluded,
    /// The phase takes no new units.
    Paused,
    /// Its phase does not bind the decision point.
    Unbound,
    /// No phase has its place.
    Unallocated,
    /// No layer lists the decision point.
    NoLayer,
    /// The layer randomises another kind of unit.
    WrongUnit,
}

impl Reason {
    /// The word, for counters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Arm => "arm",
            Self::StickyArm => "sticky arm",
            Self::Shipped => "shipped",
            Self::Forced => "forced",
            Self::Holdout => "holdout",
            Self::Excluded => "excluded",
            Self::Paused => "paused",
            Self::Unbound => "unbound",
            Self::Unallocated => "unallocated",
            Self::NoLayer => "no layer",
            Self::WrongUnit => "wrong unit",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
