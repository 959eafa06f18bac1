//! Tests and effect sizes that use the order of the values only.
//!
//! They ask whether values of the treatment tend to be greater, not whether their mean is: with a skewed
//! metric both answers may differ, and a business that adds up revenue wants the mean. Use these for
//! ordinal scores, for durations with wild outliers, and as a check of a mean.
//!
//! | question | function |
//! |---|---|
//! | is P(T > C) + P(T = C)/2 equal to 1/2, same shape of distribution? | [`MannWhitney`] |
//! | the same with unequal spread | [`brunner_munzel`] |
//! | paired differences symmetric about zero? | [`Wilcoxon`] |
//! | more than two arms | [`kruskal_wallis`] |
//! | any difference of two distributions | [`Smirnov`] |
//! | how large is it? | [`common_language`], [`hodges_lehmann`] |
//!
//! ```
//! use expt_stats::rank::MannWhitney;
//!
//! let test = MannWhitney::default().compare(&[2.0, 4.0, 6.0], &[3.0, 7.0, 8.0, 9.0])?;
//! assert_eq!(test.u_treatment, 10.0);
//! assert!((test.ln_p.p() - 8.0 / 35.0).abs() < 1e-12);
//! # Ok::<(), expt_stats::StatsError>(())
//! ```

mod brunner_munzel;
mod effect;
mod kolmogorov;
mod kruskal;
mod mann_whitney;
mod permutation;
mod ranks;
mod smirnov;
mod wilcoxon;

pub use brunner_munzel::{BrunnerMunzel, BrunnerMunzelStatistic, brunner_munzel};
pub use effect::{CommonLanguage, HodgesLehmann, common_language, hodges_lehmann};
pub use kruskal::{KruskalWallis, kruskal_wallis};
pub use mann_whitney::{MannWhitney, MannWhitneyTest};
pub use smirnov::{Smirnov, SmirnovTest};
pub use wilcoxon::{Wilcoxon, WilcoxonTest, Zeros};

use serde::{Deserialize, Serialize};

/// Names how a p-value is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Null {
    /// As scipy chooses: exact for small samples without ties, else the approximation.
    #[default]
    Auto,
    /// The exact distribution for continuous data; with ties it is conservative or approximate.
    Exact,
    /// The exact distribution over all permutations of the values at hand, ties included. Where that
    /// would take more than some hundred million steps, [`Null::Asymptotic`] is used and reported.
    Permutation,
    /// The large-sample approximation.
    Asymptotic,
}
