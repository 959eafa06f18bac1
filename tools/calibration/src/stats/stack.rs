//! The default stack as users run it.
//!
//! Users are randomised as they arrive. The primary is clicks per request, a ratio of user totals over a
//! log-normal activity, with the same ratio before the experiment as covariate; twenty secondaries are
//! correlated .3. Every day the library decides; a run errs if it finds anything at any look.

use expt::stats::fixed::{CupedRatio, CupedRatioState, TTest};
use expt::stats::{
    Alpha, CoMoments, Correction, Decision, Design, Direction, EffectState, LnP, Metric, Moments, Readings,
    Role, Shares, StatsError, Verdict as Decided,
};
use rand_distr::{Binomial, Distribution};

use super::draw::{Bits, chance, normal};
use super::marks::{Marks, Mean, simulate};
use crate::{Scale, Verdict};

const ALPHA: f64 = 0.05;
const DAYS: u64 = 28;
const SECONDARIES: usize = 20;

/// The correlation of the secondaries.
const CORRELATION: f64 = 0.3;

/// Users between looks of the naive control.
const NAIVE_STEP: u64 = 20;

#[derive(Clone, Copy)]
struct Cell {
    users_a_day: u64,
    share: f64,
    /// What the treatment multiplies the rate of clicks with.
    lift: f64,
}

/// The default stack, and what people do instead.
pub(crate) fn stack(scale: Scale) -> Verdict {
    let mut marks = Marks::default();
    let runs = match scale {
        Scale::Full => 20_000,
        Scale::Quick => 300,
    };
    let cells = [
        Cell { users_a_day: 400, share: 0.5, lift: 1.0 },
        Cell { users_a_day: 400, share: 0.1, lift: 1.0 },
        Cell { users_a_day: 400, share: 0.5, lift: 1.1 },
    ];
    let results = simulate("stack", &cells, |_| runs, run)?;
    for (cell, means) in cells.iter().zip(&results) {
        let treatment = 100.0 * cell.share;
        marks.heading(&format!(
            "{DAYS} days of {} users, {:.0}/{treatment:.0}, clicks per request times {}",
            cell.users_a_day,
            100.0 - treatment,
            cell.lift
        ));
        if cell.lift > 1.0 {
            marks.listed("primary shipped", &means[SHIPPED], "the power of it, no mark");
            marks.listed("days until the decision", &means[LAST_DAY], "no mark");
        } else {
            marks.at_most("primary: shipped or stopped for harm", &means[PRIMARY], ALPHA);
        }
        marks.at_most("any of 20 secondaries, Holm at daily looks", &means[SECONDARY], ALPHA);
        marks.listed("anything at all, the first success stops", &means[ANYTHING], "at most the sum of both");
        marks.listed("share of the runs past the start rule of the primary", &means[STARTED], "no mark");
        if cell.lift > 1.0 {
            continue;
        }
        controls(&mut marks, cell, means);
    }
    Ok(marks.met())
}

fn controls(marks: &mut Marks, cell: &Cell, means: &[Mean]) {
    let naive = "control: naive test of the primary, every 20 users";
    let rows = "control: rows as units, once at the end";
    let hochberg = "control: BH on fixed-n p-values, daily";
    marks.control_above(naive, &means[NAIVE], 0.2);
    if cell.share > 0.4 {
        marks.control_above(rows, &means[ROWS], 0.1);
        marks.control_above(hochberg, &means[HOCHBERG], 0.1);
    } else {
        marks.listed(rows, &means[ROWS], "no mark");
        marks.listed(hochberg, &means[HOCHBERG], "no mark");
    }
}

/// What a run yields.
const PRIMARY: usize = 0;
const SECONDARY: usize = 1;
const ANYTHING: usize = 2;
const SHIPPED: usize = 3;
const LAST_DAY: usize = 4;
const STARTED: usize = 5;
const NAIVE: usize = 6;
const ROWS: usize = 7;
const HOCHBERG: usize = 8;

/// What one arm has seen.
struct Arm {
    /// Clicks per request with a covariate: what the library judges.
    primary: CupedRatioState,
    secondaries: [Moments; SECONDARIES],
    /// The same for the controls.
    plain: CoMoments,
    clicks: u64,
    requests: u64,
}

impl Arm {
    fn new() -> Result<Self, StatsError> {
        Ok(Self {
            primary: CupedRatioState::new()?,
            secondaries: [Moments::default(); SECONDARIES],
            plain: CoMoments::default(),
            clicks: 0,
            requests: 0,
        })
    }

