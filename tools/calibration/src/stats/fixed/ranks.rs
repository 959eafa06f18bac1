//! What rests on the order of the values: quantiles, shifts, rank tests.

use expt::stats::quantile::SortedSample;
use expt::stats::rank::{MannWhitney, Null, brunner_munzel, hodges_lehmann};
use expt::stats::special::normal_quantile;
use expt::stats::{Alpha, Alternative, Probability, StatsError};

use super::EXACT;
use crate::Scale;
use crate::stats::draw::{Bits, Law, normal};
use crate::stats::marks::{Marks, simulate};

#[derive(Clone, Copy)]
enum Cell {
    /// Units, quantile, whether values are whole numbers.
    Quantile(usize, f64, bool),
    Shift(usize, usize),
}

use Cell::{Quantile, Shift};

const CELLS: [Cell; 11] = [
    Quantile(50, 0.5, false),
    Quantile(50, 0.9, false),
    Quantile(1_000, 0.5, false),
    Quantile(1_000, 0.99, false),
    Quantile(1_000, 0.9, true),
    Shift(6, 6),
    Shift(10, 30),
    Shift(40, 40),
    Shift(95, 5),
    Shift(100, 100),
    Shift(570, 30),
];

pub(super) fn judge(scale: Scale, marks: &mut Marks) -> Result<(), StatsError> {
    let runs = match scale {
        Scale::Full => 100_000,
        Scale::Quick => 1_000,
    };
    let results = simulate("fixed, ranks", &CELLS, |_| runs, run)?;
    marks.heading("Coverage by ranks, log-normal values; level of tests as coverage");
    for (cell, means) in CELLS.iter().zip(&results) {
        match *cell {
            Quantile(units, q, whole) => {
                let ties = if whole { ", with ties" } else { "" };
                marks.at_least(&format!("quantile {q}, {units} units{ties}"), &means[0], EXACT);
            }
            Shift(m, n) => {
                marks.at_least(&format!("Hodges-Lehmann shift, {m} + {n} units"), &means[0], EXACT);
                marks.at_least(&format!("Mann-Whitney, as chosen, {m} + {n} units"), &means[1], EXACT);
                marks.listed(&format!("Mann-Whitney, asymptotic, {m} + {n} units"), &means[2], "no mark");
                marks.listed(&format!("Brunner-Munzel, {m} + {n} units"), &means[3], "no mark");
            }
        }
    }
    Ok(())
}

fn run(cell: &Cell, bits: &mut Bits) -> Result<Vec<f64>, StatsError> {
    let alpha = Alpha::FIVE_PERCENT;
    match *cell {
        Quantile(units, q, whole) => {
            let round = |value: f64| if whole { value.floor() } else { value };
            let values: Vec<f64> = (0..units).map(|_| round(normal(bits).exp())).collect();
            // With ties the quantile is the least value that enough of the distribution does not exceed.
            let truth = round(normal_quantile(q)?.exp());
            let sample = SortedSample::new(&values)?;
            let interval = sample.interval(Probability::new(q)?, alpha, Alternative::TwoSided);
            Ok(vec![f64::from(interval.contains(truth))])
        }
        Shift(m, n) => {
            let law = Law::LogNormal { sigma: 1.0 };
            let control: Vec<f64> = (0..m).map(|_| law.draw(bits)).collect();
            let treatment: Vec<f64> = (0..n).map(|_| law.draw(bits)).collect();
            let shift = hodges_lehmann(&control, &treatment, alpha)?;
            let chosen = MannWhitney::new().compare(&control, &treatment)?;
            let asymptotic = MannWhitney::new().with_null(Null::Asymptotic).compare(&control, &treatment)?;
            let munzel = brunner_munzel(&control, &treatment, Alternative::TwoSided, alpha)?;
            let accepted = munzel.test.map_or(f64::NAN, |test| f64::from(!test.ln_p.is_at_most(alpha)));
            Ok(vec![
                f64::from(shift.interval.contains(0.0)),
                f64::from(!chosen.ln_p.is_at_most(alpha)),
                f64::from(!asymptotic.ln_p.is_at_most(alpha)),
                accepted,
            ])
        }
    }
}
