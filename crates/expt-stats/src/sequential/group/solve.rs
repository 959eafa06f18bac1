//! Finds the boundaries that spend what a plan says.

use super::density::{Density, Region};
use super::rule::{Efficacy, FutilityRule};
use super::spending::{Sides, Spending};
use crate::error::StatsError;
use crate::level::Alpha;
use crate::sequential::root::{bracket_above, find_root};
use crate::special::normal;

/// The looks of a plan and the two boundaries, infinite where a look cannot stop.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    pub(super) sides: Sides,
    pub(super) information: Vec<f64>,
    pub(super) upper: Vec<f64>,
    /// The futility boundary; for a two-sided test the mirrored efficacy boundary is used instead.
    pub(super) lower: Vec<f64>,
}

impl Bounds {
    pub(super) fn region(&self, look: usize) -> Region {
        let upper = self.upper.get(look).copied().unwrap_or(f64::INFINITY);
        let lower = match self.sides {
            Sides::One => self.lower.get(look).copied().unwrap_or(f64::NEG_INFINITY),
            Sides::Two => -upper,
        };
        Region { lower: lower.min(upper), upper }
    }

    /// Visits each look with the density before it.
    pub(super) fn walk(&self, drift: f64, mut visit: impl FnMut(usize, f64, &Density, Region)) {
        let mut density = Density::new(drift);
        for (look, &information) in self.information.iter().enumerate() {
            let region = self.region(look);
            visit(look, information, &density, region);
            let next = self.information.get(look + 1);
            if let Some(&next) = next {
                density = density.advance(information, region, Some(next));
            }
        }
    }

    /// Returns the probabilities to leave upwards and downwards at each look.
    pub(super) fn exits(&self, drift: f64) -> (Vec<f64>, Vec<f64>) {
        let (mut up, mut down) = (Vec::new(), Vec::new());
        self.walk(drift, |_, information, density, region| {
            up.push(if region.upper < f64::INFINITY {
                density.above(information, region.upper)
            } else {
                0.0
            });
            let falls = region.lower > f64::NEG_INFINITY;
            down.push(if falls { density.below(information, region.lower) } else { 0.0 });
        });
        (up, down)
    }

    /// Returns the type I error spent at each look.
    pub(super) fn spends(&self) -> Vec<f64> {
        let (up, down) = self.exits(0.0);
        match self.sides {
            Sides::One => up,
            Sides::Two => up.iter().zip(&down).map(|(up, down)| up + down).collect(),
        }
    }
}

/// Returns the efficacy bounds of a rule; `lower` holds the futility bounds that may be counted on.
pub(super) fn efficacy(
    rule: &Efficacy,
    alpha: Alpha,
    sides: Sides,
    information: &[f64],
    lower: &[f64],
) -> Result<Vec<f64>, StatsError> {
    let blank = Bounds { sides, information: information.to_vec(), upper: Vec::new(), lower: lower.to_vec() };
    match rule {
        Efficacy::ObrienFleming => Ok(by_constant(blank, alpha, 0.0)),
        Efficacy::Pocock => Ok(by_constant(blank, alpha, 0.5)),
        Efficacy::WangTsiatis { delta } => Ok(by_constant(blank, alpha, *delta)),
        Efficacy::HaybittlePeto { early } => haybittle_peto(blank, alpha, *early),
        Efficacy::Spending { function } => {
            Ok(by_spends(blank, &cumulative(function, alpha, sides, information)?))
        }
        Efficacy::Spends { cumulative } => Ok(by_spends(blank, cumulative)),
        Efficacy::Bounds { z } => Ok(z.iter().map(|bound| bound.unwrap_or(f64::INFINITY)).collect()),
    }
}

/// Returns the level spent up to each look; at the last look all of it, whatever its information.
fn cumulative(
    function: &Spending,
    level: Alpha,
    sides: Sides,
    information: &[f64],
) -> Result<Vec<f64>, StatsError> {
    information.iter().map(|&t| function.spent(level, t, sides)).collect()
}

/// Solves for the constant of `c t^(delta - 1/2)`.
fn by_constant(mut bounds: Bounds, alpha: Alpha, delta: f64) -> Vec<f64> {
    let shape: Vec<f64> = bounds.information.iter().map(|t| t.powf(delta - 0.5)).collect();
    let looks = shape.len() as f64;
    let last = shape.last().copied().unwrap_or(1.0);
    let least = shape.iter().copied().fold(f64::INFINITY, f64::min);
    // The error of the last look alone, and Bonferroni's bound for all, bracket the constant.
    let alone = normal::upper_quantile(alpha.get() / bounds.sides.count()) / last;
    let all = normal::upper_quantile(alpha.get() / bounds.sides.count() / looks) / least;
    // With a futility boundary that is counted on, the constant can be smaller.
    let low = if bounds.lower.is_empty() { alone.min(all) } else { 0.0 };
    let scaled = |c: f64| shape.iter().map(|shape| c * shape).collect::<Vec<f64>>();
    let constant = find_root(
        |c| {
            bounds.upper = scaled(c);
            alpha.get().ln() - bounds.spends().iter().sum::<f64>().ln()
        },
        low,
        all.max(alone),
    );
    scaled(constant)
}

