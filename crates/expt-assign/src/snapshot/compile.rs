//! From a config to tables.

use std::collections::{BTreeMap, BTreeSet};

use expt_core::{ArmId, DecisionPoint, HoldoutId, LayerId, PhaseId, UnitId, UnitKind};

use super::foreign::Foreign;
use super::identify::Kind;
use super::table::{
    Arm, COMPARED, Exclusion, Exposures, HELD, Holdout, Layer, Mode, Phase, Requirement, Table,
};
use super::{Forced, ForcedArm, Point, Snapshot};
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
    let names = Names::of(&config, &kinds, &points);
    let mut program =
        |rule: &Option<Rule>, path: String| rule.as_ref().map(|rule| rules.compile(rule, &path, found));
    let targeting = config.phases.iter().enumerate();
    let targeting: Vec<_> =
        targeting.map(|(i, entry)| program(&entry.targeting, format!("phases[{i}].targeting"))).collect();
    let exclusions = config.exclusions.iter().enumerate().map(|(i, entry)| {
        let units = entry.units.iter().filter_map(|listed| names.digest(&listed.kind, &listed.unit));
        let mut units: Vec<_> = units.collect();
        units.sort_unstable();
        let when = program(&entry.when, format!("exclusions[{i}].when"));
        Exclusion { cause: entry.cause, units, when }
    });
    let exclusions: Vec<_> = exclusions.collect();
    let phases: Vec<_> = config
        .phases
        .iter()
        .zip(targeting)
        .map(|(entry, targeting)| phase(entry, targeting, &names, &mix))
        .collect();
    let forced = forced(&config, &names, &phases);
    let with_forced: BTreeSet<_> = forced.keys().map(|(_, layer)| *layer).collect();
    let layers = (0..).zip(&config.layers);
    let layers = layers
        .map(|(index, entry)| layer(entry, &config, &names, &mix, with_forced.contains(&index)))
        .collect();
    let holdouts = config.holdouts.iter().map(|entry| holdout(entry, &names, &mix)).collect();
    let attributes = rules.into_names();
    Snapshot { holdouts, exclusions, forced, layers, phases, points, kinds, attributes, config }
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
    layers: BTreeMap<&'a LayerId, u32>,
    phases: BTreeMap<&'a PhaseId, u32>,
    holdouts: BTreeMap<&'a HoldoutId, u32>,
    entries: &'a [PhaseEntry],
    /// The phases of each layer, in the order of the config.
    of_layer: BTreeMap<&'a LayerId, Vec<(u32, &'a PhaseEntry)>>,
    /// The holdouts of every layer: global ones first.
    global: Vec<u32>,
    scoped: BTreeMap<&'a LayerId, Vec<u32>>,
}

