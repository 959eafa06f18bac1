//! Who goes where in a layer.

use std::collections::BTreeMap;

use expt_core::{LayerId, UnitKind};

use super::error::PlanError;
use super::holding::{Hold, View, held};
use super::movement::Got;
use super::portion::Portion;
use super::space::{Claims, Owner, Project, Source, joint};
use crate::config::{Config, LayerEntry, PhaseEntry, PhaseState};

/// What units had and get, with their share.
pub(super) type Cells = BTreeMap<(Got, Got), Portion>;

/// A layer before and after, as units of one kind see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct LayerPair<'c> {
    pub(super) id: &'c LayerId,
    pub(super) unit: &'c UnitKind,
    pub(super) old: Option<&'c LayerEntry>,
    pub(super) new: Option<&'c LayerEntry>,
}

/// The layers of both configs. A layer that randomises other units now is two: one that ends, one that begins.
pub(super) fn pairs<'c>(old: &'c Config, wanted: &'c Config) -> Vec<LayerPair<'c>> {
    let after: BTreeMap<_, _> = wanted.layers.iter().map(|layer| (&layer.id, layer)).collect();
    let mut pairs: Vec<LayerPair<'c>> = Vec::new();
    for layer in &old.layers {
        let same = after.get(&layer.id).copied().filter(|new| new.unit == layer.unit);
        pairs.push(LayerPair { id: &layer.id, unit: &layer.unit, old: Some(layer), new: same });
    }
    let known: BTreeMap<_, _> = old.layers.iter().map(|layer| (&layer.id, &layer.unit)).collect();
    let begins = wanted.layers.iter().filter(|layer| known.get(&layer.id) != Some(&&layer.unit));
    pairs.extend(begins.map(|layer| LayerPair {
        id: &layer.id,
        unit: &layer.unit,
        old: None,
        new: Some(layer),
    }));
    pairs
}

/// Who has the places of a layer: the phases that hold traffic, by index.
pub(super) fn traffic<'c>(config: &'c Config, layer: Option<&'c LayerEntry>) -> Claims<'c> {
    let Some(layer) = layer else { return Claims::One(None) };
    let holding =
        (0..).zip(&config.phases).filter(|(_, phase)| phase.layer == layer.id && phase.state.holds_traffic());
    let claims = holding.flat_map(|(index, phase)| phase.ranges.as_slice().iter().map(move |r| (*r, index)));
    let source =
        layer.buckets.as_ref().map_or_else(|| Source::Layer(Project::of(config), &layer.id), Source::Buckets);
    Claims::Ranges(source, claims.collect())
}

/// Who has the places of a phase: its arms, by index; all of them the winner's if it has shipped.
pub(super) fn arms<'c>(config: &'c Config, phase: Option<&'c PhaseEntry>) -> Claims<'c> {
    let Some(phase) = phase else { return Claims::One(None) };
    match &phase.state {
        PhaseState::Running => split(config, phase),
        PhaseState::Shipped { arm } => {
            let winner = phase.arms.iter().position(|entry| entry.arm == *arm);
            Claims::One(winner.and_then(|index| u32::try_from(index).ok()))
        }
        // A paused phase takes nobody; who is in it by a record is in no share.
        _ => Claims::One(None),
    }
}

fn split<'c>(config: &'c Config, phase: &'c PhaseEntry) -> Claims<'c> {
    let arms = (0..).zip(&phase.arms);
    let claims = arms.flat_map(|(index, arm)| arm.ranges.as_slice().iter().map(move |r| (*r, index)));
    let of_mix = || Source::Arms(Project::of(config), &phase.experiment, phase.epoch);
    Claims::Ranges(phase.buckets.as_ref().map_or_else(of_mix, Source::Buckets), claims.collect())
}

/// Who goes where, of all units of the kind that fit all rules and have no records.
pub(super) fn cells(pair: LayerPair<'_>, old: View<'_>, new: View<'_>) -> Result<Cells, PlanError> {
    let mut general = Cells::new();
    for ((from, to), share) in joint(&traffic(old.config, pair.old), &traffic(new.config, pair.new)) {
        let (before, after) = (phase(old.config, from), phase(new.config, to));
        let arm_count = |phase: Option<&PhaseEntry>| phase.map_or(1, |phase| phase.arms.len());
        if arm_count(before).saturating_mul(arm_count(after)).saturating_add(general.len()) > MAX_CELLS {
            return Err(PlanError::TooLarge { limit: MAX_CELLS });
        }
        for ((one, two), part) in joint(&arms(old.config, before), &arms(new.config, after)) {
            let cell = (got(before, from, one), got(after, to, two));
            add(&mut general, cell, share.times(part));
        }
    }
    let holds = held(pair.old.map(|_| old), pair.new.map(|_| new), pair.id, pair.unit);
    let mut cells = Cells::new();
    for ((before, after), share) in holds {
        for ((had, gets), part) in &general {
            add(&mut cells, (kept_from(before, *had), kept_from(after, *gets)), share.times(*part));
        }
    }
    Ok(cells)
}

fn phase(config: &Config, owner: Owner) -> Option<&PhaseEntry> {
    owner.and_then(|index| config.phases.get(index as usize))
}

fn got(phase: Option<&PhaseEntry>, index: Owner, arm: Owner) -> Got {
    match (phase.map(|phase| &phase.state), index.zip(arm)) {
        (Some(PhaseState::Running), Some((phase, arm))) => Got::Arm(phase, arm),
        (Some(PhaseState::Shipped { .. }), Some((phase, arm))) => Got::Winner(phase, arm),
        _ => Got::Nothing,
    }
}

/// What is left of it where a holdout has a say.
fn kept_from(hold: Hold, got: Got) -> Got {
    match (hold, got) {
        (Hold::Held, _) => Got::Held,
        (Hold::Compared, Got::Winner(..)) | (Hold::General, _) => got,
        (Hold::Compared, _) => Got::Compared,
    }
}

fn add(cells: &mut Cells, cell: (Got, Got), share: Portion) {
    if !share.is_none() {
        let sum = cells.entry(cell).or_default();
        *sum = sum.plus(share);
    }
}

/// The most pairs of what units get before and after, in one layer.
const MAX_CELLS: usize = 1_000_000;
