//! Kendall's rank correlation.

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, finite};
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, Alternative, LnP};
use crate::rank::Null;
use crate::special::normal;

/// Measures how far two scorings order the same items alike: Kendall's tau-b (Kendall 1945).
///
/// Estimand: `(C - D) / sqrt((P - X)(P - Y))` for pairs of items: C ordered alike, D oppositely, P all, X and Y tied in
/// the first and second scoring; from -1 to 1, and ±1 is reached with ties too. The test of independence uses the exact
/// distribution without ties up to 33 items, else the normal approximation with Kendall's tie-corrected variance, as
/// scipy's `kendalltau` does by default. That variance holds under independence only; the standard error and interval of
/// tau itself come from the per-item contributions (the delta method on U-statistics, Brown and Benedetti 1977), and assume
/// that the items are a random sample. O(n log n) (Knight 1966).
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::agreement::Kendall;
///
/// let got = Kendall::new().compare(&[1.0, 2.0, 3.0, 4.0], &[1.0, 2.0, 4.0, 3.0], Alpha::FIVE_PERCENT)?.unwrap();
/// assert!((got.tau - 4.0 / 6.0).abs() < 1e-12);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kendall {
    alternative: Alternative,
    null: Null,
}

/// Holds Kendall's tau-b and its test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KendallTest {
    /// tau-b.
    pub tau: f64,
    /// Pairs ordered alike.
    pub concordant: u64,
    /// Pairs ordered oppositely.
    pub discordant: u64,
    /// Pairs tied in the first scoring, in the second, and in both.
    pub ties: (u64, u64, u64),
    /// The p-value of independence.
    pub ln_p: LnP,
    /// How it was computed.
    pub null: Null,
    /// The alternative tested against.
    pub alternative: Alternative,
    /// The standard error of tau.
    pub standard_error: f64,
    /// The normal interval of tau at one look, cut to [-1, 1].
    pub interval: Interval,
}

impl Kendall {
    /// Makes a two-sided test that is exact for up to 33 items without ties.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the alternative; greater means that the orders agree more than by chance.
    #[must_use]
    pub const fn with_alternative(mut self, alternative: Alternative) -> Self {
        self.alternative = alternative;
        self
    }

    /// Sets how the p-value is computed; [`Null::Permutation`] means exact. With ties, or above 300 items, it is always
    /// asymptotic.
    #[must_use]
    pub const fn with_null(mut self, null: Null) -> Self {
        self.null = null;
        self
    }

    /// Compares the scores of the same items; `None` if a scoring is constant, where tau is undefined.
    ///
    /// # Errors
    /// [`StatsError::Length`] if the lists differ in length, [`StatsError::TooFew`] below two items,
    /// [`StatsError::OutOfRange`] above four billion, [`StatsError::NotFinite`].
    pub fn compare(&self, a: &[f64], b: &[f64], alpha: Alpha) -> Result<Option<KendallTest>, StatsError> {
        if a.len() != b.len() {
            let (what, found) = ("the second list of scores", b.len());
            return Err(StatsError::Length { what, found, allowed: a.len() });
        }
        let n = a.len() as u64;
        if n < 2 {
            return Err(StatsError::TooFew { what: "the list of items", have: n, need: 2 });
        }
        if n > u64::from(u32::MAX) {
            let (what, value) = ("the number of items", n as f64);
            return Err(StatsError::OutOfRange { what, value, allowed: "at most 4,294,967,295" });
        }
        for &score in a.iter().chain(b) {
            finite("a score", score)?;
        }
        let items = Items::new(a, b);
        let pairs = n * (n - 1) / 2;
        let (x, y, both) = (items.tied_a.pairs, items.tied_b.pairs, items.tied_both.pairs);
        if x == pairs || y == pairs {
            return Ok(None);
        }
        let score = items.contributions.iter().map(|c| c.score).sum::<i64>() / 2;
        let ordered = (pairs - x - y + both) as i64;
        let (concordant, discordant) = (((ordered + score) / 2) as u64, ((ordered - score) / 2) as u64);
        let size = n as f64;
        let (free_a, free_b) = ((pairs - x) as f64, (pairs - y) as f64);
        let tau = (score as f64 / free_a.sqrt() / free_b.sqrt()).clamp(-1.0, 1.0);
        let exact = x == 0 && y == 0 && n <= if self.null == Null::Auto { AUTO_EXACT } else { MAX_EXACT };
        let exact = exact && self.null != Null::Asymptotic;
        let ln_p = if exact {
            self.exact(n, discordant, pairs)
        } else {
            self.asymptotic(score as f64, size, &items)
        };
        let standard_error = items.error(tau, size, free_a, free_b);
        let reach = normal::upper_quantile(0.5 * alpha.get()) * standard_error;
        Ok(Some(KendallTest {
            tau,
            concordant,
            discordant,
            ties: (x, y, both),
            ln_p,
            null: if exact { Null::Exact } else { Null::Asymptotic },
            alternative: self.alternative,
            standard_error,
            interval: Interval::new((tau - reach).max(-1.0), (tau + reach).min(1.0), alpha, Coverage::Fixed),
        }))
    }

