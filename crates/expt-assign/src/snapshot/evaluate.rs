//! The one evaluation, with and without a trace.

use expt_core::Identity;

use super::Snapshot;
use super::compile::arm_index;
use super::table::{COMPARED, HELD, Layer, Mode, Phase, QuickLayer};
use crate::assignment::Stuck;
use crate::choice::{Choice, NONE, Verdict};
use crate::config::{LoginRule, Stickiness};
use crate::context::Context;
use crate::explain::{Place, Stage, Step, Trace};
use crate::mix::UnitDigest;
use crate::sticky::StickyRecord;
use crate::unit::Unit;

impl Snapshot {
    /// What a unit gets in a layer where nothing but its places decides: the path that must be quick. `None`
    /// where something else decides as well.
    #[inline]
    pub(super) fn choose_plainly(&self, layer: &QuickLayer, unit: &Unit<'_>) -> Option<Choice> {
        if !layer.plain || layer.tag != unit.tag {
            return None;
        }
        let owner = if layer.sole == NONE {
            layer.traffic.short_owner(layer.key.place(unit.digest))
        } else {
            layer.sole
        };
        let Some(phase) = self.quick_phases.get(owner as usize) else {
            return Some(Choice::of(Verdict::Unallocated, NONE));
        };
        if !phase.plain {
            return None;
        }
        // The arms cover every place, so there is always an owner; it was a `u16` before.
        #[allow(clippy::cast_possible_truncation, reason = "compiled from a u16")]
        let arm = phase.split.short_owner(phase.key.place(unit.digest)) as u16;
        Some(Choice::arm(Verdict::Arm, owner, arm, Stuck::Off))
    }

    /// Says what a unit gets in a layer. The order of the steps is documented on [`Snapshot`].
    #[inline]
    pub(super) fn choose(&self, index: u32, unit: &Unit<'_>, context: &Context<'_>) -> Choice {
        let layer = self.quick_layers.get(index as usize);
        match layer.and_then(|layer| self.choose_plainly(layer, unit)) {
            Some(choice) => choice,
            None => self.choose_fully(index, unit, context, &mut ()),
        }
    }

    /// Says what a unit gets in a layer, whatever stands in the way, and tells the trace why.
    pub(super) fn choose_fully(
        &self,
        index: u32,
        unit: &Unit<'_>,
        context: &Context<'_>,
        trace: &mut impl Trace,
    ) -> Choice {
        let found = self.layers.get(index as usize).zip(self.quick_layers.get(index as usize));
        let Some(((layer, quick), entry)) = found.zip(self.config.layers.get(index as usize)) else {
            return Choice::of(Verdict::NoLayer, 0);
        };
        if quick.tag != unit.tag {
            trace.step(|| {
                let wants = format!("layer {:?} randomises units of kind {:?}", entry.id, entry.unit);
                Step::new(Stage::Layer, format!("{wants} of this project, and this unit is none"))
            });
            return Choice::of(Verdict::WrongUnit, index);
        }
        if let Some(choice) = self.forced(index, layer, unit, context, trace) {
            return choice;
        }
        if let Some(choice) = self.excluded(unit, context, trace) {
            return choice;
        }
        let compared = match self.held_out(layer, unit, context, &[], trace) {
            Held::By(holdout) => return Choice::of(Verdict::Holdout, NONE).with_holdout(holdout),
            Held::ComparedBy(holdout) => Some(holdout),
            Held::Not => None,
        };
        if compared.is_none()
            && let Some(choice) = self.kept(layer, unit, context, trace)
        {
            return choice;
        }
        let place = match &layer.foreign {
            Some(foreign) => foreign.place(&unit.id),
            None => quick.key.place(unit.digest),
        };
        let owner = quick.traffic.owner(place);
        let phase = self.phase(owner);
        trace.step(|| {
            let owner =
                self.entry(owner).map_or("no phase".to_owned(), |phase| format!("phase {:?}", phase.id));
            let text = format!("place {} of layer {:?} belongs to {owner}", Place(place), entry.id);
            Step::new(Stage::Layer, text)
        });
        let chosen = match phase {
            Some(phase) => self.enter(owner, phase, unit, context, trace),
            None => Choice::of(Verdict::Unallocated, NONE),
        };
        let Some(holdout) = compared else { return chosen };
        match chosen.verdict() {
            Verdict::Shipped => chosen.with_verdict(Verdict::ShippedOnly).with_holdout(holdout),
            _ => {
                trace.step(|| Step::new(Stage::Holdout, "nothing has been shipped here for it"));
                Choice::of(Verdict::ShippedOnly, NONE).with_holdout(holdout)
            }
        }
    }

