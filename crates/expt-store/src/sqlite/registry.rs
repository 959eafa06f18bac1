use async_trait::async_trait;
use expt_core::{Document, ModelName, ModelVersion, Promotion};
use rusqlite::{Connection, Row, params};

use super::column::{digest, json, optional, optional_json, parsed, run_id, time, unsigned};
use super::fault::{Fault, Sql};
use super::run::one_more;
use super::{SqliteStore, commit};
use crate::cursor::{Cursor, page_limit};
use crate::{Durability, Page, PageOptions, RegistryCommit, RegistryStore, Result, rules};

#[async_trait]
impl RegistryStore for SqliteStore {
    async fn commit(&self, commit: &RegistryCommit) -> Result<Vec<ModelVersion>> {
        let commit = commit.clone();
        let work = move |connection: &Connection| commit::commit(connection, &commit);
        self.actor.write(rules::COMMIT, Durability::Durable, work).await
    }

    async fn model_version(&self, model: &ModelName, version: u32) -> Result<ModelVersion> {
        let model = model.clone();
        let work = move |connection: &Connection| {
            let found = read_version(connection, &model, version)?;
            Ok(found.ok_or_else(|| rules::no_version("read model version", &model, version))?)
        };
        self.actor.read("read model version", work).await
    }

    async fn model_versions(&self, model: &ModelName, page: &PageOptions) -> Result<Page<ModelVersion>> {
        let cursor = Cursor::new("versions", model);
        let before: u32 = cursor.position(page)?.unwrap_or(u32::MAX);
        let (model, limit) = (model.clone(), page_limit(page));
        let work = move |connection: &Connection| {
            let sql = format!("{VERSIONS} WHERE model = ? AND version < ? ORDER BY version DESC LIMIT ?");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params![model.as_str(), before, one_more(limit)])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(version(connection, row)?);
            }
            Ok(cursor.page(found, limit, |version| version.version))
        };
        self.actor.read("list model versions", work).await
    }

    async fn models(&self, page: &PageOptions) -> Result<Page<ModelName>> {
        let cursor = Cursor::new("models", &());
        let after: Option<ModelName> = cursor.position(page)?;
        let limit = page_limit(page);
        let work = move |connection: &Connection| {
            let sql = "SELECT DISTINCT model FROM versions WHERE model > ? ORDER BY model LIMIT ?";
            let mut statement = connection.prepare_cached(sql)?;
            let after = after.as_ref().map_or("", ModelName::as_str);
            let found = statement.query_and_then(params![after, one_more(limit)], |row| parsed(row, 0))?;
            Ok(cursor.page(found.collect::<Sql<_>>()?, limit, ModelName::clone))
        };
        self.actor.read("list models", work).await
    }

    async fn promotions(&self, model: &ModelName, page: &PageOptions) -> Result<Page<Promotion>> {
        let cursor = Cursor::new("promotions", model);
        let after: u64 = cursor.position(page)?.unwrap_or(0);
        let (model, limit) = (model.clone(), page_limit(page));
        let work = move |connection: &Connection| {
            let sql = "SELECT sequence, model, version, stage_from, stage_to, by, at, reason, evidence,
                              provenance_override
                       FROM promotions WHERE model = ? AND sequence > ? ORDER BY sequence LIMIT ?";
            let mut statement = connection.prepare_cached(sql)?;
            let values = params![model.as_str(), after.cast_signed(), one_more(limit)];
            let found = statement.query_and_then(values, promotion)?;
            Ok(cursor.page(found.collect::<Sql<_>>()?, limit, |promotion| promotion.sequence))
        };
        self.actor.read("list promotions", work).await
    }

    async fn document(&self, kind: &str, name: &str, version: Option<u32>) -> Result<Document> {
        let (kind, name) = (kind.to_owned(), name.to_owned());
        let work = move |connection: &Connection| {
            let found = read_document(connection, &kind, &name, version)?;
            Ok(found.ok_or_else(|| rules::no_document(&kind, &name, version))?)
        };
        self.actor.read("read document", work).await
    }

    async fn documents(&self, kind: &str, page: &PageOptions) -> Result<Page<Document>> {
        let cursor = Cursor::new("documents", &kind);
        let after: Option<String> = cursor.position(page)?;
        let (kind, limit) = (kind.to_owned(), page_limit(page));
        let work = move |connection: &Connection| {
            let sql = format!(
                "{DOCUMENTS} AS d WHERE kind = ?1 AND (?2 IS NULL OR name > ?2) AND version =
                     (SELECT max(version) FROM documents WHERE kind = ?1 AND name = d.name)
                 ORDER BY name LIMIT ?3"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let found = statement.query_and_then(params![kind, after, one_more(limit)], document)?;
            Ok(cursor.page(found.collect::<Sql<_>>()?, limit, |document| document.name.clone()))
        };
        self.actor.read("list documents", work).await
    }
}

