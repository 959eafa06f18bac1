//! What changes mean for units, and which are refused.

use expt_assign::planner::{ChangePlan, Concern, ConfigEdit, Gets, Move, PlanError, Portion, plan, plan_at};
use expt_assign::{
    BreakGlass, Config, HoldoutEntry, HoldoutLifetime, LayerEntry, PhaseEntry, PhaseState, Ranges, Snapshot,
    Stickiness,
};
use expt_core::{Actor, Digest, HoldoutId, Share, Timestamp};

use crate::common::{
    NOW, arm, arm_entry, between, config, layer, percent, phase, point, running, user, with_phase,
};

const HALVES: [(&str, u32); 2] = [("a", 500_000), ("b", 500_000)];
const THIRDS: [(&str, u32); 3] = [("a", 333_333), ("b", 333_333), ("c", 333_334)];

/// The text of shares that should be the same but for the rounding of a place.
fn text(share: Portion) -> String {
    share.to_string()
}

/// From arms to arms on all of a layer, as given: the share that switches, and the least.
fn check_resplit(before: &[(&str, u32)], after: PhaseEntry, switches: &str, least: &str) {
    let old = config().with_phase(running("p", "ranking", Ranges::all(), before));
    let change = plan(&old, &with_phase(&old, after)).unwrap();
    assert_eq!(text(change.layers()[0].of(Move::Switches)), switches);
    assert_eq!(text(change.phases()[0].minimum), least, "{change}");
    assert_eq!(text(change.phases()[0].moved), switches);
}

/// The table of section 1c of the research notes: cumulative layouts of the peers, computed there by hashing
/// 200,000 ids, here exactly.
#[test]
fn cumulative_layouts_move_too_many() {
    let p = |arms: &[(&str, u32)]| running("p", "ranking", Ranges::all(), arms);
    check_resplit(&HALVES, p(&[("a", 600_000), ("b", 400_000)]), "10 %", "10 %");
    check_resplit(&HALVES, p(&THIRDS), "50.0001 %", "33.3334 %");
    check_resplit(&THIRDS, p(&[("b", 500_000), ("c", 500_000)]), "49.9999 %", "33.3333 %");
}

/// A contiguous layout that is scaled instead of appended: 20 % -> 100 % moves half of the enrolled.
#[test]
fn coverage_that_is_scaled_switches_half() {
    // One space for traffic and arms, as growthbook-js before fixed starts: here as arms of one phase.
    let before = [("a", 100_000), ("b", 100_000), ("none", 800_000)];
    let old = config().with_phase(running("p", "ranking", Ranges::all(), &before));
    let wanted = with_phase(&old, running("p", "ranking", Ranges::all(), &HALVES));
    let change = plan(&old, &wanted).unwrap();
    let p = |name: &str| Gets::Arm { phase: phase("p"), arm: arm(name) };
    assert_eq!(text(change.layers()[0].between(&p("b"), &p("a"))), "10 %", "all of b, half of the enrolled");
}

#[test]
fn a_switch_is_refused_without_an_epoch_or_a_reason() {
    let entry = running("p", "ranking", between(0, 20), &HALVES);
    let old = config().with_phase(entry.clone());
    let shares = [(arm("a"), percent(60)), (arm("b"), percent(40))];
    let wanted = ConfigEdit::of(&old).resplit(&phase("p"), &shares).unwrap().finish().unwrap();
    let change = || plan(&old, &wanted).unwrap();
    let error = change().approve().unwrap_err();
    let said = error.to_string();
    assert!(said.contains("2 % of the units would switch from p: b to p: a"), "{said}");
    assert!(said.contains("bump the epoch, or give a reason"), "{said}");
    assert!(change().because(" ").approve().is_err(), "a blank reason");
    assert!(change().because_of(phase("q"), "another phase").approve().is_err());
    assert!(change().because_of(phase("p"), "b is slow").approve().is_ok());
    assert!(change().because("b is slow").approve().is_ok());

    let bumped = ConfigEdit::of(&old).resplit(&phase("p"), &shares).unwrap();
    let bumped = bumped.bump_epoch(&phase("p")).unwrap().finish().unwrap();
    let change = plan(&old, &bumped).unwrap();
    assert_eq!(text(change.layers()[0].of(Move::Redrawn)), "10 %", "0.2 * (0.5 * 0.4 + 0.5 * 0.6)");
    assert!(change.approve().is_ok());
    let back = plan(&bumped, &with_phase(&bumped, entry)).unwrap();
    assert!(matches!(back.concerns(), [Concern::EpochBack { old: 2, wanted: 1, .. }]), "{back}");
    assert!(back.approve().is_err());
}

