//! From a checked config to tables.

use std::collections::BTreeMap;

use expt_core::{DecisionPoint, LayerId, PhaseId, UnitId, UnitKind};

use super::table::{Arm, Mode, Phase, Table};
use super::{Forced, Holdout, Kind, Layer, Point, Snapshot};
use crate::config::{Config, HoldoutScope, LayerEntry, PhaseEntry, PhaseState, Stickiness};
use crate::mix::{UnitDigest, UnitHash, Xmix1};
use crate::ranges::{Range, Ranges};

/// Lowers a config that the checks have passed, so every name in it can be found.
pub(super) fn lower(config: Config) -> Snapshot {
    let mix = Xmix1::new(config.key.as_str(), UnitHash::default());
    let kinds = kinds(&config, &mix);
    let points = points(&config);
    let names = Names::of(&config, &kinds, &points);
    let phases: Vec<_> = config.phases.iter().map(|entry| phase(entry, &names, &mix)).collect();
    let layers = config.layers.iter().map(|entry| layer(entry, &config, &names, &mix)).collect();
    let holdouts = config.holdouts.iter().map(|entry| Holdout {
        id: entry.id.clone(),
        key: mix.holdout(&entry.salt),
        held: Table::new(claims(&entry.ranges, 0)),
    });
    let holdouts = holdouts.collect();
    let mut excluded: Vec<_> =
        config.excluded.iter().filter_map(|entry| names.digest(&entry.kind, &entry.unit)).collect();
    excluded.sort_unstable();
    let forced = forced(&config, &names, &phases);
    Snapshot { holdouts, excluded, forced, layers, phases, points, kinds, config }
}

/// Stands for the name of a decision point, in any config.
pub(super) fn fingerprint(point: &DecisionPoint) -> u128 {
    let digest = blake3::hash(point.as_str().as_bytes());
    digest.as_bytes().iter().take(16).fold(0, |word, byte| word << 8 | u128::from(*byte))
}

/// Where things are, by name.
struct Names<'a> {
    kinds: BTreeMap<&'a UnitKind, &'a Kind>,
    points: BTreeMap<&'a DecisionPoint, usize>,
    layers: BTreeMap<&'a LayerId, usize>,
    phases: BTreeMap<&'a PhaseId, usize>,
    /// The phases of each layer, in the order of the config.
    of_layer: BTreeMap<&'a LayerId, Vec<(usize, &'a PhaseEntry)>>,
}

impl<'a> Names<'a> {
    fn of(config: &'a Config, kinds: &'a [Kind], points: &'a [Point]) -> Self {
        let mut of_layer: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (index, phase) in config.phases.iter().enumerate() {
            of_layer.entry(&phase.layer).or_default().push((index, phase));
        }
        Self {
            kinds: kinds.iter().map(|kind| (&kind.entry.kind, kind)).collect(),
            points: points.iter().enumerate().map(|(index, point)| (&point.name, index)).collect(),
            layers: config.layers.iter().enumerate().map(|(index, layer)| (&layer.id, index)).collect(),
            phases: config.phases.iter().enumerate().map(|(index, phase)| (&phase.id, index)).collect(),
            of_layer,
        }
    }

    fn digest(&self, kind: &UnitKind, unit: &UnitId) -> Option<UnitDigest> {
        self.kinds.get(kind).map(|kind| kind.key.digest(unit.as_str()))
    }
}

fn kinds(config: &Config, mix: &Xmix1) -> Vec<Kind> {
    let entries = config.units.iter();
    entries
        .map(|entry| {
            let key = mix.unit(&entry.kind);
            Kind { entry: entry.clone(), tag: key.tag(), key }
        })
        .collect()
}

fn points(config: &Config) -> Vec<Point> {
    let listed = config.layers.iter().enumerate().flat_map(|(layer, entry)| {
        entry.decision_points.iter().map(move |name| Point {
            name: name.clone(),
            fingerprint: fingerprint(name),
            layer,
        })
    });
    let mut points: Vec<_> = listed.collect();
    points.sort_by_key(|point| point.fingerprint);
    points
}

