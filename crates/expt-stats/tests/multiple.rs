//! Corrections: against closed testing, against statsmodels, on both scales, and over adversarial numbers.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::float_cmp,
    missing_docs,
    reason = "a failed assertion or unwrap is how a test reports"
)]

use expt_stats::multiple::{NullShare, TwoStage, storey};
use expt_stats::{Alpha, Correction, LnP};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

#[track_caller]
fn close(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance * want.abs(), "got {got:e}, want {want:e}");
}

const TEN: [f64; 10] = [0.031, 0.0004, 0.62, 0.009, 1e-20, 0.047, 0.0121, 0.94, 0.0042, 0.011];

/// Source: statsmodels 0.15.0 `multipletests` (`sidak`, `holm-sidak`, `simes-hochberg`, `hommel`, `fdr_by`,
/// `fdr_tsbky`, `fdr_tsbh`) on ten p-values out of order.
#[test]
fn adjusted_values_agree_with_statsmodels() {
    check(
        Correction::Sidak,
        [
            0.2701430120236762,
            0.0039928076746265796,
            0.9999372178815201,
            0.0864411169593174,
            1e-19,
            0.3820846180309502,
            0.11461970049127541,
            0.9999999999993954,
            0.041215025542575966,
            0.10471168560515302,
        ],
    );
    check(
        Correction::HolmSidak,
        [
            0.118352240479,
            0.00359424537277569,
            0.8556,
            0.0613242866013137,
            1e-19,
            0.134476823,
            0.06421140134953444,
            0.94,
            0.03311020721916158,
            0.06421140134953444,
        ],
    );
    check(
        Correction::Hochberg,
        [
            0.124,
            0.0036000000000000003,
            0.94,
            0.0605,
            1e-19,
            0.14100000000000001,
            0.0605,
            0.94,
            0.0336,
            0.0605,
        ],
    );
    check(
        Correction::Hommel,
        [
            0.094,
            0.0036000000000000003,
            0.94,
            0.045,
            1e-19,
            0.14100000000000001,
            0.0605,
            0.94,
            0.028233333333333333,
            0.05499999999999999,
        ],
    );
    check(
        Correction::BenjaminiYekutieli,
        [
            0.12971145124716552,
            0.005857936507936507,
            1.0,
            0.05906752645502645,
            2.9289682539682536e-19,
            0.1720768849206349,
            0.05906752645502645,
            1.0,
            0.04100555555555555,
            0.05906752645502645,
        ],
    );
    let found = TwoStage::Bky.correct(&TEN, Alpha::FIVE_PERCENT).unwrap();
    let want = [
        0.01395,
        0.0006299999999999999,
        0.217,
        0.0063525000000000005,
        3.15e-20,
        0.01850625,
        0.0063525000000000005,
        0.2961,
        0.00441,
        0.0063525000000000005,
    ];
    found.adjusted.iter().zip(want).for_each(|(got, want)| close(*got, want, 1e-12));
    assert_eq!(found.rejected, [true, true, false, true, true, true, true, false, true, true]);
    let found = TwoStage::Bh.correct(&TEN, Alpha::FIVE_PERCENT).unwrap();
    let want = [
        0.013285714285714286,
        0.0006,
        0.20666666666666667,
        0.00605,
        2.9999999999999997e-20,
        0.017625,
        0.00605,
        0.282,
        0.0042,
        0.00605,
    ];
    found.adjusted.iter().zip(want).for_each(|(got, want)| close(*got, want, 1e-12));
    assert_eq!(found.rejected, [true, true, false, true, true, true, true, false, true, true]);
}

#[track_caller]
fn check(correction: Correction, want: [f64; 10]) {
    let got = correction.correct(&TEN).unwrap().adjusted;
    got.iter().zip(want).for_each(|(got, want)| close(*got, want, 1e-12));
}

/// Simes' p-value.
fn simes(p: &[f64]) -> f64 {
    let mut p = p.to_vec();
    p.sort_by(f64::total_cmp);
    (1..).zip(&p).map(|(rank, x)| x * p.len() as f64 / f64::from(rank)).fold(f64::INFINITY, f64::min)
}

