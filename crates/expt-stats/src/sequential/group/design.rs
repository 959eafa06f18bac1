//! A plan of looks and the boundaries that follow from it.

use serde::{Deserialize, Serialize};

use super::rule::{Binding, Efficacy, FutilityRule};
use super::solve::{self, Bounds};
use super::spending::Sides;
use crate::error::{StatsError, finite};
use crate::level::Alpha;
use crate::special::normal;

/// Describes a group-sequential design before its boundaries are computed.
///
/// Information fractions are shares of the information (the inverse variance of the estimate, usually proportional
/// to the number of units) at the planned end; they need not be equally spaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupPlan {
    pub(super) alpha: Alpha,
    pub(super) sides: Sides,
    pub(super) information: Vec<f64>,
    pub(super) efficacy: Efficacy,
    #[serde(default)]
    pub(super) futility: Option<FutilityRule>,
    #[serde(default)]
    pub(super) binding: Binding,
}

impl GroupPlan {
    /// Plans looks at `information`, two-sided and without futility.
    #[must_use]
    pub fn new(alpha: Alpha, information: &[f64], efficacy: Efficacy) -> Self {
        let information = information.to_vec();
        Self { alpha, sides: Sides::Two, information, efficacy, futility: None, binding: Binding::NonBinding }
    }

    /// Plans `looks` equally spaced looks, the last at the full information.
    #[must_use]
    pub fn equally_spaced(alpha: Alpha, looks: u32, efficacy: Efficacy) -> Self {
        let fractions: Vec<f64> =
            (1..=looks.min(MAX_LOOKS + 1)).map(|k| f64::from(k) / f64::from(looks)).collect();
        Self::new(alpha, &fractions, efficacy)
    }

    /// Chooses one side or both.
    #[must_use]
    pub const fn with_sides(mut self, sides: Sides) -> Self {
        self.sides = sides;
        self
    }

    /// Adds a futility boundary; the design must be one-sided.
    #[must_use]
    pub fn with_futility(mut self, futility: FutilityRule, binding: Binding) -> Self {
        self.futility = Some(futility);
        self.binding = binding;
        self
    }

    /// Returns the level of the whole design.
    #[must_use]
    pub const fn alpha(&self) -> Alpha {
        self.alpha
    }

    /// Returns whether it tests one side or both.
    #[must_use]
    pub const fn sides(&self) -> Sides {
        self.sides
    }

    /// Returns the information fractions of the looks.
    #[must_use]
    pub fn information(&self) -> &[f64] {
        &self.information
    }

    /// Computes the boundaries.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] for no look or more than 200, fractions that do not rise or lie outside (0, 1],
    /// looks closer than a millionth of the information so far, a list of another length than there are looks, or
    /// a futility boundary with a two-sided test; [`StatsError::NotFinite`].
    pub fn design(self) -> Result<GroupSequential, StatsError> {
        GroupSequential::new(self)
    }

