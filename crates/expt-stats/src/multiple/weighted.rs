//! Hypotheses that matter more than others.

use super::correction::{Corrected, step_up};
use super::scale::{PValue, Scale, enter};
use crate::error::{StatsError, non_negative};

/// Adjusts p-values by the weighted Benjamini-Hochberg procedure: BH applied to `p / w`, where the weights
/// have mean one (Genovese, Roeder and Wasserman 2006). It controls the false discovery rate under
/// independence when the weights were fixed before the p-values were seen.
///
/// Weights are scaled to mean one, so only their ratios matter; a weight of zero means never rejected.
///
/// ```
/// use expt_stats::multiple::weighted_bh;
///
/// let corrected = weighted_bh(&[0.02, 0.02], &[3.0, 1.0])?;
/// assert!((corrected.adjusted[0] - 2.0 * 0.02 / 1.5).abs() < 1e-15);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
///
/// # Errors
/// [`StatsError::OutOfRange`] if a probability is not in `[0, 1]`, a weight is negative, all weights are zero
/// or their number is not that of the p-values; [`StatsError::NotFinite`] if a weight is not finite.
pub fn weighted_bh<P: PValue>(p: &[P], weights: &[f64]) -> Result<Corrected<P>, StatsError> {
    let weights = mean_one(weights, p.len())?;
    let values: Vec<f64> = enter(p)?
        .into_iter()
        .zip(weights)
        .map(|(p, weight)| if weight > 0.0 { P::Scale::times(p, 1.0 / weight) } else { f64::INFINITY })
        .collect();
    // p / w may exceed one, so the sort for the unit interval does not apply.
    let mut ranked = super::order::ranked(&values);
    let m = values.len() as f64;
    step_up::<P::Scale>(&mut ranked.sorted, |rank| m / rank);
    let adjusted = ranked.restore(&ranked.sorted, f64::INFINITY);
    Ok(Corrected { adjusted: adjusted.into_iter().map(P::leave).collect() })
}

/// Scales weights to mean one.
pub(super) fn mean_one(weights: &[f64], count: usize) -> Result<Vec<f64>, StatsError> {
    if weights.len() != count {
        return Err(StatsError::OutOfRange {
            what: "the number of weights",
            value: weights.len() as f64,
            allowed: "one weight for each hypothesis",
        });
    }
    let mut largest = 0.0_f64;
    for &weight in weights {
        largest = largest.max(non_negative("a weight", weight)?);
    }
    if count > 0 && largest <= 0.0 {
        return Err(StatsError::OutOfRange {
            what: "the largest weight",
            value: largest,
            allowed: "greater than zero",
        });
    }
    // Dividing by the largest first keeps the sum finite.
    let sum: f64 = weights.iter().map(|weight| weight / largest).sum();
    Ok(weights.iter().map(|weight| weight / largest * (count as f64 / sum)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::{Alpha, LnP};
    use crate::multiple::Correction;

    #[test]
    fn equal_weights_are_plain_bh_and_zero_is_never_rejected() {
        let p = [0.04, 0.001, 0.03, 0.2];
        let plain = Correction::BenjaminiHochberg.correct(&p).unwrap();
        assert_eq!(weighted_bh(&p, &[2.0; 4]).unwrap(), plain);
        let zero = weighted_bh(&[0.0, 0.01], &[0.0, 5.0]).unwrap();
        assert_eq!(zero.rejected(Alpha::FIVE_PERCENT), [false, true]);
        assert!(weighted_bh::<f64>(&[], &[]).unwrap().adjusted.is_empty());
    }

    #[test]
    fn both_scales_agree_and_bad_weights_are_refused() {
        let (p, weights) = ([0.04, 1e-20, 0.03, 1.0], [0.1, 3.0, 1e-3, 1e3]);
        let plain = weighted_bh(&p, &weights).unwrap().adjusted;
        let logarithms = p.map(|p| LnP::from_p(p).unwrap());
        let on_logarithms = weighted_bh(&logarithms, &weights).unwrap().adjusted;
        for (a, b) in plain.iter().zip(on_logarithms) {
            crate::testing::close(b.p(), *a, 1e-13);
        }
        for bad in [[0.0, 0.0], [f64::NAN, 1.0], [-1.0, 2.0], [f64::INFINITY, 1.0]] {
            assert!(weighted_bh(&[0.1, 0.2], &bad).is_err(), "{bad:?}");
        }
        assert!(weighted_bh(&[0.1, 0.2], &[1.0]).is_err());
        assert!(weighted_bh(&[0.1, 0.2], &[1e308, 1e308]).unwrap().adjusted[0] <= 0.2);
    }
}