    fn exact(&self, n: u64, discordant: u64, pairs: u64) -> LnP {
        let p = match self.alternative {
            Alternative::Greater => at_most(n, discordant),
            Alternative::Less => at_most(n, pairs - discordant),
            Alternative::TwoSided => 2.0 * at_most(n, discordant.min(pairs - discordant)),
        };
        LnP::saturating(p.ln())
    }

    fn asymptotic(&self, score: f64, n: f64, items: &Items) -> LnP {
        let m = n * (n - 1.0);
        let (a, b) = (&items.tied_a, &items.tied_b);
        let mut variance =
            (m * (2.0 * n + 5.0) - a.cubic - b.cubic) / 18.0 + 2.0 * a.pairs as f64 * b.pairs as f64 / m;
        if n > 2.0 {
            variance += a.triples * b.triples / (9.0 * m * (n - 2.0));
        }
        let z = score / variance.sqrt();
        LnP::saturating(match self.alternative {
            Alternative::Greater => normal::ln_sf(z),
            Alternative::Less => normal::ln_sf(-z),
            Alternative::TwoSided => std::f64::consts::LN_2 + normal::ln_sf(z.abs()),
        })
    }
}

/// Returns the probability of at most `limit` inversions in a random permutation.
fn at_most(n: u64, limit: u64) -> f64 {
    let mut shares = vec![0.0; limit as usize + 1];
    if let Some(first) = shares.first_mut() {
        *first = 1.0;
    }
    for size in 2..=n as usize {
        let mut sums = shares.clone();
        let mut total = 0.0;
        sums.iter_mut().for_each(|sum| {
            total += *sum;
            *sum = total;
        });
        for (k, share) in shares.iter_mut().enumerate() {
            let upper = sums.get(k).copied().unwrap_or(0.0);
            let lower = k.checked_sub(size).and_then(|low| sums.get(low)).copied().unwrap_or(0.0);
            *share = (upper - lower) / size as f64;
        }
    }
    shares.iter().sum::<f64>().clamp(0.0, 1.0)
}

/// Tied groups: pairs within, and the sums of the variance.
#[derive(Clone, Copy, Debug, Default)]
struct Tied {
    pairs: u64,
    triples: f64,
    cubic: f64,
}

impl Tied {
    fn add(&mut self, group: u64) {
        let t = group as f64;
        self.pairs += group * group.saturating_sub(1) / 2;
        self.triples += t * (t - 1.0) * (t - 2.0);
        self.cubic += t * (t - 1.0) * (2.0 * t + 5.0);
    }
}

/// What one item adds: concordant minus discordant pairs, and pairs tied in each scoring.
#[derive(Clone, Copy, Debug, Default)]
struct Contribution {
    score: i64,
    tied_a: u64,
    tied_b: u64,
}

struct Items {
    tied_a: Tied,
    tied_b: Tied,
    tied_both: Tied,
    contributions: Vec<Contribution>,
}

