//! Flags of Eppo.

use expt_assign::Snapshot;
use expt_assign::compat::eppo::{AssignmentValue, Flags};
use expt_assign::compat::import::ImportOptions;
use expt_assign::{ExposurePolicy, PhaseState};
use expt_core::{ParamValue, Timestamp};
use serde_json::{Map, Value, json};

use crate::common::{Random, ours, request};

/// 100 random configurations with 12 flags each, asked for 300 requests: every value is the one that the
/// evaluation gives, which itself is tested against the vendor's cases.
#[test]
fn imported_flags_give_what_they_gave() {
    let now: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    let (mut imported, mut left_out, mut served, mut asked) = (0, 0, 0, 0);
    for seed in 0..100 {
        let random = &mut Random(1_000 + seed);
        let document = configuration(random);
        let flags = Flags::from_json(&document.to_string()).unwrap();
        let import = flags.import(&ImportOptions::new("shop", "key", 1).with_now(now)).unwrap();
        left_out += import.left_out.len();
        imported += import.flags.len();
        let snapshot = Snapshot::compile(import.config).unwrap();
        for number in 0..300 {
            let mut attributes = request(random, number);
            let subject = format!("user-{number}");
            attributes.insert("id".into(), json!(subject));
            for (key, flag) in &import.flags {
                let expected = flags.evaluate(key, &subject, &attributes, None, now).ok();
                let expected = expected.map(|assignment| param(assignment.value));
                let got = ours(&snapshot, flag, &attributes);
                let source = &document["flags"][key];
                assert_eq!(got, expected, "{key} of seed {seed}: {source:#} for {attributes:?}");
                served += usize::from(got.is_some());
                asked += 1;
            }
        }
    }
    assert!(imported > 3 * left_out && left_out > 20, "{imported} imported, {left_out} left out");
    assert!(served * 4 > asked && served * 4 < asked * 3, "{served} of {asked} served");
}

#[test]
fn an_allocation_becomes_a_phase() {
    let document = json!({"flags": {"button": {
        "key": "button", "enabled": true, "variationType": "STRING", "totalShards": 10_000,
        "variations": {"a": {"key": "a", "value": "grey"}, "b": {"key": "b", "value": "green"}},
        "allocations": [
            {"key": "ended", "endAt": "2025-01-01T00:00:00Z", "splits": [{"variationKey": "a", "shards": []}]},
            {"key": "test", "endAt": "2026-06-01T00:00:00Z", "doLog": true, "splits": [
                {"variationKey": "a", "shards": [
                    {"salt": "traffic", "ranges": [{"start": 0, "end": 6000}]},
                    {"salt": "split", "ranges": [{"start": 0, "end": 5000}]}]},
                {"variationKey": "b", "shards": [
                    {"salt": "traffic", "ranges": [{"start": 0, "end": 6000}]},
                    {"salt": "split", "ranges": [{"start": 5000, "end": 10000}]}]}]},
            {"key": "later", "startAt": "2026-05-01T00:00:00Z", "splits": [{"variationKey": "b", "shards": []}]}
        ]
    }, "off": {
        "key": "off", "enabled": false, "variationType": "STRING", "totalShards": 10_000, "variations": {},
        "allocations": []
    }, "quiet": {
        "key": "quiet", "enabled": true, "variationType": "STRING", "totalShards": 10_000,
        "variations": {"a": {"key": "a", "value": "1"}, "b": {"key": "b", "value": "2"}},
        "allocations": [{"key": "silent", "doLog": false, "splits": [
            {"variationKey": "a", "shards": [{"salt": "s", "ranges": [{"start": 0, "end": 10}]}]},
            {"variationKey": "b", "shards": []}]}]
    }, "mixed": {
        "key": "mixed", "enabled": true, "variationType": "STRING", "totalShards": 10_000,
        "variations": {"a": {"key": "a", "value": "1"}, "b": {"key": "b", "value": "2"}},
        "allocations": [{"key": "x", "splits": [
            {"variationKey": "a", "shards": [{"salt": "s", "ranges": [{"start": 0, "end": 10}]}]},
            {"variationKey": "b", "shards": [{"salt": "t", "ranges": [{"start": 0, "end": 10}]}]}]}]
    }, "typo": {
        "key": "typo", "enabled": true, "variationType": "INTEGER", "totalShards": 10_000,
        "variations": {"a": {"key": "a", "value": "one"}},
        "allocations": [{"key": "x", "splits": [{"variationKey": "a", "shards": []}]}]
    }}});
    let flags = Flags::from_json(&document.to_string()).unwrap();
    let now: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    let plan = expt_core::Digest::of(b"sealed");
    let plans = |_: &_, phase: &expt_core::PhaseId| (phase.as_str() == "button").then_some(plan);
    let options = ImportOptions::new("shop", "key", 1).with_now(now).with_plans(&plans);
    let import = flags.import(&options).unwrap();
    let phase = |id: &str| import.config.phases.iter().find(|phase| phase.id.as_str() == id).unwrap();

    let test = phase("button");
    assert_eq!((test.state.clone(), test.plan), (PhaseState::Running, Some(plan)));
    assert_eq!(test.arms.iter().map(|arm| arm.arm.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(test.prerequisites[0].phase.as_str(), "button/gate#1");
    assert_eq!(phase("quiet").exposures, ExposurePolicy::Never);
    assert!(import.flags["off"].points.is_empty());
    assert_eq!(import.valid_until, Some("2026-05-01T00:00:00Z".parse().unwrap()));
    let left_out: Vec<String> = import.left_out.iter().map(ToString::to_string).collect();
    assert_eq!(left_out.len(), 2, "{left_out:#?}");
    assert!(left_out[0].contains("flags[\"mixed\"].allocations[0]: s, t choose between splits together"));
    assert!(left_out[1].contains("\"a\" is no variation of this flag, or is not of its type INTEGER"));
}

#[test]
fn configurations_for_clients_are_left_out() {
    let hidden = r#"{"format": "CLIENT", "flags": {"73fcc84c69e49e971fe29a29": {
        "key": "x", "enabled": true, "variationType": "STRING", "totalShards": 10,
        "variations": {}, "allocations": []}}}"#;
    let import = Flags::from_json(hidden).unwrap().import(&ImportOptions::new("shop", "key", 1)).unwrap();
    assert!(import.flags.is_empty() && import.left_out[0].problem.contains("names are hidden"));
}

