//! The cases of GrowthBook: `cases.json` of its SDKs.

use std::path::Path;

use expt::assign::compat::growthbook::{
    BucketRange, Condition, Context, Evaluation, Experiment, FeatureResult, Features, Namespace, SavedGroups,
    StickyBuckets, StickyDocument, bucket_ranges, choose_variation, equal_weights, hash,
    query_string_override,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::report::{Cases, Report};

pub(crate) fn run(root: &Path, report: &mut Report) {
    report.file(root, "growthbook/cases.json", |sections: &Map<String, Value>, cases| {
        for (name, section) in sections {
            let Some(list) = section.as_array() else { continue };
            if let Some((_, reason)) = SKIPPED.iter().find(|(skipped, _)| skipped == name) {
                cases.skip(list.len(), name, reason);
                continue;
            }
            for (index, case) in list.iter().enumerate() {
                let id = format!("{name}[{index}] {}", case.get(0).map(Value::to_string).unwrap_or_default());
                if let Err(problem) = check(name, &id, case, cases) {
                    cases.fail(&id, problem);
                }
            }
        }
    });
}

fn check(section: &str, id: &str, case: &Value, cases: &mut Cases) -> Result<(), String> {
    match section {
        "hash" => {
            let (seed, value, version, expected): (String, String, u32, Option<f64>) = read(case)?;
            cases.check(id, &expected, &hash(&seed, &value, version));
        }
        "getBucketRange" => {
            let (_, (count, coverage, weights), expected): (String, Buckets, Vec<BucketRange>) = read(case)?;
            let rounded = |ranges: &[BucketRange]| -> Vec<_> {
                ranges.iter().map(|range| (rounded(range.start), rounded(range.end))).collect()
            };
            let got = bucket_ranges(count, coverage.unwrap_or(1.0), weights.as_deref());
            cases.check(id, &rounded(&expected), &rounded(&got));
        }
        "getEqualWeights" => {
            let (count, expected): (i64, Vec<f64>) = read(case)?;
            let all = |weights: &[f64]| weights.iter().copied().map(rounded).collect::<Vec<_>>();
            cases.check(id, &all(&expected), &all(&equal_weights(count)));
        }
        "chooseVariation" => {
            let (_, bucket, ranges, expected): (String, f64, Vec<BucketRange>, i64) = read(case)?;
            cases.check(id, &usize::try_from(expected).ok(), &choose_variation(bucket, &ranges));
        }
        "inNamespace" => {
            let (_, value, namespace, expected): (String, String, Namespace, bool) = read(case)?;
            cases.check(id, &expected, &namespace.contains(&value));
        }
        "getQueryStringOverride" => {
            let (_, key, url, count, expected): (String, String, String, usize, Option<usize>) = read(case)?;
            cases.check(id, &expected, &query_string_override(&key, &url, count));
        }
        "evalCondition" => {
            let item = |index: usize| case.get(index).unwrap_or(&Value::Null);
            let condition = Condition::from_value(item(1)).map_err(|error| error.to_string())?;
            let groups = SavedGroups::from_value(item(4));
            cases.check(id, item(3), &Value::from(condition.matches(item(2), &groups)));
        }
        "run" => run_case(id, read(case)?, cases)?,
        "feature" | "contextualBandit" => {
            let (_, options, key, expected): (String, Options, String, Value) = read(case)?;
            let features = options.features()?;
            let context = options.context();
            let got = feature_json(&features.evaluate(&key, &context).result)?;
            cases.check(id, &plain(&expected), &plain(&got));
        }
        "stickyBucket" => sticky_case(id, read(case)?, cases)?,
        _ => return Err("a section that is not known".to_owned()),
    }
    Ok(())
}

type Buckets = (i64, Option<f64>, Option<Vec<f64>>);

fn run_case(
    id: &str,
    (_, options, experiment, value, in_experiment, hash_used): (String, Options, Value, Value, bool, bool),
    cases: &mut Cases,
) -> Result<(), String> {
    let (features, context) = (options.features()?, options.context());
    let experiment = Experiment::from_value(&experiment).map_err(|error| error.to_string())?;
    let got = features.run(&experiment, &context).result;
    let expected = (plain(&value), in_experiment, hash_used);
    cases.check(id, &expected, &(plain(got.value), got.in_experiment, got.hash_used));
    Ok(())
}

type StickyCase = (String, Options, Vec<StickyDocument>, String, Value, Map<String, Value>);

fn sticky_case(
    id: &str,
    (_, options, stored, key, expected, expected_documents): StickyCase,
    cases: &mut Cases,
) -> Result<(), String> {
    let features = options.features()?;
    let plain_context = options.context();
    let mut stored: StickyBuckets = stored.into_iter().collect();
    for document in
        options.sticky_bucket_assignment_docs.into_iter().flat_map(|documents| documents.into_values())
    {
        stored.insert(read(&document)?);
    }
    // As an application does: load the documents of this user, evaluate, keep what changed.
    let keys = features.sticky_keys(&plain_context);
    let mut documents: StickyBuckets =
        keys.iter().filter_map(|key| stored.get(&key.attribute, &key.value).cloned()).collect();
    let context = plain_context.with_sticky(documents.clone());
    let Evaluation { result, sticky, .. } = features.evaluate(&key, &context);
    let result = serde_json::to_value(&result.experiment_result).map_err(|error| error.to_string())?;
    sticky.into_iter().for_each(|document| documents.insert(document));
    let document = |(key, document): (&str, &StickyDocument)| (key.to_owned(), json!(document));
    let documents: Map<String, Value> = documents.iter().map(document).collect();
    cases.check(id, &(plain(&expected), expected_documents), &(plain(&result), documents));
    Ok(())
}

/// A result in the form of the SDK.
fn feature_json(result: &FeatureResult<'_>) -> Result<Value, String> {
    let mut object = json!({
        "value": result.value,
        "on": result.is_on(),
        "off": !result.is_on(),
        "source": result.source,
        "ruleId": result.rule_id,
    });
    if let (Some(object), Some(experiment)) = (object.as_object_mut(), &result.experiment) {
        let json = |value: Result<Value, serde_json::Error>| value.map_err(|error| error.to_string());
        object.insert("experiment".to_owned(), json(serde_json::to_value(experiment))?);
        object.insert("experimentResult".to_owned(), json(serde_json::to_value(&result.experiment_result))?);
    }
    Ok(object)
}

/// The SDK's options that the cases use.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Options {
    attributes: Map<String, Value>,
    url: String,
    enabled: Option<bool>,
    qa_mode: bool,
    forced_variations: Map<String, Value>,
    features: Value,
    saved_groups: Value,
    contextual_bandits: Value,
    sticky_bucket_assignment_docs: Option<Map<String, Value>>,
}

impl Options {
    fn features(&self) -> Result<Features, String> {
        let payload = json!({
            "features": self.features,
            "savedGroups": self.saved_groups,
            "contextualBandits": self.contextual_bandits,
        });
        Features::from_json(&payload.to_string()).map_err(|error| error.to_string())
    }

    fn context(&self) -> Context {
        let context = Context::new(self.attributes.clone())
            .with_url(&*self.url)
            .with_enabled(self.enabled != Some(false))
            .with_qa_mode(self.qa_mode);
        self.forced_variations.iter().fold(context, |context, (key, index)| {
            context.with_forced_variation(key, index.as_i64().unwrap_or(-1))
        })
    }
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| format!("cannot be read: {error}"))
}

/// The precision that the SDK's own tests compare with.
fn rounded(number: f64) -> f64 {
    (number * 1e8).floor() / 1e8
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

const SKIPPED: [(&str, &str); 2] = [
    ("decrypt", "decryption is up to who loads the payload"),
    ("urlRedirect", "redirects of a browser are not assignment"),
];
