//! The false discovery rate from e-values.

use serde::{Deserialize, Serialize};

use super::correction::step_up;
use super::scale::Logarithm;
use super::weighted::mean_one;
use crate::error::StatsError;
use crate::level::{Alpha, LnP, TIE_SLACK};

/// Runs the e-BH procedure on logarithms of e-values: with `e_(k)` the k-th largest of `m`, it rejects the
/// `k` hypotheses with the largest e-values, `k` the largest with `k e_(k) >= m / alpha` (Wang and Ramdas
/// 2022). It controls the false discovery rate at alpha under any dependence.
///
/// `ln e` may be minus infinity (e = 0) or infinity; the arithmetic is on logarithms, so that nothing
/// overflows.
///
/// ```
/// use expt_stats::{Alpha, multiple::e_bh};
///
/// let found = e_bh(&[50.0_f64.ln(), 0.0, 45.0_f64.ln()], Alpha::FIVE_PERCENT)?;
/// assert_eq!((found.count, found.rejected), (2, vec![true, false, true]));
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
///
/// # Errors
/// [`StatsError::OutOfRange`] if one is NaN.
pub fn e_bh(ln_e: &[f64], alpha: Alpha) -> Result<EBh, StatsError> {
    run(ln_e.iter().copied(), alpha)
}

/// Runs e-BH on `w e`, where the weights have mean one (Wang and Ramdas 2022). Weights must be fixed before
/// the e-values are seen; they are scaled to mean one, so only their ratios matter.
///
/// # Errors
/// As [`e_bh`], and [`StatsError::OutOfRange`] or [`StatsError::NotFinite`] if a weight is negative or not
/// finite, all are zero, or their number is not that of the e-values.
pub fn weighted_e_bh(ln_e: &[f64], weights: &[f64], alpha: Alpha) -> Result<EBh, StatsError> {
    let weights = mean_one(weights, ln_e.len())?;
    let weigh = |(ln_e, weight): (&f64, f64)| match weight {
        // A weight of zero is never rejected, not even at e = infinity; NaN is still refused below.
        weight if weight <= 0.0 && !ln_e.is_nan() => f64::NEG_INFINITY,
        weight => ln_e + weight.ln(),
    };
    run(ln_e.iter().zip(weights).map(weigh), alpha)
}

/// Holds what e-BH found, in input order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EBh {
    /// The level.
    pub alpha: Alpha,
    /// How many hypotheses are rejected.
    pub count: usize,
    /// Whether each hypothesis is rejected.
    pub rejected: Vec<bool>,
    /// The least alpha at which each hypothesis would be rejected, as a logarithm: the adjusted p-values of
    /// Benjamini-Hochberg on `1 / e`.
    pub ln_least_alpha: Vec<LnP>,
}

fn run(ln_e: impl Iterator<Item = f64>, alpha: Alpha) -> Result<EBh, StatsError> {
    let mut values = Vec::new();
    for value in ln_e {
        if value.is_nan() {
            return Err(StatsError::OutOfRange { what: "ln e", value, allowed: "any number but NaN" });
        }
        values.push(-value);
    }
    let mut ranked = super::order::ranked(&values);
    let m = values.len() as f64;
    step_up::<Logarithm>(&mut ranked.sorted, |rank| m / rank);
    // Unlike a p-value, a level above one does not reject, and alpha is below one.
    let within = |level: &f64| *level <= alpha.get().ln() + TIE_SLACK;
    let levels = ranked.restore(&ranked.sorted, 0.0);
    let rejected: Vec<bool> = levels.iter().map(within).collect();
    Ok(EBh {
        alpha,
        count: rejected.iter().filter(|rejected| **rejected).count(),
        rejected,
        ln_least_alpha: levels.into_iter().map(LnP::saturating).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition, in O(m^2).
    fn by_definition(ln_e: &[f64], alpha: f64) -> usize {
        let reaches = |k: &usize| {
            let bound = (ln_e.len() as f64 / (alpha * *k as f64)).ln() - 1e-12;
            ln_e.iter().filter(|e| **e >= bound).count() >= *k
        };
        (1..=ln_e.len()).rev().find(reaches).unwrap_or(0)
    }

    #[test]
    fn agrees_with_the_definition_and_takes_infinities() {
        let ln_e = [3.0, 5.5, f64::INFINITY, f64::NEG_INFINITY, 0.0, 4.1, 900.0, 2.9, 4.0, -3.0];
        for alpha in [0.01, 0.05, 0.1, 0.2, 0.5, 0.9] {
            let found = e_bh(&ln_e, Alpha::new(alpha).unwrap()).unwrap();
            assert_eq!(found.count, by_definition(&ln_e, alpha), "{alpha}");
        }
        assert!(e_bh(&[f64::NAN], Alpha::FIVE_PERCENT).is_err());
        assert!(weighted_e_bh(&[f64::NAN, 1.0], &[0.0, 1.0], Alpha::FIVE_PERCENT).is_err());
        assert_eq!(e_bh(&[], Alpha::FIVE_PERCENT).unwrap().count, 0);
    }

    #[test]
    fn an_exact_tie_is_rejected_and_weights_move_the_bar() {
        assert_eq!(e_bh(&[20.0_f64.ln()], Alpha::FIVE_PERCENT).unwrap().count, 1);
        let ln_e = [30.0_f64.ln(), 30.0_f64.ln()];
        assert_eq!(e_bh(&ln_e, Alpha::FIVE_PERCENT).unwrap().count, 2);
        assert_eq!(e_bh(&[30.0_f64.ln(), 0.0], Alpha::FIVE_PERCENT).unwrap().count, 0);
        let weighted =
            weighted_e_bh(&[30.0_f64.ln(), f64::INFINITY], &[1.0, 0.0], Alpha::FIVE_PERCENT).unwrap();
        assert_eq!(weighted.rejected, [true, false]);
    }
}
