//! Holdouts.

use std::collections::BTreeMap;

use super::{Names, listed, quoted, require_text, require_unique};
use crate::config::{Config, HoldoutEntry, HoldoutLifetime, HoldoutScope};
use crate::fault::{FaultKind, Found};
use crate::ranges::sweep;

pub(super) fn check(config: &Config, names: &Names<'_>, found: &mut Found) {
    require_unique(found, config.holdouts.iter().map(|h| &h.id), |i| format!("holdouts[{i}].id"));
    let groups = config.holdouts.iter().filter_map(|holdout| holdout.shipped_only.as_ref());
    for group in groups.clone().filter(|group| names.holdouts.contains_key(&group.id)) {
        let remedy = "give the comparison group an id of its own, such as the holdout's with a suffix";
        found.add(FaultKind::Duplicate, "holdouts", quoted(&group.id), "is also the id of a holdout", remedy);
    }
    require_unique(found, groups.map(|group| &group.id), |_| "holdouts".to_owned());
    for (i, holdout) in config.holdouts.iter().enumerate() {
        let path = format!("holdouts[{i}]");
        names.require_unit(found, || format!("{path}.unit"), &holdout.unit);
        let remedy = "give a text that never changes and that no other holdout uses";
        require_text(found, || format!("{path}.salt"), &holdout.salt, remedy);
        if let Some(group) = &holdout.shipped_only
            && group.ranges.is_empty()
        {
            let path = format!("{path}.shipped_only.ranges");
            let remedy = "give it as many places as are held, or leave the group out";
            found.add(FaultKind::Empty, path, "[]", "has nobody", remedy);
        }
        if holdout.ranges.is_empty() {
            let remedy = "give it places (Ranges::of), or remove the holdout";
            found.add(FaultKind::Empty, format!("{path}.ranges"), "[]", "holds nobody", remedy);
        }
        check_scope(holdout, &path, names, found);
        check_life(holdout, &path, found);
    }
    check_ranges(config, found);
}

fn check_scope(holdout: &HoldoutEntry, path: &str, names: &Names<'_>, found: &mut Found) {
    let HoldoutScope::Layers(layers) = &holdout.scope else { return };
    let path = format!("{path}.scope");
    if layers.is_empty() {
        let remedy = "list layers, or use All";
        found.add(FaultKind::Empty, &path, "[]", "keeps units from nothing", remedy);
    }
    require_unique(found, layers, |j| format!("{path}[{j}]"));
    for (j, layer) in layers.iter().enumerate() {
        names.require_layer(found, || format!("{path}[{j}]"), layer);
    }
}

fn check_life(holdout: &HoldoutEntry, path: &str, found: &mut Found) {
    if let Some(glass) = &holdout.break_glass {
        let remedy = "say why everybody was released";
        require_text(found, || format!("{path}.break_glass.reason"), glass.reason.trim(), remedy);
    }
    let HoldoutLifetime::Rotating { days, .. } = holdout.lifetime else { return };
    if days == 0 {
        let remedy = "give the length of a period in days, at least 1";
        found.add(FaultKind::Empty, format!("{path}.lifetime"), 0, "is no period", remedy);
    }
    // The places move on by their width: that brings all new ones only if they are next to each other.
    let compared = holdout.shipped_only.iter().flat_map(|group| group.ranges.as_slice());
    let mut ranges: Vec<_> = holdout.ranges.as_slice().iter().chain(compared).copied().collect();
    ranges.sort_unstable();
    let apart = ranges.windows(2).any(|pair| match pair {
        [one, next] => one.last().checked_add(1) != Some(next.first()),
        _ => false,
    });
    if apart {
        let problem = "do not stand next to each other, and the holdout rotates";
        let remedy = "give one range, and the comparison group the places right behind it";
        found.add(FaultKind::State, format!("{path}.ranges"), listed(&ranges), problem, remedy);
    }
}

/// Holdouts with one salt share a space; in it no place belongs to two, or the second would never see its
/// units.
fn check_ranges(config: &Config, found: &mut Found) {
    let mut spaces: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (i, holdout) in config.holdouts.iter().enumerate() {
        let claims = spaces.entry((&holdout.unit, &holdout.salt)).or_default();
        let compared = holdout.shipped_only.iter().flat_map(|group| group.ranges.as_slice());
        claims.extend(holdout.ranges.as_slice().iter().chain(compared).map(|range| (*range, i)));
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
