use std::fmt::Debug;

use async_trait::async_trait;
use expt_core::{
    Actor, ArtifactRef, Declared, Document, Evidence, ExperimentId, FeaturePin, ModelName, ModelVersion,
    Promotion, RunId, Stage, Timestamp,
};

use crate::{ErrorKind, Page, PageOptions, Result};

/// Model versions, stages, aliases, promotions and documents.
#[async_trait]
pub trait RegistryStore: Debug + Send + Sync + 'static {
    /// Applies all updates if all requirements hold, and otherwise nothing.
    ///
    /// Atomic and durable on return. Not idempotent, except that registering the same run and bytes again,
    /// and putting the same document again, give what is there. Returns the versions it registered, in the
    /// order of the updates, as they are after the whole commit.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) with the requirement that does not hold;
    /// [`NotFound`](ErrorKind::NotFound) for a version that is not there;
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) for a document version with other bytes;
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a document whose digest is not of its bytes or whose
    /// version is 0, an alias that is empty, a stage whose name is none, or a golden row that is not finite.
    async fn commit(&self, commit: &RegistryCommit) -> Result<Vec<ModelVersion>>;

    /// One version of a model.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound).
    async fn model_version(&self, model: &ModelName, version: u32) -> Result<ModelVersion>;

    /// The versions of a model, the newest first. A model that nobody registered has none.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a token of another list.
    async fn model_versions(&self, model: &ModelName, page: &PageOptions) -> Result<Page<ModelVersion>>;

    /// The names of all models, sorted.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a token of another list.
    async fn models(&self, page: &PageOptions) -> Result<Page<ModelName>>;

    /// The promotions of a model, the oldest first.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a token of another list.
    async fn promotions(&self, model: &ModelName, page: &PageOptions) -> Result<Page<Promotion>>;

    /// One document: a version, or the newest if `version` is `None`.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound); [`Corrupted`](ErrorKind::Corrupted) if its bytes do not have its
    /// digest.
    async fn document(&self, kind: &str, name: &str, version: Option<u32>) -> Result<Document>;

    /// The newest version of each document of a kind, sorted by name.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a token of another list.
    async fn documents(&self, kind: &str, page: &PageOptions) -> Result<Page<Document>>;
}

/// One atomic change of the registry: what must hold, and what then happens.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct RegistryCommit {
    /// What must hold.
    pub requirements: Vec<Requirement>,
    /// What then happens, in this order.
    pub updates: Vec<Update>,
}

impl RegistryCommit {
    /// A change of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a requirement.
    #[must_use]
    pub fn require(mut self, requirement: Requirement) -> Self {
        self.requirements.push(requirement);
        self
    }

    /// Adds an update.
    #[must_use]
    pub fn update(mut self, update: Update) -> Self {
        self.updates.push(update);
        self
    }
}

/// What must hold before a change.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Requirement {
    /// The version is in this stage.
    StageIs {
        /// The model.
        model: ModelName,
        /// The version.
        version: u32,
        /// The stage.
        stage: Stage,
    },
    /// The stage has this version of the model, or none.
    InStage {
        /// The model.
        model: ModelName,
        /// The stage.
        stage: Stage,
        /// The version; `None` if the stage must be empty.
        version: Option<u32>,
    },
    /// The alias points at this version, or at nothing.
    AliasIs {
        /// The model.
        model: ModelName,
        /// The alias.
        alias: String,
        /// The version.
        version: Option<u32>,
    },
    /// The newest version of the document has this number; 0 if there must be none.
    DocumentIs {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// Its newest version.
        version: u32,
    },
}

/// One change of the registry.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Update {
    /// Registers the next version of a model.
    Register {
        /// The model.
        model: ModelName,
        /// The run that trained it.
        run: RunId,
        /// The experiment of that run.
        experiment: ExperimentId,
        /// Its bytes.
        artifact: ArtifactRef,
        /// The feature pipeline that it was trained on, or why there is none.
        features: Declared<FeaturePin>,
        /// What its run lacks to be reproducible.
        provenance_gaps: Vec<String>,
        /// When.
        at: Timestamp,
    },
    /// Moves a version to a stage, and records the promotion. A version that is in
    /// [`Stage::Production`] when another enters it is moved to [`Stage::Archived`], with a promotion of
    /// its own (same actor, time and reason), before.
    Promote {
        /// The model.
        model: ModelName,
        /// The version.
        version: u32,
        /// The stage after.
        to: Stage,
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
        /// On what evidence.
        evidence: Option<Evidence>,
        /// The approver's reason to let through a version without full provenance.
        provenance_override: Option<String>,
    },
    /// Points an alias of the model at a version, taking it from any other.
    SetAlias {
        /// The model.
        model: ModelName,
        /// The alias.
        alias: String,
        /// The version; `None` removes the alias.
        version: Option<u32>,
    },
    /// Stores a document.
    PutDocument(Document),
}

/// Conveniences over [`RegistryStore`].
#[async_trait]
pub trait RegistryStoreExt: RegistryStore {
    /// Reads all versions of a model, the newest first.
    ///
    /// # Errors
    /// As [`RegistryStore::model_versions`].
    async fn all_versions(&self, model: &ModelName) -> Result<Vec<ModelVersion>> {
        let (mut versions, mut page) = (Vec::new(), PageOptions::default());
        loop {
            let found = self.model_versions(model, &page).await?;
            versions.extend(found.items);
            match found.next {
                Some(token) => page.token = Some(token),
                None => return Ok(versions),
            }
        }
    }

    /// Reads all promotions of a model, the oldest first.
    ///
    /// # Errors
    /// As [`RegistryStore::promotions`].
    async fn all_promotions(&self, model: &ModelName) -> Result<Vec<Promotion>> {
        let (mut promotions, mut page) = (Vec::new(), PageOptions::default());
        loop {
            let found = self.promotions(model, &page).await?;
            promotions.extend(found.items);
            match found.next {
                Some(token) => page.token = Some(token),
                None => return Ok(promotions),
            }
        }
    }

    /// The version of the model that is in the stage; of several, the newest.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    async fn in_stage(&self, model: &ModelName, stage: &Stage) -> Result<ModelVersion> {
        let versions = self.all_versions(model).await?;
        versions.into_iter().find(|version| version.stage == *stage).ok_or_else(|| {
            let message = format!("no version of {model} is in stage {stage}; promote one");
            crate::Error::new(ErrorKind::NotFound, "find version in stage", message)
        })
    }

    /// Puts a document.
    ///
    /// # Errors
    /// As [`RegistryStore::commit`].
    async fn put_document(&self, document: Document) -> Result<()> {
        self.commit(&RegistryCommit::new().update(Update::PutDocument(document))).await.map(|_| ())
    }
}

impl<S: RegistryStore + ?Sized> RegistryStoreExt for S {}
