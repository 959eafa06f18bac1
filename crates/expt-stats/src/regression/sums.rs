//! Linear models from sums that merge.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::level::{Alpha, Alternative};
use crate::regression::fit::{ClusterCorrection, Coefficient, outer_products};
use crate::regression::gram::Gram;

/// Holds the sums that a linear model with an intercept needs; a commutative monoid.
///
/// Means carry twice the precision of an `f64` and products are centred, so an offset of 1e9 costs no digits.
/// The normal equations square the condition of the design, so about half of the digits remain for nearly
/// collinear columns; fit such a model from rows with [`LinearModel`](crate::regression::LinearModel).
/// Only the classical covariance can be had from these sums; robust ones need [`ClusteredSums`].
///
/// ```
/// use expt_stats::regression::RegressionSums;
///
/// let mut monday = RegressionSums::new(&["x"]);
/// monday.push(&[0.0], 1.0)?;
/// monday.push(&[1.0], 3.0)?;
/// let mut tuesday = RegressionSums::new(&["x"]);
/// tuesday.push(&[2.0], 5.0)?;
/// tuesday.push(&[3.0], 7.5)?;
/// let fit = monday.merge(&tuesday)?.fit()?;
/// assert!((fit.estimates()[0].1 - 2.15).abs() < 1e-12);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredSums")]
pub struct RegressionSums {
    names: Vec<String>,
    gram: Gram,
}

impl RegressionSums {
    /// Makes an empty state for the named columns; the intercept is always part of the model.
    #[must_use]
    pub fn new(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let gram = Gram::new(names.len() + 1);
        Self { names, gram }
    }

    /// Counts one unit.
    ///
    /// # Errors
    /// [`StatsError::Length`] unless there is one value for each column, [`StatsError::NotFinite`],
    /// [`StatsError::Overflow`]; the state is unchanged then.
    pub fn push(&mut self, columns: &[f64], outcome: f64) -> Result<(), StatsError> {
        let row: Vec<f64> = columns.iter().copied().chain([outcome]).collect();
        self.gram.push(&row)
    }

    /// Joins two states; commutative to the last bit, associative up to rounding.
    ///
    /// # Errors
    /// [`StatsError::UnknownMetric`] for a column that only one of them has, [`StatsError::Overflow`].
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        same_names(&self.names, &other.names)?;
        Ok(Self { names: self.names.clone(), gram: self.gram.merge(&other.gram)? })
    }

    /// Returns the number of units.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.gram.count()
    }

    /// Fits the model; the covariance is the classical one.
    ///
    /// # Errors
    /// As [`LinearModel::fit`](crate::regression::LinearModel::fit).
    pub fn fit(&self) -> Result<SumsFit, StatsError> {
        let solved = Solved::new(&self.names, &self.gram)?;
        let (n, k) = (self.gram.count() as f64, self.names.len() as f64 + 1.0);
        let last = self.names.len();
        let explained: f64 =
            solved.slopes.iter().enumerate().map(|(i, b)| b * self.gram.product(i, last)).sum();
        let rest = (self.gram.product(last, last) - explained).max(0.0);
        let variance = if rest <= NOTHING * self.gram.product(last, last) { 0.0 } else { rest / (n - k) };
        let size = self.names.len();
        let unit = |j: usize| -> Vec<f64> { (0..size).map(|i| f64::from(u8::from(i == j))).collect() };
        let inverse = (0..size).map(|j| solved.cholesky.solve(&unit(j)));
        let covariance =
            inverse.map(|column| column.iter().map(|value| value * variance).collect()).collect();
        Ok(solved.fit(&self.names, &self.gram, covariance, n - k))
    }
}

/// Holds the sums of each cluster; from them cluster-robust standard errors of any linear model follow.
///
/// A cluster may come in parts, from several machines: parts of one cluster are added up. Memory grows with
/// the number of clusters. If each unit is its own cluster, CR1 is HC1 up to `(N - 1) / N` taken into account:
/// `G / (G - 1) (N - 1) / (N - k) = N / (N - k)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredClusters")]
pub struct ClusteredSums {
    names: Vec<String>,
    clusters: BTreeMap<u64, Gram>,
}

impl ClusteredSums {
    /// Makes an empty state for the named columns; the intercept is always part of the model.
    #[must_use]
    pub fn new(names: &[&str]) -> Self {
        Self { names: names.iter().map(|name| (*name).to_owned()).collect(), clusters: BTreeMap::new() }
    }

