//! Random operations on the store under test and on the store in memory: every answer must be the same.

use expt_core::query::RunQuery;
use expt_core::{ArtifactRef, Document, MetricPoint, Run, RunKind, RunStatus, Stage};

use super::sample::*;
use super::{MetadataHarness, Opened};
use crate::blocking::wait;
use crate::{
    Durability, ErrorKind, MemoryStore, PageOptions, RegistryCommit, RegistryStore, RegistryStoreExt,
    Requirement, Result, RunStore, RunStoreExt, RunUpdate, Update,
};

/// The random numbers of splitmix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize].clone()
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

const SEEDS: [u64; 3] = [1, 20_260_301, u64::MAX];
const OPERATIONS: usize = 250;

/// The answers of both, which must agree in value or in kind of error.
fn agree<T: std::fmt::Debug>(seed: u64, what: &str, ours: &Result<T>, oracle: &Result<T>) {
    // By their text, in which NaN is NaN.
    let text = |answer: &Result<T>| match answer {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{:?}", error.kind()),
    };
    assert_eq!(text(ours), text(oracle), "seed {seed}: {what}; ours {ours:?}, oracle {oracle:?}");
}

pub(super) fn random_runs_agree_with_memory(harness: &dyn MetadataHarness) {
    for seed in SEEDS {
        let mut random = Random(seed);
        let (mut opened, memory) = (harness.open(), MemoryStore::new());
        for step in 0..OPERATIONS {
            run_operation(seed, &mut random, &*opened.runs, &memory);
            if step % 50 == 49 {
                compare_runs(seed, &mut random, &*opened.runs, &memory);
            }
            if step % 100 == 99 {
                opened = harness.reopen(opened);
            }
        }
    }
}

fn run_operation(seed: u64, random: &mut Random, ours: &dyn RunStore, oracle: &MemoryStore) {
    let id = run_id(&random.below(12).to_string());
    let what;
    let (a, b) = match random.below(10) {
        0 => {
            let mut experiment = experiment(["e", "f", "g"][random.below(3) as usize]);
            if random.chance(30) {
                experiment.owner = actor("bob");
            }
            what = format!("{experiment:?}");
            (wait(ours.create_experiment(&experiment)), wait(oracle.create_experiment(&experiment)))
        }
        1..=3 => {
            let run = random_run(random, id);
            what = format!("create {run:?}");
            (wait(ours.create_run(&run)), wait(oracle.create_run(&run)))
        }
        4..=6 => {
            let update = random_update(random);
            what = format!("{id} {update:?}");
            (wait(ours.update_run(id, &update)), wait(oracle.update_run(id, &update)))
        }
        _ => {
            let size = random.pick(&[0, 1, 1, 1, 5, 40, 200]);
            let points: Vec<_> = (0..size).map(|_| random_point(random)).collect();
            let durability = random.pick(&[Durability::Buffered, Durability::Committed, Durability::Durable]);
            what = format!("{id} {points:?}");
            let append = ours.append_metrics(id, &points, durability);
            (wait(append), wait(oracle.append_metrics(id, &points, durability)))
        }
    };
    agree(seed, &what, &a, &b);
}

fn random_run(random: &mut Random, id: expt_core::RunId) -> Run {
    let mut run = run("", random.below(6) as i64);
    run.id = id;
    run.name = random.pick(&["net-1", "net-2", "forest", ""]).to_string();
    run.experiment = experiment(random.pick(&["e", "e", "f", "missing"])).id;
    run.parent = random.chance(30).then(|| run_id(&random.below(12).to_string()));
    run.kind = random.pick(&[RunKind::Run, RunKind::Study, RunKind::Trial]);
    let update = random_update(random);
    (run.params, run.tags, run.artifacts) = (update.params, update.tags, update.artifacts);
    run.provenance = update.provenance;
    if random.chance(5) {
        run.metrics.insert(metric_name("m"), expt_core::MetricSummary::of(1, 1.0));
    }
    run
}

