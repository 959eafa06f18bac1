//! The order of evaluation, and what each state does.

use expt_assign::targeting::Value;
use expt_assign::{
    AssignError, Config, ForcedUnit, HoldoutEntry, LayerEntry, Outcome, PhaseEntry, PhaseState, Ranges,
    Reason, Snapshot, Stage, Stickiness, StickyRecord, UnitEntry,
};
use expt_core::{Binding, ExperimentId, ExposureTarget, Identity, Share, Shown};

use crate::common::{
    NOW, arm_id, ask, compile, config, config_with_phase, excluded, holdout_id, kind, layer_id, now, params,
    percent, phase, phase_id, place, point, unit_id, user, users, with,
};

fn with_phase(edit: impl FnOnce(PhaseEntry) -> PhaseEntry) -> Snapshot {
    compile(config().with_phase(edit(phase("p", "ranking", "ranker", Ranges::all()))))
}

fn everybody(id: &str) -> HoldoutEntry {
    HoldoutEntry::new(holdout_id(id), kind("user"), id, Ranges::all())
}

fn reason(config: Config) -> Reason {
    let snapshot = compile(config);
    let unit = user(&snapshot, "u1");
    ask(&snapshot, &unit).reason()
}

#[test]
fn an_arm_comes_with_all_that_is_logged() {
    let snapshot = compile(config_with_phase());
    for unit in users(&snapshot, 50) {
        let assignment = ask(&snapshot, &unit);
        let Outcome::Arm(served) = assignment.outcome() else { panic!("{assignment:?}") };
        assert_eq!(assignment.binding(), Some(&params(served.arm.as_str())));
        let exposure = assignment.exposure(NOW).unwrap();
        assert_eq!((exposure.at, exposure.unit.as_str(), exposure.identity), (NOW, unit.id(), Identity::Own));
        assert_eq!((exposure.unit_kind, exposure.config_version), (kind("user"), 7));
        let target = ExposureTarget::Arm {
            experiment: ExperimentId::new("p").unwrap(),
            phase: phase_id("p"),
            arm: served.arm.clone(),
            epoch: 1,
        };
        assert_eq!(exposure.target, target);
        assert_eq!((assignment.shown(), assignment.sticky_record()), (Shown::Arm, None));
        assert_eq!(served.arm_ref().arm, *served.arm);
    }
}

#[test]
fn the_order_is_forced_excluded_global_scoped_layer() {
    let excluded = excluded("user", "u1");
    let forced = ForcedUnit::new(unit_id("u1"), phase_id("p"), arm_id("b"))
        .with_override(holdout_id("scoped"))
        .with_override(holdout_id("global"));
    let mut all = config_with_phase()
        .with_holdout(everybody("scoped").with_layers([layer_id("ranking")]))
        .with_holdout(everybody("global"))
        .with_exclusion(excluded)
        .with_forced(forced);
    assert_eq!(reason(all.clone()), Reason::Forced);
    all.forced.clear();
    assert_eq!(reason(all.clone()), Reason::Excluded);
    all.exclusions.clear();
    let snapshot = compile(all.clone());
    let unit = user(&snapshot, "u1");
    assert_eq!(ask(&snapshot, &unit).outcome(), Outcome::Holdout(&holdout_id("global")));
    all.holdouts.pop();
    let snapshot = compile(all.clone());
    assert_eq!(ask(&snapshot, &unit).outcome(), Outcome::Holdout(&holdout_id("scoped")));
    let ads = snapshot.decision_point(&point("ads")).unwrap();
    assert_eq!(snapshot.assign(&unit, ads, &now()).reason(), Reason::Unallocated, "out of its scope");
    all.holdouts.clear();
    assert_eq!(reason(all), Reason::Arm);
}

#[test]
fn what_is_analysed_and_what_is_not() {
    let snapshot = compile(config_with_phase().with_holdout(everybody("g")));
    let unit = user(&snapshot, "u1");
    let held = ask(&snapshot, &unit);
    assert_eq!(held.exposure(NOW).unwrap().target, ExposureTarget::Holdout { holdout: holdout_id("g") });
    assert_eq!((held.binding(), held.shown()), (None, Shown::Holdout(holdout_id("g"))));

    let forced = ForcedUnit::new(unit_id("u1"), phase_id("p"), arm_id("b"));
    let snapshot = compile(config_with_phase().with_forced(forced));
    let forced = ask(&snapshot, &unit);
    assert_eq!((forced.binding(), forced.exposure(NOW)), (Some(&params("b")), None));
    assert_eq!((forced.shown(), forced.sticky_record()), (Shown::Forced, None));
    let other = user(&snapshot, "u2");
    assert_eq!(ask(&snapshot, &other).reason(), Reason::Arm, "others are not forced");

    let excluded = excluded("user", "u1");
    let snapshot = compile(config_with_phase().with_exclusion(excluded));
    let excluded = ask(&snapshot, &unit);
    assert_eq!((excluded.binding(), excluded.exposure(NOW), excluded.shown()), (None, None, Shown::Excluded));
}

