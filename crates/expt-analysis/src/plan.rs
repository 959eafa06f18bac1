//! Sealed plans, read back.

use expt_core::{PhaseId, Plan, SealedPlan};
use expt_store::Stores;

use crate::error::{AnalysisError, Result};

/// Reads the sealed plan of a phase, and checks that it is still what was sealed: the first and only version of the
/// document, of this phase, under its digest.
///
/// # Errors
/// [`AnalysisError::Store`], of kind [`NotFound`](expt_store::ErrorKind::NotFound) if there is none;
/// [`AnalysisError::PlanUnreadable`] if the document is not a plan, is of another phase, was written
/// anew after it was sealed, or seals to another digest.
pub async fn read_plan(stores: &Stores, phase: &PhaseId) -> Result<SealedPlan> {
    let document = stores.registry.document("plan", phase.as_str(), None).await?;
    let unreadable = |problem: String| AnalysisError::PlanUnreadable { phase: phase.to_string(), problem };
    let plan: Plan =
        serde_json::from_slice(&document.bytes).map_err(|error| unreadable(error.to_string()))?;
    if document.version != 1 {
        return Err(unreadable(format!(
            "it was changed after it was sealed, and is at version {}",
            document.version
        )));
    }
    if plan.phase() != phase {
        return Err(unreadable(format!("it is the plan of phase {}", plan.phase())));
    }
    let sealed = plan.seal()?;
    if sealed.digest() != document.digest {
        return Err(unreadable(format!("it seals to {}, not to {}", sealed.digest(), document.digest)));
    }
    Ok(sealed)
}
