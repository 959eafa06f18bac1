//! From joined units to what `expt-stats` reads.

use expt_core::{AbTestPlan, Aggregation, Direction, PlannedMetric, Share};
use expt_stats::{
    Alpha, CoMoments, Decision, Design, EffectState, Metric, Moments, Readings, Shares, SrmResult, StatsError,
};

use crate::error::Result;
use crate::join::{Joined, JoinedUnit};

/// One metric of one arm: its state, as the aggregation needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ArmState {
    Mean(Moments),
    Proportion(Moments),
    Ratio(CoMoments),
}

impl ArmState {
    /// The state of metric number `index` over the units of an arm.
    pub(crate) fn of(
        metric: &PlannedMetric,
        index: usize,
        units: &[&JoinedUnit],
    ) -> std::result::Result<Self, StatsError> {
        let values =
            units.iter().filter_map(|unit| unit.values.get(index)).filter(|value| value.denominator > 0.0);
        if metric.aggregation == Aggregation::PerPrediction {
            let mut pairs = CoMoments::default();
            for value in values {
                pairs.push(value.denominator, value.numerator)?;
            }
            return Ok(Self::Ratio(pairs));
        }
        let mut moments = Moments::default();
        for value in values {
            moments.push(value.numerator)?;
        }
        Ok(if metric.aggregation == Aggregation::UnitAny {
            Self::Proportion(moments)
        } else {
            Self::Mean(moments)
        })
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
pub(crate) fn states(plan: &AbTestPlan, joined: &Joined) -> Result<Vec<Vec<ArmState>>> {
    let arms = 0..plan.arms.len();
    arms.map(|arm| {
        let units: Vec<&JoinedUnit> = joined.units.iter().filter(|unit| unit.arm == arm).collect();
        let metrics = plan.metrics().enumerate();
        metrics.map(|(index, metric)| Ok(ArmState::of(metric, index, &units)?)).collect()
    })
    .collect()
}

/// The numbers of the plan. The error level is shared by the treatments (Bonferroni).
pub(crate) fn design(plan: &AbTestPlan, units: u64, ended: bool) -> Result<Design> {
    let alpha = Alpha::new(plan.alpha)?.split(plan.treatments().count());
    // A phase ends by the calendar, so it is at its maximum exactly when it has ended.
    let max_units = if ended { units.max(1) } else { u64::MAX };
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
    runtime_reached: bool,
    control: &[ArmState],
    treatment: &[ArmState],
) -> Result<Decision> {
    let mut readings = Readings::new(srm.clone(), runtime_reached);
    for (metric, (control, treatment)) in plan.metrics().zip(control.iter().zip(treatment)) {
        let name = metric.metric.as_str();
        readings = match ArmState::effect(control, treatment) {
            Some(effect) => readings.with(name, effect),
            None => readings.with_no_data(name),
        };
    }
    Ok(design.decide(&readings)?)
}

/// Whether the arms have the units that the plan promised them; valid at every look.
pub(crate) fn srm(plan: &AbTestPlan, joined: &Joined) -> Result<SrmResult> {
    let weights: Vec<f64> = plan.arms.iter().map(|arm| Share::as_f64(arm.share)).collect();
    let mut counts = vec![0_u64; plan.arms.len()];
    for unit in &joined.units {
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
