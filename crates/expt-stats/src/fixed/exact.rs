//! Exact tests of counts: the binomial test and Fisher's.

use serde::{Deserialize, Serialize};

use super::counts::Counts;
use crate::error::StatsError;
use crate::level::{Alternative, LnP, Probability};
use crate::special::{
    binomial_ln_cdf, binomial_ln_pmf, binomial_ln_sf, hypergeometric_ln_cdf, hypergeometric_ln_pmf,
    hypergeometric_ln_sf,
};

/// Tests whether a proportion is `null`, exactly.
///
/// Estimand: the probability of the event; independent units. One-sided p-values are binomial tails by the
/// incomplete beta function. Two-sided: the probability of all counts that are at most as likely as the observed
/// one, ties within a relative 1e-7 included, as SciPy's `binomtest` and R's `binom.test` define it. The probability
/// never exceeds the level; it is conservative. Relative accuracy about 1e-12, 1e-9 for 1e9 units.
///
/// ```
/// use expt_stats::fixed::{Counts, binomial_test};
/// use expt_stats::{Alternative, Probability};
///
/// let ln_p = binomial_test(&Counts::new(3, 7)?, Probability::new(0.1)?, Alternative::TwoSided)?;
/// assert!((ln_p.p() - 0.025_691_5).abs() < 1e-12);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
///
/// # Errors
/// [`StatsError::TooFew`] without units.
pub fn binomial_test(
    counts: &Counts,
    null: Probability,
    alternative: Alternative,
) -> Result<LnP, StatsError> {
    counts.known("the proportion")?;
    let (x, n) = (counts.events(), counts.count());
    let binomial = Binomial { n, p: null };
    let mean = n as f64 * null.get();
    let ln_p = match alternative {
        Alternative::Greater => binomial.ln_at_least(x),
        Alternative::Less => binomial.ln_at_most(x),
        Alternative::TwoSided if (x as f64).total_cmp(&mean).is_eq() => 0.0,
        Alternative::TwoSided => {
            let around = (mean.floor() as u64, (mean.ceil() as u64).min(n));
            two_sided(&binomial, x, (0, n), around, BINOMIAL_TIE)
        }
    };
    Ok(LnP::saturating(ln_p))
}

/// Tests whether two proportions are equal, exactly, given the total number of events (Fisher 1934).
///
/// Estimand: the odds ratio treatment / control against 1; independent units. [`Alternative::Greater`] means that
/// the treatment's odds are greater. Two-sided: the probability of all tables that are at most as likely as the
/// observed one, as SciPy's `fisher_exact` and R's `fisher.test` define it. Conservative. Relative accuracy about
/// 1e-12 up to 1e9 units, where it takes milliseconds.
///
/// ```
/// use expt_stats::Alternative;
/// use expt_stats::fixed::{Counts, fisher_exact};
///
/// let test = fisher_exact(&Counts::new(100, 1000)?, &Counts::new(130, 1000)?, Alternative::TwoSided)?;
/// assert!((test.ln_p.p() - 0.041_904_548_38).abs() < 1e-11); // SciPy
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
///
/// # Errors
/// [`StatsError::TooFew`] without units in an arm; [`StatsError::OutOfRange`] above 1e15 units, where a z test
/// gives the same answer in no time.
pub fn fisher_exact(
    control: &Counts,
    treatment: &Counts,
    alternative: Alternative,
) -> Result<FisherResult, StatsError> {
    control.known("the control")?;
    treatment.known("the treatment")?;
    let both = control.merge(treatment)?;
    if both.count() > FISHER_LIMIT {
        let allowed = "at most 1e15; use `ProportionTest`, which is as good for so many";
        return Err(StatsError::OutOfRange {
            what: "the number of units",
            value: both.count() as f64,
            allowed,
        });
    }
    let (x, draws, events, total) = (treatment.events(), treatment.count(), both.events(), both.count());
    let table = Hypergeometric { draws, events, total };
    let ln_p = match alternative {
        Alternative::Greater => table.ln_at_least(x),
        Alternative::Less => table.ln_at_most(x),
        Alternative::TwoSided => {
            let mode = table.mode();
            if table.ln_pmf(mode) <= table.ln_pmf(x) + FISHER_TIE {
                0.0
            } else {
                two_sided(&table, x, (table.least(), table.most()), (mode, mode), FISHER_TIE)
            }
        }
    };
    let cells = |counts: &Counts| (counts.events() as f64, counts.others() as f64);
    let ((x_c, y_c), (x_t, y_t)) = (cells(control), cells(treatment));
    let odds_ratio = (x_t / x_c) * (y_c / y_t);
    Ok(FisherResult { odds_ratio: odds_ratio.is_finite().then_some(odds_ratio), ln_p: LnP::saturating(ln_p) })
}

