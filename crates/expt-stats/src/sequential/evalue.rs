//! Evidence as e-values: calibrated from p-values, merged, and turned back into p-values.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, non_negative};
use crate::level::{Alpha, LnP};

/// Holds an e-value as its natural logarithm: evidence against a null under which its mean is at most 1.
///
/// An e-value of 20 is a bet that paid twenty to one. `min(1, 1/e)` is a p-value (Markov), and the running maximum
/// of an e-process stays below `1/alpha` with probability `1 - alpha` at all times together (Ville 1939). Zero and
/// infinity are kept as the ends of the range of `f64`, so the logarithm is always finite; it is what is serialised.
///
/// ```
/// use expt_stats::LnP;
/// use expt_stats::sequential::{Calibrator, EValue};
///
/// let a = Calibrator::Kappa { kappa: 0.5 }.calibrate(LnP::from_p(0.01)?)?;
/// assert!((a.value() - 5.0).abs() < 1e-12);
/// let mean = EValue::mean(&[a, EValue::from_value(1.0)?])?;
/// assert!((mean.value() - 3.0).abs() < 1e-12);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct EValue(f64);

impl EValue {
    /// e = 1: no evidence.
    pub const ONE: Self = Self(0.0);

    /// Makes an e-value from its natural logarithm; infinite ones become the ends of the range.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] for NaN.
    pub fn from_ln(ln_e: f64) -> Result<Self, StatsError> {
        if ln_e.is_nan() {
            return Err(StatsError::NotFinite { what: "ln e", value: ln_e });
        }
        Ok(Self::saturating(ln_e))
    }

    /// Makes an e-value from the number itself; infinity is allowed.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if it is negative, [`StatsError::NotFinite`] for NaN.
    pub fn from_value(e: f64) -> Result<Self, StatsError> {
        if e < f64::INFINITY || e.is_nan() {
            non_negative("e-value", e)?;
        }
        Self::from_ln(e.ln())
    }

    /// Returns the natural logarithm, finite.
    #[must_use]
    pub const fn ln(self) -> f64 {
        self.0
    }

    /// Returns the e-value itself, infinite above about `exp(709)`.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0.exp()
    }

    /// Returns the p-value `min(1, 1/e)`.
    #[must_use]
    pub fn to_p(self) -> LnP {
        LnP::saturating(-self.0)
    }

    /// Tells whether the evidence reaches `1/alpha`.
    #[must_use]
    pub fn rejects(self, alpha: Alpha) -> bool {
        self.to_p().is_at_most(alpha)
    }

    /// Merges e-values for one null by their mean: valid under any dependence, and essentially the only symmetric
    /// way that is (Vovk and Wang 2021).
    ///
    /// # Errors
    /// [`StatsError::TooFew`] for an empty list.
    pub fn mean(values: &[Self]) -> Result<Self, StatsError> {
        Self::weighted_mean(values, &vec![1.0; values.len()])
    }

    /// Merges e-values by a mean with weights fixed beforehand, which need not sum to one.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] for an empty list, [`StatsError::OutOfRange`] for a negative weight, a sum of zero, or
    /// another number of weights; [`StatsError::NotFinite`].
    pub fn weighted_mean(values: &[Self], weights: &[f64]) -> Result<Self, StatsError> {
        if values.is_empty() {
            return Err(StatsError::TooFew { what: "the list of e-values", have: 0, need: 1 });
        }
        if values.len() != weights.len() {
            let (value, allowed) = (weights.len() as f64, "one for each e-value");
            return Err(StatsError::OutOfRange { what: "the number of weights", value, allowed });
        }
        for &weight in weights {
            non_negative("a weight", weight)?;
        }
        let total = crate::error::positive("the sum of weights", weights.iter().sum())?;
        let largest = values.iter().map(|value| value.0).fold(f64::MIN, f64::max);
        let scaled = |(value, weight): (&Self, &f64)| weight / total * (value.0 - largest).exp();
        let sum: f64 = values.iter().zip(weights).map(scaled).sum();
        Ok(Self::saturating(largest + sum.ln()))
    }

    /// Merges e-values by their product: valid if they are independent, or each is valid given those before it.
    ///
    /// A zero wins over an infinity, which keeps the merge conservative. Nothing merged is 1.
    #[must_use]
    pub fn product(values: &[Self]) -> Self {
        if values.iter().any(|value| value.0 <= f64::MIN) {
            return Self(f64::MIN);
        }
        let (mut sum, mut error) = (0.0_f64, 0.0);
        for value in values {
            // Neumaier's sum, clamped so that two infinities stay one.
            let next = (sum + value.0).clamp(f64::MIN, f64::MAX);
            error += if sum.abs() >= value.0.abs() { (sum - next) + value.0 } else { (value.0 - next) + sum };
            sum = next;
        }
        Self::saturating(if error.is_finite() { sum + error } else { sum })
    }

    pub(crate) fn saturating(ln_e: f64) -> Self {
        Self(ln_e.clamp(f64::MIN, f64::MAX))
    }
}

