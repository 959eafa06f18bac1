//! From a config to tables.

use std::collections::{BTreeSet, HashMap};

use expt_core::{ArmId, Binding, DecisionPoint, HoldoutId, LayerId, PhaseId, UnitId, UnitKind};

use super::foreign::Foreign;
use super::identify::Kind;
use super::table::{
    COMPARED, Exclusion, Exposures, HELD, Holdout, Layer, Mode, Phase, QuickLayer, QuickPhase, Requirement,
    Table,
};
use super::{Forced, ForcedArm, Point, Snapshot};
use crate::choice::NONE;
use crate::config::{Config, ExposurePolicy, HoldoutEntry, HoldoutScope, LayerEntry, PhaseEntry, PhaseState};
use crate::fault::Found;
use crate::mix::{UnitDigest, Xmix1};
use crate::ranges::{Range, Ranges};
use crate::targeting::{Compiler, Program, Rule};

/// Lowers a config. What the checks have found is in `found`; of a config with faults something is made, which
/// nobody gets to see, so that faults of rules are found together with the others.
pub(super) fn lower(config: Config, found: &mut Found) -> Snapshot {
    let mix = Xmix1::new(config.key.as_str(), config.unit_hash);
    let mut rules = compiler(&config);
    let kinds = kinds(&config, &mix, &rules);
    let points = points(&config);
    let map = map(&points);
    let places: HashMap<_, _> = (0..).zip(&points).map(|(index, point)| (&point.name, index)).collect();
    let names = Names::of(&config, &kinds);
    let mut program = |rule: &Option<Rule>, list: &str, index: usize, field: &str| {
        let path = || format!("{list}[{index}].{field}");
        rule.as_ref().map(|rule| rules.compile(rule, &path(), found))
    };
    let targeting = config.phases.iter().enumerate();
    let targeting: Vec<_> =
        targeting.map(|(i, entry)| program(&entry.targeting, "phases", i, "targeting")).collect();
    let exclusions = config.exclusions.iter().enumerate().map(|(i, entry)| {
        let units = entry.units.iter().filter_map(|listed| names.digest(&listed.kind, &listed.unit));
        let mut units: Vec<_> = units.collect();
        units.sort_unstable();
        let when = program(&entry.when, "exclusions", i, "when");
        Exclusion { cause: entry.cause, units, when }
    });
    let exclusions: Vec<_> = exclusions.collect();
    let phases: Vec<_> = config
        .phases
        .iter()
        .zip(targeting)
        .map(|(entry, targeting)| phase(entry, targeting, &names, &mix))
        .collect();
    let mut bindings = Vec::new();
    let quick_phases = config.phases.iter().zip(&phases);
    let quick_phases =
        quick_phases.map(|(entry, phase)| quick_phase(entry, phase, &places, &mix, &mut bindings)).collect();
    let forced = forced(&config, &names);
    let with_forced: BTreeSet<_> = forced.keys().map(|(_, layer)| *layer).collect();
    let layers = (0..).zip(&config.layers);
    let layers = layers
        .map(|(index, entry)| layer(names.of_layer(index), entry, &names, with_forced.contains(&index)));
    let layers: Vec<_> = layers.collect();
    let plain = config.exclusions.is_empty();
    let quick_layers = (0..).zip(&config.layers).zip(&layers);
    let quick_layers = quick_layers
        .map(|((index, entry), layer)| quick_layer(names.of_layer(index), entry, layer, plain, &names, &mix));
    let quick_layers = quick_layers.collect();
    let holdouts = config.holdouts.iter().map(|entry| holdout(entry, &names, &mix)).collect();
    let attributes = rules.into_names();
    Snapshot {
        holdouts,
        exclusions,
        forced,
        quick_layers,
        quick_phases,
        bindings,
        layers,
        phases,
        points,
        map,
        kinds,
        attributes,
        config,
    }
}

/// Stands for the name of a decision point, in any config.
pub(super) fn fingerprint(point: &DecisionPoint) -> u128 {
    let digest = blake3::hash(point.as_str().as_bytes());
    digest.as_bytes().iter().take(16).fold(0, |word, byte| word << 8 | u128::from(*byte))
}

