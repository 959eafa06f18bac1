//! Exact confidence sequences from importance-weighted rewards.

use serde::{Deserialize, Serialize};

use super::propensity::Propensity;
use crate::error::{StatsError, non_negative};
use crate::interval::{Coverage, Interval};
use crate::level::Alpha;
use crate::sequential::Support;

/// Encloses the mean reward of one arm at every look, exactly, for rewards in a known range.
///
/// Estimand: the mean reward had the arm been given at every decision so far; it may drift, then the interval is for the
/// running average. Assumptions: rewards inside the range; true propensities from before the outcomes. No floor of the
/// propensities need be known. On the unit interval each decision has the score `x = m + 1{chosen}(r - m)/e`, where
/// `m = min(mean so far, k e)`, so that `x >= -k` always; the lower bound is, with `B = k + 1`,
/// `B (sum l y - ln(2/alpha) - sum (y - y')^2 (-ln(1 - l) - l)) / sum l` for `y = x/B`, `y'` the mean of those before
/// (cut at `1/B`) and bets `l = min(1/2, sqrt(2 ln(2/alpha) / (v t ln(1 + t))))`; the upper one mirrors the rewards.
/// Source: Waudby-Smith, Wu, Ramdas, Karampatziakis and Mineiro (2024), "Anytime-valid off-policy inference for contextual
/// bandits" (the predictable plug-in empirical Bernstein sequence). With `k = 0` the scores are plain inverse-propensity
/// ones.
///
/// Bets depend on the order of rows: adding is O(1), states of chunks do not merge.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnytimeMean {
    alpha: Alpha,
    support: Support,
    cap: f64,
    plain: Learner,
    mirrored: Learner,
    lower: Bound,
    upper: Bound,
    best: Best,
}

/// Encloses the difference of two arms' mean rewards at every look, exactly, for rewards in a known range.
///
/// As [`AnytimeMean`]; the score of a decision is `x = 1{treatment} r/e_t + 1{control} (1 - r)/e_c`, whose mean is the
/// difference plus 1 and which is never negative, so both bounds are direct and no level is split over the arms.
/// Decisions for other arms must be added too. States of chunks do not merge.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::adaptive::{AnytimeDifference, Propensity};
/// use expt_stats::sequential::Support;
///
/// let mut difference = AnytimeDifference::new(Alpha::FIVE_PERCENT, Support::UNIT, 0.0)?;
/// let half = Propensity::new(0.5)?;
/// for i in 0..4000_u32 {
///     let treated = i % 2 == 0;
///     let reward = f64::from(u8::from(i % 10 < if treated { 7 } else { 4 }));
///     difference.add(Some((treated, half)), reward)?;
/// }
/// let now = difference.estimate().unwrap();
/// assert!(now.interval.is_above(0.0));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnytimeDifference {
    alpha: Alpha,
    support: Support,
    cap: f64,
    treatment: (Learner, Learner),
    control: (Learner, Learner),
    lower: Bound,
    upper: Bound,
    best: Best,
}

/// Holds an estimate with an interval for all looks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AnytimeEstimate {
    /// The mean of the scores (unbiased).
    pub estimate: f64,
    /// The interval at this look; all looks together miss with probability at most alpha.
    pub interval: Interval,
    /// The intersection of the intervals at all looks so far, for an estimand that does not change; `None` if it is
    /// empty, which says that the estimand changed or an assumption fails.
    pub running: Option<Interval>,
    /// How many decisions were counted.
    pub rows: u64,
    /// `(sum 1/e)^2 / sum 1/e^2` over the decisions for the arm, or the smaller of both arms' (Kish 1965).
    pub effective_sample_size: f64,
}

