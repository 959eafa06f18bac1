use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::level::Alpha;
use crate::special::{beta_cdf, normal_sf};
use crate::testing::close;

fn beta(alpha: f64, beta: f64) -> BetaPosterior {
    BetaPosterior::new(alpha, beta).unwrap()
}

/// Source: mpmath 1.4.1, quadrature in 25 digits.
#[test]
fn beta_binomial_agrees_with_mpmath_where_the_posterior_is_all_at_zero() {
    let got = compare(&beta(0.1, 10_000.3), &beta(0.1, 10_000.3)).unwrap();
    close(got.loss_control, 8.83111649721629e-6, 1e-12);
    close(got.loss_treatment, 8.83111649721629e-6, 1e-12);
    close(got.treatment_better, 0.5, 1e-12);
    let got = compare(&beta(0.1, 20.3), &beta(0.1, 20.3)).unwrap();
    close(got.loss_control, 0.00431841941329002, 1e-12);
    let got = compare(&beta(0.1, 1.3), &beta(0.1, 500.3)).unwrap();
    close(got.loss_control, 9.7851922987088e-5, 1e-12);
    close(got.loss_treatment, 0.0713265832236608, 1e-12);
}

#[test]
fn gamma_has_a_closed_form() {
    for (a, ra, b, rb) in
        [(1.0, 1.0, 1.0, 2.0), (50.5, 100.0, 61.0, 101.0), (0.01, 3.0, 7.0, 5.0), (1e9, 1e8, 1.000_02e9, 1e8)]
    {
        let (control, treatment) = (GammaPosterior::new(a, ra).unwrap(), GammaPosterior::new(b, rb).unwrap());
        let got = compare(&control, &treatment).unwrap();
        close(got.treatment_better, beta_cdf(ra / (ra + rb), a, b).unwrap(), 1e-9);
        close(got.treatment_better + got.control_better, 1.0, 1e-11);
        close(got.loss_control - got.loss_treatment, b / rb - a / ra, 1e-7);
    }
}

#[test]
fn normal_has_a_closed_form() {
    for (m, v, n, w) in [
        (0.0, 1.0, 0.5, 2.0),
        (1e3, 1e-4, 1e3 + 0.0078125, 1e-4),
        (0.0, 1e-12, 3.0, 25.0),
        (-1.0, 4.0, -9.0, 0.1),
    ] {
        let (control, treatment) = (NormalPosterior::new(m, v).unwrap(), NormalPosterior::new(n, w).unwrap());
        let got = compare(&control, &treatment).unwrap();
        let deviation = (v + w).sqrt();
        close(got.treatment_better, normal_sf((m - n) / deviation).unwrap(), 1e-9);
        let effect = NormalPosterior::new(n - m, v + w).unwrap();
        let closed = effect_outcome(&effect);
        close(got.loss_control, closed.loss_control, 1e-9);
        close(got.loss_treatment, closed.loss_treatment, 1e-9);
        let region = rope(&control, &treatment, EffectScale::Absolute, -0.1, 0.2).unwrap();
        close(region.above, normal_sf((0.2 - (n - m)) / deviation).unwrap(), 1e-9);
        close(region.below + region.inside + region.above, 1.0, 1e-10);
    }
}

/// A loss far below the smallest chance that anyone would act on.
#[test]
fn closed_losses_keep_their_digits() {
    // Source: mpmath 1.4.1.
    let far = |mean: f64| effect_outcome(&NormalPosterior::new(mean, 1.0).unwrap()).loss_treatment;
    close(far(5.0), LOSS_FIVE, 1e-13);
    close(far(11.9), LOSS_TWELVE, 1e-12);
    close(far(20.0), LOSS_TWENTY, 1e-13);
}

/// At 1e9 units the beta posterior is normal to five digits, and the quadrature still resolves it.
#[test]
fn huge_counts_are_stable() {
    let (control, treatment) = (beta(1.0, 1.0), beta(1.0, 1.0));
    let control = control.updated(100_000_000, 1_000_000_000).unwrap();
    let treatment = treatment.updated(100_020_000, 1_000_000_000).unwrap();
    let got = compare(&control, &treatment).unwrap();
    let deviation = (control.variance() + treatment.variance()).sqrt();
    close(got.treatment_better, normal_sf(-got.mean_difference / deviation).unwrap(), 1e-5);
    close(got.treatment_better + got.control_better, 1.0, 1e-10);
    close(got.loss_control - got.loss_treatment, got.mean_difference, 1e-8);
    let region = rope(&control, &treatment, EffectScale::Relative, -1e-4, 1e-4).unwrap();
    close(region.below + region.inside + region.above, 1.0, 1e-10);
}

