use std::collections::BTreeMap;

use expt_analysis::audit::{AuditError, Cluster, ClusterDesign, ClusterTable};
use expt_core::{ExperimentId, UnitId};
use expt_stats::Shares;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::{arm, close};

fn design(epoch: u32, arms: &[&str]) -> ClusterDesign {
    let arms: Vec<_> = arms.iter().map(|name| arm(name)).collect();
    ClusterDesign::new("test", &ExperimentId::new("e").unwrap(), epoch, &arms).unwrap()
}

fn id(number: usize) -> UnitId {
    UnitId::new(format!("city-{number:03}")).unwrap()
}

fn in_strata(sizes: &[usize]) -> Vec<Cluster> {
    let strata = sizes.iter().enumerate().flat_map(|(stratum, size)| std::iter::repeat_n(stratum, *size));
    strata
        .enumerate()
        .map(|(number, stratum)| Cluster::new(id(number)).with_stratum(format!("s{stratum}")))
        .collect()
}

fn random(count: usize, seed: u64) -> Vec<Cluster> {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..count).map(|number| Cluster::new(id(number)).with_covariates(&[rng.random(), rng.random()])).collect()
}

/// For each block the clusters of each arm.
fn cells(table: &ClusterTable) -> Vec<Vec<usize>> {
    let mut cells = vec![vec![0; table.arms.len()]; table.blocks.len()];
    for row in &table.rows {
        cells[row.block][table.arms.iter().position(|arm| *arm == row.arm).unwrap()] += 1;
    }
    cells
}

#[test]
fn every_stratum_and_the_whole_are_balanced_within_one() {
    let sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 1, 1, 5, 23];
    for epoch in 0..50 {
        for arms in [&["a", "b"][..], &["a", "b", "c"], &["a", "b", "c", "d", "e"]] {
            let table = design(epoch, arms).stratified(&in_strata(&sizes)).unwrap();
            assert_eq!(table.rows.len(), sizes.iter().sum::<usize>());
            let within_one = |counts: &[usize]| {
                let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
                assert!(most - least <= 1, "{counts:?}");
            };
            cells(&table).iter().for_each(|counts| within_one(counts));
            within_one(&table.balance.clusters.iter().map(|count| *count as usize).collect::<Vec<_>>());
        }
        let shares = [0.5, 0.3, 0.2];
        let uneven = design(epoch, &["a", "b", "c"]).with_shares(Shares::new(&shares).unwrap()).unwrap();
        let table = uneven.stratified(&in_strata(&sizes)).unwrap();
        for (counts, block) in cells(&table).iter().zip(&table.blocks) {
            for (count, share) in counts.iter().zip(shares) {
                let exact = share * block.clusters.len() as f64;
                assert!((*count as f64 - exact).abs() < 1.0 - 1e-9, "{counts:?}");
            }
        }
    }
}

/// Over 4,000 epochs every cluster is in an arm as often as the arm's share says, within 4.5 standard errors (of 60
/// counts one leaves that with a chance of 4e-4); so are two clusters of different blocks together.
#[test]
fn chances_are_the_shares() {
    let near = |count: u32, share: f64| {
        let error = (4_000.0 * share * (1.0 - share)).sqrt();
        assert!((f64::from(count) - 4_000.0 * share).abs() < 4.5 * error, "{count} {share}");
    };
    let shares = Shares::new(&[0.5, 0.3, 0.2]).unwrap();
    let (three, odd) = (in_strata(&[4, 1, 2]), random(7, 1));
    let mut counts: BTreeMap<(&str, UnitId, String), u32> = BTreeMap::new();
    let mut together = 0;
    for epoch in 0..4_000 {
        let uneven =
            design(epoch, &["a", "b", "c"]).with_shares(shares.clone()).unwrap().stratified(&three).unwrap();
        let even = design(epoch, &["a", "b", "c"]).stratified(&three).unwrap();
        let pairs =
            design(epoch, &["a", "b"]).with_covariates(&["x", "y"]).unwrap().matched_pairs(&odd).unwrap();
        for (what, table) in [("uneven", &uneven), ("even", &even), ("pairs", &pairs)] {
            for (cluster, arm) in table.assignments() {
                *counts.entry((what, cluster.clone(), arm.to_string())).or_default() += 1;
            }
        }
        let [first, .., last] = &pairs.blocks[..] else { panic!() };
        together += u32::from(pairs.arm(&first.clusters[0]) == pairs.arm(&last.clusters[0]));
    }
    near(together, 0.5);
    for ((what, _, arm), count) in counts {
        match (what, arm.as_str()) {
            ("even", _) => near(count, 1.0 / 3.0),
            ("uneven", "b") => near(count, 0.3),
            ("uneven", "c") => near(count, 0.2),
            _ => near(count, 0.5),
        }
    }
}