fn phase(entry: &PhaseEntry, names: &Names<'_>, mix: &Xmix1) -> Phase {
    // Every arm binds the same points, so the first speaks for all. Sorted by index, because that is what
    // an assignment comes with.
    let mut bound: Vec<_> = entry.arms.first().into_iter().flat_map(|arm| arm.bindings.keys()).collect();
    bound.sort_by_key(|name| names.points.get(name));
    let arms = entry.arms.iter().map(|arm| Arm {
        id: arm.arm.clone(),
        bindings: bound.iter().filter_map(|name| arm.bindings.get(*name).cloned()).collect(),
    });
    let split = entry.arms.iter().enumerate().flat_map(|(index, arm)| claims(&arm.ranges, index));
    Phase {
        id: entry.id.clone(),
        experiment: entry.experiment.clone(),
        epoch: entry.epoch,
        mode: mode(entry),
        sticky: entry.sticky == Stickiness::On,
        key: mix.arms(&entry.experiment, entry.epoch),
        split: Table::new(split),
        points: bound.iter().filter_map(|name| names.points.get(*name).copied()).collect(),
        arms: arms.collect(),
    }
}

fn mode(entry: &PhaseEntry) -> Mode {
    match &entry.state {
        PhaseState::Draft | PhaseState::Stopped => Mode::Idle,
        PhaseState::Running => Mode::Running,
        PhaseState::PausedIntake => Mode::Paused,
        PhaseState::Shipped { arm } => {
            entry.arms.iter().position(|entry| entry.arm == *arm).map_or(Mode::Idle, Mode::Shipped)
        }
    }
}

fn layer(entry: &LayerEntry, config: &Config, names: &Names<'_>, mix: &Xmix1) -> Layer {
    let phases = || names.of_layer.get(&entry.id).into_iter().flatten();
    let traffic = phases().filter(|(_, phase)| phase.state.holds_traffic());
    let keeps = |phase: &PhaseEntry| {
        phase.sticky == Stickiness::On && matches!(mode(phase), Mode::Running | Mode::Paused)
    };
    Layer {
        id: entry.id.clone(),
        unit: entry.unit.clone(),
        tag: names.kinds.get(&entry.unit).map_or(0, |kind| kind.tag),
        key: mix.layer(&entry.id),
        holdouts: holdouts_of(config, &entry.id),
        traffic: Table::new(traffic.flat_map(|(index, phase)| claims(&phase.ranges, *index))),
        sticky: phases().filter(|(_, phase)| keeps(phase)).map(|(index, _)| *index).collect(),
    }
}

/// The holdouts of a layer: global ones first.
fn holdouts_of(config: &Config, layer: &LayerId) -> Vec<usize> {
    let holdouts = || config.holdouts.iter().enumerate();
    let global = holdouts().filter(|(_, holdout)| holdout.scope == HoldoutScope::All);
    let scoped = holdouts().filter(|(_, holdout)| match &holdout.scope {
        HoldoutScope::All => false,
        HoldoutScope::Layers(layers) => layers.contains(layer),
    });
    global.chain(scoped).map(|(index, _)| index).collect()
}

fn forced(config: &Config, names: &Names<'_>, phases: &[Phase]) -> Forced {
    let entries = config.forced.iter();
    entries
        .filter_map(|entry| {
            let phase = *names.phases.get(&entry.phase)?;
            let layer = *names.layers.get(&config.phases.get(phase)?.layer)?;
            let digest = names.digest(&config.layers.get(layer)?.unit, &entry.unit)?;
            Some(((digest, layer), (phase, phases.get(phase)?.arm(&entry.arm)?)))
        })
        .collect()
}

fn claims(ranges: &Ranges, owner: usize) -> impl Iterator<Item = (Range, usize)> {
    ranges.as_slice().iter().map(move |range| (*range, owner))
}
