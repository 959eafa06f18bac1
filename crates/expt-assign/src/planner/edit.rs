//! Changes of a config in the words of those who run experiments.

use std::fmt::Display;

use expt_core::{ArmId, HoldoutId, LayerId, PhaseId, Share, UnitKind};

use super::error::PlanError;
use super::holding::claimed;
use super::layout::{ramp, resize, resize_widths};
use super::portion::SPACE;
use crate::config::{ArmEntry, BreakGlass, Config, HoldoutEntry, HoldoutScope, PhaseEntry, PhaseState};
use crate::ranges::Ranges;
use crate::snapshot::Snapshot;
use crate::targeting::Rule;

/// Changes a config step by step, laying out ranges so that nobody moves who need not.
///
/// Steps that give traffic back stand before those that take it. The result has the next version; what it does
/// to units says [`plan`](super::plan).
///
/// ```
/// use expt_assign::planner::{ConfigEdit, Move, plan};
/// # use expt_assign::{ArmEntry, Config, LayerEntry, PhaseEntry, PhaseState, Ranges, UnitEntry};
/// # use expt_core::*;
/// # let (user, point) = (UnitKind::new("user")?, DecisionPoint::new("ranker")?);
/// # let arm = |name: &str, ranges: &Ranges| {
/// #     let params = [("arm".to_owned(), name.into())].into_iter().collect();
/// #     ArmEntry::new(name.parse().unwrap(), ranges.clone()).with_binding(point.clone(), Binding::Params(params))
/// # };
/// # let halves = Ranges::split(&[Share::HALF, Share::HALF])?;
/// # let phase = PhaseEntry::new("ranker-v2/ab".parse()?, "ranker-v2".parse()?, "ranking".parse()?, Digest::of(b""))
/// #     .with_state(PhaseState::Running)
/// #     .with_ranges(Ranges::of(Share::percent(20)?))
/// #     .with_arm(arm("control", &halves[0]))
/// #     .with_arm(arm("v2", &halves[1]));
/// # let config = Config::new("shop", "shop-2026", 1)
/// #     .with_unit(UnitEntry::new(user.clone(), "user_id"))
/// #     .with_layer(LayerEntry::new("ranking".parse()?, user, [point.clone()]))
/// #     .with_phase(phase);
/// let test = PhaseId::new("ranker-v2/ab")?;
/// let half = ConfigEdit::of(&config).ramp(&test, Share::HALF)?.finish()?;
/// let ramped = plan(&config, &half)?;
/// assert_eq!(ramped.layers()[0].of(Move::Enters).to_string(), "30 %");
/// assert!(ramped.layers()[0].of(Move::Switches).is_none());
///
/// let shipped = ConfigEdit::of(&half).ship(&test, &"v2".parse()?)?.ramp(&test, Share::ALL)?.finish()?;
/// let rollout = plan(&half, &shipped)?;
/// let winners = &rollout.phase(&test).ok_or("holds traffic")?.arms[1];
/// assert_eq!(winners.stays, winners.before);
/// assert!(rollout.approve().is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "an edit does nothing until it is finished"]
pub struct ConfigEdit {
    config: Config,
    base: u32,
}

impl ConfigEdit {
    /// Begins with the config in force.
    pub fn of(config: &Config) -> Self {
        Self { config: config.clone(), base: config.version }
    }

    /// The config, with the next version.
    ///
    /// # Errors
    /// [`PlanError::Wanted`] if it does not compile.
    pub fn finish(mut self) -> Result<Config, PlanError> {
        self.config.version = self.base.saturating_add(1);
        Ok(Snapshot::compile(self.config).map_err(PlanError::Wanted)?.config().clone())
    }

    /// Adds a phase; as a rule a draft that [`start`](Self::start) gives traffic.
    pub fn add_phase(mut self, phase: PhaseEntry) -> Self {
        self.config.phases.push(phase);
        self
    }

    /// Starts a draft with a share of its layer. Places of phases that were stopped come last: their units
    /// may still be influenced.
    ///
    /// # Errors
    /// [`PlanError::Unknown`], [`PlanError::State`] unless it is a draft, and as [`ramp`](Self::ramp).
    pub fn start(mut self, phase: &PhaseId, share: Share) -> Result<Self, PlanError> {
        let entry = self.phase_mut(phase)?;
        require(entry, "started", "draft", |state| matches!(state, PhaseState::Draft))?;
        entry.state = PhaseState::Running;
        entry.ranges = Ranges::none();
        self.ramp(phase, share)
    }