/// Stands for the points and their layers, in any config.
fn map(points: &[Point]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for point in points {
        hasher.update(&point.fingerprint.to_le_bytes());
        hasher.update(&point.layer.to_le_bytes());
    }
    hasher.finalize().as_bytes().iter().take(8).fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Where things are, by name.
struct Names<'a> {
    kinds: HashMap<&'a UnitKind, &'a Kind>,
    layers: HashMap<&'a LayerId, u32>,
    phases: HashMap<&'a PhaseId, u32>,
    holdouts: HashMap<&'a HoldoutId, u32>,
    entries: &'a [PhaseEntry],
    /// The phases of each layer, both in the order of the config.
    of_layer: Vec<Vec<(u32, &'a PhaseEntry)>>,
    /// The holdouts of every layer: global ones first.
    global: Vec<u32>,
    scoped: HashMap<&'a LayerId, Vec<u32>>,
}

impl<'a> Names<'a> {
    fn of(config: &'a Config, kinds: &'a [Kind]) -> Self {
        let layers: HashMap<_, u32> =
            (0..).zip(&config.layers).map(|(index, layer)| (&layer.id, index)).collect();
        let mut of_layer = vec![Vec::new(); config.layers.len()];
        for (index, phase) in (0..).zip(&config.phases) {
            let layer = layers.get(&phase.layer).and_then(|layer| of_layer.get_mut(*layer as usize));
            layer.into_iter().for_each(|phases: &mut Vec<_>| phases.push((index, phase)));
        }
        let (mut global, mut scoped) = (Vec::new(), HashMap::<_, Vec<_>>::new());
        for (index, holdout) in (0..).zip(&config.holdouts) {
            match &holdout.scope {
                HoldoutScope::All => global.push(index),
                HoldoutScope::Layers(layers) => {
                    layers.iter().for_each(|layer| scoped.entry(layer).or_default().push(index));
                }
            }
        }
        Self {
            kinds: kinds.iter().map(|kind| (&kind.entry.kind, kind)).collect(),
            layers,
            phases: (0..).zip(&config.phases).map(|(index, phase)| (&phase.id, index)).collect(),
            holdouts: (0..).zip(&config.holdouts).map(|(index, holdout)| (&holdout.id, index)).collect(),
            entries: &config.phases,
            of_layer,
            global,
            scoped,
        }
    }

    fn of_layer(&self, layer: u32) -> &[(u32, &'a PhaseEntry)] {
        self.of_layer.get(layer as usize).map_or(&[], Vec::as_slice)
    }

    fn digest(&self, kind: &UnitKind, unit: &UnitId) -> Option<UnitDigest> {
        self.kinds.get(kind).map(|kind| kind.key.digest(unit.as_str()))
    }

    fn tag(&self, kind: &UnitKind) -> u64 {
        self.kinds.get(kind).map_or(0, |kind| kind.tag)
    }
}

fn compiler(config: &Config) -> Compiler {
    let of_phases = config.phases.iter().filter_map(|phase| phase.targeting.as_ref());
    let of_exclusions = config.exclusions.iter().filter_map(|exclusion| exclusion.when.as_ref());
    let identifying = config.units.iter().flat_map(|unit| unit.attributes());
    Compiler::new(of_phases.chain(of_exclusions), identifying)
}

fn kinds(config: &Config, mix: &Xmix1, rules: &Compiler) -> Vec<Kind> {
    let entries = config.units.iter();
    entries
        .map(|entry| {
            let key = mix.unit(&entry.kind);
            let attributes = entry.attributes().filter_map(|name| rules.index(name)).collect();
            Kind { entry: entry.clone(), tag: key.tag(), key, attributes }
        })
        .collect()
}

fn points(config: &Config) -> Vec<Point> {
    let listed = (0..).zip(&config.layers).flat_map(|(layer, entry)| {
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

fn phase(entry: &PhaseEntry, targeting: Option<Program>, names: &Names<'_>, mix: &Xmix1) -> Phase {
    Phase {
        mode: mode(entry),
        sticky: entry.sticky,
        layer: names.layers.get(&entry.layer).copied().unwrap_or(NONE),
        foreign: entry.buckets.clone().map(Foreign::new),
        targeting,
        prerequisites: requirements(entry, names),
        exposures: match entry.exposures {
            ExposurePolicy::Every => Exposures::Every,
            ExposurePolicy::Sampled(share) => Exposures::Sampled(mix.exposures(&entry.id), share),
            ExposurePolicy::Never => Exposures::Never,
        },
    }
}

fn quick_phase(
    entry: &PhaseEntry,
    phase: &Phase,
    places: &HashMap<&DecisionPoint, u32>,
    mix: &Xmix1,
    bindings: &mut Vec<Binding>,
) -> QuickPhase {
    // Every arm binds the same points, so the first speaks for all.
    let bound = entry.arms.first().map(|arm| &arm.bindings);
    let sole = bound.filter(|bound| bound.len() == 1).and_then(|bound| bound.keys().next());
    let sole = sole.and_then(|point| places.get(point).copied());
    let first = u32::try_from(bindings.len()).unwrap_or(NONE);
    if sole.is_some() {
        bindings.extend(entry.arms.iter().filter_map(|arm| arm.bindings.values().next().cloned()));
    }
    let split = (0..).zip(&entry.arms).flat_map(|(index, arm)| claims(&arm.ranges, index));
    let needs_nothing =
        phase.targeting.is_none() && phase.prerequisites.is_empty() && phase.foreign.is_none();
    let split = Table::new(split);
    let needs_nothing = needs_nothing && split.is_short();
    QuickPhase {
        key: mix.arms(&entry.experiment, entry.epoch),
        split,
        sole_point: sole.unwrap_or(NONE),
        bindings: first,
        plain: phase.mode == Mode::Running && needs_nothing && !entry.sticky.reads(),
    }
}

fn requirements(entry: &PhaseEntry, names: &Names<'_>) -> Vec<Requirement> {
    let of = |phase: &PhaseId| {
        let index = *names.phases.get(phase)?;
        Some((index, names.entries.get(index as usize)?))
    };
    let required = entry.prerequisites.iter().filter_map(|prerequisite| {
        let (phase, other) = of(&prerequisite.phase)?;
        let arms = prerequisite.arms.iter().filter_map(|arm| arm_index(other, arm)).collect();
        Some(Requirement { phase, arms })
    });
    required.collect()
}

/// Where an arm stands in its phase.
pub(super) fn arm_index(phase: &PhaseEntry, arm: &ArmId) -> Option<u16> {
    let index = phase.arms.iter().position(|entry| entry.arm == *arm)?;
    u16::try_from(index).ok()
}

fn mode(entry: &PhaseEntry) -> Mode {
    match &entry.state {
        PhaseState::Draft | PhaseState::Stopped => Mode::Idle,
        PhaseState::Running => Mode::Running,
        PhaseState::PausedIntake => Mode::Paused,
        PhaseState::Shipped { arm } => arm_index(entry, arm).map_or(Mode::Idle, Mode::Shipped),
    }
}

fn layer(phases: &[(u32, &PhaseEntry)], entry: &LayerEntry, names: &Names<'_>, has_forced: bool) -> Layer {
    let keeps =
        |phase: &PhaseEntry| phase.sticky.reads() && matches!(mode(phase), Mode::Running | Mode::Paused);
    let scoped = names.scoped.get(&entry.id).into_iter().flatten();
    Layer {
        has_forced,
        login: names.kinds.get(&entry.unit).map_or_else(Default::default, |kind| kind.entry.login),
        foreign: entry.buckets.clone().map(Foreign::new),
        holdouts: names.global.iter().chain(scoped).copied().collect(),
        sticky: phases.iter().filter(|(_, phase)| keeps(phase)).map(|(index, _)| *index).collect(),
    }
}

fn quick_layer(
    phases: &[(u32, &PhaseEntry)],
    entry: &LayerEntry,
    layer: &Layer,
    plain: bool,
    names: &Names<'_>,
    mix: &Xmix1,
) -> QuickLayer {
    let traffic = phases.iter().filter(|(_, phase)| phase.state.holds_traffic());
    let traffic = Table::new(traffic.flat_map(|(index, phase)| claims(&phase.ranges, *index)));
    let nothing_before = !layer.has_forced && layer.holdouts.is_empty() && layer.sticky.is_empty();
    QuickLayer {
        key: mix.layer(&entry.id),
        sole: traffic.sole_owner().unwrap_or(NONE),
        plain: plain && nothing_before && layer.foreign.is_none() && traffic.is_short(),
        traffic,
        tag: names.tag(&entry.unit),
    }
}

fn holdout(entry: &HoldoutEntry, names: &Names<'_>, mix: &Xmix1) -> Holdout {
    let compared = entry.shipped_only.iter().flat_map(|group| claims(&group.ranges, COMPARED));
    Holdout {
        tag: names.tag(&entry.unit),
        key: mix.holdout(&entry.salt),
        groups: Table::new(claims(&entry.ranges, HELD).chain(compared)),
        step: entry.step(),
    }
}

fn forced(config: &Config, names: &Names<'_>) -> Forced {
    let entries = config.forced.iter();
    entries
        .filter_map(|entry| {
            let index = *names.phases.get(&entry.phase)?;
            let phase = config.phases.get(index as usize)?;
            let layer = *names.layers.get(&phase.layer)?;
            let digest = names.digest(&config.layers.get(layer as usize)?.unit, &entry.unit)?;
            let overrides = entry.overrides.iter().filter_map(|id| names.holdouts.get(id).copied()).collect();
            Some(((digest, layer), ForcedArm { phase: index, arm: arm_index(phase, &entry.arm)?, overrides }))
        })
        .collect()
}

fn claims(ranges: &Ranges, owner: u32) -> impl Iterator<Item = (Range, u32)> {
    ranges.as_slice().iter().map(move |range| (*range, owner))
}
