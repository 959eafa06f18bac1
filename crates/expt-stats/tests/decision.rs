//! The rules of a decision, case by case.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::float_cmp,
    missing_docs,
    reason = "a failed assertion or unwrap is how a test reports"
)]

use expt_stats::sequential::Spending;
use expt_stats::{
    Alpha, ArmEstimate, Correction, Coverage, Decision, Design, Direction, EffectState, InvalidReason,
    Metric, MetricStatus, Moments, Procedure, Readings, Rule, Shares, SrmResult, StatsError, Verdict,
};

const UNITS: u64 = 10_000;

fn design() -> Design {
    Design::new(Alpha::FIVE_PERCENT, Metric::new("conversion", Direction::HigherIsBetter), 100_000)
        .and_then(|design| design.with_guardrail(Metric::new("errors", Direction::LowerIsBetter), 0.01))
        .and_then(|design| design.with_secondary(Metric::new("clicks", Direction::HigherIsBetter)))
        .and_then(|design| design.with_secondary(Metric::new("returns", Direction::LowerIsBetter)))
        .and_then(|design| design.with_tuned_units(20_000))
        .unwrap()
}

fn srm(control: u64, treatment: u64) -> SrmResult {
    Shares::new(&[1.0, 1.0]).unwrap().sequential(&[control, treatment], Alpha::PER_MILLE).unwrap()
}

fn effect(control: u64, treatment: u64) -> EffectState {
    let rate = |events| Moments::from_counts(events, UNITS).unwrap();
    EffectState::proportions(&rate(control), &rate(treatment)).unwrap()
}

/// Readings with these events per 10,000 units in control and treatment.
fn readings(runtime: bool, conversion: (u64, u64), errors: (u64, u64)) -> Readings {
    Readings::new(srm(UNITS, UNITS), runtime)
        .with("conversion", effect(conversion.0, conversion.1))
        .with("errors", effect(errors.0, errors.1))
        .with("clicks", effect(4000, 4300))
        .with("returns", effect(500, 505))
}

fn decide(design: &Design, readings: &Readings) -> Decision {
    let decision = design.decide(readings).unwrap();
    assert_eq!(decision.derivation.first().map(|step| step.rule), Some(Rule::Health));
    assert_eq!(decision.derivation.last().map(|step| step.rule), Some(Rule::Verdict));
    let text = serde_json::to_string(&decision).unwrap();
    assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), decision);
    decision
}

#[track_caller]
fn check(runtime: bool, conversion: (u64, u64), errors: (u64, u64), want: &str) {
    let decision = decide(&design(), &readings(runtime, conversion, errors));
    let name = match decision.verdict {
        Verdict::Ship => "ship".to_owned(),
        Verdict::Stop { harm } => format!("stop {}", harm.metrics.join(",")),
        Verdict::Continue => "continue".to_owned(),
        Verdict::Inconclusive => "inconclusive".to_owned(),
        _ => "other".to_owned(),
    };
    assert_eq!(name, want, "{:#?}", decision.derivation);
}

#[test]
fn ship_needs_superiority_guardrails_and_runtime() {
    check(true, (1000, 1250), (200, 190), "ship");
    check(false, (1000, 1250), (200, 190), "continue");
    check(true, (1000, 1020), (200, 190), "continue");
    check(true, (1000, 1250), (2000, 2050), "continue");
}

#[test]
fn harm_stops_before_the_minimum_runtime() {
    check(false, (1250, 1000), (200, 190), "stop conversion");
    check(false, (1000, 1250), (200, 500), "stop errors");
    check(true, (1250, 1000), (200, 500), "stop conversion,errors");
}

#[test]
fn a_guardrail_may_get_worse_within_its_margin() {
    // Errors rise by 0.3 points with certainty, less than the margin of one point.
    let decision = decide(&design(), &readings(true, (1000, 1250), (60, 95)));
    assert_eq!(decision.verdict, Verdict::Ship);
    assert_eq!(decision.metrics[1].status, MetricStatus::NonInferior);
    assert_eq!(decision.metrics[1].null, 0.01);
}

#[test]
fn a_sample_ratio_mismatch_overrules_everything() {
    let mut readings = readings(true, (1000, 1250), (200, 190));
    readings.srm = srm(10_000, 11_000);
    assert!(matches!(decide(&design(), &readings).verdict, Verdict::Invalid { .. }));
    readings.srm = srm(0, 0);
    assert_eq!(decide(&design(), &readings).verdict, Verdict::Continue);
}

