//! Events, against the names of the semantic conventions as they stand in August 2026.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use expt_assign::{Config, Context, ExclusionCause, ExclusionEntry, HoldoutEntry, Ranges};
use expt_openfeature::telemetry::{EvaluationEvent, ReadError, TelemetryHook, UnitIds};
use expt_openfeature::{Fallback, Provider};
use expt_store::blocking::wait;
use open_feature::{
    EvaluationContext, EvaluationDetails, EvaluationError, EvaluationErrorCode, Hook, HookContext, HookHints,
    Type, Value, async_trait,
};

use crate::common::{all, client, compile, kind, now, params, point, provider, unit, unit_in};

/// The events of one evaluation.
fn events(provider: Provider, key: &str, context: &EvaluationContext, ids: UnitIds) -> Vec<EvaluationEvent> {
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&events);
    let hook = TelemetryHook::new(move |event| sink.lock().unwrap().push(event)).with_unit_ids(ids);
    let client = client(provider).with_hook(hook);
    let _ = wait(client.get_int_value(key, Some(context), None));
    let events = events.lock().unwrap();
    events.clone()
}

fn attributes(event: &EvaluationEvent) -> BTreeMap<String, Value> {
    event.attributes().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn check(provider: Provider, key: &str, context: &EvaluationContext, expected: &[(&str, Value)]) {
    let events = events(provider, key, context, UnitIds::Shown);
    assert_eq!(events.len(), 1, "{events:?}");
    let found = attributes(&events[0]);
    let expected: BTreeMap<String, Value> =
        expected.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    assert_eq!(found, expected);
    // What is written is read back.
    assert_eq!(EvaluationEvent::from_attributes(found), Ok(events[0].clone()));
}

#[test]
fn an_assigned_unit_has_these_attributes() {
    assert_eq!(EvaluationEvent::NAME, "feature_flag.evaluation");
    let id = unit_in("b");
    let expected: &[(&str, Value)] = &[
        ("feature_flag.key", "page".into()),
        ("feature_flag.result.variant", "b".into()),
        ("feature_flag.result.reason", "split".into()),
        ("feature_flag.context.id", id.as_str().into()),
        ("feature_flag.set.id", "search".into()),
        ("feature_flag.version", "7".into()),
        ("feature_flag.provider.name", "expt".into()),
        ("expt.unit.kind", "user".into()),
        ("expt.identity", "own".into()),
        ("expt.reason", "arm".into()),
        ("expt.experiment.id", "p-experiment".into()),
        ("expt.phase", "p".into()),
        ("expt.variant", "b".into()),
        ("expt.epoch", 1.into()),
        ("expt.analysed", true.into()),
    ];
    check(provider(all()), "page", &unit(&id), expected);
}

#[test]
fn without_a_variant_the_value_is_given() {
    let fallback = Fallback::new("production", params([("value", 20.into())]));
    let provider = provider(all()).with_fallback(point("title"), fallback);
    let expected: &[(&str, Value)] = &[
        ("feature_flag.key", "title".into()),
        ("feature_flag.result.value", 20.into()),
        ("feature_flag.result.reason", "disabled".into()),
        ("feature_flag.context.id", "u-1".into()),
        ("feature_flag.set.id", "search".into()),
        ("feature_flag.version", "7".into()),
        ("feature_flag.provider.name", "expt".into()),
        ("expt.unit.kind", "user".into()),
        ("expt.identity", "own".into()),
        ("expt.reason", "unbound".into()),
        ("expt.analysed", false.into()),
    ];
    check(provider, "title", &unit("u-1"), expected);
}

#[test]
fn that_nothing_is_served_is_no_error() {
    let held = HoldoutEntry::new("global".parse().unwrap(), kind("user"), "salt", Ranges::all());
    let expected: &[(&str, Value)] = &[
        ("feature_flag.key", "page".into()),
        ("feature_flag.result.reason", "targeting_match".into()),
        ("feature_flag.context.id", "u-1".into()),
        ("feature_flag.provider.name", "expt".into()),
        ("expt.reason", "holdout".into()),
    ];
    check(provider(all().with_holdout(held)), "page", &unit("u-1"), expected);
}

#[test]
fn errors_have_a_type_in_lower_case_and_a_message() {
    let check = |provider: Provider, key: &str, context: &EvaluationContext, kind: &str, part: &str| {
        let events = events(provider, key, context, UnitIds::Shown);
        assert_eq!(events.len(), 1, "{events:?}");
        let found = attributes(&events[0]);
        assert_eq!(found["error.type"], kind.into());
        assert_eq!(found["feature_flag.result.reason"], "error".into());
        assert!(found["feature_flag.error.message"].as_str().unwrap().contains(part), "{found:?}");
        assert!(!found.contains_key("error.message"));
    };
    check(provider(all()), "pages", &unit("u-1"), "flag_not_found", "\"pages\"");
    check(
        provider(all()),
        "page",
        &EvaluationContext::default(),
        "targeting_key_missing",
        "with_targeting_key",
    );
    check(provider(all()), "page", &unit(" u-1"), "invalid_context", "unit id");
    let text = Fallback::new("production", params([("value", "twenty".into())]));
    check(
        provider(all()).with_fallback(point("title"), text),
        "title",
        &unit("u-1"),
        "type_mismatch",
        "\"twenty\"",
    );
    // What stands in a general code is no type.
    let error =
        EvaluationError { code: EvaluationErrorCode::General("user u-1 is gone".into()), message: None };
    with_stage(&unit("u-1"), |stage| {
        assert_eq!(EvaluationEvent::failed(stage, &error).unwrap().error_type.as_deref(), Some("general"));
    });
}

fn with_stage(context: &EvaluationContext, then: impl FnOnce(&HookContext<'_>)) {
    then(&HookContext {
        flag_key: "page",
        flag_type: Type::Int,
        evaluation_context: context,
        provider_metadata: open_feature::provider::ProviderMetadata::new("expt"),
        default_value: None,
        client_metadata: open_feature::ClientMetadata::default(),
    });
}

#[test]
fn an_excluded_unit_makes_no_event() {
    let excluded = || -> Config {
        let entry =
            ExclusionEntry::new(ExclusionCause::NoConsent).with_unit(kind("user"), "u-1".parse().unwrap());
        all().with_exclusion(entry)
    };
    let fallback = Fallback::new("production", params([("value", 20.into())]));
    let with_fallback = provider(excluded()).with_fallback(point("page"), fallback);
    for provider in [provider(excluded()), with_fallback] {
        assert_eq!(events(provider, "page", &unit("u-1"), UnitIds::Shown), []);
    }
    let snapshot = compile(excluded());
    let own = snapshot.unit(&kind("user"), "u-1").unwrap();
    let handle = snapshot.decision_point(&point("page")).unwrap();
    let assignment = snapshot.assign(&own, handle, &Context::new(now()));
    assert_eq!(EvaluationEvent::of(&snapshot, &point("page"), &assignment), None);
}

#[test]
fn the_engine_and_the_sdk_make_the_same_event() {
    let snapshot = compile(all());
    for id in ["u-1", "u-2", "u-3"] {
        let own = snapshot.unit(&kind("user"), id).unwrap();
        let handle = snapshot.decision_point(&point("page")).unwrap();
        let assignment = snapshot.assign(&own, handle, &Context::new(now()));
        let event = EvaluationEvent::of(&snapshot, &point("page"), &assignment);
        assert_eq!(
            event.into_iter().collect::<Vec<_>>(),
            events(provider(all()), "page", &unit(id), UnitIds::Shown)
        );
    }
}

#[test]
fn ids_are_hashed_with_a_key_or_left_out() {
    let id = |key: &str, ids: UnitIds| events(provider(all()), "page", &unit(key), ids)[0].context_id.clone();
    let secret = || UnitIds::hashed("secret");
    let hashed = id("u-1", secret()).unwrap();
    assert_eq!(hashed.len(), 32);
    assert!(hashed.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(id("u-1", secret()), Some(hashed.clone()));
    assert_ne!(id("u-2", secret()), Some(hashed.clone()));
    assert_ne!(id("u-1", UnitIds::hashed("another")), Some(hashed));
    assert_eq!(id("u-1", UnitIds::Hidden), None);
    assert_eq!(format!("{:?}", secret()), "Hashed(..)");
    // Nowhere else in the event either: the message would quote it.
    let event = &events(provider(all()), "page", &unit(" u-1 "), secret())[0];
    assert_eq!(event.error_type.as_deref(), Some("invalid_context"));
    assert!(!format!("{event:?}").contains("u-1"), "{event:?}");
}

/// Fails after a success, as any hook may.
struct Failing;

#[async_trait]
impl Hook for Failing {
    async fn before<'a>(
        &self,
        _: &HookContext<'a>,
        _: Option<&'a HookHints>,
    ) -> Result<Option<EvaluationContext>, EvaluationError> {
        Ok(None)
    }

    async fn after<'a>(
        &self,
        _: &HookContext<'a>,
        _: &EvaluationDetails<Value>,
        _: Option<&'a HookHints>,
    ) -> Result<(), EvaluationError> {
        Err(EvaluationError { code: EvaluationErrorCode::General("hook".into()), message: None })
    }

    async fn error<'a>(&self, _: &HookContext<'a>, _: &EvaluationError, _: Option<&'a HookHints>) {}

    async fn finally<'a>(&self, _: &HookContext<'a>, _: &EvaluationDetails<Value>, _: Option<&'a HookHints>) {
    }
}