    /// Gives a phase another share of its layer. Nobody moves between arms.
    ///
    /// # Errors
    /// [`PlanError::Unknown`], [`PlanError::State`] for one that is stopped, [`PlanError::NoRoom`] if others
    /// hold too much of the layer.
    pub fn ramp(mut self, phase: &PhaseId, share: Share) -> Result<Self, PlanError> {
        let entry = self.phase_mut(phase)?;
        let not_stopped = |state: &PhaseState| !matches!(state, PhaseState::Stopped);
        require(entry, "ramped", "draft, running, paused intake or shipped", not_stopped)?;
        let (layer, current) = (entry.layer.clone(), entry.ranges.clone());
        let others = self.config.phases.iter().filter(|other| other.layer == layer && other.id != *phase);
        let (mut taken, mut resting) = (Ranges::none(), Ranges::none());
        for other in others {
            let ranges = other.ranges.as_slice().iter().copied();
            match other.state {
                PhaseState::Stopped => resting = resting.with(ranges),
                _ if other.state.holds_traffic() => taken = taken.with(ranges),
                _ => {}
            }
        }
        self.phase_mut(phase)?.ranges = ramp(&current, share, &taken, &resting)?;
        Ok(self)
    }

    /// Gives the arms of a phase other shares. Arms that are not listed are removed. As few units switch as
    /// can, and those that do are what [`approve`](super::ChangePlan::approve) asks a reason for, unless the
    /// [epoch is bumped](Self::bump_epoch).
    ///
    /// # Errors
    /// [`PlanError::Unknown`] for a phase or an arm, and as [`resize`].
    pub fn resplit(mut self, phase: &PhaseId, shares: &[(ArmId, Share)]) -> Result<Self, PlanError> {
        let entry = self.phase_mut(phase)?;
        for (arm, _) in shares {
            require_arm(entry, arm)?;
        }
        let resized = resize(&current_arms(entry), shares)?;
        set_arms(entry, resized);
        Ok(self)
    }

    /// Removes arms of a phase and gives their places to the others, in proportion to what those have. Only
    /// their units move.
    ///
    /// # Errors
    /// [`PlanError::Unknown`] for a phase or an arm, [`PlanError::Shares`] if no arm is left.
    pub fn remove_arms(mut self, phase: &PhaseId, arms: &[ArmId]) -> Result<Self, PlanError> {
        let entry = self.phase_mut(phase)?;
        for arm in arms {
            require_arm(entry, arm)?;
        }
        let current = current_arms(entry);
        let stay: Vec<_> = current.iter().filter(|(arm, _)| !arms.contains(arm)).collect();
        let left: u128 = stay.iter().map(|(_, ranges)| ranges.width()).sum();
        if left == 0 {
            return Err(PlanError::Shares { total: 0 });
        }
        // In proportion, by borders, so that the widths add up to the whole space. A survivor never shrinks,
        // because the sum of survivors is at most the space.
        let free = SPACE.saturating_sub(left);
        let (mut before, mut given) = (0, 0);
        let widths = stay.iter().map(|(arm, ranges)| {
            before += ranges.width();
            let border = proportion(free, before, left);
            let more = border.saturating_sub(given);
            given = border;
            (arm.clone(), ranges.width().saturating_add(more))
        });
        let widths: Vec<_> = widths.collect();
        let resized = resize_widths(&current, &widths)?;
        set_arms(entry, resized);
        Ok(self)
    }

    /// Adds an arm to a phase, without places: [`resplit`](Self::resplit) gives it a share.
    ///
    /// # Errors
    /// [`PlanError::Unknown`] for a phase, [`PlanError::Twice`] for an arm that it has.
    pub fn add_arm(mut self, phase: &PhaseId, arm: ArmEntry) -> Result<Self, PlanError> {
        let entry = self.phase_mut(phase)?;
        if entry.arms.iter().any(|known| known.arm == arm.arm) {
            return Err(PlanError::Twice { arm: arm.arm });
        }
        entry.arms.push(ArmEntry { ranges: Ranges::none(), ..arm });
        Ok(self)
    }

