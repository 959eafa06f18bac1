//! The audits: against independent numbers, by simulation, and that the order of rows means nothing.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod clusters;
mod independence;
mod replay;
mod srm;
mod traffic;

use expt_assign::mix::{MixKey, UnitDigest, UnitHash, Xmix1};
use expt_assign::{Range, Ranges};
use expt_core::{
    ArmId, ExperimentId, Exposure, ExposureTarget, HoldoutId, Identity, PhaseId, Share, Timestamp, UnitId,
    UnitKind,
};

fn start() -> Timestamp {
    "2026-03-02".parse().unwrap()
}

fn arm(name: &str) -> ArmId {
    ArmId::new(name).unwrap()
}

fn phase(name: &str) -> PhaseId {
    PhaseId::new(name).unwrap()
}

fn users() -> UnitKind {
    UnitKind::new("user").unwrap()
}

/// A user saw an arm of a phase.
fn exposure(number: u32, phase: &str, name: &str, epoch: u32, at: Timestamp) -> Exposure {
    let experiment = ExperimentId::new("e").unwrap();
    let phase = PhaseId::new(phase).unwrap();
    let target = ExposureTarget::Arm { experiment, phase, arm: arm(name), epoch };
    let unit = UnitId::new(format!("u{number}")).unwrap();
    Exposure { at, unit, unit_kind: users(), identity: Identity::Own, target, config_version: 1 }
}

/// A user was kept out by a holdout.
fn held(number: u32, holdout: &str, at: Timestamp) -> Exposure {
    let target = ExposureTarget::Holdout { holdout: HoldoutId::new(holdout).unwrap() };
    Exposure { target, ..exposure(number, "p", "a", 1, at) }
}

/// The digest of unit `number`.
fn unit(number: u32) -> UnitDigest {
    let users = Xmix1::new("test", UnitHash::default()).unit(&users());
    users.digest(&format!("u{number}"))
}

/// The key of the arms of an experiment in an epoch.
fn arms(experiment: &str, epoch: u32) -> MixKey {
    Xmix1::new("test", UnitHash::default()).arms(&ExperimentId::new(experiment).unwrap(), epoch)
}

fn split(percent: &[u32]) -> Vec<Ranges> {
    let shares: Vec<Share> = percent.iter().map(|&percent| Share::percent(percent).unwrap()).collect();
    Ranges::split(&shares).unwrap()
}

/// Ranges that give unit `i` the arm `wanted[i]`, whatever the hash.
fn dictated(wanted: &[usize], count: usize, key: &MixKey) -> Vec<Ranges> {
    let mut arms = vec![Ranges::none(); count];
    for (number, arm) in (0..).zip(wanted) {
        let place = key.place(unit(number));
        arms[*arm] = arms[*arm].clone().with(Range::new(place, place));
    }
    arms
}

fn close(got: f64, want: f64, relative: f64) {
    assert!((got - want).abs() <= relative * want.abs(), "{got}, not {want}");
}
