//! What a choice means at a decision point.

use expt_core::{Binding, LayerId};

use super::Snapshot;
use super::table::{Exposures, Phase};
use crate::assignment::{Outcome, Served};
use crate::choice::{Choice, NONE, Verdict};
use crate::config::PhaseEntry;
use crate::ranges::border;
use crate::unit::Unit;

impl Snapshot {
    /// What the choice says at a decision point.
    pub(crate) fn outcome<'s>(&'s self, point: u32, choice: Choice) -> Outcome<'s> {
        let phase = || self.entry(choice.index());
        let holdout = || self.config.holdouts.get(choice.holdout as usize);
        let serve = |phase: &'s PhaseEntry| self.serve(phase, choice, point);
        let arm = |wrap: fn(Served<'s>) -> Outcome<'s>| {
            phase().map(|phase| serve(phase).map_or(Outcome::Unbound(&phase.id), wrap))
        };
        let outcome = match choice.verdict() {
            Verdict::Arm => arm(Outcome::Arm),
            Verdict::Shipped => arm(Outcome::Shipped),
            Verdict::Forced => arm(Outcome::Forced),
            Verdict::Holdout => holdout().map(|entry| Outcome::Holdout(&entry.id)),
            Verdict::ShippedOnly => holdout().and_then(|entry| entry.shipped_only.as_ref()).map(|group| {
                let served = phase().and_then(serve);
                Outcome::ShippedOnly { group: &group.id, served }
            }),
            Verdict::Excluded => {
                self.exclusions.get(choice.index() as usize).map(|entry| Outcome::Excluded(entry.cause))
            }
            Verdict::Paused => phase().map(|phase| Outcome::Paused(&phase.id)),
            Verdict::NotTargeted => phase().map(|phase| Outcome::NotTargeted(&phase.id)),
            Verdict::Prerequisite => phase().map(|phase| Outcome::Prerequisite(&phase.id)),
            Verdict::Unallocated => Some(Outcome::Unallocated),
            Verdict::NoLayer => None,
            Verdict::WrongUnit => {
                let layer = self.config.layers.get(choice.index() as usize);
                layer.map(|layer| Outcome::WrongUnit { expected: &layer.unit })
            }
        };
        outcome.unwrap_or(Outcome::NoLayer)
    }

    /// The arm that the choice serves at a decision point, if it serves one.
    #[inline]
    pub(crate) fn served(&self, point: u32, choice: Choice) -> Option<Served<'_>> {
        match choice.verdict() {
            Verdict::Arm | Verdict::Shipped | Verdict::Forced | Verdict::ShippedOnly => {
                self.serve(self.entry(choice.index())?, choice, point)
            }
            _ => None,
        }
    }

    /// The layer of a decision point.
    pub(crate) fn layer_id(&self, point: u32) -> Option<&LayerId> {
        let layer = self.points.get(point as usize)?.layer;
        self.config.layers.get(layer as usize).map(|layer| &layer.id)
    }

    /// Whether the exposure of an arm is logged for the unit.
    pub(crate) fn logs_exposure(&self, choice: Choice, unit: &Unit<'_>) -> bool {
        self.phase(choice.index()).is_some_and(|phase| match phase.exposures {
            Exposures::Every => true,
            Exposures::Sampled(key, share) => {
                u128::from(key.place(unit.digest)) < border(share.as_ppm().into())
            }
            Exposures::Never => false,
        })
    }

    #[inline]
    pub(super) fn phase(&self, index: u32) -> Option<&Phase> {
        self.phases.get(index as usize)
    }

    /// What the config says of a phase.
    #[inline]
    pub(super) fn entry(&self, index: u32) -> Option<&PhaseEntry> {
        self.config.phases.get(index as usize)
    }

    /// The chosen arm with its binding for the decision point, if it has one.
    #[inline]
    fn serve<'s>(&'s self, phase: &'s PhaseEntry, choice: Choice, point: u32) -> Option<Served<'s>> {
        let binding = self.binding(point, choice)?;
        let arm = phase.arms.get(usize::from(choice.arm_index()))?;
        Some(Served {
            experiment: &phase.experiment,
            phase: &phase.id,
            arm: &arm.arm,
            epoch: phase.epoch,
            binding,
            stuck: choice.stuck(),
        })
    }

    /// What the chosen arm binds the decision point to. The choice serves one.
    #[inline]
    pub(crate) fn binding(&self, point: u32, choice: Choice) -> Option<&Binding> {
        let quick = self.quick_phases.get(choice.index() as usize)?;
        if quick.sole_point == point {
            return self.bindings.get(quick.bindings as usize + usize::from(choice.arm_index()));
        }
        if quick.sole_point == NONE { self.binding_by_name(point, choice) } else { None }
    }

    #[inline(never)]
    fn binding_by_name(&self, point: u32, choice: Choice) -> Option<&Binding> {
        let arm = self.entry(choice.index())?.arms.get(usize::from(choice.arm_index()))?;
        arm.bindings.get(&self.points.get(point as usize)?.name)
    }
}
