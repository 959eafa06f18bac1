//! Adjustments against independent sources.

use super::*;
use crate::arm::ArmEstimate;
use crate::comoments::CoMoments;
use crate::fixed::{Caution, JointMoments, Lift, LiftScale, TTest};
use crate::level::Alpha;
use crate::testing::close;

fn summary(n: u64, mean: (f64, f64), variance: (f64, f64), covariance: f64) -> CupedState {
    CupedState::from(&CoMoments::from_summary(n, mean, variance, covariance).unwrap())
}

fn five() -> TTest {
    TTest::new(Alpha::FIVE_PERCENT)
}

/// Source: tea-tasting 2.0.0 `Mean(covariate=...)`.
#[test]
fn one_covariate_agrees_with_tea_tasting() {
    let control = summary(
        40,
        (5.3282602383233835, 5.334776987200098),
        (3.9143566124397817, 4.470579295279434),
        3.5930475955185,
    );
    let treatment = summary(
        42,
        (5.288121723803365, 5.192977822893228),
        (4.661192053297991, 3.8738535056035164),
        3.538894599745134,
    );
    let got = Cuped::default().adjust(&control, &treatment).unwrap();
    close(got.theta[0], 0.829955374524927, 1e-12);
    close(got.control.estimate(), 5.317714141032341, 1e-13);
    let test = got.test(&five()).tested().unwrap();
    close(test.statistic, -0.4470590530534116, 1e-10);
    close(test.interval.lower.unwrap(), -0.591422386530922, 1e-10);
    let lift = got.lift(&Lift::new(LiftScale::Log, Alpha::FIVE_PERCENT)).unwrap();
    close(lift.interval.upper.unwrap(), 0.07372408233663541, 1e-10);
    assert!(test.cautions.contains(&Caution::ShapeUnknown));
}

/// Source: tea-tasting 2.0.0 `RatioOfMeans(numer_covariate=..., denom_covariate=...)`.
#[test]
fn a_ratio_covariate_agrees_with_tea_tasting() {
    let arm = |n, mean: [f64; 4], rows: [&[f64]; 4]| {
        CupedRatioState::from_joint(JointMoments::from_summary(n, &mean, &rows).unwrap(), 0).unwrap()
    };
    let control = arm(
        40,
        [18.85219219947266, 3.75, 22.827682880728503, 4.35],
        [
            &[90.71124646971336],
            &[10.618451943081938, 3.1153846153846154],
            &[42.17839067844317, -2.061620080507023, 176.69089834741487],
            &[0.7773331452735325, 0.0897435897435898, 17.91484529033827, 3.4641025641025647],
        ],
    );
    let treatment = arm(
        42,
        [21.609517206746723, 4.071428571428571, 21.019752547945473, 3.9523809523809526],
        [
            &[207.15270835521028],
            &[24.52345476774863, 4.116724738675958],
            &[98.5731111114888, 6.898276355060984, 182.31479887569705],
            &[4.829551469652754, 0.832752613240418, 15.55916185124218, 2.9245063878210225],
        ],
    );
    let got = CupedRatio::default().adjust(&control, &treatment).unwrap();
    close(got.control.estimate(), 5.04938100153787, 1e-12);
    let test = got.test(&five()).tested().unwrap();
    close(test.statistic, 0.7571434295336094, 1e-10);
    close(test.interval.upper.unwrap(), 0.8531813492144771, 1e-10);
}

/// Two covariates and an arm for each of 60 units, without a generator.
fn arms(extra: impl Fn(f64, f64) -> Vec<f64>) -> [CupedState; 2] {
    let mut arms: [CupedState; 2] =
        std::array::from_fn(|_| CupedState::new(2 + extra(0.0, 0.0).len()).unwrap());
    for i in 0..60_u32 {
        let (x1, x2) = (f64::from((i * 7919) % 101), f64::from((i * i) % 13));
        let y = 0.5 * x1 - 2.0 * x2 + f64::from((i * 31) % 7);
        let covariates: Vec<f64> = [x1, x2].into_iter().chain(extra(x1, x2)).collect();
        arms[(i % 2) as usize].push(y, &covariates).unwrap();
    }
    arms
}

