//! The regression coefficients of CUPED, and the adjustment by them.

use serde::{Deserialize, Serialize};

use super::adjusted::{CupedAdjusted, Parts};
use super::health::{self, CupedHealth};
use super::solve::{Solution, regress, within};
use super::state::CupedState;
use crate::arm::ArmEstimate;
use crate::comoments::CoMoments;
use crate::error::StatsError;
use crate::fixed::caution::Caution;
use crate::fixed::joint::JointMoments;

/// Says from which spread the coefficients are estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThetaPooling {
    /// From all arms thrown together, as tea-tasting does: the spread between the arms counts. Under a large
    /// effect this loses a little efficiency.
    #[default]
    Pooled,
    /// From the sums within each arm, added up: a regression with one intercept an arm.
    Within,
}

/// Adjusts means by covariates that were known before the experiment (Deng, Xu, Kohavi and Walker 2013).
///
/// Estimand: treatment's minus control's expectation, the same as without adjustment. With `theta` the least-squares
/// coefficients of the outcome on the covariates, each arm's mean becomes `mean(y) - theta (mean(x) - mean over all
/// arms of x)` and its variance that of `y - theta x` in the arm, divided by n; one theta for all arms. A constant
/// covariate, or one that is a combination of others, gets the coefficient zero. Consistent whatever the true
/// relation is; the variance is first order in `1/n`. Assumes that the covariates cannot depend on the treatment:
/// [`CupedHealth`] looks for signs that they do.
///
/// ```
/// use expt_stats::fixed::{Cuped, CupedState, TTest};
/// use expt_stats::{Alpha, CoMoments};
///
/// // y after, x before the experiment: means, variances, covariance.
/// let arm = |n, mean, variance, covariance| CoMoments::from_summary(n, mean, variance, covariance);
/// let control = CupedState::from(&arm(40, (5.328, 5.335), (3.914, 4.471), 3.593)?);
/// let treatment = CupedState::from(&arm(42, (5.288, 5.193), (4.661, 3.874), 3.539)?);
/// let adjusted = Cuped::default().adjust(&control, &treatment)?;
/// assert!((adjusted.theta[0] - 0.83).abs() < 1e-3);
/// assert!(adjusted.variance_ratio.unwrap() < 0.4);
/// let test = adjusted.test(&TTest::new(Alpha::FIVE_PERCENT)).tested()?;
/// assert!((test.estimate + 0.109).abs() < 1e-3);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cuped {
    pooling: ThetaPooling,
}

impl Cuped {
    /// Chooses the spread from which the coefficients are estimated.
    #[must_use]
    pub const fn new(pooling: ThetaPooling) -> Self {
        Self { pooling }
    }

    /// Estimates the coefficients from all arms of an experiment.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] without arms or below two units in one; [`StatsError::Shape`] if the numbers of
    /// covariates differ; [`StatsError::Overflow`].
    pub fn fit(&self, arms: &[&CupedState]) -> Result<CupedFit, StatsError> {
        let joints: Vec<&JointMoments> = arms.iter().map(|arm| arm.joint()).collect();
        let pooled = pool(&joints)?;
        let covariates = pooled.variables() - 1;
        let Solution { theta, redundant } = match self.pooling {
            ThetaPooling::Pooled => regress(|i, j| pooled.sum(i, j), covariates),
            ThetaPooling::Within => regress(within(&joints), covariates),
        };
        let centre = (1..=covariates).map(|i| pooled.mean(i).unwrap_or_default()).collect();
        let weights: Vec<f64> = std::iter::once(1.0).chain(theta.iter().map(|theta| -theta)).collect();
        let left = pooled.variance_of(&weights).zip(pooled.covariance(0, 0));
        let correlation = left.filter(|(_, total)| *total > 0.0).map(|(left, total)| explained(left, total));
        let skewness = pooled.skewness_of(&weights);
        Ok(CupedFit {
            weights,
            redundant,
            centre,
            skewness_known: pooled.knows_skewness(),
            skewness,
            correlation,
        })
    }

    /// Adjusts two arms by one covariate and nothing else, for fleets of metrics: no health checks, no allocation.
    ///
    /// `y` is the outcome and `x` the covariate. The numbers are those of [`Cuped::adjust`].
    ///
    /// ```
    /// use expt_stats::CoMoments;
    /// use expt_stats::fixed::{Cuped, CupedState};
    ///
    /// let control = CoMoments::from_columns(&[1.0, 2.0, 4.0], &[2.0, 3.0, 5.5])?;
    /// let treatment = CoMoments::from_columns(&[2.0, 2.5, 3.0], &[4.0, 4.0, 5.0])?;
    /// let pair = Cuped::default().pair(&control, &treatment)?;
    /// let whole = Cuped::default().adjust(&CupedState::from(&control), &CupedState::from(&treatment))?;
    /// assert!((pair.control.estimate() - whole.control.estimate()).abs() < 1e-12);
    /// assert!((pair.treatment.variance() - whole.treatment.variance()).abs() < 1e-12);
    /// # Ok::<(), expt_stats::StatsError>(())
    /// ```
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two units in an arm; [`StatsError::Overflow`].
    pub fn pair(&self, control: &CoMoments, treatment: &CoMoments) -> Result<CupedPair, StatsError> {
        let pooled = control.merge(treatment)?;
        let (_, [xx, xy, _], _) = pooled.parts();
        let (xx, xy) = match self.pooling {
            ThetaPooling::Pooled => (xx, xy),
            ThetaPooling::Within => {
                let ((_, c, _), (_, t, _)) = (control.parts(), treatment.parts());
                (c[0] + t[0], c[1] + t[1])
            }
        };
        let theta = if xx > 0.0 { xy / xx } else { 0.0 };
        let centre = pooled.mean_x().unwrap_or_default();
        let arm = |pairs: &CoMoments| {
            let count = pairs.count();
            match (pairs.mean_x(), pairs.mean_y(), pairs.residual_variance(theta)) {
                (Some(x), Some(y), Some(variance)) => {
                    ArmEstimate::new(y - theta * (x - centre), variance / count as f64, count)
                }
                _ => Err(StatsError::TooFew { what: "the arm", have: count, need: 2 }),
            }
        };
        let skewness = pooled.residual_skewness(theta);
        Ok(CupedPair { control: arm(control)?, treatment: arm(treatment)?, theta, skewness })
    }

