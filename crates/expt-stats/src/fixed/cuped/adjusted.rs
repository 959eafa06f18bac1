//! What an adjustment yields.

use serde::{Deserialize, Serialize};

use super::health::CupedHealth;
use crate::arm::ArmEstimate;
use crate::effect::EffectState;
use crate::error::StatsError;
use crate::fixed::caution::{self, Caution};
use crate::fixed::lift::{Lift, LiftResult};
use crate::fixed::t_test::{TOutcome, TTest};

/// Holds two adjusted arms, ready for any comparison of [`ArmEstimate`]s, with the checks of the adjustment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CupedAdjusted {
    /// The adjusted control.
    pub control: ArmEstimate,
    /// The adjusted treatment.
    pub treatment: ArmEstimate,
    /// The control without adjustment.
    pub plain_control: ArmEstimate,
    /// The treatment without adjustment.
    pub plain_treatment: ArmEstimate,
    /// The coefficients, one a covariate.
    pub theta: Vec<f64>,
    /// The variance of the difference with adjustment, relative to that without; `None` if the outcome is constant.
    pub variance_ratio: Option<f64>,
    /// The pooled skewness of the adjusted outcome; `None` if unknown, or if it is constant.
    pub skewness: Option<f64>,
    /// Whether the covariates look like pre-period quantities.
    pub health: CupedHealth,
    /// What the checks complain about.
    pub cautions: Vec<Caution>,
}

/// The parts of a [`CupedAdjusted`].
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) adjusted: (ArmEstimate, ArmEstimate),
    pub(super) plain: (ArmEstimate, ArmEstimate),
    pub(super) theta: Vec<f64>,
    pub(super) skewness_known: bool,
    pub(super) skewness: Option<f64>,
    pub(super) health: CupedHealth,
    pub(super) cautions: Vec<Caution>,
}

impl CupedAdjusted {
    #[inline]
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { adjusted: (control, treatment), plain: (plain_control, plain_treatment), .. } = parts;
        let smaller = control.count().min(treatment.count());
        let mut cautions = parts.cautions;
        cautions.extend(caution::of_skewness(smaller, parts.skewness_known, parts.skewness));
        let ratio = (control.variance() + treatment.variance())
            / (plain_control.variance() + plain_treatment.variance());
        Self {
            control,
            treatment,
            plain_control,
            plain_treatment,
            theta: parts.theta,
            variance_ratio: ratio.is_finite().then_some(ratio),
            skewness: parts.skewness,
            health: parts.health,
            cautions,
        }
    }

    /// Tests the adjusted difference; the result carries the cautions.
    #[must_use]
    pub fn test(&self, test: &TTest) -> TOutcome {
        test.compare(&self.control, &self.treatment).with_cautions(self.cautions.iter().copied())
    }

    /// Estimates the adjusted lift; the result carries the cautions.
    ///
    /// # Errors
    /// As [`Lift::compare`].
    pub fn lift(&self, lift: &Lift) -> Result<LiftResult, StatsError> {
        let mut result = lift.compare(&self.control, &self.treatment)?;
        result.cautions.extend(self.cautions.iter().copied());
        Ok(result)
    }

    /// Returns the state from which a [`DifferenceSequence`](crate::DifferenceSequence) judges the adjusted
    /// difference at any number of looks.
    ///
    /// # Errors
    /// [`StatsError::SkewnessUnknown`] if an arm came from a summary, or if the adjusted outcome is constant.
    pub fn effect(&self) -> Result<EffectState, StatsError> {
        let skewness = self.skewness.ok_or(StatsError::SkewnessUnknown { what: "the adjusted outcome" })?;
        EffectState::from_arms(self.control, self.treatment, skewness)
    }
}
