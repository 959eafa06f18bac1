//! What requests bring along: targeting, prerequisites, exclusions, holdouts with groups, identities, windows.

use std::collections::BTreeSet;

use expt_assign::targeting::{Rule, Value};
use expt_assign::{
    BreakGlass, Choices, Clusters, Config, Context, ExclusionCause, ExclusionEntry, ExposurePolicy,
    ForcedUnit, HoldoutEntry, HoldoutLifetime, LayerEntry, LoginRule, Outcome, PhaseState, Ranges, Reason,
    Snapshot, Stickiness, StickyRecord, UnitEntry, Window,
};
use expt_core::{ExposureTarget, Identity, Share, Timestamp};

use crate::common::{
    NOW, Random, arm_id, ask, compile, config, config_with_phase, excluded, holdout_id, kind, layer_id, now,
    percent, phase, phase_id, place, point, unit_id, user, users, with,
};

fn rule(text: &str) -> Rule {
    text.parse().unwrap()
}

fn outcome<'a>(
    snapshot: &'a Snapshot,
    unit: &'a expt_assign::Unit<'_>,
    context: &Context<'_>,
) -> Outcome<'a> {
    snapshot.assign(unit, snapshot.decision_point(&point("ranker")).unwrap(), context).outcome()
}

#[test]
fn targeting_is_asked_before_the_arm() {
    let targeted = phase("p", "ranking", "ranker", Ranges::all()).with_targeting(rule("country = 'DE'"));
    let snapshot = compile(config().with_phase(targeted));
    let unit = user(&snapshot, "u1");
    let (inside, outside) = ([("country", Value::Text("DE"))], [("country", Value::Text("AT"))]);
    let context = now().with_attributes(&inside);
    let everybody = compile(config_with_phase());
    assert_eq!(outcome(&snapshot, &unit, &context), ask(&everybody, &unit).outcome(), "the arm is the same");
    for other in [now().with_attributes(&outside), now()] {
        assert_eq!(outcome(&snapshot, &unit, &other), Outcome::NotTargeted(&phase_id("p")));
    }
    let text = snapshot.explain(&unit, &point("ranker"), &now()).to_string();
    assert!(text.contains("the request does not fit country = 'DE'"), "{text}");
    // By position, as the hot path reads, and by name after a swap to a config with other attributes.
    let values = snapshot.values().with("country", Value::Text("DE")).with("unknown", Value::Int(1));
    assert_eq!(outcome(&snapshot, &unit, &now().with_attributes(&values)).reason(), Reason::Arm);
    let mut more = snapshot.config().clone();
    more.exclusions.push(ExclusionEntry::new(ExclusionCause::Region).with_rule(rule("a = 1 and b = 2")));
    let more = compile(more);
    assert_eq!(outcome(&more, &unit, &now().with_attributes(&values)).reason(), Reason::Arm);
}

#[test]
fn a_prerequisite_wants_the_arm_of_another_phase() {
    let dependent = phase("q", "ads", "ads", Ranges::all()).with_prerequisite(phase_id("p"), [arm_id("b")]);
    let snapshot = compile(config_with_phase().with_phase(dependent));
    let ads = snapshot.decision_point(&point("ads")).unwrap();
    let mut seen = BTreeSet::new();
    for unit in users(&snapshot, 100) {
        let (_, arm) = place(&ask(&snapshot, &unit)).unwrap();
        let expected = if arm == arm_id("b") { Reason::Arm } else { Reason::Prerequisite };
        assert_eq!(snapshot.assign(&unit, ads, &now()).reason(), expected);
        seen.insert(expected);
    }
    assert_eq!(seen.len(), 2);
    let held = snapshot.config().clone().with_holdout(
        HoldoutEntry::new(holdout_id("h"), kind("user"), "h", Ranges::all())
            .with_layers([layer_id("ranking")]),
    );
    let held = compile(held);
    let unit = user(&held, "u1");
    assert_eq!(held.assign(&unit, ads, &now()).reason(), Reason::Prerequisite, "held out of p is not in p");
}

