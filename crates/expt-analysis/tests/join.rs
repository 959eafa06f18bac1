//! The join against a brute-force oracle: nested loops over raw rows, straight from the documented semantics.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod world;

use std::collections::BTreeMap;

use expt_analysis::{Disposition, Join, Joined, Ledger, Tally};
use expt_core::{Aggregation, Event, PinStatus, Shown, Subject, Timestamp};
use expt_core::{Exposure, ExposureTarget, Outcome, Output, Prediction, UnitId};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use world::World;

/// What a join says, in types that this test can make.
#[derive(Debug, PartialEq)]
struct Seen {
    units: Vec<Unit>,
    mixed: u64,
    /// For each table: rows read, and how many have each disposition.
    tables: BTreeMap<String, (u64, BTreeMap<Disposition, u64>)>,
}

#[derive(Debug, PartialEq)]
struct Unit {
    arm: usize,
    first: Timestamp,
    predictions: u64,
    values: Vec<(f64, f64)>,
}

fn seen(joined: &Joined) -> Seen {
    let units = joined.units.iter().map(|unit| Unit {
        arm: unit.arm,
        first: unit.first,
        predictions: unit.predictions,
        values: unit.values.iter().map(|value| (value.numerator, value.denominator)).collect(),
    });
    let table = |(name, tally): (String, &Tally)| (name, (tally.read, tally.rows.clone()));
    Seen { units: units.collect(), mixed: joined.mixed, tables: joined.ledger.tables().map(table).collect() }
}

#[test]
fn agrees_with_the_oracle() {
    let (mut counted, mut dispositions) = (0.0, BTreeMap::<Disposition, u64>::new());
    for seed in 0..10_000 {
        let mut rng = StdRng::seed_from_u64(seed);
        let world = World::random(&mut rng).without_ties();
        let join = Join::new(&world.plan, world.events.clone());
        for as_of in world.looks(&mut rng) {
            let joined = join.look(as_of);
            let found = seen(&joined);
            assert_eq!(found, Oracle { world: &world, as_of }.join(), "seed {seed} at {as_of}: {world:#?}");
            assert!(joined.ledger.balances());
            counted += found.units.iter().flat_map(|unit| &unit.values).map(|(n, _)| n.abs()).sum::<f64>();
            for (read, rows) in found.tables.values() {
                assert_eq!(*read, rows.values().sum::<u64>());
                rows.iter().for_each(|(kind, rows)| *dispositions.entry(*kind).or_default() += rows);
            }
        }
    }
    // The worlds are not trivial: something counts, and every disposition was met.
    assert!(counted > 1000.0, "{counted}");
    assert_eq!(dispositions.len(), 21, "{dispositions:?}");
    assert!(dispositions.values().all(|rows| *rows > 50), "{dispositions:?}");
}

#[test]
fn the_order_of_the_log_does_not_matter() {
    for seed in 0..3000 {
        let mut rng = StdRng::seed_from_u64(1_000_000 + seed);
        // With ties: rows of one id and one time that say different things.
        let world = World::random(&mut rng);
        let mut shuffled = world.events.clone();
        shuffled.shuffle(&mut rng);
        let (join, other) = (Join::new(&world.plan, world.events.clone()), Join::new(&world.plan, shuffled));
        assert_eq!((join.first_exposure(), join.latest()), (other.first_exposure(), other.latest()));
        for as_of in world.looks(&mut rng) {
            assert_eq!(join.look(as_of), other.look(as_of), "seed {seed} at {as_of}");
        }
    }
}