impl<'a> Names<'a> {
    fn of(config: &'a Config, kinds: &'a [Kind], points: &'a [Point]) -> Self {
        let mut of_layer: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (index, phase) in (0..).zip(&config.phases) {
            of_layer.entry(&phase.layer).or_default().push((index, phase));
        }
        let (mut global, mut scoped) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
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
            points: points.iter().enumerate().map(|(index, point)| (&point.name, index)).collect(),
            layers: (0..).zip(&config.layers).map(|(index, layer)| (&layer.id, index)).collect(),
            phases: (0..).zip(&config.phases).map(|(index, phase)| (&phase.id, index)).collect(),
            holdouts: (0..).zip(&config.holdouts).map(|(index, holdout)| (&holdout.id, index)).collect(),
            entries: &config.phases,
            of_layer,
            global,
            scoped,
        }
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
    // Every arm binds the same points, so the first speaks for all. Sorted by index, because that is what
    // an assignment comes with.
    let mut bound: Vec<_> = entry.arms.first().into_iter().flat_map(|arm| arm.bindings.keys()).collect();
    bound.sort_by_key(|name| names.points.get(name));
    let arms = entry.arms.iter().map(|arm| Arm {
        id: arm.arm.clone(),
        bindings: bound.iter().filter_map(|name| arm.bindings.get(*name).cloned()).collect(),
    });
    let split = (0..).zip(&entry.arms).flat_map(|(index, arm)| claims(&arm.ranges, index));
    let mode = mode(entry);
    let foreign = entry.buckets.clone().map(Foreign::new);
    let needs_nothing = targeting.is_none() && entry.prerequisites.is_empty() && foreign.is_none();
    Phase {
        key: mix.arms(&entry.experiment, entry.epoch),
        split: Table::new(split),
        plain: mode == Mode::Running && needs_nothing && !entry.sticky.reads(),
        mode,
        sticky: entry.sticky,
        epoch: entry.epoch,
        layer: names.layers.get(&entry.layer).copied().unwrap_or(crate::choice::NONE),
        foreign,
        targeting,
        prerequisites: requirements(entry, names),
        exposures: match entry.exposures {
            ExposurePolicy::Every => Exposures::Every,
            ExposurePolicy::Sampled(share) => Exposures::Sampled(mix.exposures(&entry.id), share),
            ExposurePolicy::Never => Exposures::Never,
        },
        id: entry.id.clone(),
        experiment: entry.experiment.clone(),
        points: bound.iter().filter_map(|name| names.points.get(name).copied()).collect(),
        arms: arms.collect(),
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

fn arm_index(phase: &PhaseEntry, arm: &ArmId) -> Option<u16> {
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

fn layer(entry: &LayerEntry, config: &Config, names: &Names<'_>, mix: &Xmix1, has_forced: bool) -> Layer {
    let phases = || names.of_layer.get(&entry.id).into_iter().flatten();
    let traffic = phases().filter(|(_, phase)| phase.state.holds_traffic());
    let keeps =
        |phase: &PhaseEntry| phase.sticky.reads() && matches!(mode(phase), Mode::Running | Mode::Paused);
    let sticky: Vec<_> = phases().filter(|(_, phase)| keeps(phase)).map(|(index, _)| *index).collect();
    let scoped = names.scoped.get(&entry.id).into_iter().flatten();
    let holdouts: Vec<_> = names.global.iter().chain(scoped).copied().collect();
    let nothing_before = !has_forced && config.exclusions.is_empty() && holdouts.is_empty();
    Layer {
        tag: names.tag(&entry.unit),
        key: mix.layer(&entry.id),
        traffic: Table::new(traffic.flat_map(|(index, phase)| claims(&phase.ranges, *index))),
        plain: nothing_before && sticky.is_empty() && entry.buckets.is_none(),
        has_forced,
        login: names.kinds.get(&entry.unit).map_or_else(Default::default, |kind| kind.entry.login),
        id: entry.id.clone(),
        unit: entry.unit.clone(),
        foreign: entry.buckets.clone().map(Foreign::new),
        holdouts,
        sticky,
    }
}

fn holdout(entry: &HoldoutEntry, names: &Names<'_>, mix: &Xmix1) -> Holdout {
    let compared = entry.shipped_only.iter().flat_map(|group| claims(&group.ranges, COMPARED));
    let compared_width = entry.shipped_only.as_ref().map_or(0, |group| group.ranges.width());
    let width = entry.ranges.width().saturating_add(compared_width);
    Holdout {
        tag: names.tag(&entry.unit),
        key: mix.holdout(&entry.salt),
        groups: Table::new(claims(&entry.ranges, HELD).chain(compared)),
        // The whole space moved by its own width is where it was.
        step: u64::try_from(width).unwrap_or(0),
        entry: entry.clone(),
    }
}

fn forced(config: &Config, names: &Names<'_>, phases: &[Phase]) -> Forced {
    let entries = config.forced.iter();
    entries
        .filter_map(|entry| {
            let index = *names.phases.get(&entry.phase)?;
            let phase = phases.get(index as usize)?;
            let layer = config.layers.get(phase.layer as usize)?;
            let digest = names.digest(&layer.unit, &entry.unit)?;
            let overrides = entry.overrides.iter().filter_map(|id| names.holdouts.get(id).copied()).collect();
            Some(((digest, phase.layer), ForcedArm { phase: index, arm: phase.arm(&entry.arm)?, overrides }))
        })
        .collect()
}

fn claims(ranges: &Ranges, owner: u32) -> impl Iterator<Item = (Range, u32)> {
    ranges.as_slice().iter().map(move |range| (*range, owner))
}
