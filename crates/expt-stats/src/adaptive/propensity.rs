//! Probabilities of assignment that inference may use.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;

/// Says where a propensity came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PropensitySource {
    /// Written with the decision, before the outcome.
    Logged,
    /// Computed again, exactly, from the state and seed that the decision was made with.
    Replayed,
    /// Fitted to the data afterwards.
    Estimated,
    /// Not known.
    Unknown,
}

/// Holds the probability with which the allocation chose what it chose: above 0 and at most 1, and known before the
/// outcome.
///
/// ```
/// use expt_stats::adaptive::{Propensity, PropensitySource};
///
/// assert!(Propensity::from_log(Some(0.05), PropensitySource::Logged).is_ok());
/// assert!(Propensity::from_log(Some(0.05), PropensitySource::Estimated).is_err());
/// assert!(Propensity::from_log(None, PropensitySource::Logged).is_err());
/// assert!(Propensity::new(0.0).is_err());
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Propensity(f64);

impl Propensity {
    /// Makes a propensity that the caller vouches for: the true probability, from before the outcome.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless `0 < value <= 1`.
    pub fn new(value: f64) -> Result<Self, StatsError> {
        if value > 0.0 && value <= 1.0 {
            return Ok(Self(value));
        }
        let allowed = "above 0 and at most 1: an arm that could not be chosen tells nothing, so keep a floor";
        Err(StatsError::OutOfRange { what: "a propensity", value, allowed })
    }

    /// Takes a propensity from a log, if it is there and from before the outcome.
    ///
    /// # Errors
    /// [`StatsError::Refused`] if it is absent, estimated or of unknown source; as [`Propensity::new`].
    pub fn from_log(value: Option<f64>, source: PropensitySource) -> Result<Self, StatsError> {
        let what = "a propensity";
        match (value, source) {
            (None, _) => {
                let why = "it is absent; log it with each decision, as it cannot be recovered afterwards";
                Err(StatsError::Refused { what, why })
            }
            (Some(_), PropensitySource::Estimated) => {
                let why = "it was estimated after the outcomes, which breaks the martingale that the interval \
                           rests on; log the true one with each decision";
                Err(StatsError::Refused { what, why })
            }
            (Some(_), PropensitySource::Unknown) => {
                let why = "nothing says that it is from before the outcome; log it with each decision";
                Err(StatsError::Refused { what, why })
            }
            (Some(value), PropensitySource::Logged | PropensitySource::Replayed) => Self::new(value),
        }
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Propensity {
    type Error = StatsError;

    fn try_from(value: f64) -> Result<Self, StatsError> {
        Self::new(value)
    }
}

impl From<Propensity> for f64 {
    fn from(propensity: Propensity) -> Self {
        propensity.0
    }
}

/// Checks the propensities of all arms at one decision.
pub(super) fn check_all(propensities: &[f64], arms: usize) -> Result<(), StatsError> {
    if propensities.len() != arms {
        let (what, found) = ("the list of propensities", propensities.len());
        return Err(StatsError::Length { what, found, allowed: arms });
    }
    for &propensity in propensities {
        Propensity::new(propensity)?;
    }
    let sum: f64 = propensities.iter().sum();
    if (sum - 1.0).abs() > SUM_SLACK {
        let allowed = "1, as one arm is always chosen; pass the propensities of all arms";
        return Err(StatsError::OutOfRange { what: "the sum of the propensities", value: sum, allowed });
    }
    Ok(())
}

/// How far the propensities of one decision may be from summing to one.
const SUM_SLACK: f64 = 1e-6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_ones_are_refused() {
        for bad in [0.0, -0.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Propensity::new(bad).is_err(), "{bad}");
        }
        assert!(Propensity::from_log(Some(0.5), PropensitySource::Unknown).is_err());
        assert!(Propensity::from_log(Some(0.0), PropensitySource::Replayed).is_err());
        assert!(serde_json::from_str::<Propensity>("0.0").is_err());
        assert!(check_all(&[0.5, 0.5], 2).is_ok());
        assert!(check_all(&[0.5, 0.4], 2).is_err());
        assert!(check_all(&[1.0], 2).is_err());
        assert!(check_all(&[1.0, 0.0], 2).is_err());
    }
}
