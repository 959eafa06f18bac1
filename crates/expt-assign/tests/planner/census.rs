//! The dry run against a census: what the plan says must be what serving does.

use std::collections::BTreeMap;

use expt_assign::planner::{ChangePlan, Gets, LayerFlows, Move, Portion, Subject, plan, plan_at};
use expt_assign::targeting::{Attributes, Value};
use expt_assign::{
    Config, Context, ExclusionCause, ExclusionEntry, ForcedUnit, Outcome, PointHandle, Ranges, Snapshot,
    StickyRecord,
};
use expt_core::{LayerId, UnitId};

use crate::common::{NOW, Random, arm, between, config, phase, point, running, user, with_phase};
use crate::random::{random_change, random_config};

/// What serving says, through the public API, in the planner's words.
fn served(snapshot: &Snapshot, handle: PointHandle, id: &str, context: &Context<'_>) -> Gets {
    let unit = snapshot.unit(&user(), id).unwrap();
    let assignment = snapshot.assign(&unit, handle, context);
    match assignment.outcome() {
        Outcome::Arm(s) => Gets::Arm { phase: s.phase.clone(), arm: s.arm.clone() },
        Outcome::Shipped(s) | Outcome::ShippedOnly { served: Some(s), .. } => {
            Gets::Winner { phase: s.phase.clone(), arm: s.arm.clone() }
        }
        Outcome::Forced(s) => Gets::Forced { phase: s.phase.clone(), arm: s.arm.clone() },
        Outcome::Holdout(_) => Gets::Held,
        Outcome::ShippedOnly { served: None, .. } => Gets::Compared,
        _ => Gets::Nothing,
    }
}

type Table = BTreeMap<(LayerId, Gets, Gets), u64>;

/// Serves every unit with both configs and counts what it had and gets.
fn serve_all(old: &Config, wanted: &Config, ids: &[String]) -> Table {
    let (old, wanted) = (Snapshot::compile(old.clone()).unwrap(), Snapshot::compile(wanted.clone()).unwrap());
    let mut table = Table::new();
    for layer in &old.config().layers {
        let [one, two] = [&old, &wanted].map(|s| s.decision_point(&layer.decision_points[0]).unwrap());
        let context = Context::new(NOW);
        for id in ids {
            let cell = (served(&old, one, id, &context), served(&wanted, two, id, &context));
            *table.entry((layer.id.clone(), cell.0, cell.1)).or_default() += 1;
        }
    }
    table
}

fn table_of(layers: &[LayerFlows<u64>]) -> Table {
    let flows = layers.iter().flat_map(|layer| layer.flows.iter().map(move |flow| (layer, flow)));
    flows.map(|(l, flow)| ((l.layer.clone(), flow.from.clone(), flow.to.clone()), flow.amount)).collect()
}

/// Sequential ids, random ones, and such as look like e-mail addresses.
fn ids(count: usize, seed: u64) -> Vec<String> {
    let mut random = Random(seed);
    let id = |index: usize| match index % 3 {
        0 => format!("user-{index}"),
        1 => format!("{:016x}{:016x}", random.next(), random.next()),
        _ => format!("name.{index}@example.com"),
    };
    (0..count).map(id).collect()
}

/// A share and a count agree within 4 binomial standard errors; nobody means nobody.
fn check_share(what: &str, share: Portion, count: u64, units: usize) {
    let (p, n) = (share.as_f64(), units as f64);
    let (expected, error) = (p * n, (n * p * (1.0 - p)).sqrt());
    if share.is_none() || share == Portion::ALL {
        assert!((count as f64 - expected).abs() < 0.5, "{what}: {count}, and the plan says {share}");
    }
    // Of cells so rare that a count of one is already outside, at most a few units.
    let allowed = if expected < 1.0 { 4.0 } else { 4.0 * error };
    assert!(
        (count as f64 - expected).abs() <= allowed,
        "{what}: counted {count}, planned {expected:.1} ({share}), standard error {error:.1}"
    );
}

/// Compares a plan with a table of what was served. Returns how many cells were compared.
fn check_plan(plan: &ChangePlan, table: &Table, units: usize) -> usize {
    let mut cells: BTreeMap<_, (Portion, u64)> =
        table.iter().map(|(cell, count)| (cell.clone(), (Portion::NONE, *count))).collect();
    for layer in plan.layers() {
        // More than four independent places, as when an epoch is bumped under two holdouts, are rounded down.
        let missing = Portion::ALL.minus(layer.flows.iter().map(|flow| flow.amount).sum());
        assert!(missing.as_f64() < 1e-74, "{missing:?} of {layer:?}");
        for flow in &layer.flows {
            let cell = (layer.layer.clone(), flow.from.clone(), flow.to.clone());
            cells.entry(cell).or_default().0 = flow.amount;
        }
    }
    for ((layer, from, to), (share, count)) in &cells {
        check_share(&format!("{layer}: {from} -> {to}"), *share, *count, units);
    }
    for change in plan.phases() {
        check_arms(plan, change, table, units);
    }
    cells.len()
}

