//! From a run to production, and back.

use std::sync::Arc;

use expt_core::{
    Actor, Declared, Document, Evidence, FeaturePin, ModelName, ModelVersion, Promotion, RunId, RunStatus,
    SealedPlan, Stage,
};
use expt_store::{
    Clock, Error, ErrorKind, RegistryCommit, RegistryStore, RegistryStoreExt, Requirement, Result, RunStore,
    Stores, Update,
};

/// Registers model versions and moves them through stages.
///
/// Its rules: only a finished run is registered; a version without full provenance reaches
/// [`Stage::Production`] only when a named approver overrides with a reason; every move is compared with
/// the stage that the caller saw, and recorded.
#[derive(Debug, Clone)]
pub struct Registry {
    runs: Arc<dyn RunStore>,
    registry: Arc<dyn RegistryStore>,
    clock: Arc<dyn Clock>,
}

impl Registry {
    /// A registry over the stores.
    #[must_use]
    pub fn new(stores: &Stores, clock: Arc<dyn Clock>) -> Self {
        Self { runs: Arc::clone(&stores.runs), registry: Arc::clone(&stores.registry), clock }
    }

    /// Registers an artifact of a finished run as the next version of a model. Registering it again gives the
    /// version that it has.
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if it is registered with another pin, or another reason for
    /// none;
    /// [`NotFound`](ErrorKind::NotFound) if the run is not there or has no artifact of that name;
    /// [`Refused`](ErrorKind::Refused) if the run has not finished, or its provenance names another feature
    /// pipeline than the pin.
    pub async fn register(
        &self,
        model: &ModelName,
        run: RunId,
        artifact: &str,
        features: impl Into<Declared<FeaturePin>>,
    ) -> Result<ModelVersion> {
        let features = features.into();
        let run = self.runs.run(run).await?;
        if run.status != RunStatus::Finished {
            return refused(
                "register model",
                format!("run {} is {}; register a finished run", run.id, run.status),
            );
        }
        let Some(artifact) = run.artifacts.get(artifact) else {
            let names: Vec<_> = run.artifacts.keys().map(String::as_str).collect();
            let message =
                format!("run {} has no artifact {artifact:?}; it has [{}]", run.id, names.join(", "));
            return Err(Error::new(ErrorKind::NotFound, "register model", message));
        };
        let logged = run.provenance.as_ref().and_then(|provenance| provenance.features.given());
        if let (Some(logged), Some(pin)) = (logged, features.given())
            && logged.digest != pin.digest()?
        {
            let message = format!(
                "run {} logged feature pipeline {} ({}), the pin is {} ({}); pin what the run was trained on",
                run.id,
                logged.pipeline,
                logged.digest.short(),
                pin.pipeline,
                pin.digest()?.short()
            );
            return refused("register model", message);
        }
        let gaps =
            run.provenance.as_ref().map_or_else(|| vec!["no provenance was logged".into()], |p| p.gaps());
        let update = Update::Register {
            model: model.clone(),
            run: run.id,
            experiment: run.experiment.clone(),
            artifact: artifact.clone(),
            features: features.clone(),
            provenance_gaps: gaps,
            at: self.clock.now(),
        };
        let registered = self.registry.commit(&RegistryCommit::new().update(update)).await?;
        let nothing = || Error::new(ErrorKind::Internal, "register model", "the store registered nothing");
        let version = registered.into_iter().next().ok_or_else(nothing)?;
        if version.features != features {
            let message = format!(
                "the artifact of run {} is {} with another feature pin, and versions never change; register the \
                 artifact of another run",
                run.id,
                version.label()
            );
            return Err(Error::new(ErrorKind::AlreadyExists, "register model", message));
        }
        Ok(version)
    }

    /// Moves a version to a stage. Entering [`Stage::Production`] archives the version that was there.
    ///
    /// An override is recorded only where there is something to override.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused) if the version lacks provenance, the stage is Production and nobody
    /// overrides, or the override has no reason; [`Conflict`](ErrorKind::Conflict) if the version changed its
    /// stage meanwhile; [`NotFound`](ErrorKind::NotFound) for a version that is not there;
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a stage that is no name.
    pub async fn promote(&self, promote: Promote) -> Result<ModelVersion> {
        self.promote_if(promote, RegistryCommit::new()).await
    }

