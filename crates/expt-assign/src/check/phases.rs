//! Phases and arms, each by itself.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use expt_core::{Binding, DecisionPoint, Digest, ParamValue, Share};

use super::{Names, check_buckets, listed, quoted, require_unique};
use crate::config::{ArmEntry, Config, ExposurePolicy, PhaseEntry, PhaseState};
use crate::fault::{FaultKind, Found};
use crate::ranges::sweep;

pub(super) fn check(config: &Config, names: &Names<'_>, found: &mut Found) {
    if names.phases.len() < config.phases.len() {
        require_unique(found, config.phases.iter().map(|phase| &phase.id), |i| format!("phases[{i}].id"));
    }
    let mut plans = HashMap::with_capacity(config.phases.len());
    for (i, phase) in config.phases.iter().enumerate() {
        let path = Path { phase: i, arm: None };
        names.require_layer(found, || format!("{path}.layer"), &phase.layer);
        check_plan(phase, path, &mut plans, found);
        check_state(phase, path, found);
        check_arms(phase, path, found);
        check_buckets(phase.buckets.as_ref(), || format!("{path}.buckets"), found);
        if phase.exposures == ExposurePolicy::Sampled(Share::NONE) {
            let remedy = "sample a share above 0, or say Never";
            found.add(FaultKind::Empty, format!("{path}.exposures"), "0 %", "logs nothing", remedy);
        }
        if let Some(layer) = names.layers.get(&phase.layer) {
            // A few points are compared as they stand; many are not compared with many.
            let few = layer.decision_points.len() <= 8;
            let set: HashSet<_> = layer.decision_points.iter().filter(|_| !few).collect();
            let owns = |point: &DecisionPoint| {
                if few { layer.decision_points.contains(point) } else { set.contains(point) }
            };
            for (j, arm) in phase.arms.iter().enumerate() {
                check_owned(arm, owns, path.of_arm(j), found);
            }
        }
    }
}

fn check_plan<'a>(
    phase: &'a PhaseEntry,
    path: Path,
    plans: &mut HashMap<Digest, &'a PhaseEntry>,
    found: &mut Found,
) {
    let Some(plan) = phase.plan else {
        let problem = format!("is missing: phase {} was not planned", quoted(&phase.id));
        let remedy = "seal its plan and give the digest (PhaseEntry::from_plan)";
        return found.add(FaultKind::NoPlan, format!("{path}.plan"), "null", problem, remedy);
    };
    let owner = *plans.entry(plan).or_insert(phase);
    if owner.id != phase.id {
        let problem = format!("is the plan of phase {}", quoted(&owner.id));
        let remedy = "give each phase the digest of its own plan";
        found.add(FaultKind::Duplicate, format!("{path}.plan"), plan.short(), problem, remedy);
    }
}

fn check_state(phase: &PhaseEntry, path: Path, found: &mut Found) {
    match &phase.state {
        PhaseState::PausedIntake if !phase.sticky.reads() => {
            let problem = "keeps nobody, because the phase is not sticky";
            let remedy = "turn sticky on before pausing, or stop the phase";
            found.add(FaultKind::State, format!("{path}.state"), "PausedIntake", problem, remedy);
        }
        PhaseState::Shipped { arm } if phase.arms.iter().all(|entry| entry.arm != *arm) => {
            let problem = format!("is no arm of phase {}", quoted(&phase.id));
            let remedy = "ship one of its arms";
            found.add(FaultKind::Dangling, format!("{path}.state"), quoted(arm), problem, remedy);
        }
        _ => {}
    }
}