    fn check(&self) -> Result<(), StatsError> {
        check_information(&self.information, 1.0 + 1e-9)?;
        let looks = self.information.len();
        match &self.efficacy {
            Efficacy::WangTsiatis { delta } => {
                within("delta of Wang-Tsiatis", *delta, -5.0, 5.0, "between -5 and 5")?;
            }
            Efficacy::HaybittlePeto { early } => {
                within("the early bound of Haybittle-Peto", *early, 0.0, 38.0, "between 0 and 38")?;
            }
            Efficacy::Spending { function } => function.check()?,
            Efficacy::Spends { cumulative } => {
                one_a_look("the number of cumulative spends", cumulative.len(), looks)?;
                let mut last = 0.0;
                for &spent in cumulative {
                    within(
                        "a cumulative spend",
                        spent,
                        last,
                        self.alpha.get(),
                        "not falling and at most alpha",
                    )?;
                    last = spent;
                }
            }
            Efficacy::Bounds { z } => {
                one_a_look("the number of efficacy bounds", z.len(), looks)?;
                let low = if self.sides == Sides::Two { 0.0 } else { -38.0 };
                for &bound in z.iter().flatten() {
                    within("an efficacy bound", bound, low, 38.0, "between -38 (two-sided: 0) and 38")?;
                }
            }
            Efficacy::ObrienFleming | Efficacy::Pocock => {}
        }
        let Some(futility) = &self.futility else { return Ok(()) };
        if self.sides == Sides::Two {
            let allowed = "1 with a futility boundary, so call `with_sides(Sides::One)`";
            return Err(StatsError::OutOfRange { what: "the number of sides", value: 2.0, allowed });
        }
        match futility {
            FutilityRule::Spending { function, beta } => {
                function.check()?;
                within(
                    "beta",
                    *beta,
                    f64::MIN_POSITIVE,
                    1.0 - self.alpha.get(),
                    "above 0 and below 1 - alpha",
                )
            }
            FutilityRule::Bounds { z } => {
                one_a_look("the number of futility bounds", z.len(), looks - 1)?;
                let mut each = z.iter().flatten();
                each.try_for_each(|&bound| {
                    within("a futility bound", bound, -38.0, 38.0, "between -38 and 38")
                })
            }
        }
    }
}

/// Holds a group-sequential design: the planned looks and their boundaries.
///
/// Estimand: a parameter whose estimate is (asymptotically) normal with independent increments, such as a
/// difference of means or proportions. The type I error over all planned looks together is alpha, to 1e-9: the
/// probabilities come from the recursion of Armitage, McPherson and Rowe (1969), see also Jennison and Turnbull
/// (2000), *Group Sequential Methods*. Serialised is the plan; the boundaries are computed anew when it is read.
///
/// ```
/// use expt_stats::Alpha;
/// use expt_stats::sequential::{Efficacy, GroupPlan};
///
/// // O'Brien-Fleming, five looks, two-sided 5 %: the textbook's constant is 2.040.
/// let design = GroupPlan::equally_spaced(Alpha::FIVE_PERCENT, 5, Efficacy::ObrienFleming).design()?;
/// let last = design.looks().last().and_then(|look| look.efficacy).unwrap_or(f64::NAN);
/// assert!((last - 2.040).abs() < 5e-4);
/// assert!((design.looks().last().unwrap().alpha_spent - 0.05).abs() < 1e-9);
/// # Ok::<(), expt_stats::StatsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "GroupPlan", into = "GroupPlan")]
pub struct GroupSequential {
    plan: GroupPlan,
    looks: Vec<GroupLook>,
    design_drift: Option<f64>,
}

/// Holds the boundaries of one look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GroupLook {
    /// The information fraction.
    pub information: f64,
    /// Stop and reject when Z (two-sided: |Z|) is at least this; `None` if this look cannot.
    pub efficacy: Option<f64>,
    /// Stop without a claim when Z is at most this; `None` if this look cannot. At the last look of a design with
    /// beta spending it equals the efficacy bound.
    pub futility: Option<f64>,
    /// The type I error spent up to here; a futility boundary counts only if it is binding.
    pub alpha_spent: f64,
    /// The one-sided nominal level `1 - Φ(efficacy)`, 0 if this look cannot stop.
    pub stage_level: f64,
}

impl GroupSequential {
    /// Computes the boundaries of a plan, as [`GroupPlan::design`].
    ///
    /// # Errors
    /// As [`GroupPlan::design`].
    pub fn new(plan: GroupPlan) -> Result<Self, StatsError> {
        plan.check()?;
        let (bounds, design_drift) = boundaries(&plan)?;
        let counted = match plan.binding {
            Binding::Binding => bounds.clone(),
            Binding::NonBinding => Bounds { lower: Vec::new(), ..bounds.clone() },
        };
        let mut spent = 0.0;
        let each = counted.spends().into_iter().enumerate().map(|(look, amount)| {
            spent += amount;
            let at = |bounds: &[f64]| bounds.get(look).copied().filter(|bound| bound.is_finite());
            let efficacy = at(&bounds.upper);
            GroupLook {
                information: plan.information.get(look).copied().unwrap_or(1.0),
                efficacy,
                futility: at(&bounds.lower),
                alpha_spent: spent,
                stage_level: efficacy.map_or(0.0, normal::sf),
            }
        });
        let looks = each.collect();
        Ok(Self { plan, looks, design_drift })
    }

