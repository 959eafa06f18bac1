//! The one evaluation, with and without a trace.

use expt_core::{Identity, Timestamp};

use super::Snapshot;
use super::table::{COMPARED, HELD, Holdout, Layer, Mode, Phase};
use crate::assignment::Stuck;
use crate::choice::{Choice, NONE, Verdict};
use crate::config::{HoldoutLifetime, LoginRule, Stickiness};
use crate::context::Context;
use crate::explain::{Place, Stage, Step, Trace};
use crate::unit::Unit;

impl Snapshot {
    /// What a unit gets in a layer where nothing but its places decides: the path that must be quick. `None`
    /// where something else decides as well.
    #[inline]
    pub(super) fn choose_plainly(&self, layer: &Layer, unit: &Unit<'_>) -> Option<Choice> {
        if !layer.plain || layer.tag != unit.tag {
            return None;
        }
        let owner = layer.traffic.owner(layer.key.place(unit.digest));
        let Some(phase) = self.phase(owner) else { return Some(Choice::of(Verdict::Unallocated, NONE)) };
        if !phase.plain {
            return None;
        }
        // The arms cover every place, so there is always an owner; it was a `u16` before.
        #[allow(clippy::cast_possible_truncation, reason = "compiled from a u16")]
        let arm = phase.split.owner(phase.key.place(unit.digest)) as u16;
        Some(Choice::arm(Verdict::Arm, owner, arm, Stuck::Off))
    }

    /// Says what a unit gets in a layer, and tells the trace why. The order of the steps is documented on
    /// [`Snapshot`].
    #[inline]
    pub(super) fn choose<T: Trace>(
        &self,
        index: u32,
        unit: &Unit<'_>,
        context: &Context<'_>,
        trace: &mut T,
    ) -> Choice {
        let Some(layer) = self.layers.get(index as usize) else { return Choice::of(Verdict::NoLayer, 0) };
        if !T::LISTENS
            && let Some(choice) = self.choose_plainly(layer, unit)
        {
            return choice;
        }
        self.choose_fully(index, layer, unit, context, trace)
    }

