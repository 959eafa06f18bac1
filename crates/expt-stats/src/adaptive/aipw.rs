//! Adaptively weighted augmented inverse-propensity scores.

use serde::{Deserialize, Serialize};

use super::estimate::AdaptiveEstimate;
use super::propensity::check_all;
use super::sums::{CrossSums, ScoreSums};
use super::weights::Allocation;
use crate::error::{StatsError, finite, positive};
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, LnP};

/// Estimates the means of arms, and their differences, after adaptive allocation.
///
/// Estimand: the mean reward of an arm had it been given to everybody. Assumptions: the propensities are true, positive
/// and fixed before the outcome; rewards of an arm are identically distributed over time (for a drifting baseline use
/// [`BatchedOls`](super::BatchedOls)). Per decision each arm `w` gets the score
/// `x = m + 1{chosen = w} (reward - m) / e`, where `m` is the arm's mean reward *so far*; the estimate is
/// `sum h x / sum h` and its variance `sum h^2 (x - estimate)^2 / (sum h)^2`, with the weights `h` of [`Allocation`].
/// A difference uses the two arms' own weights; against the reference arm the variance includes their covariance, as in
/// the authors' code, otherwise the variances add (they are asymptotically independent). Source: Hadad, Hirshberg, Zhan,
/// Wager and Athey (2021), "Confidence intervals for policy evaluation in adaptive experiments".
///
/// The intervals are asymptotic. Simulated coverage of 95 % intervals (constant allocation, Thompson sampling, 4,000 runs):
/// normal rewards, 25 batches of 100, floors 1 % and 5 %: .947 to .957; 0/1 rewards, 20 batches of 200: .952 at rates .3 and
/// .4, but .916 at rates .05 and floor 5 %, .88 at rates .01. For rare events run longer, or use the exact sequences.
///
/// Adding is O(arms). The scores depend on the order of rows, so states of chunks do not merge, with one exception: rows
/// added by [`AdaptiveAipw::add_predicted`], with predictions from elsewhere, under an allocation without a horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct AdaptiveAipw {
    allocation: Allocation,
    reference: usize,
    rows: u64,
    learned: bool,
    arms: Vec<Arm>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Arm {
    /// Chosen how often, and the mean reward then.
    count: u64,
    mean: f64,
    /// How much of the two-point stick is used up.
    used: f64,
    /// Sums of `1/e` and `1/e^2` where chosen.
    inverse: f64,
    inverse_square: f64,
    scores: ScoreSums,
    /// With the reference arm.
    cross: CrossSums,
}

impl AdaptiveAipw {
    /// Makes an empty state for arms numbered from 0; `reference` is the arm that others are compared with.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] for fewer than two arms, more than 10,000, a reference that is none of them, or a bad
    /// horizon or decay.
    pub fn new(arms: usize, reference: usize, allocation: Allocation) -> Result<Self, StatsError> {
        if !(2..=MAX_ARMS).contains(&arms) {
            let allowed = "between 2 and 10,000";
            return Err(StatsError::OutOfRange { what: "the number of arms", value: arms as f64, allowed });
        }
        if reference >= arms {
            return Err(no_such_arm(reference));
        }
        let arms = vec![Arm::default(); arms];
        Ok(Self { allocation: allocation.check()?, reference, rows: 0, learned: false, arms })
    }

    /// Counts one decision; the plug-in of each arm is its mean reward so far (zero before its first).
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if a propensity is zero, they do not sum to 1, the arm is unknown or the horizon is
    /// passed; [`StatsError::Length`]; [`StatsError::NotFinite`]; [`StatsError::Overflow`]. Nothing is changed then.
    pub fn add(&mut self, chosen: usize, propensities: &[f64], reward: f64) -> Result<(), StatsError> {
        let next = self.next(chosen, propensities, reward, None)?;
        *self = Self { learned: true, ..next };
        Ok(())
    }

    /// Counts one decision with predictions of each arm's reward that used nothing of this or later outcomes.
    ///
    /// # Errors
    /// As [`AdaptiveAipw::add`].
    pub fn add_predicted(
        &mut self,
        chosen: usize,
        propensities: &[f64],
        predictions: &[f64],
        reward: f64,
    ) -> Result<(), StatsError> {
        if predictions.len() != self.arms.len() {
            let (what, found) = ("the list of predictions", predictions.len());
            return Err(StatsError::Length { what, found, allowed: self.arms.len() });
        }
        *self = self.next(chosen, propensities, reward, Some(predictions))?;
        Ok(())
    }

