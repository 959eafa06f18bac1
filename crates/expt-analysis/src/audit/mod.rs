//! Audits: is the assignment what it claims to be, and is there enough traffic for the question?
//!
//! | question | when | tool |
//! |---|---|---|
//! | Would the arms have been alike before the experiment? Is the metric's test calibrated? Which epoch balances best? | before | [`Replay`] on a [`History`] |
//! | How much traffic, for how many weeks? | before | [`TrafficPlan`] |
//! | Few clusters (cities, stores): who gets which arm? | before | [`ClusterDesign`] |
//! | Did the arms get their shares, on every day, through every ramp? | while it runs | [`SrmAudit`] |
//! | Do two experiments get in each other's way? | before and while | [`IndependenceAudit`] |
//!
//! Every audit is a pure function of its input: the same rows in any order give the same report, to the last bit.
//! A bad finding is a value in the report; an [`AuditError`] means that the input has to change.

mod clusters;
mod error;
mod independence;
mod linear;
mod replay;
mod split;
mod srm;
mod traffic;
mod uniformity;

pub use clusters::{
    Cluster, ClusterBalance, ClusterBlock, ClusterContrast, ClusterDesign, ClusterRow, ClusterTable,
};
pub use error::{AuditError, Result};
pub use independence::{
    Association, AssociationTest, CrossedPhase, IndependenceAudit, IndependenceReport, PhasePair,
    PlannedPhase,
};
pub use replay::{Balance, Calibration, Contrast, History, Replay, Score, Search};
pub use srm::{SrmAudit, SrmDay, SrmFinding, SrmPeriod, SrmReport, SrmTally, arm_shares};
pub use traffic::{Baseline, Effect, Inflow, TrafficAdvice, TrafficOption, TrafficPlan, TrafficShortfall};
pub use uniformity::Uniformity;
