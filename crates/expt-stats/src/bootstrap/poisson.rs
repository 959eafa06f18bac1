//! The bootstrap of rows that are not in memory.

use serde::{Deserialize, Serialize};

use crate::bootstrap::interval::{BootstrapInterval, BootstrapResult};
use crate::bootstrap::stream::Stream;
use crate::error::{StatsError, finite};
use crate::level::Alpha;
use crate::twofold::Twofold;

/// Holds the sums of each replicate of a ratio or a mean; a commutative monoid.
///
/// Each unit has in each replicate a weight that is Poisson with mean one, a function of seed, unit and
/// replicate (Hanley and MacGibbon 2006; Chamandy, Muralidharan, Najmi and Naidu 2012). All rows of a unit share
/// its weights, wherever they are counted, so rows may come in any order and on any machine, and the intervals are
/// those of clustered units. Estimand: `E(y) / E(x)`, the mean if `x` is one. Results under any chunking
/// agree up to rounding. For several arms use one state for each, with the same seed and number of replicates.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::bootstrap::{BootstrapInterval, PoissonBootstrap};
///
/// let mut monday = PoissonBootstrap::new(7, 500)?;
/// let mut tuesday = PoissonBootstrap::new(7, 500)?;
/// for user in 0..300 {
///     monday.push(user, 2.0, f64::from(user as u32 % 5))?;
///     tuesday.push(user, 1.0, f64::from(user as u32 % 3))?;
/// }
/// let clicks_per_request = monday.merge(&tuesday)?.interval(BootstrapInterval::Percentile, Alpha::FIVE_PERCENT)?;
/// assert!((clicks_per_request.estimate - 1.0).abs() < 1e-12);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct PoissonBootstrap {
    seed: u64,
    total: Sums,
    replicates: Vec<Sums>,
}

/// The weighted sums of denominator and numerator.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sums {
    x: Twofold,
    y: Twofold,
}

impl PoissonBootstrap {
    /// Makes an empty state.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] unless there are 2 to 100,000 replicates.
    pub fn new(seed: u64, replicates: u32) -> Result<Self, StatsError> {
        if !(2..=MAX_REPLICATES).contains(&replicates) {
            let value = f64::from(replicates);
            return Err(StatsError::OutOfRange {
                what: "the number of replicates",
                value,
                allowed: "2 to 100000",
            });
        }
        Ok(Self { seed, total: Sums::default(), replicates: vec![Sums::default(); replicates as usize] })
    }

    /// Counts a row of a unit: `x` to the denominator, `y` to the numerator.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`], [`StatsError::Overflow`]; the state is unchanged then.
    pub fn push(&mut self, unit: u64, x: f64, y: f64) -> Result<(), StatsError> {
        let row = Sums { x: Twofold::new(finite("x", x)?), y: Twofold::new(finite("y", y)?) };
        // No weight exceeds 40, and no partial sum its part of the doubles.
        let room = |sums: &Sums| sums.plus(row, 64.0).is_finite();
        if !room(&self.total) || !self.replicates.iter().all(room) {
            return Err(StatsError::Overflow { what: "a sum of a replicate" });
        }
        self.total = self.total.plus(row, 1.0);
        let mut stream = Stream::new(self.seed, UNIT, unit);
        for sums in &mut self.replicates {
            let weight = stream.poisson();
            if weight > 0 {
                *sums = sums.plus(row, f64::from(weight));
            }
        }
        Ok(())
    }

