//! Three hundred experiments that overlap: the level of a test is drawn when it starts, its result is known when it
//! ends, and metrics of experiments that run on the same day are correlated.

use expt::stats::online::{ELond, OnlineFdr, TestNumber};
use expt::stats::sequential::Msprt;
use expt::stats::special::normal_sf;
use expt::stats::{Alpha, StatsError};

use super::{ALPHA, Method, Setting, YIELDS, methods, print, score};
use crate::Scale;
use crate::stats::draw::{Bits, chance, normal, uniform};
use crate::stats::marks::{Marks, simulate};

const TESTS: usize = 300;

/// Tests that start on a day.
const A_DAY: usize = 3;

/// Shortest and longest, in days.
const DAYS: [f64; 2] = [7.0, 42.0];

/// The mean of z at the end of a test of average length with an effect.
const EFFECT: f64 = 3.5;

/// Of the values of two experiments on the same day.
const CORRELATION: f64 = 0.3;

#[derive(Clone, Copy, PartialEq)]
enum Evidence {
    /// The p-value at the planned end.
    Fixed,
    /// The anytime p-value or e-value, every day, until the first success.
    Anytime,
}

struct Cell {
    share: f64,
    evidence: Evidence,
}

pub(super) fn judge(scale: Scale, marks: &mut Marks) -> Result<(), StatsError> {
    let runs = match scale {
        Scale::Full => 20_000,
        Scale::Quick => 200,
    };
    let mut methods = methods(TESTS as u64)?;
    methods.retain(|(_, method)| match method {
        Method::Online(state) => state.procedure().allows_overlap(),
        Method::ELond(_) => true,
        _ => false,
    });
    let mut cells = Vec::new();
    for evidence in [Evidence::Fixed, Evidence::Anytime] {
        cells.extend([0.01, 0.1, 0.5].map(|share| Cell { share, evidence }));
    }
    let results = simulate("fdr, overlapping", &cells, |_| runs, |cell, bits| run(cell, &methods, bits))?;
    for (cell, means) in cells.iter().zip(&results) {
        let evidence = match cell.evidence {
            Evidence::Fixed => "p at the planned end",
            Evidence::Anytime => "anytime evidence each day, to the first success",
        };
        marks.heading(&format!(
            "{TESTS} overlapping tests of {} to {} days, correlation {CORRELATION}, {evidence}, {} have an effect",
            DAYS[0], DAYS[1], cell.share
        ));
        for ((name, method), means) in methods.iter().zip(means.chunks(YIELDS)) {
            // An e-value needs no planned end, but there is none at one look.
            if means[0].runs > 0 {
                print(marks, name, method.promise(), Setting::Overlapping, means);
            }
        }
    }
    Ok(())
}

/// One experiment: its first day, its daily values.
struct Test {
    start: usize,
    values: Vec<f64>,
}

fn run(cell: &Cell, methods: &[(&str, Method)], bits: &mut Bits) -> Result<Vec<f64>, StatsError> {
    let last = TESTS / A_DAY + DAYS[1] as usize + 1;
    let common: Vec<f64> = (0..=last).map(|_| normal(bits)).collect();
    let (mut tests, mut effects) = (Vec::new(), Vec::new());
    // A day's effect, such that z has its mean after an average time.
    let daily = EFFECT / f64::midpoint(DAYS[0], DAYS[1]).sqrt();
    for number in 0..TESTS {
        let days = (DAYS[0] + (DAYS[1] - DAYS[0]) * uniform(bits)).round() as usize;
        let (start, effect) = (number / A_DAY, chance(bits, cell.share));
        let values = (start..start + days).map(|day| {
            let noise = CORRELATION.sqrt() * common[day] + (1.0 - CORRELATION).sqrt() * normal(bits);
            noise + if effect { daily } else { 0.0 }
        });
        tests.push(Test { start, values: values.collect() });
        effects.push(effect);
    }
    let mut yielded = Vec::new();
    for (_, method) in methods {
        let rejected = match (method, cell.evidence) {
            (Method::Online(state), Evidence::Fixed) => {
                decide(&tests, Clock(OnlineFdr::clone(state)), |values, _, _| {
                    let sum: f64 = values.iter().sum();
                    Ok((values.len(), normal_sf(sum / (values.len() as f64).sqrt())?.ln()))
                })?
            }
            (Method::Online(state), Evidence::Anytime) => {
                decide(&tests, Clock(OnlineFdr::clone(state)), |values, level, rule| {
                    anytime(values, level.ln(), rule)
                })?
            }
            (Method::ELond(state), Evidence::Anytime) => {
                // e-LOND rejects when e is at least one over its level, which is when 1/e is at most the level.
                decide(&tests, EClock(state.clone()), |values, level, rule| {
                    anytime(values, level.ln(), rule)
                })?
            }
            _ => {
                yielded.extend([f64::NAN; YIELDS]);
                continue;
            }
        };
        yielded.extend(score(&rejected, &effects));
    }
    Ok(yielded)
}

