//! Finds what stands against a change, and what only units can tell.

use std::collections::{BTreeMap, BTreeSet};

use expt_core::PhaseId;

use super::concern::{Concern, Doubt};
use super::flow::LayerFlows;
use super::movement::Move;
use super::phases::PhaseChange;
use super::portion::Portion;
use crate::config::{Config, PhaseEntry};

/// The concerns about movement.
pub(super) fn of_movement(layers: &[LayerFlows<Portion>]) -> Vec<Concern> {
    let flows = layers.iter().flat_map(|layer| layer.flows.iter().map(move |flow| (layer, flow)));
    let refused = flows.filter(|(_, flow)| needs_reason(flow.movement));
    let concern = |(layer, flow): (&LayerFlows<Portion>, &super::flow::Flow<Portion>)| Concern::Movement {
        layer: layer.layer.clone(),
        movement: flow.movement,
        from: flow.from.clone(),
        to: flow.to.clone(),
        share: flow.amount,
        units: None,
    };
    refused.map(concern).collect()
}

/// Adds what was counted to the concerns, and those that only counting could find.
pub(super) fn of_counts(concerns: &mut Vec<Concern>, layers: &[LayerFlows<u64>]) {
    let flows = layers.iter().flat_map(|layer| layer.flows.iter().map(move |flow| (layer, flow)));
    for (counted, flow) in flows.filter(|(_, flow)| needs_reason(flow.movement)) {
        let known = concerns.iter_mut().find_map(|concern| match concern {
            Concern::Movement { layer, from, to, units, .. } => {
                let same = *layer == counted.layer && *from == flow.from && *to == flow.to;
                same.then_some(units)
            }
            _ => None,
        });
        match known {
            Some(units) => *units = Some(flow.amount),
            None => concerns.push(Concern::Movement {
                layer: counted.layer.clone(),
                movement: flow.movement,
                from: flow.from.clone(),
                to: flow.to.clone(),
                share: Portion::NONE,
                units: Some(flow.amount),
            }),
        }
    }
}

/// The concerns about what places derive from.
pub(super) fn of_sources(old: &Config, wanted: &Config) -> Vec<Concern> {
    let mut concerns = Vec::new();
    let mut reshuffle = |what: String, phase: Option<&PhaseId>| {
        concerns.push(Concern::Reshuffle { what, phase: phase.cloned() });
    };
    let live: Vec<_> = old.phases.iter().filter(|phase| phase.state.holds_traffic()).collect();
    if !live.is_empty() || !old.holdouts.is_empty() {
        if old.key != wanted.key {
            reshuffle("the project key is another".to_owned(), None);
        }
        if old.unit_hash != wanted.unit_hash {
            reshuffle(format!("the unit hash is {} instead of {}", wanted.unit_hash, old.unit_hash), None);
        }
    }
    for layer in &old.layers {
        let Some(new) = wanted.layers.iter().find(|new| new.id == layer.id) else { continue };
        if !live.iter().any(|phase| phase.layer == layer.id) {
            continue;
        }
        if new.unit != layer.unit {
            reshuffle(
                format!("layer {:?} randomises {} instead of {}", layer.id, new.unit, layer.unit),
                None,
            );
        }
        if new.buckets != layer.buckets {
            reshuffle(format!("layer {:?} takes its places from elsewhere", layer.id), None);
        }
    }
    let mut back = Vec::new();
    for phase in live {
        let Some(new) = phase_in(wanted, &phase.id) else { continue };
        if new.state.holds_traffic() {
            if new.layer != phase.layer {
                let what =
                    format!("phase {:?} is in layer {:?} instead of {:?}", phase.id, new.layer, phase.layer);
                reshuffle(what, Some(&phase.id));
            }
            if new.buckets != phase.buckets && new.epoch == phase.epoch {
                reshuffle(format!("phase {:?} takes its arms from elsewhere", phase.id), Some(&phase.id));
            }
        }
        if new.epoch < phase.epoch {
            let (id, old, wanted) = (phase.id.clone(), phase.epoch, new.epoch);
            back.push(Concern::EpochBack { phase: id, old, wanted });
        }
    }
    for holdout in &old.holdouts {
        let Some(new) = wanted.holdouts.iter().find(|new| new.id == holdout.id) else { continue };
        if new.salt != holdout.salt || new.unit != holdout.unit {
            reshuffle(format!("holdout {:?} has another salt or kind of units", holdout.id), None);
        }
    }
    concerns.extend(back);
    concerns
}

/// What shares cannot tell.
pub(super) fn doubts(old: &Config, wanted: &Config, phases: &[PhaseChange]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for change in phases {
        let phase = change.phase.clone();
        let (Some(was), Some(is)) =
            (phase_in(old, change.succeeds.as_ref().unwrap_or(&phase)), phase_in(wanted, &phase))
        else {
            continue;
        };
        let share =
            |standing: &Option<super::Standing>| standing.as_ref().map_or(Portion::NONE, |s| s.traffic);
        let at_most = share(&change.before).min(share(&change.after));
        if was.targeting != is.targeting {
            doubts.push(Doubt::Targeting { phase: phase.clone(), at_most });
        }
        if was.prerequisites != is.prerequisites || asked_for_changes(is, old, wanted) {
            doubts.push(Doubt::Prerequisites { phase: phase.clone(), at_most });
        }
        let layer = wanted.layers.iter().find(|layer| layer.id == is.layer);
        if is.buckets.is_some() && layer.is_some_and(|layer| layer.buckets == is.buckets) {
            doubts.push(Doubt::SameBuckets { phase });
        }
    }
    if old.exclusions != wanted.exclusions {
        doubts.push(Doubt::Exclusions);
    }
    if old.forced != wanted.forced {
        doubts.push(Doubt::Forced);
    }
    for unit in &old.units {
        if wanted.units.iter().any(|new| new.kind == unit.kind && new != unit) {
            doubts.push(Doubt::Identification { unit: unit.kind.clone() });
        }
    }
    let several_kinds = old.units.len().max(wanted.units.len()) > 1;
    let linked = old.units.iter().chain(&wanted.units).any(|unit| !unit.fallbacks.is_empty());
    let by_id = |config: &'_ Config| -> BTreeMap<_, _> {
        config.holdouts.iter().map(|holdout| (holdout.id.clone(), holdout.clone())).collect()
    };
    let (before, after) = (by_id(old), by_id(wanted));
    for id in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        if (several_kinds || linked) && before.get(id) != after.get(id) {
            doubts.push(Doubt::OtherKinds { holdout: id.clone() });
        }
    }
    doubts
}

/// Whether a movement needs a reason.
pub(super) const fn needs_reason(movement: Move) -> bool {
    matches!(movement, Move::Switches | Move::LosesWinner | Move::Rebound)
}

/// Whether a phase that this one asks for, directly or not, is another.
fn asked_for_changes(phase: &PhaseEntry, old: &Config, wanted: &Config) -> bool {
    let mut seen = BTreeSet::new();
    let mut open: Vec<_> = phase.prerequisites.iter().map(|asked| &asked.phase).collect();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let entry = phase_in(wanted, id);
        if phase_in(old, id) != entry {
            return true;
        }
        open.extend(entry.into_iter().flat_map(|entry| &entry.prerequisites).map(|asked| &asked.phase));
    }
    false
}

fn phase_in<'c>(config: &'c Config, id: &PhaseId) -> Option<&'c PhaseEntry> {
    config.phases.iter().find(|phase| phase.id == *id)
}
