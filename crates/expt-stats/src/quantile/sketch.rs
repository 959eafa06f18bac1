//! A bounded, mergeable summary of a sample that answers ranks and quantiles.

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, finite};
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, Alternative, Probability};
use crate::quantile::ranks::RankInterval;

/// Summarises any number of values in bounded memory, with a *certified* error of every rank.
///
/// Level `h` holds fewer than `capacity` values that each stand for `2^h`. A full level is sorted and every
/// second value moves up, alternately the odd and the even ones (Munro and Paterson 1980; Manku,
/// Rajagopalan and Lindsay 1998). Such a compaction moves the rank of a point by at most `2^h`, upwards if
/// the first of each pair survives and downwards if the second does; the sketch adds up both, so
/// [`QuantileSketch::rank_error`] is not an expectation but a bound that the state itself proves.
///
/// - Nothing is random: the same calls give the same sketch, on every machine.
/// - Exact (error 0) below `capacity` values.
/// - After n values the error is at most `n H / capacity` with `H = log2(n / capacity) + 1` rounded up, about
///   half of that when values come one by one, under any tree of merges; typically it is far less.
/// - Memory is at most `capacity` values for each of `H + 1` levels.
/// - Merging is commutative to the last bit. Different trees of merges give different sketches whose answers
///   agree within their error bounds.
///
/// ```
/// use expt_stats::quantile::QuantileSketch;
/// use expt_stats::Probability;
///
/// let (mut monday, mut tuesday) = (QuantileSketch::new(256)?, QuantileSketch::new(256)?);
/// for i in 0..50_000 {
///     monday.push(f64::from(i))?;
///     tuesday.push(f64::from(50_000 + i))?;
/// }
/// let both = monday.merge(&tuesday)?;
/// let median = both.quantile(Probability::new(0.5)?).unwrap();
/// assert!((median - 50_000.0).abs() <= both.rank_error() as f64 + 1.0);
/// assert!(both.rank_error() < 3_000);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct QuantileSketch {
    capacity: usize,
    count: u64,
    levels: Vec<Level>,
    /// Estimated ranks are too high by at most this,
    over: u64,
    /// and too low by at most that.
    under: u64,
    range: Option<(f64, f64)>,
}

/// Values of one weight.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Level {
    values: Vec<f64>,
    /// Whether the next compaction keeps the second value of each pair.
    second: bool,
}

impl QuantileSketch {
    /// Makes an empty sketch whose levels hold `capacity` values.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless `8 <= capacity <= 2^20`; odd capacities are rounded up.
    pub fn new(capacity: usize) -> Result<Self, StatsError> {
        if !(MIN_CAPACITY..=MAX_CAPACITY).contains(&capacity) {
            let value = capacity as f64;
            return Err(StatsError::OutOfRange { what: "the capacity", value, allowed: "8 to 1048576" });
        }
        let capacity = capacity + capacity % 2;
        Ok(Self { capacity, count: 0, levels: Vec::new(), over: 0, under: 0, range: None })
    }

    /// Makes an empty sketch that errs by at most the share `rank_error` of `count` values.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless `0 < rank_error < 1`, and if the capacity would exceed 2^20.
    pub fn with_rank_error(rank_error: f64, count: u64) -> Result<Self, StatsError> {
        if !(rank_error > 0.0 && rank_error < 1.0) {
            let allowed = "the open interval (0, 1)";
            return Err(StatsError::OutOfRange { what: "the rank error", value: rank_error, allowed });
        }
        let mut capacity = MIN_CAPACITY;
        while capacity <= MAX_CAPACITY {
            let levels = (count as f64 / capacity as f64).log2().ceil() + 1.0;
            if count <= capacity as u64 || levels <= rank_error * capacity as f64 {
                return Self::new(capacity);
            }
            capacity *= 2;
        }
        let allowed = "an error that 2^20 values a level achieve";
        Err(StatsError::OutOfRange { what: "the rank error", value: rank_error, allowed })
    }