#[test]
fn sending_everything_again_adds_duplicates_and_nothing_else() {
    for seed in 0..3000 {
        let mut rng = StdRng::seed_from_u64(2_000_000 + seed);
        let world = World::random(&mut rng);
        let twice = world.events.iter().chain(&world.events).cloned();
        let (join, twice) = (Join::new(&world.plan, world.events.clone()), Join::new(&world.plan, twice));
        for as_of in world.looks(&mut rng) {
            let (once, twice) = (join.look(as_of), twice.look(as_of));
            assert_eq!((&once.units, once.mixed), (&twice.units, twice.mixed), "seed {seed} at {as_of}");
            assert!(twice.ledger.balances());
            let again = |ledger: &Ledger| ledger.tables().map(|(_, tally)| tally.read).sum::<u64>();
            assert_eq!(again(&twice.ledger), 2 * again(&once.ledger));
            for ((name, once), (_, twice)) in once.ledger.tables().zip(twice.ledger.tables()) {
                // An exposure has no id, so sent again it is one more; a merged list decides nothing.
                if name.starts_with("outcomes") || name == "predictions" {
                    use Disposition::{Conflict, Duplicate, NotYet};
                    for kind in once.rows.keys().filter(|kind| ![Conflict, Duplicate, NotYet].contains(kind))
                    {
                        assert_eq!(once.count(*kind), twice.count(*kind), "seed {seed}: {name}, {kind:?}");
                    }
                }
            }
        }
    }
}

/// A unit's window closes once: what counted at a look counts at every later one, unless the unit left.
#[test]
fn a_later_look_takes_nothing_back() {
    for seed in 0..3000 {
        let mut rng = StdRng::seed_from_u64(3_000_000 + seed);
        // Values above 0 only, and everything received when it happens: sums can only be what they were.
        let mut world = World::random(&mut rng);
        for event in &mut world.events {
            if let Event::Outcome(row) = event {
                row.received = row.at;
                row.value = row.value.abs();
            }
        }
        let join = Join::new(&world.plan, world.events.clone());
        let mut before: Option<Joined> = None;
        for as_of in 0..60 {
            let now = join.look(world::at(as_of));
            let Some(earlier) = before.replace(now.clone()) else { continue };
            assert!(now.mixed >= earlier.mixed);
            assert!(now.units.len() as u64 + now.mixed >= earlier.units.len() as u64 + earlier.mixed);
            for unit in &earlier.units {
                // Units have no names here; arm and first exposure find those that did not leave.
                let same =
                    |other: &&expt_analysis::JoinedUnit| (other.arm, other.first) == (unit.arm, unit.first);
                let kept = now.units.iter().filter(same);
                let grown = kept.clone().any(|other| {
                    let mut values = other.values.iter().zip(&unit.values).zip(world.plan.metrics());
                    other.predictions >= unit.predictions
                        && values.all(|((now, before), metric)| match metric.aggregation {
                            // A window that was over has its final value.
                            Aggregation::UnitTotal | Aggregation::UnitAny if before.denominator > 0.0 => {
                                now == before
                            }
                            _ => now.numerator >= before.numerator && now.denominator >= before.denominator,
                        })
                });
                let left = now.mixed - earlier.mixed;
                assert!(grown || left > 0, "seed {seed} at {as_of}: {unit:?}");
            }
        }
    }
}

/// The same with late arrivals, by count: they add, and only a unit that leaves takes its rows with it.
#[test]
fn a_later_look_counts_no_fewer_rows() {
    for seed in 0..3000 {
        let world = World::random(&mut StdRng::seed_from_u64(5_000_000 + seed));
        let join = Join::new(&world.plan, world.events.clone());
        let looks: Vec<Joined> = (0..60).map(|second| join.look(world::at(second))).collect();
        for (earlier, later) in looks.iter().zip(&looks[1..]).filter(|(a, b)| a.mixed == b.mixed) {
            for ((name, before), (_, after)) in earlier.ledger.tables().zip(later.ledger.tables()) {
                let (before, after) = (before.count(Disposition::Counted), after.count(Disposition::Counted));
                assert!(before <= after, "seed {seed} at {}: {name} {before} to {after}", later.as_of);
            }
        }
    }
}

#[test]
fn what_is_latest_is_of_the_phase() {
    let mut rng = StdRng::seed_from_u64(4);
    for _ in 0..300 {
        let world = World::random(&mut rng);
        let join = Join::new(&world.plan, world.events.clone());
        let Some(latest) = join.latest() else {
            assert_eq!(join.first_exposure(), None);
            continue;
        };
        assert!(join.first_exposure().is_some_and(|first| first <= latest));
        // Nothing that counts comes later, apart from windows that close.
        let much = std::time::Duration::from_secs(1000);
        let (then, later) = (join.look(latest + much), join.look(latest + much * 2));
        assert_eq!(then.units, later.units);
    }
}

