//! Why an interval deserves less trust than its level says.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::comoments::CoMoments;
use crate::error::StatsError;
use crate::level::LnP;
use crate::moments::Moments;

/// Says, as data, why the stated level of a result is in doubt.
///
/// A caution never changes a number: the formula is what its source says. It marks results outside the range in
/// which this library's simulations (`docs/calibration.md`) found the level to hold, and inputs that a check of
/// the data puts in doubt. An empty list means that no rule fired, not that every assumption holds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "caution", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Caution {
    /// The smaller arm has fewer than `355 skewness^2` units (Kohavi et al. 2014), so the mean is not yet
    /// normal enough for a t interval.
    SkewedForSize {
        /// Units in the smaller arm.
        units: u64,
        /// Units needed at the pooled skewness.
        need: f64,
    },
    /// The skewness is unknown (the state came from a summary), so the rule above could not be checked.
    ShapeUnknown,
    /// An arm expects fewer than ten events at the pooled rate.
    FewEvents {
        /// Expected events in the smaller arm.
        expected: f64,
    },
    /// An arm expects fewer than ten non-events at the pooled rate.
    FewNonEvents {
        /// Expected non-events in the smaller arm.
        expected: f64,
    },
    /// The interval is Wald's, whose coverage collapses near 0 and 1 and oscillates elsewhere (Brown, Cai and
    /// DasGupta 2001).
    WaldInterval,
    /// A denominator is closer to zero than five standard errors: use Fieller's set.
    DenominatorNearZero {
        /// How many standard errors it is away.
        standard_errors: f64,
    },
    /// The variance came from sums whose difference cancels.
    Cancellation {
        /// About how many significant digits of the variance are left, at best.
        digits: f64,
    },
    /// A covariate differs between the arms before the experiment: randomisation or logging is in doubt.
    PrePeriodImbalance {
        /// Which covariate.
        covariate: usize,
        /// The p-value of the imbalance, corrected for the number of covariates.
        ln_p: LnP,
    },
    /// Adjusting reverses the sign of the effect.
    SignFlip,
    /// A covariate is constant or a combination of the others, and got the coefficient zero.
    RedundantCovariate {
        /// Which covariate.
        covariate: usize,
    },
    /// More than half of the units have no covariate.
    MissingCovariate {
        /// The share of units without it.
        share: f64,
    },
    /// The two arms have the covariate at different rates: it may not be a pre-period quantity.
    MissingUnevenly {
        /// The p-value of the difference.
        ln_p: LnP,
    },
}

impl fmt::Display for Caution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SkewedForSize { units, need } => {
                write!(
                    f,
                    "the smaller arm has {units} units; this skewness needs {need:.0}: cap the metric or wait"
                )
            }
            Self::ShapeUnknown => f.write_str(
                "the skewness is unknown, so nobody checked that the sample is large enough for it",
            ),
            Self::FewEvents { expected } => write!(f, "an arm expects {expected:.1} events, fewer than 10"),
            Self::FewNonEvents { expected } => {
                write!(f, "an arm expects {expected:.1} non-events, fewer than 10")
            }
            Self::WaldInterval => {
                f.write_str("a Wald interval does not keep its level; use a score interval")
            }
            Self::DenominatorNearZero { standard_errors } => {
                write!(
                    f,
                    "the denominator is {standard_errors:.1} standard errors from zero; use Fieller's set"
                )
            }
            Self::Cancellation { digits } => {
                write!(f, "the sums cancel: at most {digits:.1} digits of the variance are left")
            }
            Self::PrePeriodImbalance { covariate, ln_p } => {
                write!(f, "covariate {covariate} differs between the arms before the start (p = {ln_p})")
            }
            Self::SignFlip => f.write_str("the adjusted effect has the opposite sign of the plain one"),
            Self::RedundantCovariate { covariate } => {
                write!(f, "covariate {covariate} is constant or a combination of the others; it is not used")
            }
            Self::MissingCovariate { share } => {
                write!(f, "{:.0} % of the units have no covariate", 100.0 * share)
            }
            Self::MissingUnevenly { ln_p } => {
                write!(f, "the arms lack the covariate at different rates (p = {ln_p})")
            }
        }
    }
}

/// Judges the size of the smaller arm by the pooled skewness.
pub(super) fn of_skewness(smaller: u64, known: bool, skewness: Option<f64>) -> Option<Caution> {
    if !known {
        return Some(Caution::ShapeUnknown);
    }
    let skewness = skewness?;
    let need = (SKEWNESS_FACTOR * skewness * skewness).min(f64::MAX);
    ((smaller as f64) < need).then_some(Caution::SkewedForSize { units: smaller, need })
}

/// Judges the shape of a mean over both arms.
pub(super) fn of_means(control: &Moments, treatment: &Moments) -> Result<Option<Caution>, StatsError> {
    let smaller = control.count().min(treatment.count());
    Ok(of_moments(smaller, &control.merge(treatment)?))
}

/// Judges the shape of a ratio over both arms, linearised at the pooled ratio: `y - R x`.
pub(super) fn of_ratios(control: &CoMoments, treatment: &CoMoments) -> Result<Option<Caution>, StatsError> {
    let smaller = control.count().min(treatment.count());
    let pooled = control.merge(treatment)?;
    let ratio = pooled.mean_y().zip(pooled.mean_x()).map_or(0.0, |(y, x)| y / x);
    Ok(of_skewness(smaller, pooled.knows_skewness(), pooled.residual_skewness(ratio)))
}

/// As [`of_skewness`] for moments.
pub(super) fn of_moments(smaller: u64, pooled: &Moments) -> Option<Caution> {
    of_skewness(smaller, pooled.knows_skewness(), pooled.skewness())
}

/// Judges expected events and non-events.
pub(super) fn of_events(smaller: u64, pooled_rate: f64) -> impl Iterator<Item = Caution> {
    let n = smaller as f64;
    let (events, others) = (n * pooled_rate, n * (1.0 - pooled_rate));
    let few = (events < MIN_EVENTS).then_some(Caution::FewEvents { expected: events });
    few.into_iter().chain((others < MIN_EVENTS).then_some(Caution::FewNonEvents { expected: others }))
}

/// Units per squared skewness, after Kohavi, Deng, Longbotham and Xu (2014).
const SKEWNESS_FACTOR: f64 = 355.0;

/// Expected events and non-events that Wilson's and Newcombe's intervals need.
const MIN_EVENTS: f64 = 10.0;
