//! `launchdarkly-server-sdk-evaluation`: `evaluate` of a flag whose fallthrough is an experiment.

use std::collections::HashMap;
use std::error::Error;

use launchdarkly_server_sdk_evaluation::{ContextBuilder, Flag, FlagValue, Segment, Store, evaluate};
use serde_json::json;

use crate::{names, report};

pub(crate) fn run(ids: &[String]) -> Result<(), Box<dyn Error>> {
    let names = names();
    let flag = |name: &String| -> Result<_, Box<dyn Error>> {
        let flag: Flag = serde_json::from_value(json!({
            "key": name, "version": 1, "on": true, "salt": name, "variations": [false, true], "offVariation": 0,
            "targets": [], "rules": [], "prerequisites": [], "clientSide": false,
            "trackEvents": false, "trackEventsFallthrough": true, "debugEventsUntilDate": null,
            "fallthrough": {
                "rollout": {
                    "kind": "experiment", "contextKind": "user",
                    "variations": [{ "variation": 0, "weight": 50_000 }, { "variation": 1, "weight": 50_000 }],
                },
            },
        }))?;
        Ok((name.clone(), flag))
    };
    let flags = Flags(names.iter().map(flag).collect::<Result<_, _>>()?);
    let users: Vec<_> = ids.iter().map(|id| ContextBuilder::new(id).build()).collect::<Result<_, _>>()?;
    report("launchdarkly-server-sdk-evaluation", &names, &users, |name, user| {
        let Some(flag) = flags.0.get(name) else { return false };
        matches!(evaluate(&flags, flag, user, None).value, Some(FlagValue::Bool(true)))
    })
}

struct Flags(HashMap<String, Flag>);

impl Store for Flags {
    fn flag(&self, key: &str) -> Option<Flag> {
        self.0.get(key).cloned()
    }

    fn segment(&self, _: &str) -> Option<Segment> {
        None
    }
}