    /// Joins two states, where the order of rows does not matter.
    ///
    /// # Errors
    /// [`StatsError::Refused`] if a state learned its plug-in from its own rows or weights by time;
    /// [`StatsError::Length`] or [`StatsError::OutOfRange`] if the states differ in arms, reference or allocation.
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        if self.arms.len() != other.arms.len() {
            let (what, found) = ("the other state", other.arms.len());
            return Err(StatsError::Length { what, found, allowed: self.arms.len() });
        }
        if self.reference != other.reference || self.allocation != other.allocation {
            let why = "the states differ in reference or allocation; make both with the same";
            return Err(StatsError::Refused { what: "merging", why });
        }
        if self.learned || other.learned || !self.allocation.ignores_order() {
            let why = "these scores depend on the rows before them; add the rows in order to one state, or use \
                       `add_predicted` with an allocation that has no horizon";
            return Err(StatsError::Refused { what: "merging", why });
        }
        let rows = self.rows.checked_add(other.rows).ok_or(StatsError::Overflow { what: "the count" })?;
        let mut next = Self { rows, ..self.clone() };
        for (arm, part) in next.arms.iter_mut().zip(&other.arms) {
            let count =
                arm.count.checked_add(part.count).ok_or(StatsError::Overflow { what: "the count" })?;
            if count > 0 {
                arm.mean += (part.mean - arm.mean) * (part.count as f64 / count as f64);
            }
            arm.count = count;
            arm.inverse += part.inverse;
            arm.inverse_square += part.inverse_square;
            arm.scores = arm.scores.merge(part.scores)?;
            arm.cross = arm.cross.merge(part.cross)?;
        }
        Ok(next)
    }

    /// Returns the number of decisions.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns the effective sample size of an arm: `(sum 1/e)^2 / sum 1/e^2` over its decisions (Kish 1965).
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] for an unknown arm.
    pub fn effective_sample_size(&self, arm: usize) -> Result<f64, StatsError> {
        Ok(self.arm(arm)?.effective())
    }

    /// Estimates an arm's mean at one look, fixed beforehand.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] for an unknown arm, [`StatsError::TooFew`] if it was chosen less than twice.
    pub fn mean(&self, arm: usize, alpha: Alpha) -> Result<AdaptiveEstimate, StatsError> {
        let sums = self.ready(arm)?;
        let estimate = sums.scores.estimate().unwrap_or(0.0);
        let error = sums.scores.spread().sqrt() / sums.scores.weight();
        AdaptiveEstimate::fixed(estimate, error, alpha, self.rows, sums.effective())
    }

    /// Estimates the difference `treatment - control` at one look, fixed beforehand.
    ///
    /// # Errors
    /// As [`AdaptiveAipw::mean`] for either arm.
    pub fn difference(
        &self,
        treatment: usize,
        control: usize,
        alpha: Alpha,
    ) -> Result<AdaptiveEstimate, StatsError> {
        let (t, c) = (self.ready(treatment)?, self.ready(control)?);
        let (mean_t, mean_c) = (t.scores.estimate().unwrap_or(0.0), c.scores.estimate().unwrap_or(0.0));
        let error = self.variance(t, c, treatment, control).sqrt();
        AdaptiveEstimate::fixed(mean_t - mean_c, error, alpha, self.rows, t.effective().min(c.effective()))
    }

    /// Estimates the difference `treatment - control` with an interval that holds at all looks, asymptotically.
    ///
    /// With uniform weights the sum of `x_t - x_c - difference` is a martingale, and its running variance
    /// `V = sum (x_t - x_c - estimate)^2` is the clock of the boundary: with `n` decisions and `g = V r`, the interval is
    /// `estimate ± sqrt(V)/n sqrt(2 (1 + g)/g (ln(1 + g)/2 - ln alpha))`. This is the asymptotic confidence sequence for
    /// martingales with varying conditional variance of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024). `None`
    /// until both arms have an effective sample size of 100. For rewards in a known range,
    /// [`AnytimeDifference`](super::AnytimeDifference) needs no approximation.
    ///
    /// # Errors
    /// [`StatsError::Refused`] under other weights, whose ratio of sums is no martingale, or if neither arm is the
    /// reference; [`StatsError::OutOfRange`] for unknown arms; [`StatsError::TooFew`].
    pub fn look(
        &self,
        treatment: usize,
        control: usize,
        boundary: &MartingaleBoundary,
    ) -> Result<Option<AdaptiveEstimate>, StatsError> {
        if self.allocation != Allocation::Uniform {
            let why = "weighted scores are made for one planned end; use the uniform allocation for looks";
            return Err(StatsError::Refused { what: "looking", why });
        }
        if treatment != self.reference && control != self.reference {
            let why = "the state knows the covariance with the reference arm only; compare with that";
            return Err(StatsError::Refused { what: "looking", why });
        }
        let (t, c) = (self.arm(treatment)?, self.arm(control)?);
        let effective = t.effective().min(c.effective());
        if effective < MIN_EFFECTIVE {
            return Ok(None);
        }
        let fixed = self.difference(treatment, control, boundary.alpha)?;
        let clock = fixed.standard_error * self.rows as f64;
        let Some((reach, ln_e)) = boundary.at(clock * clock, fixed.estimate, fixed.standard_error) else {
            return Ok(None);
        };
        let (lower, upper) = (fixed.estimate - reach, fixed.estimate + reach);
        let interval = Interval::new(lower, upper, boundary.alpha, Coverage::Anytime);
        Ok(Some(AdaptiveEstimate { interval, ln_p: LnP::saturating(-ln_e), ..fixed }))
    }

    fn next(
        &self,
        chosen: usize,
        propensities: &[f64],
        reward: f64,
        predictions: Option<&[f64]>,
    ) -> Result<Self, StatsError> {
        check_all(propensities, self.arms.len())?;
        let reward = finite("the reward", reward)?;
        if chosen >= self.arms.len() {
            return Err(no_such_arm(chosen));
        }
        let rows = self.rows.checked_add(1).ok_or(StatsError::Overflow { what: "the count" })?;
        let mut next = Self { rows, ..self.clone() };
        let mut scored = Vec::with_capacity(self.arms.len());
        for (index, (arm, &e)) in next.arms.iter_mut().zip(propensities).enumerate() {
            let guess = predictions.map_or(arm.mean, |list| list.get(index).copied().unwrap_or(0.0));
            let mut score = finite("a prediction", guess)?;
            if index == chosen {
                score += (reward - guess) / e;
                arm.inverse += 1.0 / e;
                arm.inverse_square += 1.0 / (e * e);
                arm.count += 1;
                arm.mean += (reward - arm.mean) / arm.count as f64;
            }
            let (weight, used) = self.allocation.weight(rows, e, arm.used)?;
            arm.used = used;
            arm.scores = arm.scores.merge(ScoreSums::single(weight, score))?;
            scored.push((weight, score));
        }
        let (weight, score) = scored.get(self.reference).copied().unwrap_or_default();
        for (arm, (h, x)) in next.arms.iter_mut().zip(scored) {
            arm.cross = arm.cross.merge(CrossSums::single(h * weight, x, score))?;
        }
        Ok(next)
    }

    /// Returns the variance of a difference.
    fn variance(&self, t: &Arm, c: &Arm, treatment: usize, control: usize) -> f64 {
        let part = |arm: &Arm| arm.scores.spread() / (arm.scores.weight() * arm.scores.weight());
        let sum = part(t) + part(c);
        let (mean_t, mean_c) = (t.scores.estimate().unwrap_or(0.0), c.scores.estimate().unwrap_or(0.0));
        let cross = if control == self.reference {
            t.cross.around(mean_t, mean_c)
        } else if treatment == self.reference {
            c.cross.around(mean_c, mean_t)
        } else {
            0.0
        };
        (sum - 2.0 * cross / (t.scores.weight() * c.scores.weight())).max(0.0)
    }

    fn arm(&self, arm: usize) -> Result<&Arm, StatsError> {
        self.arms.get(arm).ok_or_else(|| no_such_arm(arm))
    }

    fn ready(&self, arm: usize) -> Result<&Arm, StatsError> {
        let sums = self.arm(arm)?;
        if sums.count < 2 || sums.scores.weight() <= 0.0 {
            return Err(StatsError::TooFew { what: "the arm", have: sums.count, need: 2 });
        }
        Ok(sums)
    }
}

