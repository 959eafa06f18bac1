//! Many epochs: the best of them, and what their p-values say.

use std::fmt;

use expt_assign::mix::MixKey;
use expt_stats::{LnP, Proportion, special::chi_square_ln_sf};
use serde::{Deserialize, Serialize};

use super::{Balance, Replay};
use crate::audit::error::{AuditError, Result};
use crate::audit::uniformity::Uniformity;

impl Replay {
    /// Replays every candidate epoch, and picks the one with the smallest `M`; of equals the lowest.
    ///
    /// The search is reproducible: it depends on the history, the arms, the candidates and nothing else. Write
    /// down the candidates before the search, and use the epoch that it finds in the config of the phase.
    ///
    /// `key` gives the key of the arms in an epoch: `|epoch| project.arms(&experiment, epoch)`.
    ///
    /// # Errors
    /// [`AuditError::TooFew`] without candidates; [`AuditError::TooMany`] above 100,000 of them, or where
    /// candidates times covariates times arms exceed ten million; [`AuditError::Duplicate`] for an epoch that is
    /// there twice; and as [`Replay::epoch`].
    pub fn search(
        &self,
        candidates: impl IntoIterator<Item = u32>,
        key: impl Fn(u32) -> MixKey,
    ) -> Result<Search> {
        let pairs = self.names.len() * (self.split.arms() - 1);
        let allowed = MAX_CANDIDATES.min(MAX_P_VALUES / pairs.max(1));
        let mut epochs: Vec<u32> = candidates.into_iter().take(allowed + 1).collect();
        if epochs.len() > allowed {
            let (have, remedy) = (epochs.len(), "a few thousand find nearly as good a balance");
            return Err(AuditError::TooMany { what: "candidate epochs", have, allowed, remedy });
        }
        epochs.sort_unstable();
        if let Some((epoch, _)) = epochs.iter().zip(epochs.iter().skip(1)).find(|(a, b)| a == b) {
            return Err(AuditError::Duplicate { what: "candidate epoch", id: epoch.to_string() });
        }
        let mut best: Option<Balance> = None;
        let mut scores = Vec::with_capacity(epochs.len());
        let mut p_values = vec![Vec::with_capacity(epochs.len()); pairs];
        for epoch in epochs {
            let balance = self.epoch(epoch, &key(epoch))?;
            scores.push(Score { epoch, statistic: balance.statistic, ln_p: balance.ln_p });
            p_values.iter_mut().zip(&balance.contrasts).for_each(|(list, one)| list.push(one.ln_p));
            if best.as_ref().is_none_or(|best| balance.statistic < best.statistic) {
                best = Some(balance);
            }
        }
        let Some(best) = best else {
            let remedy = "try some, such as `1..=1000`";
            return Err(AuditError::TooFew { what: "candidate epochs", have: 0, need: 1, remedy });
        };
        let calibration = best.contrasts.iter().zip(&p_values);
        let calibration =
            calibration.map(|(contrast, list)| self.calibrate(&contrast.covariate, contrast.arm, list));
        let joint: Vec<f64> = scores.iter().map(|score| score.ln_p.p()).collect();
        Ok(Search {
            calibration: calibration.collect::<Result<_>>()?,
            uniformity: Uniformity::of(&joint)?,
            variance_kept: expected_least(scores.len(), best.df)? / f64::from(best.df),
            best,
            scores,
        })
    }

    fn calibrate(&self, covariate: &str, arm: usize, p_values: &[LnP]) -> Result<Calibration> {
        let rejected = p_values.iter().filter(|ln_p| ln_p.is_at_most(self.alpha)).count();
        let plain: Vec<f64> = p_values.iter().map(|ln_p| ln_p.p()).collect();
        Ok(Calibration {
            covariate: covariate.to_owned(),
            arm,
            // At one in a thousand, because there is one such interval for each covariate and arm.
            rejected: Proportion::wilson(rejected as u64, plain.len() as u64, expt_stats::Alpha::PER_MILLE)?,
            uniformity: Uniformity::of(&plain)?,
        })
    }
}

