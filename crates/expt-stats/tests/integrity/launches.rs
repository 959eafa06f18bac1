//! Six selected launches: the shrunken sum covers the truth, the plain sum does not.

use expt_stats::Alpha;
use expt_stats::integrity::{CumulativeImpact, EffectPrior, Experiment, Holdout, Impact, Launch};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Normal, StandardNormal, StudentT};

use super::{Rate, runs};

const LAUNCHES: usize = 6;

/// A programme runs at least twenty experiments and until six are significant gains; the first six are
/// launched.
struct Programme {
    launched: Vec<Experiment>,
    others: Vec<Experiment>,
    truth: f64,
}

impl Programme {
    fn run(rng: &mut StdRng, mut effect: impl FnMut(&mut StdRng) -> f64) -> Self {
        let mut programme = Self { launched: Vec::new(), others: Vec::new(), truth: 0.0 };
        while programme.launched.len() < LAUNCHES || programme.others.len() < 14 {
            let truth = effect(rng);
            let noise: f64 = StandardNormal.sample(rng);
            let experiment = Experiment::new(truth + noise, 1.0).unwrap();
            let passed = Launch::significant(experiment, Alpha::FIVE_PERCENT).is_ok();
            if passed && programme.launched.len() < LAUNCHES {
                programme.launched.push(experiment);
                programme.truth += truth;
            } else {
                programme.others.push(experiment);
            }
        }
        programme
    }

    fn bayes(&self, study: CumulativeImpact, prior: EffectPrior) -> Impact {
        study.empirical_bayes(&self.launched, &self.others, prior).unwrap()
    }

    fn conditional(&self, study: CumulativeImpact) -> Impact {
        let launch = |e: &Experiment| Launch::significant(*e, Alpha::FIVE_PERCENT).unwrap();
        study.conditional(&self.launched.iter().map(launch).collect::<Vec<_>>()).unwrap()
    }
}

/// Coverage of the truth by every method, and how often the holdout is found to differ though it does not.
#[derive(Default)]
struct Coverage {
    naive: Rate,
    normal: Rate,
    spike: Rate,
    conditional: Rate,
    gap: Rate,
    gap_conditional: Rate,
    widths: [f64; 3],
}

fn simulate(seed: u64, runs: u32, what: &str, mut effect: impl FnMut(&mut StdRng) -> f64) -> Coverage {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut c = Coverage::default();
    for _ in 0..runs {
        let programme = Programme::run(&mut rng, &mut effect);
        let noise: f64 = StandardNormal.sample(&mut rng);
        let holdout = Holdout::new(programme.truth + 1.5 * noise, 1.5).unwrap();
        let study = CumulativeImpact::new(Alpha::FIVE_PERCENT).with_holdout(holdout);
        let (normal, spike) = (
            programme.bayes(study, EffectPrior::Normal),
            programme.bayes(study, EffectPrior::SpikeAndNormal),
        );
        let conditional = programme.conditional(study);
        c.naive.count(normal.naive_interval.contains(programme.truth));
        c.normal.count(normal.interval.contains(programme.truth));
        c.spike.count(spike.interval.contains(programme.truth));
        c.conditional.count(conditional.interval.contains(programme.truth));
        c.gap.count(normal.holdout.unwrap().gap_interval.contains(0.0));
        c.gap_conditional.count(conditional.holdout.unwrap().gap_interval.contains(0.0));
        for (sum, impact) in c.widths.iter_mut().zip([&normal, &spike, &conditional]) {
            *sum += impact.interval.width().unwrap_or(100.0).min(100.0) / f64::from(runs);
        }
    }
    println!("{what}: mean widths (normal, spike, conditional capped at 100) {:.1?}, naive 9.6", c.widths);
    c
}

fn normal_effects(mean: f64, spread: f64) -> impl FnMut(&mut StdRng) -> f64 {
    let effects = Normal::new(mean, spread).unwrap();
    move |rng| effects.sample(rng)
}

#[test]
fn reference_six_launches() {
    let c = simulate(21, runs(250), "effects N(0, 1)", normal_effects(0.0, 1.0));
    c.normal.between("shrunken sum", 0.94, 0.965);
    c.conditional.between("conditional sum", 0.94, 0.965);
    c.gap.between("gap to the holdout", 0.94, 0.965);
    c.gap_conditional.between("conditional gap", 0.94, 0.965);
    c.spike.at_least("sum under the spike prior", 0.94);
    c.naive.at_most("naive sum", 0.2);
}

#[test]
fn other_sizes_of_effects() {
    for (seed, mean, spread) in [(22, 0.0, 2.0), (23, 0.5, 1.0)] {
        let what = format!("effects N({mean}, {spread})");
        let c = simulate(seed, runs(100), &what, normal_effects(mean, spread));
        c.normal.between(&format!("{what}: shrunken sum"), 0.94, 0.965);
        c.conditional.between(&format!("{what}: conditional"), 0.94, 0.965);
        c.spike.at_least(&format!("{what}: spike prior"), 0.94);
        c.naive.at_most(&format!("{what}: naive"), 0.75);
    }
}

/// Where the normal prior is wrong: it is a negative control here, and the robust prior and the conditional
/// method hold.
#[test]
fn most_ideas_do_nothing() {
    let two = Normal::new(0.0, 2.0).unwrap();
    let effect = move |rng: &mut StdRng| if rng.random::<f64>() < 0.7 { 0.0 } else { two.sample(rng) };
    let c = simulate(24, runs(200), "70 % zero, else N(0, 2)", effect);
    c.normal.at_most("70 % zero: normal prior (negative control)", 0.9);
    c.spike.at_least("70 % zero: spike prior", 0.92);
    c.conditional.between("70 % zero: conditional", 0.94, 0.965);
}

#[test]
fn heavy_tails_and_fixed_effects() {
    let tails = StudentT::new(3.0).unwrap();
    let c = simulate(25, runs(120), "t with 3 degrees", move |rng| tails.sample(rng));
    c.spike.at_least("t3: spike prior", 0.93);
    c.conditional.between("t3: conditional", 0.94, 0.965);
    let c = simulate(26, runs(120), "all effects 1", |_| 1.0);
    c.conditional.between("fixed: conditional", 0.94, 0.965);
}
