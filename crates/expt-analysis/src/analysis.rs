//! From a plan and events to a readout.

mod models;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use expt_core::{AbTestPlan, Digest, Event, PhaseId, Plan, SealedPlan, Timestamp};
use expt_stats::{Decision, SrmResult, SrmVerdict};
use expt_store::{EventScan, EventStoreExt, Stores};

use crate::error::{AnalysisError, Result};
use crate::estimate::{self, ArmState, Calendar};
use crate::join::{self, Join};
use crate::ledger::Disposition;
use crate::readout::{ArmReadout, Comparison, DayRow, HealthCheck, LookRow, Readout, Verdict};

/// The analysis of one A/B test: its plan, and the events of its phase, joined.
///
/// ```no_run
/// use expt_analysis::{Analysis, Report};
/// use expt_store::{Stores, blocking::wait};
///
/// # fn show(stores: &Stores) -> Result<(), Box<dyn std::error::Error>> {
/// // The stores are those that were written to, such as `Stores::open("my_store")?`.
/// let analysis = wait(Analysis::read(stores, &"ranker-v2/ab".parse()?))?;
/// let looks = analysis.daily_looks("2026-03-15".parse()?);
/// let mut readout = analysis.readout(&looks)?;
/// wait(analysis.attach_models(&mut readout, stores))?;
/// println!("{}: {}", readout.verdict, readout.reason);
/// std::fs::write("report.html", Report::new(&readout).to_html())?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Analysis {
    plan: AbTestPlan,
    digest: Digest,
    join: Join,
}

impl Analysis {
    /// Joins events, in any order, under a sealed plan.
    ///
    /// # Errors
    /// [`AnalysisError::OtherKind`] if the plan is not of an A/B test.
    pub fn new(sealed: &SealedPlan, events: impl IntoIterator<Item = Event>) -> Result<Self> {
        let Plan::AbTest(plan) = sealed.plan() else {
            return Err(AnalysisError::OtherKind {
                phase: sealed.plan().phase().clone(),
                expected: "A/B test",
            });
        };
        Ok(Self { join: Join::new(plan, events), plan: plan.clone(), digest: sealed.digest() })
    }

    /// Reads the sealed plan of a phase and all events of the stores.
    ///
    /// # Errors
    /// [`AnalysisError::Store`], of kind [`NotFound`](expt_store::ErrorKind::NotFound) if the phase has no
    /// sealed plan; as [`new`](Self::new).
    pub async fn read(stores: &Stores, phase: &PhaseId) -> Result<Self> {
        let sealed = crate::read_plan(stores, phase).await?;
        let events = stores.events.scan_all(&EventScan::all()).await?;
        Self::new(&sealed, events)
    }

    /// The plan.
    #[must_use]
    pub const fn plan(&self) -> &AbTestPlan {
        &self.plan
    }

    /// The join.
    #[must_use]
    pub const fn join(&self) -> &Join {
        &self.join
    }

    /// The time of the first exposure, from which runtimes count.
    ///
    /// # Errors
    /// [`AnalysisError::NoExposure`].
    pub fn started(&self) -> Result<Timestamp> {
        let nothing = || AnalysisError::NoExposure { phase: self.plan.phase.clone(), as_of: Timestamp::MAX };
        self.join.first_exposure().ok_or_else(nothing)
    }

    /// A look at the end of each whole day since the first exposure, while the phase runs and before `until`,
    /// and one at `until` itself. Empty without an exposure up to `until`.
    #[must_use]
    pub fn daily_looks(&self, until: Timestamp) -> Vec<Timestamp> {
        let Ok(started) = self.started() else { return Vec::new() };
        // The plan's end bounds the list, so that a late `until` makes no endless one.
        let last = self.ends(started);
        let ends = (1..).map(|day| started + DAY * day).take_while(|end| *end < until && *end <= last);
        let looks = ends.chain([until]);
        if started <= until { looks.collect() } else { Vec::new() }
    }

    /// What to do at one look, for each treatment in the order of the plan. This is all that a replay needs.
    ///
    /// # Errors
    /// [`AnalysisError::NoExposure`]; [`AnalysisError::Stats`] if the sums overflow.
    pub fn verdicts(&self, as_of: Timestamp) -> Result<Vec<Verdict>> {
        let look = self.look(as_of)?;
        Ok(look.decisions.iter().map(|decision| words::verdict(&decision.verdict)).collect())
    }

