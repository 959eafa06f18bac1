//! `unleash-yggdrasil`: whether a toggle with a rollout of half is on, and the variant of one with two variants.

use std::error::Error;

use serde_json::json;
use unleash_types::client_features::ClientFeatures;
use unleash_yggdrasil::{Context, EngineState};

use crate::{names, report};

pub(crate) fn run(ids: &[String]) -> Result<(), Box<dyn Error>> {
    let names = names();
    let user = |id: &String| Context { user_id: Some(id.clone()), ..Context::default() };
    let users: Vec<_> = ids.iter().map(user).collect();

    let halves = engine(&names, "50", false)?;
    report("unleash-yggdrasil is_enabled", &names, &users, |name, user| {
        halves.is_enabled(name, user, &None)
    })?;

    let variants = engine(&names, "100", true)?;
    report("unleash-yggdrasil get_variant", &names, &users, |name, user| {
        variants.get_variant(name, user, &None).name == "treatment"
    })
}

fn engine(names: &[String], rollout: &str, with_variants: bool) -> Result<EngineState, Box<dyn Error>> {
    let variant = |name: &str| json!({ "name": name, "weight": 500, "stickiness": "userId" });
    let variants = if with_variants { vec![variant("control"), variant("treatment")] } else { vec![] };
    let feature = |name: &String| {
        json!({
            "name": name, "type": "experiment", "enabled": true, "variants": variants,
            "strategies": [{
                "name": "flexibleRollout",
                "parameters": { "rollout": rollout, "stickiness": "userId", "groupId": name },
            }],
        })
    };
    let features: Vec<_> = names.iter().map(feature).collect();
    let features: ClientFeatures = serde_json::from_value(json!({ "version": 2, "features": features }))?;
    let engine = EngineState::default();
    match engine.apply_client_features(features) {
        Some(warnings) if !warnings.is_empty() => Err(format!("{} warnings", warnings.len()).into()),
        _ => Ok(engine),
    }
}
