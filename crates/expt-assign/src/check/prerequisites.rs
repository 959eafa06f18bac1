//! What phases ask of other phases.

use std::collections::BTreeMap;

use expt_core::LayerId;

use super::{Names, quoted};
use crate::config::{Config, PhaseEntry};
use crate::fault::{FaultKind, Found};

pub(super) fn check(config: &Config, names: &Names<'_>, found: &mut Found) {
    for (i, phase) in config.phases.iter().enumerate() {
        if phase.prerequisites.len() > MAX_PREREQUISITES {
            let problem = format!("are more than the {MAX_PREREQUISITES} that a phase may have");
            let remedy = "ask for fewer, or let one phase stand for several";
            let path = format!("phases[{i}].prerequisites");
            found.add(FaultKind::TooLarge, path, phase.prerequisites.len(), problem, remedy);
        }
        for (j, prerequisite) in phase.prerequisites.iter().enumerate() {
            let path = format!("phases[{i}].prerequisites[{j}]");
            names.require_phase(found, || format!("{path}.phase"), &prerequisite.phase);
            let Some(other) = names.phases.get(&prerequisite.phase) else { continue };
            for (k, arm) in prerequisite.arms.iter().enumerate() {
                if other.arms.iter().all(|entry| entry.arm != *arm) {
                    let problem = format!("is no arm of phase {}", quoted(&other.id));
                    let path = format!("{path}.arms[{k}]");
                    found.add(FaultKind::Dangling, path, quoted(arm), problem, "name one of its arms");
                }
            }
            check_unit(phase, other, &path, names, found);
        }
    }
    if config.phases.iter().any(|phase| !phase.prerequisites.is_empty()) {
        check_cycles(config, names, found);
    }
}

fn check_unit(phase: &PhaseEntry, other: &PhaseEntry, path: &str, names: &Names<'_>, found: &mut Found) {
    let unit = |phase: &PhaseEntry| names.layers.get(&phase.layer).map(|layer| &layer.unit);
    if let (Some(own), Some(others)) = (unit(phase), unit(other))
        && own != others
    {
        let problem = format!("randomises {}, and this phase randomises {}", quoted(others), quoted(own));
        let remedy = "ask for a phase that randomises the same kind of unit";
        found.add(FaultKind::UnitMismatch, format!("{path}.phase"), quoted(&other.id), problem, remedy);
    }
}

/// A layer asks another layer whose phase it wants, and evaluating that evaluates the whole of it. So layers, and
/// not only phases, must not lead back to themselves; and what they ask one after the other is bounded.
fn check_cycles(config: &Config, names: &Names<'_>, found: &mut Found) {
    let mut asks: BTreeMap<&LayerId, Vec<&LayerId>> = BTreeMap::new();
    for phase in &config.phases {
        let layers = phase.prerequisites.iter().filter_map(|asked| names.phases.get(&asked.phase));
        asks.entry(&phase.layer).or_default().extend(layers.map(|other| &other.layer));
    }
    // Each round settles the layers that ask only settled ones; what is left after a round without progress
    // leads back to itself.
    let mut depth: BTreeMap<&LayerId, usize> = BTreeMap::new();
    for round in 0..=MAX_DEPTH {
        let settled: Vec<_> = asks
            .iter()
            .filter(|(layer, asked)| {
                !depth.contains_key(*layer)
                    && asked.iter().all(|other| depth.contains_key(other) || !asks.contains_key(other))
            })
            .map(|(layer, _)| *layer)
            .collect();
        if settled.is_empty() {
            break;
        }
        depth.extend(settled.into_iter().map(|layer| (layer, round)));
    }
    for (i, phase) in config.phases.iter().enumerate() {
        if !phase.prerequisites.is_empty() && !depth.contains_key(&phase.layer) {
            let problem = format!(
                "leads back to itself, or over more than {MAX_DEPTH} layers, by the prerequisites of its phases"
            );
            let remedy =
                "let layers ask in one direction only; two phases of one layer exclude each other anyway";
            let path = format!("phases[{i}].prerequisites");
            found.add(FaultKind::Cycle, path, quoted(&phase.layer), problem, remedy);
        }
    }
}

/// How many other phases a phase may ask for, and over how many layers: together they bound what one evaluation
/// costs.
const MAX_PREREQUISITES: usize = 8;
const MAX_DEPTH: usize = 4;
