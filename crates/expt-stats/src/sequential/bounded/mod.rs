//! Exact confidence sequences for the mean of bounded values.

mod bernoulli;
mod betting;
mod empirical_bernstein;
mod hedged;
mod hoeffding;
mod level_interval;
mod predictable;
mod support;

pub use bernoulli::{BernoulliCounts, BernoulliSequence};
pub use betting::{BetCombination, BettingMartingale, BettingOptions};
pub use empirical_bernstein::EmpiricalBernsteinSequence;
pub use hedged::HedgedSequence;
pub use hoeffding::HoeffdingSequence;
pub use level_interval::{LevelInterval, RunningLevel};
pub use predictable::{PredictableBernstein, PredictableHoeffding};
pub use support::Support;
