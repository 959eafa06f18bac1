//! Phases and their arms.

use std::collections::BTreeMap;

use expt_core::{
    ArmId, Binding, DecisionPoint, Digest, ExperimentId, LayerId, PhaseId, Plan, SealedPlan, Share,
};
use serde::{Deserialize, Serialize};

use super::Buckets;
use super::map::unique;
use crate::error::{AssignError, Result};
use crate::ranges::Ranges;
use crate::targeting::Rule;

/// A phase of an experiment on the traffic of a layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PhaseEntry {
    /// Its id.
    pub id: PhaseId,
    /// The experiment that it belongs to.
    pub experiment: ExperimentId,
    /// The layer whose traffic it uses.
    pub layer: LayerId,
    /// The digest of its sealed plan. Without one the config does not compile; it is optional here so that
    /// its absence is reported with the other faults.
    #[serde(default)]
    pub plan: Option<Digest>,
    /// Places in the arms derive from (experiment, epoch). A new phase has a new epoch, so that it does not
    /// inherit arms; a rollout of a winner keeps the epoch of its test, so that nobody loses it.
    pub epoch: u32,
    /// Where it stands.
    pub state: PhaseState,
    /// Its places in the layer.
    pub ranges: Ranges,
    /// Its arms; together their ranges cover every place once.
    pub arms: Vec<ArmEntry>,
    /// Whether units keep the arm that they had.
    #[serde(default)]
    pub sticky: Stickiness,
    /// Which requests it is for; none says all.
    #[serde(default)]
    pub targeting: Option<Rule>,
    /// In which arms of other phases a unit must be. All must hold.
    #[serde(default)]
    pub prerequisites: Vec<Prerequisite>,
    /// Which exposures are logged.
    #[serde(default)]
    pub exposures: ExposurePolicy,
    /// Where the places in its arms come from, if not from [`mix`](crate::mix). See
    /// [`LayerEntry::buckets`](super::LayerEntry::buckets).
    #[serde(default)]
    pub buckets: Option<Buckets>,
}

impl PhaseEntry {
    /// A draft without traffic and arms, in epoch 1.
    #[must_use]
    pub const fn new(id: PhaseId, experiment: ExperimentId, layer: LayerId, plan: Digest) -> Self {
        Self {
            id,
            experiment,
            layer,
            plan: Some(plan),
            epoch: 1,
            state: PhaseState::Draft,
            ranges: Ranges::none(),
            arms: Vec::new(),
            sticky: Stickiness::Off,
            targeting: None,
            prerequisites: Vec::new(),
            exposures: ExposurePolicy::Every,
            buckets: None,
        }
    }

    /// A draft with the arms, split and bindings of a sealed plan; without traffic, in epoch 1.
    ///
    /// # Errors
    /// [`AssignError::NoSplit`] for a plan that splits no traffic.
    pub fn from_plan(sealed: &SealedPlan) -> Result<Self> {
        let Plan::AbTest(plan) = sealed.plan() else {
            return Err(AssignError::NoSplit { phase: sealed.plan().phase().clone() });
        };
        let shares: Vec<Share> = plan.arms.iter().map(|arm| arm.share).collect();
        let arms = plan.arms.iter().zip(Ranges::split(&shares)?);
        Ok(Self {
            arms: arms
                .map(|(arm, ranges)| ArmEntry {
                    arm: arm.arm.clone(),
                    ranges,
                    bindings: arm.bindings.clone(),
                })
                .collect(),
            ..Self::new(plan.phase.clone(), plan.experiment.clone(), plan.layer.clone(), sealed.digest())
        })
    }

    /// Sets the epoch.
    #[must_use]
    pub const fn with_epoch(mut self, epoch: u32) -> Self {
        self.epoch = epoch;
        self
    }

    /// Sets the state.
    #[must_use]
    pub fn with_state(mut self, state: PhaseState) -> Self {
        self.state = state;
        self
    }

    /// Sets the places in the layer.
    #[must_use]
    pub fn with_ranges(mut self, ranges: Ranges) -> Self {
        self.ranges = ranges;
        self
    }

    /// Adds an arm.
    #[must_use]
    pub fn with_arm(mut self, arm: ArmEntry) -> Self {
        self.arms.push(arm);
        self
    }

    /// Sets whether units keep the arm that they had.
    #[must_use]
    pub const fn with_sticky(mut self, sticky: Stickiness) -> Self {
        self.sticky = sticky;
        self
    }

