//! Plans: what a phase will do and how it will be read, sealed before the first exposure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::canonical;
use crate::digest::Digest;
use crate::error::{CoreError, Result};
use crate::id::{ArmId, DecisionPoint, ExperimentId, LayerId, MetricName, ModelName, PhaseId, UnitKind};
use crate::value::ParamValue;

/// A share in parts per million: exact, so that plans and ranges agree.
///
/// ```
/// use expt_core::Share;
///
/// assert_eq!(Share::percent(2)?, Share::ppm(20_000)?);
/// assert!(Share::ppm(1_000_001).is_err());
/// # Ok::<(), expt_core::CoreError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Share(u32);

impl Share {
    /// Everything.
    pub const ALL: Self = Self(1_000_000);
    /// One half.
    pub const HALF: Self = Self(500_000);
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// From parts per million.
    ///
    /// # Errors
    /// [`CoreError::Number`] above 1,000,000.
    pub fn ppm(ppm: u32) -> Result<Self> {
        if ppm <= Self::ALL.0 {
            return Ok(Self(ppm));
        }
        Err(CoreError::Number {
            field: "share",
            value: ppm.to_string(),
            allowed: "0 to 1,000,000 parts per million",
        })
    }

    /// From whole per cent.
    ///
    /// # Errors
    /// [`CoreError::Number`] above 100.
    pub fn percent(percent: u32) -> Result<Self> {
        Self::ppm(percent.saturating_mul(10_000))
    }

    /// Parts per million.
    #[must_use]
    pub const fn as_ppm(self) -> u32 {
        self.0
    }

    /// The share as a number from 0 to 1.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} %", f64::from(self.0) / 1e4))
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::ppm(u32::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// What a phase will do and how it will be read. One variant for each kind of phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Plan {
    /// A fixed split, read with a sequential test.
    AbTest(AbTestPlan),
    /// A model that runs beside the one that is shown.
    Shadow(ShadowPlan),
}

impl Plan {
    /// The experiment that the phase belongs to.
    #[must_use]
    pub const fn experiment(&self) -> &ExperimentId {
        match self {
            Self::AbTest(plan) => &plan.experiment,
            Self::Shadow(plan) => &plan.experiment,
        }
    }

    /// The phase.
    #[must_use]
    pub const fn phase(&self) -> &PhaseId {
        match self {
            Self::AbTest(plan) => &plan.phase,
            Self::Shadow(plan) => &plan.phase,
        }
    }

    /// The kind of phase.
    #[must_use]
    pub const fn kind(&self) -> PhaseKind {
        match self {
            Self::AbTest(_) => PhaseKind::AbTest,
            Self::Shadow(_) => PhaseKind::Shadow,
        }
    }

    /// Checks the plan and seals it by the digest of its canonical bytes.
    ///
    /// # Errors
    /// [`CoreError::Plan`] with the first thing that is wrong, and what to do about it.
    pub fn seal(self) -> Result<SealedPlan> {
        match &self {
            Self::AbTest(plan) => plan.check()?,
            Self::Shadow(plan) => plan.check()?,
        }
        let digest = canonical::digest(&self)?;
        Ok(SealedPlan { plan: self, digest })
    }
}

/// A checked plan with its digest. Its content can no longer change.
#[derive(Debug, Clone, PartialEq)]
pub struct SealedPlan {
    plan: Plan,
    digest: Digest,
}

impl SealedPlan {
    /// The plan.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The digest of its canonical bytes: what assignment configs and readouts refer to.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }
}

/// The kind of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PhaseKind {
    /// A model runs beside the one that is shown; nobody sees it.
    Shadow,
    /// Both rankings in one response.
    Interleave,
    /// A fixed split.
    AbTest,
    /// An adaptive split.
    Bandit,
    /// A staged move to one arm.
    Rollout,
}

/// The plan of an A/B test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AbTestPlan {
    /// The experiment.
    pub experiment: ExperimentId,
    /// The phase.
    pub phase: PhaseId,
    /// What is expected, and why.
    pub hypothesis: String,
    /// What is randomised, and what is analysed.
    pub unit: UnitKind,
    /// The layer whose traffic it uses.
    pub layer: LayerId,
    /// The arms, with their shares of the traffic; the shares add up to [`Share::ALL`].
    pub arms: Vec<PlannedArm>,
    /// The arm that the others are compared with.
    pub control: ArmId,
    /// The largest share of the layer that the phase may use.
    pub max_traffic: Share,
    /// Decides, together with the guardrails.
    pub primary: PlannedMetric,
    /// Reported, corrected for multiplicity; never decide.
    pub secondaries: Vec<PlannedMetric>,
    /// Must not get worse by more than their margins.
    pub guardrails: Vec<PlannedMetric>,
    /// The chance of a false `Ship` that is accepted, over all looks; in (0, 0.5).
    pub alpha: f64,
    /// The number of units, over all arms, at which the sequential test is most precise.
    pub tuned_units: u64,
    /// How the secondary metrics are corrected.
    pub correction: Correction,
    /// No `Ship` before so many whole weeks.
    pub min_weeks: u32,
    /// The phase ends after so many weeks.
    pub max_weeks: u32,
}

