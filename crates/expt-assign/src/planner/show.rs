//! A plan as a table for people.

use std::fmt;

use super::change::ChangePlan;
use super::phases::{PhaseChange, Standing};

impl fmt::Display for ChangePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (old, wanted) = (self.old(), self.wanted());
        write!(f, "{}: version {} -> {}", old.project, old.version, wanted.version)?;
        for layer in self.layers() {
            write!(f, "\nlayer {:?}, units of kind {:?}", layer.layer, layer.unit)?;
            for phase in self.phases().iter().filter(|phase| phase.layer == layer.layer) {
                show_phase(f, phase)?;
            }
        }
        for change in self.holdouts() {
            write!(f, "\nholdout {:?}: {} -> {}", change.holdout, change.before, change.after)?;
            write!(f, ", newly held {}, released {}", change.newly_held, change.released)?;
        }
        for doubt in self.doubts() {
            write!(f, "\nonly counting units can tell: {doubt}")?;
        }
        for concern in self.concerns() {
            write!(f, "\nneeds a reason: {concern}")?;
        }
        if let Some(counts) = self.counts() {
            write!(f, "\ncounted {} units, {} movements listed", counts.units(), counts.moved().len())?;
        }
        self.reasons().iter().try_for_each(|given| match &given.phase {
            Some(phase) => write!(f, "\nbecause ({phase}): {}", given.reason),
            None => write!(f, "\nbecause: {}", given.reason),
        })
    }
}

fn show_phase(f: &mut fmt::Formatter<'_>, phase: &PhaseChange) -> fmt::Result {
    write!(f, "\n  phase {:?}", phase.phase)?;
    if let Some(before) = &phase.succeeds {
        write!(f, " (after {before:?})")?;
    }
    let standing = |standing: &Option<Standing>| match standing {
        Some(Standing { state, epoch, traffic }) => format!("{}, epoch {epoch}, {traffic}", state.as_str()),
        None => "no traffic".to_owned(),
    };
    write!(f, ": {} -> {}", standing(&phase.before), standing(&phase.after))?;
    write!(f, "; moves {}, least possible {}", phase.moved, phase.minimum)?;
    if !phase.excess().is_none() {
        f.write_str(" (planner::resize and planner::ramp move the least)")?;
    }
    if phase.sticky {
        f.write_str("\n    sticky: units with a record keep their arm; the shares are of those without")?;
    }
    let heads = ["before", "after", "stay", "enter", "leave", "switch in", "switch out"];
    write!(f, "\n    {:<20}", "arm")?;
    heads.iter().try_for_each(|head| write!(f, "{head:>13}"))?;
    for arm in &phase.arms {
        write!(f, "\n    {:<20}", arm.arm.as_str())?;
        let row =
            [arm.before, arm.after, arm.stays, arm.enters, arm.leaves, arm.switches_in, arm.switches_out];
        row.iter().try_for_each(|share| write!(f, "{share:>13}"))?;
    }
    Ok(())
}