    /// Promotes if what the commit requires still holds.
    async fn promote_if(&self, promote: Promote, commit: RegistryCommit) -> Result<ModelVersion> {
        let Promote { model, version, to, by, reason, evidence, provenance_override } = promote;
        // As the store will read it: a stage of the user's own that is called "production" is Production.
        let to: Stage = to.as_str().parse()?;
        let current = self.registry.model_version(&model, version).await?;
        let gaps = &current.provenance_gaps;
        let provenance_override = provenance_override.filter(|_| !gaps.is_empty());
        if provenance_override.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
            let message =
                format!("{} is let through without a reason; give the reason to record", current.label());
            return refused("promote model", message);
        }
        if to == Stage::Production && !gaps.is_empty() && provenance_override.is_none() {
            let message = format!(
                "{} cannot be shown to users: {}; train it with full provenance, or let an approver call \
                 Promote::overriding_provenance with a reason",
                current.label(),
                gaps.join("; ")
            );
            return refused("promote model", message);
        }
        let expected = Requirement::StageIs { model: model.clone(), version, stage: current.stage };
        let at = self.clock.now();
        let update = Update::Promote {
            model: model.clone(),
            version,
            to,
            by,
            at,
            reason,
            evidence,
            provenance_override,
        };
        self.registry.commit(&commit.require(expected).update(update)).await?;
        self.registry.model_version(&model, version).await
    }

    /// Puts the version that was in Production before back into it. Rolling back again goes further back: a
    /// version that was rolled back from is not gone back to.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if nothing is in Production, or nothing was before;
    /// [`Conflict`](ErrorKind::Conflict) if Production changed meanwhile; as [`promote`](Self::promote).
    pub async fn rollback(
        &self,
        model: &ModelName,
        by: Actor,
        reason: impl Into<String>,
    ) -> Result<ModelVersion> {
        let current = self.registry.in_stage(model, &Stage::Production).await?;
        let promotions = self.registry.all_promotions(model).await?;
        let Some(before) = before(&promotions, current.version) else {
            let message =
                format!("nothing was in production before {}; promote another version", current.label());
            return Err(Error::new(ErrorKind::NotFound, "roll back model", message));
        };
        let mut promote = Promote::new(model.clone(), before.version, Stage::Production, by, reason);
        promote.evidence = Some(Evidence::Rollback);
        promote.provenance_override = before.provenance_override.clone();
        let stage = Stage::Production;
        let seen = Requirement::InStage { model: model.clone(), stage, version: Some(current.version) };
        self.promote_if(promote, RegistryCommit::new().require(seen)).await
    }

    /// Stores a sealed plan as the document that assignment configs and readouts refer to. Sealing the
    /// same plan again changes nothing.
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if the phase has another plan: new arms, a new ratio or a
    /// new unit is a new phase.
    pub async fn seal(&self, plan: &SealedPlan) -> Result<()> {
        let document =
            Document::seal("plan", plan.plan().phase().as_str(), 1, plan.plan(), self.clock.now())?;
        self.registry.put_document(document.of_experiment(plan.plan().experiment().clone())).await
    }
}

/// A move of a version to a stage: who, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Promote {
    pub(crate) model: ModelName,
    pub(crate) version: u32,
    pub(crate) to: Stage,
    pub(crate) by: Actor,
    pub(crate) reason: String,
    pub(crate) evidence: Option<Evidence>,
    pub(crate) provenance_override: Option<String>,
}

impl Promote {
    /// A move without evidence.
    #[must_use]
    pub fn new(model: ModelName, version: u32, to: Stage, by: Actor, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { model, version, to, by, reason, evidence: None, provenance_override: None }
    }

    /// Adds the evidence.
    #[must_use]
    pub fn with_evidence(mut self, evidence: Evidence) -> Self {
        self.evidence = Some(evidence);
        self
    }

    /// Lets a version without full provenance through; the reason is recorded.
    #[must_use]
    pub fn overriding_provenance(mut self, reason: impl Into<String>) -> Self {
        self.provenance_override = Some(reason.into());
        self
    }
}

/// The promotion that brought the version before the current one into Production: promotions pile up, and a
/// rollback takes off what lies above the version that it goes back to.
fn before(promotions: &[Promotion], current: u32) -> Option<&Promotion> {
    let mut pile: Vec<&Promotion> = Vec::new();
    for promotion in promotions.iter().filter(|promotion| promotion.to == Stage::Production) {
        let known = pile.iter().any(|below| below.version == promotion.version);
        if known && promotion.evidence == Some(Evidence::Rollback) {
            while pile.last().is_some_and(|top| top.version != promotion.version) {
                pile.pop();
            }
        }
        // In Production already, or again: its newest promotion is the one that counts.
        if pile.last().is_some_and(|top| top.version == promotion.version) {
            pile.pop();
        }
        pile.push(promotion);
    }
    pile.into_iter().rev().find(|promotion| promotion.version != current)
}

fn refused<T>(operation: &'static str, message: String) -> Result<T> {
    Err(Error::new(ErrorKind::Refused, operation, message))
}