#[test]
fn a_state_says_what_a_phase_does() {
    for state in [PhaseState::Draft, PhaseState::Stopped] {
        let snapshot = with_phase(|phase| phase.with_state(state));
        let unit = user(&snapshot, "u1");
        assert_eq!(ask(&snapshot, &unit).reason(), Reason::Unallocated);
    }
    let snapshot = with_phase(|phase| phase.with_state(PhaseState::Shipped { arm: arm_id("b") }));
    for unit in users(&snapshot, 20) {
        let shipped = ask(&snapshot, &unit);
        assert_eq!((shipped.reason(), shipped.binding()), (Reason::Shipped, Some(&params("b"))));
        assert_eq!((shipped.exposure(NOW), shipped.shown()), (None, Shown::Production));
    }
}

#[test]
fn a_paused_phase_keeps_those_it_has() {
    let snapshot = with_phase(|phase| phase.with_state(PhaseState::PausedIntake).with_sticky(Stickiness::On));
    let unit = user(&snapshot, "u1");
    let handle = snapshot.decision_point(&point("ranker")).unwrap();
    let paused = ask(&snapshot, &unit);
    assert_eq!((paused.outcome(), paused.exposure(NOW)), (Outcome::Paused(&phase_id("p")), None));
    let record = |phase, epoch, arm| StickyRecord::new(phase_id(phase), epoch, arm_id(arm));
    for arm in ["a", "b"] {
        let records = [record("other", 1, "a"), record("p", 1, arm)];
        let kept = snapshot.assign(&unit, handle, &with(&records));
        assert_eq!((kept.reason(), kept.binding()), (Reason::StickyArm, Some(&params(arm))));
        assert!(kept.exposure(NOW).is_some() && kept.sticky_record().is_none());
    }
    for stale in [record("p", 2, "a"), record("p", 1, "gone"), record("q", 1, "a")] {
        assert_eq!(snapshot.assign(&unit, handle, &with(&[stale])).reason(), Reason::Paused);
    }
}

#[test]
fn a_record_follows_the_state_of_its_phase() {
    let record = |arm| [StickyRecord::new(phase_id("p"), 1, arm_id(arm))];
    let reason_with = |snapshot: &Snapshot| {
        let unit = user(snapshot, "u1");
        let handle = snapshot.decision_point(&point("ranker")).unwrap();
        let assignment = snapshot.assign(&unit, handle, &with(&record("a")));
        (assignment.reason(), assignment.binding().cloned())
    };
    let sticky = |state| with_phase(|phase| phase.with_sticky(Stickiness::On).with_state(state));
    assert_eq!(reason_with(&sticky(PhaseState::Running)), (Reason::StickyArm, Some(params("a"))));
    assert_eq!(reason_with(&sticky(PhaseState::Stopped)), (Reason::Unallocated, None));
    let shipped = sticky(PhaseState::Shipped { arm: arm_id("b") });
    assert_eq!(reason_with(&shipped), (Reason::Shipped, Some(params("b"))));
    // Without stickiness a record is only a memory.
    let snapshot = with_phase(|phase| phase);
    assert_eq!(reason_with(&snapshot).0, Reason::Arm);
}

#[test]
fn a_new_epoch_makes_a_new_record() {
    let snapshot = with_phase(|phase| phase.with_sticky(Stickiness::On).with_epoch(2));
    let unit = user(&snapshot, "u1");
    let handle = snapshot.decision_point(&point("ranker")).unwrap();
    let old = [StickyRecord::new(phase_id("p"), 1, arm_id("a"))];
    let assignment = snapshot.assign(&unit, handle, &with(&old));
    let arm = assignment.served().unwrap().arm.clone();
    assert_eq!(assignment.sticky_record(), Some(StickyRecord::new(phase_id("p"), 2, arm)));
}

