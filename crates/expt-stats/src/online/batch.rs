//! Online FDR over batches that are judged together.

use serde::{Deserialize, Serialize};

use super::gamma::Gamma;
use crate::error::StatsError;
use crate::level::{Alpha, Probability};

/// Names how a batch is judged (Zrnic, Jiang, Ramdas and Jordan 2020).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BatchProcedure {
    /// Benjamini-Hochberg in each batch: FDR if all p-values are independent.
    BenjaminiHochberg,
    /// Storey-BH in each batch, with `pi0 = (1 + #{p > lambda}) / (n (1 - lambda))`: FDR if all p-values are
    /// independent.
    Storey {
        /// The threshold, strictly between 0 and 1; onlineFDR's default is 1/2.
        lambda: f64,
    },
    /// Benjamini-Hochberg in each batch at `alpha gamma_b (n + D) / n`, D the rejections so far: FDR if
    /// p-values are positively dependent within batches and independent across them.
    PositiveDependence,
}

/// Holds the state of a batch procedure.
///
/// With `n` the size of batch b, the level is `(alpha (gamma_1 + ... + gamma_b) - sum over earlier batches s of
/// a_s R+_s / (R+_s + D - R_s)) (n + D) / n`, where `R_s` of the D rejections so far are in batch s and `R+_s`
/// is the most it would have rejected had one of its p-values been zero; with Storey the sum is over batches
/// with some `p > lambda`. Levels may exceed one when much was rejected before.
///
/// ```
/// use expt_stats::{Alpha, online::{BatchProcedure, BatchedFdr}};
///
/// let mut fdr = BatchedFdr::new(BatchProcedure::BenjaminiHochberg, Alpha::FIVE_PERCENT)?;
/// assert!((fdr.next_level(3) - 0.05 * 0.4374901658).abs() < 1e-15);
/// let decision = fdr.record(&[0.001, 0.5, 0.9])?;
/// assert_eq!(decision.rejected, [true, false, false]);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
///
/// A batch of n costs O(n log n), and its level one term for each earlier batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct BatchedFdr {
    parts: Parts,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Parts {
    alpha: Alpha,
    method: BatchProcedure,
    gamma: Gamma,
    /// The sum of the gammas of the batches so far.
    gamma_sum: f64,
    rejections: u64,
    batches: Vec<Batch>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Batch {
    /// Its level; zero if it does not count.
    level: f64,
    rejected: u64,
    /// The most rejections with one p-value set to zero.
    augmented: u64,
}

/// Holds the decisions about a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchDecision {
    /// The number of the batch, from one.
    pub batch: u64,
    /// The level of the procedure within the batch.
    pub level: f64,
    /// Whether each hypothesis is rejected, in input order.
    pub rejected: Vec<bool>,
}

impl BatchedFdr {
    /// Starts with the default sequence, [`Gamma::Power`].
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if lambda is not strictly between 0 and 1.
    pub fn new(procedure: BatchProcedure, alpha: Alpha) -> Result<Self, StatsError> {
        Self::with_gamma(procedure, alpha, Gamma::Power)
    }

    /// Starts with another sequence.
    ///
    /// # Errors
    /// As [`BatchedFdr::new`].
    pub fn with_gamma(procedure: BatchProcedure, alpha: Alpha, gamma: Gamma) -> Result<Self, StatsError> {
        let batches = Vec::new();
        Parts { alpha, method: procedure, gamma, gamma_sum: 0.0, rejections: 0, batches }.try_into()
    }

    /// Returns the level that a next batch of `size` hypotheses has; it depends on earlier batches only.
    #[must_use]
    pub fn next_level(&self, size: usize) -> f64 {
        let Parts { alpha, method, gamma, gamma_sum, rejections, batches } = &self.parts;
        let (alpha, size, all) = (alpha.get(), size.max(1) as f64, *rejections as f64);
        let next = gamma.at(batches.len() as u64 + 1);
        let budget = match method {
            BatchProcedure::PositiveDependence => alpha * next,
            BatchProcedure::BenjaminiHochberg | BatchProcedure::Storey { .. } => {
                let spent: f64 = batches
                    .iter()
                    .map(|batch| {
                        let others = all - batch.rejected as f64;
                        batch.level * batch.augmented as f64 / (batch.augmented as f64 + others).max(1.0)
                    })
                    .sum();
                alpha * (gamma_sum + next) - spent
            }
        };
        (budget * (size + all) / size).max(0.0)
    }

