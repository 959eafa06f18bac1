//! All faults at once, each where it is.

use expt_assign::targeting::{Comparison, Rule as Rule_, Test};
use expt_assign::{
    ArmEntry, BreakGlass, Clusters, Config, FaultKind, Faults, ForcedUnit, HoldoutEntry, HoldoutLifetime,
    LayerEntry, PhaseState, Range, Ranges, Snapshot, UnitEntry, Window,
};
use expt_core::Binding;

use crate::common::{
    NOW, Random, arm_id, config, config_with_phase, excluded, holdout_id, kind, layer_id, now, params,
    percent, phase, phase_id, point, unit_id,
};

fn faults(config: Config) -> Faults {
    Snapshot::compile(config).unwrap_err()
}

/// Exactly these faults, as (kind, path).
fn check(config: Config, expected: &[(FaultKind, &str)]) {
    let faults = faults(config);
    let found: Vec<_> = faults.as_slice().iter().map(|fault| (fault.kind, fault.path.as_str())).collect();
    assert_eq!(found, expected, "{faults}");
    assert!(faults.as_slice().iter().all(|fault| !fault.remedy.is_empty() && !fault.problem.is_empty()));
}

fn edited(edit: impl FnOnce(&mut Config)) -> Config {
    let mut config = config_with_phase();
    edit(&mut config);
    config
}

#[test]
fn units_and_layers() {
    use FaultKind::{Dangling, Duplicate, Empty, PointOwnedTwice};
    check(
        Config::new("", "", 1).with_exclusion(excluded("bot", "x")),
        &[(Empty, "project"), (Empty, "key"), (Empty, "units"), (Dangling, "exclusions[0].units[0].kind")],
    );
    let twice = UnitEntry::new(kind("user"), "").with_fallback("a").with_fallback("a");
    check(
        config().with_unit(twice),
        &[(Duplicate, "units[1].kind"), (Empty, "units[1].attribute"), (Duplicate, "units[1].fallbacks[1]")],
    );
    check(
        config().with_layer(LayerEntry::new(layer_id("ads"), kind("city"), [])),
        &[(Duplicate, "layers[2].id"), (Dangling, "layers[2].unit"), (Empty, "layers[2].decision_points")],
    );
    let points = [point("x"), point("ranker"), point("x")];
    check(
        config().with_layer(LayerEntry::new(layer_id("new"), kind("user"), points)),
        &[(Duplicate, "layers[2].decision_points[2]"), (PointOwnedTwice, "layers[2].decision_points[1]")],
    );
}

#[test]
fn phases() {
    use FaultKind::{
        Dangling, Duplicate, Empty, NoPlan, NotFinite, Overlap, PointNotOwned, SharedEpoch, State,
    };
    check(edited(|c| c.phases[0].plan = None), &[(NoPlan, "phases[0].plan")]);
    check(edited(|c| c.phases[0].layer = layer_id("x")), &[(Dangling, "phases[0].layer")]);
    check(edited(|c| c.phases[0].arms.clear()), &[(Empty, "phases[0].arms")]);
    check(edited(|c| c.phases[0].state = PhaseState::PausedIntake), &[(State, "phases[0].state")]);
    let shipped = PhaseState::Shipped { arm: arm_id("c") };
    check(edited(|c| c.phases[0].state = shipped), &[(Dangling, "phases[0].state")]);
    check(
        config_with_phase().with_phase(phase("p", "ranking", "ranker", Ranges::none())),
        &[(Duplicate, "phases[1].id")],
    );
    let mut copied_plan = phase("q", "ads", "ads", Ranges::all());
    copied_plan.plan = config_with_phase().phases[0].plan;
    check(config_with_phase().with_phase(copied_plan), &[(Duplicate, "phases[1].plan")]);
    let mut same_epoch = phase("q", "ads", "ads", Ranges::all());
    same_epoch.experiment = config_with_phase().phases[0].experiment.clone();
    check(config_with_phase().with_phase(same_epoch), &[(SharedEpoch, "phases[1].epoch")]);
    check(
        edited(|c| {
            c.phases[0].arms.iter_mut().for_each(|arm| {
                arm.bindings.insert(point("ads"), params("x"));
            });
        }),
        &[(PointNotOwned, "phases[0].arms[0].bindings"), (PointNotOwned, "phases[0].arms[1].bindings")],
    );
    let nan = Binding::Params([("x".to_owned(), f64::NAN.into())].into());
    check(
        edited(|c| drop(c.phases[0].arms[1].bindings.insert(point("ranker"), nan))),
        &[(NotFinite, "phases[0].arms[1].bindings[\"ranker\"][\"x\"]")],
    );
    check(
        config_with_phase().with_phase(phase("q", "ranking", "ranker", percent(10, 20))),
        &[(Overlap, "phases[1].ranges")],
    );
    check(
        edited(|c| c.phases[0].ranges = Ranges::all().with([Range::new(5, 5).unwrap()])),
        &[(Overlap, "phases[0].ranges")],
    );
}

