//! One change of the registry, in one transaction.

use expt_core::{ArtifactRef, Document, ExperimentId, ModelName, ModelVersion, Promotion, RunId, Stage};
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Params, params};

use super::column::{parsed, to_json};
use super::fault::Sql;
use super::registry::read_version;
use crate::rules::{self, COMMIT};
use crate::{RegistryCommit, Requirement, Update};

pub(super) fn commit(connection: &Connection, commit: &RegistryCommit) -> Sql<Vec<ModelVersion>> {
    commit.requirements.iter().try_for_each(|requirement| check(connection, requirement))?;
    let mut registered = Vec::new();
    for update in &commit.updates {
        registered.extend(apply(connection, update)?);
    }
    let read = |(model, version): (&ModelName, u32)| {
        let found = read_version(connection, model, version)?;
        Ok(found.ok_or_else(|| rules::no_version(COMMIT, model, version))?)
    };
    registered.into_iter().map(read).collect()
}

fn check(connection: &Connection, requirement: &Requirement) -> Sql<()> {
    let or_none = |version: Option<u32>| version.map_or("none".to_owned(), |v| format!("version {v}"));
    let (holds, found) = match requirement {
        Requirement::StageIs { model, version, stage } => {
            let found = stage_of(connection, model, *version)?;
            (found.as_str() == stage.as_str(), found.to_string())
        }
        Requirement::InStage { model, stage, version } => {
            // The wanted version first, if it is among them.
            let sql = "SELECT version FROM versions WHERE model = ? AND stage = ?
                       ORDER BY version IS NOT ?, version LIMIT 1";
            let found = one(connection, sql, params![model.as_str(), stage.as_str(), version])?;
            (found == *version, or_none(found))
        }
        Requirement::AliasIs { model, alias, version } => {
            let sql = "SELECT version FROM aliases WHERE model = ? AND alias = ?";
            let found = one(connection, sql, params![model.as_str(), alias])?;
            (found == *version, or_none(found))
        }
        Requirement::DocumentIs { kind, name, version } => {
            let sql = "SELECT coalesce(max(version), 0) FROM documents WHERE kind = ? AND name = ?";
            let found: u32 = one(connection, sql, params![kind, name])?.unwrap_or(0);
            (found == *version, found.to_string())
        }
    };
    if holds { Ok(()) } else { Err(rules::unmet(requirement, found).into()) }
}

/// Applies one update; gives the version that it registered.
fn apply<'a>(connection: &Connection, update: &'a Update) -> Sql<Option<(&'a ModelName, u32)>> {
    match update {
        Update::Register { model, run, experiment, artifact, features, provenance_gaps, at } => {
            rules::check_features(features)?;
            if let Some(version) = registered(connection, model, *run, artifact)? {
                return Ok(Some((model, version)));
            }
            let sql = "SELECT coalesce(max(version), 0) + 1 FROM versions WHERE model = ?";
            let version = one(connection, sql, [model.as_str()])?.unwrap_or(1);
            let sql = "INSERT INTO versions
                           (model, version, run, experiment, digest, bytes, features, gaps, created, stage)
                       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'none')";
            connection.prepare_cached(sql)?.execute(params![
                model.as_str(),
                version,
                run.as_bytes(),
                experiment.as_str(),
                artifact.digest.as_bytes(),
                artifact.bytes.cast_signed(),
                to_json(features)?,
                to_json(provenance_gaps)?,
                at.as_micros(),
            ])?;
            return Ok(Some((model, version)));
        }
        Update::Promote { model, version, to, by, at, reason, evidence, provenance_override } => {
            let asked = Promotion {
                sequence: 0,
                model: model.clone(),
                version: *version,
                from: stage_of(connection, model, *version)?,
                to: rules::check_stage(to)?,
                by: by.clone(),
                at: *at,
                reason: reason.clone(),
                evidence: evidence.clone(),
                provenance_override: provenance_override.clone(),
            };
            if asked.to == Stage::Production {
                archive_live(connection, &asked)?;
            }
            promote(connection, &asked)?;
        }
        Update::SetAlias { model, alias, version } => {
            rules::check_alias(alias)?;
            match version {
                Some(version) => {
                    stage_of(connection, model, *version)?;
                    let sql = "INSERT OR REPLACE INTO aliases (model, alias, version) VALUES (?, ?, ?)";
                    connection.prepare_cached(sql)?.execute(params![model.as_str(), alias, version])?;
                }
                None => {
                    let sql = "DELETE FROM aliases WHERE model = ? AND alias = ?";
                    connection.prepare_cached(sql)?.execute(params![model.as_str(), alias])?;
                }
            }
        }
        Update::PutDocument(document) => put_document(connection, document)?,
    }
    Ok(None)
}

