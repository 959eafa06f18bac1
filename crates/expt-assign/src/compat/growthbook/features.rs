//! The payload: features, saved groups and contextual bandits.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::{Number, Value};

use super::buckets::{BucketRange, Namespace};
use super::condition::Condition;
use super::context::Context;
use super::error::GrowthBookError;
use super::evaluate::Session;
use super::experiment::{
    Definition, Experiment, Filter, Parent, ParentDefinition, VariationMeta, null_is_zero, present, version,
};
use super::js;
use super::members::SavedGroups;
use super::pattern::Budget;
use super::result::{Evaluation, ExperimentResult, FeatureResult};
use super::sticky::StickyKey;

/// The features of a project, as the SDK endpoint serves them.
///
/// ```
/// use expt_assign::compat::growthbook::{Context, Features};
/// use serde_json::json;
///
/// let features = Features::from_json(r#"{"features": {"button": {
///     "defaultValue": "grey",
///     "rules": [{"variations": ["grey", "green"], "key": "button-test", "hashVersion": 2}]
/// }}}"#)?;
/// let context = Context::new(json!({"id": "u-1"}).as_object().cloned().unwrap_or_default());
/// let button = features.evaluate("button", &context).result;
/// let experiment = button.experiment_result.ok_or("not in the experiment")?;
/// assert_eq!((button.value.as_str(), experiment.bucket), (Some("green"), Some(0.6668)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Features {
    features: HashMap<String, Feature>,
    pub(super) groups: SavedGroups,
    pub(super) bandits: HashMap<String, Bandit>,
    /// The attributes whose sticky buckets matter.
    sticky: BTreeSet<String>,
}

impl Features {
    /// Reads a payload: an object with `features`, and perhaps `savedGroups` and `contextualBandits`.
    ///
    /// Unknown fields are ignored. Regular expressions that this engine cannot run match nothing, as invalid
    /// ones do in the SDK.
    ///
    /// # Errors
    /// [`GrowthBookError::Json`] for text of another shape, [`GrowthBookError::Encrypted`] for a payload that
    /// must be decrypted first, [`GrowthBookError::Depth`] and [`GrowthBookError::Patterns`] for conditions
    /// that are too large.
    pub fn from_json(text: &str) -> Result<Self, GrowthBookError> {
        Self::compile(serde_json::from_str(text)?)
    }

    /// Reads a payload that is parsed already; otherwise like [`Features::from_json`].
    ///
    /// # Errors
    /// As [`Features::from_json`].
    pub fn from_value(payload: &Value) -> Result<Self, GrowthBookError> {
        Self::compile(Payload::deserialize(payload)?)
    }

