//! The A/B test: sealed, replayed request by request, read while it runs.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use expt::analysis::{Analysis, LookRow, Verdict};
use expt::assign::{Context, PhaseEntry, PhaseState, Ranges, Snapshot, Stickiness, StickyRecord};
use expt::core::{
    AbTestPlan, Aggregation, ArmId, Correction, Direction, Document, Event, Output, PhaseId, Plan,
    PlannedArm, PlannedMetric, SealedPlan, Share, Shown, Timestamp, UnitId,
};
use expt::serve::{EventQueue, ModelSet, Overflow, Router};
use expt::store::blocking::wait;
use expt::store::{Clock, RegistryStoreExt, Stores};

use crate::chapter;
use crate::offline::Offline;
use crate::serving::{Scorer, Served, config, pinned, scorer};
use crate::setting::Setting;
use crate::traffic::{OnlineMetrics, Report, Traffic, Visit};

/// A finished test.
pub(crate) struct Test {
    pub(crate) phase: PhaseId,
    /// The looks that were taken.
    pub(crate) looks: Vec<Timestamp>,
}

pub(crate) fn run(setting: &Setting, offline: &Offline, served: &Served) -> Result<Test, Box<dyn Error>> {
    chapter("The A/B test");
    let arms = [("champion", &offline.champion), ("challenger", &offline.challenger)];
    let arms = arms.map(|(name, version)| (name, pinned(version)));
    let sealed = plan(setting, arms)?;
    setting.registry.seal(&sealed)?;
    let Plan::AbTest(plan) = sealed.plan() else { return Err("not an A/B test".into()) };
    println!("hypothesis: {}", plan.hypothesis);
    println!(
        "plan {} sealed before the first exposure: {} arms by {}, primary {}, alpha {} over all looks, {} to {} weeks",
        sealed.digest().short(),
        plan.arms.len(),
        plan.unit,
        plan.primary.metric,
        plan.alpha,
        plan.min_weeks,
        plan.max_weeks
    );

    let models = ModelSet::new(served.champion.clone(), scorer(setting, &served.champion)?)?
        .with(served.challenger.clone(), scorer(setting, &served.challenger)?)?;
    let start = setting.pass(Duration::from_secs(3600));
    let traffic = Traffic { seed: setting.seed, start, users: USERS };
    let visits = traffic.visits(setting.split.online.rows.len())?;
    let mut replay = Replay::new(setting, &setting.stores, &sealed, &models)?;
    replay.announce()?;

    let mut looks = Vec::new();
    let mut visits = visits.iter().peekable();
    println!("  day    units   challenger - champion, 95 % confidence sequence    health  verdict");
    for day in 1..=DAYS {
        // An hour after midnight, shop time: the look of the day.
        let look = start + DAY * day + HOUR;
        while let Some(visit) = visits.next_if(|visit| visit.at < look) {
            replay.visit(visit)?;
        }
        replay.report_until(look);
        setting.clock.set(look);
        wait(replay.events.flush())?;
        looks.push(look);
        let analysis = wait(Analysis::read(&setting.stores, &plan.phase))?;
        let readout = analysis.readout(&[look])?;
        if let Some(row) = readout.looks.last() {
            let healthy = readout.health.iter().all(|check| check.passed);
            println!("{}", line(day, row, healthy));
        }
        if matches!(readout.verdict, Verdict::Ship | Verdict::Stop | Verdict::Invalid | Verdict::Inconclusive)
        {
            break;
        }
        if day == 1 {
            // Nothing broke: from a fifth of the traffic to all of it. Nobody changes arms.
            replay.ramp(Share::ALL)?;
            replay.announce()?;
        }
    }
    // What is still on its way is reported, so that the log is whole; the verdict stays what it was.
    replay.report_until(Timestamp::MAX);
    wait(replay.events.flush())?;
    let stats = replay.events.stats();
    println!(
        "{} requests of {} users replayed from {} held-out wines; {} users held out for good",
        replay.requests,
        replay.sticky.len() + replay.held.len(),
        setting.split.online.rows.len(),
        replay.held.len()
    );
    println!("{} events logged, {} dropped, {} failed", stats.appended, stats.dropped, stats.failed);
    Ok(Test { phase: plan.phase.clone(), looks })
}

