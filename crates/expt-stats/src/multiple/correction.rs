//! Corrections that are a function of the sorted p-values.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::scale::{Logarithm, PValue, Plain, Scale, enter};
use super::{hommel, order::Ranked};
use crate::error::StatsError;
use crate::level::{Alpha, LnP};

/// Names a correction for multiplicity.
///
/// Adjusted p-values come back in input order; a hypothesis is rejected at alpha when its adjusted
/// p-value is at most alpha. p = 0 (on the logarithmic scale [`LnP::IMPOSSIBLE`]), p = 1, ties and p far
/// below the smallest `f64` are all fine. With `m` p-values, `p_(i)` the i-th smallest:
///
/// ```
/// use expt_stats::{Alpha, Correction};
///
/// let adjusted = Correction::Holm.adjust_p(&[0.04, 0.001, 0.03])?;
/// let p: Vec<f64> = adjusted.ln_p.iter().map(|ln_p| ln_p.p()).collect();
/// assert!((p[0] - 0.06).abs() < 1e-12 && (p[1] - 0.003).abs() < 1e-12);
/// assert_eq!(adjusted.rejected(Alpha::FIVE_PERCENT), [false, true, false]);
///
/// // Probabilities in, probabilities out.
/// let corrected = Correction::BenjaminiHochberg.correct(&[0.04, 0.001, 0.03])?;
/// assert!((corrected.adjusted[0] - 0.04).abs() < 1e-15);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Correction {
    /// `min(1, m p)`: family-wise error under any dependence (Bonferroni 1936).
    Bonferroni,
    /// `1 - (1 - p)^m`: family-wise error under independence (Sidak 1967).
    Sidak,
    /// `max over j <= i of (m + 1 - j) p_(j)`, never weaker than Bonferroni: family-wise error under any
    /// dependence (Holm 1979).
    #[default]
    Holm,
    /// The step-down form of [`Correction::Sidak`]: family-wise error under independence (Holland and
    /// Copenhaver 1987).
    HolmSidak,
    /// `min over j >= i of (m + 1 - j) p_(j)`: family-wise error where the Simes inequality holds, such as
    /// under independence or positive dependence (Hochberg 1988; statsmodels calls it `simes-hochberg`).
    Hochberg,
    /// Closed testing with Simes tests, never weaker than Hochberg and valid where it is (Hommel 1988),
    /// in O(m log m) after the idea of Meijer, Krebs and Goeman (2019).
    Hommel,
    /// `min over j >= i of m p_(j) / j`: false discovery rate under independence or positive regression
    /// dependence (Benjamini and Hochberg 1995; Benjamini and Yekutieli 2001).
    BenjaminiHochberg,
    /// [`Correction::BenjaminiHochberg`] times `1 + 1/2 + ... + 1/m`: false discovery rate under any
    /// dependence (Benjamini and Yekutieli 2001).
    BenjaminiYekutieli,
}

impl Correction {
    /// Every correction.
    pub const ALL: [Self; 8] = [
        Self::Bonferroni,
        Self::Sidak,
        Self::Holm,
        Self::HolmSidak,
        Self::Hochberg,
        Self::Hommel,
        Self::BenjaminiHochberg,
        Self::BenjaminiYekutieli,
    ];

    /// Adjusts logarithmic p-values; O(m log m).
    #[must_use]
    pub fn adjust(self, ln_p: &[LnP]) -> Adjusted {
        let values: Vec<f64> = ln_p.iter().map(|ln_p| ln_p.get()).collect();
        let adjusted = self.on_scale::<Logarithm>(values);
        Adjusted { correction: self, ln_p: adjusted.into_iter().map(LnP::saturating).collect() }
    }

    /// Adjusts p-values given as probabilities; the results are logarithms.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if one is not in `[0, 1]`.
    pub fn adjust_p(self, p: &[f64]) -> Result<Adjusted, StatsError> {
        let adjusted = self.on_scale::<Plain>(enter(p)?);
        let ln_p = adjusted.into_iter().map(|p| LnP::saturating(p.ln())).collect();
        Ok(Adjusted { correction: self, ln_p })
    }

