use std::time::Duration;

use expt_analysis::audit::{AuditError, Baseline, Effect, Inflow, TrafficAdvice, TrafficOption, TrafficPlan};
use expt_core::Share;
use expt_stats::{Alpha, PowerPlan, Probability, Shares, StatsError};

use crate::close;

fn percent(percent: u32) -> Share {
    Share::percent(percent).unwrap()
}

fn buyers(effect: f64) -> TrafficPlan {
    TrafficPlan::new(
        Inflow::new(40_000, 10_000),
        Baseline::proportion(0.05).unwrap(),
        Effect::Absolute(effect),
    )
    .unwrap()
}

fn feasible(advice: TrafficAdvice) -> TrafficOption {
    match advice {
        TrafficAdvice::Feasible(option) => option,
        other => panic!("{other}"),
    }
}

/// Source: the formula of Chow, Shao and Wang with scipy 1.17 `stats.norm.ppf`, an arm rounded up to whole units; the
/// detectable effect by `optimize.brentq`.
#[test]
fn sizes_agree_with_scipy() {
    let check = |rate: f64, effect: f64, alpha: f64, power: f64, arms: &[f64], want: u64| {
        let plan = TrafficPlan::new(
            Inflow::new(1, 1),
            Baseline::proportion(rate).unwrap(),
            Effect::Absolute(effect),
        );
        let plan = plan.unwrap().with_one_look().with_arms(Shares::new(arms).unwrap()).unwrap();
        let levels = (Alpha::new(alpha).unwrap(), Probability::new(power).unwrap());
        assert_eq!(plan.with_levels(levels.0, levels.1).unwrap().needed().unwrap(), want);
    };
    check(0.05, 0.005, 0.05, 0.8, &[1.0, 1.0], 62_462);
    check(0.05, 0.005, 0.05, 0.8, &[0.4, 0.3, 0.3], 111_020);
    check(0.2, -0.02, 0.01, 0.9, &[0.5, 0.25, 0.25], 38_048);
    check(0.5, 0.01, 0.05, 0.8, &[9.0, 1.0], 217_950);
    let four = buyers(0.005).with_one_look().at(percent(70), 4).unwrap();
    assert_eq!(four.units, 49_000);
    close(four.detectable.unwrap(), 0.0056618919872167455, 1e-4); // whole units
}

#[test]
fn a_mean_and_many_looks_are_those_of_the_power_plan() {
    let plan = PowerPlan::new(Alpha::FIVE_PERCENT, Probability::new(0.8).unwrap(), 9.0, 9.0).unwrap();
    let baseline = Baseline::mean(25.0, 9.0).unwrap();
    let relative = TrafficPlan::new(Inflow::new(10_000, 0), baseline, Effect::Relative(-0.02)).unwrap();
    assert_eq!(relative.needed().unwrap(), plan.sequential_size(0.5).unwrap().total());
    let at = relative.at(percent(50), 3).unwrap();
    assert_eq!(at.units, 5_000);
    close(at.detectable.unwrap(), -plan.sequential_detectable(5_000).unwrap(), 1e-3);
}

/// Every answer is the smallest: one part per million, or one week, less is not enough; what it says is detectable is.
#[test]
fn answers_are_tight() {
    let plan = buyers(0.006).with_taken(&[percent(20), percent(25)]).unwrap();
    assert_eq!(plan.free(), percent(55));
    let share = feasible(plan.share_for(26).unwrap());
    assert!(share.units >= share.needed && share.share <= plan.free());
    let less = plan.at(Share::ppm(share.share.as_ppm() - 1).unwrap(), 26).unwrap();
    assert!(less.units < less.needed);

    let weeks = feasible(plan.weeks_for(percent(55)).unwrap());
    assert!(weeks.units >= weeks.needed && weeks.detectable.unwrap() <= 0.006);
    let sooner = plan.at(percent(55), weeks.weeks - 1).unwrap();
    assert!(sooner.units < sooner.needed && sooner.detectable.unwrap() > 0.006);
}

