//! Reading and writing sticky buckets during an evaluation.

use serde_json::{Number, Value};

use super::evaluate::Session;
use super::experiment::Experiment;
use super::js;
use super::sticky::StickyDocument;

/// What the sticky buckets say about an experiment.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sticky {
    None,
    Variation(usize),
    /// The user was in a version of the experiment that is too old.
    Blocked,
}

impl<'a> Session<'a> {
    pub(super) fn sticky_variation(&self, experiment: &'a Experiment) -> Sticky {
        let definition = &experiment.definition;
        let first = self.document(self.hashed(definition.hash_attribute.as_deref(), None));
        // Without a fallback attribute the SDK falls back to `id`.
        let (attribute, value) = self.hashed(definition.fallback_attribute.as_deref(), None);
        let second = value.and_then(|value| self.document((attribute, Some(value))));
        let documents = [first, second];
        let found = |key: &str| documents.iter().flatten().find_map(|document| document.assignments.get(key));
        let oldest = definition.min_bucket_version.as_ref().and_then(Number::as_f64).unwrap_or(0.0);
        if documents.iter().flatten().any(|document| is_blocked(document, &definition.key, oldest)) {
            return Sticky::Blocked;
        }
        let stored = found(&sticky_key(&definition.key, definition.bucket_version.as_ref()));
        let position = stored.and_then(|stored| {
            definition.meta.as_ref()?.iter().position(|meta| meta.key.as_ref() == Some(stored))
        });
        position.map_or(Sticky::None, Sticky::Variation)
    }

    fn document(&self, (attribute, value): (&'a str, Option<&Value>)) -> Option<&StickyDocument> {
        let value = value.map(js::text_or_json).unwrap_or_default().into_owned();
        let stored = self.context.sticky.as_ref().and_then(|sticky| sticky.get(attribute, &value));
        self.changed.get(&(attribute, value)).or(stored)
    }

    pub(super) fn save(&mut self, attribute: &'a str, value: String, bucket: String, variation: &str) {
        let stored = self.context.sticky.as_ref().and_then(|sticky| sticky.get(attribute, &value));
        let current = self.changed.get(&(attribute, value.clone())).or(stored);
        if current.is_some_and(|current| current.assignments.get(&bucket).is_some_and(|key| key == variation))
        {
            return;
        }
        let mut document = StickyDocument {
            attribute_name: attribute.to_owned(),
            attribute_value: value.clone(),
            assignments: current.map(|current| current.assignments.clone()).unwrap_or_default(),
        };
        document.assignments.insert(bucket, variation.to_owned());
        self.changed.insert((attribute, value), document);
    }
}

/// What an experiment's assignments are stored under.
pub(super) fn sticky_key(experiment: &str, version: Option<&Number>) -> String {
    let version = version.and_then(Number::as_f64).unwrap_or(0.0);
    format!("{experiment}__{}", js::number_text(version))
}

/// Whether a document has a version of the experiment below the oldest that is allowed.
fn is_blocked(document: &StickyDocument, experiment: &str, oldest: f64) -> bool {
    let version = |key: &str| -> Option<u32> {
        let text = key.strip_prefix(experiment)?.strip_prefix("__")?;
        let version: u32 = text.parse().ok()?;
        (version.to_string() == text).then_some(version)
    };
    let prefix = format!("{experiment}__");
    let of_experiment =
        document.assignments.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix));
    of_experiment.filter_map(|(key, _)| version(key)).any(|version| f64::from(version) < oldest)
}
