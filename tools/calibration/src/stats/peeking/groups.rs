//! Group-sequential designs, on the looks that they planned.

use expt::stats::sequential::{Efficacy, GroupPlan, GroupSequential, Spending};
use expt::stats::{Alpha, EffectState, Moments, StatsError};

use super::ALPHA;
use crate::Scale;
use crate::stats::draw::{Bits, Law, normal};
use crate::stats::marks::{Marks, simulate};

struct Cell {
    name: String,
    design: GroupSequential,
    /// Units between looks and their distribution; without it, exact normal increments.
    units: Option<(u64, Law)>,
}

pub(super) fn judge(scale: Scale, marks: &mut Marks) -> Result<(), StatsError> {
    let (runs, means_runs) = match scale {
        Scale::Full => (100_000, 20_000),
        Scale::Quick => (5_000, 500),
    };
    let mut cells = Vec::new();
    let spending = |function| Efficacy::Spending { function };
    let rules = [
        ("O'Brien-Fleming", Efficacy::ObrienFleming),
        ("Pocock", Efficacy::Pocock),
        ("Lan-DeMets O'Brien-Fleming", spending(Spending::LanDeMetsObrienFleming)),
        ("Lan-DeMets Pocock", spending(Spending::LanDeMetsPocock)),
        ("Hwang-Shih-DeCani -4", spending(Spending::HwangShihDeCani { gamma: -4.0 })),
        ("Kim-DeMets 3", spending(Spending::KimDeMets { rho: 3.0 })),
    ];
    for (name, rule) in rules {
        for (looks, information) in [
            ("5 looks", vec![0.2, 0.4, 0.6, 0.8, 1.0]),
            ("28 looks", (1..=28).map(|day| f64::from(day) / 28.0).collect()),
            ("looks at .1, .15, .5, .9, 1", vec![0.1, 0.15, 0.5, 0.9, 1.0]),
        ] {
            let design = GroupPlan::new(Alpha::new(ALPHA)?, &information, rule.clone()).design()?;
            cells.push(Cell { name: format!("{name}, {looks}"), design, units: None });
        }
    }
    let daily = GroupPlan::equally_spaced(Alpha::new(ALPHA)?, 20, spending(Spending::LanDeMetsObrienFleming))
        .design()?;
    for law in [Law::Normal, Law::Bernoulli(0.5), Law::LogNormal { sigma: 1.0 }] {
        let name = format!("Lan-DeMets O'Brien-Fleming, 20 looks at 200 units, {}", law.name());
        cells.push(Cell { name, design: daily.clone(), units: Some((100, law)) });
    }
    let of = |cell: &Cell| if cell.units.is_some() { means_runs } else { runs };
    let results = simulate("peeking, groups", &cells, of, run)?;
    marks.heading("Group-sequential designs, two-sided, at the planned looks");
    for (cell, means) in cells.iter().zip(&results) {
        marks.at_most(&cell.name, &means[0], ALPHA);
    }
    Ok(())
}

/// Yields whether any look crossed its bound.
fn run(cell: &Cell, bits: &mut Bits) -> Result<Vec<f64>, StatsError> {
    let (mut sum, mut last) = (0.0, 0.0);
    let mut arms = [Moments::default(); 2];
    for look in cell.design.looks() {
        let z = match cell.units {
            None => {
                sum += (look.information - last).sqrt() * normal(bits);
                last = look.information;
                sum / look.information.sqrt()
            }
            Some((units, law)) => {
                for arm in &mut arms {
                    for _ in 0..units {
                        arm.push(law.draw(bits))?;
                    }
                }
                let state = EffectState::means(&arms[0], &arms[1])?;
                state.estimate() / state.variance().sqrt()
            }
        };
        if look.efficacy.is_some_and(|bound| z.abs() >= bound) {
            return Ok(vec![1.0]);
        }
    }
    Ok(vec![0.0])
}
