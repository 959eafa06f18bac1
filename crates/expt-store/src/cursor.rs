//! What page tokens are made of: the list, what it was asked about, and the position after the last item.

use expt_core::Digest;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind, Page, PageOptions, PageToken, Result};

/// Makes and reads the tokens of one list. A token of another list, or of the same list with other
/// arguments, is refused.
#[derive(Debug)]
pub(crate) struct Cursor {
    list: &'static str,
    scope: String,
}

impl Cursor {
    /// The cursor of a list and the arguments that it was asked with.
    pub(crate) fn new(list: &'static str, arguments: &impl Serialize) -> Self {
        // Arguments that have no JSON form share one scope: their tokens are checked by the list only.
        let bytes = serde_json::to_vec(arguments).unwrap_or_default();
        Self { list, scope: Digest::of(&bytes).short() }
    }

    /// The position after which the page begins; `None` for the first page.
    pub(crate) fn position<P: DeserializeOwned>(&self, options: &PageOptions) -> Result<Option<P>> {
        let Some(token) = &options.token else { return Ok(None) };
        let mut parts = token.as_str().split('.');
        let position = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(list), Some(scope), Some(position), None) if list == self.list && scope == self.scope => {
                unhex(position).and_then(|bytes| serde_json::from_slice(&bytes).ok())
            }
            _ => None,
        };
        position.map(Some).ok_or_else(|| {
            let start: String = token.as_str().chars().take(40).collect();
            let message = format!(
                "page token {start:?} is not of this list of {}; pass a token only to the call that gave it, with the same arguments",
                self.list
            );
            Error::new(ErrorKind::InvalidInput, "read page", message)
        })
    }

    /// The token of the page after the position.
    pub(crate) fn token<P: Serialize>(&self, position: &P) -> PageToken {
        let position = serde_json::to_vec(position).unwrap_or_default();
        PageToken::new(format!("{}.{}.{}", self.list, self.scope, hex(&position)))
    }

    /// A page of at most `limit` items from a list that was read up to one item further, so that it shows
    /// whether there are more.
    pub(crate) fn page<T, P: Serialize>(
        &self,
        mut items: Vec<T>,
        limit: usize,
        position: impl Fn(&T) -> P,
    ) -> Page<T> {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| self.token(&position(last)));
        Page { items, next }
    }
}

/// How many items a page takes: at least one.
pub(crate) fn page_limit(options: &PageOptions) -> usize {
    options.effective_limit().max(1)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_own_list_only() {
        let cursor = Cursor::new("runs", &("a", 1));
        let token = |text: &str| PageOptions::default().with_token(Some(PageToken::new(text)));
        let options = PageOptions::default().with_token(Some(cursor.token(&"é'")));
        assert_eq!(cursor.position::<String>(&options).unwrap().as_deref(), Some("é'"));
        assert_eq!(cursor.position::<String>(&PageOptions::default()).unwrap(), None);
        for other in [Cursor::new("runs", &("a", 2)), Cursor::new("models", &("a", 1))] {
            assert_eq!(other.position::<String>(&options).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        for bad in ["", "runs", "runs.x.y", "é.é.é", "runs...", "...."] {
            assert!(cursor.position::<String>(&token(bad)).is_err(), "{bad}");
        }
    }
}
