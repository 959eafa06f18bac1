//! Serving: models loaded back from the registry and verified, refusals, and the shadow.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use expt::analysis::ShadowReadout;
use expt::assign::{Config, Context, HoldoutEntry, LayerEntry, Ranges, Snapshot, UnitEntry};
use expt::core::{Binding, ModelVersion, Output, PhaseId, Plan, RequestId, ShadowPlan, Share, Stage};
use expt::serve::{Deployment, EventQueue, LoadFor, Loader, ModelSet, Overflow, PinPolicy, Router, Shadow};
use expt::store::LocalArtifacts;
use expt::store::blocking::wait;
use expt_examples::ml::{Metrics, Model, Recipe};

use crate::chapter;
use crate::offline::Offline;
use crate::online::store_config;
use crate::setting::Setting;

/// What answers: the score of a wine, given its row among the online wines and its measurements.
pub(crate) type Scorer = Arc<dyn Fn(usize, &[f64]) -> Result<f64, Box<dyn Error>> + Send + Sync>;

/// The verified deployments.
pub(crate) struct Served {
    pub(crate) champion: Deployment,
    pub(crate) challenger: Deployment,
}

pub(crate) fn run(setting: &Setting, offline: &Offline, store: &Path) -> Result<Served, Box<dyn Error>> {
    chapter("Serving: loaded back from the store, verified");
    let loader = Loader::new(&setting.stores, setting.pin(&setting.pipeline)?);
    let champion = wait(loader.load_stage(&setting.names.model, &Stage::Production, LoadFor::Showing))?;
    say(&champion, "Production");
    tampered(setting, &loader, &offline.challenger, store)?;
    moved(setting, &offline.challenger)?;
    // A dirty tree is a gap in the provenance, and only a promotion can carry the approver's override.
    if !offline.challenger.provenance_gaps.is_empty() {
        let gaps = &offline.challenger.provenance_gaps;
        let names = &setting.names;
        let promote = expt::track::Promote::new(
            names.model.clone(),
            offline.challenger.version,
            Stage::Staging,
            names.approver.clone(),
            "for the test",
        );
        setting.registry.promote(crate::offline::approve(promote, gaps))?;
    }
    let challenger = wait(loader.load(&setting.names.model, offline.challenger.version, LoadFor::Showing))?;
    say(&challenger, "Staging");
    Ok(Served { champion, challenger })
}

fn say(deployment: &Deployment, stage: &str) {
    let origin = deployment.origin();
    println!(
        "{} ({stage}): {} bytes, digest {} verified, feature pin {}",
        deployment.version().label(),
        deployment.bytes().len(),
        origin.digest.short(),
        origin.pin
    );
}

/// Flips one byte of the stored artifact, and shows that it does not load.
fn tampered(
    setting: &Setting,
    loader: &Loader,
    version: &ModelVersion,
    store: &Path,
) -> Result<(), Box<dyn Error>> {
    let path = LocalArtifacts::open(store.join("artifacts"))?.path(version.artifact.digest);
    let intact = std::fs::read(&path)?;
    let mut damaged = intact.clone();
    if let Some(byte) = damaged.get_mut(intact.len() / 2) {
        *byte ^= 1;
    }
    std::fs::write(&path, damaged)?;
    match wait(loader.load(&setting.names.model, version.version, LoadFor::Shadow)) {
        Ok(_) => return Err("a tampered artifact was loaded".into()),
        Err(error) => {
            println!("one byte flipped in {}: refused, as {:?}\n~   {error}", version.label(), error.kind())
        }
    }
    wait(setting.stores.artifacts.put(intact.into(), expt::store::Durability::Durable))?;
    Ok(())
}

/// A serving binary whose feature pipeline has moved is refused, or may only run in the shadow.
fn moved(setting: &Setting, version: &ModelVersion) -> Result<(), Box<dyn Error>> {
    let moved = setting.pipeline.moved_to(Recipe::V2)?;
    let loader = Loader::new(&setting.stores, setting.pin(&moved)?);
    match wait(loader.load(&setting.names.model, version.version, LoadFor::Shadow)) {
        Ok(_) => return Err("a model was loaded on another pipeline".into()),
        Err(error) => println!("{} on {}: refused\n  {error}", version.label(), moved.version()),
    }
    let lenient = loader.with_policy(PinPolicy::Shadow);
    let deployment = wait(lenient.load(&setting.names.model, version.version, LoadFor::Shadow))?;
    let model = Model::from_bytes(deployment.bytes())?;
    let before = Metrics::of(&model, &setting.split.test)?.accuracy;
    let after = Metrics::of(&model.with_pipeline(moved), &setting.split.test)?.accuracy;
    println!(
        "  (with PinPolicy::Shadow it loads, pin {}, may be shown: {}; its test accuracy there is {after:.4} instead of {before:.4})",
        deployment.origin().pin,
        deployment.may_show()
    );
    Ok(())
}

