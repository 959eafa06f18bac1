//! What scripts and namespaces come out at. Expected values: PlanOut's Python reference (repository head, 2020) under
//! Python 3.11, unless a test says otherwise.

use super::*;

fn script(json: &str) -> Script {
    Script::from_json(json).unwrap()
}

/// The value of an expression, assigned to `x` under the salt `exp`.
fn value(expression: &str) -> Result<Value> {
    let json = format!(r#"{{"op": "set", "var": "x", "value": {expression}}}"#);
    let inputs: Map = serde_json::from_str(INPUTS).unwrap();
    let outcome = script(&json).evaluate("exp", &inputs, &Map::new())?;
    Ok(outcome.params.get("x").cloned().unwrap())
}

fn check(expression: &str, expected: &str) {
    assert_eq!(value(expression).unwrap(), serde_json::from_str(expected).unwrap(), "{expression}");
}

fn refused(expression: &str) -> PlanOutError {
    value(expression).expect_err(expression)
}

#[test]
fn numbers_compute_as_in_python() {
    check(r#"{"op": "/", "left": 4, "right": 2}"#, "2.0");
    check(r#"{"op": "/", "left": "1_0", "right": true}"#, "10.0");
    check(r#"{"op": "%", "left": -7, "right": 3}"#, "2");
    check(r#"{"op": "%", "left": 7.5, "right": -2}"#, "-0.5");
    check(r#"{"op": "round", "value": 2.5}"#, "2");
    check(r#"{"op": "negative", "value": true}"#, "-1");
    check(r#"{"op": "sum", "values": [true, 1, 0.5]}"#, "2.5");
    check(r#"{"op": "sum", "values": []}"#, "0");
    check(r#"{"op": "product", "values": [9007199254740993, 3]}"#, "27021597764222979");
    check(r#"{"op": "product", "values": ["ab", 2]}"#, r#""abab""#);
    check(r#"{"op": "min", "values": [2, 1.0, true]}"#, "1.0");
    check(r#"{"op": "max", "values": [[1, 2], [1, 3], [1]]}"#, "[1, 3]");
    check(r#"{"op": "exp", "value": 1}"#, "2.718281828459045");
    check(r#"{"op": "sqrt", "value": 0.123}"#, "0.3507135583350036");
    check(r#"{"op": "length", "value": "naïve"}"#, "5");
    assert!(matches!(refused(r#"{"op": "%", "left": 1, "right": false}"#), PlanOutError::Zero { .. }));
    assert!(matches!(refused(r#"{"op": "<", "left": 1, "right": "a"}"#), PlanOutError::Operands { .. }));
    assert!(matches!(refused(r#"{"op": "max", "values": []}"#), PlanOutError::Empty { .. }));
    assert!(matches!(refused(r#"{"op": "sqrt", "value": -1}"#), PlanOutError::Argument { .. }));
    assert!(matches!(refused(r#"{"op": "exp", "value": 1000}"#), PlanOutError::Overflow { .. }));
}

#[test]
fn truth_and_order_are_those_of_python() {
    check(r#"{"op": "equals", "left": true, "right": 1.0}"#, "true");
    check(r#"{"op": "equals", "left": [1, {"a": 2}], "right": [true, {"a": 2.0}]}"#, "true");
    check(r#"{"op": "equals", "left": 9007199254740993, "right": 9007199254740992.0}"#, "false");
    check(r#"{"op": "not", "value": []}"#, "true");
    check(r#"{"op": "and", "values": [1, "", {"op": "no such operator"}]}"#, "false");
    check(r#"{"op": "or", "values": [0, "a", {"op": "no such operator"}]}"#, "true");
    check(r#"{"op": "coalesce", "values": [null, 0, {"op": "no such operator"}]}"#, "0");
    check(r#"{"op": "index", "base": [5, 6], "index": true}"#, "6");
    check(r#"{"op": "index", "base": [5, 6], "index": -1}"#, "null");
    check(r#"{"op": "index", "base": {"a": 5}, "index": "b"}"#, "null");
    check(r#"{"op": "map", "a": {"op": "get", "var": "nothing"}}"#, r#"{"a": null}"#);
    check(r#"{"a": {"op": "get", "var": "n"}}"#, r#"{"a": {"op": "get", "var": "n"}}"#);
}

#[test]
fn units_are_hashed_by_their_python_text() {
    for (unit, hash) in UNIT_HASHES {
        let unit: Value = serde_json::from_str(unit).unwrap();
        assert_eq!(Draw::new("exp", "x", &unit).unwrap().hash60(), *hash, "{unit:?}");
    }
    let error = refused(r#"{"op": "randomFloat", "min": 0, "max": 1, "unit": "naïve"}"#);
    assert_eq!(error, PlanOutError::NotAscii { text: "naïve".to_owned() });
}

/// Runs steps under the salt `exp` and compares all parameters.
fn check_steps(steps: &str, expected: &str, enabled: bool) {
    let code = format!(r#"{{"op": "seq", "seq": [{steps}]}}"#);
    let outcome = script(&code).evaluate("exp", &serde_json::from_str(INPUTS).unwrap(), &Map::new()).unwrap();
    assert_eq!(outcome.params, serde_json::from_str(expected).unwrap());
    assert_eq!(outcome.enabled, enabled);
}

#[test]
fn a_list_of_units_grows_while_it_is_sampled_with() {
    let steps = r#"
        {"op": "set", "var": "s", "value":
            {"op": "sample", "choices": [1, 2, 3, 4], "unit": {"op": "get", "var": "ul"}}},
        {"op": "set", "var": "f", "value":
            {"op": "fastSample", "choices": [1, 2, 3, 4], "draws": 2, "unit": {"op": "get", "var": "ul"}}},
        {"op": "set", "var": "b", "value":
            {"op": "bernoulliFilter", "choices": ["p", null, "q"], "p": 0.5, "unit": {"op": "get", "var": "ul"}}},
        {"op": "set", "var": "u", "value": {"op": "get", "var": "ul"}}"#;
    let expected = r#"{"s": [4, 1, 3, 2], "f": [3, 2], "b": ["q"], "u": [1, "b", 3, 2, 1, 3, 2, "p", "q"]}"#;
    check_steps(steps, expected, true);
}

#[test]
fn a_script_can_change_the_salt_and_what_follows_it() {
    let draw =
        r#"{"op": "randomInteger", "min": 0, "max": 999, "unit": {"op": "get", "var": "n"}, "salt": "a"}"#;
    let steps = format!(
        r#"{{"op": "set", "var": "a", "value": {draw}}},
        {{"op": "set", "var": "experiment_salt", "value": "other"}},
        {{"op": "set", "var": "b", "value": {draw}}},
        {{"op": "set", "var": "salt_sep", "value": ":"}},
        {{"op": "set", "var": "c", "value": {draw}}},
        {{"op": "set", "var": "d", "value": {{"op": "get", "var": "experiment_salt"}}}},
        {{"op": "set", "var": "experiment_salt", "value": {{"op": "coalesce", "values": [null, "x"]}}}},
        {{"op": "set", "var": "e", "value": {draw}}},
        {{"op": "set", "var": "f", "value": {{"op": "get", "var": "experiment_salt"}}}}"#
    );
    check_steps(&steps, r#"{"a": 634, "b": 430, "c": 738, "d": "other", "e": 781, "f": "x"}"#, true);
}

#[test]
fn odd_arguments_give_what_the_reference_gives_and_return_ends_a_script() {
    let steps = r#"
        {"op": "set", "var": "s", "value":
            {"op": "sample", "choices": [1, 2, 3, 4], "draws": -1, "unit": {"op": "get", "var": "n"}}},
        {"op": "set", "var": "f", "value":
            {"op": "fastSample", "choices": [1, 2, 3, 4], "draws": -1, "unit": {"op": "get", "var": "n"}}},
        {"op": "set", "var": "r", "value":
            {"op": "randomInteger", "min": 5, "max": -5, "unit": {"op": "get", "var": "n"}}},
        {"op": "set", "var": "w", "value":
            {"op": "weightedChoice", "choices": ["a", "b"], "weights": [-1, -2], "unit": {"op": "get", "var": "n"}}},
        {"op": "return", "value": 0},
        {"op": "set", "var": "never", "value": 1}"#;
    check_steps(steps, r#"{"s": [4, 3, 1], "f": [4, 2, 3], "r": 0, "w": "a"}"#, false);
}

#[test]
fn an_override_stays_and_others_see_it() {
    let code = r#"{"op": "seq", "seq": [
        {"op": "set", "var": "a", "value": 1},
        {"op": "set", "var": "b", "value": {"op": "get", "var": "a"}}]}"#;
    let overrides = Map::from_iter([("a", 5)]);
    let outcome = script(code).evaluate("exp", &Map::from_iter([("a", 2)]), &overrides).unwrap();
    assert_eq!(outcome.params, Map::from_iter([("a", 5), ("b", 5)]));
}

#[test]
fn draws_without_a_salt_and_unknown_operators_are_refused() {
    let nested = r#"[{"op": "uniformChoice", "choices": [1, 2], "unit": 1}]"#;
    let missing = PlanOutError::Missing { operator: "uniformChoice".to_owned(), argument: "salt" };
    assert_eq!(refused(nested), missing);
    assert!(matches!(refused(r#"[{"op": "map", "a": 1}]"#), PlanOutError::Missing { .. }));
    assert_eq!(refused(r#"{"op": "eval"}"#), PlanOutError::Operator { name: "eval".to_owned() });
    assert!(matches!(refused(r#"{"op": "get", "var": "_data"}"#), PlanOutError::Reserved { .. }));
    let p = r#"{"op": "bernoulliTrial", "p": 1.5, "unit": 1}"#;
    assert_eq!(refused(p), PlanOutError::Probability { value: 1.5 });
    let many = r#"{"op": "sample", "choices": [1], "draws": 2, "unit": 1}"#;
    assert_eq!(refused(many), PlanOutError::Draws { draws: 2, choices: 1 });
}

#[test]
fn hostile_scripts_are_refused_in_bounded_time_and_memory() {
    Script::from_json("[".repeat(1_000_000)).unwrap_err();
    let huge = Script::from_json(r#"{"op": "literal", "value": 18446744073709551616}"#).unwrap_err();
    assert_eq!(huge, PlanOutError::Literal { value: "18446744073709551616".to_owned() });
    Script::from_json(r#"["18446744073709551616 \" 18446744073709551616", 1e300]"#).unwrap();
    let deep = (0..200).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    assert_eq!(Script::new(deep), Err(PlanOutError::Depth { allowed: 128 }));

    let text = r#"{"op": "product", "values": ["abcdefghijklmnop", 1000000000000]}"#;
    assert!(matches!(refused(text), PlanOutError::Steps { .. }));
    let doubling = r#"{"op": "set", "var": "a", "value": {"op": "array", "values":
        [{"op": "get", "var": "a"}, {"op": "get", "var": "a"}]}}"#;
    let code = format!(r#"{{"op": "seq", "seq": [{}]}}"#, vec![doubling; 60].join(","));
    let error = script(&code).evaluate("exp", &Map::new(), &Map::new()).unwrap_err();
    assert!(matches!(error, PlanOutError::Steps { .. }), "{error}");
    let nesting =
        r#"{"op": "set", "var": "a", "value": {"op": "array", "values": [{"op": "get", "var": "a"}]}}"#;
    let code = format!(r#"{{"op": "seq", "seq": [{}]}}"#, vec![nesting; 10_000].join(","));
    let error = script(&code).evaluate("exp", &Map::new(), &Map::new()).unwrap_err();
    assert_eq!(error, PlanOutError::Depth { allowed: 128 });
    let own = r#"{"op": "bernoulliFilter", "p": 0.5, "choices": [{"op": "get", "var": "ul"}],
        "unit": {"op": "get", "var": "ul"}}"#;
    assert!(matches!(refused(own), PlanOutError::Cycle { .. }));
}

#[test]
fn segments_follow_from_the_history_of_a_namespace() {
    let mut namespace = Namespace::new("ns1", 100, ["userid"], Sampling::Full).unwrap();
    namespace.add_experiment("e1", 20).unwrap();
    namespace.add_experiment("e2", 30).unwrap();
    let before = namespace.clone();
    let error = namespace.add_experiment("e3", 51).unwrap_err();
    assert_eq!(error, PlanOutError::Segments { requested: 51, available: 50 });
    assert!(matches!(namespace.add_experiment("e1", 1), Err(PlanOutError::Taken { .. })));
    assert!(matches!(namespace.remove_experiment("e3"), Err(PlanOutError::Unknown { .. })));
    assert!(before.segments().eq(namespace.segments()));
    namespace.remove_experiment("e1").unwrap();
    namespace.add_experiment("e3", 40).unwrap();
    let mut drawn = namespace.segments_of("e3").unwrap().to_vec();
    drawn.sort_unstable();
    // After segments came back, CPython's set no longer iterates in ascending order; drawn from an ascending
    // list, these would be others.
    assert_eq!(drawn[..12], [2, 11, 12, 13, 17, 18, 21, 22, 24, 26, 27, 29]);
    assert_eq!(namespace.available(), 30);
    let user = Map::from_iter([("userid", "27599925")]);
    let placement = namespace.assign(&user).unwrap();
    assert_eq!((placement.segment, placement.experiment), (70, Some("e3")));
    assert_eq!(placement.salt.as_deref(), Some("ns1.e3"));
    assert_eq!(namespace.assign(&Map::new()), Err(PlanOutError::Input { name: "userid".to_owned() }));
}

#[test]
fn namespaces_that_cannot_be_are_refused() {
    assert!(matches!(Namespace::new("n", 0, ["u"], Sampling::Full), Err(PlanOutError::Size { .. })));
    assert!(matches!(Namespace::new("n", u32::MAX, ["u"], Sampling::Fast), Err(PlanOutError::Size { .. })));
    let none: [&str; 0] = [];
    assert!(matches!(Namespace::new("n", 1, none, Sampling::Full), Err(PlanOutError::NoUnit { .. })));
}

const INPUTS: &str = r#"{"n": 7, "ul": [1, "b"]}"#;

/// Python: `int(sha1(("exp.x." + ".".join(map(str, unit))).encode()).hexdigest()[:15], 16)`.
const UNIT_HASHES: &[(&str, u64)] = &[
    ("1e16", 764_229_317_198_279_141),
    ("true", 148_846_224_437_673_133),
    ("null", 270_143_152_324_868_080),
    (r#"[1, [2, "it's"]]"#, 508_808_212_816_273_184),
    (r#"{"b": 1.0, "a": null}"#, 1_116_951_067_379_655_472),
    ("[]", 1_137_861_308_589_153_926),
];
