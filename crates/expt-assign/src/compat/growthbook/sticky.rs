//! Sticky buckets: which variation a user got before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The assignments of one attribute value, as the SDK stores them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StickyDocument {
    /// The attribute, such as `id`.
    pub attribute_name: String,
    /// Its value; a value that is not text is JSON.
    pub attribute_value: String,
    /// From `{experiment key}__{bucket version}` to the key of a variation.
    #[serde(default)]
    pub assignments: BTreeMap<String, String>,
}

/// The documents of one user, by attribute and value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StickyBuckets {
    documents: BTreeMap<String, StickyDocument>,
}

impl StickyBuckets {
    /// Adds a document, or replaces the one of the same attribute and value.
    pub fn insert(&mut self, document: StickyDocument) {
        let key = document_key(&document.attribute_name, &document.attribute_value);
        self.documents.insert(key, document);
    }

    /// The document of an attribute and value.
    #[must_use]
    pub fn get(&self, attribute: &str, value: &str) -> Option<&StickyDocument> {
        self.documents.get(&document_key(attribute, value))
    }

    /// The documents, by their keys `{attribute}||{value}`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &StickyDocument)> {
        self.documents.iter().map(|(key, document)| (key.as_str(), document))
    }
}

impl FromIterator<StickyDocument> for StickyBuckets {
    fn from_iter<I: IntoIterator<Item = StickyDocument>>(documents: I) -> Self {
        let mut buckets = Self::default();
        documents.into_iter().for_each(|document| buckets.insert(document));
        buckets
    }
}

/// The attribute and value whose document an evaluation may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StickyKey {
    /// The attribute.
    pub attribute: String,
    /// Its value; empty if the user has none.
    pub value: String,
}

fn document_key(attribute: &str, value: &str) -> String {
    format!("{attribute}||{value}")
}