#[test]
fn a_rule_excludes_requests() {
    let entry = ExclusionEntry::new(ExclusionCause::NoConsent).with_rule(rule("consent != true"));
    let bots = ExclusionEntry::new(ExclusionCause::Bot).with_rule(rule("agent contains 'bot'"));
    let snapshot = compile(config_with_phase().with_exclusion(entry).with_exclusion(bots));
    let unit = user(&snapshot, "u1");
    let yes = ("consent", Value::Bool(true));
    let check = |attributes: &[(&str, Value<'_>)], expected: Option<ExclusionCause>| {
        let attributes = attributes.to_vec();
        let found = match outcome(&snapshot, &unit, &now().with_attributes(&attributes)) {
            Outcome::Excluded(cause) => Some(cause),
            _ => None,
        };
        assert_eq!(found, expected);
    };
    check(&[yes], None);
    check(&[], Some(ExclusionCause::NoConsent));
    check(&[("consent", Value::Text("true"))], Some(ExclusionCause::NoConsent));
    check(&[yes, ("agent", Value::Text("a bot"))], Some(ExclusionCause::Bot));
}

#[test]
fn the_comparison_group_gets_what_has_shipped_and_nothing_else() {
    let holdout = HoldoutEntry::new(holdout_id("h"), kind("user"), "h", percent(0, 10))
        .with_shipped_only(holdout_id("h/shipped-only"), percent(10, 20));
    let base = config_with_phase()
        .with_phase(
            phase("s", "ads", "ads", Ranges::all()).with_state(PhaseState::Shipped { arm: arm_id("b") }),
        )
        .with_holdout(holdout);
    let snapshot = compile(base.clone());
    let ads = snapshot.decision_point(&point("ads")).unwrap();
    let mut without = base;
    without.holdouts.clear();
    let without = compile(without);
    let group = holdout_id("h/shipped-only");
    let mut counts = [0; 3];
    for unit in users(&snapshot, 3000) {
        let (running, shipped) = (ask(&snapshot, &unit), snapshot.assign(&unit, ads, &now()));
        match running.reason() {
            Reason::Holdout => {
                counts[0] += 1;
                assert_eq!(shipped.outcome(), Outcome::Holdout(&holdout_id("h")));
            }
            Reason::ShippedOnly => {
                counts[1] += 1;
                assert_eq!(running.outcome(), Outcome::ShippedOnly { group: &group, served: None });
                assert_eq!((running.binding(), running.sticky_record()), (None, None));
                assert_eq!(shipped.served().unwrap().arm, &arm_id("b"));
                for assignment in [running, shipped] {
                    let target = assignment.exposure(NOW).unwrap().target;
                    assert_eq!(target, ExposureTarget::Holdout { holdout: group.clone() });
                }
            }
            _ => {
                counts[2] += 1;
                assert_eq!(running.outcome(), ask(&without, &unit).outcome());
                assert_eq!(shipped.exposure(NOW), None);
            }
        }
    }
    // 10 % of 3,000 each, within 5 binomial standard deviations of 16.
    assert!(counts[..2].iter().all(|count| (218..=382).contains(count)), "{counts:?}");
}

#[test]
fn a_rotating_holdout_holds_others_in_each_period() {
    let day = |day: i64| Timestamp::from_micros(NOW.as_micros() + day * 86_400_000_000);
    let lifetime = HoldoutLifetime::Rotating { start: NOW, days: 90 };
    let holdout =
        HoldoutEntry::new(holdout_id("h"), kind("user"), "h", percent(0, 10)).with_lifetime(lifetime);
    let snapshot = compile(config_with_phase().with_holdout(holdout));
    let held = |at: Timestamp| -> BTreeSet<String> {
        let units = users(&snapshot, 2000);
        let is_held = |unit: &&expt_assign::Unit<'_>| {
            outcome(&snapshot, unit, &Context::new(at)).reason() == Reason::Holdout
        };
        units.iter().filter(is_held).map(|unit| unit.id().to_owned()).collect()
    };
    assert!(held(day(-1)).is_empty());
    let periods: Vec<_> = (0..10).map(|period| held(day(period * 90))).collect();
    assert_eq!(periods[0], held(day(89)));
    let all: BTreeSet<_> = periods.iter().flatten().collect();
    assert_eq!(periods.iter().map(BTreeSet::len).sum::<usize>(), all.len(), "nobody is held twice in ten");
    assert!(all.len() >= 1999, "ten slices of a tenth, each border rounded down, are everybody");
}