#[test]
fn a_draft_may_be_prepared_on_taken_traffic() {
    for state in [PhaseState::Draft, PhaseState::Stopped] {
        let next = phase("q", "ranking", "ranker", Ranges::all()).with_state(state);
        assert!(Snapshot::compile(config_with_phase().with_phase(next)).is_ok());
    }
}

#[test]
fn arms() {
    use FaultKind::{BindingsDiffer, Duplicate, Empty, Overlap, Uncovered};
    check(edited(|c| c.phases[0].arms[1].ranges = percent(60, 100)), &[(Uncovered, "phases[0].arms")]);
    check(
        edited(|c| c.phases[0].arms[1].ranges = percent(40, 100)),
        &[(Overlap, "phases[0].arms[1].ranges")],
    );
    check(
        edited(|c| c.phases[0].arms[1].ranges = Ranges::none()),
        &[(Empty, "phases[0].arms[1].ranges"), (Uncovered, "phases[0].arms")],
    );
    check(edited(|c| c.phases[0].arms[1].arm = arm_id("a")), &[(Duplicate, "phases[0].arms[1].arm")]);
    check(
        edited(|c| c.phases[0].arms[0].bindings.clear()),
        &[(BindingsDiffer, "phases[0].arms[0].bindings")],
    );
    check(
        edited(|c| c.phases[0].arms = vec![ArmEntry::new(arm_id("a"), Ranges::all())]),
        &[(Empty, "phases[0].arms[0].bindings")],
    );
}

#[test]
fn holdouts() {
    use FaultKind::{Dangling, Duplicate, Empty, Overlap, State};
    let holdout =
        |id: &str, salt: &str, ranges| HoldoutEntry::new(holdout_id(id), kind("user"), salt, ranges);
    let with_devices = || {
        let layer = LayerEntry::new(layer_id("push"), kind("device"), [point("push")]);
        config().with_unit(UnitEntry::new(kind("device"), "device_id")).with_layer(layer)
    };
    check(
        config().with_holdout(holdout("g", "", Ranges::none())),
        &[(Empty, "holdouts[0].salt"), (Empty, "holdouts[0].ranges")],
    );
    check(
        config().with_holdout(holdout("g", "s", percent(0, 2))).with_holdout(holdout(
            "g",
            "s",
            percent(1, 3),
        )),
        &[(Duplicate, "holdouts[1].id"), (Overlap, "holdouts[1].ranges")],
    );
    check(
        config().with_holdout(holdout("g", "s", percent(0, 2)).with_layers([])),
        &[(Empty, "holdouts[0].scope")],
    );
    let scoped = holdout("g", "s", percent(0, 2)).with_layers([layer_id("x"), layer_id("push")]);
    check(with_devices().with_holdout(scoped), &[(Dangling, "holdouts[0].scope[0]")]);
    let rotating = HoldoutLifetime::Rotating { start: NOW, days: 0 };
    let apart = holdout("g", "s", percent(0, 2)).with_lifetime(rotating);
    let apart = apart.with_shipped_only(holdout_id("g"), percent(3, 5));
    check(
        config().with_holdout(apart.with_break_glass(BreakGlass::new("ada".parse().unwrap(), " ", NOW))),
        &[
            (Duplicate, "holdouts"),
            (Empty, "holdouts[0].break_glass.reason"),
            (Empty, "holdouts[0].lifetime"),
            (State, "holdouts[0].ranges"),
        ],
    );
    let overlapping = holdout("g", "s", percent(0, 2)).with_shipped_only(holdout_id("c"), percent(1, 3));
    check(config().with_holdout(overlapping), &[(Overlap, "holdouts[0].ranges")]);
}

