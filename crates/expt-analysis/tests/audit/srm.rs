use std::time::Duration;

use expt_analysis::audit::{AuditError, SrmAudit, SrmFinding, SrmReport, arm_shares};
use expt_core::{Exposure, HoldoutId, Timestamp, UnitKind};
use expt_stats::{Alpha, LnP, Shares, SrmMethod, SrmVerdict};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::{arm, arms, close, exposure, held, phase, split, start, unit, users};

const DAY: Duration = Duration::from_secs(86_400);

fn audit(names: &[&str]) -> SrmAudit {
    SrmAudit::new(phase("p"), users(), &names.iter().map(|name| arm(name)).collect::<Vec<_>>()).unwrap()
}

fn shares(weights: &[f64]) -> Shares {
    Shares::new(weights).unwrap()
}

/// A log with so many units of each arm on each day.
fn log(days: &[&[(&str, u32)]]) -> Vec<Exposure> {
    let mut rows = Vec::new();
    for (day, cells) in (0..).zip(days) {
        for (name, units) in *cells {
            let first = rows.len() as u32;
            let at = |number: u32| start() + DAY * day + Duration::from_secs(number.into());
            rows.extend((0..*units).map(|n| exposure(first + n, "p", name, 1, at(n))));
        }
    }
    rows
}

fn one_look(report: &SrmReport) -> f64 {
    report.one_look.unwrap().p()
}

/// Source: scipy 1.17 `stats.chi2.sf` of `D' pinv(V) D` (numpy) for the score test, `stats.chisquare` for a period.
#[test]
fn p_values_agree_with_scipy() {
    let promised = audit(&["a", "b", "c"])
        .with_period(1, start()..start() + DAY, shares(&[0.8, 0.1, 0.1]))
        .unwrap()
        .with_period(1, start() + DAY..Timestamp::MAX, shares(&[0.5, 0.25, 0.25]))
        .unwrap();
    let log = log(&[&[("a", 790), ("b", 118), ("c", 92)], &[("a", 290), ("b", 171), ("c", 139)]]);
    let report = promised.run(&log).unwrap();
    close(one_look(&report), SCORE_P, 1e-10);
    for (period, want) in report.periods.iter().zip(PERIODS_P) {
        close(period.one_look.ln_p.p(), want, 1e-10);
    }
    assert_eq!(report.periods[1].one_look.expected, [300.0, 150.0, 150.0]);
    // Bayes factors multiply: ln p at any look is minus the sum, at most 0.
    let sum: f64 = report
        .periods
        .iter()
        .map(|period| match period.any_look.method {
            SrmMethod::Sequential { ln_bayes_factor } => ln_bayes_factor,
            _ => panic!(),
        })
        .sum();
    close(report.any_look.get(), (-sum).min(0.0), 1e-12);
    // Two days, each as its period: Holm makes the smaller p twice itself.
    let least = PERIODS_P[0].min(PERIODS_P[1]);
    let adjusted: Vec<f64> = report.days.iter().map(|day| day.adjusted.p()).collect();
    assert!(adjusted.iter().any(|p| (p - 2.0 * least).abs() < 1e-10), "{adjusted:?}");
    assert_eq!(report.days[1].day, start() + DAY);
}

const SCORE_P: f64 = 0.018148610270476737;
const PERIODS_P: [f64; 2] = [0.1349973675990658, 0.13002871087842593];

#[test]
fn one_period_is_pearson_and_arms_may_take_turns() {
    let both = audit(&["a", "b", "c", "d"])
        .with_period(1, start()..start() + DAY, shares(&[1.0, 1.0, 0.0, 0.0]))
        .unwrap()
        .with_period(1, start() + DAY..Timestamp::MAX, shares(&[0.0, 0.0, 1.0, 1.0]))
        .unwrap();
    let report = both.run(&log(&[&[("a", 60), ("b", 40)], &[("c", 70), ("d", 30)]])).unwrap();
    // Chi-square 4 + 16 on 2 degrees of freedom: exp(-10).
    close(one_look(&report), (-10.0_f64).exp(), 1e-10);

    let one = audit(&["a", "b"]).with_period(1, start()..Timestamp::MAX, shares(&[1.0, 1.0])).unwrap();
    let report = one.run(&log(&[&[("a", 60), ("b", 40)]])).unwrap();
    close(one_look(&report), report.periods[0].one_look.ln_p.p(), 1e-12);
}

