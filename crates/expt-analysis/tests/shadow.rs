//! A shadow against numbers that were computed by hand.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use std::sync::Arc;
use std::time::Duration;

use expt_analysis::{Analysis, AnalysisError, ShadowReadout};
use expt_core::{
    Binding, DecisionPoint, Digest, Event, ExperimentId, HoldoutId, ModelName, ModelOrigin, Output, PhaseId,
    PinStatus, Plan, Prediction, PredictionId, RequestId, RunId, SealedPlan, ShadowPlan, Share, Shown, Stamp,
    Timestamp, UnitId, UnitKind,
};

fn plan() -> ShadowPlan {
    ShadowPlan {
        experiment: ExperimentId::new("e").unwrap(),
        phase: PhaseId::new("e/shadow").unwrap(),
        decision_point: DecisionPoint::new("ranker").unwrap(),
        candidate: Binding::Pinned {
            model: ModelName::new("new").unwrap(),
            version: 2,
            digest: Digest::of(b"2"),
        },
        min_coverage: Share::percent(80).unwrap(),
        tolerance: 0.15,
        threshold: Some(0.5),
        max_flip_rate: Share::percent(25).unwrap(),
    }
}

fn seal(plan: ShadowPlan) -> SealedPlan {
    Plan::Shadow(plan).seal().unwrap()
}

fn said(request: u8, second: u64, model: &str, version: u32, shown: Shown, value: f64) -> Event {
    let origin = ModelOrigin {
        model: ModelName::new(model).unwrap(),
        version,
        digest: Digest::of(b"2"),
        run: RunId::derive(["r"]),
        experiment: ExperimentId::new("e").unwrap(),
        features: None,
        pin: PinStatus::Verified,
    };
    Event::Prediction(Prediction {
        id: PredictionId::derive([model.as_bytes(), &[request, version as u8]]),
        at: Timestamp::from_micros(0) + Duration::from_secs(second),
        request: RequestId::derive([[request]]),
        unit: UnitId::new("u").unwrap(),
        unit_kind: UnitKind::new("user").unwrap(),
        stamp: Arc::new(Stamp { model: origin, arms: Vec::new(), config_version: 1, shown }),
        output: Output::Value(value),
    })
}

fn live(request: u8, second: u64, value: f64) -> Event {
    said(request, second, "old", 1, Shown::Production, value)
}

fn candidate(request: u8, second: u64, value: f64) -> Event {
    said(request, second, "new", 2, Shown::Shadow, value)
}

/// Four requests that both answered, one that the candidate missed between them, and one before its time.
fn events() -> Vec<Event> {
    vec![
        live(9, 1, 0.9),
        live(1, 10, 0.2),
        candidate(1, 11, 0.3),
        live(2, 20, 0.4),
        candidate(2, 21, 0.6),
        live(3, 30, 0.6),
        live(4, 40, 0.6),
        candidate(4, 41, 0.6),
        said(5, 50, "old", 1, Shown::Holdout(HoldoutId::new("h").unwrap()), 0.8),
        candidate(5, 51, 0.9),
        // Another version in the shadow, and the candidate where it was shown, are not the candidate's shadow.
        said(1, 12, "new", 1, Shown::Shadow, 0.99),
        said(8, 60, "new", 2, Shown::Arm, 0.7),
    ]
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}

