//! Decisions in words.

use expt_core::{AbTestPlan, ArmId};
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

/// A sentence with the numbers of the metrics that it is about: of the primary, or of those that are harmed.
pub(super) fn reason(
    treatment: &ArmId,
    arms: usize,
    decision: &Decision,
    metrics: &[MetricReadout],
) -> String {
    // Two arms are "the" control and treatment; among more, the reader must know which one.
    let which = if arms > 2 { format!("{treatment}: ") } else { String::new() };
    let rule = decision.derivation.last().map_or("", |step| step.detail.as_str());
    let after =
        rule.split_once(", because ").or_else(|| rule.split_once(": ")).map_or(rule, |(_, after)| after);
    let primary = metrics.first().map_or_else(|| "no metric was read".into(), moved);
    match &decision.verdict {
        expt_stats::Verdict::Invalid { reason: InvalidReason::SampleRatioMismatch { ln_p } } => {
            format!(
                "the arms do not have the units that the plan promised (p = {ln_p}); no number here can be trusted"
            )
        }
        expt_stats::Verdict::Stop { harm } => {
            let harmed = metrics
                .iter()
                .filter(|metric| harm.metrics.iter().any(|name| *name == metric.metric.as_str()));
            let harmed: Vec<String> = harmed.map(moved).collect();
            format!("{which}harm: {}; harm needs no minimum runtime", harmed.join(", "))
        }
        expt_stats::Verdict::Ship => format!("{which}{primary}; {after}"),
        _ => format!("{which}{after}; {primary}"),
    }
}

fn moved(metric: &MetricReadout) -> String {
    let (name, difference) = (&metric.metric, metric.difference);
    match (difference, metric.interval) {
        (Some(difference), Some((Some(low), Some(high)))) => {
            let digits = digits(high - low);
            let margin = match (metric.role, metric.margin) {
                (Role::Guardrail, Some(margin)) => format!(", margin {margin}"),
                _ => String::new(),
            };
            format!("{name} moved by {difference:+.digits$} ({low:+.digits$} to {high:+.digits$}{margin})")
        }
        (Some(difference), _) => {
            let digits = digits(difference);
            format!("{name} moved by {difference:+.digits$}, too early for an interval")
        }
        (None, _) => format!("{name} has too little data"),
    }
}

/// Digits after the point: four, or as many as a small number needs to have two that are not zero.
fn digits(scale: f64) -> usize {
    let zeros = -scale.abs().log10().floor();
    // What is not a number, or is infinite, becomes a number of digits all the same.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the number is between 4 and 12"
    )]
    let digits = (zeros + 1.0).clamp(4.0, 12.0) as usize;
    if scale == 0.0 { 4 } else { digits }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_keep_their_digits() {
        for (scale, expected) in
            [(0.0, 4), (12.0, 4), (0.05, 4), (0.002, 4), (-0.000_2, 5), (3e-7, 8), (1e-30, 12)]
        {
            assert_eq!(digits(scale), expected, "{scale}");
        }
    }
}
