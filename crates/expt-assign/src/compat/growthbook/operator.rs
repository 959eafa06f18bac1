//! What one attribute is tested for.

use std::cmp::Ordering;

use regex::Regex;
use serde_json::Value;

use super::condition::{Clauses, DEEPEST, Fault, Subject, is_operators};
use super::error::GrowthBookError;
use super::js;
use super::members::{Members, SavedGroups, items};
use super::pattern::Budget;
use super::version::padded;

/// What a value is compared with.
#[derive(Debug, Clone)]
pub(super) enum Test {
    Text(String),
    /// In lower case.
    Folded(String),
    Number(f64),
    Bool(bool),
    Null,
    Json(Value),
    Operators(Vec<Operator>),
}

/// One operator and what it expects.
#[derive(Debug, Clone)]
pub(super) enum Operator {
    Version { relation: Relation, expected: String, source: Value },
    Order { relation: Relation, expected: Value },
    Same { expected: Value, negated: bool },
    Exists(bool),
    In { members: Members, negated: bool },
    Group { key: String, negated: bool },
    Not(Test),
    Size(Test),
    ElementTest(Test),
    ElementClauses(Clauses),
    All(Vec<Test>),
    Matches(Regex),
    Type(String),
    Never,
}

/// How a comparison must come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Test {
    pub(super) fn compile(
        expected: &Value,
        insensitive: bool,
        budget: &mut Budget,
        depth: usize,
    ) -> Result<Self, Fault> {
        if depth > DEEPEST {
            return Err(GrowthBookError::Depth { allowed: DEEPEST }.into());
        }
        Ok(match expected {
            Value::String(text) if insensitive => Self::Folded(text.to_lowercase()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Number(_) => Self::Number(js::number(expected)),
            Value::Bool(expected) => Self::Bool(*expected),
            Value::Null => Self::Null,
            Value::Object(entries) if is_operators(entries) => {
                Self::Operators(Self::operators(entries, budget, depth)?)
            }
            Value::Array(_) | Value::Object(_) => Self::Json(expected.clone()),
        })
    }

    pub(super) fn matches(&self, actual: &Value, groups: &SavedGroups) -> bool {
        match self {
            Self::Text(expected) => *js::text(actual) == **expected,
            Self::Folded(expected) => js::text(actual).to_lowercase() == *expected,
            Self::Number(expected) => js::number(actual).partial_cmp(expected) == Some(Ordering::Equal),
            Self::Bool(expected) => !actual.is_null() && js::truthy(actual) == *expected,
            Self::Null => actual.is_null(),
            Self::Json(expected) => js::same_json(actual, expected),
            Self::Operators(operators) => operators.iter().all(|operator| operator.holds(actual, groups)),
        }
    }
}

impl Operator {
    pub(super) fn compile(
        name: &str,
        expected: &Value,
        budget: &mut Budget,
        depth: usize,
    ) -> Result<Self, Fault> {
        let depth = depth + 1;
        if let Some(relation) = name.strip_prefix("$v").and_then(Relation::named) {
            return Ok(Self::Version { relation, expected: padded(expected), source: expected.clone() });
        }
        Ok(match (name, expected) {
            ("$eq" | "$ne", _) => Self::Same { expected: expected.clone(), negated: name == "$ne" },
            ("$gt" | "$gte" | "$lt" | "$lte", _) => match name.strip_prefix('$').and_then(Relation::named) {
                Some(relation) => Self::Order { relation, expected: expected.clone() },
                None => Self::Never,
            },
            ("$exists", _) => Self::Exists(js::truthy(expected)),
            ("$in" | "$nin" | "$ini" | "$nini", Value::Array(list)) => Self::In {
                members: Members::new(list, name.ends_with("ini")),
                negated: name.starts_with("$n"),
            },
            ("$inGroup" | "$notInGroup", _) => {
                Self::Group { key: js::text(expected).into_owned(), negated: name == "$notInGroup" }
            }
            ("$not", _) => Self::Not(Test::compile(expected, false, budget, depth)?),
            ("$size", _) => Self::Size(Test::compile(expected, false, budget, depth)?),
            ("$elemMatch", Value::Object(entries)) if is_operators(entries) => {
                Self::ElementTest(Test::compile(expected, false, budget, depth)?)
            }
            ("$elemMatch", _) => Self::ElementClauses(Clauses::compile(expected, budget, depth)?),
            ("$all" | "$alli", Value::Array(list)) => {
                let insensitive = name == "$alli";
                let tests = list.iter().map(|item| Test::compile(item, insensitive, budget, depth));
                Self::All(tests.collect::<Result<_, _>>()?)
            }
            ("$regex" | "$regexi", Value::String(pattern)) => {
                budget.javascript(pattern, name == "$regexi")?.map_or(Self::Never, Self::Matches)
            }
            ("$type", Value::String(expected)) => Self::Type(expected.clone()),
            _ => Self::Never,
        })
    }

    pub(super) fn holds(&self, actual: &Value, groups: &SavedGroups) -> bool {
        match self {
            Self::Version { relation, expected, .. } => {
                relation.holds(Some(js::compare_text(&padded(actual), expected)))
            }
            Self::Order { relation, expected } => relation.holds(js::compare(actual, expected)),
            Self::Same { expected, negated } => js::same(actual, expected) != *negated,
            Self::Exists(expected) => actual.is_null() != *expected,
            Self::In { members, negated } => members.meet(actual) != *negated,
            Self::Group { key, negated } => groups.contain(key, actual) != *negated,
            Self::Not(test) => !test.matches(actual, groups),
            Self::Size(test) => {
                actual.as_array().is_some_and(|list| test.matches(&Value::from(list.len()), groups))
            }
            Self::ElementTest(test) => {
                items(actual).iter().any(|item| js::truthy(item) && test.matches(item, groups))
            }
            Self::ElementClauses(clauses) => items(actual)
                .iter()
                .any(|item| js::truthy(item) && clauses.match_(Subject::Object(item), groups)),
            Self::All(tests) => actual.as_array().is_some_and(|list| {
                tests.iter().all(|test| list.iter().any(|item| test.matches(item, groups)))
            }),
            Self::Matches(regex) => regex.is_match(&js::text(actual)),
            Self::Type(expected) => kind(actual) == expected,
            Self::Never => false,
        }
    }
}

impl Relation {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "eq" => Self::Equal,
            "ne" => Self::NotEqual,
            "lt" => Self::Less,
            "lte" => Self::LessOrEqual,
            "gt" => Self::Greater,
            "gte" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    /// Whether a comparison came out as it must; one that is not possible never does.
    pub(super) fn holds(self, compared: Option<Ordering>) -> bool {
        compared.is_some_and(|compared| match self {
            Self::Equal => compared.is_eq(),
            Self::NotEqual => compared.is_ne(),
            Self::Less => compared.is_lt(),
            Self::LessOrEqual => compared.is_le(),
            Self::Greater => compared.is_gt(),
            Self::GreaterOrEqual => compared.is_ge(),
        })
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
