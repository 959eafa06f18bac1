//! What the effects of a programme of experiments look like, learnt from all of them.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;

use super::launches::Experiment;
use super::mixture::{Mixture, Part};

/// Names the family from which true effects are taken to be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EffectPrior {
    /// Effects are normal about a common mean; mean and spread are learnt (flat hyperpriors). In simulations
    /// (`tests/integrity/launches.rs`) the 95 % interval of six launches covers 95 % where that is so, and only
    /// 78 % where most ideas do exactly nothing and a few do much.
    Normal,
    /// A share of the effects is exactly zero, the others are normal about zero; share and spread are learnt
    /// (a flat prior for the share up to 0.95, log-flat for the spread). Robust: 93 % in that case, 96 to 98 %
    /// for normal effects and heavier tails, with intervals about a tenth wider.
    SpikeAndNormal,
}

/// The posterior of the launched effects.
pub(super) struct Posterior {
    pub(super) total: Mixture,
    /// The posterior mean of each launch.
    pub(super) each: Vec<f64>,
}

impl EffectPrior {
    pub(super) fn posterior(
        self,
        launched: &[Experiment],
        others: &[Experiment],
    ) -> Result<Posterior, StatsError> {
        let all = || launched.iter().chain(others);
        // Everything is computed in units of the harmonic standard error, so that squares stay in range.
        let least = all().fold(f64::INFINITY, |a, e| a.min(e.standard_error));
        let precision = |e: &Experiment| (least / e.standard_error).powi(2);
        let count = (launched.len() + others.len()) as f64;
        let unit = least * (count / all().map(precision).sum::<f64>()).sqrt();
        let relative = |e: &Experiment| {
            let (y, s) = (e.estimate / unit, e.standard_error / unit);
            let usable = y.abs() < 1e100 && s < 1e100 && s > 1e-100;
            usable.then_some(Cell { y, v: s * s }).ok_or(StatsError::Overflow { what: "a z statistic" })
        };
        let cells: Vec<Cell> = all().map(relative).collect::<Result<_, _>>()?;
        let chosen: Vec<Cell> = cells.iter().copied().take(launched.len()).collect();
        let squares: f64 = cells.iter().map(|c| c.y * c.y / c.v).sum();
        let spread = (squares / cells.iter().map(|c| 1.0 / c.v).sum::<f64>()).sqrt().max(1.0);
        let (parts, means) = match self {
            Self::Normal => normal_nodes(&cells, &chosen, spread),
            Self::SpikeAndNormal => spike_nodes(&cells, &chosen, spread),
        };
        let back = |(ln, mean, variance): (f64, f64, f64)| (ln, mean * unit, variance * unit * unit);
        let total = Mixture::from_ln_weights(parts.into_iter().map(back));
        let each: Vec<f64> = means.into_iter().map(|mean| mean * unit).collect();
        let finite = total.mean().is_finite() && total.variance().is_finite();
        if !finite || each.iter().any(|mean| !mean.is_finite()) {
            return Err(StatsError::Overflow { what: "the posterior of the launches" });
        }
        Ok(Posterior { total, each })
    }
}

/// An estimate and its variance in common units.
#[derive(Clone, Copy)]
struct Cell {
    y: f64,
    v: f64,
}

/// Components `(ln weight, mean, variance)` of the total, and the posterior mean of each launch.
type Nodes = (Vec<(f64, f64, f64)>, Vec<f64>);

/// Integrates over the spread tau on a grid, and over the common mean exactly.
fn normal_nodes(cells: &[Cell], chosen: &[Cell], spread: f64) -> Nodes {
    let (mut parts, mut rows) = (Vec::new(), Vec::new());
    for step in 0..=SPREADS {
        let tau2 = (LARGEST_SPREAD * spread * f64::from(step) / f64::from(SPREADS)).powi(2);
        let weight = |cell: &Cell| 1.0 / (cell.v + tau2);
        let total: f64 = cells.iter().map(weight).sum();
        let centre = cells.iter().map(|c| weight(c) * c.y).sum::<f64>() / total;
        let fit = |c: &Cell| 0.5 * (weight(c).ln() - weight(c) * (c.y - centre) * (c.y - centre));
        let ln = cells.iter().map(fit).sum::<f64>() - 0.5 * total.ln();
        let keep = |c: &Cell| tau2 * weight(c);
        let row: Vec<f64> = chosen.iter().map(|c| keep(c) * c.y + (1.0 - keep(c)) * centre).collect();
        // The common mean is uncertain too, and moves all launches together.
        let pulled: f64 = chosen.iter().map(|c| 1.0 - keep(c)).sum();
        let own: f64 = chosen.iter().map(|c| keep(c) * c.v).sum();
        parts.push((ln, row.iter().sum(), own + pulled * pulled / total));
        rows.push((ln, row));
    }
    (parts, average(&rows, chosen.len()))
}

