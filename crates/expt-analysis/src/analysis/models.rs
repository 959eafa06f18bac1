//! What the stores know about the arms' models.

use std::collections::BTreeMap;

use expt_core::{
    AbTestPlan, Binding, Declared, MetricName, ModelName, ModelVersion, Promotion, Provenance, Run, RunKind,
    Stage,
};
use expt_store::{ErrorKind, RegistryStoreExt, RunStoreExt, Stores};

use crate::error::Result;
use crate::readout::{Readout, ServedModel};

pub(super) async fn attach(plan: &AbTestPlan, readout: &mut Readout, stores: &Stores) -> Result<()> {
    readout.owner = found(stores.runs.experiment(&plan.experiment).await)?.map(|experiment| experiment.owner);
    let mut notes = Vec::new();
    for (arm, planned) in readout.arms.iter_mut().zip(&plan.arms) {
        let mut pinned = planned.bindings.values().filter_map(|binding| match binding {
            Binding::Pinned { model, version, .. } => Some((model, *version)),
            _ => None,
        });
        // An arm that pins several models has no one model to show.
        let (Some((model, version)), None) = (pinned.next(), pinned.next()) else { continue };
        arm.model = served(stores, model, version, &mut notes).await?;
    }
    // Attaching again, after a promotion, says nothing twice.
    notes.retain(|note| !readout.notes.contains(note));
    readout.notes.extend(notes);
    Ok(())
}

async fn served(
    stores: &Stores,
    model: &ModelName,
    version: u32,
    notes: &mut Vec<String>,
) -> Result<Option<ServedModel>> {
    let Some(version) = found(stores.registry.model_version(model, version).await)? else { return Ok(None) };
    let run = found(stores.runs.run(version.run).await)?;
    let promotions = stores.registry.all_promotions(model).await?;
    let mut offline = BTreeMap::new();
    let mut lineage = Vec::new();
    if let Some(run) = &run {
        // Evaluations are child runs of the run that they judge; of two, the later says what holds.
        let mut children = stores.runs.find_runs(&format!("parent = '{}' and kind = 'run'", run.id)).await?;
        children.sort_by_key(|child| (child.started, child.id));
        for child in &children {
            offline.extend(finite(child));
        }
        offline.extend(finite(run));
        lineage.extend(describe(run.provenance.as_ref()));
        if run.kind == RunKind::Trial {
            notes.extend(selection_note(stores, run, &version).await?);
        }
    }
    lineage.extend(approvals(&promotions, version.version));
    Ok(Some(ServedModel {
        run_name: run.as_ref().map_or_else(|| "missing".into(), |run| run.name.clone()),
        model: version.model,
        version: version.version,
        digest: version.artifact.digest,
        stage: version.stage,
        run: version.run,
        experiment: version.experiment,
        offline,
        lineage,
    }))
}

async fn selection_note(stores: &Stores, run: &Run, version: &ModelVersion) -> Result<Option<String>> {
    let Some(parent) = run.parent else { return Ok(None) };
    let Some(study) = found(stores.runs.run(parent).await)? else { return Ok(None) };
    let objective = study.tags.get("study.objective").map_or("its objective", String::as_str);
    let trials = study.tags.get("study.trials").map_or("many", String::as_str);
    Ok(Some(format!(
        "{objective} of {} was selected among {trials} trials, so it looks better than it is; compare the metrics of \
         data that the search never saw",
        version.label()
    )))
}

fn finite(run: &Run) -> impl Iterator<Item = (MetricName, f64)> + '_ {
    let last = run.metrics.iter().map(|(metric, summary)| (metric.clone(), summary.last));
    last.filter(|(metric, value)| value.is_finite() && !metric.as_str().ends_with(".step"))
}

fn describe(provenance: Option<&Provenance>) -> Vec<(String, String)> {
    let Some(provenance) = provenance else { return vec![("provenance".into(), "none was logged".into())] };
    fn or_reason<T>(declared: &Declared<T>, say: impl Fn(&T) -> String) -> String {
        match declared {
            Declared::Given(value) => say(value),
            Declared::OptedOut { reason } => format!("left out: {reason}"),
        }
    }
    let rows = [
        (
            "dataset",
            or_reason(&provenance.dataset, |d| format!("{} ({} rows, {})", d.name, d.rows, d.digest.short())),
        ),
        ("features", or_reason(&provenance.features, |f| format!("{} ({})", f.pipeline, f.digest.short()))),
        (
            "code",
            or_reason(&provenance.code, |code| {
                let dirty = if code.dirty { ", with uncommitted changes" } else { "" };
                format!("{}{dirty}", code.commit)
            }),
        ),
        ("seed", or_reason(&provenance.seed, u64::to_string)),
    ];
    rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn approvals(promotions: &[Promotion], version: u32) -> Vec<(String, String)> {
    let own =
        promotions.iter().filter(|promotion| promotion.version == version && promotion.to != Stage::None);
    own.map(|p| (format!("{} -> {}", p.from, p.to), format!("by {} at {}: {}", p.by, p.at, p.reason)))
        .collect()
}

/// `None` for what is not there.
fn found<T>(result: expt_store::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
