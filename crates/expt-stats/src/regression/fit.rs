//! A fitted linear model and its standard errors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::StatsError;
use crate::interval::{Coverage, Interval};
use crate::level::{Alpha, Alternative, LnP};
use crate::regression::orthogonal::{Orthogonal, dot};
use crate::special::{normal, student};

/// Names an estimate of the covariance of the coefficients; `e` are residuals and `h` leverages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Covariance<'a> {
    /// `s^2 (X'X)^-1`: one variance for all units. With unequal arms and unequal variances it misleads.
    Classical,
    /// `e^2` (White 1980); too small in small samples.
    Hc0,
    /// `e^2 n / (n - k)` (Hinkley 1977).
    Hc1,
    /// `e^2 / (1 - h)` (Horn, Horn and Duncan 1975): unbiased if the variances are equal, and for two arms
    /// without covariates the same as Welch's. The default to recommend.
    Hc2,
    /// `e^2 / (1 - h)^2` (MacKinnon and White 1985): conservative, close to the jackknife.
    Hc3,
    /// Sums of `x e` within clusters (Liang and Zeger 1986), for randomised clusters.
    Cluster {
        /// The cluster of each unit.
        clusters: &'a [u64],
        /// The correction for few clusters.
        correction: ClusterCorrection,
    },
}

/// Names a correction of cluster-robust covariances for `G` clusters, `N` units and `k` coefficients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClusterCorrection {
    /// None.
    Cr0,
    /// `G / (G - 1) * (N - 1) / (N - k)`, the default of Stata and statsmodels.
    #[default]
    Cr1,
}

impl ClusterCorrection {
    pub(super) fn factor(self, clusters: f64, units: f64, coefficients: f64) -> f64 {
        match self {
            Self::Cr0 => 1.0,
            Self::Cr1 => clusters / (clusters - 1.0) * ((units - 1.0) / (units - coefficients)),
        }
    }
}

/// Holds a fitted linear model.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    names: Vec<String>,
    estimates: Vec<f64>,
    intercept: f64,
    basis: Orthogonal,
    residuals: Vec<f64>,
    /// The unit of each coefficient: that of the outcome over that of the column.
    units: Vec<f64>,
    outcome_scale: f64,
}

/// Holds a coefficient with its test against zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Coefficient {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The degrees of freedom of the t distribution: `n - k`, or clusters minus one.
    pub df: f64,
    /// Estimate over standard error; `None` if the fit is perfect.
    pub t: Option<f64>,
    /// The p-value by the t distribution; `None` if the fit is perfect.
    pub ln_p: Option<LnP>,
    /// The p-value by the normal distribution, which is too small for few clusters or units.
    pub ln_p_normal: Option<LnP>,
    /// The interval by the t distribution.
    pub interval: Interval,
}

impl Fit {
    pub(super) fn new(
        names: Vec<String>,
        basis: Orthogonal,
        loadings: &[f64],
        residuals: Vec<f64>,
        (outcome_mean, outcome_scale): (f64, f64),
        (means, scales): (&[f64], &[f64]),
    ) -> Result<Self, StatsError> {
        let units: Vec<f64> = scales.iter().map(|scale| outcome_scale / scale).collect();
        let estimates: Vec<f64> =
            basis.solve(loadings).iter().zip(&units).map(|(slope, unit)| slope * unit).collect();
        let intercept = outcome_mean - dot(&estimates, means);
        if estimates.iter().chain([&intercept]).any(|value| !value.is_finite()) {
            return Err(StatsError::Overflow { what: "a coefficient" });
        }
        Ok(Self { names, estimates, intercept, basis, residuals, units, outcome_scale })
    }

    /// Returns the intercept.
    #[must_use]
    pub const fn intercept(&self) -> f64 {
        self.intercept
    }

    /// Returns the columns' names with their coefficients.
    #[must_use]
    pub fn estimates(&self) -> Vec<(&str, f64)> {
        self.names.iter().map(String::as_str).zip(self.estimates.iter().copied()).collect()
    }

