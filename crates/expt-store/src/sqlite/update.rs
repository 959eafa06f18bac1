//! Writing the parts of a run.

use std::collections::BTreeMap;

use expt_core::{ArtifactRef, ParamValue, Run};
use rusqlite::{Connection, params};

use super::column::{bits, to_json};
use super::fault::Sql;

/// The kinds of a param, as the schema numbers them.
pub(super) mod kind {
    pub(in crate::sqlite) const BOOL: i64 = 0;
    pub(in crate::sqlite) const INT: i64 = 1;
    pub(in crate::sqlite) const FLOAT: i64 = 2;
    pub(in crate::sqlite) const TEXT: i64 = 3;
}

/// Adds the row of a run; gives its number.
pub(super) fn insert_run(connection: &Connection, run: &Run) -> Sql<i64> {
    let provenance = run.provenance.as_ref().map(to_json).transpose()?;
    let sql = "INSERT INTO runs (id, experiment, parent, name, kind, status, started, ended, provenance)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(sql)?.execute(params![
        run.id.as_bytes(),
        run.experiment.as_str(),
        run.parent.map(|parent| *parent.as_bytes()),
        run.name,
        run.kind.as_str(),
        run.status.as_str(),
        run.started.as_micros(),
        run.ended.map(expt_core::Timestamp::as_micros),
        provenance,
    ])?;
    Ok(connection.last_insert_rowid())
}

/// Writes what an update can change of the row of a run.
pub(super) fn update_run(connection: &Connection, seq: i64, run: &Run) -> Sql<()> {
    let provenance = run.provenance.as_ref().map(to_json).transpose()?;
    let ended = run.ended.map(expt_core::Timestamp::as_micros);
    let sql = "UPDATE runs SET status = ?, ended = ?, provenance = ? WHERE seq = ?";
    connection.prepare_cached(sql)?.execute(params![run.status.as_str(), ended, provenance, seq])?;
    Ok(())
}

pub(super) fn put_params(
    connection: &Connection,
    seq: i64,
    params: &BTreeMap<String, ParamValue>,
) -> Sql<()> {
    let sql = "INSERT OR REPLACE INTO params (run, key, kind, bits, num, text) VALUES (?, ?, ?, ?, ?, ?)";
    let mut statement = connection.prepare_cached(sql)?;
    for (key, value) in params {
        let num = value.as_f64();
        match value {
            ParamValue::Bool(value) => {
                let (bits, num) = (i64::from(*value), f64::from(u8::from(*value)));
                statement.execute(params![seq, key, kind::BOOL, bits, num, None::<&str>])?
            }
            ParamValue::Int(value) => {
                statement.execute(params![seq, key, kind::INT, value, num, None::<&str>])?
            }
            ParamValue::Float(value) => {
                statement.execute(params![seq, key, kind::FLOAT, bits(*value), num, None::<&str>])?
            }
            ParamValue::Text(text) => {
                statement.execute(params![seq, key, kind::TEXT, None::<i64>, None::<f64>, text])?
            }
        };
    }
    Ok(())
}

pub(super) fn put_tags(connection: &Connection, seq: i64, tags: &BTreeMap<String, String>) -> Sql<()> {
    let sql = "INSERT OR REPLACE INTO tags (run, key, value) VALUES (?, ?, ?)";
    let mut statement = connection.prepare_cached(sql)?;
    for (key, value) in tags {
        statement.execute(params![seq, key, value])?;
    }
    Ok(())
}

pub(super) fn put_artifacts(
    connection: &Connection,
    seq: i64,
    artifacts: &BTreeMap<String, ArtifactRef>,
) -> Sql<()> {
    let sql = "INSERT OR REPLACE INTO artifacts (run, name, digest, bytes) VALUES (?, ?, ?, ?)";
    let mut statement = connection.prepare_cached(sql)?;
    for (name, artifact) in artifacts {
        statement.execute(params![seq, name, artifact.digest.as_bytes(), artifact.bytes.cast_signed()])?;
    }
    Ok(())
}
