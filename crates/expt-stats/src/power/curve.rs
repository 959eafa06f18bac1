//! Power as a function, and its inverse.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::level::{Alpha, Alternative, Probability};
use crate::sequential::Boundary;
use crate::special::{noncentral, normal, student};

/// Names the distribution by which a test judges its statistic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reference {
    /// The standard normal distribution: variances taken as known.
    #[default]
    Normal,
    /// Student's t with a pooled variance, `n - 2` degrees of freedom (`n - 1` for one sample).
    Student,
    /// Welch's t: a variance per arm, Satterthwaite's degrees of freedom (1946). The distribution under the
    /// alternative is taken as noncentral t, a close approximation (exact in the limit of equal `variance / n`).
    Welch,
    /// The asymptotic confidence sequence of [`DifferenceSequence`](crate::DifferenceSequence), tuned to the planned
    /// size: the power to be decided at that look; stopping before is a bonus. Two-sided.
    ConfidenceSequence,
}

/// Says whether a two-sided test that rejects on the wrong side of zero counts as power.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OppositeTail {
    /// It does not: the power to find the effect with its sign. The textbook's closed form for z tests.
    #[default]
    Ignored,
    /// It does, as in statsmodels and R's pwr. The two differ by less than 1e-5 where the power is above 0.5.
    Counted,
}

/// How a test at one level rejects.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Rule {
    pub(super) alpha: Alpha,
    pub(super) alternative: Alternative,
    pub(super) opposite: OppositeTail,
}

impl Rule {
    /// The level of one tail.
    pub(super) fn tail(&self) -> f64 {
        if self.alternative == Alternative::TwoSided { 0.5 * self.alpha.get() } else { self.alpha.get() }
    }

    /// Returns the critical value of a statistic.
    pub(super) fn critical(&self, reference: Reference, df: f64) -> f64 {
        match reference {
            Reference::Normal => normal::upper_quantile(self.tail()),
            Reference::Student | Reference::Welch => student::upper_quantile(self.tail(), df),
            // At the tuned n the reach depends on alpha alone, so any n gives it.
            Reference::ConfidenceSequence => tuned_reach(self.alpha),
        }
    }

    /// Returns the power of a statistic whose mean is `shift` standard errors.
    pub(super) fn power(&self, critical: f64, df: f64, shift: f64) -> f64 {
        let above = |shift: f64| noncentral::t_sf(critical, df, shift);
        let power = match (self.alternative, self.opposite) {
            (Alternative::Greater, _) => above(shift),
            (Alternative::Less, _) => above(-shift),
            (Alternative::TwoSided, OppositeTail::Ignored) => above(shift.abs()),
            (Alternative::TwoSided, OppositeTail::Counted) => above(shift) + above(-shift),
        };
        power.clamp(0.0, 1.0)
    }

    /// Checks that a power can be asked for: more than the test has without an effect.
    pub(super) fn reachable(&self, power: Probability) -> Result<f64, StatsError> {
        let value = power.get();
        if value <= self.alpha.get() || value >= 1.0 {
            let allowed = "greater than alpha and less than 1";
            return Err(StatsError::OutOfRange { what: "power", value, allowed });
        }
        Ok(value)
    }

    /// The normal quantile of a power.
    pub(super) fn beyond(&self, power: f64) -> f64 {
        -normal::upper_quantile(power)
    }

    /// The sign of the effects that this test looks for.
    pub(super) fn sign(&self) -> f64 {
        if self.alternative == Alternative::Less { -1.0 } else { 1.0 }
    }
}

/// Finds the `x` in `[low, high]` at which a rising power reaches `target`, from a guess; `low` if it starts above.
///
/// The probit of a power is nearly linear in the root of the size and in the effect, so that the secant steps of the
/// Illinois method (Dowell and Jarratt 1971) on probits converge at once; halving bounds the number of steps.
pub(super) fn solve(target: f64, low: f64, high: f64, guess: f64, power: impl Fn(f64) -> f64) -> Option<f64> {
    let probit = |p: f64| {
        if p <= 0.0 {
            -40.0
        } else if p >= 1.0 {
            40.0
        } else {
            -normal::upper_quantile(p)
        }
    };
    let goal = probit(target);
    let f = |x: f64| probit(power(x)) - goal;
    // A bracket that grows from the guess.
    let guess = if guess.is_nan() { low } else { guess.clamp(low, high) };
    let at_guess = f(guess);
    let (mut a, mut at_a, mut b, mut at_b) = (guess, at_guess, guess, at_guess);
    let mut factor = 1.02;
    while at_b < 0.0 {
        if b >= high {
            return None;
        }
        (a, at_a) = (b, at_b);
        b = (factor * b).min(high);
        at_b = f(b);
        factor *= factor;
    }
    while at_a >= 0.0 {
        if a <= low {
            return Some(low);
        }
        (b, at_b) = (a, at_a);
        a = (a / factor).max(low);
        at_a = f(a);
        factor *= factor;
    }
    let mut side = 0;
    for step in 0..200 {
        let secant = (a * at_b - b * at_a) / (at_b - at_a);
        let x = if step % 12 == 11 || !(secant > a && secant < b) { 0.5 * (a + b) } else { secant };
        let at_x = f(x);
        if at_x == 0.0 || (b - a) <= 4.0 * f64::EPSILON * b {
            return Some(x);
        }
        if (at_x).abs() < 1e-14 {
            return Some(x);
        }
        if at_x < 0.0 {
            (a, at_a) = (x, at_x);
            if side == -1 {
                at_b *= 0.5;
            }
            side = -1;
        } else {
            (b, at_b) = (x, at_x);
            if side == 1 {
                at_a *= 0.5;
            }
            side = 1;
        }
    }
    Some(0.5 * (a + b))
}

/// More units than any plan has.
pub(super) const MOST_UNITS: f64 = 1e18;

/// Returns the reach of a confidence sequence at the size it is tuned to, where it depends on alpha alone.
pub(super) fn tuned_reach(alpha: Alpha) -> f64 {
    Boundary::new(alpha, 1).map_or(f64::INFINITY, |boundary| boundary.reach(1))
}