#[test]
fn a_rollout_in_the_epoch_of_its_test_moves_nobody() {
    let test = with_phase(|phase| phase);
    let mut rollout = phase("p/rollout", "ranking", "ranker", Ranges::all());
    rollout.experiment = ExperimentId::new("p").unwrap();
    let (same, next) = (rollout.clone(), rollout.with_epoch(2));
    let (same, next) = (compile(config().with_phase(same)), compile(config().with_phase(next)));
    let arm = |snapshot: &Snapshot, unit| place(&ask(snapshot, unit)).unwrap().1;
    let units = users(&test, 400);
    assert!(units.iter().all(|unit| arm(&test, unit) == arm(&same, unit)));
    let moved = units.iter().filter(|unit| arm(&test, unit) != arm(&next, unit)).count();
    assert!((150..250).contains(&moved), "{moved} of 400 moved; expected are 200 +- 50 (5 sd)");
}

#[test]
fn a_point_that_the_phase_does_not_bind_is_left_alone() {
    let snapshot = compile(config_with_phase());
    let unit = user(&snapshot, "u1");
    let handle = snapshot.decision_point(&point("ranker.threshold")).unwrap();
    let assignment = snapshot.assign(&unit, handle, &now());
    assert_eq!(assignment.outcome(), Outcome::Unbound(&phase_id("p")));
    assert_eq!(assignment.exposure(NOW), None);
}

#[test]
fn one_arm_may_bind_several_points() {
    let mut config = config_with_phase();
    for arm in &mut config.phases[0].arms {
        let name = format!("threshold of {}", arm.arm);
        arm.bindings.insert(point("ranker.threshold"), params(&name));
    }
    let snapshot = compile(config);
    let handle = snapshot.decision_point(&point("ranker.threshold")).unwrap();
    for unit in users(&snapshot, 20) {
        let (ranker, threshold) = (ask(&snapshot, &unit), snapshot.assign(&unit, handle, &now()));
        assert_eq!(place(&ranker), place(&threshold));
        let arm = ranker.served().unwrap().arm;
        assert_eq!(threshold.binding(), Some(&params(&format!("threshold of {arm}"))));
    }
}

#[test]
fn a_handle_outlives_its_snapshot() {
    let old = compile(config_with_phase());
    let handle = old.decision_point(&point("ranker")).unwrap();
    let unit = user(&old, "u1");
    let arm = place(&old.assign(&unit, handle, &now()));
    for extra in 0..20 {
        let layer = LayerEntry::new(layer_id("more"), kind("user"), [point(&format!("extra {extra}"))]);
        let new = compile(config_with_phase().with_layer(layer));
        assert_eq!(place(&new.assign(&unit, handle, &now())), arm, "the points around it have changed");
    }
    let mut gone = config();
    gone.layers.remove(0);
    let gone = compile(gone);
    assert_eq!(gone.assign(&unit, handle, &now()).reason(), Reason::NoLayer);
    assert_eq!(gone.decision_point(&point("ranker")), None);
    assert_eq!(gone.explain(&unit, &point("ranker"), &now()).reason(), Reason::NoLayer);
}

#[test]
fn a_handle_of_a_kind_outlives_its_snapshot() {
    let old = compile(config_with_phase());
    let handle = old.unit_kind(&kind("user")).unwrap();
    let mut more = config_with_phase();
    more.units.insert(0, UnitEntry::new(kind("device"), "device_id"));
    let more = compile(more);
    assert_eq!(
        more.unit_of(handle, "u1").unwrap(),
        user(&more, "u1"),
        "kinds before it have changed nothing"
    );
    let mut other = config_with_phase();
    other.key = "other".into();
    assert_eq!(compile(other).unit_of(handle, "u1").unwrap_err(), AssignError::KindGone);
    assert!(old.unit_kind(&kind("city")).is_err() && old.unit_of(handle, "a\n").is_err());
}

#[test]
fn a_unit_of_another_kind_or_project_gets_nothing() {
    let device = UnitEntry::new(kind("device"), "device_id");
    let snapshot = compile(config_with_phase().with_unit(device));
    let device = snapshot.unit(&kind("device"), "u1").unwrap();
    let expected = kind("user");
    assert_eq!(ask(&snapshot, &device).outcome(), Outcome::WrongUnit { expected: &expected });
    let mut other = config_with_phase();
    other.key = "other".into();
    let other = compile(other);
    let foreign = user(&other, "u1");
    assert_eq!(ask(&snapshot, &foreign).reason(), Reason::WrongUnit);
    let error = snapshot.unit(&kind("city"), "x").unwrap_err();
    assert_eq!(error.to_string(), "unit kind city is not declared; declared are: user, device");
}

