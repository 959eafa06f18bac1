//! The A/A audit: are comparisons without a difference significant as often as they claim?

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, LnP};
use crate::special::{Tail, beta_quantile, beta_upper_quantile, chi_square_quantile_at, normal};

use super::uniformity::{Uniformity, anderson_darling, kolmogorov_smirnov};

/// Audits the p-values of many A/A comparisons.
///
/// Estimand: the distribution of p-values where there is no difference; it must be uniform. Assumptions: the
/// p-values are two-sided, continuous and independent (one metric per re-randomisation, or metrics of
/// different experiments; twenty metrics of one experiment are one observation and a half).
///
/// Reported are the tests of Kolmogorov-Smirnov and of Anderson and Darling (1952), the share of p-values at
/// most 0.05 with its exact interval (Clopper and Pearson 1934), and the *variance inflation*: the mean of
/// the squared z that belong to the p-values, which is the true variance of the estimates divided by the
/// variance that the analysis claims. Its interval is that of a chi-square; beside it stands the median form
/// of Devlin and Roeder (1999), which a few outliers do not move. Above one, effects look more certain than
/// they are: the usual cause is that the unit of analysis is not the unit of randomisation.
///
/// ```
/// use expt_stats::{Alpha, LnP};
/// use expt_stats::integrity::{AaAudit, AaVerdict};
///
/// let p: Vec<LnP> = (0..200).map(|i| LnP::from_p((f64::from(i) + 0.5) / 200.0).unwrap()).collect();
/// let audit = AaAudit::new(Alpha::PER_MILLE).run(&p)?;
/// assert_eq!(audit.verdict, AaVerdict::Healthy);
/// assert!(audit.inflation.contains(1.0));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AaAudit {
    alpha: Alpha,
}

impl AaAudit {
    /// The fewest p-values that can be judged.
    pub const FEWEST: usize = 20;

    /// Makes an audit that condemns a sound system with at most this probability.
    #[must_use]
    pub const fn new(alpha: Alpha) -> Self {
        Self { alpha }
    }

    /// Runs the audit. The verdict gives half of alpha each to the variance inflation and to
    /// Anderson-Darling.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below [`AaAudit::FEWEST`] p-values.
    pub fn run(&self, ln_p: &[LnP]) -> Result<AaReport, StatsError> {
        if ln_p.len() < Self::FEWEST {
            let (have, need) = (ln_p.len() as u64, Self::FEWEST as u64);
            return Err(StatsError::TooFew { what: "the list of A/A comparisons", have, need });
        }
        let mut sorted: Vec<f64> = ln_p.iter().map(|p| p.get()).collect();
        sorted.sort_by(f64::total_cmp);
        let plain: Vec<f64> = sorted.iter().map(|ln| ln.exp()).collect();
        let pairs: Vec<(f64, f64)> = sorted.iter().map(|&ln| (ln, complement(ln))).collect();
        let (kolmogorov_smirnov, anderson_darling) = (kolmogorov_smirnov(&plain), anderson_darling(&pairs));

        let square = |ln: f64| normal::ln_upper_quantile((ln - std::f64::consts::LN_2).max(-1e15)).powi(2);
        let m = sorted.len() as f64;
        let sum: f64 = sorted.iter().map(|&ln| square(ln)).sum();
        let half = self.alpha.split(2);
        let tail = 0.5 * half.get();
        let bound = |tail| chi_square_quantile_at(tail, m).map(|quantile| sum / quantile);
        let inflation =
            Interval::new(bound(Tail::Upper(tail))?, bound(Tail::Lower(tail))?, half, Coverage::Fixed);

        let hits = plain.iter().filter(|p| **p <= 0.05).count();
        let verdict = if inflation.is_above(1.0) {
            AaVerdict::FalseAlarms
        } else if inflation.is_below(1.0) {
            AaVerdict::Conservative
        } else if anderson_darling.ln_p.is_at_most(half) {
            AaVerdict::NotUniform
        } else {
            AaVerdict::Healthy
        };
        let middle = 0.5
            * (square(sorted.get(sorted.len() / 2).copied().unwrap_or(0.0))
                + square(sorted.get((sorted.len() - 1) / 2).copied().unwrap_or(0.0)));
        Ok(AaReport {
            verdict,
            comparisons: sorted.len(),
            share_below_5_percent: hits as f64 / m,
            share_interval: clopper_pearson(hits, sorted.len(), self.alpha)?,
            variance_inflation: sum / m,
            inflation,
            median_inflation: middle / MEDIAN_CHI_SQUARE,
            kolmogorov_smirnov,
            anderson_darling,
        })
    }
}

/// Judges an A/A audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AaVerdict {
    /// Nothing speaks against uniform p-values.
    Healthy,
    /// The claimed variance is too small: false positives above the level.
    FalseAlarms,
    /// The claimed variance is too large: power is lost.
    Conservative,
    /// The variance is right on average, the shape is not.
    NotUniform,
}

