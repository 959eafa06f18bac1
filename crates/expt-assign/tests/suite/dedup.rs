//! Exposures once, and never one too few.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use expt_assign::{Deduplicate, ExposureSink, Full, Pushed};
use expt_core::{ExperimentId, Exposure, ExposureTarget, Identity, LayerId, Timestamp};

use crate::common::{arm_id, holdout_id, kind, layer_id, phase_id, unit_id};

#[derive(Default)]
struct Rows {
    rows: Mutex<Vec<Exposure>>,
    full: AtomicBool,
}

impl ExposureSink for Rows {
    fn push(&self, _: &LayerId, exposure: Exposure) -> Result<Pushed, Full> {
        if self.full.load(Ordering::Relaxed) {
            return Err(Full);
        }
        self.rows.lock().unwrap().push(exposure);
        Ok(Pushed::Taken)
    }
}

fn exposure(unit: &str, arm: &str, epoch: u32) -> Exposure {
    Exposure {
        at: Timestamp::from_micros(0),
        unit: unit_id(unit),
        unit_kind: kind("user"),
        identity: Identity::Own,
        target: ExposureTarget::Arm {
            experiment: ExperimentId::new("e").unwrap(),
            phase: phase_id("p"),
            arm: arm_id(arm),
            epoch,
        },
        config_version: 1,
    }
}

fn push(sink: &Deduplicate<Rows>, exposure: Exposure) -> Result<Pushed, Full> {
    sink.push(&layer_id("ranking"), exposure)
}

/// Pushes and says how many rows came out.
fn check(exposures: &[Exposure], expected: usize) {
    let sink = Deduplicate::new(Rows::default(), 1024);
    for exposure in exposures {
        push(&sink, exposure.clone()).unwrap();
    }
    assert_eq!(sink.inner().rows.lock().unwrap().len(), expected);
    assert_eq!(sink.known(), (exposures.len() - expected) as u64);
}

#[test]
fn the_same_again_is_dropped_and_a_change_is_not() {
    let a = exposure("u", "a", 1);
    let b = exposure("u", "b", 1);
    check(&[a.clone(), a.clone(), a.clone()], 1);
    check(&[a.clone(), b.clone(), a.clone()], 3);
    check(&[a.clone(), exposure("u", "a", 2), exposure("v", "a", 1)], 3);
    check(&[a.clone(), Exposure { identity: Identity::Fallback, ..a.clone() }], 2);
    check(&[a.clone(), Exposure { unit_kind: kind("device"), ..a.clone() }], 2);
    check(&[a.clone(), Exposure { config_version: 2, at: Timestamp::MAX, ..a.clone() }], 1);
    let held = |id| Exposure { target: ExposureTarget::Holdout { holdout: holdout_id(id) }, ..a.clone() };
    check(&[a.clone(), held("p"), held("p"), held("q"), a.clone()], 3);
}

/// A unit that went over another phase of the layer and came back is found, in another layer it is not lost.
#[test]
fn a_layer_has_one_memory() {
    let a = exposure("u", "a", 1);
    let other = ExposureTarget::Arm {
        experiment: ExperimentId::new("f").unwrap(),
        phase: phase_id("q"),
        arm: arm_id("a"),
        epoch: 1,
    };
    check(&[a.clone(), Exposure { target: other, ..a.clone() }, a.clone()], 3);
    let sink = Deduplicate::new(Rows::default(), 1024);
    for layer in ["ranking", "ads", "ranking", "ads"] {
        sink.push(&layer_id(layer), a.clone()).unwrap();
    }
    assert_eq!(sink.known(), 2);
}

#[test]
fn what_was_not_taken_is_not_remembered() {
    let sink = Deduplicate::new(Rows::default(), 1024);
    push(&sink, exposure("u", "a", 1)).unwrap();
    sink.inner().full.store(true, Ordering::Relaxed);
    assert_eq!(push(&sink, exposure("u", "b", 1)), Err(Full));
    assert_eq!(push(&sink, exposure("u", "a", 1)), Ok(Pushed::Known), "what it knows needs no room");
    sink.inner().full.store(false, Ordering::Relaxed);
    push(&sink, exposure("u", "b", 1)).unwrap();
    assert_eq!(sink.inner().rows.lock().unwrap().len(), 2);
}

#[test]
fn a_small_memory_repeats_but_never_withholds() {
    for capacity in [0, 1, 64] {
        let sink = Deduplicate::new(Rows::default(), capacity);
        for round in 0..3 {
            for unit in 0..1000 {
                push(&sink, exposure(&format!("u{unit}"), if round == 1 { "b" } else { "a" }, 1)).unwrap();
            }
        }
        assert_eq!(sink.inner().rows.lock().unwrap().len(), 3000, "each round is news to each unit");
    }
    let sink = Deduplicate::new(Rows::default(), 100_000);
    for unit in 0..2000 {
        push(&sink, exposure(&format!("u{}", unit % 1000), "a", 1)).unwrap();
    }
    assert_eq!(sink.known(), 1000, "within its capacity it forgets nothing");
}

#[test]
fn threads_agree() {
    let sink = Deduplicate::new(Rows::default(), 1024);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for unit in 0..100 {
                    push(&sink, exposure(&format!("u{unit}"), "a", 1)).unwrap();
                }
            });
        }
    });
    assert_eq!(sink.inner().rows.lock().unwrap().len(), 100);
}
