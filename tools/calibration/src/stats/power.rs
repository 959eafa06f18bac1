//! What validity costs: widths, power and sizes against what was designed.

mod designs;
mod procedures;

use expt::stats::special::normal_upper_quantile;
use expt::stats::{Alpha, DifferenceLook, DifferenceSequence, EffectState, Moments, StatsError};

use super::marks::Marks;
use crate::{Scale, Verdict};

/// Widths of confidence sequences, group-sequential designs against rpact, and the power of every default.
pub(crate) fn power(scale: Scale) -> Verdict {
    let mut marks = Marks::default();
    widths(&mut marks)?;
    designs::judge(&mut marks)?;
    procedures::judge(scale, &mut marks)?;
    Ok(marks.met())
}

/// Half-widths of the asymptotic confidence sequence, in those of the fixed interval at the same n.
fn widths(marks: &mut Marks) -> Result<(), StatsError> {
    marks.heading("Half-width of the confidence sequence over that of the fixed interval");
    for tuned in [10_000, 1_000_000] {
        let at = width(tuned, tuned)?;
        marks.computed(&format!("alpha .05, tuned to {tuned}, there"), at, "<= 1.56", at <= 1.56);
        let mut worst = 0.0_f64;
        for step in 0..=100 {
            let factor = 5_f64.powf(f64::from(step) / 50.0 - 1.0);
            worst = worst.max(width(tuned, (tuned as f64 * factor) as u64)?);
        }
        let name = format!("alpha .05, tuned to {tuned}, worst from a fifth to five times that");
        marks.computed(&name, worst, "<= 1.72", worst <= 1.72);
    }
    Ok(())
}

fn width(tuned: u64, units: u64) -> Result<f64, StatsError> {
    let sequence = DifferenceSequence::new(Alpha::FIVE_PERCENT, tuned)?;
    let arm = Moments::from_summary(units / 2, 0.0, 1.0)?.with_skewness(0.0)?;
    let DifferenceLook::Ready(look) = sequence.look(&EffectState::means(&arm, &arm)?) else {
        return Ok(f64::INFINITY);
    };
    let half = look.interval.width().unwrap_or(f64::INFINITY) / 2.0;
    Ok(half / (normal_upper_quantile(0.025)? * look.standard_error))
}
