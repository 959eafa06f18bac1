//! Group-sequential designs against rpact, and the level they spend.

use expt::stats::sequential::{Binding, Efficacy, FutilityRule, GroupPlan, GroupSequential, Sides, Spending};
use expt::stats::special::normal_upper_quantile;
use expt::stats::{Alpha, Probability, StatsError};

use crate::stats::marks::Marks;

/// What rpact says about a design, in units of the fixed sample size where it is a size.
struct Rpact {
    name: &'static str,
    alpha: f64,
    beta: f64,
    information: [f64; 3],
    efficacy: Spending,
    futility: Option<Spending>,
    alpha_spent: [f64; 3],
    inflation: f64,
    /// The probability to have rejected up to each look, under the alternative.
    power: [f64; 3],
    /// Expected sizes under the alternative and under no effect.
    expected: [f64; 2],
}

/// Source: expected values in rpact's own tests, `tests/testthat/test-f_design_group_sequential.R`
/// (`getDesignCharacteristics`; rpact.com, LGPL-3; numbers only), inverse normal designs x1 to x3.
const RPACT: [Rpact; 3] = [
    Rpact {
        name: "Hwang-Shih-DeCani 0",
        alpha: 0.03,
        beta: 0.14,
        information: [0.2, 0.4, 1.0],
        efficacy: Spending::HwangShihDeCani { gamma: 0.0 },
        futility: None,
        alpha_spent: [0.006, 0.012, 0.03],
        inflation: 1.078_832_7,
        power: [0.127_834_51, 0.340_551_65, 0.86],
        expected: [0.830_811_35, 1.069_770_5],
    },
    Rpact {
        name: "Hwang-Shih-DeCani -1, futility -2",
        alpha: 0.07,
        beta: 0.14,
        information: [0.2, 0.4, 1.0],
        efficacy: Spending::HwangShihDeCani { gamma: -1.0 },
        futility: Some(Spending::HwangShihDeCani { gamma: -2.0 }),
        alpha_spent: [0.009_019_587_4, 0.020_036_136, 0.07],
        inflation: 1.086_917_7,
        power: [0.120_389_53, 0.328_952_65, 0.86],
        expected: [0.826_364_28, 0.794_716_57],
    },
    Rpact {
        name: "Kim-DeMets 2.2, futility 3.2",
        alpha: 0.03,
        beta: 0.34,
        information: [0.3, 0.7, 1.0],
        efficacy: Spending::KimDeMets { rho: 2.2 },
        futility: Some(Spending::KimDeMets { rho: 3.2 }),
        alpha_spent: [0.002_122_208_3, 0.013_687_904, 0.03],
        inflation: 1.055_589_1,
        power: [0.058_336_437, 0.398_246, 0.66],
        expected: [0.867_407_35, 0.754_809_74],
    },
];

/// Half a point.
const POINTS: f64 = 0.005;

/// The level that is spent must be the planned one.
const SPENT: f64 = 1e-6;

pub(super) fn judge(marks: &mut Marks) -> Result<(), StatsError> {
    marks.heading(
        "Group-sequential designs against rpact: one-sided, three looks, power and sizes within half a point",
    );
    for rpact in &RPACT {
        against(rpact, marks)?;
    }
    marks.heading("Level spent at each look against the plan, the worst of five to twenty-eight looks");
    let spending = |function| Efficacy::Spending { function };
    for (name, rule) in [
        ("Lan-DeMets O'Brien-Fleming", spending(Spending::LanDeMetsObrienFleming)),
        ("Lan-DeMets Pocock", spending(Spending::LanDeMetsPocock)),
        ("Hwang-Shih-DeCani -4", spending(Spending::HwangShihDeCani { gamma: -4.0 })),
        ("Kim-DeMets 3", spending(Spending::KimDeMets { rho: 3.0 })),
        ("O'Brien-Fleming", Efficacy::ObrienFleming),
        ("Pocock", Efficacy::Pocock),
    ] {
        for sides in [Sides::One, Sides::Two] {
            let worst = spent(&rule, sides)?;
            marks.computed(&format!("{name}, {sides:?}-sided"), worst, "<= 1e-6", worst <= SPENT);
        }
    }
    Ok(())
}

fn against(rpact: &Rpact, marks: &mut Marks) -> Result<(), StatsError> {
    let efficacy = Efficacy::Spending { function: rpact.efficacy.clone() };
    let mut plan =
        GroupPlan::new(Alpha::new(rpact.alpha)?, &rpact.information, efficacy).with_sides(Sides::One);
    if let Some(function) = rpact.futility.clone() {
        let rule = FutilityRule::Spending { function, beta: rpact.beta };
        plan = plan.with_futility(rule, Binding::NonBinding);
    }
    let design = plan.design()?;
    let drift = match design.design_drift() {
        Some(drift) => drift,
        None => design.drift_for_power(Probability::new(1.0 - rpact.beta)?)?,
    };
    let fixed = normal_upper_quantile(rpact.alpha)? + normal_upper_quantile(rpact.beta)?;
    let inflation = (drift / fixed).powi(2);
    let mut compare = |what: &str, value: f64, wanted: f64, tolerance: f64| {
        let mark = format!("{wanted} +- {tolerance}");
        marks.computed(&format!("{}: {what}", rpact.name), value, &mark, (value - wanted).abs() <= tolerance);
    };
    compare("inflation", inflation, rpact.inflation, POINTS);
    let effect = design.exit_probabilities(drift)?;
    let mut power = 0.0;
    for (look, (exit, wanted)) in effect.upper.iter().zip(rpact.power).enumerate() {
        power += exit;
        compare(&format!("power up to look {}", look + 1), power, wanted, POINTS);
    }
    let none = design.exit_probabilities(0.0)?;
    let sizes = [("expected size", &effect), ("expected size without effect", &none)];
    for ((what, exits), wanted) in sizes.into_iter().zip(rpact.expected) {
        compare(what, exits.expected_information * inflation, wanted, POINTS);
    }
    for (look, wanted) in design.looks().iter().zip(rpact.alpha_spent) {
        compare(&format!("spent at {}", look.information), look.alpha_spent, wanted, SPENT);
    }
    Ok(())
}

/// The worst difference between what the bounds let through and what was planned.
fn spent(rule: &Efficacy, sides: Sides) -> Result<f64, StatsError> {
    let alpha = Alpha::FIVE_PERCENT;
    let mut worst = 0.0_f64;
    for looks in [5, 10, 28] {
        let design = GroupPlan::equally_spaced(alpha, looks, rule.clone()).with_sides(sides).design()?;
        let through = crossed(&design)?;
        for (look, through) in design.looks().iter().zip(&through) {
            worst = worst.max((through - look.alpha_spent).abs());
            if let Efficacy::Spending { function } = rule {
                worst = worst.max((through - function.spent(alpha, look.information, sides)?).abs());
            }
        }
        worst = worst.max((through.last().copied().unwrap_or(0.0) - alpha.get()).abs());
    }
    Ok(worst)
}

fn crossed(design: &GroupSequential) -> Result<Vec<f64>, StatsError> {
    let exits = design.exit_probabilities(0.0)?;
    let two = design.plan().sides() == Sides::Two;
    let mut sum = 0.0;
    let each = exits.upper.iter().zip(&exits.lower).map(|(up, down)| {
        sum += up + if two { *down } else { 0.0 };
        sum
    });
    Ok(each.collect())
}
