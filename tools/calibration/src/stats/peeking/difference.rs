//! The asymptotic confidence sequence of a difference, with its start rule and without.

use expt::stats::fixed::{Cap, CappedMoments};
use expt::stats::sequential::AsymptoticBoundary;
use expt::stats::{Alpha, DifferenceLook, DifferenceSequence, EffectState, Moments, StatsError};

use super::ALPHA;
use crate::Scale;
use crate::stats::draw::{Bits, Law, chance};
use crate::stats::marks::{Marks, simulate};

/// Distributions, on each split.
const LAWS: [Law; 11] = [
    Law::Normal,
    Law::Bernoulli(0.5),
    Law::Bernoulli(0.01),
    Law::Bernoulli(0.001),
    Law::LogNormal { sigma: 1.0 },
    Law::LogNormal { sigma: 2.0 },
    Law::Capped { sigma: 1.0, quantile: 0.99 },
    Law::Capped { sigma: 1.0, quantile: 0.999 },
    Law::Capped { sigma: 2.0, quantile: 0.99 },
    Law::Capped { sigma: 2.0, quantile: 0.999 },
    Law::ZeroInflated { share: 0.1, sigma: 1.0 },
];

/// Shares of the treatment.
const SHARES: [f64; 2] = [0.5, 0.05];

/// A cell that does not get to so many times its start says nothing about later looks.
const STARTS: f64 = 20.0;

/// Units per squared skewness of the start rule, to say beforehand when a cell starts.
const PER_SKEWNESS: f64 = 25.0;

/// Looks of the controls end here: their errors are early ones.
const CONTROL_HORIZON: u64 = 5_000;

struct Cell {
    law: Law,
    share: f64,
    horizon: u64,
    /// The expected number of units at the start.
    start: f64,
}

impl Cell {
    fn new(law: Law, share: f64, scale: Scale) -> Result<Self, StatsError> {
        let start = (PER_SKEWNESS * law.skewness()?.powi(2)).max(100.0) / share;
        let wanted = (STARTS * start).ceil();
        let horizon = match scale {
            Scale::Full if wanted <= 1.25e6 => (wanted as u64).max(100_000),
            Scale::Full => 100_000,
            Scale::Quick => 40_000,
        };
        Ok(Self { law, share, horizon, start })
    }

    fn calibrated(&self) -> bool {
        STARTS * self.start <= self.horizon as f64
    }

    fn name(&self) -> String {
        let treatment = 100.0 * self.share;
        format!("{}, {:.0}/{treatment:.0}", self.law.name(), 100.0 - treatment)
    }
}

pub(super) fn judge(scale: Scale, marks: &mut Marks) -> Result<(), StatsError> {
    let runs = match scale {
        Scale::Full => 20_000,
        Scale::Quick => 150,
    };
    let mut cells = Vec::new();
    for share in SHARES {
        for law in LAWS {
            cells.push(Cell::new(law, share, scale)?);
        }
    }
    let results = simulate("peeking, difference", &cells, |_| runs, run)?;
    for (which, about) in [(0, "the horizon"), (1, "a twentieth of the horizon")] {
        marks.heading(&format!("Confidence sequence of a difference, tuned to {about}, a look a unit"));
        for (cell, means) in cells.iter().zip(&results) {
            let started = &means[3];
            let name = format!("{}, to n = {}", cell.name(), cell.horizon);
            let start = format!(
                "starts at about {:.0}; {:.0} % of the runs started",
                cell.start,
                100.0 * started.estimate()
            );
            if cell.calibrated() {
                marks.at_most(&name, &means[which], ALPHA);
            } else {
                marks.listed(&name, &means[which], &format!("not calibrated: {start}"));
            }
        }
    }
    let relevant = |cell: &&Cell| cell.share < 0.5;
    marks.heading(&format!(
        "Controls: the same boundary, tuned to where they end, from two units an arm on, and a z test at every unit from 100 on, to n = {CONTROL_HORIZON}"
    ));
    for (cell, means) in cells.iter().zip(&results) {
        let name = format!("no start rule, {}", cell.name());
        if relevant(&cell) && MUST_FAIL.contains(&cell.law) {
            marks.control_above(&name, &means[2], 0.1);
        } else {
            marks.listed(&name, &means[2], "no mark");
        }
    }
    for (cell, means) in cells.iter().zip(&results) {
        let naive = &means[4];
        let name = format!("z at every unit, {}", cell.name());
        if cell.law == Law::Normal && cell.share > 0.4 {
            marks.control_above(&name, naive, 0.2);
        } else {
            marks.listed(&name, naive, "no mark");
        }
    }
    Ok(())
}

