//! Phases and their arms.

use std::collections::BTreeMap;

use expt_core::{
    ArmId, Binding, DecisionPoint, Digest, ExperimentId, LayerId, PhaseId, Plan, SealedPlan, Share,
};
use serde::{Deserialize, Serialize};

use super::map::unique;
use crate::error::{AssignError, Result};
use crate::ranges::Ranges;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Stickiness {
    /// No: the place decides each time. Without changes of ranges and epoch the arm is the same anyway.
    #[default]
    Off,
    /// Yes: a sticky record holds the unit in its phase and arm while the phase is running or paused, even
    /// where ranges have changed.
    On,
}
