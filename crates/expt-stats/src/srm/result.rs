//! What a sample-ratio test says.

use serde::{Deserialize, Serialize};

use crate::level::{Alpha, LnP};

/// Says whether the arms got their shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SrmVerdict {
    /// The counts agree with the shares.
    Healthy,
    /// The counts contradict the shares: no metric may be read.
    Mismatch,
    /// There are no units yet.
    NoUnits,
}

/// Names the test behind an [`SrmResult`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "test", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SrmMethod {
    /// Pearson's chi-square, valid at one look.
    ChiSquare {
        /// The statistic.
        statistic: f64,
        /// Its degrees of freedom.
        df: u32,
    },
    /// The likelihood ratio test G, valid at one look.
    LikelihoodRatio {
        /// The statistic.
        statistic: f64,
        /// Its degrees of freedom.
        df: u32,
    },
    /// The sum of the chi-squares of periods with shares of their own, valid at one look.
    Stratified {
        /// The statistic.
        statistic: f64,
        /// Its degrees of freedom.
        df: u32,
    },
    /// The chi-square of the totals over periods with shares of their own, valid at one look.
    Pooled {
        /// The statistic.
        statistic: f64,
        /// Its degrees of freedom.
        df: u32,
    },
    /// The multinomial-Dirichlet Bayes factor, valid at all looks.
    Sequential {
        /// The ln Bayes factor of a mismatch against the promised shares.
        ln_bayes_factor: f64,
    },
}

/// Holds the outcome of a sample-ratio test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SrmResult {
    /// The verdict at `alpha`.
    pub verdict: SrmVerdict,
    /// The p-value of the promised shares.
    pub ln_p: LnP,
    /// The level of the verdict; [`Alpha::PER_MILLE`] is usual.
    pub alpha: Alpha,
    /// Units per arm.
    pub counts: Vec<u64>,
    /// Expected units per arm.
    pub expected: Vec<f64>,
    /// The test.
    pub method: SrmMethod,
}

impl SrmResult {
    /// Derives the verdict.
    pub(super) fn new(
        ln_p: LnP,
        alpha: Alpha,
        counts: Vec<u64>,
        expected: Vec<f64>,
        method: SrmMethod,
    ) -> Self {
        let verdict = match counts.iter().any(|&count| count > 0) {
            false => SrmVerdict::NoUnits,
            true if ln_p.is_at_most(alpha) => SrmVerdict::Mismatch,
            true => SrmVerdict::Healthy,
        };
        Self { verdict, ln_p, alpha, counts, expected, method }
    }
}
