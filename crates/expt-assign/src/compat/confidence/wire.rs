//! The JSON of a resolver state. Unknown fields are ignored.

mod packed;
mod targeting;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

pub(super) use self::packed::ResolverState;
pub(super) use self::targeting::*;
use super::value;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct State {
    pub(super) account: Name,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) flags: BTreeMap<String, Flag>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) segments: BTreeMap<String, Segment>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) bitsets: BTreeMap<String, Bitset>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) bloom_filters: BTreeMap<String, Bloom>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) clients: BTreeMap<String, Client>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Name {
    pub(super) name: String,
}

/// The word `ALL`, or the buckets that are set.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Bitset {
    Word(String),
    Buckets(Vec<u64>),
    /// Base64 of gzip, in the vendor's state only.
    #[serde(skip)]
    Packed(String),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bloom {
    #[serde(default)]
    pub(super) data: String,
    #[serde(default)]
    pub(super) hash_function_count: Int,
    #[serde(default)]
    pub(super) bit_count: Int,
    #[serde(default)]
    pub(super) strategy: Int,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Client {
    pub(super) client: Name,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) client_credential: Credential,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Credential {
    #[serde(default, deserialize_with = "nullable")]
    pub(super) environments: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Flag {
    #[serde(default)]
    pub(super) state: FlagState,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) clients: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) variants: Vec<Variant>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) rules: Vec<FlagRule>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) schema: Schema,
}

/// The name or the number of a state.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum FlagState {
    Name(String),
    Number(i64),
}

#[derive(Debug, Deserialize)]
pub(super) struct Variant {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) value: BTreeMap<String, value::Value>,
}

/// The fields that a value has, whether a variant names them or not.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Schema {
    #[serde(default, deserialize_with = "nullable")]
    pub(super) schema: BTreeMap<String, Field>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Field {
    pub(super) struct_schema: Option<Schema>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FlagRule {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) segment: String,
    #[serde(default)]
    pub(super) enabled: bool,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) environments: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) targeting_key_selector: String,
    pub(super) assignment_spec: Option<AssignmentSpec>,
    pub(super) materialization_spec: Option<MaterializationSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssignmentSpec {
    #[serde(default)]
    pub(super) bucket_count: Int,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) assignments: Vec<Assignment>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Assignment {
    #[serde(default)]
    pub(super) assignment_id: String,
    pub(super) variant: Option<VariantName>,
    pub(super) fallthrough: Option<Empty>,
    pub(super) client_default: Option<Empty>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) bucket_ranges: Vec<Range>,
}

#[derive(Debug, Deserialize)]
pub(super) struct VariantName {
    #[serde(default)]
    pub(super) variant: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Empty {}

#[derive(Debug, Deserialize)]
pub(super) struct Range {
    #[serde(default)]
    pub(super) lower: Int,
    #[serde(default)]
    pub(super) upper: Int,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MaterializationSpec {
    #[serde(default)]
    pub(super) read_materialization: String,
    #[serde(default)]
    pub(super) write_materialization: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) mode: Mode,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Mode {
    pub(super) materialization_must_match: bool,
    pub(super) segment_targeting_can_be_ignored: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Segment {
    pub(super) targeting: Option<Targeting>,
}

/// A whole number, or the text of one, as protobuf's JSON writes 64-bit numbers.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Int(pub(super) i64);

/// A number, or the text of one, as protobuf's JSON writes `NaN` and `Infinity`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Real(pub(super) f64);

impl Default for FlagState {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Option::<NumberOrText<i64>>::deserialize(deserializer)? {
            None => Ok(Self(0)),
            Some(NumberOrText::Number(number)) => Ok(Self(number)),
            Some(NumberOrText::Text(text)) => text.parse().map(Self).map_err(serde::de::Error::custom),
        }
    }
}

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match NumberOrText::deserialize(deserializer)? {
            NumberOrText::Number(number) => Ok(Self(number)),
            NumberOrText::Text(text) => text.parse().map(Self).map_err(serde::de::Error::custom),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText<T> {
    Number(T),
    Text(String),
}

/// Null is as good as missing.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