#[test]
fn rules_and_prerequisites() {
    use FaultKind::{Cycle, Dangling, Empty, NotFinite, Rule, TooLarge, UnitMismatch};
    let targeted = |rule: Rule_| {
        edited(|c| c.phases[0].targeting = Some(Rule_::All(vec![Rule_::equals("a", true), rule])))
    };
    let path = "phases[0].targeting.all[1]";
    check(targeted(Rule_::test("", Test::Present)), &[(Empty, path)]);
    check(targeted(Rule_::test("a", Test::Number(Comparison::Above, f64::NAN))), &[(NotFinite, path)]);
    check(targeted(Rule_::test("a", Test::Version(Comparison::Above, "x".into()))), &[(Rule, path)]);
    check(targeted(Rule_::test("a", Test::Matches("(".into()))), &[(Rule, path)]);
    check(targeted(Rule_::equals("a", i64::MAX)), &[(Rule, path)]);
    let deep = (0..40).fold(Rule_::equals("a", true), |rule, _| rule.negate());
    assert_eq!(faults(targeted(deep)).as_slice()[0].kind, TooLarge);

    let asks = |id: &str, layer: &str, of: &str, arm: &str| {
        phase(id, layer, if layer == "ads" { "ads" } else { "ranker" }, percent(0, 10))
            .with_prerequisite(phase_id(of), [arm_id(arm)])
    };
    check(
        config().with_phase(asks("x", "ads", "gone", "a")),
        &[(Dangling, "phases[0].prerequisites[0].phase")],
    );
    check(
        config_with_phase().with_phase(asks("x", "ads", "p", "c")),
        &[(Dangling, "phases[1].prerequisites[0].arms[0]")],
    );
    check(
        config().with_phase(asks("x", "ads", "y", "a")).with_phase(asks("y", "ranking", "x", "a")),
        &[(Cycle, "phases[0].prerequisites"), (Cycle, "phases[1].prerequisites")],
    );
    check(config().with_phase(asks("x", "ads", "x", "a")), &[(Cycle, "phases[0].prerequisites")]);
    let devices = config_with_phase()
        .with_unit(UnitEntry::new(kind("device"), "device_id"))
        .with_layer(LayerEntry::new(layer_id("push"), kind("device"), [point("push")]));
    let other_kind = phase("x", "push", "push", Ranges::all()).with_prerequisite(phase_id("p"), []);
    check(devices.with_phase(other_kind), &[(UnitMismatch, "phases[1].prerequisites[0].phase")]);
}

#[test]
fn shapes_of_units() {
    use FaultKind::{Empty, Name, TooLarge};
    let entry = UnitEntry::new(kind("x"), "a").with_window(Window::seconds(0));
    check(config().with_unit(entry), &[(Empty, "units[1].window.seconds")]);
    let entry = UnitEntry::new(kind("x"), "a").with_clusters(Clusters::new(1, [("v", "")]));
    check(config().with_unit(entry), &[(Name, "units[1].clusters.of[\"v\"]")]);
    let entry = ["b", "c", "d", "e"].iter().fold(UnitEntry::new(kind("x"), "a"), |e, f| e.with_fallback(*f));
    check(config().with_unit(entry), &[(TooLarge, "units[1].fallbacks")]);
}

