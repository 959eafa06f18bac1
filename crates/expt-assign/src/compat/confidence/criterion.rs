//! Rules on an attribute.

use super::request::Dialect;
use super::target::{Kind, Target, seen, seen_strings};
use super::value::Value;

/// A rule on an attribute of the context.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) path: String,
    pub(super) rule: Rule,
}

/// A rule on all values that there are.
#[derive(Debug)]
pub(super) enum Rule {
    /// Some value satisfies it.
    Some(Test),
    /// Some value satisfies it; without a value, it need not be a known one.
    Any(Test),
    /// All values do.
    All(Test),
    /// One that this version does not know.
    Unknown,
}

/// A rule on one value.
#[derive(Debug)]
pub(super) enum Test {
    Eq(Target),
    Set(Vec<Target>),
    Range { start: Option<Bound>, end: Option<Bound> },
    StartsWith(String),
    EndsWith(String),
    Contains(String),
    Unknown,
}

/// An end of a range.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) value: Target,
    pub(super) inclusive: bool,
}

/// Why a rule has no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// A rule that this version does not know.
    Unknown,
    /// A value that the expected type cannot be read out of.
    Unusable,
}

impl Attribute {
    /// Whether it holds for a value.
    pub(super) fn holds(&self, value: &Value, dialect: Dialect) -> Result<bool, Trouble> {
        let test = match &self.rule {
            Rule::Some(test) | Rule::Any(test) | Rule::All(test) => test,
            Rule::Unknown => return Err(Trouble::Unknown),
        };
        let seen = if test.is_on_strings() {
            seen_strings(value)
        } else {
            seen(value, test.expected(), dialect).map_err(|_| Trouble::Unusable)?
        };
        let mut results = seen.iter().map(|value| test.holds(value, dialect));
        match &self.rule {
            Rule::Some(Test::Unknown) => Err(Trouble::Unknown),
            Rule::All(_) => results.try_fold(true, |all, result| Ok(all && result?)),
            _ => results.try_fold(false, |any, result| Ok(any || result?)),
        }
    }

    /// How many comparisons one value takes.
    pub(super) fn size(&self) -> usize {
        match &self.rule {
            Rule::Some(Test::Set(values)) | Rule::Any(Test::Set(values)) | Rule::All(Test::Set(values)) => {
                values.len()
            }
            _ => 1,
        }
    }
}

impl Test {
    fn is_on_strings(&self) -> bool {
        matches!(self, Self::StartsWith(_) | Self::EndsWith(_) | Self::Contains(_))
    }

    fn expected(&self) -> Option<Kind> {
        match self {
            Self::Eq(value) => value.kind(),
            Self::Set(values) => values.first()?.kind(),
            Self::Range { start, end } => start.as_ref().or(end.as_ref())?.value.kind(),
            Self::StartsWith(_) | Self::EndsWith(_) | Self::Contains(_) => Some(Kind::Text),
            Self::Unknown => None,
        }
    }

    fn holds(&self, actual: &Target, dialect: Dialect) -> Result<bool, Trouble> {
        let text = || actual.text().unwrap_or_default();
        let is_text = || actual.text().is_some();
        Ok(match self {
            Self::Eq(value) => value == actual,
            Self::Set(values) => values.contains(actual),
            Self::Range { start: None, end: None } => dialect == Dialect::Local,
            Self::Range { start, end } => {
                start.as_ref().is_none_or(|start| start.is_before(actual))
                    && end.as_ref().is_none_or(|end| end.is_after(actual))
            }
            Self::StartsWith(part) => is_text() && text().starts_with(part.as_str()),
            Self::EndsWith(part) => is_text() && text().ends_with(part.as_str()),
            Self::Contains(part) => is_text() && text().contains(part.as_str()),
            Self::Unknown => return Err(Trouble::Unknown),
        })
    }
}

impl Bound {
    fn is_before(&self, actual: &Target) -> bool {
        self.value.order(actual).is_some_and(|order| order.is_lt() || (self.inclusive && order.is_eq()))
    }

    fn is_after(&self, actual: &Target) -> bool {
        self.value.order(actual).is_some_and(|order| order.is_gt() || (self.inclusive && order.is_eq()))
    }
}
