//! The older configuration of randomised assignments, with percentages and holdouts.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::EppoError;
use super::rac_rule::{Rule, RuleWire};
use super::shard::{ShardRange, md5_hex, shard};
use crate::compat::growthbook::js;
use crate::compat::growthbook::pattern::Budget;

/// The experiments of a project in the format before the Universal Flag Configuration.
///
/// The shards are those of `exposure-{subject}-{flag}`, `holdout-{subject}` and `assignment-{subject}-{flag}`.
///
/// ```
/// use expt_assign::compat::eppo::{Experiments, ValueType};
///
/// let experiments = Experiments::from_json(r#"{"flags": {"button": {
///     "enabled": true, "subjectShards": 10000, "overrides": {}, "typedOverrides": {},
///     "rules": [{"allocationKey": "all", "conditions": []}],
///     "allocations": {"all": {"percentExposure": 1, "variations": [
///         {"value": "grey", "typedValue": "grey", "shardRange": {"start": 0, "end": 5000}},
///         {"value": "green", "typedValue": "green", "shardRange": {"start": 5000, "end": 10000}}
///     ]}}
/// }}}"#)?;
/// let assignment = experiments.evaluate("button", "u-1", &Default::default(), ValueType::String);
/// assert_eq!(assignment.and_then(|assignment| assignment.value.as_str()), Some("green"));
/// # Ok::<(), expt_assign::compat::eppo::EppoError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Experiments {
    flags: HashMap<String, Flag>,
}

impl Experiments {
    /// Reads a configuration; unknown fields are ignored.
    ///
    /// # Errors
    /// [`EppoError::Json`] for text that is not a configuration, [`EppoError::Patterns`] for regular
    /// expressions that are too large.
    pub fn from_json(text: &str) -> Result<Self, EppoError> {
        let wire: Wire = serde_json::from_str(text)?;
        let mut budget = Budget::default();
        let mut flags = HashMap::with_capacity(wire.flags.len());
        for (key, flag) in wire.flags {
            let rules = flag.rules.into_iter().map(|rule| Rule::compile(rule, &mut budget));
            let rules = rules.collect::<Result<_, _>>()?;
            let (texts, values) =
                (flag.overrides.unwrap_or_default(), flag.typed_overrides.unwrap_or_default());
            let pair = |(subject, text): (String, Value)| {
                let value = values.get(&subject).cloned().unwrap_or_default();
                (subject, Typed { text, value })
            };
            let overrides = texts.into_iter().map(pair).collect();
            let (enabled, shards, allocations) = (flag.enabled, flag.subject_shards, flag.allocations);
            flags.insert(key, Flag { enabled, shards, overrides, rules, allocations });
        }
        Ok(Self { flags })
    }

    /// What an experiment gives a subject; nothing if it gives nothing, or a value of another type.
    #[must_use]
    pub fn evaluate(
        &self,
        flag_key: &str,
        subject_key: &str,
        attributes: &Map<String, Value>,
        expected: ValueType,
    ) -> Option<ExperimentAssignment<'_>> {
        let flag = self.flags.get(flag_key)?;
        if let Some(forced) = flag.overrides.get(&md5_hex(subject_key)).filter(|forced| forced.is_set()) {
            return forced.assign(expected);
        }
        if !flag.enabled {
            return None;
        }
        let mut matched = None;
        for rule in &flag.rules {
            // A rule that makes the SDK throw ends the evaluation.
            if rule.matches(attributes)? {
                matched = Some(rule);
                break;
            }
        }
        let (allocation_key, allocation) = flag.allocations.get_key_value(&matched?.allocation_key)?;
        let both = format!("{subject_key}-{flag_key}");
        let exposed = f64::from(shard("exposure", &both, flag.shards));
        if exposed > allocation.percent_exposure * f64::from(flag.shards) {
            return None;
        }
        let held = allocation.held(shard("holdout", subject_key, flag.shards));
        let (variation, holdout) = match held {
            Some((variation, holdout)) => (variation, Some(holdout)),
            None => {
                let place = shard("assignment", &both, flag.shards);
                let mut variations = allocation.variations.iter();
                (variations.find(|variation| variation.shard_range.contains(place))?, None)
            }
        };
        let assignment = variation.typed.assign(expected)?;
        Some(ExperimentAssignment { allocation_key: Some(allocation_key), holdout, ..assignment })
    }
}