fn random_update(random: &mut Random) -> RunUpdate {
    let mut update = RunUpdate::new();
    if random.chance(20) {
        let status = random.pick(&[RunStatus::Running, RunStatus::Finished, RunStatus::Failed]);
        update = update.with_status(status, at(random.below(9) as i64));
    }
    if random.chance(20) {
        update = update.with_provenance(provenance(random.below(2)));
    }
    for _ in 0..random.below(3) {
        let key = random.pick(&["x", "y"]);
        update = match random.below(5) {
            0 => update.with_param(key, random.below(3) as i64),
            1 => update.with_param(key, random.below(3) as f64 - 1.5),
            2 => update.with_param(key, random.chance(50)),
            3 => update.with_param(key, random.pick(&[f64::INFINITY, 1.0, f64::NEG_INFINITY])),
            _ => update.with_param(key, random.pick(&["a", "B", "1", ""])),
        };
    }
    if random.chance(40) {
        update = update.with_tag(random.pick(&["t", "u"]), random.pick(&["a", "b", "é", ""]));
    }
    if random.chance(20) {
        update = update.with_artifact("model", ArtifactRef::of(&[random.below(2) as u8]));
    }
    update
}

fn random_point(random: &mut Random) -> MetricPoint {
    let values = [0.1, 0.5, 0.9, -3.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-300];
    let metric = random.pick(&["m", "n"]);
    point(metric, random.below(20), random.pick(&values))
}

fn compare_runs(seed: u64, random: &mut Random, ours: &dyn RunStore, oracle: &MemoryStore) {
    let page = PageOptions::default();
    agree(seed, "experiments", &wait(ours.experiments(&page)), &wait(oracle.experiments(&page)));
    for n in 0..12 {
        let id = run_id(&n.to_string());
        agree(seed, "run", &wait(ours.run(id)), &wait(oracle.run(id)));
        for metric in ["m", "n"] {
            let metric = metric_name(metric);
            let page = PageOptions::default().with_limit(1 + random.below(300) as u32);
            let (a, b) = (
                wait(ours.metric_history(id, &metric, &page)),
                wait(oracle.metric_history(id, &metric, &page)),
            );
            agree(seed, "first page of points", &a, &b);
            let (a, b) = (wait(ours.metric_points(id, &metric)), wait(oracle.metric_points(id, &metric)));
            agree(seed, "points", &a, &b);
        }
    }
    for _ in 0..60 {
        let text = random_query(random, 3) + &random_order(random);
        let query = RunQuery::parse(&text).unwrap();
        agree(seed, &text, &wait(ours.find_runs(&text)), &wait(oracle.find_runs(&text)));
        let limit = 1 + random.below(5) as u32;
        let ours = all_pages(limit, |page| wait(ours.search_runs(&query, page)).unwrap());
        let oracle = all_pages(limit, |page| wait(oracle.search_runs(&query, page)).unwrap());
        agree(seed, &text, &Ok(ours), &Ok(oracle));
    }
}

fn random_query(random: &mut Random, depth: u64) -> String {
    if depth > 0 && random.chance(50) {
        let (a, b) = (random_query(random, depth - 1), random_query(random, depth - 1));
        return match random.below(3) {
            0 => format!("({a} and {b})"),
            1 => format!("({a} or {b})"),
            _ => format!("not ({a})"),
        };
    }
    let op = random.pick(&["=", "!=", "<", "<=", ">", ">="]);
    match random.below(9) {
        0 => format!("metrics.m {op} {}", random.pick(&["0.1", "0.5", "-3", "1e300"])),
        1 => format!("{}(metrics.n) {op} 0.5", random.pick(&["min", "max", "last"])),
        2 => format!(
            "params.{} {op} {}",
            random.pick(&["x", "y"]),
            random.pick(&["1", "-0.5", "'a'", "''", "true"])
        ),
        3 => format!("tags.{} {op} '{}'", random.pick(&["t", "u"]), random.pick(&["a", "b", ""])),
        4 => format!("name like '{}'", random.pick(&["net%", "%-1", "_orest", ""])),
        5 => format!("{} exists", random.pick(&["parent", "ended", "metrics.m", "params.x", "tags.t"])),
        6 => format!("status {op} '{}'", random.pick(&["running", "failed"])),
        7 => format!("params.x in (1, 0.5, 'a', false) or kind in ('{}')", random.pick(&["run", "trial"])),
        _ => format!("{} {op} '1970-01-01T00:00:03Z'", random.pick(&["started", "ended"])),
    }
}