impl AbTestPlan {
    /// The arms other than the control.
    pub fn treatments(&self) -> impl Iterator<Item = &PlannedArm> {
        self.arms.iter().filter(|arm| arm.arm != self.control)
    }

    /// All metrics, the primary first, then secondaries, then guardrails.
    pub fn metrics(&self) -> impl Iterator<Item = &PlannedMetric> {
        std::iter::once(&self.primary).chain(&self.secondaries).chain(&self.guardrails)
    }

    fn check(&self) -> Result<()> {
        let fault =
            |problem: String, help| Err(CoreError::Plan { phase: self.phase.to_string(), problem, help });
        let names: BTreeSet<_> = self.arms.iter().map(|arm| &arm.arm).collect();
        if self.arms.len() < 2 || names.len() != self.arms.len() {
            return fault(
                format!("{} arms, {} names", self.arms.len(), names.len()),
                "give two or more arms with names of their own",
            );
        }
        if !names.contains(&self.control) {
            return fault(
                format!("control {:?} is not an arm", self.control),
                "name one of the arms as control",
            );
        }
        let total: u64 = self.arms.iter().map(|arm| u64::from(arm.share.as_ppm())).sum();
        if total != u64::from(Share::ALL.as_ppm()) {
            return fault(
                format!("the shares of the arms add up to {total} ppm"),
                "make them add up to 1,000,000",
            );
        }
        if let Some(arm) = self.arms.iter().find(|arm| arm.share == Share::NONE) {
            return fault(format!("arm {:?} has no share", arm.arm), "leave it out, or give it traffic");
        }
        if self.arms.iter().any(|arm| {
            arm.bindings.keys().ne(self.arms.iter().flat_map(|a| a.bindings.keys()).collect::<BTreeSet<_>>())
        }) {
            return fault(
                "arms bind different decision points".into(),
                "bind the same decision points in every arm",
            );
        }
        if !(self.alpha > 0.0 && self.alpha < 0.5) {
            return fault(
                format!("alpha is {}", self.alpha),
                "give an alpha between 0 and 0.5, such as 0.05",
            );
        }
        if self.max_traffic == Share::NONE || self.tuned_units < 2 {
            return fault(
                format!("traffic {}, tuned to {} units", self.max_traffic, self.tuned_units),
                "give it traffic, and at least 2 units",
            );
        }
        if self.min_weeks == 0 || self.max_weeks < self.min_weeks {
            return fault(
                format!("runs {} to {} weeks", self.min_weeks, self.max_weeks),
                "run at least one whole week, and at most max_weeks",
            );
        }
        let mut seen = BTreeSet::new();
        for metric in self.metrics() {
            if !seen.insert(&metric.metric) {
                return fault(
                    format!("metric {:?} has two roles", metric.metric),
                    "give each metric one role",
                );
            }
            if metric.window.is_zero() {
                return fault(
                    format!("metric {:?} has an empty window", metric.metric),
                    "give it the time in which outcomes count",
                );
            }
        }
        for guardrail in &self.guardrails {
            if !guardrail.margin.is_some_and(|margin| margin.is_finite() && margin > 0.0) {
                return fault(
                    format!("guardrail {:?} has no margin above 0", guardrail.metric),
                    "say by how much it may get worse",
                );
            }
        }
        Ok(())
    }
}

/// One arm of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedArm {
    /// Its name.
    pub arm: ArmId,
    /// Its share of the phase's traffic.
    pub share: Share,
    /// What a unit in it gets, for each decision point.
    pub bindings: BTreeMap<DecisionPoint, Binding>,
}

/// What a decision point gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub enum Binding {
    /// One model version, of any experiment.
    Pinned {
        /// The model.
        model: ModelName,
        /// The version.
        version: u32,
        /// The digest of its bytes.
        digest: Digest,
    },
    /// The newest version, from `first` on, that reads the same features as `first`: for models that are
    /// trained again on newer data while the phase runs. The plan seals this rule; each prediction's stamp
    /// carries the version that answered.
    Following {
        /// The model.
        model: ModelName,
        /// The version that the plan was made for.
        first: u32,
        /// The digest of its feature pin, which every later version must have too; `None` if it has none.
        features: Option<Digest>,
    },
    /// Plain parameters.
    Params(BTreeMap<String, ParamValue>),
}

/// One metric of a plan: how outcomes become a number per unit, and which way is good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedMetric {
    /// The metric, as outcomes name it.
    pub metric: MetricName,
    /// How outcomes become a number per unit.
    pub aggregation: Aggregation,
    /// Which way is good.
    pub direction: Direction,
    /// How long after its cause (the first exposure of the unit, or the prediction) an outcome counts:
    /// from 0, up to but without this time, in event time.
    pub window: Duration,
    /// For a guardrail: by how much it may get worse, in the unit of the metric.
    pub margin: Option<f64>,
}