    /// Returns the degrees of freedom of the residuals, `n - k`.
    #[must_use]
    pub fn df(&self) -> f64 {
        (self.residuals.len() - self.names.len() - 1) as f64
    }

    /// Returns the residuals.
    #[must_use]
    pub fn residuals(&self) -> Vec<f64> {
        self.residuals.iter().map(|residual| residual * self.outcome_scale).collect()
    }

    /// Returns the leverage of each unit: the diagonal of `X (X'X)^-1 X'`.
    #[must_use]
    pub fn leverages(&self) -> Vec<f64> {
        let n = self.residuals.len() as f64;
        let mut leverages = vec![1.0 / n; self.residuals.len()];
        for q in &self.basis.q {
            leverages.iter_mut().zip(q).for_each(|(sum, value)| *sum += value * value);
        }
        leverages
    }

    /// Tests one coefficient against zero.
    ///
    /// # Errors
    /// [`StatsError::UnknownMetric`] if there is no such column; as [`Fit::covariance`].
    pub fn coefficient(
        &self,
        name: &str,
        covariance: Covariance<'_>,
        alpha: Alpha,
        alternative: Alternative,
    ) -> Result<Coefficient, StatsError> {
        let index = self.names.iter().position(|column| column == name);
        let index = index.ok_or_else(|| StatsError::UnknownMetric { name: name.to_owned() })?;
        let (matrix, df) = self.matrix(covariance)?;
        let scaled = matrix.get(index).and_then(|row| row.get(index)).copied().unwrap_or(0.0);
        let unit = self.units.get(index).copied().unwrap_or(1.0);
        let standard_error = scaled.max(0.0).sqrt() * unit;
        let estimate = self.estimates.get(index).copied().unwrap_or(0.0);
        Coefficient::new(estimate, standard_error, df, alpha, alternative)
    }

    /// Returns the covariance of the coefficients of the columns, in their order.
    ///
    /// # Errors
    /// [`StatsError::FullLeverage`] for HC2 and HC3 if a unit alone determines a coefficient;
    /// [`StatsError::Length`] unless there is one cluster for each unit; [`StatsError::TooFew`] below two
    /// clusters; [`StatsError::Overflow`].
    pub fn covariance(&self, covariance: Covariance<'_>) -> Result<Vec<Vec<f64>>, StatsError> {
        let (mut matrix, _) = self.matrix(covariance)?;
        for (row, left) in matrix.iter_mut().zip(&self.units) {
            for (value, right) in row.iter_mut().zip(&self.units) {
                *value *= left * right;
                if !value.is_finite() {
                    return Err(StatsError::Overflow { what: "a covariance" });
                }
            }
        }
        Ok(matrix)
    }

    /// The covariance in the units of the scaled columns, and the degrees of freedom.
    fn matrix(&self, covariance: Covariance<'_>) -> Result<(Vec<Vec<f64>>, f64), StatsError> {
        let (n, k) = (self.residuals.len() as f64, self.names.len() as f64 + 1.0);
        let squares = || self.residuals.iter().map(|e| e * e);
        let (meat, df) = match covariance {
            Covariance::Classical => {
                let variance = dot(&self.residuals, &self.residuals) / (n - k);
                let size = self.names.len();
                let diagonal = |j: usize| (0..size).map(|i| if i == j { variance } else { 0.0 }).collect();
                ((0..size).map(diagonal).collect(), n - k)
            }
            Covariance::Hc0 => (self.meat(&squares().collect::<Vec<_>>()), n - k),
            Covariance::Hc1 => (self.meat(&squares().map(|e| e * (n / (n - k))).collect::<Vec<_>>()), n - k),
            Covariance::Hc2 => (self.meat(&self.over_leverage(1)?), n - k),
            Covariance::Hc3 => (self.meat(&self.over_leverage(2)?), n - k),
            Covariance::Cluster { clusters, correction } => {
                let (found, allowed) = (clusters.len(), self.residuals.len());
                if found != allowed {
                    return Err(StatsError::Length {
                        what: "the list of clusters, by the units,",
                        found,
                        allowed,
                    });
                }
                let scores = self.cluster_scores(clusters);
                let count = scores.len() as f64;
                if scores.len() < 2 {
                    let have = scores.len() as u64;
                    return Err(StatsError::TooFew { what: "the list of clusters", have, need: 2 });
                }
                let factor = correction.factor(count, n, k);
                (outer_products(scores.values(), factor, self.names.len()), count - 1.0)
            }
        };
        Ok((self.basis.sandwich(&meat), df))
    }

