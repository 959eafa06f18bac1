//! Betting against a mean: a martingale for one candidate.

use serde::{Deserialize, Serialize};

use super::predictable::{bet, squared_distance};
use super::support::Support;
use crate::error::StatsError;
use crate::level::Alpha;
use crate::sequential::evalue::EValue;

/// Says how bets are placed and how the two sides are combined.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BettingOptions {
    /// The level the bets are sized for; any level stays valid.
    pub alpha: Alpha,
    /// The share of the stake that bets on a mean above the candidate, between 0 and 1.
    pub theta: f64,
    /// The share of the largest bet that cannot lose everything, above 0 and at most 1.
    pub truncation: f64,
    /// How the two sides are combined.
    pub combination: BetCombination,
}

/// Names how the capital of the two sides becomes one e-value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BetCombination {
    /// `max(θ K⁺, (1 - θ) K⁻)`: a little less evidence, but the accepted candidates form an interval.
    #[default]
    Maximum,
    /// `θ K⁺ + (1 - θ) K⁻`.
    Sum,
}

impl BettingOptions {
    /// Makes the usual options: half the stake on each side, bets up to half the largest, the maximum.
    #[must_use]
    pub const fn new(alpha: Alpha) -> Self {
        Self { alpha, theta: 0.5, truncation: 0.5, combination: BetCombination::Maximum }
    }

    /// Splits the stake.
    #[must_use]
    pub const fn with_theta(mut self, theta: f64) -> Self {
        self.theta = theta;
        self
    }

    /// Limits the bets.
    #[must_use]
    pub const fn with_truncation(mut self, truncation: f64) -> Self {
        self.truncation = truncation;
        self
    }

    /// Chooses the combination.
    #[must_use]
    pub const fn with_combination(mut self, combination: BetCombination) -> Self {
        self.combination = combination;
        self
    }

    pub(super) fn check(self) -> Result<Self, StatsError> {
        if !(0.0..=1.0).contains(&self.theta) {
            let allowed = "the closed interval [0, 1]";
            return Err(StatsError::OutOfRange { what: "theta", value: self.theta, allowed });
        }
        if !(self.truncation > 0.0 && self.truncation <= 1.0) {
            let allowed = "above 0 and at most 1";
            return Err(StatsError::OutOfRange { what: "the truncation", value: self.truncation, allowed });
        }
        Ok(self)
    }

    /// Returns the logs of both sides' untruncated bets' levels: `ln(1 / (share · alpha))`, `None` without a stake.
    fn levels(self) -> (Option<f64>, Option<f64>) {
        let level = |share: f64| (share > 0.0).then(|| -(share * self.alpha.get()).ln());
        (level(self.theta), level(1.0 - self.theta))
    }
}

/// Sizes the bets from the values so far; shared by all candidates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Bettor {
    pub(super) count: u64,
    sum: f64,
    squares: f64,
}

/// The bets on the next value, before they are cut to a candidate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bets {
    up: Option<f64>,
    down: Option<f64>,
}

impl Bettor {
    /// Places the bets on value `x` and then learns from it.
    pub(super) fn next(&mut self, options: BettingOptions, x: f64) -> Bets {
        self.count = self.count.saturating_add(1);
        let t = self.count as f64;
        let (up, down) = options.levels();
        let bets = Bets {
            up: up.map(|level| bet(level, t, self.squares)),
            down: down.map(|level| bet(level, t, self.squares)),
        };
        self.sum += x;
        self.squares += squared_distance(x, self.sum, t);
        bets
    }
}

impl Bets {
    /// Returns what the capital of both sides is multiplied by at candidate `m` when `x` is seen.
    pub(super) fn payoffs(self, options: BettingOptions, x: f64, m: f64) -> (f64, f64) {
        let distance = x - m;
        let up = self.up.map_or(1.0, |bet| 1.0 + bet.min(options.truncation / m) * distance);
        let down = self.down.map_or(1.0, |bet| 1.0 - bet.min(options.truncation / (1.0 - m)) * distance);
        (up.max(0.0), down.max(0.0))
    }
}

/// Combines the logs of both sides' capital.
pub(super) fn combine(options: BettingOptions, ln_up: f64, ln_down: f64) -> f64 {
    let (up, down) = (options.theta.ln() + ln_up, (1.0 - options.theta).ln() + ln_down);
    let high = up.max(down);
    match options.combination {
        BetCombination::Maximum => high,
        BetCombination::Sum if high == f64::NEG_INFINITY => high,
        BetCombination::Sum => high + ((up - high).exp() + (down - high).exp()).ln(),
    }
}

