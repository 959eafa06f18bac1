//! Rules as data.

use expt_core::{ParamValue, Timestamp};
use serde::{Deserialize, Serialize};

/// An expression over the attributes of a request. See the [module](super) for what it means.
///
/// As JSON: `{"all": [{"test": {"attribute": "country", "is": {"one_of": ["DE", "AT"]}}}, {"not": ...}]}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Rule {
    /// Every one of them; true of none.
    All(Vec<Rule>),
    /// At least one of them; false of none.
    Any(Vec<Rule>),
    /// The opposite.
    Not(Box<Rule>),
    /// A test of one attribute.
    Test {
        /// The attribute.
        attribute: String,
        /// What its value must be.
        is: Test,
    },
}

impl Rule {
    /// A test of one attribute.
    #[must_use]
    pub fn test(attribute: impl Into<String>, is: Test) -> Self {
        Self::Test { attribute: attribute.into(), is }
    }

    /// The attribute has this value.
    #[must_use]
    pub fn equals(attribute: impl Into<String>, value: impl Into<ParamValue>) -> Self {
        Self::test(attribute, Test::Equals(value.into()))
    }

    /// The attribute has one of these values.
    #[must_use]
    pub fn one_of<V: Into<ParamValue>>(
        attribute: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self::test(attribute, Test::OneOf(values.into_iter().map(Into::into).collect()))
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match self {
            Self::All(mut rules) => {
                rules.push(other);
                Self::All(rules)
            }
            rule => Self::All(vec![rule, other]),
        }
    }

    /// At least one of the two.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::Any(mut rules) => {
                rules.push(other);
                Self::Any(rules)
            }
            rule => Self::Any(vec![rule, other]),
        }
    }

    /// The opposite.
    #[must_use]
    pub fn negate(self) -> Self {
        Self::Not(Box::new(self))
    }
}

/// What the value of an attribute must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Test {
    /// There, whatever it is.
    Present,
    /// This. Texts compare letter by letter, numbers by value.
    Equals(ParamValue),
    /// One of these.
    OneOf(Vec<ParamValue>),
    /// A number that compares so with this one.
    Number(Comparison, f64),
    /// A semantic version that compares so with this one, by the precedence of Semantic Versioning 2.0.0,
    /// section 11. Versions of one or two numbers are read with zeros: `2.3` as `2.3.0`.
    Version(Comparison, String),
    /// A time, or a text that is one in RFC 3339, that compares so with this one.
    Time(Comparison, Timestamp),
    /// A text that has this in it.
    Contains(String),
    /// A text that begins with this.
    StartsWith(String),
    /// A text that ends with this.
    EndsWith(String),
    /// A text in which this regular expression finds something. The syntax is that of the crate `regex`:
    /// without look-around and back-references, so that it takes linear time. Needs the feature `regex`.
    Matches(String),
}

/// How a value compares with a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Comparison {
    /// Less.
    Below,
    /// Less or equal.
    AtMost,
    /// Equal.
    Equal,
    /// Greater or equal.
    AtLeast,
    /// Greater.
    Above,
}

impl Comparison {
    /// The sign: `<`, `<=`, `=`, `>=`, `>`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
            Self::AtLeast => ">=",
            Self::Above => ">",
        }
    }

    pub(crate) const fn holds(self, found: std::cmp::Ordering) -> bool {
        match self {
            Self::Below => found.is_lt(),
            Self::AtMost => found.is_le(),
            Self::Equal => found.is_eq(),
            Self::AtLeast => found.is_ge(),
            Self::Above => found.is_gt(),
        }
    }
}
