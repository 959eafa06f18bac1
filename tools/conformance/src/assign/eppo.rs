//! The cases of Eppo: `sdk-test-data`.

use std::path::Path;

use expt::assign::compat::eppo::{Evaluation, Experiments, Flags, ValueType, VariationType};
use expt::core::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::report::{Cases, Report};

pub(crate) fn run(root: &Path, report: &mut Report) {
    for flags in ["eppo/ufc/flags-v1.json", "eppo/ufc/flags-v1-obfuscated.json"] {
        let hidden = flags.ends_with("obfuscated.json");
        if hidden && !root.join(flags).exists() {
            continue;
        }
        let text = read(root, flags);
        let raw: Value = serde_json::from_str(&text).unwrap_or_default();
        for name in files(root, "eppo/ufc/tests") {
            report.file(root, &name, |file: &TestFile, cases| match Flags::from_json(&text) {
                Ok(parsed) => file.run(flags, &parsed, &raw, cases),
                Err(error) => cases.fail(flags, error.to_string()),
            });
        }
    }
    for name in files(root, "eppo/ufc/bandit-tests") {
        report.file(root, &name, |file: &Value, cases| {
            let count = file.get("subjects").and_then(Value::as_array).map_or(1, Vec::len);
            cases.skip(count, "bandit-tests", "contextual bandits are not offered");
        });
    }
    let text = read(root, "eppo/rac-experiments-v3.json");
    for folder in ["eppo/assignment-v2", "eppo/assignment-v2-holdouts"] {
        for name in files(root, folder) {
            report.file(root, &name, |file: &ExperimentFile, cases| match Experiments::from_json(&text) {
                // The published data has a file about an experiment that its configuration lacks, so no SDK
                // can give what is expected there.
                Ok(_) if file.is_without(&text) => {
                    let reason = "the configuration has no such experiment, so every SDK gives nothing";
                    cases.skip(file.expected_assignments.len(), &file.experiment, reason);
                }
                Ok(experiments) => file.run(&experiments, cases),
                Err(error) => cases.fail("rac-experiments-v3.json", error.to_string()),
            });
        }
    }
}

/// One file of assignments by flags.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestFile {
    flag: String,
    variation_type: VariationType,
    default_value: Value,
    subjects: Vec<TestSubject>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestSubject {
    subject_key: String,
    subject_attributes: Map<String, Value>,
    assignment: Value,
    evaluation_details: Option<Value>,
}

impl TestFile {
    fn run(&self, source: &str, flags: &Flags, raw: &Value, cases: &mut Cases) {
        for subject in &self.subjects {
            let id = format!("{source}: {} {}", self.flag, subject.subject_key);
            let TestSubject { subject_key, subject_attributes, .. } = subject;
            let assigned =
                flags.evaluate(&self.flag, subject_key, subject_attributes, self.variation_type, now());
            let value = match &assigned {
                Ok(assignment) => assignment.value.to_json(),
                Err(_) => self.default_value.clone(),
            };
            let explained =
                flags.explain(&self.flag, subject_key, subject_attributes, self.variation_type, now());
            if explained.assignment != assigned {
                cases.fail(&id, format!("evaluate gives {assigned:?}, explain {:?}", explained.assignment));
                continue;
            }
            let (mut expected, mut got) = (subject.evaluation_details.clone(), Value::Null);
            if let Some(expected) = &mut expected {
                got = self.details(flags, raw, &explained);
                // The conditions of a hidden rule stay hidden.
                let is_hidden = got.get("matchedRule").is_none_or(Value::is_null);
                if let Some(rule) =
                    expected.get_mut("matchedRule").filter(|_| is_hidden && source.contains("obfuscated"))
                {
                    *rule = Value::Null;
                }
            }
            let expected = json!({"assignment": subject.assignment, "details": expected});
            let got = json!({"assignment": value, "details": got});
            cases.check(&id, &plain(&expected), &plain(&got));
        }
    }

