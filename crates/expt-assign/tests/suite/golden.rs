//! Assignment never moves by accident.

use expt_assign::mix::{UnitHash, Xmix1};
use expt_core::{ExperimentId, LayerId, UnitKind};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    algorithm: String,
    frozen: bool,
    settings: Vec<Setting>,
    units: Vec<String>,
    /// The digest and the places under the keys of layer, arms and holdout; by setting, then by unit.
    vectors: Vec<[String; 4]>,
}

/// Digest function, project key, kind, layer, experiment, epoch, salt of the holdout.
#[derive(Deserialize)]
struct Setting(UnitHash, String, UnitKind, LayerId, ExperimentId, u32, String);

/// The vectors come from `testdata/xmix1.py`, an implementation in another language with a SipHash of its
/// own. They never change: whoever has to change them needs a new algorithm with a new name.
#[test]
fn agrees_with_an_independent_implementation() {
    let vectors: Vectors = serde_json::from_str(include_str!("../../testdata/xmix1.json")).unwrap();
    assert_eq!((vectors.algorithm.as_str(), vectors.frozen), ("xmix1", true));
    assert_eq!((vectors.settings.len(), vectors.units.len(), vectors.vectors.len()), (40, 250, 10_000));
    let mut expected = vectors.vectors.iter();
    for Setting(hash, project, kind, layer, experiment, epoch, salt) in &vectors.settings {
        let mix = Xmix1::new(project, *hash);
        let unit_key = mix.unit(kind);
        let keys = [mix.layer(layer), mix.arms(experiment, *epoch), mix.holdout(salt)];
        for unit in &vectors.units {
            let digest = unit_key.digest(unit);
            let [layer, arms, holdout] = keys.map(|key| format!("{:016x}", key.place(digest)));
            let found = [digest.to_string(), layer, arms, holdout];
            assert_eq!(Some(&found), expected.next(), "{hash}, project {project:?}, unit {unit:?}");
        }
    }
}

/// The names are part of what is frozen: configs are stored with them.
#[test]
fn digests_have_names_in_configs() {
    for (hash, name) in [(UnitHash::SipHash13, "siphash-1-3-128"), (UnitHash::Blake3, "blake3")] {
        assert_eq!(hash.to_string(), name);
        assert_eq!(serde_json::to_value(hash).unwrap(), name);
        assert_eq!(serde_json::from_value::<UnitHash>(name.into()).unwrap(), hash);
    }
}
