//! A thousand tests, one after another.

use expt::stats::StatsError;
use expt::stats::special::normal_sf;

use super::{ALPHA, Method, Setting, YIELDS, methods, print, score};
use crate::Scale;
use crate::stats::draw::{Bits, chance, normal};
use crate::stats::marks::{Marks, simulate};

const TESTS: usize = 1_000;

/// Tests that are judged together by the batched procedures.
const BATCH: usize = 50;

/// The mean of z where there is an effect.
const EFFECT: f64 = 3.0;

/// Tests in a row that are correlated, and how much. Batches are whole blocks.
const BLOCK: usize = 25;
const CORRELATION: f64 = 0.5;

struct Cell {
    share: f64,
    dependent: bool,
}

pub(super) fn judge(scale: Scale, marks: &mut Marks) -> Result<(), StatsError> {
    let runs = match scale {
        Scale::Full => 20_000,
        Scale::Quick => 100,
    };
    let methods = methods(TESTS as u64)?;
    let mut cells = Vec::new();
    for dependent in [false, true] {
        cells.extend([0.01, 0.1, 0.5].map(|share| Cell { share, dependent }));
    }
    let results = simulate("fdr, streams", &cells, |_| runs, |cell, bits| run(cell, &methods, bits))?;
    for (cell, means) in cells.iter().zip(&results) {
        let setting = if cell.dependent { Setting::Dependent } else { Setting::Independent };
        let how = if cell.dependent { "correlated .5 in blocks of 25, one-sided" } else { "independent" };
        marks.heading(&format!("{TESTS} tests in a row, {how}, {} have an effect of {EFFECT}", cell.share));
        for ((name, method), means) in methods.iter().zip(means.chunks(YIELDS)) {
            if matches!(method, Method::Uncorrected) && cell.share < 0.05 {
                marks.control_above(&format!("FDR, {name}"), &means[0], 0.2);
            } else {
                print(marks, name, method.promise(), setting, means);
            }
        }
    }
    Ok(())
}

fn run(cell: &Cell, methods: &[(&str, Method)], bits: &mut Bits) -> Result<Vec<f64>, StatsError> {
    let (mut z, mut effects, mut common) = (Vec::new(), Vec::new(), 0.0);
    for test in 0..TESTS {
        if test % BLOCK == 0 {
            common = normal(bits);
        }
        let noise = if cell.dependent {
            CORRELATION.sqrt() * common + (1.0 - CORRELATION).sqrt() * normal(bits)
        } else {
            normal(bits)
        };
        let effect = chance(bits, cell.share);
        effects.push(effect);
        z.push(noise + if effect { EFFECT } else { 0.0 });
    }
    let p: Vec<f64> = z.iter().map(|z| normal_sf(*z)).collect::<Result<_, _>>()?;
    let mut yielded = Vec::new();
    for (_, method) in methods {
        let mut rejected = Vec::with_capacity(TESTS);
        match method.clone() {
            Method::Online(mut state) => {
                for p in &p {
                    rejected.push(state.test(*p)?.rejected);
                }
            }
            Method::ELond(mut state) => {
                for z in &z {
                    // The likelihood ratio of the effect.
                    rejected.push(state.test(EFFECT * z - 0.5 * EFFECT * EFFECT)?.rejected);
                }
            }
            Method::Batched(mut state, _) => {
                for batch in p.chunks(BATCH) {
                    rejected.extend(state.record(batch)?.rejected);
                }
            }
            Method::Uncorrected => rejected.extend(p.iter().map(|p| *p <= ALPHA)),
        }
        yielded.extend(score(&rejected, &effects));
    }
    Ok(yielded)
}
