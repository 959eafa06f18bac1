//! Who is asked about.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::sticky::StickyBuckets;

/// What an evaluation knows about a user, and the switches of the SDK.
///
/// ```
/// use expt_assign::compat::growthbook::Context;
/// use serde_json::json;
///
/// let context = Context::new(json!({"id": "u-1", "country": "DE"}).as_object().cloned().unwrap_or_default())
///     .with_url("https://example.org/?my-test=1")
///     .with_forced_variation("other-test", 0);
/// assert_eq!(context.attributes()["country"], "DE");
/// ```
#[derive(Debug, Clone)]
pub struct Context {
    pub(super) attributes: Value,
    pub(super) url: String,
    pub(super) forced_variations: BTreeMap<String, i64>,
    pub(super) forced_features: BTreeMap<String, Value>,
    pub(super) groups: BTreeSet<String>,
    pub(super) enabled: bool,
    pub(super) qa_mode: bool,
    pub(super) sticky: Option<StickyBuckets>,
}

impl Context {
    /// A user with these attributes; experiments are on, sticky buckets are off.
    #[must_use]
    pub fn new(attributes: Map<String, Value>) -> Self {
        Self {
            attributes: Value::Object(attributes),
            url: String::new(),
            forced_variations: BTreeMap::new(),
            forced_features: BTreeMap::new(),
            groups: BTreeSet::new(),
            enabled: true,
            qa_mode: false,
            sticky: None,
        }
    }

    /// The address of the page; `?{experiment key}=1` in it forces a variation.
    #[must_use]
    pub fn with_url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }

    /// Forces a variation of an experiment; an index that does not exist is the first, and not counted.
    #[must_use]
    pub fn with_forced_variation(mut self, experiment: impl Into<String>, index: i64) -> Self {
        self.forced_variations.insert(experiment.into(), index);
        self
    }

    /// Forces the value of a feature.
    #[must_use]
    pub fn with_forced_feature(mut self, feature: impl Into<String>, value: Value) -> Self {
        self.forced_features.insert(feature.into(), value);
        self
    }

    /// Adds a group, for experiments that still use the deprecated field `groups`.
    #[must_use]
    pub fn with_group(mut self, group: impl Into<String>) -> Self {
        self.groups.insert(group.into());
        self
    }

    /// Whether experiments run at all.
    #[must_use]
    pub fn with_enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Whether only forced variations are given.
    #[must_use]
    pub fn with_qa_mode(mut self, qa_mode: bool) -> Self {
        self.qa_mode = qa_mode;
        self
    }

    /// Turns sticky buckets on, with the documents of [`Features::sticky_keys`](super::Features::sticky_keys).
    #[must_use]
    pub fn with_sticky(mut self, documents: StickyBuckets) -> Self {
        self.sticky = Some(documents);
        self
    }

    /// The attributes, an object.
    #[must_use]
    pub fn attributes(&self) -> &Value {
        &self.attributes
    }
}