/// The score that a verified deployment gives, with the pipeline that is live.
pub(crate) fn scorer(setting: &Setting, deployment: &Deployment) -> Result<Scorer, Box<dyn Error>> {
    let model = Model::from_bytes(deployment.bytes())?.with_pipeline(setting.pipeline.clone());
    Ok(Arc::new(move |_, features| Ok(model.score(features)?)))
}

/// The config of the shop, without any phase: a layer, and the permanent holdout.
pub(crate) fn config(setting: &Setting, version: u32) -> Result<Config, Box<dyn Error>> {
    let names = &setting.names;
    let holdout = HoldoutEntry::new(
        "global-2026".parse()?,
        names.user.clone(),
        format!("holdout {}", setting.seed),
        Ranges::of(Share::percent(2)?),
    );
    Ok(Config::new("wine-shop", format!("wine-shop {}", setting.seed), version)
        .with_unit(UnitEntry::new(names.user.clone(), "user_id"))
        .with_layer(LayerEntry::new(names.layer.clone(), names.user.clone(), [names.point.clone()]))
        .with_holdout(holdout))
}

/// The candidate beside the champion, on requests that the champion answers.
pub(crate) fn shadow(
    setting: &Setting,
    offline: &Offline,
    served: &Served,
) -> Result<ShadowReadout, Box<dyn Error>> {
    chapter("Shadow: the candidate answers too, and nobody sees it");
    let names = &setting.names;
    let phase = PhaseId::new("wine-quality-v2/shadow")?;
    let plan = ShadowPlan {
        experiment: names.second.clone(),
        phase: phase.clone(),
        decision_point: names.point.clone(),
        candidate: pinned(&offline.challenger),
        min_coverage: Share::percent(95)?,
        tolerance: 0.25,
        threshold: Some(0.5),
        max_flip_rate: Share::percent(30)?,
    };
    setting.registry.seal(&Plan::Shadow(plan).seal()?)?;

    let events = Arc::new(EventQueue::start(&setting.stores, 1 << 16, Overflow::Block)?);
    let router = Router::new(Snapshot::compile(config(setting, 1)?)?, Arc::clone(&events));
    let models = ModelSet::new(served.champion.clone(), scorer(setting, &served.champion)?)?;
    let candidate = scorer(setting, &served.challenger)?;
    let shadow = Shadow::start(
        &served.challenger,
        SHADOWED,
        Arc::clone(&events),
        move |(row, features): &(usize, Vec<f64>)| {
            // A candidate that cannot answer says "not a number", which the comparison refuses.
            Output::Value(candidate(*row, features).unwrap_or(f64::NAN))
        },
    )?;
    let snapshot = router.snapshot();
    store_config(setting, &snapshot)?;
    let point = snapshot.decision_point(&names.point).ok_or("no layer lists the decision point")?;
    let wines = &setting.split.online.rows;
    for (number, (row, wine)) in wines.iter().enumerate().cycle().take(SHADOWED).enumerate() {
        let at = setting.pass(Duration::from_secs(20));
        let unit = snapshot.unit(&names.user, format!("visitor-{}", number % 500))?;
        let assignment = snapshot.assign(&unit, point, &Context::new(at));
        let member = models.answer(&assignment);
        let begun = Instant::now();
        let score = member.model()(row, &wine.features)?;
        let latency = begun.elapsed();
        let request =
            RequestId::derive([b"shadow".as_slice(), &setting.seed.to_le_bytes(), &number.to_le_bytes()]);
        let shown = router.record(&assignment, member, request, at, Output::Value(score));
        shadow.offer((row, wine.features.clone()), &shown, latency);
    }
    let stats = shadow.finish();
    wait(events.flush())?;
    let readout = wait(ShadowReadout::read(&setting.stores, &phase))?;
    for (name, value) in readout.facts() {
        println!("  {name:<24} {value}");
    }
    println!(
        "  {:<24} {} offered, {} answered, {} dropped, {} panicked",
        "the shadow's queue", stats.eligible, stats.answered, stats.dropped, stats.panicked
    );
    for (name, latencies) in [("live", &stats.live), ("candidate", &stats.shadow)] {
        let at = |quantile| latencies.quantile(quantile).unwrap_or_default().as_nanos() as f64 / 1e3;
        println!(
            "~ latency, {name:<9}: p50 {:.1} us, p95 {:.1} us, p99 {:.1} us",
            at(0.5),
            at(0.95),
            at(0.99)
        );
    }
    Ok(readout)
}

/// An arm that pins a version.
pub(crate) fn pinned(version: &ModelVersion) -> Binding {
    Binding::Pinned {
        model: version.model.clone(),
        version: version.version,
        digest: version.artifact.digest,
    }
}

const SHADOWED: usize = 4_000;
