//! Coverage after batched Thompson sampling, with sample means as the negative control.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;

use super::*;
use crate::level::Alpha;
use crate::moments::Moments;
use crate::sequential::Support;
use crate::special::normal;
use crate::testing::close;

/// How often intervals held the truth.
#[derive(Debug, Default)]
struct Coverage {
    naive: u32,
    bols: u32,
    uniform_mean: u32,
    constant_mean: u32,
    constant_difference: u32,
    two_point_mean: u32,
    share: f64,
    naive_bias: f64,
    uniform_width: f64,
    constant_width: f64,
    constant_bias: f64,
}

/// Two arms with normal rewards of variance 1; 25 batches of 100, each allocated by the probability that the arm is best
/// under flat priors and known variance, clipped; the same design as `adaptive_inference_coverage.json`.
fn simulate(runs: u32, floor: f64, effect: f64) -> Coverage {
    let mut rng = StdRng::seed_from_u64(20_260_101);
    let alpha = Alpha::FIVE_PERCENT;
    let mut coverage = Coverage::default();
    for _ in 0..runs {
        let mut bols = BatchedOls::new(2).unwrap();
        let mut plain = [Moments::default(), Moments::default()];
        let schemes =
            [Allocation::Uniform, Allocation::Constant, Allocation::TwoPoint { horizon: 2500, decay: 0.0 }];
        let mut states = schemes.map(|allocation| AdaptiveAipw::new(2, 0, allocation).unwrap());
        for batch in 0..25 {
            let e = thompson(&plain, floor);
            for _ in 0..100 {
                let arm = usize::from(rng.random::<f64>() < e);
                let noise: f64 = rng.sample(StandardNormal);
                let reward = noise + effect * arm as f64;
                bols.add(batch, arm, reward).unwrap();
                plain[arm].push(reward).unwrap();
                states.iter_mut().for_each(|state| state.add(arm, &[1.0 - e, e], reward).unwrap());
            }
        }
        let [uniform, constant, two_point] = states;
        let error =
            (plain[0].standard_error().unwrap().powi(2) + plain[1].standard_error().unwrap().powi(2)).sqrt();
        let naive = plain[1].mean().unwrap() - plain[0].mean().unwrap();
        coverage.naive += u32::from((naive - effect).abs() <= 1.96 * error);
        let got = bols.difference(1, 0, Noise::PerBatch, alpha).unwrap();
        coverage.bols += u32::from(got.interval.contains(effect));
        coverage.uniform_mean += u32::from(uniform.mean(0, alpha).unwrap().interval.contains(0.0));
        coverage.constant_mean += u32::from(constant.mean(0, alpha).unwrap().interval.contains(0.0));
        coverage.two_point_mean += u32::from(two_point.mean(0, alpha).unwrap().interval.contains(0.0));
        let difference = constant.difference(1, 0, alpha).unwrap();
        coverage.constant_difference += u32::from(difference.interval.contains(effect));
        let n = f64::from(runs);
        let (flat, weighted) = (uniform.mean(0, alpha).unwrap(), constant.mean(0, alpha).unwrap());
        coverage.uniform_width += flat.interval.width().unwrap() / n;
        coverage.constant_width += weighted.interval.width().unwrap() / n;
        coverage.constant_bias += weighted.estimate / n;
        coverage.share += plain[0].count() as f64 / 2500.0;
        coverage.naive_bias += plain[0].mean().unwrap();
    }
    coverage.share /= f64::from(runs);
    coverage.naive_bias /= f64::from(runs);
    coverage
}

/// The clipped probability that arm 1 is best.
fn thompson(plain: &[Moments; 2], floor: f64) -> f64 {
    let [Some(a), Some(b)] = [plain[0].mean(), plain[1].mean()] else {
        return 0.5;
    };
    let variance = 1.0 / plain[0].count() as f64 + 1.0 / plain[1].count() as f64;
    normal::sf((a - b) / variance.sqrt()).clamp(floor, 1.0 - floor)
}

