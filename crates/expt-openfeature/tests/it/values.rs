//! What each resolver gives, and what it refuses.

use expt_assign::{ArmEntry, Config, LayerEntry, Ranges};
use expt_core::{Binding, Digest};
use expt_openfeature::{Fallback, Texts};
use expt_store::blocking::wait;
use open_feature::{EvaluationErrorCode, EvaluationResult, StructValue};

use crate::common::{
    all, client, config, empty_phase, kind, params, percent, point, provider, unit, unit_in,
};

/// One arm for everybody (an arm must have somebody, so there is one that has nobody of the test's).
fn sole(bindings: &[(&str, Binding)]) -> Config {
    let arm = |name: &str, ranges| {
        bindings.iter().fold(ArmEntry::new(name.parse().unwrap(), ranges), |arm, (name, binding)| {
            arm.with_binding(point(name), binding.clone())
        })
    };
    let layer =
        LayerEntry::new("all".parse().unwrap(), kind("user"), bindings.iter().map(|(name, _)| point(name)));
    let phase = empty_phase("all/1", "all", Ranges::all())
        .with_arm(arm("on", percent(0, 50)))
        .with_arm(arm("off", percent(50, 100)));
    config().with_layer(layer).with_phase(phase)
}

fn bindings() -> Vec<(&'static str, Binding)> {
    let model = "ranker".parse().unwrap();
    vec![
        ("bool", params([("dark", true.into())])),
        ("int", params([("rows", 50.into())])),
        ("float", params([("boost", 1.5.into())])),
        ("text", params([("title", "Hello".into())])),
        ("several", params([("value", 3.into()), ("title", "Hello".into())])),
        ("no-value", params([("x", 3.into()), ("y", 4.into())])),
        ("none", params([])),
        ("large", params([("value", ((1_i64 << 53) + 1).into())])),
        ("pinned", Binding::Pinned { model, version: 4, digest: Digest::of(b"model") }),
        (
            "following",
            Binding::Following {
                model: "ranker".parse().unwrap(),
                first: 2,
                features: Some(Digest::of(b"features")),
            },
        ),
    ]
}

fn told<T>(result: EvaluationResult<T>) -> (EvaluationErrorCode, String) {
    let error = result.err().unwrap();
    (error.code, error.message.unwrap())
}

#[test]
fn each_resolver_gives_its_type() {
    let client = client(provider(sole(&bindings())));
    let context = unit("u-1");
    let context = Some(&context);
    assert!(wait(client.get_bool_value("bool", context, None)).unwrap());
    assert_eq!(wait(client.get_int_value("int", context, None)).unwrap(), 50);
    assert_eq!(wait(client.get_float_value("float", context, None)).unwrap().to_bits(), 1.5_f64.to_bits());
    // JSON says 50 for 50.0.
    assert_eq!(wait(client.get_float_value("int", context, None)).unwrap().to_bits(), 50_f64.to_bits());
    // Of several parameters, the one called `value`.
    assert_eq!(wait(client.get_int_value("several", context, None)).unwrap(), 3);
    // The text is the name of the arm, whatever that binds.
    let names: Vec<String> = ["bool", "none", "pinned"]
        .map(|key| wait(client.get_string_value(key, context, None)).unwrap())
        .into();
    assert!(
        names.iter().all(|name| *name == names[0] && ["on", "off"].contains(&name.as_str())),
        "{names:?}"
    );
}

#[test]
fn the_struct_is_the_whole_payload() {
    let client = client(provider(sole(&bindings())));
    let context = unit("u-1");
    let structure =
        |key: &str| wait(client.get_struct_value::<StructValue>(key, Some(&context), None)).unwrap();
    assert_eq!(
        structure("several"),
        StructValue::default().with_field("value", 3).with_field("title", "Hello")
    );
    assert_eq!(structure("none"), StructValue::default());
    let pinned = StructValue::default()
        .with_field("model", "ranker")
        .with_field("version", 4)
        .with_field("digest", Digest::of(b"model").to_string());
    assert_eq!(structure("pinned"), pinned);
    let following = StructValue::default()
        .with_field("model", "ranker")
        .with_field("first", 2)
        .with_field("features", Digest::of(b"features").to_string());
    assert_eq!(structure("following"), following);
}

#[test]
fn another_type_is_refused_with_what_is_there_and_the_call_that_works() {
    let client = client(provider(sole(&bindings())));
    let context = unit("u-1");
    let context = Some(&context);
    let check = |found: (EvaluationErrorCode, String), parts: &[&str]| {
        assert_eq!(found.0, EvaluationErrorCode::TypeMismatch);
        for part in parts {
            assert!(found.1.contains(part), "{part:?} is not in {:?}", found.1);
        }
    };
    let int = |key: &str| told(wait(client.get_int_value(key, context, None)));
    check(int("bool"), &["\"bool\"", "parameter \"dark\"", "bool \"true\"", "get_bool_value"]);
    check(int("float"), &["parameter \"boost\"", "real number \"1.5\"", "get_float_value"]);
    check(int("text"), &["parameter \"title\"", "text \"Hello\"", "get_struct_value"]);
    check(int("none"), &["no parameter", "get_struct_value"]);
    check(int("no-value"), &["2 parameters (\"x\", \"y\")", "\"value\"", "get_struct_value"]);
    check(int("pinned"), &["model ranker version 4", "get_struct_value"]);
    check(int("following"), &["model ranker from version 2 on", "get_struct_value"]);
    let bool = told(wait(client.get_bool_value("int", context, None)));
    check(bool, &["parameter \"rows\"", "whole number \"50\"", "asked for was a bool", "get_int_value"]);
    // No f64 is this number.
    check(told(wait(client.get_float_value("large", context, None))), &["9007199254740993", "get_int_value"]);
    check(told(wait(client.get_float_value("text", context, None))), &["asked for was a real number"]);
}

#[test]
fn texts_may_be_values() {
    let client = client(provider(sole(&bindings())).with_texts(Texts::Values));
    let context = unit("u-1");
    let details = wait(client.get_string_details("text", Some(&context), None)).unwrap();
    assert_eq!(details.value, "Hello");
    assert!(["on", "off"].contains(&details.variant.unwrap().as_str()));
    let (code, message) = told(wait(client.get_string_value("int", Some(&context), None)));
    assert_eq!(code, EvaluationErrorCode::TypeMismatch);
    assert!(message.contains("asked for was a text, call get_int_value"), "{message}");
    let (_, message) = told(wait(client.get_int_value("text", Some(&context), None)));
    assert!(message.ends_with("call get_string_value"), "{message}");
}

#[test]
fn a_fallback_is_given_where_nothing_is_served_and_is_no_variant() {
    let fallback = || Fallback::new("production", params([("value", 20.into())]));
    let provider =
        provider(all()).with_fallback(point("title"), fallback()).with_fallback(point("page"), fallback());
    let client = client(provider);
    let id = unit_in("b");
    let context = unit(&id);
    let served = wait(client.get_int_details("page", Some(&context), None)).unwrap();
    assert_eq!((served.value, served.variant.as_deref()), (2, Some("b")));
    let nothing = wait(client.get_int_details("title", Some(&context), None)).unwrap();
    assert_eq!((nothing.value, nothing.variant), (20, None));
    assert_eq!(wait(client.get_string_value("title", Some(&context), None)).unwrap(), "production");
    let (code, message) = told(wait(client.get_bool_value("title", Some(&context), None)));
    assert_eq!(code, EvaluationErrorCode::TypeMismatch);
    assert!(message.starts_with("fallback \"production\" gives decision point \"title\""), "{message}");
}
