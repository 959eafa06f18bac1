//! Whole evaluations, against Eppo-exp/sdk-test-data (commit 6643e8c).

use expt_core::Timestamp;
use serde_json::{Map, Value, json};

use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

/// `ufc/flags-v1-obfuscated.json`, the flag `kill-switch`, and its expected assignments.
#[test]
fn hidden_names_and_values() {
    let allocation = json!({"key": "b24tZm9yLU5B", "doLog": true, "rules": [{"conditions": [{
        "operator": "27457ce369f2a74203396a35ef537c0b",
        "attribute": "e909c2d7067ea37437cf97fe11d91bd0",
        "value": ["7516fd43adaa5e0b8a65a672c39845d2", "445d337b5cd5de476f99333df6b0c2a7"]
    }]}], "splits": [{"variationKey": "b24=", "shards": [
        {"ranges": [{"start": 0, "end": 10_000}], "salt": "c29tZS1zYWx0"}
    ]}]});
    let flags = Flags::from_json(
        &json!({"format": "CLIENT", "flags": {"ea55330f6cbbaf8f57556df645c037e2": {
            "key": "ea55330f6cbbaf8f57556df645c037e2", "enabled": true, "variationType": "BOOLEAN",
            "totalShards": 10_000, "variations": {"b24=": {"key": "b24=", "value": "dHJ1ZQ=="}},
            "allocations": [allocation]
        }}})
        .to_string(),
    )
    .unwrap();
    let evaluate = |country: &str| {
        let attributes = Map::from_iter([("country".to_owned(), Value::from(country))]);
        let result = flags.evaluate("kill-switch", "alice", &attributes, VariationType::Boolean, NOW);
        result.map(|assignment| (assignment.value.clone(), assignment.allocation_key.to_owned()))
    };
    assert_eq!(evaluate("US"), Ok((AssignmentValue::Boolean(true), "on-for-NA".to_owned())));
    assert_eq!(evaluate("UK"), Err(NoAssignment::DefaultAllocationNull));
}

/// `rac-experiments-v3.json` and `assignment-v2-holdouts/test-case-8.json`.
#[test]
fn holdouts_of_a_rollout() {
    let variation = |key: &str, name: &str, end: u32| json!({"variationKey": key, "value": name, "typedValue": name, "shardRange": {"start": 0, "end": end}});
    let holdout = |key: &str, start: u32| {
        json!({"holdoutKey": key, "statusQuoShardRange": {"start": start, "end": start + 100},
            "shippedShardRange": {"start": start + 100, "end": start + 200}})
    };
    let experiments = Experiments::from_json(&json!({"flags": {"rollout_with_holdout": {
        "enabled": true, "subjectShards": 10_000, "rules": [{"allocationKey": "a", "conditions": []}],
        "allocations": {"a": {
            "percentExposure": 0.4533, "statusQuoVariationKey": "variation-7",
            "shippedVariationKey": "variation-8",
            "holdouts": [holdout("holdout-2", 4_321), holdout("holdout-3", 8_765)],
            "variations": [variation("variation-7", "control", 0), variation("variation-8", "red", 10_000)]
        }}
    }}}).to_string())
    .unwrap();
    let check = |subject: &str, value: Option<&str>, key: Option<&str>, part: Option<HoldoutPart>| {
        let got = experiments.evaluate("rollout_with_holdout", subject, &Map::new(), ValueType::String);
        assert_eq!(got.as_ref().and_then(|got| got.value.as_str()), value, "{subject}");
        let holdout = got.and_then(|got| got.holdout);
        assert_eq!(holdout.map(|holdout| holdout.key), key, "{subject}");
        assert_eq!(holdout.and_then(|holdout| holdout.part), part, "{subject}");
    };
    check("subject-230", Some("control"), Some(KEYS[0]), Some(HoldoutPart::StatusQuo));
    check("subject-222", Some("red"), Some(KEYS[1]), Some(HoldoutPart::AllShipped));
    check("subject-8", Some("red"), None, None);
    check("subject-1", None, None, None);
}

#[test]
fn one_bad_flag_harms_no_other() {
    let flag = |variation_type: &str, total: u32| {
        json!({"key": "f", "enabled": true, "variationType": variation_type, "totalShards": total,
        "variations": {"on": {"key": "on", "value": "on"}},
        "allocations": [{"key": "a", "splits": [{"variationKey": "on", "shards": [
            {"salt": "s", "ranges": [{"start": 0, "end": 1}]}
        ]}]}]})
    };
    let flags =
        json!({"flags": {"bad": flag("NEW_TYPE", 1), "good": flag("STRING", 1), "none": flag("STRING", 0)}});
    let flags = Flags::from_json(&flags.to_string()).unwrap();
    let evaluate = |key, expected: Option<VariationType>| {
        flags.evaluate(key, "u", &Map::new(), expected, NOW).map(|assignment| assignment.variation_key)
    };
    assert_eq!(evaluate("bad", None), Err(NoAssignment::Misconfigured));
    assert_eq!(evaluate("good", None), Ok("on"));
    assert_eq!(evaluate("none", None), Err(NoAssignment::DefaultAllocationNull));
    assert_eq!(evaluate("missing", None), Err(NoAssignment::FlagUnrecognizedOrDisabled));
    let (found, expected) = (VariationType::String, VariationType::Json);
    assert_eq!(evaluate("good", Some(expected)), Err(NoAssignment::TypeMismatch { found, expected }));
}

/// Which holdouts `int(hashlib.md5(f"holdout-{subject}".encode()).hexdigest()[:8], 16) % 10000` falls into.
const KEYS: [&str; 2] = ["holdout-2", "holdout-2"];