    /// Returns the plan.
    #[must_use]
    pub const fn plan(&self) -> &GroupPlan {
        &self.plan
    }

    /// Returns the looks in order.
    #[must_use]
    pub fn looks(&self) -> &[GroupLook] {
        &self.looks
    }

    /// Returns the drift (the mean of Z at full information) at which the type II error is that of the futility
    /// spending; `None` without it.
    #[must_use]
    pub const fn design_drift(&self) -> Option<f64> {
        self.design_drift
    }

    /// The boundaries as numbers, with futility whether binding or not.
    pub(super) fn bounds(&self) -> Bounds {
        let column = |of: fn(&GroupLook) -> Option<f64>, none: f64| {
            self.looks.iter().map(|look| of(look).unwrap_or(none)).collect::<Vec<f64>>()
        };
        Bounds {
            sides: self.plan.sides,
            information: self.plan.information.clone(),
            upper: column(|look| look.efficacy, f64::INFINITY),
            lower: column(|look| look.futility, f64::NEG_INFINITY),
        }
    }

    /// The boundaries that the error level counts on.
    pub(super) fn counted_bounds(&self) -> Bounds {
        match self.plan.binding {
            Binding::Binding => self.bounds(),
            Binding::NonBinding => Bounds { lower: Vec::new(), ..self.bounds() },
        }
    }
}

impl TryFrom<GroupPlan> for GroupSequential {
    type Error = StatsError;

    fn try_from(plan: GroupPlan) -> Result<Self, StatsError> {
        Self::new(plan)
    }
}

impl From<GroupSequential> for GroupPlan {
    fn from(design: GroupSequential) -> Self {
        design.plan
    }
}

/// Returns both boundaries and the drift of beta spending.
fn boundaries(plan: &GroupPlan) -> Result<(Bounds, Option<f64>), StatsError> {
    let (sides, information) = (plan.sides, plan.information.clone());
    let upper_for = |lower: &[f64]| solve::efficacy(&plan.efficacy, plan.alpha, sides, &information, lower);
    let counted = |lower: &[f64]| if plan.binding == Binding::Binding { lower.to_vec() } else { Vec::new() };
    let (upper, lower, drift) = match &plan.futility {
        None => (upper_for(&[])?, Vec::new(), None),
        Some(rule @ FutilityRule::Bounds { .. }) => {
            let lower = solve::fixed_futility(rule, information.len());
            (upper_for(&counted(&lower))?, lower, None)
        }
        Some(FutilityRule::Spending { function, beta }) => {
            let beta = Alpha::new(*beta)?;
            let mut upper = upper_for(&[])?;
            let (mut drift, mut lower) = solve::futility(function, beta, &information, &upper)?;
            // Binding boundaries depend on each other, weakly: the iteration contracts by about ten a round.
            for _ in 0..MAX_ROUNDS {
                if plan.binding == Binding::NonBinding {
                    break;
                }
                // The last look's bound is where the boundaries meet, not a constraint on the efficacy bound.
                let mut early = lower.clone();
                early.pop();
                early.push(f64::NEG_INFINITY);
                let next = upper_for(&early)?;
                let change = next.iter().zip(&upper).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                upper = next;
                (drift, lower) = solve::futility(function, beta, &information, &upper)?;
                if change < ROUND_TOLERANCE {
                    break;
                }
            }
            (upper, lower, Some(drift))
        }
    };
    Ok((Bounds { sides, information, upper, lower }, drift))
}

