//! The wealth that rejections have earned and that later tests spend.

use serde::{Deserialize, Serialize};

use super::gamma::{Gamma, GammaTable};

/// Holds what the level of LORD++, SAFFRON and their relatives depends on.
///
/// A started test *counts* while its result is unknown, and afterwards unless the procedure says that it costs
/// nothing. With `clock` the number of counted tests and `at_k` that number among the tests that had started
/// when the k-th rejection was recorded, a level needs `gamma` at `1 + clock - at_k`. So a test spends only
/// from rewards that were there when it started, and at the place after all counted tests that also did.
///
/// Rejections with the same `at` stay together for ever (all tests between them are known not to count), so
/// they are kept as one entry: the state grows by an entry for each rejection at most.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Wealth {
    /// How many tests count.
    clock: u64,
    /// `at` of the first rejection.
    first: Option<u64>,
    /// `at` of the later ones and how many share it, ascending.
    later: Vec<(u64, u32)>,
    #[serde(skip)]
    cache: Cache,
}

/// Holds sums over `later` for the next few values of the clock. Two caches are equal: they hold nothing that
/// does not follow from the rest.
#[derive(Clone, Debug, Default)]
struct Cache {
    table: GammaTable,
    /// The sums, without the last entry, for the clock at `start`, `start + 1`, ...
    sums: Option<(u64, [f64; AHEAD])>,
    /// Whether nothing has changed the past since the last sum.
    calm: bool,
}

impl PartialEq for Cache {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The gammas of the next test, by the origin of the wealth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares {
    /// That of the initial wealth.
    pub(super) initial: f64,
    /// That of the first rejection, zero if there is none.
    pub(super) first: f64,
    /// The sum of those of all later rejections.
    pub(super) later: f64,
}

impl Wealth {
    /// The number of counted tests.
    pub(super) const fn clock(&self) -> u64 {
        self.clock
    }

    /// Prepares for `tests` more counted tests.
    pub(super) fn prepare(&mut self, gamma: &Gamma, tests: u64) {
        self.cache.table.extend(gamma, self.clock.saturating_add(tests).saturating_add(1 + AHEAD as u64));
    }

    /// Prepares a state that was read: where rejections are dense, so that the first test does not pay for all of
    /// them. The work is no more than that of reading the rejections.
    pub(super) fn prepare_read(&mut self, gamma: &Gamma) {
        let furthest = self.clock.saturating_add(1 + AHEAD as u64);
        self.cache.table.extend(gamma, furthest.min(2 * self.later.len() as u64));
    }

    /// Returns the gammas of the next test.
    pub(super) fn shares(&mut self, gamma: &Gamma) -> Shares {
        let furthest = self.clock.saturating_add(1 + AHEAD as u64);
        self.cache.table.approach(gamma, furthest);
        let later = self.later_sum(gamma);
        let at = |since: u64| self.cache.table.at(gamma, 1 + self.clock.saturating_sub(since));
        Shares { initial: at(0), first: self.first.map_or(0.0, at), later }
    }

    /// Counts a test that starts, and returns its place on the clock.
    pub(super) fn start(&mut self) -> u64 {
        let place = self.clock;
        self.clock += 1;
        place
    }

    /// Stops counting the test that started at `place`.
    pub(super) fn uncount(&mut self, place: u64) {
        self.clock = self.clock.saturating_sub(1);
        if let Some(at) = self.first.as_mut().filter(|at| **at > place) {
            *at -= 1;
        }
        if self.later.last().is_some_and(|(at, _)| *at > place) {
            let from = self.later.partition_point(|(at, _)| *at <= place);
            self.later.iter_mut().skip(from).for_each(|(at, _)| *at -= 1);
            self.merge_at(from);
            self.cache.sums = None;
            self.cache.calm = false;
        }
    }

