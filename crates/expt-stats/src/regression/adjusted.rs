//! The two usual adjustments of a treatment effect.

use crate::error::StatsError;
use crate::regression::fit::Fit;
use crate::regression::model::LinearModel;

/// Fits `outcome ~ treatment + covariates`: analysis of covariance with one slope for both arms.
///
/// Estimand: the average treatment effect, the coefficient of the column `treatment`. Randomisation alone
/// makes it consistent, whatever the true relation (Yang and Tsiatis 2001); with unequal arms it may be less
/// precise than no adjustment (Freedman 2008), for which [`lin_adjusted`] is the remedy. Covariates
/// must be fixed before the treatment. Use [`Covariance::Hc2`](crate::regression::Covariance::Hc2).
///
/// # Errors
/// [`StatsError::OutOfRange`] unless every `treatment` is 0 or 1; as [`LinearModel::fit`].
pub fn ancova(outcome: &[f64], treatment: &[f64], covariates: &[(&str, &[f64])]) -> Result<Fit, StatsError> {
    check(treatment)?;
    let mut model = LinearModel::new(outcome)?.with_column(TREATMENT, treatment)?;
    for (name, values) in covariates {
        model = model.with_column(*name, values)?;
    }
    model.fit()
}

/// Fits `outcome ~ treatment + c + treatment * c` with `c` the covariates minus their overall mean.
///
/// Estimand: the average treatment effect, the coefficient of the column `treatment`. With a slope for each
/// arm the estimate is asymptotically never less precise than the difference of means (Lin 2013,
/// "Agnostic notes on regression adjustments to experimental data"). Standard errors by
/// [`Covariance::Hc2`](crate::regression::Covariance::Hc2) are asymptotically conservative. The columns of the
/// interaction are named `treatment:` and the covariate.
///
/// # Errors
/// As [`ancova`].
pub fn lin_adjusted(
    outcome: &[f64],
    treatment: &[f64],
    covariates: &[(&str, &[f64])],
) -> Result<Fit, StatsError> {
    check(treatment)?;
    let mut model = LinearModel::new(outcome)?.with_column(TREATMENT, treatment)?;
    for (name, values) in covariates {
        let n = values.len() as f64;
        let mean = values.iter().map(|value| value / n).sum::<f64>();
        let mean = mean + values.iter().map(|value| (value - mean) / n).sum::<f64>();
        let centred: Vec<f64> = values.iter().map(|value| value - mean).collect();
        let product: Vec<f64> = centred.iter().zip(treatment).map(|(value, d)| value * d).collect();
        model = model.with_column(*name, &centred)?.with_column(format!("{TREATMENT}:{name}"), &product)?;
    }
    model.fit()
}

#[allow(clippy::float_cmp, reason = "an indicator is exactly 0 or 1")]
fn check(treatment: &[f64]) -> Result<(), StatsError> {
    match treatment.iter().find(|d| **d != 0.0 && **d != 1.0) {
        Some(d) => {
            Err(StatsError::OutOfRange { what: "the treatment indicator", value: *d, allowed: "0 or 1" })
        }
        None => Ok(()),
    }
}

const TREATMENT: &str = "treatment";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::{Alpha, Alternative};
    use crate::regression::fit::{ClusterCorrection, Coefficient, Covariance};
    use crate::testing::close;

    fn data(n: u32) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let x: Vec<f64> = (0..n).map(|i| f64::from((i * 7919) % 101) / 50.0).collect();
        let d: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i % 3 == 0))).collect();
        let y = (0..n).zip(&x).zip(&d).map(|((i, x), d)| 2.0 * x + 0.3 * d + f64::from((i * 31) % 17) / 9.0);
        (y.collect(), d.clone(), x.clone())
    }

    fn effect(fit: &Fit, covariance: Covariance<'_>) -> Coefficient {
        fit.coefficient("treatment", covariance, Alpha::FIVE_PERCENT, Alternative::TwoSided).unwrap()
    }

    /// HC2 without covariates is Welch's variance.
    #[test]
    fn hc2_of_two_arms_is_welch() {
        let (y, d, _) = data(50);
        let fit = ancova(&y, &d, &[]).unwrap();
        let arm = |which: f64| {
            let values: Vec<f64> =
                y.iter().zip(&d).filter(|(_, d)| (**d - which).abs() < 0.5).map(|(y, _)| *y).collect();
            crate::ArmEstimate::mean(&crate::Moments::from_values(&values).unwrap()).unwrap()
        };
        let got = effect(&fit, Covariance::Hc2);
        close(got.estimate, arm(1.0).estimate() - arm(0.0).estimate(), 1e-13);
        close(got.standard_error.powi(2), arm(1.0).variance() + arm(0.0).variance(), 1e-13);
    }

    #[test]
    fn shifting_and_scaling_change_nothing_that_matters() {
        let (y, d, x) = data(60);
        let plain = lin_adjusted(&y, &d, &[("x", &x)]).unwrap();
        let moved: Vec<f64> = x.iter().map(|x| 1e6 + 1e-3 * x).collect();
        let large: Vec<f64> = y.iter().map(|y| 1e200 * y).collect();
        let other = lin_adjusted(&large, &d, &[("x", &moved)]).unwrap();
        let clusters: Vec<u64> = (0..60).map(|i| i / 4).collect();
        for covariance in [
            Covariance::Classical,
            Covariance::Hc0,
            Covariance::Hc1,
            Covariance::Hc2,
            Covariance::Hc3,
            Covariance::Cluster { clusters: &clusters, correction: ClusterCorrection::Cr1 },
        ] {
            let (a, b) = (effect(&plain, covariance), effect(&other, covariance));
            close(b.estimate, 1e200 * a.estimate, 1e-5);
            close(b.t.unwrap(), a.t.unwrap(), 1e-5);
        }
    }

    #[test]
    fn bad_designs_are_named() {
        let (y, d, x) = data(20);
        let twice: Vec<f64> = x.iter().zip(&d).map(|(x, d)| 3.0 * x - d).collect();
        let error = ancova(&y, &d, &[("x", &x), ("twice", &twice)]).unwrap_err();
        assert_eq!(error, StatsError::Collinear { column: "twice".into() });
        let error = ancova(&y, &[1.0; 20], &[]).unwrap_err();
        assert_eq!(error, StatsError::Collinear { column: "treatment".into() });
        assert!(ancova(&y, &[0.5; 20], &[]).is_err());
        assert!(ancova(&y[..2], &d[..2], &[]).is_err());
        assert!(ancova(&y, &d[..19], &[]).is_err());
        let mut alone = vec![0.0; 20];
        alone[7] = 1.0;
        let fit = ancova(&y, &d, &[("alone", &alone)]).unwrap();
        for covariance in [Covariance::Hc2, Covariance::Hc3] {
            assert_eq!(fit.covariance(covariance), Err(StatsError::FullLeverage { unit: 7 }));
        }
        assert!(effect(&fit, Covariance::Hc1).standard_error > 0.0);
        let one = Covariance::Cluster { clusters: &[3; 20], correction: ClusterCorrection::Cr0 };
        assert!(fit.covariance(one).is_err());
        let perfect = effect(&ancova(&d, &d, &[]).unwrap(), Covariance::Hc2);
        assert_eq!((perfect.estimate, perfect.t, perfect.ln_p), (1.0, None, None));
    }
}