/// Integrates over the share of zeros and the spread of the others on a grid.
fn spike_nodes(cells: &[Cell], chosen: &[Cell], spread: f64) -> Nodes {
    let (mut parts, mut rows) = (Vec::new(), Vec::new());
    let mut nodes = Vec::new();
    for step in 0..SPIKE_SPREADS {
        let exponent = f64::from(step) / f64::from(SPIKE_SPREADS - 1);
        let tau2 = (0.25 * (4.0 * spread / 0.25).powf(exponent)).powi(2);
        for share in 0..SPIKE_SHARES {
            let zero = LARGEST_SHARE * f64::from(share) / f64::from(SPIKE_SHARES - 1);
            let fit = |c: &Cell| {
                let (at_zero, away) = densities(*c, zero, tau2);
                add_ln(at_zero, away)
            };
            nodes.push((cells.iter().map(fit).sum::<f64>(), zero, tau2));
        }
    }
    let best = nodes.iter().fold(f64::NEG_INFINITY, |a, node| a.max(node.0));
    for (ln, zero, tau2) in nodes.into_iter().filter(|node| node.0 > best - 14.0) {
        let slab: Vec<Slab> = chosen.iter().map(|c| Slab::of(*c, zero, tau2)).collect();
        rows.push((ln, slab.iter().map(|s| s.weight * s.mean).collect()));
        if chosen.len() <= GROUPED_LAUNCHES {
            let groups = by_count(&slab).into_iter().filter(|group| group.weight > 0.0);
            parts.extend(groups.map(|group| (ln + group.weight.ln(), group.mean, group.variance)));
        } else {
            // A sum of many independent terms is close to normal.
            let mean = slab.iter().map(|s| s.weight * s.mean).sum();
            let one = |s: &Slab| s.weight * (s.variance + (1.0 - s.weight) * s.mean * s.mean);
            parts.push((ln, mean, slab.iter().map(one).sum()));
        }
    }
    let means = average(&rows, chosen.len());
    (parts, means)
}

/// The posterior of one effect given that it is not zero, and the probability of that.
struct Slab {
    weight: f64,
    mean: f64,
    variance: f64,
}

impl Slab {
    fn of(cell: Cell, zero: f64, tau2: f64) -> Self {
        let (at_zero, away) = densities(cell, zero, tau2);
        let keep = tau2 / (cell.v + tau2);
        let weight = (away - add_ln(at_zero, away)).exp();
        Self { weight, mean: keep * cell.y, variance: keep * cell.v }
    }
}

/// Returns the distribution of the sum by how many effects are not zero, each with its mean and variance.
///
/// Within a group the sums of different effects are so close that a normal distribution stands for them.
fn by_count(slab: &[Slab]) -> Vec<Part> {
    let none = Part { weight: 0.0, mean: 0.0, variance: 0.0 };
    let mut groups = vec![none; slab.len() + 1];
    if let Some(first) = groups.first_mut() {
        first.weight = 1.0;
    }
    for one in slab {
        let mut fewer = none;
        for group in &mut groups {
            let now = *group;
            let zero = Part { weight: now.weight * (1.0 - one.weight), ..now };
            let away = Part {
                weight: fewer.weight * one.weight,
                mean: fewer.mean + one.mean,
                variance: fewer.variance + one.variance,
            };
            *group = joined(zero, away);
            fewer = now;
        }
    }
    groups
}

/// Joins two components into one of the same mean and variance.
fn joined(a: Part, b: Part) -> Part {
    let weight = a.weight + b.weight;
    if weight <= 0.0 {
        return Part { weight: 0.0, mean: 0.0, variance: 0.0 };
    }
    let share = b.weight / weight;
    let apart = b.mean - a.mean;
    let between = share * (1.0 - share) * apart * apart;
    Part {
        weight,
        mean: a.mean + share * apart,
        variance: (1.0 - share) * a.variance + share * b.variance + between,
    }
}

/// Returns the ln densities of an estimate whose effect is zero and whose effect is not, times their shares.
fn densities(cell: Cell, zero: f64, tau2: f64) -> (f64, f64) {
    let wide = cell.v + tau2;
    let ln = |share: f64, variance: f64| share.ln() - 0.5 * (variance.ln() + cell.y * cell.y / variance);
    (ln(zero, cell.v), ln(1.0 - zero, wide))
}

/// Averages rows with weights given as logarithms.
fn average(rows: &[(f64, Vec<f64>)], length: usize) -> Vec<f64> {
    let best = rows.iter().fold(f64::NEG_INFINITY, |a, row| a.max(row.0));
    let (mut sums, mut total) = (vec![0.0; length], 0.0);
    for (ln, row) in rows {
        let weight = (ln - best).exp();
        total += weight;
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
    }
    sums.iter_mut().for_each(|sum| *sum /= total);
    sums
}

/// Returns `ln(e^a + e^b)`, of which one may be minus infinity.
fn add_ln(a: f64, b: f64) -> f64 {
    let (large, small) = if a > b { (a, b) } else { (b, a) };
    large + (small - large).exp().ln_1p()
}

/// Steps of the spread of normal effects, up to this multiple of the spread of the estimates.
const SPREADS: u32 = 60;
const LARGEST_SPREAD: f64 = 3.0;

/// Grid of the spike: spreads from a quarter of a standard error up, shares of zero effects.
const SPIKE_SPREADS: u32 = 12;
const SPIKE_SHARES: u32 = 12;
const LARGEST_SHARE: f64 = 0.95;

/// Up to this many launches the sum is a mixture over how many of them are not zero.
const GROUPED_LAUNCHES: usize = 50;