/// How outcomes become a number per unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Aggregation {
    /// The sum of the unit's outcomes in the window after its first exposure; 0 without any.
    UnitTotal,
    /// 1 if the unit has an outcome above 0 in the window after its first exposure, else 0.
    UnitAny,
    /// Outcomes of the unit's predictions, each in the window after its prediction: their sum divided by
    /// the number of predictions that have one. Over an arm this is a ratio of sums, so its variance comes
    /// from the delta method with the unit as the cluster (Deng, Knoblich, Lu 2018).
    PerPrediction,
}

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// More is better.
    HigherIsBetter,
    /// Less is better.
    LowerIsBetter,
}

/// How a family of tests is corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Correction {
    /// Controls the false discovery rate (Benjamini, Hochberg 1995).
    BenjaminiHochberg,
    /// Controls the chance of any false rejection (Holm 1979).
    Holm,
}

/// The plan of a shadow phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShadowPlan {
    /// The experiment.
    pub experiment: ExperimentId,
    /// The phase.
    pub phase: PhaseId,
    /// The decision point whose requests are shadowed.
    pub decision_point: DecisionPoint,
    /// What runs in the shadow.
    pub candidate: Binding,
    /// The smallest share of eligible requests that must be compared.
    pub min_coverage: Share,
    /// Outputs agree when they differ by at most this.
    pub tolerance: f64,
    /// Where an output is a score: the threshold at which it becomes a decision.
    pub threshold: Option<f64>,
    /// The largest share of decisions that may flip.
    pub max_flip_rate: Share,
}

impl ShadowPlan {
    fn check(&self) -> Result<()> {
        let fault =
            |problem: String, help| Err(CoreError::Plan { phase: self.phase.to_string(), problem, help });
        if !(self.tolerance.is_finite() && self.tolerance >= 0.0) {
            return fault(format!("tolerance is {}", self.tolerance), "give a finite tolerance of 0 or more");
        }
        if self.threshold.is_some_and(|threshold| !threshold.is_finite()) {
            return fault("the threshold is not finite".into(), "give a finite threshold, or none");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(name: &str, share: Share) -> PlannedArm {
        PlannedArm { arm: ArmId::new(name).unwrap(), share, bindings: BTreeMap::new() }
    }

    fn metric(name: &str) -> PlannedMetric {
        PlannedMetric {
            metric: MetricName::new(name).unwrap(),
            aggregation: Aggregation::UnitTotal,
            direction: Direction::HigherIsBetter,
            window: Duration::from_secs(3600),
            margin: None,
        }
    }

    fn plan() -> AbTestPlan {
        AbTestPlan {
            experiment: ExperimentId::new("e").unwrap(),
            phase: PhaseId::new("e/ab").unwrap(),
            hypothesis: "better".into(),
            unit: UnitKind::new("user").unwrap(),
            layer: LayerId::new("ranking").unwrap(),
            arms: vec![arm("control", Share::HALF), arm("treatment", Share::HALF)],
            control: ArmId::new("control").unwrap(),
            max_traffic: Share::ALL,
            primary: metric("clicks"),
            secondaries: vec![metric("dwell")],
            guardrails: vec![],
            alpha: 0.05,
            tuned_units: 5000,
            correction: Correction::BenjaminiHochberg,
            min_weeks: 1,
            max_weeks: 3,
        }
    }

    #[test]
    fn the_seal_changes_with_any_field() {
        let seal = |change: fn(&mut AbTestPlan)| {
            let mut plan = plan();
            change(&mut plan);
            Plan::AbTest(plan).seal().unwrap().digest()
        };
        assert_eq!(seal(|_| ()), seal(|_| ()));
        assert_ne!(seal(|_| ()), seal(|plan| plan.alpha = 0.01));
        assert_ne!(seal(|_| ()), seal(|plan| plan.primary.window += Duration::from_nanos(1)));
    }

    #[test]
    fn refuses_a_plan_that_could_not_be_read() {
        let check = |change: fn(&mut AbTestPlan), part: &str| {
            let mut plan = plan();
            change(&mut plan);
            let error = Plan::AbTest(plan).seal().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        check(|p| p.arms.truncate(1), "two or more arms");
        check(|p| p.arms[1].arm = p.control.clone(), "names of their own");
        check(|p| p.control = ArmId::new("x").unwrap(), "not an arm");
        check(|p| p.arms[0].share = Share::NONE, "500000 ppm");
        check(|p| p.alpha = f64::NAN, "alpha is NaN");
        check(|p| p.min_weeks = 0, "whole week");
        check(|p| p.secondaries.push(p.primary.clone()), "two roles");
        check(|p| p.guardrails.push(metric("latency")), "no margin above 0");
        check(|p| p.primary.window = Duration::ZERO, "empty window");
    }
}
