//! Readouts of simulated tests whose truth is known.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod test;

use std::time::Duration;

use expt_analysis::{Analysis, AnalysisError, Disposition, Readout, Role, Verdict};
use expt_core::{Aggregation, Event, Plan, canonical};
use test::{DAY, Test, metric, start};

fn verdict_at(analysis: &Analysis, day: u32) -> Verdict {
    analysis.verdicts(start() + DAY * day).unwrap()[0]
}

#[test]
fn a_better_treatment_ships_after_the_minimum_and_not_before() {
    let analysis = Test::new(2).with_units(3000).with_rates("clicks", &[0.2, 0.35]).analysis(1);
    let started = analysis.started().unwrap();
    let week = DAY * 14;
    for day in 3..14 {
        assert_eq!(verdict_at(&analysis, day), Verdict::Continue, "day {day}");
    }
    let before = analysis.readout(&[started + week - Duration::from_micros(1)]).unwrap();
    assert_eq!(before.verdict, Verdict::Continue);
    assert!(
        before.reason.starts_with("only the minimum runtime is missing; clicks moved by +0.1"),
        "{}",
        before.reason
    );
    let readout = analysis.readout(&analysis.daily_looks(started + week)).unwrap();
    assert_eq!((readout.verdict, readout.earliest_ship), (Verdict::Ship, started + week));
    assert_eq!((readout.started, readout.ends), (started, started + DAY * 21));
    assert!(readout.reason.contains("clicks moved by +0.1"), "{}", readout.reason);
    assert!(readout.reason.ends_with("primary superior, all guardrails hold, units healthy, minimum passed"));
    assert!(readout.health.iter().all(|check| check.passed), "{:?}", readout.health);
    assert_eq!(readout.looks.len(), 14);
    assert!(readout.looks.is_sorted_by_key(|look| look.as_of));
    assert!(readout.looks[..13].iter().all(|look| look.verdict == Verdict::Continue));
    assert_eq!(readout.arms.iter().map(|arm| arm.units).sum::<u64>(), 3000);
    assert_eq!(readout.days.iter().flat_map(|day| &day.units).sum::<u64>(), 3000);
    let difference = readout.comparisons[0].metrics[0].difference.unwrap();
    let online = |arm: usize| readout.arms[arm].online[&metric("clicks").metric].unwrap();
    assert!((difference - (online(1) - online(0))).abs() < 1e-12);
}

#[test]
fn harm_stops_early_and_says_of_what() {
    let analysis = Test::new(2).with_units(3000).with_rates("clicks", &[0.35, 0.15]).analysis(2);
    let first = (1..14).find(|day| verdict_at(&analysis, *day) != Verdict::Continue).unwrap();
    assert!(first < 14, "before the minimum runtime");
    let readout = analysis.readout(&[start() + DAY * first]).unwrap();
    assert_eq!(readout.verdict, Verdict::Stop);
    assert!(readout.reason.starts_with("harm: clicks moved by -0."), "{}", readout.reason);
    assert!(readout.reason.ends_with("; harm needs no minimum runtime"), "{}", readout.reason);
    assert_eq!(readout.comparisons[0].metrics[0].conclusion, "worse");
}

#[test]
fn a_harmed_guardrail_stops_a_better_treatment() {
    let test =
        Test::new(2).with_units(3000).with_rates("clicks", &[0.2, 0.35]).with_rates("errors", &[0.02, 0.25]);
    let analysis = test.analysis(3);
    let readout = analysis.readout(&[start() + DAY * 14]).unwrap();
    assert_eq!(readout.verdict, Verdict::Stop);
    assert!(readout.reason.starts_with("harm: errors moved by +0.2"), "{}", readout.reason);
    assert!(readout.reason.contains(", margin 0.05)"), "{}", readout.reason);
    let guardrail =
        readout.comparisons[0].metrics.iter().find(|metric| metric.role == Role::Guardrail).unwrap();
    assert_eq!((guardrail.conclusion.as_str(), guardrail.margin), ("worse than margin", Some(0.05)));
    assert_eq!(readout.comparisons[0].metrics[0].conclusion, "better");
}

/// Not only where every unit of every arm has a value of the primary: the phase ends by the calendar.
#[test]
fn nothing_to_see_is_inconclusive_at_the_end_and_not_before() {
    for arms in [2, 3] {
        for aggregation in [Aggregation::UnitAny, Aggregation::UnitTotal, Aggregation::PerPrediction] {
            let mut test = Test::new(arms).with_units(600);
            test.plan.primary.aggregation = aggregation;
            let analysis = test.analysis(4);
            let ends = analysis.started().unwrap() + DAY * 21;
            let before = analysis.verdicts(ends - Duration::from_micros(1)).unwrap();
            assert!(
                before.iter().all(|verdict| *verdict == Verdict::Continue),
                "{arms} {aggregation:?} {before:?}"
            );
            let readout = analysis.readout(&[ends]).unwrap();
            assert_eq!(readout.verdict, Verdict::Inconclusive, "{arms} {aggregation:?}");
            assert!(
                readout.reason.contains("the maximum was reached without a decision"),
                "{}",
                readout.reason
            );
            let derivation = &readout.comparisons[0].derivation;
            assert!(
                derivation.contains(&"maximum: maximum runtime has passed".to_owned()),
                "{derivation:#?}"
            );
        }
    }
}

