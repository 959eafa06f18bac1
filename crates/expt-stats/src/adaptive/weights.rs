//! Variance-stabilising weights for scores of adaptive experiments.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;

/// Says how the scores of an adaptive experiment are weighted (Hadad, Hirshberg, Zhan, Wager and Athey 2021).
///
/// A weight may depend on the past only. The variance of a score is about `sigma^2 / e` for propensity `e`; the weights
/// make the sum's variance predictable, which the central limit theorem needs when `e` goes to zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Allocation {
    /// `h = 1`: unbiased, but the interval is only right while propensities stay away from zero.
    Uniform,
    /// `h = sqrt(e)`: the "constant allocation" scheme; needs no horizon. Slightly biased in small samples.
    #[default]
    Constant,
    /// `h^2 / e = (1 - what was used before) lambda`, where `lambda = e/(T - t + 1) + (1 - e) (1 - a)/((1 - a) + T (t/T)^a - t)`:
    /// the two-point scheme for arms whose propensity goes to 1 or falls like `t^-a`.
    TwoPoint {
        /// `T`, the number of decisions fixed beforehand.
        horizon: u64,
        /// `a`, the rate at which the propensity floor falls: 0 for a constant floor, below 1.
        decay: f64,
    },
}

impl Allocation {
    pub(super) fn check(self) -> Result<Self, StatsError> {
        if let Self::TwoPoint { horizon, decay } = self {
            if horizon == 0 {
                let allowed = "at least 1 decision, fixed beforehand";
                return Err(StatsError::OutOfRange { what: "the horizon", value: 0.0, allowed });
            }
            if !(0.0..1.0).contains(&decay) {
                let allowed = "the half-open interval [0, 1)";
                return Err(StatsError::OutOfRange { what: "the decay", value: decay, allowed });
            }
        }
        Ok(self)
    }

    /// Tells whether weights are the same in whatever order rows arrive.
    pub(super) const fn ignores_order(self) -> bool {
        matches!(self, Self::Uniform | Self::Constant)
    }

    /// Returns the weight of row `t` (from 1) of an arm of propensity `e` that used up `used` of its stick before, and
    /// what is used up afterwards.
    pub(super) fn weight(self, t: u64, e: f64, used: f64) -> Result<(f64, f64), StatsError> {
        match self {
            Self::Uniform => Ok((1.0, used)),
            Self::Constant => Ok((e.sqrt(), used)),
            Self::TwoPoint { horizon, decay } => {
                if t > horizon {
                    let allowed = "at most the horizon that was fixed beforehand; use the constant allocation if the \
                                   end is open";
                    return Err(StatsError::OutOfRange {
                        what: "the decision's number",
                        value: t as f64,
                        allowed,
                    });
                }
                let (t, end, rest) = (t as f64, horizon as f64, 1.0 - decay);
                let good = 1.0 / (1.0 + end - t);
                let bad = rest / (rest + (end * (t / end).powf(decay) - t).max(0.0));
                let lambda = (e * good + (1.0 - e) * bad).clamp(0.0, 1.0);
                let part = (1.0 - used).max(0.0) * lambda;
                Ok(((part * e).sqrt(), used + part))
            }
        }
    }
}