/// Without a start rule these must be found out at 95/5.
const MUST_FAIL: [Law; 3] =
    [Law::Bernoulli(0.01), Law::LogNormal { sigma: 2.0 }, Law::ZeroInflated { share: 0.1, sigma: 1.0 }];

/// What two arms have seen.
enum Arms {
    Values(Moments, Moments),
    Events([u64; 2], [u64; 2]),
    Capped(CappedMoments, CappedMoments),
}

impl Arms {
    fn new(law: Law, bits: &mut Bits) -> Result<Self, StatsError> {
        Ok(match law {
            Law::Bernoulli(_) => Self::Events([0; 2], [0; 2]),
            Law::Capped { quantile, .. } => {
                // As users would do it: read off the time before the experiment.
                let before: Vec<f64> = (0..20_000).map(|_| law.draw(bits)).collect();
                let share = expt::stats::Probability::new(quantile)?;
                let arm = CappedMoments::new(Cap::from_pre_period(&before, None, Some(share))?);
                Self::Capped(arm, arm)
            }
            _ => Self::Values(Moments::default(), Moments::default()),
        })
    }

    fn add(&mut self, value: f64, treated: bool) -> Result<(), StatsError> {
        match self {
            Self::Values(control, treatment) => if treated { treatment } else { control }.push(value),
            Self::Capped(control, treatment) => if treated { treatment } else { control }.push(value),
            Self::Events(events, units) => {
                events[usize::from(treated)] += u64::from(value > 0.5);
                units[usize::from(treated)] += 1;
                Ok(())
            }
        }
    }

    /// The state, once both arms have two units.
    fn state(&self) -> Result<Option<EffectState>, StatsError> {
        match self {
            Self::Values(control, treatment) => means(control, treatment),
            Self::Capped(control, treatment) => means(control.moments(), treatment.moments()),
            Self::Events(events, units) => {
                if units[0].min(units[1]) < 2 {
                    return Ok(None);
                }
                let control = Moments::from_counts(events[0], units[0])?;
                let treatment = Moments::from_counts(events[1], units[1])?;
                EffectState::proportions(&control, &treatment).map(Some)
            }
        }
    }
}

fn means(control: &Moments, treatment: &Moments) -> Result<Option<EffectState>, StatsError> {
    if control.count().min(treatment.count()) < 2 {
        return Ok(None);
    }
    EffectState::means(control, treatment).map(Some)
}

/// Yields whether the sequence erred with each of two tunings and without a start rule, whether it started, and
/// whether a z test erred.
fn run(cell: &Cell, bits: &mut Bits) -> Result<Vec<f64>, StatsError> {
    let alpha = Alpha::new(ALPHA)?;
    let tuned = [cell.horizon, cell.horizon / 20];
    let sequences = [DifferenceSequence::new(alpha, tuned[0])?, DifferenceSequence::new(alpha, tuned[1])?];
    let bare = AsymptoticBoundary::new(alpha, CONTROL_HORIZON)?;
    let (mut erred, mut started, mut unguarded, mut naive) = ([false; 2], false, false, false);
    let mut arms = Arms::new(cell.law, bits)?;
    for unit in 1..=cell.horizon {
        let treated = chance(bits, cell.share);
        arms.add(cell.law.draw(bits), treated)?;
        let Some(state) = arms.state()? else { continue };
        for (sequence, erred) in sequences.iter().zip(&mut erred) {
            if let DifferenceLook::Ready(look) = sequence.look(&state) {
                started = true;
                *erred |= !look.interval.contains(0.0);
            }
        }
        if unit <= CONTROL_HORIZON && !(unguarded && naive) && state.variance() > 0.0 {
            let z = state.estimate() / state.variance().sqrt();
            unguarded |= bare.at(unit).ln_e(z) > -ALPHA.ln();
            naive |= unit >= 100 && z.abs() > 1.96;
        }
        if erred == [true; 2] && unit > CONTROL_HORIZON {
            break;
        }
    }
    let share = f64::from;
    Ok(vec![share(erred[0]), share(erred[1]), share(unguarded), share(started), share(naive)])
}