#[test]
fn a_unit_is_identified_by_the_first_attribute_that_is_there() {
    let snapshot = compile(config());
    let text = |text: &'static str| Value::Text(text);
    let both = [("user_id", text("u1")), ("device_id", text("d1"))];
    let own = snapshot.identify(&kind("user"), &both, NOW).unwrap();
    assert_eq!((own.id(), own.identity()), ("u1", Identity::Own));
    assert_eq!(own.digest(), user(&snapshot, "u1").digest());
    for blank in [vec![], vec![("user_id", text(""))]] {
        let device = [&blank[..], &both[1..]].concat();
        let fallback = snapshot.identify(&kind("user"), &device, NOW).unwrap();
        assert_eq!((fallback.id(), fallback.identity()), ("d1", Identity::Fallback));
        let nobody = snapshot.identify(&kind("user"), &blank, NOW);
        assert!(matches!(nobody, Err(AssignError::Unidentified { .. })));
    }
    let number = [("user_id", Value::Int(-17))];
    assert_eq!(snapshot.identify(&kind("user"), &number, NOW).unwrap().id(), "-17");
    let control = [("user_id", text("a\nb")), both[1]];
    assert!(matches!(snapshot.identify(&kind("user"), &control, NOW), Err(AssignError::Core(_))));
    let truth = [("user_id", Value::Bool(true))];
    let error = snapshot.identify(&kind("user"), &truth, NOW).unwrap_err().to_string();
    assert!(error.contains("\"user_id\"") && error.contains("give a text or a whole number"), "{error}");
}

#[test]
fn an_explanation_shows_every_step() {
    let holdout = HoldoutEntry::new(holdout_id("g"), kind("user"), "g", percent(0, 1));
    let snapshot = compile(config_with_phase().with_holdout(holdout));
    let unit = user(&snapshot, "u1");
    let explanation = snapshot.explain(&unit, &point("ranker"), &now());
    let stages: Vec<_> = explanation.steps().iter().map(|step| step.stage).collect();
    use Stage::{Arm, Exclusion, Forced, Holdout, Layer, Sticky};
    assert_eq!(stages, [Forced, Exclusion, Holdout, Sticky, Layer, Arm]);
    let text = explanation.to_string();
    assert!(text.starts_with("user \"u1\" asks for \"ranker\" (config version 7)\n  forced "), "{text}");
    assert!(text.contains("of \"g\" is not held") && text.contains("belongs to phase \"p\""), "{text}");
}

#[test]
fn a_phase_is_made_of_its_sealed_plan() {
    use expt_core::{
        AbTestPlan, Aggregation, Correction, Direction, MetricName, Plan, PlannedArm, PlannedMetric,
        ShadowPlan,
    };
    let arm = |name, share| PlannedArm {
        arm: arm_id(name),
        share,
        bindings: [(point("ranker"), params(name))].into(),
    };
    let plan = Plan::AbTest(AbTestPlan {
        experiment: ExperimentId::new("e").unwrap(),
        phase: phase_id("e/ab"),
        hypothesis: "better".into(),
        unit: kind("user"),
        layer: layer_id("ranking"),
        arms: vec![arm("a", Share::percent(30).unwrap()), arm("b", Share::percent(70).unwrap())],
        control: arm_id("a"),
        max_traffic: Share::ALL,
        primary: PlannedMetric {
            metric: MetricName::new("clicks").unwrap(),
            aggregation: Aggregation::UnitTotal,
            direction: Direction::HigherIsBetter,
            window: std::time::Duration::from_secs(3600),
            margin: None,
        },
        secondaries: vec![],
        guardrails: vec![],
        alpha: 0.05,
        tuned_units: 5000,
        correction: Correction::Holm,
        min_weeks: 1,
        max_weeks: 3,
    });
    let sealed = plan.seal().unwrap();
    let entry = PhaseEntry::from_plan(&sealed).unwrap();
    assert_eq!((entry.plan, &entry.state), (Some(sealed.digest()), &PhaseState::Draft));
    assert_eq!(entry.arms[0].ranges, percent(0, 30));
    let running = entry.with_state(PhaseState::Running).with_ranges(Ranges::all());
    assert_eq!(reason(config().with_phase(running)), Reason::Arm);

    let shadow = ShadowPlan {
        experiment: ExperimentId::new("e").unwrap(),
        phase: phase_id("e/shadow"),
        decision_point: point("ranker"),
        candidate: Binding::Params([].into()),
        min_coverage: Share::HALF,
        tolerance: 0.0,
        threshold: None,
        max_flip_rate: Share::NONE,
    };
    let error = PhaseEntry::from_plan(&Plan::Shadow(shadow).seal().unwrap()).unwrap_err();
    assert!(matches!(error, AssignError::NoSplit { .. }), "{error}");
}

#[test]
fn a_snapshot_is_shared_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Snapshot>();
}
