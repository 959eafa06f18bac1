//! What a flag gives.

use serde::Deserialize;
use serde_json::Value;

/// The type of a flag's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum VariationType {
    /// Text.
    String,
    /// A number without a fraction.
    Integer,
    /// A number.
    Numeric,
    /// True or false.
    Boolean,
    /// Any JSON.
    Json,
}

impl VariationType {
    /// The name in configurations.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "STRING",
            Self::Integer => "INTEGER",
            Self::Numeric => "NUMERIC",
            Self::Boolean => "BOOLEAN",
            Self::Json => "JSON",
        }
    }
}

impl std::fmt::Display for VariationType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A value of a flag.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AssignmentValue {
    /// Text.
    String(String),
    /// A number without a fraction.
    Integer(i64),
    /// A number.
    Numeric(f64),
    /// True or false.
    Boolean(bool),
    /// Any JSON.
    Json {
        /// As the configuration has it.
        raw: String,
        /// What it says.
        parsed: Value,
    },
}

impl AssignmentValue {
    /// The value as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::String(text) => Value::from(text.as_str()),
            Self::Integer(number) => Value::from(*number),
            Self::Numeric(number) => Value::from(*number),
            Self::Boolean(value) => Value::from(*value),
            Self::Json { parsed, .. } => parsed.clone(),
        }
    }

    /// The value of a variation under the type of its flag, if it has that type.
    pub(super) fn of(value: &Value, variation_type: VariationType) -> Option<Self> {
        Some(match variation_type {
            VariationType::String => Self::String(value.as_str()?.to_owned()),
            VariationType::Integer => Self::Integer(integer(value.as_f64()?)?),
            VariationType::Numeric => Self::Numeric(value.as_f64()?),
            VariationType::Boolean => Self::Boolean(value.as_bool()?),
            VariationType::Json => {
                let raw = value.as_str()?.to_owned();
                Self::Json { parsed: serde_json::from_str(&raw).ok()?, raw }
            }
        })
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "the comparison is what tells whether the cast lost anything"
)]
fn integer(number: f64) -> Option<i64> {
    let whole = number as i64;
    (whole as f64 == number).then_some(whole)
}