fn haybittle_peto(mut bounds: Bounds, alpha: Alpha, early: f64) -> Result<Vec<f64>, StatsError> {
    let looks = bounds.information.len();
    bounds.upper = vec![early; looks.saturating_sub(1)];
    bounds.upper.push(f64::INFINITY);
    let spent: f64 = bounds.spends().iter().sum();
    if spent >= alpha.get() {
        let allowed = "a bound at which the early looks spend less than alpha";
        return Err(StatsError::OutOfRange {
            what: "the early bound of Haybittle-Peto",
            value: early,
            allowed,
        });
    }
    let mut last = early;
    bounds.walk(0.0, |look, information, density, region| {
        if look + 1 == looks {
            last = spend(density, information, alpha.get() - spent, bounds.sides, region.lower);
        }
    });
    bounds.upper.truncate(looks.saturating_sub(1));
    bounds.upper.push(last);
    Ok(bounds.upper)
}

/// Solves look by look for the bounds that spend `cumulative`.
fn by_spends(mut bounds: Bounds, cumulative: &[f64]) -> Vec<f64> {
    let mut density = Density::new(0.0);
    let mut before = 0.0;
    for look in 0..bounds.information.len() {
        let (Some(&information), Some(&total)) = (bounds.information.get(look), cumulative.get(look)) else {
            break;
        };
        let lower = bounds.region(look).lower;
        bounds.upper.push(spend(&density, information, total - before, bounds.sides, lower));
        before = total.max(before);
        if let Some(&next) = bounds.information.get(look + 1) {
            density = density.advance(information, bounds.region(look), Some(next));
        }
    }
    bounds.upper
}

/// Returns the bound of one look that is crossed with probability `amount`, infinite for nothing.
pub(super) fn spend(density: &Density, information: f64, amount: f64, sides: Sides, lower: f64) -> f64 {
    if amount < LEAST_SPEND {
        return f64::INFINITY;
    }
    let crossed = |bound: f64| match sides {
        Sides::One => density.above(information, bound),
        Sides::Two => density.above(information, bound) + density.below(information, -bound),
    };
    let low = match sides {
        Sides::One => lower.max(-FAREST),
        Sides::Two => 0.0,
    };
    find_root(|bound| amount.ln() - crossed(bound).ln(), low, FAREST)
}

/// Returns the drift at which both boundaries meet at the last look, and the futility bounds.
pub(super) fn futility(
    function: &Spending,
    beta: Alpha,
    information: &[f64],
    upper: &[f64],
) -> Result<(f64, Vec<f64>), StatsError> {
    let spends = cumulative(function, beta, Sides::One, information)?;
    let last = upper.last().copied().unwrap_or(0.0);
    let try_drift = |drift: f64| {
        let mut density = Density::new(drift);
        let (mut lower, mut before, mut missed) = (Vec::new(), 0.0, 0.0);
        for (look, ((&t, &bound), &total)) in information.iter().zip(upper).zip(&spends).enumerate() {
            if let Some(&next) = information.get(look + 1) {
                let floor = stop_below(&density, t, total - before, bound);
                lower.push(floor);
                density = density.advance(t, Region { lower: floor, upper: bound }, Some(next));
            } else {
                missed = density.below(t, last) / (total - before).max(LEAST_SPEND);
                lower.push(last);
            }
            before = total;
        }
        (missed, lower)
    };
    let excess = |drift: f64| -try_drift(drift).0.ln();
    let high = bracket_above(excess, 4.0);
    let drift = find_root(excess, 0.0, high);
    Ok((drift, try_drift(drift).1))
}

/// Returns the bound below which a path falls with probability `amount`, at most `upper`.
fn stop_below(density: &Density, information: f64, amount: f64, upper: f64) -> f64 {
    if amount < LEAST_SPEND {
        return f64::NEG_INFINITY;
    }
    let high = upper.min(2.0 * FAREST);
    find_root(|bound| density.below(information, bound).ln() - amount.ln(), -FAREST, high)
}

/// Returns futility bounds as numbers, minus infinity for none, the last look met by the efficacy bound.
pub(super) fn fixed_futility(rule: &FutilityRule, looks: usize) -> Vec<f64> {
    let FutilityRule::Bounds { z } = rule else { return vec![f64::NEG_INFINITY; looks] };
    let mut lower: Vec<f64> = z.iter().map(|bound| bound.unwrap_or(f64::NEG_INFINITY)).collect();
    lower.resize(looks, f64::NEG_INFINITY);
    lower
}

/// What is less is nothing: the bound would lie above 37.
const LEAST_SPEND: f64 = 1e-300;
/// Beyond this the normal tail is not a normal number any more.
const FAREST: f64 = 38.0;
