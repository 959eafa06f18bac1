//! From the rules of a flag to layers and phases.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use expt_core::{
    ArmId, Binding, CoreError, DecisionPoint, ExperimentId, LayerId, PhaseId, Timestamp, UnitKind,
};

use serde_json::Value;

use super::logic::{Size, size};
use super::part::{Gate, Kind, Part};
use super::{ALWAYS, Import, ImportOptions, Imported, LeftOut, Refused, Said, VALUE, param};
use crate::config::{
    ArmEntry, Buckets, Config, ExposurePolicy, LayerEntry, PhaseEntry, PhaseState, UnitEntry,
};
use crate::error::Result;
use crate::ranges::Ranges;
use crate::snapshot::Snapshot;

/// Makes a config, flag by flag.
pub(in crate::compat) struct Builder<'a> {
    options: &'a ImportOptions<'a>,
    remedy: &'static str,
    import: Import,
    /// Names that flags have, or that were made for their rules.
    taken: BTreeSet<String>,
    /// The last epoch of each experiment. One with phases in several layers has an epoch for each.
    epochs: BTreeMap<ExperimentId, u32>,
    size: Size,
}

/// A flag on its way into the config.
struct Flag {
    config: Config,
    points: Vec<(DecisionPoint, UnitKind)>,
    /// Who must be let in, with the phase that lets them in.
    gates: Vec<(UnitKind, Gate, PhaseId)>,
}

impl<'a> Builder<'a> {
    /// `names` are those of all flags, whether or not they can be imported.
    pub(in crate::compat) fn new<'n>(
        options: &'a ImportOptions<'a>,
        remedy: &'static str,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<Self> {
        let config = empty(options);
        Snapshot::compile(config.clone())?;
        let import = Import { config, flags: BTreeMap::new(), left_out: Vec::new(), valid_until: None };
        let taken = names.into_iter().map(str::to_owned).collect();
        Ok(Self { options, remedy, import, taken, epochs: BTreeMap::new(), size: Size::default() })
    }

    /// Adds a flag, or says why not.
    pub(in crate::compat) fn flag(&mut self, key: &str, parts: Said<Vec<Part>>, default: Option<&Value>) {
        let added = parts.and_then(|parts| self.add(key, parts, default));
        if let Err(Refused { path, value, problem }) = added {
            let remedy = self.remedy;
            self.import.left_out.push(LeftOut { flag: key.to_owned(), path, value, problem, remedy });
        }
    }

    /// Says that the flags change at a time, if that is still to come.
    pub(in crate::compat) fn changes_at(&mut self, time: Timestamp) {
        if time > self.options.now {
            let known = self.import.valid_until;
            self.import.valid_until = Some(known.map_or(time, |known| known.min(time)));
        }
    }

    pub(in crate::compat) fn finish(self) -> Result<Import> {
        Snapshot::compile(self.import.config.clone())?;
        Ok(self.import)
    }

    fn add(&mut self, key: &str, mut parts: Vec<Part>, default: Option<&Value>) -> Said<()> {
        parts.retain(|part| !part.is_empty());
        while parts.pop_if(|last| gives(last, default)).is_some() {}
        if parts.len() > MOST_RULES {
            let problem = format!("is how many rules it has, and at most {MOST_RULES} are imported");
            return Err(Refused::new(key, parts.len(), problem));
        }
        let size = parts.iter().map(|part| size(&part.when)).fold(self.size, Size::plus);
        if let Some(problem) = size.excess() {
            return Err(Refused::new(key, "its conditions", problem));
        }
        let mut flag = Flag { config: empty(self.options), points: Vec::new(), gates: Vec::new() };
        for part in &parts {
            self.part(key, part, &mut flag)?;
        }
        if let Err(faults) = Snapshot::compile(flag.config.clone()) {
            return Err(Refused::new(key, "this flag", format!("does not compile: {faults}")));
        }
        self.size = size;
        let known = &mut self.import.config;
        for unit in flag.config.units {
            add_unit(known, unit);
        }
        known.layers.append(&mut flag.config.layers);
        known.phases.append(&mut flag.config.phases);
        self.import
            .flags
            .insert(key.to_owned(), Imported { points: flag.points, default: default.map(param) });
        Ok(())
    }

    /// Makes a layer with one phase of a rule.
    fn part(&mut self, key: &str, part: &Part, flag: &mut Flag) -> Said<()> {
        let kind: UnitKind = named(part, &part.attribute)?;
        add_unit(&mut flag.config, UnitEntry::new(kind.clone(), part.attribute.as_str()));
        let name =
            if flag.points.is_empty() { key.to_owned() } else { self.free(key, flag.points.len() + 1) };
        let point: DecisionPoint = named(part, &name)?;
        // The layer has the buckets that split, so that it needs no gate of its own for its coverage.
        let is_own = |gate: &&Gate| part.split.as_ref().is_none_or(|split| *split == gate.buckets);
        let own = part.gates.iter().find(is_own);
        let experiment = named(part, &part.experiment)?;
        let phase = self.phase(part, &experiment, &point, own)?;
        let others = part.gates.iter().filter(|gate| own != Some(*gate));
        let mut entry = phase.with_exposures(match part.kind {
            Kind::Experiment { logged: false } => ExposurePolicy::Never,
            _ => ExposurePolicy::Every,
        });
        for gate in others {
            entry = entry.with_prerequisite(self.gate(key, part, gate, &kind, flag)?, []);
        }
        let is_split = part.split.is_some();
        for arm in &part.arms {
            let ranges = match &part.split {
                Some(split) => arm.spans.ranges(split),
                None => Ranges::all(),
            };
            let params = Binding::Params([(VALUE.to_owned(), param(&arm.value))].into());
            let id: ArmId = named(part, &arm.name)?;
            if !is_split || part.arms.len() == 1 {
                entry = entry.with_state(PhaseState::Shipped { arm: id.clone() });
            }
            entry = entry.with_arm(ArmEntry::new(id, ranges).with_binding(point.clone(), params));
        }
        entry.buckets.clone_from(&part.split);
        if part.when != ALWAYS {
            entry = entry.with_targeting(part.when.clone());
        }
        flag.config.layers.push(layer(&entry.layer, &kind, &point, own.map(|gate| &gate.buckets)));
        flag.config.phases.push(entry);
        flag.points.push((point, kind));
        Ok(())
    }

    /// A running phase without arms. It, its layer and its decision point have the same name, which nothing else has.
    fn phase(
        &mut self,
        part: &Part,
        experiment: &ExperimentId,
        point: &DecisionPoint,
        gate: Option<&Gate>,
    ) -> Said<PhaseEntry> {
        let id: PhaseId = named(part, point.as_str())?;
        let layer: LayerId = named(part, point.as_str())?;
        let epoch = self.epochs.entry(experiment.clone()).or_insert(0);
        *epoch += 1;
        let plan = self.options.plan(experiment, &id);
        let ranges = gate.map_or_else(Ranges::all, |gate| gate.spans.ranges(&gate.buckets));
        Ok(PhaseEntry::new(id, experiment.clone(), layer, plan)
            .with_epoch(*epoch)
            .with_state(PhaseState::Running)
            .with_ranges(ranges))
    }

    /// The phase that lets in the units in some buckets, and has no other purpose.
    fn gate(
        &mut self,
        key: &str,
        part: &Part,
        gate: &Gate,
        kind: &UnitKind,
        flag: &mut Flag,
    ) -> Said<PhaseId> {
        let same = |(of, known, _): &&(UnitKind, Gate, PhaseId)| of == kind && known == gate;
        if let Some((.., phase)) = flag.gates.iter().find(same) {
            return Ok(phase.clone());
        }
        let point: DecisionPoint = named(part, &self.free(&format!("{key}/gate"), flag.gates.len() + 1))?;
        let arm: ArmId = named(part, "in")?;
        let entry = self
            .phase(part, &named(part, GATES)?, &point, Some(gate))?
            .with_state(PhaseState::Shipped { arm: arm.clone() })
            .with_arm(
                ArmEntry::new(arm, Ranges::all())
                    .with_binding(point.clone(), Binding::Params(BTreeMap::new())),
            );
        flag.config.layers.push(layer(&entry.layer, kind, &point, Some(&gate.buckets)));
        let id = entry.id.clone();
        flag.config.phases.push(entry);
        flag.gates.push((kind.clone(), gate.clone(), id.clone()));
        Ok(id)
    }

    /// A name that nothing has yet.
    fn free(&mut self, key: &str, from: usize) -> String {
        let name = (from..).map(|number| format!("{key}#{number}")).find(|name| !self.taken.contains(name));
        let name = name.unwrap_or_default();
        self.taken.insert(name.clone());
        name
    }
}

