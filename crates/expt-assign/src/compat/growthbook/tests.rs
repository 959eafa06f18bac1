//! Whole evaluations, against what `packages/sdk-js` (commit 8f1db44569) gives under Node 20 and against its
//! `test/cases.json` (specification 0.8.0).

use serde_json::{Value, json};

use super::*;

fn context(attributes: &Value) -> Context {
    Context::new(attributes.as_object().cloned().unwrap())
}

fn features(features: &Value) -> Features {
    Features::from_value(&json!({ "features": features })).unwrap()
}

fn source_of(payload: &Features, key: &str) -> FeatureSource {
    payload.evaluate(key, &context(&json!({"id": "1"}))).result.source
}

/// `cases.json`, section `feature`: a coverage compares with `<=`, and 0 lets nobody in.
#[test]
fn rollouts() {
    for (id, coverage, expected) in [
        (json!("3"), 0.5, true),
        (json!(3), 0.5, true),
        (json!("1"), 0.5, false),
        (json!("d0bc0a5a"), 0.0, false),
    ] {
        let payload = features(&json!({"feature": {"rules": [{"force": 1, "coverage": coverage}]}}));
        let context = context(&json!({ "id": id }));
        assert_eq!(payload.evaluate("feature", &context).result.is_on(), expected, "{id} {coverage}");
    }
}

#[test]
fn a_cycle_ends_the_evaluation() {
    let rule = |parent: &str| json!({"rules": [{"parentConditions": [{"id": parent, "condition": {}}], "force": 1}]});
    let payload = features(&json!({"a": rule("b"), "b": rule("c"), "c": rule("a"), "d": rule("d")}));
    for key in ["a", "b", "c", "d"] {
        assert_eq!(source_of(&payload, key), FeatureSource::CyclicPrerequisite);
    }
}

#[test]
fn many_ways_to_a_prerequisite_take_bounded_time() {
    let mut all = serde_json::Map::new();
    for depth in 0..200 {
        let parent = json!({"id": format!("f{}", depth + 1), "condition": {"value": 1}});
        let rule = json!({"parentConditions": [parent, parent], "force": 1});
        all.insert(format!("f{depth}"), json!({"defaultValue": 0, "rules": [rule, rule]}));
    }
    let payload = features(&Value::Object(all));
    assert_eq!(source_of(&payload, "f0"), FeatureSource::DefaultValue);
    let sticky = context(&json!({"id": "1"})).with_sticky(StickyBuckets::default());
    assert_eq!(payload.evaluate("f0", &sticky).result.source, FeatureSource::DefaultValue);
}

#[test]
fn a_long_chain_of_prerequisites_is_cut() {
    let mut all = serde_json::Map::new();
    for depth in 0..10_000 {
        let parent = json!({"id": format!("f{}", depth + 1)});
        all.insert(format!("f{depth}"), json!({"rules": [{"parentConditions": [parent], "force": 1}]}));
    }
    let payload = features(&Value::Object(all));
    assert_eq!(source_of(&payload, "f0"), FeatureSource::CyclicPrerequisite);
    assert_eq!(source_of(&payload, "f9990"), FeatureSource::Force);
}

/// `cases.json`, section `stickyBucket`: the document of the fallback attribute is copied to the main one.
#[test]
fn sticky_buckets_move_to_the_main_attribute() {
    let payload = features(&json!({"exp1": {"defaultValue": "control", "rules": [{
        "key": "feature-exp", "seed": "feature-exp", "hashAttribute": "id", "fallbackAttribute": "anonymousId",
        "hashVersion": 2, "variations": ["control", "red", "blue"],
        "meta": [{"key": "0"}, {"key": "1"}, {"key": "2"}], "weights": [0.3334, 0.3333, 0.3333]
    }]}}));
    let document = |name: &str, value: &str, variation: &str| StickyDocument {
        attribute_name: name.to_owned(),
        attribute_value: value.to_owned(),
        assignments: [("feature-exp__0".to_owned(), variation.to_owned())].into(),
    };
    let user = context(&json!({"id": "i123", "anonymousId": "ses123"}));
    let keys: Vec<_> = payload.sticky_keys(&user).into_iter().map(|key| (key.attribute, key.value)).collect();
    assert_eq!(keys, [("anonymousId".into(), "ses123".into()), ("id".into(), "i123".into())]);
    let user = user.with_sticky([document("anonymousId", "ses123", "1")].into_iter().collect());
    let Evaluation { result, sticky } = payload.evaluate("exp1", &user);
    assert_eq!(result.value, "red");
    assert_eq!(sticky, [document("id", "i123", "1")]);
    let experiment = result.experiment_result.unwrap();
    assert!(experiment.sticky_bucket_used);
    assert_eq!(experiment.bucket, Some(0.9943));
}

/// A version that is blocked, however many are: the versions stored are walked, not the versions possible.
#[test]
fn blocked_versions_are_found_in_bounded_time() {
    let payload = features(&json!({"exp1": {"rules": [{
        "key": "e", "variations": [0, 1], "bucketVersion": 2_000_000_000, "minBucketVersion": 2_000_000_000
    }]}}));
    let stored = StickyDocument {
        attribute_name: "id".to_owned(),
        attribute_value: "1".to_owned(),
        assignments: [("e__7".to_owned(), "0".to_owned())].into(),
    };
    let user = context(&json!({"id": "1"}));
    let free = user.clone().with_sticky(StickyBuckets::default());
    assert_eq!(payload.evaluate("exp1", &free).result.source, FeatureSource::Experiment);
    let blocked = user.with_sticky([stored].into_iter().collect());
    assert_eq!(payload.evaluate("exp1", &blocked).result.source, FeatureSource::DefaultValue);
}

#[test]
fn refuses_what_it_cannot_evaluate() {
    assert_eq!(Features::from_json(r#"{"encryptedFeatures": "x"}"#).unwrap_err(), GrowthBookError::Encrypted);
    let targeted = json!({"key": "e", "variations": [0, 1], "urlPatterns": []});
    assert!(matches!(
        Experiment::from_value(&targeted).unwrap_err(),
        GrowthBookError::Unsupported { field: "urlPatterns", .. }
    ));
    assert!(matches!(Features::from_json("{"), Err(GrowthBookError::Json { line: 1, .. })));
    let nested = "[".repeat(100_000);
    assert!(Features::from_json(&nested).is_err());
}