#[test]
fn several_arms() {
    let arms = vec![beta(12.0, 90.0); 4];
    for chance in best_of(&arms).unwrap() {
        close(chance.best, 0.25, 1e-11);
    }
    let arms = [beta(12.0, 90.0), beta(15.0, 90.0), beta(0.5, 0.5), beta(1e6, 6e6)];
    let chances = best_of(&arms).unwrap();
    close(chances.iter().map(|chance| chance.best).sum(), 1.0, 1e-11);
    let two = best_of(&arms[..2]).unwrap();
    let pair = compare(&arms[0], &arms[1]).unwrap();
    close(two[1].best, pair.treatment_better, 1e-11);
    close(two[0].expected_loss, pair.loss_control, 1e-11);
    let alone = best_of(&arms[..1]).unwrap();
    assert_eq!((alone[0].best - 1.0).abs() < 1e-11, alone[0].expected_loss < 1e-300);
    assert!(best_of::<BetaPosterior>(&[]).is_err());
    // By simulation: 40,000 draws of the probability to be best, by inverting the distribution function.
    let mut rng = StdRng::seed_from_u64(11);
    let draws = 4_000;
    let wins = (0..draws).filter(|_| {
        let draw: Vec<f64> = arms.iter().map(|arm| arm.quantile(rng.random::<f64>())).collect();
        draw[2] > draw[0] && draw[2] > draw[1] && draw[2] > draw[3]
    });
    let share = wins.count() as f64 / f64::from(draws);
    assert!((share - chances[2].best).abs() < 4.0 * (0.25 / f64::from(draws)).sqrt(), "{share}");
}

#[test]
fn posteriors_refuse_and_survive() {
    assert!(BetaPosterior::new(0.0, 1.0).is_err() && BetaPosterior::new(f64::NAN, 1.0).is_err());
    assert!(beta(1.0, 1.0).updated(3, 2).is_err());
    assert!(
        GammaPosterior::new(1.0, 0.0).is_err()
            && GammaPosterior::new(1.0, 1.0).unwrap().updated(1, -1.0).is_err()
    );
    assert!(NormalPosterior::new(0.0, 0.0).is_err());
    assert!(serde_json::from_str::<BetaPosterior>(r#"{"alpha":-1.0,"beta":1.0}"#).is_err());
    let shapes = [1e-6, 1e-3, 0.5, 1.0, 1e3, 1e15];
    for a in shapes {
        for b in shapes {
            let (one, other) = (beta(a, b), beta(b, a));
            let got = compare(&one, &other).unwrap();
            close(got.treatment_better + got.control_better, 1.0, 1e-6);
            let (low, high) = one.credible_interval(Alpha::FIVE_PERCENT);
            assert!((0.0..=1.0).contains(&low) && low <= high && high <= 1.0, "{a} {b} {low} {high}");
            for x in [-1.0, 0.0, 5e-324, 0.5, 1.0, 2.0, f64::NAN, f64::INFINITY] {
                assert!((0.0..=1.0).contains(&one.cdf(x)) && (0.0..=1.0).contains(&one.sf(x)));
            }
            let region = rope(&one, &other, EffectScale::Absolute, -0.01, 0.01).unwrap();
            assert!((region.below + region.inside + region.above - 1.0).abs() < 1e-6, "{a} {b} {region:?}");
        }
        for rate in [1e-100, 1.0, 1e100] {
            let (one, other) =
                (GammaPosterior::new(a, rate).unwrap(), GammaPosterior::new(2.0, rate).unwrap());
            let got = compare(&one, &other).unwrap();
            let sum = got.treatment_better + got.control_better;
            assert!((sum - 1.0).abs() < 1e-6, "{a} {rate} {got:?}");
            assert!(one.quantile(0.5).is_finite() && one.quantile(0.0).is_finite());
        }
    }
    let normal = NormalPosterior::new(1.0, 1.0).unwrap();
    assert!(rope(&normal, &normal, EffectScale::Relative, -0.1, 0.1).is_err());
    assert!(rope(&normal, &normal, EffectScale::Absolute, 0.1, -0.1).is_err());
    assert!(NormalPosterior::new(1e308, 1e308).is_ok_and(|wide| compare(&wide, &wide).is_ok()));
}

const LOSS_FIVE: f64 = 5.346165533832815e-8;
const LOSS_TWELVE: f64 = 4.904698602384856e-34;
const LOSS_TWENTY: f64 = 1.3700124947295799e-90;
