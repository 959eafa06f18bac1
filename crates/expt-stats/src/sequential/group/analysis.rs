//! Inference after a group-sequential experiment has stopped.

use serde::{Deserialize, Serialize};

use super::design::GroupSequential;
use super::solve::Bounds;
use super::spending::Sides;
use crate::error::{StatsError, finite, positive};
use crate::interval::{Coverage, Interval};
use crate::level::LnP;
use crate::sequential::root::find_root;

/// Holds where an experiment stopped, or where it is now: the number of the look and the estimate there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Observation {
    /// The number of the look, from 1 on.
    pub look: usize,
    /// The estimated effect; positive is the direction of a one-sided alternative.
    pub estimate: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// Holds estimates that allow for the stopping rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Adjusted {
    /// The p-value of no effect by the stage-wise ordering, of the design's sides.
    pub ln_p: LnP,
    /// The interval by the stage-wise ordering: two-sided at `1 - alpha`, one-sided a lower bound.
    pub interval: Interval,
    /// The median-unbiased estimate: over- and underestimation are equally likely.
    pub median_unbiased: f64,
}

impl Observation {
    /// Makes an observation at look number `look`, counted from 1.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`], or [`StatsError::OutOfRange`] for a standard error that is not positive.
    pub fn new(look: usize, estimate: f64, standard_error: f64) -> Result<Self, StatsError> {
        let estimate = finite("estimate", estimate)?;
        Ok(Self { look, estimate, standard_error: positive("standard error", standard_error)? })
    }

    fn z(&self) -> f64 {
        (self.estimate / self.standard_error).clamp(-MAX_Z, MAX_Z)
    }
}

impl GroupSequential {
    /// Returns p-value, interval and estimate by the stage-wise ordering, as if the experiment stops here.
    ///
    /// In this ordering (Fairbanks and Madsen 1982; Tsiatis, Rosner and Mehta 1984) an upper crossing at an earlier
    /// look is more extreme than any at a later one, and within a look the larger Z. It does not depend on looks
    /// that have not happened. A non-binding futility boundary is ignored, which is conservative.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if the design has no such look.
    pub fn adjusted(&self, at: Observation) -> Result<Adjusted, StatsError> {
        let tails = self.tails(at.look)?;
        let (z, alpha) = (at.z(), self.plan().alpha());
        let scale = tails.information().sqrt() * at.standard_error;
        let naive = z / tails.information().sqrt();
        let solve = |share: f64, tail: fn(&Tails, f64, f64) -> f64, rising: f64| {
            let miss =
                |drift: f64| rising * (tail(&tails, z, drift).max(f64::MIN_POSITIVE).ln() - share.ln());
            scale * around(miss, naive, 1.0 / tails.first().sqrt())
        };
        let up = tails.above(z, 0.0);
        let (p, lower, upper) = match self.plan().sides() {
            Sides::One => (up, solve(alpha.get(), Tails::above, 1.0), f64::INFINITY),
            Sides::Two => {
                let half = 0.5 * alpha.get();
                let p = 2.0 * up.min(tails.below(z, 0.0));
                (p, solve(half, Tails::above, 1.0), solve(half, Tails::below, -1.0))
            }
        };
        let median_unbiased = solve(0.5, Tails::above, 1.0);
        let interval = Interval::new(lower, upper, alpha, Coverage::GroupSequential);
        Ok(Adjusted { ln_p: LnP::saturating(p.ln()), interval, median_unbiased })
    }

    /// Returns the repeated confidence interval of a look: `estimate ± c` standard errors with the look's own
    /// bound (Jennison and Turnbull 1989); one-sided a lower bound only.
    ///
    /// All looks together cover with `1 - alpha`, whether or not the boundary is obeyed. Unbounded where the look
    /// cannot stop.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if the design has no such look.
    pub fn repeated_interval(&self, at: Observation) -> Result<Interval, StatsError> {
        let look = at
            .look
            .checked_sub(1)
            .and_then(|index| self.looks().get(index))
            .ok_or_else(|| no_look(at.look))?;
        let reach = look.efficacy.unwrap_or(f64::INFINITY) * at.standard_error;
        let upper = match self.plan().sides() {
            Sides::One => f64::INFINITY,
            Sides::Two => at.estimate + reach,
        };
        Ok(Interval::new(at.estimate - reach, upper, self.plan().alpha(), Coverage::GroupSequential))
    }

    fn tails(&self, look: usize) -> Result<Tails, StatsError> {
        if look == 0 || look > self.looks().len() {
            return Err(no_look(look));
        }
        let mut bounds = self.counted_bounds();
        bounds.information.truncate(look);
        Ok(Tails(bounds))
    }
}

/// The probabilities of outcomes beyond one at the last of these looks.
struct Tails(Bounds);

