//! The chain of applied changes.

use expt_assign::Config;
use expt_assign::planner::{ConfigEdit, History, HistoryError, plan};
use expt_core::{Actor, Timestamp};

use crate::common::{between, config, percent, phase, running};

fn actor() -> Actor {
    Actor::new("ann").unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// A config and four ramps of its phase.
fn history() -> (History, Config) {
    let arms = [("a", 500_000), ("b", 500_000)];
    let mut config = config().with_phase(running("p", "ranking", between(0, 10), &arms));
    let mut history = History::begin(&config, actor(), at(0)).unwrap();
    for step in 2..6 {
        let edit = ConfigEdit::of(&config).ramp(&phase("p"), percent(step * 10)).unwrap();
        let change =
            plan(&config, &edit.finish().unwrap()).unwrap().because("it does no harm").approve().unwrap();
        history.append(&change, actor(), at(i64::from(step))).unwrap();
        config = change.into_config();
    }
    (history, config)
}

#[test]
fn a_history_is_kept_and_read_back() {
    let (history, config) = history();
    history.verify().unwrap();
    history.verify_config(&config).unwrap();
    assert_eq!(history.entries().len(), 5);
    let moved = &history.head().unwrap().record.movement[0].moves[0];
    assert!((moved.share - 0.1).abs() < 1e-15, "the last ramp, {moved:?}");
    let json = serde_json::to_string_pretty(&history).unwrap();
    assert_eq!(serde_json::from_str::<History>(&json).unwrap(), history);
    let mut old = config;
    old.version = 7;
    assert!(matches!(history.verify_config(&old), Err(HistoryError::NotInForce { version: 11, .. })));
}

/// Edits the JSON of a history, and says what is found out.
fn check_found(edit: impl FnOnce(&mut Vec<serde_json::Value>), says: &str) {
    let mut json = serde_json::to_value(history().0).unwrap();
    edit(json["entries"].as_array_mut().unwrap());
    let error = serde_json::from_value::<History>(json).unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
}

#[test]
fn tampering_is_found() {
    check_found(|entries| entries[2]["record"]["actor"] = "eve".into(), "entry 2 was changed");
    check_found(
        |entries| entries[2]["record"]["at"] = entries[1]["record"]["at"].clone(),
        "entry 2 was changed",
    );
    check_found(|entries| entries[1]["record"]["reasons"][0]["reason"] = "x".into(), "entry 1 was changed");
    check_found(
        |entries| entries[3]["record"]["movement"][0]["moves"][0]["share"] = 0.01.into(),
        "entry 3 was changed",
    );
    check_found(|entries| entries.swap(1, 2), "entry 1 does not follow");
    check_found(|entries| drop(entries.remove(2)), "entry 2 does not follow");
    check_found(|entries| drop(entries.remove(0)), "entry 0 does not follow");
    check_found(|entries| entries.insert(2, entries[1].clone()), "entry 2 does not follow");
    check_found(Vec::clear, "no entries");
    check_found(|entries| entries[0]["record"]["typo"] = 1.into(), "unknown field `typo`");
    check_found(|entries| entries[0]["typo"] = 1.into(), "unknown field `typo`");
}

/// A forger who makes all digests anew has another head.
#[test]
fn a_forged_chain_has_another_head() {
    let (real, config) = history();
    let mut forged = History::begin(&config, Actor::new("eve").unwrap(), at(0)).unwrap();
    assert_ne!(forged.head().unwrap().digest, real.head().unwrap().digest);
    forged.verify().unwrap();
    let next = ConfigEdit::of(&config).ramp(&phase("p"), percent(60)).unwrap().finish().unwrap();
    let change = plan(&config, &next).unwrap().approve().unwrap();
    forged.append(&change, actor(), at(9)).unwrap();
}

#[test]
fn only_what_goes_on_from_the_head_is_appended() {
    let (mut history, config) = history();
    let next = ConfigEdit::of(&config).ramp(&phase("p"), percent(60)).unwrap().finish().unwrap();
    let change = plan(&config, &next).unwrap().approve().unwrap();
    let error = history.append(&change, actor(), at(1)).unwrap_err();
    assert!(matches!(error, HistoryError::Broken { sequence: 5, .. }), "{error}");
    history.append(&change, actor(), at(10)).unwrap();
    let error = history.append(&change, actor(), at(11)).unwrap_err();
    assert!(matches!(error, HistoryError::Stale { .. }), "{error}");
    assert!(error.to_string().contains("plan it again"));
    history.verify_config(&next).unwrap();
}