/// Holds Fisher's exact test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FisherResult {
    /// The sample odds ratio treatment / control; `None` where a zero stands in the denominator.
    pub odds_ratio: Option<f64>,
    /// The p-value.
    pub ln_p: LnP,
}

/// A distribution of a count, with the tails that hold the count itself.
trait Count {
    fn ln_pmf(&self, k: u64) -> f64;
    fn ln_at_most(&self, k: u64) -> f64;
    fn ln_at_least(&self, k: u64) -> f64;
}

/// The number of events among `n` units.
#[derive(Clone, Copy)]
struct Binomial {
    n: u64,
    p: Probability,
}

impl Count for Binomial {
    fn ln_pmf(&self, k: u64) -> f64 {
        binomial_ln_pmf(k, self.n, self.p)
    }

    fn ln_at_most(&self, k: u64) -> f64 {
        binomial_ln_cdf(k, self.n, self.p)
    }

    fn ln_at_least(&self, k: u64) -> f64 {
        k.checked_sub(1).map_or(0.0, |below| binomial_ln_sf(below, self.n, self.p))
    }
}

/// The number of events among `draws` of `total` units, of which `events` have one.
#[derive(Clone, Copy)]
struct Hypergeometric {
    draws: u64,
    events: u64,
    total: u64,
}

impl Hypergeometric {
    fn least(&self) -> u64 {
        (self.draws + self.events).saturating_sub(self.total)
    }

    fn most(&self) -> u64 {
        self.draws.min(self.events)
    }

    fn mode(&self) -> u64 {
        let product = (u128::from(self.draws) + 1) * (u128::from(self.events) + 1);
        let mode = u64::try_from(product / (u128::from(self.total) + 2)).unwrap_or(u64::MAX);
        mode.clamp(self.least(), self.most())
    }
}

/// No table has more events or draws than units, so the functions never refuse.
impl Count for Hypergeometric {
    fn ln_pmf(&self, k: u64) -> f64 {
        hypergeometric_ln_pmf(k, self.total, self.events, self.draws).unwrap_or(f64::MIN)
    }

    fn ln_at_most(&self, k: u64) -> f64 {
        hypergeometric_ln_cdf(k, self.total, self.events, self.draws).unwrap_or(0.0)
    }

    fn ln_at_least(&self, k: u64) -> f64 {
        let above = |below| hypergeometric_ln_sf(below, self.total, self.events, self.draws).unwrap_or(0.0);
        k.checked_sub(1).map_or(0.0, above)
    }
}

/// Adds to the tail beyond `x` the one on the other side that is at most `tie` more likely than `x`.
///
/// `range` holds the possible counts, `mode` the last count below which and the first above which likelihoods fall.
fn two_sided(count: &impl Count, x: u64, range: (u64, u64), mode: (u64, u64), tie: f64) -> f64 {
    let limit = count.ln_pmf(x) + tie;
    let is_rare = |k: u64| count.ln_pmf(k) <= limit;
    if x < mode.1 {
        ln_sum(count.ln_at_most(x), first(mode.1, range.1, is_rare).map(|k| count.ln_at_least(k)))
    } else {
        ln_sum(count.ln_at_least(x), last(range.0, mode.0, is_rare).map(|k| count.ln_at_most(k)))
    }
}

