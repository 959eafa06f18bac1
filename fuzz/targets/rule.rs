//! A rule is read as text and as JSON, shown, read again, compiled and asked.
#![no_main]

use expt_assign::targeting::{Rule, Value};
use expt_assign::{Config, Context, ExclusionCause, ExclusionEntry, LayerEntry, Snapshot, UnitEntry};
use expt_core::{DecisionPoint, LayerId, Timestamp, UnitKind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(rule) = serde_json::from_str::<Rule>(text) {
        let json = serde_json::to_string(&rule).expect("a rule that was read can be written");
        assert_eq!(serde_json::from_str::<Rule>(&json).ok().as_ref(), Some(&rule), "{json}");
        let _ = rule.to_string();
        ask(&rule);
    }
    match text.parse::<Rule>() {
        Ok(rule) => {
            let shown = rule.to_string();
            assert_eq!(shown.parse::<Rule>().as_ref(), Ok(&rule), "{shown}");
            ask(&rule);
        }
        Err(error) => drop(error.to_string()),
    }
});

fn ask(rule: &Rule) {
    let user = UnitKind::new("user").expect("a name");
    let point = DecisionPoint::new("ranker").expect("a name");
    let config = Config::new("fuzz", "key", 1)
        .with_unit(UnitEntry::new(user.clone(), "id"))
        .with_layer(LayerEntry::new(LayerId::new("layer").expect("a name"), user.clone(), [point.clone()]))
        .with_exclusion(ExclusionEntry::new(ExclusionCause::Bot).with_rule(rule.clone()));
    let snapshot = match Snapshot::compile(config) {
        Ok(snapshot) => snapshot,
        Err(faults) => return drop(faults.to_string()),
    };
    let values = [
        Value::Bool(true),
        Value::Int(i64::MAX),
        Value::Float(f64::NAN),
        Value::Text("1.2.3"),
        Value::Text("aé\u{0}"),
        Value::Time(Timestamp::from_micros(i64::MIN)),
        Value::Texts(&["a", ""]),
    ];
    let unit = snapshot.unit(&user, "u-1").expect("a unit");
    let handle = snapshot.decision_point(&point).expect("a point");
    for value in values {
        let mut given = snapshot.values();
        let names: Vec<_> = snapshot.attributes().iter().map(|attribute| attribute.name()).collect();
        assert!(names.iter().all(|name| given.set(name, value)));
        let context = Context::new(Timestamp::from_micros(0)).with_attributes(&given);
        let _ = snapshot.assign(&unit, handle, &context).outcome();
    }
}