fn random_order(random: &mut Random) -> String {
    let mut text = String::new();
    for n in 0..random.below(3) {
        let field = random.pick(&[
            "metrics.m",
            "max(metrics.n)",
            "params.x",
            "params.y",
            "tags.t",
            "name",
            "ended",
            "parent",
        ]);
        text += if n == 0 { " order by " } else { ", " };
        text += field;
        text += random.pick(&["", " desc"]);
    }
    if random.chance(30) {
        text += &format!(" limit {}", 1 + random.below(8));
    }
    text
}

pub(super) fn random_registry_agrees_with_memory(harness: &dyn MetadataHarness) {
    for seed in SEEDS {
        let mut random = Random(seed);
        let (mut opened, memory): (Opened, _) = (harness.open(), MemoryStore::new());
        for step in 0..OPERATIONS {
            let commit = random_commit(&mut random);
            let (a, b) = (wait(opened.registry.commit(&commit)), wait(memory.commit(&commit)));
            agree(seed, &format!("{commit:?}"), &a, &b);
            if step % 50 == 49 {
                compare_registry(seed, &*opened.registry, &memory);
            }
            if step % 100 == 99 {
                opened = harness.reopen(opened);
            }
        }
    }
}

fn random_commit(random: &mut Random) -> RegistryCommit {
    let mut commit = RegistryCommit::new();
    for _ in 0..random.below(2) {
        let (model, version) = (model_name(random.pick(&["m", "n"])), random_version(random));
        let some = random.chance(70).then_some(version);
        commit = commit.require(match random.below(4) {
            0 => Requirement::StageIs { model, version, stage: random_stage(random) },
            1 => Requirement::InStage { model, stage: random_stage(random), version: some },
            2 => Requirement::AliasIs { model, alias: "a".into(), version: some },
            _ => Requirement::DocumentIs { kind: "k".into(), name: "d".into(), version: version - 1 },
        });
    }
    for _ in 0..=random.below(3) {
        let (model, version) = (random.pick(&["m", "n"]), random_version(random));
        commit = commit.update(match random.below(5) {
            0 => register(model, &random.below(5).to_string(), &[random.below(2) as u8]),
            1 | 2 => promote(model, version, random_stage(random)),
            3 => set_alias(model, random.pick(&["a", "b", ""]), random.chance(80).then_some(version)),
            _ => {
                let text = random.pick(&["x", "y"]);
                let mut document =
                    Document::seal("k", random.pick(&["d", "e"]), version, text, at(1)).unwrap();
                document.version -= u32::from(random.chance(10));
                Update::PutDocument(document)
            }
        });
    }
    commit
}

fn random_version(random: &mut Random) -> u32 {
    1 + random.below(5) as u32
}

fn random_stage(random: &mut Random) -> Stage {
    let own = Stage::Other(random.pick(&["canary", "production", ""]).to_string());
    random.pick(&[Stage::None, Stage::Staging, Stage::Production, Stage::Archived, own])
}

fn compare_registry(seed: u64, ours: &dyn RegistryStore, oracle: &MemoryStore) {
    let page = PageOptions::default();
    agree(seed, "models", &wait(ours.models(&page)), &wait(oracle.models(&page)));
    for model in ["m", "n", "o"].map(model_name) {
        agree(seed, "versions", &wait(ours.all_versions(&model)), &wait(oracle.all_versions(&model)));
        agree(seed, "promotions", &wait(ours.all_promotions(&model)), &wait(oracle.all_promotions(&model)));
    }
    agree(seed, "documents", &wait(ours.documents("k", &page)), &wait(oracle.documents("k", &page)));
    for version in [None, Some(0), Some(1), Some(3), Some(9)] {
        let (a, b) = (wait(ours.document("k", "d", version)), wait(oracle.document("k", "d", version)));
        agree(seed, "document", &a, &b);
    }
    let missing = wait(ours.document("none", "d", None));
    assert_eq!(kind_of(missing), ErrorKind::NotFound);
}
