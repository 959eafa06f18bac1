//! `growthbook-rust`: `GrowthBook::check` of a feature with an experiment of version 2. Its client would copy
//! every feature with every call, and take some fifty times as long.

use std::collections::HashMap;
use std::error::Error;

use growthbook_rust::dto::GrowthBookFeature;
use growthbook_rust::growthbook::GrowthBook;
use growthbook_rust::model_public::{GrowthBookAttribute, GrowthBookAttributeValue};
use serde_json::json;

use crate::{names, report};

pub(crate) fn run(ids: &[String]) -> Result<(), Box<dyn Error>> {
    let names = names();
    let feature = |name: &String| -> Result<_, Box<dyn Error>> {
        let feature: GrowthBookFeature = serde_json::from_value(json!({
            "defaultValue": false,
            "rules": [{
                "key": name, "seed": name, "hashAttribute": "id", "hashVersion": 2,
                "variations": [false, true], "weights": [0.5, 0.5], "coverage": 1.0,
            }],
        }))?;
        Ok((name.clone(), feature))
    };
    let growthbook = GrowthBook {
        forced_variations: None,
        features: names.iter().map(feature).collect::<Result<_, _>>()?,
        attributes: None,
        sticky_bucket_service: None,
        saved_groups: HashMap::new(),
    };
    let user = |id: &String| {
        Some(vec![GrowthBookAttribute {
            key: "id".to_owned(),
            value: GrowthBookAttributeValue::String(id.clone()),
        }])
    };
    let users: Vec<_> = ids.iter().map(user).collect();
    report("growthbook-rust", &names, &users, |name, user| growthbook.check(name, user).on)
}
