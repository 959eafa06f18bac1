//! Properties over random configs.

use expt_assign::{Config, PhaseEntry, Ranges, Stickiness, StickyRecord};
use expt_core::Share;

use crate::common::{
    Random, arm_id, ask, compile, config, now, percent, phase, phase_id, place, point, users, with,
};

/// Cuts the layer into slots and gives some to each of two phases, in random order.
fn random_ranges(random: &mut Random) -> (Vec<Ranges>, Vec<Ranges>) {
    let slots = (0..50).map(|slot| percent(slot * 2, slot * 2 + 2));
    let (mut one, mut other) = (vec![], vec![]);
    for slot in slots {
        match random.below(3) {
            0 => one.push(slot),
            1 => other.push(slot),
            _ => {}
        }
    }
    for list in [&mut one, &mut other] {
        for index in (1..list.len()).rev() {
            list.swap(index, usize::try_from(random.below(index as u64 + 1)).unwrap());
        }
    }
    (one, other)
}

fn joined(slots: &[Ranges]) -> Ranges {
    slots.iter().fold(Ranges::none(), |ranges, slot| ranges.with(slot.clone()))
}

fn two_phases(one: Ranges, other: Ranges) -> Config {
    let with_thirds = |mut phase: PhaseEntry| {
        let shares = [300_000, 700_000].map(|ppm| Share::ppm(ppm).unwrap());
        for (arm, ranges) in phase.arms.iter_mut().zip(Ranges::split(&shares).unwrap()) {
            arm.ranges = ranges;
        }
        phase
    };
    config()
        .with_phase(with_thirds(phase("one", "ranking", "ranker", one)))
        .with_phase(phase("other", "ranking", "ranker", other))
}

#[test]
fn a_ramp_by_appending_moves_nobody() {
    let mut random = Random(11);
    for _ in 0..20 {
        let (one, other) = random_ranges(&mut random);
        let kept = usize::try_from(random.below(one.len() as u64 + 1)).unwrap();
        let before = compile(two_phases(joined(&one[..kept]), joined(&other)));
        let after = compile(two_phases(joined(&one), joined(&other)));
        let mut entered = 0;
        for unit in users(&before, 500) {
            let (was, is) = (place(&ask(&before, &unit)), place(&ask(&after, &unit)));
            match (&was, &is) {
                (None, Some((phase, _))) => {
                    assert_eq!(phase.as_str(), "one");
                    entered += 1;
                }
                _ => assert_eq!(was, is),
            }
        }
        assert!(entered > 0 || kept + 2 > one.len());
    }
}

#[test]
fn two_phases_of_a_layer_never_hold_one_unit() {
    let mut random = Random(12);
    for _ in 0..20 {
        let (one, other) = random_ranges(&mut random);
        let (one, other) = (joined(&one), joined(&other));
        let both = compile(two_phases(one.clone(), other.clone()));
        let only_one = compile(two_phases(one, Ranges::none()));
        let only_other = compile(two_phases(Ranges::none(), other));
        for unit in users(&both, 300) {
            let alone = [place(&ask(&only_one, &unit)), place(&ask(&only_other, &unit))];
            assert!(alone.iter().flatten().count() <= 1, "{unit:?} is in both");
            assert_eq!(place(&ask(&both, &unit)), alone.into_iter().flatten().next());
        }
    }
}

/// A unit that kept its record stays where it was, whatever happens to the ranges, and is in one phase only.
#[test]
fn a_sticky_unit_stays_when_ranges_change() {
    let mut random = Random(13);
    let sticky = |mut config: Config| {
        config.phases.iter_mut().for_each(|phase| phase.sticky = Stickiness::On);
        compile(config)
    };
    for _ in 0..10 {
        let (one, other) = random_ranges(&mut random);
        let before = sticky(two_phases(joined(&one), joined(&other)));
        // The phases swap their traffic.
        let after = sticky(two_phases(joined(&other), joined(&one)));
        let handle = before.decision_point(&point("ranker")).unwrap();
        for unit in users(&before, 200) {
            let first = before.assign(&unit, handle, &now());
            let record = first.sticky_record();
            assert_eq!(record.is_some(), first.served().is_some());
            let records = Vec::from_iter(record);
            let second = after.assign(&unit, handle, &with(&records));
            assert_eq!(place(&first), place(&second));
            assert_eq!(second.sticky_record(), None);
        }
    }
}

/// The trace does not change what it traces, and what it ends with is what is assigned.
#[test]
fn explanations_tell_the_same_story() {
    let mut random = Random(14);
    for _ in 0..10 {
        let (one, other) = random_ranges(&mut random);
        let snapshot = compile(two_phases(joined(&one), joined(&other)));
        let records = [StickyRecord::new(phase_id("one"), 1, arm_id("a"))];
        for unit in users(&snapshot, 100) {
            let assignment = ask(&snapshot, &unit);
            let explanation = snapshot.explain(&unit, &point("ranker"), &with(&records[..0]));
            assert_eq!(explanation.reason(), assignment.reason());
            if let Some((phase, arm)) = place(&assignment) {
                assert!(explanation.result().contains(&format!("arm {arm:?} of phase {phase:?}")));
            }
        }
    }
}
