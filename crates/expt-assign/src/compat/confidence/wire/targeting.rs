//! The JSON of targeting.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Real, nullable};

#[derive(Debug, Deserialize)]
pub(in super::super) struct Targeting {
    #[serde(default, deserialize_with = "nullable")]
    pub(in super::super) criteria: BTreeMap<String, Criterion>,
    pub(in super::super) expression: Option<Expression>,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct Expression {
    #[serde(rename = "ref")]
    pub(in super::super) reference: Option<String>,
    pub(in super::super) not: Option<Box<Expression>>,
    pub(in super::super) and: Option<Operands>,
    pub(in super::super) or: Option<Operands>,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct Operands {
    #[serde(default, deserialize_with = "nullable")]
    pub(in super::super) operands: Vec<Expression>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Criterion {
    pub(in super::super) attribute: Option<Attribute>,
    pub(in super::super) segment: Option<SegmentName>,
    pub(in super::super) materialized_segment: Option<MaterializedSegment>,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct SegmentName {
    #[serde(default)]
    pub(in super::super) segment: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct MaterializedSegment {
    #[serde(default)]
    pub(in super::super) materialized_segment: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Attribute {
    #[serde(default)]
    pub(in super::super) attribute_name: String,
    pub(in super::super) any_rule: Option<Inner>,
    pub(in super::super) all_rule: Option<Inner>,
    #[serde(flatten)]
    pub(in super::super) rule: Rule,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct Inner {
    pub(in super::super) rule: Option<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Rule {
    pub(in super::super) eq_rule: Option<Eq>,
    pub(in super::super) set_rule: Option<Set>,
    pub(in super::super) range_rule: Option<RangeRule>,
    pub(in super::super) starts_with_rule: Option<Part>,
    pub(in super::super) ends_with_rule: Option<Part>,
    pub(in super::super) contains_rule: Option<Part>,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct Eq {
    pub(in super::super) value: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct Set {
    #[serde(default, deserialize_with = "nullable")]
    pub(in super::super) values: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct RangeRule {
    pub(in super::super) start_inclusive: Option<Value>,
    pub(in super::super) start_exclusive: Option<Value>,
    pub(in super::super) end_inclusive: Option<Value>,
    pub(in super::super) end_exclusive: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct Part {
    #[serde(default)]
    pub(in super::super) value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Value {
    pub(in super::super) bool_value: Option<bool>,
    pub(in super::super) number_value: Option<Real>,
    pub(in super::super) string_value: Option<String>,
    pub(in super::super) timestamp_value: Option<String>,
    pub(in super::super) version_value: Option<Version>,
    pub(in super::super) list_value: Option<List>,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct Version {
    #[serde(default)]
    pub(in super::super) version: String,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct List {
    #[serde(default, deserialize_with = "nullable")]
    pub(in super::super) values: Vec<Value>,
}
