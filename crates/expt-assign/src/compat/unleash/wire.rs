//! The JSON of the client API. Unknown fields are ignored, as the SDKs do.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::variant::Payload;

/// A response of `/api/client/features` or of `/api/client/delta`.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) events: Option<Vec<Event>>,
    pub(super) features: Option<Vec<Feature>>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) segments: Vec<Segment>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(super) enum Event {
    Hydration {
        #[serde(default, deserialize_with = "nullable")]
        features: Vec<Feature>,
        #[serde(default, deserialize_with = "nullable")]
        segments: Vec<Segment>,
    },
    FeatureUpdated {
        feature: Feature,
    },
    FeatureRemoved {
        feature_name: String,
    },
    SegmentUpdated {
        segment: Segment,
    },
    SegmentRemoved {
        segment_id: i64,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Deserialize)]
pub(super) struct Feature {
    pub(super) name: String,
    #[serde(default)]
    pub(super) enabled: bool,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) strategies: Vec<Strategy>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) variants: Vec<Variant>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Strategy {
    pub(super) name: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) parameters: BTreeMap<String, Text>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) constraints: Vec<Option<Constraint>>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) segments: Vec<i64>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) variants: Vec<Variant>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Constraint {
    #[serde(default)]
    pub(super) context_name: String,
    #[serde(default)]
    pub(super) operator: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) values: Vec<Text>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) value: Text,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) inverted: bool,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) case_insensitive: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Segment {
    pub(super) id: i64,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) constraints: Vec<Option<Constraint>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Variant {
    pub(super) name: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) weight: u32,
    pub(super) stickiness: Option<String>,
    pub(super) payload: Option<Payload>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) overrides: Vec<Override>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Override {
    pub(super) context_name: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) values: Vec<Text>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Dependency {
    pub(super) feature: String,
    pub(super) enabled: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) variants: Vec<String>,
}

/// A text, or a number or boolean as the text that it is written as; null, a list or an object is none.
#[derive(Debug, Default)]
pub(super) struct Text(pub(super) Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }))
    }
}

/// Null is as good as missing.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
