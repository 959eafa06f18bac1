//! A compiled config.

mod compile;
mod evaluate;
mod foreign;
mod identify;
mod read;
mod table;

use std::collections::BTreeMap;

use expt_core::{Binding, DecisionPoint};

use self::identify::Kind;
pub use self::identify::KindHandle;
use self::table::{Exclusion, Holdout, Layer, Phase, QuickLayer, QuickPhase};
use crate::assignment::{Assignment, Peek};
use crate::check::check;
use crate::choice::{Choice, Choices, NONE, Verdict};
use crate::config::{Config, LayerEntry};
use crate::context::Context;
use crate::explain::Explanation;
use crate::fault::Faults;
use crate::mix::UnitDigest;
use crate::targeting::{Attribute, Values};
use crate::unit::Unit;

/// A compiled config: answers "what does this unit get?" as a pure function, without allocating.
///
/// It never changes. A serving process holds it behind an atomic pointer and swaps in the next one; a
/// [`PointHandle`] outlives the swap.
///
/// For each decision point, in this order:
/// 1. **Forced**: a unit that is listed by name gets its arm; served, never analysed. A holdout that holds the
///    unit and is not overridden by name comes first.
/// 2. **Excluded**: a unit that is listed, or whose request fits the rule, takes part in nothing.
/// 3. **Holdouts**: the global ones, then those of the layer, each in the order of the config. A unit in the
///    comparison group of one goes on, but gets only what has been shipped.
/// 4. **Sticky**: a record of a running or paused phase of the layer, in its current epoch, holds the unit
///    in that phase and arm, wherever ranges have moved since. Of several the first phase of the config
///    counts.
/// 5. **Layer**: the unit's place in the layer picks the phase, if any. What the phase's state says is
///    done: a running phase goes on, a paused one lets nobody in, a shipped one gives its winner.
/// 6. **Targeting, prerequisites**: the request must fit, and the unit must be in the arms that are asked for.
/// 7. **Arm**: the unit's place under (experiment, epoch) picks the arm.
///
/// The lookup of the phase by sticky record stands before the lookup by place, so that a unit is in at most
/// one phase of a layer even after its place was given to another phase.
#[derive(Debug)]
pub struct Snapshot {
    config: Config,
    kinds: Vec<Kind>,
    /// What rules and kinds of units look at, sorted by name.
    attributes: Vec<Attribute>,
    /// Sorted by fingerprint.
    points: Vec<Point>,
    /// Stands for the decision points and their layers: two snapshots with one map have them at the same places.
    map: u64,
    // Layers, phases and holdouts stand as they do in the config, which has their names and bindings.
    quick_layers: Vec<QuickLayer>,
    quick_phases: Vec<QuickPhase>,
    /// Of the arms of phases that bind one point, each by itself, so that reading one follows no pointers.
    bindings: Vec<Binding>,
    layers: Vec<Layer>,
    phases: Vec<Phase>,
    holdouts: Vec<Holdout>,
    exclusions: Vec<Exclusion>,
    forced: Forced,
}

/// By unit and layer.
type Forced = BTreeMap<(UnitDigest, u32), ForcedArm>;

#[derive(Debug)]
struct ForcedArm {
    phase: u32,
    arm: u16,
    /// The holdouts that do not count.
    overrides: Vec<u32>,
}

/// A decision point, found once and asked for many times.
///
/// It is good for every snapshot: where a point has moved it is found again, and where it is gone the
/// outcome is [`NoLayer`](crate::Outcome::NoLayer).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PointHandle {
    fingerprint: u128,
    /// Where the point and its layer stand in every snapshot with this map of points.
    map: u64,
    point: u32,
    layer: u32,
}

#[derive(Debug)]
struct Point {
    fingerprint: u128,
    layer: u32,
    name: DecisionPoint,
}

impl Snapshot {
    /// Checks a config and compiles it.
    ///
    /// # Errors
    /// [`Faults`]: everything that is wrong with it, each with its place and what to do.
    pub fn compile(config: Config) -> Result<Self, Faults> {
        let mut found = check(&config);
        let lowered = compile::lower(config, &mut found);
        found.into_result()?;
        Ok(lowered)
    }

