//! Effects that fade, and launches that were selected.

use expt::stats::integrity::{
    CumulativeImpact, DailyPanel, EffectPrior, Experiment, Holdout, Impact, Launch, Novelty, NoveltyOutcome,
    NoveltyTest, Pattern,
};
use expt::stats::{Alpha, StatsError};
use rand_distr::{Beta, ChiSquared, Distribution};

use super::draw::{Bits, chance, normal};
use super::marks::{Marks, simulate};
use crate::{Scale, Verdict};

/// Novelty and the permanent holdout.
pub(crate) fn integrity(scale: Scale) -> Verdict {
    let mut marks = Marks::default();
    novelty(scale, &mut marks)?;
    launches(scale, &mut marks)?;
    Ok(marks.met())
}

const DAYS: usize = 28;
const BASELINE: f64 = 0.10;
const PLATEAU: f64 = 0.001;
const AMPLITUDE: f64 = 0.003;
const DECAY: f64 = 5.0;

/// Of two days of a user.
const CORRELATION: f64 = 0.3;

struct Curve {
    name: &'static str,
    users: u64,
    plateau: f64,
    amplitude: f64,
    /// Whether every user is drawn, or the sufficient statistics of all.
    rows: bool,
}

fn novelty(scale: Scale, marks: &mut Marks) -> Result<(), StatsError> {
    let (runs, row_runs, row_users) = match scale {
        Scale::Full => (20_000, 300, 100_000),
        Scale::Quick => (500, 100, 2_000),
    };
    let curve = |name, amplitude, plateau| Curve { name, users: 100_000, plateau, amplitude, rows: false };
    let cells = [
        curve("fades", AMPLITUDE, PLATEAU),
        curve("constant", 0.0, PLATEAU + AMPLITUDE),
        curve("none", 0.0, 0.0),
        Curve {
            name: "fades, every user drawn",
            users: row_users,
            plateau: PLATEAU,
            amplitude: AMPLITUDE,
            rows: true,
        },
        Curve { name: "none, every user drawn", users: row_users, plateau: 0.0, amplitude: 0.0, rows: true },
    ];
    let of = |cell: &Curve| if cell.rows { row_runs } else { runs };
    let results = simulate("integrity, novelty", &cells, of, one_novelty)?;
    marks.heading(
        "An effect over 28 days: .001 + .003 exp(-t/5) on a rate of .10, days of a user correlated .3",
    );
    for (cell, means) in cells.iter().zip(&results) {
        let name = format!("{}, {} users an arm", cell.name, cell.users);
        let flagged = format!("flagged, {name}");
        if cell.amplitude == 0.0 {
            marks.at_most(&flagged, &means[0], 0.05);
        } else if cell.users >= 100_000 {
            marks.at_least(&flagged, &means[0], 0.9);
        } else {
            marks.listed(&flagged, &means[0], "no mark for so few users");
        }
        if cell.amplitude == 0.0 {
            // The decay of an effect that does not change is not defined; the interval is wide then.
            marks.listed(&format!("plateau covered, {name}"), &means[1], "no mark");
        } else {
            marks.between(&format!("plateau covered, {name}"), &means[1], 0.93, 0.97);
        }
        marks.listed(&format!("width of the plateau's interval, {name}"), &means[2], "no mark");
    }
    Ok(())
}

/// Yields whether a pattern was flagged, whether the plateau was covered, and the width of its interval.
fn one_novelty(cell: &Curve, bits: &mut Bits) -> Result<Vec<f64>, StatsError> {
    let effect = |day: usize| cell.plateau + cell.amplitude * (-(day as f64) / DECAY).exp();
    let (control, treatment) = if cell.rows {
        (rows(cell.users, |_| 0.0, bits)?, rows(cell.users, effect, bits)?)
    } else {
        (summary(cell.users, |_| 0.0, bits)?, summary(cell.users, effect, bits)?)
    };
    let found: Box<Novelty> = match NoveltyTest::new(Alpha::FIVE_PERCENT).compare(&control, &treatment)? {
        NoveltyOutcome::Tested(found) => found,
        _ => return Ok(vec![0.0, f64::NAN, f64::NAN]),
    };
    Ok(vec![
        f64::from(found.pattern != Pattern::Stable),
        f64::from(found.interval.contains(cell.plateau)),
        found.interval.width().unwrap_or(f64::NAN),
    ])
}

