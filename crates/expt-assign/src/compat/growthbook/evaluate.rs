//! The order of evaluation, as in the SDK.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde_json::{Number, Value};

use super::buckets::{bucket_ranges, choose_variation, equal_weights, in_ranges};
use super::condition::{Condition, Subject};
use super::context::Context;
use super::experiment::{Experiment, Filter, Parent, version};
use super::features::{Action, Bandit, Features, Rollout, Rule, named};
use super::hash::hash;
use super::js;
use super::query::{index, query_string_override};
use super::remember::{Sticky, sticky_key};
use super::result::{BanditLeaf, Evaluation, ExperimentResult, FeatureResult, FeatureSource};
use super::sticky::StickyDocument;

/// One evaluation: what it knows, and what it found so far.
pub(super) struct Session<'a> {
    features: &'a Features,
    pub(super) context: &'a Context,
    /// The features that are being evaluated, each a prerequisite of the one before it.
    stack: Vec<&'a str>,
    /// Prerequisites that are known already. A feature met on another way has the same value, as a cycle
    /// ends the whole evaluation; only what sticky buckets store can depend on the order.
    known: HashMap<&'a str, (&'a Value, FeatureSource)>,
    /// Sticky buckets that changed, by attribute and value.
    pub(super) changed: BTreeMap<(&'a str, String), StickyDocument>,
    /// How many prerequisites were evaluated.
    evaluated: usize,
}

impl<'a> Session<'a> {
    pub(super) fn new(features: &'a Features, context: &'a Context) -> Self {
        let (stack, known, changed) = (Vec::new(), HashMap::new(), BTreeMap::new());
        Self { features, context, stack, known, changed, evaluated: 0 }
    }

    pub(super) fn finish<R>(self, result: R) -> Evaluation<R> {
        Evaluation { result, sticky: self.changed.into_values().collect() }
    }

    pub(super) fn feature(&mut self, key: &'a str) -> FeatureResult<'a> {
        if self.stack.contains(&key) || self.stack.len() >= DEEPEST {
            return plain(&Value::Null, FeatureSource::CyclicPrerequisite);
        }
        if let Some(value) = self.context.forced_features.get(key) {
            return plain(value, FeatureSource::Override);
        }
        let features = self.features;
        let Some((key, feature)) = features.feature(key) else {
            return plain(&Value::Null, FeatureSource::UnknownFeature);
        };
        self.stack.push(key);
        let decided = feature.rules.iter().find_map(|rule| self.rule(key, rule));
        self.stack.pop();
        decided.unwrap_or_else(|| plain(&feature.default, FeatureSource::DefaultValue))
    }

    /// What a rule decides; nothing if the next one is to.
    fn rule(&mut self, key: &'a str, rule: &'a Rule) -> Option<FeatureResult<'a>> {
        for parent in &rule.parents {
            match self.parent(parent) {
                Prerequisite::Passed => {}
                Prerequisite::Cyclic => return Some(plain(&Value::Null, FeatureSource::CyclicPrerequisite)),
                Prerequisite::Failed if parent.gate => {
                    return Some(plain(&Value::Null, FeatureSource::Prerequisite));
                }
                Prerequisite::Failed => return None,
            }
        }
        if rule.filters.as_ref().is_some_and(|filters| self.is_filtered_out(filters)) {
            return None;
        }
        match &rule.action {
            Action::Force { value, condition, rollout } => {
                let targeted = condition.as_ref().is_none_or(|condition| self.passes(condition));
                (targeted && self.is_rolled_out(rollout))
                    .then(|| FeatureResult { rule_id: &rule.id, ..plain(value, FeatureSource::Force) })
            }
            Action::Experiment { experiment, bandit } => {
                let bandit = bandit.as_ref().and_then(|key| self.features.bandits.get(key));
                let weighted = bandit.map(|bandit| self.leaf(bandit, experiment));
                let result = self.experiment(experiment, Some(key), weighted.as_ref());
                (result.in_experiment && !result.passthrough).then(|| FeatureResult {
                    value: result.value,
                    source: FeatureSource::Experiment,
                    rule_id: &rule.id,
                    experiment: Some(as_run(experiment, weighted, &result)),
                    experiment_result: Some(result),
                })
            }
            Action::Nothing => None,
        }
    }