#[test]
fn minimum_and_maximum_bound_the_experiment() {
    let small = |max: u64| {
        let primary = Metric::new("conversion", Direction::HigherIsBetter);
        Design::new(Alpha::FIVE_PERCENT, primary, max).unwrap()
    };
    let only = |runtime, treatment| {
        Readings::new(srm(UNITS, UNITS), runtime).with("conversion", effect(1000, treatment))
    };
    assert_eq!(decide(&small(20_000), &only(true, 1010)).verdict, Verdict::Inconclusive);
    assert_eq!(decide(&small(20_000), &only(false, 1250)).verdict, Verdict::Continue);
    assert_eq!(decide(&small(20_001), &only(true, 1010)).verdict, Verdict::Continue);
    let patient = small(40_000).with_min_units(30_000).unwrap();
    assert_eq!(decide(&patient, &only(true, 1250)).verdict, Verdict::Continue);
    assert!(small(10).with_min_units(11).is_err());
}

#[test]
fn secondaries_are_corrected_and_never_decide() {
    let readings = readings(true, (1000, 1001), (200, 200));
    let decision = decide(&design().with_correction(Correction::BenjaminiHochberg), &readings);
    assert_eq!(decision.verdict, Verdict::Continue);
    let (clicks, returns) = (&decision.metrics[2], &decision.metrics[3]);
    assert_eq!(clicks.status, MetricStatus::Superior);
    assert_eq!(returns.status, MetricStatus::Undecided);
    assert!(clicks.adjusted_ln_p.unwrap() > clicks.ln_p.unwrap());
    assert_eq!(clicks.interval.unwrap().alpha.get(), 0.025);
    let multiplicity = decision.derivation.iter().find(|step| step.rule == Rule::Multiplicity).unwrap();
    assert!(multiplicity.detail.contains("Benjamini-Hochberg"), "{multiplicity}");
}

#[test]
fn readings_must_match_the_design() {
    let unit = |n| Moments::from_counts(n / 2, n).unwrap();
    let early = EffectState::proportions(&unit(20), &unit(20)).unwrap();
    let early = readings(true, (1000, 1250), (200, 190)).with("conversion", early).with_no_data("errors");
    let decision = decide(&design(), &early);
    assert_eq!(decision.verdict, Verdict::Continue);
    assert!(matches!(decision.metrics[0].status, MetricStatus::NotYet(_)));
    assert_eq!(decision.metrics[1].status, MetricStatus::NoData);

    let extra = readings(true, (1, 1), (1, 1)).with("surprise", effect(1, 2));
    assert!(matches!(design().decide(&extra), Err(StatsError::UnknownMetric { name }) if name == "surprise"));
    let missing = Readings::new(srm(1, 1), true);
    assert!(matches!(design().decide(&missing), Err(StatsError::MissingMetric { .. })));
    let twice = design().with_secondary(Metric::new("errors", Direction::LowerIsBetter));
    assert!(matches!(twice, Err(StatsError::DuplicateMetric { .. })));
}

#[test]
fn the_design_survives_serde_and_is_validated_by_it() {
    let text = serde_json::to_string(&design()).unwrap();
    assert_eq!(serde_json::from_str::<Design>(&text).unwrap(), design());
    let broken = text.replace("\"max_units\":100000", "\"max_units\":0");
    assert!(serde_json::from_str::<Design>(&broken).is_err());
}

#[test]
fn mirrored_directions_give_the_same_verdict() {
    let lower = Metric::new("conversion", Direction::LowerIsBetter);
    let lower = Design::new(Alpha::FIVE_PERCENT, lower, 100_000).unwrap();
    let only = |a, b| Readings::new(srm(UNITS, UNITS), true).with("conversion", effect(a, b));
    assert_eq!(decide(&lower, &only(1250, 1000)).verdict, Verdict::Ship);
    assert!(matches!(decide(&lower, &only(1000, 1250)).verdict, Verdict::Stop { .. }));
}

/// One of several primaries is enough, at alpha divided by their number; one that is inferior stops.
#[test]
fn primaries_share_alpha() {
    let two = design().with_primary(Metric::new("signups", Direction::HigherIsBetter)).unwrap();
    assert_eq!(two.alpha_per_primary(), Alpha::new(0.025).unwrap());
    let with_signups = |conversion, signups: (u64, u64)| {
        readings(true, conversion, (200, 200)).with("signups", effect(signups.0, signups.1))
    };
    assert_eq!(decide(&two, &with_signups((1_000, 1_000), (1_000, 1_250))).verdict, Verdict::Ship);
    let decision = decide(&two, &with_signups((1_000, 1_250), (1_250, 1_000)));
    match &decision.verdict {
        Verdict::Stop { harm } => assert_eq!(harm.metrics, ["signups"]),
        other => panic!("{other:?}"),
    }
    // What is just enough for the only primary is not enough for one of two.
    let ships_alone = |events: &u64| {
        decide(&design(), &readings(true, (1_000, *events), (200, 200))).verdict == Verdict::Ship
    };
    let ships_of_two =
        |events: u64| decide(&two, &with_signups((1_000, events), (1_000, 1_000))).verdict == Verdict::Ship;
    let least = (1_000..1_250).find(ships_alone).unwrap();
    assert!(!ships_of_two(least) && ships_of_two(least + 30));
    assert!(two.with_primary(Metric::new("errors", Direction::HigherIsBetter)).is_err());
}