    /// Counts one unit of a cluster.
    ///
    /// # Errors
    /// As [`RegressionSums::push`].
    pub fn push(&mut self, cluster: u64, columns: &[f64], outcome: f64) -> Result<(), StatsError> {
        let row: Vec<f64> = columns.iter().copied().chain([outcome]).collect();
        let size = self.names.len() + 1;
        let mut gram = self.clusters.get(&cluster).cloned().unwrap_or_else(|| Gram::new(size));
        gram.push(&row)?;
        self.clusters.insert(cluster, gram);
        Ok(())
    }

    /// Joins two states, adding up the parts of a cluster.
    ///
    /// # Errors
    /// As [`RegressionSums::merge`].
    pub fn merge(&self, other: &Self) -> Result<Self, StatsError> {
        same_names(&self.names, &other.names)?;
        let mut merged = self.clone();
        for (cluster, gram) in &other.clusters {
            let joined = match merged.clusters.get(cluster) {
                Some(own) => own.merge(gram)?,
                None => gram.clone(),
            };
            merged.clusters.insert(*cluster, joined);
        }
        Ok(merged)
    }

    /// Returns the number of clusters.
    #[must_use]
    pub fn clusters(&self) -> usize {
        self.clusters.len()
    }

    /// Fits the model with a cluster-robust covariance and clusters minus one degrees of freedom.
    ///
    /// # Errors
    /// As [`LinearModel::fit`](crate::regression::LinearModel::fit); [`StatsError::TooFew`] below two
    /// clusters.
    pub fn fit(&self, correction: ClusterCorrection) -> Result<SumsFit, StatsError> {
        if self.clusters.len() < 2 {
            let have = self.clusters.len() as u64;
            return Err(StatsError::TooFew { what: "the list of clusters", have, need: 2 });
        }
        let size = self.names.len();
        let mut total = Gram::new(size + 1);
        for gram in self.clusters.values() {
            total = total.merge(gram)?;
        }
        let solved = Solved::new(&self.names, &total)?;
        let score = |gram: &Gram| -> Vec<f64> {
            let shift: Vec<f64> = (0..=size).map(|i| gram.mean_shift(&total, i)).collect();
            let about = |i: usize, j: usize| {
                let between = shift.get(i).zip(shift.get(j)).map_or(0.0, |(a, b)| a * b);
                gram.product(i, j) + gram.count() as f64 * between
            };
            let explained = |i: usize| -> f64 {
                solved.slopes.iter().enumerate().map(|(j, slope)| slope * about(i, j)).sum()
            };
            (0..size).map(|i| about(i, size) - explained(i)).collect()
        };
        let scores: Vec<Vec<f64>> = self.clusters.values().map(score).collect();
        let (groups, n, k) = (scores.len() as f64, total.count() as f64, size as f64 + 1.0);
        let meat = outer_products(scores.iter(), correction.factor(groups, n, k), size);
        let half: Vec<Vec<f64>> = meat.iter().map(|column| solved.cholesky.solve(column)).collect();
        let column = |j: usize| half.iter().map(|row| row.get(j).copied().unwrap_or(0.0)).collect::<Vec<_>>();
        let covariance = (0..size).map(|j| solved.cholesky.solve(&column(j))).collect();
        Ok(solved.fit(&self.names, &total, covariance, groups - 1.0))
    }
}

/// Holds a model that was fitted from sums.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SumsFit {
    names: Vec<String>,
    slopes: Vec<f64>,
    intercept: f64,
    covariance: Vec<Vec<f64>>,
    df: f64,
}

impl SumsFit {
    /// Returns the intercept.
    #[must_use]
    pub const fn intercept(&self) -> f64 {
        self.intercept
    }

    /// Returns the columns' names with their coefficients.
    #[must_use]
    pub fn estimates(&self) -> Vec<(&str, f64)> {
        self.names.iter().map(String::as_str).zip(self.slopes.iter().copied()).collect()
    }

    /// Returns the covariance of the coefficients of the columns, in their order.
    #[must_use]
    pub fn covariance(&self) -> &[Vec<f64>] {
        &self.covariance
    }

    /// Tests one coefficient against zero.
    ///
    /// # Errors
    /// [`StatsError::UnknownMetric`] if there is no such column.
    pub fn coefficient(
        &self,
        name: &str,
        alpha: Alpha,
        alternative: Alternative,
    ) -> Result<Coefficient, StatsError> {
        let index = self.names.iter().position(|column| column == name);
        let index = index.ok_or_else(|| StatsError::UnknownMetric { name: name.to_owned() })?;
        let variance = self.covariance.get(index).and_then(|row| row.get(index)).copied().unwrap_or(0.0);
        let estimate = self.slopes.get(index).copied().unwrap_or(0.0);
        Coefficient::new(estimate, variance.max(0.0).sqrt(), self.df, alpha, alternative)
    }
}

/// The solved normal equations.
struct Solved {
    cholesky: Cholesky,
    slopes: Vec<f64>,
}