    /// What a feature is for a user.
    #[must_use]
    pub fn evaluate<'a>(&'a self, key: &'a str, context: &'a Context) -> Evaluation<FeatureResult<'a>> {
        let mut session = Session::new(self, context);
        let result = session.feature(key);
        session.finish(result)
    }

    /// What an inline experiment is for a user; its prerequisites are features of this payload.
    #[must_use]
    pub fn run<'a>(
        &'a self,
        experiment: &'a Experiment,
        context: &'a Context,
    ) -> Evaluation<ExperimentResult<'a>> {
        let mut session = Session::new(self, context);
        let result = session.experiment(experiment, None, None);
        session.finish(result)
    }

    /// The keys of the documents that belong into [`Context::with_sticky`] for this user.
    #[must_use]
    pub fn sticky_keys(&self, context: &Context) -> Vec<StickyKey> {
        let key = |attribute: &String| {
            let value = context.attributes.get(attribute).filter(|value| js::truthy(value));
            let value = value.map(js::text_or_json).unwrap_or_default().into_owned();
            StickyKey { attribute: attribute.clone(), value }
        };
        self.sticky.iter().map(key).collect()
    }

    pub(super) fn feature(&self, key: &str) -> Option<(&str, &Feature)> {
        self.features.get_key_value(key).map(|(key, feature)| (key.as_str(), feature))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Feature)> {
        self.features.iter().map(|(key, feature)| (key.as_str(), feature))
    }

    fn compile(payload: Payload) -> Result<Self, GrowthBookError> {
        if payload.encrypted_features.is_some() {
            return Err(GrowthBookError::Encrypted);
        }
        let budget = &mut Budget::default();
        let mut compiled = Self::default();
        for (key, feature) in payload.features.unwrap_or_default() {
            let Some(feature) = feature else { continue };
            let mut rules = Vec::new();
            for rule in feature.rules.unwrap_or_default() {
                if rule.variations.is_some() || rule.contextual_variations.is_some() {
                    compiled.remember(rule.hash_attribute.as_deref(), rule.fallback_attribute.as_deref());
                }
                rules.push(Rule::compile(rule, &key, budget)?);
            }
            let default = feature.default_value.unwrap_or_default();
            compiled.features.insert(key, Feature { default, rules });
        }
        for experiment in payload.experiments.unwrap_or_default() {
            let (hash, fallback) = (&experiment.hash_attribute, &experiment.fallback_attribute);
            compiled.remember(hash.as_deref(), fallback.as_deref());
        }
        compiled.groups = SavedGroups::from_value(&payload.saved_groups);
        for (key, bandit) in payload.contextual_bandits.unwrap_or_default() {
            compiled.bandits.insert(key, Bandit::compile(bandit, budget)?);
        }
        Ok(compiled)
    }

    fn remember(&mut self, hash_attribute: Option<&str>, fallback: Option<&str>) {
        self.sticky.insert(named(hash_attribute).unwrap_or("id").to_owned());
        self.sticky.extend(named(fallback).map(str::to_owned));
    }
}

/// A feature, compiled.
#[derive(Debug, Clone)]
pub(super) struct Feature {
    pub(super) default: Value,
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) parents: Vec<Parent>,
    pub(super) filters: Option<Vec<Filter>>,
    pub(super) action: Action,
}

#[derive(Debug, Clone)]
pub(super) enum Action {
    Force {
        value: Value,
        condition: Option<Condition>,
        rollout: Rollout,
    },
    Experiment {
        experiment: Box<Experiment>,
        bandit: Option<String>,
    },
    /// A rule with neither.
    Nothing,
}

/// Who of those that a rule targets gets its value.
#[derive(Debug, Clone)]
pub(super) struct Rollout {
    pub(super) seed: String,
    pub(super) hash_attribute: Option<String>,
    pub(super) fallback_attribute: Option<String>,
    pub(super) sticky: bool,
    pub(super) range: Option<BucketRange>,
    pub(super) coverage: Option<f64>,
    pub(super) version: u32,
}

/// A contextual bandit: the weights of the first leaf whose condition passes.
#[derive(Debug, Clone)]
pub(super) struct Bandit {
    pub(super) version: Option<Number>,
    pub(super) leaves: Vec<Leaf>,
}

#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) id: Number,
    pub(super) condition: Option<Condition>,
    pub(super) weights: Option<Vec<f64>>,
}

