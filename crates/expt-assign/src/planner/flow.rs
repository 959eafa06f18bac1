//! Tables of movement, in shares or in counted units.

use std::collections::{BTreeMap, BTreeSet};

use expt_core::{ArmId, LayerId, PhaseId, UnitKind};

use super::movement::{Gets, Got, Move, arm_of, classify};
use super::portion::Portion;
use crate::config::Config;

/// Units that had one thing and get another, or the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flow<N> {
    /// What they had.
    pub from: Gets,
    /// What they get.
    pub to: Gets,
    /// What that means for them.
    pub movement: Move,
    /// How many: a [`Portion`] of all units that fit, or a counted number.
    pub amount: N,
}

/// Everything that happens in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerFlows<N> {
    /// The layer.
    pub layer: LayerId,
    /// What it randomises. A layer that randomises other units than before is listed twice: it ends for the
    /// ones and begins for the others.
    pub unit: UnitKind,
    /// Who goes where: each pair once, those who stay as well.
    pub flows: Vec<Flow<N>>,
}

impl<N: Amount> LayerFlows<N> {
    pub(super) fn new(
        (layer, unit): (&LayerId, &UnitKind),
        cells: &BTreeMap<(Got, Got), N>,
        old: &Config,
        wanted: &Config,
    ) -> Self {
        let flows = cells.iter().map(|((had, gets), amount)| Flow {
            from: had.named(old),
            to: gets.named(wanted),
            movement: classify(old, wanted, *had, *gets),
            amount: *amount,
        });
        Self { layer: layer.clone(), unit: unit.clone(), flows: flows.collect() }
    }

    /// How many make this movement, in all.
    #[must_use]
    pub fn of(&self, movement: Move) -> N {
        let flows = self.flows.iter().filter(|flow| flow.movement == movement);
        flows.fold(N::default(), |sum, flow| sum.and(flow.amount))
    }

    /// How many had the one and get the other.
    #[must_use]
    pub fn between(&self, from: &Gets, to: &Gets) -> N {
        let flows = self.flows.iter().filter(|flow| flow.from == *from && flow.to == *to);
        flows.fold(N::default(), |sum, flow| sum.and(flow.amount))
    }
}

/// What happens to the units of one arm.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArmChange<N> {
    /// The arm.
    pub arm: ArmId,
    /// Units that have it before.
    pub before: N,
    /// Units that have it after.
    pub after: N,
    /// Those that have it before and after.
    pub stays: N,
    /// Those that had no arm of the experiment.
    pub enters: N,
    /// Those that get no arm of the experiment any more.
    pub leaves: N,
    /// Those that had another arm of the experiment.
    pub switches_in: N,
    /// Those that get another arm of the experiment.
    pub switches_out: N,
}

impl<N: Amount> ArmChange<N> {
    fn new(arm: &ArmId) -> Self {
        let none = N::default();
        Self {
            arm: arm.clone(),
            before: none,
            after: none,
            stays: none,
            enters: none,
            leaves: none,
            switches_in: none,
            switches_out: none,
        }
    }
}

/// What happens to the units of the arms of a phase, which may have had another name before. In the order of the
/// old config, then those that are new.
pub(super) fn arm_changes<N: Amount>(
    cells: &BTreeMap<(Got, Got), N>,
    (old, before): (&Config, Option<&PhaseId>),
    (wanted, after): (&Config, Option<&PhaseId>),
) -> Vec<ArmChange<N>> {
    let entry = |config: &'_ Config, id: Option<&PhaseId>| -> Vec<ArmId> {
        let phase = config.phases.iter().find(|phase| Some(&phase.id) == id);
        phase.into_iter().flat_map(|phase| &phase.arms).map(|entry| entry.arm.clone()).collect()
    };
    let (mut names, new) = (entry(old, before), entry(wanted, after));
    let known: BTreeSet<ArmId> = names.iter().cloned().collect();
    names.extend(new.into_iter().filter(|arm| !known.contains(arm)));
    let index: BTreeMap<&ArmId, usize> = names.iter().enumerate().map(|(index, arm)| (arm, index)).collect();
    let mut arms: Vec<ArmChange<N>> = names.iter().map(ArmChange::new).collect();
    for ((had, gets), amount) in cells {
        // What is given by name is in no experiment.
        let served = |config, got| match got {
            Got::Forced(..) => None,
            got => arm_of(config, got),
        };
        let (had, gets) = (served(old, *had), served(wanted, *gets));
        let related = had
            .zip(gets)
            .is_some_and(|((one, _), (two, _))| one.experiment == two.experiment || one.id == two.id);
        let same = related && had.zip(gets).is_some_and(|((_, one), (_, two))| one.arm == two.arm);
        let mut change = |arm: &ArmId, update: &dyn Fn(&mut ArmChange<N>)| {
            if let Some(change) = index.get(arm).and_then(|index| arms.get_mut(*index)) {
                update(change);
            }
        };
        let ours_before = had.filter(|(phase, _)| Some(&phase.id) == before);
        let ours_after = gets.filter(|(phase, _)| Some(&phase.id) == after);
        if let Some((_, arm)) = ours_before {
            change(&arm.arm, &|change| {
                change.before = change.before.and(*amount);
                let slot = match (same, related) {
                    (true, _) => &mut change.stays,
                    (_, true) => &mut change.switches_out,
                    _ => &mut change.leaves,
                };
                *slot = slot.and(*amount);
            });
        }
        if let Some((_, arm)) = ours_after {
            change(&arm.arm, &|change| {
                change.after = change.after.and(*amount);
                let slot = match (same, related) {
                    // Counted above already.
                    (true, _) if ours_before.is_some() => return,
                    (true, _) => &mut change.stays,
                    (_, true) => &mut change.switches_in,
                    _ => &mut change.enters,
                };
                *slot = slot.and(*amount);
            });
        }
    }
    arms
}

/// What can be added up.
pub trait Amount: Copy + Default + sealed::Sealed {
    /// Both together.
    #[must_use]
    fn and(self, other: Self) -> Self;
}

impl Amount for Portion {
    fn and(self, other: Self) -> Self {
        self.plus(other)
    }
}

impl Amount for u64 {
    fn and(self, other: Self) -> Self {
        self.saturating_add(other)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Portion {}
    impl Sealed for u64 {}
}
