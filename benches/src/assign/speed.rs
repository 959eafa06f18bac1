//! Assignments one by one and layer by layer.

use std::error::Error;
use std::hint::black_box;

use expt::assign::mix::UnitHash;
use expt::assign::targeting::Value;
use expt::assign::{Choices, Context, PointHandle, Ranges, Snapshot, Unit};
use expt::core::{Share, Timestamp, UnitKind};

use super::configs::{config, point, snapshot, treated};
use super::method::{EXPERIMENTS, allocations, ids, nanoseconds};
use super::ours;
use super::peers::Peers;
use crate::Figure;

pub(crate) fn figures(peers: &Peers) -> Result<Vec<Figure>, Box<dyn Error>> {
    let (ids, user) = (ids(), UnitKind::new("user")?);
    let mut figures = Vec::new();
    for hash in [UnitHash::SipHash13, UnitHash::Blake3] {
        let hundred = Bench::new(EXPERIMENTS, hash, None, &ids, &user)?;
        hundred.check()?;
        if hash == UnitHash::SipHash13 {
            figures.extend(hundred.at_hand()?);
        }
        figures.extend(hundred.whole(peers)?);
        let thousand = Bench::new(1_000, hash, None, &ids, &user)?;
        figures.push(thousand.thousand());
    }
    figures.extend(half(&ids, &user)?);
    figures.extend(targeted(&ids, &user)?);
    Ok(figures)
}

/// Where experiments have half of the traffic, the place of a unit in the layer has to be found as well.
fn half(ids: &[String], user: &UnitKind) -> Result<Vec<Figure>, Box<dyn Error>> {
    let mut figures = Vec::new();
    for (layers, name, limit) in [
        (EXPERIMENTS, "100 experiments on half of their layers, from an id, SipHash-1-3-128", 540.0),
        (1_000, "1,000 experiments on half of their layers, from an id, SipHash-1-3-128", 5_000.0),
    ] {
        let mut config = config(layers, UnitHash::SipHash13, None)?;
        config.phases.iter_mut().for_each(|phase| phase.ranges = Ranges::of(Share::HALF));
        let snapshot = Snapshot::compile(config)?;
        let kind = snapshot.unit_kind(user)?;
        let mut choices = Choices::new();
        let some = ids.get(..64).unwrap_or(ids);
        let all = || {
            for id in some {
                let Ok(unit) = &snapshot.unit_of(kind, black_box(id.as_str())) else { continue };
                snapshot.assign_all(unit, &NOBODY, &mut choices);
                black_box(&choices);
            }
        };
        figures.push(ours(name, nanoseconds(some.len(), all), "ns", limit));
    }
    Ok(figures)
}

/// A snapshot, and what it is asked.
struct Bench<'a> {
    snapshot: Snapshot,
    hash: UnitHash,
    point: PointHandle,
    points: Vec<PointHandle>,
    ids: &'a [String],
    user: &'a UnitKind,
}

impl<'a> Bench<'a> {
    fn new(
        layers: usize,
        hash: UnitHash,
        targeting: Option<&str>,
        ids: &'a [String],
        user: &'a UnitKind,
    ) -> Result<Self, Box<dyn Error>> {
        let snapshot = snapshot(layers, hash, targeting)?;
        let handle =
            |layer| Ok::<_, Box<dyn Error>>(snapshot.decision_point(&point(layer)?).ok_or("no point")?);
        let points = (0..layers).map(handle).collect::<Result<Vec<_>, _>>()?;
        let point = *points.first().ok_or("no layers")?;
        Ok(Self { snapshot, hash, point, points, ids, user })
    }

    /// What is measured must be the right thing: both arms come out, about equally often.
    fn check(&self) -> Result<(), Box<dyn Error>> {
        for point in &self.points {
            let mut second: u32 = 0;
            for id in self.ids {
                let unit = self.snapshot.unit(self.user, id)?;
                let assignment = self.snapshot.assign(&unit, *point, &NOBODY);
                second += u32::from(treated(assignment.binding().ok_or("nothing is served")?));
            }
            let share = f64::from(second) / self.ids.len() as f64;
            if (share - 0.5).abs() > 0.1 {
                return Err(format!("{share} of the units are in the second arm, not half").into());
            }
        }
        Ok(())
    }