#[test]
fn a_rollout_of_the_winner_moves_none_of_its_units() {
    let old = config().with_phase(running("p", "ranking", between(0, 40), &HALVES));
    let edit = ConfigEdit::of(&old).ship(&phase("p"), &arm("b")).unwrap();
    for wanted in [edit.clone(), edit.ramp(&phase("p"), Share::ALL).unwrap()] {
        let change = plan(&old, &wanted.finish().unwrap()).unwrap();
        let [a, b] = &change.phases()[0].arms[..] else { panic!("{change}") };
        assert_eq!((b.stays, b.leaves, b.switches_out), (b.before, Portion::NONE, Portion::NONE));
        assert_eq!((a.switches_out, text(a.before)), (a.before, "20 %".into()));
        assert!(change.approve().is_ok());
        assert!(change.phases()[0].excess().is_none());
    }
}

/// A rollout as a phase of its own, 90 % winner, with the epoch of its test.
#[test]
fn a_rollout_phase_with_the_epoch_of_its_test_keeps_the_winners() {
    let test = running("test", "ranking", between(0, 40), &HALVES);
    let old = config().with_phase(test.clone());
    let mut rollout = test.clone();
    rollout.id = phase("rollout");
    rollout.plan = Some(Digest::of(b"rollout"));
    rollout.ranges = between(0, 100);
    rollout.arms[0].ranges = between(0, 10);
    rollout.arms[1].ranges = between(10, 100);
    let stopped = with_phase(&old, test.with_state(PhaseState::Stopped));
    let wanted = with_phase(&stopped, rollout.clone());
    let change = plan(&old, &wanted).unwrap();
    let [phase_change] = change.phases() else { panic!("{change}") };
    assert_eq!((&phase_change.phase, &phase_change.succeeds), (&phase("rollout"), &Some(phase("test"))));
    assert!(phase_change.excess().is_none(), "{change}");
    let b = phase_change.arms.iter().find(|entry| entry.arm == arm("b")).unwrap();
    assert_eq!((b.stays, text(b.switches_in)), (b.before, "16 %".into()), "the losers get the winner");
    assert!(matches!(change.approve(), Err(PlanError::Refused { concerns }) if concerns.len() == 1));
    // With an epoch of its own it would take the winner from those who have it.
    let redrawn = plan(&old, &with_phase(&stopped, rollout.with_epoch(2))).unwrap();
    assert_eq!(text(redrawn.layers()[0].of(Move::Redrawn)), "20 %", "40 % * (0.5 * 0.1 + 0.5 * 0.9)");
}

