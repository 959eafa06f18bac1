//! One p-value out of several.

use std::f64::consts::{E, PI};

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, non_negative};
use crate::level::LnP;
use crate::special::{Tail, chi_square_ln_cdf, chi_square_ln_sf, normal, normal_quantile_at, student};
use crate::tails::ln_1m_exp;

/// Names a rule that combines p-values of the same hypothesis, or of several of which none holds.
///
/// All but the last two assume independent p-values that are uniform (or larger) under the hypothesis. Use
/// one-sided p-values of one direction if the effects are expected to agree in sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PCombination {
    /// `-2 sum ln p`, chi-square with `2 n` degrees of freedom (Fisher 1932): one small p-value is enough.
    #[default]
    Fisher,
    /// `2 sum ln (1 - p)`, minus it chi-square with `2 n` (Pearson 1933): one large p-value prevents.
    Pearson,
    /// The smallest p-value, `1 - (1 - min)^n` (Tippett 1931).
    Tippett,
    /// `sum z / sqrt(n)`, normal (Stouffer 1949): evidence is shared; for weights see [`stouffer`].
    Stouffer,
    /// `sum ln ((1 - p) / p)`, scaled to a t with `5 n + 4` degrees of freedom (Mudholkar and George 1979).
    MudholkarGeorge,
    /// The mean of `cot(pi p)`, standard Cauchy (Liu and Xie 2020): good under any dependence in the tail.
    Cauchy,
    /// The harmonic mean times `e ln n` (2 for two, 1 for one): valid under any dependence (Vovk and Wang
    /// 2020, "Combining p-values via averaging").
    HarmonicMean,
}

/// Holds a combined p-value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CombinedP {
    /// The statistic of the rule, at most `f64::MAX` in size.
    pub statistic: f64,
    /// The combined p-value.
    pub ln_p: LnP,
}

/// Combines p-values.
///
/// Works on logarithms throughout, so p-values below the smallest double count in full; where scipy's
/// `combine_pvalues` is finite the results are the same to about 1e-12. Zero counts as `exp(f64::MIN)`.
///
/// # Errors
/// [`StatsError::TooFew`] without p-values.
pub fn combine_p_values(p: &[LnP], rule: PCombination) -> Result<CombinedP, StatsError> {
    if p.is_empty() {
        return Err(StatsError::TooFew { what: "the list of p-values", have: 0, need: 1 });
    }
    let n = p.len() as f64;
    let ln_p = || p.iter().map(|p| p.get());
    let ln_q = || p.iter().map(|p| ln_1m_exp(p.get()));
    let (statistic, combined) = match rule {
        PCombination::Fisher => {
            let statistic = (-2.0 * sum(ln_p())).min(f64::MAX);
            (statistic, chi_square_ln_sf(statistic, 2.0 * n)?)
        }
        PCombination::Pearson => {
            let half = -sum(ln_q());
            let statistic = (-2.0 * half).max(f64::MIN);
            (statistic, chi_square_ln_cdf(-statistic, 2.0 * n)?)
        }
        PCombination::Tippett => {
            let least = ln_p().fold(0.0, f64::min);
            let combined = if least < NEGLIGIBLE { least + n.ln() } else { ln_1m_exp(n * ln_1m_exp(least)) };
            (least.exp(), combined)
        }
        PCombination::Stouffer => return stouffer(p, &vec![1.0; p.len()]),
        PCombination::MudholkarGeorge => {
            let statistic = (sum(ln_q()) - sum(ln_p())).clamp(f64::MIN, f64::MAX);
            let df = 5.0 * n + 4.0;
            let t = statistic * ((3.0 / n).sqrt() / PI) * (df / (df - 2.0)).sqrt();
            (statistic, student::ln_sf(t, df))
        }
        PCombination::Cauchy => cauchy(p),
        PCombination::HarmonicMean => {
            let ln_mean = n.ln() - ln_sum_of_inverses(p);
            let factor = if p.len() <= 2 { n } else { E * n.ln() };
            (ln_mean.exp(), ln_mean + factor.ln())
        }
    };
    Ok(CombinedP { statistic: statistic.clamp(f64::MIN, f64::MAX), ln_p: LnP::saturating(combined) })
}

/// Combines p-values by `sum w z / sqrt(sum w^2)` with `z` the upper normal quantile of p (Stouffer 1949;
/// Lipták 1958). Weights proportional to the square root of the sample size, or to the inverse of the standard
/// error, are close to optimal.
///
/// # Errors
/// [`StatsError::TooFew`] without p-values, [`StatsError::Length`] unless there is one weight for each,
/// [`StatsError::OutOfRange`] for a negative weight or if all are zero.
pub fn stouffer(p: &[LnP], weights: &[f64]) -> Result<CombinedP, StatsError> {
    let (found, allowed) = (weights.len(), p.len());
    if p.is_empty() {
        return Err(StatsError::TooFew { what: "the list of p-values", have: 0, need: 1 });
    }
    if found != allowed {
        return Err(StatsError::Length { what: "the list of weights, by the p-values,", found, allowed });
    }
    let mut greatest = 0.0_f64;
    for weight in weights {
        greatest = greatest.max(non_negative("a weight", *weight)?);
    }
    if greatest <= 0.0 {
        let allowed = "not zero for every p-value";
        return Err(StatsError::OutOfRange { what: "the greatest weight", value: greatest, allowed });
    }
    let length = weights.iter().map(|weight| (weight / greatest).powi(2)).sum::<f64>().sqrt();
    let parts = p.iter().zip(weights).map(|(p, weight)| weight / greatest / length * z(*p));
    let statistic = parts.sum::<f64>();
    Ok(CombinedP { statistic, ln_p: LnP::saturating(normal::ln_sf(statistic)) })
}

