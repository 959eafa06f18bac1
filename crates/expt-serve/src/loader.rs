//! From the registry to a model that may be served.

use std::sync::Arc;

use bytes::Bytes;
use expt_core::{Declared, FeaturePin, ModelName, ModelOrigin, ModelVersion, PinDiff, PinStatus, Stage};
use expt_store::{ArtifactStore, Error, ErrorKind, RegistryStore, RegistryStoreExt, Result, Stores};

/// Loads model versions and checks them: the digest of the bytes, and the feature pipeline that is live
/// against the one that the model was trained on.
///
/// Loading reads the stores. The request path does not: it holds a [`Deployment`].
#[derive(Debug, Clone)]
pub struct Loader {
    registry: Arc<dyn RegistryStore>,
    artifacts: Arc<dyn ArtifactStore>,
    live: Declared<FeaturePin>,
    on_mismatch: PinPolicy,
}

/// What happens to a model whose feature pin does not match the live pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PinPolicy {
    /// It does not load.
    #[default]
    Refuse,
    /// It loads, and may only run in the shadow: [`Deployment::may_show`] is false.
    Shadow,
    /// It loads and may be shown; each of its predictions is stamped with the mismatch.
    Warn,
}

/// What a model is loaded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadFor {
    /// Users will see what it says.
    Showing,
    /// Nobody will see what it says, so it needs no full provenance.
    Shadow,
}

impl Loader {
    /// A loader for a binary whose feature pipeline is `live`, or that has none, and says why.
    #[must_use]
    pub fn new(stores: &Stores, live: impl Into<Declared<FeaturePin>>) -> Self {
        Self {
            registry: Arc::clone(&stores.registry),
            artifacts: Arc::clone(&stores.artifacts),
            live: live.into(),
            on_mismatch: PinPolicy::Refuse,
        }
    }

    /// Sets what happens on a mismatch.
    #[must_use]
    pub const fn with_policy(mut self, on_mismatch: PinPolicy) -> Self {
        self.on_mismatch = on_mismatch;
        self
    }

    /// Loads one version.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound); [`Corrupted`](ErrorKind::Corrupted) if the bytes are not those
    /// that were registered; [`Refused`](ErrorKind::Refused) if the live pipeline differs and the policy is
    /// [`PinPolicy::Refuse`], or if users would see a version without full provenance that no approver let
    /// through.
    pub async fn load(&self, model: &ModelName, version: u32, purpose: LoadFor) -> Result<Deployment> {
        let version = self.registry.model_version(model, version).await?;
        if purpose == LoadFor::Showing {
            self.check_provenance(&version).await?;
        }
        let diff = self.compare(&version);
        let matches = diff.as_ref().is_none_or(PinDiff::is_compatible);
        if let (Some(diff), PinPolicy::Refuse, false) = (&diff, self.on_mismatch, matches) {
            let message = format!(
                "{} was trained on another feature pipeline than the live one: {diff}; deploy the pipeline that it \
                 was trained on, or let it run in the shadow with PinPolicy::Shadow",
                version.label()
            );
            return Err(Error::new(ErrorKind::Refused, "load model", message));
        }
        let bytes = self.artifacts.get(version.artifact.digest).await?;
        let status = match (&diff, matches) {
            (None, _) => PinStatus::Unchecked,
            (Some(_), true) => PinStatus::Verified,
            (Some(_), false) => PinStatus::Mismatch,
        };
        let origin = ModelOrigin {
            model: version.model.clone(),
            version: version.version,
            digest: version.artifact.digest,
            run: version.run,
            experiment: version.experiment.clone(),
            features: version.features.given().map(FeaturePin::digest).transpose()?,
            pin: status,
        };
        let may_show = purpose == LoadFor::Showing && (matches || self.on_mismatch == PinPolicy::Warn);
        Ok(Deployment { version, bytes, origin: Arc::new(origin), diff, may_show })
    }

    /// Loads the version that is in the stage.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the stage has none; as [`load`](Self::load).
    pub async fn load_stage(&self, model: &ModelName, stage: &Stage, purpose: LoadFor) -> Result<Deployment> {
        let version = self.registry.in_stage(model, stage).await?.version;
        self.load(model, version, purpose).await
    }

    fn compare(&self, version: &ModelVersion) -> Option<PinDiff> {
        match (&version.features, &self.live) {
            (Declared::Given(trained), Declared::Given(live)) => Some(trained.compare(live)),
            _ => None,
        }
    }

    async fn check_provenance(&self, version: &ModelVersion) -> Result<()> {
        if version.provenance_gaps.is_empty() {
            return Ok(());
        }
        let promotions = self.registry.all_promotions(&version.model).await?;
        let overridden =
            promotions.iter().any(|p| p.version == version.version && p.provenance_override.is_some());
        if overridden {
            return Ok(());
        }
        let message = format!(
            "{} cannot be shown: {}; let an approver promote it with a reason, or load it for LoadFor::Shadow",
            version.label(),
            version.provenance_gaps.join("; ")
        );
        Err(Error::new(ErrorKind::Refused, "load model", message))
    }
}

/// A model version whose bytes and pin were checked: what a serving binary holds.
#[derive(Debug, Clone)]
pub struct Deployment {
    version: ModelVersion,
    bytes: Bytes,
    origin: Arc<ModelOrigin>,
    diff: Option<PinDiff>,
    may_show: bool,
}

impl Deployment {
    /// The version, as the registry had it when it was loaded.
    #[must_use]
    pub const fn version(&self) -> &ModelVersion {
        &self.version
    }

    /// The bytes of the model; they have the digest that was registered.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What its predictions are stamped with.
    #[must_use]
    pub const fn origin(&self) -> &Arc<ModelOrigin> {
        &self.origin
    }

    /// How the live pipeline differs from the one it was trained on; `None` if there is nothing to compare.
    #[must_use]
    pub const fn pin_diff(&self) -> Option<&PinDiff> {
        self.diff.as_ref()
    }

    /// Whether users may see what it says.
    #[must_use]
    pub const fn may_show(&self) -> bool {
        self.may_show
    }
}