/// The arms of a phase, counted from scratch.
fn check_arms(plan: &ChangePlan, change: &expt_assign::planner::PhaseChange, table: &Table, units: usize) {
    let experiment = |config: &Config, gets: &Gets| match gets {
        Gets::Arm { phase, arm } | Gets::Winner { phase, arm } => {
            let entry = config.phases.iter().find(|entry| entry.id == *phase).unwrap();
            Some((entry.experiment.clone(), phase.clone(), arm.clone()))
        }
        _ => None,
    };
    for arm in &change.arms {
        let [mut before, mut after, mut stays, mut enters, mut leaves, mut into, mut out] = [0; 7];
        for ((_, from, to), count) in table.iter().filter(|((layer, ..), _)| *layer == change.layer) {
            let (had, gets) = (experiment(plan.old(), from), experiment(plan.wanted(), to));
            let is = |side: &Option<(_, expt_core::PhaseId, expt_core::ArmId)>| {
                side.as_ref().is_some_and(|(_, phase, name)| *phase == change.phase && *name == arm.arm)
            };
            let related = |side: &Option<(expt_core::ExperimentId, _, _)>| {
                side.as_ref().is_some_and(|(experiment, ..)| *experiment == change.experiment)
            };
            let (was, is) = (is(&had), is(&gets));
            before += if was { *count } else { 0 };
            after += if is { *count } else { 0 };
            stays += if was && is { *count } else { 0 };
            enters += if is && !related(&had) { *count } else { 0 };
            leaves += if was && !related(&gets) { *count } else { 0 };
            into += if is && related(&had) && !was { *count } else { 0 };
            out += if was && related(&gets) && !is { *count } else { 0 };
        }
        let shares = [
            ("before", arm.before, before),
            ("after", arm.after, after),
            ("stays", arm.stays, stays),
            ("enters", arm.enters, enters),
            ("leaves", arm.leaves, leaves),
            ("in", arm.switches_in, into),
            ("out", arm.switches_out, out),
        ];
        for (what, share, count) in shares {
            check_share(&format!("{} {} {what}", change.phase, arm.arm), share, count, units);
        }
        assert_eq!(arm.before, arm.stays.plus(arm.leaves).plus(arm.switches_out));
        assert_eq!(arm.after, arm.stays.plus(arm.enters).plus(arm.switches_in));
    }
}

/// Twelve random changes, 100,000 units each.
#[test]
fn the_dry_run_agrees_with_a_census() {
    let mut random = Random(31);
    let mut compared = 0;
    for round in 0..12 {
        let old = random_config(&mut random);
        let wanted = random_change(&mut random, &old);
        let change = plan_at(&old, &wanted, NOW).unwrap();
        let ids = ids(100_000, round);
        let table = serve_all(&old, &wanted, &ids);
        compared += check_plan(&change, &table, ids.len());
    }
    assert!(compared > 150, "only {compared} cells");
}

/// One change of everything, 10^6 units; and the planner's own census finds the very same.
#[test]
fn a_million_units_agree_with_the_dry_run() {
    let mut random = Random(35);
    let (old, wanted) = loop {
        let old = random_config(&mut random);
        let wanted = random_change(&mut random, &old);
        let rich =
            [&old, &wanted].iter().all(|config| config.phases.len() >= 4 && !config.holdouts.is_empty());
        if rich {
            break (old, wanted);
        }
    };
    let ids = ids(1_000_000, 1);
    let change = plan_at(&old, &wanted, NOW).unwrap();
    let table = serve_all(&old, &wanted, &ids);
    let compared = check_plan(&change, &table, ids.len());
    assert!(compared >= 20, "only {compared} cells");
    let (kind, context) = (user(), Context::new(NOW));
    let counted = change.count(ids.iter().map(|id| Subject::new(&kind, id, context))).unwrap();
    assert_eq!(table_of(counted.counts().unwrap().layers()), table);
}

/// A request with a country, by the number of its unit.
struct Request(usize);

impl Attributes for Request {
    fn value(&self, attribute: &expt_assign::targeting::Attribute) -> Option<Value<'_>> {
        match attribute.name() {
            "country" if !self.0.is_multiple_of(5) => Some(Value::Text(["DE", "AT", "FR"][self.0 % 3])),
            "staff" => Some(Value::Bool(self.0.is_multiple_of(7))),
            _ => None,
        }
    }
}

