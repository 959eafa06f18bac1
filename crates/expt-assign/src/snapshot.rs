//! A compiled config.

mod compile;
mod evaluate;
mod table;

use std::collections::BTreeMap;

use expt_core::{DecisionPoint, HoldoutId, Identity, LayerId, UnitId, UnitKind};

use self::table::{Phase, Table};
use crate::assignment::Assignment;
use crate::check::check;
use crate::config::{Config, UnitEntry};
use crate::error::{AssignError, Result};
use crate::explain::Explanation;
use crate::fault::Faults;
use crate::mix::{MixKey, UnitDigest, UnitKey};
use crate::sticky::StickyRecord;
use crate::unit::Unit;

/// A compiled config: answers "what does this unit get?" as a pure function, without allocating.
///
/// It never changes. A serving process holds it behind an atomic pointer and swaps in the next one; a
/// [`Unit`] and a [`PointHandle`] outlive the swap.
///
/// For each decision point, in this order:
/// 1. **Forced**: a unit that is listed by name gets its arm; served, never analysed.
/// 2. **Excluded**: a unit that is listed takes part in nothing.
/// 3. **Holdouts**: the global ones, then those of the layer, each in the order of the config.
/// 4. **Sticky**: a record of a running or paused phase of the layer, in its current epoch, holds the unit
///    in that phase and arm, wherever ranges have moved since. Of several the first phase of the config
///    counts.
/// 5. **Layer**: the unit's place in the layer picks the phase, if any. What the phase's state says is
///    done: a running phase goes on, a paused one lets nobody in, a shipped one gives its winner.
/// 6. **Arm**: the unit's place under (experiment, epoch) picks the arm.
///
/// The lookup of the phase by sticky record stands before the lookup by place, so that a unit is in at most
/// one phase of a layer even after its place was given to another phase.
#[derive(Debug)]
pub struct Snapshot {
    config: Config,
    kinds: Vec<Kind>,
    /// Sorted by fingerprint.
    points: Vec<Point>,
    layers: Vec<Layer>,
    holdouts: Vec<Holdout>,
    phases: Vec<Phase>,
    /// Sorted.
    excluded: Vec<UnitDigest>,
    forced: Forced,
}

/// By unit and layer: phase and arm.
type Forced = BTreeMap<(UnitDigest, usize), (usize, usize)>;

/// A decision point, found once and asked for many times.
///
/// It is good for every snapshot: where a point has moved it is found again, and where it is gone the
/// outcome is [`NoLayer`](crate::Outcome::NoLayer).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PointHandle {
    fingerprint: u128,
    hint: usize,
}

#[derive(Debug)]
struct Kind {
    entry: UnitEntry,
    key: UnitKey,
    tag: u64,
}

#[derive(Debug)]
struct Point {
    name: DecisionPoint,
    fingerprint: u128,
    layer: usize,
}

#[derive(Debug)]
struct Layer {
    id: LayerId,
    unit: UnitKind,
    tag: u64,
    key: MixKey,
    /// The holdouts in whose scope it is, in the order of asking.
    holdouts: Vec<usize>,
    /// The phases that hold traffic, by place.
    traffic: Table,
    /// The phases whose sticky records count.
    sticky: Vec<usize>,
}

#[derive(Debug)]
struct Holdout {
    id: HoldoutId,
    key: MixKey,
    held: Table,
}

impl Snapshot {
    /// Checks a config and compiles it.
    ///
    /// # Errors
    /// [`Faults`]: everything that is wrong with it, each with its place and what to do.
    pub fn compile(config: Config) -> Result<Self, Faults> {
        check(&config)?;
        Ok(compile::lower(config))
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
        let hint = self.points.binary_search_by_key(&fingerprint, |point| point.fingerprint).ok()?;
        Some(PointHandle { fingerprint, hint })
    }

