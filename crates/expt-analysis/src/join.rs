//! Exposures, predictions and outcomes, joined by id.
//!
//! Exposure first: a unit is in the phase from its first exposure on. Times are event times, windows are
//! half-open, and a look sees what was known at its time. The result does not depend on the order of the
//! rows.

mod index;
mod look;
mod order;

use expt_core::{AbTestPlan, Event, Timestamp};

use crate::ledger::Ledger;
use index::Index;
pub(crate) use look::Look;

/// The events of a store, indexed for the plan of one phase. Ask it for any look.
///
/// ```
/// # use std::collections::BTreeMap;
/// # use std::time::Duration;
/// # use expt_core::*;
/// # let arm = |name| PlannedArm { arm: ArmId::new(name).unwrap(), share: Share::HALF, bindings: BTreeMap::new() };
/// # let plan = AbTestPlan {
/// #     experiment: ExperimentId::new("e")?, phase: PhaseId::new("e/ab")?, hypothesis: "h".into(),
/// #     unit: UnitKind::new("user")?, layer: LayerId::new("l")?, arms: vec![arm("control"), arm("treatment")],
/// #     control: ArmId::new("control")?, max_traffic: Share::ALL,
/// #     primary: PlannedMetric {
/// #         metric: MetricName::new("clicks")?, aggregation: Aggregation::UnitTotal,
/// #         direction: Direction::HigherIsBetter, window: Duration::from_secs(86_400), margin: None,
/// #     },
/// #     secondaries: vec![], guardrails: vec![], alpha: 0.05, tuned_units: 100,
/// #     correction: Correction::Holm, min_weeks: 1, max_weeks: 1,
/// # };
/// use expt_analysis::{Disposition, Join};
///
/// let at: Timestamp = "2026-03-01".parse()?;
/// let unit = UnitId::new("u1")?;
/// let exposure = Event::Exposure(Exposure {
///     at,
///     unit: unit.clone(),
///     unit_kind: plan.unit.clone(),
///     identity: Identity::Own,
///     target: ExposureTarget::Arm {
///         experiment: plan.experiment.clone(),
///         phase: plan.phase.clone(),
///         arm: plan.control.clone(),
///         epoch: 0,
///     },
///     config_version: 1,
/// });
/// let click = |id: &str, at| Event::Outcome(Outcome {
///     id: OutcomeId::derive([id]),
///     at,
///     received: at,
///     subject: Subject::Unit { unit: unit.clone(), unit_kind: plan.unit.clone() },
///     metric: plan.primary.metric.clone(),
///     value: 1.0,
/// });
/// let day = Duration::from_secs(86_400);
/// let events = vec![click("early", at - day), click("in", at), click("late", at + day), exposure];
/// let joined = Join::new(&plan, events).look(at + day * 2);
/// assert_eq!(joined.units[0].values[0].numerator, 1.0);
/// assert_eq!(joined.ledger.outcomes[&plan.primary.metric].count(Disposition::AfterWindow), 1);
/// assert!(joined.ledger.balances());
/// # Ok::<(), CoreError>(())
/// ```
#[derive(Debug)]
pub struct Join {
    index: Index,
}

impl Join {
    /// Reads the events, in any order.
    #[must_use]
    pub fn new(plan: &AbTestPlan, events: impl IntoIterator<Item = Event>) -> Self {
        Self { index: Index::new(plan, events) }
    }

    /// The join as it was at a time: with the outcomes that were known then, and without what was not over.
    #[must_use]
    pub fn look(&self, as_of: Timestamp) -> Joined {
        self.at(as_of).into_joined()
    }

    /// The same, without an allocation for each unit.
    pub(crate) fn at(&self, as_of: Timestamp) -> Look<'_> {
        Look::new(&self.index, as_of)
    }

    /// The time of the first exposure to the phase.
    #[must_use]
    pub fn first_exposure(&self) -> Option<Timestamp> {
        self.index.first
    }

    /// The latest time at which anything of the phase happened or became known: an exposure to one of its arms,
    /// a prediction that one of them asked for, an outcome of either.
    #[must_use]
    pub fn latest(&self) -> Option<Timestamp> {
        self.index.latest
    }
}

/// The units of a phase at one look, and the ledger.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Joined {
    /// The time of the look.
    pub as_of: Timestamp,
    /// The units that count, sorted by id.
    pub units: Vec<JoinedUnit>,
    /// How many units are left out because they saw two arms.
    pub mixed: u64,
    /// What became of every row.
    pub ledger: Ledger,
}

/// One unit.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JoinedUnit {
    /// Its arm, as an index into the plan's arms.
    pub arm: usize,
    /// Its first exposure.
    pub first: Timestamp,
    /// How many of its predictions count.
    pub predictions: u64,
    /// Its metrics, in the order of [`AbTestPlan::metrics`].
    pub values: Vec<UnitValue>,
}

/// One metric of one unit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct UnitValue {
    /// The sum of its outcomes, or 0 and 1 for [`Aggregation::UnitAny`](expt_core::Aggregation::UnitAny).
    pub numerator: f64,
    /// The predictions that have an outcome, for
    /// [`Aggregation::PerPrediction`](expt_core::Aggregation::PerPrediction); otherwise 1 for a unit whose
    /// window is over, and 0 before.
    pub denominator: f64,
}