#[test]
fn impossible_wishes_come_with_what_would_do() {
    let plan = buyers(0.006).with_taken(&[percent(45)]).unwrap();
    let TrafficAdvice::Impossible(short) = plan.share_for(2).unwrap() else { panic!() };
    assert_eq!((short.asked.share, short.asked.weeks, short.free), (percent(55), 2, percent(55)));
    let instead = short.with_free_share.unwrap();
    assert_eq!(TrafficAdvice::Feasible(instead), plan.weeks_for(percent(55)).unwrap());
    assert_eq!(TrafficAdvice::Feasible(short.with_all_weeks.unwrap()), plan.share_for(26).unwrap());
    // The effect that can be had can be had.
    let effect = short.detectable.unwrap();
    let content = buyers(effect).with_taken(&[percent(45)]).unwrap();
    assert!(effect > 0.006 && matches!(content.share_for(2), Ok(TrafficAdvice::Feasible(_))));

    // A share that others hold is not lent.
    let TrafficAdvice::Impossible(short) = plan.weeks_for(percent(80)).unwrap() else { panic!() };
    assert_eq!(short.asked.share, percent(80));
    assert!(short.to_string().contains("80 % of the layer cannot be had: 55 % are free"), "{short}");
    assert!(short.with_free_share.is_some());

    let full = buyers(0.006).with_taken(&[percent(100)]).unwrap();
    let TrafficAdvice::Impossible(short) = full.share_for(26).unwrap() else { panic!() };
    assert_eq!((short.with_free_share, short.with_all_weeks, short.detectable), (None, None, None));
    assert!(short.to_string().ends_with("find more units"), "{short}");
    let nobody =
        TrafficPlan::new(Inflow::new(0, 0), Baseline::proportion(0.1).unwrap(), Effect::Relative(0.1))
            .unwrap();
    assert!(matches!(nobody.weeks_for(Share::ALL), Ok(TrafficAdvice::Impossible(_))));
}

#[test]
fn outcomes_are_waited_for_in_whole_weeks() {
    let day = Duration::from_secs(86_400);
    let ready = |window| buyers(0.005).with_window(window).at(Share::ALL, 3).unwrap().ready_weeks;
    assert_eq!([ready(Duration::ZERO), ready(day), ready(day * 7), ready(day * 8)], [3, 4, 4, 5]);
    assert_eq!(ready(Duration::MAX), u32::MAX);
}

#[test]
fn what_cannot_be_planned_is_refused() {
    let bad = |baseline: Result<Baseline, AuditError>, effect: Effect| {
        let made = baseline.and_then(|baseline| TrafficPlan::new(Inflow::new(10, 10), baseline, effect));
        assert!(matches!(made, Err(AuditError::OutOfRange { .. })), "{made:?}");
    };
    bad(Baseline::proportion(1.1), Effect::Absolute(0.1));
    bad(Baseline::proportion(0.95), Effect::Absolute(0.06));
    bad(Baseline::proportion(0.05), Effect::Absolute(-0.06));
    bad(Baseline::proportion(0.05), Effect::Absolute(0.0));
    bad(Baseline::proportion(0.05), Effect::Absolute(f64::NAN));
    bad(Baseline::mean(0.0, 1.0), Effect::Relative(0.1));
    bad(Baseline::mean(f64::INFINITY, 1.0), Effect::Absolute(0.1));
    bad(Baseline::mean(1.0, 0.0), Effect::Absolute(0.1));
    assert!(
        TrafficPlan::new(Inflow::new(1, 1), Baseline::proportion(0.9).unwrap(), Effect::Absolute(0.1))
            .is_ok()
    );
    let plan = buyers(0.006);
    assert_eq!(
        plan.clone().with_taken(&[percent(60), percent(41)]).unwrap_err(),
        AuditError::Layer { total: 1_010_000 }
    );
    assert!(plan.clone().with_arms(Shares::new(&[1.0, 0.0]).unwrap()).is_err());
    assert!(
        plan.clone().with_max_weeks(521).is_err()
            && plan.share_for(0).is_err()
            && plan.share_for(27).is_err()
    );
    assert!(plan.with_levels(Alpha::FIVE_PERCENT, Probability::new(1.0).unwrap()).is_err());
    let tiny = buyers(1e-12);
    assert!(
        matches!(tiny.needed(), Err(AuditError::Stats(StatsError::Overflow { .. }))),
        "{:?}",
        tiny.needed()
    );
    // Huge numbers are numbers, too.
    let many = TrafficPlan::new(
        Inflow::new(u64::MAX, u64::MAX),
        Baseline::mean(1.0, 1e300).unwrap(),
        Effect::Absolute(1e150),
    );
    assert!(matches!(many.unwrap().share_for(26), Ok(TrafficAdvice::Feasible(_))));
}
