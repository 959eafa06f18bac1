//! The Universal Flag Configuration.

use std::collections::{BTreeMap, HashMap};

use expt_core::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::condition::{Condition, Subject};
use super::error::{EppoError, NoAssignment};
use super::evaluate::{Assignment, Evaluation};
use super::obfuscation::decode_base64;
use super::shard::{ShardRange, Sharder, md5_hex};
use super::time;
use super::value::{AssignmentValue, VariationType};
use crate::compat::growthbook::js;
use crate::compat::growthbook::pattern::Budget;

/// The flags of an environment, for servers or (with hidden names and values) for clients.
///
/// ```
/// use expt_assign::compat::eppo::{AssignmentValue, Flags, VariationType};
/// use expt_core::Timestamp;
///
/// let flags = Flags::from_json(r#"{"flags": {"button": {
///     "key": "button", "enabled": true, "variationType": "STRING", "totalShards": 10000,
///     "variations": {"green": {"key": "green", "value": "green"}},
///     "allocations": [{"key": "half", "doLog": true, "splits": [{"variationKey": "green", "shards": [
///         {"salt": "button-salt", "ranges": [{"start": 0, "end": 5000}]}
///     ]}]}]
/// }}}"#)?;
/// let (now, attributes) = (Timestamp::from_micros(0), Default::default());
/// let button = flags.evaluate("button", "u-1", &attributes, VariationType::String, now)?;
/// assert_eq!(button.value, &AssignmentValue::String("green".into()));
/// assert!(flags.evaluate("button", "u-2", &attributes, VariationType::String, now).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Flags {
    environment: Option<String>,
    pub(super) obfuscated: bool,
    /// Nothing for a flag that this crate cannot read.
    pub(super) flags: HashMap<String, Option<Flag>>,
}

impl Flags {
    /// Reads a configuration. Unknown fields are ignored; a flag that cannot be read gives nobody anything,
    /// and a condition that cannot be read matches nobody, without harm to the others.
    ///
    /// # Errors
    /// [`EppoError::Json`] for text that is not a configuration, [`EppoError::Patterns`] for regular
    /// expressions that are too large.
    pub fn from_json(text: &str) -> Result<Self, EppoError> {
        let wire: FlagsWire = serde_json::from_str(text)?;
        let obfuscated = wire.format.as_deref() == Some("CLIENT");
        let mut budget = Budget::default();
        let mut flags = HashMap::with_capacity(wire.flags.len());
        for (key, flag) in wire.flags {
            let flag = match FlagWire::deserialize(&flag) {
                Ok(flag) => Flag::compile(flag, obfuscated, &mut budget)?,
                Err(_) => None,
            };
            flags.insert(key, flag);
        }
        Ok(Self { environment: wire.environment.map(|environment| environment.name), obfuscated, flags })
    }

    /// The environment that the flags belong to.
    #[must_use]
    pub fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// What a flag gives a subject. `expected` may be nothing, or the type that the flag must have.
    ///
    /// # Errors
    /// Why it gives nothing; then the caller's default value is to be used.
    pub fn evaluate(
        &self,
        flag_key: &str,
        subject_key: &str,
        attributes: &Map<String, Value>,
        expected: impl Into<Option<VariationType>>,
        now: Timestamp,
    ) -> Result<Assignment<'_>, NoAssignment> {
        let flag = self.usable(flag_key, expected.into())?;
        flag.evaluate(&Subject::new(subject_key, attributes), now)
    }

    /// What [`Flags::evaluate`] says, with what the SDK calls evaluation details.
    #[must_use]
    pub fn explain<'a>(
        &'a self,
        flag_key: &str,
        subject_key: &str,
        attributes: &Map<String, Value>,
        expected: impl Into<Option<VariationType>>,
        now: Timestamp,
    ) -> Evaluation<'a> {
        match self.usable(flag_key, expected.into()) {
            Ok(flag) => flag.explain(&Subject::new(subject_key, attributes), now),
            Err(reason) => Evaluation::nothing(flag_key, self.flag(flag_key), reason),
        }
    }

    fn usable(&self, key: &str, expected: Option<VariationType>) -> Result<&Flag, NoAssignment> {
        let found = if self.obfuscated { self.flags.get(&md5_hex(key)) } else { self.flags.get(key) };
        let flag = found.ok_or(NoAssignment::FlagUnrecognizedOrDisabled)?;
        let flag = flag.as_ref().ok_or(NoAssignment::Misconfigured)?;
        match expected {
            Some(expected) if expected != flag.variation_type => {
                Err(NoAssignment::TypeMismatch { found: flag.variation_type, expected })
            }
            _ if !flag.enabled => Err(NoAssignment::FlagUnrecognizedOrDisabled),
            _ => Ok(flag),
        }
    }

    fn flag(&self, key: &str) -> Option<&Flag> {
        let found = if self.obfuscated { self.flags.get(&md5_hex(key)) } else { self.flags.get(key) };
        found?.as_ref()
    }
}