    /// Limits it to the requests that fit the rule.
    #[must_use]
    pub fn with_targeting(mut self, rule: Rule) -> Self {
        self.targeting = Some(rule);
        self
    }

    /// Limits it to units that are in one of these arms of another phase; without arms, in any of them.
    #[must_use]
    pub fn with_prerequisite(mut self, phase: PhaseId, arms: impl IntoIterator<Item = ArmId>) -> Self {
        self.prerequisites.push(Prerequisite { phase, arms: arms.into_iter().collect() });
        self
    }

    /// Sets which exposures are logged.
    #[must_use]
    pub const fn with_exposures(mut self, exposures: ExposurePolicy) -> Self {
        self.exposures = exposures;
        self
    }

    /// Takes the places in its arms from another product's buckets.
    #[must_use]
    pub fn with_buckets(mut self, buckets: Buckets) -> Self {
        self.buckets = Some(buckets);
        self
    }
}

/// A unit must be in another phase, in the same request, before it can enter this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Prerequisite {
    /// The other phase, of another layer that randomises the same kind of unit.
    pub phase: PhaseId,
    /// The arms that will do; none says any.
    #[serde(default)]
    pub arms: Vec<ArmId>,
}

/// Which exposures of a phase are logged.
///
/// An exposure is logged when whoever serves says that the unit saw what it got
/// ([`Assignment::expose`](crate::Assignment::expose)), never when it is assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ExposurePolicy {
    /// All.
    #[default]
    Every,
    /// Those of this share of the units, always the same ones, drawn apart from the arms: what is left out
    /// costs precision, and biases nothing.
    Sampled(Share),
    /// None: its arms are served, and nothing is analysed.
    Never,
}

/// One arm of a phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ArmEntry {
    /// Its name.
    pub arm: ArmId,
    /// Its places among the units of the phase.
    pub ranges: Ranges,
    /// What a unit in it gets. Every arm of a phase binds the same decision points.
    #[serde(deserialize_with = "unique")]
    pub bindings: BTreeMap<DecisionPoint, Binding>,
}

impl ArmEntry {
    /// An arm without bindings.
    #[must_use]
    pub const fn new(arm: ArmId, ranges: Ranges) -> Self {
        Self { arm, ranges, bindings: BTreeMap::new() }
    }

    /// Binds a decision point.
    #[must_use]
    pub fn with_binding(mut self, point: DecisionPoint, binding: Binding) -> Self {
        self.bindings.insert(point, binding);
        self
    }
}

/// Where a phase stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub enum PhaseState {
    /// Prepared: nobody gets it, and its ranges are not reserved.
    Draft,
    /// Units in its ranges get its arms.
    Running,
    /// Units with a sticky record keep their arm; nobody enters. Its ranges stay reserved.
    PausedIntake,
    /// Over: nobody gets it, and its ranges are free.
    Stopped,
    /// Over, with a winner: every unit in its ranges gets this arm, and none is analysed.
    Shipped {
        /// The winner.
        arm: ArmId,
    },
}

impl PhaseState {
    /// Whether the phase keeps other phases out of its ranges.
    #[must_use]
    pub const fn holds_traffic(&self) -> bool {
        matches!(self, Self::Running | Self::PausedIntake | Self::Shipped { .. })
    }

    /// The word for people.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Running => "running",
            Self::PausedIntake => "paused intake",
            Self::Stopped => "stopped",
            Self::Shipped { .. } => "shipped",
        }
    }
}

/// Whether units keep the arm that they had.
///
/// A sticky record holds a unit in its phase and arm while the phase is running or paused, even where ranges
/// have changed. Records come in with the request and go out as events; see
/// [`StickyRecord`](crate::StickyRecord).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Stickiness {
    /// No: the place decides each time. Without changes of ranges and epoch the arm is the same anyway.
    #[default]
    Off,
    /// Yes, and a unit that enters gets a record. Targeting and prerequisites are asked when it enters, and
    /// not again.
    On,
    /// As [`On`](Self::On), but targeting and prerequisites are asked each time: a unit that no longer fits
    /// gets nothing, and its arm again as soon as it fits.
    Recheck,
    /// Records hold units, and none is made.
    Read,
}

impl Stickiness {
    /// Whether records hold units.
    #[must_use]
    pub const fn reads(self) -> bool {
        !matches!(self, Self::Off)
    }

    /// Whether a unit that enters gets a record.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(self, Self::On | Self::Recheck)
    }
}