    /// A unit that is known by its own id.
    ///
    /// # Errors
    /// [`AssignError::UnitKind`] for a kind that the config does not declare.
    pub fn unit(&self, kind: &UnitKind, id: UnitId) -> Result<Unit> {
        self.kind(kind).map(|kind| kind.unit(id, Identity::Own))
    }

    /// Identifies the unit of a request: by the kind's own attribute or, where that is missing or empty, by
    /// the first of its fallbacks that is there.
    ///
    /// ```
    /// use expt_assign::{Config, Snapshot, UnitEntry};
    /// use expt_core::{Identity, UnitKind};
    ///
    /// let user = UnitKind::new("user")?;
    /// let entry = UnitEntry::new(user.clone(), "user_id").with_fallback("device_id");
    /// let snapshot = Snapshot::compile(Config::new("shop", "shop-2026", 1).with_unit(entry))?;
    /// let unit = snapshot.identify(&user, |name| (name == "device_id").then_some("d-17"))?;
    /// assert_eq!((unit.id().as_str(), unit.identity()), ("d-17", Identity::Fallback));
    /// assert!(snapshot.identify(&user, |_| None).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`AssignError::UnitKind`] for a kind that the config does not declare,
    /// [`AssignError::Unidentified`] if no attribute is there, [`AssignError::Core`] if the value of the
    /// first that is there cannot be a unit id.
    pub fn identify<'v>(&self, kind: &UnitKind, value: impl Fn(&str) -> Option<&'v str>) -> Result<Unit> {
        let kind = self.kind(kind)?;
        let present = |attribute| value(attribute).filter(|id| !id.is_empty());
        if let Some(id) = present(&kind.entry.attribute) {
            return Ok(kind.unit(UnitId::new(id)?, Identity::Own));
        }
        match kind.entry.fallbacks.iter().find_map(|attribute| present(attribute)) {
            Some(id) => Ok(kind.unit(UnitId::new(id)?, Identity::Fallback)),
            None => Err(AssignError::Unidentified {
                kind: kind.entry.kind.clone(),
                attributes: kind.entry.attributes().collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// What the unit gets at the decision point. Never fails: what cannot be served is an
    /// [`Outcome`](crate::Outcome) that says why.
    ///
    /// `sticky` are the records of the unit, of any phase; those that do not apply are ignored.
    pub fn assign<'a>(
        &'a self,
        unit: &'a Unit,
        point: PointHandle,
        sticky: &[StickyRecord],
    ) -> Assignment<'a> {
        let outcome = self.evaluate(unit, point, sticky, &mut ());
        Assignment::new(outcome, unit, self.version())
    }

    /// What the unit gets at the decision point, with every step that led there. For people and support
    /// tools: it allocates, and it contains the id of the unit.
    #[must_use]
    pub fn explain(&self, unit: &Unit, point: &DecisionPoint, sticky: &[StickyRecord]) -> Explanation {
        let handle = self.decision_point(point);
        // A handle that no table has leads to the outcome that says so.
        let handle = handle.unwrap_or(PointHandle { fingerprint: 0, hint: usize::MAX });
        let mut steps = Vec::new();
        let outcome = self.evaluate(unit, handle, sticky, &mut steps);
        Explanation::new(&Assignment::new(outcome, unit, self.version()), point, steps)
    }

    fn kind(&self, kind: &UnitKind) -> Result<&Kind> {
        self.kinds.iter().find(|known| known.entry.kind == *kind).ok_or_else(|| AssignError::UnitKind {
            kind: kind.clone(),
            declared: self.kinds.iter().map(|kind| kind.entry.kind.as_str()).collect::<Vec<_>>().join(", "),
        })
    }
}

impl Kind {
    fn unit(&self, id: UnitId, identity: Identity) -> Unit {
        let digest = self.key.digest(id.as_str());
        Unit { kind: self.entry.kind.clone(), id, identity, digest, tag: self.tag }
    }
}
