//! From counts to a verdict.

use std::fmt;

use expt_core::{ArmId, PhaseId, Timestamp};
use expt_stats::{
    Alpha, Correction, LnP, Shares, SrmMethod, SrmResult, SrmVerdict, special::chi_square_ln_sf,
};
use serde::{Deserialize, Serialize};

use super::count::{Counts, DAY};
use super::{Promise, SrmAudit};
use crate::audit::error::Result;
use crate::audit::linear::semidefinite_form;

/// What an audit of sample ratios found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SrmReport {
    /// The phase.
    pub phase: PhaseId,
    /// Its arms; every list of counts is in this order.
    pub arms: Vec<ArmId>,
    /// What became of the rows.
    pub tally: SrmTally,
    /// Whether the arms got their shares, at the level and by `ln_p`.
    pub verdict: SrmVerdict,
    /// The p-value of the verdict: [`any_look`](Self::any_look) if the audit is for many looks or the other is
    /// missing, else [`one_look`](Self::one_look).
    pub ln_p: LnP,
    /// The level of the verdicts.
    pub alpha: Alpha,
    /// The p-value over all periods that holds at any number of looks.
    pub any_look: LnP,
    /// The p-value over all periods that holds at a single look; more sensitive. `None` where an arm expects fewer
    /// than five units.
    pub one_look: Option<LnP>,
    /// Every period, in order.
    pub periods: Vec<SrmPeriod>,
    /// Every day with new units, in order.
    pub days: Vec<SrmDay>,
    /// Units that saw more than one arm in one epoch. They are counted in the first.
    pub mixed: u64,
    /// Units that were exposed to an arm at or after the time at which a holdout held them. Must be none.
    pub exposed_while_held: u64,
    /// Units that were exposed to arms only before a holdout held them, as when a holdout begins.
    pub exposed_then_held: u64,
}

impl SrmReport {
    /// What is wrong, the gravest first; empty for a sound log.
    #[must_use]
    pub fn findings(&self) -> Vec<SrmFinding> {
        let mut findings = Vec::new();
        if self.verdict == SrmVerdict::Mismatch {
            findings.push(SrmFinding::Mismatch { ln_p: self.ln_p });
        }
        if self.exposed_while_held > 0 {
            findings.push(SrmFinding::ExposedWhileHeld { units: self.exposed_while_held });
        }
        if self.mixed > 0 {
            findings.push(SrmFinding::Mixed { units: self.mixed, of: self.tally.units });
        }
        if self.tally.unknown_arm > 0 {
            findings.push(SrmFinding::UnknownArm { rows: self.tally.unknown_arm });
        }
        if self.tally.other_epoch > 0 {
            findings.push(SrmFinding::OtherEpoch { rows: self.tally.other_epoch });
        }
        let days = self.days.iter().filter(|day| day.adjusted.is_at_most(self.alpha));
        findings.extend(days.map(|day| SrmFinding::Day { day: day.day, ln_p: day.adjusted }));
        findings
    }
}

impl fmt::Display for SrmReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            SrmVerdict::Healthy => "the arms have about their shares",
            SrmVerdict::Mismatch => "sample-ratio mismatch: no metric may be read",
            _ => "no units yet",
        };
        write!(f, "{}: {verdict}; p = {} at any look", self.phase, self.any_look)?;
        if let Some(ln_p) = self.one_look {
            write!(f, ", {ln_p} at one look")?;
        }
        for period in &self.periods {
            write!(f, "\nepoch {}, from {}:", period.epoch, period.from)?;
            let cells = self.arms.iter().zip(&period.any_look.counts).zip(&period.any_look.expected);
            for ((arm, count), expected) in cells {
                write!(f, " {arm} {count} (expected {expected:.1})")?;
            }
        }
        self.findings().iter().try_for_each(|finding| write!(f, "\n- {finding}"))
    }
}

/// What became of the rows of a log: `read` is the sum of all others but `units`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SrmTally {
    /// Rows that were read.
    pub read: u64,
    /// Rows of another phase, kind of unit or holdout.
    pub elsewhere: u64,
    /// Exposures to a holdout.
    pub held: u64,
    /// Exposures to an arm that the audit was not told of.
    pub unknown_arm: u64,
    /// Exposures at a time in no period.
    pub no_period: u64,
    /// Exposures in another epoch than that of the period, as by a server with an old config.
    pub other_epoch: u64,
    /// Exposures that count: the first of each unit, and those that repeat it.
    pub accepted: u64,
    /// Units with such an exposure; a unit counts once in each epoch.
    pub units: u64,
}

/// The units that came in one period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SrmPeriod {
    /// The epoch.
    pub epoch: u32,
    /// Its start.
    pub from: Timestamp,
    /// Its end, which is no longer in it.
    pub to: Timestamp,
    /// The test that holds at any number of looks.
    pub any_look: SrmResult,
    /// The test that holds at a single look; rough where an arm expects fewer than five units.
    pub one_look: SrmResult,
}

/// The units that came on one day (UTC) of a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SrmDay {
    /// When the day begins.
    pub day: Timestamp,
    /// The period, counted from 0. A day on which the shares changed is there twice.
    pub period: usize,
    /// The test of the day.
    pub result: SrmResult,
    /// Its p-value, adjusted for the number of days.
    pub adjusted: LnP,
}

