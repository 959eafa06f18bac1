//! From a plan and events to a readout: the join, the ledger, the verdict, the report.
//!
//! [`Analysis`] reads the sealed plan of a phase and the event log, joins exposures, predictions and outcomes,
//! and gives a [`Readout`] at any look; [`Report`] shows it as a page or as text; [`ShadowReadout`] compares a
//! candidate in the shadow with what was shown.
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::time::Duration;
//!
//! use expt_analysis::{Analysis, Verdict};
//! use expt_core::*;
//!
//! let arm = |name| PlannedArm { arm: ArmId::new(name).unwrap(), share: Share::HALF, bindings: BTreeMap::new() };
//! let plan = AbTestPlan {
//!     experiment: ExperimentId::new("ranker-v2")?,
//!     phase: PhaseId::new("ranker-v2/ab")?,
//!     hypothesis: "the new ranker earns more clicks".into(),
//!     unit: UnitKind::new("user")?,
//!     layer: LayerId::new("ranking")?,
//!     arms: vec![arm("control"), arm("treatment")],
//!     control: ArmId::new("control")?,
//!     max_traffic: Share::ALL,
//!     primary: PlannedMetric {
//!         metric: MetricName::new("clicks")?,
//!         aggregation: Aggregation::UnitAny,
//!         direction: Direction::HigherIsBetter,
//!         window: Duration::from_secs(86_400),
//!         margin: None,
//!     },
//!     secondaries: vec![],
//!     guardrails: vec![],
//!     alpha: 0.05,
//!     tuned_units: 2_000,
//!     correction: Correction::BenjaminiHochberg,
//!     min_weeks: 1,
//!     max_weeks: 2,
//! };
//! let sealed = Plan::AbTest(plan.clone()).seal()?;
//! let start: Timestamp = "2026-03-02".parse()?;
//! let mut events = Vec::new();
//! for number in 0..2_000_u64 {
//!     let unit = UnitId::new(format!("u{number}"))?;
//!     let arm = &plan.arms[(number % 2) as usize].arm;
//!     events.push(Event::Exposure(Exposure {
//!         at: start + Duration::from_secs(number),
//!         unit: unit.clone(),
//!         unit_kind: plan.unit.clone(),
//!         identity: Identity::Own,
//!         target: ExposureTarget::Arm {
//!             experiment: plan.experiment.clone(),
//!             phase: plan.phase.clone(),
//!             arm: arm.clone(),
//!             epoch: 1,
//!         },
//!         config_version: 1,
//!     }));
//!     // 20 % of the control click, 33 % of the treatment.
//!     if number / 2 % (if *arm == plan.control { 5 } else { 3 }) == 0 {
//!         let at = start + Duration::from_secs(number + 60);
//!         events.push(Event::Outcome(Outcome {
//!             id: OutcomeId::derive([number.to_le_bytes()]),
//!             at,
//!             received: at,
//!             subject: Subject::Unit { unit, unit_kind: plan.unit.clone() },
//!             metric: plan.primary.metric.clone(),
//!             value: 1.0,
//!         }));
//!     }
//! }
//! let analysis = Analysis::new(&sealed, events)?;
//! let day = Duration::from_secs(86_400);
//! assert_eq!(analysis.verdicts(start + day * 3)?, [Verdict::Continue]); // the minimum is a week
//! let readout = analysis.readout(&analysis.daily_looks(start + day * 7))?;
//! assert_eq!(readout.verdict, Verdict::Ship);
//! assert!(readout.reason.starts_with("clicks moved by +0.1"), "{}", readout.reason);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The [`audit`] tools judge the experiment itself, before and while it runs: A/A replay and the choice of an
//! epoch, sample ratios over ramps, independence between experiments, traffic advice, and designs for few clusters.
//!
//! # What it does not do yet
//! It reads all events into memory; it has readouts for A/B tests and shadows only.

mod analysis;
pub mod audit;
mod error;
mod estimate;
mod join;
mod ledger;
mod plan;
mod readout;
mod report;
mod shadow;

pub use analysis::Analysis;
pub use error::{AnalysisError, Result};
pub use join::{Join, Joined, JoinedUnit, UnitValue};
pub use ledger::{Disposition, Ledger, Tally};
pub use plan::read_plan;
pub use readout::{
    ArmReadout, Comparison, DayRow, HealthCheck, LookRow, MetricReadout, Readout, Role, ServedModel, Verdict,
};
pub use report::Report;
pub use shadow::ShadowReadout;
