//! Training: a first champion, a study, the best child.

use std::error::Error;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use expt::core::query::RunQuery;
use expt::core::{Direction, Evidence, ModelVersion, RunStatus, Stage};
use expt::hpo::blocking::{Study, Trial};
use expt::hpo::{Domain, MedianPruner, Observation, Space, StudyOptions};
use expt::store::RunStoreExt;
use expt::store::blocking::wait;
use expt::track::{NewRun, Promote};
use expt_examples::ml::{Dataset, Fold, Metrics, MlError, Model, ModelSpec, Pipeline, Recipe};

use crate::chapter;
use crate::setting::Setting;

/// What training left in the registry.
pub(crate) struct Offline {
    pub(crate) champion: ModelVersion,
    pub(crate) challenger: ModelVersion,
}

pub(crate) fn run(setting: &Setting) -> Result<Offline, Box<dyn Error>> {
    chapter("The data");
    let (data, split) = (&setting.data, &setting.split);
    println!(
        "{}: {} wines, {} measurements each; {:.1} % rated 6 or better",
        data.name,
        data.rows.len(),
        data.feature_names.len(),
        100.0 * data.base_rate()
    );
    println!(
        "dataset digest {} (every value of every row)",
        setting.provenance()?.dataset.given().map_or_else(String::new, |d| d.digest.short())
    );
    println!(
        "split by content: {} to train, {} to test, {} for the online part; no wine in two parts",
        split.train.rows.len(),
        split.test.rows.len(),
        split.online.rows.len()
    );

    let champion = champion(setting)?;
    let best = study(setting)?;
    let challenger = stage(setting, &best)?;
    judge(setting, &champion, &challenger)?;
    Ok(Offline { champion, challenger })
}

/// The first model: logistic regression, approved into production.
pub(crate) fn champion(setting: &Setting) -> Result<ModelVersion, Box<dyn Error>> {
    chapter("The first champion");
    let names = &setting.names;
    setting.tracker.register(
        names.first.clone(),
        "a logistic regression is better than no recommendation",
        names.trainer.clone(),
    )?;
    let spec = ModelSpec::Logistic { alpha: 1.0 };
    let new = NewRun::new(names.first.clone(), "logistic")
        .with_id(setting.run_id("champion"))
        .with_param("model", spec.family())
        .with_param("alpha", 1.0)
        .with_provenance(setting.provenance()?);
    let run = setting.tracker.start(new)?;
    let mut total = 0.0;
    for (number, fold) in folds(setting).iter().enumerate() {
        let auc = validate(&spec, fold, setting.seed)?.auc;
        run.metric("val_auc.step", number as u64, auc);
        total += auc / FOLDS as f64;
    }
    run.metric("val_auc", 0, total);
    run.artifact("model", refit(setting, &spec)?.to_bytes()?)?;
    let gaps = setting.provenance()?.gaps();
    if gaps.is_empty() {
        run.finish_reproducible()?
    } else {
        run.finish()?
    }
    println!("run {} ({}): val_auc {total:.4} over {FOLDS} folds", run.id(), spec.family());

    setting.pass(Duration::from_secs(3600));
    let version =
        setting.registry.register(&names.model, run.id(), "model", setting.pin(&setting.pipeline)?)?;
    let staged = Promote::new(
        names.model.clone(),
        version.version,
        Stage::Staging,
        names.trainer.clone(),
        "the first candidate",
    );
    setting.registry.promote(staged)?;
    let promote = Promote::new(
        names.model.clone(),
        version.version,
        Stage::Production,
        names.approver.clone(),
        "better than no recommendation at all",
    )
    .with_evidence(Evidence::Run { run: run.id(), note: format!("val_auc {total:.4}") });
    let version = setting.registry.promote(approve(promote, &gaps))?;
    println!("{} is in {}, approved by {}", version.label(), version.stage, names.approver);
    Ok(version)
}

