//! Layouts move what must move, exactly, and nothing else.

use expt_assign::planner::{ConfigEdit, PlanError, plan, ramp, resize};
use expt_assign::{Range, Ranges};
use expt_core::{ArmId, Share};

use crate::common::{Random, arm, between, config, percent, phase, running};
use crate::random::deal;

/// How many places are in both, pair by pair.
fn common(one: &Ranges, two: &Ranges) -> u128 {
    let pairs = one.as_slice().iter().flat_map(|a| two.as_slice().iter().filter_map(|b| a.overlap(*b)));
    pairs.map(Range::width).sum()
}

fn find<'r>(arms: &'r [(ArmId, Ranges)], name: &ArmId) -> Option<&'r Ranges> {
    arms.iter().find(|(arm, _)| arm == name).map(|(_, ranges)| ranges)
}

fn random_shares(random: &mut Random, names: &[&str]) -> Vec<(ArmId, Share)> {
    let mut left = 1_000_000;
    let mut shares: Vec<(ArmId, Share)> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let last = index + 1 == names.len();
        let ppm = if last { left } else { u32::try_from(random.below(left as usize + 1)).unwrap() };
        left -= ppm;
        shares.push((arm(name), Share::ppm(ppm).unwrap()));
    }
    shares
}

/// Every place has one owner, widths are the wanted ones to one place, and the places that change hands are
/// exactly `sum(max(0, new - old))`.
#[test]
fn resize_moves_the_least() {
    let mut random = Random(21);
    for round in 0..500 {
        let mut names = ["a", "b", "c", "d", "e", "f"];
        random.shuffle(&mut names);
        let count = 1 + random.below(5);
        let current: Vec<_> =
            names.iter().map(|name| arm(name)).zip(deal(&mut random, count, round % 3 == 0)).collect();
        random.shuffle(&mut names);
        let count = 1 + random.below(6);
        let wanted = random_shares(&mut random, &names[..count]);
        let resized = resize(&current, &wanted).unwrap();

        assert_eq!(resized.iter().map(|(_, ranges)| ranges.width()).sum::<u128>(), 1 << 64);
        for (index, (_, one)) in resized.iter().enumerate() {
            assert!(resized[..index].iter().all(|(_, other)| common(one, other) == 0));
        }
        let (mut moved, mut least) = (0, 0);
        for (name, share) in &wanted {
            let none = Ranges::none();
            let (had, has) = (find(&current, name).unwrap_or(&none), find(&resized, name).unwrap_or(&none));
            let exact = u128::from(share.as_ppm()) * (1 << 64) / 1_000_000;
            assert!(has.width() == exact || has.width() == exact + 1, "{name} {share}");
            moved += has.width() - common(had, has);
            least += has.width().saturating_sub(had.width());
        }
        assert_eq!(moved, least, "round {round}");
        // Once more the same: nobody moves, whatever the rounding.
        assert_eq!(resize(&resized, &wanted).unwrap(), resized);
    }
}

#[test]
fn resize_keeps_few_ranges() {
    let mut random = Random(22);
    let names = ["a", "b", "c", "d"];
    let mut arms: Vec<_> = names.iter().map(|n| arm(n)).zip(deal(&mut random, 4, false)).collect();
    for _ in 0..200 {
        arms = resize(&arms, &random_shares(&mut random, &names)).unwrap();
    }
    let ranges: usize = arms.iter().map(|(_, ranges)| ranges.as_slice().len()).sum();
    assert!(ranges < 100, "{ranges} ranges after 200 changes");
}

#[test]
fn resize_refuses_what_does_not_cover() {
    let halves = [(arm("a"), between(0, 50)), (arm("b"), between(50, 100))];
    let error = resize(&halves, &[(arm("a"), Share::HALF)]).unwrap_err();
    assert_eq!(error, PlanError::Shares { total: 500_000 });
    let error = resize(&halves, &[(arm("a"), Share::HALF), (arm("a"), Share::HALF)]).unwrap_err();
    assert_eq!(error, PlanError::Twice { arm: arm("a") });
    let overlap = [(arm("a"), between(0, 60)), (arm("b"), between(50, 100))];
    assert!(matches!(resize(&overlap, &[(arm("a"), Share::ALL)]), Err(PlanError::Overlap { .. })));
}