#[test]
fn a_bad_day_is_named() {
    let promised = audit(&["a", "b"]).with_period(1, start()..Timestamp::MAX, shares(&[1.0, 1.0])).unwrap();
    let good: &[(&str, u32)] = &[("a", 1_010), ("b", 990)];
    let report = promised.run(&log(&[good, good, &[("a", 1_200), ("b", 800)], good])).unwrap();
    let bad: Vec<_> = report
        .findings()
        .into_iter()
        .filter_map(|finding| match finding {
            SrmFinding::Day { day, .. } => Some(day),
            _ => None,
        })
        .collect();
    assert_eq!(bad, [start() + DAY * 2]);
    assert!(report.to_string().contains("the units of the day of 2026-03-04"), "{report}");
}

/// One unit in the arm of one per cent is no scandal: few units are judged without an approximation.
#[test]
fn small_days_do_not_cry_wolf() {
    let promised = audit(&["a", "b"]).with_period(1, start()..Timestamp::MAX, shares(&[99.0, 1.0])).unwrap();
    let report = promised.run(&log(&[&[("a", 0), ("b", 1)]])).unwrap();
    assert!(report.findings().is_empty() && report.one_look.is_none(), "{report}");
}

#[test]
fn every_row_has_one_fate_and_units_count_once() {
    let at = |hours: u32| start() + Duration::from_secs(3_600) * hours;
    let promised = audit(&["a", "b"])
        .with_period(1, at(0)..at(24), shares(&[1.0, 1.0]))
        .unwrap()
        .with_period(2, at(48)..at(72), shares(&[1.0, 1.0]))
        .unwrap();
    let devices = Exposure { unit_kind: UnitKind::new("device").unwrap(), ..exposure(1, "p", "a", 1, at(1)) };
    let rows = [
        exposure(1, "p", "a", 1, at(1)),
        exposure(1, "p", "a", 1, at(9)),
        exposure(1, "p", "b", 2, at(50)), // another epoch: counts again, not mixed
        exposure(2, "p", "b", 1, at(3)),  // its first
        exposure(2, "p", "a", 1, at(5)),  // mixed
        exposure(3, "p", "c", 1, at(3)),  // an arm that nobody promised
        exposure(4, "p", "a", 1, at(30)), // between periods
        exposure(5, "p", "a", 1, at(49)), // an old config
        exposure(6, "q", "a", 1, at(3)),  // another phase
        devices,
        held(7, "global", at(2)),
        exposure(7, "p", "a", 1, at(2)), // held, and exposed all the same
        exposure(8, "p", "b", 1, at(2)),
        held(8, "global", at(4)), // was exposed before
        held(9, "search", at(4)), // of no concern if holdouts are named
    ];
    let report = promised.run(&rows).unwrap();
    let tally = report.tally;
    assert_eq!((tally.read, tally.elsewhere, tally.held, tally.unknown_arm), (15, 2, 3, 1));
    assert_eq!((tally.no_period, tally.other_epoch, tally.accepted, tally.units), (1, 1, 7, 5));
    assert_eq!((report.mixed, report.exposed_while_held, report.exposed_then_held), (1, 1, 1));
    assert_eq!(report.periods[0].any_look.counts, [2, 2]);
    assert_eq!(report.periods[1].any_look.counts, [0, 1]);
    let global = promised.clone().with_holdout(HoldoutId::new("global").unwrap()).run(&rows).unwrap().tally;
    assert_eq!((global.held, global.elsewhere), (2, 3));
    let other = promised.clone().with_holdout(HoldoutId::new("other").unwrap()).run(&rows).unwrap();
    assert_eq!((other.exposed_while_held, other.tally.held), (0, 0));

    let mut shuffled = rows.to_vec();
    for seed in 0..20 {
        shuffled.shuffle(&mut StdRng::seed_from_u64(seed));
        assert_eq!(promised.run(&shuffled).unwrap(), report);
    }
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<SrmReport>(&text).unwrap(), report);
}