/// The plan, the same for the test and for the placebo.
pub(crate) fn plan(
    setting: &Setting,
    arms: [(&str, expt::core::Binding); 2],
) -> Result<SealedPlan, Box<dyn Error>> {
    let (names, metrics) = (&setting.names, OnlineMetrics::new()?);
    let arms = arms.map(|(name, binding)| {
        let bindings = [(names.point.clone(), binding)].into();
        Ok(PlannedArm { arm: ArmId::new(name)?, share: Share::HALF, bindings })
    });
    let per_prediction = |metric: &expt::core::MetricName, direction, margin| PlannedMetric {
        metric: metric.clone(),
        aggregation: Aggregation::PerPrediction,
        direction,
        window: DAY * 3,
        margin,
    };
    let plan = AbTestPlan {
        experiment: names.second.clone(),
        phase: PhaseId::new("wine-quality-v2/ab")?,
        hypothesis: "the forest's recommendations are right more often than the logistic regression's".into(),
        unit: names.user.clone(),
        layer: names.layer.clone(),
        arms: arms.into_iter().collect::<Result<_, expt::core::CoreError>>()?,
        control: ArmId::new("champion")?,
        max_traffic: Share::ALL,
        primary: per_prediction(&metrics.correct, Direction::HigherIsBetter, None),
        secondaries: vec![
            per_prediction(&metrics.log_loss, Direction::LowerIsBetter, None),
            per_prediction(&metrics.brier, Direction::LowerIsBetter, None),
        ],
        guardrails: vec![per_prediction(&metrics.bad_advice, Direction::LowerIsBetter, Some(0.02))],
        alpha: 0.05,
        tuned_units: USERS,
        correction: Correction::BenjaminiHochberg,
        min_weeks: 2,
        max_weeks: 3,
    };
    Ok(Plan::AbTest(plan).seal()?)
}

/// Serves visits, and tells the log about them as time passes.
pub(crate) struct Replay<'a> {
    setting: &'a Setting,
    sealed: &'a SealedPlan,
    models: &'a ModelSet<Scorer>,
    metrics: OnlineMetrics,
    router: Router,
    pub(crate) events: Arc<EventQueue>,
    share: Share,
    version: u32,
    /// Sticky records, as a shop would keep them with its customers.
    sticky: HashMap<UnitId, Vec<StickyRecord>>,
    held: HashSet<UnitId>,
    /// Outcomes that are on their way, the next to arrive first.
    pending: BinaryHeap<Reverse<Report>>,
    /// When outcomes were last logged.
    reported: Timestamp,
    pub(crate) requests: u64,
}

impl<'a> Replay<'a> {
    pub(crate) fn new(
        setting: &'a Setting,
        stores: &Stores,
        sealed: &'a SealedPlan,
        models: &'a ModelSet<Scorer>,
    ) -> Result<Self, Box<dyn Error>> {
        let events = Arc::new(EventQueue::start(stores, 1 << 14, Overflow::Block)?);
        let share = Share::percent(20)?;
        let snapshot = snapshot(setting, sealed, 2, share)?;
        let router = Router::new(snapshot, Arc::clone(&events));
        Ok(Self {
            setting,
            sealed,
            models,
            metrics: OnlineMetrics::new()?,
            router,
            events,
            share,
            version: 2,
            sticky: HashMap::new(),
            held: HashSet::new(),
            pending: BinaryHeap::new(),
            reported: Timestamp::MIN,
            requests: 0,
        })
    }

    /// Stores the config in force, so that a stamp's config version can be looked up.
    pub(crate) fn announce(&self) -> Result<(), Box<dyn Error>> {
        store_config(self.setting, &self.router.snapshot())?;
        println!("  assignment config {} in force: {} of the layer in the test", self.version, self.share);
        Ok(())
    }

