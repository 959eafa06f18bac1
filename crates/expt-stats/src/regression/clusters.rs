//! Means and ratios of rows when clusters were randomised.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::arm::ArmEstimate;
use crate::comoments::CoMoments;
use crate::error::{StatsError, finite};
use crate::twofold::Twofold;

/// Holds the sums of numerator and denominator of each cluster in one arm; a commutative monoid.
///
/// Estimand: the ratio of expectations `E(sum y) / E(sum x)` of a cluster; with `x = 1` a row it is the mean
/// of the rows. The standard error is that of the delta method on cluster totals, `G / (G - 1) sum (Y_g - R
/// X_g)^2 / (sum X_g)^2`, which for a mean is the cluster-robust one of Liang and Zeger (1986) with the
/// correction `G / (G - 1)`. [`ClusterSums::ratio`] counts clusters, not rows, so comparisons use the few
/// degrees of freedom that they have. Parts of a cluster from several days or machines are added up;
/// memory grows with the number of clusters.
///
/// ```
/// use expt_stats::regression::ClusterSums;
///
/// let mut arm = ClusterSums::default();
/// for (shop, amount) in [(1, 10.0), (1, 12.0), (2, 7.0), (3, 9.0), (3, 9.5), (3, 8.0)] {
///     arm.push_row(shop, amount)?;
/// }
/// let mean = arm.ratio()?;
/// assert!((mean.estimate() - 55.5 / 6.0).abs() < 1e-12);
/// assert_eq!(mean.count(), 3);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct ClusterSums {
    clusters: BTreeMap<u64, (Twofold, Twofold)>,
}

impl ClusterSums {
    /// Counts one row of a cluster, for a mean of rows.
    ///
    /// # Errors
    /// As [`ClusterSums::push`].
    pub fn push_row(&mut self, cluster: u64, y: f64) -> Result<(), StatsError> {
        self.push(cluster, 1.0, y)
    }

    /// Adds `x` to the denominator and `y` to the numerator of a cluster.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`], [`StatsError::Overflow`]; the state is unchanged then.
    pub fn push(&mut self, cluster: u64, x: f64, y: f64) -> Result<(), StatsError> {
        let part = (Twofold::new(finite("x", x)?), Twofold::new(finite("y", y)?));
        let sum = add(self.clusters.get(&cluster).copied().unwrap_or_default(), part)?;
        self.clusters.insert(cluster, sum);
        Ok(())
    }

    /// Joins two states, adding up the parts of a cluster.
    ///
    /// # Errors
    /// [`StatsError::Overflow`].
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        let mut merged = self.clone();
        for (cluster, part) in &other.clusters {
            let sum = match merged.clusters.get(cluster) {
                Some(own) => add(*own, *part)?,
                None => *part,
            };
            merged.clusters.insert(*cluster, sum);
        }
        Ok(merged)
    }

    /// Returns the number of clusters.
    #[must_use]
    pub fn clusters(&self) -> usize {
        self.clusters.len()
    }

    /// Returns the moments of the totals, one pair `(x, y)` a cluster, for any analysis of clusters.
    ///
    /// # Errors
    /// [`StatsError::Overflow`].
    pub fn totals(&self) -> Result<CoMoments, StatsError> {
        let mut totals = CoMoments::default();
        for (x, y) in self.clusters.values() {
            totals.push(x.high, y.high)?;
        }
        Ok(totals)
    }

    /// Returns the ratio of the sums with its cluster-robust variance and the number of clusters.
    ///
    /// If every denominator is positive, as for a mean of rows, it cannot be near zero and only two clusters are
    /// needed; the normal approximation still wants some dozens, or clusters of about the same size.
    ///
    /// # Errors
    /// As [`ArmEstimate::ratio`]: [`StatsError::TooFew`] below two clusters and, if a denominator is not
    /// positive, [`StatsError::DenominatorNearZero`].
    pub fn ratio(&self) -> Result<ArmEstimate, StatsError> {
        let totals = self.totals()?;
        let positive = self.clusters.values().all(|(x, _)| x.high > 0.0);
        let (Some(x), Some(y), true) = (totals.mean_x(), totals.mean_y(), positive) else {
            return ArmEstimate::ratio(&totals);
        };
        let (count, ratio) = (totals.count(), y / x);
        let residual = totals.residual_variance(ratio).unwrap_or(0.0);
        ArmEstimate::new(ratio, residual / (count as f64) / (x * x), count)
    }
}

