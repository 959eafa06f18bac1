//! Proportions and their differences.

use expt::stats::fixed::ProportionTest;
use expt::stats::fixed::{
    Counts, DifferenceMethod, ProportionDifference, ProportionEstimate, ProportionMethod, RateRatio,
    RateRatioMethod, ZOutcome, fisher_exact,
};
use expt::stats::{Alpha, Alternative, StatsError};
use rand_distr::{Binomial, Distribution};

use super::{EXACT, SCORE};
use crate::Scale;
use crate::stats::draw::Bits;
use crate::stats::marks::{Marks, simulate};

/// Expected events and non-events of the smaller arm from which Wilson's and Newcombe's intervals are judged.
const EVENTS: f64 = 10.0;

const LEVELS: [(ProportionMethod, &str); 5] = [
    (ProportionMethod::ClopperPearson, "Clopper-Pearson"),
    (ProportionMethod::Wilson, "Wilson"),
    (ProportionMethod::AgrestiCoull, "Agresti-Coull"),
    (ProportionMethod::Jeffreys, "Jeffreys"),
    (ProportionMethod::Wald, "Wald"),
];

const DIFFERENCES: [(DifferenceMethod, &str); 5] = [
    (DifferenceMethod::Newcombe, "Newcombe"),
    (DifferenceMethod::MiettinenNurminen, "Miettinen-Nurminen"),
    (DifferenceMethod::Mee, "Mee"),
    (DifferenceMethod::AgrestiCaffo, "Agresti-Caffo"),
    (DifferenceMethod::Wald, "Wald"),
];

/// Units and rate of one arm.
const ONE: [(u64, f64); 9] = [
    (20, 0.5),
    (20, 0.1),
    (100, 0.1),
    (200, 0.05),
    (1_000, 0.01),
    (2_000, 0.01),
    (1_000, 0.001),
    (10_000, 0.001),
    (10_000, 0.3),
];

/// Units and rates of two arms.
const TWO: [([u64; 2], [f64; 2]); 10] = [
    ([20, 20], [0.5, 0.5]),
    ([100, 100], [0.1, 0.1]),
    ([1_000, 1_000], [0.01, 0.01]),
    ([1_000, 1_000], [0.01, 0.02]),
    ([19_000, 1_000], [0.01, 0.01]),
    ([5_700, 300], [0.01, 0.01]),
    ([1_900, 100], [0.1, 0.1]),
    ([1_900, 100], [0.1, 0.2]),
    ([100_000, 100_000], [0.001, 0.001]),
    ([10_000, 10_000], [0.3, 0.3]),
];

/// The negative control: Wald at 95/5, p = .01, three expected events.
const CONTROL: usize = 5;

/// What is allowed to Wilson and Newcombe.
const MISSES: f64 = 0.07;

pub(super) fn judge(scale: Scale, marks: &mut Marks) -> Result<(), StatsError> {
    let runs = match scale {
        Scale::Full => 100_000,
        Scale::Quick => 2_000,
    };
    let one = simulate("fixed, one proportion", &ONE, |_| runs, level)?;
    marks.heading("Coverage for one proportion");
    for ((units, p), means) in ONE.iter().zip(&one) {
        for ((method, name), mean) in LEVELS.iter().zip(means) {
            let name = format!("{name}, {units} units, p = {p}");
            match method {
                ProportionMethod::ClopperPearson => marks.at_least(&name, mean, EXACT),
                ProportionMethod::Wilson if *units as f64 * p.min(1.0 - p) >= EVENTS => {
                    marks.between(&name, mean, SCORE[0], SCORE[1]);
                }
                _ => marks.listed(&name, mean, "no mark"),
            }
        }
    }
    let two = simulate("fixed, two proportions", &TWO, |_| runs, difference)?;
    marks.heading(
        "Coverage for the difference of two proportions, and their ratio; level of tests as coverage",
    );
    for (index, ((units, p), means)) in TWO.iter().zip(&two).enumerate() {
        let about = format!("{} + {} units, p = {} and {}", units[0], units[1], p[0], p[1]);
        let expected = units.iter().zip(p).map(|(units, p)| *units as f64 * p.min(1.0 - p));
        let enough = expected.fold(f64::INFINITY, f64::min) >= EVENTS;
        for ((method, name), mean) in DIFFERENCES.iter().zip(means) {
            let name = format!("{name}, {about}");
            match method {
                DifferenceMethod::Newcombe if enough => marks.between(&name, mean, SCORE[0], SCORE[1]),
                DifferenceMethod::Wald if index == CONTROL => {
                    marks.control_above(&format!("misses of {name}"), &mean.complement(), MISSES);
                }
                _ => marks.listed(&name, mean, "no mark"),
            }
        }
        let [ratio, pooled, fisher, warned] = [5, 6, 7, 8].map(|at| means[at]);
        marks.listed(&format!("Miettinen-Nurminen ratio, {about}"), &ratio, "no mark");
        if pooled.runs > 0 {
            marks.listed(&format!("pooled z test, {about}"), &pooled, "no mark");
            marks.at_least(&format!("Fisher's test, {about}"), &fisher, EXACT);
        }
        if !enough {
            let name = format!("warned about few events, {about}");
            marks.listed(&name, &warned, "share of the runs");
        }
    }
    Ok(())
}

fn level(cell: &(u64, f64), bits: &mut Bits) -> Result<Vec<f64>, StatsError> {
    let counts = draw(cell.0, cell.1, bits)?;
    let mut covered = Vec::new();
    for (method, _) in LEVELS {
        let estimate = ProportionEstimate::new(&counts, method, Alpha::FIVE_PERCENT)?;
        covered.push(f64::from(estimate.interval.contains(cell.1)));
    }
    Ok(covered)
}

/// Yields coverage by method, of the ratio, of the z test and of Fisher's where the rates are equal, and whether there
/// was a warning.
fn difference(cell: &([u64; 2], [f64; 2]), bits: &mut Bits) -> Result<Vec<f64>, StatsError> {
    let ([m, n], [p, q]) = *cell;
    let arms = [draw(m, p, bits)?, draw(n, q, bits)?];
    let alpha = Alpha::FIVE_PERCENT;
    let (mut yielded, mut warned) = (Vec::new(), false);
    for (method, _) in DIFFERENCES {
        let found = ProportionDifference::new(&arms[0], &arms[1], method, alpha)?;
        yielded.push(f64::from(found.interval.contains(q - p)));
        if method == DifferenceMethod::Newcombe {
            warned = !found.cautions.is_empty();
        }
    }
    let ratio = RateRatio::new(&arms[0], &arms[1], RateRatioMethod::MiettinenNurminen, alpha)?;
    yielded.push(f64::from(ratio.interval.contains(q / p)));
    if (p - q).abs() < 1e-12 {
        let accepted = match ProportionTest::default().compare(&arms[0], &arms[1])? {
            ZOutcome::Tested(result) => !result.ln_p.is_at_most(alpha),
            _ => true,
        };
        yielded.push(f64::from(accepted));
        let fisher = fisher_exact(&arms[0], &arms[1], Alternative::TwoSided)?;
        yielded.push(f64::from(!fisher.ln_p.is_at_most(alpha)));
    } else {
        yielded.extend([f64::NAN; 2]);
    }
    yielded.push(f64::from(warned));
    Ok(yielded)
}

fn draw(units: u64, p: f64, bits: &mut Bits) -> Result<Counts, StatsError> {
    let events = Binomial::new(units, p).map_or(0, |law| law.sample(bits));
    Counts::new(events, units)
}
