use expt_analysis::audit::{Association, AuditError, IndependenceAudit, IndependenceReport, PlannedPhase};
use expt_assign::Ranges;
use expt_core::{Exposure, UnitKind};
use expt_stats::{Alpha, Correction};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::{arm, arms, close, exposure, held, phase, split, start, unit};

/// A log in which each cell is so many units, in an arm of phase `p` and one of phase `q`.
fn crossed(cells: &[(&str, &str, u32)]) -> Vec<Exposure> {
    let mut rows = Vec::new();
    let mut number = 0;
    for (left, right, units) in cells {
        for _ in 0..*units {
            number += 1;
            if !left.is_empty() {
                rows.push(exposure(number, "p", left, 1, start()));
            }
            if !right.is_empty() {
                rows.push(exposure(number, "q", right, 1, start()));
            }
        }
    }
    rows
}

/// Source: scipy 1.17 `stats.chi2_contingency(correction=False)`, `stats.contingency.association`; Bergsma's V by numpy
/// from its definition.
#[test]
fn tables_agree_with_scipy() {
    let log = crossed(&[
        ("a", "x", 40),
        ("a", "y", 55),
        ("a", "z", 25),
        ("b", "x", 60),
        ("b", "y", 30),
        ("b", "z", 40),
        ("a", "", 80),
        ("b", "", 50),
        ("", "x", 30),
        ("", "y", 31),
        ("", "z", 9),
    ]);
    let audit = IndependenceAudit::default().with_correction(Correction::Bonferroni);
    let report = audit.log(&log).unwrap();
    let [pair] = &report.pairs[..] else { panic!("{report}") };
    assert_eq!((pair.shared, &pair.table), (250, &vec![vec![40, 55, 25], vec![60, 30, 40]]));
    assert_eq!((&report.phases[0].units, &report.phases[1].units), (&vec![200, 180], &vec![130, 116, 74]));
    for (test, (statistic, df, p, v, corrected)) in pair.tests().zip(TESTS) {
        close(test.statistic, statistic, 1e-12);
        close(test.ln_p.p(), p, 1e-10);
        close(test.adjusted.p(), (3.0 * p).min(1.0), 1e-10);
        close(test.cramers_v, v, 1e-12);
        close(test.corrected_v, corrected, 1e-12);
        assert_eq!(test.df, df);
    }
    assert_eq!(pair.tests().count(), 3);
}

const TESTS: [(f64, u32, f64, f64, f64); 3] = [
    (14.43757976563407, 2, 0.0007326885215980245, 0.24031296066283292, 0.22342485789023636),
    (6.287863247863248, 1, 0.01215675224546441, 0.12863517616503095, 0.1180901395392188),
    (5.790891308132688, 2, 0.05527438634987928, 0.13452336353925531, 0.10892260787202966),
];

#[test]
fn rows_in_any_order_give_one_report() {
    let mut rng = StdRng::seed_from_u64(2);
    let mut rows: Vec<Exposure> = (0..3_000)
        .map(|_| {
            let (name, epoch) = (["p", "q", "r"][rng.random_range(0..3)], rng.random_range(1..3));
            let at = start() + std::time::Duration::from_secs(rng.random_range(0..50));
            exposure(rng.random_range(0..400), name, ["a", "b", "c"][rng.random_range(0..3)], epoch, at)
        })
        .collect();
    rows.push(held(3, "global", start()));
    let report = IndependenceAudit::default().log(&rows).unwrap();
    assert_eq!((report.phases.len(), report.pairs.len()), (6, 15));
    for _ in 0..5 {
        rows.shuffle(&mut rng);
        assert_eq!(IndependenceAudit::default().log(&rows).unwrap(), report);
    }
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<IndependenceReport>(&text).unwrap(), report);
}

