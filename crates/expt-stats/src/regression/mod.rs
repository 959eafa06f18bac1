//! Regression-adjusted treatment effects with classical, heteroskedasticity-robust and cluster-robust errors.
//!
//! | question | function |
//! |---|---|
//! | effect adjusted for covariates, one slope for both arms | [`ancova`] |
//! | the same with a slope for each arm (never worse asymptotically) | [`lin_adjusted`] |
//! | any linear model from rows | [`LinearModel`] |
//! | a linear model from sums that days and machines merge | [`RegressionSums`], [`ClusteredSums`] |
//! | a mean or ratio of rows when clusters were randomised | [`ClusterSums`] |
//!
//! ```
//! use expt_stats::regression::{Covariance, ancova};
//! use expt_stats::{Alpha, Alternative};
//!
//! let outcome = [1.0, 3.1, 2.2, 4.0, 2.9, 5.2];
//! let treated = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0];
//! let before = [1.0, 1.1, 2.0, 2.1, 3.0, 3.2];
//! let fit = ancova(&outcome, &treated, &[("before", &before)])?;
//! let effect = fit.coefficient("treatment", Covariance::Hc2, Alpha::FIVE_PERCENT, Alternative::TwoSided)?;
//! assert!((effect.estimate - 1.936_397_25).abs() < 1e-7);
//! # Ok::<(), expt_stats::StatsError>(())
//! ```

mod adjusted;
mod clusters;
mod fit;
mod gram;
mod model;
mod orthogonal;
mod sums;

pub use adjusted::{ancova, lin_adjusted};
pub use clusters::ClusterSums;
pub use fit::{ClusterCorrection, Coefficient, Covariance, Fit};
pub use model::LinearModel;
pub use sums::{ClusteredSums, RegressionSums, SumsFit};
