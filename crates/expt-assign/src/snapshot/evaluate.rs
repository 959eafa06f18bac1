//! The one evaluation, with and without a trace.

use super::table::{Mode, Phase};
use super::{Layer, PointHandle, Snapshot};
use crate::assignment::{Outcome, Served, Stuck};
use crate::explain::{Place, Stage, Step, Trace};
use crate::sticky::StickyRecord;
use crate::unit::Unit;

impl Snapshot {
    /// Says what a unit gets, and tells the trace why. The order of the steps is documented on
    /// [`Snapshot`].
    pub(super) fn evaluate<'a>(
        &'a self,
        unit: &Unit,
        handle: PointHandle,
        sticky: &[StickyRecord],
        trace: &mut impl Trace,
    ) -> Outcome<'a> {
        let Some((point, index)) = self.layer_of(handle) else {
            trace.step(|| Step::new(Stage::Layer, "no layer lists the decision point"));
            return Outcome::NoLayer;
        };
        let Some(layer) = self.layers.get(index) else { return Outcome::NoLayer };
        if layer.tag != unit.tag {
            trace.step(|| {
                let wants = format!("layer {:?} randomises units of kind {:?}", layer.id, layer.unit);
                Step::new(Stage::Layer, format!("{wants} of this project, and this unit is none"))
            });
            return Outcome::WrongUnit { expected: &layer.unit };
        }
        if let Some(outcome) = self.forced(unit, index, point, trace) {
            return outcome;
        }
        let excluded = self.excluded.binary_search(&unit.digest).is_ok();
        trace.step(|| Step::new(Stage::Exclusion, if excluded { "listed" } else { "not listed" }));
        if excluded {
            return Outcome::Excluded;
        }
        if let Some(outcome) = self.held_out(unit, layer, trace) {
            return outcome;
        }
        if let Some(outcome) = self.kept(layer, point, sticky, trace) {
            return outcome;
        }
        let place = layer.key.place(unit.digest);
        let phase = layer.traffic.owner(place).and_then(|phase| self.phases.get(phase));
        trace.step(|| {
            let owner = phase.map_or("no phase".to_owned(), |phase| format!("phase {:?}", phase.id));
            Step::new(
                Stage::Layer,
                format!("place {} of layer {:?} belongs to {owner}", Place(place), layer.id),
            )
        });
        phase.map_or(Outcome::Unallocated, |phase| enter(phase, unit, point, trace))
    }

    /// The index of a decision point, and of its layer.
    fn layer_of(&self, handle: PointHandle) -> Option<(usize, usize)> {
        let same = |index: usize| self.points.get(index).filter(|p| p.fingerprint == handle.fingerprint);
        if let Some(point) = same(handle.hint) {
            return Some((handle.hint, point.layer));
        }
        // A handle of another snapshot.
        let index = self.points.binary_search_by_key(&handle.fingerprint, |p| p.fingerprint).ok()?;
        same(index).map(|point| (index, point.layer))
    }

    fn forced(&self, unit: &Unit, layer: usize, point: usize, trace: &mut impl Trace) -> Option<Outcome<'_>> {
        let entry = self.forced.get(&(unit.digest, layer));
        let forced = entry.and_then(|(phase, arm)| Some((self.phases.get(*phase)?, *arm)));
        let Some((phase, arm)) = forced else {
            trace.step(|| Step::new(Stage::Forced, "not listed in this layer"));
            return None;
        };
        trace.step(|| {
            let arm = phase.arms.get(arm).map_or("", |arm| arm.id.as_str());
            Step::new(Stage::Forced, format!("listed for arm {arm:?} of phase {:?}", phase.id))
        });
        Some(serve(phase, arm, point, Stuck::Off, trace).map_or_else(|other| other, Outcome::Forced))
    }

    fn held_out(&self, unit: &Unit, layer: &Layer, trace: &mut impl Trace) -> Option<Outcome<'_>> {
        if layer.holdouts.is_empty() {
            trace.step(|| Step::new(Stage::Holdout, "none in this layer"));
        }
        for holdout in layer.holdouts.iter().filter_map(|index| self.holdouts.get(*index)) {
            let place = holdout.key.place(unit.digest);
            let held = holdout.held.owner(place).is_some();
            trace.step(|| {
                let verdict = if held { "is held" } else { "is not held" };
                Step::new(Stage::Holdout, format!("place {} of {:?} {verdict}", Place(place), holdout.id))
            });
            if held {
                return Some(Outcome::Holdout(&holdout.id));
            }
        }
        None
    }

    /// The arm that a sticky record keeps.
    fn kept(
        &self,
        layer: &Layer,
        point: usize,
        records: &[StickyRecord],
        trace: &mut impl Trace,
    ) -> Option<Outcome<'_>> {
        let kept = layer.sticky.iter().filter_map(|index| self.phases.get(*index)).find_map(|phase| {
            let of_phase = |record: &&StickyRecord| record.epoch == phase.epoch && record.phase == phase.id;
            let arm = records.iter().filter(of_phase).find_map(|record| phase.arm(&record.arm))?;
            Some((phase, arm))
        });
        let Some((phase, arm)) = kept else {
            trace.step(|| {
                let (records, phases) = (records.len(), layer.sticky.len());
                let text =
                    format!("none of {records} records is of one of {phases} sticky phases, as it is now");
                Step::new(Stage::Sticky, text)
            });
            return None;
        };
        trace.step(|| {
            let arm = phase.arms.get(arm).map_or("", |arm| arm.id.as_str());
            Step::new(Stage::Sticky, format!("a record keeps arm {arm:?} of phase {:?}", phase.id))
        });
        Some(serve(phase, arm, point, Stuck::Kept, trace).map_or_else(|other| other, Outcome::Arm))
    }
}

