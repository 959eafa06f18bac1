//! The state of an outcome with its covariates.

use serde::{Deserialize, Serialize};

use crate::comoments::CoMoments;
use crate::error::StatsError;
use crate::fixed::joint::JointMoments;

/// Holds the joint moments of an outcome and its pre-period covariates in one arm; a commutative monoid.
///
/// A covariate must be fixed before the unit could see the treatment: the metric before the experiment, the
/// country, the age of the account. A unit without covariates (a new user) is counted by
/// [`CupedState::push_without`].
///
/// ```
/// use expt_stats::fixed::CupedState;
///
/// let mut arm = CupedState::new(1)?;
/// arm.push(12.0, &[10.0])?;
/// arm.push(7.0, &[8.0])?;
/// arm.push_without(3.0)?;
/// assert_eq!(arm.count(), 3);
/// assert!((arm.missing_share().unwrap() - 1.0 / 3.0).abs() < 1e-15);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct CupedState {
    joint: JointMoments,
    missing: u64,
}

impl CupedState {
    /// Makes an empty arm with this many covariates.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] above 31.
    pub fn new(covariates: usize) -> Result<Self, StatsError> {
        Ok(Self { joint: JointMoments::new(covariates.saturating_add(1))?, missing: 0 })
    }

    /// Takes joint moments whose variable 0 is the outcome and whose others are the covariates; `missing` of the
    /// units had none (and were counted with zeros).
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if more units lack covariates than there are.
    pub fn from_joint(joint: JointMoments, missing: u64) -> Result<Self, StatsError> {
        if missing > joint.count() {
            let allowed = "at most the number of units";
            return Err(StatsError::OutOfRange {
                what: "the units without covariates",
                value: missing as f64,
                allowed,
            });
        }
        Ok(Self { joint, missing })
    }

    /// Counts a unit.
    ///
    /// # Errors
    /// [`StatsError::Shape`] for another number of covariates, [`StatsError::NotFinite`], [`StatsError::Overflow`];
    /// the state is then unchanged.
    pub fn push(&mut self, outcome: f64, covariates: &[f64]) -> Result<(), StatsError> {
        let row: Vec<f64> = std::iter::once(outcome).chain(covariates.iter().copied()).collect();
        self.joint.push(&row)
    }

    /// Counts a unit without covariates, as if each were zero.
    ///
    /// Zero is a constant known before the experiment, so the estimate stays unbiased; only correlation is lost.
    /// Dropping such units would change the population.
    ///
    /// # Errors
    /// As [`CupedState::push`].
    pub fn push_without(&mut self, outcome: f64) -> Result<(), StatsError> {
        self.push(outcome, &vec![0.0; self.covariates()])?;
        self.missing += 1;
        Ok(())
    }

    /// Joins two samples of one arm.
    ///
    /// # Errors
    /// [`StatsError::Shape`] if the numbers of covariates differ, [`StatsError::Overflow`].
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        Ok(Self { joint: self.joint.merge(&other.joint)?, missing: self.missing + other.missing })
    }

    /// Takes out a part that was merged in before.
    ///
    /// # Errors
    /// As [`JointMoments::subtract`].
    pub fn subtract(&self, part: &Self) -> Result<Self, StatsError> {
        let not_a_part = StatsError::NotAPart { what: "the units without covariates" };
        let missing = self.missing.checked_sub(part.missing).ok_or(not_a_part)?;
        Self::from_joint(self.joint.subtract(&part.joint)?, missing)
    }

    /// Returns the number of units.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.joint.count()
    }

    /// Returns how many units had no covariates.
    #[must_use]
    pub const fn missing(&self) -> u64 {
        self.missing
    }

    /// Returns the share of units without covariates, or `None` without units.
    #[must_use]
    pub fn missing_share(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.missing as f64 / self.count() as f64)
    }

    /// Returns the number of covariates.
    #[must_use]
    pub fn covariates(&self) -> usize {
        self.joint.variables() - 1
    }

    /// Returns the joint moments: variable 0 is the outcome.
    #[must_use]
    pub const fn joint(&self) -> &JointMoments {
        &self.joint
    }
}

impl From<&CoMoments> for CupedState {
    /// Takes `y` as the outcome and `x` as its covariate.
    fn from(pairs: &CoMoments) -> Self {
        Self { joint: JointMoments::from(pairs), missing: 0 }
    }
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    joint: JointMoments,
    missing: u64,
}

impl TryFrom<Stored> for CupedState {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::from_joint(stored.joint, stored.missing)
    }
}
