//! Variants and how one is chosen.

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::{variant_bucket, wire};

/// What a feature's variant is for a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Variant<'a> {
    /// The name; `disabled` if there is none.
    pub name: &'a str,
    /// What comes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<&'a Payload>,
    /// Whether there is a variant.
    pub enabled: bool,
    /// Whether the feature is on.
    pub feature_enabled: bool,
}

/// What comes with a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// How the value is meant: `string`, `json`, `csv` or `number`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The value, as text.
    pub value: String,
}

impl<'a> Variant<'a> {
    pub(super) fn of(definition: Option<&'a Definition>, feature_enabled: bool) -> Self {
        Self {
            name: definition.map_or("disabled", |definition| &definition.name),
            payload: definition.and_then(|definition| definition.payload.as_ref()),
            enabled: definition.is_some(),
            feature_enabled,
        }
    }
}

/// The variants of a feature or of a strategy.
#[derive(Debug, Default)]
pub(super) struct Variants {
    definitions: Vec<Definition>,
    stickiness: Option<String>,
    total: u32,
}

/// One variant.
#[derive(Debug)]
pub(super) struct Definition {
    name: String,
    weight: u32,
    payload: Option<Payload>,
    overrides: Vec<(String, Vec<String>)>,
}

impl Variants {
    /// The stickiness is that of the first variant.
    pub(super) fn compile(variants: Vec<wire::Variant>, otherwise: Option<&str>) -> Self {
        let own = variants.first().and_then(|variant| variant.stickiness.clone());
        let stickiness = own.filter(|text| !text.is_empty()).or_else(|| otherwise.map(str::to_owned));
        let definitions: Vec<_> = variants.into_iter().map(Definition::compile).collect();
        let total = definitions.iter().fold(0_u32, |sum, variant| sum.saturating_add(variant.weight));
        Self { definitions, stickiness, total }
    }

    /// The variant of an override, or that of the unit's bucket.
    pub(super) fn select(&self, group: &str, feature: &str, context: &Context) -> Option<&Definition> {
        if self.total == 0 {
            return None;
        }
        let overridden = self.definitions.iter().find(|variant| variant.overridden(context));
        overridden.or_else(|| {
            let random;
            let id = match self.unit(context) {
                Some(id) => id,
                None => {
                    random = context.draw(feature, usize::MAX, 100_001).to_string();
                    &random
                }
            };
            let target = variant_bucket(group, id, self.total);
            let mut sum = 0_u32;
            self.definitions.iter().filter(|variant| variant.weight > 0).find(|variant| {
                sum = sum.saturating_add(variant.weight);
                sum >= target
            })
        })
    }

    fn unit<'c>(&self, context: &'c Context) -> Option<&'c str> {
        let filled = |text: &&str| !text.is_empty();
        match self.stickiness.as_deref() {
            None | Some("default" | "") => {
                let chain = [&context.user_id, &context.session_id, &context.remote_address];
                chain.into_iter().filter_map(Option::as_deref).find(filled)
            }
            Some(name) => context.value(name).filter(filled),
        }
    }
}

impl Definition {
    fn compile(variant: wire::Variant) -> Self {
        let values = |values: Vec<wire::Text>| values.into_iter().filter_map(|text| text.0).collect();
        let overrides = variant.overrides.into_iter();
        Self {
            name: variant.name,
            weight: variant.weight,
            payload: variant.payload,
            overrides: overrides.map(|rule| (rule.context_name, values(rule.values))).collect(),
        }
    }

    fn overridden(&self, context: &Context) -> bool {
        self.overrides.iter().any(|(name, values)| {
            context.value(name).is_some_and(|actual| values.iter().any(|value| value == actual))
        })
    }
}
