//! Assignment never moves by accident.

use expt_assign::mix::Xmix0;
use expt_core::{ExperimentId, LayerId, UnitId, UnitKind};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    algorithm: String,
    frozen: bool,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    project_key: String,
    unit_kind: UnitKind,
    unit: UnitId,
    layer: LayerId,
    experiment: ExperimentId,
    epoch: u32,
    salt: String,
    digest: String,
    layer_place: String,
    arm_place: String,
    holdout_place: String,
}

/// The vectors come from an implementation in another language. `xmix0` is unfrozen: until it is proved they
/// may be made anew, together with the description in `src/mix.rs`; afterwards a change is a new algorithm.
#[test]
fn agrees_with_an_independent_implementation() {
    let vectors: Vectors = serde_json::from_str(include_str!("../../testdata/xmix0.json")).unwrap();
    assert_eq!((vectors.algorithm.as_str(), vectors.frozen, vectors.cases.len()), ("xmix0", false, 36));
    for case in vectors.cases {
        let mix = Xmix0::new(&case.project_key);
        let unit = mix.unit(&case.unit_kind).digest(&case.unit);
        let hex = |place: u64| format!("{place:016x}");
        assert_eq!(unit.to_string(), case.digest, "digest of {}", case.unit);
        assert_eq!(hex(mix.layer(&case.layer).place(unit)), case.layer_place, "layer, {}", case.unit);
        let arms = mix.arms(&case.experiment, case.epoch);
        assert_eq!(hex(arms.place(unit)), case.arm_place, "arms, {}", case.unit);
        assert_eq!(hex(mix.holdout(&case.salt).place(unit)), case.holdout_place, "holdout, {}", case.unit);
    }
}