/// Twenty-four trials over forests, each a child run.
fn study(setting: &Setting) -> Result<Observation, Box<dyn Error>> {
    chapter("The study");
    let names = &setting.names;
    setting.tracker.register(
        names.second.clone(),
        "a forest recommends better wines than the logistic regression",
        names.trainer.clone(),
    )?;
    let space = Space::new()
        .with("cuts", Domain::choice(["best", "random"])?)?
        .with("trees", Domain::int(5, 100)?)?
        .with("max_depth", Domain::int(2, 16)?)?
        .with("min_leaf", Domain::int(2, 60)?)?
        .with("m", Domain::int(1, 12)?)?;
    let options =
        StudyOptions::new(names.second.clone(), "forests", space, "val_auc", Direction::HigherIsBetter)
            .with_seed(setting.seed)
            .with_pruner(MedianPruner::default())
            .with_run(setting.run_id("study"))
            .with_provenance(setting.provenance()?);
    let study = Study::start(&setting.tracker, options)?;
    let folds = folds(setting);
    for number in 0..TRIALS {
        progress(&format!("trial {} of {TRIALS}", number + 1));
        setting.pass(Duration::from_secs(60));
        attempt(setting, study.ask()?, &folds)?;
    }
    progress("");
    let best = study.finish()?.ok_or("no trial completed")?;
    let pruned = study.trials().iter().filter(|trial| trial.value.is_none()).count();
    println!("study {}: {TRIALS} trials, {pruned} of them ended early by the median rule", study.id());

    let text = format!(
        "parent = '{}' and metrics.val_auc > 0.8 and params.cuts = 'random' and started since '2026-03-02' order by metrics.val_auc desc limit 5",
        study.id()
    );
    println!("query: {text}");
    for run in wait(setting.stores.runs.find_runs(&text))? {
        let param = |name: &str| run.params.get(name).map_or_else(String::new, ToString::to_string);
        let auc = run.metrics.get("val_auc").map_or(f64::NAN, |summary| summary.last);
        println!(
            "  {}  {:<12} val_auc {auc:.4}  trees {:>3}  max_depth {:>2}  min_leaf {:>2}  m {:>2}",
            run.id,
            run.name,
            param("trees"),
            param("max_depth"),
            param("min_leaf"),
            param("m")
        );
    }
    let error = RunQuery::parse("metrics.val_auc >> 0.8").err().ok_or("a wrong query parsed")?;
    println!("and a query with a fault says where:\n  {}", error.to_string().replace('\n', "\n  "));
    Ok(best)
}

/// One trial: fold by fold, until done or hopeless.
fn attempt(setting: &Setting, trial: Trial, folds: &[Fold]) -> Result<(), Box<dyn Error>> {
    let spec = spec(&trial)?;
    let mut aucs = Vec::new();
    for (number, fold) in folds.iter().enumerate() {
        let auc = validate(&spec, fold, setting.seed)?.auc;
        aucs.push(auc);
        let decision = trial.report(number as u64, auc);
        if decision.prune {
            let line = format!(
                "  #{:<2} {:<11} pruned after fold {}: {}",
                trial.number(),
                spec.family(),
                number + 1,
                decision.reason
            );
            trial.prune(decision)?;
            // Only what is stored is said.
            println!("{line}");
            return Ok(());
        }
    }
    let auc = aucs.iter().sum::<f64>() / aucs.len() as f64;
    let line = format!("  #{:<2} {:<11} val_auc {auc:.4}", trial.number(), spec.family());
    trial.artifact("model", refit(setting, &spec)?.to_bytes()?)?;
    trial.complete(auc)?;
    println!("{line}");
    Ok(())
}

/// The best child becomes a version in staging.
fn stage(setting: &Setting, best: &Observation) -> Result<ModelVersion, Box<dyn Error>> {
    chapter("The candidate");
    let names = &setting.names;
    setting.pass(Duration::from_secs(3600));
    let version =
        setting.registry.register(&names.model, best.run, "model", setting.pin(&setting.pipeline)?)?;
    let value = best.value.unwrap_or(f64::NAN);
    let promote = Promote::new(
        names.model.clone(),
        version.version,
        Stage::Staging,
        names.trainer.clone(),
        "the best child of the study",
    )
    .with_evidence(Evidence::Run { run: best.run, note: format!("val_auc {value:.4}, best of {TRIALS}") });
    let version = setting.registry.promote(promote)?;
    println!(
        "{} is in {}: trial #{} of the study, val_auc {value:.4} (the best of {TRIALS}, so biased upward)",
        version.label(),
        version.stage,
        best.number
    );
    Ok(version)
}