    /// Fits and adjusts two arms.
    ///
    /// # Errors
    /// As [`Cuped::fit`].
    pub fn adjust(&self, control: &CupedState, treatment: &CupedState) -> Result<CupedAdjusted, StatsError> {
        self.fit(&[control, treatment])?.adjust(control, treatment)
    }
}

/// Holds two arms adjusted by one covariate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CupedPair {
    /// The adjusted control.
    pub control: ArmEstimate,
    /// The adjusted treatment.
    pub treatment: ArmEstimate,
    /// The coefficient.
    pub theta: f64,
    /// The pooled skewness of the adjusted outcome; `None` if unknown, or if it is constant.
    pub skewness: Option<f64>,
}

/// Holds coefficients that were estimated from all arms, to compare any two of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CupedFit {
    /// 1 for the outcome, minus theta for the covariates.
    weights: Vec<f64>,
    redundant: Vec<usize>,
    /// The covariates' means over all arms.
    centre: Vec<f64>,
    skewness_known: bool,
    skewness: Option<f64>,
    correlation: Option<f64>,
}

impl CupedFit {
    /// Returns the coefficients, one a covariate.
    #[must_use]
    pub fn theta(&self) -> Vec<f64> {
        self.weights.iter().skip(1).map(|weight| -weight).collect()
    }

    /// Adjusts two of the arms.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two units in an arm; [`StatsError::Shape`] for other numbers of covariates;
    /// [`StatsError::NotFinite`].
    pub fn adjust(&self, control: &CupedState, treatment: &CupedState) -> Result<CupedAdjusted, StatsError> {
        let adjust = |arm: &CupedState| self.arm(arm.joint());
        let (adjusted, plain) =
            ((adjust(control)?, adjust(treatment)?), (outcome(control)?, outcome(treatment)?));
        let balance = (1..=self.centre.len())
            .map(|i| Ok((variable(control.joint(), i)?, variable(treatment.joint(), i)?)))
            .collect::<Result<Vec<_>, StatsError>>()?;
        let missing = ((control.missing(), control.count()), (treatment.missing(), treatment.count()));
        let health = CupedHealth::check(&balance, missing, &adjusted, &plain, self.correlation)?;
        let redundant = self.redundant.iter().map(|&covariate| Caution::RedundantCovariate { covariate });
        Ok(CupedAdjusted::new(Parts {
            adjusted,
            plain,
            theta: self.theta(),
            skewness_known: self.skewness_known,
            skewness: self.skewness,
            cautions: redundant.chain(health::cautions(&health)).collect(),
            health,
        }))
    }

    fn arm(&self, joint: &JointMoments) -> Result<ArmEstimate, StatsError> {
        if joint.variables() != self.weights.len() {
            let (found, need) = (joint.variables(), self.weights.len());
            return Err(StatsError::Shape { what: "the arm", found, need });
        }
        let too_few = StatsError::TooFew { what: "the arm", have: joint.count(), need: 2 };
        let (Some(mean), Some(variance)) = (joint.mean(0), joint.variance_of(&self.weights)) else {
            return Err(too_few);
        };
        // Each covariate is centred before it is weighted, so that a large offset costs no digits.
        let moved: f64 = (1..)
            .zip(&self.centre)
            .zip(self.weights.iter().skip(1))
            .map(|((i, centre), weight)| weight * (joint.mean(i).unwrap_or_default() - centre))
            .sum();
        ArmEstimate::new(mean + moved, variance / joint.count() as f64, joint.count())
    }
}

/// Merges all arms.
pub(super) fn pool(arms: &[&JointMoments]) -> Result<JointMoments, StatsError> {
    let Some((first, rest)) = arms.split_first() else {
        return Err(StatsError::TooFew { what: "the experiment's arms", have: 0, need: 1 });
    };
    if let Some(small) = arms.iter().find(|arm| arm.count() < 2) {
        return Err(StatsError::TooFew { what: "the arm", have: small.count(), need: 2 });
    }
    rest.iter().try_fold((*first).clone(), |sum, arm| sum.merge(arm))
}

/// Returns the correlation that explains all but `left` of the variance `total`.
pub(super) fn explained(left: f64, total: f64) -> f64 {
    (1.0 - left / total).clamp(0.0, 1.0).sqrt()
}

fn outcome(arm: &CupedState) -> Result<ArmEstimate, StatsError> {
    variable(arm.joint(), 0)
}

/// Returns the mean of one variable of an arm.
fn variable(joint: &JointMoments, at: usize) -> Result<ArmEstimate, StatsError> {
    let count = joint.count();
    match (joint.mean(at), joint.covariance(at, at)) {
        (Some(mean), Some(variance)) => ArmEstimate::new(mean, variance / count as f64, count),
        _ => Err(StatsError::TooFew { what: "the arm", have: count, need: 2 }),
    }
}