/// Source: numpy 2.4.6 `linalg.lstsq` with one intercept, and with one an arm.
#[test]
fn several_covariates_agree_with_least_squares() {
    let [control, treatment] = arms(|_, _| vec![]);
    let got = Cuped::new(ThetaPooling::Pooled).adjust(&control, &treatment).unwrap();
    close(got.theta[0], 0.5051928596085434, 1e-11);
    close(got.theta[1], -2.006507924441895, 1e-11);
    close(got.control.estimate(), 15.799522896431041, 1e-13);
    close(got.treatment.variance(), 0.1296776309233429, 1e-11);
    let got = Cuped::new(ThetaPooling::Within).adjust(&control, &treatment).unwrap();
    close(got.theta[0], 0.5051810495453365, 1e-11);
    close(got.theta[1], -2.0064029183103704, 1e-11);
    assert!(got.health.correlation.unwrap() > 0.99 && got.variance_ratio.unwrap() < 0.02);
    assert!(got.effect().is_ok());
}

#[test]
fn constant_and_dependent_covariates_get_zero() {
    let [control, treatment] = arms(|x1, x2| vec![3.0, x1 - 2.0 * x2]);
    let got = Cuped::default().adjust(&control, &treatment).unwrap();
    assert_eq!(&got.theta[2..], [0.0, 0.0]);
    close(got.theta[0], 0.5051928596085434, 1e-10);
    for covariate in [2, 3] {
        assert!(got.cautions.contains(&Caution::RedundantCovariate { covariate }));
    }
    let flat = |mean| summary(50, (3.0, mean), (0.0, 1.0), 0.0);
    let got = Cuped::default().adjust(&flat(1.0), &flat(2.0)).unwrap();
    assert_eq!((got.theta[0], got.control), (0.0, got.plain_control));
}

#[test]
fn health_checks_name_what_is_wrong() {
    let broken = summary(5000, (1.2, 2.0), (1.0, 1.0), 0.9);
    let got = Cuped::default().adjust(&summary(5000, (1.0, 1.9), (1.0, 1.0), 0.9), &broken).unwrap();
    assert!(
        got.cautions
            .iter()
            .any(|caution| matches!(caution, Caution::PrePeriodImbalance { covariate: 0, .. }))
    );
    assert!(got.health.sign_flip && got.cautions.contains(&Caution::SignFlip));

    let half = |missing: u32| {
        let mut arm = CupedState::new(1).unwrap();
        for i in 0..1000_u32 {
            let x = f64::from(i % 17);
            if i < missing { arm.push_without(x) } else { arm.push(x, &[x]) }.unwrap();
        }
        arm
    };
    let got = Cuped::default().adjust(&half(300), &half(600)).unwrap();
    close(got.health.missing_treatment, 0.6, 1e-15);
    assert!(got.cautions.iter().any(|caution| matches!(caution, Caution::MissingUnevenly { .. })));
    assert!(got.cautions.contains(&Caution::MissingCovariate { share: 0.6 }));
}

#[test]
fn a_fit_over_many_arms_serves_every_pair() {
    let [a, b] = arms(|_, _| vec![]);
    let fit = Cuped::default().fit(&[&a, &b, &a.merge(&b).unwrap()]).unwrap();
    assert_eq!(fit.theta().len(), 2);
    assert!(fit.adjust(&a, &b).is_ok());
    assert!(fit.adjust(&a, &CupedState::new(2).unwrap()).is_err());
    assert!(fit.adjust(&a, &summary(9, (0.0, 0.0), (1.0, 1.0), 0.0)).is_err());
    assert!(Cuped::default().fit(&[]).is_err());
    assert_eq!(a.merge(&b).unwrap().subtract(&b).unwrap().count(), a.count());
    let text = serde_json::to_string(&a).unwrap();
    assert_eq!(serde_json::from_str::<CupedState>(&text).unwrap(), a);
    assert!(serde_json::from_str::<CupedState>(&text.replace("\"missing\":0", "\"missing\":31")).is_err());
}

#[test]
fn without_a_past_a_ratio_is_not_adjusted() {
    let mut arm = CupedRatioState::new().unwrap();
    for i in 0..100_u32 {
        arm.push((f64::from(i % 7), 2.0 + f64::from(i % 3)), None).unwrap();
    }
    let got = CupedRatio::new(ThetaPooling::Within).adjust(&arm, &arm).unwrap();
    assert_eq!((got.theta.as_slice(), got.control), ([0.0].as_slice(), got.plain_control));
    let plain: ArmEstimate = got.plain_control;
    assert!(plain.variance() > 0.0);
    assert!(got.cautions.contains(&Caution::RedundantCovariate { covariate: 0 }));
}
