//! The rules of the older configuration, which have JavaScript's conversions.

use std::cmp::Ordering;
use std::collections::HashSet;

use regex::Regex;
use semver::Version;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::EppoError;
use crate::compat::growthbook::js;
use crate::compat::growthbook::pattern::Budget;

/// A rule, compiled.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) allocation_key: String,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone)]
struct Condition {
    attribute: String,
    check: Check,
}

#[derive(Debug, Clone)]
enum Check {
    Version {
        accept: Accept,
        expected: Version,
    },
    Number {
        accept: Accept,
        expected: f64,
    },
    Matches(Regex),
    OneOf {
        values: HashSet<String>,
        expected: bool,
    },
    /// The SDK throws an exception.
    Throws,
    Never,
}

/// Which orders a comparison accepts.
type Accept = fn(Ordering) -> bool;

impl Rule {
    pub(super) fn compile(wire: RuleWire, budget: &mut Budget) -> Result<Self, EppoError> {
        let condition = |wire: ConditionWire| {
            let check = Check::compile(&wire.operator, &wire.value, budget)?;
            Ok::<_, EppoError>(Condition { attribute: wire.attribute, check })
        };
        let conditions = wire.conditions.into_iter().map(condition).collect::<Result<_, _>>()?;
        Ok(Self { allocation_key: wire.allocation_key, conditions })
    }

    /// Whether all conditions hold; nothing if the SDK throws an exception, for which it evaluates them all.
    pub(super) fn matches(&self, attributes: &Map<String, Value>) -> Option<bool> {
        self.conditions.iter().try_fold(true, |all, condition| {
            let value = attributes.get(&condition.attribute).filter(|value| !value.is_null());
            Some(match value {
                Some(value) => condition.check.holds(value)? && all,
                None => false,
            })
        })
    }
}

impl Check {
    fn compile(operator: &str, expected: &Value, budget: &mut Budget) -> Result<Self, EppoError> {
        let accept: Accept = match operator {
            "GTE" => Ordering::is_ge,
            "GT" => Ordering::is_gt,
            "LTE" => Ordering::is_le,
            "LT" => Ordering::is_lt,
            "MATCHES" => {
                let pattern = js::text(expected);
                let regex = budget.javascript(&pattern, false).map_err(|_| EppoError::Patterns)?;
                return Ok(regex.map_or(Self::Throws, Self::Matches));
            }
            "ONE_OF" | "NOT_ONE_OF" => {
                let lower = |value: &Value| value.as_str().map(str::to_lowercase);
                let values = expected.as_array().and_then(|list| list.iter().map(lower).collect());
                let expected = operator == "ONE_OF";
                return Ok(values.map_or(Self::Throws, |values| Self::OneOf { values, expected }));
            }
            _ => return Ok(Self::Never),
        };
        Ok(match version(expected) {
            Some(expected) => Self::Version { accept, expected },
            None => Self::Number { accept, expected: js::number(expected) },
        })
    }

    fn holds(&self, value: &Value) -> Option<bool> {
        Some(match self {
            Self::Version { accept, expected } => {
                version(value).is_some_and(|version| accept(version.cmp_precedence(expected)))
            }
            Self::Number { accept, expected } => js::number(value).partial_cmp(expected).is_some_and(accept),
            Self::Matches(regex) => regex.is_match(&js::text(value)),
            Self::OneOf { values, expected } => values.contains(&js::text(value).to_lowercase()) == *expected,
            Self::Throws => return None,
            Self::Never => false,
        })
    }
}

/// A version as Node's `semver` reads it: spaces around it and a leading `v` do not count.
fn version(value: &Value) -> Option<Version> {
    let text = value.as_str()?.trim();
    Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleWire {
    allocation_key: String,
    conditions: Vec<ConditionWire>,
}

#[derive(Deserialize)]
struct ConditionWire {
    attribute: String,
    operator: String,
    #[serde(default)]
    value: Value,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// From Eppo-exp/js-sdk-common before 3.0, `src/rule_evaluator.ts`, under Node 20.
    #[test]
    fn javascript_conversions() {
        let check = |operator: &str, expected: Value, attribute: Value| {
            let wire = json!({"allocationKey": "a", "conditions": [
                {"attribute": "x", "operator": operator, "value": expected}
            ]});
            let rule = Rule::compile(RuleWire::deserialize(wire).unwrap(), &mut Budget::default()).unwrap();
            rule.matches(json!({"x": attribute}).as_object().unwrap())
        };
        assert_eq!(check("ONE_OF", json!(["iOS"]), json!("IOS")), Some(true));
        assert_eq!(check("NOT_ONE_OF", json!(["iOS"]), json!(null)), Some(false));
        assert_eq!(check("GT", json!("1.2.0"), json!("v1.10.0")), Some(true));
        assert_eq!(check("GTE", json!(1), json!(true)), Some(true));
        assert_eq!(check("LT", json!("1"), json!("")), Some(true));
        assert_eq!(check("LT", json!("one"), json!(0)), Some(false));
        assert_eq!(check("MATCHES", json!("("), json!("(")), None);
        assert_eq!(check("IS_NULL", json!(true), json!(1)), Some(false));
    }
}