    /// `weighted` replaces the weights by those of a contextual bandit.
    pub(super) fn experiment(
        &mut self,
        experiment: &'a Experiment,
        feature: Option<&'a str>,
        weighted: Option<&Weighted<'a>>,
    ) -> ExperimentResult<'a> {
        let Experiment { definition, condition, parents } = experiment;
        let key = definition.key.as_str();
        let count = definition.variations.len();
        let context = self.context;
        let (hash_attribute, hash_value) = self.hashed(
            definition.hash_attribute.as_deref(),
            definition.fallback_attribute.as_deref().filter(|_| self.is_sticky(definition.is_sticky())),
        );
        let result = |chosen: Option<usize>| {
            let chosen = chosen.filter(|index| *index < count);
            let variation = chosen.unwrap_or(0);
            let meta = definition.meta.as_ref().and_then(|meta| meta.get(variation));
            let key = meta.and_then(|meta| named(meta.key.as_deref()));
            ExperimentResult {
                key: key.map_or_else(|| variation.to_string().into(), Cow::Borrowed),
                name: meta.and_then(|meta| named(meta.name.as_deref())),
                feature_id: feature,
                in_experiment: chosen.is_some(),
                hash_used: false,
                variation_id: variation,
                value: definition.variations.get(variation).unwrap_or(&Value::Null),
                hash_attribute,
                hash_value: hash_value.unwrap_or(&NO_TEXT),
                bucket: None,
                sticky_bucket_used: false,
                passthrough: meta.is_some_and(|meta| meta.passthrough == Some(true)),
                bandit: None,
            }
        };
        let excluded = || result(None);
        if count < 2 || !context.enabled {
            return excluded();
        }
        if let Some(forced) = query_string_override(key, &context.url, count) {
            return result(Some(forced));
        }
        if let Some(forced) = context.forced_variations.get(key) {
            return result(usize::try_from(*forced).ok());
        }
        if definition.status.as_deref() == Some("draft") || definition.active == Some(false) {
            return excluded();
        }
        let Some(value) = hash_value else {
            return excluded();
        };
        let hashed = js::text(value);
        let sticky = if self.is_sticky(definition.is_sticky()) {
            self.sticky_variation(experiment)
        } else {
            Sticky::None
        };
        if !matches!(sticky, Sticky::Variation(_)) {
            let filtered = match (&definition.filters, &definition.namespace) {
                (Some(filters), _) => self.is_filtered_out(filters),
                (None, Some(namespace)) => !namespace.contains(&hashed),
                (None, None) => false,
            };
            if filtered || condition.as_ref().is_some_and(|condition| !self.passes(condition)) {
                return excluded();
            }
            if parents.iter().any(|parent| self.parent(parent) != Prerequisite::Passed) {
                return excluded();
            }
            let required = definition.groups.as_ref();
            if required.is_some_and(|groups| !groups.iter().any(|group| context.groups.contains(group))) {
                return excluded();
            }
        }
        let seed = named(definition.seed.as_deref()).unwrap_or(key);
        let Some(bucket) = hash(seed, &hashed, definition.version()) else {
            return excluded();
        };
        let assigned = match sticky {
            Sticky::Blocked => return ExperimentResult { sticky_bucket_used: true, ..excluded() },
            Sticky::Variation(index) => Some(index),
            Sticky::None => match &definition.ranges {
                Some(ranges) => choose_variation(bucket, ranges),
                None => {
                    let weights = match weighted {
                        Some(Weighted { weights: Some(weights), .. }) => *weights,
                        _ => definition.weights.as_deref(),
                    };
                    let count = i64::try_from(count).unwrap_or(i64::MAX);
                    choose_variation(
                        bucket,
                        &bucket_ranges(count, definition.coverage.unwrap_or(1.0), weights),
                    )
                }
            },
        };
        if assigned.is_none() {
            return excluded();
        }
        if let Some(forced) = &definition.force {
            return result(forced.as_f64().and_then(|forced| index(forced, count)));
        }
        if context.qa_mode || definition.status.as_deref() == Some("stopped") {
            return excluded();
        }
        let chosen = ExperimentResult {
            hash_used: true,
            bucket: Some(bucket),
            sticky_bucket_used: matches!(sticky, Sticky::Variation(_)),
            bandit: weighted.map(|weighted| weighted.leaf.clone()),
            ..result(assigned)
        };
        if self.is_sticky(definition.is_sticky()) {
            let bucket = sticky_key(key, definition.bucket_version.as_ref());
            self.save(hash_attribute, js::text_or_json(value).into_owned(), bucket, &chosen.key);
        }
        chosen
    }

    fn parent(&mut self, parent: &'a Parent) -> Prerequisite {
        let id = parent.id.as_str();
        let is_reusable = self.context.sticky.is_none() || self.evaluated >= MOST_AGAIN;
        let (value, source) = match self.known.get(id) {
            Some(known) if is_reusable => *known,
            _ => {
                self.evaluated += 1;
                let result = self.feature(id);
                self.known.insert(id, (result.value, result.source));
                (result.value, result.source)
            }
        };
        if source == FeatureSource::CyclicPrerequisite {
            return Prerequisite::Cyclic;
        }
        let subject = Subject::Only(value);
        // The SDK gives these conditions no saved groups.
        let groups = Default::default();
        match &parent.condition {
            Some(condition) if !condition.matches_subject(subject, &groups) => Prerequisite::Failed,
            _ => Prerequisite::Passed,
        }
    }

    fn passes(&self, condition: &Condition) -> bool {
        condition.matches(&self.context.attributes, &self.features.groups)
    }

    fn is_sticky(&self, wanted: bool) -> bool {
        wanted && self.context.sticky.is_some()
    }

    fn is_filtered_out(&self, filters: &'a [Filter]) -> bool {
        filters.iter().any(|filter| {
            let (_, value) = self.hashed(filter.attribute.as_deref(), None);
            let version = version(filter.hash_version.as_ref(), 2);
            value.is_none_or(|value| !in_ranges(&filter.seed, &js::text(value), version, &filter.ranges))
        })
    }

    fn is_rolled_out(&self, rollout: &'a Rollout) -> bool {
        let is_sticky = self.is_sticky(rollout.sticky);
        let fallback = rollout.fallback_attribute.as_deref().filter(|_| is_sticky);
        let bucket = || {
            let (_, value) = self.hashed(rollout.hash_attribute.as_deref(), fallback);
            hash(&rollout.seed, &js::text(value?), rollout.version)
        };
        match (rollout.range, rollout.coverage) {
            (None, None) => true,
            (None, Some(0.0)) => false,
            (Some(range), _) => bucket().is_some_and(|bucket| range.contains(bucket)),
            (None, Some(coverage)) => bucket().is_some_and(|bucket| bucket <= coverage),
        }
    }

    /// The attribute to hash and its value, if JavaScript does not take that for false.
    pub(super) fn hashed(
        &self,
        attribute: Option<&'a str>,
        fallback: Option<&'a str>,
    ) -> (&'a str, Option<&'a Value>) {
        let value = |name: &str| self.context.attributes.get(name).filter(|value| js::truthy(value));
        let attribute = named(attribute).unwrap_or("id");
        match (value(attribute), named(fallback)) {
            (None, Some(fallback)) => match value(fallback) {
                Some(value) => (fallback, Some(value)),
                None => (attribute, None),
            },
            (value, _) => (attribute, value),
        }
    }

    /// The weights of the first leaf that the user belongs to.
    fn leaf(&self, bandit: &'a Bandit, experiment: &Experiment) -> Weighted<'a> {
        let belongs =
            |condition: &Option<Condition>| condition.as_ref().is_none_or(|condition| self.passes(condition));
        let leaf = bandit.leaves.iter().find(|leaf| belongs(&leaf.condition));
        let weights = leaf.map(|leaf| leaf.weights.as_deref());
        let definition = &experiment.definition;
        let variation_weights = match weights {
            Some(weights) => weights.unwrap_or_default().to_vec(),
            None => definition.weights.clone().unwrap_or_else(|| {
                equal_weights(i64::try_from(definition.variations.len()).unwrap_or(i64::MAX))
            }),
        };
        let leaf_id = leaf.map_or_else(|| Number::from(-1), |leaf| leaf.id.clone());
        Weighted {
            weights,
            leaf: BanditLeaf { leaf_id, variation_weights, bandit_version: bandit.version.clone() },
        }
    }
}

