//! Independence between experiments.

mod association;
mod crossing;

use std::fmt;

use expt_assign::Ranges;
use expt_assign::mix::{MixKey, UnitDigest};
use expt_core::{ArmId, Exposure, PhaseId};
use expt_stats::{Alpha, Correction, LnP};
use serde::{Deserialize, Serialize};

pub use association::{Association, AssociationTest};

use super::error::{AuditError, Result};
use super::split::Split;
use crossing::Crossing;

/// Checks whether experiments that share units get in each other's way.
///
/// Experiments in different layers are analysed as if the others were not there. That is right if the arm of a unit in
/// one says nothing about its arm in the other. For every two phases that share units, and for every two epochs of one
/// phase, there are up to three tests:
/// - **arms**: among the units in both, are the arms of one independent of the arms of the other? A small p means that
///   their assignment is correlated (a shared salt, a copied hash), and each carries the other's effect;
/// - **reach**, once for either side: among the units of one phase, does its arm say who is in the other phase? A
///   small p means that one treatment changes who comes to the other, so that the units in both are selected.
///
/// # Formulas
/// Pearson's chi-square of the table, with (rows - 1)(columns - 1) degrees of freedom; made only where the
/// approximation is good: every expected count at least 1, and no more than a fifth of them below 5 (Cochran 1954).
/// Size: Cramér's V, 0 for none to 1 (Cramér 1946), and V with its upward bias taken off (Bergsma 2013). P-values are
/// adjusted for the number of tests that were made, after Holm if nothing else is asked for.
///
/// ```
/// use expt_analysis::audit::{IndependenceAudit, PlannedPhase};
/// use expt_assign::Ranges;
/// use expt_assign::mix::{UnitHash, Xmix1};
/// use expt_core::{ArmId, ExperimentId, LayerId, PhaseId, Share, UnitId, UnitKind};
///
/// let project = Xmix1::new("shop", UnitHash::default());
/// let users = project.unit(&UnitKind::new("user")?);
/// let units = (0..4_000).map(|n| users.digest(&format!("u{n}")));
/// let halves = Ranges::split(&[Share::HALF, Share::HALF])?;
/// let arms: Vec<_> = ["control", "treatment"].map(|arm| ArmId::new(arm).unwrap()).into_iter().zip(halves).collect();
///
/// let plan = |name: &str, layer: &str, experiment: &str| PlannedPhase::new(
///     PhaseId::new(name).unwrap(),
///     (project.layer(&LayerId::new(layer).unwrap()), Ranges::all()),
///     (project.arms(&ExperimentId::new(experiment).unwrap(), 1), arms.clone()),
/// );
/// let sound = [plan("ranker/ab", "ranking", "ranker"), plan("button/ab", "page", "button")];
/// let report = IndependenceAudit::default().planned(units.clone(), &sound)?;
/// assert_eq!(report.flagged().count(), 0);
///
/// // Two phases that draw their arms with one key: everyone is in the same arm of both.
/// let copied = [plan("ranker/ab", "ranking", "ranker"), plan("button/ab", "page", "ranker")];
/// let report = IndependenceAudit::default().planned(units, &copied)?;
/// assert!(report.flagged().next().unwrap().arms.tested().unwrap().cramers_v > 0.999);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct IndependenceAudit {
    alpha: Alpha,
    correction: Correction,
}

impl IndependenceAudit {
    /// Sets the level; 0.001 otherwise.
    #[must_use]
    pub const fn with_alpha(mut self, alpha: Alpha) -> Self {
        self.alpha = alpha;
        self
    }

    /// Sets the correction for the number of tests; Holm's otherwise.
    #[must_use]
    pub const fn with_correction(mut self, correction: Correction) -> Self {
        self.correction = correction;
        self
    }

    /// Audits the phases of a log, whose rows may come in any order. A unit counts in the arm of its first exposure in
    /// an epoch of a phase; units of different kinds are different units.
    ///
    /// # Errors
    /// [`AuditError::TooMany`] above 1,000 epochs of phases, or where their tables take more than 20 million cells.
    pub fn log<'a>(&self, log: impl IntoIterator<Item = &'a Exposure>) -> Result<IndependenceReport> {
        self.judge(Crossing::of_log(log)?)
    }

    /// Audits planned phases over units that they would get, such as those of last week: what the config would do,
    /// before it does.
    ///
    /// # Errors
    /// [`AuditError::Overlap`] for arms that claim the same places; [`AuditError::Duplicate`] for a phase that is
    /// there twice; and as [`log`](Self::log).
    pub fn planned(
        &self,
        units: impl IntoIterator<Item = UnitDigest>,
        phases: &[PlannedPhase],
    ) -> Result<IndependenceReport> {
        for (at, phase) in phases.iter().enumerate() {
            if phases.iter().take(at).any(|before| before.phase == phase.phase) {
                return Err(AuditError::Duplicate { what: "phase", id: phase.phase.to_string() });
            }
        }
        let splits = phases.iter().map(|phase| Split::new(phase.arms.iter().map(|(_, ranges)| ranges)));
        let splits: Vec<Split> = splits.collect::<Result<_>>()?;
        let layers = phases.iter().map(|phase| Split::new([&phase.ranges]));
        let layers: Vec<Split> = layers.collect::<Result<_>>()?;
        let mut crossing = Crossing::new(phases.iter().map(|phase| {
            let arms = phase.arms.iter().map(|(arm, _)| arm.clone()).collect();
            CrossedPhase { phase: phase.phase.clone(), epoch: phase.epoch, arms, units: Vec::new() }
        }))?;
        let mut seen = Vec::with_capacity(phases.len());
        for unit in units {
            seen.clear();
            for (number, ((phase, layer), split)) in phases.iter().zip(&layers).zip(&splits).enumerate() {
                let reached = layer.arm(phase.layer.place(unit));
                if let Some(arm) = reached.and_then(|_| split.arm(phase.key.place(unit))) {
                    seen.push((number, arm));
                }
            }
            crossing.add(&seen)?;
        }
        self.judge(crossing)
    }

    fn judge(&self, crossing: Crossing) -> Result<IndependenceReport> {
        let (phases, mut pairs) = crossing.pairs()?;
        let mut tests: Vec<&mut AssociationTest> = pairs.iter_mut().flat_map(PhasePair::tests_mut).collect();
        let ln_p: Vec<LnP> = tests.iter().map(|test| test.ln_p).collect();
        let adjusted = self.correction.adjust(&ln_p).ln_p;
        tests.iter_mut().zip(adjusted).for_each(|(test, ln_p)| test.adjusted = ln_p);
        Ok(IndependenceReport { phases, pairs, alpha: self.alpha, correction: self.correction })
    }
}