    /// Judges the next batch.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if a p-value is not in `[0, 1]` or there is none.
    pub fn record(&mut self, p: &[f64]) -> Result<BatchDecision, StatsError> {
        p.iter().try_for_each(|&p| Probability::new(p).map(drop))?;
        if p.is_empty() {
            return Err(StatsError::OutOfRange {
                what: "the size of the batch",
                value: 0.0,
                allowed: "one or more",
            });
        }
        let level = self.next_level(p.len());
        let mut sorted = p.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let rejected = self.rejections(&sorted, level);
        // Zero in place of the largest p-value does the most.
        let augmented: Vec<f64> =
            std::iter::once(0.0).chain(sorted.iter().copied().take(p.len() - 1)).collect();
        let augmented = self.rejections(&augmented, level);
        let bar = rejected.checked_sub(1).and_then(|last| sorted.get(last).copied());
        let decisions = p.iter().map(|p| bar.is_some_and(|bar| *p <= bar)).collect();

        let parts = &mut self.parts;
        let counts = match parts.method {
            BatchProcedure::Storey { lambda } => sorted.last().is_some_and(|largest| *largest > lambda),
            _ => true,
        };
        parts.gamma_sum += parts.gamma.at(parts.batches.len() as u64 + 1);
        parts.rejections += rejected as u64;
        parts.batches.push(Batch {
            level: if counts { level } else { 0.0 },
            rejected: rejected as u64,
            augmented: augmented as u64,
        });
        Ok(BatchDecision { batch: parts.batches.len() as u64, level, rejected: decisions })
    }

    /// Returns how many hypotheses have been rejected.
    #[must_use]
    pub const fn total_rejections(&self) -> u64 {
        self.parts.rejections
    }

    /// How many of ascending p-values the batch's procedure rejects at `level`.
    fn rejections(&self, sorted: &[f64], level: f64) -> usize {
        let n = sorted.len() as f64;
        let null_share = match self.parts.method {
            BatchProcedure::Storey { lambda } => {
                let above = sorted.iter().filter(|p| **p > lambda).count() as f64;
                (above + 1.0) / ((1.0 - lambda) * n)
            }
            _ => 1.0,
        };
        let adjusted = |(rank, p): (usize, &f64)| (n / (rank + 1) as f64 * null_share * p).min(1.0);
        let within = sorted.iter().enumerate().rposition(|pair| adjusted(pair) <= level);
        within.map_or(0, |last| last + 1)
    }
}

impl TryFrom<Parts> for BatchedFdr {
    type Error = StatsError;

    fn try_from(parts: Parts) -> Result<Self, StatsError> {
        if let BatchProcedure::Storey { lambda } = parts.method
            && !(lambda > 0.0 && lambda < 1.0)
        {
            return Err(StatsError::OutOfRange {
                what: "lambda",
                value: lambda,
                allowed: "the open interval (0, 1)",
            });
        }
        let levels = parts.batches.iter().map(|batch| batch.level);
        for value in levels.chain([parts.gamma_sum]) {
            if !(value.is_finite() && value >= 0.0) {
                let allowed = "finite and not negative";
                return Err(StatsError::OutOfRange { what: "a number of the state", value, allowed });
            }
        }
        let sum = parts.batches.iter().try_fold(0_u64, |sum, batch| sum.checked_add(batch.rejected));
        if sum != Some(parts.rejections) || parts.rejections > 1 << 53 {
            return Err(StatsError::OutOfRange {
                what: "the number of rejections in the state",
                value: parts.rejections as f64,
                allowed: "the sum over its batches; the state was not written by this library",
            });
        }
        Ok(Self { parts })
    }
}

impl From<BatchedFdr> for Parts {
    fn from(state: BatchedFdr) -> Self {
        state.parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `R+` by its definition: the most over all places.
    fn augmented(state: &BatchedFdr, p: &[f64], level: f64) -> usize {
        let with_zero = |j: usize| {
            let mut p = p.to_vec();
            p[j] = 0.0;
            p.sort_by(f64::total_cmp);
            state.rejections(&p, level)
        };
        (0..p.len()).map(with_zero).max().unwrap()
    }

    #[test]
    fn zero_in_place_of_the_largest_does_the_most() {
        let p = [0.9, 0.002, 0.03, 0.4, 0.011, 0.55, 0.04];
        for procedure in [BatchProcedure::BenjaminiHochberg, BatchProcedure::Storey { lambda: 0.5 }] {
            for level in [0.001, 0.01, 0.03, 0.05, 0.1, 0.3, 0.9] {
                let mut state = BatchedFdr::new(procedure, Alpha::FIVE_PERCENT).unwrap();
                let want = augmented(&state, &p, level);
                let mut sorted = p.to_vec();
                sorted.sort_by(f64::total_cmp);
                sorted.rotate_right(1);
                sorted[0] = 0.0;
                assert_eq!(state.rejections(&sorted, level), want, "{procedure:?} {level}");
                state.record(&p).unwrap();
            }
        }
    }

    #[test]
    fn edges() {
        let mut state = BatchedFdr::new(BatchProcedure::PositiveDependence, Alpha::FIVE_PERCENT).unwrap();
        assert!(state.record(&[]).is_err() && state.record(&[0.5, f64::NAN]).is_err());
        for _ in 0..50 {
            let decision = state.record(&[0.0, 1.0, 0.0]).unwrap();
            assert!(decision.level.is_finite() && decision.rejected[0]);
        }
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<BatchedFdr>(&json).unwrap(), state);
        for lambda in [0.0, 1.0, f64::NAN] {
            assert!(BatchedFdr::new(BatchProcedure::Storey { lambda }, Alpha::FIVE_PERCENT).is_err());
        }
    }
}