/// What a search over epochs found.
///
/// **A chosen epoch changes the inference.** Among `m` random assignments the best was taken (rerandomisation:
/// Morgan and Rubin 2012), so differences of covariates, and of everything that covariates predict, are smaller
/// than the usual standard error says. With `R^2` the part of the metric's variance that the covariates explain, the
/// true variance of the estimate is about `1 - (1 - v) R^2` of the reported one, where `v` is
/// [`variance_kept`](Self::variance_kept). Tests and intervals stay valid, but are conservative.
/// To get the gain, adjust the metric for the same covariates, or use a permutation test that repeats the search.
/// `Display` says it in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Search {
    /// The best candidate.
    pub best: Balance,
    /// Every candidate, by epoch.
    pub scores: Vec<Score>,
    /// Whether the p-values of `M` are uniform over the candidates, as they must be. A small p: the hash, the
    /// ranges or the history are broken, or the sample is so small, or so heavy-tailed, that `M` is not chi-square.
    pub uniformity: Uniformity,
    /// How often the usual test of each covariate in each arm but the control would have cried wolf.
    pub calibration: Vec<Calibration>,
    /// `v`: the variance of the difference of a covariate under the best of so many candidates, as a part of that
    /// under one, on average. It is `E[min of m] / df` for chi-square values, by the affine invariance of `M`.
    pub variance_kept: f64,
}

impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (best, tried) = (&self.best, self.scores.len());
        writeln!(
            f,
            "epoch {} is the best balanced of {tried}: M = {:.4} on {} degrees of freedom, p = {}",
            best.epoch, best.statistic, best.df, best.ln_p
        )?;
        if let Some(largest) = best.largest() {
            let (name, arm, size) = (&largest.covariate, largest.arm, largest.standardised);
            writeln!(f, "its largest standardised difference is {size:+.5}: {name} in arm {arm}")?;
        }
        writeln!(f, "p-values over epochs against the uniform distribution: p = {}", self.uniformity.ln_p)?;
        for one in &self.calibration {
            let (percent, p) = (100.0 * one.rejected.share.get(), one.uniformity.ln_p);
            writeln!(
                f,
                "{} in arm {}: {percent:.2} % of tests reject, uniform with p = {p}",
                one.covariate, one.arm
            )?;
        }
        let percent = 100.0 * self.variance_kept;
        write!(
            f,
            "the epoch was chosen among {tried}, which leaves {percent:.2} % of the variance of covariates: the \
             ordinary analysis is valid but conservative; adjust the metric for these covariates to use the gain"
        )
    }
}

/// One candidate epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Score {
    /// The epoch.
    pub epoch: u32,
    /// Its `M`.
    pub statistic: f64,
    /// The p-value of `M`.
    pub ln_p: LnP,
}

/// Whether the usual test of a metric holds its level on this population.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Calibration {
    /// The covariate.
    pub covariate: String,
    /// The arm that was compared with the control.
    pub arm: usize,
    /// The part of candidates in which Welch's test rejects at the level of the replay, with its interval at 99.9 %.
    /// If the level is not in it, the test is not to be trusted for this metric: cap the metric, or take more units.
    pub rejected: Proportion,
    /// Whether Welch's p-values are uniform over the candidates.
    pub uniformity: Uniformity,
}

/// The mean of the smallest of `m` chi-square values: the integral of `P(X > x)^m` over x.
///
/// Simpson's rule in `t = sqrt x`, in which the integrand is smooth also for one degree of freedom.
fn expected_least(m: usize, df: u32) -> Result<f64> {
    let (m, df) = (m as f64, f64::from(df));
    let survival = |t: f64| -> Result<f64> { Ok(2.0 * t * (m * chi_square_ln_sf(t * t, df)?).exp()) };
    let mut end = 1.0;
    while m * chi_square_ln_sf(end * end, df)? > -50.0 {
        end *= 2.0;
    }
    while end > 1e-150 && m * chi_square_ln_sf(0.25 * end * end, df)? < -50.0 {
        end *= 0.5;
    }
    let step = end / f64::from(STEPS);
    let mut sum = survival(end)?;
    for at in 1..STEPS {
        sum += survival(f64::from(at) * step)? * if at % 2 == 1 { 4.0 } else { 2.0 };
    }
    Ok(sum * step / 3.0)
}

/// An even number of steps of Simpson's rule.
const STEPS: u32 = 2_000;

/// Beyond it a search takes hours and gains nothing.
const MAX_CANDIDATES: usize = 100_000;

/// Eighty megabytes.
const MAX_P_VALUES: usize = 10_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: scipy `integrate.quad(lambda x: stats.chi2.sf(x, df)**m, 0, inf)`.
    #[test]
    fn least_of_many_agrees_with_scipy() {
        for (m, df, want) in LEAST {
            let got = expected_least(*m, *df).unwrap();
            assert!((got - want).abs() < 1e-7 * want, "m {m}, df {df}: {got}, not {want}");
        }
    }

    const LEAST: &[(usize, u32, f64)] = &[
        (1, 1, 1.0),
        (1, 7, 7.0),
        (10, 1, 0.024703711537647093),
        (100, 2, 0.02),
        (1000, 3, 0.021956716109120963),
        (100, 12, 3.2827082769280524),
        (5000, 1, 1.2558837461034807e-07),
    ];
}
