//! Sample-ratio mismatch: do the arms have the units they were promised?

use serde::{Deserialize, Serialize};

use super::prior::SrmPrior;
use super::result::{SrmMethod, SrmResult};
use crate::error::{StatsError, finite};
use crate::level::{Alpha, LnP};
use crate::sequential::ln_bayes_factor;
use crate::special::gamma::{deviance, incomplete_gamma};

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
    /// repeated looks use [`Shares::sequential`]; if the shares changed on the way, [`SrmPeriods`](super::SrmPeriods).
    /// The approximation is good from about five expected units per arm. Arms with share zero are left out; a unit in
    /// one of them is impossible.
    ///
    /// # Errors
    /// [`StatsError::Length`] unless there is one count per share.
    pub fn chi_square(&self, counts: &[u64], alpha: Alpha) -> Result<SrmResult, StatsError> {
        let (statistic, df) = self.distance(counts, |count, expected| {
            let surplus = count - expected;
            surplus * (surplus / expected)
        })?;
        let method = SrmMethod::ChiSquare { statistic, df };
        Ok(self.result(counts, chi_square_ln_p(statistic, df), alpha, method))
    }

    /// Tests the counts once, by the likelihood ratio `G = 2 Σ n ln(n / expected)`, otherwise as
    /// [`Shares::chi_square`].
    ///
    /// # Errors
    /// [`StatsError::Length`] unless there is one count per share.
    pub fn g_test(&self, counts: &[u64], alpha: Alpha) -> Result<SrmResult, StatsError> {
        let (statistic, df) = self.distance(counts, |count, expected| 2.0 * deviance(count, expected))?;
        let method = SrmMethod::LikelihoodRatio { statistic, df };
        Ok(self.result(counts, chi_square_ln_p(statistic, df), alpha, method))
    }

    /// Tests the counts so that it may be looked at after every unit.
    ///
    /// The Bayes factor of a Dirichlet prior around the promised shares (Lindon and Malek 2022) is an e-process: its
    /// reciprocal is a p-value valid at all looks. The prior is the mixture [`SrmPrior::fixed_shares`], which finds
    /// small deviations in large experiments and large ones in small. For the running minimum of the p-value, or
    /// shares that change, keep an [`SrmSequence`](super::SrmSequence).
    ///
    /// # Errors
    /// [`StatsError::Length`] unless there is one count per share.
    pub fn sequential(&self, counts: &[u64], alpha: Alpha) -> Result<SrmResult, StatsError> {
        self.units(counts)?;
        let prior = SrmPrior::fixed_shares();
        let each: Vec<f64> = prior.masses().iter().map(|&mass| self.ln_bayes_factor(counts, mass)).collect();
        let ln_bayes_factor = prior.average(&each, 0.0);
        let method = SrmMethod::Sequential { ln_bayes_factor };
        Ok(self.result(counts, LnP::saturating(-ln_bayes_factor), alpha, method))
    }

    /// Returns the ln Bayes factor for a Dirichlet prior of total mass `mass`, over the arms with a share.
    pub(super) fn ln_bayes_factor(&self, counts: &[u64], mass: f64) -> f64 {
        ln_bayes_factor(self.promised(counts, 1.0), mass)
    }

    /// Sums `cell(count, expected)` over the arms with a share, with the degrees of freedom; nothing without units.
    pub(super) fn distance(
        &self,
        counts: &[u64],
        cell: impl Fn(f64, f64) -> f64,
    ) -> Result<(f64, u32), StatsError> {
        let units = self.units(counts)?;
        let (mut sum, mut arms) = (0.0, 0_u32);
        for (expected, count) in self.promised(counts, units as f64) {
            sum += if units > 0 && expected > 0.0 { cell(count, expected) } else { 0.0 };
            arms += 1;
        }
        Ok((sum.min(f64::MAX), arms.saturating_sub(1)))
    }

    /// Tells whether a unit is in an arm that was promised none.
    pub(super) fn contradicted(&self, counts: &[u64]) -> bool {
        self.0.iter().zip(counts).any(|(share, count)| *share <= 0.0 && *count > 0)
    }

    /// Pairs `share * scale` with the count, for arms that were promised units.
    pub(super) fn promised(&self, counts: &[u64], scale: f64) -> impl Iterator<Item = (f64, f64)> + Clone {
        let pairs = self.0.iter().zip(counts).filter(|(share, _)| **share > 0.0);
        pairs.map(move |(share, count)| (share * scale, *count as f64))
    }

    pub(super) fn units(&self, counts: &[u64]) -> Result<u64, StatsError> {
        if counts.len() != self.0.len() {
            let (what, allowed) = ("the list of counts", self.0.len());
            return Err(StatsError::Length { what, found: counts.len(), allowed });
        }
        let sum = counts.iter().try_fold(0_u64, |sum, &count| sum.checked_add(count));
        sum.ok_or(StatsError::Overflow { what: "the number of units" })
    }

    fn result(&self, counts: &[u64], ln_p: LnP, alpha: Alpha, method: SrmMethod) -> SrmResult {
        let units = counts.iter().fold(0_u64, |sum, &count| sum.saturating_add(count));
        let ln_p = if self.contradicted(counts) { LnP::IMPOSSIBLE } else { ln_p };
        let expected = self.0.iter().map(|share| share * units as f64).collect();
        SrmResult::new(ln_p, alpha, counts.to_vec(), expected, method)
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

/// Returns ln P(chi-square with `df` degrees of freedom >= statistic).
pub(super) fn chi_square_ln_p(statistic: f64, df: u32) -> LnP {
    if statistic > 0.0 && df > 0 {
        LnP::saturating(incomplete_gamma(0.5 * f64::from(df), 0.5 * statistic).ln_upper)
    } else {
        LnP::ONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srm::SrmVerdict;
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

    /// Source: scipy 1.18.1 `stats.power_divergence(lambda_="log-likelihood")`.
    #[test]
    fn g_test_agrees_with_scipy() {
        let got = Shares::new(&[1.0, 1.0]).unwrap().g_test(&[1000, 900], Alpha::PER_MILLE).unwrap();
        let SrmMethod::LikelihoodRatio { statistic, df: 1 } = got.method else { panic!() };
        close(statistic, 5.265590488604488, 1e-12);
        close(got.ln_p.p(), 0.021751042595218185, 1e-12);
    }

    /// A chi-square of 44 on 3,600 units was once called healthy; 19 is what the level costs at best.
    #[test]
    fn a_clear_mismatch_is_found_at_every_size() {
        let shares = Shares::new(&[1.0, 1.0]).unwrap();
        let verdict = |units: f64, chi2: f64| {
            let surplus = 0.5 * (units * chi2).sqrt();
            let arm = |sign: f64| (0.5 * units + sign * surplus).round() as u64;
            shares.sequential(&[arm(1.0), arm(-1.0)], Alpha::PER_MILLE).unwrap().verdict
        };
        assert_eq!(verdict(3600.0, 44.0), SrmVerdict::Mismatch);
        for (units, chi2) in
            [(100.0, 36.0), (1e3, 22.0), (1e4, 22.0), (1e5, 22.0), (1e6, 22.0), (1e7, 24.0), (1e9, 31.0)]
        {
            assert_eq!(verdict(units, chi2), SrmVerdict::Mismatch, "{units}");
            assert_eq!(verdict(units, 10.8), SrmVerdict::Healthy, "{units}");
        }
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
