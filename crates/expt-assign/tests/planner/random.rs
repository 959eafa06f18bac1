//! Random configs, and random changes of them.

use expt_assign::{Config, HoldoutEntry, HoldoutLifetime, PhaseEntry, PhaseState, Range, Ranges, Stickiness};
use expt_core::{HoldoutId, Timestamp};

use crate::common::{NOW, Random, arm_entry, config, running, user};

/// Cuts the space at random places.
pub(crate) fn pieces(random: &mut Random, count: usize) -> Vec<Range> {
    let mut borders: Vec<u64> = (1..count).map(|_| random.next()).collect();
    borders.sort_unstable();
    borders.dedup();
    let firsts = std::iter::once(0).chain(borders.iter().copied());
    let lasts = borders.iter().map(|border| border - 1).chain([u64::MAX]);
    firsts.zip(lasts).filter_map(|(first, last)| Range::new(first, last)).collect()
}

/// Deals the space out in random pieces, in random order, and leaves some to nobody if asked to.
pub(crate) fn deal(random: &mut Random, owners: usize, leave: bool) -> Vec<Ranges> {
    loop {
        let count = owners * (1 + random.below(4)) + usize::from(leave);
        let mut cut = pieces(random, count);
        random.shuffle(&mut cut);
        let mut dealt = vec![Vec::new(); owners + usize::from(leave)];
        for (index, piece) in cut.into_iter().enumerate() {
            let owner = index % dealt.len();
            dealt[owner].push(piece);
        }
        dealt.truncate(owners);
        if dealt.iter().all(|list| !list.is_empty()) {
            return dealt.into_iter().map(|list| list.into_iter().collect()).collect();
        }
    }
}

fn random_state(random: &mut Random, entry: &mut PhaseEntry) {
    entry.state = match random.below(8) {
        0 => PhaseState::Draft,
        1 => PhaseState::Stopped,
        2 => PhaseState::Shipped { arm: entry.arms[random.below(entry.arms.len())].arm.clone() },
        3 => PhaseState::PausedIntake,
        _ => PhaseState::Running,
    };
}

fn random_arms(random: &mut Random, entry: &mut PhaseEntry, of: &str) {
    let count = 1 + random.below(5);
    let ranges = deal(random, count, false);
    let mut names = ["a", "b", "c", "d", "e"];
    random.shuffle(&mut names);
    entry.arms = names.iter().zip(ranges).map(|(name, ranges)| arm_entry(name, of, ranges)).collect();
    // A winner that is no arm any more cannot be shipped.
    if let PhaseState::Shipped { arm } = &entry.state
        && entry.arms.iter().all(|entry| entry.arm != *arm)
    {
        entry.state = PhaseState::Running;
    }
}

fn random_holdouts(random: &mut Random) -> Vec<HoldoutEntry> {
    let count = random.below(4);
    let holdouts = (0..count).map(|index| {
        let small = |random: &mut Random, slot: u64| {
            let first = (u64::MAX / 16) * slot;
            Range::new(first, first + random.next() % (u64::MAX / 16)).unwrap()
        };
        let slot = 4 * index as u64;
        let id = HoldoutId::new(format!("h{index}")).unwrap();
        let salt = ["s", "t"][random.below(2)];
        let mut entry = HoldoutEntry::new(id, user(), salt, Ranges::from(small(random, slot)));
        if random.chance(2) {
            entry.ranges = entry.ranges.with([small(random, slot + 2)]);
        } else if random.chance(2) {
            // Next to each other, so that it can rotate.
            let width = u64::try_from(entry.ranges.width()).unwrap();
            let first = entry.ranges.as_slice()[0].first() + width;
            let group = Range::new(first, first + width - 1).unwrap();
            let id = HoldoutId::new(format!("g{index}")).unwrap();
            entry = entry.with_shipped_only(id, Ranges::from(group));
        }
        if random.chance(3) {
            entry = entry.with_layers(["ads".parse().unwrap()]);
        }
        let day = 86_400_000_000;
        let at = |days: i64| Timestamp::from_micros(NOW.as_micros() + days * day);
        let lifetime = match random.below(4) {
            0 => HoldoutLifetime::Until(at(if random.chance(2) { 1 } else { -1 })),
            1 if entry.ranges.as_slice().len() == 1 => HoldoutLifetime::Rotating { start: at(-40), days: 7 },
            _ => HoldoutLifetime::Permanent,
        };
        entry.with_lifetime(lifetime)
    });
    holdouts.collect()
}

/// Two layers with up to three phases each, ranges and arms in fragments, holdouts.
pub(crate) fn random_config(random: &mut Random) -> Config {
    let mut config = config();
    for of in ["ranking", "ads"] {
        let count = random.below(4);
        for (index, ranges) in deal(random, count.max(1), true).into_iter().enumerate().take(count) {
            let mut entry = running(&format!("{of}-{index}"), of, ranges, &[("a", 1_000_000)])
                .with_sticky(Stickiness::On)
                .with_epoch(1 + u32::try_from(random.below(2)).unwrap());
            random_arms(random, &mut entry, of);
            random_state(random, &mut entry);
            config.phases.push(entry);
        }
    }
    config.holdouts = random_holdouts(random);
    config
}

/// Another config, with much in common or little.
pub(crate) fn random_change(random: &mut Random, old: &Config) -> Config {
    let mut wanted = old.clone();
    wanted.version += 1;
    for of in ["ranking", "ads"] {
        let others = random_config(random);
        if random.chance(2) {
            // Other ranges for the same phases, or phases that come and go.
            let known: Vec<_> =
                wanted.phases.iter().filter(|entry| entry.layer.as_str() == of).cloned().collect();
            wanted.phases.retain(|entry| entry.layer.as_str() != of);
            for mut entry in others.phases.into_iter().filter(|entry| entry.layer.as_str() == of) {
                let before = known.iter().find(|before| before.id == entry.id);
                if let Some(before) = before.filter(|_| random.chance(2)) {
                    entry = before.clone().with_ranges(entry.ranges);
                }
                wanted.phases.push(entry);
            }
        }
        for entry in wanted.phases.iter_mut().filter(|entry| entry.layer.as_str() == of) {
            match random.below(6) {
                0 => random_arms(random, entry, of),
                1 => entry.epoch += 1,
                2 if !matches!(entry.state, PhaseState::Draft | PhaseState::Stopped) => {
                    entry.state = PhaseState::Shipped { arm: entry.arms[0].arm.clone() };
                }
                3 if entry.state == PhaseState::Running => entry.state = PhaseState::PausedIntake,
                4 => entry.ranges = entry.ranges.as_slice().iter().rev().skip(1).copied().collect(),
                _ => {}
            }
        }
    }
    if random.chance(2) {
        wanted.holdouts = random_holdouts(random);
    }
    wanted
}
