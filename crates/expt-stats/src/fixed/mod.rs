//! Tests and intervals at one sample size fixed beforehand: means, proportions, ratios, CUPED, caps, margins.
//!
//! Every result here is valid at *one* look. Whoever looks repeatedly and stops at the first success needs
//! [`DifferenceSequence`](crate::DifferenceSequence); [`CupedAdjusted::effect`] feeds it with adjusted arms.
//!
//! # Which of them
//! [Which test do I want?](crate::guide) looks beyond one look. Here:
//!
//! | metric of a randomised unit | question | use |
//! |---|---|---|
//! | a number (revenue, latency) | do the means differ? | [`TTest::welch`] |
//! | the same, variances known to be equal | | [`TTest::pooled`] |
//! | the same units measured twice | did they change? | [`TTest::paired`] |
//! | one sample | is its mean this number? | [`TTest::one_sample`] |
//! | yes or no (converted) | by how much do the rates differ? | [`ProportionDifference`], test [`ProportionTest`] |
//! | yes or no, rare | is there any difference? | [`fisher_exact`] |
//! | yes or no | how many times as often? | [`RateRatio`]; odds [`OddsRatio`] |
//! | yes or no, one sample | what is the rate? | [`ProportionEstimate`]; is it this one? [`binomial_test`] |
//! | a ratio of sums (clicks per request) | do the ratios differ? | [`TTest::ratios`] |
//! | any mean or ratio | by how many per cent? | [`Lift`]; control near zero: [`Fieller`] |
//! | any mean, something known before the start | the same with less variance | [`Cuped`], for ratios [`CupedRatio`] |
//! | heavy tails | the same, of a capped metric | [`Cap`], [`CappedMoments`] |
//! | a guardrail | is it at most so much worse? | [`NonInferiority`]; rates [`ProportionTest::with_null`] with [`ZVariance::Restricted`] |
//! | a migration | is it the same up to a margin? | [`Equivalence`] |
//!
//! A unit of analysis that is not the unit of randomisation (requests when users were randomised) makes every one of
//! these wrong; use the ratio, whose variance is over units.
//!
//! # States
//! Means take [`Moments`](crate::Moments), ratios and pairs [`CoMoments`](crate::CoMoments), proportions [`Counts`],
//! several variables [`JointMoments`], weighted values [`WeightedMoments`]. All are monoids: they merge in any order,
//! and `subtract` takes a part out again. They fill from rows (`push`), from columns, from a published summary, and
//! from a warehouse's sums ([`Sums`], [`PairSums`]), with a [`Caution`] when those are worthless.
//!
//! # Cautions
//! A result says what its source's formula says, and carries a list of [`Caution`]s where this library's simulations
//! found that the level does not hold, or where the data contradict an assumption. Show them, or decide on them:
//!
//! ```
//! use expt_stats::fixed::{Caution, TTest};
//! use expt_stats::{Alpha, Moments};
//!
//! // Revenue: most units spend nothing, one spends a lot.
//! let mut control = vec![0.0; 500];
//! control.extend([10.0, 10.0, 25.0, 4_000.0]);
//! let (control, treatment) = (Moments::from_values(&control)?, Moments::from_values(&vec![1.0; 504])?);
//! let test = TTest::new(Alpha::FIVE_PERCENT).welch(&control, &treatment)?.tested()?;
//! assert!(matches!(test.cautions[0], Caution::SkewedForSize { units: 504, .. }));
//! # Ok::<(), expt_stats::StatsError>(())
//! ```

mod cap;
mod caution;
mod counts;
mod cuped;
mod difference;
mod exact;
mod fieller;
mod joint;
mod lift;
mod margin;
mod proportion;
mod rate_ratio;
mod root;
mod score;
mod statsmodels;
mod sums;
mod t_test;
mod tail;
mod weighted;
mod welch;

pub use cap::{Cap, CapSource, CappedMoments};
pub use caution::Caution;
pub use counts::Counts;
pub use cuped::{
    Cuped, CupedAdjusted, CupedFit, CupedHealth, CupedPair, CupedRatio, CupedRatioFit, CupedRatioState,
    CupedState, ThetaPooling,
};
pub use difference::{DifferenceMethod, ProportionDifference, ProportionTest, ZOutcome, ZResult, ZVariance};
pub use exact::{FisherResult, binomial_test, fisher_exact};
pub use fieller::{Fieller, FiellerResult, FiellerSet};
pub use joint::JointMoments;
pub use lift::{Lift, LiftResult, LiftScale, RelativeLift};
pub use margin::{Equivalence, NonInferiority, Tost};
pub use proportion::{Proportion, ProportionEstimate, ProportionMethod};
pub use rate_ratio::{OddsRatio, OddsRatioMethod, RateRatio, RateRatioMethod};
pub use sums::{PairSums, Sums, SumsCoMoments, SumsMoments};
pub use t_test::{Evidence, Reference, TOutcome, TResult, TTest};
pub use weighted::{WeightKind, WeightedMoments};
pub use welch::{Welch, WelchOutcome, WelchTest};
