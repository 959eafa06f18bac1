//! A change, worked out.

use std::collections::BTreeSet;

use expt_core::{Digest, HoldoutId, PhaseId, Timestamp, UnitKind};
use serde::{Deserialize, Serialize};

use super::census::{Census, Counts, Subject};
use super::concern::{Concern, Doubt};
use super::error::PlanError;
use super::flow::LayerFlows;
use super::flows::{cells, pairs};
use super::holding::{Hold, View, hold};
use super::movement::Move;
use super::phases::{self, PhaseChange};
use super::portion::Portion;
use super::review;
use super::space::joint;
use crate::config::Config;
use crate::error::AssignError;
use crate::snapshot::Snapshot;

/// What a change of the config does to units, before it is made. From [`plan`](super::plan).
///
/// Its shares are exact, and of **all units that fit every rule, show one identity, and have no sticky
/// record**. Where the change is about such things, [`doubts`](Self::doubts) says so, and
/// [`count`](Self::count) gives the numbers for units whose attributes are known. Its `Display` is a table for
/// people; the wording may change.
#[derive(Debug)]
pub struct ChangePlan {
    pub(super) old: Snapshot,
    pub(super) wanted: Snapshot,
    layers: Vec<LayerFlows<Portion>>,
    phases: Vec<PhaseChange>,
    holdouts: Vec<HoldoutChange>,
    doubts: Vec<Doubt>,
    concerns: Vec<Concern>,
    reasons: Vec<Justification>,
    counts: Option<Counts>,
}

/// Why a change is made although something stands against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Justification {
    /// The phase that it is about; none says the whole change.
    pub phase: Option<PhaseId>,
    /// The reason. A blank one justifies nothing.
    pub reason: String,
}

/// What a change does to a holdout, as shares of the units of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HoldoutChange {
    /// The holdout.
    pub holdout: HoldoutId,
    /// What it holds.
    pub unit: UnitKind,
    /// Held before.
    pub before: Portion,
    /// Held after.
    pub after: Portion,
    /// Held after and not before.
    pub newly_held: Portion,
    /// Held before and not after.
    pub released: Portion,
    /// In the comparison group before, and in it after.
    pub compared: (Portion, Portion),
}

impl ChangePlan {
    pub(super) fn new(old: &Config, wanted: &Config, at: Option<Timestamp>) -> Result<Self, PlanError> {
        let before = Snapshot::compile(old.clone()).map_err(PlanError::Old)?;
        let after = Snapshot::compile(wanted.clone()).map_err(PlanError::Wanted)?;
        if wanted.version <= old.version && wanted != old {
            return Err(PlanError::Version { old: old.version, wanted: wanted.version });
        }
        let views = (View { config: old, at }, View { config: wanted, at });
        let (mut layers, mut changes) = (Vec::new(), Vec::new());
        for pair in pairs(old, wanted) {
            let cells = cells(pair, views.0, views.1)?;
            changes.extend(phases::changes(pair, &cells, old, wanted));
            layers.push(LayerFlows::new((pair.id, pair.unit), &cells, old, wanted));
        }
        let mut concerns = review::of_movement(&layers);
        concerns.extend(review::of_sources(old, wanted));
        Ok(Self {
            doubts: review::doubts(old, wanted, &changes),
            holdouts: holdouts(views.0, views.1),
            layers,
            phases: changes,
            concerns,
            reasons: Vec::new(),
            counts: None,
            old: before,
            wanted: after,
        })
    }

    /// The config in force.
    #[must_use]
    pub const fn old(&self) -> &Config {
        self.old.config()
    }

    /// The config that is wanted.
    #[must_use]
    pub const fn wanted(&self) -> &Config {
        self.wanted.config()
    }

    /// Who goes where in each layer.
    #[must_use]
    pub fn layers(&self) -> &[LayerFlows<Portion>] {
        &self.layers
    }

    /// What happens to each phase that holds traffic before or after.
    #[must_use]
    pub fn phases(&self) -> &[PhaseChange] {
        &self.phases
    }

    /// What happens to one phase; `None` if it holds traffic neither before nor after.
    #[must_use]
    pub fn phase(&self, id: &PhaseId) -> Option<&PhaseChange> {
        self.phases.iter().find(|change| change.phase == *id || change.succeeds.as_ref() == Some(id))
    }

    /// What happens to each holdout.
    #[must_use]
    pub fn holdouts(&self) -> &[HoldoutChange] {
        &self.holdouts
    }

    /// What stands against the change.
    #[must_use]
    pub fn concerns(&self) -> &[Concern] {
        &self.concerns
    }

    /// What the shares cannot tell. Empty: they are exact for units without a record.
    #[must_use]
    pub fn doubts(&self) -> &[Doubt] {
        &self.doubts
    }

    /// The units that were counted.
    #[must_use]
    pub const fn counts(&self) -> Option<&Counts> {
        self.counts.as_ref()
    }

    /// The reasons that were given.
    #[must_use]
    pub fn reasons(&self) -> &[Justification] {
        &self.reasons
    }

