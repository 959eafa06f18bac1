//! Features of GrowthBook.

use std::collections::BTreeSet;

use expt_assign::Snapshot;
use expt_assign::compat::growthbook::{Context, Features};
use expt_assign::compat::import::ImportOptions;
use expt_core::ParamValue;
use serde_json::{Map, Value, json};

use crate::common::{Random, ours, request};

/// 100 random payloads with 12 features each, asked for 300 requests: every value is the one that the SDK's rules
/// give, of which the evaluation itself is tested against the vendor's cases.
#[test]
fn imported_features_give_what_they_gave() {
    let (mut imported, mut left_out, mut rules_that_serve) = (0, 0, BTreeSet::new());
    for seed in 0..100 {
        let random = &mut Random(seed);
        let payload = payload(random);
        let features = Features::from_value(&payload).unwrap();
        let import = features.import(&ImportOptions::new("shop", "key", 1)).unwrap();
        left_out += import.left_out.len();
        imported += import.flags.len();
        let snapshot = Snapshot::compile(import.config).unwrap();
        for number in 0..300 {
            let attributes = request(random, number);
            let context = Context::new(attributes.clone());
            for (key, flag) in &import.flags {
                let result = features.evaluate(key, &context).result;
                let got = ours(&snapshot, flag, &attributes).unwrap();
                let feature = &payload["features"][key];
                assert_eq!(got, param(result.value), "{key} of seed {seed}: {feature:#} for {attributes:?}");
                rules_that_serve.insert((seed, key.clone(), result.rule_id.to_owned()));
            }
        }
    }
    // What is compared is not nothing: most features are imported, and most of their rules serve somebody.
    assert!(imported > 3 * left_out && left_out > 20, "{imported} imported, {left_out} left out");
    assert!(
        2 * rules_that_serve.len() > 3 * imported,
        "{} rules of {imported} features",
        rules_that_serve.len()
    );
}

#[test]
fn what_cannot_be_said_is_left_out_with_its_reason() {
    let payload = json!({
        "features": {
            "fine": {"defaultValue": 1},
            "order": {"defaultValue": 1, "rules": [{"force": 2, "condition": {"name": {"$gt": "m"}}}]},
            "two": {"defaultValue": 1, "rules": [{"force": 2, "condition": {"a": 1}}, {"force": 2, "coverage": 0.5}]},
            "case": {"defaultValue": 1, "rules": [{"force": 2, "condition": {"name": {"$ini": ["m"]}}}]},
            "list": {"defaultValue": 1, "rules": [{"force": 2, "condition": {"tags": {"$all": ["m"]}}}]},
            "length": {"defaultValue": 1, "rules": [{"force": 2, "condition": {"tags.length": 2}}]},
            "whole": {"defaultValue": 1, "rules": [{"force": 2, "condition": {"tags": ["a"]}}]},
            "type": {"defaultValue": 1, "rules": [{"force": 2, "condition": {"a": {"$type": "string"}}}]},
            "version": {"defaultValue": 1, "rules": [{"force": 2, "condition": {"a": {"$vgt": "1.2"}}}]},
            "parent": {"defaultValue": 1, "rules": [{"force": 2, "parentConditions": [{"id": "two", "condition": {"value": 2}}]}]},
            "self": {"defaultValue": 1, "rules": [{"force": 2, "parentConditions": [{"id": "self"}]}]},
            "bandit": {"defaultValue": 1, "rules": [{"variations": [1, 2], "contextualBanditRef": "cb"}]},
            "filter": {"defaultValue": 1, "rules": [{"variations": [1, 2], "hashAttribute": "company", "filters": [{"seed": "s", "ranges": [[0, 0.5]]}]}]},
            " name": {"defaultValue": 1, "rules": [{"force": 2}]}
        },
        "contextualBandits": {"cb": {"contexts": []}}
    });
    let import =
        Features::from_value(&payload).unwrap().import(&ImportOptions::new("shop", "key", 1)).unwrap();
    assert_eq!(import.flags.keys().collect::<Vec<_>>(), ["fine", "two"]);
    let left_out: Vec<String> = import.left_out.iter().map(ToString::to_string).collect();
    let has =
        |part: &str| assert!(left_out.iter().any(|line| line.contains(part)), "{part} in {left_out:#?}");
    assert_eq!(left_out.len(), 12);
    has("features[\"order\"].rules[0].condition: \"name\" is ordered as a text");
    has("\"name\" is looked up without regard to case");
    has("\"tags\" is asked for its length, or for what all its elements are");
    has("\"tags.length\" asks for the length or an element of a list");
    has("\"tags\" is compared with a whole list or object");
    has("\"a\" is asked for its type");
    has("\"1.2\" is not a version of three numbers");
    has(
        "features[\"parent\"].rules[0].parentConditions: \"two\" is a prerequisite that several rules decide",
    );
    has(
        "features[\"self\"].rules[0].parentConditions: \"self\" is a prerequisite of a prerequisite, and so on",
    );
    has("\"cb\" is a contextual bandit");
    has("\"id\" is hashed by a filter, and \"company\" for another reason");
    has("\" name\" is no name here");
}

