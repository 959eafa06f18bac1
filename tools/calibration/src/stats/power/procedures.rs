//! Each default procedure at the size that its planner asks for.

use expt::stats::fixed::{Counts, Cuped, NonInferiority, ProportionTest, TTest, ThetaPooling};
use expt::stats::power::{ChiSquarePower, Inflation, OneMean, Reference, TwoMeans, TwoProportions};
use expt::stats::sequential::{Efficacy, GroupPlan, GroupSequential, Spending};
use expt::stats::{
    Alpha, CoMoments, Design, DifferenceLook, DifferenceSequence, Direction, EffectState, Metric, Moments,
    PowerPlan, Probability, Readings, Shares, StatsError, Verdict,
};

use crate::Scale;
use crate::stats::draw::{Bits, chance, normal};
use crate::stats::marks::{Marks, simulate};

/// The power that is planned for, and within .02 of which it must be.
const POWER: f64 = 0.8;
const MARKS: [f64; 2] = [0.78, 0.82];

/// The effect, in standard deviations.
const EFFECT: f64 = 0.2;

/// The correlation of metric and covariate.
const CORRELATION: f64 = 0.7;

/// Rates of the arms.
const RATES: [f64; 2] = [0.1, 0.13];

/// Looks of the sequential ones.
const LOOKS: u64 = 28;

enum Procedure {
    Welch,
    OneSample,
    NonInferiority,
    Cuped,
    Proportions,
    /// Of units between looks; the same size judged at the last look, at any look, and by the whole decision.
    Anytime,
    Groups(GroupSequential),
    Mismatch,
}

struct Cell {
    name: &'static str,
    procedure: Procedure,
    /// Units of control and treatment.
    units: [u64; 2],
    /// Whether each of what it yields is judged, or just listed.
    yields: &'static [(&'static str, bool)],
}

pub(super) fn judge(scale: Scale, marks: &mut Marks) -> Result<(), StatsError> {
    let runs = match scale {
        Scale::Full => 10_000,
        Scale::Quick => 1_000,
    };
    let cells = cells()?;
    let results = simulate("power", &cells, |_| runs, run)?;
    marks.heading("Power at the planned size; planned are .8");
    for (cell, means) in cells.iter().zip(&results) {
        for ((what, judged), mean) in cell.yields.iter().zip(means) {
            let name = format!("{}{what}, {} + {} units", cell.name, cell.units[0], cell.units[1]);
            if *judged {
                marks.between(&name, mean, MARKS[0], MARKS[1]);
            } else {
                marks.listed(&name, mean, "no mark");
            }
        }
    }
    Ok(())
}

fn cells() -> Result<Vec<Cell>, StatsError> {
    const ONE: &[(&str, bool)] = &[("", true)];
    const ANYTIME: &[(&str, bool)] = &[
        (", at the last look", true),
        (", at any of 28 looks", false),
        (", shipped by the decision", false),
        (", share of the units that it took", false),
    ];
    let (alpha, power) = (Alpha::FIVE_PERCENT, Probability::new(POWER)?);
    let means = |ratio: f64| TwoMeans::new(alpha, 1.0, 1.0)?.with_ratio(ratio);
    let pair = |size: expt::stats::SampleSize| [size.control, size.treatment];
    let mut cells = Vec::new();
    let mut add = |name, procedure, units, yields| cells.push(Cell { name, procedure, units, yields });
    for (name, ratio) in [("Welch, 50/50", 1.0), ("Welch, 95/5", 1.0 / 19.0)] {
        let size = means(ratio)?.with_reference(Reference::Welch)?.sample_size(EFFECT, power)?;
        add(name, Procedure::Welch, pair(size.units()), ONE);
    }
    let paired = OneMean::new(alpha, 1.0)?.sample_size(EFFECT, power)?;
    add("one sample, or pairs", Procedure::OneSample, pair(paired.units()), ONE);
    let margin = means(1.0)?.non_inferior(EFFECT, true)?.sample_size(0.0, power)?;
    add("non-inferiority, no difference", Procedure::NonInferiority, pair(margin.units()), ONE);
    let cuped = means(1.0)?.with_inflation(Inflation::cuped(CORRELATION)?).sample_size(EFFECT, power)?;
    add("CUPED, correlation .7", Procedure::Cuped, pair(cuped.units()), ONE);
    let plan = TwoProportions::new(alpha, Probability::new(RATES[0])?)?;
    for (name, plan) in [
        ("two proportions, 50/50", plan),
        ("two proportions, 90/10", plan.with_ratio(1.0 / 9.0)?),
        ("two proportions, 10/90", plan.with_ratio(9.0)?),
    ] {
        let size = plan.sample_size(Probability::new(RATES[1])?, power)?;
        add(name, Procedure::Proportions, pair(size.units()), ONE);
    }
    let sequential = PowerPlan::new(alpha, power, 1.0, 1.0)?.sequential_size(EFFECT)?;
    add("confidence sequence", Procedure::Anytime, pair(sequential), ANYTIME);
    let function = Spending::LanDeMetsObrienFleming;
    let groups = GroupPlan::equally_spaced(alpha, LOOKS as u32, Efficacy::Spending { function }).design()?;
    let factor = Inflation::group_sequential(groups.inflation_factor(power)?)?;
    let size = means(1.0)?.with_inflation(factor).sample_size(EFFECT, power)?;
    add("group-sequential, 28 looks", Procedure::Groups(groups), pair(size.units()), ONE);
    let (promised, actual) = (Shares::new(&[1.0, 1.0])?, Shares::new(&[0.49, 0.51])?);
    let mismatch = ChiSquarePower::of_shares(Alpha::PER_MILLE, &promised)?;
    let total = mismatch.sample_size(ChiSquarePower::effect(&promised, &actual)?, power)?.ceil() as u64;
    add("sample-ratio mismatch at .001", Procedure::Mismatch, [total, 0], ONE);
    Ok(cells)
}

