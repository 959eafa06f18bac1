//! Corrections for judging many hypotheses at once.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::level::{Alpha, LnP};

/// Names a correction for multiplicity.
///
/// Adjusted p-values come back in input order; a hypothesis is rejected at alpha when its adjusted
/// p-value is at most alpha. Everything is computed on logarithms, so p = 0 (as
/// [`LnP::IMPOSSIBLE`]), p = 1, ties and p far below the smallest `f64` are all fine.
///
/// ```
/// use expt_stats::{Alpha, Correction};
///
/// let adjusted = Correction::Holm.adjust_p(&[0.04, 0.001, 0.03])?;
/// let p: Vec<f64> = adjusted.ln_p.iter().map(|ln_p| ln_p.p()).collect();
/// assert!((p[0] - 0.06).abs() < 1e-12 && (p[1] - 0.003).abs() < 1e-12);
/// assert_eq!(adjusted.rejected(Alpha::FIVE_PERCENT), [false, true, false]);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Correction {
    /// `min(1, m p)`: family-wise error under any dependence (Bonferroni 1936).
    Bonferroni,
    /// The step-down form, never weaker: family-wise error under any dependence (Holm 1979).
    #[default]
    Holm,
    /// The step-up procedure: false discovery rate under independence or positive regression
    /// dependence (Benjamini and Hochberg 1995; Benjamini and Yekutieli 2001).
    BenjaminiHochberg,
}

impl Correction {
    /// Adjusts p-values; O(m log m).
    #[must_use]
    pub fn adjust(self, ln_p: &[LnP]) -> Adjusted {
        let m = ln_p.len() as f64;
        let mut order: Vec<(usize, LnP)> = ln_p.iter().copied().enumerate().collect();
        order.sort_by(|a, b| a.1.get().total_cmp(&b.1.get()));
        let ranked = order.into_iter().zip(1_u32..).map(|((at, p), rank)| (at, p, f64::from(rank)));
        let mut stepped: Vec<(usize, LnP)> = match self {
            Self::Bonferroni => ranked.map(|(at, p, _)| (at, p.times(m))).collect(),
            Self::Holm => running(ranked.map(|(at, p, rank)| (at, p.times(m + 1.0 - rank))), f64::max),
            Self::BenjaminiHochberg => {
                let last_first: Vec<_> = ranked.map(|(at, p, rank)| (at, p.times(m / rank))).collect();
                running(last_first.into_iter().rev(), f64::min)
            }
        };
        stepped.sort_by_key(|(at, _)| *at);
        Adjusted { correction: self, ln_p: stepped.into_iter().map(|(_, p)| p).collect() }
    }

    /// Adjusts p-values given as probabilities.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if one is not in `[0, 1]`.
    pub fn adjust_p(self, p: &[f64]) -> Result<Adjusted, StatsError> {
        let ln_p: Vec<LnP> = p.iter().map(|&p| LnP::from_p(p)).collect::<Result<_, _>>()?;
        Ok(self.adjust(&ln_p))
    }
}

impl fmt::Display for Correction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bonferroni => "Bonferroni",
            Self::Holm => "Holm",
            Self::BenjaminiHochberg => "Benjamini-Hochberg",
        })
    }
}

/// Holds adjusted p-values in input order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Adjusted {
    /// The correction.
    pub correction: Correction,
    /// One adjusted p-value per input.
    pub ln_p: Vec<LnP>,
}

impl Adjusted {
    /// Tells, in input order, which hypotheses are rejected at `alpha`.
    #[must_use]
    pub fn rejected(&self, alpha: Alpha) -> Vec<bool> {
        self.ln_p.iter().map(|ln_p| ln_p.is_at_most(alpha)).collect()
    }
}

/// Replaces each value by the running maximum or minimum.
fn running(values: impl Iterator<Item = (usize, LnP)>, pick: fn(f64, f64) -> f64) -> Vec<(usize, LnP)> {
    let step = |last: &mut Option<f64>, (at, p): (usize, LnP)| {
        let now = last.map_or(p.get(), |last| pick(last, p.get()));
        *last = Some(now);
        Some((at, LnP::saturating(now)))
    };
    values.scan(None, step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn check(correction: Correction, p: &[f64], want: &[f64]) {
        let got = correction.adjust_p(p).unwrap();
        assert_eq!(got.ln_p.len(), want.len());
        got.ln_p.iter().zip(want).for_each(|(got, want)| close(got.p(), *want, 1e-12));
    }

    const EIGHT: [f64; 8] = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205];

    /// Source: statsmodels 0.15.0 `multipletests`, R 4.2.2 `p.adjust`; BH of EIGHT by its definition.
    #[test]
    fn adjusted_values_agree_with_statsmodels() {
        check(Correction::Bonferroni, &EIGHT, &[0.008, 0.064, 0.312, 0.328, 0.336, 0.48, 0.592, 1.0]);
        let ties = [0.02, 0.02, 0.02, 0.5, 0.5, 1.0, 1.0];
        check(Correction::Holm, &ties, &[0.14, 0.14, 0.14, 1.0, 1.0, 1.0, 1.0]);
        check(Correction::Bonferroni, &[0.0, 0.0, 1.0, 1.0, 0.3], &[0.0, 0.0, 1.0, 1.0, 1.0]);
        check(Correction::Holm, &[0.0, 0.0, 1.0, 1.0, 0.3], &[0.0, 0.0, 1.0, 1.0, 0.9]);
        check(
            Correction::BenjaminiHochberg,
            &EIGHT,
            &[0.008, 0.032, 0.0672, 0.0672, 0.0672, 0.08, 0.592 / 7.0, 0.205],
        );
    }

    #[test]
    fn input_order_is_kept_and_holm_is_never_weaker() {
        let shuffled: Vec<f64> = [5, 2, 7, 0, 3, 1, 6, 4].iter().map(|&i: &usize| EIGHT[i]).collect();
        for correction in [Correction::Bonferroni, Correction::Holm, Correction::BenjaminiHochberg] {
            let (sorted, mixed) =
                (correction.adjust_p(&EIGHT).unwrap(), correction.adjust_p(&shuffled).unwrap());
            assert_eq!(mixed.ln_p[3], sorted.ln_p[0]);
            assert_eq!(mixed.ln_p[2], sorted.ln_p[7]);
            let weakest = Correction::Bonferroni.adjust_p(&EIGHT).unwrap();
            sorted.ln_p.iter().zip(&weakest.ln_p).for_each(|(a, b)| assert!(a <= b));
        }
    }

    #[test]
    fn edges() {
        assert!(Correction::Holm.adjust(&[]).ln_p.is_empty());
        assert!(Correction::Holm.adjust_p(&[0.5, f64::NAN]).is_err());
        let far = [LnP::new(-50_000.0).unwrap(), LnP::new(-40_000.0).unwrap()];
        let got = Correction::BenjaminiHochberg.adjust(&far);
        close(got.ln_p[0].get(), -50_000.0 + 2.0_f64.ln(), 1e-15);
        let tie = Correction::Holm.adjust_p(&[0.025, 0.05]).unwrap();
        assert_eq!(tie.rejected(Alpha::FIVE_PERCENT), [true, true]);
    }
}
