//! How many units, how many days, what can be seen, and which design: planning before the first unit.
//!
//! | question | type |
//! |---|---|
//! | two means: z, pooled t, Welch's t, confidence sequence; superiority and non-inferiority | [`TwoMeans`] |
//! | one mean, or the mean of paired differences | [`OneMean`] |
//! | two proportions: arcsine, unpooled, pooled | [`TwoProportions`] |
//! | two means within margins of each other (TOST) | [`Equivalence`] |
//! | will a sample-ratio mismatch be found? | [`ChiSquarePower`] |
//! | clusters, CUPED, interim looks | [`Inflation`], given to any of these |
//! | how many days? | [`Traffic::runtime`] |
//! | A/B, interleaving, bandit or shadow? | [`advise`] |
//!
//! A size is a real number of units ([`Size`]), as in statsmodels and R; [`Size::units`] rounds it up. A ratio
//! metric enters through its delta-method variance: [`unit_variance`] of
//! [`ArmEstimate::ratio`](crate::ArmEstimate::ratio).
//!
//! ```
//! use expt_stats::power::{Inflation, Reference, Traffic, TwoMeans};
//! use expt_stats::{Alpha, Probability};
//!
//! let test = TwoMeans::new(Alpha::FIVE_PERCENT, 1.0, 1.0)?;
//! let power = Probability::new(0.8)?;
//! assert_eq!(test.sample_size(0.1, power)?.units().control, 1570);
//!
//! // Watched at every look, with a covariate of correlation 0.6.
//! let watched = test.with_reference(Reference::ConfidenceSequence)?.with_inflation(Inflation::cuped(0.6)?);
//! let size = watched.sample_size(0.1, power)?;
//! assert_eq!(size.units().control, 1924);
//!
//! // 400 units on a weekday, 150 on Saturday and Sunday, half of them in the experiment.
//! let traffic = Traffic::weekly([400.0, 400.0, 400.0, 400.0, 400.0, 150.0, 150.0])?.with_share(0.5)?;
//! assert_eq!(traffic.runtime(size.total(), 1)?.map(|runtime| runtime.days), Some(28));
//! # Ok::<(), expt_stats::StatsError>(())
//! ```

mod advice;
mod curve;
mod equivalence;
mod inflation;
mod means;
mod mismatch;
mod one_mean;
pub(crate) mod plan;
mod proportions;
mod reason;
mod size;
#[cfg(test)]
mod tests;
mod traffic;

pub use advice::{
    Advice, AdvisedDesign, Assumptions, BadArm, DesignKind, OutputKind, Refusal, Situation, advise,
};
pub use curve::{OppositeTail, Reference};
pub use equivalence::Equivalence;
pub use inflation::Inflation;
pub use means::TwoMeans;
pub use mismatch::ChiSquarePower;
pub use one_mean::OneMean;
pub use proportions::{ProportionMethod, TwoProportions};
pub use reason::RefusalReason;
pub use size::{Size, unit_variance};
pub use traffic::{Ramp, Runtime, Traffic};
