//! Configs in one line each.

use std::collections::BTreeMap;

use expt_assign::{ArmEntry, Config, LayerEntry, PhaseEntry, PhaseState, Ranges, UnitEntry};
use expt_core::{ArmId, Binding, DecisionPoint, Digest, LayerId, PhaseId, Share, Timestamp, UnitKind};

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_772_368_200_000_000);

pub(crate) fn user() -> UnitKind {
    UnitKind::new("user").unwrap()
}

pub(crate) fn point(text: &str) -> DecisionPoint {
    DecisionPoint::new(text).unwrap()
}

pub(crate) fn layer(text: &str) -> LayerId {
    LayerId::new(text).unwrap()
}

pub(crate) fn phase(text: &str) -> PhaseId {
    PhaseId::new(text).unwrap()
}

pub(crate) fn arm(text: &str) -> ArmId {
    ArmId::new(text).unwrap()
}

pub(crate) fn percent(percent: u32) -> Share {
    Share::percent(percent).unwrap()
}

pub(crate) fn between(from: u32, to: u32) -> Ranges {
    Ranges::between(percent(from), percent(to))
}

/// Parameters that say which arm they came from.
pub(crate) fn arm_entry(name: &str, binds: &str, ranges: Ranges) -> ArmEntry {
    let params = BTreeMap::from([("arm".to_owned(), name.into())]);
    ArmEntry::new(arm(name), ranges).with_binding(point(binds), Binding::Params(params))
}

/// A running phase of an experiment of its own, with arms of these shares.
pub(crate) fn running(id: &str, of: &str, ranges: Ranges, arms: &[(&str, u32)]) -> PhaseEntry {
    let shares: Vec<_> = arms.iter().map(|(_, share)| Share::ppm(*share).unwrap()).collect();
    let split = Ranges::split(&shares).unwrap();
    let empty = PhaseEntry::new(phase(id), id.parse().unwrap(), layer(of), Digest::of(id.as_bytes()))
        .with_state(PhaseState::Running)
        .with_ranges(ranges);
    arms.iter()
        .zip(split)
        .fold(empty, |entry, ((name, _), ranges)| entry.with_arm(arm_entry(name, of, ranges)))
}

/// Users and two layers, `ranking` and `ads`, each with the decision point of its name.
pub(crate) fn config() -> Config {
    Config::new("shop", "shop-2026", 7)
        .with_unit(UnitEntry::new(user(), "user_id"))
        .with_layer(LayerEntry::new(layer("ranking"), user(), [point("ranking")]))
        .with_layer(LayerEntry::new(layer("ads"), user(), [point("ads")]))
}

/// Replaces a phase and raises the version.
pub(crate) fn with_phase(config: &Config, entry: PhaseEntry) -> Config {
    let mut config = config.clone();
    config.version += 1;
    match config.phases.iter_mut().find(|known| known.id == entry.id) {
        Some(known) => *known = entry,
        None => config.phases.push(entry),
    }
    config
}

/// `SplitMix64` (Steele, Lea, Flood 2014): enough for test data.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    pub(crate) fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, self.below(index + 1));
        }
    }
}
