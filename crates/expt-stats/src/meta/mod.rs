//! Combining what several experiments say: p-values and effects.
//!
//! ```
//! use expt_stats::LnP;
//! use expt_stats::meta::{PCombination, combine_p_values};
//!
//! let p: Vec<LnP> = [0.04, 0.10, 0.08].into_iter().map(LnP::from_p).collect::<Result<_, _>>()?;
//! let combined = combine_p_values(&p, PCombination::Fisher)?;
//! assert!((combined.statistic - 16.094_379_124).abs() < 1e-8);
//! assert!((combined.ln_p.p() - 0.013_256_262).abs() < 1e-8);
//! # Ok::<(), expt_stats::StatsError>(())
//! ```

mod effects;
mod p_values;

pub use effects::{Heterogeneity, MetaAnalysis, MetaInterval, MetaResult, Pooled, Study};
pub use p_values::{CombinedP, PCombination, combine_p_values, stouffer};
