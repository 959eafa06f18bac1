//! Sample quantiles, their intervals, tests and differences, and a mergeable sketch.
//!
//! A percentile of the latency or of the revenue of a unit is not a mean: its interval comes from order
//! statistics, whose ranks are binomial whatever the distribution. [`SortedSample`] does that from rows,
//! [`QuantileSketch`] from a bounded state that days and machines merge, with a certified error of ranks.
//!
//! ```
//! use expt_stats::quantile::{QuantileMethod, SortedSample};
//! use expt_stats::{Alpha, Alternative, Probability};
//!
//! let sample = SortedSample::new(&[10.9, 0.3, 0.4, 0.8, 2.0, 1.3, 3.0, 2.5, 0.7, 0.6])?;
//! let median = Probability::new(0.5)?;
//! assert!((sample.quantile(median, QuantileMethod::Linear) - 1.05).abs() < 1e-12);
//! let interval = sample.interval(median, Alpha::FIVE_PERCENT, Alternative::TwoSided);
//! assert_eq!((interval.lower, interval.upper), (Some(0.4), Some(3.0)));
//! # Ok::<(), expt_stats::StatsError>(())
//! ```

mod difference;
mod ranks;
mod sample;
mod sketch;
mod test;

pub use difference::{QuantileComparison, QuantileDifference};
pub use ranks::RankInterval;
pub use sample::{QuantileMethod, SortedSample};
pub use sketch::QuantileSketch;
pub use test::{QuantileStatistic, QuantileTest};
