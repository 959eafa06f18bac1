//! What an evaluation says.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Number, Value};

use super::experiment::Experiment;
use super::js;
use super::sticky::StickyDocument;

/// A result, and what is to be stored so that it sticks.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Evaluation<R> {
    /// The result.
    pub result: R,
    /// The documents that changed, whole; empty unless the context has sticky buckets.
    pub sticky: Vec<StickyDocument>,
}

/// What a feature is for a user.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FeatureResult<'a> {
    /// Its value; null if nothing gives one.
    pub value: &'a Value,
    /// What gave it.
    pub source: FeatureSource,
    /// The rule that gave it; empty if it has no id or no rule did.
    pub rule_id: &'a str,
    /// The experiment that gave it, as it was run.
    pub experiment: Option<Cow<'a, Experiment>>,
    /// What that experiment said.
    pub experiment_result: Option<ExperimentResult<'a>>,
}

impl FeatureResult<'_> {
    /// Whether the value is one that JavaScript takes for true.
    #[must_use]
    pub fn is_on(&self) -> bool {
        js::truthy(self.value)
    }
}

/// What gave a feature its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum FeatureSource {
    /// The payload has no such feature.
    UnknownFeature,
    /// No rule applied.
    DefaultValue,
    /// A rule that forces a value.
    Force,
    /// The context.
    Override,
    /// An experiment.
    Experiment,
    /// A prerequisite that must pass did not.
    Prerequisite,
    /// A feature is its own prerequisite, or they are nested more than 256 deep.
    CyclicPrerequisite,
}

/// What an experiment is for a user.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExperimentResult<'a> {
    /// The key of the variation, or its index.
    pub key: Cow<'a, str>,
    /// The name of the variation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// The feature whose rule it is.
    pub feature_id: Option<&'a str>,
    /// Whether the user takes part.
    pub in_experiment: bool,
    /// Whether the hash, or a sticky bucket, chose the variation: only then it is analysed.
    pub hash_used: bool,
    /// The index of the variation; 0 if the user does not take part.
    pub variation_id: usize,
    /// The variation.
    pub value: &'a Value,
    /// The attribute that was hashed.
    pub hash_attribute: &'a str,
    /// Its value; empty text if there is none.
    pub hash_value: &'a Value,
    /// The bucket, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<f64>,
    /// Whether a sticky bucket chose, or blocked, the variation.
    pub sticky_bucket_used: bool,
    /// Whether later rules go on to decide the value.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub passthrough: bool,
    /// The leaf of a contextual bandit that gave the weights.
    #[serde(flatten)]
    pub bandit: Option<BanditLeaf>,
}

/// The leaf of a contextual bandit that a user belongs to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BanditLeaf {
    /// The leaf; -1 if none fits.
    pub leaf_id: Number,
    /// Its weights.
    pub variation_weights: Vec<f64>,
    /// The version of the weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandit_version: Option<Number>,
}