    fn details(&self, flags: &Flags, raw: &Value, explained: &Evaluation<'_>) -> Value {
        json!({
            "environmentName": flags.environment(),
            "flagEvaluationCode": explained.code(),
            "flagEvaluationDescription": explained.description,
            "banditKey": null,
            "banditAction": null,
            "variationKey": explained.variation_key,
            "variationValue": explained.variation_value,
            "matchedRule": self.rule(raw, explained),
            "matchedAllocation": explained.matched,
            "unmatchedAllocations": explained.unmatched,
            "unevaluatedAllocations": explained.unevaluated,
        })
    }

    /// The rule that matched, as the configuration has it; nothing if that is hidden.
    fn rule(&self, raw: &Value, explained: &Evaluation<'_>) -> Value {
        let (Some(matched), Some(rule)) = (&explained.matched, explained.matched_rule) else {
            return Value::Null;
        };
        let rule = || {
            let allocations = raw.get("flags")?.get(&self.flag)?.get("allocations")?;
            allocations.get(matched.order_position.checked_sub(1)?)?.get("rules")?.get(rule)
        };
        rule().cloned().unwrap_or_default()
    }
}

/// One file of assignments by the older experiments.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExperimentFile {
    experiment: String,
    value_type: String,
    #[serde(default)]
    subjects: Vec<String>,
    #[serde(default)]
    subjects_with_attributes: Vec<ExperimentSubject>,
    expected_assignments: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExperimentSubject {
    subject_key: String,
    subject_attributes: Map<String, Value>,
}

impl ExperimentFile {
    /// Whether something is expected of an experiment that the configuration does not have.
    fn is_without(&self, configuration: &str) -> bool {
        let configuration: Value = serde_json::from_str(configuration).unwrap_or_default();
        let is_missing = configuration.get("flags").and_then(|flags| flags.get(&self.experiment)).is_none();
        is_missing && self.expected_assignments.iter().any(|expected| !expected.is_null())
    }

    fn run(&self, experiments: &Experiments, cases: &mut Cases) {
        let value_type = match self.value_type.as_str() {
            "string" => ValueType::String,
            "numeric" => ValueType::Numeric,
            "boolean" => ValueType::Boolean,
            "json" => ValueType::Json,
            other => return cases.fail(&self.experiment, format!("value type {other:?} is not known")),
        };
        let none = Map::new();
        let bare = self.subjects.iter().map(|key| (key, &none));
        let with = self.subjects_with_attributes.iter();
        let subjects: Vec<_> =
            bare.chain(with.map(|with| (&with.subject_key, &with.subject_attributes))).collect();
        if subjects.len() != self.expected_assignments.len() {
            let problem =
                format!("{} subjects, {} expected", subjects.len(), self.expected_assignments.len());
            return cases.fail(&self.experiment, problem);
        }
        for ((subject_key, subject_attributes), expected) in
            subjects.into_iter().zip(&self.expected_assignments)
        {
            let id = format!("{} {subject_key}", self.experiment);
            let got = experiments.evaluate(&self.experiment, subject_key, subject_attributes, value_type);
            let value = got.map_or(&Value::Null, |got| match (value_type, expected) {
                // JSON is expected as text, or as what it says.
                (ValueType::Json, Value::String(_)) => got.text,
                _ => got.value,
            });
            cases.check(id, &plain(expected), &plain(value));
        }
    }
}

/// The names of the files in a folder, sorted.
fn files(root: &Path, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".json"))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    names.sort();
    names
}

/// A configuration that files share; without it there is no text, and these fail.
fn read(root: &Path, name: &str) -> String {
    std::fs::read_to_string(root.join(name)).unwrap_or_default()
}

/// The files expect a time between 2024 and the distant future.
fn now() -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000)
}

/// The same value with every number of one kind, as 1 and 1.0 are equal.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
        _ => value.clone(),
    }
}