    /// Adjusts p-values of either scale and returns them on that scale. Relative error about 1e-15.
    ///
    /// O(m log m); for probabilities that are spread out, linear but for Hommel.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if a probability is not in `[0, 1]`.
    pub fn correct<P: PValue>(self, p: &[P]) -> Result<Corrected<P>, StatsError> {
        let adjusted = self.on_scale::<P::Scale>(enter(p)?);
        Ok(Corrected { adjusted: adjusted.into_iter().map(P::leave).collect() })
    }

    fn on_scale<S: Scale>(self, values: Vec<f64>) -> Vec<f64> {
        let mut ranked = S::ranked(values);
        self.step::<S>(&mut ranked);
        ranked.restore()
    }

    fn step<S: Scale>(self, ranked: &mut Ranked) {
        let sorted = &mut ranked.sorted;
        let m = sorted.len() as f64;
        match self {
            Self::Bonferroni => sorted.iter_mut().for_each(|p| *p = S::times(*p, m)),
            Self::Sidak => sorted.iter_mut().for_each(|p| *p = S::any_of(*p, m)),
            Self::Holm => step_down::<S>(sorted, S::times),
            Self::HolmSidak => step_down::<S>(sorted, S::any_of),
            Self::Hochberg => step_up::<S>(sorted, |rank| m + 1.0 - rank),
            Self::Hommel => hommel::adjust::<S>(sorted),
            Self::BenjaminiHochberg => step_up::<S>(sorted, |rank| m / rank),
            Self::BenjaminiYekutieli => {
                let harmonic: f64 = (1..=sorted.len()).rev().map(|j| 1.0 / j as f64).sum();
                step_up::<S>(sorted, |rank| harmonic * m / rank);
            }
        }
        sorted.iter_mut().for_each(|p| *p = p.min(S::ONE));
    }
}

impl fmt::Display for Correction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bonferroni => "Bonferroni",
            Self::Sidak => "Sidak",
            Self::Holm => "Holm",
            Self::HolmSidak => "Holm-Sidak",
            Self::Hochberg => "Hochberg",
            Self::Hommel => "Hommel",
            Self::BenjaminiHochberg => "Benjamini-Hochberg",
            Self::BenjaminiYekutieli => "Benjamini-Yekutieli",
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
        let bound = alpha.tie_bound();
        self.ln_p.iter().map(|ln_p| ln_p.get() <= bound).collect()
    }
}

/// Holds adjusted p-values in input order, on the scale of the input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Corrected<P> {
    /// One adjusted p-value per input.
    pub adjusted: Vec<P>,
}

impl<P: PValue> Corrected<P> {
    /// Tells, in input order, which hypotheses are rejected at `alpha`.
    #[must_use]
    pub fn rejected(&self, alpha: Alpha) -> Vec<bool> {
        self.adjusted.iter().map(|p| p.at_most(alpha)).collect()
    }
}

/// Replaces ascending p-values by the running maximum of `widen(p, how many are left)`.
fn step_down<S: Scale>(sorted: &mut [f64], widen: fn(f64, f64) -> f64) {
    let mut left = sorted.len() as f64;
    let mut largest = f64::NEG_INFINITY;
    for p in sorted {
        largest = largest.max(widen(*p, left));
        *p = largest;
        left -= 1.0;
    }
}

/// Replaces ascending p-values by the running minimum, from the largest, of `factor(rank)` times p.
pub(super) fn step_up<S: Scale>(sorted: &mut [f64], factor: impl Fn(f64) -> f64) {
    let mut rank = sorted.len() as f64;
    let mut least = f64::INFINITY;
    for p in sorted.iter_mut().rev() {
        least = least.min(S::times(*p, factor(rank)));
        *p = least;
        rank -= 1.0;
    }
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
        for correction in Correction::ALL {
            let (sorted, mixed) =
                (correction.adjust_p(&EIGHT).unwrap(), correction.adjust_p(&shuffled).unwrap());
            assert_eq!(mixed.ln_p[3], sorted.ln_p[0]);
            assert_eq!(mixed.ln_p[2], sorted.ln_p[7]);
            let weakest = Correction::Bonferroni.adjust_p(&EIGHT).unwrap();
            if correction != Correction::BenjaminiYekutieli {
                sorted.ln_p.iter().zip(&weakest.ln_p).for_each(|(a, b)| assert!(a <= b));
            }
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
