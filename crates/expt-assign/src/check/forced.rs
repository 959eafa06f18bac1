//! Units that are given an arm by name.

use std::collections::BTreeMap;

use expt_core::{HoldoutId, LayerId, UnitKind};

use super::{Names, quoted};
use crate::config::{Config, ForcedUnit, HoldoutEntry, HoldoutScope};
use crate::fault::{FaultKind, Found};
use crate::mix::{MixKey, UnitHash, UnitKey, Xmix1};

pub(super) fn check(config: &Config, names: &Names<'_>, found: &mut Found) {
    let held = Held::of(config);
    let mut forced = BTreeMap::new();
    for (i, entry) in config.forced.iter().enumerate() {
        let path = format!("forced[{i}]");
        for (j, holdout) in entry.overrides.iter().enumerate() {
            if !names.holdouts.contains_key(holdout) {
                let problem = "is no holdout of this config";
                let remedy = "name the holdout that holds the unit, or nothing";
                found.add(
                    FaultKind::Dangling,
                    format!("{path}.overrides[{j}]"),
                    quoted(holdout),
                    problem,
                    remedy,
                );
            }
        }
        let Some(phase) = names.phases.get(&entry.phase) else {
            let problem = "is no phase of this config";
            let remedy = "name a phase, or remove the entry";
            found.add(FaultKind::Dangling, format!("{path}.phase"), quoted(&entry.phase), problem, remedy);
            continue;
        };
        if phase.arms.iter().all(|arm| arm.arm != entry.arm) {
            let problem = format!("is no arm of phase {}", quoted(&phase.id));
            let remedy = "name one of its arms";
            found.add(FaultKind::Dangling, format!("{path}.arm"), quoted(&entry.arm), problem, remedy);
        }
        if forced.insert((&phase.layer, &entry.unit), i).is_some() {
            let problem = format!("is already forced in layer {}", quoted(&phase.layer));
            let remedy = "force a unit to one arm of a layer";
            found.add(FaultKind::Duplicate, format!("{path}.unit"), quoted(&entry.unit), problem, remedy);
        }
        if let Some(layer) = names.layers.get(&phase.layer) {
            for holdout in held.holding(entry, &layer.id, &layer.unit) {
                let problem = format!("is held out by {}", quoted(holdout));
                let remedy = "name the holdout in its overrides, or force another unit";
                found.add(
                    FaultKind::ForcedHeldOut,
                    format!("{path}.unit"),
                    quoted(&entry.unit),
                    problem,
                    remedy,
                );
            }
        }
    }
}

/// Which units the holdouts of a config hold.
struct Held<'a> {
    units: BTreeMap<&'a UnitKind, UnitKey>,
    holdouts: Vec<(&'a HoldoutEntry, MixKey)>,
}

impl<'a> Held<'a> {
    fn of(config: &'a Config) -> Self {
        let mix = Xmix1::new(config.key.as_str(), UnitHash::default());
        let holdouts = config.holdouts.iter();
        Self {
            units: config.units.iter().map(|unit| (&unit.kind, mix.unit(&unit.kind))).collect(),
            holdouts: holdouts.map(|holdout| (holdout, mix.holdout(&holdout.salt))).collect(),
        }
    }

    /// The holdouts that hold the unit in the layer and that its entry does not override.
    fn holding(
        &self,
        entry: &ForcedUnit,
        layer: &LayerId,
        kind: &UnitKind,
    ) -> impl Iterator<Item = &'a HoldoutId> {
        let digest = self.units.get(kind).map(|key| key.digest(entry.unit.as_str()));
        let in_scope = self.holdouts.iter().filter(move |(holdout, _)| {
            let covers = match &holdout.scope {
                HoldoutScope::All => true,
                HoldoutScope::Layers(layers) => layers.contains(layer),
            };
            covers && holdout.unit == *kind && !entry.overrides.contains(&holdout.id)
        });
        in_scope
            .filter(move |(holdout, key)| digest.is_some_and(|d| holdout.ranges.contains(key.place(d))))
            .map(|(holdout, _)| &holdout.id)
    }
}
