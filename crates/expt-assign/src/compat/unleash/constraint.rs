//! Constraints on the context.

use std::cmp::Ordering;

use regex::Regex;
use semver::Version;

use super::cidr::Network;
use super::context::Context;
use super::error::Error;
use super::pattern::Budget;
use super::{text, wire};

/// A constraint, ready to be checked; one that the SDKs do not know is never met.
#[derive(Debug)]
pub(super) struct Constraint {
    name: String,
    inverted: bool,
    test: Option<Test>,
}

#[derive(Debug)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Text { how: How, values: Vec<String>, ignore_case: bool },
    Number { how: fn(Ordering) -> bool, value: f64 },
    Date { how: fn(Ordering) -> bool, value: Option<i64> },
    Semver { how: fn(Ordering) -> bool, value: Option<Version> },
    Regex(Option<Regex>),
    Cidr(Vec<Network>),
}

#[derive(Debug, Clone, Copy)]
enum How {
    StartsWith,
    EndsWith,
    Contains,
}

impl Constraint {
    /// Null where a constraint should be is one that is never met.
    pub(super) fn compile(constraint: Option<wire::Constraint>, budget: &mut Budget) -> Result<Self, Error> {
        let Some(constraint) = constraint else {
            return Ok(Self { name: String::new(), inverted: false, test: None });
        };
        let test = compile(&constraint, budget)?;
        Ok(Self { name: constraint.context_name, inverted: constraint.inverted, test })
    }

    pub(super) fn holds(&self, context: &Context) -> bool {
        self.test.as_ref().is_some_and(|test| test.holds(context.value(&self.name), context) != self.inverted)
    }
}

impl Test {
    fn holds(&self, actual: Option<&str>, context: &Context) -> bool {
        let listed =
            |values: &[String]| actual.is_some_and(|actual| values.iter().any(|value| value == actual));
        match self {
            Self::In(values) => listed(values),
            Self::NotIn(values) => !listed(values),
            Self::Text { how, values, ignore_case } => actual.is_some_and(|actual| {
                let lower = ignore_case.then(|| actual.to_lowercase());
                how.any(lower.as_deref().unwrap_or(actual), values)
            }),
            Self::Number { how, value } => {
                actual.and_then(|actual| text::number(actual).partial_cmp(value)).is_some_and(how)
            }
            Self::Date { how, value } => {
                let time = match &context.current_time {
                    Some(time) => text::millis(time),
                    None => context.now.map(|now| now.as_micros().div_euclid(1000)),
                };
                time.zip(*value).is_some_and(|(time, value)| how(time.cmp(&value)))
            }
            Self::Semver { how, value } => {
                let actual = actual.and_then(version);
                actual.zip(value.as_ref()).is_some_and(|(actual, value)| how(actual.cmp_precedence(value)))
            }
            Self::Regex(regex) => {
                actual.zip(regex.as_ref()).is_some_and(|(actual, regex)| regex.is_match(actual))
            }
            Self::Cidr(networks) => actual
                .and_then(Network::parse)
                .is_some_and(|actual| networks.iter().any(|network| network.contains(&actual))),
        }
    }
}

impl How {
    fn any(self, actual: &str, values: &[String]) -> bool {
        values.iter().any(|value| match self {
            Self::StartsWith => actual.starts_with(value.as_str()),
            Self::EndsWith => actual.ends_with(value.as_str()),
            Self::Contains => actual.contains(value.as_str()),
        })
    }
}

fn compile(constraint: &wire::Constraint, budget: &mut Budget) -> Result<Option<Test>, Error> {
    let texts = || -> Vec<String> {
        let filled =
            constraint.values.iter().filter_map(|value| value.0.as_deref()).filter(|text| !text.is_empty());
        filled.map(|text| text.trim().to_owned()).collect()
    };
    let strings = |how| {
        let ignore_case = constraint.case_insensitive;
        let lower = |value: String| if ignore_case { value.to_lowercase() } else { value };
        Test::Text { how, values: texts().into_iter().map(lower).collect(), ignore_case }
    };
    let value = constraint.value.0.as_deref();
    let number = |how| Test::Number { how, value: value.map_or(f64::NAN, text::number) };
    let semver = |how| Test::Semver { how, value: value.and_then(version) };
    let date = |how| Test::Date { how, value: value.and_then(text::millis) };
    Ok(Some(match constraint.operator.as_str() {
        "IN" => Test::In(texts()),
        "NOT_IN" => Test::NotIn(texts()),
        "STR_STARTS_WITH" => strings(How::StartsWith),
        "STR_ENDS_WITH" => strings(How::EndsWith),
        "STR_CONTAINS" => strings(How::Contains),
        "NUM_EQ" => number(Ordering::is_eq),
        "NUM_GT" => number(Ordering::is_gt),
        "NUM_GTE" => number(Ordering::is_ge),
        "NUM_LT" => number(Ordering::is_lt),
        "NUM_LTE" => number(Ordering::is_le),
        "DATE_AFTER" => date(Ordering::is_gt),
        "DATE_BEFORE" => date(Ordering::is_lt),
        "SEMVER_EQ" => semver(Ordering::is_eq),
        "SEMVER_GT" => semver(Ordering::is_gt),
        "SEMVER_GTE" => semver(Ordering::is_ge),
        "SEMVER_LT" => semver(Ordering::is_lt),
        "SEMVER_LTE" => semver(Ordering::is_le),
        "REGEX" => Test::Regex(match value {
            Some(pattern) => budget.compile(pattern, constraint.case_insensitive)?,
            None => None,
        }),
        "IN_CIDR" => Test::Cidr(texts().iter().filter_map(|text| Network::parse(text)).collect()),
        _ => return Ok(None),
    }))
}

