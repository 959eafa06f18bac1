//! Error rates of online procedures over streams of tests.

mod overlapping;
mod streams;

use expt::stats::online::{BatchProcedure, BatchedFdr, ELond, Guarantee, OnlineFdr, Procedure};
use expt::stats::{Alpha, StatsError};

use super::marks::{Marks, Mean};
use crate::{Scale, Verdict};

/// Streams of tests one after another, and tests that overlap.
pub(crate) fn fdr(scale: Scale) -> Verdict {
    let mut marks = Marks::default();
    streams::judge(scale, &mut marks)?;
    overlapping::judge(scale, &mut marks)?;
    Ok(marks.met())
}

const ALPHA: f64 = 0.05;

/// A procedure before its first test.
#[derive(Clone)]
enum Method {
    Online(Box<OnlineFdr>),
    ELond(ELond),
    /// Whether it holds under positive dependence within batches.
    Batched(BatchedFdr, bool),
    /// Every test at alpha: the negative control.
    Uncorrected,
}

/// What a method promises.
#[derive(Clone, Copy, PartialEq)]
enum Promise {
    Fdr { dependence: bool },
    Fwer { dependence: bool },
    Nothing,
}

fn methods(tests: u64) -> Result<Vec<(&'static str, Method)>, StatsError> {
    let alpha = Alpha::new(ALPHA)?;
    let mut methods = Vec::new();
    for (name, procedure) in [
        ("LOND", Procedure::lond()),
        ("LOND star", Procedure::lond_star()),
        ("LOND, any dependence", Procedure::Lond { modified: true, dependent: true }),
        ("LORD++", Procedure::lord_plus_plus(alpha)),
        ("LORD 3", Procedure::lord_3(alpha)),
        ("LORD, dependent", Procedure::lord_dependent(alpha)),
        ("LORD, discarding", Procedure::lord_discard(alpha)),
        ("SAFFRON", Procedure::saffron(alpha)),
        ("ADDIS", Procedure::addis(alpha)),
        ("alpha-investing", Procedure::alpha_investing(alpha)),
        ("ADDIS-spending", Procedure::addis_spending()),
        ("alpha-spending", Procedure::AlphaSpending),
        ("online fallback", Procedure::OnlineFallback),
    ] {
        let mut state = OnlineFdr::new(procedure, alpha)?;
        state.prepare(tests);
        methods.push((name, Method::Online(Box::new(state))));
    }
    methods.push(("e-LOND", Method::ELond(ELond::new(alpha)?)));
    for (name, procedure, dependence) in [
        ("batched BH", BatchProcedure::BenjaminiHochberg, false),
        ("batched Storey", BatchProcedure::Storey { lambda: 0.5 }, false),
        ("batched, positive dependence", BatchProcedure::PositiveDependence, true),
    ] {
        methods.push((name, Method::Batched(BatchedFdr::new(procedure, alpha)?, dependence)));
    }
    methods.push(("uncorrected", Method::Uncorrected));
    Ok(methods)
}

impl Method {
    fn promise(&self) -> Promise {
        match self {
            Self::Online(state) => match state.guarantee() {
                Guarantee::FdrIndependence => Promise::Fdr { dependence: false },
                Guarantee::FdrPositiveDependence | Guarantee::FdrAnyDependence => {
                    Promise::Fdr { dependence: true }
                }
                Guarantee::FwerIndependence => Promise::Fwer { dependence: false },
                Guarantee::FwerAnyDependence => Promise::Fwer { dependence: true },
                _ => Promise::Nothing,
            },
            Self::ELond(_) => Promise::Fdr { dependence: true },
            Self::Batched(_, dependence) => Promise::Fdr { dependence: *dependence },
            Self::Uncorrected => Promise::Nothing,
        }
    }
}

/// What a stream yields for each method, in this order.
const YIELDS: usize = 6;

/// Yields false discovery proportion, false discoveries, discoveries, `false - alpha max(discoveries, 1)` (whose mean is
/// at most 0 if the marginal rate is at most alpha), whether there was a false one, and the share of effects found.
fn score(rejected: &[bool], effects: &[bool]) -> [f64; YIELDS] {
    let count = |wanted: fn(bool, bool) -> bool| {
        rejected.iter().zip(effects).filter(|(found, real)| wanted(**found, **real)).count() as f64
    };
    let (all, wrong) = (count(|found, _| found), count(|found, real| found && !real));
    let real = effects.iter().filter(|real| **real).count() as f64;
    let power = if real > 0.0 { (all - wrong) / real } else { f64::NAN };
    [wrong / all.max(1.0), wrong, all, wrong - ALPHA * all.max(1.0), f64::from(wrong > 0.0), power]
}

/// What the estimates of a method are judged by.
#[derive(Clone, Copy, PartialEq)]
enum Setting {
    Independent,
    Dependent,
    /// Dependent, but only with tests that run at the same time.
    Overlapping,
}

fn print(marks: &mut Marks, name: &str, promise: Promise, setting: Setting, means: &[Mean]) {
    let [fdp, wrong, all, excess, any, power] = [0, 1, 2, 3, 4, 5].map(|at| means[at]);
    let about = format!(
        "{name}: marginal {:.4}, power {:.3}",
        if all.sum > 0.0 { wrong.sum / all.sum } else { 0.0 },
        power.estimate()
    );
    match promise {
        Promise::Fdr { dependence: true } => marks.mean_at_most(&format!("FDR, {about}"), &fdp, ALPHA),
        Promise::Fdr { dependence: false } if setting == Setting::Independent => {
            marks.mean_at_most(&format!("FDR, {about}"), &fdp, ALPHA);
        }
        // With tests that are dependent only while they overlap the marginal rate is what is promised.
        Promise::Fdr { dependence: false } if setting == Setting::Overlapping => {
            marks.mean_at_most(&format!("false less .05 of all, {about}"), &excess, 0.0);
            marks.listed(&format!("FDR, {about}"), &fdp, "no mark");
        }
        Promise::Fwer { dependence } if dependence || setting == Setting::Independent => {
            marks.at_most(&format!("FWER, {about}"), &any, ALPHA);
        }
        _ => marks.listed(&format!("FDR, {about}"), &fdp, "does not claim it"),
    }
}
