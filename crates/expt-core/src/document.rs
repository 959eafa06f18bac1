//! Versioned documents: sealed plans, assignment configs, metric definitions.

use serde::{Deserialize, Serialize};

use crate::canonical;
use crate::digest::Digest;
use crate::error::Result;
use crate::id::ExperimentId;
use crate::time::Timestamp;

/// An immutable, numbered document, opaque to the store that keeps it.
///
/// Its bytes are canonical JSON where this workspace writes them, so its digest seals its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What it is: `plan`, `assignment-config`, `readout`.
    pub kind: String,
    /// Which one: a phase id, a project name.
    pub name: String,
    /// Counts from 1 within kind and name.
    pub version: u32,
    /// The experiment it belongs to, if it belongs to one.
    pub experiment: Option<ExperimentId>,
    /// The digest of the bytes.
    pub digest: Digest,
    /// The content.
    pub bytes: Vec<u8>,
    /// When it was written.
    pub created: Timestamp,
}

impl Document {
    /// Seals a value: canonical bytes and their digest.
    ///
    /// # Errors
    /// [`crate::CoreError::Canonical`] if the value has no canonical form.
    pub fn seal<T: Serialize + ?Sized>(
        kind: impl Into<String>,
        name: impl Into<String>,
        version: u32,
        value: &T,
        created: Timestamp,
    ) -> Result<Self> {
        let bytes = canonical::to_bytes(value)?;
        let digest = Digest::of(&bytes);
        Ok(Self { kind: kind.into(), name: name.into(), version, experiment: None, digest, bytes, created })
    }

    /// Says which experiment the document belongs to.
    #[must_use]
    pub fn of_experiment(mut self, experiment: ExperimentId) -> Self {
        self.experiment = Some(experiment);
        self
    }
}