/// Checks fractions: finite, positive, rising by at least a millionth, at most `most`.
pub(super) fn check_information(information: &[f64], most: f64) -> Result<(), StatsError> {
    let looks = information.len();
    if looks == 0 || looks > MAX_LOOKS as usize {
        let (value, allowed) = (looks as f64, "between 1 and 200");
        return Err(StatsError::OutOfRange { what: "the number of looks", value, allowed });
    }
    let mut last = 0.0;
    for &t in information {
        let t = finite("an information fraction", t)?;
        if !(t >= LEAST_INFORMATION && t <= most && t - last >= LEAST_INCREMENT * t) {
            let allowed = "rising by at least a millionth, from 1e-12 on, the last at most 1";
            return Err(StatsError::OutOfRange { what: "an information fraction", value: t, allowed });
        }
        last = t;
    }
    Ok(())
}

fn within(
    what: &'static str,
    value: f64,
    low: f64,
    high: f64,
    allowed: &'static str,
) -> Result<(), StatsError> {
    let value = finite(what, value)?;
    if value < low || value > high { Err(StatsError::OutOfRange { what, value, allowed }) } else { Ok(()) }
}

fn one_a_look(what: &'static str, found: usize, looks: usize) -> Result<(), StatsError> {
    if found == looks {
        return Ok(());
    }
    let allowed = "one for each look (futility: for each but the last)";
    Err(StatsError::OutOfRange { what, value: found as f64, allowed })
}