impl Arm {
    fn effective(&self) -> f64 {
        if self.inverse_square > 0.0 { self.inverse * (self.inverse / self.inverse_square) } else { 0.0 }
    }
}

/// Holds the level and the variance at which an asymptotic boundary for martingales is tightest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "(Alpha, f64)", into = "(Alpha, f64)")]
pub struct MartingaleBoundary {
    alpha: Alpha,
    tuned_to: f64,
}

impl MartingaleBoundary {
    /// Tunes to `rows` decisions of a score variance of `per_row`: about `v_t/e_t + v_c/e_c` for reward variances `v`
    /// and typical propensities `e`. Any guess keeps the level; a good one makes it narrow.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless both are positive.
    pub fn new(alpha: Alpha, rows: u64, per_row: f64) -> Result<Self, StatsError> {
        let tuned_to =
            positive("the intended number of decisions", rows as f64)? * positive("variance", per_row)?;
        Ok(Self { alpha, tuned_to: positive("the intended variance", tuned_to)? })
    }

    /// Returns half the width and ln e of the value zero.
    fn at(&self, clock: f64, estimate: f64, error: f64) -> Option<(f64, f64)> {
        let twice = -2.0 * self.alpha.get().ln();
        let g = clock / self.tuned_to * (twice + twice.ln_1p());
        if g.is_nan() || g <= 0.0 || g.is_infinite() {
            return None;
        }
        let half_ln = 0.5 * g.ln_1p();
        let reach = error * (2.0 * (1.0 + g) / g * (half_ln - self.alpha.get().ln())).sqrt();
        let z = estimate / error;
        Some((reach, (0.5 * z * z * (g / (1.0 + g)) - half_ln).min(f64::MAX)))
    }
}

