//! CUPED for ratio metrics, with the ratio before the experiment as the covariate.

use serde::{Deserialize, Serialize};

use super::adjusted::{CupedAdjusted, Parts};
use super::fit::{ThetaPooling, explained, pool};
use super::health::{self, CupedHealth};
use crate::arm::{ArmEstimate, far_from_zero};
use crate::error::StatsError;
use crate::fixed::caution::Caution;
use crate::fixed::joint::JointMoments;

/// Holds the joint moments of a ratio metric and the same ratio before the experiment in one arm; a commutative
/// monoid.
///
/// The variables are, in this order: numerator, denominator, numerator before, denominator before. A unit that did
/// not exist before has zeros there, which leaves the ratio before as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct CupedRatioState {
    joint: JointMoments,
    missing: u64,
}

impl CupedRatioState {
    /// Makes an empty arm.
    ///
    /// # Errors
    /// None in practice.
    pub fn new() -> Result<Self, StatsError> {
        Ok(Self { joint: JointMoments::new(4)?, missing: 0 })
    }

    /// Takes joint moments of the four variables; `missing` of the units had nothing before.
    ///
    /// # Errors
    /// [`StatsError::Shape`] unless there are four variables; [`StatsError::OutOfRange`] if more units are missing
    /// than there are.
    pub fn from_joint(joint: JointMoments, missing: u64) -> Result<Self, StatsError> {
        if joint.variables() != 4 {
            let found = joint.variables();
            return Err(StatsError::Shape { what: "the state of a ratio with its past", found, need: 4 });
        }
        if missing > joint.count() {
            let (what, allowed) = ("the units without a past", "at most the number of units");
            return Err(StatsError::OutOfRange { what, value: missing as f64, allowed });
        }
        Ok(Self { joint, missing })
    }

    /// Counts a unit with numerator and denominator now and, if it existed, before.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] or [`StatsError::Overflow`]; the state is then unchanged.
    pub fn push(&mut self, now: (f64, f64), before: Option<(f64, f64)>) -> Result<(), StatsError> {
        let (numerator, denominator) = before.unwrap_or_default();
        self.joint.push(&[now.0, now.1, numerator, denominator])?;
        self.missing += u64::from(before.is_none());
        Ok(())
    }

    /// Joins two samples of one arm.
    ///
    /// # Errors
    /// [`StatsError::Overflow`].
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        Ok(Self { joint: self.joint.merge(&other.joint)?, missing: self.missing + other.missing })
    }

    /// Takes out a part that was merged in before.
    ///
    /// # Errors
    /// As [`JointMoments::subtract`].
    pub fn subtract(&self, part: &Self) -> Result<Self, StatsError> {
        let not_a_part = StatsError::NotAPart { what: "the units without a past" };
        let missing = self.missing.checked_sub(part.missing).ok_or(not_a_part)?;
        Self::from_joint(self.joint.subtract(&part.joint)?, missing)
    }

    /// Returns the number of units.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.joint.count()
    }
}

/// Adjusts ratios of means by the same ratio before the experiment.
///
/// Estimand: the difference of the arms' ratios of expectations. Ratio and covariate are linearised by the delta
/// method (Deng, Knoblich and Lu 2018), `u = (y - R w) / mean(w)`; theta is their covariance over the variance of
/// the covariate. An arm's ratio becomes `R - theta (R_before - R_before over all arms)`. Where nothing varied
/// before, theta is zero. Assumptions and checks as for [`Cuped`](super::Cuped).
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::fixed::{CupedRatio, CupedRatioState, TTest};
///
/// let (mut control, mut treatment) = (CupedRatioState::new()?, CupedRatioState::new()?);
/// for i in 0..200_u32 {
///     let (visits, before) = (f64::from(1 + i % 7), f64::from(1 + i % 5));
///     let habit = f64::from(i % 11);
///     let arm = if i % 2 == 0 { &mut control } else { &mut treatment };
///     arm.push((visits * (2.0 + habit), visits), Some((before * (1.0 + habit), before)))?;
/// }
/// let adjusted = CupedRatio::default().adjust(&control, &treatment)?;
/// assert!(adjusted.variance_ratio.unwrap() < 0.4);
/// assert!(adjusted.test(&TTest::new(Alpha::FIVE_PERCENT)).tested()?.interval.contains(0.0));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CupedRatio {
    pooling: ThetaPooling,
}

impl CupedRatio {
    /// Chooses the spread from which theta is estimated.
    #[must_use]
    pub const fn new(pooling: ThetaPooling) -> Self {
        Self { pooling }
    }