/// Returns the day that decides, counted from one, and `ln 1/e` of that day.
fn anytime(values: &[f64], ln_level: f64, rule: &Msprt) -> Result<(usize, f64), StatsError> {
    let (mut sum, mut least) = (0.0, 0.0_f64);
    for (day, value) in values.iter().enumerate() {
        sum += value;
        let count = day as u64 + 1;
        least = -rule.look(count, sum / count as f64, 1.0)?.evidence.ln();
        if least <= ln_level {
            return Ok((day + 1, least));
        }
    }
    Ok((values.len(), least))
}

/// Draws levels and takes results.
trait Procedure {
    fn start(&mut self) -> Result<(TestNumber, f64), StatsError>;
    /// `ln_p` may be the logarithm of one over an e-value, and then positive.
    fn record(&mut self, test: TestNumber, ln_p: f64) -> Result<bool, StatsError>;
}

struct Clock(OnlineFdr);

impl Procedure for Clock {
    fn start(&mut self) -> Result<(TestNumber, f64), StatsError> {
        let drawn = self.0.next_level()?;
        Ok((drawn.test, drawn.level))
    }

    fn record(&mut self, test: TestNumber, ln_p: f64) -> Result<bool, StatsError> {
        Ok(self.0.record_p(test, ln_p.min(0.0).exp())?.rejected)
    }
}

struct EClock(ELond);

impl Procedure for EClock {
    fn start(&mut self) -> Result<(TestNumber, f64), StatsError> {
        let drawn = self.0.next_level();
        Ok((drawn.test, drawn.level))
    }

    fn record(&mut self, test: TestNumber, ln_p: f64) -> Result<bool, StatsError> {
        Ok(self.0.record(test, -ln_p)?.rejected)
    }
}

/// Goes through the days: results of the evening are known the next morning.
fn decide<P: Procedure>(
    tests: &[Test],
    mut procedure: P,
    judge: impl Fn(&[f64], f64, &Msprt) -> Result<(usize, f64), StatsError>,
) -> Result<Vec<bool>, StatsError> {
    // The prior suits the effect that there is.
    let rule = Msprt::new(Alpha::new(ALPHA)?, EFFECT * EFFECT / f64::midpoint(DAYS[0], DAYS[1]), 0.0)?;
    let mut rejected = vec![false; tests.len()];
    let mut running: Vec<(usize, usize, TestNumber, f64)> = Vec::new();
    let mut next = 0;
    for day in 0.. {
        // In the order of their starts, for those that ended before today.
        for (end, index, number, ln_p) in &running {
            if *end == day {
                rejected[*index] = procedure.record(*number, *ln_p)?;
            }
        }
        running.retain(|(end, ..)| *end > day);
        while tests.get(next).is_some_and(|test| test.start == day) {
            let (number, level) = procedure.start()?;
            let (days, ln_p) = judge(&tests[next].values, level, &rule)?;
            running.push((day + days, next, number, ln_p));
            next += 1;
        }
        if next == tests.len() && running.is_empty() {
            break;
        }
    }
    Ok(rejected)
}
