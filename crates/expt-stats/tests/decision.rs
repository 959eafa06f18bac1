//! The rules of a decision, case by case.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::float_cmp,
    missing_docs,
    reason = "a failed assertion or unwrap is how a test reports"
)]

use expt_stats::{
    Alpha, Correction, Decision, Design, Direction, EffectState, Metric, MetricStatus, Moments, Readings,
    Rule, Shares, SrmResult, StatsError, Verdict,
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
