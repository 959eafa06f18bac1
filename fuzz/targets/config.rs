//! A config is read, compiled and asked; what was written is what is read back.
#![no_main]

use expt_assign::targeting::Value;
use expt_assign::{Choices, Config, Context, Snapshot};
use expt_core::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let config = match Config::from_json(input) {
        Ok(config) => config,
        Err(error) => return drop(error.to_string()),
    };
    let json = config.to_json().expect("JSON has no numbers that are not finite");
    assert_eq!(Config::from_json(&json).as_ref(), Ok(&config), "{json}");
    let snapshot = match Snapshot::compile(config.clone()) {
        Ok(snapshot) => snapshot,
        Err(faults) => return drop(faults.to_string()),
    };
    assert_eq!(snapshot.config(), &config);
    let attributes = [("country", Value::Text("DE")), ("n", Value::Int(3)), ("t", Value::Texts(&["a", "b"]))];
    let context = Context::new(Timestamp::from_micros(1_700_000_000_000_000)).with_attributes(&attributes);
    let mut choices = Choices::default();
    for layer in config.layers.iter().take(4) {
        for id in ["u-1", "u-2", "ü", "0"] {
            let Ok(unit) = snapshot.unit(&layer.unit, id) else { continue };
            snapshot.assign_all(&unit, &context, &mut choices);
            for point in layer.decision_points.iter().take(3) {
                let handle = snapshot.decision_point(point).expect("every point of a layer is known");
                let assignment = snapshot.assign(&unit, handle, &context);
                assert_eq!(assignment.outcome(), snapshot.peek(&unit, handle, &context).outcome());
                let chosen = snapshot.assigned(&unit, handle, &choices).expect("it was just chosen");
                assert_eq!(assignment.outcome(), chosen.outcome());
                let explained = snapshot.explain(&unit, point, &context);
                assert!(!explained.to_string().is_empty());
                let _ = (assignment.exposure(context.now()), assignment.sticky_record());
            }
        }
    }
});
