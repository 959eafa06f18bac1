//! What the cases are made of.

use std::collections::BTreeMap;
use std::fmt::Debug;

use expt_core::{
    Actor, ArtifactRef, CodeVersion, DatasetVersion, Declared, Digest, Experiment, ExperimentId, FeaturePin,
    FeatureVersion, GoldenRow, MetricName, MetricPoint, ModelName, Provenance, Run, RunId, RunKind, Stage,
    Timestamp,
};

use super::{MetadataHarness, Opened};
use crate::blocking::wait;
use crate::{ErrorKind, Page, PageOptions, PageToken, RegistryCommit, Result, Update};

/// A fresh store with the experiment `e`.
pub(super) fn fresh(harness: &dyn MetadataHarness) -> Opened {
    let opened = harness.open();
    wait(opened.runs.create_experiment(&experiment("e"))).unwrap();
    opened
}

pub(super) fn experiment(id: &str) -> Experiment {
    Experiment {
        id: ExperimentId::new(id).unwrap(),
        hypothesis: "deeper is better".into(),
        owner: actor("ada"),
        created: at(1),
    }
}

/// A running run of the experiment `e` that began at a second.
pub(super) fn run(id: &str, second: i64) -> Run {
    Run::new(run_id(id), ExperimentId::new("e").unwrap(), id, at(second))
}

/// A run with something in every part.
pub(super) fn full_run(id: &str, parent: Option<RunId>) -> Run {
    let mut run = run(id, 7);
    run.parent = parent;
    run.kind = RunKind::Trial;
    run.provenance = Some(provenance(7));
    run.params = BTreeMap::from([
        ("depth".into(), 3.into()),
        ("rate".into(), 0.1.into()),
        ("model".into(), "forest".into()),
        ("warm".into(), true.into()),
    ]);
    run.tags = BTreeMap::from([("team".into(), "search".into()), ("empty".into(), String::new())]);
    run.artifacts = BTreeMap::from([("model".into(), ArtifactRef::of(b"bytes"))]);
    run
}

pub(super) fn provenance(seed: u64) -> Provenance {
    Provenance {
        dataset: DatasetVersion { name: "clicks".into(), digest: Digest::of(b"rows"), rows: u64::MAX }.into(),
        features: FeatureVersion { pipeline: "p".into(), digest: Digest::of(b"pin") }.into(),
        code: CodeVersion { commit: "3f2a91c".into(), dirty: true }.into(),
        seed: seed.into(),
    }
}

/// Golden rows whose numbers need all their digits.
pub(super) fn features() -> Declared<FeaturePin> {
    FeaturePin {
        pipeline: "p".into(),
        definitions: vec![expt_core::FeatureDefinition {
            name: "ln".into(),
            expression: "ln(x)".into(),
            inputs: vec!["x".into()],
        }],
        commit: None,
        golden: vec![GoldenRow {
            input: vec![0.1 + 0.2, -0.0, 5e-324, f64::MAX],
            output: (1..200).map(|n| f64::from(n).ln() / 3.0).collect(),
        }],
    }
    .into()
}

pub(super) fn register(model: &str, run: &str, bytes: &[u8]) -> Update {
    Update::Register {
        model: model_name(model),
        run: run_id(run),
        experiment: ExperimentId::new("e").unwrap(),
        artifact: ArtifactRef::of(bytes),
        features: Declared::opted_out("raw text"),
        provenance_gaps: vec!["seed: none".into()],
        at: at(5),
    }
}

pub(super) fn promote(model: &str, version: u32, to: Stage) -> Update {
    Update::Promote {
        model: model_name(model),
        version,
        to,
        by: actor("ada"),
        at: at(i64::from(version) * 10),
        reason: "it is better".into(),
        evidence: None,
        provenance_override: None,
    }
}

pub(super) fn set_alias(model: &str, alias: &str, version: Option<u32>) -> Update {
    Update::SetAlias { model: model_name(model), alias: alias.into(), version }
}

pub(super) fn updates(updates: impl IntoIterator<Item = Update>) -> RegistryCommit {
    updates.into_iter().fold(RegistryCommit::new(), RegistryCommit::update)
}

pub(super) fn point(metric: &str, step: u64, value: f64) -> MetricPoint {
    MetricPoint { metric: metric_name(metric), step, value, at: at(i64::try_from(step % 1000).unwrap()) }
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

pub(super) fn run_id(text: &str) -> RunId {
    RunId::derive([text])
}

pub(super) fn metric_name(text: &str) -> MetricName {
    MetricName::new(text).unwrap()
}

pub(super) fn model_name(text: &str) -> ModelName {
    ModelName::new(text).unwrap()
}

pub(super) fn actor(text: &str) -> Actor {
    Actor::new(text).unwrap()
}

/// Names that break what pastes them into HTML, SQL, paths or patterns.
pub(super) fn hostile_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "<script>alert(1)</script>",
        "'; DROP TABLE runs; --",
        "\"quoted\" `back` [brackets]",
        "../../etc/passwd",
        "100%_*?",
        "a/b\\c.d e",
        "日本語 ñ e\u{301} 👩‍🚀",
        "\u{202e}right-to-left",
        "NULL",
        "\u{10ffff}\u{fffe}",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    names.push("x".repeat(200));
    names.push("é".repeat(100));
    names
}

/// The kind of the error that there must be.
pub(super) fn kind_of<T: Debug>(result: Result<T>) -> ErrorKind {
    let error = result.unwrap_err();
    assert!(!error.to_string().contains("Error {"), "{error}");
    error.kind()
}

/// All items of a list, read in pages of `limit`, each of which must be full but the last.
pub(super) fn all_pages<T>(limit: u32, mut read: impl FnMut(&PageOptions) -> Page<T>) -> Vec<T> {
    let (mut items, mut options) = (Vec::new(), PageOptions::default().with_limit(limit));
    loop {
        let page = read(&options);
        let full = page.items.len() == usize::try_from(limit).unwrap();
        assert!(full || page.next.is_none(), "a page of {} has a next one", page.items.len());
        items.extend(page.items);
        assert!(items.len() < 100_000, "the pages never end");
        let Some(next) = page.next else { return items };
        // A token survives a link or a command line.
        options = options.with_token(Some(PageToken::new(next.as_str())));
    }
}

/// The same numbers by their bits; NaN is NaN.
pub(super) fn same_bits(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}
