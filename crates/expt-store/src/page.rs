//! Lists in pages.

use serde::{Deserialize, Serialize};

/// Some of a list, and where the rest begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items, in the order that the method states.
    pub items: Vec<T>,
    /// Where the next page begins; `None` after the last item.
    pub next: Option<PageToken>,
}

/// Where a page begins. Opaque: made by a store, handed back to the same method with the same arguments.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageToken(pub(crate) String);

impl PageToken {
    /// The token as text, for a link or a command line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A token from its text. A backend outside this crate makes its tokens with it, too.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// How much of a list, from where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageOptions {
    /// The token of the page; `None` for the first.
    pub token: Option<PageToken>,
    /// At most so many items; `None` for [`PageOptions::DEFAULT_LIMIT`].
    pub limit: Option<u32>,
}

impl PageOptions {
    /// The number of items on a page if nothing is said.
    pub const DEFAULT_LIMIT: u32 = 1000;

    /// Begins where the token says.
    #[must_use]
    pub fn with_token(mut self, token: Option<PageToken>) -> Self {
        self.token = token;
        self
    }

    /// Gives at most so many items; 0 is taken as 1.
    #[must_use]
    pub fn with_limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit.max(1));
        self
    }

    /// The limit in force.
    #[must_use]
    pub fn effective_limit(&self) -> usize {
        usize::try_from(self.limit.unwrap_or(Self::DEFAULT_LIMIT)).unwrap_or(usize::MAX)
    }
}