/// Several hashes must let a unit in: all but one become phases of their own, and two rules share them.
#[test]
fn several_hashes_are_prerequisites() {
    let payload = json!({"features": {"f": {"defaultValue": 0, "rules": [
        {"variations": [1, 2], "coverage": 0.4, "namespace": ["ns", 0, 0.5], "key": "one"},
        {"variations": [3, 4], "coverage": 0.4, "namespace": ["ns", 0, 0.5], "key": "two"},
    ]}}});
    let features = Features::from_value(&payload).unwrap();
    let import = features.import(&ImportOptions::new("shop", "key", 1)).unwrap();
    let phases: Vec<_> = import.config.phases.iter().map(|phase| phase.id.as_str().to_owned()).collect();
    assert_eq!(phases, ["f/gate#1", "f", "f#2"]);
    let snapshot = Snapshot::compile(import.config).unwrap();
    let mut served = 0;
    for number in 0..2_000 {
        let attributes = json!({"id": format!("u{number}")}).as_object().cloned().unwrap();
        let context = Context::new(attributes.clone());
        let expected = param(features.evaluate("f", &context).result.value);
        assert_eq!(ours(&snapshot, &import.flags["f"], &attributes).unwrap(), expected);
        served += usize::from(expected != ParamValue::Int(0));
    }
    // 0.5 (0.4 + 0.6 * 0.4) = 0.32, and 5 standard errors.
    assert!((540..740).contains(&served), "{served}");
}

fn payload(random: &mut Random) -> Value {
    let features = (0..12).map(|number| {
        let count = if number < 4 { random.below(3) } else { random.below(5) };
        let rules: Vec<Value> = (0..count).map(|index| rule(random, number, index)).collect();
        let default =
            random.pick(&[json!("off"), json!(null), json!(7), json!({"a": 1}), json!(false)]).clone();
        (format!("f{number}"), json!({"defaultValue": default, "rules": rules}))
    });
    json!({
        "features": features.collect::<Map<_, _>>(),
        "savedGroups": {"vips": ["user-1-ü", "user-3-ü", 5, "a"]},
    })
}

fn rule(random: &mut Random, feature: usize, index: usize) -> Value {
    let mut rule = json!({"id": format!("r{index}")});
    let mut set = |name: &str, value: Value| rule[name] = value;
    if random.chance(40) {
        set("condition", condition(random, 2));
    }
    if random.chance(30) {
        set("hashAttribute", json!("deviceId"));
    }
    if random.chance(60) {
        set("hashVersion", json!(random.pick(&[1, 2, 2, 3])));
    }
    if random.chance(20) {
        set("seed", json!("a seed"));
    }
    if random.chance(15) {
        let (attribute, ranges) = (random.pick(&["id", "deviceId"]), ranges(random, 2));
        set("filters", json!([{"seed": "fs", "attribute": attribute, "ranges": ranges}]));
    }
    if random.chance(25) {
        let parents = (0..1 + random.below(2)).map(|_| parent(random)).collect();
        set("parentConditions", parents);
    }
    if random.chance(40) {
        set("force", json!(format!("forced {index}")));
        match random.below(3) {
            0 => set("coverage", json!(random.share())),
            1 => set("range", ranges(random, 1)[0].clone()),
            _ => {}
        }
        return rule;
    }
    let count = 2 + random.below(3);
    set("variations", (0..count).map(|variation| json!(format!("v{index}.{variation}"))).collect());
    set("key", json!(format!("experiment {}", (feature + index) % 5)));
    if random.chance(50) {
        set("coverage", json!(random.share()));
    }
    match random.below(3) {
        0 => set("ranges", ranges(random, count)),
        1 => {
            let parts: Vec<f64> = (0..count).map(|_| 0.05 + random.share()).collect();
            let sum: f64 = parts.iter().sum();
            set("weights", parts.iter().map(|part| part / sum).collect());
        }
        _ => {}
    }
    if random.chance(30) {
        let from = random.share();
        set("namespace", json!(["ns", from * 0.5, from * 0.5 + 0.4]));
    }
    if random.chance(30) {
        let meta = |variation| json!({"key": format!("k{variation}"), "passthrough": random.chance(30)});
        set("meta", (0..count).map(meta).collect());
    }
    rule
}

