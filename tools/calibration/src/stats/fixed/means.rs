//! Means, relative effects, ratios, and means with a covariate.

use expt::stats::fixed::{Caution, Cuped, Lift, LiftScale, TOutcome, TTest};
use expt::stats::{Alpha, CoMoments, EffectState, Moments, StatsError};
use rand_distr::{Binomial, Distribution};

use super::MEANS;
use crate::Scale;
use crate::stats::draw::{Bits, Law, normal};
use crate::stats::marks::{Marks, simulate};

/// Units per squared skewness from which coverage is judged, and below which the library warns.
const PER_SKEWNESS: f64 = 355.0;

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Welch's interval, the pooled one, and both relative ones.
    Means(Law),
    /// Values over a log-normal activity, each unit with a rate from this law.
    Ratio(Law),
    /// A log-normal covariate and a rest from this law.
    Cuped(Law),
}

struct Cell {
    kind: Kind,
    units: [u64; 2],
    judged: bool,
    /// What is drawn costs this share of the runs.
    dear: bool,
}

pub(super) fn judge(scale: Scale, marks: &mut Marks) -> Result<(), StatsError> {
    let runs = match scale {
        Scale::Full => [100_000, 100_000],
        Scale::Quick => [2_000, 200],
    };
    let cells = cells(scale)?;
    let results = simulate("fixed, means", &cells, |cell| runs[usize::from(cell.dear)], run)?;
    marks.heading("Coverage for means and relatives; judged where the smaller arm has 355 skewness^2 units");
    for (cell, means) in cells.iter().zip(&results) {
        let (kind, law, whats): (_, _, &[&str]) = match cell.kind {
            Kind::Means(law) => {
                ("means of", law, &["Welch", "pooled t", "lift by delta", "log lift by delta"])
            }
            Kind::Ratio(law) => ("ratios, rates", law, &["delta"]),
            Kind::Cuped(law) => ("CUPED, rest", law, &["adjusted", "Welch without it"]),
        };
        let about = format!("{kind} {}, {} + {}", law.name(), cell.units[0], cell.units[1]);
        for (what, mean) in whats.iter().zip(means) {
            let name = format!("{what}, {about}");
            // The pooled variance is for equal ones, which both arms have here; without the covariate nothing is promised.
            if mean.runs == 0 {
                continue;
            }
            if cell.judged && *what != "Welch without it" {
                marks.between(&name, mean, MEANS[0], MEANS[1]);
            } else {
                marks.listed(&name, mean, "no mark");
            }
        }
        if let (Kind::Means(_), Some(warned)) = (cell.kind, means.last()) {
            marks.listed(&format!("warned about skewness, {about}"), warned, "share of the runs");
        }
    }
    Ok(())
}

fn cells(scale: Scale) -> Result<Vec<Cell>, StatsError> {
    let mut cells = Vec::new();
    let wanted = |skewness: f64, least: f64| (PER_SKEWNESS * skewness * skewness).max(least).ceil() as u64;
    let laws = [
        (Law::Normal, 30.0),
        (Law::Uniform, 100.0),
        (Law::Exponential, 100.0),
        (Law::LogNormal { sigma: 0.5 }, 100.0),
        (Law::LogNormal { sigma: 1.0 }, 100.0),
        (Law::Capped { sigma: 2.0, quantile: 0.99 }, 100.0),
        (Law::Bernoulli(0.5), 1_000.0),
        (Law::Bernoulli(0.01), 1_000.0),
    ];
    for (law, least) in laws {
        let enough = wanted(law.skewness()?, least);
        for units in [[enough, enough], [19 * enough, enough]] {
            let drawn = if let Law::Bernoulli(_) = law { 2 } else { units[0] + units[1] };
            if scale == Scale::Full || drawn < 100_000 {
                cells.push(Cell { kind: Kind::Means(law), units, judged: true, dear: drawn > 10_000 });
            }
        }
        for units in [[100, 100], [1_900, 100]] {
            if enough > 100 {
                cells.push(Cell { kind: Kind::Means(law), units, judged: false, dear: false });
            }
        }
    }
    // The residual of a ratio is activity times a centred rate; its skewness is that of the rate times this.
    let activity = (0.375_f64).exp();
    for (law, skewness) in [(Law::Normal, 0.0), (Law::Exponential, 2.0 * activity)] {
        let enough = wanted(skewness, 1_000.0);
        for units in [[enough, enough], [19 * enough, enough]] {
            cells.push(Cell { kind: Kind::Ratio(law), units, judged: true, dear: units[0] > 5_000 });
        }
    }
    for (law, skewness) in [(Law::Normal, 0.0), (Law::Exponential, 2.0)] {
        let enough = wanted(skewness, 100.0);
        for units in [[enough, enough], [19 * enough, enough]] {
            cells.push(Cell { kind: Kind::Cuped(law), units, judged: true, dear: units[0] > 5_000 });
        }
    }
    Ok(cells)
}

