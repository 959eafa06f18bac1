//! Places look uniform, and independent under different keys.
//!
//! A sanity check that catches gross faults, in every run of the tests and with both digests. The proof that
//! freezing `xmix1` needed is the program `tools/calibration`; its results are in `docs/calibration.md`.
//! Everything is fixed, so no test can fail by chance. A statistic is compared with the quantile of its
//! chi-square distribution at 1 - 1e-4, by the approximation of Wilson and Hilferty (1931) with z = 3.719;
//! about a hundred such comparisons are made, so a sound mix had a chance of about 1 % of failing when this
//! was written.

use std::collections::BTreeSet;

use expt_assign::mix::{MixKey, UnitDigest, UnitHash, Xmix1};
use expt_core::{ExperimentId, LayerId};

use crate::common::{Random, kind};

const IDS: u32 = 100_000;

const HASHES: [UnitHash; 2] = [UnitHash::SipHash13, UnitHash::Blake3];

/// Ids as they come: sequential numbers with a prefix.
fn sequential(project: &Xmix1, prefix: &str) -> Vec<UnitDigest> {
    let key = project.unit(&kind("user"));
    (0..IDS).map(|index| key.digest(&format!("{prefix}{index}"))).collect()
}

/// The part of the space that a place is in.
fn cell(place: u64, cells: usize) -> usize {
    usize::try_from((u128::from(place) * cells as u128) >> 64).unwrap()
}

fn chi_square(observed: &[u32]) -> f64 {
    let total: u32 = observed.iter().sum();
    let expected = f64::from(total) / observed.len() as f64;
    observed.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum()
}

fn quantile(df: f64, z: f64) -> f64 {
    let spread = 2.0 / (9.0 * df);
    df * (1.0 - spread + z * spread.sqrt()).powi(3)
}

/// Both margins are uniform and independent: all `n * n` cells are equally likely.
fn joint(units: &[UnitDigest], one: &MixKey, other: &MixKey, cells: usize) -> f64 {
    let mut observed = vec![0; cells * cells];
    for unit in units {
        observed[cell(one.place(*unit), cells) * cells + cell(other.place(*unit), cells)] += 1;
    }
    chi_square(&observed)
}

fn check_independent(name: &str, units: &[UnitDigest], one: &MixKey, other: &MixKey) {
    for cells in [2_usize, 10] {
        let statistic = joint(units, one, other, cells);
        let bound = quantile((cells * cells - 1) as f64, 3.719);
        assert!(statistic < bound, "{name}, {cells} cells: {statistic} is not below {bound}");
    }
}

#[test]
fn places_of_sequential_ids_are_uniform() {
    for hash in HASHES {
        check_uniform(&Xmix1::new("shop-2026", hash));
    }
}

fn check_uniform(project: &Xmix1) {
    let layers =
        ["ranking", "ads", "layer-1", "layer-2"].map(|name| project.layer(&LayerId::new(name).unwrap()));
    for prefix in ["", "user-", "00000000-0000-0000-0000-"] {
        let units = sequential(project, prefix);
        for (index, key) in layers.iter().enumerate() {
            let mut observed = vec![0; 100];
            let mut low_bits = vec![0; 100];
            for unit in &units {
                let place = key.place(*unit);
                observed[cell(place, 100)] += 1;
                low_bits[cell(place.reverse_bits(), 100)] += 1;
            }
            for statistic in [chi_square(&observed), chi_square(&low_bits)] {
                let bound = quantile(99.0, 3.719);
                assert!(statistic < bound, "{prefix:?}, layer {index}: {statistic} is not below {bound}");
            }
        }
    }
}

#[test]
fn keys_of_different_purpose_are_independent() {
    for hash in HASHES {
        check_purposes(&Xmix1::new("shop-2026", hash));
    }
}

fn check_purposes(project: &Xmix1) {
    let units = sequential(project, "user-");
    let layer = |name| project.layer(&LayerId::new(name).unwrap());
    let arms = |epoch| project.arms(&ExperimentId::new("ranker-v2").unwrap(), epoch);
    check_independent("two layers", &units, &layer("ranking"), &layer("ads"));
    check_independent("two layers with similar names", &units, &layer("layer-1"), &layer("layer-2"));
    check_independent("successive epochs", &units, &arms(1), &arms(2));
    check_independent("layer and arms", &units, &layer("ranking"), &arms(1));
    check_independent("holdout and layer", &units, &project.holdout("global-2026"), &layer("ranking"));
    check_independent("holdout and arms", &units, &project.holdout("global-2026"), &arms(1));
    check_independent("two holdouts", &units, &project.holdout("a"), &project.holdout("b"));
}

#[test]
fn projects_kinds_and_hashes_have_digests_of_their_own() {
    let [sip, blake] = HASHES.map(|hash| Xmix1::new("shop-2026", hash));
    let other = Xmix1::new("other", UnitHash::default());
    let keys = [
        sip.unit(&kind("user")),
        sip.unit(&kind("device")),
        blake.unit(&kind("user")),
        other.unit(&kind("user")),
    ];
    let digests: BTreeSet<_> = keys.iter().map(|key| key.digest("u-1")).collect();
    assert_eq!(digests.len(), keys.len());
}

/// All pairs of 24 layers. Of 276 independent tests at level 0.01 at most 12 reject with a chance of
/// 1 - 2e-5 (binomial); pairs are not quite independent of each other, which the margin allows for.
#[test]
fn pairs_of_many_layers_are_independent() {
    let project = Xmix1::new("shop-2026", UnitHash::default());
    let units = &sequential(&project, "")[..20_000];
    let keys: Vec<_> =
        (0..24).map(|index| project.layer(&LayerId::new(format!("exp_{index}")).unwrap())).collect();
    let bound = quantile(99.0, 2.326);
    let mut rejected = 0;
    for (index, one) in keys.iter().enumerate() {
        rejected += keys[..index].iter().filter(|other| joint(units, one, other, 10) > bound).count();
    }
    assert!(rejected <= 12, "{rejected} of 276 pairs");
}

/// The control: the tests above can fail.
#[test]
fn a_broken_mix_is_caught() {
    let mut random = Random(1);
    let mut observed = vec![0; 4];
    for _ in 0..10_000 {
        let place = random.next();
        // Two "layers" that only exchange bits: exclusive or with keys, no mixing.
        observed[cell(place, 2) * 2 + cell(place ^ 0x1234_5678_9abc_def0, 2)] += 1;
    }
    assert!(chi_square(&observed) > quantile(3.0, 3.719));
}
