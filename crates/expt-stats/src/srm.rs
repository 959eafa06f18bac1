//! Sample-ratio mismatch: do the arms have the units they were promised?

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, finite};
use crate::level::{Alpha, LnP};
use crate::special::gamma::{deviance, incomplete_gamma, stirling_error};

/// Holds the shares of units that the arms were promised, normalised to sum to one.
///
/// An experiment whose arms differ from their shares by more than chance lost or duplicated units, and
/// no metric of it can be trusted (Fabijan et al. 2019).
///
/// ```
/// use expt_stats::{Alpha, Shares, SrmVerdict};
///
/// let shares = Shares::new(&[1.0, 1.0])?;
/// let look = shares.sequential(&[50_000, 51_500], Alpha::PER_MILLE)?;
/// assert_eq!(look.verdict, SrmVerdict::Mismatch);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct Shares(Vec<f64>);

impl Shares {
    /// Makes shares from weights, which need not sum to one. A zero weight promises no units.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] below two arms, for a negative weight, or when all are zero;
    /// [`StatsError::NotFinite`].
    pub fn new(weights: &[f64]) -> Result<Self, StatsError> {
        if weights.len() < 2 {
            let (value, allowed) = (weights.len() as f64, "at least 2, control included");
            return Err(StatsError::OutOfRange { what: "the number of shares", value, allowed });
        }
        for &weight in weights {
            crate::error::non_negative("a share", weight)?;
        }
        let sum = finite("the sum of shares", weights.iter().sum())?;
        if sum <= 0.0 {
            return Err(StatsError::OutOfRange {
                what: "the sum of shares",
                value: sum,
                allowed: "greater than 0",
            });
        }
        Ok(Self(weights.iter().map(|weight| weight / sum).collect()))
    }

    /// Returns the shares.
    #[must_use]
    pub fn as_slice(&self) -> &[f64] {
        &self.0
    }

    /// Tests the counts once, by Pearson's chi-square with one degree of freedom less than arms.
    ///
    /// Estimand: whether units fall into arms with these probabilities. Fixed sample size: under
    /// repeated looks use [`Shares::sequential`]. The approximation is good from about five expected
    /// units per arm. Arms with share zero are left out; a unit in one of them is impossible.
    ///
    /// # Errors
    /// [`StatsError::Length`] unless there is one count per share.
    pub fn chi_square(&self, counts: &[u64], alpha: Alpha) -> Result<SrmResult, StatsError> {
        let units = self.units(counts)?;
        let (mut statistic, mut arms) = (0.0, 0_u32);
        for (expected, count) in self.promised(counts, units as f64) {
            let surplus = count - expected;
            statistic += if units > 0 { surplus * surplus / expected } else { 0.0 };
            arms += 1;
        }
        let df = arms.saturating_sub(1);
        let ln_p = if statistic > 0.0 && df > 0 {
            incomplete_gamma(0.5 * f64::from(df), 0.5 * statistic).ln_upper
        } else {
            0.0
        };
        let method = SrmMethod::ChiSquare { statistic, df };
        Ok(self.result(counts, units, LnP::saturating(ln_p), alpha, method))
    }

    /// Tests the counts so that it may be looked at after every unit.
    ///
    /// The Bayes factor of a Dirichlet(10,000 shares) prior against the promised shares (Lindon and
    /// Malek 2022) is an e-process: its reciprocal is a p-value valid at all looks. The prior is
    /// centred on deviations near half a percentage point. Computed as a difference of Stirling forms,
    /// so that it neither overflows nor loses digits at 1e9 units.
    ///
    /// # Errors
    /// [`StatsError::Length`] unless there is one count per share.
    pub fn sequential(&self, counts: &[u64], alpha: Alpha) -> Result<SrmResult, StatsError> {
        let units = self.units(counts)?;
        let ln_bayes_factor = self.ln_bayes_factor(counts, PRIOR_MASS);
        let method = SrmMethod::Sequential { ln_bayes_factor };
        Ok(self.result(counts, units, LnP::saturating(-ln_bayes_factor), alpha, method))
    }

