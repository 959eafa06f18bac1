//! Holdouts.

use std::collections::BTreeMap;

use super::{Names, quoted, require_text, require_unique};
use crate::config::{Config, HoldoutEntry, HoldoutScope};
use crate::fault::{FaultKind, Found};
use crate::ranges::sweep;

pub(super) fn check(config: &Config, names: &Names<'_>, found: &mut Found) {
    require_unique(found, config.holdouts.iter().map(|h| &h.id), |i| format!("holdouts[{i}].id"));
    for (i, holdout) in config.holdouts.iter().enumerate() {
        let path = format!("holdouts[{i}]");
        names.require_unit(found, || format!("{path}.unit"), &holdout.unit);
        let remedy = "give a text that never changes and that no other holdout uses";
        require_text(found, || format!("{path}.salt"), &holdout.salt, remedy);
        if holdout.ranges.is_empty() {
            let remedy = "give it places (Ranges::of), or remove the holdout";
            found.add(FaultKind::Empty, format!("{path}.ranges"), "[]", "holds nobody", remedy);
        }
        check_scope(config, holdout, &path, names, found);
    }
    check_ranges(config, found);
}

fn check_scope(config: &Config, holdout: &HoldoutEntry, path: &str, names: &Names<'_>, found: &mut Found) {
    let mismatch = "randomises another kind of unit, which this holdout cannot recognise";
    let path = format!("{path}.scope");
    match &holdout.scope {
        HoldoutScope::All => {
            // One fault a holdout: the remedy is the same for every such layer.
            if let Some(layer) = config.layers.iter().find(|layer| layer.unit != holdout.unit) {
                let problem = format!("is in scope, but {mismatch}");
                let remedy = "list the layers of its own kind of unit, and hold out the other kind as well";
                found.add(FaultKind::UnitMismatch, &path, quoted(&layer.id), problem, remedy);
            }
        }
        HoldoutScope::Layers(layers) => {
            if layers.is_empty() {
                let remedy = "list layers, or use All";
                found.add(FaultKind::Empty, &path, "[]", "keeps units from nothing", remedy);
            }
            require_unique(found, layers, |j| format!("{path}[{j}]"));
            for (j, layer) in layers.iter().enumerate() {
                names.require_layer(found, || format!("{path}[{j}]"), layer);
                if names.layers.get(layer).is_some_and(|layer| layer.unit != holdout.unit) {
                    let remedy = "list layers of its own kind of unit";
                    found.add(
                        FaultKind::UnitMismatch,
                        format!("{path}[{j}]"),
                        quoted(layer),
                        mismatch,
                        remedy,
                    );
                }
            }
        }
    }
}

/// Holdouts with one salt share a space; in it no place belongs to two, or the second would never see its
/// units.
fn check_ranges(config: &Config, found: &mut Found) {
    let mut spaces: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (i, holdout) in config.holdouts.iter().enumerate() {
        let claims = spaces.entry((&holdout.unit, &holdout.salt)).or_default();
        claims.extend(holdout.ranges.as_slice().iter().map(|range| (*range, i)));
    }
    for (common, had, wants) in spaces.into_values().flat_map(|claims| sweep(claims).overlaps) {
        let problem = match config.holdouts.get(had) {
            Some(other) if had != wants => {
                format!("already belongs to holdout {}, which has the same salt", quoted(&other.id))
            }
            _ => "stands here twice".to_owned(),
        };
        let remedy = "give each holdout places or a salt of its own";
        found.add(FaultKind::Overlap, format!("holdouts[{wants}].ranges"), common, problem, remedy);
    }
}
