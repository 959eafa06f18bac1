use expt_analysis::audit::{AuditError, History, Replay};
use expt_assign::{Range, Ranges};
use expt_stats::LnP;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::{arms, close, dictated, split, unit};

const X: [f64; 12] = [2.0, 3.5, 1.0, 7.25, 4.0, 4.5, 9.0, 2.5, 3.0, 8.0, 6.0, 5.5];
const Y: [f64; 12] = [10.0, -3.0, 4.0, 8.0, 0.5, 1.5, 12.0, -7.0, 2.0, 3.0, 5.0, 0.0];

fn small() -> History {
    let mut history = History::new(&["x", "y"]).unwrap();
    (0..).zip(X.iter().zip(Y)).for_each(|(number, (x, y))| history.push(unit(number), &[*x, y]).unwrap());
    history
}

fn random(units: u32, seed: u64) -> History {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut history = History::new(&["orders", "visits", "spend"]).unwrap();
    for number in 0..units {
        let orders: f64 = rng.random();
        let visits = orders + rng.random::<f64>();
        history.push(unit(number), &[orders, visits, -rng.random::<f64>().ln()]).unwrap();
    }
    history
}

/// Source: numpy 2.4 and scipy 1.17, `stats.ttest_ind(equal_var=False)`, `stats.chi2.sf`, and M from its definition.
#[test]
fn balance_agrees_with_scipy() {
    let wanted = [0, 1, 1, 0, 2, 0, 1, 2, 0, 2, 1, 2];
    let key = arms("e", 3);
    let two: Vec<usize> = wanted.iter().map(|arm| usize::from(*arm == 1)).collect();
    let balance = Replay::new(small(), &dictated(&two, 2, &key)).unwrap().epoch(3, &key).unwrap();
    assert_eq!((balance.epoch, balance.df, balance.outside), (3, 2, 0));
    assert_eq!(balance.ratio.counts, [8, 4]);
    close(balance.statistic, TWO_M, 1e-12);
    close(balance.ln_p.p(), TWO_P, 1e-12);
    for (contrast, (standardised, p)) in balance.contrasts.iter().zip(TWO) {
        close(contrast.standardised, standardised, 1e-12);
        close(contrast.ln_p.p(), p, 1e-10);
    }
    let three = Replay::new(small(), &dictated(&wanted, 3, &key)).unwrap().epoch(3, &key).unwrap();
    assert_eq!((three.df, three.contrasts.len()), (4, 4));
    close(three.statistic, THREE_M, 1e-12);
    close(three.ln_p.p(), THREE_P, 1e-12);
    let largest = three.largest().unwrap();
    assert_eq!((largest.covariate.as_str(), largest.arm), ("y", 2));
}

const TWO_M: f64 = 0.4858151022979279;
const TWO_P: f64 = 0.7843440221235101;
const TWO: [(f64, f64); 2] =
    [(0.0978778634063437, 0.8878151846981321), (0.396129800934229, 0.5554483143527498)];
const THREE_M: f64 = 4.841285004705797;
const THREE_P: f64 = 0.3039736974886668;

#[test]
fn order_of_rows_changes_nothing() {
    let mut rows: Vec<(u32, [f64; 2])> =
        (0..500).map(|n| (n, [f64::from(n % 13) * 0.1, f64::from(n * n % 31)])).collect();
    let search = |rows: &[(u32, [f64; 2])]| {
        let mut history = History::new(&["a", "b"]).unwrap();
        rows.iter().for_each(|(number, values)| history.push(unit(*number), values).unwrap());
        let replay = Replay::new(history, &split(&[20, 30, 50])).unwrap();
        replay.search([5, 9, 2, 7], |epoch| arms("e", epoch)).unwrap()
    };
    let found = search(&rows);
    rows.shuffle(&mut StdRng::seed_from_u64(1));
    assert_eq!(found, search(&rows));
    assert_eq!(found.scores.iter().map(|score| score.epoch).collect::<Vec<_>>(), [2, 5, 7, 9]);
    let text = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<expt_analysis::audit::Search>(&text).unwrap(), found);
}

/// `E[M] = p (K - 1)` exactly, given the counts; over 1,000 epochs the mean is within 4 standard errors.
#[test]
fn p_values_over_epochs_are_uniform_and_m_has_its_mean() {
    let replay = Replay::new(random(1_500, 7), &split(&[50, 30, 20])).unwrap();
    let found = replay.search(1..=1_000, |epoch| arms("e", epoch)).unwrap();
    assert!(found.uniformity.ln_p.p() > 0.001, "{found}");
    let mean = found.scores.iter().map(|score| score.statistic).sum::<f64>() / 1_000.0;
    assert!((mean - 6.0).abs() < 4.0 * (12.0_f64 / 1_000.0).sqrt(), "{mean}");
    for one in &found.calibration {
        assert!(one.rejected.interval.contains(0.05) && one.uniformity.ln_p.p() > 0.001, "{one:?}");
    }
    let least = found.scores.iter().map(|score| score.statistic).fold(f64::MAX, f64::min);
    assert_eq!((found.best.statistic.to_bits(), found.best.df), (least.to_bits(), 6));
}