/// The panel of users whose days have a common rate from a beta distribution, which correlates them.
fn rows(users: u64, effect: impl Fn(usize) -> f64, bits: &mut Bits) -> Result<DailyPanel, StatsError> {
    let mass = (1.0 - CORRELATION) / CORRELATION;
    let law = Beta::new(BASELINE * mass, (1.0 - BASELINE) * mass).ok();
    let mut panel = DailyPanel::new(DAYS)?;
    let mut days = [0.0; DAYS];
    for _ in 0..users {
        let rate = law.map_or(BASELINE, |law| law.sample(bits));
        for (day, value) in days.iter_mut().enumerate() {
            // The effect turns a share of the days without success into days with one.
            let moved = effect(day) / (1.0 - BASELINE);
            *value = f64::from(chance(bits, rate) || chance(bits, moved));
        }
        panel.push(&days)?;
    }
    Ok(panel)
}

/// The panel of so many users that their means are normal: means and covariance drawn from their distributions, the
/// latter that of Wishart by the decomposition of Bartlett (1933).
fn summary(users: u64, effect: impl Fn(usize) -> f64, bits: &mut Bits) -> Result<DailyPanel, StatsError> {
    let variance = BASELINE * (1.0 - BASELINE);
    let n = users as f64;
    let root = equicorrelated();
    let noise: Vec<f64> = (0..DAYS).map(|_| normal(bits)).collect();
    let scale = (variance / n).sqrt();
    let means: Vec<f64> = (0..DAYS)
        .map(|day| {
            let sum: f64 = root[day].iter().zip(&noise).map(|(a, b)| a * b).sum();
            BASELINE + effect(day) + scale * sum
        })
        .collect();
    let mut bartlett = vec![vec![0.0; DAYS]; DAYS];
    for (row, values) in bartlett.iter_mut().enumerate() {
        for value in &mut values[..row] {
            *value = normal(bits);
        }
        let free = n - 1.0 - row as f64;
        values[row] = ChiSquared::new(free).map_or(free, |law| law.sample(bits)).sqrt();
    }
    let product: Vec<Vec<f64>> = root
        .iter()
        .map(|row| {
            let entry =
                |column: usize| row.iter().zip(&bartlett).map(|(a, line)| a * line[column]).sum::<f64>();
            (0..DAYS).map(entry).collect()
        })
        .collect();
    let covariance: Vec<Vec<f64>> = product
        .iter()
        .map(|one| {
            let entry = |other: &Vec<f64>| one.iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
            product.iter().map(|other| entry(other) * variance / (n - 1.0)).collect()
        })
        .collect();
    DailyPanel::from_summary(users, &means, &covariance)
}

/// The Cholesky factor of the correlation of the days.
fn equicorrelated() -> Vec<Vec<f64>> {
    let mut root = vec![vec![0.0; DAYS]; DAYS];
    for row in 0..DAYS {
        for column in 0..=row {
            let inner: f64 = (0..column).map(|k| root[row][k] * root[column][k]).sum();
            root[row][column] = if row == column {
                (1.0 - inner).sqrt()
            } else {
                (CORRELATION - inner) / root[column][column]
            };
        }
    }
    root
}

/// Experiments of the programme; the best of them are launched.
const PROGRAMME: usize = 60;
const LAUNCHED: usize = 6;

/// The standard error of the holdout's estimate, that of one experiment being 1.
const HOLDOUT_ERROR: f64 = 1.5;

#[derive(Clone, Copy)]
enum Programme {
    /// Effects are normal, as large as their errors.
    Normal,
    /// Most ideas do nothing.
    Spike,
}