#[test]
fn forced_units() {
    use FaultKind::{Dangling, Duplicate, ForcedHeldOut};
    let force = |phase, arm| ForcedUnit::new(unit_id("qa"), phase_id(phase), arm_id(arm));
    check(
        config_with_phase()
            .with_forced(force("x", "a"))
            .with_forced(force("p", "x").with_override(holdout_id("x")))
            .with_forced(force("p", "a")),
        &[
            (Dangling, "forced[0].phase"),
            (Dangling, "forced[1].overrides[0]"),
            (Dangling, "forced[1].arm"),
            (Duplicate, "forced[2].unit"),
        ],
    );
    let everybody = HoldoutEntry::new(holdout_id("g"), kind("user"), "g", Ranges::all());
    let held = config_with_phase().with_holdout(everybody);
    check(held.clone().with_forced(force("p", "a")), &[(ForcedHeldOut, "forced[0].unit")]);
    assert!(Snapshot::compile(held.with_forced(force("p", "a").with_override(holdout_id("g")))).is_ok());
}

#[test]
fn one_fault_hides_no_other() {
    let mut config = config_with_phase()
        .with_phase(phase("q", "ranking", "ranker", percent(0, 10)))
        .with_forced(ForcedUnit::new(unit_id("u"), phase_id("x"), arm_id("a")));
    config.phases[0].plan = None;
    config.phases[0].arms[0].ranges = percent(0, 40);
    config.layers[1].unit = kind("city");
    let faults = faults(config);
    let kinds: Vec<_> = faults.as_slice().iter().map(|fault| fault.kind).collect();
    use FaultKind::{Dangling, NoPlan, Overlap, Uncovered};
    assert_eq!(kinds, [Dangling, NoPlan, Uncovered, Overlap, Dangling], "{faults}");
    let text = faults.to_string();
    assert!(text.starts_with("the config has 5 faults\n  layers[1].unit: \"city\" is no declared"), "{text}");
    assert!(text.contains("already belongs to phase \"p\""), "{text}");
}

/// Random damage to every kind of field: faults or a snapshot, never a panic, and both answer.
#[test]
fn hostile_configs_do_not_panic() {
    let mut random = Random(3);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..5000 {
        let mut config = Config::new("p", "k", 1);
        let names = ["a", "b", "c"];
        let ranges = |random: &mut Random| -> Ranges {
            let edges = [0, 1, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX - 1, u64::MAX];
            let range = |random: &mut Random| Range::new(random.pick(&edges), random.pick(&edges));
            (0..random.below(3)).filter_map(|_| range(random)).collect()
        };
        for _ in 0..=random.below(2) {
            config = config.with_unit(UnitEntry::new(kind(random.pick(&names)), "id"));
            let layer = layer_id(random.pick(&names));
            config = config.with_layer(LayerEntry::new(layer, kind("a"), [point(random.pick(&names))]));
        }
        for _ in 0..random.below(3) {
            let mut entry =
                phase(random.pick(&names), random.pick(&names), random.pick(&names), ranges(&mut random));
            if random.below(4) == 0 {
                entry.arms[0].ranges = ranges(&mut random);
            }
            if random.below(4) == 0 {
                entry.state = PhaseState::Shipped { arm: arm_id(random.pick(&names)) };
            }
            config = config.with_phase(entry);
        }
        if random.below(3) == 0 {
            let unit = kind(random.pick(&names));
            let holdout = HoldoutEntry::new(holdout_id("h"), unit, "s", ranges(&mut random));
            config = config.with_holdout(holdout);
        }
        if random.below(3) == 0 {
            let phase = phase_id(random.pick(&names));
            config = config.with_forced(ForcedUnit::new(unit_id("u"), phase, arm_id(random.pick(&names))));
        }
        match Snapshot::compile(config) {
            Ok(snapshot) => {
                good += 1;
                for name in names {
                    let Ok(unit) = snapshot.unit(&kind("a"), "u") else { continue };
                    let _ = snapshot.explain(&unit, &point(name), &now()).to_string();
                }
            }
            Err(faults) => {
                bad += 1;
                assert!(!faults.as_slice().is_empty());
            }
        }
    }
    assert!(good > 100 && bad > 100, "{good} good, {bad} bad");
}
