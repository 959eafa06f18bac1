//! Comparisons of independent posteriors by one integral each.

use serde::{Deserialize, Serialize};

use crate::bayes::posterior::Posterior;
use crate::bayes::posterior::sealed::Axis;
use crate::bayes::quadrature::integrate;
use crate::error::{StatsError, finite};
use crate::tails::ln_1m_exp;

/// Holds how two arms compare.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Comparison {
    /// P(treatment > control).
    pub treatment_better: f64,
    /// P(control > treatment), with its own digits where it is small.
    pub control_better: f64,
    /// E max(control - treatment, 0): the expected loss of choosing the treatment.
    pub loss_treatment: f64,
    /// E max(treatment - control, 0): the expected loss of choosing the control.
    pub loss_control: f64,
    /// The difference of the posterior means, treatment minus control.
    pub mean_difference: f64,
}

/// Compares two independent posteriors.
///
/// `P(T > C)` is the integral of the density of C times the upper tail of T, and the expected loss of
/// choosing T (Miller 2015) that of `F_T(x) (1 - F_C(x))`, both over a smooth axis.
///
/// # Errors
/// [`StatsError::Overflow`] if a result leaves the range of `f64`.
pub fn compare<P: Posterior>(control: &P, treatment: &P) -> Result<Comparison, StatsError> {
    let points = || control.points().into_iter().chain(treatment.points()).collect::<Vec<f64>>();
    let beats = |winner: &P, loser: &P| {
        let integrand = |u: f64| product(loser.ln_density(u), || winner.tails(u).ln_upper);
        integrate(integrand, points()).min(1.0)
    };
    let loss = |chosen: &P, other: &P| {
        let integrand = |u: f64| {
            scaled(product(chosen.tails(u).ln_lower, || other.tails(u).ln_upper), || chosen.slope(u))
        };
        integrate(integrand, points())
    };
    let comparison = Comparison {
        treatment_better: beats(treatment, control),
        control_better: beats(control, treatment),
        loss_treatment: loss(treatment, control),
        loss_control: loss(control, treatment),
        mean_difference: treatment.mean() - control.mean(),
    };
    let Comparison { treatment_better, control_better, loss_treatment, loss_control, mean_difference } =
        comparison;
    bounded(&[treatment_better, control_better, loss_treatment, loss_control, mean_difference])?;
    Ok(comparison)
}

/// Names the scale of a difference of two arms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectScale {
    /// Treatment minus control.
    #[default]
    Absolute,
    /// Treatment over control, minus one.
    Relative,
}

/// Holds the posterior probability of a region of practical equivalence (Kruschke 2011).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Rope {
    /// The probability of an effect below the region.
    pub below: f64,
    /// The probability of an effect inside.
    pub inside: f64,
    /// The probability of an effect above.
    pub above: f64,
}

/// Returns the posterior probabilities that the effect is below, within, and above `low..=high`.
///
/// # Errors
/// [`StatsError::OutOfRange`] unless `low <= high` (above -1 for a relative effect), and for a relative effect of
/// a posterior that allows negative values; [`StatsError::NotFinite`].
pub fn rope<P: Posterior>(
    control: &P,
    treatment: &P,
    scale: EffectScale,
    low: f64,
    high: f64,
) -> Result<Rope, StatsError> {
    finite("the lower bound of the region", low)?;
    if finite("the upper bound of the region", high)? < low {
        let what = "the upper bound of the region";
        return Err(StatsError::OutOfRange { what, value: high, allowed: "at least the lower bound" });
    }
    let relative = scale == EffectScale::Relative;
    if relative && control.coordinate(-1.0).is_finite() {
        let allowed = "an absolute effect, for these values may be negative";
        return Err(StatsError::OutOfRange { what: "the lower bound of the region", value: low, allowed });
    }
    if relative && low < -1.0 {
        let allowed = "-1 or more for a relative effect";
        return Err(StatsError::OutOfRange { what: "the lower bound of the region", value: low, allowed });
    }
    let moved = |x: f64, by: f64| if relative { x * (1.0 + by) } else { x + by };
    let back = |x: f64, by: f64| if relative { x / (1.0 + by) } else { x - by };
    let mut points = control.points();
    for u in treatment.points() {
        points.extend([low, high].map(|by| control.coordinate(back(treatment.value(u), by))));
    }
    let over = |part: &dyn Fn(f64) -> f64| {
        integrate(|u: f64| product(control.ln_density(u), || part(control.value(u))), points.clone()).min(1.0)
    };
    let below = |x: f64| treatment.tails_of(moved(x, low)).ln_lower;
    let above = |x: f64| treatment.tails_of(moved(x, high)).ln_upper;
    let inside = |x: f64| {
        let (from, to) = (treatment.tails_of(moved(x, low)), treatment.tails_of(moved(x, high)));
        let (less, more) = if to.ln_lower < to.ln_upper {
            (from.ln_lower, to.ln_lower)
        } else {
            (to.ln_upper, from.ln_upper)
        };
        more + ln_1m_exp((less - more).min(0.0))
    };
    let rope = Rope { below: over(&below), inside: over(&inside), above: over(&above) };
    bounded(&[rope.below, rope.inside, rope.above])?;
    Ok(rope)
}

/// Holds what a posterior says about one of several arms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ArmChance {
    /// The probability that this arm is the best.
    pub best: f64,
    /// How much is lost in expectation by choosing this arm: E max over the others of (other - this), if positive.
    pub expected_loss: f64,
}

/// Returns for each arm the probability to be the best and the expected loss of choosing it.
///
/// The probability is the integral of the arm's density times the distribution functions of all others; the
/// expected loss that of `F_k (1 - product of the other F)`. Time grows with the square of the number of arms.
///
/// # Errors
/// [`StatsError::TooFew`] without arms, [`StatsError::Overflow`].
pub fn best_of<P: Posterior>(arms: &[P]) -> Result<Vec<ArmChance>, StatsError> {
    if arms.is_empty() {
        return Err(StatsError::TooFew { what: "the list of arms", have: 0, need: 1 });
    }
    let points: Vec<f64> = arms.iter().flat_map(Axis::points).collect();
    let chance = |(index, arm): (usize, &P)| {
        let rest = |u: f64| {
            let others = arms.iter().enumerate().filter(|(other, _)| *other != index);
            others.map(|(_, other)| other.tails(u).ln_lower).sum::<f64>().max(f64::MIN)
        };
        let best = integrate(|u| product(arm.ln_density(u), || rest(u)), points.clone()).min(1.0);
        let missed = |u: f64| scaled(product(arm.tails(u).ln_lower, || ln_1m_exp(rest(u))), || arm.slope(u));
        let expected_loss = integrate(missed, points.clone());
        bounded(&[best, expected_loss])?;
        Ok(ArmChance { best, expected_loss })
    };
    arms.iter().enumerate().map(chance).collect()
}

/// `exp(first + second)`; the second is not computed where the first makes it vanish.
fn product(first: f64, second: impl FnOnce() -> f64) -> f64 {
    if first < -745.0 { 0.0 } else { (first + second()).exp() }
}

/// A product that is zero where the probability is, even if the slope has left the doubles.
fn scaled(probability: f64, slope: impl FnOnce() -> f64) -> f64 {
    if probability > 0.0 { probability * slope() } else { 0.0 }
}

fn bounded(results: &[f64]) -> Result<(), StatsError> {
    if results.iter().all(|value| value.is_finite()) {
        Ok(())
    } else {
        Err(StatsError::Overflow { what: "a posterior expectation" })
    }
}