    /// Returns the ln Bayes factor for a Dirichlet prior of total mass `mass`.
    fn ln_bayes_factor(&self, counts: &[u64], mass: f64) -> f64 {
        let form = |cells: &mut dyn Iterator<Item = (f64, f64)>, total: f64| {
            // sum ln Γ(z) - ln Γ(Z) - sum z ln share, without the terms that are equal in both uses.
            let cell = |(share, z): (f64, f64)| deviance(z, total * share) - 0.5 * z.ln() + stirling_error(z);
            cells.map(cell).sum::<f64>() + 0.5 * total.ln() - stirling_error(total)
        };
        let units: f64 = self.promised(counts, 1.0).map(|(_, count)| count).sum();
        let posterior = form(&mut self.promised(counts, 1.0).map(|(s, n)| (s, mass * s + n)), mass + units);
        let prior = form(&mut self.promised(counts, 1.0).map(|(s, _)| (s, mass * s)), mass);
        (posterior - prior).clamp(f64::MIN, f64::MAX)
    }

    /// Pairs `share * scale` with the count, for arms that were promised units.
    fn promised(&self, counts: &[u64], scale: f64) -> impl Iterator<Item = (f64, f64)> {
        let pairs = self.0.iter().zip(counts).filter(|(share, _)| **share > 0.0);
        pairs.map(move |(share, count)| (share * scale, *count as f64))
    }

    fn units(&self, counts: &[u64]) -> Result<u64, StatsError> {
        if counts.len() != self.0.len() {
            let (what, allowed) = ("the list of counts", self.0.len());
            return Err(StatsError::Length { what, found: counts.len(), allowed });
        }
        let sum = counts.iter().try_fold(0_u64, |sum, &count| sum.checked_add(count));
        sum.ok_or(StatsError::Overflow { what: "the number of units" })
    }

    fn result(&self, counts: &[u64], units: u64, ln_p: LnP, alpha: Alpha, method: SrmMethod) -> SrmResult {
        let impossible = self.0.iter().zip(counts).any(|(share, count)| *share <= 0.0 && *count > 0);
        let ln_p = if impossible { LnP::IMPOSSIBLE } else { ln_p };
        let verdict = match units {
            0 => SrmVerdict::NoUnits,
            _ if ln_p.is_at_most(alpha) => SrmVerdict::Mismatch,
            _ => SrmVerdict::Healthy,
        };
        let expected = self.0.iter().map(|share| share * units as f64).collect();
        SrmResult { verdict, ln_p, alpha, counts: counts.to_vec(), expected, method }
    }
}

impl TryFrom<Vec<f64>> for Shares {
    type Error = StatsError;

    fn try_from(weights: Vec<f64>) -> Result<Self, StatsError> {
        Self::new(&weights)
    }
}

impl From<Shares> for Vec<f64> {
    fn from(shares: Shares) -> Self {
        shares.0
    }
}

/// Says whether the arms got their shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SrmVerdict {
    /// The counts agree with the shares.
    Healthy,
    /// The counts contradict the shares: no metric may be read.
    Mismatch,
    /// There are no units yet.
    NoUnits,
}

/// Names the test behind an [`SrmResult`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "test", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SrmMethod {
    /// Pearson's chi-square, valid at one look.
    ChiSquare {
        /// The statistic.
        statistic: f64,
        /// Its degrees of freedom.
        df: u32,
    },
    /// The multinomial-Dirichlet Bayes factor, valid at all looks.
    Sequential {
        /// The ln Bayes factor of a mismatch against the promised shares.
        ln_bayes_factor: f64,
    },
}

/// Holds the outcome of a sample-ratio test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SrmResult {
    /// The verdict at `alpha`.
    pub verdict: SrmVerdict,
    /// The p-value of the promised shares.
    pub ln_p: LnP,
    /// The level of the verdict; [`Alpha::PER_MILLE`] is usual.
    pub alpha: Alpha,
    /// Units per arm.
    pub counts: Vec<u64>,
    /// Expected units per arm.
    pub expected: Vec<f64>,
    /// The test.
    pub method: SrmMethod,
}