    fn forced(
        &self,
        index: u32,
        layer: &Layer,
        unit: &Unit<'_>,
        context: &Context<'_>,
        trace: &mut impl Trace,
    ) -> Option<Choice> {
        let entry = if layer.has_forced { self.forced.get(&(unit.digest, index)) } else { None };
        let Some(entry) = entry else {
            trace.step(|| Step::new(Stage::Forced, "not listed in this layer"));
            return None;
        };
        trace.step(|| {
            Step::new(Stage::Forced, format!("listed for {}", self.name_of(entry.phase, entry.arm)))
        });
        // A holdout that holds the unit only at times cannot be found when the config is compiled.
        if let Held::By(holdout) = self.held_out(layer, unit, context, &entry.overrides, trace) {
            return Some(Choice::of(Verdict::Holdout, NONE).with_holdout(holdout));
        }
        Some(Choice::arm(Verdict::Forced, entry.phase, entry.arm, Stuck::Off))
    }

    fn excluded(&self, unit: &Unit<'_>, context: &Context<'_>, trace: &mut impl Trace) -> Option<Choice> {
        for (index, exclusion) in (0..).zip(&self.exclusions) {
            let listed = !exclusion.units.is_empty()
                && identities(unit, context)
                    .any(|(digest, _)| exclusion.units.binary_search(&digest).is_ok());
            let fits = || {
                exclusion.when.as_ref().is_some_and(|rule| rule.holds(&self.attributes, context.attributes))
            };
            if listed || fits() {
                trace.step(|| {
                    let how = if listed { "listed" } else { "the request fits the rule" };
                    Step::new(Stage::Exclusion, format!("{how} ({})", exclusion.cause))
                });
                return Some(Choice::of(Verdict::Excluded, index));
            }
        }
        trace.step(|| Step::new(Stage::Exclusion, "not listed, and fits no rule"));
        None
    }

    fn held_out(
        &self,
        layer: &Layer,
        unit: &Unit<'_>,
        context: &Context<'_>,
        overrides: &[u32],
        trace: &mut impl Trace,
    ) -> Held {
        if layer.holdouts.is_empty() {
            trace.step(|| Step::new(Stage::Holdout, "none in this layer"));
        }
        let mut found = Held::Not;
        let asked = layer.holdouts.iter().filter(|index| !overrides.contains(index));
        for (index, holdout) in asked.filter_map(|i| Some((*i, self.holdouts.get(*i as usize)?))) {
            let Some(entry) = self.config.holdouts.get(index as usize) else { continue };
            let id = &entry.id;
            let Some(shift) = entry.shift(holdout.step, Some(context.now)) else {
                trace.step(|| Step::new(Stage::Holdout, format!("{id:?} holds nobody now")));
                continue;
            };
            let mut group = NONE;
            for (digest, _) in identities(unit, context).filter(|(_, tag)| *tag == holdout.tag) {
                let place = holdout.key.place(digest).wrapping_sub(shift);
                let found = holdout.groups.owner(place);
                trace.step(|| {
                    let verdict = match found {
                        HELD => "is held",
                        COMPARED => "is in the comparison group",
                        _ => "is not held",
                    };
                    Step::new(Stage::Holdout, format!("place {} of {id:?} {verdict}", Place(place)))
                });
                // Held by one identity is held.
                group = group.min(found);
            }
            match group {
                HELD => return Held::By(index),
                COMPARED if matches!(found, Held::Not) => found = Held::ComparedBy(index),
                _ => {}
            }
        }
        found
    }

    /// The arm that a sticky record keeps.
    fn kept(
        &self,
        layer: &Layer,
        unit: &Unit<'_>,
        context: &Context<'_>,
        trace: &mut impl Trace,
    ) -> Option<Choice> {
        let records = context.sticky;
        let counts = |identity: Identity| {
            identity == unit.identity || (identity == Identity::Fallback && layer.login == LoginRule::KeepArm)
        };
        let phases = layer.sticky.iter().filter_map(|index| Some((*index, self.entry(*index)?)));
        let kept = phases.filter(|_| !records.is_empty()).find_map(|(index, entry)| {
            let of_phase = |record: &&StickyRecord| {
                record.epoch == entry.epoch && record.phase == entry.id && counts(record.identity)
            };
            let found = |record: &StickyRecord| Some((arm_index(entry, &record.arm)?, record.identity));
            let (arm, identity) = records.iter().filter(of_phase).find_map(found)?;
            Some((index, self.phase(index)?, arm, identity))
        });
        let Some((index, phase, arm, identity)) = kept else {
            trace.step(|| {
                let (records, phases) = (records.len(), layer.sticky.len());
                let text =
                    format!("none of {records} records is of one of {phases} sticky phases, as it is now");
                Step::new(Stage::Sticky, text)
            });
            return None;
        };
        trace.step(|| Step::new(Stage::Sticky, format!("a record keeps {}", self.name_of(index, arm))));
        if phase.sticky == Stickiness::Recheck
            && let Some(verdict) = self.refused(index, phase, unit, context, trace)
        {
            return Some(Choice::of(verdict, index));
        }
        let moved = identity != unit.identity && phase.sticky.writes();
        Some(Choice::arm(Verdict::Arm, index, arm, if moved { Stuck::Moved } else { Stuck::Kept }))
    }

