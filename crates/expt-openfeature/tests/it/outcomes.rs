//! Every outcome of the engine, as an evaluation.

use std::collections::BTreeMap;

use expt_assign::{
    Config, Context, ExclusionCause, ExclusionEntry, ForcedUnit, HoldoutEntry, LayerEntry, PhaseState,
    Ranges, Reason, Stickiness,
};
use expt_openfeature::{Fallback, NothingServed, metadata};
use expt_store::blocking::wait;
use open_feature::{
    EvaluationContext, EvaluationDetails, EvaluationErrorCode, EvaluationReason, EvaluationResult,
    FlagMetadata,
};

use crate::common::{
    all, client, compile, config, half, kind, now, params, percent, phase, point, provider, unit, unit_in,
};

fn ask(
    config: Config,
    key: &str,
    context: &EvaluationContext,
) -> EvaluationResult<EvaluationDetails<String>> {
    wait(client(provider(config)).get_string_details(key, Some(context), None))
}

fn check_nothing(
    config: Config,
    key: &str,
    context: &EvaluationContext,
    reason: EvaluationReason,
    because: Reason,
) {
    let error = ask(config, key, context).unwrap_err();
    let nothing = NothingServed::of(&error).unwrap_or_else(|| panic!("{error:?}"));
    assert_eq!((nothing.reason, nothing.because), (reason, because));
    let message = error.message.unwrap();
    assert!(message.contains(&format!("{key:?}")) && message.contains(because.as_str()), "{message}");
}

fn check_served(
    config: Config,
    context: &EvaluationContext,
    arm: &str,
    reason: EvaluationReason,
) -> FlagMetadata {
    let details = ask(config, "page", context).unwrap();
    assert_eq!((details.value.as_str(), details.variant.as_deref()), (arm, Some(arm)));
    assert_eq!(details.reason, Some(reason));
    details.flag_metadata
}

fn text<'m>(metadata: &'m FlagMetadata, key: &str) -> Option<&'m str> {
    match metadata.values.get(key)? {
        open_feature::FlagMetadataValue::String(text) => Some(text),
        other => panic!("{key} is {other:?}"),
    }
}

#[test]
fn the_split_is_that_of_the_engine() {
    let snapshot = compile(half());
    let handle = snapshot.decision_point(&point("page")).unwrap();
    let client = client(provider(half()));
    let mut shares: BTreeMap<Option<String>, u32> = BTreeMap::new();
    for index in 0..2_000 {
        let id = format!("unit {index}");
        let own = snapshot.unit(&kind("user"), &id).unwrap();
        let expected = snapshot.assign(&own, handle, &Context::new(now()));
        let context = unit(&id);
        let found = wait(client.get_string_details("page", Some(&context), None));
        let arm = match (expected.served(), found) {
            (Some(served), Ok(details)) => {
                assert_eq!(details.value, served.arm.as_str());
                assert_eq!(details.reason, Some(EvaluationReason::Split));
                assert_eq!(text(&details.flag_metadata, "contextId"), Some(id.as_str()));
                Some(details.value)
            }
            (None, Err(error)) => {
                let nothing = NothingServed::of(&error).unwrap();
                assert_eq!(nothing.because, expected.reason());
                assert_eq!(nothing.reason, EvaluationReason::Default);
                None
            }
            (expected, found) => panic!("{expected:?} against {found:?}"),
        };
        *shares.entry(arm).or_default() += 1;
    }
    // Half get nothing, and a quarter each arm: within five standard deviations of a binomial.
    let near = |arm: Option<&str>, expected: u32, sd: f64| {
        let found = shares[&arm.map(str::to_owned)];
        assert!(f64::from(found.abs_diff(expected)) < 5.0 * sd, "{arm:?}: {found}");
    };
    near(None, 1000, 22.4);
    near(Some("a"), 500, 19.4);
    near(Some("b"), 500, 19.4);
}

