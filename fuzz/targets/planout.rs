//! Compiled scripts of PlanOut: what is read is evaluated for inputs.
#![no_main]

use expt_assign::compat::planout::{Map, Script, Value};
use expt_fuzz::parts;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some([code, inputs]) = parts(input) else { return };
    let script = match Script::from_json(code) {
        Ok(script) => script,
        Err(error) => return drop(error.to_string()),
    };
    let given: serde_json::Map<String, serde_json::Value> = expt_fuzz::object(inputs);
    let given = given.into_iter().filter_map(|(name, value)| {
        let value: Value = serde_json::from_value(value).ok()?;
        Some((name, value))
    });
    let mut inputs = Map::from_iter(given);
    inputs.insert("userid", Value::from(42));
    let first = script.evaluate("fuzz", &inputs, &Map::new());
    assert_eq!(first, script.evaluate("fuzz", &inputs, &Map::new()));
    match first {
        Ok(outcome) => drop(serde_json::to_string(&outcome.params)),
        Err(error) => drop(error.to_string()),
    }
});
