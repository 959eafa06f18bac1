//! A payload of GrowthBook: what is compiled is evaluated for a user.
#![no_main]

use expt_assign::compat::growthbook::{Condition, Context, Experiment, Features, SavedGroups};
use expt_assign::Snapshot;
use expt_assign::compat::import::ImportOptions;
use expt_fuzz::{keys, object, parts};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some([payload, attributes]) = parts(input) else { return };
    let attributes = object(attributes);
    let context = Context::new(attributes).with_url("https://example.org/?exp=1&x");
    if let Ok(value) = serde_json::from_str::<serde_json::Value>(payload) {
        if let Ok(condition) = Condition::from_value(&value) {
            let _ = condition.matches(context.attributes(), &SavedGroups::from_value(&value));
        }
        if let (Ok(experiment), Ok(features)) = (Experiment::from_value(&value), Features::from_json("{}")) {
            let _ = features.run(&experiment, &context);
        }
    }
    match Features::from_json(payload) {
        Ok(features) => {
            let import = features.import(&ImportOptions::new("shop", "key", 1)).expect("an import always compiles");
            assert!(Snapshot::compile(import.config).is_ok());
            let _ = features.sticky_keys(&context);
            for key in keys(payload, "features").iter().chain([&"missing".to_owned()]) {
                let first = features.evaluate(key, &context);
                let again = features.evaluate(key, &context);
                assert_eq!(format!("{:?}", first.result), format!("{:?}", again.result));
            }
        }
        Err(error) => drop(error.to_string()),
    }
});
