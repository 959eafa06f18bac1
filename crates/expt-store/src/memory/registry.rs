use std::collections::BTreeMap;
use std::ops::Bound;

use async_trait::async_trait;
use expt_core::{Document, ModelName, ModelVersion, Promotion, Stage};

use super::MemoryStore;
use crate::cursor::{Cursor, page_limit};
use crate::{
    Page, PageOptions, RegistryCommit, RegistryStore, Requirement, Result, Update,
    rules::{self, COMMIT},
};

/// The tables of the registry.
#[derive(Debug, Default, Clone)]
pub(super) struct Registry {
    /// By version, counted from 1.
    versions: BTreeMap<ModelName, BTreeMap<u32, ModelVersion>>,
    promotions: BTreeMap<ModelName, Vec<Promotion>>,
    documents: BTreeMap<(String, String), BTreeMap<u32, Document>>,
}

#[async_trait]
impl RegistryStore for MemoryStore {
    async fn commit(&self, commit: &RegistryCommit) -> Result<Vec<ModelVersion>> {
        let mut registry = self.registry.write();
        commit.requirements.iter().try_for_each(|requirement| registry.check(requirement))?;
        // All or nothing: the updates go to a copy. This store is for tests and small programs.
        let mut next = registry.clone();
        let mut registered = Vec::new();
        for update in &commit.updates {
            registered.extend(next.apply(update)?);
        }
        let found = registered.iter().map(|(model, version)| next.version(model, *version).cloned());
        let found = found.collect::<Result<_>>()?;
        *registry = next;
        Ok(found)
    }

    async fn model_version(&self, model: &ModelName, version: u32) -> Result<ModelVersion> {
        let registry = self.registry.read();
        let found = registry.versions.get(model).and_then(|versions| versions.get(&version));
        found.cloned().ok_or_else(|| rules::no_version("read model version", model, version))
    }

    async fn model_versions(&self, model: &ModelName, page: &PageOptions) -> Result<Page<ModelVersion>> {
        let cursor = Cursor::new("versions", model);
        let before: u32 = cursor.position(page)?.unwrap_or(u32::MAX);
        let limit = page_limit(page);
        let registry = self.registry.read();
        let versions = registry.versions.get(model).into_iter().flat_map(|versions| versions.range(..before));
        let found = versions.rev().map(|(_, version)| version.clone()).take(limit.saturating_add(1));
        Ok(cursor.page(found.collect(), limit, |version| version.version))
    }

    async fn models(&self, page: &PageOptions) -> Result<Page<ModelName>> {
        let cursor = Cursor::new("models", &());
        let after: Option<ModelName> = cursor.position(page)?;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let limit = page_limit(page);
        let registry = self.registry.read();
        let found = registry.versions.range((from, Bound::Unbounded)).map(|(model, _)| model.clone());
        Ok(cursor.page(found.take(limit.saturating_add(1)).collect(), limit, ModelName::clone))
    }

    async fn promotions(&self, model: &ModelName, page: &PageOptions) -> Result<Page<Promotion>> {
        let cursor = Cursor::new("promotions", model);
        let after: u64 = cursor.position(page)?.unwrap_or(0);
        let limit = page_limit(page);
        let registry = self.registry.read();
        let all = registry.promotions.get(model).into_iter().flatten();
        let found = all.filter(|promotion| promotion.sequence > after).take(limit.saturating_add(1));
        Ok(cursor.page(found.cloned().collect(), limit, |promotion| promotion.sequence))
    }

    async fn document(&self, kind: &str, name: &str, version: Option<u32>) -> Result<Document> {
        let registry = self.registry.read();
        let versions = registry.documents.get(&(kind.to_owned(), name.to_owned()));
        let found = versions.and_then(|versions| match version {
            Some(version) => versions.get(&version),
            None => versions.last_key_value().map(|(_, newest)| newest),
        });
        found.cloned().ok_or_else(|| rules::no_document(kind, name, version))
    }

    async fn documents(&self, kind: &str, page: &PageOptions) -> Result<Page<Document>> {
        let cursor = Cursor::new("documents", &kind);
        let after: Option<String> = cursor.position(page)?;
        let limit = page_limit(page);
        let registry = self.registry.read();
        let newest = registry
            .documents
            .iter()
            .filter(|((found, name), _)| found == kind && after.as_ref().is_none_or(|after| name > after))
            .filter_map(|(_, versions)| versions.last_key_value())
            .map(|(_, newest)| newest.clone());
        let found = newest.take(limit.saturating_add(1)).collect();
        Ok(cursor.page(found, limit, |document| document.name.clone()))
    }
}

impl Registry {
    fn version(&self, model: &ModelName, version: u32) -> Result<&ModelVersion> {
        let found = self.versions.get(model).and_then(|versions| versions.get(&version));
        found.ok_or_else(|| rules::no_version(COMMIT, model, version))
    }

