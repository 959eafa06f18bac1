//! From outcomes to the reasons of OpenFeature.

use expt_assign::{Outcome, Snapshot};
use expt_core::DecisionPoint;
use open_feature::EvaluationReason;

/// The table on [`Provider`](crate::Provider).
pub(crate) fn of(outcome: &Outcome<'_>, snapshot: &Snapshot, point: &DecisionPoint) -> EvaluationReason {
    match outcome {
        Outcome::Arm(_) => EvaluationReason::Split,
        Outcome::Shipped(_) | Outcome::Forced(_) | Outcome::Holdout(_) | Outcome::ShippedOnly { .. } => {
            EvaluationReason::TargetingMatch
        }
        Outcome::Paused(_) => EvaluationReason::Disabled,
        Outcome::Unallocated | Outcome::Unbound(_) if !is_live(snapshot, point) => EvaluationReason::Disabled,
        Outcome::Unallocated
        | Outcome::Unbound(_)
        | Outcome::Excluded(_)
        | Outcome::NotTargeted(_)
        | Outcome::Prerequisite(_) => EvaluationReason::Default,
        // No layer and the wrong unit are errors; what is added later is not guessed.
        _ => EvaluationReason::Unknown,
    }
}

/// Whether any phase with traffic binds the decision point. It is asked only where nothing is served, and walks over
/// the phases of the config.
fn is_live(snapshot: &Snapshot, point: &DecisionPoint) -> bool {
    snapshot.config().phases.iter().any(|phase| {
        phase.state.holds_traffic() && phase.arms.iter().any(|arm| arm.bindings.contains_key(point))
    })
}