/// The documented semantics, row by row, in the simplest possible way.
struct Oracle<'a> {
    world: &'a World,
    as_of: Timestamp,
}

impl Oracle<'_> {
    fn join(&self) -> Seen {
        let mut names: Vec<&UnitId> = self.exposures().map(|row| &row.unit).collect();
        names.sort();
        names.dedup();
        let mut units = Vec::new();
        let mut mixed = 0;
        for name in names {
            let Some((first, arm)) = self.first(name) else { continue };
            if self.is_mixed(name) {
                mixed += 1;
            } else if first <= self.as_of {
                units.push(self.unit(name, arm, first));
            }
        }
        let mut tables: BTreeMap<String, (u64, BTreeMap<Disposition, u64>)> = BTreeMap::new();
        let names = ["exposures", "predictions", "merged lists"].map(str::to_owned).into_iter();
        for name in
            names.chain(self.world.plan.metrics().map(|metric| format!("outcomes: {}", metric.metric)))
        {
            tables.entry(name).or_default();
        }
        for position in 0..self.world.events.len() {
            let (table, disposition) = self.row(position);
            let (read, rows) = tables.entry(table).or_default();
            *read += 1;
            *rows.entry(disposition).or_default() += 1;
        }
        Seen { units, mixed, tables }
    }

    fn exposures(&self) -> impl Iterator<Item = &Exposure> {
        self.world.events.iter().filter_map(|event| match event {
            Event::Exposure(row) => Some(row),
            _ => None,
        })
    }

    fn row(&self, position: usize) -> (String, Disposition) {
        match &self.world.events[position] {
            Event::Exposure(row) => ("exposures".into(), self.exposure(position, row)),
            Event::Prediction(row) => ("predictions".into(), self.prediction(position, row)),
            Event::Outcome(row) => (format!("outcomes: {}", row.metric), self.outcome(position, row)),
            other => {
                let is_later = other.at() > self.as_of;
                ("merged lists".into(), if is_later { Disposition::NotYet } else { Disposition::OtherPhase })
            }
        }
    }

    /// The arm of the plan that an exposure is to, if it is one of this phase and kind of unit.
    fn arm(&self, row: &Exposure) -> Option<usize> {
        let ExposureTarget::Arm { phase, arm, .. } = &row.target else { return None };
        if *phase != self.world.plan.phase || row.unit_kind != self.world.plan.unit {
            return None;
        }
        self.world.plan.arms.iter().position(|planned| planned.arm == *arm)
    }

    /// First exposure and arm of a unit, ever.
    fn first(&self, unit: &UnitId) -> Option<(Timestamp, usize)> {
        let own = self.exposures().filter(|row| row.unit == *unit);
        let own = own.filter_map(|row| Some((row.at, self.arm(row)?)));
        // Of two arms at one time it does not matter which is first: the unit is mixed from then on.
        own.min()
    }

    fn is_mixed(&self, unit: &UnitId) -> bool {
        let Some((first, own)) = self.first(unit) else { return false };
        for row in self.exposures() {
            if row.unit == *unit && row.at <= self.as_of && self.arm(row).is_some_and(|arm| arm != own) {
                return true;
            }
        }
        for (position, event) in self.world.events.iter().enumerate() {
            let Event::Prediction(row) = event else { continue };
            if row.at <= self.as_of
                && row.at >= first
                && row.unit == *unit
                && row.unit_kind == self.world.plan.unit
                && self.is_original_prediction(position, row)
                && row.stamp.shown == Shown::Arm
                && self.stamped(row).is_some_and(|arm| arm.is_some_and(|arm| arm != own))
            {
                return true;
            }
        }
        false
    }

    /// The arm of this phase that the stamp names: `None` without one, `Some(None)` for one not in the plan.
    fn stamped(&self, row: &Prediction) -> Option<Option<usize>> {
        let arm = row.stamp.arms.iter().find(|arm| arm.phase == self.world.plan.phase)?;
        Some(self.world.plan.arms.iter().position(|planned| planned.arm == arm.arm))
    }

    fn exposure(&self, position: usize, row: &Exposure) -> Disposition {
        if row.at > self.as_of {
            return Disposition::NotYet;
        }
        if matches!(row.target, ExposureTarget::Holdout { .. }) {
            return Disposition::Holdout;
        }
        let ExposureTarget::Arm { phase, .. } = &row.target else { unreachable!() };
        if *phase != self.world.plan.phase || row.unit_kind != self.world.plan.unit {
            return Disposition::OtherPhase;
        }
        if self.arm(row).is_none() {
            return Disposition::UnknownArm;
        }
        if self.is_mixed(&row.unit) {
            return Disposition::MixedArms;
        }
        for (other, event) in self.world.events.iter().enumerate() {
            if let Event::Exposure(before) = event
                && before.unit == row.unit
                && self.arm(before).is_some()
                && (before.at, other) < (row.at, position)
            {
                return Disposition::Repeated;
            }
        }
        Disposition::Counted
    }

    fn is_original_prediction(&self, position: usize, row: &Prediction) -> bool {
        !self.world.events.iter().enumerate().any(|(other, event)| match event {
            Event::Prediction(before) => before.id == row.id && (before.at, other) < (row.at, position),
            _ => false,
        })
    }

    fn prediction(&self, position: usize, row: &Prediction) -> Disposition {
        if row.at > self.as_of {
            return Disposition::NotYet;
        }
        if !self.is_original_prediction(position, row) {
            let (original, _) = self.original(row.id).unwrap();
            let same = format!("{original:?}") == format!("{row:?}");
            return if same { Disposition::Duplicate } else { Disposition::Conflict };
        }
        match row.stamp.shown {
            Shown::Shadow => return Disposition::Shadow,
            Shown::Holdout(_) => return Disposition::Holdout,
            Shown::Forced | Shown::Excluded | Shown::Fallback => return Disposition::NotByArm,
            Shown::Production => return Disposition::OtherPhase,
            _ => {}
        }
        let arm = match self.stamped(row) {
            None => return Disposition::OtherPhase,
            Some(None) => return Disposition::UnknownArm,
            Some(Some(arm)) => arm,
        };
        let Some((first, own)) = self.first(&row.unit) else { return Disposition::NotExposed };
        if row.unit_kind != self.world.plan.unit || row.at < first {
            return Disposition::NotExposed;
        }
        if arm == own && row.stamp.model.pin == PinStatus::Mismatch {
            return Disposition::PinMismatch;
        }
        if self.is_mixed(&row.unit) {
            return Disposition::MixedArms;
        }
        let per_prediction = |m: &&expt_core::PlannedMetric| m.aggregation == Aggregation::PerPrediction;
        let longest = self.world.plan.metrics().filter(per_prediction).map(|metric| metric.window).max();
        if longest.is_some_and(|window| row.at + window > self.as_of) {
            return Disposition::Immature;
        }
        Disposition::Counted
    }

    /// The row of a prediction id that counts, and its disposition.
    fn original(&self, id: expt_core::PredictionId) -> Option<(&Prediction, Disposition)> {
        for (position, event) in self.world.events.iter().enumerate() {
            if let Event::Prediction(row) = event
                && row.id == id
                && self.is_original_prediction(position, row)
            {
                // A duplicate or conflict asks for its original, and an original for nothing.
                return Some((row, self.prediction(position, row)));
            }
        }
        None
    }

    fn outcome(&self, position: usize, row: &Outcome) -> Disposition {
        if row.received > self.as_of || row.at > self.as_of {
            return Disposition::NotYet;
        }
        let mut original = (row.received, position, row);
        for (other, event) in self.world.events.iter().enumerate() {
            if let Event::Outcome(before) = event
                && before.id == row.id
                && (before.received, other) < (original.0, original.1)
            {
                original = (before.received, other, before);
            }
        }
        if original.1 != position {
            let what = |row: &Outcome| (row.at, row.subject.clone(), row.metric.clone(), row.value.to_bits());
            return if what(original.2) == what(row) {
                Disposition::Duplicate
            } else {
                Disposition::Conflict
            };
        }
        let Some(metric) = self.world.plan.metrics().find(|metric| metric.metric == row.metric) else {
            return Disposition::UnplannedMetric;
        };
        if !row.value.is_finite() {
            return Disposition::NotFinite;
        }
        let per_prediction = metric.aggregation == Aggregation::PerPrediction;
        let (id, item) = match &row.subject {
            Subject::Unit { .. } if per_prediction => return Disposition::WrongSubject,
            Subject::Unit { unit, unit_kind } => {
                let Some((first, _)) = self.first(unit).filter(|_| *unit_kind == self.world.plan.unit) else {
                    return Disposition::NotExposed;
                };
                return self.of_unit(row, unit, first, metric.window);
            }
            Subject::Prediction(id) => (*id, None),
            Subject::Item { prediction, index } => (*prediction, Some(*index as usize)),
            _ => unreachable!(),
        };
        let Some((prediction, disposition)) = self.original(id) else { return Disposition::Orphan };
        let has_item = match (&prediction.output, item) {
            (_, None) => true,
            (Output::Items(items), Some(index)) => index < items.len(),
            _ => false,
        };
        if !has_item {
            return Disposition::Orphan;
        }
        // Whether it is of an arm of this phase at all, whatever the time of the look.
        let always = Oracle { world: self.world, as_of: Timestamp::MAX }.original(id).unwrap().1;
        if !matches!(always, Disposition::Counted | Disposition::MixedArms) {
            return Disposition::SubjectNotCounted;
        }
        if !per_prediction {
            let (first, _) = self.first(&prediction.unit).unwrap();
            return self.of_unit(row, &prediction.unit, first, metric.window);
        }
        match disposition {
            Disposition::Counted if row.at < prediction.at => Disposition::BeforeWindow,
            Disposition::Counted if row.at >= prediction.at + metric.window => Disposition::AfterWindow,
            Disposition::Counted | Disposition::MixedArms | Disposition::Immature => disposition,
            _ => Disposition::SubjectNotCounted,
        }
    }

    fn of_unit(
        &self,
        row: &Outcome,
        unit: &UnitId,
        first: Timestamp,
        window: std::time::Duration,
    ) -> Disposition {
        if self.is_mixed(unit) {
            Disposition::MixedArms
        } else if row.at < first {
            Disposition::BeforeWindow
        } else if row.at >= first + window {
            Disposition::AfterWindow
        } else if self.as_of < first + window {
            Disposition::Immature
        } else {
            Disposition::Counted
        }
    }

    fn unit(&self, name: &UnitId, arm: usize, first: Timestamp) -> Unit {
        let mut predictions = 0;
        let mut values = Vec::new();
        for (position, event) in self.world.events.iter().enumerate() {
            if let Event::Prediction(row) = event
                && row.unit == *name
                && self.prediction(position, row) == Disposition::Counted
            {
                predictions += 1;
            }
        }
        for metric in self.world.plan.metrics() {
            let (mut sum, mut any, mut of) = (0.0, 0.0, Vec::new());
            for (position, event) in self.world.events.iter().enumerate() {
                let Event::Outcome(row) = event else { continue };
                if row.metric != metric.metric || self.outcome(position, row) != Disposition::Counted {
                    continue;
                }
                let (whose, prediction) = match &row.subject {
                    Subject::Unit { unit, .. } => (unit, None),
                    Subject::Prediction(id) | Subject::Item { prediction: id, .. } => {
                        (&self.original(*id).unwrap().0.unit, Some(*id))
                    }
                    _ => unreachable!(),
                };
                if whose == name {
                    sum += row.value;
                    any = if row.value > 0.0 { 1.0 } else { any };
                    of.extend(prediction.filter(|id| !of.contains(id)));
                }
            }
            let over = if first + metric.window <= self.as_of { 1.0 } else { 0.0 };
            values.push(match metric.aggregation {
                Aggregation::UnitTotal => (sum, over),
                Aggregation::UnitAny => (any, over),
                Aggregation::PerPrediction => (sum, of.len() as f64),
                _ => unreachable!(),
            });
        }
        Unit { arm, first, predictions, values }
    }
}
