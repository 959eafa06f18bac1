//! The unit of a request.

use std::borrow::Cow;

use expt_core::{Identity, UnitId, UnitKind};

use crate::mix::UnitDigest;

/// A unit, digested once and then asked about for any number of decision points. It borrows its id from the
/// request and its kind from the snapshot, so making one allocates nothing.
///
/// Comes from [`Snapshot::unit`](crate::Snapshot::unit) or
/// [`Snapshot::identify`](crate::Snapshot::identify), and can be used with every version of the config of
/// the same project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit<'r> {
    pub(crate) kind: &'r UnitKind,
    pub(crate) id: Cow<'r, str>,
    pub(crate) identity: Identity,
    pub(crate) digest: UnitDigest,
    /// Of the project and kind that the digest was made for.
    pub(crate) tag: u64,
    /// The digests of the other identities that the request shows, the first `linked_count` of them.
    pub(crate) linked: [UnitDigest; MAX_LINKED],
    pub(crate) linked_count: usize,
}

/// How many identities of a unit are looked at beside the one that identifies it.
pub(crate) const MAX_LINKED: usize = 3;

impl Unit<'_> {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> &UnitKind {
        self.kind
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its id as exposures and predictions carry it; allocates.
    #[must_use]
    pub fn unit_id(&self) -> UnitId {
        UnitId::of_checked(&self.id)
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

    /// The digests of all its identities.
    pub(crate) fn digests(&self) -> impl Iterator<Item = UnitDigest> {
        std::iter::once(self.digest).chain(self.linked.iter().take(self.linked_count).copied())
    }
}
