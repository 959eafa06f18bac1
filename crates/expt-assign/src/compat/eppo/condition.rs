//! What an attribute must be for a rule to match.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use regex::Regex;
use semver::Version;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::EppoError;
use super::obfuscation::decode_base64;
use super::shard::md5_hex;
use crate::compat::growthbook::js;
use crate::compat::growthbook::pattern::Budget;

/// Who is asked about.
pub(super) struct Subject<'a> {
    pub(super) key: &'a str,
    attributes: &'a Map<String, Value>,
    /// The attributes by the digests of their names, for configurations that hide these.
    hidden: OnceCell<HashMap<String, Attribute<'a>>>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(key: &'a str, attributes: &'a Map<String, Value>) -> Self {
        Self { key, attributes, hidden: OnceCell::new() }
    }

    /// An attribute; `id` is the key of the subject, unless there is an attribute of that name.
    fn attribute(&self, name: &str, obfuscated: bool) -> Option<Attribute<'a>> {
        if obfuscated {
            return self.hidden.get_or_init(|| self.hide()).get(name).copied();
        }
        match self.attributes.get(name) {
            Some(value) => Some(Attribute::Value(value)),
            None => (name == "id").then_some(Attribute::Key(self.key)),
        }
    }

    fn hide(&self) -> HashMap<String, Attribute<'a>> {
        let id = (md5_hex("id"), Attribute::Key(self.key));
        let hidden = |(name, value): (&String, &'a Value)| (md5_hex(name), Attribute::Value(value));
        std::iter::once(id).chain(self.attributes.iter().map(hidden)).collect()
    }
}

#[derive(Debug, Clone, Copy)]
enum Attribute<'a> {
    Key(&'a str),
    Value(&'a Value),
}

impl<'a> Attribute<'a> {
    fn is_null(self) -> bool {
        matches!(self, Self::Value(Value::Null))
    }

    fn as_str(self) -> Option<&'a str> {
        match self {
            Self::Key(key) => Some(key),
            Self::Value(value) => value.as_str(),
        }
    }

    /// Numbers, and texts that are one.
    fn to_number(self) -> Option<f64> {
        match self {
            Self::Value(Value::Number(number)) => number.as_f64(),
            _ => self.as_str()?.parse().ok(),
        }
    }

    /// Texts, numbers, and truth values.
    fn to_text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Key(key) => Some(key.into()),
            Self::Value(Value::Null | Value::Array(_) | Value::Object(_)) => None,
            Self::Value(value) => Some(js::text(value)),
        }
    }
}

/// A condition of a rule, compiled.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) attribute: String,
    obfuscated: bool,
    pub(super) check: Check,
}

#[derive(Debug, Clone)]
pub(super) enum Check {
    Version { relation: Relation, expected: Version },
    Number { relation: Relation, expected: f64 },
    Matches { pattern: Regex, expected: bool },
    OneOf { values: HashSet<String>, expected: bool },
    IsNull { expected: bool },
}

impl Condition {
    /// Nothing if the condition has a form that no subject can match.
    pub(super) fn compile(
        source: &Value,
        obfuscated: bool,
        budget: &mut Budget,
    ) -> Result<Option<Self>, EppoError> {
        let Ok(wire) = ConditionWire::deserialize(source) else {
            return Ok(None);
        };
        let Some(operator) = Operator::named(&wire.operator, obfuscated) else {
            return Ok(None);
        };
        // The text of an expected value.
        let text = || match &wire.value {
            Value::String(text) if obfuscated => Some(decode_base64(text)),
            Value::String(text) => Some(text.clone()),
            _ => None,
        };
        let check = match operator {
            Operator::Compare(relation) => {
                let text = text();
                let version = text.as_deref().and_then(|text| Version::parse(text).ok());
                let number = || match text.as_deref() {
                    Some(text) => text.parse().ok(),
                    None => wire.value.as_f64(),
                };
                match version {
                    Some(expected) => Some(Check::Version { relation, expected }),
                    None => number().map(|expected| Check::Number { relation, expected }),
                }
            }
            Operator::Matches(expected) => match text() {
                Some(text) => budget
                    .compile(&text, false)
                    .map_err(|_| EppoError::Patterns)?
                    .map(|pattern| Check::Matches { pattern, expected }),
                None => None,
            },
            Operator::OneOf(expected) => {
                HashSet::deserialize(&wire.value).ok().map(|values| Check::OneOf { values, expected })
            }
            Operator::IsNull => match &wire.value {
                Value::String(digest) if obfuscated => {
                    Some(Check::IsNull { expected: *digest == md5_hex("true") })
                }
                value => value.as_bool().map(|expected| Check::IsNull { expected }),
            },
        };
        Ok(check.map(|check| Self { attribute: wire.attribute, obfuscated, check }))
    }