    /// Units that were digested before.
    fn units(&self) -> Result<Vec<Unit<'_>>, Box<dyn Error>> {
        Ok(self.ids.iter().map(|id| self.snapshot.unit(self.user, id)).collect::<Result<_, _>>()?)
    }

    fn at_hand(&self) -> Result<Vec<Figure>, Box<dyn Error>> {
        let units = self.units()?;
        let assign = || {
            for unit in &units {
                let assignment = self.snapshot.assign(black_box(unit), self.point, &NOBODY);
                black_box(&assignment);
            }
        };
        let read = || {
            for unit in &units {
                let assignment = self.snapshot.assign(black_box(unit), self.point, &NOBODY);
                black_box(assignment.binding());
            }
        };
        Ok(vec![
            ours("assignment by handle, digest at hand", nanoseconds(units.len(), assign), "ns", 8.0),
            ours("the same, and its binding read", nanoseconds(units.len(), read), "ns", None),
            ours(
                "allocations of an assignment by handle, digest at hand",
                allocations(units.len(), assign),
                "allocations",
                0.0,
            ),
        ])
    }

    fn whole(&self, peers: &Peers) -> Result<Vec<Figure>, Box<dyn Error>> {
        let user = self.snapshot.unit_kind(self.user)?;
        let assigned = || {
            for id in self.ids {
                let Ok(unit) = &self.snapshot.unit_of(user, black_box(id.as_str())) else { continue };
                let assignment = self.snapshot.assign(unit, self.point, &NOBODY);
                black_box(&assignment);
            }
        };
        let one = || {
            for id in self.ids {
                let Ok(unit) = &self.snapshot.unit_of(user, black_box(id.as_str())) else { continue };
                let assignment = self.snapshot.assign(unit, self.point, &NOBODY);
                black_box(assignment.binding());
            }
        };
        let mut choices = Choices::new();
        let mut all = || {
            for id in self.ids {
                let Ok(unit) = self.snapshot.unit(self.user, black_box(id.as_str())) else { continue };
                self.snapshot.assign_all(&unit, &NOBODY, &mut choices);
                black_box(&choices);
            }
        };
        let mut read_choices = Choices::new();
        let mut read = || {
            for id in self.ids {
                let Ok(unit) = self.snapshot.unit(self.user, black_box(id.as_str())) else { continue };
                self.snapshot.assign_all(&unit, &NOBODY, &mut read_choices);
                for point in &self.points {
                    let assignment = self.snapshot.assigned(&unit, *point, &read_choices);
                    black_box(assignment.and_then(|assignment| assignment.binding()));
                }
            }
        };
        let operations = self.ids.len();
        let blake3 = self.hash == UnitHash::Blake3;
        let name =
            |siphash: &'static str, with_blake3: &'static str| if blake3 { with_blake3 } else { siphash };
        let mut figures = vec![ours(
            name("assignment from a 36-byte id, SipHash-1-3-128", "assignment from a 36-byte id, BLAKE3"),
            nanoseconds(operations, assigned),
            "ns",
            if blake3 { 130.0 } else { 28.0 },
        )];
        // Peers give a value, so it is read here as well.
        figures.extend(peers.beside(
            "one",
            ours(
                name(
                    "assignment from a 36-byte id, its binding read, SipHash-1-3-128",
                    "assignment from a 36-byte id, its binding read, BLAKE3",
                ),
                nanoseconds(operations, one),
                "ns",
                None,
            ),
        ));
        figures.extend(peers.allocations_beside(
            "one",
            ours(
                name(
                    "allocations of an assignment from an id, SipHash-1-3-128",
                    "allocations of an assignment from an id, BLAKE3",
                ),
                allocations(operations, one),
                "allocations",
                0.0,
            ),
        ));
        figures.extend(peers.beside(
            "all",
            ours(
                name(
                    "100 experiments in layers from an id, SipHash-1-3-128",
                    "100 experiments in layers from an id, BLAKE3",
                ),
                nanoseconds(operations, &mut all),
                "ns",
                540.0,
            ),
        ));
        figures.push(ours(
            name(
                "allocations of 100 experiments in layers, SipHash-1-3-128",
                "allocations of 100 experiments in layers, BLAKE3",
            ),
            allocations(operations, &mut all),
            "allocations",
            0.0,
        ));
        figures.extend(peers.beside(
            "all",
            ours(
                name(
                    "100 experiments in layers from an id, each binding read, SipHash-1-3-128",
                    "100 experiments in layers from an id, each binding read, BLAKE3",
                ),
                nanoseconds(operations, &mut read),
                "ns",
                None,
            ),
        ));
        Ok(figures)
    }

    fn thousand(&self) -> Figure {
        let mut choices = Choices::new();
        let some = self.ids.get(..64).unwrap_or(self.ids);
        let all = || {
            for id in some {
                let Ok(unit) = self.snapshot.unit(self.user, black_box(id.as_str())) else { continue };
                self.snapshot.assign_all(&unit, &NOBODY, &mut choices);
                black_box(&choices);
            }
        };
        let name = match self.hash {
            UnitHash::Blake3 => "1,000 experiments in layers from an id, BLAKE3",
            _ => "1,000 experiments in layers from an id, SipHash-1-3-128",
        };
        ours(name, nanoseconds(some.len(), all), "ns", 5_000.0)
    }
}