impl AnytimeMean {
    /// Makes an empty sequence for rewards inside `support`.
    ///
    /// The cap `k` limits how much the mean so far may steady the scores: 0 for inverse-propensity scores; larger ones are
    /// paid for early on. About 3 is a good default: at a floor of 10 % the interval of a difference after 2,000 decisions
    /// was .209, .190, .173 and .172 wide for k of 0, 1, 3 and 10 at rates of .4, and .187, .094, .055 and .095 at .02 and .03.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `0 <= cap <= 1e6`.
    pub fn new(alpha: Alpha, support: Support, cap: f64) -> Result<Self, StatsError> {
        let (cap, learner) = (check_cap(cap)?, Learner::default());
        let bound = Bound::new(alpha, cap, 1.0);
        let best = Best::default();
        Ok(Self { alpha, support, cap, plain: learner, mirrored: learner, lower: bound, upper: bound, best })
    }

    /// Counts a decision: the arm's propensity if it was chosen, `None` if another arm was.
    ///
    /// For a decision at which the arm could not be chosen at all, the estimand is undefined: refuse it upstream.
    /// `None` needs no reward; the given one is then ignored. With a cap above 0, pass every decision by
    /// [`AnytimeMean::add_any`], as the plug-in needs the propensity then too.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] for a reward outside the support;
    /// [`StatsError::Refused`] if the cap is above 0 and the propensity `None`. Nothing is changed then.
    pub fn add(&mut self, chosen: Option<Propensity>, reward: f64) -> Result<(), StatsError> {
        match chosen {
            Some(propensity) => self.add_any(propensity, Some(reward)),
            None if self.cap > 0.0 => {
                let why = "with a cap above 0 the arm's propensity is needed where it was not chosen too; use `add_any`";
                Err(StatsError::Refused { what: "a decision without propensity", why })
            }
            None => self.push(None, None),
        }
    }

    /// Counts a decision with the arm's propensity, and the reward if the arm was chosen.
    ///
    /// # Errors
    /// As [`AnytimeMean::add`].
    pub fn add_any(&mut self, propensity: Propensity, reward: Option<f64>) -> Result<(), StatsError> {
        let reward = reward.map(|reward| to_unit(self.support, reward)).transpose()?;
        self.push(Some(propensity), reward)
    }

    /// Returns the estimate now; `None` before the first decision.
    #[must_use]
    pub fn estimate(&self) -> Option<AnytimeEstimate> {
        let mean = self.lower.mean()?;
        let (low, width) = (self.support.low(), self.support.high() - self.support.low());
        let place = |unit: f64| low + width * unit;
        let now = (self.lower.at(), 1.0 - self.upper.at());
        let interval = |(lower, upper): (f64, f64)| {
            Interval::new(place(lower.max(0.0)), place(upper.min(1.0)), self.alpha, Coverage::Anytime)
        };
        Some(AnytimeEstimate {
            estimate: place(mean),
            interval: interval(now),
            running: self.best.get().map(interval),
            rows: self.lower.count,
            effective_sample_size: self.plain.effective(),
        })
    }

    fn push(&mut self, propensity: Option<Propensity>, reward: Option<f64>) -> Result<(), StatsError> {
        let plain = self.plain.score(propensity, reward, self.cap);
        let mirrored = self.mirrored.score(propensity, reward.map(|r| 1.0 - r), self.cap);
        let next = (self.lower.next(plain)?, self.upper.next(mirrored)?);
        (self.lower, self.upper) = next;
        self.plain.learn(propensity, reward);
        self.mirrored.learn(propensity, reward.map(|r| 1.0 - r));
        self.best.add(self.lower.at(), 1.0 - self.upper.at());
        Ok(())
    }
}

impl AnytimeDifference {
    /// Makes an empty sequence for rewards inside `support`; see [`AnytimeMean::new`] for the cap.
    ///
    /// # Errors
    /// As [`AnytimeMean::new`].
    pub fn new(alpha: Alpha, support: Support, cap: f64) -> Result<Self, StatsError> {
        let (cap, pair) = (check_cap(cap)?, (Learner::default(), Learner::default()));
        // Only the chosen arm's part can be negative, and it is at least minus the cap.
        let bound = Bound::new(alpha, cap, 2.0);
        let best = Best::default();
        Ok(Self { alpha, support, cap, treatment: pair, control: pair, lower: bound, upper: bound, best })
    }

