//! Sample-ratio mismatch of an assignment log.

mod count;
mod report;

use std::ops::Range;

use expt_assign::Ranges;
use expt_core::{ArmId, Exposure, HoldoutId, PhaseId, Timestamp, UnitKind};
use expt_stats::{Alpha, Shares, StatsError};

pub use report::{SrmDay, SrmFinding, SrmPeriod, SrmReport, SrmTally};

use super::error::{AuditError, Result};

/// Checks whether an exposure log has the units in each arm that the config promised.
///
/// A log in which they are not there lost, doubled or moved units, and no metric of it can be trusted (Fabijan et al.
/// 2019). What was promised changes with ramps and epochs, so it is given for periods, and every unit is counted in
/// the period of its *first* exposure in the epoch: later ones depend on what the arms did to the unit.
///
/// # Assumptions and formulas
/// Given the numbers `n_t` of units that came in each period, the units of an arm are multinomial with the shares
/// `s_t` of the period. Let `O` be the units of each arm, all periods together.
/// - At one look: the score test of a deviation that is common to the periods, `D' V^- D` with `D = O - sum n_t s_t`
///   and `V = sum n_t (diag(s_t) - s_t s_t')`, chi-square with the rank of `V` as degrees of freedom. (With one period
///   it is Pearson's test; stratified as by Mantel 1963.) Missing where an arm expects fewer than five units.
/// - At any number of looks: the Bayes factors of [`Shares::sequential`] (Lindon and Malek 2022), one a period and
///   multiplied, which is again an e-process. It needs more units for the same certainty, and most of all below
///   10,000 units.
/// - The verdict is by the first, unless [`for_many_looks`](Self::for_many_looks) is asked for: a log that is audited
///   every day until something is found needs it.
/// - Days: one look each, by chi-square where every arm expects five units and by the Bayes factor, which needs no
///   approximation, elsewhere; p-values are adjusted for the number of days after Holm (1979).
///
/// ```
/// # use expt_core::{Exposure, ExposureTarget, Identity, ExperimentId, UnitId};
/// use std::time::Duration;
///
/// use expt_analysis::audit::{SrmAudit, SrmFinding};
/// use expt_core::{ArmId, PhaseId, Timestamp, UnitKind};
/// use expt_stats::{Shares, SrmVerdict};
///
/// let start: Timestamp = "2026-03-02".parse()?;
/// let week = Duration::from_secs(7 * 86_400);
/// let (control, treatment) = (ArmId::new("control")?, ArmId::new("treatment")?);
/// // A week at 90 to 10, then half and half among the units that are new.
/// let audit = SrmAudit::new(PhaseId::new("ranker/ab")?, UnitKind::new("user")?, &[control, treatment])?
///     .with_period(1, start..start + week, Shares::new(&[9.0, 1.0])?)?
///     .with_period(1, start + week..Timestamp::MAX, Shares::new(&[1.0, 1.0])?)?;
/// # let exposure = |number: u32, arm: &str, at| Exposure {
/// #     at, unit: UnitId::new(format!("u{number}")).unwrap(), unit_kind: UnitKind::new("user").unwrap(),
/// #     identity: Identity::Own, config_version: 1,
/// #     target: ExposureTarget::Arm { experiment: ExperimentId::new("ranker").unwrap(), epoch: 1,
/// #         phase: PhaseId::new("ranker/ab").unwrap(), arm: ArmId::new(arm).unwrap() },
/// # };
/// # let arm = |treated| if treated { "treatment" } else { "control" };
/// let mut log: Vec<Exposure> = Vec::new();
/// log.extend((0..4_000).map(|n| exposure(n, arm(n % 10 == 0), start + Duration::from_secs(n.into()))));
/// log.extend((4_000..8_000).map(|n| exposure(n, arm(n % 2 == 0), start + week)));
/// let report = audit.run(&log)?;
/// assert_eq!(report.verdict, SrmVerdict::Healthy);
/// assert!(report.findings().is_empty());
///
/// // The new treatment crashes for a fifth of its users before they are logged.
/// log.retain(|row| row.at < start + week || !row.unit.as_str().ends_with('2'));
/// let report = audit.run(&log)?;
/// assert_eq!(report.verdict, SrmVerdict::Mismatch);
/// assert!(matches!(report.findings()[..], [SrmFinding::Mismatch { .. }, SrmFinding::Day { .. }]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SrmAudit {
    phase: PhaseId,
    kind: UnitKind,
    arms: Vec<ArmId>,
    periods: Vec<Promise>,
    holdouts: Vec<HoldoutId>,
    alpha: Alpha,
    many_looks: bool,
}

