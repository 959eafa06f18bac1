//! What the hook logs, and how often.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use expt_assign::{
    Config, Deduplicate, ExclusionCause, ExclusionEntry, ExposurePolicy, ForcedUnit, HoldoutEntry, LoginRule,
    PhaseState, Ranges, Stickiness, StickyRecord,
};
use expt_core::{Exposure, ExposureTarget, Identity, UnitKind};
use expt_openfeature::{ExposureHook, Fallback, NothingServed, Provider, StickyMemory};
use expt_store::blocking::wait;
use open_feature::{
    Client, EvaluationContext, EvaluationOptions, Hook, HookContext, HookWrapper, OpenFeature, Type,
};

use crate::common::{
    Rows, all, client, compile, config, half, kind, now, params, percent, point, provider, unit, unit_in,
};

type Sink = Arc<Deduplicate<Rows>>;

/// A client with a hook, its counts, and the rows.
fn hooked(provider: Provider) -> (Client, ExposureHook<Sink>, Sink) {
    let sink = Arc::new(Deduplicate::new(Rows::default(), 100_000));
    let hook = provider.exposure_hook(Arc::clone(&sink));
    (client(provider).with_hook(hook.clone()), hook, sink)
}

fn ask(client: &Client, context: &EvaluationContext) -> Option<String> {
    wait(client.get_string_value("page", Some(context), None)).ok()
}

#[test]
fn each_unit_is_logged_once_and_as_the_engine_would() {
    let (client, hook, sink) = hooked(provider(half()));
    let snapshot = compile(half());
    let handle = snapshot.decision_point(&point("page")).unwrap();
    let mut expected: Vec<Exposure> = Vec::new();
    for index in 0..400 {
        let id = format!("u-{index}");
        let own = snapshot.unit(&kind("user"), &id).unwrap();
        let assignment = snapshot.assign(&own, handle, &expt_assign::Context::new(now()));
        expected.extend(assignment.exposure(now()));
        for _ in 0..3 {
            ask(&client, &unit(&id));
        }
    }
    let rows = sink.inner().rows();
    assert!(rows.iter().all(|(layer, _)| layer.as_str() == "search"));
    let found: Vec<Exposure> = rows.into_iter().map(|(_, row)| row).collect();
    assert_eq!(found, expected);
    let counts = hook.counts();
    assert_eq!((counts.taken, counts.known), (expected.len() as u64, 2 * expected.len() as u64));
    assert_eq!(counts.not_analysed, 3 * (400 - expected.len() as u64));
    assert_eq!((counts.dropped, counts.foreign, counts.unreadable), (0, 0, 0));
}

#[test]
fn a_change_is_logged_again() {
    let snapshot = Arc::new(Mutex::new(compile(all())));
    let source = Arc::clone(&snapshot);
    let provider = Provider::new(move || Arc::clone(&source.lock().unwrap())).with_clock(now);
    let (client, _, sink) = hooked(provider);
    let context = unit("u-1");
    ask(&client, &context).unwrap();
    let mut config = all();
    config.version = 8;
    *snapshot.lock().unwrap() = compile(config.clone());
    // Another version says nothing new of the unit.
    ask(&client, &context).unwrap();
    assert_eq!(sink.inner().rows().len(), 1);
    config.phases[0].epoch = 2;
    *snapshot.lock().unwrap() = compile(config);
    ask(&client, &context).unwrap();
    ask(&client, &context).unwrap();
    let rows = sink.inner().rows().into_iter();
    let epochs = rows.map(|(_, row)| match row.target {
        ExposureTarget::Arm { epoch, .. } => (epoch, row.config_version),
        other => panic!("{other:?}"),
    });
    assert_eq!(epochs.collect::<Vec<_>>(), [(1, 7), (2, 8)]);
}

#[test]
fn what_is_not_analysed_is_not_logged() {
    let id = unit_in("a");
    let check = |config: Config| {
        let (client, hook, sink) = hooked(provider(config));
        ask(&client, &unit(&id));
        assert_eq!(sink.inner().rows(), []);
        assert_eq!((hook.counts().not_analysed, hook.counts().taken), (1, 0));
    };
    let with = |change: &dyn Fn(&mut expt_assign::PhaseEntry)| {
        let mut config = all();
        change(&mut config.phases[0]);
        config
    };
    check(all().with_forced(ForcedUnit::new(
        id.parse().unwrap(),
        "p".parse().unwrap(),
        "b".parse().unwrap(),
    )));
    check(with(&|phase| phase.state = PhaseState::Shipped { arm: "a".parse().unwrap() }));
    check(with(&|phase| phase.exposures = ExposurePolicy::Never));
    check(with(&|phase| phase.state = PhaseState::Stopped));
    check(with(&|phase| phase.targeting = Some("country = 'DE'".parse().unwrap())));
    let excluded = ExclusionEntry::new(ExclusionCause::Bot).with_unit(kind("user"), id.parse().unwrap());
    check(all().with_exclusion(excluded));
}