#[test]
fn a_unit_in_an_arm_without_share_is_impossible() {
    let promised =
        audit(&["a", "b", "c"]).with_period(1, start()..Timestamp::MAX, shares(&[1.0, 1.0, 0.0])).unwrap();
    let report = promised.run(&log(&[&[("a", 500), ("b", 500), ("c", 1)]])).unwrap();
    assert_eq!((report.verdict, report.one_look), (SrmVerdict::Mismatch, Some(LnP::IMPOSSIBLE)));
    let empty = promised.run(&[]).unwrap();
    assert!(empty.verdict == SrmVerdict::NoUnits && empty.days.is_empty() && empty.findings().is_empty());
}

/// Units through the real hash with a ramp of the arms: 1,000 logs at the level 0.05. At most 74 reject by the test at
/// one look with a chance of 99.9 % (binomial), and, as it is no broken test, at least 29.
#[test]
fn sound_logs_pass_and_the_level_holds() {
    let ramp = [split(&[90, 5, 5]), split(&[40, 30, 30])];
    let promised = audit(&["a", "b", "c"])
        .with_alpha(Alpha::FIVE_PERCENT)
        .with_period(1, start()..start() + DAY, arm_shares(&ramp[0]).unwrap())
        .unwrap()
        .with_period(1, start() + DAY..Timestamp::MAX, arm_shares(&ramp[1]).unwrap())
        .unwrap();
    let (mut one, mut any) = (0, 0);
    for log in 0..1_000_u32 {
        let key = arms(&format!("e{log}"), 1);
        let rows: Vec<Exposure> = (0..600)
            .map(|number| {
                let day = usize::from(number >= 300);
                let place = key.place(unit(number));
                let name = ["a", "b", "c"][ramp[day].iter().position(|arm| arm.contains(place)).unwrap()];
                exposure(number, "p", name, 1, start() + DAY * day as u32)
            })
            .collect();
        let report = promised.run(&rows).unwrap();
        one += u32::from(report.one_look.unwrap().is_at_most(Alpha::FIVE_PERCENT));
        any += u32::from(report.any_look.is_at_most(Alpha::FIVE_PERCENT));
    }
    assert!((29..=74).contains(&one) && any <= 74, "{one} {any}");
}

/// Five per cent of the treatment are lost among 40,000: found at both looks.
#[test]
fn loss_is_found() {
    let promised = audit(&["a", "b"]).with_period(1, start()..Timestamp::MAX, shares(&[1.0, 1.0])).unwrap();
    let mut rng = StdRng::seed_from_u64(5);
    let rows: Vec<Exposure> = (0..40_000)
        .filter_map(|number| {
            let name = if rng.random::<bool>() { "a" } else { "b" };
            let lost = name == "b" && rng.random::<f64>() < 0.05;
            (!lost).then(|| exposure(number, "p", name, 1, start()))
        })
        .collect();
    let report = promised.run(&rows).unwrap();
    assert!(report.verdict == SrmVerdict::Mismatch && one_look(&report) < 1e-4, "{report}");
    let repeated = promised.for_many_looks().run(&rows).unwrap();
    assert_eq!((repeated.verdict, repeated.ln_p), (SrmVerdict::Mismatch, report.any_look));
}

#[test]
fn what_cannot_be_audited_is_refused() {
    let two = audit(&["a", "b"]);
    assert!(matches!(two.run(&[]), Err(AuditError::TooFew { what: "periods", .. })));
    let twice = SrmAudit::new(phase("p"), users(), &[arm("a"), arm("a")]);
    assert!(matches!(twice, Err(AuditError::Duplicate { .. })));
    assert!(SrmAudit::new(phase("p"), users(), &[arm("a")]).is_err());
    let half = shares(&[1.0, 1.0]);
    assert!(two.clone().with_period(1, start()..start(), half.clone()).is_err());
    assert!(two.clone().with_period(1, start()..Timestamp::MAX, shares(&[1.0; 3])).is_err());
    let first = two.with_period(1, start()..start() + DAY * 2, half.clone()).unwrap();
    assert!(matches!(
        first.with_period(1, start() + DAY..Timestamp::MAX, half),
        Err(AuditError::Period { .. })
    ));
}