#[test]
fn an_evaluation_is_one_event_also_where_another_hook_fails() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&events);
    let hook = TelemetryHook::new(move |event: EvaluationEvent| sink.lock().unwrap().push(event));
    // Hooks are called in reverse after the evaluation: this one before the one that fails.
    let client = client(provider(all())).with_hook(Failing).with_hook(hook);
    let _ = wait(client.get_int_value("page", Some(&unit("u-1")), None));
    assert_eq!(events.lock().unwrap().len(), 1);
}

#[test]
fn older_names_are_read() {
    // As the Python SDK 0.10 writes it.
    let old: [(&str, Value); 5] = [
        ("feature_flag.key", "page".into()),
        ("feature_flag.variant", "b".into()),
        ("feature_flag.provider_name", "expt".into()),
        ("feature_flag.evaluation.reason", "SPLIT".into()),
        ("feature_flag.evaluation.error.message", "gone".into()),
    ];
    let event = EvaluationEvent::from_attributes(old.clone()).unwrap();
    assert_eq!(event.key, "page");
    assert_eq!(event.variant.as_deref(), Some("b"));
    assert_eq!(event.provider_name.as_deref(), Some("expt"));
    assert_eq!(event.reason.as_deref(), Some("split"));
    assert_eq!(event.error_message.as_deref(), Some("gone"));
    // What was `value` before 1.34, and the message as OpenFeature has it.
    let old_value: [(&str, Value); 4] = [
        ("value", 3.into()),
        ("feature_flag.key", "page".into()),
        ("feature_flag.evaluation.error.message", "oldest".into()),
        ("error.message", "older".into()),
    ];
    let event = EvaluationEvent::from_attributes(old_value).unwrap();
    assert_eq!((event.value, event.error_message.as_deref()), (Some(Value::Int(3)), Some("older")));
    // The names that hold now count, wherever they stand.
    let new: [(&str, Value); 2] =
        [("feature_flag.result.variant", "new".into()), ("feature_flag.result.reason", "default".into())];
    for both in [[&old[..], &new[..]].concat(), [&new[..], &old[..]].concat()] {
        let event = EvaluationEvent::from_attributes(both).unwrap();
        assert_eq!((event.variant.as_deref(), event.reason.as_deref()), (Some("new"), Some("default")));
    }
}

#[test]
fn what_is_no_event_is_refused() {
    let none: [(&str, Value); 1] = [("feature_flag.variant", "b".into())];
    assert_eq!(EvaluationEvent::from_attributes(none), Err(ReadError::NoKey));
    let number: [(&str, Value); 2] =
        [("feature_flag.key", "page".into()), ("feature_flag.variant", 3.into())];
    let error = EvaluationEvent::from_attributes(number).unwrap_err();
    assert_eq!(error.to_string(), "the attribute feature_flag.variant is of type int; allowed is a string");
    // Other attributes of a log record are nobody's fault.
    let foreign: [(&str, Value); 2] = [("feature_flag.key", "page".into()), ("service.name", 3.into())];
    assert!(EvaluationEvent::from_attributes(foreign).unwrap().expt.is_empty());
}