/// Three clauses that hold, so that all are asked.
fn targeted(ids: &[String], user: &UnitKind) -> Result<Vec<Figure>, Box<dyn Error>> {
    let bench = Bench::new(EXPERIMENTS, UnitHash::SipHash13, Some(CLAUSES), ids, user)?;
    let snapshot = &bench.snapshot;
    let units = bench.units()?;
    let pairs = [("age", Value::Int(30)), ("app", Value::Text("2.10.1")), ("country", Value::Text("AT"))];
    let filled = || pairs.iter().fold(snapshot.values(), |values, (name, value)| values.with(name, *value));
    let values = filled();
    let context = Context::new(NOW).with_attributes(&values);
    let unit = units.first().ok_or("no units")?;
    if snapshot.assign(unit, bench.point, &context).binding().is_none()
        || snapshot.assign(unit, bench.point, &NOBODY).binding().is_some()
    {
        return Err("the rule must fit the request, and no request without attributes".into());
    }
    let assign = || {
        for unit in &units {
            let assignment = snapshot.assign(black_box(unit), bench.point, black_box(&context));
            black_box(assignment.binding());
        }
    };
    let filling = || {
        for unit in &units {
            let values = black_box(filled());
            let context = Context::new(NOW).with_attributes(&values);
            black_box(snapshot.assign(black_box(unit), bench.point, &context).binding());
        }
    };
    let by_name = Context::new(NOW).with_attributes(&pairs);
    let searching = || {
        for unit in &units {
            let assignment = snapshot.assign(black_box(unit), bench.point, black_box(&by_name));
            black_box(assignment.binding());
        }
    };
    let operations = units.len();
    Ok(vec![
        ours("assignment with three targeting clauses", nanoseconds(operations, assign), "ns", 80.0),
        ours(
            "allocations of an assignment with three targeting clauses",
            allocations(operations, assign),
            "allocations",
            0.0,
        ),
        ours(
            "assignment with three targeting clauses, attributes by name",
            nanoseconds(operations, searching),
            "ns",
            None,
        ),
        ours(
            "assignment with three targeting clauses, attributes put in place first",
            nanoseconds(operations, filling),
            "ns",
            None,
        ),
    ])
}

const CLAUSES: &str = "country in ('DE', 'AT') and app >= version '2.3.0' and age >= 18";
const NOW: Timestamp = Timestamp::from_micros(1_772_582_400_000_000);
const NOBODY: Context<'static> = Context::new(NOW);