impl TryFrom<f64> for EValue {
    type Error = StatsError;

    fn try_from(ln_e: f64) -> Result<Self, StatsError> {
        Self::from_ln(ln_e)
    }
}

impl From<EValue> for f64 {
    fn from(value: EValue) -> Self {
        value.0
    }
}

impl fmt::Display for EValue {
    /// Writes the e-value; where it leaves the range of `f64`, as `exp(…)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.abs() < 690.0 { write!(f, "{:.4e}", self.value()) } else { write!(f, "exp({:.1})", self.0) }
    }
}

/// Names a function that turns any p-value into an e-value: decreasing, with integral 1 over (0, 1).
///
/// Every calibrator loses: p = 0.01 is worth 5 at κ = 1/2. An e-value from an e-process directly is better.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Calibrator {
    /// `κ p^(κ - 1)` for `0 < κ < 1` (Vovk and Wang 2021).
    Kappa {
        /// The parameter κ.
        kappa: f64,
    },
    /// The mean of the above over κ: `(1 - p + p ln p) / (p (ln p)^2)`.
    Mixture,
    /// `p^(-1/2) - 1` (Shafer 2021).
    Shafer,
}

impl Calibrator {
    /// Calibrates a p-value, in logarithms throughout; p = 0 gives infinity.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless `0 < κ < 1`.
    pub fn calibrate(self, ln_p: LnP) -> Result<EValue, StatsError> {
        let ln = ln_p.get();
        Ok(EValue::saturating(match self {
            Self::Kappa { kappa } => {
                if !(kappa > 0.0 && kappa < 1.0) {
                    let allowed = "the open interval (0, 1)";
                    return Err(StatsError::OutOfRange { what: "kappa", value: kappa, allowed });
                }
                kappa.ln() + (kappa - 1.0) * ln
            }
            Self::Mixture => mixture(ln),
            Self::Shafer => {
                let half = -0.5 * ln;
                if half > 1.0 { half + (-(-half).exp()).ln_1p() } else { half.exp_m1().ln() }
            }
        }))
    }
}

/// Returns `ln [(1 - p + p L) / (p L^2)]` with `L = ln p`, by the series of the bracket near `L = 0`.
fn mixture(ln: f64) -> f64 {
    if ln > -1.0 {
        // 1 - e^L + L e^L = sum over k >= 2 of L^k (k - 1) / k!
        let (mut sum, mut power, mut k) = (0.0, 0.5, 2.0);
        while k < 30.0 {
            sum += power * (k - 1.0);
            k += 1.0;
            power *= ln / k;
        }
        return sum.ln() - ln;
    }
    let p = ln.exp();
    // Two logarithms: the square of ln p would overflow.
    (p * ln - p).ln_1p() - ln - 2.0 * ln.abs().ln()
}

/// Keeps the always-valid p-value of an e-process: the least `1/e` seen at any look so far.
///
/// The p-value at one look may rise again; its running minimum stays valid (Johari, Koomen, Pekelis and Walsh 2022)
/// and is what a report should show. The state must be stored between looks, hence this type.
///
/// ```
/// use expt_stats::sequential::{AlwaysValidP, EValue};
///
/// let mut p = AlwaysValidP::default();
/// p.add(EValue::from_value(10.0)?);
/// assert!((p.add(EValue::from_value(2.0)?).p() - 0.1).abs() < 1e-12);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlwaysValidP {
    least: LnP,
    looks: u64,
}

impl AlwaysValidP {
    /// Adds a look and returns the p-value now.
    pub fn add(&mut self, evidence: EValue) -> LnP {
        let now = evidence.to_p();
        if now < self.least {
            self.least = now;
        }
        self.looks = self.looks.saturating_add(1);
        self.least
    }