/// Returns the first of `low..=high` that satisfies a condition which stays true once it is.
fn first(low: u64, high: u64, condition: impl Fn(u64) -> bool) -> Option<u64> {
    if low > high || !condition(high) {
        return None;
    }
    let (mut low, mut high) = (low, high);
    while low < high {
        let middle = low + (high - low) / 2;
        if condition(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(high)
}

/// Returns the last of `low..=high` that satisfies a condition which is true up to some point.
fn last(low: u64, high: u64, condition: impl Fn(u64) -> bool) -> Option<u64> {
    let mirrored = first(0, high.checked_sub(low)?, |back| condition(high - back))?;
    Some(high - mirrored)
}

/// Returns `ln(e^a + e^b)`.
fn ln_sum(a: f64, b: Option<f64>) -> f64 {
    let Some(b) = b else { return a };
    let (large, small) = if a >= b { (a, b) } else { (b, a) };
    if large == f64::NEG_INFINITY { large } else { large + (small - large).exp().ln_1p() }
}

/// `ln(1 + 1e-7)`: within it two binomial probabilities tie, by SciPy's and R's definition.
const BINOMIAL_TIE: f64 = 1e-7 - 0.5e-14;

/// Within it two hypergeometric probabilities tie: the accuracy of their logarithms. R's 1e-7 would call tables equal
/// that are not; SciPy's 1e-14 would miss some that are.
const FISHER_TIE: f64 = 1e-12;

/// Beyond it counts are no longer exact in the products of an `f64`.
const FISHER_LIMIT: u64 = 1_000_000_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn counts(events: u64, count: u64) -> Counts {
        Counts::new(events, count).unwrap()
    }

    fn binomial(events: u64, count: u64, null: f64) -> f64 {
        binomial_test(&counts(events, count), Probability::new(null).unwrap(), Alternative::TwoSided)
            .unwrap()
            .p()
    }

    /// Source: scipy 1.18.1 `stats.binomtest`, `stats.fisher_exact`.
    #[test]
    fn exact_tests_agree_with_scipy() {
        close(binomial(0, 10, 0.1), 0.6125795109999999, 1e-13);
        close(binomial(3, 7, 0.1), 0.025691500000000006, 1e-13);
        let fisher = fisher_exact(&counts(100, 1000), &counts(130, 1000), Alternative::TwoSided).unwrap();
        close(fisher.ln_p.p(), 0.041904548383735134, 1e-11);
    }

    /// The table of SciPy's documentation: p = 0.1026 two-sided, 0.0863 and 0.9953 one-sided.
    #[test]
    fn every_table_of_a_small_margin_sums_to_one() {
        let (treatment, control) = (counts(6, 8), counts(1, 5));
        let p = |alternative| fisher_exact(&control, &treatment, alternative).unwrap().ln_p.p();
        close(p(Alternative::TwoSided), 0.10256410256410257, 1e-12);
        close(p(Alternative::Greater), 0.08624708624708627, 1e-12);
        close(p(Alternative::Less), 0.9953379953379957, 1e-12);
        let table = Hypergeometric { draws: 500, events: 700, total: 2000 };
        let sum: f64 = (0..=500).map(|k| table.ln_pmf(k).exp()).sum();
        close(sum, 1.0, 1e-12);
        for k in 0..=500 {
            let (at_most, at_least) = (table.ln_at_most(k).exp(), table.ln_at_least(k).exp());
            close(at_most + at_least, 1.0 + table.ln_pmf(k).exp(), 1e-12);
        }
    }

    #[test]
    fn edges() {
        close(binomial(0, 5, 0.0), 1.0, 0.0);
        close(binomial(5, 5, 1.0), 1.0, 0.0);
        close(binomial(1, 5, 0.0), 0.0, 0.0);
        close(binomial(5, 10, 0.5), 1.0, 0.0);
        let two_sided = |a, b| fisher_exact(&a, &b, Alternative::TwoSided).unwrap();
        close(two_sided(counts(0, 5), counts(0, 9)).ln_p.p(), 1.0, 0.0);
        close(two_sided(counts(5, 5), counts(9, 9)).ln_p.p(), 1.0, 0.0);
        assert_eq!(two_sided(counts(0, 5), counts(3, 9)).odds_ratio, None);
        close(two_sided(counts(0, 5), counts(5, 5)).ln_p.p(), 2.0 / 252.0, 1e-13);
        assert!(fisher_exact(&counts(0, 0), &counts(1, 2), Alternative::Less).is_err());
        assert!(fisher_exact(&counts(0, u64::MAX / 2), &counts(1, 2), Alternative::Less).is_err());
        let far = two_sided(counts(0, 1_000_000), counts(1_000_000, 1_000_000)).ln_p.get();
        assert!(far < -1e6 && far.is_finite());
    }

    #[test]
    fn swapping_arms_or_outcomes_changes_nothing() {
        for (a, b) in [(counts(3, 40), counts(9, 25)), (counts(100, 1000), counts(130, 1000))] {
            let p = |a: &Counts, b: &Counts| fisher_exact(a, b, Alternative::TwoSided).unwrap().ln_p.get();
            close(p(&a, &b), p(&b, &a), 1e-12);
            close(p(&a, &b), p(&counts(a.others(), a.count()), &counts(b.others(), b.count())), 1e-12);
        }
    }
}