    /// A unit whose place belongs to the phase.
    fn enter(
        &self,
        index: u32,
        phase: &Phase,
        unit: &Unit<'_>,
        context: &Context<'_>,
        trace: &mut impl Trace,
    ) -> Choice {
        match phase.mode {
            Mode::Idle => return Choice::of(Verdict::Unallocated, NONE),
            Mode::Paused => {
                trace.step(|| Step::new(Stage::Phase, "the phase takes no new units"));
                return Choice::of(Verdict::Paused, index);
            }
            Mode::Running | Mode::Shipped(_) => {}
        }
        if let Some(verdict) = self.refused(index, phase, unit, context, trace) {
            return Choice::of(verdict, index);
        }
        if let Mode::Shipped(arm) = phase.mode {
            trace.step(|| Step::new(Stage::Phase, format!("it has shipped {}", self.name_of(index, arm))));
            return Choice::arm(Verdict::Shipped, index, arm, Stuck::Off);
        }
        let Some(quick) = self.quick_phases.get(index as usize) else {
            return Choice::of(Verdict::Unallocated, NONE);
        };
        let place = match &phase.foreign {
            Some(foreign) => foreign.place(&unit.id),
            None => quick.key.place(unit.digest),
        };
        // The arms cover every place, so there is always an owner.
        let Ok(arm) = u16::try_from(quick.split.owner(place)) else {
            return Choice::of(Verdict::Unallocated, NONE);
        };
        trace.step(|| {
            let of =
                self.entry(index).map(|entry| format!("of {:?} in epoch {}", entry.experiment, entry.epoch));
            let (of, arm) = (of.unwrap_or_default(), self.name_of(index, arm));
            Step::new(Stage::Arm, format!("place {} {of} is in {arm}", Place(place)))
        });
        let stuck = if phase.sticky.writes() { Stuck::New } else { Stuck::Off };
        Choice::arm(Verdict::Arm, index, arm, stuck)
    }

    /// Why the phase does not take the unit, if it does not.
    fn refused(
        &self,
        index: u32,
        phase: &Phase,
        unit: &Unit<'_>,
        context: &Context<'_>,
        trace: &mut impl Trace,
    ) -> Option<Verdict> {
        if let Some(rule) = &phase.targeting {
            let fits = rule.holds(&self.attributes, context.attributes);
            trace.step(|| {
                let verdict = if fits { "fits" } else { "does not fit" };
                let rule =
                    self.entry(index).and_then(|entry| entry.targeting.as_ref()).map(ToString::to_string);
                Step::new(Stage::Targeting, format!("the request {verdict} {}", rule.unwrap_or_default()))
            });
            if !fits {
                return Some(Verdict::NotTargeted);
            }
        }
        for required in &phase.prerequisites {
            let other = self.phase(required.phase);
            // The checks allow no cycle, so this comes to an end.
            let chosen = other.map(|other| self.choose(other.layer, unit, context));
            let met = chosen.is_some_and(|chosen| {
                let serves = matches!(chosen.verdict(), Verdict::Arm | Verdict::Shipped | Verdict::Forced);
                let arm = required.arms.is_empty() || required.arms.contains(&chosen.arm_index());
                serves && chosen.index() == required.phase && arm
            });
            trace.step(|| {
                let verdict = if met { "is" } else { "is not" };
                let id = self.entry(required.phase).map_or("", |entry| entry.id.as_str());
                let text = format!("the unit {verdict} in phase {id:?}, in an arm that is asked for");
                Step::new(Stage::Prerequisite, text)
            });
            if !met {
                return Some(Verdict::Prerequisite);
            }
        }
        None
    }

    /// An arm and its phase, for traces.
    fn name_of(&self, phase: u32, arm: u16) -> String {
        let entry = self.entry(phase);
        let name =
            entry.and_then(|entry| entry.arms.get(usize::from(arm))).map_or("", |arm| arm.arm.as_str());
        format!("arm {name:?} of phase {:?}", entry.map_or("", |entry| entry.id.as_str()))
    }
}

/// What holdouts say of a unit.
enum Held {
    Not,
    By(u32),
    ComparedBy(u32),
}

/// Every identity that the request shows, each with the tag of its kind.
fn identities<'u>(unit: &'u Unit<'_>, context: &'u Context<'_>) -> impl Iterator<Item = (UnitDigest, u64)> {
    let units = std::iter::once(unit).chain(context.also);
    units.flat_map(|unit| unit.digests().map(|digest| (digest, unit.tag)))
}

/// Traces that no layer lists the decision point.
pub(super) fn no_layer(trace: &mut impl Trace) {
    trace.step(|| Step::new(Stage::Layer, "no layer lists the decision point"));
}