    /// Puts a config with another share of the traffic in force.
    pub(crate) fn ramp(&mut self, share: Share) -> Result<(), Box<dyn Error>> {
        (self.share, self.version) = (share, self.version + 1);
        self.router.swap(snapshot(self.setting, self.sealed, self.version, share)?);
        Ok(())
    }

    /// One request: assign, answer, stamp, log; and the outcomes go on their way.
    pub(crate) fn visit(&mut self, visit: &Visit) -> Result<(), Box<dyn Error>> {
        // Outcomes reach the log once an hour, as from a batch job.
        if visit.at >= self.reported + HOUR {
            self.report_until(visit.at);
            self.reported = visit.at;
        }
        let names = &self.setting.names;
        let snapshot = self.router.read();
        let point = snapshot.decision_point(&names.point).ok_or("no layer lists the decision point")?;
        let unit = snapshot.unit(&names.user, visit.user.as_str())?;
        let records = self.sticky.entry(visit.user.clone()).or_default();
        let context = Context::new(visit.at).with_sticky(records);
        let assignment = snapshot.assign(&unit, point, &context);
        if let Some(record) = assignment.sticky_record() {
            records.push(record);
        }
        let wine = self.setting.split.online.rows.get(visit.row).ok_or("no such wine")?;
        let member = self.models.answer(&assignment);
        let score = member.model()(visit.row, &wine.features)?;
        let shown = self.router.record(&assignment, member, visit.request, visit.at, Output::Value(score));
        if let Shown::Holdout(_) = shown.stamp.shown {
            self.held.insert(visit.user.clone());
            self.sticky.remove(&visit.user);
        }
        self.requests += 1;
        self.pending.extend(visit.outcomes(&self.metrics, &shown, score, wine.label).map(Reverse));
        Ok(())
    }

    /// Logs the outcomes that have arrived.
    pub(crate) fn report_until(&mut self, time: Timestamp) {
        let mut arrived = Vec::new();
        while self.pending.peek().is_some_and(|Reverse(next)| next.received <= time) {
            if let Some(Reverse(next)) = self.pending.pop() {
                arrived.extend(next.outcomes.map(Event::Outcome));
            }
        }
        if !arrived.is_empty() {
            self.events.push_all(arrived);
        }
    }
}

fn snapshot(
    setting: &Setting,
    sealed: &SealedPlan,
    version: u32,
    share: Share,
) -> Result<Snapshot, Box<dyn Error>> {
    let phase = PhaseEntry::from_plan(sealed)?
        .with_state(PhaseState::Running)
        .with_sticky(Stickiness::On)
        .with_ranges(Ranges::of(share));
    Ok(Snapshot::compile(config(setting, version)?.with_phase(phase))?)
}

/// Stores a config as the document of its version.
pub(crate) fn store_config(setting: &Setting, snapshot: &Snapshot) -> Result<(), Box<dyn Error>> {
    let (version, now) = (snapshot.version(), setting.clock.now());
    let document = Document::seal("assignment-config", "wine-shop", version, snapshot.config(), now)?;
    Ok(wait(setting.stores.registry.put_document(document))?)
}

fn line(day: u32, row: &LookRow, healthy: bool) -> String {
    let interval = match (row.difference, row.interval) {
        (Some(difference), Some((Some(low), Some(high)))) => {
            format!("{difference:+.4}  ({low:+.4} to {high:+.4})")
        }
        (Some(difference), _) => format!("{difference:+.4}  (too early for an interval)"),
        _ => "too little data".into(),
    };
    let health = if healthy { "pass" } else { "FAIL" };
    format!("  {day:>3}  {:>7}   {interval:<50}  {health}    {}", row.units, row.verdict)
}

pub(crate) const USERS: u64 = 5_200;
pub(crate) const DAYS: u32 = 22;
pub(crate) const DAY: Duration = Duration::from_secs(86_400);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