    fn user(&mut self, lift: f64, bits: &mut Bits) -> Result<(), StatsError> {
        let habit = normal(bits);
        let mut activity = || (1.0 + 0.8 * habit + 0.6 * normal(bits)).exp().ceil().min(1e6) as u64;
        let (before, now) = (activity(), activity());
        let rate = (0.3 * (0.5 * normal(bits)).exp()).min(0.8);
        let mut clicks = |requests, rate| Binomial::new(requests, rate).map_or(0, |law| law.sample(bits));
        let (clicked_before, clicked) = (clicks(before, rate), clicks(now, rate * lift));
        self.primary.push((clicked as f64, now as f64), Some((clicked_before as f64, before as f64)))?;
        self.plain.push(now as f64, clicked as f64)?;
        self.clicks += clicked;
        self.requests += now;
        let common = CORRELATION.sqrt() * normal(bits);
        for (number, metric) in self.secondaries.iter_mut().enumerate() {
            let value = common + (1.0 - CORRELATION).sqrt() * normal(bits);
            // Half of them are skewed, as revenue is.
            metric.push(if number % 2 == 0 { value } else { (0.5 * value).exp() })?;
        }
        Ok(())
    }
}

fn run(cell: &Cell, bits: &mut Bits) -> Result<Vec<f64>, StatsError> {
    let alpha = Alpha::new(ALPHA)?;
    let names: Vec<String> = (0..SECONDARIES).map(|number| format!("secondary {number}")).collect();
    let mut design =
        Design::new(alpha, Metric::new("primary", Direction::HigherIsBetter), DAYS * cell.users_a_day)?;
    for name in &names {
        design = design.with_secondary(Metric::new(name.as_str(), Direction::HigherIsBetter))?;
    }
    let shares = Shares::new(&[1.0 - cell.share, cell.share])?;
    let mut arms = [Arm::new()?, Arm::new()?];
    let mut found = Found { last_day: DAYS as f64, ..Found::default() };
    let test = TTest::new(alpha);
    let (mut naive, mut hochberg) = (false, false);
    for day in 1..=DAYS {
        for user in 1..=cell.users_a_day {
            let treated = chance(bits, cell.share);
            arms[usize::from(treated)].user(if treated { cell.lift } else { 1.0 }, bits)?;
            if user % NAIVE_STEP == 0 && !naive {
                let evidence = test.ratios(&arms[0].plain, &arms[1].plain).and_then(|it| it.tested());
                naive = evidence.is_ok_and(|result| result.ln_p.is_at_most(alpha));
            }
        }
        let mut p = Vec::new();
        let units = arms[0].plain.count().min(arms[1].plain.count());
        let counts = [arms[0].plain.count(), arms[1].plain.count()];
        let mut readings = Readings::new(shares.sequential(&counts, Alpha::PER_MILLE)?, true);
        let adjusted = CupedRatio::default().adjust(&arms[0].primary, &arms[1].primary);
        // Too few users for a denominator: the library refuses, and says so.
        readings = match adjusted.and_then(|adjusted| adjusted.effect()) {
            Ok(effect) => readings.with("primary", effect),
            Err(_) => readings.with_no_data("primary"),
        };
        for (number, name) in names.iter().enumerate() {
            let (control, treatment) = (&arms[0].secondaries[number], &arms[1].secondaries[number]);
            if units < 2 {
                readings = readings.with_no_data(name.as_str());
                continue;
            }
            readings = readings.with(name.as_str(), EffectState::means(control, treatment)?);
            p.push(test.welch(control, treatment)?.tested().map_or(LnP::ONE, |result| result.ln_p));
        }
        hochberg |= Correction::BenjaminiHochberg.adjust(&p).rejected(alpha).contains(&true);
        found.look(day, &design.decide(&readings)?, alpha);
    }
    let rate = |arm: &Arm| Moments::from_counts(arm.clicks, arm.requests);
    let rows = test.welch(&rate(&arms[0])?, &rate(&arms[1])?)?.tested()?.ln_p.is_at_most(alpha);
    let share = f64::from;
    Ok(vec![
        share(found.primary),
        share(found.secondary),
        share(found.primary || found.secondary),
        share(found.shipped),
        found.last_day,
        share(found.started),
        share(naive),
        share(rows),
        share(hochberg),
    ])
}

/// What the looks of a run have found.
#[derive(Default)]
struct Found {
    primary: bool,
    secondary: bool,
    shipped: bool,
    started: bool,
    last_day: f64,
}

impl Found {
    fn look(&mut self, day: u64, decision: &Decision, alpha: Alpha) {
        let decided = matches!(decision.verdict, Decided::Ship | Decided::Stop { .. });
        if decided && !self.primary {
            self.shipped = decision.verdict == Decided::Ship;
            self.last_day = day as f64;
        }
        self.primary |= decided;
        for metric in &decision.metrics {
            match metric.role {
                Role::Primary => self.started |= metric.interval.is_some(),
                Role::Secondary => {
                    self.secondary |= metric.adjusted_ln_p.is_some_and(|ln_p| ln_p.is_at_most(alpha));
                }
                _ => {}
            }
        }
    }
}