    pub(super) fn matches(&self, subject: &Subject<'_>) -> bool {
        let attribute = subject.attribute(&self.attribute, self.obfuscated);
        self.check.holds(attribute, self.obfuscated).unwrap_or(false)
    }
}

impl Check {
    /// Nothing if the attribute cannot be compared.
    fn holds(&self, attribute: Option<Attribute<'_>>, obfuscated: bool) -> Option<bool> {
        Some(match self {
            Self::Version { relation, expected } => {
                let version = Version::parse(attribute?.as_str()?).ok()?;
                relation.holds(version.cmp_precedence(expected))
            }
            Self::Number { relation, expected } => {
                relation.holds(attribute?.to_number()?.partial_cmp(expected)?)
            }
            Self::Matches { pattern, expected } => pattern.is_match(&attribute?.to_text()?) == *expected,
            Self::OneOf { values, expected } => {
                let text = attribute?.to_text()?;
                let found =
                    if obfuscated { values.contains(&md5_hex(&text)) } else { values.contains(&*text) };
                found == *expected
            }
            Self::IsNull { expected } => attribute.is_none_or(Attribute::is_null) == *expected,
        })
    }
}

#[derive(Debug, Clone, Copy)]
enum Operator {
    Compare(Relation),
    Matches(bool),
    OneOf(bool),
    IsNull,
}

impl Operator {
    fn named(name: &str, obfuscated: bool) -> Option<Self> {
        OPERATORS
            .iter()
            .find(|(plain, _)| if obfuscated { md5_hex(plain) == name } else { *plain == name })
            .map(|(_, operator)| *operator)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Relation {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    fn holds(self, compared: Ordering) -> bool {
        match self {
            Self::Less => compared.is_lt(),
            Self::LessOrEqual => compared.is_le(),
            Self::Greater => compared.is_gt(),
            Self::GreaterOrEqual => compared.is_ge(),
        }
    }
}

#[derive(Deserialize)]
struct ConditionWire {
    attribute: String,
    operator: String,
    value: Value,
}

const OPERATORS: [(&str, Operator); 9] = [
    ("ONE_OF", Operator::OneOf(true)),
    ("NOT_ONE_OF", Operator::OneOf(false)),
    ("MATCHES", Operator::Matches(true)),
    ("NOT_MATCHES", Operator::Matches(false)),
    ("GTE", Operator::Compare(Relation::GreaterOrEqual)),
    ("GT", Operator::Compare(Relation::Greater)),
    ("LTE", Operator::Compare(Relation::LessOrEqual)),
    ("LT", Operator::Compare(Relation::Less)),
    ("IS_NULL", Operator::IsNull),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(operator: &str, expected: &Value, attributes: &Value) -> bool {
        let source = json!({"attribute": "a", "operator": operator, "value": expected});
        let Some(condition) = Condition::compile(&source, false, &mut Budget::default()).unwrap() else {
            return false;
        };
        condition.matches(&Subject::new("me", attributes.as_object().unwrap()))
    }

    /// The unit tests of `eppo_core` 10 (`eval_rules.rs`) say the same of each.
    #[test]
    fn operators() {
        assert!(matches("MATCHES", &json!("^test.*"), &json!({"a": "test@example.com"})));
        assert!(!matches("NOT_MATCHES", &json!("^test.*"), &json!({})));
        assert!(matches("ONE_OF", &json!(["42"]), &json!({"a": 42})));
        assert!(matches("ONE_OF", &json!(["true"]), &json!({"a": true})));
        assert!(!matches("NOT_ONE_OF", &json!(["alice"]), &json!({})));
        assert!(matches("IS_NULL", &json!(true), &json!({"a": null})));
        assert!(matches("GTE", &json!("1.5.0"), &json!({"a": "1.13.0"})));
        assert!(matches("GT", &json!("9"), &json!({"a": "10"})));
        assert!(!matches("GT", &json!("9"), &json!({"a": true})));
        assert!(!matches("LT", &json!("ten"), &json!({"a": 1})));
        assert!(!matches("MATCHES", &json!("("), &json!({"a": "("})));
    }
}