/// A ramp keeps what is there, never takes what is taken, and gives back what it got last.
#[test]
fn a_ramp_appends_and_takes_back() {
    let mut random = Random(23);
    for _ in 0..300 {
        let dealt = deal(&mut random, 3, true);
        let [current, taken, resting] = &dealt[..] else { panic!() };
        let target = Share::ppm(u32::try_from(random.below(1_000_001)).unwrap()).unwrap();
        let room = (1 << 64) - taken.width();
        let wanted = u128::from(target.as_ppm()) * (1 << 64) / 1_000_000;
        let result = ramp(current, target, taken, resting);
        if wanted > room {
            assert!(matches!(result, Err(PlanError::NoRoom { .. })));
            continue;
        }
        let ramped = result.unwrap();
        assert_eq!(ramped.width(), wanted);
        assert_eq!(common(&ramped, taken), 0);
        assert_eq!(common(&ramped, &ramped.clone()), wanted, "ranges overlap each other");
        assert_eq!(common(&ramped, current), wanted.min(current.width()), "somebody moved");
        let fresh = room - current.width() - resting.width();
        let grown = wanted.saturating_sub(current.width());
        assert_eq!(common(&ramped, resting), grown.saturating_sub(fresh), "resting places come last");
        if wanted > current.width() {
            let share = u32::try_from((current.width() * 1_000_000) >> 64).unwrap();
            let back = ramp(&ramped, Share::ppm(share).unwrap(), taken, resting).unwrap();
            assert_eq!(common(&back, current), back.width(), "those that came last leave first");
        }
    }
}

#[test]
fn a_ramp_says_what_there_is_room_for() {
    let error = ramp(&between(0, 20), percent(70), &between(20, 60), &Ranges::none()).unwrap_err();
    assert!(error.to_string().contains("at most 60 %"), "{error}");
    let overlap = ramp(&between(0, 20), percent(70), &between(19, 60), &Ranges::none());
    assert!(matches!(overlap, Err(PlanError::Overlap { .. })));
}

/// Edits of random configs: 0 switches on ramps, and no movement beyond the least.
#[test]
fn edits_move_the_least() {
    let mut random = Random(24);
    let mut resized = 0;
    for _ in 0..100 {
        let mut old = crate::random::random_config(&mut random);
        for entry in &mut old.phases {
            entry.state = expt_assign::PhaseState::Running;
        }
        let mut edit = ConfigEdit::of(&old);
        let ramped: Vec<_> = old.phases.iter().map(|entry| (entry.id.clone(), entry.arms.clone())).collect();
        for (id, arms) in &ramped {
            let share = Share::ppm(u32::try_from(1 + random.below(400_000)).unwrap()).unwrap();
            edit = edit.clone().ramp(id, share).unwrap_or(edit);
            if random.chance(2) {
                let names: Vec<_> = arms.iter().map(|entry| entry.arm.as_str().to_owned()).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                edit = edit.resplit(id, &random_shares(&mut random, &names)).unwrap();
                resized += 1;
            }
        }
        let change = plan(&old, &edit.finish().unwrap()).unwrap();
        for phase in change.phases() {
            assert!(phase.excess().is_none(), "{change}");
        }
    }
    assert!(resized > 50);
}

#[test]
fn ramps_switch_nobody() {
    let mut random = Random(25);
    for _ in 0..100 {
        let old = crate::random::random_config(&mut random);
        let mut edit = ConfigEdit::of(&old);
        for entry in &old.phases {
            let share = Share::ppm(u32::try_from(random.below(500_000)).unwrap()).unwrap();
            edit = edit.clone().ramp(&entry.id, share).unwrap_or(edit);
        }
        let change = plan(&old, &edit.finish().unwrap()).unwrap();
        for layer in change.layers() {
            for movement in [
                expt_assign::planner::Move::Switches,
                expt_assign::planner::Move::Redrawn,
                expt_assign::planner::Move::ToWinner,
                expt_assign::planner::Move::Rebound,
            ] {
                assert!(layer.of(movement).is_none(), "{change}");
            }
        }
        for arm in change.phases().iter().flat_map(|phase| &phase.arms) {
            assert!(arm.switches_in.is_none() && arm.switches_out.is_none());
        }
    }
}

/// Of four arms two are removed: the others keep every unit, and only those of the removed ones move.
#[test]
fn removing_two_of_four_arms_moves_only_their_units() {
    let quarters = [("a", 250_000), ("b", 250_000), ("c", 250_000), ("d", 250_000)];
    let old = config().with_phase(running("p", "ranking", between(0, 40), &quarters));
    let edit = ConfigEdit::of(&old).remove_arms(&phase("p"), &[arm("a"), arm("c")]).unwrap();
    let change = plan(&old, &edit.finish().unwrap()).unwrap();
    let arms = &change.phase(&phase("p")).unwrap().arms;
    for entry in arms {
        let removed = ["a", "c"].contains(&entry.arm.as_str());
        assert_eq!(entry.switches_out == entry.before, removed, "{entry:?}");
        assert_eq!(entry.stays == entry.before, !removed, "{entry:?}");
        assert_eq!(entry.after.to_string(), if removed { "0 %" } else { "20 %" });
    }
    assert_eq!(arms.len(), 4);
    assert!(matches!(change.approve(), Err(PlanError::Refused { concerns }) if concerns.len() == 2));
    assert!(change.because_of(phase("p"), "two arms harm").approve().is_ok());
}
