//! A fleet of experiments, re-read from the states of each day.

use std::error::Error;
use std::hint::black_box;

use cpu_time::ThreadTime;
use expt::stats::fixed::Cuped;
use expt::stats::{Alpha, CoMoments, Correction, DifferenceLook, DifferenceSequence, EffectState, LnP};

use super::method::Random;
use super::ours;
use crate::Figure;

/// For each experiment, metric and segment: the states of sixty days are merged, arm by arm; after every day the
/// CUPED-adjusted difference is looked at, and all p-values of the experiment on that day are corrected.
pub(crate) fn figures() -> Result<Vec<Figure>, Box<dyn Error>> {
    let days = days()?;
    let sequence = DifferenceSequence::new(Alpha::FIVE_PERCENT, 60_000)?;
    let begun = ThreadTime::now();
    let mut found = 0;
    for experiment in 0..EXPERIMENTS {
        found += read(&sequence, &days, experiment)?;
    }
    let taken = begun.elapsed().as_secs_f64();
    if found == 0 {
        return Err("no effect was found in the whole fleet".into());
    }
    let cells = (EXPERIMENTS * CELLS * DAYS) as f64;
    Ok(vec![
        ours(
            "500 experiments x 40 metrics x 12 segments x 60 days: merged, CUPED, a look and a correction each day",
            taken,
            "s",
            15.0,
        ),
        ours("of that, a metric in a segment on a day", taken / cells * 1e9, "ns", None),
    ])
}

/// All days of an experiment; returns how many effects stand at the end.
fn read(
    sequence: &DifferenceSequence,
    days: &[[CoMoments; 2]],
    experiment: usize,
) -> Result<usize, Box<dyn Error>> {
    let mut totals = vec![[CoMoments::default(); 2]; CELLS];
    let mut p = vec![LnP::ONE; CELLS];
    let mut standing = 0;
    for day in 0..DAYS {
        for (cell, (total, p)) in totals.iter_mut().zip(&mut p).enumerate() {
            // Each experiment meets the states in another order.
            let at = (experiment * 7_919 + cell * DAYS + day) % days.len();
            let [control, treatment] = days.get(at).ok_or("no such state")?;
            *total = [total[0].merge(control)?, total[1].merge(treatment)?];
            let adjusted = Cuped::default().pair(&total[0], &total[1])?;
            let skewness = adjusted.skewness.ok_or("a constant outcome")?;
            let state = EffectState::from_arms(adjusted.control, adjusted.treatment, skewness)?;
            *p = match sequence.look(&state) {
                DifferenceLook::Ready(look) => look.ln_p,
                _ => LnP::ONE,
            };
        }
        let corrected = Correction::BenjaminiHochberg.adjust(black_box(&p));
        standing = corrected.rejected(Alpha::FIVE_PERCENT).into_iter().filter(|rejected| *rejected).count();
    }
    Ok(standing)
}

/// The states of one experiment, 13 MB of them: more than the caches hold.
fn days() -> Result<Vec<[CoMoments; 2]>, Box<dyn Error>> {
    let mut random = Random::new(7);
    let mut arm = |shift: f64| -> Result<CoMoments, Box<dyn Error>> {
        let mut pairs = CoMoments::default();
        for _ in 0..16 {
            let before = random.normal();
            pairs.push(before, 0.6 * before + shift + random.normal())?;
        }
        // As many users a day as 2^9, without drawing each of them.
        for _ in 0..5 {
            pairs = pairs.merge(&pairs)?;
        }
        Ok(pairs)
    };
    (0..CELLS * DAYS)
        .map(|at| {
            let shift = if (at / DAYS).is_multiple_of(10) { 0.1 } else { 0.0 };
            Ok([arm(0.0)?, arm(shift)?])
        })
        .collect()
}

const EXPERIMENTS: usize = 500;
/// 40 metrics in 12 segments.
const CELLS: usize = 480;
const DAYS: usize = 60;
