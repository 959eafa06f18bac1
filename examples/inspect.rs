//! Looks into a store that another process wrote, or is writing.
//!
//! ```text
//! cargo run --release --example inspect                                  # the store of ship_a_model
//! cargo run --release --example inspect -- STORE
//! cargo run --release --example inspect -- STORE runs "metrics.val_auc > 0.8 order by metrics.val_auc desc"
//! cargo run --release --example inspect -- STORE lineage PREDICTION_ID
//! cargo run --release --example inspect -- STORE readout EXPERIMENT
//! ```
use std::error::Error;
use std::io::{ErrorKind, Write, stdout};
use std::path::PathBuf;

use expt::analysis::{Analysis, Report, ShadowReadout, read_plan};
use expt::core::{Event, ExperimentId, PhaseId, Plan, PredictionId, RunStatus};
use expt::store::blocking::wait;
use expt::store::{EventScan, EventStoreExt, EventTable, PageOptions, RunStoreExt, Stores, lineage};

fn main() -> Result<(), Box<dyn Error>> {
    match answer(&mut stdout().lock()) {
        // Whoever reads has seen enough, as `head` does.
        Err(error)
            if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe) =>
        {
            Ok(())
        }
        answered => answered,
    }
}

fn answer(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let folder: PathBuf = words.next().unwrap_or_else(|| "ship_a_model_store".into()).into();
    if !folder.join("expt.sqlite").exists() {
        return Err(format!(
            "{} is no store of expt; run the example ship_a_model first, or name its store",
            folder.display()
        )
        .into());
    }
    let stores = Stores::open(&folder)?;
    match (words.next().as_deref(), words.next()) {
        (None, _) => {
            overview(&stores, out)?;
            runs(&stores, out, "metrics.val_auc exists and status = 'finished' order by metrics.val_auc desc limit 5")?;
            if let Some(id) = last_prediction(&stores)? {
                trace(&stores, out, id)?;
            }
            readout(&stores, out, "wine-quality-v2")
        }
        (Some("runs"), query) => runs(&stores, out, query.as_deref().unwrap_or("")),
        (Some("lineage"), Some(id)) => trace(&stores, out, id.parse()?),
        (Some("readout"), Some(experiment)) => readout(&stores, out, &experiment),
        (Some(other), _) => Err(format!("{other:?} is not known, or lacks what comes after it; write runs QUERY, lineage ID or readout EXPERIMENT").into()),
    }
}

/// What there is.
fn overview(stores: &Stores, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    for experiment in wait(stores.runs.experiments(&PageOptions::default()))?.items {
        writeln!(
            out,
            "experiment {}, owned by {}: {}",
            experiment.id, experiment.owner, experiment.hypothesis
        )?;
    }
    let all = wait(stores.runs.find_runs(""))?;
    let of = |status: RunStatus| all.iter().filter(|run| run.status == status).count();
    writeln!(
        out,
        "{} runs: {} finished, {} pruned, {} running or left behind",
        all.len(),
        of(RunStatus::Finished),
        of(RunStatus::Pruned),
        of(RunStatus::Running) + of(RunStatus::Interrupted)
    )?;
    let events = wait(stores.events.scan_all(&EventScan::all()))?;
    let of = |table| events.iter().filter(|event| EventTable::of(event) == table).count();
    writeln!(
        out,
        "{} events: {} exposures, {} predictions, {} outcomes",
        events.len(),
        of(EventTable::Exposures),
        of(EventTable::Predictions),
        of(EventTable::Outcomes)
    )?;
    Ok(())
}

/// The runs of a query.
fn runs(stores: &Stores, out: &mut impl Write, query: &str) -> Result<(), Box<dyn Error>> {
    writeln!(out, "\nruns where {query}")?;
    for run in wait(stores.runs.find_runs(query))? {
        let metrics: Vec<String> = run
            .metrics
            .iter()
            .filter(|(name, _)| !name.as_str().ends_with(".step"))
            .map(|(name, summary)| format!("{name} {:.4}", summary.last))
            .collect();
        let params: Vec<String> = run.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        writeln!(
            out,
            "  {}  {:<9} {:<14} {}  [{}]",
            run.id,
            run.status,
            run.name,
            metrics.join(", "),
            params.join(" ")
        )?;
    }
    Ok(())
}

/// The newest prediction.
fn last_prediction(stores: &Stores) -> Result<Option<PredictionId>, Box<dyn Error>> {
    let events = wait(stores.events.scan_all(&EventScan::of(EventTable::Predictions)))?;
    let predictions = events.iter().filter_map(|event| match event {
        Event::Prediction(prediction) => Some((prediction.at, prediction.id)),
        _ => None,
    });
    Ok(predictions.max().map(|(_, id)| id))
}

/// Where a prediction comes from.
fn trace(stores: &Stores, out: &mut impl Write, id: PredictionId) -> Result<(), Box<dyn Error>> {
    writeln!(out, "\nlineage of {id}")?;
    writeln!(
        out,
        "{}",
        wait(lineage(id, stores.runs.as_ref(), stores.registry.as_ref(), stores.events.as_ref()))?
    )?;
    Ok(())
}

/// What the phases of an experiment found, as of the newest event that belongs to them.
fn readout(stores: &Stores, out: &mut impl Write, experiment: &str) -> Result<(), Box<dyn Error>> {
    let experiment: ExperimentId = experiment.parse()?;
    let plans = wait(stores.registry.documents("plan", &PageOptions::default()))?.items;
    let own: Vec<_> = plans.iter().filter(|plan| plan.experiment.as_ref() == Some(&experiment)).collect();
    if own.is_empty() {
        writeln!(out, "\nexperiment {experiment} has no sealed plan yet")?;
    }
    for document in own {
        let phase: PhaseId = document.name.parse()?;
        writeln!(out, "\nreadout of {phase}")?;
        match wait(read_plan(stores, &phase))?.plan() {
            Plan::Shadow(_) => {
                for (name, value) in wait(ShadowReadout::read(stores, &phase))?.facts() {
                    writeln!(out, "  {name:<24} {value}")?;
                }
            }
            _ => test(stores, out, &phase)?,
        }
    }
    Ok(())
}

/// The readout of an A/B test.
fn test(stores: &Stores, out: &mut impl Write, phase: &PhaseId) -> Result<(), Box<dyn Error>> {
    let analysis = wait(Analysis::read(stores, phase))?;
    let Some(latest) = analysis.join().latest() else {
        writeln!(out, "  none yet: no unit was exposed")?;
        return Ok(());
    };
    let mut readout = analysis.readout(&analysis.daily_looks(latest))?;
    wait(analysis.attach_models(&mut readout, stores))?;
    writeln!(out, "{}", Report::new(&readout).to_text())?;
    Ok(())
}