type Sums = (Twofold, Twofold);

fn add(a: Sums, b: Sums) -> Result<Sums, StatsError> {
    let plus = |a: Twofold, b: Twofold| {
        let sum = a.plus(b.high).plus(b.low);
        if sum.high.is_finite() && sum.low.is_finite() {
            Ok(sum)
        } else {
            Err(StatsError::Overflow { what: "the sum of a cluster" })
        }
    };
    Ok((plus(a.0, b.0)?, plus(a.1, b.1)?))
}

/// The serialised form: cluster, x, y, each sum as two numbers.
#[derive(Serialize, Deserialize)]
struct Stored(Vec<StoredCluster>);

type StoredCluster = (u64, (f64, f64), (f64, f64));

impl From<ClusterSums> for Stored {
    fn from(sums: ClusterSums) -> Self {
        let pair = |sum: Twofold| (sum.high, sum.low);
        Self(sums.clusters.into_iter().map(|(cluster, (x, y))| (cluster, pair(x), pair(y))).collect())
    }
}

impl TryFrom<Stored> for ClusterSums {
    type Error = StatsError;

    fn try_from(stored: Stored) -> Result<Self, StatsError> {
        let sum = |(high, low): (f64, f64)| -> Result<Twofold, StatsError> {
            Ok(Twofold { high: finite("a sum", high)?, low: finite("a sum", low)? })
        };
        let mut sums = Self::default();
        for (cluster, x, y) in stored.0 {
            let part = (sum(x)?, sum(y)?);
            let whole = add(sums.clusters.get(&cluster).copied().unwrap_or_default(), part)?;
            sums.clusters.insert(cluster, whole);
        }
        Ok(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    #[test]
    fn parts_of_clusters_add_up_under_any_chunking() {
        let rows: Vec<(u64, f64, f64)> = (0..500_u32)
            .map(|i| (u64::from(i % 37), f64::from(i % 5 + 1), 0.1 * f64::from((i * 7919) % 101)))
            .collect();
        let collect = |rows: &[(u64, f64, f64)]| {
            let mut sums = ClusterSums::default();
            rows.iter().for_each(|(cluster, x, y)| sums.push(*cluster, *x, *y).unwrap());
            sums
        };
        let whole = collect(&rows);
        for size in [1, 13, 499] {
            let merged = rows
                .chunks(size)
                .map(collect)
                .fold(ClusterSums::default(), |sum, part| part.merge(&sum).unwrap());
            close(merged.ratio().unwrap().estimate(), whole.ratio().unwrap().estimate(), 1e-14);
            close(merged.ratio().unwrap().variance(), whole.ratio().unwrap().variance(), 1e-12);
        }
        let text = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<ClusterSums>(&text).unwrap(), whole);
        let mut sums = whole.clone();
        assert!(sums.push(1, f64::NAN, 1.0).is_err() && sums.push(1, 1.0, f64::INFINITY).is_err());
        assert_eq!(sums, whole);
        assert!(ClusterSums::default().ratio().is_err());
    }

    /// The mean of rows by cluster totals is the cluster-robust regression on a constant, but for the
    /// correction `(N - 1) / (N - k)`, which is one for k = 1.
    #[test]
    fn a_mean_of_rows_is_cluster_robust() {
        let mut arm = ClusterSums::default();
        let rows = [(1, 10.0), (1, 12.0), (2, 7.0), (3, 9.0), (3, 9.5), (3, 8.0)];
        rows.iter().for_each(|(cluster, y)| arm.push_row(*cluster, *y).unwrap());
        let mean: f64 = 55.5 / 6.0;
        let score = |cluster: u64| -> f64 {
            rows.iter().filter(|row| row.0 == cluster).map(|row| row.1 - mean).sum()
        };
        let want = 1.5 * (1..=3).map(|cluster| score(cluster).powi(2)).sum::<f64>() / 36.0;
        close(arm.ratio().unwrap().variance(), want, 1e-13);
    }
}
