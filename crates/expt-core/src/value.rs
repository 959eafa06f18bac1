//! Values of parameters.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// The typed value of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ParamValue {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A real number.
    Float(f64),
    /// Text.
    Text(String),
}

impl ParamValue {
    /// The number, if it is one; a whole number is given as the nearest `f64`.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            #[allow(clippy::cast_precision_loss, reason = "documented: the nearest f64")]
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Bool(_) | Self::Text(_) => None,
        }
    }

    /// The text, if it is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for ParamValue {
    /// A whole number that an `i64` cannot hold is read as the nearest `f64`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyValue;

        impl Visitor<'_> for AnyValue {
            type Value = ParamValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, true or false")
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<ParamValue, E> {
                Ok(ParamValue::Bool(value))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<ParamValue, E> {
                Ok(ParamValue::Int(value))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<ParamValue, E> {
                #[allow(clippy::cast_precision_loss, reason = "documented: the nearest f64")]
                Ok(i64::try_from(value).map_or(ParamValue::Float(value as f64), ParamValue::Int))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<ParamValue, E> {
                Ok(ParamValue::Float(value))
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<ParamValue, E> {
                Ok(ParamValue::Text(value.to_owned()))
            }

            fn visit_string<E: Error>(self, value: String) -> Result<ParamValue, E> {
                Ok(ParamValue::Text(value))
            }
        }

        deserializer.deserialize_any(AnyValue)
    }
}

impl fmt::Display for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => f.pad(if *value { "true" } else { "false" }),
            Self::Int(value) => f.pad(&value.to_string()),
            Self::Float(value) => f.pad(&format!("{value:?}")),
            Self::Text(value) => f.pad(value),
        }
    }
}

macro_rules! from {
    ($($variant:ident: $($type:ty),+;)*) => {$($(
        impl From<$type> for ParamValue {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        }
    )+)*};
}

from! {
    Bool: bool;
    Int: i64, i32, u32, i16, u16, i8, u8;
    Float: f64, f32;
    Text: String, &str;
}
