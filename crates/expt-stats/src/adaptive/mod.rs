//! Inference after bandits and other allocations that changed with the outcomes.
//!
//! Where earlier outcomes decided who got what, the sample means of arms are biased downwards and their usual
//! intervals cover too little (Nie, Tian, Taylor and Zou 2018; Hadad et al. 2021). Each type here is valid for another
//! question:
//!
//! | question | type | needs |
//! |---|---|---|
//! | difference of two arms of a *batched* bandit, baseline may drift | [`BatchedOls`] | allocation fixed within a batch |
//! | mean of an arm, or a difference, at one planned end | [`AdaptiveAipw`] | all arms' propensities at each decision |
//! | the same at every look, bounded rewards, no approximation | [`AnytimeMean`], [`AnytimeDifference`] | as above |
//! | the same at every look, asymptotically | [`AdaptiveAipw::look`] | as above |
//! | value of a policy that was not run | [`OffPolicy`] | propensity of the action that was taken |
//!
//! A propensity is the probability with which the allocation gave *this* arm at *this* decision, known before the
//! outcome. Zero, absent and afterwards estimated ones are refused by [`Propensity`]: no method here survives them.
//!
//! ```
//! use expt_stats::Alpha;
//! use expt_stats::adaptive::{AdaptiveAipw, Allocation};
//!
//! let mut bandit = AdaptiveAipw::new(2, 0, Allocation::Constant)?;
//! for i in 0..400_u32 {
//!     let favoured = if i < 200 { 0.5 } else { 0.8 };
//!     let arm = usize::from(i % 10 < if i < 200 { 5 } else { 8 });
//!     bandit.add(arm, &[1.0 - favoured, favoured], f64::from(i % 3))?;
//! }
//! let difference = bandit.difference(1, 0, Alpha::FIVE_PERCENT)?;
//! assert!(difference.interval.contains(0.0));
//! # Ok::<(), expt_stats::StatsError>(())
//! ```

mod aipw;
mod anytime;
mod batched_ols;
mod estimate;
mod off_policy;
mod propensity;
#[cfg(test)]
mod simulation;
mod sums;
mod weights;

pub use aipw::{AdaptiveAipw, MartingaleBoundary};
pub use anytime::{AnytimeDifference, AnytimeEstimate, AnytimeMean};
pub use batched_ols::{BatchedOls, BatchedOlsEstimate, Noise};
pub use estimate::AdaptiveEstimate;
pub use off_policy::{Caution, LoggedRow, ModelRow, OffPolicy, OffPolicyEstimate, OffPolicyEstimator};
pub use propensity::{Propensity, PropensitySource};
pub use weights::Allocation;