    /// Joins the looks of two stretches of *one* e-process.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        let least = if other.least < self.least { other.least } else { self.least };
        Self { least, looks: self.looks.saturating_add(other.looks) }
    }

    /// Returns the p-value so far, 1 before the first look.
    #[must_use]
    pub const fn ln_p(&self) -> LnP {
        self.least
    }

    /// Returns how many looks there were.
    #[must_use]
    pub const fn looks(&self) -> u64 {
        self.looks
    }
}

impl Default for AlwaysValidP {
    fn default() -> Self {
        Self { least: LnP::ONE, looks: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn e(p: f64, calibrator: Calibrator) -> f64 {
        calibrator.calibrate(LnP::from_p(p).unwrap()).unwrap().value()
    }

    /// Source: ville 0.1.0 `evalues.p_to_e`, and the closed forms in mpmath near p = 1.
    #[test]
    fn calibrators_agree_with_ville() {
        close(e(1e-300, Calibrator::Kappa { kappa: 0.1 }), 1.0000000000000153e269, 1e-12);
        close(e(0.0001, Calibrator::Kappa { kappa: 0.9 }), 2.260697788358622, 1e-14);
        close(e(0.1, Calibrator::Mixture), 1.2632107912012736, 1e-13);
        close(e(1.0, Calibrator::Mixture), 0.5, 1e-15);
        close(e(0.999, Calibrator::Mixture), 0.500_166_791_772_316, 1e-13);
        close(e(0.05, Calibrator::Shafer), 3.472135954999579, 1e-14);
        close(e(0.999, Calibrator::Shafer), 0.0005003753127736843, 1e-12);
        close(e(1.0, Calibrator::Shafer), 0.0, 0.0);
        for calibrator in [Calibrator::Mixture, Calibrator::Shafer, Calibrator::Kappa { kappa: 0.5 }] {
            assert!(e(0.0, calibrator).is_infinite());
        }
        assert!(Calibrator::Kappa { kappa: 1.0 }.calibrate(LnP::ONE).is_err());
    }

    /// Both branches of the mixture agree where they meet.
    #[test]
    fn the_mixture_is_smooth_and_falls() {
        let mut last = f64::INFINITY;
        for step in 1..2000 {
            let now = mixture(-2.0 + f64::from(step) * 1e-3);
            assert!(now < last && (last == f64::INFINITY || last - now < 2e-3));
            last = now;
        }
    }

    #[test]
    fn merging_keeps_zero_and_infinity_apart_from_nan() {
        let of = |value: f64| EValue::from_value(value).unwrap();
        let list = [of(0.0), of(f64::INFINITY), of(3.0)];
        assert!(EValue::mean(&list).unwrap().value().is_infinite());
        close(EValue::product(&list).value(), 0.0, 0.0);
        assert!(EValue::product(&[of(f64::INFINITY), of(f64::INFINITY)]).value().is_infinite());
        close(EValue::mean(&[of(0.0), of(0.0)]).unwrap().value(), 0.0, 0.0);
        close(EValue::product(&[of(2.0), of(3.0), of(0.5)]).value(), 3.0, 1e-15);
        close(EValue::weighted_mean(&[of(2.0), of(10.0)], &[3.0, 1.0]).unwrap().value(), 4.0, 1e-15);
        assert!(EValue::mean(&[]).is_err() && EValue::from_value(-1.0).is_err());
        assert!(EValue::from_value(f64::NAN).is_err() && EValue::from_ln(f64::NAN).is_err());
        assert!(EValue::weighted_mean(&[of(2.0)], &[0.0]).is_err());
    }

    #[test]
    fn the_running_p_value_never_rises() {
        let mut state = AlwaysValidP::default();
        assert_eq!(state.ln_p(), LnP::ONE);
        state.add(EValue::from_ln(3.0).unwrap());
        let later = state.add(EValue::from_ln(-1e300).unwrap());
        close(later.get(), -3.0, 0.0);
        assert_eq!(state.merge(&AlwaysValidP::default()).ln_p(), later);
        assert_eq!(
            serde_json::from_str::<AlwaysValidP>(&serde_json::to_string(&state).unwrap()).unwrap(),
            state
        );
    }
}