impl fmt::Display for AaVerdict {
    /// Writes the reason in a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "the p-values agree with a uniform distribution",
            Self::FalseAlarms => {
                "effects vary more than their standard errors say; check that the unit of analysis is the unit \
                 of randomisation, and that no unit appears twice"
            }
            Self::Conservative => {
                "effects vary less than their standard errors say; check for arms that share units, stratified \
                 assignment analysed without its strata, or a discrete test"
            }
            Self::NotUniform => {
                "the spread is right but the shape is not; check for discrete tests, p-values of one side, or a \
                 mixture of sound and broken metrics"
            }
        })
    }
}

/// Holds the figures of an A/A audit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AaReport {
    /// The verdict; its `Display` gives the reason.
    pub verdict: AaVerdict,
    /// How many comparisons there were.
    pub comparisons: usize,
    /// The share of p-values at most 0.05.
    pub share_below_5_percent: f64,
    /// Its exact interval.
    pub share_interval: Interval,
    /// True variance over claimed variance.
    pub variance_inflation: f64,
    /// Its interval, at half of the audit's alpha.
    pub inflation: Interval,
    /// The same ratio from the median, which outliers do not move.
    pub median_inflation: f64,
    /// The test that sees shifts in the middle.
    pub kolmogorov_smirnov: Uniformity,
    /// The test that sees the tails.
    pub anderson_darling: Uniformity,
}

/// Returns the exact interval of a share.
fn clopper_pearson(hits: usize, of: usize, alpha: Alpha) -> Result<Interval, StatsError> {
    let (k, n, half) = (hits as f64, of as f64, 0.5 * alpha.get());
    let lower = if hits == 0 { 0.0 } else { beta_quantile(half, k, n - k + 1.0)? };
    let upper = if hits == of { 1.0 } else { beta_upper_quantile(half, k + 1.0, n - k)? };
    Ok(Interval::new(lower, upper, alpha, Coverage::Fixed))
}

/// Returns `ln (1 - e^x)` for `x <= 0` (Maechler 2012).
fn complement(x: f64) -> f64 {
    if x > -std::f64::consts::LN_2 { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() }
}

/// The median of chi-square with one degree of freedom.
const MEDIAN_CHI_SQUARE: f64 = 0.454_936_423_119_572_8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn audit(p: &[f64]) -> AaReport {
        let p: Vec<LnP> = p.iter().map(|p| LnP::from_p(*p).unwrap()).collect();
        AaAudit::new(Alpha::FIVE_PERCENT).run(&p).unwrap()
    }

    fn powers(power: f64) -> Vec<f64> {
        (0..500).map(|i| ((f64::from(i) + 0.5) / 500.0).powf(power)).collect()
    }

    /// Source: scipy 1.18 (`norm.isf`, `chi2.ppf`, `beta.ppf`, `kstest`), `A^2` by its definition in numpy 2.
    #[test]
    fn agrees_with_scipy() {
        let got = audit(&powers(1.6));
        close(got.variance_inflation, 1.8909187767714601, 1e-9);
        close(got.inflation.lower.unwrap(), 1.648447054824363, 1e-9);
        close(got.inflation.upper.unwrap(), 2.189486804892358, 1e-9);
        close(got.median_inflation, 2.086856559717493, 1e-9);
        close(got.kolmogorov_smirnov.statistic, 0.17232915453883907, 1e-12);
        close(got.anderson_darling.statistic, 49.62927690748984, 1e-9);
        close(got.share_interval.lower.unwrap(), 0.12348595750678984, 1e-9);
        close(got.share_interval.upper.unwrap(), 0.18867246468241916, 1e-9);
    }

    #[test]
    fn verdicts() {
        assert_eq!(audit(&powers(1.0)).verdict, AaVerdict::Healthy);
        assert_eq!(audit(&powers(1.6)).verdict, AaVerdict::FalseAlarms);
        assert_eq!(audit(&powers(0.6)).verdict, AaVerdict::Conservative);
        // Half of the metrics test nothing, half too much: the mean square is one.
        let mixed: Vec<f64> = (0..400).map(|i| if i % 4 == 0 { 0.0455 } else { 0.99 }).collect();
        assert_eq!(audit(&mixed).verdict, AaVerdict::NotUniform);
    }

    #[test]
    fn zeros_and_ones_are_p_values() {
        for extreme in [0.0, 1.0] {
            let report = audit(&[extreme; 25]);
            assert_ne!(report.verdict, AaVerdict::Healthy);
            assert!(report.variance_inflation.is_finite() && report.anderson_darling.statistic.is_finite());
        }
        assert!(AaAudit::new(Alpha::PER_MILLE).run(&[LnP::ONE; 19]).is_err());
    }
}