#[test]
fn a_sample_ratio_mismatch_is_invalid_whatever_the_effect() {
    let mut test = Test::new(2).with_units(3000).with_rates("clicks", &[0.2, 0.5]);
    test.traffic = vec![0.4, 0.6];
    let readout = test.analysis(5).readout(&[start() + DAY * 15]).unwrap();
    assert_eq!(readout.verdict, Verdict::Invalid);
    assert!(
        readout.reason.starts_with("the arms do not have the units that the plan promised"),
        "{}",
        readout.reason
    );
    let failed: Vec<&str> = readout.health.iter().filter(|c| !c.passed).map(|c| c.name.as_str()).collect();
    assert_eq!(failed, ["sample ratio"]);
}

#[test]
fn secondaries_are_corrected_and_never_decide() {
    // Dwell moves by a lot, clicks by nothing.
    let test = Test::new(2).with_units(8000).with_rates("dwell", &[0.2, 0.6]);
    let readout = test.analysis(6).readout(&[start() + DAY * 20]).unwrap();
    assert_eq!(readout.verdict, Verdict::Continue);
    let metrics = &readout.comparisons[0].metrics;
    let roles: Vec<Role> = metrics.iter().map(|metric| metric.role).collect();
    assert_eq!(roles, [Role::Primary, Role::Secondary, Role::Secondary, Role::Guardrail]);
    for metric in metrics {
        let (raw, adjusted) = (metric.ln_p.unwrap(), metric.adjusted_ln_p);
        assert_eq!(adjusted.is_some(), metric.role == Role::Secondary);
        assert!(adjusted.is_none_or(|adjusted| adjusted >= raw), "{metric:?}");
    }
    assert_eq!((metrics[1].metric.as_str(), metrics[1].conclusion.as_str()), ("dwell", "better"));
    // Of two, the smaller p-value is doubled, and the intervals are at half of alpha.
    assert!((metrics[1].adjusted_ln_p.unwrap() - metrics[1].ln_p.unwrap() - 2_f64.ln()).abs() < 1e-9);
    assert_eq!(metrics[0].interval_kind, "95 % confidence sequence");
    assert_eq!(metrics[1].interval_kind, "97.5 % confidence sequence");
    assert_eq!(metrics[2].conclusion, "no difference shown");
    assert_eq!(metrics[3].conclusion, "within margin");
}

#[test]
fn treatments_share_alpha_and_each_has_its_verdict() {
    let test = Test::new(3).with_units(6000).with_rates("clicks", &[0.3, 0.1, 0.45]);
    let analysis = test.analysis(7);
    let readout = analysis.readout(&[start() + DAY * 15]).unwrap();
    let verdicts: Vec<Verdict> = readout.comparisons.iter().map(|comparison| comparison.verdict).collect();
    assert_eq!(verdicts, [Verdict::Stop, Verdict::Ship]);
    assert_eq!(analysis.verdicts(start() + DAY * 15).unwrap(), verdicts);
    assert_eq!(readout.verdict, Verdict::Ship);
    assert!(readout.reason.starts_with("arm2: clicks moved by +0.1"), "{}", readout.reason);
    assert_eq!(readout.comparisons[0].metrics[0].interval_kind, "97.5 % confidence sequence");
    assert_eq!(readout.comparisons[0].metrics[1].interval_kind, "98.75 % confidence sequence");
    assert_eq!(readout.looks.len(), 2, "one for each treatment");
}

#[test]
fn a_readout_is_data() {
    // An effect so large that its p-value is too small for a number.
    let test =
        Test::new(2).with_units(20_000).with_rates("clicks", &[0.01, 0.99]).with_rates("dwell", &[0.0, 0.0]);
    let analysis = test.analysis(8);
    for looks in [vec![start() + DAY], analysis.daily_looks(start() + DAY * 15)] {
        let readout = analysis.readout(&looks).unwrap();
        let bytes = canonical::to_bytes(&readout).unwrap();
        assert_eq!(serde_json::from_slice::<Readout>(&bytes).unwrap(), readout);
        let json = serde_json::to_string(&readout).unwrap();
        assert_eq!(serde_json::from_str::<Readout>(&json).unwrap(), readout);
    }
    assert!(
        analysis.readout(&[start() + DAY * 15]).unwrap().comparisons[0].metrics[0].ln_p.unwrap() < -745.0
    );
}

#[test]
fn the_order_of_looks_and_of_the_log_does_not_matter() {
    let test = Test::new(2).with_units(500);
    let mut events = test.events(9);
    let analysis = test.analysis(9);
    let mut looks = analysis.daily_looks(start() + DAY * 10);
    let readout = analysis.readout(&looks).unwrap();
    events.reverse();
    looks.reverse();
    looks.push(start() - DAY);
    looks.push(looks[3]);
    let sealed = Plan::AbTest(test.plan.clone()).seal().unwrap();
    assert_eq!(Analysis::new(&sealed, events).unwrap().readout(&looks).unwrap(), readout);
}