/// The z with P(Z > z) = p, at most about 1.3e154 in size.
fn z(p: LnP) -> f64 {
    let ln_p = p.get();
    let (tail, sign) = match ln_p {
        _ if ln_p <= -700.0 => (Tail::LnUpper(ln_p), 1.0),
        // The probability itself, so that one half becomes exactly zero.
        _ if ln_p <= -1e-3 => (Tail::Upper(ln_p.exp()), 1.0),
        _ => (Tail::LnUpper(ln_1m_exp(ln_p)), -1.0),
    };
    // Every logarithm is in the domain of the quantile.
    let greatest = f64::MAX.sqrt();
    sign * normal_quantile_at(tail).map_or(0.0, |z| z.clamp(-greatest, greatest))
}

/// The mean of the cotangents and the logarithm of its upper tail.
fn cauchy(p: &[LnP]) -> (f64, f64) {
    let n = p.len() as f64;
    if p.iter().any(|p| p.get() < -600.0) {
        // 1 / (pi p) may overflow, and nothing else counts beside it.
        let ln_combined = n.ln() - ln_sum_of_inverses(p);
        return ((-ln_combined - PI.ln()).exp(), ln_combined);
    }
    let cotangent = |p: &LnP| {
        let (value, rest) = (p.p(), -p.get().exp_m1());
        if (0.25..=0.75).contains(&value) {
            (PI * (0.5 - value)).tan()
        } else if value < 0.25 {
            1.0 / (PI * value).tan()
        } else if rest > 0.0 {
            -1.0 / (PI * rest).tan()
        } else {
            f64::NEG_INFINITY
        }
    };
    let statistic = p.iter().map(cotangent).sum::<f64>() / n;
    // Pi times the upper tail is the angle of (T, 1).
    (statistic, (1.0_f64.atan2(statistic) / PI).ln())
}

/// `ln sum 1/p`.
fn ln_sum_of_inverses(p: &[LnP]) -> f64 {
    let greatest = p.iter().map(|p| -p.get()).fold(0.0, f64::max);
    greatest + p.iter().map(|p| (-p.get() - greatest).exp()).sum::<f64>().ln()
}

/// A sum that stays finite.
fn sum(values: impl Iterator<Item = f64>) -> f64 {
    values.sum::<f64>().clamp(f64::MIN, f64::MAX)
}

/// Below this logarithm `1 - p` is one.
const NEGLIGIBLE: f64 = -37.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    const RULES: [PCombination; 7] = [
        PCombination::Fisher,
        PCombination::Pearson,
        PCombination::Tippett,
        PCombination::Stouffer,
        PCombination::MudholkarGeorge,
        PCombination::Cauchy,
        PCombination::HarmonicMean,
    ];

    fn list(p: &[f64]) -> Vec<LnP> {
        p.iter().map(|p| LnP::from_p(*p).unwrap()).collect()
    }

    #[test]
    fn one_p_value_stays_itself() {
        for p in [1e-300, 1e-10, 0.03, 0.5, 0.97] {
            for rule in RULES {
                let got = combine_p_values(&list(&[p]), rule).unwrap();
                let tolerance = if rule == PCombination::MudholkarGeorge { 10.0 } else { 1e-11 };
                close(got.ln_p.get(), p.ln(), tolerance);
            }
        }
    }

    #[test]
    fn smaller_p_values_combine_to_smaller_ones_and_nothing_is_nan() {
        let grid = [0.0, 5e-324, 1e-300, 1e-20, 0.01, 0.3, 0.5, 0.7, 1.0 - 1e-16, 1.0];
        for rule in RULES {
            for other in grid {
                let mut last = f64::MIN;
                for p in grid {
                    let got = combine_p_values(&list(&[p, other, 0.4]), rule).unwrap();
                    assert!(got.statistic.is_finite(), "{rule:?} {p} {other}");
                    assert!(
                        got.ln_p.get() >= last - 1e-9 * last.abs(),
                        "{rule:?} {p} {other} {got:?} {last}"
                    );
                    last = got.ln_p.get();
                }
            }
            assert!(combine_p_values(&[], rule).is_err());
        }
    }

    #[test]
    fn evidence_beyond_the_doubles_adds_up() {
        let tiny = vec![LnP::new(-1e6).unwrap(); 4];
        let z = z(LnP::new(-1e6).unwrap());
        close(normal::ln_sf(z), -1e6, 1e-12);
        let got = combine_p_values(&tiny, PCombination::Stouffer).unwrap();
        close(got.statistic, 2.0 * z, 1e-12);
        close(combine_p_values(&tiny, PCombination::Cauchy).unwrap().ln_p.get(), -1e6, 1e-12);
        close(stouffer(&tiny[..2], &[3.0, 0.0]).unwrap().statistic, z, 1e-12);
        assert!(stouffer(&tiny, &[1.0]).is_err());
        assert!(stouffer(&tiny[..1], &[0.0]).is_err() && stouffer(&tiny[..1], &[f64::NAN]).is_err());
    }
}