    /// Counts one value.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] for an infinite or undefined value, [`StatsError::Overflow`] at 2^64
    /// values; the sketch is unchanged in both cases.
    pub fn push(&mut self, value: f64) -> Result<(), StatsError> {
        let value = finite("value", value)?;
        self.count = self.count.checked_add(1).ok_or(StatsError::Overflow { what: "the count" })?;
        self.range = Some(self.range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))));
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let full = self.levels.first_mut().is_some_and(|level| {
            level.values.push(value);
            level.values.len() >= self.capacity
        });
        if full {
            self.compact();
        }
        Ok(())
    }

    /// Joins two sketches; commutative to the last bit. The error bounds add up.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if the capacities differ and [`StatsError::Overflow`] at 2^64 values.
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        if self.capacity != other.capacity {
            let value = other.capacity as f64;
            let allowed = "the capacity of the sketch it is merged into";
            return Err(StatsError::OutOfRange { what: "the capacity", value, allowed });
        }
        let count = self.count.checked_add(other.count).ok_or(StatsError::Overflow { what: "the count" })?;
        if self.count == 0 || other.count == 0 {
            return Ok(if self.count == 0 { other.clone() } else { self.clone() });
        }
        let mut merged = self.clone();
        merged.count = count;
        merged.over = merged.over.saturating_add(other.over);
        merged.under = merged.under.saturating_add(other.under);
        merged.range = match (self.range, other.range) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (a, b) => a.or(b),
        };
        if merged.levels.len() < other.levels.len() {
            merged.levels.resize(other.levels.len(), Level::default());
        }
        for (level, more) in merged.levels.iter_mut().zip(&other.levels) {
            level.values.extend_from_slice(&more.values);
            level.second ^= more.second;
        }
        merged.levels.iter_mut().for_each(|level| level.values.sort_by(f64::total_cmp));
        merged.compact();
        Ok(merged)
    }

    /// Returns the number of values.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Returns the capacity of a level.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns how many values are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.levels.iter().map(|level| level.values.len()).sum()
    }

    /// Returns the proven bound of the error of every rank, in values; 0 while the sketch is exact.
    #[must_use]
    pub fn rank_error(&self) -> u64 {
        self.over.max(self.under)
    }

    /// Returns the smallest value; exact.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        self.range.map(|range| range.0)
    }

    /// Returns the largest value; exact.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        self.range.map(|range| range.1)
    }

    /// Returns the estimated number of values at most `x`, within [`QuantileSketch::rank_error`].
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] if `x` is not finite.
    pub fn rank(&self, x: f64) -> Result<u64, StatsError> {
        let x = finite("x", x)?;
        let at_most = |(weight, level): (u64, &Level)| {
            weight * level.values.iter().filter(|value| **value <= x).count() as u64
        };
        let rank = self.weighted().map(at_most).sum::<u64>();
        let inside = self.range.is_some_and(|(low, high)| x >= low && x < high);
        Ok(if inside { rank.clamp(1, self.count - 1) } else { rank_outside(rank, x, self) })
    }

    /// Returns the estimated quantile: the value at rank `ceil(q n)` (type 1 of Hyndman and Fan), or `None`
    /// without values. Its true rank is within [`QuantileSketch::rank_error`] of that, up to ties.
    #[must_use]
    pub fn quantile(&self, q: Probability) -> Option<f64> {
        let (low, high) = self.range?;
        let rank = self.rank_of(q);
        if rank <= 1 {
            return Some(low);
        }
        if rank >= self.count {
            return Some(high);
        }
        Some(self.steps().iter().find(|step| step.1 >= rank).map_or(high, |step| step.0))
    }

    /// Returns two values between which the sample quantile (type 1) lies for certain.
    #[must_use]
    pub fn quantile_bounds(&self, q: Probability) -> Option<(f64, f64)> {
        self.range?;
        let (rank, steps) = (self.rank_of(q), self.steps());
        Some((self.lower(&steps, rank)?, self.upper(&steps, rank)?))
    }

    /// Returns an interval for the population's quantile: the order statistics of [`RankInterval`], widened by
    /// the error of the sketch, so it covers at least as often as the interval from all rows.
    #[must_use]
    pub fn interval(&self, q: Probability, alpha: Alpha, alternative: Alternative) -> Interval {
        let ranks = RankInterval::new(self.count, q, alpha, alternative);
        let steps = self.steps();
        Interval {
            lower: ranks.lower_rank.and_then(|rank| self.lower(&steps, rank)),
            upper: ranks.upper_rank.and_then(|rank| self.upper(&steps, rank)),
            alpha,
            coverage: Coverage::Fixed,
        }
    }

    fn rank_of(&self, q: Probability) -> u64 {
        ((q.get() * self.count as f64).ceil() as u64).clamp(1, self.count.max(1))
    }

    /// A value not above the one of true rank `rank`: ranks of what lies below are at most `under` too low.
    fn lower(&self, steps: &[(f64, u64)], rank: u64) -> Option<f64> {
        let (low, _) = self.range?;
        if self.rank_error() == 0 {
            return steps.iter().find(|step| step.1 >= rank).map(|step| step.0);
        }
        let below = steps.partition_point(|step| step.1.saturating_add(self.under) < rank);
        Some(below.checked_sub(1).and_then(|last| steps.get(last)).map_or(low, |step| step.0))
    }

    /// A value not below the one of true rank `rank`.
    fn upper(&self, steps: &[(f64, u64)], rank: u64) -> Option<f64> {
        let (_, high) = self.range?;
        let enough = steps.partition_point(|step| step.1 < rank.saturating_add(self.over));
        Some(steps.get(enough).map_or(high, |step| step.0))
    }

    /// The kept values in ascending order with their estimated ranks.
    fn steps(&self) -> Vec<(f64, u64)> {
        let mut steps: Vec<(f64, u64)> = self
            .weighted()
            .flat_map(|(weight, level)| level.values.iter().map(move |value| (*value, weight)))
            .collect();
        steps.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut rank = 0_u64;
        for step in &mut steps {
            rank = rank.saturating_add(step.1);
            step.1 = rank;
        }
        steps
    }

    fn weighted(&self) -> impl Iterator<Item = (u64, &Level)> {
        self.levels.iter().enumerate().map(|(height, level)| (1_u64 << height, level))
    }

    /// Compacts every full level, from the lowest up.
    fn compact(&mut self) {
        let mut height = 0;
        while height < self.levels.len() {
            let full = self.levels.get(height).is_some_and(|level| level.values.len() >= self.capacity);
            if full && height + 1 < MAX_LEVELS {
                if height + 1 == self.levels.len() {
                    self.levels.push(Level::default());
                }
                let keep_second = self.levels.get(height).is_some_and(|level| level.second);
                let bound = if keep_second { &mut self.under } else { &mut self.over };
                *bound = bound.saturating_add(1 << height);
                let promoted = self.levels.get_mut(height).map(Level::halve).unwrap_or_default();
                if let Some(above) = self.levels.get_mut(height + 1) {
                    above.values.extend(promoted);
                    above.values.sort_by(f64::total_cmp);
                }
            }
            height += 1;
        }
    }
}