    fn version_mut(&mut self, model: &ModelName, version: u32) -> Result<&mut ModelVersion> {
        let found = self.versions.get_mut(model).and_then(|versions| versions.get_mut(&version));
        found.ok_or_else(|| rules::no_version(COMMIT, model, version))
    }

    fn check(&self, requirement: &Requirement) -> Result<()> {
        let of = |model| self.versions.get(model).into_iter().flat_map(|versions| versions.values());
        let found = match requirement {
            Requirement::StageIs { model, version, stage } => {
                let found = &self.version(model, *version)?.stage;
                if found.as_str() == stage.as_str() {
                    return Ok(());
                }
                found.to_string()
            }
            Requirement::InStage { model, stage, version } => {
                let inside = of(model).filter(|found| found.stage.as_str() == stage.as_str());
                let inside: Vec<u32> = inside.map(|found| found.version).collect();
                if version.map_or(inside.is_empty(), |version| inside.contains(&version)) {
                    return Ok(());
                }
                inside.first().map_or("none".to_owned(), |version| format!("version {version}"))
            }
            Requirement::AliasIs { model, alias, version } => {
                let found = of(model).find(|found| found.aliases.contains(alias)).map(|found| found.version);
                if found == *version {
                    return Ok(());
                }
                found.map_or("none".to_owned(), |version| format!("version {version}"))
            }
            Requirement::DocumentIs { kind, name, version } => {
                let versions = self.documents.get(&(kind.clone(), name.clone()));
                let found = versions.and_then(|versions| versions.last_key_value()).map_or(0, |(v, _)| *v);
                if found == *version {
                    return Ok(());
                }
                found.to_string()
            }
        };
        Err(rules::unmet(requirement, found))
    }

    /// Applies one update; gives the version that it registered.
    fn apply(&mut self, update: &Update) -> Result<Option<(ModelName, u32)>> {
        match update {
            Update::Register { model, run, experiment, artifact, features, provenance_gaps, at } => {
                rules::check_features(features)?;
                let versions = self.versions.entry(model.clone()).or_default();
                let same = versions.values().find(|old| old.run == *run && old.artifact == *artifact);
                if let Some(same) = same {
                    return Ok(Some((model.clone(), same.version)));
                }
                let version = versions.last_key_value().map_or(0, |(version, _)| *version) + 1;
                versions.insert(
                    version,
                    ModelVersion {
                        model: model.clone(),
                        version,
                        run: *run,
                        experiment: experiment.clone(),
                        artifact: artifact.clone(),
                        features: features.clone(),
                        provenance_gaps: provenance_gaps.clone(),
                        created: *at,
                        stage: Stage::None,
                        aliases: std::collections::BTreeSet::new(),
                    },
                );
                return Ok(Some((model.clone(), version)));
            }
            Update::Promote { model, version, to, by, at, reason, evidence, provenance_override } => {
                let to = rules::check_stage(to)?;
                self.version(model, *version)?;
                let mut moves = Vec::new();
                if to == Stage::Production {
                    let others = self.versions.get(model).into_iter().flat_map(|versions| versions.values());
                    let live = others.filter(|v| v.stage == Stage::Production && v.version != *version);
                    moves.extend(live.map(|old| (old.version, Stage::Archived)));
                }
                moves.push((*version, to));
                for (moved, to) in moves {
                    let asked = moved == *version;
                    let from = std::mem::replace(&mut self.version_mut(model, moved)?.stage, to.clone());
                    let history = self.promotions.entry(model.clone()).or_default();
                    history.push(Promotion {
                        sequence: history.last().map_or(0, |last| last.sequence) + 1,
                        model: model.clone(),
                        version: moved,
                        from,
                        to,
                        by: by.clone(),
                        at: *at,
                        reason: reason.clone(),
                        evidence: evidence.clone().filter(|_| asked),
                        provenance_override: provenance_override.clone().filter(|_| asked),
                    });
                }
            }
            Update::SetAlias { model, alias, version } => {
                rules::check_alias(alias)?;
                if let Some(version) = version {
                    self.version(model, *version)?;
                }
                for found in self.versions.get_mut(model).into_iter().flat_map(|v| v.values_mut()) {
                    found.aliases.remove(alias);
                }
                if let Some(version) = version {
                    self.version_mut(model, *version)?.aliases.insert(alias.clone());
                }
            }
            Update::PutDocument(document) => {
                rules::check_document(document)?;
                let key = (document.kind.clone(), document.name.clone());
                let versions = self.documents.entry(key).or_default();
                match versions.get(&document.version) {
                    Some(old) if old.digest == document.digest => {}
                    Some(_) => return Err(rules::document_taken(document)),
                    None => {
                        versions.insert(document.version, document.clone());
                    }
                }
            }
        }
        Ok(None)
    }
}
