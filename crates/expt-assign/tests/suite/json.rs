//! Configs as documents.

use expt_assign::mix::UnitHash;
use expt_assign::{
    AssignError, BreakGlass, Clusters, Config, ExclusionCause, ExclusionEntry, ExposurePolicy, ForcedUnit,
    HoldoutEntry, HoldoutLifetime, PhaseState, Ranges, Snapshot, Stickiness, StickyRecord, UnitEntry, Window,
};
use expt_core::Share;

use crate::common::{
    NOW, Random, arm_id, config_with_phase, excluded, holdout_id, kind, layer_id, percent, phase, phase_id,
    unit_id,
};

/// A config that uses every field.
fn full() -> Config {
    let shipped = PhaseState::Shipped { arm: arm_id("b") };
    config_with_phase()
        .with_phase(phase("q", "ads", "ads", percent(10, 30)).with_state(shipped).with_epoch(3))
        .with_phase(
            phase("r", "ads", "ads", percent(30, 31))
                .with_sticky(Stickiness::Recheck)
                .with_targeting("country in ('DE', 'AT') and not (app < version '2.1')".parse().unwrap())
                .with_prerequisite(phase_id("p"), [arm_id("a")])
                .with_exposures(ExposurePolicy::Sampled(Share::HALF)),
        )
        .with_unit(
            UnitEntry::new(kind("region-hour"), "city")
                .with_clusters(Clusters::new(3, [("berlin", "east")]))
                .with_window(Window::seconds(3600).with_offset_seconds(3600)),
        )
        .with_unit_hash(UnitHash::Blake3)
        .with_exclusion(
            ExclusionEntry::new(ExclusionCause::NoConsent).with_rule("consent != true".parse().unwrap()),
        )
        .with_holdout(
            HoldoutEntry::new(holdout_id("r"), kind("user"), "r", percent(0, 5))
                .with_shipped_only(holdout_id("r/shipped-only"), percent(5, 10))
                .with_lifetime(HoldoutLifetime::Rotating { start: NOW, days: 90 })
                .with_break_glass(BreakGlass::new("grace".parse().unwrap(), "an outage", NOW)),
        )
        .with_holdout(HoldoutEntry::new(holdout_id("g"), kind("user"), "g", percent(0, 2)))
        .with_holdout(
            HoldoutEntry::new(holdout_id("h"), kind("user"), "h", percent(0, 2))
                .with_layers([layer_id("ads")]),
        )
        .with_exclusion(excluded("user", "bot"))
        .with_forced(
            ForcedUnit::new(unit_id("qa"), phase_id("p"), arm_id("b")).with_override(holdout_id("g")),
        )
}

#[test]
fn a_config_survives_the_round_trip() {
    let config = full();
    let json = config.to_json().unwrap();
    let read = Config::from_json(&json).unwrap();
    assert_eq!(read, config);
    assert_eq!(read.digest().unwrap(), config.digest().unwrap());
    assert!(
        json.contains(r#""format": "expt-assign/1""#) && json.contains(r#""0000000000000000-7ff"#),
        "{json}"
    );
    Snapshot::compile(read).unwrap();
}

/// Replaces one piece of the JSON and says what the error contains.
fn check_refused(from: &str, to: &str, says: &str) {
    let json = full().to_json().unwrap();
    assert!(json.contains(from), "{from} is not in {json}");
    let error = Config::from_json(json.replacen(from, to, 1)).unwrap_err();
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn unknown_fields_are_refused_everywhere() {
    for field in [
        "version",
        "kind",
        "decision_points",
        "epoch",
        "bindings",
        "salt",
        "overrides",
        "unit",
        "Shipped",
        "attribute",
        "cause",
        "buckets",
    ] {
        let quoted = format!("\"{field}\":");
        check_refused(&quoted, &format!("\"typo\": 1, {quoted}"), "unknown");
    }
    check_refused("\"Shipped\": {", "\"Shipped\": { \"typo\": 1,", "unknown field `typo`");
}

#[test]
fn what_serde_would_swallow_is_refused() {
    check_refused("\"ranker\": {", "\"ranker\": { \"Params\": {} }, \"ranker\": {", "appears twice");
    check_refused("\"version\": 7", "\"version\": 7, \"version\": 8", "duplicate field");
    check_refused("0000000000000000-7fff", "0000000000000000-7FFF", "lowercase");
}

#[test]
fn another_format_is_named_before_its_fields() {
    let error = Config::from_json(r#"{"new_field": 1, "format": "expt-assign/9"}"#).unwrap_err();
    assert_eq!(error, AssignError::Format { found: "expt-assign/9".into() });
    assert!(error.to_string().contains("expt-assign/1"));
    let error = Config::from_json("{").unwrap_err();
    assert!(matches!(error, AssignError::Json { line: 1, .. }), "{error}");
}

#[test]
fn a_number_that_json_cannot_say_is_refused() {
    let mut config = full();
    let nan = std::collections::BTreeMap::from([("x".to_owned(), f64::NAN.into())]);
    for binding in config.phases[0].arms[0].bindings.values_mut() {
        *binding = expt_core::Binding::Params(nan.clone());
    }
    assert!(config.to_json().unwrap_err().to_string().contains("finite"));
}

#[test]
fn a_sticky_record_is_a_small_document() {
    let record = StickyRecord::new(phase_id("p"), 2, arm_id("a"));
    let json = serde_json::to_string(&record).unwrap();
    assert_eq!(json, r#"{"phase":"p","epoch":2,"arm":"a","identity":"Own"}"#);
    let older = r#"{"phase":"p","epoch":2,"arm":"a"}"#;
    assert_eq!(serde_json::from_str::<StickyRecord>(older).unwrap(), record);
    assert_eq!(serde_json::from_str::<StickyRecord>(&json).unwrap(), record);
    assert!(serde_json::from_str::<StickyRecord>(&json.replace("epoch", "e")).is_err());
}

/// Damaged documents are refused or compile or have faults; nothing panics.
#[test]
fn damaged_documents_do_no_harm() {
    let json = full().to_json().unwrap().into_bytes();
    let mut random = Random(7);
    let mut read = 0;
    for _ in 0..3000 {
        let mut damaged = json.clone();
        for _ in 0..=random.below(3) {
            let at = usize::try_from(random.below(damaged.len() as u64)).unwrap();
            match random.below(3) {
                0 => damaged[at] = random.pick(b"0123456789abcdef\"{}[],:-e \xff"),
                1 => drop(damaged.remove(at)),
                _ => damaged.truncate(damaged.len() - usize::from(random.below(8) == 0)),
            }
        }
        if let Ok(config) = Config::from_json(&damaged) {
            read += 1;
            let _ = Snapshot::compile(config).map(|snapshot| snapshot.version());
        }
    }
    assert!(read > 100, "only {read} damaged documents could still be read");
    let empty = Ranges::none();
    assert_eq!(serde_json::to_string(&empty).unwrap(), "[]");
}
