//! How ids of units stand in events.

use std::fmt;

/// How ids of units stand in events.
///
/// Ids of users are few and easily guessed, so a plain hash of one is as good as the id; the hash here has a
/// key. The same secret gives the same hash, so events of one unit stay together, and a new secret parts
/// them.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnitIds {
    /// As they are.
    #[default]
    Shown,
    /// As a keyed hash of 32 hexadecimal digits; see [`hashed`](Self::hashed).
    Hashed(UnitIdKey),
    /// Not at all.
    Hidden,
}

/// The key of the hash, derived from a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct UnitIdKey([u8; 32]);

impl UnitIds {
    /// A keyed hash (BLAKE3), with a key that derives from a secret.
    #[must_use]
    pub fn hashed(secret: impl AsRef<[u8]>) -> Self {
        Self::Hashed(UnitIdKey(blake3::derive_key(
            "expt-openfeature 2026 unit ids in events",
            secret.as_ref(),
        )))
    }

    /// What stands in an event for an id.
    #[must_use]
    pub fn apply(&self, id: &str) -> Option<String> {
        match self {
            Self::Shown => Some(id.to_owned()),
            Self::Hashed(UnitIdKey(key)) => {
                let hash = blake3::keyed_hash(key, id.as_bytes()).to_hex();
                Some(hash.as_str().chars().take(32).collect())
            }
            Self::Hidden => None,
        }
    }
}

impl fmt::Debug for UnitIdKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnitIdKey(..)")
    }
}

impl fmt::Debug for UnitIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shown => "Shown",
            Self::Hashed(_) => "Hashed(..)",
            Self::Hidden => "Hidden",
        })
    }
}