impl Level {
    /// Empties the level, except for the largest value of an odd number, and returns one value of each pair.
    fn halve(&mut self) -> Vec<f64> {
        self.values.sort_by(f64::total_cmp);
        let odd = if self.values.len() % 2 == 1 { self.values.pop() } else { None };
        let promoted = self.values.iter().skip(usize::from(self.second)).step_by(2).copied().collect();
        self.values.clear();
        self.values.extend(odd);
        self.second = !self.second;
        promoted
    }
}

/// The rank of a point outside of the range is exact.
fn rank_outside(rank: u64, x: f64, sketch: &QuantileSketch) -> u64 {
    match sketch.range {
        Some((low, _)) if x < low => 0,
        Some((_, high)) if x >= high => sketch.count,
        _ => rank,
    }
}

/// The serialised form.
#[derive(Serialize, Deserialize)]
struct Stored {
    capacity: usize,
    count: u64,
    levels: Vec<Level>,
    over: u64,
    under: u64,
    range: Option<(f64, f64)>,
}

impl From<QuantileSketch> for Stored {
    fn from(sketch: QuantileSketch) -> Self {
        let QuantileSketch { capacity, count, levels, over, under, range } = sketch;
        Self { capacity, count, levels, over, under, range }
    }
}

impl TryFrom<Stored> for QuantileSketch {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        let Stored { capacity, count, levels, over, under, range } = stored;
        let sketch = Self { levels, over, under, range, count, ..Self::new(capacity)? };
        let wrong =
            |what, value: u64, allowed| Err(StatsError::OutOfRange { what, value: value as f64, allowed });
        if sketch.levels.len() > MAX_LEVELS {
            return wrong("the number of levels", sketch.levels.len() as u64, "at most 48");
        }
        let (low, high) = sketch.range.unwrap_or((f64::INFINITY, f64::NEG_INFINITY));
        for value in sketch.levels.iter().flat_map(|level| &level.values) {
            if !(low..=high).contains(&finite("a kept value", *value)?) {
                let allowed = "between the smallest and the largest value";
                return Err(StatsError::OutOfRange { what: "a kept value", value: *value, allowed });
            }
        }
        let weights = sketch.weighted().map(|(weight, level)| weight.checked_mul(level.values.len() as u64));
        let total = weights.into_iter().try_fold(0_u64, |sum, weight| sum.checked_add(weight?));
        if total != Some(count) || sketch.range.is_some() != (count > 0) {
            return wrong("the count of a sketch", count, "the sum of the weights of its values");
        }
        if over > count || under > count {
            return wrong("the rank error of a sketch", over.max(under), "at most its count");
        }
        Ok(sketch)
    }
}