#[test]
fn tables_depend_on_nothing_but_what_they_say() {
    let design = design(3, &["a", "b"]).with_covariates(&["x", "y"]).unwrap();
    let mut clusters = random(61, 2);
    for (number, cluster) in clusters.iter_mut().enumerate() {
        *cluster = cluster.clone().with_stratum(["north", "south"][number % 2]);
    }
    let (pairs, strata) = (design.matched_pairs(&clusters).unwrap(), design.stratified(&clusters).unwrap());
    for seed in 0..5 {
        clusters.shuffle(&mut StdRng::seed_from_u64(seed));
        assert_eq!(design.matched_pairs(&clusters).unwrap(), pairs);
        assert_eq!(design.stratified(&clusters).unwrap(), strata);
    }
    let text = serde_json::to_string(&pairs).unwrap();
    assert_eq!(serde_json::from_str::<ClusterTable>(&text).unwrap(), pairs);
    // Another project draws other arms in the same pairs.
    let other = ClusterDesign::new("other", &ExperimentId::new("e").unwrap(), 3, &pairs.arms).unwrap();
    let other = other.with_covariates(&["x", "y"]).unwrap().matched_pairs(&clusters).unwrap();
    assert!(other.rows != pairs.rows && other.blocks == pairs.blocks);
    assert!(!format!("{design:?}").contains("draws"));
    assert_eq!(pairs.rows.len(), 61);
    assert!(cells(&pairs).iter().all(|counts| counts[0].abs_diff(counts[1]) <= 1));
    assert_eq!(pairs.blocks.iter().filter(|block| block.clusters.len() == 3).count(), 1);
}

/// `E[M] = p v` for pairs, `p` without: 2,000 epochs, within 4.5 standard errors of what was seen.
#[test]
fn pairs_keep_as_little_variance_as_they_say() {
    let clusters = random(24, 5);
    let mean = |tables: &dyn Fn(&ClusterDesign) -> ClusterTable| {
        let of = |epoch| {
            let table = tables(&design(epoch, &["a", "b"]).with_covariates(&["x", "y"]).unwrap());
            table.balance.statistic.unwrap()
        };
        let values: Vec<f64> = (0..2_000).map(of).collect();
        let mean = values.iter().sum::<f64>() / 2_000.0;
        (mean, (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 2_000.0 / 2_000.0).sqrt())
    };
    let paired = |design: &ClusterDesign| design.matched_pairs(&clusters).unwrap();
    let says = paired(&design(1, &["a", "b"]).with_covariates(&["x", "y"]).unwrap()).variance_kept.unwrap();
    let (pairs, error) = mean(&paired);
    assert!((pairs - 2.0 * says).abs() < 4.5 * error && says < 0.15, "{pairs} {says} {error}");
    let (plain, error) = mean(&|design| design.stratified(&clusters).unwrap());
    assert!((plain - 2.0).abs() < 4.5 * error, "{plain} {error}");
}

