//! The cases of Unleash: every file of the client specification.

use std::collections::BTreeSet;
use std::path::Path;

use expt::assign::compat::unleash::{Context, Features};
use serde::Deserialize;
use serde_json::Value;

use crate::report::{Cases, Report};

pub(crate) fn run(root: &Path, report: &mut Report) {
    let folder = root.join("unleash");
    let index = std::fs::read(folder.join("index.json")).ok();
    let listed: Option<BTreeSet<String>> = index.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let mut names = listed.unwrap_or_default();
    // A file that the index forgot is a specification too.
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let there = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.extend(there.filter(|name| name.ends_with(".json") && name != "index.json"));
    for name in names {
        report.file(root, &format!("unleash/{name}"), specification);
    }
}

#[derive(Deserialize)]
struct Specification {
    state: Value,
    #[serde(default)]
    tests: Vec<Test<bool>>,
    #[serde(default, rename = "variantTests")]
    variant_tests: Vec<Test<Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test<T> {
    description: String,
    #[serde(default)]
    context: Context,
    toggle_name: String,
    expected_result: T,
}

fn specification(specification: &Specification, cases: &mut Cases) {
    let features = match Features::from_json(&specification.state.to_string()) {
        Ok(features) => features,
        Err(error) => {
            let tests = specification.tests.iter().map(|test| &test.description);
            for description in tests.chain(specification.variant_tests.iter().map(|test| &test.description)) {
                cases.fail(description, error.to_string());
            }
            return;
        }
    };
    for test in &specification.tests {
        let got = features.is_enabled(&test.toggle_name, &test.context);
        cases.check(&test.description, &test.expected_result, &got);
    }
    for test in &specification.variant_tests {
        let variant = features.variant(&test.toggle_name, &test.context);
        let got = serde_json::to_value(variant).unwrap_or_default();
        cases.check(&test.description, &test.expected_result, &got);
    }
}
