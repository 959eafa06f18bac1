//! `eppo_core`: `get_assignment`, with a shard for traffic and one for the split, as its configs have them.

use std::error::Error;
use std::sync::Arc;

use eppo_core::eval::get_assignment;
use eppo_core::ufc::{UniversalFlagConfig, VariationType};
use eppo_core::{Attributes, Configuration, SdkMetadata, Str};
use serde_json::json;

use crate::{names, report};

pub(crate) fn run(ids: &[String]) -> Result<(), Box<dyn Error>> {
    let names = names();
    let flag = |name: &String| {
        let shards = |start: u32, end: u32| {
            json!([
                { "salt": format!("traffic-{name}-ab"), "ranges": [{ "start": 0, "end": 10_000 }] },
                { "salt": format!("split-{name}-ab"), "ranges": [{ "start": start, "end": end }] },
            ])
        };
        let flag = json!({
            "key": name, "enabled": true, "variationType": "BOOLEAN", "totalShards": 10_000,
            "variations": {
                "control": { "key": "control", "value": false },
                "treatment": { "key": "treatment", "value": true },
            },
            "allocations": [{
                "key": format!("{name}-ab"), "doLog": true, "rules": [],
                "splits": [
                    { "variationKey": "control", "shards": shards(0, 5_000) },
                    { "variationKey": "treatment", "shards": shards(5_000, 10_000) },
                ],
            }],
        });
        (name.clone(), flag)
    };
    let flags: serde_json::Map<_, _> = names.iter().map(flag).collect();
    let config = json!({
        "createdAt": "2026-03-04T00:00:00Z", "format": "SERVER", "environment": { "name": "bench" }, "flags": flags,
    });
    let sdk = SdkMetadata { name: "bench", version: "0" };
    let flags = UniversalFlagConfig::from_json(sdk, serde_json::to_vec(&config)?)?;
    let config = Configuration::from_server_response(flags, None);
    let users: Vec<_> =
        ids.iter().map(|id| (Str::from(id.as_str()), Arc::new(Attributes::default()))).collect();
    let now = chrono::Utc::now();
    report("eppo_core", &names, &users, |name, (key, attributes)| {
        let wanted = Some(VariationType::Boolean);
        let found = get_assignment(Some(&config), name, key, attributes, wanted, now).ok().flatten();
        found.and_then(|found| found.value.as_boolean()).unwrap_or_default()
    })
}