fn launches(scale: Scale, marks: &mut Marks) -> Result<(), StatsError> {
    let runs = match scale {
        Scale::Full => 20_000,
        Scale::Quick => 1_000,
    };
    let cells = [Programme::Normal, Programme::Spike];
    let results = simulate("integrity, launches", &cells, |_| runs, one_programme)?;
    for (cell, means) in cells.iter().zip(&results) {
        let effects = match cell {
            Programme::Normal => "effects normal, as large as their errors",
            Programme::Spike => "nine in ten effects are zero, the others have a spread of three errors",
        };
        marks.heading(&format!("The six best of 60 experiments against a holdout: {effects}"));
        let normal = matches!(cell, Programme::Normal);
        let whats = [
            ("sum by the normal prior", normal),
            ("sum by the spike-and-normal prior", false),
            ("sum conditional on six that passed 1.96", true),
        ];
        for ((what, judged), mean) in whats.iter().zip(means) {
            if *judged {
                marks.between(&format!("covered: {what}"), mean, 0.94, 0.965);
            } else {
                marks.listed(&format!("covered: {what}"), mean, "no mark");
            }
        }
        marks.control_above("missed: the naive sum", &means[3].complement(), 0.2);
        marks.listed("covered: no gap to the holdout, normal prior", &means[4], "no mark");
        marks.listed("naive sum less the truth", &means[5], "no mark");
        marks.listed("shrunken sum less the truth, normal prior", &means[6], "no mark");
    }
    Ok(())
}

/// Yields what covers, by method, and the errors of the sums.
fn one_programme(cell: &Programme, bits: &mut Bits) -> Result<Vec<f64>, StatsError> {
    let draw = |bits: &mut Bits| {
        let truth = match cell {
            Programme::Normal => normal(bits),
            Programme::Spike if chance(bits, 0.9) => 0.0,
            Programme::Spike => 3.0 * normal(bits),
        };
        (truth, truth + normal(bits))
    };
    let mut all: Vec<(f64, f64)> = (0..PROGRAMME).map(|_| draw(bits)).collect();
    all.sort_by(|one, other| other.1.total_cmp(&one.1));
    let truth: f64 = all[..LAUNCHED].iter().map(|(truth, _)| truth).sum();
    let of = |part: &[(f64, f64)]| {
        part.iter().map(|(_, estimate)| Experiment::new(*estimate, 1.0)).collect::<Result<Vec<_>, _>>()
    };
    let (launched, others) = (of(&all[..LAUNCHED])?, of(&all[LAUNCHED..])?);
    let holdout = Holdout::new(truth + HOLDOUT_ERROR * normal(bits), HOLDOUT_ERROR)?;
    let impact = CumulativeImpact::new(Alpha::FIVE_PERCENT).with_holdout(holdout);
    let bayes = impact.empirical_bayes(&launched, &others, EffectPrior::Normal)?;
    let spike = impact.empirical_bayes(&launched, &others, EffectPrior::SpikeAndNormal)?;
    // The bar of the other method is a number, not a rank.
    let (mut passed, mut passed_truth) = (Vec::new(), 0.0);
    while passed.len() < LAUNCHED {
        let (truth, estimate) = draw(bits);
        if estimate > BAR {
            passed.push(Launch::above(Experiment::new(estimate, 1.0)?, BAR)?);
            passed_truth += truth;
        }
    }
    let conditional = CumulativeImpact::new(Alpha::FIVE_PERCENT).conditional(&passed)?;
    let covers = |impact: &Impact, truth: f64| f64::from(impact.interval.contains(truth));
    Ok(vec![
        covers(&bayes, truth),
        covers(&spike, truth),
        covers(&conditional, passed_truth),
        f64::from(bayes.naive_interval.contains(truth)),
        bayes.holdout.as_ref().map_or(f64::NAN, |gap| f64::from(gap.gap_interval.contains(0.0))),
        bayes.naive_sum - truth,
        bayes.shrunken_sum.map_or(f64::NAN, |sum| sum - truth),
    ])
}

const BAR: f64 = 1.96;