#[test]
fn a_shipped_winner_is_not_lost_silently() {
    let shipped =
        running("p", "ranking", between(0, 50), &HALVES).with_state(PhaseState::Shipped { arm: arm("b") });
    let old = config().with_phase(shipped.clone());
    let lost = |wanted: Config| text(plan(&old, &wanted).unwrap().layers()[0].of(Move::LosesWinner));
    assert_eq!(lost(ConfigEdit::of(&old).stop(&phase("p")).unwrap().finish().unwrap()), "50 %");
    assert_eq!(lost(ConfigEdit::of(&old).ramp(&phase("p"), percent(30)).unwrap().finish().unwrap()), "20 %");
    // Holdouts bind rollouts, too.
    let hold =
        |edit: ConfigEdit| edit.add_holdout("h".parse().unwrap(), user(), "s", percent(10), []).unwrap();
    assert_eq!(lost(hold(ConfigEdit::of(&old)).finish().unwrap()), "5 %");
    // Another phase that gives the same: nothing is lost.
    let mut same = shipped.clone();
    (same.id, same.experiment) = (phase("q"), "q".parse().unwrap());
    same.plan = Some(Digest::of(b"q"));
    let stopped = with_phase(&old, shipped.with_state(PhaseState::Stopped));
    let change = plan(&old, &with_phase(&stopped, same)).unwrap();
    assert!(change.layers()[0].of(Move::LosesWinner).is_none());
    assert_eq!(text(change.layers()[0].of(Move::Stays)), "100 %");
}

#[test]
fn something_else_in_an_arm_is_noticed() {
    let entry = running("p", "ranking", between(0, 20), &HALVES);
    let old = config().with_phase(entry.clone());
    let mut other = entry.clone();
    other.arms[1].bindings = arm_entry("new", "ranking", Ranges::none()).bindings;
    let change = plan(&old, &with_phase(&old, other.clone())).unwrap();
    assert_eq!(text(change.layers()[0].of(Move::Rebound)), "10 %");
    assert!(change.approve().unwrap_err().to_string().contains("bump the epoch"));
    assert!(plan(&old, &with_phase(&old, other.with_epoch(2))).unwrap().approve().is_ok());
    // Names that are swapped are switches of everybody.
    let mut swapped = entry;
    let first = swapped.arms[0].ranges.clone();
    swapped.arms[0].ranges = std::mem::replace(&mut swapped.arms[1].ranges, first);
    let change = plan(&old, &with_phase(&old, swapped)).unwrap();
    assert_eq!(text(change.layers()[0].of(Move::Switches)), "20 %");
}

/// One experiment stops and another takes its traffic: its units leave the one and enter the other.
#[test]
fn another_experiment_on_the_same_traffic_replaces() {
    let one = running("one", "ranking", between(0, 50), &HALVES);
    let two = running("two", "ranking", between(30, 60), &HALVES);
    let old = config().with_phase(one.clone());
    let stopped = with_phase(&old, one.with_state(PhaseState::Stopped));
    let change = plan(&old, &with_phase(&stopped, two)).unwrap();
    let moves = [Move::Replaces, Move::Leaves, Move::Enters, Move::Stays];
    let shares = moves.map(|movement| text(change.layers()[0].of(movement)));
    assert_eq!(shares, ["20 %", "30 %", "10 %", "40 %"]);
    let p = |id: &str, name: &str| Gets::Arm { phase: phase(id), arm: arm(name) };
    assert_eq!(
        text(change.layers()[0].between(&p("one", "a"), &p("two", "b"))),
        "5 %",
        "arms are independent"
    );
    assert!(change.approve().is_ok());
}

#[test]
fn pausing_lets_nobody_in_and_holdouts_hold() {
    let entry = running("p", "ranking", between(0, 50), &HALVES).with_sticky(Stickiness::On);
    let old = config().with_phase(entry);
    let edit = ConfigEdit::of(&old).pause(&phase("p")).unwrap();
    let paused =
        edit.add_holdout("h".parse().unwrap(), user(), "s", percent(10), []).unwrap().finish().unwrap();
    let change = plan(&old, &paused).unwrap();
    assert!(change.phases()[0].sticky);
    assert_eq!(text(change.layers()[0].of(Move::Leaves)), "50 %");
    let [held] = change.holdouts() else { panic!() };
    assert_eq!((text(held.newly_held), held.released), ("10 %".into(), Portion::NONE));
    let resumed = ConfigEdit::of(&paused).resume(&phase("p")).unwrap();
    let glass = BreakGlass::new(Actor::new("ann").unwrap(), "an incident", NOW);
    let released = resumed.break_glass(&"h".parse().unwrap(), glass).unwrap().finish().unwrap();
    let change = plan(&paused, &released).unwrap();
    assert_eq!(text(change.holdouts()[0].released), "10 %");
    assert_eq!(text(change.layers()[0].of(Move::Enters)), "50 %");
}