/// Fewer values a level are no sketch.
const MIN_CAPACITY: usize = 8;

/// More values a level are no sketch either.
const MAX_CAPACITY: usize = 1 << 20;

/// Levels up to here hold more values than anyone has; a higher one would only overflow.
const MAX_LEVELS: usize = 48;

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    fn sketch(capacity: usize, values: &[f64]) -> QuantileSketch {
        let mut sketch = QuantileSketch::new(capacity).unwrap();
        values.iter().for_each(|value| sketch.push(*value).unwrap());
        sketch
    }

    fn check(sketch: &QuantileSketch, sorted: &[f64]) {
        let n = sorted.len() as u64;
        assert_eq!(sketch.count(), n);
        for step in 0..=100 {
            let q = Probability::new(f64::from(step) / 100.0).unwrap();
            let rank = ((q.get() * n as f64).ceil() as usize).clamp(1, sorted.len());
            let (truth, got) = (sorted[rank - 1], sketch.quantile(q).unwrap());
            let (low, high) = sketch.quantile_bounds(q).unwrap();
            assert!(low <= truth && truth <= high, "{low} {truth} {high}");
            let below = sorted.partition_point(|x| *x < got) as u64;
            let at_most = sorted.partition_point(|x| *x <= got) as u64;
            assert!(below < rank as u64 + sketch.rank_error(), "{below} {rank} {}", sketch.rank_error());
            assert!(at_most + sketch.rank_error() >= rank as u64, "{at_most} {rank}");
            let exact = sorted.partition_point(|x| *x <= truth) as u64;
            assert!(sketch.rank(truth).unwrap().abs_diff(exact) <= sketch.rank_error());
        }
    }

    #[test]
    fn the_certified_error_holds_for_every_order_and_every_tree_of_merges() {
        let mut rng = StdRng::seed_from_u64(7);
        let n = 20_000;
        let mut ties: Vec<f64> = (0..n).map(|_| f64::from(rng.random_range(0..50))).collect();
        let orders: [Vec<f64>; 4] = [
            (0..n).map(f64::from).collect(),
            (0..n).rev().map(f64::from).collect(),
            (0..n).map(|i| f64::from((i * 7919) % n)).collect(),
            std::mem::take(&mut ties),
        ];
        for values in orders {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            for size in [20_000, 6_000, 777, 31] {
                let parts: Vec<QuantileSketch> = values.chunks(size).map(|chunk| sketch(64, chunk)).collect();
                let chain = parts.iter().skip(1).fold(parts[0].clone(), |sum, part| sum.merge(part).unwrap());
                check(&chain, &sorted);
                let mut tree = parts;
                while tree.len() > 1 {
                    tree = tree
                        .chunks(2)
                        .map(|pair| pair.iter().skip(1).fold(pair[0].clone(), |a, b| b.merge(&a).unwrap()))
                        .collect();
                }
                check(&tree[0], &sorted);
                for got in [&chain, &tree[0]] {
                    let levels = (f64::from(n) / 64.0).log2().ceil() + 1.0;
                    assert!(got.rank_error() as f64 <= f64::from(n) * levels / 64.0);
                    assert!(got.kept() <= 64 * (levels as usize + 1), "{}", got.kept());
                }
            }
        }
    }

    #[test]
    fn exact_below_the_capacity_and_by_the_stated_share_above() {
        let values: Vec<f64> = (0..255).map(|i| f64::from((i * 37) % 255)).collect();
        let small = sketch(256, &values);
        assert_eq!((small.rank_error(), small.kept()), (0, 255));
        assert_eq!(small.quantile_bounds(Probability::new(0.5).unwrap()), Some((127.0, 127.0)));
        let mut promised = QuantileSketch::with_rank_error(0.01, 100_000).unwrap();
        (0..100_000).for_each(|i| promised.push(f64::from((i * 7919) % 100_003)).unwrap());
        assert!(promised.rank_error() <= 1_000, "{}", promised.rank_error());
    }

    #[test]
    fn the_interval_holds_that_of_all_rows() {
        let values: Vec<f64> = (0..30_000).map(|i| f64::from((i * 7919) % 30_011)).collect();
        let rows = crate::quantile::SortedSample::new(&values).unwrap();
        let sketch = sketch(1024, &values);
        let q = Probability::new(0.9).unwrap();
        let exact = rows.interval(q, Alpha::FIVE_PERCENT, Alternative::TwoSided);
        let got = sketch.interval(q, Alpha::FIVE_PERCENT, Alternative::TwoSided);
        assert!(got.lower <= exact.lower && got.upper >= exact.upper, "{got:?} {exact:?}");
        assert!(got.width().unwrap() < exact.width().unwrap() + 4.0 * sketch.rank_error() as f64);
    }

    #[test]
    fn merging_commutes_and_serde_validates() {
        let (a, b) = (sketch(16, &[3.0; 100]), sketch(16, &(0..99).map(f64::from).collect::<Vec<_>>()));
        assert_eq!(a.merge(&b).unwrap(), b.merge(&a).unwrap());
        assert_eq!(a.merge(&QuantileSketch::new(16).unwrap()).unwrap(), a);
        let text = serde_json::to_string(&b).unwrap();
        assert_eq!(serde_json::from_str::<QuantileSketch>(&text).unwrap(), b);
        assert!(
            serde_json::from_str::<QuantileSketch>(&text.replace("\"count\":99", "\"count\":98")).is_err()
        );
        assert!(a.merge(&QuantileSketch::new(32).unwrap()).is_err());
        let mut empty = QuantileSketch::new(8).unwrap();
        assert_eq!((empty.quantile(Probability::new(0.5).unwrap()), empty.min()), (None, None));
        assert!(empty.push(f64::NAN).is_err() && empty.push(f64::INFINITY).is_err());
        assert_eq!(empty.count(), 0);
        assert!(QuantileSketch::new(7).is_err() && QuantileSketch::with_rank_error(0.0, 1).is_err());
        for value in [0.0, -0.0, 5e-324, -1.7e308, 1.7e308] {
            empty.push(value).unwrap();
        }
        assert_eq!(empty.quantile(Probability::new(1.0).unwrap()), Some(1.7e308));
    }
}