impl TryFrom<(Alpha, f64)> for MartingaleBoundary {
    type Error = StatsError;

    fn try_from((alpha, tuned_to): (Alpha, f64)) -> Result<Self, StatsError> {
        Ok(Self { alpha, tuned_to: positive("the intended variance", tuned_to)? })
    }
}

impl From<MartingaleBoundary> for (Alpha, f64) {
    fn from(boundary: MartingaleBoundary) -> Self {
        (boundary.alpha, boundary.tuned_to)
    }
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    allocation: Allocation,
    reference: usize,
    rows: u64,
    learned: bool,
    arms: Vec<Arm>,
}

impl TryFrom<Stored> for AdaptiveAipw {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        let empty = Self::new(stored.arms.len(), stored.reference, stored.allocation)?;
        Ok(Self { rows: stored.rows, learned: stored.learned, arms: stored.arms, ..empty })
    }
}

pub(super) fn no_such_arm(arm: usize) -> StatsError {
    let allowed = "the number of an arm, counted from 0";
    StatsError::OutOfRange { what: "the arm", value: arm as f64, allowed }
}

const MAX_ARMS: usize = 10_000;
/// Asymptotic looks start at this effective sample size of both arms.
const MIN_EFFECTIVE: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    const CHOSEN: [usize; 14] = [0, 1, 2, 2, 1, 0, 1, 1, 2, 0, 2, 0, 0, 0];
    const REWARD: [f64; 14] =
        [0.28, 0.48, 1.16, 0.62, 1.1, 2.9, 1.48, -0.58, 2.73, 1.35, 0.06, 1.91, 1.02, 0.38];
    const PROPENSITY: [[f64; 3]; 14] = [
        [0.177, 0.258, 0.565],
        [0.292, 0.491, 0.217],
        [0.412, 0.346, 0.242],
        [0.218, 0.337, 0.445],
        [0.244, 0.425, 0.331],
        [0.506, 0.251, 0.243],
        [0.352, 0.584, 0.064],
        [0.198, 0.436, 0.366],
        [0.423, 0.377, 0.2],
        [0.305, 0.469, 0.226],
        [0.174, 0.537, 0.289],
        [0.419, 0.268, 0.313],
        [0.435, 0.113, 0.452],
        [0.234, 0.582, 0.184],
    ];

    fn state(allocation: Allocation, shift: f64) -> AdaptiveAipw {
        let mut state = AdaptiveAipw::new(3, 0, allocation).unwrap();
        (0..14).for_each(|t| state.add(CHOSEN[t], &PROPENSITY[t], REWARD[t] + shift).unwrap());
        state
    }

    /// Source: numpy, the formulas of the paper evaluated with arrays (two-point ratio, stick breaking, contrast error).
    #[test]
    fn agrees_with_arrays() {
        let check = |allocation, means: [f64; 3], errors: [f64; 3], contrasts: [f64; 2]| {
            let state = state(allocation, 0.0);
            for arm in 0..3 {
                let got = state.mean(arm, Alpha::FIVE_PERCENT).unwrap();
                close(got.estimate, means[arm], 1e-12);
                close(got.standard_error, errors[arm], 1e-12);
            }
            for arm in [1, 2] {
                let got = state.difference(arm, 0, Alpha::FIVE_PERCENT).unwrap();
                close(got.standard_error, contrasts[arm - 1], 1e-12);
                let back = state.difference(0, arm, Alpha::FIVE_PERCENT).unwrap();
                close(back.estimate, -got.estimate, 1e-15);
                close(back.standard_error, got.standard_error, 1e-15);
            }
        };
        check(
            Allocation::Uniform,
            [1.0500783298165477, 0.550585882102059, 1.4164170687884814],
            [0.4761871545317439, 0.2745114890532459, 0.7766717353556922],
            [0.5651287899120351, 0.912140363015691],
        );
        check(
            Allocation::Constant,
            [1.177140404612508, 0.5724336263705422, 1.2506592442522384],
            [0.5201468351007386, 0.29977784910021027, 0.7037911657050242],
            [0.6099568148327521, 0.8801601520323475],
        );
        check(
            Allocation::TwoPoint { horizon: 14, decay: 0.7 },
            [1.1758291544739028, 0.5677140487009298, 1.2192847870895145],
            [0.48303989195500063, 0.28494658453999455, 0.6683828970278375],
            [0.5746063563922446, 0.837652907031278],
        );
    }

    #[test]
    fn predicted_rows_merge_and_learned_ones_refuse() {
        let predictions = [0.9, 1.0, 1.1];
        let fill = |range: std::ops::Range<usize>| {
            let mut state = AdaptiveAipw::new(3, 0, Allocation::Constant).unwrap();
            range.for_each(|t| {
                state.add_predicted(CHOSEN[t], &PROPENSITY[t], &predictions, REWARD[t]).unwrap();
            });
            state
        };
        let whole = fill(0..14).difference(1, 0, Alpha::FIVE_PERCENT).unwrap();
        for cut in [0, 1, 5, 13] {
            let merged = fill(cut..14).merge(&fill(0..cut)).unwrap();
            let got = merged.difference(1, 0, Alpha::FIVE_PERCENT).unwrap();
            close(got.estimate, whole.estimate, 1e-12);
            close(got.standard_error, whole.standard_error, 1e-12);
        }
        let (a, b, c) = (fill(0..3), fill(3..8), fill(8..14));
        let left = a.merge(&b).unwrap().merge(&c).unwrap().mean(2, Alpha::FIVE_PERCENT).unwrap();
        let right = a.merge(&b.merge(&c).unwrap()).unwrap().mean(2, Alpha::FIVE_PERCENT).unwrap();
        close(left.standard_error, right.standard_error, 1e-12);
        let learned = state(Allocation::Constant, 0.0);
        assert!(matches!(learned.merge(&a), Err(StatsError::Refused { .. })));
        let two_point = state(Allocation::TwoPoint { horizon: 14, decay: 0.0 }, 0.0);
        assert!(two_point.merge(&two_point).is_err());
        let text = serde_json::to_string(&two_point).unwrap();
        assert_eq!(serde_json::from_str::<AdaptiveAipw>(&text).unwrap(), two_point);
        assert!(
            serde_json::from_str::<AdaptiveAipw>(&text.replace("\"reference\":0", "\"reference\":7"))
                .is_err()
        );
    }

    #[test]
    fn hostile_input_changes_nothing() {
        let mut state = state(Allocation::TwoPoint { horizon: 15, decay: 0.5 }, 0.0);
        let before = state.clone();
        assert!(state.add(3, &[0.3, 0.3, 0.4], 1.0).is_err());
        assert!(state.add(0, &[0.0, 0.5, 0.5], 1.0).is_err());
        assert!(state.add(0, &[0.5, 0.5], 1.0).is_err());
        assert!(state.add(0, &[0.3, 0.3, 0.3], 1.0).is_err());
        assert!(state.add_predicted(0, &[0.3, 0.3, 0.4], &[0.0, f64::NAN, 0.0], 1.0).is_err());
        for bad in [f64::NAN, f64::INFINITY, f64::MAX] {
            assert!(state.add(0, &[1e-300, 0.5, 0.5], bad).is_err(), "{bad}");
            assert_eq!(state, before);
        }
        state.add(0, &[0.3, 0.3, 0.4], 1.0).unwrap();
        assert!(state.add(0, &[0.3, 0.3, 0.4], 1.0).is_err(), "past the horizon");
        assert!(AdaptiveAipw::new(2, 2, Allocation::Uniform).is_err());
        assert!(AdaptiveAipw::new(2, 0, Allocation::TwoPoint { horizon: 0, decay: 0.0 }).is_err());
        assert!(AdaptiveAipw::new(2, 0, Allocation::TwoPoint { horizon: 9, decay: 1.0 }).is_err());
        let empty = AdaptiveAipw::new(2, 0, Allocation::Uniform).unwrap();
        assert!(empty.mean(0, Alpha::FIVE_PERCENT).is_err() && empty.mean(9, Alpha::FIVE_PERCENT).is_err());
        assert!(MartingaleBoundary::new(Alpha::FIVE_PERCENT, 0, 1.0).is_err());
    }
}