/// A/A with a floor of 5 %. With N runs a coverage p is off by at most 3.09 sqrt(p (1 - p) / N) (probability .002): .034
/// for .95 at N = 400, .011 at 4,000.
///
/// The same at N = 4,000, beside `adaptive_inference_coverage.json` (numpy, 4,000 runs, floor 5 %) in brackets:
///
/// | | A/A, floor 5 % | A/A, floor 1 % | effect .1, floor 5 % |
/// |---|---|---|---|
/// | sample means, difference | .927 (.9245) | .893 | .955 |
/// | batched least squares | .9545 (.9545) | .959 | .952 |
/// | uniform scores, arm 0 | .951 (.953) | .9545 | .939 |
/// | constant allocation, arm 0 | .947 (.950) | .9475 | .950 |
/// | constant allocation, difference | .957 (.954) | .951 | .951 |
/// | two-point allocation, arm 0 | .947 | .9475 | .950 |
/// | bias of sample mean 0 | -.0139 (-.0142) | -.0185 | -.0189 |
/// | bias of constant allocation, arm 0 | -.0069 (-.0071) | | |
#[test]
fn batched_least_squares_and_weighted_scores_cover_and_sample_means_do_not() {
    let runs = 400;
    let got = simulate(runs, 0.05, 0.0);
    let share = |count: u32| f64::from(count) / f64::from(runs);
    let bound = 3.09 * (0.95 * 0.05 / f64::from(runs)).sqrt();
    for count in [got.bols, got.constant_mean, got.constant_difference, got.uniform_mean, got.two_point_mean]
    {
        assert!((share(count) - 0.95).abs() < bound, "{got:?}");
    }
    assert!(share(got.naive) < 0.95 - 0.5 * bound && got.naive_bias < -0.005, "{got:?}");
    assert!((got.share - 0.5).abs() < 0.05, "{got:?}");
    // Mean widths: .1508, .1490 and .1348, .1331 for both arms of the anchors; .1503 and .1340 here at N = 4,000.
    close(got.uniform_width, 0.1499, 0.05);
    close(got.constant_width, 0.134, 0.05);
    assert!((got.constant_bias + 0.0071).abs() < 0.006, "{got:?}");
}

/// All looks together: misses of the exact and the asymptotic sequences, 25 looks.
fn misses_at_any_look(runs: u32, rates: (f64, f64), cap: f64) -> (u32, u32, f64) {
    let mut rng = StdRng::seed_from_u64(7);
    let alpha = Alpha::FIVE_PERCENT;
    let truth = rates.1 - rates.0;
    let boundary = MartingaleBoundary::new(alpha, 2000, 2.0).unwrap();
    let (mut exact_misses, mut asymptotic_misses, mut width) = (0, 0, 0.0);
    for _ in 0..runs {
        let mut exact = AnytimeDifference::new(alpha, Support::UNIT, cap).unwrap();
        let mut state = AdaptiveAipw::new(2, 0, Allocation::Uniform).unwrap();
        let mut plain = [Moments::default(), Moments::default()];
        let (mut exact_missed, mut asymptotic_missed) = (false, false);
        for _ in 0..25 {
            let e = thompson(&plain, 0.1);
            let (t, c) = (Propensity::new(e).unwrap(), Propensity::new(1.0 - e).unwrap());
            for _ in 0..80 {
                let arm = usize::from(rng.random::<f64>() < e);
                let rate = if arm == 1 { rates.1 } else { rates.0 };
                let reward = f64::from(u8::from(rng.random::<f64>() < rate));
                exact.add_any(t, c, Some((arm == 1, reward))).unwrap();
                state.add(arm, &[1.0 - e, e], reward).unwrap();
                plain[arm].push(reward).unwrap();
                exact_missed |= !exact.estimate().unwrap().interval.contains(truth);
            }
            let look = state.look(1, 0, &boundary).unwrap();
            asymptotic_missed |= look.is_some_and(|now| !now.interval.contains(truth));
        }
        width += exact.estimate().unwrap().interval.width().unwrap() / f64::from(runs);
        exact_misses += u32::from(exact_missed);
        asymptotic_misses += u32::from(asymptotic_missed);
    }
    (exact_misses, asymptotic_misses, width)
}

/// At most alpha plus 3.09 standard errors: 11 of 100 (mean 5). At N = 1,000, rates .4 and .4: the exact sequence missed in
/// .006 (cap 0, last width .209) and .004 (cap 3, .173), the asymptotic one at 25 looks in .012; at rates .02 and .03 .009
/// (.187) and .001 (.055), and .000.
#[test]
fn all_looks_together_miss_rarely() {
    for cap in [0.0, 3.0] {
        let (exact, asymptotic, width) = misses_at_any_look(100, (0.4, 0.4), cap);
        assert!(exact <= 11 && asymptotic <= 11, "{exact} {asymptotic} {width}");
    }
}