/// Both versions on rows that the search never saw, as evaluation runs below the runs that they judge.
fn judge(
    setting: &Setting,
    champion: &ModelVersion,
    challenger: &ModelVersion,
) -> Result<(), Box<dyn Error>> {
    println!("judged on {} test wines that the search never saw:", setting.split.test.rows.len());
    for version in [champion, challenger] {
        let bytes = wait(setting.stores.artifacts.get(version.artifact.digest))?;
        let metrics = Metrics::of(&Model::from_bytes(&bytes)?, &setting.split.test)?;
        let new = NewRun::new(setting.names.second.clone(), format!("test of {}", version.label()))
            .with_id(setting.run_id(&format!("test of {}", version.label())))
            .with_parent(version.run)
            .with_param("split", "test")
            .with_provenance(setting.provenance()?);
        let run = setting.tracker.start(new)?;
        run.metric("test_auc", 0, metrics.auc);
        run.metric("test_accuracy", 0, metrics.accuracy);
        run.metric("test_log_loss", 0, metrics.log_loss);
        run.end(RunStatus::Finished)?;
        println!(
            "  {:<15} test_auc {:.4}  test_accuracy {:.4}  test_log_loss {:.4}",
            version.label(),
            metrics.auc,
            metrics.accuracy,
            metrics.log_loss
        );
    }
    Ok(())
}

/// Uncommitted changes are a gap in the provenance; in an example the approver lets that through, on record.
pub(crate) fn approve(promote: Promote, gaps: &[String]) -> Promote {
    if gaps.is_empty() {
        return promote;
    }
    println!("provenance gaps: {}; the approver overrides, with a reason that is recorded", gaps.join("; "));
    promote.overriding_provenance("an example, run from a tree that is not committed")
}

fn spec(trial: &Trial) -> Result<ModelSpec, Box<dyn Error>> {
    let (trees, max_depth) = (usize::try_from(trial.int("trees")?)?, u16::try_from(trial.int("max_depth")?)?);
    let (min_leaf, m) = (usize::try_from(trial.int("min_leaf")?)?, usize::try_from(trial.int("m")?)?);
    Ok(match trial.text("cuts")? {
        "random" => ModelSpec::ExtraTrees { trees, max_depth, min_leaf, m },
        _ => ModelSpec::Forest { trees, max_depth, min_leaf, m },
    })
}

/// Fits pipeline and model on the fold's own training rows, and measures on its validation rows.
fn validate(spec: &ModelSpec, fold: &Fold, seed: u64) -> Result<Metrics, MlError> {
    let pipeline = Pipeline::fit(Recipe::V1, &fold.train)?;
    Metrics::of(&Model::train(spec.clone(), pipeline, &fold.train, seed)?, &fold.valid)
}

/// Trains on all training rows, with the pipeline that is live.
fn refit(setting: &Setting, spec: &ModelSpec) -> Result<Model, MlError> {
    let train: &Dataset = &setting.split.train;
    Model::train(spec.clone(), setting.pipeline.clone(), train, setting.seed)
}

fn folds(setting: &Setting) -> Vec<Fold> {
    setting.split.train.folds(FOLDS, setting.seed)
}

/// One line that is overwritten, for a person who waits; nothing where nobody looks.
fn progress(text: &str) {
    let mut terminal = std::io::stderr();
    if terminal.is_terminal() {
        // A terminal that cannot be written to shows no progress; the story goes on.
        let _ = write!(terminal, "\r\x1b[2K{text}").and_then(|()| terminal.flush());
    }
}

const TRIALS: u64 = 24;
const FOLDS: usize = 5;
