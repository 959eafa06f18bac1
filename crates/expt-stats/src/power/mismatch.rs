//! Chi-square tests, above all the one of a sample-ratio mismatch.

use serde::{Deserialize, Serialize};

use super::curve::{MOST_UNITS, solve};
use crate::error::{StatsError, non_negative, positive};
use crate::level::{Alpha, Probability};
use crate::special::{chi_square_upper_quantile, noncentral_chi_square_sf};
use crate::srm::Shares;

/// Plans a chi-square goodness-of-fit test: will a sample-ratio mismatch be found?
///
/// The statistic is noncentral chi-square with noncentrality `n w^2`, where `w^2 = sum (actual - promised)^2 /
/// promised` (Cohen 1988), as statsmodels' `GofChisquarePower`.
///
/// ```
/// use expt_stats::power::ChiSquarePower;
/// use expt_stats::{Alpha, Probability, Shares};
///
/// let promised = Shares::new(&[1.0, 1.0])?;
/// let test = ChiSquarePower::of_shares(Alpha::PER_MILLE, &promised)?;
/// let w = ChiSquarePower::effect(&promised, &Shares::new(&[0.51, 0.49])?)?;
/// assert!((w - 0.02).abs() < 1e-12);
/// // statsmodels 0.15.0: 0.8813196039698005
/// assert!((test.power(w, 50_000.0)?.get() - 0.881_319_603_97).abs() < 1e-9);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChiSquarePower {
    alpha: Alpha,
    df: f64,
}

impl ChiSquarePower {
    /// Plans a test with this many degrees of freedom: one less than there are bins.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `df` is positive and finite.
    pub fn new(alpha: Alpha, df: f64) -> Result<Self, StatsError> {
        Ok(Self { alpha, df: positive("df", df)? })
    }

    /// Plans a test of these shares.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if fewer than two shares are greater than zero.
    pub fn of_shares(alpha: Alpha, promised: &Shares) -> Result<Self, StatsError> {
        let arms = promised.as_slice().iter().filter(|share| **share > 0.0).count();
        Self::new(alpha, arms as f64 - 1.0)
    }

    /// Returns Cohen's w between the shares that were promised and those that units really have.
    ///
    /// # Errors
    /// [`StatsError::Length`] if the numbers of arms differ; [`StatsError::OutOfRange`] if an arm that was promised
    /// nothing gets units.
    pub fn effect(promised: &Shares, actual: &Shares) -> Result<f64, StatsError> {
        let (promised, actual) = (promised.as_slice(), actual.as_slice());
        if promised.len() != actual.len() {
            let (found, allowed) = (actual.len(), promised.len());
            return Err(StatsError::Length { what: "the actual shares", found, allowed });
        }
        let mut sum = 0.0;
        for (&expected, &share) in promised.iter().zip(actual) {
            if expected <= 0.0 && share > 0.0 {
                let allowed = "zero where nothing was promised";
                return Err(StatsError::OutOfRange { what: "an actual share", value: share, allowed });
            }
            let surplus = share - expected;
            sum += if expected > 0.0 { surplus * (surplus / expected) } else { 0.0 };
        }
        Ok(sum.sqrt().min(f64::MAX))
    }

    /// Returns the power to find the effect `w` with `n` units in all arms together.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] if `w` is negative, `n` is not positive, or one is not
    /// finite.
    pub fn power(&self, w: f64, n: f64) -> Result<Probability, StatsError> {
        let (w, n) = (non_negative("w", w)?, positive("the units", n)?);
        let critical = chi_square_upper_quantile(self.alpha.get(), self.df)?;
        Ok(Probability::clamped(noncentral_chi_square_sf(critical, self.df, (n * w * w).min(1e300))?))
    }

    /// Returns the units at which the test finds `w` with this power.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] unless `w` is positive and the power greater than alpha
    /// and less than one; [`StatsError::Overflow`] beyond 1e18 units.
    pub fn sample_size(&self, w: f64, power: Probability) -> Result<f64, StatsError> {
        let w = positive("w", w)?;
        let n = self.noncentrality(power)? / (w * w);
        if n > MOST_UNITS { Err(StatsError::Overflow { what: "the sample size" }) } else { Ok(n) }
    }

    /// Returns the smallest `w` that the test finds with this power in `n` units.
    ///
    /// # Errors
    /// As [`ChiSquarePower::sample_size`].
    pub fn detectable(&self, n: f64, power: Probability) -> Result<f64, StatsError> {
        Ok((self.noncentrality(power)? / positive("the units", n)?).sqrt())
    }

    fn noncentrality(&self, power: Probability) -> Result<f64, StatsError> {
        let target = power.get();
        if target <= self.alpha.get() || target >= 1.0 {
            let allowed = "greater than alpha and less than 1";
            return Err(StatsError::OutOfRange { what: "power", value: target, allowed });
        }
        let critical = chi_square_upper_quantile(self.alpha.get(), self.df)?;
        let at = |root: f64| noncentral_chi_square_sf(critical, self.df, root * root).unwrap_or(1.0);
        let root = solve(target, 1e-6, 1e8, critical.sqrt() + 1.0, at)
            .ok_or(StatsError::Overflow { what: "the noncentrality" })?;
        Ok(root * root)
    }
}