impl Default for IndependenceAudit {
    fn default() -> Self {
        Self { alpha: Alpha::PER_MILLE, correction: Correction::Holm }
    }
}

/// A phase as the config has it, for [`IndependenceAudit::planned`].
#[derive(Debug, Clone)]
pub struct PlannedPhase {
    phase: PhaseId,
    epoch: u32,
    layer: MixKey,
    ranges: Ranges,
    key: MixKey,
    arms: Vec<(ArmId, Ranges)>,
}

impl PlannedPhase {
    /// A phase with the key of its layer and its places there, and the key of its arms and their places; in epoch 1.
    #[must_use]
    pub fn new(phase: PhaseId, layer: (MixKey, Ranges), arms: (MixKey, Vec<(ArmId, Ranges)>)) -> Self {
        let ((layer, ranges), (key, arms)) = (layer, arms);
        Self { phase, epoch: 1, layer, ranges, key, arms }
    }

    /// Sets the epoch that the report shows. The key of the arms is what has an effect.
    #[must_use]
    pub const fn with_epoch(mut self, epoch: u32) -> Self {
        self.epoch = epoch;
        self
    }
}

/// What an audit of independence found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IndependenceReport {
    /// The epochs of phases: of a log by phase and epoch, of a plan in its order.
    pub phases: Vec<CrossedPhase>,
    /// Every two of them that share units, in the same order.
    pub pairs: Vec<PhasePair>,
    /// The level at which pairs are flagged.
    pub alpha: Alpha,
    /// The correction of the adjusted p-values.
    pub correction: Correction,
}

impl IndependenceReport {
    /// The pairs that are not independent.
    pub fn flagged(&self) -> impl Iterator<Item = &PhasePair> {
        let dependent = |test: &AssociationTest| test.adjusted.is_at_most(self.alpha);
        self.pairs.iter().filter(move |pair| pair.tests().any(dependent))
    }
}

impl fmt::Display for IndependenceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pairs, flagged) = (self.pairs.len(), self.flagged().count());
        write!(f, "{flagged} of {pairs} pairs of phases that share units are not independent")?;
        let name = |at: usize| self.phases.get(at).map(|one| format!("{} (epoch {})", one.phase, one.epoch));
        for pair in self.flagged() {
            let (left, right) = (name(pair.left).unwrap_or_default(), name(pair.right).unwrap_or_default());
            write!(f, "\n- {left} and {right}, {} units in both", pair.shared)?;
            let tests = [
                (&pair.arms, "their arms go together".to_owned()),
                (&pair.left_reach, format!("the arm in {left} says who comes to {right}")),
                (&pair.right_reach, format!("the arm in {right} says who comes to {left}")),
            ];
            for (association, words) in tests {
                if let Some(test) = association.tested().filter(|test| test.adjusted.is_at_most(self.alpha)) {
                    write!(f, "; {words}: adjusted p = {}, V = {:.4}", test.adjusted, test.cramers_v)?;
                }
            }
        }
        Ok(())
    }
}

/// An epoch of a phase, and its units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CrossedPhase {
    /// The phase.
    pub phase: PhaseId,
    /// The epoch.
    pub epoch: u32,
    /// Its arms.
    pub arms: Vec<ArmId>,
    /// The units of each.
    pub units: Vec<u64>,
}

/// Two epochs of phases that share units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PhasePair {
    /// The one, a number in [`IndependenceReport::phases`].
    pub left: usize,
    /// The other.
    pub right: usize,
    /// How many units are in both.
    pub shared: u64,
    /// For each arm of the left one, the shared units in each arm of the right one.
    pub table: Vec<Vec<u64>>,
    /// Do the arms go together?
    pub arms: Association,
    /// Does the arm in the left one say who is in the right one?
    pub left_reach: Association,
    /// Does the arm in the right one say who is in the left one?
    pub right_reach: Association,
}

impl PhasePair {
    /// The tests that were made.
    pub fn tests(&self) -> impl Iterator<Item = &AssociationTest> {
        [&self.arms, &self.left_reach, &self.right_reach].into_iter().filter_map(Association::tested)
    }

    fn tests_mut(&mut self) -> impl Iterator<Item = &mut AssociationTest> {
        let all = [&mut self.arms, &mut self.left_reach, &mut self.right_reach];
        all.into_iter().filter_map(|one| match one {
            Association::Tested(test) => Some(test),
            Association::TooFew { .. } => None,
        })
    }
}