#[test]
fn what_places_derive_from_is_not_changed_silently() {
    let old = config().with_phase(running("p", "ranking", between(0, 50), &HALVES));
    let refused = |edit: &dyn Fn(&mut Config), says: &str| {
        let mut wanted = old.clone();
        wanted.version += 1;
        edit(&mut wanted);
        let change = plan(&old, &wanted).unwrap();
        let error = change.approve().unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("drawn anew"), "{error}");
        assert!(change.because("we start over").approve().is_ok());
    };
    refused(&|wanted| wanted.key = "other".into(), "the project key");
    refused(&|wanted| wanted.unit_hash = expt_assign::mix::UnitHash::Blake3, "the unit hash");
    refused(
        &|wanted| {
            wanted.layers[0] = LayerEntry::new(layer("ranks"), user(), [point("ranking")]);
            wanted.phases[0].layer = layer("ranks");
        },
        "phase \"p\" is in layer \"ranks\" instead of \"ranking\"",
    );
    let holdout = |salt: &str| HoldoutEntry::new(HoldoutId::new("h").unwrap(), user(), salt, between(0, 10));
    let old = config().with_holdout(holdout("s"));
    let mut wanted = config().with_holdout(holdout("t"));
    wanted.version += 1;
    let change = plan(&old, &wanted).unwrap();
    assert_eq!(text(change.holdouts()[0].newly_held), "9 %", "a tenth of those who were not held");
    assert!(change.approve().is_err());
}

/// Everything anew: shares are products, as units' places are.
#[test]
fn another_key_is_an_independent_draw() {
    let old = config().with_phase(running("p", "ranking", between(0, 50), &HALVES));
    let mut wanted = old.clone();
    (wanted.version, wanted.key) = (8, "other".into());
    let change = plan(&old, &wanted).unwrap();
    let p = |name: &str| Gets::Arm { phase: phase("p"), arm: arm(name) };
    assert_eq!(text(change.layers()[0].between(&p("a"), &p("b"))), "6.25 %");
    assert_eq!(text(change.layers()[0].between(&p("a"), &Gets::Nothing)), "12.5 %");
    assert_eq!(text(change.phases()[0].excess()), "62.5 %", "moves 25 + 25 + 12.5 %, and could move nobody");
}

#[test]
fn holdouts_are_taken_at_the_time_of_the_plan() {
    let day = 86_400_000_000;
    let at = |days: i64| Timestamp::from_micros(NOW.as_micros() + days * day);
    let holdout = |lifetime| {
        HoldoutEntry::new(HoldoutId::new("h").unwrap(), user(), "s", between(0, 10)).with_lifetime(lifetime)
    };
    let old = config().with_holdout(holdout(HoldoutLifetime::Until(at(5))));
    let wanted = ConfigEdit::of(&old).remove_holdout(&"h".parse().unwrap()).unwrap().finish().unwrap();
    let released = |change: ChangePlan| text(change.holdouts()[0].released);
    assert_eq!(released(plan(&old, &wanted).unwrap()), "10 %");
    assert_eq!(released(plan_at(&old, &wanted, at(4)).unwrap()), "10 %");
    assert_eq!(released(plan_at(&old, &wanted, at(5)).unwrap()), "0 %");
    // A rotating one that becomes permanent holds the units of its first period: others, from the second on.
    let old = config().with_holdout(holdout(HoldoutLifetime::Rotating { start: at(0), days: 7 }));
    let mut wanted = config().with_holdout(holdout(HoldoutLifetime::Permanent));
    wanted.version += 1;
    assert_eq!(released(plan_at(&old, &wanted, at(6)).unwrap()), "0 %");
    assert_eq!(released(plan_at(&old, &wanted, at(8)).unwrap()), "10 %");
}

