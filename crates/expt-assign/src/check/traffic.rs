//! Phases, one against the other.

use std::collections::{BTreeMap, HashMap};

use super::quoted;
use crate::config::{Config, PhaseEntry};
use crate::fault::{FaultKind, Found};
use crate::ranges::sweep;

pub(super) fn check(config: &Config, found: &mut Found) {
    check_ranges(config, found);
    check_epochs(config, found);
}

/// No place of a layer belongs to two phases. A draft or stopped phase holds no traffic, but must still
/// not list a place twice.
fn check_ranges(config: &Config, found: &mut Found) {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (i, phase) in config.phases.iter().enumerate() {
        // A phase without traffic is a group of its own.
        let alone = (!phase.state.holds_traffic()).then_some(i);
        let claims = groups.entry((&phase.layer, alone)).or_default();
        claims.extend(phase.ranges.as_slice().iter().map(|range| (*range, i)));
    }
    for (common, had, wants) in groups.into_values().flat_map(|claims| sweep(claims).overlaps) {
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