/// A config without flags. A config must randomise something, and both products hash `id` unless told otherwise.
fn empty(options: &ImportOptions<'_>) -> Config {
    let kind = UnitKind::of_checked("id");
    Config::new(options.project.as_str(), options.key.as_str(), options.version)
        .with_unit(UnitEntry::new(kind, "id"))
}

fn layer(id: &LayerId, kind: &UnitKind, point: &DecisionPoint, buckets: Option<&Buckets>) -> LayerEntry {
    let mut entry = LayerEntry::new(id.clone(), kind.clone(), [point.clone()]);
    entry.buckets = buckets.cloned();
    entry
}

fn add_unit(config: &mut Config, unit: UnitEntry) {
    if config.units.iter().all(|known| known.kind != unit.kind) {
        config.units.push(unit);
    }
}

/// Whether a rule gives what the flag gives without it.
fn gives(part: &Part, default: Option<&Value>) -> bool {
    part.kind == Kind::Rollout && part.arms.first().map(|arm| &arm.value) == default
}

fn named<'n, N: TryFrom<&'n str, Error = CoreError>>(part: &Part, name: &'n str) -> Said<N> {
    N::try_from(name)
        .map_err(|error| Refused::new(&*part.path, quoted(name), format!("is no name here: {error}")))
}

fn quoted(text: impl fmt::Display) -> String {
    format!("\"{text}\"")
}

/// More rules than a flag has.
const MOST_RULES: usize = 1_000;

/// The experiment of the phases that only let units in.
const GATES: &str = "gates";