/// What was promised in a period.
#[derive(Debug, Clone)]
struct Promise {
    epoch: u32,
    during: Range<Timestamp>,
    shares: Shares,
}

impl SrmAudit {
    /// An audit of a phase, for units of its kind and with all arms that it ever had.
    ///
    /// # Errors
    /// [`AuditError::TooFew`] below two arms, [`AuditError::TooMany`] above 64; [`AuditError::Duplicate`].
    pub fn new(phase: PhaseId, kind: UnitKind, arms: &[ArmId]) -> Result<Self> {
        let have = arms.len();
        if have < 2 {
            let remedy = "give every arm that the phase ever had, control included";
            return Err(AuditError::TooFew { what: "arms", have, need: 2, remedy });
        }
        if have > MAX_ARMS {
            let remedy = "audit some arms at a time";
            return Err(AuditError::TooMany { what: "arms", have, allowed: MAX_ARMS, remedy });
        }
        for (at, arm) in arms.iter().enumerate() {
            if arms.iter().take(at).any(|before| before == arm) {
                return Err(AuditError::Duplicate { what: "arm", id: arm.to_string() });
            }
        }
        let (periods, holdouts) = (Vec::new(), Vec::new());
        let (alpha, many_looks) = (Alpha::PER_MILLE, false);
        Ok(Self { phase, kind, arms: arms.to_vec(), periods, holdouts, alpha, many_looks })
    }

    /// Adds a period, later than those before it: from its start up to, but without, its end the phase was in the
    /// epoch and gave new units these shares, one for each arm (zero for an arm that was not there).
    ///
    /// [`arm_shares`] makes them of ranges.
    ///
    /// # Errors
    /// [`AuditError::Period`] if it is empty or begins before the last one ends; [`AuditError::Stats`] unless there
    /// is one share for each arm.
    pub fn with_period(mut self, epoch: u32, during: Range<Timestamp>, shares: Shares) -> Result<Self> {
        let before = self.periods.last().map_or(Timestamp::MIN, |last| last.during.end);
        if during.start < before || during.end <= during.start {
            return Err(AuditError::Period { from: during.start, to: during.end, before });
        }
        let (found, allowed) = (shares.as_slice().len(), self.arms.len());
        if found != allowed {
            return Err(StatsError::Length { what: "the list of shares", found, allowed }.into());
        }
        self.periods.push(Promise { epoch, during, shares });
        Ok(self)
    }

    /// Names a holdout that applies to the phase; without any, all of them are said to.
    ///
    /// Leave out a rotating holdout: a unit that it lets go may be exposed afterwards.
    #[must_use]
    pub fn with_holdout(mut self, holdout: HoldoutId) -> Self {
        self.holdouts.push(holdout);
        self
    }

    /// Sets the level of the verdicts; 0.001 otherwise.
    #[must_use]
    pub const fn with_alpha(mut self, alpha: Alpha) -> Self {
        self.alpha = alpha;
        self
    }

    /// Makes the verdict hold at every look of a log that is audited while it grows.
    #[must_use]
    pub const fn for_many_looks(mut self) -> Self {
        self.many_looks = true;
        self
    }

    /// Audits a log, whose rows may come in any order. Takes time and memory for its rows and units, once.
    ///
    /// # Errors
    /// [`AuditError::TooFew`] without a period; [`AuditError::Stats`] should a count leave its range.
    pub fn run<'a>(&self, log: impl IntoIterator<Item = &'a Exposure>) -> Result<SrmReport> {
        if self.periods.is_empty() {
            let remedy = "say with `with_period` what was promised, and when";
            return Err(AuditError::TooFew { what: "periods", have: 0, need: 1, remedy });
        }
        let mut counter = count::Counter::new(self);
        log.into_iter().for_each(|row| counter.add(row));
        report::judge(self, &counter.finish())
    }

    /// The period that is in force at a time.
    fn period(&self, at: Timestamp) -> Option<(usize, &Promise)> {
        let after = self.periods.partition_point(|period| period.during.start <= at);
        let number = after.checked_sub(1)?;
        self.periods.get(number).filter(|period| at < period.during.end).map(|period| (number, period))
    }
}

/// The shares that arms have by the width of their ranges, for [`SrmAudit::with_period`].
///
/// # Errors
/// [`AuditError::Stats`] below two arms, or if none has a place.
pub fn arm_shares(arms: &[Ranges]) -> Result<Shares> {
    let widths: Vec<f64> = arms.iter().map(|ranges| ranges.width() as f64).collect();
    Ok(Shares::new(&widths)?)
}

/// The fourth power of it is the time of the test at one look.
const MAX_ARMS: usize = 64;