fn configuration(random: &mut Random) -> Value {
    let flags = (0..12).map(|number| (format!("flag{number}"), flag(random, number)));
    json!({"flags": flags.collect::<Map<_, _>>()})
}

fn flag(random: &mut Random, number: usize) -> Value {
    let total = *random.pick(&[10_000, 100, 7, 4_000_000_000_u32]);
    let variations: Map<String, Value> = (0..4)
        .map(|index| {
            (format!("v{index}"), json!({"key": format!("v{index}"), "value": format!("{number}.{index}")}))
        })
        .collect();
    let allocations: Vec<Value> =
        (0..random.below(4)).map(|index| allocation(random, index, u64::from(total))).collect();
    json!({"key": format!("flag{number}"), "enabled": random.chance(90), "variationType": "STRING",
        "totalShards": total, "variations": variations, "allocations": allocations})
}

fn allocation(random: &mut Random, index: usize, total: u64) -> Value {
    let time = |random: &mut Random| {
        *random.pick(&["2025-01-01T00:00:00Z", "2026-03-01T00:00:00Z", "2027-01-01T00:00:00Z"])
    };
    let traffic = random.chance(60).then(|| json!({"salt": "traffic", "ranges": ranges(random, total)}));
    let split = |variation| {
        let mut shards = Vec::new();
        if random.chance(80) {
            shards.push(json!({"salt": format!("split{index}"), "ranges": ranges(random, total)}));
        }
        if random.chance(5) {
            shards.push(json!({"salt": "another", "ranges": ranges(random, total)}));
        }
        shards.extend(traffic.clone());
        json!({"variationKey": format!("v{variation}"), "shards": shards})
    };
    let splits: Vec<Value> = (0..4).map(split).collect();
    let mut allocation =
        json!({"key": format!("allocation {index}"), "doLog": random.chance(50), "splits": splits});
    if random.chance(20) {
        allocation["startAt"] = json!(time(random));
    }
    if random.chance(20) {
        allocation["endAt"] = json!(time(random));
    }
    if random.chance(60) {
        let rules = (0..random.below(3)).map(|_| {
            let conditions: Vec<Value> = (0..random.below(3)).map(|_| condition(random)).collect();
            json!({"conditions": conditions})
        });
        allocation["rules"] = rules.collect();
    }
    allocation
}

fn ranges(random: &mut Random, total: u64) -> Value {
    let range = |_| {
        let (a, b) = (random.next() % (total + 1), random.next() % (total + 1));
        json!({"start": a.min(b), "end": a.max(b)})
    };
    (0..1 + total.min(2)).map(range).collect()
}

fn condition(random: &mut Random) -> Value {
    let operator = *random.pick(&["GT", "GTE", "LT", "LTE"]);
    let list = *random.pick(&["ONE_OF", "NOT_ONE_OF"]);
    let (attribute, operator, value) = match random.below(10) {
        9 => ("beta", *random.pick(&["MATCHES", "NOT_MATCHES"]), json!("^t")),
        0 => ("age", operator, json!(random.below(60))),
        1 => ("age", operator, json!("30")),
        2 => ("app", operator, json!("2.0.0")),
        3 => ("country", list, json!(random.some(&["DE", "AT", "7"]))),
        4 => ("beta", list, json!(["true"])),
        5 => ("age", list, json!(["1", "7", "30"])),
        6 => ("mail", *random.pick(&["MATCHES", "NOT_MATCHES"]), json!("@x\\.org$")),
        7 => ("id", "MATCHES", json!("7$")),
        _ => ("country", "IS_NULL", json!(random.chance(50))),
    };
    json!({"attribute": attribute, "operator": operator, "value": value})
}

fn param(value: &AssignmentValue) -> ParamValue {
    match value {
        AssignmentValue::String(text) => ParamValue::Text(text.clone()),
        other => panic!("{other:?}"),
    }
}
