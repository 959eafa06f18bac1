//! Error levels, probabilities, p-values and alternatives as types.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::StatsError;

/// Holds the error level of a test or interval: a number strictly between 0 and 1.
///
/// ```
/// use expt_stats::Alpha;
///
/// let alpha = Alpha::new(0.05)?;
/// assert_eq!(alpha.get(), 0.05);
/// assert!(Alpha::new(1.0).is_err());
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Alpha(f64);

impl Alpha {
    /// The usual 0.05.
    pub const FIVE_PERCENT: Self = Self(0.05);

    /// The 0.001 at which a sample-ratio mismatch is declared.
    pub const PER_MILLE: Self = Self(0.001);

    /// Makes a level.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless `0 < value < 1`.
    pub fn new(value: f64) -> Result<Self, StatsError> {
        if value > 0.0 && value < 1.0 {
            Ok(Self(value))
        } else {
            Err(StatsError::OutOfRange { what: "alpha", value, allowed: "the open interval (0, 1)" })
        }
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Returns the level that each of `parts` equal shares gets (Bonferroni 1936).
    ///
    /// No parts and one part both return the level itself.
    #[must_use]
    pub fn split(self, parts: usize) -> Self {
        Self((self.0 / parts.max(1) as f64).max(f64::MIN_POSITIVE))
    }
}

impl TryFrom<f64> for Alpha {
    type Error = StatsError;

    fn try_from(value: f64) -> Result<Self, StatsError> {
        Self::new(value)
    }
}

impl From<Alpha> for f64 {
    fn from(alpha: Alpha) -> Self {
        alpha.0
    }
}

impl fmt::Display for Alpha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Holds a number between 0 and 1, both ends allowed: a share, a rate, a power.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability(f64);

impl Probability {
    /// Makes a probability.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless `0 <= value <= 1`.
    pub fn new(value: f64) -> Result<Self, StatsError> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(StatsError::OutOfRange { what: "probability", value, allowed: "the closed interval [0, 1]" })
        }
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Makes a probability from a number that is one up to rounding.
    pub(crate) fn clamped(value: f64) -> Self {
        Self(value.clamp(0.0, 1.0))
    }
}

impl TryFrom<f64> for Probability {
    type Error = StatsError;

    fn try_from(value: f64) -> Result<Self, StatsError> {
        Self::new(value)
    }
}

impl From<Probability> for f64 {
    fn from(probability: Probability) -> Self {
        probability.0
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Holds a p-value as its natural logarithm, so that it neither underflows nor loses its order.
///
/// Evidence in a large experiment is often far below the smallest positive `f64`: at |t| = 39 the
/// p-value itself is already zero. The logarithm is finite always; an impossible outcome (p = 0)
/// is stored as [`LnP::IMPOSSIBLE`]. It is serialised as the logarithm.
///
/// ```
/// use expt_stats::{Alpha, LnP};
///
/// let ln_p = LnP::from_p(0.01)?;
/// assert!((ln_p.get() - 0.01_f64.ln()).abs() < 1e-15);
/// assert!(ln_p.is_at_most(Alpha::FIVE_PERCENT));
/// assert_eq!(LnP::new(-42_558.75)?.p(), 0.0); // underflows, yet the logarithm is kept
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct LnP(f64);

impl LnP {
    /// p = 1: no evidence at all.
    pub const ONE: Self = Self(0.0);

    /// p = 0: the observation cannot happen under the hypothesis.
    pub const IMPOSSIBLE: Self = Self(f64::MIN);

    /// Makes a p-value from its natural logarithm.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless `ln_p` is finite and at most zero.
    pub fn new(ln_p: f64) -> Result<Self, StatsError> {
        if ln_p.is_finite() && ln_p <= 0.0 {
            Ok(Self(ln_p))
        } else {
            Err(StatsError::OutOfRange { what: "ln p", value: ln_p, allowed: "finite and at most 0" })
        }
    }

    /// Makes a p-value from the probability itself; zero becomes [`LnP::IMPOSSIBLE`].
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless `0 <= p <= 1`.
    pub fn from_p(p: f64) -> Result<Self, StatsError> {
        Ok(Self::saturating(Probability::new(p)?.get().ln()))
    }

    /// Returns the natural logarithm.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Returns the probability itself, which is 0 below about `exp(-745)`.
    #[must_use]
    pub fn p(self) -> f64 {
        self.0.exp()
    }

    /// Tells whether the p-value is at most `alpha`.
    ///
    /// A relative slack of 1e-12 keeps the rounding of a logarithm from flipping an exact tie such
    /// as 2 * 0.025 against 0.05.
    #[must_use]
    pub fn is_at_most(self, alpha: Alpha) -> bool {
        self.0 <= alpha.get().ln() + TIE_SLACK
    }

    /// Makes a p-value from a logarithm that may be slightly positive or minus infinity.
    #[inline]
    pub(crate) fn saturating(ln_p: f64) -> Self {
        Self(ln_p.clamp(f64::MIN, 0.0))
    }

    /// Multiplies the p-value by `factor`, at most up to one.
    pub(crate) fn times(self, factor: f64) -> Self {
        Self::saturating(self.0 + factor.ln())
    }
}

impl TryFrom<f64> for LnP {
    type Error = StatsError;

    fn try_from(ln_p: f64) -> Result<Self, StatsError> {
        Self::new(ln_p)
    }
}

impl From<LnP> for f64 {
    fn from(ln_p: LnP) -> Self {
        ln_p.0
    }
}

impl fmt::Display for LnP {
    /// Writes the probability; below 1e-300 as `exp(…)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > -690.0 {
            let p = self.p();
            if p < 1e-4 { write!(f, "{p:.3e}") } else { write!(f, "{p:.5}") }
        } else {
            write!(f, "exp({:.1})", self.0)
        }
    }
}

/// Names the alternative hypothesis of a test about `treatment - control`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alternative {
    /// The difference is not the null value.
    #[default]
    TwoSided,
    /// The difference is greater than the null value.
    Greater,
    /// The difference is less than the null value.
    Less,
}

impl fmt::Display for Alternative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TwoSided => "two-sided",
            Self::Greater => "greater",
            Self::Less => "less",
        })
    }
}

/// Relative slack of [`LnP::is_at_most`].
pub(crate) const TIE_SLACK: f64 = 1e-12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_validated_on_the_way_in_and_out_of_serde() {
        for bad in [0.0, 1.0, -0.1, f64::NAN, f64::INFINITY] {
            assert!(Alpha::new(bad).is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<Alpha>("1.5").is_err());
        assert!(serde_json::from_str::<LnP>("0.5").is_err());
        assert!(serde_json::from_str::<Probability>("-0.5").is_err());
        assert_eq!(serde_json::to_string(&Alpha::FIVE_PERCENT).unwrap(), "0.05");
    }

    #[test]
    fn zero_and_one_are_p_values() {
        assert_eq!(LnP::from_p(0.0).unwrap(), LnP::IMPOSSIBLE);
        assert_eq!(LnP::from_p(1.0).unwrap(), LnP::ONE);
        assert!(LnP::IMPOSSIBLE.get().is_finite());
        assert_eq!(LnP::IMPOSSIBLE.times(10.0), LnP::IMPOSSIBLE);
        assert!(LnP::from_p(f64::NAN).is_err());
    }

    #[test]
    fn an_exact_tie_is_rejected() {
        assert!(LnP::from_p(0.025).unwrap().times(2.0).is_at_most(Alpha::FIVE_PERCENT));
        assert!(!LnP::from_p(0.050_001).unwrap().is_at_most(Alpha::FIVE_PERCENT));
    }
}
