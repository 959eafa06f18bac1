//! Random numbers that are the same every time, requests, and what an imported flag gives them.

use std::collections::BTreeMap;

use expt_assign::compat::import::{Imported, VALUE};
use expt_assign::targeting::Value as Attribute;
use expt_assign::{Context, Snapshot};
use expt_core::{Binding, ParamValue, Timestamp};
use serde_json::{Map, Value, json};

/// SplitMix64 (Steele, Lea & Flood 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }

    /// A number of hundredths from 0 to 1.
    pub(crate) fn share(&mut self) -> f64 {
        self.below(101) as f64 / 100.0
    }

    /// Some of several.
    pub(crate) fn some<T: Clone>(&mut self, from: &[T]) -> Vec<T> {
        from.iter().filter(|_| self.chance(50)).cloned().collect()
    }
}

/// The attributes of a request; each may be missing but `id`.
pub(crate) fn request(random: &mut Random, number: usize) -> Map<String, Value> {
    let mut attributes = Map::new();
    let id = if number % 5 == 4 { json!(number + 1) } else { json!(format!("user-{number}-ü")) };
    attributes.insert("id".into(), id);
    let all = [
        ("deviceId", json!(format!("d{}", random.below(1_000)))),
        ("country", json!(*random.pick(&["DE", "AT", "US", "true", "7"]))),
        ("age", json!(random.below(60))),
        ("score", json!(random.below(200) as f64 / 8.0 - 3.0)),
        ("beta", json!(random.chance(50))),
        ("app", json!(*random.pick(&["1.2.3", "2.0.0", "2.0.0-rc.1", "2.10.0", "2.0.0-beta.2", "3.1.4"]))),
        ("tags", json!(random.some(&["a", "b", "c"]))),
        ("mail", json!(*random.pick(&["ada@x.org", "bob@y.com", "ADA@X.ORG"]))),
        ("company", json!({"plan": *random.pick(&["pro", "free"]), "seats": random.below(5)})),
    ];
    for (name, value) in all {
        if random.chance(80) {
            attributes.insert(name.to_owned(), value);
        }
    }
    attributes
}

/// The request as this library takes it, and what the flag is for it. `None` if the caller's default counts.
pub(crate) fn ours(
    snapshot: &Snapshot,
    flag: &Imported,
    attributes: &Map<String, Value>,
) -> Option<ParamValue> {
    let mut lists: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut flat: Vec<(String, &Value)> = Vec::new();
    for (name, value) in attributes {
        match value {
            Value::Object(inner) => flat.extend(inner.iter().map(|(key, v)| (format!("{name}.{key}"), v))),
            Value::Array(items) => {
                lists.insert(name.clone(), items.iter().map(|item| item.as_str().unwrap()).collect());
            }
            value => flat.push((name.clone(), value)),
        }
    }
    let mut pairs: Vec<(&str, Attribute<'_>)> =
        lists.iter().map(|(name, texts)| (name.as_str(), Attribute::Texts(texts))).collect();
    pairs.extend(flat.iter().map(|(name, value)| (name.as_str(), attribute(value))));
    let now = Timestamp::from_micros(0);
    let context = Context::new(now).with_attributes(&pairs);
    for (point, kind) in &flag.points {
        let Ok(unit) = snapshot.identify(kind, &pairs, now) else { continue };
        let handle = snapshot.decision_point(point).unwrap();
        let assignment = snapshot.assign(&unit, handle, &context);
        if let Some(Binding::Params(params)) = assignment.binding() {
            return Some(params[VALUE].clone());
        }
    }
    flag.default.clone()
}

fn attribute(value: &Value) -> Attribute<'_> {
    match value {
        Value::String(text) => Attribute::Text(text),
        Value::Bool(value) => Attribute::Bool(*value),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| Attribute::Float(number.as_f64().unwrap()), Attribute::Int)
        }
        other => panic!("not in requests: {other}"),
    }
}
