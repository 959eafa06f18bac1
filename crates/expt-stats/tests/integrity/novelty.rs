//! Novelty: power, false flags and the plateau, with the daily means drawn from their joint distribution.

use expt_stats::Alpha;
use expt_stats::integrity::{Cohort, DailyPanel, Novelty, NoveltyOutcome, NoveltyTest, Pattern};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Distribution, StandardNormal};

use super::{Rate, runs};

/// A rate metric per user and day.
#[derive(Clone, Copy)]
struct Scenario {
    baseline: f64,
    plateau: f64,
    amplitude: f64,
    decay: f64,
    users: u64,
    days: usize,
    correlation: f64,
}

/// The scenario of the issue.
const REFERENCE: Scenario = Scenario {
    baseline: 0.10,
    plateau: 0.001,
    amplitude: 0.003,
    decay: 5.0,
    users: 100_000,
    days: 28,
    correlation: 0.3,
};

impl Scenario {
    fn effect(&self, day: usize) -> f64 {
        self.plateau + self.amplitude * (-(day as f64) / self.decay).exp()
    }

    /// Draws the state of an arm: exactly normal daily means with the covariance of the users' days.
    fn arm(&self, rng: &mut StdRng, treated: bool) -> DailyPanel {
        let variance = self.baseline * (1.0 - self.baseline);
        let deviation = (variance / self.users as f64).sqrt();
        let own: f64 = StandardNormal.sample(rng);
        let means: Vec<f64> = (0..self.days)
            .map(|day| {
                let noise: f64 = StandardNormal.sample(rng);
                let z = self.correlation.sqrt() * own + (1.0 - self.correlation).sqrt() * noise;
                self.baseline + if treated { self.effect(day) } else { 0.0 } + deviation * z
            })
            .collect();
        let cell = |i, j| if i == j { variance } else { variance * self.correlation };
        let covariance: Vec<Vec<f64>> =
            (0..self.days).map(|i| (0..=i).map(|j| cell(i, j)).collect()).collect();
        DailyPanel::from_summary(self.users, &means, &covariance).unwrap()
    }

    fn run(&self, rng: &mut StdRng) -> Novelty {
        let (control, treatment) = (self.arm(rng, false), self.arm(rng, true));
        match NoveltyTest::new(Alpha::FIVE_PERCENT).compare(&control, &treatment).unwrap() {
            NoveltyOutcome::Tested(novelty) => *novelty,
            _ => panic!("degenerate"),
        }
    }
}

/// Returns how often a pattern was flagged, how often the plateau was covered, and the negative control: how
/// often the interval of the plain average of the days covers the plateau.
fn simulate(seed: u64, runs: u32, scenario: Scenario) -> (Rate, Rate, Rate) {
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut flagged, mut covered, mut naive) = (Rate::default(), Rate::default(), Rate::default());
    let (variance, rho, days) = (0.09, scenario.correlation, scenario.days as f64);
    let of_average = 2.0 * variance / scenario.users as f64 * (rho + (1.0 - rho) / days);
    for _ in 0..runs {
        let found = scenario.run(&mut rng);
        flagged.count(found.pattern != Pattern::Stable);
        covered.count(found.interval.contains(scenario.plateau));
        naive.count((found.average - scenario.plateau).abs() <= 1.96 * of_average.sqrt());
    }
    (flagged, covered, naive)
}

#[test]
fn reference_scenario_is_found_and_its_plateau_covered() {
    let (flagged, covered, naive) = simulate(1, runs(400), REFERENCE);
    flagged.at_least("novelty power", 0.9);
    covered.between("novelty plateau", 0.93, 0.97);
    naive.at_most("average taken for the plateau", 0.92);
}

#[test]
fn a_constant_effect_is_flagged_at_alpha() {
    for (seed, plateau, correlation) in [(2, 0.001, 0.3), (3, 0.0, 0.0), (4, 0.003, 0.8)] {
        let scenario = Scenario { plateau, correlation, amplitude: 0.0, ..REFERENCE };
        let (flagged, covered, _) = simulate(seed, runs(400), scenario);
        flagged.at_most(&format!("false flags, correlation {correlation}"), 0.05);
        covered.between(&format!("constant effect, correlation {correlation}"), 0.93, 0.975);
    }
}

