//! From joined units to what `expt-stats` reads.

use expt_core::{AbTestPlan, Aggregation, Direction, PlannedMetric, Share};
use expt_stats::{
    Alpha, CoMoments, Decision, Design, EffectState, Metric, Moments, Readings, Rule, Shares, SrmResult,
    StatsError, Verdict,
};

use crate::error::Result;
use crate::join::{Look, UnitValue};

/// One metric of one arm: its state, as the aggregation needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ArmState {
    Mean(Moments),
    Proportion(Moments),
    Ratio(CoMoments),
}

impl ArmState {
    /// The state of a metric without units.
    fn new(metric: &PlannedMetric) -> Self {
        match metric.aggregation {
            Aggregation::PerPrediction => Self::Ratio(CoMoments::default()),
            Aggregation::UnitAny => Self::Proportion(Moments::default()),
            _ => Self::Mean(Moments::default()),
        }
    }

    /// Counts a unit, if it has a value by now.
    fn push(&mut self, value: &UnitValue) -> std::result::Result<(), StatsError> {
        match self {
            _ if value.denominator <= 0.0 => Ok(()),
            Self::Mean(moments) | Self::Proportion(moments) => moments.push(value.numerator),
            Self::Ratio(pairs) => pairs.push(value.denominator, value.numerator),
        }
    }

    /// The arm's mean, or its ratio of sums.
    pub(crate) fn level(&self) -> Option<f64> {
        match self {
            Self::Mean(moments) | Self::Proportion(moments) => moments.mean(),
            Self::Ratio(pairs) => match (pairs.mean_x(), pairs.mean_y()) {
                (Some(x), Some(y)) if x > 0.0 => Some(y / x),
                _ => None,
            },
        }
    }

    /// The difference of two arms; `None` while an arm has too little data for one.
    fn effect(control: &Self, treatment: &Self) -> Option<EffectState> {
        let effect = match (control, treatment) {
            (Self::Mean(a), Self::Mean(b)) => EffectState::means(a, b),
            (Self::Proportion(a), Self::Proportion(b)) => EffectState::proportions(a, b),
            (Self::Ratio(a), Self::Ratio(b)) => EffectState::ratios(a, b),
            _ => return None,
        };
        // The states hold finite numbers, so what remains is an arm with fewer than two units, or with a
        // denominator near zero: no data yet, in both cases.
        effect.ok()
    }
}

/// Every metric of every arm, in the order of the plan.
pub(crate) fn states(plan: &AbTestPlan, look: &Look<'_>) -> Result<Vec<Vec<ArmState>>> {
    let empty: Vec<ArmState> = plan.metrics().map(ArmState::new).collect();
    let mut arms = vec![empty; plan.arms.len()];
    for unit in look.units() {
        let states = arms.get_mut(unit.arm).into_iter().flatten();
        for (state, value) in states.zip(unit.values) {
            state.push(value)?;
        }
    }
    Ok(arms)
}

/// The numbers of the plan. The error level is shared by the treatments (Bonferroni).
///
/// A phase ends by the calendar, not by a number of units: it has any maximum once it has ended, and none before.
pub(crate) fn design(plan: &AbTestPlan, ended: bool) -> Result<Design> {
    let alpha = Alpha::new(plan.alpha)?.split(plan.treatments().count());
    let max_units = if ended { 1 } else { u64::MAX };
    let mut design = Design::new(alpha, metric(&plan.primary), max_units)?
        .with_tuned_units(plan.tuned_units)?
        .with_correction(match plan.correction {
            expt_core::Correction::Holm => expt_stats::Correction::Holm,
            _ => expt_stats::Correction::BenjaminiHochberg,
        });
    for secondary in &plan.secondaries {
        design = design.with_secondary(metric(secondary))?;
    }
    for guardrail in &plan.guardrails {
        design = design.with_guardrail(metric(guardrail), guardrail.margin.unwrap_or(0.0))?;
    }
    Ok(design)
}

/// The decision for one treatment against the control.
pub(crate) fn decide(
    plan: &AbTestPlan,
    design: &Design,
    srm: &SrmResult,
    calendar: Calendar,
    control: &[ArmState],
    treatment: &[ArmState],
) -> Result<Decision> {
    let mut readings = Readings::new(srm.clone(), calendar.minimum_reached);
    for (metric, (control, treatment)) in plan.metrics().zip(control.iter().zip(treatment)) {
        let name = metric.metric.as_str();
        readings = match ArmState::effect(control, treatment) {
            Some(effect) => readings.with(name, effect),
            None => readings.with_no_data(name),
        };
    }
    let mut decision = design.decide(&readings)?;
    // The engine ends by units; say that this phase ends by the calendar, also where it ends without any.
    let inconclusive = calendar.ended && decision.verdict == Verdict::Continue;
    if inconclusive {
        decision.verdict = Verdict::Inconclusive;
    }
    for step in &mut decision.derivation {
        match step.rule {
            Rule::Maximum if calendar.ended => step.detail = "maximum runtime has passed".into(),
            Rule::Maximum => step.detail = "maximum runtime has not passed".into(),
            Rule::Verdict if inconclusive => {
                step.detail = "inconclusive, because the maximum was reached without a decision".into();
            }
            _ => {}
        }
    }
    Ok(decision)
}

/// Where a look is in the runtime of its phase.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calendar {
    pub(crate) minimum_reached: bool,
    pub(crate) ended: bool,
}

/// Whether the arms have the units that the plan promised them; valid at every look.
pub(crate) fn srm(plan: &AbTestPlan, look: &Look<'_>) -> Result<SrmResult> {
    let weights: Vec<f64> = plan.arms.iter().map(|arm| Share::as_f64(arm.share)).collect();
    let mut counts = vec![0_u64; plan.arms.len()];
    for unit in look.units() {
        if let Some(count) = counts.get_mut(unit.arm) {
            *count += 1;
        }
    }
    Ok(Shares::new(&weights)?.sequential(&counts, Alpha::PER_MILLE)?)
}

fn metric(planned: &PlannedMetric) -> Metric {
    let direction = match planned.direction {
        Direction::HigherIsBetter => expt_stats::Direction::HigherIsBetter,
        Direction::LowerIsBetter => expt_stats::Direction::LowerIsBetter,
    };
    Metric::new(planned.metric.as_str(), direction)
}
