//! The Mann-Whitney test of two samples.

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::level::{Alternative, LnP};
use crate::rank::Null;
use crate::rank::permutation::{mann_whitney_lower, subset_sum};
use crate::rank::ranks::{Ranks, pooled, sample};
use crate::special::normal;

/// Tests whether values of the treatment tend to be greater or less than those of the control.
///
/// Estimand: `P(T > C) + P(T = C) / 2`, one half under the hypothesis that both distributions are equal.
/// `U` counts the pairs in which the treatment is greater, ties as one half (Mann and Whitney 1947;
/// Wilcoxon 1945). Asymptotically `z = (U - m n / 2 - c) / s` with `s^2 = m n / 12 (N + 1 - sum(t^3 - t) /
/// (N (N - 1)))` over groups of `t` ties and the continuity correction `c` of one half. It assumes
/// independent units; if the spreads differ, the level is kept only for equal distributions: use
/// [`brunner_munzel`](crate::rank::brunner_munzel) then. Results equal scipy's `mannwhitneyu(treatment,
/// control)` in every mode. If all values are equal, p is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MannWhitney {
    alternative: Alternative,
    null: Null,
    continuity: bool,
}

/// Holds a Mann-Whitney test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MannWhitneyTest {
    /// Pairs in which the treatment is greater, ties as one half.
    pub u_treatment: f64,
    /// Pairs in which the control is greater, ties as one half.
    pub u_control: f64,
    /// The p-value.
    pub ln_p: LnP,
    /// How it was computed; never [`Null::Auto`].
    pub null: Null,
    /// The alternative tested against.
    pub alternative: Alternative,
}

impl MannWhitney {
    /// Makes a two-sided test that chooses between exact and asymptotic, with continuity correction.
    #[must_use]
    pub const fn new() -> Self {
        Self { alternative: Alternative::TwoSided, null: Null::Auto, continuity: true }
    }

    /// Sets the alternative about the treatment.
    #[must_use]
    pub const fn with_alternative(mut self, alternative: Alternative) -> Self {
        self.alternative = alternative;
        self
    }

    /// Sets how the p-value is computed. [`Null::Auto`] is exact if one sample has at most eight values and
    /// there are no ties.
    #[must_use]
    pub const fn with_null(mut self, null: Null) -> Self {
        self.null = null;
        self
    }

    /// Leaves out the continuity correction of the asymptotic p-value.
    #[must_use]
    pub const fn without_continuity(mut self) -> Self {
        self.continuity = false;
        self
    }

    /// Runs the test.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] if a sample is empty, [`StatsError::NotFinite`] for a value that is not finite.
    pub fn compare(&self, control: &[f64], treatment: &[f64]) -> Result<MannWhitneyTest, StatsError> {
        let control = sample("the control", control, 1)?;
        let treatment = sample("the treatment", treatment, 1)?;
        let (m, n) = (control.len(), treatment.len());
        let ranks = pooled(control, treatment);
        let sum: f64 = ranks.ranks.iter().skip(m).sum();
        let pairs = m as f64 * n as f64;
        let u_treatment = sum - 0.5 * (n as f64) * (n as f64 + 1.0);
        let u_control = pairs - u_treatment;
        let null = self.choose(m, n, &ranks);
        let u = match self.alternative {
            Alternative::Greater => u_treatment,
            Alternative::Less => u_control,
            Alternative::TwoSided => u_treatment.max(u_control),
        };
        let (ln_tail, doubled) = match null {
            Null::Permutation => (self.permutation(&ranks, m, n).ln(), false),
            Null::Exact => (exact_upper(m, n, u).ln(), true),
            _ => (self.ln_normal(u, m as f64, n as f64, ranks.tie_term), true),
        };
        let two = if self.alternative == Alternative::TwoSided && doubled { 2.0_f64.ln() } else { 0.0 };
        let ln_p = LnP::saturating(ln_tail + two);
        Ok(MannWhitneyTest { u_treatment, u_control, ln_p, null, alternative: self.alternative })
    }

    fn choose(&self, m: usize, n: usize, ranks: &Ranks) -> Null {
        let pairs = m as f64 * n as f64;
        let exact = m.min(n) as f64 * pairs <= MAX_STEPS;
        match self.null {
            Null::Auto if m.min(n) <= 8 && !ranks.has_ties() && exact => Null::Exact,
            Null::Exact if exact => Null::Exact,
            Null::Permutation if !ranks.has_ties() && exact => Null::Exact,
            Null::Permutation if ranks.has_ties() => {
                let total = (m + n) as f64;
                if total * total * total * m.min(n) as f64 <= MAX_STEPS {
                    Null::Permutation
                } else {
                    Null::Asymptotic
                }
            }
            _ => Null::Asymptotic,
        }
    }