    /// Counts a decision: whether the treatment was chosen and with which propensity, or `None` for a third arm.
    ///
    /// # Errors
    /// As [`AnytimeMean::add`].
    pub fn add(&mut self, chosen: Option<(bool, Propensity)>, reward: f64) -> Result<(), StatsError> {
        if self.cap > 0.0 {
            let why = "with a cap above 0 both arms' propensities are needed at each decision; use `add_any`";
            return Err(StatsError::Refused { what: "a decision with one propensity", why });
        }
        match chosen {
            None => self.push((None, None), None),
            Some((treated, propensity)) => {
                let reward = to_unit(self.support, reward)?;
                let one = Some(propensity);
                self.push(if treated { (one, None) } else { (None, one) }, Some((treated, reward)))
            }
        }
    }

    /// Counts a decision with both arms' propensities; `outcome` is whether the treatment was chosen, and the reward.
    ///
    /// # Errors
    /// As [`AnytimeMean::add`].
    pub fn add_any(
        &mut self,
        treatment: Propensity,
        control: Propensity,
        outcome: Option<(bool, f64)>,
    ) -> Result<(), StatsError> {
        let unit = |(treated, reward)| to_unit(self.support, reward).map(|reward| (treated, reward));
        let outcome = outcome.map(unit).transpose()?;
        self.push((Some(treatment), Some(control)), outcome)
    }

    /// Returns the estimate of `treatment - control` now; `None` before the first decision.
    #[must_use]
    pub fn estimate(&self) -> Option<AnytimeEstimate> {
        let mean = self.lower.mean()?;
        let width = self.support.high() - self.support.low();
        let now = (self.lower.at() - 1.0, 1.0 - self.upper.at());
        let interval = |(lower, upper): (f64, f64)| {
            Interval::new(width * lower.max(-1.0), width * upper.min(1.0), self.alpha, Coverage::Anytime)
        };
        Some(AnytimeEstimate {
            estimate: width * (mean - 1.0),
            interval: interval(now),
            running: self.best.get().map(interval),
            rows: self.lower.count,
            effective_sample_size: self.treatment.0.effective().min(self.control.0.effective()),
        })
    }

    fn push(
        &mut self,
        (e_t, e_c): (Option<Propensity>, Option<Propensity>),
        outcome: Option<(bool, f64)>,
    ) -> Result<(), StatsError> {
        let t = outcome.filter(|(treated, _)| *treated).map(|(_, reward)| reward);
        let c = outcome.filter(|(treated, _)| !*treated).map(|(_, reward)| reward);
        let (mirror_t, mirror_c) = (t.map(|r| 1.0 - r), c.map(|r| 1.0 - r));
        let cap = self.cap;
        // Mean of the first: difference + 1; of the second: 1 - difference.
        let up = self.treatment.0.score(e_t, t, cap) + self.control.1.score(e_c, mirror_c, cap);
        let down = self.treatment.1.score(e_t, mirror_t, cap) + self.control.0.score(e_c, c, cap);
        let next = (self.lower.next(up)?, self.upper.next(down)?);
        (self.lower, self.upper) = next;
        self.treatment.0.learn(e_t, t);
        self.treatment.1.learn(e_t, mirror_t);
        self.control.0.learn(e_c, c);
        self.control.1.learn(e_c, mirror_c);
        self.best.add(self.lower.at() - 1.0, 1.0 - self.upper.at());
        Ok(())
    }
}

/// Learns the plug-in of one arm, and makes its scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Learner {
    count: u64,
    sum: f64,
    inverse: f64,
    inverse_square: f64,
}

impl Learner {
    fn score(&self, propensity: Option<Propensity>, reward: Option<f64>, cap: f64) -> f64 {
        let Some(e) = propensity.map(Propensity::get) else {
            return 0.0;
        };
        let guess = if self.count == 0 { 0.0 } else { (self.sum / self.count as f64).min(cap * e) };
        guess + reward.map_or(0.0, |reward| (reward - guess) / e)
    }

