//! What a unit gets.

use std::fmt;

use expt_core::{
    ArmId, ArmRef, Binding, ExperimentId, Exposure, ExposureTarget, HoldoutId, LayerId, PhaseId, Shown,
    Timestamp, UnitKind,
};

use crate::choice::Choice;
use crate::config::ExclusionCause;
use crate::sink::{ExposureSink, Full, Pushed};
use crate::snapshot::Snapshot;
use crate::sticky::StickyRecord;
use crate::unit::Unit;

/// What a unit gets at a decision point. Nothing is logged by asking: [`expose`](Self::expose) it when the
/// unit really gets it.
#[derive(Debug, Clone, Copy)]
#[must_use = "an assignment does nothing until its binding is used and its exposure logged"]
pub struct Assignment<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) unit: &'a Unit<'a>,
    /// The decision point, as the snapshot numbers them.
    pub(crate) point: u32,
    pub(crate) choice: Choice,
}

impl<'a> Assignment<'a> {
    /// What came out.
    #[must_use]
    pub fn outcome(&self) -> Outcome<'a> {
        self.snapshot.outcome(self.point, self.choice)
    }

    /// The unit that it is about.
    #[must_use]
    pub const fn unit(&self) -> &'a Unit<'a> {
        self.unit
    }

    /// The version of the config that was in force.
    #[must_use]
    pub const fn config_version(&self) -> u32 {
        self.snapshot.version()
    }

    /// The layer that the decision point belongs to.
    #[must_use]
    pub fn layer(&self) -> Option<&'a LayerId> {
        self.snapshot.layer_id(self.point)
    }

    /// Why, in one word: what to count requests by.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.outcome().reason()
    }

    /// The arm that is served, whether or not it is analysed: of a running phase, shipped, or forced.
    #[must_use]
    #[inline]
    pub fn served(&self) -> Option<Served<'a>> {
        self.snapshot.served(self.point, self.choice)
    }

    /// Whether an arm is chosen for the unit in the layer, whatever it binds.
    #[must_use]
    #[inline]
    pub const fn is_served(&self) -> bool {
        self.choice.serves()
    }

    /// What the decision point gives; `None` means: whatever the application does without experiments.
    #[must_use]
    #[inline]
    pub fn binding(&self) -> Option<&'a Binding> {
        if self.choice.serves() { self.snapshot.binding(self.point, self.choice) } else { None }
    }

    /// The row to log when the unit gets what this says: for an arm of a running phase, for a holdout and its
    /// comparison group; `None` for what is not analysed. [`expose`](Self::expose) logs it.
    #[must_use = "an exposure that is not logged is lost to the analysis"]
    pub fn exposure(&self, at: Timestamp) -> Option<Exposure> {
        let target = match self.outcome() {
            Outcome::Arm(served) if self.snapshot.logs_exposure(self.choice, self.unit) => {
                ExposureTarget::Arm {
                    experiment: served.experiment.clone(),
                    phase: served.phase.clone(),
                    arm: served.arm.clone(),
                    epoch: served.epoch,
                }
            }
            Outcome::Holdout(holdout) | Outcome::ShippedOnly { group: holdout, .. } => {
                ExposureTarget::Holdout { holdout: holdout.clone() }
            }
            _ => return None,
        };
        Some(Exposure {
            at,
            unit: self.unit.unit_id(),
            unit_kind: self.unit.kind.clone(),
            identity: self.unit.identity,
            target,
            config_version: self.config_version(),
        })
    }

    /// Says that the unit gets what this says, and logs it if it is analysed. `None`: it is not.
    ///
    /// # Errors
    /// [`Full`] if the sink has no room; the exposure is then lost, unless this is called again.
    pub fn expose(&self, at: Timestamp, sink: &impl ExposureSink) -> Result<Option<Pushed>, Full> {
        match (self.exposure(at), self.layer()) {
            (Some(exposure), Some(layer)) => sink.push(layer, exposure).map(Some),
            _ => Ok(None),
        }
    }

    /// The record to keep so that the unit stays in its arm; `None` if the phase is not sticky or the unit
    /// has its record already.
    #[must_use = "a sticky record that is not kept does not hold the unit"]
    pub fn sticky_record(&self) -> Option<StickyRecord> {
        match self.outcome() {
            Outcome::Arm(served) if matches!(served.stuck, Stuck::New | Stuck::Moved) => Some(
                StickyRecord::new(served.phase.clone(), served.epoch, served.arm.clone())
                    .with_identity(self.unit.identity),
            ),
            _ => None,
        }
    }

    /// What a stamp says of a prediction that is shown because of this.
    #[must_use]
    pub fn shown(&self) -> Shown {
        match self.outcome() {
            Outcome::Arm(_) => Shown::Arm,
            Outcome::Forced(_) => Shown::Forced,
            Outcome::Holdout(holdout) => Shown::Holdout(holdout.clone()),
            Outcome::Excluded(_) => Shown::Excluded,
            _ => Shown::Production,
        }
    }
}