fn check_arms(phase: &PhaseEntry, path: Path, found: &mut Found) {
    if phase.arms.is_empty() {
        let remedy = "give the arms of the plan (PhaseEntry::from_plan)";
        return found.add(FaultKind::Empty, format!("{path}.arms"), "[]", "gives nobody anything", remedy);
    }
    if phase.arms.len() > MAX_ARMS {
        let problem = format!("are more arms than the {MAX_ARMS} that a phase may have");
        return found.add(
            FaultKind::TooLarge,
            format!("{path}.arms"),
            phase.arms.len(),
            problem,
            "give fewer",
        );
    }
    require_unique(found, phase.arms.iter().map(|arm| &arm.arm), |j| format!("{path}.arms[{j}].arm"));
    let same = phase.arms.windows(2).all(|pair| match pair {
        [one, next] => one.bindings.keys().eq(next.bindings.keys()),
        _ => true,
    });
    let all: BTreeSet<_> = if same {
        phase.arms.first().into_iter().flat_map(|arm| arm.bindings.keys()).collect()
    } else {
        phase.arms.iter().flat_map(|arm| arm.bindings.keys()).collect()
    };
    for (j, arm) in phase.arms.iter().enumerate() {
        let path = path.of_arm(j);
        check_bindings(arm, &all, path, found);
        if arm.ranges.is_empty() {
            let problem = format!("gives arm {} to nobody", quoted(&arm.arm));
            let remedy = "give it places, or remove the arm";
            found.add(FaultKind::Empty, format!("{path}.ranges"), "[]", problem, remedy);
        }
    }
    check_cover(phase, path, found);
}

/// The arms cover every place once.
fn check_cover(phase: &PhaseEntry, path: Path, found: &mut Found) {
    let claims = phase.arms.iter().enumerate();
    let places =
        sweep(claims.flat_map(|(j, arm)| arm.ranges.as_slice().iter().map(move |r| (*r, j))).collect());
    for (common, had, wants) in places.overlaps {
        let had = phase.arms.get(had).map_or(String::new(), |arm| quoted(&arm.arm));
        found.add(
            FaultKind::Overlap,
            format!("{path}.arms[{wants}].ranges"),
            common,
            format!("already belongs to arm {had}"),
            "give each place to one arm (Ranges::split)",
        );
    }
    if !places.gaps.is_empty() {
        found.add(
            FaultKind::Uncovered,
            format!("{path}.arms"),
            listed(&places.gaps),
            "belongs to no arm",
            "give every place to an arm (Ranges::split with shares that add up to 100 %)",
        );
    }
}

fn check_bindings(arm: &ArmEntry, all: &BTreeSet<&DecisionPoint>, path: Path, found: &mut Found) {
    if all.is_empty() {
        let remedy = "bind a decision point of the layer";
        return found.add(FaultKind::Empty, format!("{path}.bindings"), "{}", "changes nothing", remedy);
    }
    // An arm has so few of its points missing, or another mistake; and looking for all would take arms times points.
    let missing = all.iter().filter(|point| !arm.bindings.contains_key(**point)).take(MAX_MISSING);
    for missing in missing {
        let problem = format!("is bound by other arms, but not by arm {}", quoted(&arm.arm));
        let remedy = "bind the same decision points in every arm, the control too";
        found.add(FaultKind::BindingsDiffer, format!("{path}.bindings"), quoted(missing), problem, remedy);
    }
    for (point, binding) in &arm.bindings {
        let Binding::Params(params) = binding else { continue };
        for (name, value) in params {
            if matches!(value, ParamValue::Float(number) if !number.is_finite()) {
                let path = format!("{path}.bindings[{}][{}]", quoted(point), quoted(name));
                found.add(FaultKind::NotFinite, path, value, "is not finite", "give a finite number");
            }
        }
    }
}

fn check_owned(arm: &ArmEntry, owns: impl Fn(&DecisionPoint) -> bool, path: Path, found: &mut Found) {
    for point in arm.bindings.keys().filter(|point| !owns(point)) {
        found.add(
            FaultKind::PointNotOwned,
            format!("{path}.bindings"),
            quoted(point),
            "is no decision point of the layer of the phase",
            "bind what the layer lists, or move the phase to the layer that lists it",
        );
    }
}

/// Where a phase or one of its arms stands; text only where there is a fault.
#[derive(Clone, Copy)]
struct Path {
    phase: usize,
    arm: Option<usize>,
}

impl Path {
    const fn of_arm(self, arm: usize) -> Self {
        Self { arm: Some(arm), ..self }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "phases[{}]", self.phase)?;
        self.arm.map_or(Ok(()), |arm| write!(f, ".arms[{arm}]"))
    }
}

/// An arm is a `u16` in what is compiled.
const MAX_ARMS: usize = 10_000;

/// How many missing bindings of one arm are reported.
const MAX_MISSING: usize = 8;