const MAX_LOOKS: u32 = 200;
const LEAST_INFORMATION: f64 = 1e-12;
const LEAST_INCREMENT: f64 = 1e-6;
const MAX_ROUNDS: u32 = 60;
const ROUND_TOLERANCE: f64 = 1e-11;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequential::Spending;

    fn crits(alpha: f64, sides: Sides, information: &[f64], efficacy: Efficacy) -> Vec<f64> {
        let plan = GroupPlan::new(Alpha::new(alpha).unwrap(), information, efficacy).with_sides(sides);
        plan.design().unwrap().looks().iter().map(|look| look.efficacy.unwrap_or(f64::INFINITY)).collect()
    }

    fn near(got: &[f64], want: &[f64], tolerance: f64) {
        assert_eq!(got.len(), want.len());
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() <= tolerance, "{got} {want}");
        }
    }

    /// Source: rpact 3.3.4 `getDesignGroupSequential(tolerance = 1e-10)`; its grid leaves about 1e-6.
    #[test]
    fn agrees_with_rpact() {
        let thirds = [1.0 / 3.0, 2.0 / 3.0, 1.0];
        near(
            &crits(0.025, Sides::One, &[0.5, 1.0], Efficacy::ObrienFleming),
            &[2.79650968059345, 1.97743095880145],
            2e-6,
        );
        near(&crits(0.05, Sides::Two, &thirds, Efficacy::Pocock), &[2.28947806103678; 3], 2e-6);
        let spending = |function| Efficacy::Spending { function };
        near(
            &crits(0.05, Sides::One, &thirds, spending(Spending::LanDeMetsObrienFleming)),
            &[3.20010197162684, 2.14081523992354, 1.69481196574634],
            2e-6,
        );
        near(
            &crits(0.025, Sides::One, &[0.2, 0.7, 1.0], spending(Spending::LanDeMetsObrienFleming)),
            &[4.87688494879076, 2.43800489098066, 1.99993162247119],
            2e-6,
        );
        near(
            &crits(0.025, Sides::One, &thirds, spending(Spending::HwangShihDeCani { gamma: 4.0 })),
            &[2.08020089963471, 2.38934388238704, 2.70606971211964],
            2e-6,
        );
    }

    /// Source: Jennison and Turnbull 2000, three decimals: Pocock and O'Brien-Fleming constants, two-sided 5 %.
    #[test]
    fn agrees_with_the_textbook() {
        for (looks, pocock, fleming) in
            [(2, 2.178, 1.977), (3, 2.289, 2.004), (5, 2.413, 2.040), (10, 2.555, 2.087)]
        {
            let last = |efficacy| {
                let plan = GroupPlan::equally_spaced(Alpha::FIVE_PERCENT, looks, efficacy);
                plan.design().unwrap().looks().last().unwrap().efficacy.unwrap()
            };
            near(&[last(Efficacy::Pocock), last(Efficacy::ObrienFleming)], &[pocock, fleming], 6e-4);
        }
    }

    #[test]
    fn the_level_is_spent_exactly_and_haybittle_peto_keeps_the_rest() {
        for sides in [Sides::One, Sides::Two] {
            for efficacy in [
                Efficacy::WangTsiatis { delta: 0.25 },
                Efficacy::HaybittlePeto { early: 3.0 },
                Efficacy::Spends { cumulative: vec![0.0, 0.001, 0.02, 0.025] },
            ] {
                let alpha = Alpha::new(0.025).unwrap();
                let plan = GroupPlan::new(alpha, &[0.1, 0.3, 0.9, 1.0], efficacy).with_sides(sides);
                let design = plan.design().unwrap();
                near(&[design.looks().last().unwrap().alpha_spent], &[0.025], 1e-11);
                let json = serde_json::to_string(&design).unwrap();
                assert_eq!(serde_json::from_str::<GroupSequential>(&json).unwrap(), design);
            }
        }
    }

    /// The futility spends are checked against their plan, and both boundaries must meet at the last look.
    #[test]
    fn beta_spending_meets_the_efficacy_bound() {
        let spend = Spending::HwangShihDeCani { gamma: -2.0 };
        let efficacy = Efficacy::Spending { function: Spending::LanDeMetsObrienFleming };
        let mut drifts = Vec::new();
        for binding in [Binding::NonBinding, Binding::Binding] {
            let futility = FutilityRule::Spending { function: spend.clone(), beta: 0.1 };
            let design = GroupPlan::equally_spaced(Alpha::new(0.025).unwrap(), 3, efficacy.clone())
                .with_sides(Sides::One)
                .with_futility(futility, binding)
                .design()
                .unwrap();
            let drift = design.design_drift().unwrap();
            drifts.push(drift);
            let (up, down) = design.bounds().exits(drift);
            near(&[up.iter().sum::<f64>()], &[0.9], 1e-9);
            let beta = Alpha::new(0.1).unwrap();
            near(&[down[0]], &[spend.spent(beta, 1.0 / 3.0, Sides::One).unwrap()], 1e-10);
            let last = design.looks().last().unwrap();
            near(&[last.efficacy.unwrap(), last.alpha_spent], &[last.futility.unwrap(), 0.025], 1e-9);
        }
        assert!(drifts[1] < drifts[0] && drifts[1] > 3.24);
    }

    #[test]
    fn impossible_plans_are_refused() {
        let alpha = Alpha::FIVE_PERCENT;
        let plan = |information: &[f64]| GroupPlan::new(alpha, information, Efficacy::Pocock);
        for information in [&[][..], &[0.0, 1.0], &[0.5, 0.5], &[0.5, 1.1], &[f64::NAN], &[0.999_999_9, 1.0]]
        {
            assert!(plan(information).design().is_err(), "{information:?}");
        }
        assert!(GroupPlan::equally_spaced(alpha, u32::MAX, Efficacy::Pocock).design().is_err());
        assert!(GroupPlan::equally_spaced(alpha, 0, Efficacy::Pocock).design().is_err());
        let futile = FutilityRule::Bounds { z: vec![Some(0.0)] };
        assert!(plan(&[0.5, 1.0]).with_futility(futile, Binding::Binding).design().is_err());
        let early = Efficacy::HaybittlePeto { early: 1.0 };
        assert!(GroupPlan::new(alpha, &[0.5, 1.0], early).design().is_err());
        let spends = Efficacy::Spends { cumulative: vec![0.03, 0.02] };
        assert!(GroupPlan::new(alpha, &[0.5, 1.0], spends).design().is_err());
    }
}
