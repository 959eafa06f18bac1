//! Experiments, inline or made from a feature's rule.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};

use super::buckets::{BucketRange, Namespace};
use super::condition::Condition;
use super::error::GrowthBookError;
use super::pattern::Budget;
use super::result::BanditLeaf;
use crate::error::excerpt;

/// An experiment, as the SDK's `run` takes it and its results report it.
#[derive(Debug, Clone)]
pub struct Experiment {
    pub(super) definition: Definition,
    pub(super) condition: Option<Condition>,
    pub(super) parents: Vec<Parent>,
}

impl Experiment {
    /// Reads an inline experiment; unknown fields are ignored.
    ///
    /// # Errors
    /// [`GrowthBookError::Json`] for a field of another type than documented, [`GrowthBookError::Unsupported`]
    /// for targeting by URL, [`GrowthBookError::Depth`] and [`GrowthBookError::Patterns`] for a condition that
    /// is too large.
    pub fn from_value(experiment: &Value) -> Result<Self, GrowthBookError> {
        let targeting: UrlTargeting = UrlTargeting::deserialize(experiment)?;
        let definition = Definition::deserialize(experiment)?;
        let key = || excerpt(&definition.key);
        if targeting.url_patterns.is_some() {
            return Err(GrowthBookError::Unsupported { key: key(), field: "urlPatterns" });
        }
        if targeting.url.is_some() {
            return Err(GrowthBookError::Unsupported { key: key(), field: "url" });
        }
        Self::compile(definition, &mut Budget::default())
    }

    /// What identifies it.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.definition.key
    }

    /// What it chooses from.
    #[must_use]
    pub fn variations(&self) -> &[Value] {
        &self.definition.variations
    }

    pub(super) fn compile(definition: Definition, budget: &mut Budget) -> Result<Self, GrowthBookError> {
        let condition =
            definition.condition.as_ref().map(|source| Condition::compile(source, budget)).transpose()?;
        let parents = Parent::compile(definition.parent_conditions.as_deref(), budget)?;
        Ok(Self { definition, condition, parents })
    }
}

impl Serialize for Experiment {
    /// As the SDK reports it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.definition.serialize(serializer)
    }
}

/// The fields of an experiment that are evaluated.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Definition {
    pub(super) key: String,
    pub(super) variations: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ranges: Option<Vec<BucketRange>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) meta: Option<Vec<VariationMeta>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) filters: Option<Vec<Filter>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) phase: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) weights: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) condition: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parent_conditions: Option<Vec<ParentDefinition>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "null_is_zero")]
    pub(super) coverage: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<Namespace>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub(super) force: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hash_attribute: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fallback_attribute: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hash_version: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) disable_sticky_bucketing: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bucket_version: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_bucket_version: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) groups: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", skip_deserializing)]
    pub(super) contextual_bandit: Option<BanditLeaf>,
}

impl Definition {
    pub(super) fn is_sticky(&self) -> bool {
        self.disable_sticky_bucketing != Some(true)
    }

    pub(super) fn version(&self) -> u32 {
        version(self.hash_version.as_ref(), 1)
    }
}

/// What the reports call a variation.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct VariationMeta {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) passthrough: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

/// Ranges that a value must fall into, under a seed of their own.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filter {
    pub(super) seed: String,
    pub(super) ranges: Vec<BucketRange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) attribute: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) hash_version: Option<Number>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct ParentDefinition {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    condition: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gate: Option<bool>,
}

/// A prerequisite: a feature whose value must pass a condition.
#[derive(Debug, Clone)]
pub(super) struct Parent {
    pub(super) id: String,
    /// Nothing if every value passes.
    pub(super) condition: Option<Condition>,
    /// Whether it stops the whole feature, not only the rule.
    pub(super) gate: bool,
}

impl Parent {
    pub(super) fn compile(
        parents: Option<&[ParentDefinition]>,
        budget: &mut Budget,
    ) -> Result<Vec<Self>, GrowthBookError> {
        let compile = |parent: &ParentDefinition| {
            let condition = parent.condition.as_ref().map(|source| Condition::compile(source, budget));
            Ok(Self {
                id: parent.id.clone(),
                condition: condition.transpose()?,
                gate: parent.gate == Some(true),
            })
        };
        parents.unwrap_or_default().iter().map(compile).collect()
    }
}

/// A hash version; zero and none are the default, what is no version stays none of those that exist.
pub(super) fn version(number: Option<&Number>, default: u32) -> u32 {
    match number.and_then(Number::as_f64) {
        None | Some(0.0) => default,
        Some(1.0) => 1,
        Some(2.0) => 2,
        Some(_) => u32::MAX,
    }
}

/// Tells a field that is null from one that is absent.
pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A coverage that is null counts as 0 for JavaScript, an absent one as 1.
pub(super) fn null_is_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Option::deserialize(deserializer).map(|coverage: Option<f64>| Some(coverage.unwrap_or(0.0)))
}

/// Fields that restrict who is in an experiment by an address.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct UrlTargeting {
    url_patterns: Option<Value>,
    url: Option<Value>,
}
