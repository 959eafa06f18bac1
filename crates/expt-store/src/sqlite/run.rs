use async_trait::async_trait;
use expt_core::query::RunQuery;
use expt_core::{Experiment, ExperimentId, MetricName, MetricPoint, Run, RunId};
use rusqlite::{Connection, Row, params};

use super::column::{parsed, time};
use super::fault::Sql;
use super::{SqliteStore, hydrate, metric, search, update};
use crate::cursor::{Cursor, page_limit};
use crate::{Durability, Page, PageOptions, Result, RunStore, RunUpdate, rules};

#[async_trait]
impl RunStore for SqliteStore {
    async fn create_experiment(&self, experiment: &Experiment) -> Result<()> {
        let experiment = experiment.clone();
        let work = move |connection: &Connection| create_experiment(connection, &experiment);
        self.actor.write("create experiment", Durability::Durable, work).await
    }

    async fn experiment(&self, id: &ExperimentId) -> Result<Experiment> {
        let id = id.clone();
        let work = move |connection: &Connection| {
            let found = read_experiment(connection, &id)?;
            Ok(found.ok_or_else(|| rules::no_experiment("read experiment", &id))?)
        };
        self.actor.read("read experiment", work).await
    }

    async fn experiments(&self, page: &PageOptions) -> Result<Page<Experiment>> {
        let cursor = Cursor::new("experiments", &());
        let after: Option<ExperimentId> = cursor.position(page)?;
        let limit = page_limit(page);
        let work = move |connection: &Connection| {
            let sql =
                "SELECT id, hypothesis, owner, created FROM experiments WHERE id > ? ORDER BY id LIMIT ?";
            let mut statement = connection.prepare_cached(sql)?;
            let after = after.as_ref().map_or("", ExperimentId::as_str);
            let found = statement.query_and_then(params![after, one_more(limit)], experiment)?;
            Ok(cursor.page(found.collect::<Sql<_>>()?, limit, |experiment| experiment.id.clone()))
        };
        self.actor.read("list experiments", work).await
    }

    async fn create_run(&self, run: &Run) -> Result<()> {
        rules::check_new_run(run)?;
        let run = run.clone();
        let work = move |connection: &Connection| create_run(connection, &run);
        self.actor.write("create run", Durability::Durable, work).await
    }

    async fn run(&self, id: RunId) -> Result<Run> {
        let work = move |connection: &Connection| {
            let (_, run) = read_run(connection, "read run", id)?;
            Ok(run)
        };
        self.actor.read("read run", work).await
    }

    async fn update_run(&self, id: RunId, update: &RunUpdate) -> Result<()> {
        let update = update.clone();
        let work = move |connection: &Connection| {
            let (seq, mut run) = read_run(connection, "update run", id)?;
            update.apply(&mut run)?;
            update::update_run(connection, seq, &run)?;
            update::put_params(connection, seq, &update.params)?;
            update::put_tags(connection, seq, &update.tags)?;
            update::put_artifacts(connection, seq, &update.artifacts)
        };
        self.actor.write("update run", Durability::Durable, work).await
    }

    async fn append_metrics(&self, id: RunId, points: &[MetricPoint], durability: Durability) -> Result<()> {
        let metrics = metric::by_metric(points);
        let work = move |connection: &Connection| metric::append(connection, id, &metrics);
        self.actor.write("append metrics", durability, work).await
    }

    async fn metric_history(
        &self,
        id: RunId,
        metric: &MetricName,
        page: &PageOptions,
    ) -> Result<Page<MetricPoint>> {
        let cursor = Cursor::new("points", &(id, metric));
        let (metric, page) = (metric.clone(), page.clone());
        let work = move |connection: &Connection| metric::history(connection, id, &metric, &page, &cursor);
        self.actor.read("read metric history", work).await
    }

    async fn search_runs(&self, query: &RunQuery, page: &PageOptions) -> Result<Page<Run>> {
        let cursor = Cursor::new("runs", query);
        let (query, page) = (query.clone(), page.clone());
        let work = move |connection: &Connection| search::search(connection, &query, &page, &cursor);
        self.actor.read("search runs", work).await
    }
}

/// A limit that shows whether there is more.
pub(super) fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)
}

fn create_experiment(connection: &Connection, experiment: &Experiment) -> Sql<()> {
    if let Some(old) = read_experiment(connection, &experiment.id)? {
        return Ok(rules::check_same_experiment(&old, experiment)?);
    }
    let Experiment { id, hypothesis, owner, created } = experiment;
    let sql = "INSERT INTO experiments (id, hypothesis, owner, created) VALUES (?, ?, ?, ?)";
    let values = params![id.as_str(), hypothesis, owner.as_str(), created.as_micros()];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

fn read_experiment(connection: &Connection, id: &ExperimentId) -> Sql<Option<Experiment>> {
    let sql = "SELECT id, hypothesis, owner, created FROM experiments WHERE id = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([id.as_str()])?;
    rows.next()?.map(experiment).transpose()
}

fn experiment(row: &Row<'_>) -> Sql<Experiment> {
    Ok(Experiment {
        id: parsed(row, 0)?,
        hypothesis: row.get(1)?,
        owner: parsed(row, 2)?,
        created: time(row, 3)?,
    })
}

fn create_run(connection: &Connection, run: &Run) -> Sql<()> {
    if hydrate::seq_of(connection, run.id)?.is_some() {
        return Err(rules::run_taken(run.id).into());
    }
    if read_experiment(connection, &run.experiment)?.is_none() {
        return Err(rules::no_experiment("create run", &run.experiment).into());
    }
    if let Some(parent) = run.parent
        && hydrate::seq_of(connection, parent)?.is_none()
    {
        return Err(rules::no_run("create run", parent).into());
    }
    let seq = update::insert_run(connection, run)?;
    update::put_params(connection, seq, &run.params)?;
    update::put_tags(connection, seq, &run.tags)?;
    update::put_artifacts(connection, seq, &run.artifacts)
}

fn read_run(connection: &Connection, operation: &'static str, id: RunId) -> Sql<(i64, Run)> {
    let seq = hydrate::seq_of(connection, id)?.ok_or_else(|| rules::no_run(operation, id))?;
    let run = hydrate::runs(connection, &[seq])?.pop().ok_or_else(|| rules::no_run(operation, id))?;
    Ok((seq, run))
}
