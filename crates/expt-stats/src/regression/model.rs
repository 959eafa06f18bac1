//! A linear model from rows.

use crate::error::{StatsError, finite};
use crate::regression::fit::Fit;
use crate::regression::orthogonal::{Orthogonal, dot};

/// Collects an outcome and named columns; the intercept is always part of the model.
///
/// Columns are centred and scaled before anything is squared, so values near 1e9 or 1e300 cost no digits.
///
/// ```
/// use expt_stats::regression::LinearModel;
///
/// let fit = LinearModel::new(&[1.0, 3.0, 5.0, 7.5])?.with_column("x", &[0.0, 1.0, 2.0, 3.0])?.fit()?;
/// assert!((fit.estimates()[0].1 - 2.15).abs() < 1e-12);
/// assert!((fit.intercept() - 0.9).abs() < 1e-12);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LinearModel {
    outcome: Vec<f64>,
    names: Vec<String>,
    columns: Vec<Vec<f64>>,
}

impl LinearModel {
    /// Starts with the outcome, one value a unit.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] for a value that is not finite.
    pub fn new(outcome: &[f64]) -> Result<Self, StatsError> {
        outcome.iter().try_for_each(|value| finite("the outcome", *value).map(drop))?;
        Ok(Self { outcome: outcome.to_vec(), names: Vec::new(), columns: Vec::new() })
    }

    /// Adds a column.
    ///
    /// # Errors
    /// [`StatsError::Length`] if it is not as long as the outcome, [`StatsError::NotFinite`] for a value that
    /// is not finite.
    pub fn with_column(mut self, name: impl Into<String>, values: &[f64]) -> Result<Self, StatsError> {
        let (found, allowed) = (values.len(), self.outcome.len());
        if found != allowed {
            return Err(StatsError::Length { what: "a column, by the outcome,", found, allowed });
        }
        values.iter().try_for_each(|value| finite("the value of a column", *value).map(drop))?;
        self.names.push(name.into());
        self.columns.push(values.to_vec());
        Ok(self)
    }

    /// Fits the model by least squares.
    ///
    /// # Errors
    /// [`StatsError::Collinear`] names the first column that is constant or a combination of those before
    /// it; [`StatsError::TooFew`] unless there are more units than coefficients; [`StatsError::Overflow`] if
    /// a coefficient leaves the range of `f64`.
    pub fn fit(&self) -> Result<Fit, StatsError> {
        let (n, k) = (self.outcome.len() as u64, self.columns.len() as u64 + 1);
        if n <= k {
            return Err(StatsError::TooFew { what: "the regression", have: n, need: k + 1 });
        }
        let mut centred = Vec::with_capacity(self.columns.len());
        let mut scales = Vec::with_capacity(self.columns.len());
        let mut means = Vec::with_capacity(self.columns.len());
        for (name, values) in self.names.iter().zip(&self.columns) {
            let column = Centred::new(values);
            if column.is_constant() {
                return Err(StatsError::Collinear { column: name.clone() });
            }
            centred.push(column.values);
            scales.push(column.scale);
            means.push(column.mean);
        }
        let basis = Orthogonal::new(centred).map_err(|index| StatsError::Collinear {
            column: self.names.get(index).cloned().unwrap_or_default(),
        })?;
        let outcome = Centred::new(&self.outcome);
        let mut residuals = outcome.values;
        let total = dot(&residuals, &residuals);
        let mut loadings = vec![0.0; basis.q.len()];
        for _ in 0..2 {
            let parts = basis.project(&residuals);
            for ((part, q), sum) in parts.iter().zip(&basis.q).zip(&mut loadings) {
                *sum += part;
                residuals.iter_mut().zip(q).for_each(|(value, direction)| *value -= part * direction);
            }
        }
        // What rounding alone leaves of a perfect fit is no noise.
        if dot(&residuals, &residuals) <= NOTHING * total * n as f64 {
            residuals.iter_mut().for_each(|value| *value = 0.0);
        }
        Fit::new(
            self.names.clone(),
            basis,
            &loadings,
            residuals,
            (outcome.mean, outcome.scale),
            (&means, &scales),
        )
    }
}

/// A column minus its mean, over its greatest size.
struct Centred {
    values: Vec<f64>,
    mean: f64,
    scale: f64,
    /// The greatest size before centring.
    size: f64,
}

impl Centred {
    fn new(values: &[f64]) -> Self {
        let size = values.iter().fold(0.0_f64, |size, value| size.max(value.abs()));
        let unit = if size > 0.0 { size } else { 1.0 };
        let n = values.len() as f64;
        let first = values.iter().map(|value| value / unit).sum::<f64>() / n;
        let mean = first + values.iter().map(|value| value / unit - first).sum::<f64>() / n;
        let mut centred: Vec<f64> = values.iter().map(|value| value / unit - mean).collect();
        let width = centred.iter().fold(0.0_f64, |width, value| width.max(value.abs()));
        let scale = if width > 0.0 { width } else { 1.0 };
        centred.iter_mut().for_each(|value| *value /= scale);
        Self { values: centred, mean: mean * unit, scale: scale * unit, size }
    }

    fn is_constant(&self) -> bool {
        self.values.iter().all(|value| *value == 0.0) || self.scale <= CONSTANT * self.size
    }
}

/// A column that varies by this share of its size is rounding.
const CONSTANT: f64 = 1e-14;

/// Residuals whose share of the variation is this small are rounding.
const NOTHING: f64 = 1e-30;