    /// The readout at the latest of the looks, with the primary metric at all of them.
    ///
    /// Each interval is valid at all looks together, so it does not matter how many there are, or when, or in which
    /// order they are given.
    ///
    /// # Errors
    /// [`AnalysisError::NoExposure`] if there is no look, or no exposure up to the latest;
    /// [`AnalysisError::Stats`] if the sums overflow.
    pub fn readout(&self, looks: &[Timestamp]) -> Result<Readout> {
        let looks: BTreeSet<Timestamp> = looks.iter().copied().collect();
        let as_of = looks.last().copied().unwrap_or(Timestamp::MIN);
        let mut rows = Vec::new();
        // A look before the first exposure saw nothing, and is no row.
        let started = self.started()?;
        for earlier in looks.range(started..).filter(|look| **look < as_of) {
            rows.extend(self.rows(&self.look(*earlier)?));
        }
        let look = self.look(as_of)?;
        rows.extend(self.rows(&look));
        let comparisons = self.comparisons(&look);
        let (verdict, reason) = words::overall(&comparisons);
        Ok(Readout {
            experiment: self.plan.experiment.clone(),
            owner: None,
            hypothesis: self.plan.hypothesis.clone(),
            phase: self.plan.phase.clone(),
            plan: self.digest,
            unit: self.plan.unit.to_string(),
            started,
            as_of,
            earliest_ship: self.earliest_ship(started),
            ends: self.ends(started),
            verdict,
            reason,
            health: self.health(&look),
            arms: self.arms(&look),
            comparisons,
            looks: rows,
            days: self.days(&look.join, started),
            ledger: look.join.ledger,
            notes: Vec::new(),
        })
    }

    /// Adds what the stores know about the arms' models: run, offline metrics, lineage, and the owner of the
    /// experiment; and notes where an offline metric was selected.
    ///
    /// # Errors
    /// [`AnalysisError::Store`]. What is not there stays empty.
    pub async fn attach_models(&self, readout: &mut Readout, stores: &Stores) -> Result<()> {
        models::attach(&self.plan, readout, stores).await
    }

    fn earliest_ship(&self, started: Timestamp) -> Timestamp {
        started + WEEK * self.plan.min_weeks
    }

    fn ends(&self, started: Timestamp) -> Timestamp {
        started + WEEK * self.plan.max_weeks
    }