/// Rules, prerequisites, exclusions, forced units and sticky records change: shares cannot tell, and the
/// enumeration names exactly the units for which serving changes.
#[test]
fn enumeration_tells_what_shares_cannot() {
    let arms = [("a", 500_000), ("b", 500_000)];
    let ads = running("ads-1", "ads", between(0, 70), &arms)
        .with_prerequisite(phase("rank-1"), [arm("a")])
        .with_sticky(expt_assign::Stickiness::On);
    let rank = running("rank-1", "ranking", between(10, 80), &arms);
    let old = config()
        .with_phase(rank.clone().with_targeting("country in ('DE', 'AT')".parse().unwrap()))
        .with_phase(ads.clone());
    let mut wanted =
        with_phase(&old, rank.with_targeting("country = 'FR' or country = 'DE'".parse().unwrap()));
    wanted.exclusions.push(
        ExclusionEntry::new(ExclusionCause::Staff)
            .with_rule("staff = true".parse().unwrap())
            .with_unit(user(), UnitId::new("u1").unwrap()),
    );
    wanted.forced.push(ForcedUnit::new(UnitId::new("u2").unwrap(), phase("ads-1"), arm("b")));
    let change = plan(&old, &wanted).unwrap();
    assert_eq!(change.doubts().len(), 4, "{:?}", change.doubts());

    let records = [StickyRecord::new(phase("ads-1"), 1, arm("b"))];
    let requests: Vec<Request> = (0..20_000).map(Request).collect();
    let ids: Vec<String> = (0..requests.len()).map(|index| format!("u{index}")).collect();
    let context = |index: usize| {
        let context = Context::new(NOW).with_attributes(&requests[index]);
        if index.is_multiple_of(11) { context.with_sticky(&records) } else { context }
    };
    let kind = user();
    let subjects = ids.iter().enumerate().map(|(index, id)| Subject::new(&kind, id, context(index)));
    let counted = change.count(subjects).unwrap();
    let counts = counted.counts().unwrap();

    let snapshots = [&old, &wanted].map(|config| Snapshot::compile(config.clone()).unwrap());
    let (mut table, mut moved) = (Table::new(), Vec::new());
    for (index, id) in ids.iter().enumerate() {
        for name in ["ranking", "ads"] {
            let [from, to] = [&snapshots[0], &snapshots[1]].map(|snapshot| {
                served(snapshot, snapshot.decision_point(&point(name)).unwrap(), id, &context(index))
            });
            if from != to {
                moved.push((id.clone(), name.to_owned(), from.clone(), to.clone()));
            }
            *table.entry((name.parse().unwrap(), from, to)).or_default() += 1;
        }
    }
    assert_eq!(table_of(counts.layers()), table);
    let listed = counts.moved().iter();
    let listed: Vec<_> =
        listed.map(|m| (m.unit.clone(), m.layer.to_string(), m.from.clone(), m.to.clone())).collect();
    assert_eq!(listed, moved);
    let total = |movement: Move| counts.layers().iter().map(|layer| layer.of(movement)).sum::<u64>();
    let by_list = |movement| counts.moved().iter().filter(|m| m.movement == movement).count() as u64;
    for movement in [Move::Enters, Move::Leaves, Move::Switches, Move::Replaces] {
        assert_eq!(total(movement), by_list(movement), "{movement}");
    }
    assert!(total(Move::Enters) > 1000 && total(Move::Leaves) > 1000);
}

/// What only a census finds stands against the change as well: a winner that rules take away.
#[test]
fn a_winner_that_a_rule_takes_away_is_found_by_counting() {
    let shipped = expt_assign::PhaseState::Shipped { arm: arm("b") };
    let entry = running("p", "ranking", Ranges::all(), &[("a", 500_000), ("b", 500_000)]).with_state(shipped);
    let old = config().with_phase(entry.clone());
    let wanted = with_phase(&old, entry.with_targeting("country = 'DE'".parse().unwrap()));
    let change = plan(&old, &wanted).unwrap();
    assert!(change.concerns().is_empty() && change.doubts().len() == 1);
    let (kind, attributes) = (user(), Request(3));
    let context = Context::new(NOW).with_attributes(&attributes);
    assert!(change.count([Subject::new(&kind, "u", context)]).unwrap().approve().is_ok());
    let change = plan(&old, &wanted).unwrap();
    let refused = change.count([Subject::new(&kind, "u", Context::new(NOW))]).unwrap().approve().unwrap_err();
    assert!(refused.to_string().contains("would lose p: b (shipped) for nothing"), "{refused}");
}