fn run(cell: &Cell, bits: &mut Bits) -> Result<Vec<f64>, StatsError> {
    let alpha = Alpha::FIVE_PERCENT;
    let test = TTest::new(alpha);
    match cell.kind {
        Kind::Means(law) => {
            let arms = [sample(law, cell.units[0], bits)?, sample(law, cell.units[1], bits)?];
            let covers =
                |outcome: TOutcome| Ok::<_, StatsError>(f64::from(outcome.tested()?.interval.contains(0.0)));
            // Rare events may all be missing, and then there is no interval.
            let TOutcome::Tested(welch) = test.welch(&arms[0], &arms[1])? else {
                return Ok(vec![f64::NAN; 5]);
            };
            let warned =
                welch.cautions.iter().any(|caution| matches!(caution, Caution::SkewedForSize { .. }));
            let mut yielded = vec![f64::from(welch.interval.contains(0.0))];
            yielded.push(covers(test.pooled(&arms[0], &arms[1])?)?);
            for scale in [LiftScale::Linear, LiftScale::Log] {
                // A mean of zero has no relative effect.
                let lift = if law == Law::Normal { None } else { Some(Lift::new(scale, alpha)) };
                let found = lift.and_then(|lift| lift.means(&arms[0], &arms[1]).ok());
                yielded.push(found.map_or(f64::NAN, |found| f64::from(found.interval.contains(0.0))));
            }
            yielded.push(f64::from(warned));
            Ok(yielded)
        }
        Kind::Ratio(law) => {
            let arms = cell.units.map(|units| {
                pairs(units, bits, |bits| {
                    let activity = (0.5 * normal(bits)).exp();
                    let rate = match law {
                        Law::Normal => 1.0 + 0.5 * normal(bits),
                        _ => law.draw(bits),
                    };
                    (activity, activity * rate)
                })
            });
            let [control, treatment] = arms;
            let result = test.ratios(&control?, &treatment?)?.tested()?;
            Ok(vec![f64::from(result.interval.contains(0.0))])
        }
        Kind::Cuped(law) => {
            let arms = cell.units.map(|units| {
                pairs(units, bits, |bits| {
                    let before = (0.5 * normal(bits)).exp();
                    (before, 2.0 * before + law.draw(bits))
                })
            });
            let [control, treatment] = arms;
            let (control, treatment) = (control?, treatment?);
            let pair = Cuped::default().pair(&control, &treatment)?;
            let adjusted = test.compare(&pair.control, &pair.treatment).tested()?;
            let plain = EffectState::means(&moments(&control)?, &moments(&treatment)?)?;
            let z = plain.estimate() / plain.variance().sqrt();
            Ok(vec![f64::from(adjusted.interval.contains(0.0)), f64::from(z.abs() <= 1.96)])
        }
    }
}

/// The moments of `y`, whose skewness nobody asks for.
fn moments(pairs: &CoMoments) -> Result<Moments, StatsError> {
    let (mean, variance) = (pairs.mean_y().unwrap_or(0.0), pairs.variance_y().unwrap_or(0.0));
    Moments::from_summary(pairs.count(), mean, variance)?.with_skewness(0.0)
}

fn sample(law: Law, units: u64, bits: &mut Bits) -> Result<Moments, StatsError> {
    if let Law::Bernoulli(p) = law {
        let events = Binomial::new(units, p).map_or(0, |law| law.sample(bits));
        return Moments::from_counts(events, units);
    }
    let cap = law.cap()?.unwrap_or(f64::INFINITY);
    let (mut moments, mut block, mut left) = (Moments::default(), [0.0; 1024], units);
    while left > 0 {
        let take = left.min(1024) as usize;
        for value in &mut block[..take] {
            *value = law.draw(bits).min(cap);
        }
        moments = moments.merge(&Moments::from_values(&block[..take])?)?;
        left -= take as u64;
    }
    Ok(moments)
}

fn pairs(
    units: u64,
    bits: &mut Bits,
    mut draw: impl FnMut(&mut Bits) -> (f64, f64),
) -> Result<CoMoments, StatsError> {
    let (mut sum, mut left) = (CoMoments::default(), units);
    let (mut x, mut y) = ([0.0; 1024], [0.0; 1024]);
    while left > 0 {
        let take = left.min(1024) as usize;
        for (x, y) in x[..take].iter_mut().zip(&mut y[..take]) {
            (*x, *y) = draw(bits);
        }
        sum = sum.merge(&CoMoments::from_columns(&x[..take], &y[..take])?)?;
        left -= take as u64;
    }
    Ok(sum)
}