/// A flag, compiled.
#[derive(Debug, Clone)]
pub(super) struct Flag {
    pub(super) enabled: bool,
    pub(super) variation_type: VariationType,
    pub(super) total_shards: u32,
    pub(super) variations: Vec<Variation>,
    pub(super) allocations: Vec<Allocation>,
}

#[derive(Debug, Clone)]
pub(super) struct Variation {
    pub(super) key: String,
    /// As the configuration has it.
    pub(super) raw: Value,
    /// Nothing if it is not of the type of the flag.
    pub(super) value: Option<AssignmentValue>,
}

#[derive(Debug, Clone)]
pub(super) struct Allocation {
    pub(super) key: String,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
    pub(super) rules: Vec<Rule>,
    pub(super) splits: Vec<Split>,
    pub(super) do_log: bool,
}

/// Conditions that must all match; one that is nothing never does.
#[derive(Debug, Clone)]
pub(super) struct Rule(pub(super) Vec<Option<Condition>>);

#[derive(Debug, Clone)]
pub(super) struct Split {
    pub(super) variation_key: String,
    /// Its index, if there is one of that key.
    pub(super) variation: Option<usize>,
    pub(super) shards: Vec<Shard>,
    pub(super) extra_logging: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
pub(super) struct Shard {
    pub(super) salt: String,
    pub(super) sharder: Sharder,
    pub(super) ranges: Vec<ShardRange>,
}

impl Flag {
    /// Nothing if a time in it cannot be read.
    fn compile(wire: FlagWire, obfuscated: bool, budget: &mut Budget) -> Result<Option<Self>, EppoError> {
        let plain = |text: String| if obfuscated { decode_base64(&text) } else { text };
        let mut variations = Vec::new();
        let mut indices = HashMap::new();
        for variation in wire.variations.into_values() {
            let key = plain(variation.key);
            let raw = if obfuscated { decode(variation.value, wire.variation_type) } else { variation.value };
            let value = AssignmentValue::of(&raw, wire.variation_type);
            indices.insert(key.clone(), variations.len());
            variations.push(Variation { key, raw, value });
        }
        let mut allocations = Vec::new();
        for allocation in wire.allocations {
            let moment = |text: Option<String>| match text.filter(|text| !text.is_empty()) {
                Some(text) => time::parse(&plain(text)).map(Some),
                None => Some(None),
            };
            let (Some(start), Some(end)) = (moment(allocation.start_at), moment(allocation.end_at)) else {
                return Ok(None);
            };
            let mut rules = Vec::new();
            for rule in allocation.rules.unwrap_or_default() {
                let conditions =
                    rule.conditions.iter().map(|source| Condition::compile(source, obfuscated, budget));
                rules.push(Rule(conditions.collect::<Result<_, _>>()?));
            }
            let split = |split: SplitWire| {
                let variation_key = plain(split.variation_key);
                let shard = |shard: ShardWire| {
                    let salt = plain(shard.salt);
                    Shard { sharder: Sharder::new(&salt), salt, ranges: shard.ranges }
                };
                let logging = split.extra_logging.unwrap_or_default().into_iter();
                Split {
                    variation: indices.get(&variation_key).copied(),
                    variation_key,
                    shards: split.shards.into_iter().map(shard).collect(),
                    extra_logging: logging.map(|(key, value)| (plain(key), plain(value))).collect(),
                }
            };
            allocations.push(Allocation {
                key: plain(allocation.key),
                start,
                end,
                rules,
                splits: allocation.splits.into_iter().map(split).collect(),
                do_log: allocation.do_log.unwrap_or(true),
            });
        }
        let Ok(total_shards) = u32::try_from(wire.total_shards) else {
            return Ok(None);
        };
        let (enabled, variation_type) = (wire.enabled, wire.variation_type);
        Ok(Some(Self { enabled, variation_type, total_shards, variations, allocations }))
    }
}

/// The value that a hidden one stands for.
fn decode(value: Value, variation_type: VariationType) -> Value {
    let Value::String(text) = value else {
        return value;
    };
    let text = decode_base64(&text);
    match variation_type {
        VariationType::Integer | VariationType::Numeric => Value::from(js::text_number(&text)),
        VariationType::Boolean => Value::from(text == "true"),
        VariationType::String | VariationType::Json => Value::from(text),
    }
}

#[derive(Deserialize)]
struct FlagsWire {
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    environment: Option<EnvironmentWire>,
    flags: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct EnvironmentWire {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FlagWire {
    enabled: bool,
    variation_type: VariationType,
    variations: BTreeMap<String, VariationWire>,
    allocations: Vec<AllocationWire>,
    total_shards: u64,
}

#[derive(Deserialize)]
struct VariationWire {
    key: String,
    value: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AllocationWire {
    key: String,
    rules: Option<Vec<RuleWire>>,
    start_at: Option<String>,
    end_at: Option<String>,
    splits: Vec<SplitWire>,
    do_log: Option<bool>,
}

#[derive(Deserialize)]
struct RuleWire {
    conditions: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SplitWire {
    variation_key: String,
    shards: Vec<ShardWire>,
    extra_logging: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct ShardWire {
    salt: String,
    ranges: Vec<ShardRange>,
}