    /// Joins two states.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if seed or number of replicates differ, [`StatsError::Overflow`].
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        self.same(other)?;
        let pairs = self.replicates.iter().zip(&other.replicates);
        let merged = Self {
            seed: self.seed,
            total: self.total.plus(other.total, 1.0),
            replicates: pairs.map(|(own, other)| own.plus(*other, 1.0)).collect(),
        };
        if merged.replicates.iter().chain([&merged.total]).all(Sums::is_finite) {
            Ok(merged)
        } else {
            Err(StatsError::Overflow { what: "a sum of a replicate" })
        }
    }

    /// Makes an interval for the ratio of the sums.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] if the denominator is zero in the sample or in all but one replicate;
    /// [`StatsError::OutOfRange`] for BCa, which needs the units themselves.
    pub fn interval(&self, method: BootstrapInterval, alpha: Alpha) -> Result<BootstrapResult, StatsError> {
        refuse_bca(method)?;
        let estimate = defined(self.total.ratio())?;
        let replicates: Vec<f64> = self.replicates.iter().filter_map(Sums::ratio).collect();
        BootstrapResult::new(estimate, &replicates, method, &[], alpha)
    }

    /// Makes an interval for a comparison of two arms, given the ratio of the control and of the treatment.
    ///
    /// If units were randomised to one arm each, the replicates of both arms are independent. If a unit has rows in
    /// both, as in a switchback or a paired design, it has one weight in both and the interval accounts for that.
    ///
    /// # Errors
    /// As [`PoissonBootstrap::interval`] and [`PoissonBootstrap::merge`].
    pub fn compare(
        &self,
        treatment: &Self,
        comparison: impl Fn(f64, f64) -> f64,
        method: BootstrapInterval,
        alpha: Alpha,
    ) -> Result<BootstrapResult, StatsError> {
        refuse_bca(method)?;
        self.same(treatment)?;
        let both =
            |c: &Sums, t: &Sums| Some(comparison(c.ratio()?, t.ratio()?)).filter(|value| value.is_finite());
        let estimate = defined(both(&self.total, &treatment.total))?;
        let pairs = self.replicates.iter().zip(&treatment.replicates);
        let replicates: Vec<f64> = pairs.filter_map(|(c, t)| both(c, t)).collect();
        BootstrapResult::new(estimate, &replicates, method, &[], alpha)
    }

    fn same(&self, other: &Self) -> Result<(), StatsError> {
        if self.seed != other.seed {
            let (value, allowed) = (other.seed as f64, "the seed of the other state");
            return Err(StatsError::OutOfRange { what: "the seed", value, allowed });
        }
        if self.replicates.len() != other.replicates.len() {
            let (value, allowed) = (other.replicates.len() as f64, "that of the other state");
            return Err(StatsError::OutOfRange { what: "the number of replicates", value, allowed });
        }
        Ok(())
    }
}

impl Sums {
    fn plus(self, other: Self, weight: f64) -> Self {
        let add = |a: Twofold, b: Twofold| a.plus(weight * b.high).plus(weight * b.low);
        Self { x: add(self.x, other.x), y: add(self.y, other.y) }
    }

    fn ratio(&self) -> Option<f64> {
        let ratio = self.y.high / self.x.high;
        ratio.is_finite().then_some(ratio)
    }

    fn is_finite(&self) -> bool {
        [self.x.high, self.x.low, self.y.high, self.y.low].iter().all(|part| part.is_finite())
    }
}

fn refuse_bca(method: BootstrapInterval) -> Result<(), StatsError> {
    if method == BootstrapInterval::Bca {
        let what = "the acceleration of sums";
        let allowed = "known only with the units in memory: use the percentile or the basic interval";
        return Err(StatsError::OutOfRange { what, value: 0.0, allowed });
    }
    Ok(())
}

fn defined(estimate: Option<f64>) -> Result<f64, StatsError> {
    estimate.ok_or(StatsError::TooFew { what: "the denominator", have: 0, need: 1 })
}

/// The serialised form.
#[derive(Serialize, Deserialize)]
struct Stored {
    seed: u64,
    total: [f64; 4],
    replicates: Vec<[f64; 4]>,
}

impl From<PoissonBootstrap> for Stored {
    fn from(state: PoissonBootstrap) -> Self {
        let parts = |sums: &Sums| [sums.x.high, sums.x.low, sums.y.high, sums.y.low];
        let replicates = state.replicates.iter().map(parts).collect();
        Self { seed: state.seed, total: parts(&state.total), replicates }
    }
}