/// Total mass of the Dirichlet prior of [`Shares::sequential`].
const PRIOR_MASS: f64 = 10_000.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn running(shares: &[f64], mass: f64, increments: &[&[u64]]) -> Vec<f64> {
        let mut counts = vec![0; shares.len()];
        let shares = Shares::new(shares).unwrap();
        let step = |increment: &&[u64]| {
            counts.iter_mut().zip(*increment).for_each(|(sum, n)| *sum += n);
            shares.ln_bayes_factor(&counts, mass)
        };
        increments.iter().map(step).collect()
    }

    /// Source: savvi 0.3.1 `multinomial.Multinomial`.
    #[test]
    fn bayes_factor_agrees_with_savvi() {
        let check = |got: Vec<f64>, want: &[f64]| {
            let near =
                |got: f64, want: f64| assert!((got - want).abs() < 1e-9 + 1e-7 * want.abs(), "{got} {want}");
            got.iter().zip(want).for_each(|(got, want)| near(*got, *want));
        };
        check(
            running(&[0.5, 0.5], 100.0, &[&[1, 0], &[1, 0], &[1, 0], &[0, 1], &[1, 0]]),
            &[0.0, 0.00985229644301163, 0.029270382300113213, -0.0002884199414311893, 0.01875977502926329],
        );
        check(
            running(&[0.25; 4], 100.0, &[&[1, 0, 1, 3], &[2, 0, 3, 0], &[2, 0, 2, 1]]),
            &[0.017649280745236126, 0.025485016486655302, 0.16505917856493874],
        );
        check(
            running(&[0.99, 0.01], 100.0, &[&[99041, 959], &[99011, 989], &[98999, 1001], &[98942, 1058]]),
            &[-2.6548113449540636, -3.1802776933439243, -3.6356991160084755, -4.222882320776916],
        );
        check(
            running(&[0.5, 0.5], 10_000.0, &[&[494, 506], &[480, 520], &[494, 506], &[505, 495]]),
            &[-0.04111131170795811, 0.02151146370928295, 0.026363315560040512, -0.0640927066064717],
        );
    }

    /// Source: mpmath, checked against scipy 1.18.1 `stats.chisquare`.
    #[test]
    fn chi_square_agrees_with_scipy() {
        let check = |counts: &[u64], weights: &[f64], chi2: f64, ln_p: f64| {
            let got = Shares::new(weights).unwrap().chi_square(counts, Alpha::PER_MILLE).unwrap();
            let SrmMethod::ChiSquare { statistic, .. } = got.method else { panic!() };
            close(statistic, chi2, 1e-12);
            close(got.ln_p.get(), ln_p, 1e-10);
        };
        check(&[50_000, 50_000], &[1.0, 1.0], 0.0, 0.0);
        check(&[3, 1], &[0.5, 0.5], 1.0, -1.1478744644493182);
        check(&[100, 200, 300], &[1.0, 2.0, 3.0], 0.0, 0.0);
    }

    #[test]
    fn evidence_is_finite_after_3000_to_0_and_falls_back() {
        let shares = Shares::new(&[1.0, 1.0]).unwrap();
        let far = shares.sequential(&[3000, 0], Alpha::PER_MILLE).unwrap();
        assert!(far.verdict == SrmVerdict::Mismatch && far.ln_p.get() < -300.0);
        let back = shares.sequential(&[3000, 3000], Alpha::PER_MILLE).unwrap();
        assert_eq!(back.verdict, SrmVerdict::Healthy);
        let huge = shares.chi_square(&[1 << 50, 0], Alpha::PER_MILLE).unwrap();
        assert!(huge.ln_p.get() < -1e14);
    }

    #[test]
    fn a_share_of_zero_allows_no_unit() {
        let shares = Shares::new(&[1.0, 1.0, 0.0]).unwrap();
        for test in [Shares::chi_square, Shares::sequential] {
            let fine = test(&shares, &[500, 500, 0], Alpha::PER_MILLE).unwrap();
            assert_eq!(fine.verdict, SrmVerdict::Healthy);
            let broken = test(&shares, &[500, 500, 1], Alpha::PER_MILLE).unwrap();
            assert_eq!((broken.verdict, broken.ln_p), (SrmVerdict::Mismatch, LnP::IMPOSSIBLE));
            let none = test(&shares, &[0, 0, 0], Alpha::PER_MILLE).unwrap();
            assert_eq!(none.verdict, SrmVerdict::NoUnits);
            assert!(test(&shares, &[1, 1], Alpha::PER_MILLE).is_err());
        }
        assert!(Shares::new(&[1.0]).is_err() && Shares::new(&[0.0, 0.0]).is_err());
        assert!(Shares::new(&[1.0, -1.0]).is_err() && Shares::new(&[1.0, f64::NAN]).is_err());
    }
}