/// A strict version; a leading `v` is none.
fn version(text: &str) -> Option<Version> {
    (text.len() <= MAX_VERSION).then(|| Version::parse(text.trim()).ok()).flatten()
}

const MAX_VERSION: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    /// `name operator value(s)` on a context that has one property `p`.
    fn check(json: &str, actual: Option<&str>, expected: bool) {
        let wire: wire::Constraint = serde_json::from_str(json).unwrap();
        let constraint = Constraint::compile(Some(wire), &mut Budget::after(0)).unwrap();
        let properties = [("p".to_owned(), actual.map(str::to_owned))].into();
        let context = Context { properties, ..Context::default() };
        assert_eq!(constraint.holds(&context), expected, "{json} on {actual:?}");
    }

    /// By the rules of the Node SDK (`strategy.ts`).
    #[test]
    fn lists_and_strings() {
        let json = r#"{"contextName": "p", "operator": "IN", "values": [" a ", "", null, 7]}"#;
        check(json, Some("a"), true);
        check(json, Some(" a "), false);
        check(json, Some("7"), true);
        check(json, Some(""), false);
        check(json, None, false);
        check(r#"{"contextName": "p", "operator": "NOT_IN", "values": ["a"]}"#, None, true);
        check(
            r#"{"contextName": "p", "operator": "NOT_IN", "values": ["a"], "inverted": true}"#,
            Some("a"),
            true,
        );
        let json =
            r#"{"contextName": "p", "operator": "STR_ENDS_WITH", "values": ["ÄB"], "caseInsensitive": true}"#;
        check(json, Some("xäb"), true);
        check(json, None, false);
        check(r#"{"contextName": "p", "operator": "STR_CONTAINS", "values": ["A"]}"#, Some("xax"), false);
        check(r#"{"contextName": "p", "operator": "STR_CONTAINS", "inverted": true}"#, None, true);
    }

    #[test]
    fn numbers_and_versions() {
        check(r#"{"contextName": "p", "operator": "NUM_EQ", "value": "12.0"}"#, Some("12"), true);
        check(r#"{"contextName": "p", "operator": "NUM_GTE", "value": 12}"#, Some("12"), true);
        check(r#"{"contextName": "p", "operator": "NUM_LT", "value": "x"}"#, Some("12"), false);
        check(
            r#"{"contextName": "p", "operator": "NUM_LT", "value": "x", "inverted": true}"#,
            Some("12"),
            true,
        );
        check(r#"{"contextName": "p", "operator": "SEMVER_GT", "value": "1.0.0-beta"}"#, Some("1.0.0"), true);
        check(r#"{"contextName": "p", "operator": "SEMVER_EQ", "value": "1.0.0+a"}"#, Some("1.0.0+b"), true);
        check(r#"{"contextName": "p", "operator": "SEMVER_EQ", "value": "v1.0.0"}"#, Some("v1.0.0"), false);
        check(r#"{"contextName": "p", "operator": "SEMVER_EQ", "value": "1.0"}"#, Some("1.0"), false);
    }

    #[test]
    fn patterns_ranges_and_the_unknown() {
        check(r#"{"contextName": "p", "operator": "REGEX", "value": "(a"}"#, Some("(a"), false);
        check(r#"{"contextName": "p", "operator": "REGEX"}"#, Some(""), false);
        check(r#"{"contextName": "p", "operator": "REGEX", "value": "^a.c$"}"#, Some("abc"), true);
        check(
            r#"{"contextName": "p", "operator": "IN_CIDR", "values": ["x", "10.0.0.0/8"]}"#,
            Some("10.9.8.7"),
            true,
        );
        check(
            r#"{"contextName": "p", "operator": "IN_CIDR", "values": ["10.0.0.0/8"]}"#,
            Some("11.9.8.7"),
            false,
        );
        check(r#"{"contextName": "p", "operator": "SOMETHING_NEW", "inverted": true}"#, Some("a"), false);
    }

    #[test]
    fn dates() {
        let wire =
            serde_json::from_str(r#"{"operator": "DATE_AFTER", "value": "2022-01-29T13:00:00Z"}"#).unwrap();
        let constraint = Constraint::compile(Some(wire), &mut Budget::after(0)).unwrap();
        let at = |time: &str| Context { current_time: Some(time.to_owned()), ..Context::default() };
        assert!(constraint.holds(&at("2022-01-29T13:00:00.001Z")));
        assert!(!constraint.holds(&at("2022-01-29T13:00:00.000Z")));
        assert!(!constraint.holds(&at("tomorrow")));
        assert!(!constraint.holds(&Context::default()));
        let now = Some("2022-01-30T00:00:00Z".parse().unwrap());
        assert!(constraint.holds(&Context { now, ..Context::default() }));
    }
}