#[test]
fn what_is_served_has_its_reason_and_metadata() {
    let id = unit_in("a");
    let context = unit(&id);
    let split = check_served(all(), &context, "a", EvaluationReason::Split);
    let expected = [
        ("flagSetId", "search"),
        ("version", "7"),
        ("contextId", id.as_str()),
        ("expt.unit.kind", "user"),
        ("expt.identity", "own"),
        ("expt.reason", "arm"),
        ("expt.experiment.id", "p-experiment"),
        ("expt.phase", "p"),
        ("expt.variant", "a"),
    ];
    for (key, value) in expected {
        assert_eq!(text(&split, key), Some(value), "{key}");
    }
    assert_eq!(split.values["expt.epoch"], 1.into());
    assert_eq!(split.values["expt.analysed"], true.into());
    assert_eq!(split.values.len(), expected.len() + 2);

    let shipped = |mut config: Config| {
        config.phases[0].state = PhaseState::Shipped { arm: "b".parse().unwrap() };
        config
    };
    let metadata = check_served(shipped(all()), &context, "b", EvaluationReason::TargetingMatch);
    assert_eq!(text(&metadata, metadata::REASON), Some("shipped"));
    assert_eq!(metadata.values[metadata::ANALYSED], false.into());

    let forced = ForcedUnit::new(id.parse().unwrap(), "p".parse().unwrap(), "b".parse().unwrap());
    let metadata = check_served(all().with_forced(forced), &context, "b", EvaluationReason::TargetingMatch);
    assert_eq!(text(&metadata, metadata::REASON), Some("forced"));
    assert_eq!(metadata.values[metadata::ANALYSED], false.into());

    // The winner in the comparison group of a holdout.
    let compared = HoldoutEntry::new("global".parse().unwrap(), kind("user"), "salt", percent(0, 1))
        .with_shipped_only("global/compared".parse().unwrap(), percent(1, 100));
    let context = unit(&not_held());
    let metadata =
        check_served(shipped(all()).with_holdout(compared), &context, "b", EvaluationReason::TargetingMatch);
    assert_eq!(text(&metadata, metadata::REASON), Some("shipped only"));
    assert_eq!(text(&metadata, metadata::HOLDOUT), Some("global/compared"));
    assert_eq!(metadata.values[metadata::ANALYSED], true.into());
}

/// A unit that a holdout of one percent does not hold.
fn not_held() -> String {
    let held = HoldoutEntry::new("global".parse().unwrap(), kind("user"), "salt", percent(0, 1));
    let snapshot = compile(all().with_holdout(held));
    let handle = snapshot.decision_point(&point("page")).unwrap();
    let free = |id: &String| {
        let unit = snapshot.unit(&kind("user"), id).unwrap();
        snapshot.peek(&unit, handle, &Context::new(now())).reason() != Reason::Holdout
    };
    (0..).map(|index| format!("u-{index}")).find(free).unwrap()
}