    /// Gives a reason for the whole change.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reasons.push(Justification { phase: None, reason: reason.into() });
        self
    }

    /// Gives a reason for what the change does to a phase.
    #[must_use]
    pub fn because_of(mut self, phase: PhaseId, reason: impl Into<String>) -> Self {
        self.reasons.push(Justification { phase: Some(phase), reason: reason.into() });
        self
    }

    /// Begins to count units, one by one: for millions that come from a stream.
    #[must_use]
    pub fn census(&self) -> Census<'_> {
        Census::new(self)
    }

    /// Counts these units and adds what was found to the concerns.
    ///
    /// # Errors
    /// As [`Census::add`].
    pub fn count<'u>(self, units: impl IntoIterator<Item = Subject<'u>>) -> Result<Self, AssignError> {
        let mut census = self.census();
        units.into_iter().try_for_each(|unit| census.add(&unit))?;
        let counts = census.finish();
        Ok(self.with_counts(counts))
    }

    /// Adds what a census of this plan has counted.
    #[must_use]
    pub fn with_counts(mut self, counts: Counts) -> Self {
        review::of_counts(&mut self.concerns, counts.layers());
        self.counts = Some(counts);
        self
    }

    /// Approves the change, if nothing stands against it that no reason was given for.
    ///
    /// # Errors
    /// [`PlanError::Refused`] with everything that stands against it; [`PlanError::Assign`] for a config that
    /// has no digest, because a parameter is not finite.
    pub fn approve(&self) -> Result<Approved, PlanError> {
        let justified = |concern: &Concern| {
            self.reasons.iter().any(|given| {
                let about = given.phase.as_ref().is_none_or(|phase| concern.concerns(phase));
                about && !given.reason.trim().is_empty()
            })
        };
        let open: Vec<_> = self.concerns.iter().filter(|concern| !justified(concern)).cloned().collect();
        if !open.is_empty() {
            return Err(PlanError::Refused { concerns: open });
        }
        let layers = self.layers.iter().map(|layer| LayerMovement {
            layer: layer.layer.to_string(),
            unit: layer.unit.to_string(),
            moves: MOVES
                .into_iter()
                .map(|movement| Moved { movement, share: layer.of(movement).as_f64() })
                .filter(|moved| moved.share > 0.0)
                .collect(),
        });
        Ok(Approved {
            base: self.old().digest()?,
            digest: self.wanted().digest()?,
            movement: layers.filter(|layer| !layer.moves.is_empty()).collect(),
            reasons: self.reasons.clone(),
            config: self.wanted().clone(),
        })
    }
}

/// A change that may be made.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an approved change does nothing until its config is put into force"]
pub struct Approved {
    pub(super) base: Digest,
    pub(super) digest: Digest,
    pub(super) movement: Vec<LayerMovement>,
    pub(super) reasons: Vec<Justification>,
    config: Config,
}

impl Approved {
    /// The config to put into force.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The config to put into force.
    #[must_use]
    pub fn into_config(self) -> Config {
        self.config
    }
}

/// How many units of a layer a change moved, for the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LayerMovement {
    /// The layer.
    pub layer: String,
    /// What it randomises.
    pub unit: String,
    /// The movements that took place.
    pub moves: Vec<Moved>,
}

/// How many units made a movement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Moved {
    /// The movement.
    pub movement: Move,
    /// The share of all units that fit, from 0 to 1.
    pub share: f64,
}

const MOVES: [Move; 8] = [
    Move::Enters,
    Move::Leaves,
    Move::Replaces,
    Move::Switches,
    Move::Redrawn,
    Move::ToWinner,
    Move::LosesWinner,
    Move::Rebound,
];

fn holdouts(old: View<'_>, new: View<'_>) -> Vec<HoldoutChange> {
    let entry =
        |view: View<'_>, id: &HoldoutId| view.config.holdouts.iter().position(|entry| entry.id == *id);
    let ids = old.config.holdouts.iter().chain(&new.config.holdouts).map(|entry| &entry.id);
    let change = |id: &HoldoutId| {
        let before = entry(old, id).and_then(|index| old.config.holdouts.get(index));
        let after = entry(new, id).and_then(|index| new.config.holdouts.get(index));
        let unit = after.or(before)?.unit.clone();
        let nobody = || super::space::Claims::One(None);
        let claims = (
            before.map_or_else(nobody, |entry| old.claims(entry)),
            after.map_or_else(nobody, |entry| new.claims(entry)),
        );
        let groups = joint(&claims.0, &claims.1);
        let sum = |fits: &dyn Fn(Hold, Hold) -> bool| {
            let found = groups.iter().filter(|((had, has), _)| fits(hold(*had), hold(*has)));
            found.map(|(_, share)| *share).sum::<Portion>()
        };
        Some(HoldoutChange {
            holdout: id.clone(),
            unit,
            before: sum(&|had, _| had == Hold::Held),
            after: sum(&|_, has| has == Hold::Held),
            newly_held: sum(&|had, has| had != Hold::Held && has == Hold::Held),
            released: sum(&|had, has| had == Hold::Held && has != Hold::Held),
            compared: (sum(&|had, _| had == Hold::Compared), sum(&|_, has| has == Hold::Compared)),
        })
    };
    ids.collect::<BTreeSet<_>>().into_iter().filter_map(change).collect()
}