#[test]
fn a_holdout_ends_or_is_released() {
    let after = Context::new(Timestamp::from_micros(NOW.as_micros() + 1));
    let until = HoldoutEntry::new(holdout_id("h"), kind("user"), "h", Ranges::all());
    let until = until.with_lifetime(HoldoutLifetime::Until(after.now()));
    let snapshot = compile(config_with_phase().with_holdout(until.clone()));
    let unit = user(&snapshot, "u1");
    assert_eq!(outcome(&snapshot, &unit, &now()).reason(), Reason::Holdout);
    assert_eq!(outcome(&snapshot, &unit, &after).reason(), Reason::Arm);
    let glass = BreakGlass::new("grace".parse().unwrap(), "an outage of the old model", NOW);
    let released = compile(config_with_phase().with_holdout(until.clone().with_break_glass(glass)));
    assert_eq!(outcome(&released, &unit, &now()).reason(), Reason::Arm);
    // A forced unit is held at the times at which the holdout holds.
    let forced = ForcedUnit::new(unit_id("u1"), phase_id("p"), arm_id("b"));
    let both = compile(config_with_phase().with_holdout(until).with_forced(forced));
    assert_eq!(outcome(&both, &unit, &now()).reason(), Reason::Holdout);
    assert_eq!(outcome(&both, &unit, &after).reason(), Reason::Forced);
}

#[test]
fn any_identity_that_the_request_shows_counts() {
    let devices = UnitEntry::new(kind("device"), "device_id");
    let base = config_with_phase().with_unit(devices);
    let holdout = |of: &str| HoldoutEntry::new(holdout_id("h"), kind(of), "h", percent(0, 30));
    let snapshot = compile(base.clone().with_holdout(holdout("user")));
    let is_held = |unit: &expt_assign::Unit<'_>, context: &Context<'_>| {
        outcome(&snapshot, unit, context).reason() == Reason::Holdout
    };
    for number in 0..50 {
        let (own, device) = (format!("u{number}"), format!("d{number}"));
        let request = [("user_id", Value::Text(&own)), ("device_id", Value::Text(&device))];
        let unit = snapshot.identify(&kind("user"), &request, NOW).unwrap();
        let by_id = |id: &String| is_held(&snapshot.unit(&kind("user"), id.as_str()).unwrap(), &now());
        assert_eq!(is_held(&unit, &now()), by_id(&own) || by_id(&device), "the linked identity is held, too");
    }
    // Another kind of unit of the same request.
    let snapshot = compile(base.with_holdout(holdout("device")).with_exclusion(excluded("device", "d-bot")));
    let mut held = 0;
    for number in 0..50 {
        let unit = user(&snapshot, "u1");
        let device = [snapshot.unit(&kind("device"), format!("d{number}")).unwrap()];
        assert_eq!(outcome(&snapshot, &unit, &now()).reason(), Reason::Arm, "the device is not known");
        held += usize::from(outcome(&snapshot, &unit, &now().with_also(&device)).reason() == Reason::Holdout);
    }
    assert!((3..=28).contains(&held), "{held} of 50 at 30 %, within 4 binomial standard deviations");
    let (unit, bot) = (user(&snapshot, "u1"), [snapshot.unit(&kind("device"), "d-bot").unwrap()]);
    assert_eq!(outcome(&snapshot, &unit, &now().with_also(&bot)).reason(), Reason::Excluded);
}

#[test]
fn the_login_rule_says_what_a_record_of_a_fallback_is_worth() {
    let records = |identity| [StickyRecord::new(phase_id("p"), 1, arm_id("a")).with_identity(identity)];
    let sticky = |login| {
        let mut config =
            config().with_phase(phase("p", "ranking", "ranker", Ranges::all()).with_sticky(Stickiness::On));
        config.units[0].login = login;
        compile(config)
    };
    for (login, expected) in [(LoginRule::Reassign, Reason::Arm), (LoginRule::KeepArm, Reason::StickyArm)] {
        let snapshot = sticky(login);
        let unit = user(&snapshot, "u1");
        let handle = snapshot.decision_point(&point("ranker")).unwrap();
        let records = records(Identity::Fallback);
        let assignment = snapshot.assign(&unit, handle, &with(&records));
        assert_eq!(assignment.reason(), expected);
        let record = assignment.sticky_record().unwrap();
        assert_eq!(record.identity, Identity::Own, "from now on it has a record of its own");
        assert_eq!(
            record.arm == arm_id("a"),
            expected == Reason::StickyArm || place(&assignment).unwrap().1 == arm_id("a")
        );
    }
    let snapshot = sticky(LoginRule::KeepArm);
    let device = [("device_id", Value::Text("d1"))];
    let unit = snapshot.identify(&kind("user"), &device, NOW).unwrap();
    let own = records(Identity::Own);
    assert_ne!(
        outcome(&snapshot, &unit, &with(&own)).reason(),
        Reason::StickyArm,
        "nobody logs out into an arm"
    );
}