    /// The logarithm of the normal tail beyond `u`.
    fn ln_normal(&self, u: f64, m: f64, n: f64, tie_term: f64) -> f64 {
        let total = m + n;
        let variance = m * n / 12.0 * ((total + 1.0) - tie_term / (total * (total - 1.0)));
        let excess = u - 0.5 * m * n - if self.continuity { 0.5 } else { 0.0 };
        if variance > 0.0 { normal::ln_sf(excess / variance.sqrt()) } else { 0.0 }
    }

    /// The p-value over all assignments of the values to the arms; ranks are doubled to be integers.
    fn permutation(&self, ranks: &Ranks, m: usize, n: usize) -> f64 {
        let doubled: Vec<usize> = ranks.ranks.iter().map(|rank| (2.0 * rank) as usize).collect();
        let small_is_control = m <= n;
        let (chosen, sum) = if small_is_control {
            (m, doubled.iter().take(m).sum())
        } else {
            (n, doubled.iter().skip(m).sum())
        };
        let (lower, upper) = subset_sum(&doubled, chosen, sum);
        let (less, greater) = if small_is_control { (upper, lower) } else { (lower, upper) };
        match self.alternative {
            Alternative::TwoSided => (2.0 * less.min(greater)).min(1.0),
            Alternative::Greater => greater,
            Alternative::Less => less,
        }
    }
}

impl Default for MannWhitney {
    fn default() -> Self {
        Self::new()
    }
}

/// P(U >= u) without ties; a statistic that ties made half-integral is rounded down.
fn exact_upper(m: usize, n: usize, u: f64) -> f64 {
    let (pairs, u) = (m * n, u.floor().max(0.0) as usize);
    if 2 * u > pairs {
        return mann_whitney_lower(m, n, pairs - u);
    }
    if u == 0 { 1.0 } else { 1.0 - mann_whitney_lower(m, n, u - 1) }
}

/// The most steps of an exact computation; about a second.
const MAX_STEPS: f64 = 5e8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    #[test]
    fn permutations_condition_on_the_ties_at_hand() {
        // 0 0 1 | 1 1 2: of C(6,3) = 20 assignments the sum of the treatment is reached or passed by 2:
        // {1,1,2} in three choices of two ones among three, of which this is one sum.
        let test = MannWhitney::new().with_null(Null::Permutation).with_alternative(Alternative::Greater);
        let got = test.compare(&[0.0, 0.0, 1.0], &[1.0, 1.0, 2.0]).unwrap();
        assert_eq!(got.null, Null::Permutation);
        close(got.ln_p.p(), 3.0 / 20.0, 1e-13);
        let swapped = test.with_alternative(Alternative::Less).compare(&[1.0, 1.0, 2.0], &[0.0, 0.0, 1.0]);
        close(swapped.unwrap().ln_p.p(), 3.0 / 20.0, 1e-13);
    }

    #[test]
    fn edges() {
        let test = MannWhitney::default();
        close(test.compare(&[1.0; 9], &[1.0; 12]).unwrap().ln_p.p(), 1.0, 0.0);
        close(test.without_continuity().compare(&[1.0; 9], &[1.0; 12]).unwrap().ln_p.p(), 1.0, 0.0);
        close(test.compare(&[0.0], &[-0.0]).unwrap().u_treatment, 0.5, 0.0);
        assert!(test.compare(&[], &[1.0]).is_err());
        assert!(test.compare(&[f64::NAN], &[1.0]).is_err());
        let wide = [-1.7e308, 5e-324, 1.7e308];
        for null in [Null::Auto, Null::Exact, Null::Permutation, Null::Asymptotic] {
            for alternative in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
                let test = test.with_null(null).with_alternative(alternative);
                let (ab, ba) = (test.compare(&wide, &[0.0]).unwrap(), test.compare(&[0.0], &wide).unwrap());
                assert!(ab.ln_p.p() > 0.0 && ab.ln_p.p() <= 1.0);
                close(ab.u_treatment, ba.u_control, 0.0);
            }
        }
    }

    /// A p-value below the smallest double keeps its logarithm.
    #[test]
    fn large_samples_keep_their_evidence() {
        let low: Vec<f64> = (0..5000).map(f64::from).collect();
        let high: Vec<f64> = (5000..10_000).map(f64::from).collect();
        let got = MannWhitney::default().compare(&low, &high).unwrap();
        assert!(got.ln_p.get() < -3000.0 && got.ln_p.get() > -5000.0);
    }
}