    /// Squared residuals over a power of one minus the leverage.
    fn over_leverage(&self, power: i32) -> Result<Vec<f64>, StatsError> {
        let pairs = self.residuals.iter().zip(self.leverages()).enumerate();
        let weigh = |(unit, (e, h)): (usize, (&f64, f64))| {
            let free = 1.0 - h;
            if free <= FULL { Err(StatsError::FullLeverage { unit }) } else { Ok(e * e / free.powi(power)) }
        };
        pairs.map(weigh).collect()
    }

    /// The sum of `w q q'` over units.
    fn meat(&self, weights: &[f64]) -> Vec<Vec<f64>> {
        let q = &self.basis.q;
        let weighted = |column: &Vec<f64>| -> Vec<f64> {
            column.iter().zip(weights).map(|(value, weight)| value * weight).collect()
        };
        q.iter().map(weighted).map(|left| q.iter().map(|right| dot(&left, right)).collect()).collect()
    }

    /// The sum of `q e` in each cluster.
    fn cluster_scores(&self, clusters: &[u64]) -> BTreeMap<u64, Vec<f64>> {
        let mut scores: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        for (unit, (cluster, e)) in clusters.iter().zip(&self.residuals).enumerate() {
            let score = scores.entry(*cluster).or_insert_with(|| vec![0.0; self.basis.q.len()]);
            for (sum, q) in score.iter_mut().zip(&self.basis.q) {
                *sum += q.get(unit).copied().unwrap_or(0.0) * e;
            }
        }
        scores
    }
}

impl Coefficient {
    pub(super) fn new(
        estimate: f64,
        standard_error: f64,
        df: f64,
        alpha: Alpha,
        alternative: Alternative,
    ) -> Result<Self, StatsError> {
        if !standard_error.is_finite() {
            return Err(StatsError::Overflow { what: "a standard error" });
        }
        let t = (standard_error > 0.0).then(|| (estimate / standard_error).clamp(f64::MIN, f64::MAX));
        let ln_two = std::f64::consts::LN_2;
        let p = |ln_sf: &dyn Fn(f64) -> f64| {
            t.map(|t| match alternative {
                Alternative::TwoSided => LnP::saturating(ln_two + ln_sf(t.abs())),
                Alternative::Greater => LnP::saturating(ln_sf(t)),
                Alternative::Less => LnP::saturating(ln_sf(-t)),
            })
        };
        let share = if alternative == Alternative::TwoSided { 0.5 * alpha.get() } else { alpha.get() };
        let reach = student::upper_quantile(share, df) * standard_error;
        let lower = if alternative == Alternative::Less { f64::NEG_INFINITY } else { estimate - reach };
        let upper = if alternative == Alternative::Greater { f64::INFINITY } else { estimate + reach };
        Ok(Self {
            estimate,
            standard_error,
            df,
            t,
            ln_p: p(&|t| student::ln_sf(t, df)),
            ln_p_normal: p(&|t| normal::ln_sf(t)),
            interval: Interval::new(lower, upper, alpha, Coverage::Fixed),
        })
    }
}

/// Returns `factor` times the sum of the outer products of the scores.
pub(super) fn outer_products<'a>(
    scores: impl Iterator<Item = &'a Vec<f64>>,
    factor: f64,
    size: usize,
) -> Vec<Vec<f64>> {
    let mut meat = vec![vec![0.0; size]; size];
    for score in scores {
        for (row, left) in meat.iter_mut().zip(score) {
            row.iter_mut().zip(score).for_each(|(sum, right)| *sum += left * right * factor);
        }
    }
    meat
}

/// One minus a leverage up to here is zero but for rounding.
const FULL: f64 = 1e-11;