/// What a unit would get, without a way to log that it got it: for previews, support tools and caches.
///
/// It comes from the same evaluation as an [`Assignment`].
#[derive(Debug, Clone, Copy)]
pub struct Peek<'a>(pub(crate) Assignment<'a>);

impl<'a> Peek<'a> {
    /// What would come out.
    #[must_use]
    pub fn outcome(&self) -> Outcome<'a> {
        self.0.outcome()
    }

    /// Why, in one word.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.0.reason()
    }

    /// What the decision point would give.
    #[must_use]
    pub fn binding(&self) -> Option<&'a Binding> {
        self.0.binding()
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
    /// What has been shipped, and no running phase: the unit is in the comparison group of a holdout. Analysed
    /// as that.
    ShippedOnly {
        /// The id of the group.
        group: &'a HoldoutId,
        /// The winner that it gets, if a phase has shipped one here.
        served: Option<Served<'a>>,
    },
    /// Nothing: the unit takes part in nothing. Nothing is logged of it but a count.
    Excluded(ExclusionCause),
    /// Nothing: the unit's place belongs to this phase, which takes no new units.
    Paused(&'a PhaseId),
    /// Nothing: the unit's place belongs to this phase, and the request does not fit its targeting.
    NotTargeted(&'a PhaseId),
    /// Nothing: the unit's place belongs to this phase, and the unit is not in the arm of another that this
    /// one asks for.
    Prerequisite(&'a PhaseId),
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

impl<'a> Outcome<'a> {
    /// Why, in one word.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Arm(Served { stuck: Stuck::Kept | Stuck::Moved, .. }) => Reason::StickyArm,
            Self::Arm(_) => Reason::Arm,
            Self::Shipped(_) => Reason::Shipped,
            Self::Forced(_) => Reason::Forced,
            Self::Holdout(_) => Reason::Holdout,
            Self::ShippedOnly { .. } => Reason::ShippedOnly,
            Self::Excluded(_) => Reason::Excluded,
            Self::Paused(_) => Reason::Paused,
            Self::NotTargeted(_) => Reason::NotTargeted,
            Self::Prerequisite(_) => Reason::Prerequisite,
            Self::Unbound(_) => Reason::Unbound,
            Self::Unallocated => Reason::Unallocated,
            Self::NoLayer => Reason::NoLayer,
            Self::WrongUnit { .. } => Reason::WrongUnit,
        }
    }

    /// The arm that is served, if one is.
    #[must_use]
    pub const fn served(&self) -> Option<Served<'a>> {
        match self {
            Self::Arm(served) | Self::Shipped(served) | Self::Forced(served) => Some(*served),
            Self::ShippedOnly { served, .. } => *served,
            _ => None,
        }
    }
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
#[repr(u8)]
pub(crate) enum Stuck {
    /// Nothing.
    Off,
    /// A record kept it.
    Kept,
    /// A record that was made under another identity kept it, and one is to be made under this.
    Moved,
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
    /// It is in the comparison group of a holdout.
    ShippedOnly,
    /// It is excluded.
    Excluded,
    /// The phase takes no new units.
    Paused,
    /// The request does not fit the targeting of the phase.
    NotTargeted,
    /// It is not in the arm of another phase that this one asks for.
    Prerequisite,
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
            Self::ShippedOnly => "shipped only",
            Self::Excluded => "excluded",
            Self::Paused => "paused",
            Self::NotTargeted => "not targeted",
            Self::Prerequisite => "prerequisite",
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