#[test]
fn plain_and_full_decisions_agree_and_edges_hold() {
    let half = Propensity::new(0.5).unwrap();
    let mut short = AnytimeMean::new(Alpha::FIVE_PERCENT, Support::UNIT, 0.0).unwrap();
    let mut full = short;
    assert!(short.estimate().is_none());
    for i in 0..500_u32 {
        let reward = f64::from(i % 5) / 4.0;
        let chosen = i % 2 == 0;
        short.add(chosen.then_some(half), reward).unwrap();
        full.add_any(half, chosen.then_some(reward)).unwrap();
    }
    let (a, b) = (short.estimate().unwrap(), full.estimate().unwrap());
    assert_eq!(a.interval, b.interval);
    assert!(a.interval.contains(0.5) && a.interval.width().unwrap() < 0.5, "{a:?}");
    assert!(a.running.unwrap().width() <= a.interval.width());
    let before = short;
    for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(short.add(Some(half), bad).is_err());
        assert_eq!(short, before);
    }
    assert!(AnytimeMean::new(Alpha::FIVE_PERCENT, Support::UNIT, -1.0).is_err());
    assert!(AnytimeDifference::new(Alpha::FIVE_PERCENT, Support::UNIT, f64::NAN).is_err());
    let mut capped = AnytimeMean::new(Alpha::FIVE_PERCENT, Support::UNIT, 2.0).unwrap();
    assert!(capped.add(None, 0.0).is_err());
    let tiny = Propensity::new(5e-324).unwrap();
    for i in 0..3 {
        let _ = capped.add_any(tiny, Some(f64::from(i % 2)));
        let got = capped.estimate();
        assert!(got.is_none_or(|got| got.estimate.is_finite()));
    }
    let text = serde_json::to_string(&short).unwrap();
    assert_eq!(serde_json::from_str::<AnytimeMean>(&text).unwrap(), short);
}

/// Source: numpy, the formulas of both sequences evaluated row by row (800 decisions, ten of them repeated).
#[test]
fn exact_bounds_agree_with_the_formula() {
    const CHOSEN: [bool; 10] = [true, false, true, true, false, true, false, false, true, true];
    const TREATMENT: [f64; 10] = [0.5, 0.5, 0.6, 0.4, 0.3, 0.7, 0.7, 0.2, 0.9, 0.35];
    const REWARD: [f64; 10] = [0.2, 0.9, 1.0, 0.0, 0.4, 0.7, 0.1, 0.3, 0.8, 0.6];
    let check = |cap: f64, mean: f64, of_mean: (f64, f64), of_difference: (f64, f64)| {
        let mut arm = AnytimeMean::new(Alpha::FIVE_PERCENT, Support::UNIT, cap).unwrap();
        // The same rewards on another scale must give the same bounds on that scale.
        let mut both =
            AnytimeDifference::new(Alpha::FIVE_PERCENT, Support::new(-3.0, 7.0).unwrap(), cap).unwrap();
        for i in (0..10).cycle().take(800) {
            let (t, c) =
                (Propensity::new(TREATMENT[i]).unwrap(), Propensity::new(1.0 - TREATMENT[i]).unwrap());
            arm.add_any(t, CHOSEN[i].then_some(REWARD[i])).unwrap();
            both.add_any(t, c, Some((CHOSEN[i], 10.0 * REWARD[i] - 3.0))).unwrap();
        }
        let got = arm.estimate().unwrap();
        close(got.estimate, mean, 1e-9);
        close(got.interval.lower.unwrap(), of_mean.0, 1e-9);
        close(got.interval.upper.unwrap(), of_mean.1, 1e-9);
        let got = both.estimate().unwrap();
        close(got.interval.lower.unwrap(), 10.0 * of_difference.0, 1e-9);
        close(got.interval.upper.unwrap(), 10.0 * of_difference.1, 1e-9);
    };
    check(
        0.0,
        0.566984126984127,
        (0.4685777459366687, 0.5361545523762554),
        (-0.05316175697875225, 0.20225790712360858),
    );
    check(
        2.5,
        0.4755985982493937,
        (0.4058572275174454, 0.5474576353638272),
        (-0.04128993772439804, 0.19360223785003683),
    );
}