impl Tails {
    fn information(&self) -> f64 {
        self.0.information.last().copied().unwrap_or(1.0)
    }

    fn first(&self) -> f64 {
        self.0.information.first().copied().unwrap_or(1.0)
    }

    /// Returns the probability of an outcome at least as high.
    fn above(&self, z: f64, drift: f64) -> f64 {
        self.both(z, drift).0
    }

    /// Returns the probability of an outcome at least as low.
    fn below(&self, z: f64, drift: f64) -> f64 {
        self.both(z, drift).1
    }

    fn both(&self, z: f64, drift: f64) -> (f64, f64) {
        let last = self.0.information.len().saturating_sub(1);
        let (mut up, mut down) = (0.0, 0.0);
        self.0.walk(drift, |look, information, density, region| {
            let (high, low) = if look == last { (z, z) } else { (region.upper, region.lower) };
            up += if high < f64::INFINITY { density.above(information, high) } else { 0.0 };
            down += if low > f64::NEG_INFINITY { density.below(information, low) } else { 0.0 };
        });
        (up, down)
    }
}

/// Finds the root of a rising function near `start`, widening by `step` until the sign changes.
fn around(mut f: impl FnMut(f64) -> f64, start: f64, step: f64) -> f64 {
    let (mut low, mut high, mut step) = (start - step, start + step, step);
    for _ in 0..MAX_WIDENINGS {
        let (too_high, too_low) = (f(low) > 0.0, f(high) < 0.0);
        if !too_high && !too_low {
            break;
        }
        step *= 2.0;
        low -= if too_high { step } else { 0.0 };
        high += if too_low { step } else { 0.0 };
    }
    find_root(f, low, high)
}

fn no_look(look: usize) -> StatsError {
    let allowed = "between 1 and the number of planned looks";
    StatsError::OutOfRange { what: "the number of the look", value: look as f64, allowed }
}

/// Beyond this a look is as extreme as can be told.
const MAX_Z: f64 = 30.0;
const MAX_WIDENINGS: u32 = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Alpha;
    use crate::sequential::{Efficacy, GroupPlan};
    use crate::testing::close;

    fn design(looks: u32, sides: Sides) -> GroupSequential {
        let plan = GroupPlan::equally_spaced(Alpha::FIVE_PERCENT, looks, Efficacy::ObrienFleming);
        plan.with_sides(sides).design().unwrap()
    }

    #[test]
    fn at_the_first_look_everything_is_naive() {
        let got = design(4, Sides::Two).adjusted(Observation::new(1, 6.0, 2.0).unwrap()).unwrap();
        close(got.ln_p.p(), 0.0026997960632601866, 1e-10);
        close(got.median_unbiased, 6.0, 1e-10);
        close(got.interval.lower.unwrap(), 6.0 - 2.0 * 1.959963984540054, 1e-10);
        close(got.interval.upper.unwrap(), 6.0 + 2.0 * 1.959963984540054, 1e-10);
    }

    /// On the boundary at look k the one-sided p-value is the level spent up to there, and the interval ends at 0.
    #[test]
    fn p_value_and_interval_agree_with_the_boundary() {
        for sides in [Sides::One, Sides::Two] {
            let design = design(3, sides);
            for (index, look) in design.looks().iter().enumerate() {
                let at = Observation::new(index + 1, look.efficacy.unwrap() * 0.5, 0.5).unwrap();
                let got = design.adjusted(at).unwrap();
                close(got.ln_p.p(), look.alpha_spent, 1e-8);
                if index == 2 {
                    assert!(got.interval.lower.unwrap().abs() < 1e-8);
                    assert!(got.median_unbiased < at.estimate);
                }
                let repeated = design.repeated_interval(at).unwrap();
                assert!(repeated.lower.unwrap().abs() < 1e-12);
            }
        }
    }

    #[test]
    fn mirrored_results_mirror_and_unknown_looks_are_refused() {
        let design = design(3, Sides::Two);
        let at = |estimate| design.adjusted(Observation::new(2, estimate, 1.0).unwrap()).unwrap();
        let (plus, minus) = (at(2.2), at(-2.2));
        close(plus.ln_p.get(), minus.ln_p.get(), 1e-9);
        close(plus.interval.lower.unwrap(), -minus.interval.upper.unwrap(), 1e-7);
        close(plus.median_unbiased, -minus.median_unbiased, 1e-7);
        assert!(at(1e300).interval.lower.unwrap() > 0.0);
        for look in [0, 4, usize::MAX] {
            assert!(design.adjusted(Observation { look, estimate: 1.0, standard_error: 1.0 }).is_err());
        }
        assert!(Observation::new(1, 1.0, 0.0).is_err());
    }
}
