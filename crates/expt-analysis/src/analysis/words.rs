//! Decisions in words.

use expt_core::AbTestPlan;
use expt_stats::{Decision, Interval, InvalidReason, MetricDecision, MetricStatus};

use crate::estimate::ArmState;
use crate::readout::{Comparison, MetricReadout, Role, Verdict};

pub(super) const fn verdict(verdict: &expt_stats::Verdict) -> Verdict {
    match verdict {
        expt_stats::Verdict::Ship => Verdict::Ship,
        expt_stats::Verdict::Stop { .. } => Verdict::Stop,
        expt_stats::Verdict::Inconclusive => Verdict::Inconclusive,
        expt_stats::Verdict::Invalid { .. } => Verdict::Invalid,
        // A verdict that this version does not know is no reason to act.
        _ => Verdict::Continue,
    }
}

/// The verdict over all treatments: what is invalid or ships speaks for the phase, the first such treatment
/// first; harm stops it only where every treatment harms.
pub(super) fn overall(comparisons: &[Comparison]) -> (Verdict, String) {
    let first = |verdict| comparisons.iter().find(|comparison| comparison.verdict == verdict);
    let all_stop = comparisons.iter().all(|comparison| comparison.verdict == Verdict::Stop);
    let order = [Verdict::Invalid, Verdict::Ship, Verdict::Continue, Verdict::Inconclusive];
    let speaking = order.into_iter().find_map(first).or_else(|| comparisons.first().filter(|_| all_stop));
    match speaking {
        Some(comparison) => (comparison.verdict, comparison.reason.clone()),
        None => (Verdict::Continue, "there is no treatment to decide about".into()),
    }
}

pub(super) fn metrics(
    plan: &AbTestPlan,
    decision: &Decision,
    control: &[ArmState],
    treatment: &[ArmState],
) -> Vec<MetricReadout> {
    let planned = plan.metrics().zip(control.iter().zip(treatment));
    let rows = planned.filter_map(|(planned, (control, treatment))| {
        let decided = decision.metrics.iter().find(|metric| metric.metric == planned.metric.as_str())?;
        let (control, treatment) = (control.level(), treatment.level());
        let role = match decided.role {
            expt_stats::Role::Primary => Role::Primary,
            expt_stats::Role::Guardrail { .. } => Role::Guardrail,
            _ => Role::Secondary,
        };
        Some(MetricReadout {
            metric: planned.metric.clone(),
            role,
            direction: planned.direction,
            control,
            treatment,
            difference: decided.estimate,
            interval: decided.interval.map(|interval| (interval.lower, interval.upper)),
            interval_kind: decided.interval.as_ref().map_or_else(String::new, kind),
            relative: relative(decided.estimate, control),
            ln_p: decided.ln_p.map(|p| p.get()),
            adjusted_ln_p: decided.adjusted_ln_p.map(|p| p.get()),
            margin: planned.margin,
            conclusion: conclusion(decided, role),
        })
    });
    rows.collect()
}

/// A sentence with the primary metric's numbers.
pub(super) fn reason(verdict: Verdict, decision: &Decision, metrics: &[MetricReadout]) -> String {
    let rule = decision.derivation.last().map_or("", |step| step.detail.as_str());
    if let expt_stats::Verdict::Invalid { reason: InvalidReason::SampleRatioMismatch { ln_p } } =
        &decision.verdict
    {
        return format!(
            "the arms do not have the units that the plan promised (p = {ln_p}); no number here can be trusted"
        );
    }
    let Some(primary) = metrics.first() else { return rule.to_owned() };
    let moved = match (primary.difference, primary.interval) {
        (Some(difference), Some((Some(low), Some(high)))) => {
            format!("{} moved by {difference:+.4} ({low:+.4} to {high:+.4})", primary.metric)
        }
        (Some(difference), _) => {
            format!("{} moved by {difference:+.4}, too early for an interval", primary.metric)
        }
        (None, _) => format!("{} has too little data", primary.metric),
    };
    let after =
        rule.split_once(", because ").or_else(|| rule.split_once(": ")).map_or(rule, |(_, after)| after);
    match verdict {
        Verdict::Ship => format!("{moved}; {after}"),
        _ => format!("{after}; {moved}"),
    }
}

fn kind(interval: &Interval) -> String {
    let percent = 100.0 * (1.0 - interval.alpha.get());
    let percent = format!("{percent:.3}");
    let percent = percent.trim_end_matches('0').trim_end_matches('.');
    match interval.coverage {
        expt_stats::Coverage::Anytime => format!("{percent} % confidence sequence"),
        _ => format!("{percent} % confidence interval"),
    }
}

fn relative(difference: Option<f64>, control: Option<f64>) -> Option<f64> {
    let relative = difference? / control?.abs();
    relative.is_finite().then_some(relative)
}

fn conclusion(decided: &MetricDecision, role: Role) -> String {
    match (decided.status, role) {
        (MetricStatus::NoData, _) => "no data yet".into(),
        (MetricStatus::NotYet(not_yet), _) => format!("not enough data: {not_yet}"),
        (MetricStatus::Superior, _) => "better".into(),
        (MetricStatus::NonInferior, _) => "within margin".into(),
        (MetricStatus::Inferior, Role::Guardrail) => "worse than margin".into(),
        (MetricStatus::Inferior, _) => "worse".into(),
        (_, Role::Guardrail) => "not shown to be within margin".into(),
        _ => "no difference shown".into(),
    }
}