#[test]
fn daily_looks_end_with_the_phase() {
    let analysis = Test::new(2).with_units(100).analysis(10);
    let (started, far) = (analysis.started().unwrap(), start() + DAY * 100_000);
    let looks = analysis.daily_looks(far);
    assert_eq!((looks.len(), looks[0], looks[21]), (22, started + DAY, far));
    assert_eq!(analysis.daily_looks(started + DAY), [started + DAY]);
    assert_eq!(analysis.daily_looks(started), [started]);
    assert!(analysis.daily_looks(started - DAY).is_empty());
}

#[test]
fn no_exposure_is_an_error_and_no_data_is_not() {
    let test = Test::new(2);
    let none = test.analysis(11);
    assert!(matches!(none.verdicts(start()), Err(AnalysisError::NoExposure { .. })));
    assert!(matches!(none.readout(&[start()]), Err(AnalysisError::NoExposure { .. })));
    assert!(none.daily_looks(start()).is_empty());
    let only_exposures: Vec<Event> =
        test.with_units(50).events(11).into_iter().filter(|e| matches!(e, Event::Exposure(_))).collect();
    let mut plan = Test::new(2).plan;
    plan.primary.aggregation = Aggregation::PerPrediction;
    let analysis = Analysis::new(&Plan::AbTest(plan).seal().unwrap(), only_exposures).unwrap();
    assert!(matches!(analysis.readout(&[]), Err(AnalysisError::NoExposure { .. })));
    assert!(matches!(analysis.readout(&[start() - DAY]), Err(AnalysisError::NoExposure { .. })));
    let started = analysis.started().unwrap();
    let readout = analysis.readout(&[started + DAY]).unwrap();
    assert_eq!(readout.verdict, Verdict::Continue);
    assert_eq!(readout.comparisons[0].metrics[0].conclusion, "no data yet");
    assert!(readout.reason.contains("clicks has too little data"), "{}", readout.reason);
    assert_eq!(analysis.verdicts(started + DAY * 21).unwrap(), [Verdict::Inconclusive]);
}

#[test]
fn health_counts_units_and_what_is_known() {
    let test = Test::new(2).with_units(1000);
    let sealed = Plan::AbTest(test.plan.clone()).seal().unwrap();
    let health = |events: Vec<Event>| {
        let readout = Analysis::new(&sealed, events).unwrap().readout(&[start() + DAY * 30]).unwrap();
        let failed = readout.health.iter().filter(|check| !check.passed);
        (failed.map(|check| check.name.clone()).collect::<Vec<_>>(), readout)
    };
    // Ten mixed units of a thousand are allowed, however often they come back; eleven are not.
    let mixed = |units: usize| {
        let mut events = test.events(12);
        let exposures: Vec<Event> =
            events.iter().filter(|e| matches!(e, Event::Exposure(_))).take(units).cloned().collect();
        for event in exposures.iter().cycle().take(units * 30) {
            events.push(test.in_the_other_arm(event));
        }
        health(events)
    };
    assert!(mixed(10).0.is_empty());
    let (failed, readout) = mixed(11);
    assert_eq!(failed, ["units in two arms"]);
    assert_eq!(readout.health[1].found, "11 of 1000 units");
    assert_eq!(readout.ledger.exposures.count(Disposition::MixedArms), 11 * 31);
    // Outcomes of those who are not in the test are no sign of a broken log.
    let mut others = test.events(12);
    others.extend((0..5000).map(|number| test.outcome_of(&format!("stranger{number}"))));
    let (failed, readout) = health(others);
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(readout.ledger.outcomes[&test.plan.primary.metric].count(Disposition::NotExposed), 5000);
}

/// Both arms the same, a look a day for three weeks: false ships, and false decisions of any kind.
#[test]
fn a_placebo_rarely_wins() {
    let (mut shipped, mut stopped, mut invalid) = (0, 0, 0);
    for seed in 0..300 {
        let mut test = Test::new(2).with_units(400);
        test.plan.guardrails.clear();
        test.plan.min_weeks = 1;
        let analysis = test.analysis(1000 + seed);
        let looks = (1..=21).map(|day| verdict_at(&analysis, day));
        match looks.into_iter().find(|verdict| *verdict != Verdict::Continue) {
            Some(Verdict::Ship) => shipped += 1,
            Some(Verdict::Stop) => stopped += 1,
            Some(Verdict::Invalid) => invalid += 1,
            _ => {}
        }
    }
    // P(X > 27) < 0.2 % for X ~ Binomial(300, 5 %): what alpha allows for the two sides of the primary.
    assert!(shipped + stopped <= 27, "{shipped} shipped, {stopped} stopped of 300");
    // P(X > 3) < 0.03 % for X ~ Binomial(300, 0.1 %): the level of the sample-ratio check.
    assert!(invalid <= 3, "{invalid} invalid of 300");
}
