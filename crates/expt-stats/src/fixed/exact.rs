//! Exact tests of counts: the binomial test and Fisher's.

use serde::{Deserialize, Serialize};

use super::counts::Counts;
use crate::error::StatsError;
use crate::level::{Alternative, LnP, Probability};
use crate::special::beta::{incomplete_beta, ln_beta_kernel};
use crate::special::ln_1m_exp;

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
    let binomial = Binomial { n: counts.count(), p: null.get(), q: 1.0 - null.get() };
    let (x, n) = (counts.events(), counts.count());
    let ln_p = match alternative {
        Alternative::Greater => binomial.ln_at_least(x),
        Alternative::Less => binomial.ln_at_most(x),
        Alternative::TwoSided => {
            let mean = n as f64 * null.get();
            let limit = binomial.ln_pmf(x) + BINOMIAL_TIE;
            let is_rare = |k: u64| binomial.ln_pmf(k) <= limit;
            if x as f64 == mean {
                0.0
            } else if (x as f64) < mean {
                let upper = first(mean.ceil() as u64, n, is_rare).map(|k| binomial.ln_at_least(k));
                ln_sum(binomial.ln_at_most(x), upper)
            } else {
                let lower = last(0, mean.floor() as u64, is_rare).map(|k| binomial.ln_at_most(k));
                ln_sum(binomial.ln_at_least(x), lower)
            }
        }
    };
    Ok(LnP::saturating(ln_p))
}

/// Tests whether two proportions are equal, exactly, given the total number of events (Fisher 1934).
///
/// Estimand: the odds ratio treatment / control against 1; independent units. [`Alternative::Greater`] means that
/// the treatment's odds are greater. Two-sided: the probability of all tables that are at most as likely as the
/// observed one, as SciPy's `fisher_exact` and R's `fisher.test` define it. Conservative. Log probabilities by
/// Loader's (2000) saddle-point form, tails by summation, so that large counts cost no digits: relative accuracy about
/// 1e-12. Time grows with the standard deviation of the count, milliseconds at 1e9 units.
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
/// [`StatsError::TooFew`] without units in an arm; [`StatsError::OutOfRange`] above 1e13 units, where a z test
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
        let allowed = "at most 1e13; use `ProportionTest`, which is as good for so many";
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
            let here = table.ln_pmf(x);
            let limit = here + FISHER_TIE;
            let is_rare = |k: u64| table.ln_pmf(k) <= limit;
            if table.ln_pmf(mode) <= limit {
                0.0
            } else if x < mode {
                ln_sum(table.ln_at_most(x), first(mode, table.most(), is_rare).map(|k| table.ln_at_least(k)))
            } else {
                ln_sum(table.ln_at_least(x), last(table.least(), mode, is_rare).map(|k| table.ln_at_most(k)))
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

/// The number of events among `n` units with probability `p = 1 - q`.
#[derive(Clone, Copy)]
struct Binomial {
    n: u64,
    p: f64,
    q: f64,
}

impl Binomial {
    /// Returns ln P(X = k), by the saddle-point form of the beta kernel.
    fn ln_pmf(&self, k: u64) -> f64 {
        let (x, y, n) = (k as f64, (self.n - k) as f64, self.n as f64);
        let certain = |count: f64, ln_rate: f64| if count > 0.0 { count * ln_rate } else { 0.0 };
        if k == 0 {
            certain(n, if self.q > 0.5 { (-self.p).ln_1p() } else { self.q.ln() })
        } else if k == self.n {
            certain(n, if self.p > 0.5 { (-self.q).ln_1p() } else { self.p.ln() })
        } else if self.p <= 0.0 || self.q <= 0.0 {
            f64::NEG_INFINITY
        } else {
            ln_beta_kernel(x, y, self.p, self.q) + (n / x / y).ln()
        }
    }

    fn ln_at_most(&self, k: u64) -> f64 {
        if k >= self.n || self.p <= 0.0 {
            0.0
        } else if self.q <= 0.0 {
            f64::NEG_INFINITY
        } else {
            incomplete_beta((self.n - k) as f64, k as f64 + 1.0, self.q, self.p).ln_lower
        }
    }

    fn ln_at_least(&self, k: u64) -> f64 {
        if k == 0 || self.q <= 0.0 {
            0.0
        } else if self.p <= 0.0 {
            f64::NEG_INFINITY
        } else {
            incomplete_beta(k as f64, (self.n - k) as f64 + 1.0, self.p, self.q).ln_lower
        }
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

    /// Returns ln P(X = k) as three binomial probabilities, whose large parts are gone already.
    fn ln_pmf(&self, k: u64) -> f64 {
        let total = self.total as f64;
        let (p, q) = (self.draws as f64 / total, (self.total - self.draws) as f64 / total);
        let ln = |k: u64, n: u64| Binomial { n, p, q }.ln_pmf(k);
        if q <= 0.0 {
            return if k == self.events { 0.0 } else { f64::NEG_INFINITY };
        }
        ln(k, self.events) + ln(self.draws - k, self.total - self.events) - ln(self.draws, self.total)
    }

    fn ln_at_least(&self, k: u64) -> f64 {
        if k <= self.least() {
            0.0
        } else if k > self.mode() {
            self.ln_upper(k)
        } else {
            ln_1m_exp(self.ln_lower(k - 1))
        }
    }

    fn ln_at_most(&self, k: u64) -> f64 {
        if k >= self.most() {
            0.0
        } else if k < self.mode() {
            self.ln_lower(k)
        } else {
            ln_1m_exp(self.ln_upper(k + 1))
        }
    }

    /// Sums from `k` upwards, for `k` at or above the mode: each term is smaller than the one before.
    fn ln_upper(&self, k: u64) -> f64 {
        let (draws, events) = (self.draws as f64, self.events as f64);
        let spare = self.total as f64 - events - draws;
        self.ln_pmf(k)
            + ln_series(k, self.most() - k, |k| (events - k) / (k + 1.0) * ((draws - k) / (spare + k + 1.0)))
    }

    /// Sums from `k` downwards, for `k` at or below the mode.
    fn ln_lower(&self, k: u64) -> f64 {
        let (draws, events) = (self.draws as f64, self.events as f64);
        let spare = self.total as f64 - events - draws;
        let step = |back: f64| {
            let k = k as f64 - back;
            k / (events - k + 1.0) * ((spare + k) / (draws - k + 1.0))
        };
        self.ln_pmf(k) + ln_series(0, k - self.least(), step)
    }
}

/// Returns `ln(1 + r(s) + r(s) r(s + 1) + ...)`, at most `steps` ratios from `start` on.
fn ln_series(start: u64, steps: u64, ratio: impl Fn(f64) -> f64) -> f64 {
    let (mut term, mut sum, mut at) = (1.0, 1.0, start as f64);
    for _ in 0..steps {
        term *= ratio(at);
        sum += term;
        at += 1.0;
        if term <= sum * 1e-18 {
            break;
        }
    }
    sum.ln()
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

/// Beyond it a sum of tail probabilities takes longer than anyone would wait.
const FISHER_LIMIT: u64 = 10_000_000_000_000;

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