impl Rule {
    fn compile(rule: RuleDefinition, feature: &str, budget: &mut Budget) -> Result<Self, GrowthBookError> {
        let id = rule.id.unwrap_or_default();
        let parents = Parent::compile(rule.parent_conditions.as_deref(), budget)?;
        let variations = rule.contextual_variations.or(rule.variations);
        let (seed, hash_attribute, fallback_attribute) =
            (full(rule.seed), full(rule.hash_attribute), full(rule.fallback_attribute));
        let (filters, action) = match (rule.force, variations) {
            (Some(value), _) => {
                let condition = rule.condition.as_ref().map(|source| Condition::compile(source, budget));
                let rollout = Rollout {
                    seed: seed.unwrap_or_else(|| feature.to_owned()),
                    hash_attribute,
                    fallback_attribute,
                    sticky: rule.disable_sticky_bucketing != Some(true),
                    range: rule.range,
                    coverage: rule.coverage,
                    version: version(rule.hash_version.as_ref(), 1),
                };
                (rule.filters, Action::Force { value, condition: condition.transpose()?, rollout })
            }
            (None, Some(variations)) => {
                let definition = Definition {
                    key: full(rule.key).unwrap_or_else(|| feature.to_owned()),
                    variations,
                    ranges: rule.ranges,
                    meta: rule.meta,
                    filters: rule.filters.clone(),
                    seed,
                    name: rule.name.filter(js::truthy),
                    phase: rule.phase.filter(js::truthy),
                    weights: rule.weights,
                    condition: rule.condition,
                    coverage: rule.coverage,
                    namespace: rule.namespace,
                    hash_attribute,
                    fallback_attribute,
                    hash_version: rule.hash_version.filter(|version| version.as_f64() != Some(0.0)),
                    disable_sticky_bucketing: rule.disable_sticky_bucketing.filter(|disabled| *disabled),
                    bucket_version: rule.bucket_version,
                    min_bucket_version: rule.min_bucket_version,
                    ..Definition::default()
                };
                let experiment = Box::new(Experiment::compile(definition, budget)?);
                (rule.filters, Action::Experiment { experiment, bandit: full(rule.contextual_bandit_ref) })
            }
            (None, None) => (rule.filters, Action::Nothing),
        };
        Ok(Self { id, parents, filters, action })
    }
}

impl Bandit {
    fn compile(bandit: BanditDefinition, budget: &mut Budget) -> Result<Self, GrowthBookError> {
        let leaf = |leaf: LeafDefinition| {
            let condition = leaf.condition.as_ref().map(|source| Condition::compile(source, budget));
            let condition = condition.transpose()?;
            Ok::<_, GrowthBookError>(Leaf { id: leaf.leaf_id, condition, weights: leaf.weights })
        };
        let leaves = bandit.contexts.unwrap_or_default().into_iter().map(leaf);
        Ok(Self { version: bandit.bandit_version, leaves: leaves.collect::<Result<_, _>>()? })
    }
}

/// A name that is there; an empty one counts as absent.
pub(super) fn named(name: Option<&str>) -> Option<&str> {
    name.filter(|name| !name.is_empty())
}

fn full(name: Option<String>) -> Option<String> {
    name.filter(|name| !name.is_empty())
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Payload {
    features: Option<BTreeMap<String, Option<FeatureDefinition>>>,
    saved_groups: Value,
    contextual_bandits: Option<BTreeMap<String, BanditDefinition>>,
    experiments: Option<Vec<HashedBy>>,
    encrypted_features: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct FeatureDefinition {
    default_value: Option<Value>,
    rules: Option<Vec<RuleDefinition>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RuleDefinition {
    id: Option<String>,
    condition: Option<Value>,
    parent_conditions: Option<Vec<ParentDefinition>>,
    #[serde(deserialize_with = "present")]
    force: Option<Value>,
    variations: Option<Vec<Value>>,
    contextual_variations: Option<Vec<Value>>,
    contextual_bandit_ref: Option<String>,
    weights: Option<Vec<f64>>,
    key: Option<String>,
    hash_attribute: Option<String>,
    fallback_attribute: Option<String>,
    hash_version: Option<Number>,
    disable_sticky_bucketing: Option<bool>,
    bucket_version: Option<Number>,
    min_bucket_version: Option<Number>,
    range: Option<BucketRange>,
    #[serde(deserialize_with = "null_is_zero")]
    coverage: Option<f64>,
    namespace: Option<Namespace>,
    ranges: Option<Vec<BucketRange>>,
    meta: Option<Vec<VariationMeta>>,
    filters: Option<Vec<Filter>>,
    seed: Option<String>,
    name: Option<Value>,
    phase: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct HashedBy {
    hash_attribute: Option<String>,
    fallback_attribute: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct BanditDefinition {
    bandit_version: Option<Number>,
    contexts: Option<Vec<LeafDefinition>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LeafDefinition {
    leaf_id: Number,
    condition: Option<Value>,
    weights: Option<Vec<f64>>,
}
