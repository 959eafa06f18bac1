//! From contexts to units and attributes.

use std::sync::Arc;

use expt_assign::{Config, HoldoutEntry, LayerEntry, Ranges, UnitEntry, Window};
use expt_openfeature::Provider;
use expt_store::blocking::wait;
use open_feature::{
    EvaluationContext, EvaluationContextFieldValue, EvaluationErrorCode, FlagMetadataValue, StructValue,
};
use time::{Date, Month, OffsetDateTime};

use crate::common::{all, client, kind, phase, point, provider, unit};

/// Who an evaluation of `page` is about, and how it was identified.
fn who(
    provider: Provider,
    key: &str,
    context: &EvaluationContext,
) -> Result<(String, String), EvaluationErrorCode> {
    let details =
        wait(client(provider).get_string_details(key, Some(context), None)).map_err(|error| error.code)?;
    let text = |key: &str| match &details.flag_metadata.values[key] {
        FlagMetadataValue::String(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    Ok((text("contextId"), text("expt.identity")))
}

fn check(context: &EvaluationContext, id: &str, identity: &str) {
    assert_eq!(who(provider(all()), "page", context), Ok((id.to_owned(), identity.to_owned())));
}

fn fields(fields: &[(&str, &str)]) -> EvaluationContext {
    fields
        .iter()
        .fold(EvaluationContext::default(), |all, (name, value)| all.with_custom_field(*name, *value))
}

#[test]
fn the_units_own_attribute_comes_before_the_targeting_key() {
    check(&unit("u-1"), "u-1", "own");
    check(&fields(&[("user_id", "u-2")]).with_targeting_key("u-1"), "u-2", "own");
    check(&EvaluationContext::default().with_custom_field("user_id", 17), "17", "own");
    // The empty text is no id.
    check(&fields(&[("user_id", "")]).with_targeting_key("u-1"), "u-1", "own");
}

#[test]
fn a_targeting_key_that_is_a_fallback_is_marked_as_one() {
    check(&fields(&[("device_id", "d-1")]).with_targeting_key("u-1"), "u-1", "own");
    check(&fields(&[("device_id", "d-1")]).with_targeting_key("d-1"), "d-1", "fallback");
    check(&fields(&[("cookie", "c-1")]).with_targeting_key("c-1"), "c-1", "fallback");
    check(
        &EvaluationContext::default().with_custom_field("cookie", 5).with_targeting_key("5"),
        "5",
        "fallback",
    );
    check(&fields(&[("device_id", "d-1")]), "d-1", "fallback");
    check(&fields(&[("cookie", "c-1"), ("device_id", "d-1")]), "d-1", "fallback");
}

#[test]
fn nobody_is_put_anywhere_by_chance() {
    for context in [EvaluationContext::default(), unit(""), fields(&[("country", "DE"), ("user_id", "")])] {
        let error = wait(client(provider(all())).get_string_value("page", Some(&context), None)).unwrap_err();
        assert_eq!(error.code, EvaluationErrorCode::TargetingKeyMissing);
        let message = error.message.unwrap();
        assert!(
            message.contains("with_targeting_key") && message.contains("user_id, device_id, cookie"),
            "{message}"
        );
    }
    // What cannot be an id is not replaced by something that can.
    for context in
        [unit(" u-1"), unit("u\u{7}1"), EvaluationContext::default().with_custom_field("user_id", true)]
    {
        assert_eq!(who(provider(all()), "page", &context), Err(EvaluationErrorCode::InvalidContext));
    }
}

/// Users in one layer, shops in another.
fn two_kinds() -> Config {
    all()
        .with_unit(UnitEntry::new(kind("shop"), "shop_id"))
        .with_layer(LayerEntry::new("prices".parse().unwrap(), kind("shop"), [point("price")]))
        .with_phase(phase("s", "prices", &["price"], Ranges::all()))
}

#[test]
fn a_targeting_key_is_of_one_kind() {
    let of_users = || provider(two_kinds()).with_targeting_kind(kind("user"));
    let both = fields(&[("shop_id", "s-1")]).with_targeting_key("u-1");
    assert_eq!(who(of_users(), "page", &both), Ok(("u-1".into(), "own".into())));
    assert_eq!(who(of_users(), "price", &both), Ok(("s-1".into(), "own".into())));
    assert_eq!(who(of_users(), "price", &unit("u-1")), Err(EvaluationErrorCode::TargetingKeyMissing));
    // Undeclared, it is not taken for either.
    assert_eq!(who(provider(two_kinds()), "price", &both), Ok(("s-1".into(), "own".into())));
    let error = wait(client(provider(two_kinds())).get_string_value("page", Some(&both), None)).unwrap_err();
    assert_eq!(error.code, EvaluationErrorCode::InvalidContext);
    let message = error.message.unwrap();
    assert!(
        message.contains("Provider::with_targeting_kind") && message.contains("\"user_id\""),
        "{message}"
    );
    // A kind that no layer randomises does not matter.
    let declared = all().with_unit(UnitEntry::new(kind("shop"), "shop_id"));
    assert_eq!(who(provider(declared), "page", &both), Ok(("u-1".into(), "own".into())));
}

#[test]
fn a_holdout_of_another_kind_counts() {
    let held = HoldoutEntry::new("shops".parse().unwrap(), kind("shop"), "salt", Ranges::all());
    let config = || two_kinds().with_holdout(held.clone());
    let of = |of: &str| provider(config()).with_targeting_kind(kind(of));
    assert!(who(of("user"), "page", &unit("u-1")).is_ok());
    let in_shop = fields(&[("shop_id", "s-1")]).with_targeting_key("u-1");
    assert!(
        matches!(who(of("user"), "page", &in_shop), Err(EvaluationErrorCode::General(code)) if code.contains("holdout"))
    );
    // Also where the targeting key is what identifies it.
    let in_shop = fields(&[("user_id", "u-1")]).with_targeting_key("s-1");
    assert!(
        matches!(who(of("shop"), "page", &in_shop), Err(EvaluationErrorCode::General(code)) if code.contains("holdout"))
    );
}

#[test]
fn a_unit_of_a_window_of_time_has_the_id_of_the_window() {
    let mut config = all();
    config.units[0] = UnitEntry::new(kind("user"), "user_id").with_window(Window::seconds(3600));
    // The clock of the provider stands at 2026-03-04T00:20:00Z.
    assert_eq!(
        who(provider(config), "page", &unit("berlin")),
        Ok(("berlin@1772582400".into(), "own".into()))
    );
}

#[test]
fn fields_are_attributes() {
    let noon = Date::from_calendar_date(2026, Month::March, 1).unwrap().with_hms(12, 0, 0).unwrap();
    let inner = StructValue::default()
        .with_field("tier", "gold")
        .with_field("nested", StructValue::default().with_field("level", 3));
    let context = unit("u-1")
        .with_custom_field("consent", true)
        .with_custom_field("age", 30)
        .with_custom_field("score", 0.5)
        .with_custom_field("country", "DE")
        .with_custom_field("since", OffsetDateTime::new_utc(noon.date(), noon.time()))
        .with_custom_field("plan", EvaluationContextFieldValue::Struct(Arc::new(inner)))
        .with_custom_field("opaque", EvaluationContextFieldValue::new_struct(String::from("gold")))
        .with_custom_field("dotted.name", "x");
    let holds = |rule: &str| {
        let mut config = all();
        config.phases[0].targeting = Some(rule.parse().unwrap_or_else(|error| panic!("{rule}: {error}")));
        who(provider(config), "page", &context).is_ok()
    };
    for rule in [
        "consent = true",
        "age >= 30 and age < 31",
        "score = 0.5",
        "country in ('AT', 'DE')",
        "since = time '2026-03-01T12:00:00Z'",
        "plan.tier = 'gold'",
        "plan.nested.level = 3",
        "dotted.name = 'x'",
        "targetingKey = 'u-1'",
        "user_id = 'u-1'",
    ] {
        assert!(holds(rule), "{rule}");
    }
    for rule in [
        "since < time '2026-03-01T12:00:00Z'",
        "plan is present",
        "plan.nested is present",
        "plan.none is present",
        "opaque is present",
        "opaque.tier is present",
        "device_id is present",
        "country.x is present",
    ] {
        assert!(!holds(rule), "{rule}");
    }
}

#[test]
fn a_name_with_many_dots_is_looked_up_in_bounded_time() {
    let mut config = all();
    let name = format!("plan{}", ".x".repeat(90));
    config.phases[0].targeting = Some(format!("{name} is missing").parse().unwrap());
    let mut inner = StructValue::default();
    for _ in 0..80 {
        inner = StructValue::default().with_field("x", inner);
    }
    let context = unit("u-1").with_custom_field("plan", EvaluationContextFieldValue::Struct(Arc::new(inner)));
    assert!(who(provider(config), "page", &context).is_ok());
}