/// Beyond the reference: decays, signs and correlations, tabulated with the same marks (a little conservative
/// where a slow decay of independent days hides the plateau).
#[test]
fn plateau_is_covered_for_other_decays() {
    for (seed, amplitude, decay, correlation) in [
        (5, 0.003, 2.0, 0.3),
        (6, 0.003, 10.0, 0.3),
        (7, -0.003, 5.0, 0.3),
        (8, 0.01, 12.0, 0.3),
        (9, 0.003, 5.0, 0.0),
        (10, 0.01, 12.0, 0.0),
    ] {
        let scenario = Scenario { amplitude, decay, correlation, ..REFERENCE };
        let (_, covered, _) = simulate(seed, runs(300), scenario);
        let what = format!("plateau, amplitude {amplitude}, decay {decay}, correlation {correlation}");
        covered.between(&what, 0.93, 0.985);
    }
}

/// Users drawn one by one, so that the covariance of the days is estimated from few of them.
#[test]
fn estimated_covariance_of_few_users_keeps_the_level() {
    let mut rng = StdRng::seed_from_u64(11);
    let (mut flagged, mut covered) = (Rate::default(), Rate::default());
    for _ in 0..runs(400) {
        let mut arm = || {
            let mut panel = DailyPanel::new(10).unwrap();
            for _ in 0..300 {
                let own: f64 = StandardNormal.sample(&mut rng);
                let values: [f64; 10] = std::array::from_fn(|_| {
                    let noise: f64 = StandardNormal.sample(&mut rng);
                    own + noise
                });
                panel.push(&values).unwrap();
            }
            panel
        };
        let (control, treatment) = (arm(), arm());
        let test = NoveltyTest::new(Alpha::FIVE_PERCENT);
        let NoveltyOutcome::Tested(found) = test.compare(&control, &treatment).unwrap() else { panic!() };
        flagged.count(found.pattern != Pattern::Stable);
        covered.count(found.interval.contains(0.0));
    }
    flagged.at_most("false flags at thirty users a day", 0.05);
    covered.between("constant effect at thirty users a day", 0.93, 0.975);
}

/// Users who came late have fewer days: both ways of averaging keep the level, and say so about cohorts.
#[test]
fn staggered_entry_keeps_the_level() {
    let mut rng = StdRng::seed_from_u64(12);
    let mut flagged = [Rate::default(); 2];
    let mut cohorts = Rate::default();
    for _ in 0..runs(300) {
        let mut arm = || {
            let mut panel = DailyPanel::new(8).unwrap();
            for user in 0..600 {
                let own: f64 = StandardNormal.sample(&mut rng);
                let days = if user < 300 { 8 } else { 1 + user % 8 };
                let values: Vec<f64> = (0..days)
                    .map(|_| {
                        let noise: f64 = StandardNormal.sample(&mut rng);
                        own + noise
                    })
                    .collect();
                panel.push(&values).unwrap();
            }
            panel
        };
        let (control, treatment) = (arm(), arm());
        for (rate, cohort) in flagged.iter_mut().zip([Cohort::Complete, Cohort::Everyone]) {
            let test = NoveltyTest::new(Alpha::FIVE_PERCENT).with_cohort(cohort);
            let NoveltyOutcome::Tested(found) = test.compare(&control, &treatment).unwrap() else { panic!() };
            rate.count(found.pattern != Pattern::Stable);
            if cohort == Cohort::Complete {
                cohorts.count(found.cohorts.unwrap().ln_p.is_at_most(Alpha::FIVE_PERCENT));
            }
        }
    }
    flagged[0].at_most("false flags, complete users", 0.055);
    flagged[1].at_most("false flags, everyone", 0.055);
    cohorts.between("cohort check", 0.05, 0.05);
}