/// Hommel is the closed test of Simes' tests: the adjusted p-value is the largest over all sets that hold the
/// hypothesis.
#[test]
fn hommel_is_the_closure_of_simes() {
    let mut rng = StdRng::seed_from_u64(5);
    for round in 0..120 {
        let m = 1 + round % 8;
        let draw = |rng: &mut StdRng| {
            let p: f64 = rng.random();
            match round % 3 {
                0 => p.powi(6),
                1 => (p * 8.0).floor() / 8.0,
                _ => p * 0.1,
            }
        };
        let p: Vec<f64> = (0..m).map(|_| draw(&mut rng)).collect();
        let got = Correction::Hommel.correct(&p).unwrap().adjusted;
        for (i, got) in got.iter().enumerate() {
            let sets = (1_u32..1 << m).filter(|set| set & (1 << i) != 0);
            let of =
                |set: u32| -> Vec<f64> { (0..m).filter(|j| set & (1 << j) != 0).map(|j| p[j]).collect() };
            let want = sets.map(|set| simes(&of(set))).fold(0.0, f64::max);
            close(*got, want, 1e-12);
        }
    }
}

#[test]
fn both_scales_agree_where_both_have_digits() {
    let mut rng = StdRng::seed_from_u64(6);
    let p: Vec<f64> = (0..5_000).map(|i| rng.random::<f64>().powi(1 + i % 40)).chain([0.0, 1.0]).collect();
    let ln_p: Vec<LnP> = p.iter().map(|p| LnP::from_p(*p).unwrap()).collect();
    for correction in Correction::ALL {
        let plain = correction.correct(&p).unwrap().adjusted;
        let logarithms = correction.correct(&ln_p).unwrap().adjusted;
        plain.iter().zip(&logarithms).for_each(|(a, b)| close(b.p(), *a, 3e-13));
    }
    let far = [-50_000.0, -40_000.0, -2.0].map(|ln_p| LnP::new(ln_p).unwrap());
    for correction in Correction::ALL {
        let got = correction.correct(&far).unwrap().adjusted;
        assert!(got[0].get() >= -50_000.0 && got[0].get() <= -50_000.0 + 6.0_f64.ln(), "{correction}");
    }
}

#[test]
fn adversarial_numbers_give_probabilities_or_errors() {
    let pool = [0.0, -0.0, 5e-324, 1e-310, f64::MIN_POSITIVE, 1e-17, 0.5, 1.0 - 1e-16, 1.0];
    let mut rng = StdRng::seed_from_u64(7);
    for _ in 0..300 {
        let p: Vec<f64> =
            (0..rng.random_range(0..12)).map(|_| pool[rng.random_range(0..pool.len())]).collect();
        for correction in Correction::ALL {
            let adjusted = correction.correct(&p).unwrap().adjusted;
            for (adjusted, p) in adjusted.iter().zip(&p) {
                assert!((0.0..=1.0).contains(adjusted) && adjusted >= p, "{correction} {p:e} {adjusted:e}");
            }
        }
        for two_stage in [TwoStage::Bky, TwoStage::Bh] {
            let found = two_stage.correct(&p, Alpha::FIVE_PERCENT).unwrap();
            assert!(found.adjusted.iter().all(|p| (0.0..=1.0).contains(p)));
        }
        for share in [NullShare::At(0.5), NullShare::smoother(), NullShare::bootstrap()] {
            if let Ok(found) = storey(&p, &share) {
                assert!(found.pi0 > 0.0 && found.q.iter().all(|q| (0.0..=1.0).contains(q)));
            }
        }
    }
    for bad in [f64::NAN, f64::INFINITY, -1e-300, 1.0 + 1e-15] {
        for correction in Correction::ALL {
            assert!(correction.correct(&[0.5, bad]).is_err(), "{correction} {bad}");
        }
    }
}

/// The order of the input does not matter, and a smaller p-value never has a larger adjusted one.
#[test]
fn corrections_are_symmetric_and_monotone() {
    let mut rng = StdRng::seed_from_u64(8);
    let p: Vec<f64> = (0..6_000).map(|_| (rng.random::<f64>() * 500.0).floor() / 500.0).collect();
    let reversed: Vec<f64> = p.iter().rev().copied().collect();
    for correction in Correction::ALL {
        let adjusted = correction.correct(&p).unwrap().adjusted;
        let mut back = correction.correct(&reversed).unwrap().adjusted;
        back.reverse();
        assert_eq!(adjusted, back, "{correction}");
        let mut pairs: Vec<(f64, f64)> = p.iter().copied().zip(adjusted).collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(pairs.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{correction}");
    }
}
