//! The cases of PlanOut: random operators, namespaces, the language.

use std::collections::BTreeMap;
use std::path::Path;

use expt::assign::compat::planout::{
    Draw, Map, Namespace, Outcome, Result, Sampling, Script, Value, hash60_bytes,
};
use serde::Deserialize;

use crate::report::{Cases, Report};

pub(crate) fn run(root: &Path, report: &mut Report) {
    report.file(root, "planout/planout_ops.json", operators);
    report.file(root, "planout/planout_namespaces.json", namespaces);
    report.file(root, "planout/planout_interpreter.json", scripts);
}

#[derive(Deserialize)]
struct Operators {
    vectors: Vec<Operator>,
}

#[derive(Deserialize)]
struct Operator {
    op: String,
    experiment_salt: String,
    variable: String,
    args: Map,
    result: Value,
    hash60: Option<String>,
}

#[derive(Deserialize)]
struct Namespaces {
    #[serde(default)]
    raw_hash: Vec<RawHash>,
    namespaces: Vec<NamespaceCases>,
}

#[derive(Deserialize)]
struct RawHash {
    bytes: String,
    hash60: String,
    uniform: f64,
}

#[derive(Deserialize)]
struct NamespaceCases {
    namespace: String,
    num_segments: u32,
    primary_unit: Vec<String>,
    fast_sample: bool,
    steps: Vec<Step>,
    #[serde(default)]
    users: Vec<Map>,
}

