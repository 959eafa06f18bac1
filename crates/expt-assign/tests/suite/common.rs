//! Configs in one line each, and random numbers that are the same every time.

use std::collections::BTreeMap;

use expt_assign::{
    ArmEntry, Assignment, Config, Context, ExclusionCause, ExclusionEntry, LayerEntry, PhaseEntry,
    PhaseState, Ranges, Snapshot, StickyRecord, Unit, UnitEntry,
};
use expt_core::{
    ArmId, Binding, DecisionPoint, Digest, ExperimentId, HoldoutId, LayerId, PhaseId, Share, Timestamp,
    UnitId, UnitKind,
};

pub(crate) fn kind(text: &str) -> UnitKind {
    UnitKind::new(text).unwrap()
}

pub(crate) fn point(text: &str) -> DecisionPoint {
    DecisionPoint::new(text).unwrap()
}

pub(crate) fn layer_id(text: &str) -> LayerId {
    LayerId::new(text).unwrap()
}

pub(crate) fn phase_id(text: &str) -> PhaseId {
    PhaseId::new(text).unwrap()
}

pub(crate) fn arm_id(text: &str) -> ArmId {
    ArmId::new(text).unwrap()
}

pub(crate) fn holdout_id(text: &str) -> HoldoutId {
    HoldoutId::new(text).unwrap()
}

pub(crate) fn unit_id(text: &str) -> UnitId {
    UnitId::new(text).unwrap()
}

pub(crate) fn percent(from: u32, to: u32) -> Ranges {
    Ranges::between(Share::percent(from).unwrap(), Share::percent(to).unwrap())
}

/// Parameters that say which arm they came from.
pub(crate) fn params(arm: &str) -> Binding {
    Binding::Params(BTreeMap::from([("arm".to_owned(), arm.into())]))
}

/// A running phase with the arms `a` and `b`, half each, which bind one point.
pub(crate) fn phase(id: &str, layer: &str, binds: &str, ranges: Ranges) -> PhaseEntry {
    let arm = |name, ranges| ArmEntry::new(arm_id(name), ranges).with_binding(point(binds), params(name));
    let experiment = ExperimentId::new(id).unwrap();
    PhaseEntry::new(phase_id(id), experiment, layer_id(layer), Digest::of(id.as_bytes()))
        .with_state(PhaseState::Running)
        .with_ranges(ranges)
        .with_arm(arm("a", percent(0, 50)))
        .with_arm(arm("b", percent(50, 100)))
}

/// Users and two layers, `ranking` with `ranker` and `ranker.threshold`, and `ads` with `ads`.
pub(crate) fn config() -> Config {
    Config::new("shop", "shop-2026", 7)
        .with_unit(UnitEntry::new(kind("user"), "user_id").with_fallback("device_id"))
        .with_layer(LayerEntry::new(
            layer_id("ranking"),
            kind("user"),
            [point("ranker"), point("ranker.threshold")],
        ))
        .with_layer(LayerEntry::new(layer_id("ads"), kind("user"), [point("ads")]))
}

/// As [`config`], with the phase `p` on all of `ranking`.
pub(crate) fn config_with_phase() -> Config {
    config().with_phase(phase("p", "ranking", "ranker", Ranges::all()))
}

pub(crate) fn compile(config: Config) -> Snapshot {
    Snapshot::compile(config).unwrap()
}

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_772_368_200_000_000);

/// A request of which only the time is known.
pub(crate) fn now() -> Context<'static> {
    Context::new(NOW)
}

/// Excludes one unit.
pub(crate) fn excluded(of: &str, unit: &str) -> ExclusionEntry {
    ExclusionEntry::new(ExclusionCause::Staff).with_unit(kind(of), unit_id(unit))
}

/// A request with sticky records.
pub(crate) fn with(records: &[StickyRecord]) -> Context<'_> {
    now().with_sticky(records)
}

pub(crate) fn user<'s>(snapshot: &'s Snapshot, id: &str) -> Unit<'s> {
    snapshot.unit(&kind("user"), id.to_owned()).unwrap()
}

/// Users `u0`, `u1`, ...
pub(crate) fn users(snapshot: &Snapshot, count: usize) -> Vec<Unit<'_>> {
    (0..count).map(|index| user(snapshot, &format!("u{index}"))).collect()
}

/// What a user gets at `ranker` without sticky records.
pub(crate) fn ask<'a>(snapshot: &'a Snapshot, unit: &'a Unit<'_>) -> Assignment<'a> {
    snapshot.assign(unit, snapshot.decision_point(&point("ranker")).unwrap(), &now())
}

/// The phase and arm that an assignment serves.
pub(crate) fn place(assignment: &Assignment<'_>) -> Option<(PhaseId, ArmId)> {
    assignment.served().map(|served| (served.phase.clone(), served.arm.clone()))
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

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        let index = self.below(items.len() as u64);
        items[usize::try_from(index).unwrap()]
    }
}
