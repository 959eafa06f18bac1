use std::collections::BTreeMap;
use std::ops::Bound;

use async_trait::async_trait;
use expt_core::query::{RunQuery, SortKey};
use expt_core::{Experiment, ExperimentId, MetricName, MetricPoint, MetricSummary, Run, RunId};

use super::MemoryStore;
use crate::cursor::{Cursor, page_limit};
use crate::{Durability, Page, PageOptions, Result, RunStore, RunUpdate, rules};

/// The tables of runs.
#[derive(Debug, Default)]
pub(super) struct Runs {
    experiments: BTreeMap<ExperimentId, Experiment>,
    runs: BTreeMap<RunId, Run>,
    points: BTreeMap<(RunId, MetricName), Vec<MetricPoint>>,
}

#[async_trait]
impl RunStore for MemoryStore {
    async fn create_experiment(&self, experiment: &Experiment) -> Result<()> {
        let mut runs = self.runs.write();
        match runs.experiments.get(&experiment.id) {
            Some(old) => rules::check_same_experiment(old, experiment),
            None => {
                runs.experiments.insert(experiment.id.clone(), experiment.clone());
                Ok(())
            }
        }
    }

    async fn experiment(&self, id: &ExperimentId) -> Result<Experiment> {
        let runs = self.runs.read();
        runs.experiments.get(id).cloned().ok_or_else(|| rules::no_experiment("read experiment", id))
    }

    async fn experiments(&self, page: &PageOptions) -> Result<Page<Experiment>> {
        let cursor = Cursor::new("experiments", &());
        let after: Option<ExperimentId> = cursor.position(page)?;
        let limit = page_limit(page);
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let runs = self.runs.read();
        let found = runs.experiments.range((from, Bound::Unbounded));
        let found = found.map(|(_, experiment)| experiment.clone()).take(limit.saturating_add(1));
        Ok(cursor.page(found.collect(), limit, |experiment| experiment.id.clone()))
    }

    async fn create_run(&self, run: &Run) -> Result<()> {
        rules::check_new_run(run)?;
        let mut runs = self.runs.write();
        if runs.runs.contains_key(&run.id) {
            return Err(rules::run_taken(run.id));
        }
        if !runs.experiments.contains_key(&run.experiment) {
            return Err(rules::no_experiment("create run", &run.experiment));
        }
        if let Some(parent) = run.parent.filter(|parent| !runs.runs.contains_key(parent)) {
            return Err(rules::no_run("create run", parent));
        }
        runs.runs.insert(run.id, run.clone());
        Ok(())
    }

    async fn run(&self, id: RunId) -> Result<Run> {
        self.runs.read().runs.get(&id).cloned().ok_or_else(|| rules::no_run("read run", id))
    }

    async fn update_run(&self, id: RunId, update: &RunUpdate) -> Result<()> {
        let mut runs = self.runs.write();
        update.apply(runs.runs.get_mut(&id).ok_or_else(|| rules::no_run("update run", id))?)
    }

    async fn append_metrics(&self, id: RunId, points: &[MetricPoint], _: Durability) -> Result<()> {
        let mut runs = self.runs.write();
        let Runs { runs, points: history, .. } = &mut *runs;
        let run = runs.get_mut(&id).ok_or_else(|| rules::no_run("append metrics", id))?;
        for point in points {
            run.metrics
                .entry(point.metric.clone())
                .and_modify(|summary| *summary = summary.with(point.step, point.value))
                .or_insert_with(|| MetricSummary::of(point.step, point.value));
            history.entry((id, point.metric.clone())).or_default().push(point.clone());
        }
        Ok(())
    }

    async fn metric_history(
        &self,
        id: RunId,
        metric: &MetricName,
        page: &PageOptions,
    ) -> Result<Page<MetricPoint>> {
        let cursor = Cursor::new("points", &(id, metric));
        let from: usize = cursor.position(page)?.unwrap_or(0);
        let runs = self.runs.read();
        if !runs.runs.contains_key(&id) {
            return Err(rules::no_run("read metric history", id));
        }
        let all = runs.points.get(&(id, metric.clone())).map_or(&[][..], Vec::as_slice);
        let rest = all.get(from..).unwrap_or_default();
        let items = rest.get(..page_limit(page)).unwrap_or(rest).to_vec();
        let next = (items.len() < rest.len()).then(|| cursor.token(&(from + items.len())));
        Ok(Page { items, next })
    }

    async fn search_runs(&self, query: &RunQuery, page: &PageOptions) -> Result<Page<Run>> {
        let cursor = Cursor::new("runs", query);
        let (seen, after): (usize, Option<SortKey>) = cursor.position(page)?.unwrap_or((0, None));
        let runs = self.runs.read();
        let mut found: Vec<(SortKey, &Run)> = runs
            .runs
            .values()
            .filter(|run| query.filter.matches(run))
            .map(|run| (query.sort_key(run), run))
            .filter(|(key, _)| after.as_ref().is_none_or(|after| query.compare(key, after).is_gt()))
            .collect();
        found.sort_by(|(a, _), (b, _)| query.compare(a, b));
        let left = query.limit.map_or(usize::MAX, |limit| usize_of(limit).saturating_sub(seen));
        found.truncate(left);
        let limit = page_limit(page);
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|(key, _)| cursor.token(&(seen + found.len(), key)));
        Ok(Page { items: found.into_iter().map(|(_, run)| run.clone()).collect(), next })
    }
}

fn usize_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