impl Items {
    fn new(a: &[f64], b: &[f64]) -> Self {
        let (rank_a, rank_b) = (dense_ranks(a), dense_ranks(b));
        let mut order: Vec<(usize, usize)> = rank_a.iter().copied().zip(rank_b.iter().copied()).collect();
        order.sort_unstable();
        let groups_b = rank_b.iter().max().map_or(0, |rank| rank + 1);
        let mut all = Fenwick::new(groups_b);
        order.iter().for_each(|&(_, y)| all.add(y));
        let (mut tied_a, mut tied_b, mut tied_both) = (Tied::default(), Tied::default(), Tied::default());
        (0..groups_b).for_each(|y| tied_b.add(all.below(y + 1) - all.below(y)));
        order.chunk_by(|x, y| x == y).for_each(|group| tied_both.add(group.len() as u64));
        let mut seen = Fenwick::new(groups_b);
        let mut before = 0;
        let n = order.len() as u64;
        let mut contributions = Vec::with_capacity(order.len());
        for group in order.chunk_by(|x, y| x.0 == y.0) {
            let size = group.len() as u64;
            tied_a.add(size);
            let start = contributions.len();
            for &(_, y) in group {
                let (low, high) = (seen.below(y), before - seen.below(y + 1));
                let tied_b = all.below(y + 1) - all.below(y) - 1;
                contributions.push(Contribution {
                    score: low as i64 - high as i64,
                    tied_a: size - 1,
                    tied_b,
                });
            }
            group.iter().for_each(|&(_, y)| seen.add(y));
            before += size;
            for (contribution, &(_, y)) in contributions.iter_mut().skip(start).zip(group) {
                let low = all.below(y) - seen.below(y);
                let high = (n - all.below(y + 1)) - (before - seen.below(y + 1));
                contribution.score += high as i64 - low as i64;
            }
        }
        Self { tied_a, tied_b, tied_both, contributions }
    }

    /// Returns the standard error of tau-b from the influence of each item.
    fn error(&self, tau: f64, n: f64, free_a: f64, free_b: f64) -> f64 {
        let others = n - 1.0;
        let pairs = 0.5 * n * others;
        let (u, v) = (free_a / pairs, free_b / pairs);
        let root = (u * v).sqrt();
        let mean = tau * root;
        let sum: f64 = self
            .contributions
            .iter()
            .map(|c| {
                let of = |tied: u64| 1.0 - tied as f64 / others;
                let own = (c.score as f64 / others - mean) / root;
                let scale = 0.5 * tau * ((of(c.tied_a) - u) / u + (of(c.tied_b) - v) / v);
                (2.0 * (own - scale)).powi(2)
            })
            .sum();
        (sum / others / n).sqrt()
    }
}

/// Returns ranks from 0 where equal values share one and none is skipped.
fn dense_ranks(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<(usize, f64)> = values.iter().map(|value| value + 0.0).enumerate().collect();
    order.sort_by(|x, y| x.1.total_cmp(&y.1));
    let mut ranks = vec![0; values.len()];
    for (rank, group) in order.chunk_by(|x, y| x.1 >= y.1).enumerate() {
        for (index, _) in group {
            if let Some(slot) = ranks.get_mut(*index) {
                *slot = rank;
            }
        }
    }
    ranks
}

/// Counts with prefix sums (Fenwick 1994).
pub(super) struct Fenwick(Vec<u64>);

impl Fenwick {
    pub(super) fn new(len: usize) -> Self {
        Self(vec![0; len + 1])
    }

    pub(super) fn add(&mut self, index: usize) {
        let mut i = index + 1;
        while let Some(slot) = self.0.get_mut(i) {
            *slot += 1;
            i += i & i.wrapping_neg();
        }
    }

    /// Returns how many were added below `index`.
    pub(super) fn below(&self, index: usize) -> u64 {
        let (mut i, mut sum) = (index, 0);
        while i > 0 {
            sum += self.0.get(i).copied().unwrap_or(0);
            i -= i & i.wrapping_neg();
        }
        sum
    }
}

