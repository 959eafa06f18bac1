//! The unit of a request.

use expt_core::{Identity, UnitId, UnitKind};

use crate::mix::UnitDigest;

/// A unit, digested once and then asked about for any number of decision points.
///
/// Comes from [`Snapshot::unit`](crate::Snapshot::unit) or
/// [`Snapshot::identify`](crate::Snapshot::identify), and can be used with every version of the config of
/// the same project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    pub(crate) kind: UnitKind,
    pub(crate) id: UnitId,
    pub(crate) identity: Identity,
    pub(crate) digest: UnitDigest,
    /// Of the project and kind that the digest was made for.
    pub(crate) tag: u64,
}

impl Unit {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> &UnitKind {
        &self.kind
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &UnitId {
        &self.id
    }

    /// Whether it was identified by its own id or by a fallback.
    #[must_use]
    pub const fn identity(&self) -> Identity {
        self.identity
    }

    /// Its keyed digest.
    #[must_use]
    pub const fn digest(&self) -> UnitDigest {
        self.digest
    }
}