/// Bounds from rpact 4.0 (`getDesignGroupSequential(typeOfDesign = "asOF", sided = 2, alpha = 0.05,
/// informationRates = c(0.5, 1))`): 2.9626 and 1.9686.
#[test]
fn group_sequential_looks_spend_alpha() {
    let spending = Spending::LanDeMetsObrienFleming;
    let design = Design::new(Alpha::FIVE_PERCENT, Metric::new("m", Direction::HigherIsBetter), 20_000)
        .unwrap()
        .with_procedure(Procedure::GroupSequential { spending });
    let arm = |mean: f64, units: u64| ArmEstimate::new(mean, 0.5, units).unwrap();
    let at = |z: f64, units: u64, earlier: &[u64]| {
        let state = EffectState::from_arms(arm(0.0, units / 2), arm(z, units / 2), 0.0).unwrap();
        let readings = Readings::new(srm(5_000, 5_000), true)
            .with("m", state)
            .with_earlier_looks(earlier.iter().copied());
        decide(&design, &readings)
    };
    assert_eq!(at(2.962, 10_000, &[]).verdict, Verdict::Continue);
    assert_eq!(at(2.963, 10_000, &[]).verdict, Verdict::Ship);
    assert_eq!(at(1.968, 20_000, &[10_000]).verdict, Verdict::Inconclusive);
    assert_eq!(at(1.969, 20_000, &[10_000]).verdict, Verdict::Ship);
    let metric = at(2.9626, 10_000, &[]).metrics.remove(0);
    assert!((metric.ln_p.unwrap().p() - 0.05).abs() < 2e-5, "{:?}", metric.ln_p);
    assert_eq!(metric.interval.unwrap().coverage, Coverage::GroupSequential);
    assert_eq!(metric.ln_e, None);
    // With one look it is the normal test.
    let metric = at(1.96, 20_000, &[]).metrics.remove(0);
    assert!((metric.ln_p.unwrap().p() - 0.049_995_79).abs() < 1e-7);
    let state = EffectState::from_arms(arm(0.0, 10), arm(0.0, 10), 0.0).unwrap();
    let twice = Readings::new(srm(10, 10), true).with("m", state).with_earlier_looks([20]);
    assert!(design.decide(&twice).unwrap_err().to_string().contains("more than at the look before it"));
}

/// Welch's t as scipy 1.17.1 has it: `stats.ttest_ind_from_stats(10.2, 2, 200, 9.7, 2.5, 200, equal_var=False)` gives
/// t = 2.208630521496931 and p = 0.027797078594640614.
#[test]
fn a_fixed_horizon_has_one_look() {
    let design = Design::new(Alpha::FIVE_PERCENT, Metric::new("m", Direction::HigherIsBetter), 400)
        .unwrap()
        .with_procedure(Procedure::FixedHorizon);
    let at = |units: u64| {
        let control = ArmEstimate::new(9.7, 6.25 / units as f64, units).unwrap();
        let treatment = ArmEstimate::new(10.2, 4.0 / units as f64, units).unwrap();
        let state = EffectState::from_arms(control, treatment, 0.0).unwrap();
        decide(&design, &Readings::new(srm(5_000, 5_000), true).with("m", state))
    };
    let early = at(199);
    assert_eq!(early.verdict, Verdict::Continue);
    assert_eq!(early.metrics[0].status, MetricStatus::NotLookedAt { before_units: 400 });
    assert_eq!((early.metrics[0].interval, early.metrics[0].ln_p), (None, None));
    let decision = at(200);
    assert_eq!(decision.verdict, Verdict::Ship);
    let p = decision.metrics[0].ln_p.unwrap().p();
    assert!((p - 0.027_797_078_594_640_614).abs() < 1e-9, "{p}");
    assert_eq!(decision.metrics[0].interval.unwrap().coverage, Coverage::Fixed);
}

#[test]
fn what_the_readings_declare_invalid_is_not_decided() {
    let readings = readings(true, (1_000, 1_250), (200, 190)).with_invalid("the log has a hole on day 3");
    let decision = decide(&design(), &readings);
    match &decision.verdict {
        Verdict::Invalid { reason: InvalidReason::Declared { what } } => assert!(what.contains("hole")),
        other => panic!("{other:?}"),
    }
    assert!(decision.derivation.last().unwrap().detail.contains("a hole on day 3"));
}