    fn look(&self, as_of: Timestamp) -> Result<Look<'_>> {
        let started = self.started()?;
        if started > as_of {
            return Err(AnalysisError::NoExposure { phase: self.plan.phase.clone(), as_of });
        }
        let join = self.join.at(as_of);
        let states = estimate::states(&self.plan, &join)?;
        let srm = estimate::srm(&self.plan, &join)?;
        let calendar = Calendar {
            minimum_reached: as_of >= self.earliest_ship(started),
            ended: as_of >= self.ends(started),
        };
        let design = estimate::design(&self.plan, calendar.ended)?;
        let control = self.plan.arms.iter().position(|arm| arm.arm == self.plan.control);
        let control = control.and_then(|index| states.get(index)).map_or(&[][..], Vec::as_slice);
        let treatments = self.plan.arms.iter().zip(&states).filter(|(arm, _)| arm.arm != self.plan.control);
        let decisions = treatments
            .map(|(_, states)| estimate::decide(&self.plan, &design, &srm, calendar, control, states))
            .collect::<Result<_>>()?;
        Ok(Look { units: join.units().count() as u64, join, states, srm, decisions })
    }

    fn comparisons(&self, look: &Look<'_>) -> Vec<Comparison> {
        let control = self.plan.arms.iter().position(|arm| arm.arm == self.plan.control);
        let control = control.and_then(|index| look.states.get(index));
        let arms = self.plan.arms.iter().zip(&look.states).filter(|(arm, _)| arm.arm != self.plan.control);
        let decided = arms.zip(&look.decisions);
        decided
            .map(|((arm, states), decision)| {
                let metrics =
                    words::metrics(&self.plan, decision, control.map_or(&[], Vec::as_slice), states);
                let verdict = words::verdict(&decision.verdict);
                Comparison {
                    treatment: arm.arm.clone(),
                    reason: words::reason(&arm.arm, self.plan.arms.len(), decision, &metrics),
                    verdict,
                    metrics,
                    derivation: decision.derivation.iter().map(ToString::to_string).collect(),
                }
            })
            .collect()
    }

    fn rows(&self, look: &Look<'_>) -> Vec<LookRow> {
        let treatments = self.plan.treatments().zip(&look.decisions);
        let rows = treatments.map(|(arm, decision)| {
            let primary = decision.metrics.first();
            LookRow {
                treatment: arm.arm.clone(),
                as_of: look.join.as_of,
                units: look.units,
                difference: primary.and_then(|metric| metric.estimate),
                interval: primary.and_then(|metric| metric.interval).map(|i| (i.lower, i.upper)),
                verdict: words::verdict(&decision.verdict),
            }
        });
        rows.collect()
    }

    fn arms(&self, look: &Look<'_>) -> Vec<ArmReadout> {
        let arms = self.plan.arms.iter().zip(&look.states).enumerate();
        let readouts = arms.map(|(index, (arm, states))| {
            let units = look.join.units().filter(|unit| unit.arm == index);
            let online =
                self.plan.metrics().zip(states).map(|(metric, state)| (metric.metric.clone(), state.level()));
            ArmReadout {
                arm: arm.arm.clone(),
                is_control: arm.arm == self.plan.control,
                share: arm.share,
                units: units.clone().count() as u64,
                predictions: units.map(|unit| unit.predictions).sum(),
                model: None,
                online: online.collect::<BTreeMap<_, _>>(),
            }
        });
        readouts.collect()
    }

    fn days(&self, look: &join::Look<'_>, started: Timestamp) -> Vec<DayRow> {
        let whole_days =
            |time: Timestamp| u32::try_from(time.since(started).as_secs() / DAY.as_secs()).unwrap_or(0);
        // The number of days is bounded by the plan and by the look, so an odd timestamp makes no endless list.
        let last = look.units().map(|unit| whole_days(unit.first)).max().unwrap_or(0);
        let last = last.min(self.plan.max_weeks.saturating_mul(7).saturating_mul(4));
        let empty = |day| DayRow { day: started + DAY * day, units: vec![0; self.plan.arms.len()] };
        let mut rows: Vec<DayRow> = (0..=last).map(empty).collect();
        for unit in look.units() {
            let row = rows.get_mut(whole_days(unit.first) as usize);
            if let Some(count) = row.and_then(|row| row.units.get_mut(unit.arm)) {
                *count += 1;
            }
        }
        rows
    }

    fn health(&self, look: &Look<'_>) -> Vec<HealthCheck> {
        let ledger = &look.join.ledger;
        let counts: Vec<String> = look.srm.counts.iter().map(ToString::to_string).collect();
        let check = |name: &str, passed: bool, found: String, allowed: &str| HealthCheck {
            name: name.into(),
            passed,
            found,
            allowed: allowed.into(),
        };
        let mixed = look.join.mixed;
        let units = look.units + mixed;
        let orphans: u64 = ledger.outcomes.values().map(|tally| tally.count(Disposition::Orphan)).sum();
        let conflicts: u64 = ledger.outcomes.values().map(|tally| tally.count(Disposition::Conflict)).sum();
        let known = ledger.outcomes.values().map(|tally| tally.read - tally.count(Disposition::NotYet));
        let outcomes: u64 = known.sum();
        let mismatches = ledger.predictions.count(Disposition::PinMismatch);
        vec![
            check(
                "sample ratio",
                look.srm.verdict != SrmVerdict::Mismatch,
                format!("{} units, p = {} at any look", counts.join(" : "), look.srm.ln_p),
                "p of at least 0.001",
            ),
            check(
                "units in two arms",
                mixed * 100 <= units,
                format!("{mixed} of {units} units"),
                "at most 1 in 100; they are left out",
            ),
            check(
                "outcomes find their prediction",
                orphans * 100 <= outcomes,
                format!("{orphans} of {outcomes} outcomes are orphans"),
                "at most 1 in 100",
            ),
            check(
                "outcomes agree with themselves",
                conflicts * 1000 <= outcomes,
                format!("{conflicts} of {outcomes} outcomes contradict an earlier one of the same id"),
                "at most 1 in 1,000",
            ),
            check(
                "feature pins",
                mismatches == 0,
                format!("{mismatches} predictions on a pipeline other than the model's"),
                "none; they are left out",
            ),
            check(
                "ledger",
                ledger.balances(),
                if ledger.balances() { "every row has one disposition" } else { "rows are unaccounted for" }
                    .into(),
                "every row has one disposition",
            ),
        ]
    }
}

/// Everything at one time.
struct Look<'a> {
    join: join::Look<'a>,
    /// How many units count.
    units: u64,
    states: Vec<Vec<ArmState>>,
    srm: SrmResult,
    decisions: Vec<Decision>,
}

const DAY: Duration = Duration::from_secs(86_400);
const WEEK: Duration = Duration::from_secs(7 * 86_400);