/// The version that the run and bytes are registered as.
fn registered(
    connection: &Connection,
    model: &ModelName,
    run: RunId,
    artifact: &ArtifactRef,
) -> Sql<Option<u32>> {
    let sql = "SELECT version FROM versions WHERE model = ? AND run = ? AND digest = ? AND bytes = ?";
    let (digest, bytes) = (artifact.digest.as_bytes(), artifact.bytes.cast_signed());
    one(connection, sql, params![model.as_str(), run.as_bytes(), digest, bytes])
}

/// The stage of a version that must be there.
fn stage_of(connection: &Connection, model: &ModelName, version: u32) -> Sql<Stage> {
    let sql = "SELECT stage FROM versions WHERE model = ? AND version = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![model.as_str(), version])?;
    match rows.next()? {
        Some(row) => parsed(row, 0),
        None => Err(rules::no_version(COMMIT, model, version).into()),
    }
}

/// Moves the version that is in production out of the way of the one that enters it.
fn archive_live(connection: &Connection, entering: &Promotion) -> Sql<()> {
    let sql = "SELECT version FROM versions WHERE model = ? AND stage = 'production' AND version <> ?
               ORDER BY version";
    let mut statement = connection.prepare_cached(sql)?;
    let values = params![entering.model.as_str(), entering.version];
    let live = statement.query_map(values, |row| row.get(0))?.collect::<rusqlite::Result<Vec<u32>>>()?;
    for version in live {
        let leaving = Promotion {
            version,
            from: Stage::Production,
            to: Stage::Archived,
            evidence: None,
            provenance_override: None,
            ..entering.clone()
        };
        promote(connection, &leaving)?;
    }
    Ok(())
}

/// Moves a version and records it, under the next number.
fn promote(connection: &Connection, promotion: &Promotion) -> Sql<()> {
    let Promotion { model, version, from, to, by, at, reason, evidence, provenance_override, .. } = promotion;
    let sql = "UPDATE versions SET stage = ? WHERE model = ? AND version = ?";
    connection.prepare_cached(sql)?.execute(params![to.as_str(), model.as_str(), version])?;
    let sql = "INSERT INTO promotions (model, sequence, version, stage_from, stage_to, by, at, reason,
                                       evidence, provenance_override)
               SELECT ?1, coalesce(max(sequence), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
               FROM promotions WHERE model = ?1";
    connection.prepare_cached(sql)?.execute(params![
        model.as_str(),
        version,
        from.as_str(),
        to.as_str(),
        by.as_str(),
        at.as_micros(),
        reason,
        evidence.as_ref().map(to_json).transpose()?,
        provenance_override,
    ])?;
    Ok(())
}

fn put_document(connection: &Connection, document: &Document) -> Sql<()> {
    rules::check_document(document)?;
    let Document { kind, name, version, experiment, digest, bytes, created } = document;
    let sql = "SELECT digest FROM documents WHERE kind = ? AND name = ? AND version = ?";
    let old: Option<[u8; 32]> = one(connection, sql, params![kind, name, version])?;
    if let Some(old) = old {
        return if old == *digest.as_bytes() { Ok(()) } else { Err(rules::document_taken(document).into()) };
    }
    let sql = "INSERT INTO documents (kind, name, version, experiment, digest, bytes, created)
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    let experiment = experiment.as_ref().map(ExperimentId::as_str);
    let values = params![kind, name, version, experiment, digest.as_bytes(), bytes, created.as_micros()];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// The first column of the first row.
fn one<T: FromSql>(connection: &Connection, sql: &str, values: impl Params) -> Sql<Option<T>> {
    Ok(connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?)
}