#[test]
fn what_cannot_be_planned_is_said() {
    let old = config().with_phase(running("p", "ranking", between(0, 50), &HALVES));
    let mut wanted = old.clone();
    wanted.phases[0].ranges = between(0, 60);
    assert!(matches!(plan(&old, &wanted), Err(PlanError::Version { old: 7, wanted: 7 })));
    assert!(plan(&old, &old).unwrap().approve().is_ok(), "no change is no fault");
    wanted.phases[0].arms[0].ranges = Ranges::none();
    assert!(matches!(plan(&old, &wanted), Err(PlanError::Wanted(faults)) if faults.as_slice().len() == 2));
    assert!(matches!(plan(&wanted, &old), Err(PlanError::Old(_))));

    let edit = || ConfigEdit::of(&old);
    let error = edit().ramp(&phase("x"), percent(1)).unwrap_err();
    assert!(error.to_string().contains("no phase \"x\"; it has: p"), "{error}");
    let error = edit().ship(&phase("p"), &arm("z")).unwrap_err();
    assert!(error.to_string().contains("no arm \"z\"; it has: a, b"), "{error}");
    let error = edit().stop(&phase("p")).unwrap().stop(&phase("p")).unwrap_err();
    assert!(error.to_string().contains("is stopped, and cannot be stopped"), "{error}");
    assert!(matches!(edit().start(&phase("p"), percent(1)), Err(PlanError::State { .. })));
    assert!(matches!(edit().pause(&phase("p")).unwrap().finish(), Err(PlanError::Wanted(_))), "not sticky");
    assert!(matches!(
        edit().add_arm(&phase("p"), arm_entry("a", "ranking", Ranges::none())),
        Err(PlanError::Twice { .. })
    ));
    assert!(matches!(edit().remove_arms(&phase("p"), &[arm("a"), arm("b")]), Err(PlanError::Shares { .. })));
}

/// The life of an experiment by edits alone; each config compiles and each plan says what happens.
#[test]
fn a_life_by_edits() {
    let draft = running("p", "ranking", Ranges::none(), &HALVES).with_state(PhaseState::Draft);
    let old = config().with_phase(running("other", "ranking", between(10, 40), &HALVES));
    let started = ConfigEdit::of(&old).add_phase(draft).start(&phase("p"), percent(30)).unwrap();
    let started = started.finish().unwrap();
    assert_eq!(started.version, 8);
    let ranges = &started.phases[1].ranges;
    assert_eq!(
        ranges.as_slice()[0].first(),
        between(40, 70).as_slice()[0].first(),
        "the one that is large enough"
    );

    let third = ConfigEdit::of(&started).add_arm(&phase("p"), arm_entry("c", "ranking", Ranges::none()));
    let shares = THIRDS.map(|(name, ppm)| (arm(name), Share::ppm(ppm).unwrap()));
    let third = third.unwrap().resplit(&phase("p"), &shares).unwrap().finish().unwrap();
    let change = plan(&started, &third).unwrap();
    assert_eq!(text(change.layers()[0].of(Move::Switches)), "10 %", "a third of 30 %");
    let text = change.to_string();
    assert!(text.contains("shop: version 8 -> 9") && text.contains("needs a reason"), "{text}");

    // What is stopped rests: the next one begins elsewhere as long as it can.
    let stopped = ConfigEdit::of(&third).stop(&phase("p")).unwrap();
    let next = running("next", "ranking", Ranges::none(), &HALVES).with_state(PhaseState::Draft);
    let next = stopped.add_phase(next).start(&phase("next"), percent(40)).unwrap().finish().unwrap();
    let fresh = &next.phases[2].ranges;
    assert!(fresh.as_slice().iter().all(|range| !next.phases[1].ranges.contains(range.first())), "{fresh:?}");
    Snapshot::compile(next).unwrap();
}