#[test]
fn balance_is_in_standard_deviations() {
    let clusters: Vec<Cluster> = [1.0, 2.0, 4.0, 9.0]
        .iter()
        .enumerate()
        .map(|(number, x)| Cluster::new(id(number)).with_covariates(&[*x]))
        .collect();
    let table = design(1, &["a", "b"]).with_covariates(&["x"]).unwrap().stratified(&clusters).unwrap();
    let mut sums = BTreeMap::new();
    for (row, x) in table.rows.iter().zip([1.0, 2.0, 4.0, 9.0]) {
        *sums.entry(row.arm.to_string()).or_insert(0.0) += x / 2.0;
    }
    // The standard deviation of 1, 2, 4, 9 is sqrt(38 / 3).
    close(table.balance.contrasts[0].standardised, (sums["b"] - sums["a"]) / (38.0_f64 / 3.0).sqrt(), 1e-12);
    close(table.balance.statistic.unwrap(), table.balance.contrasts[0].standardised.powi(2), 1e-12);
}

#[test]
fn what_cannot_be_designed_is_refused() {
    let two = design(1, &["a", "b"]);
    let with = two.clone().with_covariates(&["x", "y"]).unwrap();
    assert!(matches!(two.matched_pairs(&random(9, 1)), Err(AuditError::TooFew { what: "covariates", .. })));
    assert!(matches!(with.stratified(&in_strata(&[4])), Err(AuditError::Length { .. })));
    assert!(matches!(with.matched_pairs(&random(3, 1)), Err(AuditError::TooFew { what: "clusters", .. })));
    assert!(matches!(with.matched_pairs(&random(1_001, 1)), Err(AuditError::TooMany { .. })));
    let mut twice = random(9, 1);
    twice.push(twice[0].clone());
    assert!(matches!(with.matched_pairs(&twice), Err(AuditError::Duplicate { .. })));
    let bad = |values: fn(f64) -> [f64; 2]| -> AuditError {
        let clusters: Vec<_> =
            (0..9).map(|n| Cluster::new(id(n)).with_covariates(&values(n as f64))).collect();
        with.matched_pairs(&clusters).unwrap_err()
    };
    assert_eq!(bad(|n| [n, 7.0]), AuditError::Dependent { covariate: "y".into() });
    assert!(matches!(bad(|n| [n, f64::NAN]), AuditError::NotFinite { .. }));
    let three = design(1, &["a", "b", "c"]).with_covariates(&["x", "y"]).unwrap();
    assert!(matches!(three.matched_pairs(&random(9, 1)), Err(AuditError::TooMany { what: "arms", .. })));
    let uneven = with.with_shares(Shares::new(&[2.0, 1.0]).unwrap()).unwrap();
    assert!(matches!(uneven.matched_pairs(&random(9, 1)), Err(AuditError::OutOfRange { .. })));
    assert!(two.clone().with_shares(Shares::new(&[1.0; 3]).unwrap()).is_err());
    assert!(two.stratified(&in_strata(&[1])).is_err() && two.with_covariates(&["x", "x"]).is_err());
}

/// The largest design is a matter of seconds, whatever the points: random, on a line, or all in two places.
#[test]
fn the_largest_design_is_quick() {
    let design = design(1, &["a", "b"]).with_covariates(&["x"]).unwrap();
    for value in [|n: usize| n as f64, |n| (n % 2) as f64, |n| (n * n % 977) as f64] {
        let clusters: Vec<_> = (0..1_000).map(|n| Cluster::new(id(n)).with_covariates(&[value(n)])).collect();
        let table = design.matched_pairs(&clusters).unwrap();
        assert!(table.blocks.len() == 500 && table.variance_kept.unwrap() < 1e-3);
    }
    let table = self::design(1, &["a", "b"])
        .with_covariates(&["x", "y"])
        .unwrap()
        .matched_pairs(&random(999, 3))
        .unwrap();
    assert_eq!(table.blocks.len(), 499);
}
