//! Targeting conditions: which attributes pass.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::error::GrowthBookError;
use super::members::SavedGroups;
use super::operator::{Operator, Test};
use super::pattern::Budget;

/// A targeting condition, compiled.
///
/// What makes the SDK throw an exception, such as `{"$and": null}`, is a condition that nothing passes. The
/// order of an object's keys does not count where whole objects are compared.
///
/// ```
/// use expt_assign::compat::growthbook::{Condition, SavedGroups};
/// use serde_json::json;
///
/// let condition = Condition::from_value(&json!({"country": {"$in": ["DE", "FR"]}, "app": {"$vgte": "2.1"}}))?;
/// let groups = SavedGroups::default();
/// assert!(condition.matches(&json!({"country": "FR", "app": "2.10"}), &groups));
/// assert!(!condition.matches(&json!({"country": "FR", "app": "2.0"}), &groups));
/// # Ok::<(), expt_assign::compat::growthbook::GrowthBookError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Condition {
    source: Value,
    /// Nothing if evaluating it would throw.
    pub(super) clauses: Option<Clauses>,
}

impl Condition {
    /// Compiles a condition.
    ///
    /// # Errors
    /// [`GrowthBookError::Depth`] and [`GrowthBookError::Patterns`] for one that is too large.
    pub fn from_value(source: &Value) -> Result<Self, GrowthBookError> {
        Self::compile(source, &mut Budget::default())
    }

    /// Whether an object of attributes passes.
    #[must_use]
    pub fn matches(&self, attributes: &Value, groups: &SavedGroups) -> bool {
        self.matches_subject(Subject::Object(attributes), groups)
    }

    pub(super) fn compile(source: &Value, budget: &mut Budget) -> Result<Self, GrowthBookError> {
        let clauses = match Clauses::compile(source, budget, 0) {
            Ok(clauses) => Some(clauses),
            Err(Fault::Throws) => None,
            Err(Fault::Refused(error)) => return Err(error),
        };
        Ok(Self { source: source.clone(), clauses })
    }

    pub(super) fn matches_subject(&self, subject: Subject<'_>, groups: &SavedGroups) -> bool {
        self.clauses.as_ref().is_some_and(|clauses| clauses.match_(subject, groups))
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.source.serialize(serializer)
    }
}

/// What paths start from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    Object(&'a Value),
    /// An object whose only entry is `value`.
    Only(&'a Value),
}

/// Clauses that must all pass.
#[derive(Debug, Clone)]
pub(super) struct Clauses(pub(super) Vec<Clause>);

#[derive(Debug, Clone)]
pub(super) enum Clause {
    Any { of: Vec<Clauses>, expected: bool },
    All(Vec<Clauses>),
    Not(Clauses),
    Path { path: Vec<Box<str>>, test: Test },
}

/// Why a condition does not compile.
#[derive(Debug)]
pub(super) enum Fault {
    /// The SDK would throw an exception on it.
    Throws,
    Refused(GrowthBookError),
}

impl From<GrowthBookError> for Fault {
    fn from(error: GrowthBookError) -> Self {
        Self::Refused(error)
    }
}

impl Clauses {
    pub(super) fn compile(source: &Value, budget: &mut Budget, depth: usize) -> Result<Self, Fault> {
        if depth > DEEPEST {
            return Err(GrowthBookError::Depth { allowed: DEEPEST }.into());
        }
        let clauses = match source {
            Value::Null => return Err(Fault::Throws),
            // Without entries, for JavaScript.
            Value::Bool(_) | Value::Number(_) => Ok(Vec::new()),
            Value::Object(entries) => Self::entries(entries.iter(), budget, depth),
            // Their indices are the keys.
            Value::Array(items) => {
                let entries: Map<String, Value> =
                    items.iter().enumerate().map(|(index, item)| (index.to_string(), item.clone())).collect();
                Self::entries(entries.iter(), budget, depth)
            }
            Value::String(text) => {
                let letter =
                    |(index, letter): (usize, char)| (index.to_string(), Value::from(letter.to_string()));
                let entries: Map<String, Value> = text.chars().enumerate().map(letter).collect();
                Self::entries(entries.iter(), budget, depth)
            }
        };
        clauses.map(Self)
    }

    pub(super) fn match_(&self, subject: Subject<'_>, groups: &SavedGroups) -> bool {
        self.0.iter().all(|clause| match clause {
            Clause::Any { of, expected } => {
                let any = of.is_empty() || of.iter().any(|clauses| clauses.match_(subject, groups));
                any == *expected
            }
            Clause::All(of) => of.iter().all(|clauses| clauses.match_(subject, groups)),
            Clause::Not(clauses) => !clauses.match_(subject, groups),
            Clause::Path { path, test } => match lookup(subject, path) {
                Found::Value(value) => test.matches(value, groups),
                Found::Length(length) => test.matches(&Value::from(length), groups),
            },
        })
    }

