//! Typed values that targeting compares, and how values of a context become them.

use std::cmp::Ordering;

use super::request::Dialect;
use super::time::Time;
use super::value::Value;

/// A typed value. Versions are equal if their texts are, and ordered by their numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    Unset,
    Bool(bool),
    Number(f64),
    Text(String),
    Time(Time),
    Version(String),
    List(Vec<Target>),
}

/// The type that a rule expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Number,
    Text,
    Time,
    Version,
    List,
}

/// A value that has no meaning for the type that is expected.
#[derive(Debug)]
pub(super) struct Unusable;

impl Target {
    pub(super) fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Unset => return None,
            Self::Bool(_) => Kind::Bool,
            Self::Number(_) => Kind::Number,
            Self::Text(_) => Kind::Text,
            Self::Time(_) => Kind::Time,
            Self::Version(_) => Kind::Version,
            Self::List(_) => Kind::List,
        })
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The order of two values of one type that has one.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.partial_cmp(b),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Time(a), Self::Time(b)) => Some(a.cmp(b)),
            (Self::Version(a), Self::Version(b)) => {
                Some(version(a).unwrap_or_default().cmp(&version(b).unwrap_or_default()))
            }
            _ => None,
        }
    }
}

/// What a rule sees of an attribute: the elements of a list, or the one value that there is.
pub(super) fn seen(value: &Value, expected: Option<Kind>, dialect: Dialect) -> Result<Vec<Target>, Unusable> {
    match dialect {
        Dialect::Local => local(value, expected).map(wrapped),
        Dialect::Service => Ok(service(value, expected)?.map_or_else(Vec::new, wrapped)),
    }
}

/// What an operator on strings sees: strings, and something that no string matches for everything else.
pub(super) fn seen_strings(value: &Value) -> Vec<Target> {
    fn strings(value: &Value) -> Target {
        match value {
            Value::Text(text) => Target::Text(text.clone()),
            Value::List(values) => Target::List(values.iter().map(strings).collect()),
            _ => Target::Unset,
        }
    }
    wrapped(strings(value))
}

fn wrapped(target: Target) -> Vec<Target> {
    match target {
        Target::List(values) => values,
        target => vec![target],
    }
}

/// The local resolver's conversion: what has no meaning is the text `null`, except for a text that is no number.
fn local(value: &Value, expected: Option<Kind>) -> Result<Target, Unusable> {
    if let Value::List(values) = value {
        let values = values.iter().map(|value| local(value, expected));
        return Ok(Target::List(values.collect::<Result<_, _>>()?));
    }
    Ok(scalar(value, expected)?.unwrap_or_else(|| Target::Text("null".to_owned())))
}

/// The service's conversion: what has no meaning is nothing at all, and nothing is what an unset value equals.
fn service(value: &Value, expected: Option<Kind>) -> Result<Option<Target>, Unusable> {
    match value {
        Value::Null if expected.is_none() => Ok(Some(Target::Unset)),
        Value::Struct(_) => Err(Unusable),
        Value::List(values) => {
            let values = values.iter().map(|value| service(value, expected)?.ok_or(Unusable));
            Ok(Some(Target::List(values.collect::<Result<_, _>>()?)))
        }
        _ => scalar(value, expected),
    }
}

fn scalar(value: &Value, expected: Option<Kind>) -> Result<Option<Target>, Unusable> {
    Ok(match (value, expected) {
        (Value::Number(number), Some(Kind::Number)) => Some(Target::Number(*number)),
        (Value::Number(number), Some(Kind::Text)) => Some(Target::Text(number.to_string())),
        (Value::Number(number), Some(Kind::Time)) => Time::from_number(*number).map(Target::Time),
        (Value::Text(text), Some(Kind::Bool)) => Some(Target::Bool(matches!(text.as_str(), "true" | "TRUE"))),
        (Value::Text(text), Some(Kind::Number)) => Some(Target::Number(text.parse().map_err(|_| Unusable)?)),
        (Value::Text(text), Some(Kind::Text)) => Some(Target::Text(text.clone())),
        (Value::Text(text), Some(Kind::Time)) => Time::parse(text).map(Target::Time),
        (Value::Text(text), Some(Kind::Version)) => Some(Target::Version(text.clone())),
        (Value::Bool(value), Some(Kind::Bool)) => Some(Target::Bool(*value)),
        _ => None,
    })
}

/// Major, minor, patch and tag of a version without what follows a hyphen. A third part of more than three digits
/// is a tag. What is not a version sorts as 0.0.
fn version(text: &str) -> Option<[u64; 4]> {
    let text = text.split('-').next()?;
    let parts: Option<Vec<u64>> = text.split('.').map(part).collect();
    match *parts?.as_slice() {
        [major, minor] => Some([major, minor, 0, 0]),
        [major, minor, third] if text.rsplit('.').next()?.len() > 3 => Some([major, minor, 0, third]),
        [major, minor, third] => Some([major, minor, third, 0]),
        [major, minor, patch, tag] => Some([major, minor, patch, tag]),
        _ => None,
    }
}

fn part(text: &str) -> Option<u64> {
    let plain = (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_order(a: &str, b: &str, expected: Ordering) {
        let (a, b) = (Target::Version(a.to_owned()), Target::Version(b.to_owned()));
        assert_eq!(a.order(&b), Some(expected), "{a:?} {b:?}");
    }

    /// By the resolver's rules (`value.rs`).
    #[test]
    fn versions() {
        check_order("10.0.0", "2.0.0", Ordering::Greater);
        check_order("1.2", "1.2.0", Ordering::Equal);
        check_order("1.2.3-beta", "1.2.3", Ordering::Equal);
        check_order("1.2.1234", "1.2.1", Ordering::Less);
        check_order("1.2.0.1234", "1.2.1234", Ordering::Equal);
        check_order("v1.2", "0.0", Ordering::Equal);
        check_order("1.2.3.4.5", "0.1", Ordering::Less);
        check_order("1.12345678901", "0.0", Ordering::Equal);
        assert_ne!(Target::Version("1.2".to_owned()), Target::Version("1.2.0".to_owned()));
    }

    #[test]
    fn conversions() {
        let text = |text: &str| Value::Text(text.to_owned());
        let local = |value, kind| seen(&value, Some(kind), Dialect::Local).unwrap();
        assert_eq!(local(Value::Number(123.4), Kind::Text), [Target::Text("123.4".to_owned())]);
        assert_eq!(local(text("TRUE"), Kind::Bool), [Target::Bool(true)]);
        assert_eq!(local(text("True"), Kind::Bool), [Target::Bool(false)]);
        assert_eq!(local(Value::Null, Kind::Text), [Target::Text("null".to_owned())]);
        assert_eq!(local(text("soon"), Kind::Time), [Target::Text("null".to_owned())]);
        assert!(seen(&text("x"), Some(Kind::Number), Dialect::Local).is_err());
        assert!(seen(&Value::Null, Some(Kind::Text), Dialect::Service).unwrap().is_empty());
        assert_eq!(seen(&Value::Null, None, Dialect::Service).unwrap(), [Target::Unset]);
        assert!(seen(&Value::List(vec![Value::Bool(true)]), Some(Kind::Text), Dialect::Service).is_err());
        assert_eq!(seen_strings(&Value::Number(1.0)), [Target::Unset]);
    }
}