    /// Estimates theta from all arms of an experiment.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] without arms or below two units in one; [`StatsError::DenominatorNearZero`] if the
    /// pooled denominator is within five standard errors of zero; [`StatsError::Overflow`].
    pub fn fit(&self, arms: &[&CupedRatioState]) -> Result<CupedRatioFit, StatsError> {
        let joints: Vec<&JointMoments> = arms.iter().map(|arm| &arm.joint).collect();
        let pooled = pool(&joints)?;
        let line = Line::of(&pooled)?;
        let spread = |u: &[f64; 4], v: &[f64; 4]| match self.pooling {
            ThetaPooling::Pooled => pooled.covariance_of(u, v).unwrap_or_default(),
            ThetaPooling::Within => joints
                .iter()
                .map(|arm| arm.covariance_of(u, v).unwrap_or_default() * (arm.count() - 1) as f64)
                .sum(),
        };
        let past = line.past.filter(|past| spread(past, past) > 0.0);
        let theta = past.map_or(0.0, |past| spread(&line.now, &past) / spread(&past, &past));
        let theta = if theta.is_finite() { theta } else { 0.0 };
        let weights = line.adjusted(theta);
        let left = pooled.variance_of(&weights).zip(pooled.variance_of(&line.now));
        Ok(CupedRatioFit {
            theta,
            redundant: past.is_none(),
            centre: line.ratio_before,
            skewness_known: pooled.knows_skewness(),
            skewness: pooled.skewness_of(&weights),
            correlation: left.filter(|(_, total)| *total > 0.0).map(|(left, total)| explained(left, total)),
        })
    }

    /// Fits and adjusts two arms.
    ///
    /// # Errors
    /// As [`CupedRatio::fit`] and [`CupedRatioFit::adjust`].
    pub fn adjust(
        &self,
        control: &CupedRatioState,
        treatment: &CupedRatioState,
    ) -> Result<CupedAdjusted, StatsError> {
        self.fit(&[control, treatment])?.adjust(control, treatment)
    }
}

/// Holds a theta that was estimated from all arms, to compare any two of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CupedRatioFit {
    theta: f64,
    redundant: bool,
    centre: f64,
    skewness_known: bool,
    skewness: Option<f64>,
    correlation: Option<f64>,
}

impl CupedRatioFit {
    /// Returns the coefficient.
    #[must_use]
    pub const fn theta(&self) -> f64 {
        self.theta
    }

    /// Adjusts two of the arms.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two units in an arm; [`StatsError::DenominatorNearZero`];
    /// [`StatsError::NotFinite`].
    pub fn adjust(
        &self,
        control: &CupedRatioState,
        treatment: &CupedRatioState,
    ) -> Result<CupedAdjusted, StatsError> {
        let (c, t) = (self.arm(&control.joint)?, self.arm(&treatment.joint)?);
        let balance: Vec<_> = c.past.zip(t.past).into_iter().collect();
        let missing = ((control.missing, control.count()), (treatment.missing, treatment.count()));
        let (adjusted, plain) = ((c.adjusted, t.adjusted), (c.plain, t.plain));
        let health = CupedHealth::check(&balance, missing, &adjusted, &plain, self.correlation)?;
        let redundant = self.redundant.then_some(Caution::RedundantCovariate { covariate: 0 });
        Ok(CupedAdjusted::new(Parts {
            adjusted,
            plain,
            theta: vec![self.theta],
            skewness_known: self.skewness_known,
            skewness: self.skewness,
            cautions: redundant.into_iter().chain(health::cautions(&health)).collect(),
            health,
        }))
    }

    fn arm(&self, joint: &JointMoments) -> Result<Arm, StatsError> {
        let line = Line::of(joint)?;
        let count = joint.count();
        let too_few = StatsError::TooFew { what: "the arm", have: count, need: 2 };
        let variance = |weights: &[f64; 4]| joint.variance_of(weights).map(|v| v / count as f64);
        let plain = variance(&line.now).ok_or(too_few.clone())?;
        let adjusted = variance(&line.adjusted(self.theta)).ok_or(too_few)?;
        let shifted = line.ratio - self.theta * (line.ratio_before - self.centre);
        let past = line.past.and_then(|past| variance(&past));
        Ok(Arm {
            adjusted: ArmEstimate::new(shifted, adjusted, count)?,
            plain: ArmEstimate::new(line.ratio, plain, count)?,
            past: past.map(|variance| ArmEstimate::new(line.ratio_before, variance, count)).transpose()?,
        })
    }
}

/// One arm, three ways.
struct Arm {
    adjusted: ArmEstimate,
    plain: ArmEstimate,
    past: Option<ArmEstimate>,
}

/// The ratios of a sample and the combinations of variables that they are to first order.
struct Line {
    ratio: f64,
    ratio_before: f64,
    now: [f64; 4],
    /// `None` if nothing was there before.
    past: Option<[f64; 4]>,
}

impl Line {
    fn of(joint: &JointMoments) -> Result<Self, StatsError> {
        let mean = |at: usize| joint.mean(at).unwrap_or_default();
        let (y, w, y_before, w_before) = (mean(0), mean(1), mean(2), mean(3));
        far_from_zero(w, joint.covariance(1, 1).unwrap_or_default() / joint.count() as f64)?;
        let (ratio, ratio_before) = (y / w, y_before / w_before);
        let past = (w_before != 0.0 && ratio_before.is_finite())
            .then(|| [0.0, 0.0, 1.0 / w_before, -ratio_before / w_before]);
        Ok(Self {
            ratio,
            ratio_before: if past.is_some() { ratio_before } else { 0.0 },
            now: [1.0 / w, -ratio / w, 0.0, 0.0],
            past,
        })
    }

    fn adjusted(&self, theta: f64) -> [f64; 4] {
        let past = self.past.unwrap_or_default();
        let mut at = past.iter();
        self.now.map(|now| now - theta * at.next().copied().unwrap_or_default())
    }
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    joint: JointMoments,
    missing: u64,
}

impl TryFrom<Stored> for CupedRatioState {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::from_joint(stored.joint, stored.missing)
    }
}