/// A prerequisite on one of the first features, which have few rules, or on one that is not there.
fn parent(random: &mut Random) -> Value {
    let id = format!("f{}", *random.pick(&[0, 1, 2, 3, 99]));
    let mut parent = json!({"id": id, "gate": random.chance(40)});
    let values = [json!("off"), json!("forced 0"), json!("v0.1"), json!(null), json!({"$ne": "off"})];
    let value = random.pick(&values);
    if random.chance(90) {
        parent["condition"] = json!({"value": value});
    }
    parent
}

fn ranges(random: &mut Random, count: usize) -> Value {
    let range = |_| {
        let (a, b) = (random.share(), random.share());
        json!([a.min(b), a.max(b)])
    };
    (0..count).map(range).collect()
}

fn condition(random: &mut Random, depth: usize) -> Value {
    if depth > 0 && random.chance(40) {
        let parts: Vec<Value> = (0..random.below(4)).map(|_| condition(random, depth - 1)).collect();
        return match random.below(4) {
            0 => json!({"$or": parts}),
            1 => json!({"$and": parts}),
            2 => json!({"$nor": parts}),
            _ => json!({"$not": condition(random, depth - 1)}),
        };
    }
    let relation = *random.pick(&["$gt", "$gte", "$lt", "$lte"]);
    let version_relation = *random.pick(&["$vgt", "$vgte", "$vlt", "$vlte", "$veq", "$vne"]);
    let version = *random.pick(&["2.0.0", "v2.0.0-rc.1", "1.2.3", "2.0.0-beta.10"]);
    match random.below(17) {
        0 => json!({"country": *random.pick(&["DE", "null", "true", "7"])}),
        1 => json!({"country": {"$in": random.some(&["DE", "AT", "US"])}}),
        2 => json!({"country": {"$ne": "DE"}}),
        3 => json!({"age": random.below(60)}),
        4 => json!({"age": {relation: random.below(60)}}),
        5 => json!({"score": {relation: random.below(10) as f64 / 2.0 - 2.0}}),
        6 => json!({"beta": random.chance(50)}),
        7 => json!({"beta": {"$eq": random.chance(50)}}),
        8 => json!({"app": {version_relation: version}}),
        9 => json!({"tags": {"$in": random.some(&["a", "b"])}}),
        10 => json!({"tags": {"$nin": ["a", null]}}),
        11 if random.chance(20) => json!({"beta": {"$regex": "^t"}}),
        11 => json!({"mail": {"$regex": *random.pick(&["@x\\.org$", "^ada", "null"])}}),
        12 => json!({"mail": {"$regexi": "^ADA@"}}),
        13 => json!({"company.plan": *random.pick(&["pro", "free"]), "company.seats": {"$gte": 2}}),
        14 => json!({"id": {"$inGroup": *random.pick(&["vips", "none"])}}),
        15 => json!({"country": {"$exists": random.chance(50)}, "age": {"$not": {"$gt": 30}}}),
        _ => json!({"beta": {"$gt": 0}, "country": {"$notInGroup": "vips"}, "score": null}),
    }
}

fn param(value: &Value) -> ParamValue {
    match value {
        Value::Bool(value) => ParamValue::Bool(*value),
        Value::String(text) => ParamValue::Text(text.clone()),
        Value::Number(number) => ParamValue::Int(number.as_i64().unwrap()),
        other => ParamValue::Text(other.to_string()),
    }
}
