//! Phases, one against the other.

use std::collections::HashMap;

use super::quoted;
use crate::config::{Config, PhaseEntry};
use crate::fault::{FaultKind, Found};
use crate::ranges::{Range, sweep};

pub(super) fn check(config: &Config, found: &mut Found) {
    check_ranges(config, found);
    check_epochs(config, found);
}

/// No place of a layer belongs to two phases. A draft or stopped phase holds no traffic, but must still
/// not list a place twice.
fn check_ranges(config: &Config, found: &mut Found) {
    // In the order of the config, so that faults come out in one order.
    let mut groups: Vec<Vec<(Range, usize)>> = Vec::with_capacity(config.phases.len());
    let mut of_layer = HashMap::with_capacity(config.layers.len());
    for (i, phase) in config.phases.iter().enumerate() {
        let claims = phase.ranges.as_slice().iter().map(|range| (*range, i));
        // A phase without traffic is a group of its own.
        let group = if phase.state.holds_traffic() {
            *of_layer.entry(&phase.layer).or_insert(groups.len())
        } else {
            groups.len()
        };
        match groups.get_mut(group) {
            Some(group) => group.extend(claims),
            None => groups.push(claims.collect()),
        }
    }
    for (common, had, wants) in groups.into_iter().flat_map(|claims| sweep(claims).overlaps) {
        let problem = match config.phases.get(had) {
            Some(phase) if had != wants => format!("already belongs to phase {}", quoted(&phase.id)),
            _ => "stands here twice".to_owned(),
        };
        let remedy = "give each place of a layer to one phase";
        found.add(FaultKind::Overlap, format!("phases[{wants}].ranges"), common, problem, remedy);
    }
}

/// Arms derive from (experiment, epoch). Two phases of an experiment may share an epoch one after the other
/// on the same traffic (a test and its rollout); in two layers the same units would have the same arms in
/// both, and neither effect could be told from the other.
fn check_epochs(config: &Config, found: &mut Found) {
    let mut first: HashMap<_, &PhaseEntry> = HashMap::with_capacity(config.phases.len());
    for (i, phase) in config.phases.iter().enumerate() {
        let other = *first.entry((&phase.experiment, phase.epoch)).or_insert(phase);
        if other.layer != phase.layer {
            found.add(
                FaultKind::SharedEpoch,
                format!("phases[{i}].epoch"),
                phase.epoch,
                format!("is also the epoch of phase {} in another layer", quoted(&other.id)),
                "give it an epoch that no other phase of the experiment has",
            );
        }
    }
}