#[test]
fn what_a_record_is_worth_when_the_request_no_longer_fits() {
    let records = [StickyRecord::new(phase_id("p"), 1, arm_id("a"))];
    let check = |sticky, expected: Reason, makes_records: bool| {
        let entry = phase("p", "ranking", "ranker", Ranges::all()).with_sticky(sticky);
        let snapshot = compile(config().with_phase(entry.with_targeting(rule("country = 'DE'"))));
        let unit = user(&snapshot, "u1");
        assert_eq!(outcome(&snapshot, &unit, &with(&records)).reason(), expected, "{sticky:?}");
        let inside = [("country", Value::Text("DE"))];
        let handle = snapshot.decision_point(&point("ranker")).unwrap();
        let new = snapshot.assign(&unit, handle, &now().with_attributes(&inside));
        assert_eq!(new.sticky_record().is_some(), makes_records, "{sticky:?}");
    };
    check(Stickiness::On, Reason::StickyArm, true);
    check(Stickiness::Recheck, Reason::NotTargeted, true);
    check(Stickiness::Read, Reason::StickyArm, false);
    check(Stickiness::Off, Reason::NotTargeted, false);
}

#[test]
fn a_switchback_randomises_cities_and_hours() {
    let city_hour = UnitEntry::new(kind("city-hour"), "city").with_window(Window::seconds(3600));
    let config = Config::new("rides", "rides-2026", 1)
        .with_unit(city_hour)
        .with_layer(LayerEntry::new(layer_id("ranking"), kind("city-hour"), [point("ranker")]))
        .with_phase(phase("p", "ranking", "ranker", Ranges::all()));
    let snapshot = compile(config);
    let hour = |number: i64| Timestamp::from_micros(1_772_582_400_000_000 + number * 3_600_000_000);
    let arm = |city: &'static str, at: Timestamp| {
        let request = [("city", Value::Text(city))];
        let unit = snapshot.identify(&kind("city-hour"), &request, at).unwrap();
        place(&snapshot.assign(&unit, snapshot.decision_point(&point("ranker")).unwrap(), &Context::new(at)))
    };
    let late = |at: Timestamp| Timestamp::from_micros(at.as_micros() + 3_599_999_999);
    let berlin: Vec<_> = (0..48).map(|number| arm("berlin", hour(number))).collect();
    assert!(
        (0..48).all(|number| arm("berlin", late(hour(number))) == berlin[usize::try_from(number).unwrap()])
    );
    let paris: Vec<_> = (0..48).map(|number| arm("paris", hour(number))).collect();
    for pair in [[&berlin[..47], &berlin[1..]], [&berlin[..], &paris[..]]] {
        let same = pair[0].iter().zip(pair[1]).filter(|(one, other)| one == other).count();
        assert!((10..=38).contains(&same), "{same} of 48 at a half, within 4 binomial standard deviations");
    }
    // Half an hour later by the clock on the wall.
    let shifted = Window::seconds(3600).with_offset_seconds(1800);
    let mut config = snapshot.config().clone();
    config.units[0].window = Some(shifted);
    let shifted = compile(config);
    let request = [("city", Value::Text("berlin"))];
    let unit = shifted.identify(&kind("city-hour"), &request, hour(0)).unwrap();
    assert_eq!(unit.id(), "berlin@1772580600");
}

#[test]
fn clusters_are_randomised_whole() {
    let clusters = Clusters::new(1, [("berlin", "east"), ("leipzig", "east"), ("köln", "west")]);
    let entry = UnitEntry::new(kind("region"), "city").with_clusters(clusters);
    let snapshot = compile(config().with_unit(entry));
    let id = |city: &'static str| {
        let request = [("city", Value::Text(city))];
        snapshot.identify(&kind("region"), &request, NOW).map(|unit| unit.id().to_owned())
    };
    assert_eq!(
        (id("berlin").unwrap(), id("leipzig").unwrap(), id("köln").unwrap()),
        ("east".into(), "east".into(), "west".into())
    );
    let error = id("paris").unwrap_err().to_string();
    assert!(error.contains("\"paris\" is in no cluster of version 1"), "{error}");
}