fn held() -> Config {
    all().with_holdout(HoldoutEntry::new("global".parse().unwrap(), kind("user"), "salt", Ranges::all()))
}

#[test]
fn who_is_held_out_is_logged_with_and_without_a_fallback() {
    let fallback = Fallback::new("production", params([("value", 20.into())]));
    let compared = HoldoutEntry::new("global".parse().unwrap(), kind("user"), "salt", percent(0, 1))
        .with_shipped_only("compared".parse().unwrap(), percent(1, 100));
    for (config, units, expected) in
        [(held(), 1, vec!["global"]), (all().with_holdout(compared), 400, vec!["compared", "global"])]
    {
        let with_fallback = provider(config.clone()).with_fallback(point("page"), fallback.clone());
        let mut found = Vec::new();
        for provider in [provider(config), with_fallback] {
            let (client, hook, sink) = hooked(provider);
            for index in 0..units {
                let context = unit(&format!("u-{index}"));
                ask(&client, &context);
                ask(&client, &context);
            }
            assert_eq!((hook.counts().taken, hook.counts().known), (units, units));
            assert!(sink.inner().by_unit().values().all(|count| *count == 1));
            found.push(sink.inner().rows());
        }
        assert_eq!(found[0], found[1]);
        let mut holdouts: Vec<String> = found[0]
            .iter()
            .map(|(_, row)| match &row.target {
                ExposureTarget::Holdout { holdout } => holdout.to_string(),
                other => panic!("{other:?}"),
            })
            .collect();
        holdouts.sort();
        holdouts.dedup();
        assert_eq!(holdouts, expected);
    }
}

/// The stages of the hook by hand, with a swap in between.
#[test]
fn what_is_logged_is_what_was_evaluated() {
    let snapshot = Arc::new(Mutex::new(compile(all())));
    let source = Arc::clone(&snapshot);
    let provider = Provider::new(move || Arc::clone(&source.lock().unwrap())).with_clock(now);
    let sink = Arc::new(Deduplicate::new(Rows::default(), 100));
    let hook = provider.exposure_hook(Arc::clone(&sink));
    let client = client(provider);
    let context = unit("u-1");
    let stage = HookContext {
        flag_key: "page",
        flag_type: Type::String,
        evaluation_context: &context,
        provider_metadata: open_feature::provider::ProviderMetadata::new("expt"),
        default_value: None,
        client_metadata: client.metadata().clone(),
    };
    let details = wait(client.get_string_details("page", Some(&context), None)).unwrap();
    *snapshot.lock().unwrap() = compile(held());
    let error = wait(client.get_string_details("page", Some(&context), None)).unwrap_err();
    assert_eq!(NothingServed::of(&error).unwrap().because, expt_assign::Reason::Holdout);

    // Evaluated as an arm, swapped to a holdout: the arm is what it saw.
    let arm = details.variant.clone().unwrap();
    wait(hook.after(&stage, &details.into_value(), None)).unwrap();
    let rows = sink.inner().rows();
    assert!(
        matches!(&rows[..], [(_, Exposure { target: ExposureTarget::Arm { arm: logged, .. }, .. })] if logged.as_str() == arm)
    );
    // Evaluated as held out, swapped to an arm: it saw no arm, and is not held out any more.
    *snapshot.lock().unwrap() = compile(all());
    wait(hook.error(&stage, &error, None));
    assert_eq!((hook.counts().taken, hook.counts().known, hook.counts().not_analysed), (1, 0, 1));
    // Evaluated as held out, and it still is.
    *snapshot.lock().unwrap() = compile(held());
    wait(hook.error(&stage, &error, None));
    assert_eq!(sink.inner().rows().len(), 2);
    // The error of a provider that is not this one.
    let other = HookContext {
        provider_metadata: open_feature::provider::ProviderMetadata::new("other"),
        ..stage.clone()
    };
    wait(hook.error(&other, &error, None));
    assert_eq!(hook.counts().taken, 2);
}

#[test]
fn a_full_sink_is_counted_and_fails_nothing() {
    let (client, hook, sink) = hooked(provider(all()));
    sink.inner().full.store(true, Ordering::Relaxed);
    assert!(ask(&client, &unit("u-1")).is_some());
    assert_eq!((hook.counts().dropped, hook.counts().taken), (1, 0));
    sink.inner().full.store(false, Ordering::Relaxed);
    assert!(ask(&client, &unit("u-1")).is_some());
    assert_eq!((hook.counts().dropped, hook.counts().taken), (1, 1));
    assert_eq!(sink.inner().rows().len(), 1);
}

