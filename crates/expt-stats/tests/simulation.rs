//! Error rates under the use that each procedure claims, with fixed seeds.
//!
//! Bounds: with `runs` repetitions of an event of probability p, more than
//! `runs p + 3.1 sqrt(runs p (1 - p))` occurrences have probability below 0.002, so a pass means "no
//! evidence that the level is exceeded" and a failure is not bad luck. Negative controls must fail.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::float_cmp,
    missing_docs,
    reason = "a failed assertion or unwrap is how a test reports"
)]

use expt_stats::{
    Alpha, ArmEstimate, DifferenceLook, DifferenceSequence, EffectState, Moments, Shares, SrmVerdict, Welch,
    WelchOutcome,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Bernoulli, Distribution, LogNormal, StandardNormal};

/// Returns the most occurrences that are compatible with probability `p`.
fn upper(runs: u32, p: f64) -> f64 {
    let runs = f64::from(runs);
    runs * p + 3.1 * (runs * p * (1.0 - p)).sqrt()
}

/// Counts A/A runs in which some look, after every unit, finds a difference.
///
/// The treatment gets one unit for every `ratio` units of the control. Returns the alarms of the
/// confidence sequence and of a z test that is read as if it had one look.
fn false_alarms(
    seed: u64,
    runs: u32,
    horizon: u32,
    ratio: u32,
    proportion: bool,
    draw: impl Fn(&mut StdRng) -> f64,
) -> (u32, u32) {
    let sequence = DifferenceSequence::new(Alpha::FIVE_PERCENT, u64::from(horizon)).unwrap();
    let mut rng = StdRng::seed_from_u64(seed);
    let mut alarms = (0, 0);
    for _ in 0..runs {
        let (mut control, mut treatment) = (Moments::default(), Moments::default());
        let (mut sequence_alarm, mut naive_alarm) = (false, false);
        for unit in 0..horizon {
            let arm = if unit % (ratio + 1) == 0 { &mut treatment } else { &mut control };
            arm.push(draw(&mut rng)).unwrap();
            if treatment.count() < 100 {
                continue;
            }
            let make = if proportion { EffectState::proportions } else { EffectState::means };
            let state = make(&control, &treatment).unwrap();
            naive_alarm |= state.estimate().abs() > 1.96 * state.variance().sqrt();
            if let DifferenceLook::Ready(now) = sequence.look(&state) {
                sequence_alarm |= !now.interval.contains(0.0);
            }
        }
        alarms.0 += u32::from(sequence_alarm);
        alarms.1 += u32::from(naive_alarm);
    }
    alarms
}

fn check_peeking(
    seed: u64,
    runs: u32,
    horizon: u32,
    ratio: u32,
    proportion: bool,
    draw: impl Fn(&mut StdRng) -> f64,
) {
    let (sequence, naive) = false_alarms(seed, runs, horizon, ratio, proportion, draw);
    assert!(f64::from(sequence) <= upper(runs, 0.05), "confidence sequence: {sequence} of {runs}");
    assert!(naive > runs / 5, "the negative control must exceed 0.2: {naive} of {runs}");
}

#[test]
fn peeking_after_every_normal_unit_keeps_alpha() {
    check_peeking(1, 4000, 4000, 1, false, |rng| StandardNormal.sample(rng));
}

#[test]
fn peeking_after_every_bernoulli_unit_keeps_alpha() {
    let coin = Bernoulli::new(0.5).unwrap();
    check_peeking(2, 4000, 4000, 1, true, |rng| f64::from(u8::from(coin.sample(rng))));
}

#[test]
fn peeking_after_every_skewed_unit_keeps_alpha() {
    let skewed = LogNormal::new(0.0, 1.0).unwrap();
    check_peeking(3, 4000, 4000, 1, false, |rng| skewed.sample(rng));
}

/// The hard case: the skewness of unequal arms does not cancel.
#[test]
fn peeking_at_skewed_unequal_arms_keeps_alpha() {
    let skewed = LogNormal::new(0.0, 1.0).unwrap();
    check_peeking(4, 1000, 20_000, 19, false, |rng| skewed.sample(rng));
}

#[test]
fn peeking_at_rare_events_keeps_alpha() {
    let rare = Bernoulli::new(0.01).unwrap();
    check_peeking(8, 500, 20_000, 1, true, |rng| f64::from(u8::from(rare.sample(rng))));
}

#[test]
fn welch_covers_the_difference() {
    let (runs, mut covered) = (20_000_u32, 0_u32);
    let mut rng = StdRng::seed_from_u64(5);
    let mut arm = |n: u32, scale: f64| {
        let values: Vec<f64> =
            (0..n).map(|_| scale * Distribution::<f64>::sample(&StandardNormal, &mut rng)).collect();
        ArmEstimate::mean(&Moments::from_values(&values).unwrap()).unwrap()
    };
    for _ in 0..runs {
        let (control, treatment) = (arm(12, 3.0), arm(30, 1.0));
        if let WelchOutcome::Tested(test) = Welch::new(Alpha::FIVE_PERCENT).compare(&control, &treatment) {
            covered += u32::from(test.interval.contains(0.0));
        }
    }
    let rate = f64::from(covered) / f64::from(runs);
    // Five binomial standard errors, 0.0077; Satterthwaite's approximation itself is off by less.
    assert!((rate - 0.95).abs() < 0.0077, "{rate}");
}

#[test]
fn sequential_srm_may_be_read_after_every_unit() {
    let (runs, units) = (1000, 2000);
    let shares = Shares::new(&[0.5, 0.5]).unwrap();
    let coin = Bernoulli::new(0.5).unwrap();
    let mut rng = StdRng::seed_from_u64(6);
    let (mut sequential, mut peeking) = (0, 0);
    for _ in 0..runs {
        let mut counts = [0, 0];
        let (mut alarm, mut peeked) = (false, false);
        for _ in 0..units {
            counts[usize::from(coin.sample(&mut rng))] += 1;
            let at = |test: &dyn Fn() -> SrmVerdict| test() == SrmVerdict::Mismatch;
            alarm |= at(&|| shares.sequential(&counts, Alpha::FIVE_PERCENT).unwrap().verdict);
            peeked |= at(&|| shares.chi_square(&counts, Alpha::FIVE_PERCENT).unwrap().verdict);
        }
        sequential += u32::from(alarm);
        peeking += u32::from(peeked);
    }
    assert!(f64::from(sequential) <= upper(runs, 0.05), "sequential: {sequential} of {runs}");
    assert!(peeking > runs / 5, "the negative control must exceed 0.2: {peeking} of {runs}");
}

#[test]
fn chi_square_srm_alarms_at_its_level() {
    let (runs, mut alarms) = (5000_u32, 0_u32);
    let shares = Shares::new(&[1.0, 1.0, 2.0]).unwrap();
    let (half, coin) = (Bernoulli::new(0.5).unwrap(), Bernoulli::new(0.5).unwrap());
    let mut rng = StdRng::seed_from_u64(7);
    for _ in 0..runs {
        let mut counts = [0, 0, 0];
        for _ in 0..1000 {
            let arm = if half.sample(&mut rng) { 2 } else { usize::from(coin.sample(&mut rng)) };
            counts[arm] += 1;
        }
        let verdict = shares.chi_square(&counts, Alpha::FIVE_PERCENT).unwrap().verdict;
        alarms += u32::from(verdict == SrmVerdict::Mismatch);
    }
    let lower = 2.0 * f64::from(runs) * 0.05 - upper(runs, 0.05);
    assert!((lower..=upper(runs, 0.05)).contains(&f64::from(alarms)), "{alarms} of {runs}");
}
