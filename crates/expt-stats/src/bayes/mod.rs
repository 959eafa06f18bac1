//! Bayesian comparison of arms: posteriors, the probability to be better or best, expected loss, ROPE.
//!
//! The numbers describe a posterior; they bound no error rate. "Stop when the probability to be better exceeds
//! 95 %" is a peeking rule and gives the false positives of one: see the sequential module for intervals that
//! stay valid.
//!
//! | data | posterior |
//! |---|---|
//! | events out of units | [`BetaPosterior`] |
//! | counts or sums of waiting times | [`GammaPosterior`] |
//! | means of many units | [`NormalPosterior`] |
//! | a difference or relative lift of two arms | [`EffectPrior`], [`effect_posterior`] |
//!
//! Everything else is one integral over the posterior of one arm ([`compare`], [`rope`], [`best_of`]), by adaptive
//! Gauss-Kronrod quadrature of the logarithm (or logit) of the rate: relative error about 1e-11, for counts from
//! 0 to 1e9 and more, without simulation.
//!
//! ```
//! use expt_stats::Alpha;
//! use expt_stats::bayes::{BetaPosterior, Posterior, compare};
//!
//! let control = BetaPosterior::new(1.0, 1.0)?.updated(1_000, 10_000)?;
//! let treatment = BetaPosterior::new(1.0, 1.0)?.updated(1_060, 10_000)?;
//! let comparison = compare(&control, &treatment)?;
//! assert!((comparison.treatment_better - 0.918_571_897).abs() < 1e-9);
//! assert!((comparison.loss_treatment - 1.592_215_727e-4).abs() < 1e-12);
//! let interval = control.credible_interval(Alpha::FIVE_PERCENT);
//! assert!((interval.0 - 0.094_275_113).abs() < 1e-9);
//! # Ok::<(), expt_stats::StatsError>(())
//! ```

mod beta;
mod compare;
mod effect;
mod gamma;
mod normal;
mod posterior;
mod quadrature;
#[cfg(test)]
mod tests;

pub use beta::BetaPosterior;
pub use compare::{ArmChance, Comparison, EffectScale, Rope, best_of, compare, rope};
pub use effect::{EffectOutcome, EffectPrior, effect_outcome, effect_posterior};
pub use gamma::GammaPosterior;
pub use normal::NormalPosterior;
pub use posterior::Posterior;