#[test]
fn kinds_of_units_are_apart_and_few_units_say_nothing() {
    let mut log = crossed(&[("a", "x", 3), ("b", "y", 3)]);
    let report = IndependenceAudit::default().log(&log).unwrap();
    assert!(
        matches!(report.pairs[0].arms, Association::TooFew { expected } if (expected - 1.5).abs() < 1e-12)
    );
    assert!(report.pairs[0].tests().count() == 0 && report.flagged().count() == 0);
    for row in log.iter_mut().filter(|row| {
        matches!(&row.target,
        expt_core::ExposureTarget::Arm { phase, .. } if phase.as_str() == "p")
    }) {
        row.unit_kind = UnitKind::new("device").unwrap();
    }
    assert!(IndependenceAudit::default().log(&log).unwrap().pairs.is_empty());
}

/// A treatment that keeps a third of its users from coming to the other phase is found by reach, not by arms.
#[test]
fn selection_is_found() {
    let log = crossed(&[
        ("a", "x", 300),
        ("a", "y", 300),
        ("a", "", 400),
        ("b", "x", 200),
        ("b", "y", 200),
        ("b", "", 600),
    ]);
    let report = IndependenceAudit::default().log(&log).unwrap();
    let pair = report.flagged().next().unwrap();
    assert!(pair.left_reach.tested().unwrap().ln_p.is_at_most(Alpha::PER_MILLE));
    assert!(pair.arms.tested().unwrap().ln_p.p() > 0.99);
    assert!(matches!(pair.right_reach, Association::TooFew { .. }));
    assert!(report.to_string().contains("the arm in p (epoch 1) says who comes to q (epoch 1)"), "{report}");
}

fn planned(name: &str, key: &str, percent: &[u32], reached: Ranges) -> PlannedPhase {
    let names = ["a", "b", "c"].map(arm);
    let layer = arms(&format!("stands in for the layer of {name}"), 1);
    let ranges = names.into_iter().zip(split(percent)).collect();
    PlannedPhase::new(phase(name), (layer, reached), (arms(key, 1), ranges))
}

/// 12 sound phases, 66 pairs, up to 198 tests: none is flagged, and p-values of arms are not squeezed: with a chance of
/// 99.9 % (binomial) at most 10 of 66 are below 0.05. Of two with one key exactly the one pair is flagged.
#[test]
fn plans_are_audited_before_they_run() {
    let half = || split(&[50]).remove(0);
    let mut plans: Vec<_> = (0..12)
        .map(|n| {
            planned(
                &format!("p{n}"),
                &format!("e{n}"),
                &[50, 25, 25],
                if n % 3 == 0 { half() } else { Ranges::all() },
            )
        })
        .collect();
    let report = IndependenceAudit::default().planned((0..6_000).map(unit), &plans).unwrap();
    assert_eq!((report.pairs.len(), report.flagged().count()), (66, 0), "{report}");
    let low =
        report.pairs.iter().filter(|pair| pair.arms.tested().unwrap().ln_p.is_at_most(Alpha::FIVE_PERCENT));
    assert!(low.count() <= 10);

    plans[7] = planned("copied", "e2", &[50, 25, 25], Ranges::all()).with_epoch(4);
    let report = IndependenceAudit::default().planned((0..6_000).map(unit), &plans).unwrap();
    let flagged: Vec<_> = report.flagged().map(|pair| (pair.left, pair.right)).collect();
    assert_eq!(flagged, [(2, 7)]);
    assert_eq!(report.phases[7].epoch, 4);
}

#[test]
fn what_cannot_be_audited_is_refused() {
    let twice = [planned("p", "e", &[50, 50], Ranges::all()), planned("p", "f", &[50, 50], Ranges::all())];
    let audit = IndependenceAudit::default();
    assert!(matches!(audit.planned([], &twice), Err(AuditError::Duplicate { .. })));
    let many: Vec<Exposure> = (0..1_001).map(|epoch| exposure(1, "p", "a", epoch, start())).collect();
    assert!(matches!(audit.log(&many), Err(AuditError::TooMany { .. })));
    let empty = audit.log(&[]).unwrap();
    assert!(empty.phases.is_empty() && empty.pairs.is_empty());
    assert_eq!(audit.planned([], &twice[..1]).unwrap().phases[0].units, [0, 0]);
}