/// The type of an experiment's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueType {
    /// Text.
    String,
    /// A number.
    Numeric,
    /// True or false.
    Boolean,
    /// A JSON object or list.
    Json,
}

/// What an experiment gives a subject.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ExperimentAssignment<'a> {
    /// The value.
    pub value: &'a Value,
    /// The value as the configuration writes it.
    pub text: &'a Value,
    /// The allocation that gave it; nothing if an override did, and then it is not analysed.
    pub allocation_key: Option<&'a str>,
    /// The holdout that the subject is in.
    pub holdout: Option<Holdout<'a>>,
}

/// A holdout that a subject is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holdout<'a> {
    /// The holdout.
    pub key: &'a str,
    /// Which half of it, where it has two.
    pub part: Option<HoldoutPart>,
}

/// The halves of a holdout of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HoldoutPart {
    /// What was before.
    StatusQuo,
    /// Everything that was shipped.
    AllShipped,
}

#[derive(Debug, Clone)]
struct Flag {
    enabled: bool,
    shards: u32,
    overrides: HashMap<String, Typed>,
    rules: Vec<Rule>,
    allocations: HashMap<String, Allocation>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Allocation {
    percent_exposure: f64,
    variations: Vec<Variation>,
    #[serde(default)]
    status_quo_variation_key: Option<String>,
    #[serde(default)]
    shipped_variation_key: Option<String>,
    #[serde(default)]
    holdouts: Option<Vec<HoldoutWire>>,
}

impl Allocation {
    /// The first holdout that the shard falls into and that has a variation for it.
    fn held(&self, place: u32) -> Option<(&Variation, Holdout<'_>)> {
        let named = |key: &Option<String>| {
            let key = key.as_ref()?;
            self.variations.iter().find(|variation| variation.variation_key.as_ref() == Some(key))
        };
        self.holdouts.iter().flatten().find_map(|holdout| {
            let key = holdout.holdout_key.as_str();
            if holdout.status_quo_shard_range.contains(place) {
                let part = holdout.shipped_shard_range.map(|_| HoldoutPart::StatusQuo);
                return Some((named(&self.status_quo_variation_key)?, Holdout { key, part }));
            }
            holdout.shipped_shard_range.filter(|range| range.contains(place))?;
            Some((named(&self.shipped_variation_key)?, Holdout { key, part: Some(HoldoutPart::AllShipped) }))
        })
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Variation {
    #[serde(default)]
    variation_key: Option<String>,
    shard_range: ShardRange,
    #[serde(flatten)]
    typed: Typed,
}

/// A value, twice.
#[derive(Debug, Clone, Deserialize)]
struct Typed {
    #[serde(rename = "value", default)]
    text: Value,
    #[serde(rename = "typedValue", default)]
    value: Value,
}

impl Typed {
    fn is_set(&self) -> bool {
        !self.text.is_null() && !self.value.is_null()
    }

    fn assign(&self, expected: ValueType) -> Option<ExperimentAssignment<'_>> {
        let Self { text, value } = self;
        let fits = match expected {
            ValueType::String => value.is_string(),
            ValueType::Numeric => value.is_number(),
            ValueType::Boolean => value.is_boolean(),
            ValueType::Json => {
                let parsed: Option<Value> = text.as_str().and_then(|text| serde_json::from_str(text).ok());
                (value.is_object() || value.is_array())
                    && parsed.is_some_and(|parsed| js::same_json(&parsed, value))
            }
        };
        let assignment = ExperimentAssignment { value, text, allocation_key: None, holdout: None };
        (fits && self.is_set()).then_some(assignment)
    }
}

#[derive(Deserialize)]
struct Wire {
    flags: BTreeMap<String, FlagWire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FlagWire {
    enabled: bool,
    subject_shards: u32,
    overrides: Option<BTreeMap<String, Value>>,
    typed_overrides: Option<BTreeMap<String, Value>>,
    rules: Vec<RuleWire>,
    allocations: HashMap<String, Allocation>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HoldoutWire {
    holdout_key: String,
    status_quo_shard_range: ShardRange,
    #[serde(default)]
    shipped_shard_range: Option<ShardRange>,
}
