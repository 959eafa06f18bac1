//! Where a run comes from.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// Something that is given, or left out with a reason that is kept. It cannot be silently absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Declared<T> {
    /// It is this.
    Given(T),
    /// It does not apply, or cannot be had.
    OptedOut {
        /// Why.
        reason: String,
    },
}

impl<T> Declared<T> {
    /// Leaves it out, and says why.
    pub fn opted_out(reason: impl Into<String>) -> Self {
        Self::OptedOut { reason: reason.into() }
    }

    /// The value, if it is given.
    pub const fn given(&self) -> Option<&T> {
        match self {
            Self::Given(value) => Some(value),
            Self::OptedOut { .. } => None,
        }
    }
}

impl<T> From<T> for Declared<T> {
    fn from(value: T) -> Self {
        Self::Given(value)
    }
}

/// The exact data that a run read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetVersion {
    /// What people call it.
    pub name: String,
    /// The digest over its full content: every row, every column, every name.
    pub digest: Digest,
    /// How many rows it has.
    pub rows: u64,
}

/// The exact feature pipeline that a run used: the digest of its [`FeaturePin`](crate::FeaturePin).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureVersion {
    /// What people call the pipeline.
    pub pipeline: String,
    /// The digest of its resolved definitions.
    pub digest: Digest,
}

/// The exact code that a run executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeVersion {
    /// The commit, as the version control system writes it.
    pub commit: String,
    /// Whether files differed from that commit.
    pub dirty: bool,
}

/// Dataset, features, code and seed of a run: each given, or opted out of with a recorded reason.
///
/// ```
/// use expt_core::{CodeVersion, DatasetVersion, Declared, Digest, Provenance};
///
/// let provenance = Provenance {
///     dataset: DatasetVersion { name: "clicks".into(), digest: Digest::of(b"rows"), rows: 1 }.into(),
///     features: Declared::opted_out("the model reads raw text"),
///     code: CodeVersion { commit: "3f2a91c".into(), dirty: false }.into(),
///     seed: 7.into(),
/// };
/// assert_eq!(provenance.gaps(), ["features: the model reads raw text"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// What was read.
    pub dataset: Declared<DatasetVersion>,
    /// How it was made into features.
    pub features: Declared<FeatureVersion>,
    /// What was executed.
    pub code: Declared<CodeVersion>,
    /// What the random numbers came from.
    pub seed: Declared<u64>,
}

impl Provenance {
    /// What stands between the run and being reproducible: each part that was opted out of, with its
    /// reason, and code that had uncommitted changes. Empty for a reproducible run.
    #[must_use]
    pub fn gaps(&self) -> Vec<String> {
        let code = match &self.code {
            Declared::Given(code) if code.dirty => {
                Some(format!("code: uncommitted changes on {}", code.commit))
            }
            code => gap("code", code),
        };
        let parts =
            [gap("dataset", &self.dataset), gap("features", &self.features), code, gap("seed", &self.seed)];
        parts.into_iter().flatten().collect()
    }

    /// Whether all four parts are given and the code was committed.
    #[must_use]
    pub fn is_reproducible(&self) -> bool {
        self.gaps().is_empty()
    }
}

fn gap<T>(part: &str, declared: &Declared<T>) -> Option<String> {
    match declared {
        Declared::Given(_) => None,
        Declared::OptedOut { reason } => Some(format!("{part}: {reason}")),
    }
}
