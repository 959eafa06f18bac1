//! What a change does to a phase, and what it would have to do at least.

use std::collections::{BTreeMap, BTreeSet};

use expt_core::{ExperimentId, LayerId, PhaseId};

use super::flow::{ArmChange, arm_changes};
use super::flows::{Cells, LayerPair, arms, traffic};
use super::portion::Portion;
use super::space::{Claims, Owner, joint};
use crate::config::{Config, PhaseEntry, PhaseState};

/// What a change does to a phase.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhaseChange {
    /// The phase.
    pub phase: PhaseId,
    /// The phase that it takes over from: one of the same experiment and epoch that ends with the change, as
    /// a test does when its rollout begins.
    pub succeeds: Option<PhaseId>,
    /// Its experiment.
    pub experiment: ExperimentId,
    /// Its layer.
    pub layer: LayerId,
    /// How it stands before; of the phase that it takes over from, if there is one.
    pub before: Option<Standing>,
    /// How it will stand.
    pub after: Option<Standing>,
    /// Units that enter, leave, or get another arm, as a share of those in no holdout.
    pub moved: Portion,
    /// The least that any layout of ranges with these shares moves, without another epoch.
    pub minimum: Portion,
    /// Whether sticky records hold units. The shares are of units without a record; those that have one keep
    /// their arm while the phase is running or paused.
    pub sticky: bool,
    /// What happens to the units of each arm, as shares of all units of the layer, holdouts and all.
    pub arms: Vec<ArmChange<Portion>>,
}

/// How a phase stands in one config.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// Its state.
    pub state: PhaseState,
    /// Its epoch.
    pub epoch: u32,
    /// Its share of the places of the layer, if it holds traffic.
    pub traffic: Portion,
}

impl PhaseChange {
    /// By how much it moves more than it must: [`resize`](super::resize) and [`ramp`](super::ramp) have none.
    #[must_use]
    pub fn excess(&self) -> Portion {
        self.moved.minus(self.minimum)
    }
}

/// The phases of a layer that hold traffic before or after.
pub(super) fn changes(pair: LayerPair<'_>, cells: &Cells, old: &Config, wanted: &Config) -> Vec<PhaseChange> {
    let holding = |config: &Config| -> Vec<u32> {
        let phases = (0..).zip(&config.phases);
        let here = phases.filter(|(_, phase)| phase.layer == *pair.id && phase.state.holds_traffic());
        here.map(|(index, _)| index).collect()
    };
    let before = pair.old.map(|_| holding(old)).unwrap_or_default();
    let after = pair.new.map(|_| holding(wanted)).unwrap_or_default();
    let mut matched: BTreeSet<u32> = BTreeSet::new();
    let mut pairs = Vec::new();
    for index in &after {
        let Some(new) = wanted.phases.get(*index as usize) else { continue };
        let found = predecessor(new, &before, &after, old, wanted).filter(|had| matched.insert(*had));
        pairs.push((found, Some(*index)));
    }
    pairs.extend(before.iter().filter(|had| !matched.contains(had)).map(|had| (Some(*had), None)));
    let layer = joint(&traffic(old, pair.old), &traffic(wanted, pair.new));
    let change = |(had, has): (Owner, Owner)| {
        let entry = |config: &'_ Config, index: Option<u32>| {
            index.and_then(|index| config.phases.get(index as usize).cloned())
        };
        let (one, two) = (entry(old, had), entry(wanted, has));
        let named = two.as_ref().or(one.as_ref())?.clone();
        let of = |index: Owner, side: fn(&(Owner, Owner)) -> Owner| {
            let pieces = layer.iter().filter(|(owners, _)| index.is_some() && side(owners) == index);
            pieces.map(|(_, share)| *share).sum::<Portion>()
        };
        let (was, is) = (of(had, |owners| owners.0), of(has, |owners| owners.1));
        let both = had.and(has).and_then(|_| layer.get(&(had, has))).copied().unwrap_or_default();
        let (same_arm, could_be) = match (&one, &two) {
            (Some(one), Some(two)) => kept_arms(old, one, wanted, two),
            _ => Default::default(),
        };
        let moved = |both: Portion, kept: Portion| {
            was.minus(both).plus(is.minus(both)).plus(both.times(Portion::ALL.minus(kept)))
        };
        let standing =
            |phase: PhaseEntry, traffic| Standing { state: phase.state, epoch: phase.epoch, traffic };
        let succeeds = one.as_ref().map(|one| one.id.clone()).filter(|id| *id != named.id);
        let sticky = [&one, &two].into_iter().flatten().any(|phase| phase.sticky.reads());
        let ids = (one.as_ref().map(|one| &one.id), two.as_ref().map(|two| &two.id));
        let arms = arm_changes(cells, (old, ids.0), (wanted, ids.1));
        Some(PhaseChange {
            phase: named.id.clone(),
            succeeds,
            experiment: named.experiment.clone(),
            layer: pair.id.clone(),
            before: one.map(|phase| standing(phase, was)),
            after: two.map(|phase| standing(phase, is)),
            moved: moved(both, same_arm),
            minimum: moved(was.min(is), could_be),
            sticky,
            arms,
        })
    };
    pairs.into_iter().filter_map(change).collect()
}

/// The same phase before or, if it is new, the one of its experiment and epoch that ends.
fn predecessor(
    new: &PhaseEntry,
    before: &[u32],
    after: &[u32],
    old: &Config,
    wanted: &Config,
) -> Option<u32> {
    let had = |index: &u32| old.phases.get(*index as usize);
    let same = before.iter().find(|index| had(index).is_some_and(|phase| phase.id == new.id));
    let goes_on = |phase: &PhaseEntry| {
        after.iter().any(|index| wanted.phases.get(*index as usize).is_some_and(|other| other.id == phase.id))
    };
    let ends = |index: &&u32| {
        had(index).is_some_and(|phase| {
            phase.experiment == new.experiment && phase.epoch == new.epoch && !goes_on(phase)
        })
    };
    same.or_else(|| before.iter().find(ends)).copied()
}

/// The share of the units of a phase that keep their arm, as it is and as it could be.
fn kept_arms(old: &Config, one: &PhaseEntry, wanted: &Config, two: &PhaseEntry) -> (Portion, Portion) {
    let (before, after) = (arms(old, Some(one)), arms(wanted, Some(two)));
    // A paused phase lets nobody in, and then nobody changes arms.
    if matches!(before, Claims::One(None)) || matches!(after, Claims::One(None)) {
        let same = matches!((before, after), (Claims::One(None), Claims::One(None)));
        let kept = if same { Portion::ALL } else { Portion::NONE };
        return (kept, kept);
    }
    let name = |phase: &PhaseEntry, arm: Option<u32>| {
        arm.and_then(|arm| phase.arms.get(arm as usize)).map(|arm| arm.arm.clone())
    };
    let (mut was, mut is) = (BTreeMap::<_, Portion>::new(), BTreeMap::<_, Portion>::new());
    let mut kept = Portion::NONE;
    for ((had, gets), share) in joint(&before, &after) {
        let (had, gets) = (name(one, had), name(two, gets));
        if had == gets {
            kept = kept.plus(share);
        }
        let sides = [(&mut was, had), (&mut is, gets)];
        for (side, arm) in sides {
            let sum = side.entry(arm).or_default();
            *sum = sum.plus(share);
        }
    }
    let could_be = was.iter().filter_map(|(arm, share)| is.get(arm).map(|other| *share.min(other))).sum();
    (kept, could_be)
}