#[test]
fn what_serves_nothing_is_an_error_that_says_why() {
    use EvaluationReason::{Default, Disabled, TargetingMatch};
    let context = unit("u-1");
    let held = |ranges| HoldoutEntry::new("global".parse().unwrap(), kind("user"), "salt", ranges);
    check_nothing(all().with_holdout(held(Ranges::all())), "page", &context, TargetingMatch, Reason::Holdout);
    let compared = held(percent(0, 1)).with_shipped_only("compared".parse().unwrap(), percent(1, 100));
    check_nothing(
        all().with_holdout(compared),
        "page",
        &unit(&not_held()),
        TargetingMatch,
        Reason::ShippedOnly,
    );

    let staff = ExclusionEntry::new(ExclusionCause::Staff).with_unit(kind("user"), "u-1".parse().unwrap());
    check_nothing(all().with_exclusion(staff), "page", &context, Default, Reason::Excluded);

    let with = |change: &dyn Fn(&mut expt_assign::PhaseEntry)| {
        let mut config = all();
        change(&mut config.phases[0]);
        config
    };
    let targeted = with(&|phase| phase.targeting = Some("country = 'DE'".parse().unwrap()));
    check_nothing(targeted.clone(), "page", &context, Default, Reason::NotTargeted);
    let german = unit("u-1").with_custom_field("country", "DE");
    assert!(ask(targeted, "page", &german).is_ok());

    let other = LayerEntry::new("ads".parse().unwrap(), kind("user"), [point("ads")]);
    let prerequisite =
        all().with_layer(other).with_phase(phase("q", "ads", &["ads"], Ranges::all()).with_prerequisite(
            "p".parse().unwrap(),
            [if unit_is_in_a("u-1") { "b" } else { "a" }.parse().unwrap()],
        ));
    check_nothing(prerequisite, "ads", &context, Default, Reason::Prerequisite);

    let paused = with(&|phase| {
        phase.state = PhaseState::PausedIntake;
        phase.sticky = Stickiness::On;
    });
    check_nothing(paused, "page", &context, Disabled, Reason::Paused);

    // No phase has traffic, for one cause or another.
    for state in [PhaseState::Stopped, PhaseState::Draft] {
        let idle = with(&|phase| phase.state = state.clone());
        check_nothing(idle, "page", &context, Disabled, Reason::Unallocated);
    }
    check_nothing(config(), "page", &context, Disabled, Reason::Unallocated);
    // One has, and binds another point.
    check_nothing(all(), "title", &context, Disabled, Reason::Unbound);
    // One has, and it binds the point, but the unit is not in it.
    let elsewhere = half().with_phase(phase("q", "search", &["title"], percent(50, 100)));
    let (in_p, in_q) =
        (by_reason(&elsewhere, "page", Reason::Arm), by_reason(&elsewhere, "page", Reason::Unbound));
    check_nothing(elsewhere.clone(), "title", &unit(&in_p), Default, Reason::Unbound);
    check_nothing(elsewhere, "page", &unit(&in_q), Default, Reason::Unbound);
}

fn unit_is_in_a(id: &str) -> bool {
    ask(all(), "page", &unit(id)).unwrap().value == "a"
}

fn by_reason(config: &Config, key: &str, reason: Reason) -> String {
    let snapshot = compile(config.clone());
    let handle = snapshot.decision_point(&point(key)).unwrap();
    let fits = |id: &String| {
        let unit = snapshot.unit(&kind("user"), id).unwrap();
        snapshot.peek(&unit, handle, &Context::new(now())).reason() == reason
    };
    (0..).map(|index| format!("u-{index}")).find(fits).unwrap()
}

#[test]
fn an_unknown_flag_is_named_and_so_are_those_that_there_are() {
    let hostile = "x".repeat(100_000);
    for key in ["pages", "", " page", "pa\u{0}ge", &hostile] {
        let error = ask(all(), key, &unit("u-1")).unwrap_err();
        assert_eq!(error.code, EvaluationErrorCode::FlagNotFound);
        let (message, start) = (error.message.unwrap(), key.chars().take(80).collect::<String>());
        assert!(
            message.contains(&format!("{start:?}")) && message.contains("\"page\", \"title\""),
            "{message}"
        );
        assert!(message.len() < 400, "{message}");
    }
}

#[test]
fn nothing_identifies_an_excluded_unit() {
    let staff = ExclusionEntry::new(ExclusionCause::Staff).with_unit(kind("user"), "u-1".parse().unwrap());
    let config = all().with_exclusion(staff);
    let error = ask(config.clone(), "page", &unit("u-1")).unwrap_err();
    assert!(!format!("{error:?}").contains("u-1"));
    let fallback = Fallback::new("production", params([("value", 20.into())]));
    let client = client(provider(config).with_fallback(point("page"), fallback));
    let details = wait(client.get_int_details("page", Some(&unit("u-1")), None)).unwrap();
    assert_eq!((details.value, details.reason), (20, Some(EvaluationReason::Default)));
    assert_eq!(text(&details.flag_metadata, "expt.reason"), Some("excluded"));
    assert!(!format!("{:?}", details.flag_metadata).contains("u-1"));
}
