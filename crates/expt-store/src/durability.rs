//! What "acknowledged" means.

use serde::{Deserialize, Serialize};

/// How safe a write must be before it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Durability {
    /// In memory of this process: gone if it dies.
    Buffered,
    /// Handed to the operating system: survives `kill -9` of this process, not a power loss.
    Committed,
    /// On the medium: survives a power loss.
    Durable,
}
