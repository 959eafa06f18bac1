//! How an error budget is spread over an endless sequence of tests.

use serde::{Deserialize, Serialize};

use crate::error::{StatsError, non_negative};

/// Holds a sequence of non-increasing, non-negative numbers `gamma_1, gamma_2, ...` that sum to at most one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Gamma {
    /// `0.07720838 ln(max(j, 2)) / (j exp(sqrt(ln j)))` (Javanmard and Montanari 2018): the default of LOND,
    /// LORD, alpha-spending, online fallback and e-LOND.
    JavanmardMontanari,
    /// `0.4374901658 j^-1.6`, whose sum is one (Ramdas et al. 2018): the default of SAFFRON, ADDIS,
    /// alpha-investing and the batch procedures.
    Power,
    /// `0.139307 / (j ln(max(j, 2))^3)`, which satisfies the condition of LORD for dependent p-values
    /// (Javanmard and Montanari 2018).
    Dependent,
    /// Numbers of one's own for the first tests, and zero for all later ones.
    Weights(GammaWeights),
}

impl Gamma {
    /// Makes a finite sequence.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] if a number is negative, not finite or greater
    /// than the one before it, or the sum is above one.
    pub fn from_weights(weights: Vec<f64>) -> Result<Self, StatsError> {
        GammaWeights::new(weights).map(Self::Weights)
    }

    /// Returns the number at place `j`, counted from one; place zero counts as one.
    ///
    /// ```
    /// use expt_stats::online::Gamma;
    ///
    /// assert!((Gamma::Power.at(1) - 0.4374901658).abs() < 1e-15);
    /// assert_eq!(Gamma::from_weights(vec![0.5, 0.5])?.at(3), 0.0);
    /// # Ok::<(), expt_stats::StatsError>(())
    /// ```
    #[must_use]
    pub fn at(&self, j: u64) -> f64 {
        let place = j.max(1);
        let j = place as f64;
        match self {
            Self::JavanmardMontanari => {
                let ln = j.ln();
                0.077_208_38 * ln.max(std::f64::consts::LN_2) / (j * ln.sqrt().exp())
            }
            Self::Power => 0.437_490_165_8 * j.powf(-1.6),
            Self::Dependent => 0.139_307 / (j * j.max(2.0).ln().powi(3)),
            Self::Weights(weights) => {
                let index = usize::try_from(place - 1).unwrap_or(usize::MAX);
                weights.0.get(index).copied().unwrap_or(0.0)
            }
        }
    }
}

/// Holds the numbers of [`Gamma::Weights`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct GammaWeights(Vec<f64>);

impl GammaWeights {
    fn new(weights: Vec<f64>) -> Result<Self, StatsError> {
        let (mut sum, mut last) = (0.0, f64::INFINITY);
        for &weight in &weights {
            sum += non_negative("a gamma", weight)?;
            if weight > last {
                return Err(StatsError::OutOfRange {
                    what: "a gamma",
                    value: weight,
                    allowed: "at most the gamma before it",
                });
            }
            last = weight;
        }
        // The slack is for shares such as ten times 0.1.
        if sum > 1.0 + 1e-9 {
            return Err(StatsError::OutOfRange {
                what: "the sum of the gammas",
                value: sum,
                allowed: "at most 1",
            });
        }
        Ok(Self(weights))
    }
}

impl TryFrom<Vec<f64>> for GammaWeights {
    type Error = StatsError;

    fn try_from(weights: Vec<f64>) -> Result<Self, StatsError> {
        Self::new(weights)
    }
}

impl From<GammaWeights> for Vec<f64> {
    fn from(weights: GammaWeights) -> Self {
        weights.0
    }
}

/// Holds the first numbers of a [`Gamma`], extended a little at a time so that no single test pays for all.
#[derive(Clone, Debug, Default)]
pub(super) struct GammaTable(Vec<f64>);

impl GammaTable {
    /// Extends the table to `places`.
    pub(super) fn extend(&mut self, gamma: &Gamma, places: u64) {
        let from = self.0.len() as u64;
        if from < places {
            self.0.extend((from + 1..=places).map(|j| gamma.at(j)));
        }
    }

    /// Extends the table towards `places`, by at most [`STEP`].
    pub(super) fn approach(&mut self, gamma: &Gamma, places: u64) {
        let have = self.0.len() as u64;
        if have < places {
            self.extend(gamma, have + STEP);
        }
    }

    /// The number at place `j`, counted from one, which is computed if the table ends before.
    pub(super) fn at(&self, gamma: &Gamma, j: u64) -> f64 {
        let index = usize::try_from(j.saturating_sub(1)).unwrap_or(usize::MAX);
        self.0.get(index).copied().unwrap_or_else(|| gamma.at(j))
    }

    /// The numbers from place `j` on, counted from one.
    pub(super) fn from(&self, j: u64) -> &[f64] {
        let index = usize::try_from(j.saturating_sub(1)).unwrap_or(usize::MAX);
        self.0.get(index..).unwrap_or(&[])
    }
}

/// How many numbers are computed at once: about 20 microseconds.
const STEP: u64 = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::close;

    /// Source: the formulas in Python 3.11.
    #[test]
    fn values() {
        close(Gamma::JavanmardMontanari.at(1), 0.053_516_770_9, 1e-9);
        close(Gamma::Power.at(10), 0.437_490_165_8 * 0.025_118_864_315_095_8, 1e-13);
        close(Gamma::Dependent.at(1), 0.139_307 / 0.333_024_651_988_929_5, 1e-12);
        for gamma in [Gamma::JavanmardMontanari, Gamma::Power, Gamma::Dependent] {
            assert_eq!(gamma.at(0).to_bits(), gamma.at(1).to_bits());
            assert!(gamma.at(u64::MAX) >= 0.0);
            let mut table = GammaTable::default();
            table.extend(&gamma, 100);
            assert_eq!(table.at(&gamma, 70).to_bits(), gamma.at(70).to_bits());
            assert_eq!(table.at(&gamma, 700).to_bits(), gamma.at(700).to_bits());
        }
    }

    #[test]
    fn own_weights_are_checked() {
        for bad in [vec![0.6, 0.6], vec![0.1, 0.2], vec![-0.1], vec![f64::NAN], vec![f64::INFINITY]] {
            assert!(Gamma::from_weights(bad).is_err());
        }
        assert!(serde_json::from_str::<Gamma>(r#"{"weights":[2.0]}"#).is_err());
        assert!(Gamma::from_weights(vec![0.1; 10]).is_ok());
    }
}