/// Yields whether the effect was found.
fn run(cell: &Cell, bits: &mut Bits) -> Result<Vec<f64>, StatsError> {
    let alpha = Alpha::FIVE_PERCENT;
    let [control, treatment] = cell.units;
    let test = TTest::new(alpha);
    let found = match &cell.procedure {
        Procedure::Welch => {
            let arms = [sample(control, 0.0, bits)?, sample(treatment, EFFECT, bits)?];
            test.welch(&arms[0], &arms[1])?.tested()?.ln_p.is_at_most(alpha)
        }
        Procedure::OneSample => {
            test.one_sample(&sample(control, EFFECT, bits)?)?.tested()?.ln_p.is_at_most(alpha)
        }
        Procedure::NonInferiority => {
            let arms = [sample(control, 0.0, bits)?, sample(treatment, 0.0, bits)?];
            let test = NonInferiority::new(EFFECT, Direction::HigherIsBetter, alpha)?;
            test.welch(&arms[0], &arms[1])?.tested()?.ln_p.is_at_most(alpha)
        }
        Procedure::Cuped => {
            let mut arms = [CoMoments::default(); 2];
            for (arm, (count, mean)) in arms.iter_mut().zip([(control, 0.0), (treatment, EFFECT)]) {
                for _ in 0..count {
                    let before = normal(bits);
                    let noise = (1.0 - CORRELATION * CORRELATION).sqrt() * normal(bits);
                    arm.push(before, mean + CORRELATION * before + noise)?;
                }
            }
            let pair = Cuped::new(ThetaPooling::Pooled).pair(&arms[0], &arms[1])?;
            test.compare(&pair.control, &pair.treatment).tested()?.ln_p.is_at_most(alpha)
        }
        Procedure::Proportions => {
            let mut count = |units, p| {
                let events = (0..units).filter(|_| chance(bits, p)).count() as u64;
                Counts::new(events, units)
            };
            let arms = [count(control, RATES[0])?, count(treatment, RATES[1])?];
            ProportionTest::default().compare(&arms[0], &arms[1])?.tested()?.ln_p.is_at_most(alpha)
        }
        Procedure::Anytime => return anytime(control, bits),
        Procedure::Groups(design) => groups(design, control, bits)?,
        Procedure::Mismatch => {
            let first = (0..control).filter(|_| chance(bits, 0.49)).count() as u64;
            let result = Shares::new(&[1.0, 1.0])?.chi_square(&[first, control - first], Alpha::PER_MILLE)?;
            result.ln_p.is_at_most(Alpha::PER_MILLE)
        }
    };
    Ok(vec![f64::from(found)])
}

/// Yields success at the last look, at any, by the decision, and the share of units that the first success took.
fn anytime(units: u64, bits: &mut Bits) -> Result<Vec<f64>, StatsError> {
    let sequence = DifferenceSequence::new(Alpha::FIVE_PERCENT, 2 * units)?;
    let design =
        Design::new(Alpha::FIVE_PERCENT, Metric::new("primary", Direction::HigherIsBetter), 2 * units)?;
    let shares = Shares::new(&[1.0, 1.0])?;
    let mut arms = [Moments::default(); 2];
    let (mut last, mut first, mut shipped, mut stopped) = (false, None, false, false);
    for look in 1..=LOOKS {
        let until = units * look / LOOKS;
        arms[0] = arms[0].merge(&sample(until - arms[0].count(), 0.0, bits)?)?;
        arms[1] = arms[1].merge(&sample(until - arms[1].count(), EFFECT, bits)?)?;
        let state = EffectState::means(&arms[0], &arms[1])?;
        last = matches!(sequence.look(&state), DifferenceLook::Ready(now) if now.interval.is_above(0.0));
        if last && first.is_none() {
            first = Some(until as f64 / units as f64);
        }
        if !stopped {
            let srm = shares.sequential(&[until, until], Alpha::PER_MILLE)?;
            let readings = Readings::new(srm, true).with("primary", state);
            match design.decide(&readings)?.verdict {
                Verdict::Ship => (shipped, stopped) = (true, true),
                Verdict::Continue => {}
                _ => stopped = true,
            }
        }
    }
    let share = f64::from;
    Ok(vec![share(last), share(first.is_some()), share(shipped), first.unwrap_or(1.0)])
}

fn groups(design: &GroupSequential, units: u64, bits: &mut Bits) -> Result<bool, StatsError> {
    let mut arms = [Moments::default(); 2];
    for look in design.looks() {
        let until = (units as f64 * look.information).round() as u64;
        arms[0] = arms[0].merge(&sample(until - arms[0].count(), 0.0, bits)?)?;
        arms[1] = arms[1].merge(&sample(until - arms[1].count(), EFFECT, bits)?)?;
        let state = EffectState::means(&arms[0], &arms[1])?;
        let z = state.estimate() / state.variance().sqrt();
        if look.efficacy.is_some_and(|bound| z.abs() >= bound) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn sample(units: u64, mean: f64, bits: &mut Bits) -> Result<Moments, StatsError> {
    let mut arm = Moments::default();
    for _ in 0..units {
        arm.push(mean + normal(bits))?;
    }
    Ok(arm)
}
