//! Benjamini-Hochberg with a first stage that estimates how many hypotheses are null.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::correction::Correction;
use super::scale::{PValue, Scale};
use crate::error::StatsError;
use crate::level::Alpha;

/// Names a two-stage adaptive procedure for the false discovery rate.
///
/// Stage one runs Benjamini-Hochberg at `a'` and rejects `r` of `m`. With none or all rejected the procedure
/// stops there; otherwise stage two runs it at `a' m / (m - r)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TwoStage {
    /// `a' = alpha / (1 + alpha)`: controls the rate under independence (Benjamini, Krieger and Yekutieli
    /// 2006; `fdr_tsbky` of statsmodels).
    #[default]
    Bky,
    /// `a' = alpha`: slightly more power and no proof (`fdr_tsbh` of statsmodels).
    Bh,
}

impl TwoStage {
    /// Runs the procedure. The adjusted p-values depend on alpha, because the first stage does.
    ///
    /// ```
    /// use expt_stats::{Alpha, multiple::TwoStage};
    ///
    /// let p = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205];
    /// let corrected = TwoStage::Bky.correct(&p, Alpha::FIVE_PERCENT)?;
    /// assert_eq!(corrected.first_stage_rejections, 2);
    /// assert_eq!(corrected.rejected, [true, true, false, false, false, false, false, false]);
    /// # Ok::<(), expt_stats::StatsError>(())
    /// ```
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] if a probability is not in `[0, 1]`.
    pub fn correct<P: PValue>(self, p: &[P], alpha: Alpha) -> Result<TwoStageCorrected<P>, StatsError> {
        let inflation = match self {
            Self::Bky => 1.0 + alpha.get(),
            Self::Bh => 1.0,
        };
        let bh = Correction::BenjaminiHochberg.correct(p)?;
        let first = bh.rejected(Alpha::new(alpha.get() / inflation)?);
        let rejections = first.iter().filter(|rejected| **rejected).count();
        let share = if rejections == 0 || rejections == p.len() {
            1.0
        } else {
            (p.len() - rejections) as f64 / p.len() as f64
        };
        let factor = inflation * share;
        let mut adjusted = Vec::with_capacity(p.len());
        for value in bh.adjusted {
            adjusted.push(P::leave(P::Scale::times(value.enter()?, factor)));
        }
        let rejected = adjusted.iter().map(|p| p.at_most(alpha)).collect();
        Ok(TwoStageCorrected {
            procedure: self,
            alpha,
            first_stage_rejections: rejections,
            adjusted,
            rejected,
        })
    }
}

impl fmt::Display for TwoStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bky => "two-stage Benjamini-Krieger-Yekutieli",
            Self::Bh => "two-stage Benjamini-Hochberg",
        })
    }
}

/// Holds what a two-stage procedure found, in input order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TwoStageCorrected<P> {
    /// The procedure.
    pub procedure: TwoStage,
    /// The level for which everything here holds.
    pub alpha: Alpha,
    /// How many hypotheses the first stage rejected.
    pub first_stage_rejections: usize,
    /// One adjusted p-value per input.
    pub adjusted: Vec<P>,
    /// Whether each hypothesis is rejected.
    pub rejected: Vec<bool>,
}