/// Up to this many items the default is exact.
const AUTO_EXACT: u64 = 33;
/// The most items for which an exact p-value is computed.
const MAX_EXACT: u64 = 300;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    const X: [f64; 10] = [12.0, 2.0, 1.0, 12.0, 2.0, 3.0, 7.0, 7.0, 5.0, 1.0];
    const Y: [f64; 10] = [1.0, 4.0, 7.0, 1.0, 0.0, 3.0, 3.0, 8.0, 6.0, 1.0];

    fn run(a: &[f64], b: &[f64], null: Null) -> KendallTest {
        Kendall::new().with_null(null).compare(a, b, Alpha::FIVE_PERCENT).unwrap().unwrap()
    }

    /// Source: scipy 1.17.1 `kendalltau`; the standard error from numpy, all pairs.
    #[test]
    fn agrees_with_scipy() {
        let got = run(&X, &Y, Null::Auto);
        close(got.tau, -0.0975609756097561, 1e-13);
        close(got.ln_p.p(), 0.7111643560945731, 1e-12);
        assert_eq!(got.null, Null::Asymptotic);
        close(got.standard_error, 0.3071378904022671, 1e-12);
        let (u, v) = ([3.0, 1.0, 4.0, 2.0, 6.0, 5.0, 8.0, 7.0], [2.0, 1.0, 3.0, 5.0, 4.0, 8.0, 6.0, 7.0]);
        close(run(&u, &v, Null::Auto).tau, 0.5, 1e-13);
        close(run(&u, &v, Null::Auto).ln_p.p(), 0.10868055555555556, 1e-12);
        close(run(&u, &v, Null::Asymptotic).ln_p.p(), 0.0832645166635504, 1e-12);
    }

    /// Source: all pairs, one by one.
    #[test]
    fn counts_agree_with_all_pairs_and_sides_add_up() {
        for (seed, levels) in [(1, 1000), (2, 7), (3, 2)] {
            let a: Vec<f64> = (0..60).map(|i| f64::from((i * 7919 + seed) % 101 % levels)).collect();
            let b: Vec<f64> = (0..60).map(|i| f64::from((i * 104_729 + 3 * seed) % 97 % levels)).collect();
            let (mut c, mut d) = (0, 0);
            for i in 0..60 {
                for j in 0..i {
                    let product = (a[i] - a[j]) * (b[i] - b[j]);
                    c += u64::from(product > 0.0);
                    d += u64::from(product < 0.0);
                }
            }
            let got = run(&a, &b, Null::Auto);
            assert_eq!((got.concordant, got.discordant), (c, d));
            let back = run(&b, &a, Null::Auto);
            close(back.tau, got.tau, 1e-13);
            close(back.standard_error, got.standard_error, 1e-11);
            let negative: Vec<f64> = a.iter().map(|x| -x).collect();
            close(run(&negative, &b, Null::Auto).tau, -got.tau, 1e-12);
        }
    }

    #[test]
    fn edges() {
        let kendall = Kendall::new();
        let alpha = Alpha::FIVE_PERCENT;
        assert!(kendall.compare(&[1.0, 1.0], &[1.0, 2.0], alpha).unwrap().is_none());
        assert!(kendall.compare(&[0.0, -0.0], &[1.0, 2.0], alpha).unwrap().is_none());
        assert!(
            kendall.compare(&[1.0], &[1.0], alpha).is_err() && kendall.compare(&X, &[1.0], alpha).is_err()
        );
        assert!(kendall.compare(&[1.0, f64::NAN], &[1.0, 2.0], alpha).is_err());
        let got = run(&[1e300, -1e300, 5e-324], &[3.0, 1.0, 2.0], Null::Auto);
        close(got.tau, 1.0, 0.0);
        close(got.ln_p.p(), 1.0 / 3.0, 1e-12);
        let ends: Vec<f64> = (0..2000).map(f64::from).collect();
        let same = run(&ends, &ends, Null::Exact);
        assert!(same.null == Null::Asymptotic && same.ln_p.get() < -1000.0 && same.standard_error < 1e-9);
    }
}