/// A unit whose place belongs to the phase.
fn enter<'a>(phase: &'a Phase, unit: &Unit, point: usize, trace: &mut impl Trace) -> Outcome<'a> {
    match phase.mode {
        Mode::Running => {
            let place = phase.key.place(unit.digest);
            // The arms cover every place, so there is always an owner.
            let Some(arm) = phase.split.owner(place) else { return Outcome::Unallocated };
            trace.step(|| {
                let name = phase.arms.get(arm).map_or("", |arm| arm.id.as_str());
                let (experiment, epoch) = (&phase.experiment, phase.epoch);
                let text =
                    format!("place {} of {experiment:?} in epoch {epoch} is in {name:?}", Place(place));
                Step::new(Stage::Arm, text)
            });
            let stuck = if phase.sticky { Stuck::New } else { Stuck::Off };
            serve(phase, arm, point, stuck, trace).map_or_else(|other| other, Outcome::Arm)
        }
        Mode::Shipped(arm) => {
            trace.step(|| {
                let name = phase.arms.get(arm).map_or("", |arm| arm.id.as_str());
                Step::new(Stage::Phase, format!("{:?} has shipped arm {name:?}", phase.id))
            });
            serve(phase, arm, point, Stuck::Off, trace).map_or_else(|other| other, Outcome::Shipped)
        }
        Mode::Paused => {
            trace.step(|| Step::new(Stage::Phase, format!("{:?} takes no new units", phase.id)));
            Outcome::Paused(&phase.id)
        }
        Mode::Idle => Outcome::Unallocated,
    }
}

/// The arm's binding for the decision point, or the outcome that says that there is none.
fn serve<'a>(
    phase: &'a Phase,
    arm: usize,
    point: usize,
    stuck: Stuck,
    trace: &mut impl Trace,
) -> Result<Served<'a>, Outcome<'a>> {
    let slot = phase.points.binary_search(&point).ok();
    let found = phase.arms.get(arm).zip(slot);
    let found = found.and_then(|(arm, slot)| Some((arm, arm.bindings.get(slot)?)));
    let Some((arm, binding)) = found else {
        trace.step(|| Step::new(Stage::Phase, format!("{:?} does not bind the decision point", phase.id)));
        return Err(Outcome::Unbound(&phase.id));
    };
    Ok(Served {
        experiment: &phase.experiment,
        phase: &phase.id,
        arm: &arm.id,
        epoch: phase.epoch,
        binding,
        stuck,
    })
}