/// The weights of a contextual bandit.
pub(super) struct Weighted<'a> {
    /// Those of a leaf that fits, which replace the experiment's, perhaps by none.
    weights: Option<Option<&'a [f64]>>,
    leaf: BanditLeaf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prerequisite {
    Passed,
    Failed,
    Cyclic,
}

fn plain(value: &Value, source: FeatureSource) -> FeatureResult<'_> {
    FeatureResult { value, source, rule_id: "", experiment: None, experiment_result: None }
}

/// The experiment as the SDK reports it: with the weights of the leaf, and the leaf if it chose.
fn as_run<'a>(
    experiment: &'a Experiment,
    weighted: Option<Weighted<'a>>,
    result: &ExperimentResult<'a>,
) -> Cow<'a, Experiment> {
    let Some(weighted) = weighted else {
        return Cow::Borrowed(experiment);
    };
    let mut experiment = experiment.clone();
    if let Some(weights) = weighted.weights {
        experiment.definition.weights = weights.map(<[f64]>::to_vec);
    }
    experiment.definition.contextual_bandit =
        (result.hash_used && result.in_experiment).then_some(weighted.leaf);
    Cow::Owned(experiment)
}

/// With sticky buckets, how many prerequisites are evaluated as often as they are met, as the SDK does.
const MOST_AGAIN: usize = 4_096;
/// More prerequisites in a row than anyone has.
const DEEPEST: usize = 256;

static NO_TEXT: Value = Value::String(String::new());