#[derive(Deserialize)]
struct Step {
    step: Action,
    ok: bool,
    segments: BTreeMap<String, Vec<u32>>,
    available: u32,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Action {
    Add { name: String, segments: u32 },
    Remove { name: String },
}

#[derive(Deserialize)]
struct Scripts {
    scripts: Vec<ScriptCases>,
}

#[derive(Deserialize)]
struct ScriptCases {
    name: String,
    compiled: Value,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    salt: String,
    inputs: Map,
    #[serde(default)]
    overrides: Map,
    params: Map,
    in_experiment: bool,
}

/// Each case both ways: through the operators' own functions and through a script that assigns the variable.
fn operators(file: &Operators, cases: &mut Cases) {
    for (place, case) in file.vectors.iter().enumerate() {
        let id = format!("vectors[{place}] {}", case.op);
        match (direct(case), scripted(case)) {
            (Ok((result, hash)), Ok(script)) => {
                let hash = case.hash60.as_ref().map(|_| hash.to_string());
                let expected = (&case.result, case.hash60.clone(), Some(&case.result));
                cases.check(id, &expected, &(&result, hash, script.as_ref()));
            }
            (Err(error), _) | (_, Err(error)) => cases.fail(id, error),
        }
    }
}

fn direct(case: &Operator) -> Result<(Value, u64), String> {
    let unit = case.args.get("unit").ok_or("no unit")?;
    let draw = match (text(&case.args, "full_salt"), text(&case.args, "salt")) {
        (Some(full), _) => Draw::with_full_salt(full, unit),
        (None, salt) => Draw::new(&case.experiment_salt, salt.unwrap_or(&case.variable), unit),
    };
    let draw = draw.map_err(|error| error.to_string())?;
    let result = drawn(&draw, case).map_err(|error| error.to_string())?;
    Ok((result.ok_or("arguments that this operator does not have")?, draw.hash60()))
}

fn drawn(draw: &Draw, case: &Operator) -> Result<Option<Value>> {
    let choices = list(&case.args, "choices").unwrap_or_default();
    let pick = |place: usize| choices.get(place).cloned().unwrap_or_default();
    let picks = |places: Vec<usize>| Value::List(places.into_iter().map(pick).collect());
    let draws = match case.args.get("draws") {
        Some(Value::Int(draws)) => usize::try_from(*draws).unwrap_or(usize::MAX),
        _ => choices.len(),
    };
    let nothing = Value::List(Vec::new());
    let (min, max, p) = (number(&case.args, "min"), number(&case.args, "max"), number(&case.args, "p"));
    Ok(Some(match case.op.as_str() {
        "RandomFloat" => match min.zip(max) {
            Some((min, max)) => Value::Float(draw.float(min, max)?),
            None => return Ok(None),
        },
        "RandomInteger" => match (case.args.get("min"), case.args.get("max")) {
            (Some(Value::Int(min)), Some(Value::Int(max))) => Value::Int(draw.integer(*min, *max)?),
            _ => return Ok(None),
        },
        "BernoulliTrial" => match p {
            Some(p) => Value::Int(draw.bernoulli_trial(p)?.into()),
            None => return Ok(None),
        },
        "BernoulliFilter" => match p {
            Some(p) => picks(draw.bernoulli_filter(choices, p)?),
            None => return Ok(None),
        },
        "UniformChoice" => draw.uniform_choice(choices.len()).map_or(nothing, pick),
        "WeightedChoice" if choices.is_empty() => nothing,
        "WeightedChoice" => {
            let weights = list(&case.args, "weights").unwrap_or_default();
            let weights: Vec<f64> = weights.iter().filter_map(float).collect();
            draw.weighted_choice(&weights)?.map_or(Value::Null, pick)
        }
        "Sample" => picks(draw.sample(choices.len(), draws)?),
        "FastSample" => picks(draw.fast_sample(choices.len(), draws)?),
        _ => return Ok(None),
    }))
}

fn scripted(case: &Operator) -> Result<Option<Value>, String> {
    let mut letters = case.op.chars();
    let name: String = letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect();
    let mut operator = case.args.clone();
    operator.insert("op", name);
    let mut set = Map::from_iter([("op", "set"), ("var", case.variable.as_str())]);
    set.insert("value", operator);
    let outcome = evaluate(&Value::Map(set), &case.experiment_salt, &Map::new(), &Map::new())?;
    Ok(outcome.params.get(&case.variable).cloned())
}

fn namespaces(file: &Namespaces, cases: &mut Cases) {
    for case in &file.raw_hash {
        let hash = hash60_bytes(case.bytes.as_bytes());
        let expected = (case.hash60.clone(), case.uniform);
        // As the library's `uniform` has it: over 2^60 - 1 in double precision.
        cases.check(&case.bytes, &expected, &(hash.to_string(), hash as f64 / ((1_u64 << 60) - 1) as f64));
    }
    for case in &file.namespaces {
        if let Err(error) = namespace(case, cases) {
            cases.fail(&case.namespace, error);
        }
    }
}

fn namespace(case: &NamespaceCases, cases: &mut Cases) -> Result<(), String> {
    let sampling = if case.fast_sample { Sampling::Fast } else { Sampling::Full };
    let name = case.namespace.as_str();
    let mut namespace = Namespace::new(name, case.num_segments, case.primary_unit.clone(), sampling)
        .map_err(|error| error.to_string())?;
    for (place, step) in case.steps.iter().enumerate() {
        let done = match &step.step {
            Action::Add { name, segments } => namespace.add_experiment(name, *segments),
            Action::Remove { name } => namespace.remove_experiment(name),
        };
        let segments: BTreeMap<String, Vec<u32>> =
            namespace.segments().map(|(name, segments)| (name.to_owned(), sorted(segments))).collect();
        let expected = (step.ok, step.segments.clone(), step.available);
        let got = (done.is_ok(), segments, namespace.available());
        cases.check(format!("{name} steps[{place}]"), &expected, &got);
    }
    for (place, user) in case.users.iter().enumerate() {
        let id = format!("{name} users[{place}]");
        let expected = user.iter().filter(|(name, _)| !case.primary_unit.iter().any(|unit| unit == name));
        let expected: Map = expected.map(|(name, value)| (name, value.clone())).collect();
        match assigned(&namespace, user) {
            Ok(got) => cases.check(id, &expected, &got),
            Err(error) => cases.fail(id, error),
        }
    }
    Ok(())
}

/// What the file says of a user. Its experiments set two parameters, `foo` and `p`; the file does not have their
/// script, which follows from its values: an even choice between two, and a trial with probability 0.3.
fn assigned(namespace: &Namespace, user: &Map) -> Result<Map, String> {
    let placement = namespace.assign(user).map_err(|error| error.to_string())?;
    let mut got = Map::from_iter([("segment", placement.segment)]);
    got.insert("experiment", placement.experiment.map_or(Value::Null, Value::from));
    let Some(salt) = placement.salt else {
        got.insert("foo", Value::Null);
        got.insert("p", Value::Null);
        return Ok(got);
    };
    let script: Value = serde_json::from_str(EXPERIMENT).map_err(|error| error.to_string())?;
    let outcome = evaluate(&script, &salt, user, &Map::new())?;
    outcome.params.iter().for_each(|(name, value)| got.insert(name, value.clone()));
    Ok(got)
}

fn scripts(file: &Scripts, cases: &mut Cases) {
    for script in &file.scripts {
        for (place, row) in script.rows.iter().enumerate() {
            let id = format!("{} rows[{place}]", script.name);
            match evaluate(&script.compiled, &row.salt, &row.inputs, &row.overrides) {
                Ok(Outcome { params, enabled, .. }) => {
                    cases.check(id, &(&row.params, row.in_experiment), &(&params, enabled));
                }
                Err(error) => cases.fail(id, error),
            }
        }
    }
}

/// Through JSON, as an application would read a script.
fn evaluate(code: &Value, salt: &str, inputs: &Map, overrides: &Map) -> Result<Outcome, String> {
    let json = serde_json::to_vec(code).map_err(|error| error.to_string())?;
    let script = Script::from_json(json).map_err(|error| error.to_string())?;
    script.evaluate(salt, inputs, overrides).map_err(|error| error.to_string())
}

fn text<'a>(args: &'a Map, name: &str) -> Option<&'a str> {
    match args.get(name)? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn list<'a>(args: &'a Map, name: &str) -> Option<&'a [Value]> {
    match args.get(name)? {
        Value::List(values) => Some(values),
        _ => None,
    }
}

fn number(args: &Map, name: &str) -> Option<f64> {
    args.get(name).and_then(float)
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}

fn sorted(segments: &[u32]) -> Vec<u32> {
    let mut segments = segments.to_vec();
    segments.sort_unstable();
    segments
}

const EXPERIMENT: &str = r#"{"op": "seq", "seq": [
    {"op": "set", "var": "foo", "value":
        {"op": "uniformChoice", "choices": ["a", "b"], "unit": {"op": "get", "var": "userid"}}},
    {"op": "set", "var": "p", "value":
        {"op": "bernoulliTrial", "p": 0.3, "unit": {"op": "get", "var": "userid"}}}
]}"#;