    /// The config that it was compiled from.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The version of the config.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.config.version
    }

    /// Finds a decision point; `None` if no layer lists it.
    #[must_use]
    pub fn decision_point(&self, point: &DecisionPoint) -> Option<PointHandle> {
        let fingerprint = compile::fingerprint(point);
        let index = self.points.binary_search_by_key(&fingerprint, |point| point.fingerprint).ok()?;
        let (layer, index) = (self.points.get(index)?.layer, u32::try_from(index).ok()?);
        Some(PointHandle { fingerprint, map: self.map, point: index, layer })
    }

    /// The layer of a decision point, which says what kind of unit is asked about; `None` for the handle of a
    /// point that no layer lists here.
    #[must_use]
    pub fn layer(&self, point: PointHandle) -> Option<&LayerEntry> {
        let (_, layer) = self.find(point)?;
        self.config.layers.get(layer as usize)
    }

    /// What rules and kinds of units look at, sorted by name: what a request should bring along.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// A place for the attributes of one request, from which they are read without comparing names.
    #[must_use]
    pub fn values(&self) -> Values<'_> {
        Values::new(&self.attributes)
    }

    /// What the unit gets at the decision point. Never fails: what cannot be served is an
    /// [`Outcome`](crate::Outcome) that says why.
    #[inline]
    pub fn assign<'a>(
        &'a self,
        unit: &'a Unit<'_>,
        point: PointHandle,
        context: &Context<'_>,
    ) -> Assignment<'a> {
        // What nearly every request needs; everything else is one call away.
        if point.map == self.map
            && let Some(layer) = self.quick_layers.get(point.layer as usize)
            && let Some(choice) = self.choose_plainly(layer, unit)
        {
            return Assignment { snapshot: self, unit, point: point.point, choice };
        }
        self.assign_fully(unit, point, context)
    }

    #[inline(never)]
    fn assign_fully<'a>(
        &'a self,
        unit: &'a Unit<'_>,
        point: PointHandle,
        context: &Context<'_>,
    ) -> Assignment<'a> {
        let (point, choice) = match self.find(point) {
            Some((index, layer)) => (index, self.choose(layer, unit, context)),
            None => (NONE, Choice::of(Verdict::NoLayer, 0)),
        };
        Assignment { snapshot: self, unit, point, choice }
    }

    /// What the unit would get at the decision point: the same evaluation, and no way to log it.
    #[must_use]
    pub fn peek<'a>(&'a self, unit: &'a Unit<'_>, point: PointHandle, context: &Context<'_>) -> Peek<'a> {
        Peek(self.assign(unit, point, context))
    }

    /// What the unit gets in every layer of its kind, at once.
    ///
    /// ```
    /// use expt_assign::{Choices, Config, Context, LayerEntry, Snapshot, UnitEntry};
    /// use expt_core::{DecisionPoint, Timestamp, UnitKind};
    ///
    /// let (user, ranker) = (UnitKind::new("user")?, DecisionPoint::new("ranker")?);
    /// let config = Config::new("shop", "shop-2026", 1)
    ///     .with_unit(UnitEntry::new(user.clone(), "user_id"))
    ///     .with_layer(LayerEntry::new("ranking".parse()?, user.clone(), [ranker.clone()]));
    /// let snapshot = Snapshot::compile(config)?;
    /// let unit = snapshot.unit(&user, "u-9")?;
    /// let mut choices = Choices::new(); // kept from request to request
    /// snapshot.assign_all(&unit, &Context::new(Timestamp::from_micros(0)), &mut choices);
    /// let point = snapshot.decision_point(&ranker).ok_or("no layer lists it")?;
    /// let assignment = snapshot.assigned(&unit, point, &choices).ok_or("of another unit")?;
    /// assert_eq!((choices.served(), assignment.binding()), (0, None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn assign_all(&self, unit: &Unit<'_>, context: &Context<'_>, choices: &mut Choices) {
        choices.made_for = Some((self.version(), unit.digest));
        choices.of.clear();
        choices.of.extend((0..).zip(&self.quick_layers).map(|(index, layer)| {
            // The loop over plain layers stays small; everything else is one call away.
            match self.choose_plainly(layer, unit) {
                Some(choice) => choice,
                None => self.choose_fully(index, unit, context, &mut ()),
            }
        }));
    }

    /// What [`assign_all`](Self::assign_all) has chosen for a decision point; `None` if the choices were made
    /// for another unit or by another version of the config.
    #[must_use]
    pub fn assigned<'a>(
        &'a self,
        unit: &'a Unit<'_>,
        point: PointHandle,
        choices: &Choices,
    ) -> Option<Assignment<'a>> {
        if choices.made_for != Some((self.version(), unit.digest)) {
            return None;
        }
        let Some((index, layer)) = self.find(point) else {
            let choice = Choice::of(Verdict::NoLayer, 0);
            return Some(Assignment { snapshot: self, unit, point: NONE, choice });
        };
        let choice = *choices.of.get(layer as usize)?;
        Some(Assignment { snapshot: self, unit, point: index, choice })
    }

    /// What the unit gets at the decision point, with every step that led there. For people and support
    /// tools: it allocates, and it contains the id of the unit.
    #[must_use]
    pub fn explain(&self, unit: &Unit<'_>, point: &DecisionPoint, context: &Context<'_>) -> Explanation {
        let mut steps = Vec::new();
        let handle = self.decision_point(point).and_then(|handle| self.find(handle));
        let (index, choice) = match handle {
            Some((index, layer)) => (index, self.choose_fully(layer, unit, context, &mut steps)),
            None => {
                evaluate::no_layer(&mut steps);
                (NONE, Choice::of(Verdict::NoLayer, 0))
            }
        };
        Explanation::new(unit, point, self.version(), steps, self.outcome(index, choice))
    }

    /// Where the decision point of a handle and its layer stand here.
    fn find(&self, handle: PointHandle) -> Option<(u32, u32)> {
        if handle.map == self.map {
            return Some((handle.point, handle.layer));
        }
        // A handle of a snapshot with other points.
        let index = self.points.binary_search_by_key(&handle.fingerprint, |p| p.fingerprint).ok()?;
        Some((u32::try_from(index).ok()?, self.points.get(index)?.layer))
    }
}
