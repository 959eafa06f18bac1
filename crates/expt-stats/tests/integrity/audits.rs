//! The audits keep their levels and see what they are there to see.

use expt_stats::integrity::{
    AaAudit, AaVerdict, InteractionOutcome, InteractionTest, Segment, SegmentAnalysis, SegmentArms, SrmFleet,
    Variances,
};
use expt_stats::special::normal_ln_sf;
use expt_stats::{Alpha, ArmEstimate, LnP, Moments};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

use super::{Rate, runs};

fn normal(rng: &mut StdRng) -> f64 {
    StandardNormal.sample(rng)
}

/// Two-sided p-values of z statistics with this standard deviation.
fn p_values(rng: &mut StdRng, count: usize, deviation: f64) -> Vec<LnP> {
    let one = |z: f64| LnP::new((2.0_f64.ln() + normal_ln_sf(z.abs()).unwrap()).min(0.0)).unwrap();
    (0..count).map(|_| one(deviation * normal(rng))).collect()
}

#[test]
fn aa_audit_keeps_its_level_and_sees_wrong_variances() {
    let mut rng = StdRng::seed_from_u64(31);
    let audit = AaAudit::new(Alpha::FIVE_PERCENT);
    for count in [20, 200] {
        let (mut condemned, mut covered) = (Rate::default(), Rate::default());
        for _ in 0..runs(1_000) {
            let report = audit.run(&p_values(&mut rng, count, 1.0)).unwrap();
            condemned.count(report.verdict != AaVerdict::Healthy);
            covered.count(report.inflation.contains(1.0));
        }
        condemned.at_most(&format!("A/A audit of {count} condemns a sound system"), 0.05);
        covered.between(&format!("variance inflation, {count}"), 0.975, 0.975);
    }
    let mut found = Rate::default();
    for _ in 0..runs(300) {
        // Rows taken for units with a design effect of 1.5.
        let report = audit.run(&p_values(&mut rng, 200, 1.5_f64.sqrt())).unwrap();
        found.count(report.verdict == AaVerdict::FalseAlarms);
    }
    found.at_least("A/A audit of 200 sees variance inflated by half", 0.9);
}

/// Cells of very different size and variance: the default holds, the pooled form is the negative control.
#[test]
fn interaction_test_allows_for_unequal_variances() {
    let mut rng = StdRng::seed_from_u64(32);
    let sizes = [[10, 40, 20], [60, 15, 90]];
    let spread = [[5.0, 1.0, 3.0], [1.0, 4.0, 0.5]];
    let (mut own, mut pooled) = (Rate::default(), Rate::default());
    for _ in 0..runs(1_000) {
        let cells: Vec<Vec<Moments>> = (0..2)
            .map(|i| {
                (0..3)
                    .map(|j| {
                        let mean = f64::from(i) + 2.0 * f64::from(j);
                        let (size, spread) = (sizes[i as usize][j as usize], spread[i as usize][j as usize]);
                        let values: Vec<f64> = (0..size).map(|_| mean + spread * normal(&mut rng)).collect();
                        Moments::from_values(&values).unwrap()
                    })
                    .collect()
            })
            .collect();
        let test = InteractionTest::new(Alpha::FIVE_PERCENT);
        for (rate, test) in [(&mut own, test), (&mut pooled, test.with_variances(Variances::Pooled))] {
            let InteractionOutcome::Tested(found) = test.run(&cells).unwrap() else { panic!() };
            rate.count(found.interacts);
        }
    }
    own.between("interaction, own variances", 0.03, 0.065);
    pooled.at_least("interaction, pooled variances (negative control)", 0.1);
}

#[test]
fn segments_keep_their_levels_and_shrink_honestly() {
    let mut rng = StdRng::seed_from_u64(33);
    let (mut family, mut simultaneous) = (Rate::default(), Rate::default());
    let (mut heterogeneous, mut shrunken, mut extreme) = (Rate::default(), Rate::default(), Rate::default());
    for run in 0..runs(400) {
        let between = if run % 2 == 0 { 0.0 } else { 1.0 };
        let truths: Vec<f64> = (0..12).map(|_| between * normal(&mut rng)).collect();
        let arms: Vec<SegmentArms> = truths
            .iter()
            .enumerate()
            .map(|(i, truth)| SegmentArms {
                segment: Segment::known_before(format!("{i}"), 0, 1).unwrap(),
                control: ArmEstimate::new(normal(&mut rng) * 0.5_f64.sqrt(), 0.5, 1_000_000).unwrap(),
                treatment: ArmEstimate::new(truth + normal(&mut rng) * 0.5_f64.sqrt(), 0.5, 1_000_000)
                    .unwrap(),
            })
            .collect();
        let report = SegmentAnalysis::new(Alpha::FIVE_PERCENT).run(&arms).unwrap();
        if run % 2 == 0 {
            family.count(report.segments.iter().any(|segment| segment.significant));
            heterogeneous.count(report.heterogeneity.ln_p.is_at_most(Alpha::FIVE_PERCENT));
        }
        let pairs = || report.segments.iter().zip(&truths);
        simultaneous.count(pairs().all(|(segment, truth)| segment.interval.contains(*truth)));
        let (top, truth) = pairs().max_by(|a, b| a.0.effect.total_cmp(&b.0.effect)).unwrap();
        shrunken.count(top.shrunken_interval.unwrap().contains(*truth));
        extreme.count((top.effect - truth).abs() <= 1.96);
    }
    family.at_most("any segment significant though none is", 0.05);
    heterogeneous.between("Cochran's Q of equal segments", 0.05, 0.05);
    simultaneous.at_least("simultaneous intervals", 0.95);
    shrunken.between("shrunken interval of the best segment", 0.93, 0.985);
    extreme.at_most("plain interval of the best segment (negative control)", 0.85);
}

#[test]
fn fleet_keeps_its_false_discovery_rate() {
    let mut rng = StdRng::seed_from_u64(34);
    let (mut proportion, fleets) = (0.0, runs(300));
    for _ in 0..fleets {
        let fleet: Vec<(String, LnP)> = (0..300)
            .map(|i| {
                let p: f64 = rng.random();
                let p = if i < 30 { p * 1e-3 } else { p };
                (i.to_string(), LnP::from_p(p).unwrap())
            })
            .collect();
        let report = SrmFleet::default().run(&fleet);
        let found = report.discoveries().count();
        let wrong = report.discoveries().filter(|one| one.experiment.parse::<u32>().unwrap() >= 30).count();
        proportion += wrong as f64 / found.max(1) as f64;
    }
    let rate = proportion / f64::from(fleets);
    println!("false discovery rate over a fleet: {rate:.4}, at most 0.05");
    // The proportion has a standard deviation of about 0.04.
    assert!(rate <= 0.05 + 3.09 * 0.04 / f64::from(fleets).sqrt(), "{rate}");
}