impl Solved {
    fn new(names: &[String], gram: &Gram) -> Result<Self, StatsError> {
        let (n, k) = (gram.count(), names.len() as u64 + 1);
        if n <= k {
            return Err(StatsError::TooFew { what: "the regression", have: n, need: k + 1 });
        }
        let size = names.len();
        let cholesky = Cholesky::new(size, gram).map_err(|index| StatsError::Collinear {
            column: names.get(index).cloned().unwrap_or_default(),
        })?;
        let right: Vec<f64> = (0..size).map(|i| gram.product(i, size)).collect();
        let slopes = cholesky.solve(&right);
        if slopes.iter().any(|slope| !slope.is_finite()) {
            return Err(StatsError::Overflow { what: "a coefficient" });
        }
        Ok(Self { cholesky, slopes })
    }

    fn fit(self, names: &[String], gram: &Gram, covariance: Vec<Vec<f64>>, df: f64) -> SumsFit {
        let explained: f64 = self.slopes.iter().enumerate().map(|(i, slope)| slope * gram.mean(i)).sum();
        let intercept = gram.mean(names.len()) - explained;
        SumsFit { names: names.to_vec(), slopes: self.slopes, intercept, covariance, df }
    }
}

/// The factor L of a correlation-like matrix `L L'`, with the scale of each variable.
struct Cholesky {
    rows: Vec<Vec<f64>>,
    scales: Vec<f64>,
}

impl Cholesky {
    /// Factors the products of the first `size` variables; the error is the index of a dependent one.
    fn new(size: usize, gram: &Gram) -> Result<Self, usize> {
        let scales: Vec<f64> = (0..size).map(|i| gram.product(i, i).sqrt()).collect();
        if let Some(index) = scales.iter().position(|scale| scale.is_nan() || *scale <= 0.0) {
            return Err(index);
        }
        let mut rows: Vec<Vec<f64>> = Vec::with_capacity(size);
        for (i, own) in scales.iter().enumerate() {
            let mut row: Vec<f64> = Vec::with_capacity(i + 1);
            for (j, (earlier, scale)) in rows.iter().zip(&scales).enumerate() {
                let known: f64 = row.iter().zip(earlier).map(|(a, b)| a * b).sum();
                let diagonal = earlier.last().copied().unwrap_or(1.0);
                row.push((gram.product(i, j) / own / scale - known) / diagonal);
            }
            let left = 1.0 - row.iter().map(|value| value * value).sum::<f64>();
            if left.is_nan() || left <= DEPENDENT {
                return Err(i);
            }
            row.push(left.sqrt());
            rows.push(row);
        }
        Ok(Self { rows, scales })
    }

    fn solve(&self, right: &[f64]) -> Vec<f64> {
        let mut half: Vec<f64> = Vec::with_capacity(right.len());
        for ((row, value), scale) in self.rows.iter().zip(right).zip(&self.scales) {
            let known: f64 = row.iter().zip(&half).map(|(a, b)| a * b).sum();
            half.push((value / scale - known) / row.last().copied().unwrap_or(1.0));
        }
        let mut solution = vec![0.0; half.len()];
        for (i, (row, scale)) in self.rows.iter().zip(&self.scales).enumerate().rev() {
            let x = half.get(i).copied().unwrap_or(0.0) / row.last().copied().unwrap_or(1.0);
            half.iter_mut().zip(row).take(i).for_each(|(value, weight)| *value -= weight * x);
            if let Some(slot) = solution.get_mut(i) {
                *slot = x / scale;
            }
        }
        solution
    }
}

fn same_names(own: &[String], other: &[String]) -> Result<(), StatsError> {
    let unknown = other.iter().zip(own).find(|(other, own)| other != own).map(|(other, _)| other);
    let unknown = unknown.or_else(|| other.get(own.len())).or_else(|| own.get(other.len()));
    unknown.map_or(Ok(()), |name| Err(StatsError::UnknownMetric { name: name.clone() }))
}

/// The serialised forms.
#[derive(Deserialize)]
struct StoredSums {
    names: Vec<String>,
    gram: Gram,
}

#[derive(Deserialize)]
struct StoredClusters {
    names: Vec<String>,
    clusters: BTreeMap<u64, Gram>,
}

impl TryFrom<StoredSums> for RegressionSums {
    type Error = StatsError;

    fn try_from(stored: StoredSums) -> Result<Self, StatsError> {
        check_size(&stored.gram, stored.names.len() + 1)?;
        Ok(Self { names: stored.names, gram: stored.gram })
    }
}

impl TryFrom<StoredClusters> for ClusteredSums {
    type Error = StatsError;

