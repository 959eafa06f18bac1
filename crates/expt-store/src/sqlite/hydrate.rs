//! Rows to runs: one query a table, never a join of tables that multiply.

use std::collections::HashMap;

use expt_core::{ArtifactRef, MetricName, MetricSummary, ParamValue, Run, RunId, RunKind, RunStatus};
use rusqlite::{Connection, OptionalExtension, Row};

use super::column::{digest, float, optional_json, parsed, run_id, time, unsigned, word};
use super::fault::{Fault, Sql};
use super::update::kind;

/// The number of the row of a run.
pub(super) fn seq_of(connection: &Connection, id: RunId) -> Sql<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT seq FROM runs WHERE id = ?")?;
    Ok(statement.query_row([id.as_bytes()], |row| row.get(0)).optional()?)
}

/// The runs of these row numbers, in this order. Rows that are gone are left out.
pub(super) fn runs(connection: &Connection, seqs: &[i64]) -> Sql<Vec<Run>> {
    let list = format!("{seqs:?}");
    let mut runs: HashMap<i64, Run> = HashMap::with_capacity(seqs.len());
    let sql = "SELECT r.seq, r.id, r.experiment, r.parent, r.name, r.kind, r.status, r.started, r.ended,
                      r.provenance
               FROM json_each(?) AS wanted CROSS JOIN runs AS r ON r.seq = wanted.value";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([&list])?;
    while let Some(row) = rows.next()? {
        runs.insert(row.get(0)?, head(row)?);
    }
    let mut each = |sql: &str, add: &dyn Fn(&mut Run, &Row<'_>) -> Sql<()>| -> Sql<()> {
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([&list])?;
        while let Some(row) = rows.next()? {
            if let Some(run) = runs.get_mut(&row.get(0)?) {
                add(run, row)?;
            }
        }
        Ok(())
    };
    each(
        "SELECT t.run, t.key, t.kind, t.bits, t.text
         FROM json_each(?) AS wanted CROSS JOIN params AS t ON t.run = wanted.value",
        &|run, row| {
            run.params.insert(row.get(1)?, param(row)?);
            Ok(())
        },
    )?;
    each(
        "SELECT t.run, t.key, t.value FROM json_each(?) AS wanted CROSS JOIN tags AS t ON t.run = wanted.value",
        &|run, row| {
            run.tags.insert(row.get(1)?, row.get(2)?);
            Ok(())
        },
    )?;
    each(
        "SELECT t.run, t.name, t.digest, t.bytes
         FROM json_each(?) AS wanted CROSS JOIN artifacts AS t ON t.run = wanted.value",
        &|run, row| {
            let artifact = ArtifactRef { digest: digest(row, 2)?, bytes: unsigned(row, 3)? };
            run.artifacts.insert(row.get(1)?, artifact);
            Ok(())
        },
    )?;
    each(
        "SELECT t.run, t.name, t.last_bits, t.min_bits, t.max_bits, t.last_step, t.count
         FROM json_each(?) AS wanted CROSS JOIN metrics AS t ON t.run = wanted.value",
        &|run, row| {
            run.metrics.insert(parsed::<MetricName>(row, 1)?, summary(row, 2)?);
            Ok(())
        },
    )?;
    Ok(seqs.iter().filter_map(|seq| runs.remove(seq)).collect())
}

/// A summary from its five columns.
pub(super) fn summary(row: &Row<'_>, first: usize) -> Sql<MetricSummary> {
    Ok(MetricSummary {
        last: float(row, first)?,
        min: float(row, first + 1)?,
        max: float(row, first + 2)?,
        last_step: unsigned(row, first + 3)?,
        count: unsigned(row, first + 4)?,
    })
}

fn head(row: &Row<'_>) -> Sql<Run> {
    let mut run = Run::new(run_id(row, 1)?, parsed(row, 2)?, row.get::<_, String>(4)?, time(row, 7)?);
    run.parent = row.get::<_, Option<[u8; 16]>>(3)?.map(RunId::from_bytes);
    run.kind = word(row, 5, &KINDS, RunKind::as_str)?;
    run.status = word(row, 6, &STATUSES, RunStatus::as_str)?;
    run.ended = row.get::<_, Option<i64>>(8)?.map(expt_core::Timestamp::from_micros);
    run.provenance = optional_json(row, 9)?;
    Ok(run)
}

fn param(row: &Row<'_>) -> Sql<ParamValue> {
    Ok(match row.get(2)? {
        kind::BOOL => ParamValue::Bool(row.get::<_, i64>(3)? != 0),
        kind::INT => ParamValue::Int(row.get(3)?),
        kind::FLOAT => ParamValue::Float(float(row, 3)?),
        kind::TEXT => ParamValue::Text(row.get(4)?),
        other => return Err(Fault::corrupted(format!("a param of the unknown kind {other}"))),
    })
}

const KINDS: [RunKind; 3] = [RunKind::Run, RunKind::Study, RunKind::Trial];
const STATUSES: [RunStatus; 5] =
    [RunStatus::Running, RunStatus::Finished, RunStatus::Pruned, RunStatus::Failed, RunStatus::Interrupted];