    fn learn(&mut self, propensity: Option<Propensity>, reward: Option<f64>) {
        if let Some((e, reward)) = propensity.map(Propensity::get).zip(reward) {
            self.count = self.count.saturating_add(1);
            self.sum += reward;
            self.inverse += 1.0 / e;
            self.inverse_square += 1.0 / e / e;
        }
    }

    fn effective(&self) -> f64 {
        let size = self.inverse * (self.inverse / self.inverse_square);
        if size.is_finite() { size } else { 0.0 }
    }
}

/// A lower confidence sequence for values of at least `-cap` and a mean in `[0, top]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Bound {
    /// `cap + top`, by which values are divided, and `top / (cap + top)`.
    scale: f64,
    top: f64,
    ln_level: f64,
    count: u64,
    mean: f64,
    squares: f64,
    bets: f64,
    gain: f64,
    cost: f64,
}

impl Bound {
    fn new(alpha: Alpha, cap: f64, top: f64) -> Self {
        let scale = cap + top;
        let ln_level = -(0.5 * alpha.get()).ln();
        let empty = (0.0, 0.0, 0.0);
        let (bets, gain, cost) = empty;
        Self { scale, top: top / scale, ln_level, count: 0, mean: 0.0, squares: 0.0, bets, gain, cost }
    }

    fn next(&self, value: f64) -> Result<Self, StatsError> {
        let y = value / self.scale;
        let count = self.count.checked_add(1).ok_or(StatsError::Overflow { what: "the count" })?;
        let t = count as f64;
        // Before the first value: the middle of the range, and the largest variance of the unit interval.
        let guess = if self.count == 0 { 0.5 * self.top } else { self.mean.clamp(0.0, self.top) };
        let variance = (0.25 + self.squares) / t;
        let bet = (2.0 * self.ln_level / (variance * t * t.ln_1p())).sqrt().min(MAX_BET);
        let distance = y - guess;
        let mean = self.mean + (y - self.mean) / t;
        let next = Self {
            count,
            mean,
            squares: self.squares + distance * distance,
            bets: self.bets + bet,
            gain: self.gain + bet * y,
            cost: self.cost + distance * distance * (-(-bet).ln_1p() - bet),
            ..*self
        };
        if [next.mean, next.squares, next.gain, next.cost].iter().all(|part| part.is_finite()) {
            return Ok(next);
        }
        Err(StatsError::Overflow { what: "a weighted reward" })
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean * self.scale)
    }

    fn at(&self) -> f64 {
        if self.bets > 0.0 {
            self.scale * ((self.gain - self.ln_level - self.cost) / self.bets)
        } else {
            f64::NEG_INFINITY
        }
    }
}

/// The intersection of all intervals so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Best {
    bounds: Option<(f64, f64)>,
}

impl Best {
    fn add(&mut self, lower: f64, upper: f64) {
        let (low, high) = self.bounds.unwrap_or((-1.0, 1.0));
        self.bounds = Some((low.max(lower), high.min(upper)));
    }

    fn get(self) -> Option<(f64, f64)> {
        self.bounds.filter(|(lower, upper)| lower <= upper)
    }
}

fn check_cap(cap: f64) -> Result<f64, StatsError> {
    if non_negative("the cap", cap)? > 1e6 {
        return Err(StatsError::OutOfRange { what: "the cap", value: cap, allowed: "between 0 and 1e6" });
    }
    Ok(cap)
}

fn to_unit(support: Support, reward: f64) -> Result<f64, StatsError> {
    if reward >= support.low() && reward <= support.high() {
        return Ok(((reward - support.low()) / (support.high() - support.low())).clamp(0.0, 1.0));
    }
    if !reward.is_finite() {
        return Err(StatsError::NotFinite { what: "a reward", value: reward });
    }
    let allowed = "inside the support; cap it before it is counted, by a bound fixed beforehand";
    Err(StatsError::OutOfRange { what: "a reward", value: reward, allowed })
}

/// The bets stay below 1, where the cost becomes infinite.
const MAX_BET: f64 = 0.5;