/// A hash that forgets the epoch gives every epoch the same arms; one that sorts by the metric, unlike arms.
#[test]
fn broken_assignments_are_found() {
    let replay = Replay::new(random(1_000, 8), &split(&[50, 50])).unwrap();
    let stuck = replay.search(1..=100, |_| arms("e", 1)).unwrap();
    assert!(stuck.uniformity.ln_p.p() < 1e-6, "{stuck}");

    let key = arms("e", 1);
    let by_metric: Vec<usize> = X.iter().map(|x| usize::from(*x > 4.2)).collect();
    let balance = Replay::new(small(), &dictated(&by_metric, 2, &key)).unwrap().epoch(1, &key).unwrap();
    assert!(balance.ln_p.p() < 0.02, "{balance:?}");
}

/// 400 searches among 20: the variance of the difference, over that of a random epoch, is `variance_kept` within 4
/// standard errors of a ratio of variances.
#[test]
fn choosing_reduces_the_variance_as_much_as_it_says() {
    let (mut chosen, mut plain, mut says) = (0.0, 0.0, 0.0);
    for experiment in 0..400 {
        let mut history = History::new(&["x"]).unwrap();
        let mut rng = StdRng::seed_from_u64(experiment);
        (0..200).for_each(|number| history.push(unit(number), &[rng.random::<f64>()]).unwrap());
        let replay = Replay::new(history, &split(&[50, 50])).unwrap();
        let name = format!("e{experiment}");
        let found = replay.search(1..=20, |epoch| arms(&name, epoch)).unwrap();
        chosen += found.best.statistic;
        plain += found.scores[0].statistic;
        says = found.variance_kept;
    }
    // The least of 20 has a standard deviation of about 2.2 times its mean here; a chi-square of 1.41 times.
    let ratio = chosen / plain;
    assert!((ratio - says).abs() < 4.0 * says * ((2.2_f64.powi(2) + 2.0) / 400.0).sqrt(), "{ratio} {says}");
    assert!(says < 0.02, "{says}");
}

#[test]
fn phase_ranges_and_gaps_are_respected() {
    let layer = arms("stands in for a layer", 1);
    let half = split(&[50]).remove(0);
    let within = small().within(&layer, &half);
    let count = (0..12).filter(|number| half.contains(layer.place(unit(*number)))).count();
    assert!(within.len() == count && count < 12);

    let replay = Replay::new(random(2_000, 3), &split(&[30, 30])).unwrap();
    let balance = replay.epoch(1, &arms("e", 1)).unwrap();
    assert_eq!(balance.outside + balance.ratio.counts.iter().sum::<u64>(), 2_000);
    assert!((700..900).contains(&balance.outside), "{}", balance.outside);
}

#[test]
fn arms_that_do_not_vary_have_p_values_too() {
    let key = arms("e", 1);
    let mut history = History::new(&["x"]).unwrap();
    (0..12).for_each(|number| history.push(unit(number), &[f64::from(number / 6)]).unwrap());
    let wanted: Vec<usize> = (0..12).map(|number| number / 6).collect();
    let balance = Replay::new(history, &dictated(&wanted, 2, &key)).unwrap().epoch(1, &key).unwrap();
    assert!(balance.contrasts[0].standardised >= f64::MAX && balance.contrasts[0].ln_p == LnP::IMPOSSIBLE);
}

#[test]
fn what_cannot_be_replayed_is_refused() {
    let both = split(&[50, 50]);
    let error = |history: History, arms: &[Ranges]| Replay::new(history, arms).unwrap_err();
    assert!(matches!(error(small(), &both[..1]), AuditError::TooFew { what: "arms", .. }));
    assert!(matches!(error(History::new(&["x"]).unwrap(), &both), AuditError::TooFew { what: "units", .. }));
    let overlap = [Ranges::all(), Ranges::from(Range::new(5, 9).unwrap())];
    assert!(matches!(error(small(), &overlap), AuditError::Overlap { .. }));
    let mut twice = small();
    twice.push(unit(3), &[0.0, 0.0]).unwrap();
    assert!(matches!(error(twice, &both), AuditError::Duplicate { .. }));
    let mut dependent = History::new(&["a", "b"]).unwrap();
    (0..9).for_each(|n| dependent.push(unit(n), &[f64::from(n), 3.0 - 2.0 * f64::from(n)]).unwrap());
    assert_eq!(error(dependent, &both), AuditError::Dependent { covariate: "b".into() });
    assert!(small().push(unit(20), &[1.0]).is_err() && small().push(unit(20), &[1.0, f64::NAN]).is_err());
    assert!(
        History::new(&[]).is_err() && History::new(&["a", "a"]).is_err() && History::new(&["a"; 65]).is_err()
    );

    let replay = Replay::new(small(), &both).unwrap();
    assert!(matches!(replay.search([], |e| arms("e", e)), Err(AuditError::TooFew { .. })));
    assert!(matches!(replay.search(0.., |e| arms("e", e)), Err(AuditError::TooMany { .. })));
    assert!(matches!(replay.search([1, 2, 1], |e| arms("e", e)), Err(AuditError::Duplicate { .. })));
    let thin = Replay::new(small(), &[Ranges::all(), Ranges::none()]).unwrap();
    assert!(matches!(thin.epoch(4, &arms("e", 4)), Err(AuditError::ThinArm { epoch: 4, arm: 1, units: 0 })));
}