pub(super) fn read_version(
    connection: &Connection,
    model: &ModelName,
    number: u32,
) -> Sql<Option<ModelVersion>> {
    let sql = format!("{VERSIONS} WHERE model = ? AND version = ?");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![model.as_str(), number])?;
    rows.next()?.map(|row| version(connection, row)).transpose()
}

fn version(connection: &Connection, row: &Row<'_>) -> Sql<ModelVersion> {
    let model: ModelName = parsed(row, 0)?;
    let number: u32 = row.get(1)?;
    let sql = "SELECT alias FROM aliases WHERE model = ? AND version = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let aliases = statement.query_map(params![model.as_str(), number], |row| row.get(0))?;
    Ok(ModelVersion {
        aliases: aliases.collect::<rusqlite::Result<_>>()?,
        model,
        version: number,
        run: run_id(row, 2)?,
        experiment: parsed(row, 3)?,
        artifact: expt_core::ArtifactRef { digest: digest(row, 4)?, bytes: unsigned(row, 5)? },
        features: json(row, 6)?,
        provenance_gaps: json(row, 7)?,
        created: time(row, 8)?,
        stage: parsed(row, 9)?,
    })
}

fn promotion(row: &Row<'_>) -> Sql<Promotion> {
    Ok(Promotion {
        sequence: unsigned(row, 0)?,
        model: parsed(row, 1)?,
        version: row.get(2)?,
        from: parsed(row, 3)?,
        to: parsed(row, 4)?,
        by: parsed(row, 5)?,
        at: time(row, 6)?,
        reason: row.get(7)?,
        evidence: optional_json(row, 8)?,
        provenance_override: row.get(9)?,
    })
}

fn read_document(
    connection: &Connection,
    kind: &str,
    name: &str,
    version: Option<u32>,
) -> Sql<Option<Document>> {
    let sql = format!(
        "{DOCUMENTS} WHERE kind = ? AND name = ? AND version = coalesce(?,
             (SELECT max(version) FROM documents WHERE kind = ? AND name = ?))"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![kind, name, version, kind, name])?;
    rows.next()?.map(document).transpose()
}

fn document(row: &Row<'_>) -> Sql<Document> {
    let document = Document {
        kind: row.get(0)?,
        name: row.get(1)?,
        version: row.get(2)?,
        experiment: optional(row, 3)?,
        digest: digest(row, 4)?,
        bytes: row.get(5)?,
        created: time(row, 6)?,
    };
    if expt_core::Digest::of(&document.bytes) != document.digest {
        let Document { kind, name, version, .. } = document;
        let what = format!("document {kind} {name:?} version {version} with bytes of another digest");
        return Err(Fault::corrupted(what));
    }
    Ok(document)
}

const VERSIONS: &str = "SELECT model, version, run, experiment, digest, bytes, features, gaps, created, stage
                        FROM versions";
const DOCUMENTS: &str = "SELECT kind, name, version, experiment, digest, bytes, created FROM documents";