    fn try_from(stored: StoredClusters) -> Result<Self, StatsError> {
        stored.clusters.values().try_for_each(|gram| check_size(gram, stored.names.len() + 1))?;
        Ok(Self { names: stored.names, clusters: stored.clusters })
    }
}

fn check_size(gram: &Gram, allowed: usize) -> Result<(), StatsError> {
    let found = gram.size();
    if found == allowed {
        Ok(())
    } else {
        Err(StatsError::Length { what: "the list of means", found, allowed })
    }
}

/// A column of whose variance this share is left after the others is a combination of them.
const DEPENDENT: f64 = 1e-13;

/// A residual share this small is rounding.
const NOTHING: f64 = 1e-14;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regression::{Covariance, LinearModel};
    use crate::testing::close;

    struct Row(u64, [f64; 2], f64);

    fn rows(n: u32, offset: f64) -> Vec<Row> {
        let row = |i: u32| {
            let (d, x) = (f64::from(u8::from(i.is_multiple_of(3))), offset + f64::from((i * 7919) % 101));
            Row(u64::from(i / 7), [d, x], 0.5 * (x - offset) + d + f64::from((i * 31) % 17))
        };
        (0..n).map(row).collect()
    }

    #[test]
    fn sums_agree_with_rows_under_any_chunking_at_offset_1e9() {
        let plain = rows(1000, 0.0);
        let (y, d, x): (Vec<f64>, Vec<f64>, Vec<f64>) = (
            plain.iter().map(|row| row.2).collect(),
            plain.iter().map(|row| row.1[0]).collect(),
            plain.iter().map(|row| row.1[1]).collect(),
        );
        let clusters: Vec<u64> = plain.iter().map(|row| row.0).collect();
        let model = LinearModel::new(&y)
            .unwrap()
            .with_column("d", &d)
            .unwrap()
            .with_column("x", &x)
            .unwrap()
            .fit()
            .unwrap();
        let by_rows = |covariance| {
            model.coefficient("d", covariance, Alpha::FIVE_PERCENT, Alternative::TwoSided).unwrap()
        };
        let (classical, robust) = (
            by_rows(Covariance::Classical),
            by_rows(Covariance::Cluster { clusters: &clusters, correction: ClusterCorrection::Cr1 }),
        );
        let data = rows(1000, 1e9);
        for size in [1, 3, 100, 999] {
            let mut sums = RegressionSums::new(&["d", "x"]);
            let mut clustered = ClusteredSums::new(&["d", "x"]);
            for chunk in data.chunks(size) {
                let mut part = RegressionSums::new(&["d", "x"]);
                let mut clusters = ClusteredSums::new(&["d", "x"]);
                for row in chunk {
                    part.push(&row.1, row.2).unwrap();
                    clusters.push(row.0, &row.1, row.2).unwrap();
                }
                assert_eq!(sums.merge(&part).unwrap(), part.merge(&sums).unwrap());
                sums = sums.merge(&part).unwrap();
                clustered = clusters.merge(&clustered).unwrap();
            }
            let test =
                |fit: &SumsFit| fit.coefficient("d", Alpha::FIVE_PERCENT, Alternative::TwoSided).unwrap();
            let got = test(&sums.fit().unwrap());
            close(got.estimate, classical.estimate, 1e-11);
            close(got.standard_error, classical.standard_error, 1e-11);
            close(got.df, classical.df, 0.0);
            let got = test(&clustered.fit(ClusterCorrection::Cr1).unwrap());
            close(got.estimate, robust.estimate, 1e-11);
            close(got.standard_error, robust.standard_error, 1e-10);
            close(got.df, robust.df, 0.0);
        }
    }

    #[test]
    fn states_validate() {
        let mut sums = RegressionSums::new(&["d", "twice"]);
        for i in 0..9 {
            let d = f64::from(i % 2);
            sums.push(&[d, 2.0 * d], f64::from(i)).unwrap();
        }
        assert_eq!(sums.fit(), Err(StatsError::Collinear { column: "twice".into() }));
        let before = sums.clone();
        assert!(sums.push(&[1.0], 1.0).is_err() && sums.push(&[1.0, f64::NAN], 1.0).is_err());
        assert_eq!(sums, before);
        assert!(sums.merge(&RegressionSums::new(&["d", "x"])).is_err());
        assert!(RegressionSums::new(&["d"]).fit().is_err());
        let text = serde_json::to_string(&sums).unwrap();
        assert_eq!(serde_json::from_str::<RegressionSums>(&text).unwrap(), sums);
        assert!(serde_json::from_str::<RegressionSums>(&text.replace("\"twice\"", "\"a\",\"b\"")).is_err());
        assert!(ClusteredSums::new(&["d"]).fit(ClusterCorrection::Cr0).is_err());
    }
}
