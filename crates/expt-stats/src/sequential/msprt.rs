//! The mixture sequential probability ratio test of a normal mean.

use serde::{Deserialize, Serialize};

use super::evalue::EValue;
use crate::error::{StatsError, finite, non_negative, positive};
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, LnP};

/// Tests the mean of normal values with known variance, at every value (Robbins 1970; Johari et al. 2022).
///
/// The likelihood ratio against `theta0` is averaged over a normal prior of the effect with variance `tau2`, which must
/// be fixed beforehand. After n values with mean m and variance v each,
/// `ln Λ = ln(v / (v + n τ²)) / 2 + n² τ² (m - θ0)² / (2 v (v + n τ²))`, an e-value at every n. The confidence sequence
/// is `m ± sqrt(v (v + n τ²) / (n² τ²) (2 ln(1/α) + ln((v + n τ²)/v)))`. For two arms, take the mean and
/// variance of pairwise differences. An estimated variance makes it asymptotic, and then the
/// [`DifferenceSequence`](crate::DifferenceSequence), which waits for a start rule, is the safer choice.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::sequential::Msprt;
///
/// let test = Msprt::new(Alpha::FIVE_PERCENT, 0.25, 0.1)?;
/// let look = test.look(1000, 0.5, 1.0)?;
/// assert!((look.evidence.ln() - 76.918_548_430_832_52).abs() < 1e-9);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Msprt {
    alpha: Alpha,
    tau2: f64,
    theta0: f64,
}

/// Holds one look of an [`Msprt`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MsprtLook {
    /// The mixture likelihood ratio Λ against θ0.
    pub evidence: EValue,
    /// `min(1, 1/Λ)` at this look; keep an [`AlwaysValidP`](super::AlwaysValidP) for the running minimum.
    pub ln_p: LnP,
    /// The interval for the mean, valid at all looks; unbounded without values.
    pub interval: Interval,
}

impl Msprt {
    /// Makes a test of `theta0` with prior variance `tau2` of the effect.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`], or [`StatsError::OutOfRange`] for a variance that is not positive.
    pub fn new(alpha: Alpha, tau2: f64, theta0: f64) -> Result<Self, StatsError> {
        let tau2 = positive("the prior variance tau2", tau2)?;
        Ok(Self { alpha, tau2, theta0: finite("theta0", theta0)? })
    }

    /// Looks after `count` values with this mean; `variance` is that of one value.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`], or [`StatsError::OutOfRange`] for a variance that is not positive.
    pub fn look(&self, count: u64, mean: f64, variance: f64) -> Result<MsprtLook, StatsError> {
        let (mean, variance) = (finite("mean", mean)?, positive("variance", variance)?);
        let n = count as f64;
        // The prior's information relative to that of the data: g = n τ² / v.
        let gain = n * (self.tau2 / variance);
        let z = (mean - self.theta0) / (variance / n.max(1.0)).sqrt();
        let shrunk = gain / (1.0 + gain);
        let shrunk = if gain.is_infinite() { 1.0 } else { shrunk };
        let ln = (0.5 * z * z * shrunk - 0.5 * gain.ln_1p()).clamp(f64::MIN, f64::MAX);
        let evidence = EValue::saturating(if count == 0 { 0.0 } else { ln });
        let reach = (variance / n / shrunk * (gain.ln_1p() - 2.0 * self.alpha.get().ln())).sqrt();
        let reach = if reach.is_nan() { f64::INFINITY } else { reach };
        let interval = Interval::new(mean - reach, mean + reach, self.alpha, Coverage::Anytime);
        Ok(MsprtLook { evidence, ln_p: evidence.to_p(), interval })
    }
}

/// The serialised form.
#[derive(Deserialize)]
struct Stored {
    alpha: Alpha,
    tau2: f64,
    theta0: f64,
}

impl TryFrom<Stored> for Msprt {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        Self::new(stored.alpha, non_negative("tau2", stored.tau2)?, stored.theta0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: the closed form in mpmath, 40 digits.
    #[test]
    fn agrees_with_mpmath() {
        let look = |n, mean, variance, tau2, theta0| {
            Msprt::new(Alpha::FIVE_PERCENT, tau2, theta0).unwrap().look(n, mean, variance).unwrap()
        };
        let one = look(1, 0.1, 2.0, 0.01, 0.0);
        close(one.evidence.ln(), -0.002481332944574263, 1e-12);
        close(one.interval.lower.unwrap(), -48.997594030918115, 1e-13);
        let far = look(1000, 0.5, 1.0, 0.25, 0.1);
        close(far.ln_p.p(), 3.932772826709054e-34, 1e-11);
        close(far.interval.upper.unwrap(), 0.6075313217448047, 1e-13);
    }

    #[test]
    fn the_interval_leaves_out_the_null_exactly_when_p_is_at_most_alpha() {
        let test = Msprt::new(Alpha::FIVE_PERCENT, 0.3, 0.0).unwrap();
        for n in [1, 7, 1000, u64::MAX] {
            let reach = test.look(n, 0.0, 2.0).unwrap().interval.upper.unwrap();
            close(test.look(n, reach, 2.0).unwrap().ln_p.p(), 0.05, 1e-9);
        }
        let none = test.look(0, 0.0, 1.0).unwrap();
        assert!(none.ln_p == LnP::ONE && none.interval.lower.is_none());
        for bad in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
            assert!(test.look(3, 1.0, bad).is_err() && Msprt::new(Alpha::FIVE_PERCENT, bad, 0.0).is_err());
        }
        for wild in [1e-300, 1e300, f64::MIN_POSITIVE] {
            let look = test.look(5, 1e300, wild).unwrap();
            assert!(look.evidence.ln().is_finite());
        }
    }
}