#[test]
fn nothing_is_logged_without_the_hook_and_one_call_may_have_it() {
    let sink = Arc::new(Deduplicate::new(Rows::default(), 100));
    let provider = provider(all());
    let hook = provider.exposure_hook(Arc::clone(&sink));
    let client = client(provider);
    ask(&client, &unit("u-1"));
    assert_eq!(sink.inner().rows(), []);
    let options = EvaluationOptions { hooks: vec![HookWrapper::new(hook)], ..EvaluationOptions::default() };
    wait(client.get_int_value("page", Some(&unit("u-1")), Some(&options))).unwrap();
    assert_eq!(sink.inner().rows().len(), 1);
}

#[test]
fn a_fallback_identity_is_logged_as_one() {
    let (client, _, sink) = hooked(provider(all()));
    ask(&client, &unit("d-1").with_custom_field("device_id", "d-1"));
    assert_eq!(sink.inner().rows()[0].1.identity, Identity::Fallback);
}

#[test]
fn the_global_api_works_as_well() {
    let sink = Arc::new(Deduplicate::new(Rows::default(), 100));
    wait(async {
        let provider = provider(all());
        let hook = provider.exposure_hook(Arc::clone(&sink));
        let mut api = OpenFeature::singleton_mut().await;
        api.set_provider(provider).await;
        api.add_hook(hook).await;
        assert_eq!(api.provider_metadata().await.name, "expt");
        api.set_evaluation_context(unit("u-1")).await;
        let client = api.create_client();
        client.get_int_value("page", None, None).await.unwrap();
    });
    assert_eq!(sink.inner().rows().len(), 1);
}

#[derive(Default)]
struct Memory(Mutex<BTreeMap<String, Vec<StickyRecord>>>);

impl StickyMemory for Memory {
    fn records(&self, _: &UnitKind, id: &str) -> Vec<StickyRecord> {
        self.0.lock().unwrap().get(id).cloned().unwrap_or_default()
    }

    fn keep(&self, _: &UnitKind, id: &str, record: StickyRecord) {
        let mut memory = self.0.lock().unwrap();
        let records = memory.entry(id.to_owned()).or_default();
        records.retain(|old| old.phase != record.phase);
        records.push(record);
    }
}

#[test]
fn sticky_records_hold_units_when_intake_is_paused_and_across_a_login() {
    let sticky = |state: PhaseState| {
        let mut config = all();
        config.phases[0].state = state;
        config.phases[0].sticky = Stickiness::On;
        config.units[0] = config.units[0].clone().with_login(LoginRule::KeepArm);
        config
    };
    let memory = Arc::new(Memory::default());
    let with_memory = |config: Config| client(provider(config).with_sticky(Arc::clone(&memory)));
    // A device that has the arm which its user would not get.
    let other = if unit_in("a") < unit_in("b") { "b" } else { "a" };
    let (user, device) = (unit_in(if other == "a" { "b" } else { "a" }), unit_in(other));
    let device_only = EvaluationContext::default().with_custom_field("device_id", device.as_str());
    let running = with_memory(sticky(PhaseState::Running));
    assert_eq!(ask(&running, &device_only).as_deref(), Some(other));
    let logged_in = unit(&user).with_custom_field("device_id", device.as_str());
    assert_eq!(ask(&running, &logged_in).as_deref(), Some(other));
    // The record was moved to the user.
    assert_eq!(ask(&running, &unit(&user)).as_deref(), Some(other));

    let paused = with_memory(sticky(PhaseState::PausedIntake));
    assert_eq!(ask(&paused, &unit(&user)).as_deref(), Some(other));
    assert_eq!(ask(&paused, &unit("somebody else")), None);
    let without = client(provider(sticky(PhaseState::PausedIntake)));
    assert_eq!(ask(&without, &unit(&user)), None);
}

#[test]
fn the_record_of_a_device_does_not_hold_its_user_unless_the_config_says_so() {
    let other = if unit_in("a") < unit_in("b") { "b" } else { "a" };
    let (user, device) = (unit_in(if other == "a" { "b" } else { "a" }), unit_in(other));
    for (login, holds) in [(LoginRule::Reassign, false), (LoginRule::KeepArm, true)] {
        let mut config = all();
        config.phases[0].sticky = Stickiness::On;
        config.units[0] = config.units[0].clone().with_login(login);
        let memory = Arc::new(Memory::default());
        let client = client(provider(config).with_sticky(Arc::clone(&memory)));
        // The device came as a targeting key, so nothing says that it is one.
        assert_eq!(ask(&client, &unit(&device)).as_deref(), Some(other));
        let logged_in = unit(&user).with_custom_field("device_id", device.as_str());
        assert_eq!(ask(&client, &logged_in).as_deref() == Some(other), holds);
    }
}

#[test]
fn a_config_without_phases_logs_nothing() {
    let (client, hook, sink) = hooked(provider(config()));
    ask(&client, &unit("u-1"));
    wait(client.get_string_value("none", Some(&unit("u-1")), None)).unwrap_err();
    assert_eq!(sink.inner().rows(), []);
    assert_eq!(hook.counts().not_analysed, 1);
}
