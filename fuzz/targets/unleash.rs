//! Features of Unleash, and a delta that is applied to them: what is compiled is evaluated for a context.
#![no_main]

use expt_assign::compat::unleash::{Context, Features};
use expt_core::Timestamp;
use expt_fuzz::{MOST_ASKED, parts};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let Some([document, delta, context]) = parts(input) else { return };
    let mut features = match Features::from_json(document) {
        Ok(features) => features,
        Err(error) => return drop(error.to_string()),
    };
    let mut context: Context = serde_json::from_str(context).unwrap_or_default();
    context.now = Some(Timestamp::from_micros(1_700_000_000_000_000));
    evaluate(&features, document, &context);
    match features.apply_delta(delta) {
        Ok(()) => evaluate(&features, document, &context),
        Err(error) => drop(error.to_string()),
    }
});

fn evaluate(features: &Features, document: &str, context: &Context) {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let listed = document.get("features").and_then(Value::as_array).into_iter().flatten();
    for name in listed.filter_map(|feature| feature.get("name")?.as_str()).take(MOST_ASKED) {
        let variant = features.variant(name, context);
        assert_eq!(variant.feature_enabled, features.is_enabled(name, context));
    }
}