/// Something wrong in an exposure log.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SrmFinding {
    /// The arms do not have their shares.
    Mismatch {
        /// The p-value of the verdict.
        ln_p: LnP,
    },
    /// Held units saw an arm.
    ExposedWhileHeld {
        /// How many.
        units: u64,
    },
    /// Units saw two arms in one epoch.
    Mixed {
        /// How many.
        units: u64,
        /// Of how many.
        of: u64,
    },
    /// There are exposures to arms that nobody promised.
    UnknownArm {
        /// How many.
        rows: u64,
    },
    /// There are exposures in an epoch that was not in force.
    OtherEpoch {
        /// How many.
        rows: u64,
    },
    /// A day is out of line.
    Day {
        /// When it begins.
        day: Timestamp,
        /// Its adjusted p-value.
        ln_p: LnP,
    },
}

impl fmt::Display for SrmFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch { ln_p } => write!(f, "the arms do not have their shares: p = {ln_p}"),
            Self::ExposedWhileHeld { units } => {
                write!(f, "{units} units saw an arm while a holdout held them")
            }
            Self::Mixed { units, of } => write!(f, "{units} of {of} units saw two arms in one epoch"),
            Self::UnknownArm { rows } => write!(f, "{rows} exposures are to arms that nobody promised"),
            Self::OtherEpoch { rows } => write!(f, "{rows} exposures are in an epoch that was not in force"),
            Self::Day { day, ln_p } => write!(f, "the units of the day of {day} are out of line: p = {ln_p}"),
        }
    }
}

/// Tests the counts.
pub(super) fn judge(audit: &SrmAudit, counts: &Counts) -> Result<SrmReport> {
    let mut periods = Vec::with_capacity(audit.periods.len());
    let (mut ln_evidence, mut impossible) = (0.0, false);
    for (promise, units) in audit.periods.iter().zip(&counts.periods) {
        let any_look = promise.shares.sequential(units, audit.alpha)?;
        if let SrmMethod::Sequential { ln_bayes_factor } = any_look.method {
            ln_evidence += ln_bayes_factor;
        }
        impossible |= any_look.ln_p == LnP::IMPOSSIBLE;
        let one_look = promise.shares.chi_square(units, audit.alpha)?;
        let (from, to) = (promise.during.start, promise.during.end);
        periods.push(SrmPeriod { epoch: promise.epoch, from, to, any_look, one_look });
    }
    let combined = LnP::new((-ln_evidence).clamp(f64::MIN, 0.0))?;
    let any_look = if impossible { LnP::IMPOSSIBLE } else { combined };
    let one_look = if impossible { Some(LnP::IMPOSSIBLE) } else { score(&audit.periods, &counts.periods)? };
    let ln_p = one_look.filter(|_| !audit.many_looks).unwrap_or(any_look);
    let verdict = match counts.tally.units {
        0 => SrmVerdict::NoUnits,
        _ if ln_p.is_at_most(audit.alpha) => SrmVerdict::Mismatch,
        _ => SrmVerdict::Healthy,
    };
    Ok(SrmReport {
        phase: audit.phase.clone(),
        arms: audit.arms.clone(),
        tally: counts.tally,
        verdict,
        ln_p,
        alpha: audit.alpha,
        any_look,
        one_look,
        periods,
        days: days(audit, counts)?,
        mixed: counts.mixed,
        exposed_while_held: counts.exposed_while_held,
        exposed_then_held: counts.exposed_then_held,
    })
}

/// The score test over all periods; `None` where it would be rough.
fn score(promises: &[Promise], counts: &[Vec<u64>]) -> Result<Option<LnP>> {
    let arms = counts.first().map_or(0, Vec::len);
    let (mut surplus, mut expected) = (vec![0.0; arms], vec![0.0; arms]);
    let mut variance = vec![0.0; arms * arms];
    for (promise, units) in promises.iter().zip(counts) {
        let total = units.iter().sum::<u64>() as f64;
        let shares = promise.shares.as_slice();
        for (arm, (share, count)) in shares.iter().zip(units).enumerate() {
            let cells = surplus.iter_mut().zip(&mut expected).zip(variance.chunks_exact_mut(arms));
            if let Some(((surplus, expected), row)) = cells.into_iter().nth(arm) {
                *surplus += *count as f64 - total * share;
                *expected += total * share;
                for (other, (cell, with)) in row.iter_mut().zip(shares).enumerate() {
                    *cell += total * share * (f64::from(u8::from(arm == other)) - with);
                }
            }
        }
    }
    if expected.iter().any(|expected| *expected > 0.0 && *expected < ENOUGH) {
        return Ok(None);
    }
    let (statistic, rank) = semidefinite_form(&variance, &surplus);
    if rank == 0 {
        return Ok(None);
    }
    Ok(Some(LnP::new(chi_square_ln_sf(statistic, rank as f64)?)?))
}

fn days(audit: &SrmAudit, counts: &Counts) -> Result<Vec<SrmDay>> {
    let mut days = Vec::with_capacity(counts.days.len());
    for (&(period, day), units) in &counts.days {
        let Some(promise) = audit.periods.get(period) else { continue };
        let result = of_day(&promise.shares, units, audit.alpha)?;
        let day = Timestamp::from_micros(day.saturating_mul(DAY));
        days.push(SrmDay { day, period, adjusted: result.ln_p, result });
    }
    let ln_p: Vec<LnP> = days.iter().map(|day| day.result.ln_p).collect();
    let adjusted = Correction::Holm.adjust(&ln_p).ln_p;
    days.iter_mut().zip(adjusted).for_each(|(day, ln_p)| day.adjusted = ln_p);
    Ok(days)
}

fn of_day(shares: &Shares, units: &[u64], alpha: Alpha) -> Result<SrmResult> {
    let rough = |result: &SrmResult| result.expected.iter().any(|units| *units > 0.0 && *units < ENOUGH);
    let plain = shares.chi_square(units, alpha)?;
    Ok(if rough(&plain) { shares.sequential(units, alpha)? } else { plain })
}

/// Expected units from which on the chi-square approximation is good.
const ENOUGH: f64 = 5.0;