#[test]
fn a_sample_of_exposures_is_of_units_and_apart_from_the_arms() {
    let sampled = |policy| {
        compile(config().with_phase(phase("p", "ranking", "ranker", Ranges::all()).with_exposures(policy)))
    };
    let half = sampled(ExposurePolicy::Sampled(Share::HALF));
    let mut counts = [[0; 2]; 2];
    for unit in users(&half, 2000) {
        let assignment = ask(&half, &unit);
        let logged = assignment.exposure(NOW).is_some();
        assert_eq!(logged, assignment.exposure(Timestamp::from_micros(0)).is_some(), "always the same units");
        let arm = usize::from(place(&assignment).unwrap().1 == arm_id("b"));
        counts[arm][usize::from(logged)] += 1;
    }
    // 500 in each cell, within 5 binomial standard deviations of 19.4.
    assert!(counts.iter().flatten().all(|count| (403..=597).contains(count)), "{counts:?}");
    let never = sampled(ExposurePolicy::Never);
    let unit = user(&never, "u1");
    assert_eq!((ask(&never, &unit).exposure(NOW), ask(&never, &unit).reason()), (None, Reason::Arm));
}

/// Every layer at once says what each says by itself, in configs with all that can stand in the way.
#[test]
fn every_layer_at_once_agrees_with_each_by_itself() {
    let mut random = Random(21);
    let mut choices = Choices::new();
    for round in 0..20 {
        let mut config = Config::new("shop", "shop-2026", round)
            .with_unit(UnitEntry::new(kind("user"), "user_id"))
            .with_unit(UnitEntry::new(kind("device"), "device_id"));
        for index in 0..12 {
            let name = format!("layer-{index}");
            let of = if random.below(6) == 0 { "device" } else { "user" };
            config = config.with_layer(LayerEntry::new(layer_id(&name), kind(of), [point(&name)]));
            let from = u32::try_from(random.below(60)).unwrap();
            let mut entry = phase(&name, &name, &name, percent(from, from + 40));
            if random.below(3) == 0 {
                entry = entry.with_targeting(rule("country = 'DE'"));
            }
            if random.below(4) == 0 {
                entry = entry.with_sticky(Stickiness::On);
            }
            if random.below(5) == 0 {
                entry = entry.with_state(PhaseState::Shipped { arm: arm_id("a") });
            }
            config = config.with_phase(entry);
        }
        if random.below(2) == 0 {
            let scope = [layer_id("layer-1"), layer_id("layer-2")];
            let holdout = HoldoutEntry::new(holdout_id("h"), kind("user"), "h", percent(0, 20));
            config = config.with_holdout(holdout.with_layers(scope));
        }
        let snapshot = compile(config);
        let country = [("country", Value::Text(random.pick(&["DE", "AT"])))];
        let context = now().with_attributes(&country);
        for unit in users(&snapshot, 50) {
            snapshot.assign_all(&unit, &context, &mut choices);
            let mut served = 0;
            for index in 0..12 {
                let handle = snapshot.decision_point(&point(&format!("layer-{index}"))).unwrap();
                let alone = snapshot.assign(&unit, handle, &context);
                let together = snapshot.assigned(&unit, handle, &choices).unwrap();
                assert_eq!(alone.outcome(), together.outcome());
                assert_eq!(alone.outcome(), snapshot.peek(&unit, handle, &context).outcome());
                let explained = snapshot.explain(&unit, &point(&format!("layer-{index}")), &context);
                assert_eq!(explained.reason(), alone.reason());
                served += usize::from(alone.served().is_some());
            }
            assert_eq!(choices.served(), served);
        }
        let (one, other) = (user(&snapshot, "u0"), user(&snapshot, "u1"));
        snapshot.assign_all(&one, &context, &mut choices);
        let handle = snapshot.decision_point(&point("layer-0")).unwrap();
        assert!(snapshot.assigned(&other, handle, &choices).is_none(), "of another unit");
    }
}
