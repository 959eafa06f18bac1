//! Who answers, and what is logged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use expt_assign::{
    ArmEntry, Assignment, Config, Context, ExclusionCause, ExclusionEntry, ForcedUnit, HoldoutEntry,
    LayerEntry, PhaseEntry, PhaseState, Ranges, Snapshot, UnitEntry,
};
use expt_core::{
    Binding, DecisionPoint, Digest, Event, Exposure, ExposureTarget, Output, Prediction, RequestId, Share,
    Shown, Timestamp, UnitId, UnitKind,
};
use expt_serve::{Deployment, EventQueue, ModelSet, Overflow, Router};
use expt_store::Stores;
use expt_store::blocking::wait;

use crate::deploy;
use crate::events::logged;

/// A shop with one layer, and a phase whose arm `a` or `b` gets nearly everybody.
fn config(version: u32, all: &str, a: Binding, b: Binding) -> Config {
    let point = || DecisionPoint::new("ranker").unwrap();
    // An arm must have somebody: the other one has one unit in a million.
    let (most, rest) = (Share::ppm(999_999).unwrap(), Share::ppm(1).unwrap());
    let shares = if all == "a" { [most, rest] } else { [rest, most] };
    let ranges = Ranges::split(&shares).unwrap();
    let phase = PhaseEntry::new(
        "e/ab".parse().unwrap(),
        "e".parse().unwrap(),
        "ranking".parse().unwrap(),
        Digest::of(b"plan"),
    )
    .with_state(PhaseState::Running)
    .with_ranges(Ranges::all())
    .with_arm(ArmEntry::new("a".parse().unwrap(), ranges[0].clone()).with_binding(point(), a))
    .with_arm(ArmEntry::new("b".parse().unwrap(), ranges[1].clone()).with_binding(point(), b));
    empty(version).with_phase(phase)
}

/// The shop without a phase.
fn empty(version: u32) -> Config {
    let point = DecisionPoint::new("ranker").unwrap();
    Config::new("shop", "shop-2026", version)
        .with_unit(UnitEntry::new(user(), "user_id"))
        .with_layer(LayerEntry::new("ranking".parse().unwrap(), user(), [point]))
}

fn user() -> UnitKind {
    UnitKind::new("user").unwrap()
}

fn pinned(deployment: &Deployment) -> Binding {
    let origin = deployment.origin();
    Binding::Pinned { model: origin.model.clone(), version: origin.version, digest: origin.digest }
}

fn compile(config: Config) -> Snapshot {
    Snapshot::compile(config).unwrap()
}