impl TryFrom<Stored> for PoissonBootstrap {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        let sums = |[x, x_low, y, y_low]: [f64; 4]| -> Result<Sums, StatsError> {
            for part in [x, x_low, y, y_low] {
                finite("a sum of a replicate", part)?;
            }
            Ok(Sums { x: Twofold { high: x, low: x_low }, y: Twofold { high: y, low: y_low } })
        };
        let count = u32::try_from(stored.replicates.len()).unwrap_or(u32::MAX);
        let replicates = stored.replicates.into_iter().map(sums).collect::<Result<_, _>>()?;
        let empty = Self::new(stored.seed, count.min(MAX_REPLICATES + 1))?;
        Ok(Self { total: sums(stored.total)?, replicates, ..empty })
    }
}

/// Separates these streams from those of the index bootstrap.
const UNIT: u64 = 3;

/// Bounds the memory of a state to a few megabytes.
const MAX_REPLICATES: u32 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    fn rows(n: u32) -> Vec<(u64, f64, f64)> {
        let row = |i: u32| (u64::from(i % 200), f64::from(i % 3 + 1), f64::from((i * 7919) % 101));
        (0..n).map(row).collect()
    }

    fn collect(rows: &[(u64, f64, f64)]) -> PoissonBootstrap {
        let mut state = PoissonBootstrap::new(4, 400).unwrap();
        rows.iter().for_each(|(unit, x, y)| state.push(*unit, *x, *y).unwrap());
        state
    }

    #[test]
    fn chunks_do_not_matter_and_clusters_do() {
        let data = rows(800);
        let run = |state: &PoissonBootstrap| {
            state.interval(BootstrapInterval::Percentile, Alpha::FIVE_PERCENT).unwrap()
        };
        let whole = run(&collect(&data));
        for size in [1, 37, 799] {
            let empty = PoissonBootstrap::new(4, 400).unwrap();
            let merged = data.chunks(size).map(collect).fold(empty, |sum, part| part.merge(&sum).unwrap());
            close(run(&merged).interval.lower.unwrap(), whole.interval.lower.unwrap(), 1e-12);
            close(run(&merged).standard_error.unwrap(), whole.standard_error.unwrap(), 1e-12);
        }
        let mut clusters = crate::regression::ClusterSums::default();
        data.iter().for_each(|(unit, x, y)| clusters.push(*unit, *x, *y).unwrap());
        let theory = clusters.ratio().unwrap();
        close(whole.estimate, theory.estimate(), 1e-13);
        close(whole.standard_error.unwrap(), theory.variance().sqrt(), 0.15);
    }

    #[test]
    fn arms_compare_and_states_validate() {
        let (a, b) = (collect(&rows(600)), collect(&rows(500)));
        let same = a.compare(&a, |c, t| t - c, BootstrapInterval::Basic, Alpha::FIVE_PERCENT).unwrap();
        assert_eq!((same.estimate, same.standard_error), (0.0, Some(0.0)));
        assert!(
            a.compare(&b, |c, t| t / c - 1.0, BootstrapInterval::Percentile, Alpha::FIVE_PERCENT).is_ok()
        );
        let text = serde_json::to_string(&a).unwrap();
        assert_eq!(serde_json::from_str::<PoissonBootstrap>(&text).unwrap(), a);
        assert!(
            serde_json::from_str::<PoissonBootstrap>(r#"{"seed":1,"total":[0,0,0,0],"replicates":[]}"#)
                .is_err()
        );
        assert!(a.merge(&PoissonBootstrap::new(5, 400).unwrap()).is_err());
        assert!(a.merge(&PoissonBootstrap::new(4, 401).unwrap()).is_err());
        let mut state = a.clone();
        assert!(state.push(1, f64::NAN, 1.0).is_err() && state.push(1, 1.0, 1.7e308).is_err());
        assert_eq!(state, a);
        assert!(a.interval(BootstrapInterval::Bca, Alpha::FIVE_PERCENT).is_err());
        let empty = PoissonBootstrap::new(1, 10).unwrap();
        assert!(empty.interval(BootstrapInterval::Basic, Alpha::FIVE_PERCENT).is_err());
    }
}