#[test]
fn agrees_with_numbers_computed_by_hand() {
    let readout = ShadowReadout::new(&seal(plan()), events()).unwrap();
    assert_eq!((readout.candidate.as_str(), readout.eligible, readout.compared), ("new@2", 5, 4));
    // Differences 0.1, 0.2, 0, 0.1: mean 0.1, variance (0 + 0.01 + 0.01 + 0) / 3.
    close(readout.mean_difference.unwrap(), 0.1);
    let deviation = (0.02_f64 / 3.0).sqrt();
    let (low, high) = readout.limits_of_agreement.unwrap();
    close((low + high) / 2.0, 0.1);
    close((high - low) / 2.0, 1.959_963_984_540_054 * deviation);
    // Live 0.2, 0.4, 0.6, 0.8 (mean 0.5), candidate 0.3, 0.6, 0.6, 0.9 (mean 0.6): 0.18 / sqrt(0.2 * 0.18).
    close(readout.correlation.unwrap(), 0.18 / (0.2_f64 * 0.18).sqrt());
    close(readout.over_tolerance.unwrap(), 0.25);
    // Request 2 flips. Wilson, 1 of 4: centre (1 + z^2 / 2) / (4 + z^2), half width as in Wilson 1927.
    let (rate, low, high) = readout.flips.unwrap();
    let square = 1.959_963_984_540_054_f64.powi(2);
    let centre = (1.0 + square / 2.0) / (4.0 + square);
    let reach = (square * (0.25 * 0.75 * 4.0 + square / 4.0)).sqrt() / (4.0 + square);
    close(rate, 0.25);
    close(low, centre - reach);
    close(high, centre + reach);
    assert!(readout.passed, "4 of 5 is 80 %, 1 of 4 is 25 %");
    let facts = readout.facts();
    assert_eq!(facts[1], ("requests compared".to_owned(), "4 of 5 (80.0 %)".to_owned()));
    assert_eq!(facts.last().unwrap().1, "yes");
}

#[test]
fn the_order_of_the_log_and_answers_sent_twice_do_not_matter() {
    let readout = ShadowReadout::new(&seal(plan()), events()).unwrap();
    let mut twice: Vec<Event> = events().into_iter().chain(events()).collect();
    // A second answer to a request that has one, later, is not what was shown.
    twice.push(live(1, 15, 0.99));
    twice.push(candidate(2, 25, 0.01));
    twice.reverse();
    assert_eq!(ShadowReadout::new(&seal(plan()), twice).unwrap(), readout);
}

#[test]
fn fails_outside_its_bounds_and_without_comparisons() {
    let fails = |change: fn(&mut ShadowPlan)| {
        let mut plan = plan();
        change(&mut plan);
        !ShadowReadout::new(&seal(plan), events()).unwrap().passed
    };
    assert!(!fails(|_| ()));
    assert!(fails(|plan| plan.min_coverage = Share::ppm(800_001).unwrap()));
    assert!(fails(|plan| plan.max_flip_rate = Share::ppm(249_999).unwrap()));
    assert!(!fails(|plan| (plan.max_flip_rate, plan.threshold) = (Share::NONE, None)));
    let none = ShadowReadout::new(&seal(plan()), [live(1, 1, 0.5)]).unwrap();
    assert_eq!((none.eligible, none.compared, none.passed, none.mean_difference), (0, 0, false, None));
    let text: Vec<String> = none.facts().into_iter().map(|(_, value)| value).collect();
    assert_eq!(text.iter().filter(|value| *value == "too little data").count(), 5);
}

/// The candidate answers a moment after what was shown: its first request is as eligible as any.
#[test]
fn coverage_is_never_above_all() {
    for requests in 1..5 {
        let pairs = (0..requests)
            .flat_map(|n| [live(n, u64::from(n) * 10, 0.1), candidate(n, u64::from(n) * 10 + 1, 0.1)]);
        let readout = ShadowReadout::new(&seal(plan()), pairs).unwrap();
        assert_eq!((readout.compared, readout.eligible), (u64::from(requests), u64::from(requests)));
    }
}

#[test]
fn refuses_what_it_cannot_compare() {
    let mut params = plan();
    params.candidate = Binding::Params([].into());
    let error = ShadowReadout::new(&seal(params), events()).unwrap_err();
    assert!(matches!(error, AnalysisError::OtherKind { expected: "shadow of a model", .. }), "{error}");
    let error = Analysis::new(&seal(plan()), events()).unwrap_err();
    assert_eq!(error.to_string(), "phase e/shadow is no A/B test; ask for the readout that fits its plan");
    let endless = [live(1, 1, f64::NAN), candidate(1, 1, 0.5)];
    assert!(matches!(ShadowReadout::new(&seal(plan()), endless), Err(AnalysisError::Stats(_))));
}