fn with<T>(snapshot: &Snapshot, unit: &str, then: impl FnOnce(&Assignment<'_>) -> T) -> T {
    let unit = snapshot.unit(&user(), unit).unwrap();
    let point = snapshot.decision_point(&DecisionPoint::new("ranker").unwrap()).unwrap();
    then(&snapshot.assign(&unit, point, &Context::new(Timestamp::from_micros(0))))
}

/// Two versions that may be shown; the first is production.
struct Shop {
    stores: Stores,
    one: Deployment,
    two: Deployment,
    models: ModelSet<&'static str>,
    events: Arc<EventQueue>,
}

impl Shop {
    fn new() -> Self {
        let stores = Stores::memory();
        let (one, two) = (deploy(&stores, "one"), deploy(&stores, "two"));
        let models = ModelSet::new(one.clone(), "one").unwrap().with(two.clone(), "two").unwrap();
        let events = Arc::new(EventQueue::start(&stores, 10_000, Overflow::Block).unwrap());
        Self { stores, one, two, models, events }
    }

    fn router(&self, config: Config) -> Router {
        Router::new(compile(config), Arc::clone(&self.events))
    }

    fn config(&self, all: &str) -> Config {
        config(1, all, pinned(&self.one), pinned(&self.two))
    }

    /// One request: what answers, and what is logged.
    fn serve(&self, router: &Router, unit: &str, request: &str) -> (&'static str, Prediction) {
        with(&router.snapshot(), unit, |assignment| {
            let member = self.models.answer(assignment);
            let (at, output) = (Timestamp::from_micros(1), Output::Value(0.5));
            (*member.model(), router.record(assignment, member, RequestId::derive([request]), at, output))
        })
    }

    fn logged(&self) -> Vec<Event> {
        wait(self.events.flush()).unwrap();
        logged(&self.stores)
    }

    fn exposures(&self) -> Vec<Exposure> {
        let exposure = |event| match event {
            Event::Exposure(exposure) => Some(exposure),
            _ => None,
        };
        self.logged().into_iter().filter_map(exposure).collect()
    }
}

fn target(exposure: &Exposure) -> String {
    match &exposure.target {
        ExposureTarget::Arm { phase, arm, .. } => format!("{phase} {arm}"),
        ExposureTarget::Holdout { holdout } => format!("holdout {holdout}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_pinned_model_answers_and_production_where_it_cannot() {
    let shop = Shop::new();
    let answer = |binding: Binding| {
        let params = Binding::Params([("k".into(), 1.into())].into());
        let params = if matches!(binding, Binding::Pinned { .. }) { pinned(&shop.one) } else { params };
        with(&compile(config(1, "b", params, binding)), "u", |assignment| {
            *shop.models.answer(assignment).model()
        })
    };
    assert_eq!(answer(pinned(&shop.one)), "one");
    assert_eq!(answer(pinned(&shop.two)), "two");
    assert_eq!(answer(Binding::Params([("k".into(), 2.into())].into())), "one");
    let model = shop.two.origin().model.clone();
    let other_bytes = Binding::Pinned { model: model.clone(), version: 2, digest: Digest::of(b"other") };
    assert_eq!(answer(other_bytes), "one", "the version alone is not the model");
    assert_eq!(answer(Binding::Pinned { model, version: 9, digest: shop.two.origin().digest }), "one");
    with(&compile(empty(1)), "u", |assignment| assert_eq!(*shop.models.answer(assignment).model(), "one"));
    assert!(format!("{:?}", shop.models).contains("ranker@2"));
}

#[test]
fn the_stamp_says_why() {
    let shop = Shop::new();
    let missing = Binding::Pinned { model: "ranker".parse().unwrap(), version: 9, digest: Digest::of(b"9") };
    let check = |config: Config, shown: Shown, arms: &[&str], answers: &str| {
        let (answered, prediction) = shop.serve(&shop.router(config), "u", "r");
        let stamp = &prediction.stamp;
        assert_eq!((&stamp.shown, answered), (&shown, answers));
        let named: Vec<_> =
            stamp.arms.iter().map(|arm| format!("{} {} {}", arm.experiment, arm.phase, arm.arm)).collect();
        assert_eq!(named, arms, "{shown}");
        let origin = if answers == "one" { &shop.one } else { &shop.two }.origin();
        assert_eq!((&stamp.model, stamp.config_version), (&**origin, 1));
        // What is returned is what is logged; of the excluded nothing is.
        let logged = shop.logged().contains(&Event::Prediction(prediction));
        assert_eq!(logged, shown != Shown::Excluded);
    };
    let holdout = HoldoutEntry::new("global".parse().unwrap(), user(), "salt", Ranges::all());
    let excluded = ExclusionEntry::new(ExclusionCause::Staff).with_unit(user(), UnitId::new("u").unwrap());
    let forced = ForcedUnit::new(UnitId::new("u").unwrap(), "e/ab".parse().unwrap(), "b".parse().unwrap());
    check(shop.config("b"), Shown::Arm, &["e e/ab b"], "two");
    check(shop.config("b").with_holdout(holdout), Shown::Holdout("global".parse().unwrap()), &[], "one");
    check(shop.config("b").with_exclusion(excluded), Shown::Excluded, &[], "one");
    check(shop.config("a").with_forced(forced), Shown::Forced, &["e e/ab b"], "two");
    check(config(1, "b", pinned(&shop.one), missing), Shown::Fallback, &["e e/ab b"], "one");
    check(empty(1), Shown::Production, &[], "one");
}

#[test]
fn an_exposure_is_logged_once_and_again_when_it_changes() {
    let shop = Shop::new();
    let router = shop.router(shop.config("a"));
    for (round, all) in ["a", "b", "a"].iter().enumerate() {
        router.swap(compile(shop.config(all)));
        (0..3).for_each(|request| drop(shop.serve(&router, "u", &format!("{round} {request}"))));
    }
    shop.serve(&router, "v", "v");
    let exposures = shop.exposures();
    let seen: Vec<_> = exposures.iter().map(|e| format!("{} {}", e.unit, target(e))).collect();
    assert_eq!(seen, ["u e/ab a", "u e/ab b", "u e/ab a", "v e/ab a"]);
    assert_eq!(shop.logged().len(), 4 + 10, "each request has its prediction");
}

#[test]
fn a_fallback_is_exposed_and_a_holdout_too_and_the_others_are_not() {
    let shop = Shop::new();
    let missing = Binding::Pinned { model: "ranker".parse().unwrap(), version: 9, digest: Digest::of(b"9") };
    let check = |config: Config, expected: &[&str]| {
        let before = shop.exposures().len();
        let router = shop.router(config);
        shop.serve(&router, "u", "1");
        shop.serve(&router, "u", "2");
        assert_eq!(shop.exposures()[before..].iter().map(target).collect::<Vec<_>>(), expected);
    };
    check(config(1, "b", pinned(&shop.one), missing), &["e/ab b"]);
    let holdout = HoldoutEntry::new("global".parse().unwrap(), user(), "salt", Ranges::all());
    check(shop.config("b").with_holdout(holdout), &["holdout global"]);
    let unit = || UnitId::new("u").unwrap();
    check(
        shop.config("b").with_exclusion(ExclusionEntry::new(ExclusionCause::Staff).with_unit(user(), unit())),
        &[],
    );
    let forced = ForcedUnit::new(unit(), "e/ab".parse().unwrap(), "b".parse().unwrap());
    check(shop.config("a").with_forced(forced), &[]);
    check(empty(1), &[]);
}

#[test]
fn of_the_excluded_only_a_count_is_kept() {
    let shop = Shop::new();
    let rule = ExclusionEntry::new(ExclusionCause::NoConsent).with_rule("consent != true".parse().unwrap());
    let router = shop.router(shop.config("b").with_exclusion(rule));
    (0..3).for_each(|request| drop(shop.serve(&router, "u", &request.to_string())));
    assert_eq!(router.excluded(), [(ExclusionCause::NoConsent, 3)].into());
    assert!(shop.logged().is_empty());
}

#[test]
fn an_arm_may_follow_a_model() {
    let shop = Shop::new();
    let (model, features) = (shop.one.origin().model.clone(), shop.one.origin().features);
    let following = |first| Binding::Following { model: model.clone(), first, features };
    let answer = |binding: Binding| {
        let snapshot = compile(config(1, "b", pinned(&shop.one), binding));
        with(&snapshot, "u", |assignment| *shop.models.answer(assignment).model())
    };
    assert_eq!(answer(following(1)), "two", "the newest that fits");
    assert_eq!(answer(following(3)), "one", "none fits, so production answers");
    let other = Binding::Following { model: model.clone(), first: 1, features: Some(Digest::of(b"other")) };
    assert_eq!(answer(other), "one", "another feature pipeline does not fit");
}

#[test]
fn the_id_of_a_prediction_is_of_the_request_and_the_model() {
    let shop = Shop::new();
    let (a, b) = (shop.router(shop.config("a")), shop.router(shop.config("b")));
    let id = |router: &Router, unit: &str, request: &str| shop.serve(router, unit, request).1.id;
    let first = id(&a, "u", "r1");
    assert_eq!(first, id(&a, "u", "r1"));
    assert_ne!(first, id(&a, "u", "r2"));
    assert_ne!(first, id(&b, "u", "r1"));
}

#[test]
fn a_dropped_exposure_is_tried_again() {
    let (gated, gate) = crate::events::Gate::stores();
    let shop = Shop::new();
    let events = Arc::new(EventQueue::start(&gated, 1, Overflow::Drop).unwrap());
    let router = Router::new(compile(shop.config("a")), Arc::clone(&events));
    gate.set(crate::events::Mode::Stalled);
    // Fill the queue behind a thread that stands at the gate, so that the exposure finds no room.
    let mut value = 0;
    let mut full = || {
        value += 1;
        !events.push(crate::events::event(value))
    };
    let until = std::time::Instant::now() + std::time::Duration::from_millis(200);
    while std::time::Instant::now() < until {
        full();
    }
    assert!(full());
    shop.serve(&router, "u", "1");
    gate.set(crate::events::Mode::Open);
    wait(events.flush()).unwrap();
    let is_exposure = |event: &Event| matches!(event, Event::Exposure(_));
    assert!(!logged(&gated).iter().any(is_exposure));
    for request in 2..5 {
        shop.serve(&router, "u", &request.to_string());
        wait(events.flush()).unwrap();
    }
    assert_eq!(logged(&gated).iter().filter(|event| is_exposure(event)).count(), 1);
}

#[test]
fn readers_see_one_config_whole_while_it_is_swapped() {
    let shop = Shop::new();
    let router = shop.router(shop.config("a"));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for reader in 0..3 {
            let (shop, router, stop) = (&shop, &router, &stop);
            scope.spawn(move || {
                let mut request = 0;
                while !stop.load(Ordering::Relaxed) || request == 0 {
                    let (answered, prediction) =
                        shop.serve(router, &format!("u{reader}"), &format!("{reader} {request}"));
                    request += 1;
                    let stamp = &prediction.stamp;
                    // Odd versions give everybody a, even ones b.
                    let expected = if stamp.config_version % 2 == 1 { ("a", "one") } else { ("b", "two") };
                    assert_eq!((stamp.arms[0].arm.as_str(), answered), expected);
                }
            });
        }
        for version in 2..200 {
            let all = if version % 2 == 1 { "a" } else { "b" };
            router.swap(compile(config(version, all, pinned(&shop.one), pinned(&shop.two))));
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(router.snapshot().version(), 199);
}