    fn entries<'a>(
        entries: impl Iterator<Item = (&'a String, &'a Value)>,
        budget: &mut Budget,
        depth: usize,
    ) -> Result<Vec<Clause>, Fault> {
        let clause = |(key, value): (&'a String, &'a Value)| {
            Ok(match key.as_str() {
                "$or" => Clause::Any { of: Self::list(value, budget, depth)?, expected: true },
                "$nor" => Clause::Any { of: Self::list(value, budget, depth)?, expected: false },
                "$and" => Clause::All(Self::list(value, budget, depth)?),
                "$not" => Clause::Not(Self::compile(value, budget, depth + 1)?),
                path => Clause::Path {
                    path: path.split('.').map(Box::from).collect(),
                    test: Test::compile(value, false, budget, depth + 1)?,
                },
            })
        };
        entries.map(clause).collect()
    }

    /// The conditions of `$or` and its relatives; what has no length has none.
    fn list(source: &Value, budget: &mut Budget, depth: usize) -> Result<Vec<Self>, Fault> {
        match source {
            Value::Null => Err(Fault::Throws),
            Value::Array(items) => items.iter().map(|item| Self::compile(item, budget, depth + 1)).collect(),
            Value::String(text) => text
                .chars()
                .map(|letter| Self::compile(&Value::from(letter.to_string()), budget, depth + 1))
                .collect(),
            Value::Bool(_) | Value::Number(_) | Value::Object(_) => Ok(Vec::new()),
        }
    }
}

enum Found<'a> {
    Value(&'a Value),
    /// `length` of a list.
    Length(usize),
}

/// The value at a path; null if there is none.
fn lookup<'a>(subject: Subject<'a>, path: &[Box<str>]) -> Found<'a> {
    let (mut current, rest) = match (subject, path.split_first()) {
        (Subject::Object(object), _) => (object, path),
        (Subject::Only(value), Some((first, rest))) if **first == *"value" => (value, rest),
        (Subject::Only(_), _) => return Found::Value(&Value::Null),
    };
    let mut parts = rest.iter();
    while let Some(part) = parts.next() {
        current = match current {
            Value::Object(entries) => entries.get(&**part),
            Value::Array(items) if **part == *"length" => {
                // A number has no parts.
                let ended = parts.len() == 0;
                return if ended { Found::Length(items.len()) } else { Found::Value(&Value::Null) };
            }
            Value::Array(items) => index(part).and_then(|index| items.get(index)),
            _ => None,
        }
        .unwrap_or(&Value::Null);
    }
    Found::Value(current)
}

/// An index as JavaScript writes it: without leading zeros.
fn index(part: &str) -> Option<usize> {
    let index: usize = part.parse().ok()?;
    (index.to_string() == part).then_some(index)
}

/// Whether an object has keys, and all of them start with `$`.
pub(super) fn is_operators(entries: &Map<String, Value>) -> bool {
    !entries.is_empty() && entries.keys().all(|key| key.starts_with('$'))
}

impl Test {
    pub(super) fn operators(
        entries: &Map<String, Value>,
        budget: &mut Budget,
        depth: usize,
    ) -> Result<Vec<Operator>, Fault> {
        entries.iter().map(|(name, expected)| Operator::compile(name, expected, budget, depth)).collect()
    }
}

/// As deep as JSON text may be nested.
pub(super) const DEEPEST: usize = 128;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(condition: &Value, attributes: &Value, expected: bool) {
        let compiled = Condition::from_value(condition).unwrap();
        let got = compiled.matches(attributes, &SavedGroups::default());
        assert_eq!(got, expected, "{condition} on {attributes}");
    }

    /// From growthbook/growthbook, `packages/sdk-js/test/cases.json` (spec 0.8.0), section `evalCondition`.
    #[test]
    fn published_cases() {
        let tags = json!({"tags": ["hello", "world"]});
        check(&tags, &json!({"tags": ["world", "hello"]}), false);
        check(&json!({"name": {"$regex": "/???***[)"}}), &json!({"name": "hello"}), false);
        check(
            &json!({"hobbies": {"$elemMatch": {"name": {"$regex": "^ping"}}}}),
            &json!({"hobbies": [{"name": "bowling"}, {"name": "pingpong"}]}),
            true,
        );
    }

    /// `evalCondition` of `packages/sdk-js/src/mongrule.ts` (commit 8f1db44569) under Node 20.
    #[test]
    fn coercions() {
        check(&json!({"a": "null"}), &json!({}), true);
        check(&json!({"a": 0}), &json!({}), true);
        check(&json!({"a": false}), &json!({}), false);
        check(&json!({"a": null}), &json!({}), true);
        check(&json!({"a": "1,2"}), &json!({"a": [1, 2]}), true);
        check(&json!({"a.length": 2}), &json!({"a": [1, 2]}), true);
        check(&json!({"a.1": 2}), &json!({"a": [1, 2]}), true);
        check(&json!({"a.01": 2}), &json!({"a": [1, 2]}), false);
        check(&json!({"a": {"$gt": 5}}), &json!({"a": "10"}), true);
        check(&json!({"a": {"$gt": "5"}}), &json!({"a": "10"}), false);
        check(&json!({"a": {"$in": [[1]]}}), &json!({"a": [[1]]}), false);
        check(&json!({"a": {"$exists": true, "b": 1}}), &json!({"a": {"b": 1, "$exists": true}}), true);
        check(&json!({"$or": []}), &json!({}), true);
        check(&json!({"$nor": []}), &json!({}), false);
        check(&json!({"$and": null}), &json!({}), false);
    }

    #[test]
    fn depth_is_limited() {
        let mut deep = json!({"a": 1});
        for _ in 0..200 {
            deep = json!({"$not": deep});
        }
        assert_eq!(Condition::from_value(&deep).unwrap_err(), GrowthBookError::Depth { allowed: 128 });
    }
}