/// Bets that the mean of bounded values is not `m`; the hedged capital is an e-process (Waudby-Smith and Ramdas 2024).
///
/// On the unit interval, `K⁺ = Π (1 + λ⁺ (x - m))` and `K⁻ = Π (1 - λ⁻ (x - m))`, where `λ = sqrt(2 ln(1/a) / (t ln(1 + t)
/// s²))` from the values before (`a` is θα and (1 - θ)α) is cut at `c/m` and `c/(1 - m)`. Adding is O(1); no merge, as
/// bets go by the order of the values. Evidence is kept as a logarithm.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::sequential::{BettingMartingale, BettingOptions, Support};
///
/// let mut bets = BettingMartingale::new(0.5, Support::UNIT, BettingOptions::new(Alpha::FIVE_PERCENT))?;
/// for _ in 0..40 {
///     bets.add(0.3)?;
/// }
/// assert!(bets.evidence().rejects(Alpha::FIVE_PERCENT));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BettingMartingale {
    support: Support,
    options: BettingOptions,
    m: f64,
    bettor: Bettor,
    up: EValue,
    down: EValue,
}

impl BettingMartingale {
    /// Starts betting against the mean `m`.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] if `m` is outside the support, or for bad options.
    pub fn new(m: f64, support: Support, options: BettingOptions) -> Result<Self, StatsError> {
        let m = support.to_unit(m)?;
        let options = options.check()?;
        Ok(Self { support, options, m, bettor: Bettor::default(), up: EValue::ONE, down: EValue::ONE })
    }

    /// Adds a value and returns the evidence now.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] outside the support; nothing is changed then.
    pub fn add(&mut self, value: f64) -> Result<EValue, StatsError> {
        let x = self.support.to_unit(value)?;
        let bets = self.bettor.next(self.options, x);
        let (up, down) = bets.payoffs(self.options, x, self.m);
        self.up = EValue::saturating(self.up.ln() + up.ln());
        self.down = EValue::saturating(self.down.ln() + down.ln());
        Ok(self.evidence())
    }

    /// Returns the hedged capital now.
    #[must_use]
    pub fn evidence(&self) -> EValue {
        EValue::saturating(combine(self.options, self.up.ln(), self.down.ln()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: confseq 0.0.11 `betting.betting_mart`.
    #[test]
    fn agrees_with_confseq() {
        let values = [0.228084, 0.168535, 0.429534, 0.416603, 0.062471];
        let check = |m: f64, combination, want: [f64; 3]| {
            let options = BettingOptions::new(Alpha::FIVE_PERCENT).with_combination(combination);
            let mut bets = BettingMartingale::new(m, Support::UNIT, options).unwrap();
            let path: Vec<f64> = values.iter().map(|x| bets.add(*x).unwrap().ln()).collect();
            for (got, want) in [path[0], path[2], path[4]].into_iter().zip(want) {
                assert!((got - want).abs() < 1e-12, "{got} {want}");
            }
        };
        let maximum = BetCombination::Maximum;
        check(0.1, maximum, [-0.1981948739502453, 0.9814046531202288, 1.6416108108175533]);
        check(0.5, maximum, [-0.4526227555584512, -0.0982488480917331, 0.3447782944846502]);
        check(0.1, BetCombination::Sum, [0.2504716040685398, 1.1096028122815107, 1.6993720695715064]);
    }

    #[test]
    fn candidates_at_the_ends_and_certain_losses_stay_numbers() {
        for m in [0.0, 1.0, 1e-300] {
            for theta in [0.0, 0.5, 1.0] {
                let options = BettingOptions::new(Alpha::FIVE_PERCENT).with_theta(theta).with_truncation(1.0);
                let mut bets = BettingMartingale::new(m, Support::UNIT, options).unwrap();
                for x in [0.0, 1.0, 0.0, 0.5] {
                    assert!(bets.add(x).unwrap().ln().is_finite());
                }
            }
        }
        let options = BettingOptions::new(Alpha::FIVE_PERCENT);
        assert!(BettingMartingale::new(2.0, Support::UNIT, options).is_err());
        assert!(BettingMartingale::new(0.5, Support::UNIT, options.with_theta(f64::NAN)).is_err());
        assert!(BettingMartingale::new(0.5, Support::UNIT, options.with_truncation(0.0)).is_err());
    }
}
