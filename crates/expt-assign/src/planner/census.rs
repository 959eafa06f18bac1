//! Counts and lists units, one by one.

use std::collections::BTreeMap;

use expt_core::UnitKind;

use super::change::ChangePlan;
use super::flow::LayerFlows;
use super::flows::{LayerPair, pairs};
use super::movement::{Gets, Got, Move, classify};
use crate::choice::{Choice, Choices};
use crate::context::Context;
use crate::error::{AssignError, Result};
use crate::snapshot::Snapshot;
use crate::unit::Unit;

/// A unit to count.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'u> {
    kind: &'u UnitKind,
    /// Without one, the attributes of the context identify it.
    id: Option<&'u str>,
    context: Context<'u>,
}

impl<'u> Subject<'u> {
    /// A unit that is known by its own id, with what its requests say: attributes, sticky records, time.
    #[must_use]
    pub const fn new(kind: &'u UnitKind, id: &'u str, context: Context<'u>) -> Self {
        Self { kind, id: Some(id), context }
    }

    /// A unit as a request shows it: the attributes of the context identify it.
    #[must_use]
    pub const fn of_request(kind: &'u UnitKind, context: Context<'u>) -> Self {
        Self { kind, id: None, context }
    }
}

/// Counts units: each is evaluated with both configs, by the code that serves.
#[derive(Debug)]
pub struct Census<'p> {
    plan: &'p ChangePlan,
    layers: Vec<Tally<'p>>,
    choices: [Choices; 2],
    units: u64,
    limit: usize,
    moved: Vec<UnitMove>,
}

/// What happens to one unit in one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnitMove {
    /// The unit.
    pub unit: String,
    /// Its kind.
    pub kind: UnitKind,
    /// The layer.
    pub layer: expt_core::LayerId,
    /// What it had.
    pub from: Gets,
    /// What it gets.
    pub to: Gets,
    /// What that means for it.
    pub movement: Move,
}

/// What a census has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    units: u64,
    layers: Vec<LayerFlows<u64>>,
    moved: Vec<UnitMove>,
}

#[derive(Debug)]
struct Tally<'p> {
    pair: LayerPair<'p>,
    /// The place of the layer in each config.
    index: [Option<usize>; 2],
    cells: BTreeMap<(Got, Got), (Move, u64)>,
}

impl<'p> Census<'p> {
    pub(super) fn new(plan: &'p ChangePlan) -> Self {
        let (old, wanted) = (plan.old(), plan.wanted());
        let places = |config: &'p crate::Config| -> BTreeMap<_, _> {
            config.layers.iter().enumerate().map(|(index, layer)| (&layer.id, index)).collect()
        };
        let (before, after) = (places(old), places(wanted));
        let tally = |pair: LayerPair<'p>| {
            let index = |places: &BTreeMap<_, usize>| places.get(pair.id).copied();
            let index = [pair.old.and_then(|_| index(&before)), pair.new.and_then(|_| index(&after))];
            Tally { pair, index, cells: BTreeMap::new() }
        };
        let layers = pairs(old, wanted).into_iter().map(tally).collect();
        let choices = [Choices::new(), Choices::new()];
        Self { plan, layers, choices, units: 0, limit: MAX_LISTED, moved: Vec::new() }
    }

    /// Sets how many movements are listed; all are counted. 1,000,000 unless said otherwise.
    #[must_use]
    pub const fn with_list_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Counts a unit.
    ///
    /// # Errors
    /// [`AssignError::UnitKind`] for a kind that neither config declares, and what
    /// [`Snapshot::unit`] and [`Snapshot::identify`] refuse. A unit that only one config can identify gets
    /// nothing by the other.
    pub fn add(&mut self, subject: &Subject<'_>) -> Result<()> {
        let Subject { kind, context, .. } = subject;
        let [old, wanted] = [&self.plan.old, &self.plan.wanted].map(|snapshot| identified(snapshot, subject));
        let name = match (&wanted, &old) {
            (Ok(unit), _) | (_, Ok(unit)) => unit.id().to_owned(),
            (Err(error), Err(_)) => return Err(error.clone()),
        };
        let [before, after] = &mut self.choices;
        before.of.clear();
        after.of.clear();
        if let Ok(unit) = &old {
            self.plan.old.assign_all(unit, context, before);
        }
        if let Ok(unit) = &wanted {
            self.plan.wanted.assign_all(unit, context, after);
        }
        for tally in self.layers.iter_mut().filter(|tally| tally.pair.unit == *kind) {
            let [had, gets] = &tally.index;
            let choice = |choices: &Choices, index: &Option<usize>| -> Option<Choice> {
                choices.of.get((*index)?).copied()
            };
            let cell = (
                choice(before, had).map_or(Got::Nothing, Got::chosen),
                choice(after, gets).map_or(Got::Nothing, Got::chosen),
            );
            let (old, wanted) = (self.plan.old(), self.plan.wanted());
            let (movement, count) =
                tally.cells.entry(cell).or_insert_with(|| (classify(old, wanted, cell.0, cell.1), 0));
            *count += 1;
            let seen = cell.0.named(old) != cell.1.named(wanted) || movement.is_movement();
            if seen && self.moved.len() < self.limit {
                self.moved.push(UnitMove {
                    unit: name.clone(),
                    kind: (*kind).clone(),
                    layer: tally.pair.id.clone(),
                    from: cell.0.named(old),
                    to: cell.1.named(wanted),
                    movement: *movement,
                });
            }
        }
        self.units += 1;
        Ok(())
    }

    /// What was found.
    #[must_use]
    pub fn finish(self) -> Counts {
        let (old, wanted) = (self.plan.old(), self.plan.wanted());
        let layers = self.layers.into_iter().map(|tally| {
            let cells = tally.cells.into_iter().map(|(cell, (_, count))| (cell, count)).collect();
            LayerFlows::new((tally.pair.id, tally.pair.unit), &cells, old, wanted)
        });
        Counts { units: self.units, layers: layers.collect(), moved: self.moved }
    }
}

impl Counts {
    /// How many units were counted.
    #[must_use]
    pub const fn units(&self) -> u64 {
        self.units
    }

    /// Who goes where in each layer.
    #[must_use]
    pub fn layers(&self) -> &[LayerFlows<u64>] {
        &self.layers
    }

    /// The units that get something else than they had, or the same from another phase or under another name;
    /// in the order of counting, up to the limit of the census.
    #[must_use]
    pub fn moved(&self) -> &[UnitMove] {
        &self.moved
    }
}

fn identified<'s>(snapshot: &'s Snapshot, subject: &Subject<'s>) -> Result<Unit<'s>, AssignError> {
    match subject.id {
        Some(id) => snapshot.unit(subject.kind, id),
        None => snapshot.identify(subject.kind, subject.context.attributes, subject.context.now),
    }
}

/// How many movements a census lists unless said otherwise.
const MAX_LISTED: usize = 1_000_000;
