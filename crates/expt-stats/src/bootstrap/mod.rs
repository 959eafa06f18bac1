//! The bootstrap, with a random stream for each replicate, so that results depend on nothing but the seed.
//!
//! Replicate `r` draws from a counter-based generator keyed by seed and `r`: threads may compute any ranges of
//! replicates in any order and get the same numbers. [`Bootstrap`] resamples rows that are in memory;
//! [`PoissonBootstrap`] is a mergeable state for rows that are not, keyed by unit and replicate.
//!
//! ```
//! use expt_stats::Alpha;
//! use expt_stats::bootstrap::{Bootstrap, BootstrapInterval, mean};
//!
//! let values: Vec<f64> = (0..200).map(|i| f64::from((i * 37) % 101)).collect();
//! let bootstrap = Bootstrap::new(7, 1_000)?;
//! let result = bootstrap.interval(&values, mean, BootstrapInterval::Bca, Alpha::FIVE_PERCENT)?;
//! assert!(result.interval.contains(50.0));
//! # Ok::<(), expt_stats::StatsError>(())
//! ```

mod index;
mod interval;
mod poisson;
mod statistic;
mod stream;

pub use index::Bootstrap;
pub use interval::{BootstrapInterval, BootstrapResult};
pub use poisson::PoissonBootstrap;
pub use statistic::{mean, quantile, ratio};
