//! Properties of the fixed-sample procedures over random and hostile input.

use expt_stats::fixed::{
    Cap, CappedMoments, Counts, Cuped, CupedState, DifferenceMethod, Equivalence, Fieller, JointMoments,
    Lift, OddsRatio, OddsRatioMethod, PairSums, ProportionDifference, ProportionEstimate, ProportionMethod,
    ProportionTest, RateRatio, RateRatioMethod, Sums, TOutcome, TTest, WeightKind, WeightedMoments,
    ZVariance, binomial_test, fisher_exact,
};
use expt_stats::{Alpha, Alternative, ArmEstimate, CoMoments, Interval, LiftScale, Moments, Probability};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const HOSTILE: [f64; 14] = [
    0.0,
    -0.0,
    5e-324,
    -1e-310,
    f64::MIN_POSITIVE,
    1e-160,
    1.0,
    -1.0,
    1e160,
    1e300,
    -1e300,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

const ALTERNATIVES: [Alternative; 3] = [Alternative::TwoSided, Alternative::Greater, Alternative::Less];

fn rng() -> StdRng {
    StdRng::seed_from_u64(20_260_401)
}

fn check(interval: &Interval) {
    for bound in [interval.lower, interval.upper].into_iter().flatten() {
        assert!(bound.is_finite());
    }
    if let (Some(lower), Some(upper)) = (interval.lower, interval.upper) {
        assert!(lower <= upper, "{lower} {upper}");
    }
}

fn check_outcome(outcome: &TOutcome) {
    if let TOutcome::Tested(test) = outcome {
        assert!(test.statistic.is_finite() && test.standard_error > 0.0 && test.estimate.is_finite());
        assert!((0.0..=1.0).contains(&test.ln_p.p()) && test.ln_p.get().is_finite());
        check(&test.interval);
    }
}

#[test]
fn hostile_numbers_make_errors_and_never_nan() {
    let test = TTest::new(Alpha::FIVE_PERCENT);
    let mut arms = vec![Moments::default()];
    for mean in HOSTILE {
        for variance in HOSTILE {
            for count in [0, 1, 2, 3, 1_000_000_000, u64::MAX / 4] {
                arms.extend(Moments::from_summary(count, mean, variance));
            }
        }
    }
    assert!(arms.len() > 100);
    for a in arms.iter().step_by(7) {
        for b in arms.iter().step_by(3) {
            for outcome in [test.welch(a, b), test.pooled(a, b)].into_iter().flatten() {
                check_outcome(&outcome);
            }
            let (Ok(c), Ok(t)) = (ArmEstimate::mean(a), ArmEstimate::mean(b)) else { continue };
            for scale in [LiftScale::Linear, LiftScale::Log] {
                if let Ok(lift) = Lift::new(scale, Alpha::FIVE_PERCENT).compare(&c, &t) {
                    assert!(lift.lift.is_finite() && lift.standard_error.is_finite());
                    check(&lift.interval);
                }
            }
            if let Ok(result) = Fieller::new(Alpha::FIVE_PERCENT).compare(&c, &t) {
                let text = serde_json::to_string(&result).unwrap();
                assert!(!text.contains("null,\"set") || result.ratio.is_none(), "{text}");
            }
            if let Ok(tost) = Equivalence::new(-1.0, 1.0, Alpha::FIVE_PERCENT).unwrap().welch(a, b) {
                assert!(tost.ln_p >= tost.low.ln_p && tost.ln_p >= tost.high.ln_p);
            }
        }
    }
}

#[test]
fn hostile_states_are_refused_or_finite() {
    let mut random = rng();
    for _ in 0..3_000 {
        let mut pick = || HOSTILE[random.random_range(0..HOSTILE.len())];
        let (a, b, c, d, e) = (pick(), pick(), pick(), pick(), pick());
        for kind in [WeightKind::Frequency, WeightKind::Reliability] {
            let mut sum = WeightedMoments::new(kind);
            let _ = sum.push(a, b);
            let _ = sum.push(c, d);
            for value in [sum.mean(), sum.variance(), sum.standard_error(), Some(sum.effective_count())] {
                assert!(value.is_none_or(f64::is_finite), "{sum:?}");
            }
        }
        for count in [0, 1, 2, 7] {
            if let Ok(got) = Sums::new(count, a, b).and_then(|sums| sums.moments()) {
                assert!(got.moments.variance().is_none_or(|v| v.is_finite() && v >= 0.0));
            }
            let _ = PairSums { count, x: a, y: b, xx: c, xy: d, yy: e }.co_moments();
        }
        let mut joint = JointMoments::new(2).unwrap();
        let _ = joint.push(&[a, b]);
        let _ = joint.push(&[c, d]);
        assert!(joint.covariance(0, 1).is_none_or(f64::is_finite));
        let _ = joint.subtract(&joint);
        if let Ok(cap) = Cap::planned(Some(a), Some(b)) {
            let mut capped = CappedMoments::new(cap);
            let _ = capped.push(c);
            assert!(capped.moments().mean().is_none_or(f64::is_finite));
        }
        let arm = |n, x, y, v, w, cov| {
            CoMoments::from_summary(n, (x, y), (v, w), cov).map(|p| CupedState::from(&p))
        };
        if let (Ok(control), Ok(treatment)) = (arm(2, a, b, c, d, e), arm(9, b, a, d, c, e))
            && let Ok(adjusted) = Cuped::default().adjust(&control, &treatment)
        {
            assert!(adjusted.theta[0].is_finite());
            check_outcome(&adjusted.test(&TTest::new(Alpha::FIVE_PERCENT)));
        }
    }
}

/// Events among units, often none or all.
fn table(random: &mut StdRng) -> (u64, u64) {
    let count = match random.random_range(0..4) {
        0 => random.random_range(1..4),
        1 => random.random_range(4..500),
        2 => 1_000_000,
        _ => 1_000_000_000,
    };
    let events = match random.random_range(0..4) {
        0 => 0,
        1 => count,
        _ => random.random_range(0..=count),
    };
    (events, count)
}

#[test]
fn every_method_bounds_every_table_and_mirrors() {
    use DifferenceMethod::{AgrestiCaffo, Mee, MiettinenNurminen, Newcombe, Wald};
    let mut random = rng();
    let close = |a: f64, b: f64| assert!((a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-9), "{a} {b}");
    for _ in 0..400 {
        let (a, b) = (table(&mut random), table(&mut random));
        let (a, b) = (Counts::new(a.0, a.1).unwrap(), Counts::new(b.0, b.1).unwrap());
        let alpha = Alpha::new([0.05, 0.001, 0.3][random.random_range(0..3)]).unwrap();
        for method in [Newcombe, MiettinenNurminen, Mee, AgrestiCaffo, Wald] {
            let got = ProportionDifference::new(&a, &b, method, alpha).unwrap();
            let back = ProportionDifference::new(&b, &a, method, alpha).unwrap();
            check(&got.interval);
            close(got.interval.lower.unwrap(), -back.interval.upper.unwrap());
        }
        use RateRatioMethod::{Koopman, Log, LogAdjusted};
        for method in [RateRatioMethod::MiettinenNurminen, Koopman, Log, LogAdjusted] {
            let got = RateRatio::new(&a, &b, method, alpha).unwrap();
            check(&got.interval);
            if let (Some(ratio), true) = (got.ratio, method != LogAdjusted) {
                assert!(got.interval.lower.unwrap() <= ratio * (1.0 + 1e-9), "{method:?} {a:?} {b:?}");
            }
        }
        use OddsRatioMethod::{Logit, LogitAdjusted, LogitSmoothed};
        for method in [OddsRatioMethod::MiettinenNurminen, Logit, LogitAdjusted, LogitSmoothed] {
            check(&OddsRatio::new(&a, &b, method, alpha).unwrap().interval);
        }
        use ProportionMethod::{AgrestiCoull, ClopperPearson, Jeffreys, Wilson};
        for method in [Wilson, AgrestiCoull, ClopperPearson, Jeffreys, ProportionMethod::Wald] {
            let got = ProportionEstimate::new(&a, method, alpha).unwrap().interval;
            check(&got);
            let others = Counts::new(a.others(), a.count()).unwrap();
            let mirrored = ProportionEstimate::new(&others, method, alpha).unwrap().interval;
            assert!((got.lower.unwrap() + mirrored.upper.unwrap() - 1.0).abs() < 1e-12);
            assert!(got.lower.unwrap() >= 0.0 && got.upper.unwrap() <= 1.0);
        }
        for alternative in ALTERNATIVES {
            for variance in [ZVariance::Pooled, ZVariance::Unpooled, ZVariance::Restricted] {
                let test = ProportionTest::default().with_variance(variance).with_alternative(alternative);
                if let Ok(test) = test.compare(&a, &b).unwrap().tested() {
                    assert!((0.0..=1.0).contains(&test.ln_p.p()) && test.statistic.is_finite());
                }
            }
            let p = fisher_exact(&a, &b, alternative).unwrap().ln_p;
            let opposite = match alternative {
                Alternative::TwoSided => Alternative::TwoSided,
                Alternative::Greater => Alternative::Less,
                Alternative::Less => Alternative::Greater,
            };
            let back = fisher_exact(&b, &a, opposite).unwrap().ln_p;
            assert!((p.get() - back.get()).abs() <= 1e-9 * p.get().abs().max(1.0), "{a:?} {b:?} {p} {back}");
            for null in [0.0, 1e-12, 0.3, 0.5, 1.0] {
                let null = Probability::new(null).unwrap();
                assert!((0.0..=1.0).contains(&binomial_test(&a, null, alternative).unwrap().p()));
            }
        }
    }
}

/// The one-sided exact p-values of neighbouring tables fall as the treatment gains events.
#[test]
fn more_events_are_more_evidence() {
    let control = Counts::new(20, 100).unwrap();
    let mut last = 1.0;
    for events in 0..=90 {
        let treatment = Counts::new(events, 90).unwrap();
        let p = fisher_exact(&control, &treatment, Alternative::Greater).unwrap().ln_p.p();
        assert!(p <= last + 1e-12, "{events}");
        last = p;
    }
}

#[test]
fn tests_move_with_shift_and_scale() {
    let mut random = rng();
    for _ in 0..300 {
        let mut column = |n: usize, centre: f64| -> Vec<f64> {
            (0..n).map(|_| (centre + random.random_range(-1.0_f64..1.0)).exp()).collect()
        };
        let (a, b) = (column(37, 0.0), column(52, 0.1));
        let (shift, scale) = (random.random_range(-1e3..1e3), random.random_range(0.01..100.0));
        let run = |map: &dyn Fn(f64) -> f64| {
            let moments =
                |values: &[f64]| Moments::from_values(&values.iter().map(|&x| map(x)).collect::<Vec<_>>());
            let test = TTest::new(Alpha::FIVE_PERCENT);
            test.welch(&moments(&a).unwrap(), &moments(&b).unwrap()).unwrap().tested().unwrap()
        };
        let (plain, moved) = (run(&|x| x), run(&|x| shift + scale * x));
        assert!((plain.statistic - moved.statistic).abs() < 1e-8 * plain.statistic.abs().max(1.0));
        let (lower, moved) = (plain.interval.lower.unwrap() * scale, moved.interval.lower.unwrap());
        assert!((lower - moved).abs() < 1e-8 * lower.abs().max(scale));
    }
}