    /// Draws the arms of a phase anew, in an epoch that no phase of the experiment has had.
    ///
    /// # Errors
    /// [`PlanError::Unknown`].
    pub fn bump_epoch(mut self, phase: &PhaseId) -> Result<Self, PlanError> {
        let experiment = self.phase_mut(phase)?.experiment.clone();
        let epochs = self.config.phases.iter().filter(|other| other.experiment == experiment);
        let next = epochs.map(|other| other.epoch).max().unwrap_or(0).saturating_add(1);
        self.phase_mut(phase)?.epoch = next;
        Ok(self)
    }

    /// Lets nobody in any more; those with a sticky record stay.
    ///
    /// # Errors
    /// [`PlanError::Unknown`], [`PlanError::State`] unless it is running.
    pub fn pause(mut self, phase: &PhaseId) -> Result<Self, PlanError> {
        let entry = self.phase_mut(phase)?;
        require(entry, "paused", "running", |state| matches!(state, PhaseState::Running))?;
        entry.state = PhaseState::PausedIntake;
        Ok(self)
    }

    /// Lets units in again.
    ///
    /// # Errors
    /// [`PlanError::Unknown`], [`PlanError::State`] unless it is paused.
    pub fn resume(mut self, phase: &PhaseId) -> Result<Self, PlanError> {
        let entry = self.phase_mut(phase)?;
        require(entry, "resumed", "paused intake", |state| matches!(state, PhaseState::PausedIntake))?;
        entry.state = PhaseState::Running;
        Ok(self)
    }

    /// Ends a phase with a winner, which all its units get from now on; those that have it keep it.
    /// [`ramp`](Self::ramp) then gives it to more.
    ///
    /// # Errors
    /// [`PlanError::Unknown`] for a phase or an arm, [`PlanError::State`] unless it is running or paused.
    pub fn ship(mut self, phase: &PhaseId, winner: &ArmId) -> Result<Self, PlanError> {
        let entry = self.phase_mut(phase)?;
        require_arm(entry, winner)?;
        let open = |state: &PhaseState| matches!(state, PhaseState::Running | PhaseState::PausedIntake);
        require(entry, "shipped", "running or paused intake", open)?;
        entry.state = PhaseState::Shipped { arm: winner.clone() };
        Ok(self)
    }

    /// Ends a phase. Its places are free, and rest.
    ///
    /// # Errors
    /// [`PlanError::Unknown`], [`PlanError::State`] unless it holds traffic.
    pub fn stop(mut self, phase: &PhaseId) -> Result<Self, PlanError> {
        let entry = self.phase_mut(phase)?;
        require(entry, "stopped", "running, paused intake or shipped", PhaseState::holds_traffic)?;
        entry.state = PhaseState::Stopped;
        Ok(self)
    }

    /// Sets which requests a phase is for; none says all.
    ///
    /// # Errors
    /// [`PlanError::Unknown`].
    pub fn target(mut self, phase: &PhaseId, rule: Option<Rule>) -> Result<Self, PlanError> {
        self.phase_mut(phase)?.targeting = rule;
        Ok(self)
    }

    /// Adds a permanent holdout of some layers, or of all if none is given, with places that no other holdout
    /// of its salt has.
    ///
    /// # Errors
    /// [`PlanError::NoRoom`] if others of its salt hold too much.
    pub fn add_holdout(
        mut self,
        id: HoldoutId,
        unit: UnitKind,
        salt: impl Into<String>,
        share: Share,
        layers: impl IntoIterator<Item = LayerId>,
    ) -> Result<Self, PlanError> {
        let mut entry = HoldoutEntry::new(id, unit, salt, Ranges::none());
        let layers: Vec<_> = layers.into_iter().collect();
        if !layers.is_empty() {
            entry.scope = HoldoutScope::Layers(layers);
        }
        entry.ranges = ramp(&Ranges::none(), share, &self.claimed_beside(&entry), &Ranges::none())?;
        self.config.holdouts.push(entry);
        Ok(self)
    }