    fn choose_fully(
        &self,
        index: u32,
        layer: &Layer,
        unit: &Unit<'_>,
        context: &Context<'_>,
        trace: &mut impl Trace,
    ) -> Choice {
        if layer.tag != unit.tag {
            trace.step(|| {
                let wants = format!("layer {:?} randomises units of kind {:?}", layer.id, layer.unit);
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
            Held::By(holdout) => return Choice { holdout, ..Choice::of(Verdict::Holdout, NONE) },
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
            None => layer.key.place(unit.digest),
        };
        let owner = layer.traffic.owner(place);
        let phase = self.phase(owner);
        trace.step(|| {
            let owner = phase.map_or("no phase".to_owned(), |phase| format!("phase {:?}", phase.id));
            let text = format!("place {} of layer {:?} belongs to {owner}", Place(place), layer.id);
            Step::new(Stage::Layer, text)
        });
        let chosen = match phase {
            Some(phase) => self.enter(owner, phase, unit, context, trace),
            None => Choice::of(Verdict::Unallocated, NONE),
        };
        let Some(holdout) = compared else { return chosen };
        match chosen.verdict {
            Verdict::Shipped => Choice { verdict: Verdict::ShippedOnly, holdout, ..chosen },
            _ => {
                trace.step(|| Step::new(Stage::Holdout, "nothing has been shipped here for it"));
                Choice { holdout, ..Choice::of(Verdict::ShippedOnly, NONE) }
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
            let (arm, phase) = self
                .phase(entry.phase)
                .map_or(("", ""), |phase| (phase.arm_name(entry.arm), phase.id.as_str()));
            Step::new(Stage::Forced, format!("listed for arm {arm:?} of phase {phase:?}"))
        });
        // A holdout that holds the unit only at times cannot be found when the config is compiled.
        if let Held::By(holdout) = self.held_out(layer, unit, context, &entry.overrides, trace) {
            return Some(Choice { holdout, ..Choice::of(Verdict::Holdout, NONE) });
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
            let id = &holdout.entry.id;
            let Some(shift) = holdout.shift(context.now) else {
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
        let phases = layer.sticky.iter().filter_map(|index| Some((*index, self.phase(*index)?)));
        let kept = phases.filter(|_| !records.is_empty()).find_map(|(index, phase)| {
            let of_phase = |record: &&crate::StickyRecord| {
                record.epoch == phase.epoch && record.phase == phase.id && counts(record.identity)
            };
            let found = |record: &crate::StickyRecord| Some((phase.arm(&record.arm)?, record.identity));
            let (arm, identity) = records.iter().filter(of_phase).find_map(found)?;
            Some((index, phase, arm, identity))
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
        trace.step(|| {
            let name = phase.arm_name(arm);
            Step::new(Stage::Sticky, format!("a record keeps arm {name:?} of phase {:?}", phase.id))
        });
        if phase.sticky == Stickiness::Recheck
            && let Some(verdict) = self.refused(phase, unit, context, trace)
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
                trace.step(|| Step::new(Stage::Phase, format!("{:?} takes no new units", phase.id)));
                return Choice::of(Verdict::Paused, index);
            }
            Mode::Running | Mode::Shipped(_) => {}
        }
        if let Some(verdict) = self.refused(phase, unit, context, trace) {
            return Choice::of(verdict, index);
        }
        if let Mode::Shipped(arm) = phase.mode {
            trace.step(|| {
                let text = format!("{:?} has shipped arm {:?}", phase.id, phase.arm_name(arm));
                Step::new(Stage::Phase, text)
            });
            return Choice::arm(Verdict::Shipped, index, arm, Stuck::Off);
        }
        let place = match &phase.foreign {
            Some(foreign) => foreign.place(&unit.id),
            None => phase.key.place(unit.digest),
        };
        // The arms cover every place, so there is always an owner.
        let Ok(arm) = u16::try_from(phase.split.owner(place)) else {
            return Choice::of(Verdict::Unallocated, NONE);
        };
        trace.step(|| {
            let (name, experiment, epoch) = (phase.arm_name(arm), &phase.experiment, phase.epoch);
            let text = format!("place {} of {experiment:?} in epoch {epoch} is in {name:?}", Place(place));
            Step::new(Stage::Arm, text)
        });
        let stuck = if phase.sticky.writes() { Stuck::New } else { Stuck::Off };
        Choice::arm(Verdict::Arm, index, arm, stuck)
    }

    /// Why the phase does not take the unit, if it does not.
    fn refused(
        &self,
        phase: &Phase,
        unit: &Unit<'_>,
        context: &Context<'_>,
        trace: &mut impl Trace,
    ) -> Option<Verdict> {
        if let Some(rule) = &phase.targeting {
            let fits = rule.holds(&self.attributes, context.attributes);
            trace.step(|| {
                let verdict = if fits { "fits" } else { "does not fit" };
                let rule = self.config.phases.iter().find(|entry| entry.id == phase.id);
                let rule = rule.and_then(|entry| entry.targeting.as_ref()).map(ToString::to_string);
                Step::new(Stage::Targeting, format!("the request {verdict} {}", rule.unwrap_or_default()))
            });
            if !fits {
                return Some(Verdict::NotTargeted);
            }
        }
        for required in &phase.prerequisites {
            let other = self.phase(required.phase);
            // The checks allow no cycle, so this comes to an end.
            let chosen = other.map(|other| self.choose(other.layer, unit, context, &mut ()));
            let met = chosen.is_some_and(|chosen| {
                let serves = matches!(chosen.verdict, Verdict::Arm | Verdict::Shipped | Verdict::Forced);
                let arm = required.arms.is_empty() || required.arms.contains(&chosen.arm);
                serves && chosen.index == required.phase && arm
            });
            trace.step(|| {
                let verdict = if met { "is" } else { "is not" };
                let id = other.map_or("", |other| other.id.as_str());
                let text = format!("the unit {verdict} in phase {id:?}, in an arm that is asked for");
                Step::new(Stage::Prerequisite, text)
            });
            if !met {
                return Some(Verdict::Prerequisite);
            }
        }
        None
    }
}

/// What holdouts say of a unit.
enum Held {
    Not,
    By(u32),
    ComparedBy(u32),
}

impl Holdout {
    /// By how much its places have moved at this time; `None` if it holds nobody.
    fn shift(&self, now: Timestamp) -> Option<u64> {
        if self.entry.break_glass.is_some() {
            return None;
        }
        match self.entry.lifetime {
            HoldoutLifetime::Permanent => Some(0),
            HoldoutLifetime::Until(end) => (now < end).then_some(0),
            HoldoutLifetime::Rotating { start, days } => {
                let since = now.as_micros().checked_sub(start.as_micros()).filter(|since| *since >= 0)?;
                let period = u64::try_from(since / (i64::from(days.max(1)) * MICROS_A_DAY)).ok()?;
                Some(period.wrapping_mul(self.step))
            }
        }
    }
}

const MICROS_A_DAY: i64 = 86_400_000_000;

/// Every identity that the request shows, each with the tag of its kind.
fn identities<'u>(
    unit: &'u Unit<'_>,
    context: &'u Context<'_>,
) -> impl Iterator<Item = (crate::mix::UnitDigest, u64)> {
    let units = std::iter::once(unit).chain(context.also);
    units.flat_map(|unit| unit.digests().map(|digest| (digest, unit.tag)))
}

/// Traces that no layer lists the decision point.
pub(super) fn no_layer(trace: &mut impl Trace) {
    trace.step(|| Step::new(Stage::Layer, "no layer lists the decision point"));
}
