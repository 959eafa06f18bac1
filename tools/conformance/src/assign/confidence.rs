//! The cases of Confidence.

use std::collections::BTreeMap;
use std::path::Path;

use expt::assign::compat::confidence::{
    Context, Dialect, Materializations, Record, Request, Resolution, State, Value,
};
use serde::Deserialize;

use crate::report::{Cases, Report};

pub(crate) fn run(root: &Path, report: &mut Report) {
    let folder = root.join("confidence");
    if !folder.is_dir() {
        return;
    }
    let state = std::fs::read_to_string(folder.join("state.json")).map_err(|error| error.to_string());
    let state = state.and_then(|json| State::from_json(&json).map_err(|error| error.to_string()));
    report.file(root, "confidence/tests.json", |tests: &Vec<Test>, cases: &mut Cases| {
        tests.iter().for_each(|test| check(test, state.as_ref(), cases));
    });
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    name: String,
    resolve_request: ResolveRequest,
    materializations: Option<BTreeMap<String, BTreeMap<String, Materialization>>>,
    expected_result: ExpectedResult,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResolveRequest {
    #[serde(default)]
    flags: Vec<String>,
    evaluation_context: Option<Context>,
    client_secret: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Materialization {
    is_unit_in_materialization: bool,
    #[serde(default)]
    rule_to_variant: BTreeMap<String, String>,
}

/// What the service answers and, where it differs, what the local resolver (`rust`) does.
#[derive(Deserialize)]
struct ExpectedResult {
    general: Expected,
    rust: Option<Expected>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expected {
    #[serde(default)]
    resolved_flags: Vec<Flag>,
    expect_error: Option<String>,
}

/// Only what a case states is compared.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Flag {
    flag: String,
    reason: String,
    variant: String,
    value: Option<Value>,
    should_apply: Option<bool>,
    assignment_id: Option<String>,
    assignment_origin: Option<String>,
}

/// A case passes if both resolvers answer as they should.
fn check(test: &Test, state: Result<&State, &String>, cases: &mut Cases) {
    let service = &test.expected_result.general;
    let local = test.expected_result.rust.as_ref().unwrap_or(service);
    let check = |dialect, expected| {
        let state = state.map_err(|error| format!("state.json: {error}"))?;
        outcome(test, state, dialect, expected).map_err(|error| format!("{dialect:?}: {error}"))
    };
    match check(Dialect::Service, service).and_then(|()| check(Dialect::Local, local)) {
        Ok(()) => cases.check(&test.name, &true, &true),
        Err(error) => cases.fail(&test.name, error),
    }
}

fn outcome(test: &Test, state: &State, dialect: Dialect, expected: &Expected) -> Result<(), String> {
    let request = &test.resolve_request;
    let nothing = Context::default();
    let context = request.evaluation_context.as_ref().unwrap_or(&nothing);
    let records = test.materializations.as_ref().map(records);
    let known = records.as_deref().map_or(Materializations::Discover, Materializations::Complete);
    let asked =
        Request::new(&request.client_secret, context).with_dialect(dialect).with_materializations(known);
    let names: Vec<&str> = request.flags.iter().map(String::as_str).collect();
    let resolved = match (state.resolve(&asked, &names), &expected.expect_error) {
        (Err(_), Some(_)) => return Ok(()),
        (Err(error), None) => return Err(format!("refused: {error}")),
        (Ok(resolved), Some(error)) => {
            return Err(format!("expected error {error}, got {:?}", resolved.flags));
        }
        (Ok(resolved), None) => resolved,
    };
    if !resolved.to_read.is_empty() {
        return Err(format!("asks for {:?}", resolved.to_read));
    }
    if resolved.flags.len() != expected.resolved_flags.len() {
        return Err(format!("expected {} flags, got {:?}", expected.resolved_flags.len(), resolved.flags));
    }
    let agrees = |flag: &Flag| match resolved.flags.iter().find(|got| got.flag == flag.flag) {
        Some(got) if is_as(got, flag) => Ok(()),
        Some(got) => Err(format!(
            "expected {} {} {:?} {:?} {:?} {:?} {:?}, got {got:?}",
            flag.flag,
            flag.reason,
            flag.variant,
            flag.value,
            flag.should_apply,
            flag.assignment_id,
            flag.assignment_origin
        )),
        None => Err(format!("{} is not among {:?}", flag.flag, resolved.flags)),
    };
    expected.resolved_flags.iter().try_for_each(agrees)
}

fn is_as(got: &Resolution<'_>, flag: &Flag) -> bool {
    let empty = Value::Struct(BTreeMap::new());
    let value = match (&flag.value, &got.value) {
        (None, value) => value.as_ref().is_none_or(|value| *value == empty),
        (Some(expected), value) => value.as_ref() == Some(expected),
    };
    value
        && got.reason.to_string() == flag.reason
        && got.variant == flag.variant
        && flag.should_apply.is_none_or(|apply| apply == got.should_apply())
        && flag.assignment_id.as_ref().is_none_or(|id| id == got.assignment_id)
        && flag.assignment_origin.as_ref().is_none_or(|rule| rule == got.rule)
}

/// A unit that is not in a materialization has no record there.
fn records(units: &BTreeMap<String, BTreeMap<String, Materialization>>) -> Vec<Record> {
    let mut records = Vec::new();
    for (unit, materializations) in units {
        for (name, found) in materializations.iter().filter(|(_, found)| found.is_unit_in_materialization) {
            let record = |rule: &str, variant: &str| Record {
                unit: unit.clone(),
                materialization: name.clone(),
                rule: rule.to_owned(),
                variant: variant.to_owned(),
            };
            records.extend(found.rule_to_variant.iter().map(|(rule, variant)| record(rule, variant)));
            if found.rule_to_variant.is_empty() {
                records.push(record("", ""));
            }
        }
    }
    records
}