    /// Adds a rejection that is recorded now.
    pub(super) fn reward(&mut self) {
        if self.first.is_none() {
            self.first = Some(self.clock);
            return;
        }
        if let Some((at, count)) = self.later.last_mut()
            && *at == self.clock
            && *count < u32::MAX
        {
            *count += 1;
            return;
        }
        // The last entry becomes an earlier one.
        let Cache { table, sums, .. } = &mut self.cache;
        if let Some((start, sums)) = sums
            && let Some(&(at, count)) = self.later.last()
        {
            let skip = usize::try_from(at.saturating_sub(*start)).unwrap_or(AHEAD);
            let gammas = table.from(1 + start.saturating_sub(at));
            add(sums.get_mut(skip..).unwrap_or(&mut []), gammas, count);
        }
        self.later.push((self.clock, 1));
    }

    /// Tells whether the parts belong together, as they do unless they were read from a foreign source.
    pub(super) fn is_sound(&self, started: u64) -> bool {
        let ascending = self.later.windows(2).all(|pair| matches!(pair, [(a, _), (b, _)] if a <= b));
        let counted = self.later.iter().all(|(at, count)| *at <= self.clock && *count > 0);
        let first = self
            .first
            .is_none_or(|first| first <= self.clock && self.later.first().is_none_or(|(at, _)| first <= *at));
        ascending
            && counted
            && first
            && self.clock <= started
            && (self.first.is_some() || self.later.is_empty())
    }

    /// Sums gamma over the later rejections.
    ///
    /// The sum for a whole block of clock values costs little more than one, as the gammas of a rejection lie
    /// side by side. Every way of summing does the same additions in the same order, so that a level does not
    /// depend on what happens to be cached.
    fn later_sum(&mut self, gamma: &Gamma) -> f64 {
        if self.cached().is_none() && self.cache.calm {
            self.fill();
        }
        self.cache.calm = true;
        let Some((&(last, count), earlier)) = self.later.split_last() else { return 0.0 };
        let gamma_since = |at: u64| self.cache.table.at(gamma, 1 + self.clock.saturating_sub(at));
        let direct =
            || earlier.iter().fold(0.0, |sum, &(at, count)| sum + f64::from(count) * gamma_since(at));
        self.cached().unwrap_or_else(direct) + f64::from(count) * gamma_since(last)
    }

    /// The sum over all entries but the last, if it is at hand.
    fn cached(&self) -> Option<f64> {
        let (start, sums) = self.cache.sums.as_ref()?;
        sums.get(usize::try_from(self.clock.checked_sub(*start)?).ok()?).copied()
    }

    /// Fills the cache, if the table reaches far enough.
    fn fill(&mut self) {
        let Some((_, earlier)) = self.later.split_last() else { return };
        let table = &self.cache.table;
        let furthest = earlier.first().map_or(0, |(at, _)| self.clock.saturating_sub(*at));
        if table.from(1 + furthest).len() < AHEAD {
            return;
        }
        let mut sums = [0.0; AHEAD];
        for &(at, count) in earlier {
            add(&mut sums, table.from(1 + self.clock.saturating_sub(at)), count);
        }
        self.cache.sums = Some((self.clock, sums));
    }

    /// Joins the entry at `from` with the one before it if they have become the same.
    fn merge_at(&mut self, from: usize) {
        let Some(before) = from.checked_sub(1) else { return };
        let (Some(&(left, a)), Some(&(right, b))) = (self.later.get(before), self.later.get(from)) else {
            return;
        };
        if left == right
            && let Some(sum) = a.checked_add(b)
        {
            self.later.remove(from);
            if let Some(entry) = self.later.get_mut(before) {
                entry.1 = sum;
            }
        }
    }
}

/// Adds the gammas of an entry to sums for successive values of the clock.
fn add(sums: &mut [f64], gammas: &[f64], count: u32) {
    let count = f64::from(count);
    sums.iter_mut().zip(gammas).for_each(|(sum, gamma)| *sum += count * gamma);
}

/// For how many values of the clock sums are prepared: few enough that filling them for ten thousand
/// rejections stays below 100 microseconds.
const AHEAD: usize = 32;