    /// Gives a holdout another share: it appends places, or releases those that it got last.
    ///
    /// # Errors
    /// [`PlanError::Unknown`], [`PlanError::NoRoom`] if its comparison group and others of its salt hold too
    /// much.
    pub fn ramp_holdout(mut self, id: &HoldoutId, share: Share) -> Result<Self, PlanError> {
        let entry = self.holdout_mut(id)?.clone();
        let group = entry.shipped_only.iter().flat_map(|group| group.ranges.as_slice()).copied();
        let taken = self.claimed_beside(&entry).with(group);
        self.holdout_mut(id)?.ranges = ramp(&entry.ranges, share, &taken, &Ranges::none())?;
        Ok(self)
    }

    /// Releases everybody from a holdout at once, on record.
    ///
    /// # Errors
    /// [`PlanError::Unknown`].
    pub fn break_glass(mut self, id: &HoldoutId, glass: BreakGlass) -> Result<Self, PlanError> {
        self.holdout_mut(id)?.break_glass = Some(glass);
        Ok(self)
    }

    /// Removes a holdout: its units are released.
    ///
    /// # Errors
    /// [`PlanError::Unknown`].
    pub fn remove_holdout(mut self, id: &HoldoutId) -> Result<Self, PlanError> {
        self.holdout_mut(id)?;
        self.config.holdouts.retain(|entry| entry.id != *id);
        Ok(self)
    }

    fn claimed_beside(&self, entry: &HoldoutEntry) -> Ranges {
        let others = self
            .config
            .holdouts
            .iter()
            .filter(|other| other.salt == entry.salt && other.unit == entry.unit && other.id != entry.id);
        others.flat_map(claimed).collect()
    }

    fn phase_mut(&mut self, id: &PhaseId) -> Result<&mut PhaseEntry, PlanError> {
        let known = listed(self.config.phases.iter().map(|phase| &phase.id));
        let found = self.config.phases.iter_mut().find(|phase| phase.id == *id);
        found.ok_or_else(|| PlanError::Unknown { what: "phase", id: id.to_string(), known })
    }

    fn holdout_mut(&mut self, id: &HoldoutId) -> Result<&mut HoldoutEntry, PlanError> {
        let known = listed(self.config.holdouts.iter().map(|entry| &entry.id));
        let found = self.config.holdouts.iter_mut().find(|entry| entry.id == *id);
        found.ok_or_else(|| PlanError::Unknown { what: "holdout", id: id.to_string(), known })
    }
}

fn require_arm(phase: &PhaseEntry, arm: &ArmId) -> Result<(), PlanError> {
    if phase.arms.iter().any(|entry| entry.arm == *arm) {
        return Ok(());
    }
    let known = listed(phase.arms.iter().map(|entry| &entry.arm));
    Err(PlanError::Unknown { what: "arm", id: arm.to_string(), known })
}

fn require(
    phase: &PhaseEntry,
    step: &'static str,
    allowed: &'static str,
    fits: impl Fn(&PhaseState) -> bool,
) -> Result<(), PlanError> {
    if fits(&phase.state) {
        return Ok(());
    }
    let state = phase.state.as_str();
    Err(PlanError::State { phase: phase.id.to_string(), state, step, allowed })
}

fn current_arms(phase: &PhaseEntry) -> Vec<(ArmId, Ranges)> {
    phase.arms.iter().map(|entry| (entry.arm.clone(), entry.ranges.clone())).collect()
}

/// Sets ranges by name; arms that are not there are removed. The order of the arms stays.
fn set_arms(phase: &mut PhaseEntry, mut resized: Vec<(ArmId, Ranges)>) {
    phase.arms.retain_mut(|entry| {
        let Some(index) = resized.iter().position(|(arm, _)| *arm == entry.arm) else { return false };
        entry.ranges = resized.swap_remove(index).1;
        true
    });
}

/// `floor(free * part / whole)`, for numbers up to 2^64 whose product does not fit into 128 bits when all three
/// are the space.
fn proportion(free: u128, part: u128, whole: u128) -> u128 {
    if part >= whole {
        return free;
    }
    // Here `part` is below 2^64, and `free` is at most 2^64.
    free.saturating_mul(part) / whole.max(1)
}

/// The first names, for a message.
fn listed(names: impl Iterator<Item = impl Display>) -> String {
    let mut names: Vec<_> = names.take(9).map(|name| name.to_string()).collect();
    if names.len() > 8 {
        names.truncate(8);
        names.push("...".to_owned());
    }
    names.join(", ")
}
