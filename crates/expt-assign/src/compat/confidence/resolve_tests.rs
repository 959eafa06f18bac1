//! Resolving as a whole. Expected answers are the rules of the vendor's resolver (spotify/confidence-resolver,
//! `lib.rs` and `value.rs`), worked out by hand.

use super::*;

/// A state with one flag `flags/f` for the client of `secret`, of these rules and segments.
fn state(rules: &str, segments: &str) -> State {
    let json = format!(
        r#"{{"account": {{"name": "accounts/test"}},
            "clients": {{"secret": {{"client": {{"name": "clients/c"}}, "clientCredential": {{"environments": ["prod"]}}}}}},
            "flags": {{"flags/f": {{"name": "flags/f", "state": "ACTIVE", "clients": ["clients/c"],
                "schema": {{"schema": {{"size": {{"intSchema": {{}}}}, "inner": {{"structSchema": {{"schema": {{"x": {{}}}}}}}}}}}},
                "variants": [{{"name": "on", "value": {{"inner": {{"y": 1}}}}}}, {{"name": "off"}}],
                "rules": [{rules}]}},
              "flags/archived": {{"state": "ARCHIVED", "clients": ["clients/c"]}},
              "flags/foreign": {{"state": "ACTIVE", "clients": ["clients/d"]}}}},
            "segments": {{{segments}}},
            "bitsets": {{"segments/none": [], "segments/one": [42]}}}}"#
    );
    State::from_json(&json).unwrap()
}

/// An enabled rule that gives everyone in the segment the variant `on`.
fn rule(name: &str, segment: &str, more: &str) -> String {
    format!(
        r#"{{"name": "{name}", "segment": "segments/{segment}", "enabled": true {more}, "assignmentSpec": {{
            "bucketCount": 100, "assignments": [{{"assignmentId": "{name}-a", "variant": {{"variant": "on"}},
            "bucketRanges": [{{"upper": 100}}]}}]}}}}"#
    )
}

fn targeted(name: &str, criterion: &str) -> String {
    format!(
        r#""segments/{name}": {{"targeting": {{"criteria": {{"c": {criterion}}}, "expression": {{"ref": "c"}}}}}}"#
    )
}

const EVERYONE: &str = r#""segments/all": {}"#;

fn context(json: &str) -> Context {
    Context::from_json(json).unwrap()
}

fn check_reason(state: &State, dialect: Dialect, json: &str, expected: Reason) {
    let context = context(json);
    let request = Request::new("secret", &context).with_dialect(dialect);
    let resolved = state.resolve(&request, &["flags/f"]).unwrap();
    assert_eq!(resolved.flags[0].reason, expected, "{json}");
}

#[test]
fn flags_of_the_client_only() {
    let state = state(&rule("r", "all", ""), EVERYONE);
    let nobody = Context::default();
    let resolved = state.resolve(&Request::new("secret", &nobody), &[]).unwrap();
    assert_eq!(resolved.flags.iter().map(|flag| flag.flag).collect::<Vec<_>>(), ["flags/f"]);
    assert_eq!(state.resolve(&Request::new("other", &nobody), &[]), Err(Error::Client { known: 1 }));
}

#[test]
fn values_have_all_fields_of_the_schema() {
    let state = state(&rule("r", "all", ""), EVERYONE);
    let context = context(r#"{"targeting_key": 7}"#);
    let resolved = state.resolve(&Request::new("secret", &context), &[]).unwrap();
    let flag = &resolved.flags[0];
    let json = serde_json::to_string(&flag.value).unwrap();
    assert_eq!(json, r#"{"inner":{"x":null,"y":1.0},"size":null}"#);
    assert_eq!((flag.variant, flag.rule, flag.assignment_id), ("on", "r", "r-a"));
    assert_eq!((flag.targeting_key.as_str(), flag.should_apply()), ("7", true));
}

#[test]
fn units() {
    let split = r#"{"name": "r", "segment": "segments/all", "enabled": true, "assignmentSpec": {"bucketCount": 2,
        "assignments": [{"variant": {"variant": "on"}, "bucketRanges": [{"upper": 1}]},
                        {"variant": {"variant": "off"}, "bucketRanges": [{"lower": 1, "upper": 2}]}]}}"#;
    let half = state(split, EVERYONE);
    let check = |json: &str, expected| check_reason(&half, Dialect::Local, json, expected);
    check(r#"{"targeting_key": "a"}"#, Reason::Match);
    check(r#"{"targeting_key": 12}"#, Reason::Match);
    check(r#"{"targeting_key": 1.5}"#, Reason::TargetingKeyError);
    check(r#"{"targeting_key": ["a"]}"#, Reason::TargetingKeyError);
    check(&format!(r#"{{"targeting_key": "{}"}}"#, "x".repeat(100)), Reason::Match);
    check(&format!(r#"{{"targeting_key": "{}"}}"#, "x".repeat(101)), Reason::TargetingKeyError);
    check("{}", Reason::NoSegmentMatch);
    // Everyone gets the one variant, whatever the unit.
    let full = state(&rule("r", "all", ""), EVERYONE);
    check_reason(&full, Dialect::Local, r#"{"targeting_key": 1.5}"#, Reason::Match);
    check_reason(&full, Dialect::Local, "{}", Reason::Match);
    let own = state(&rule("r", "all", r#", "targetingKeySelector": "user.id""#), EVERYONE);
    check_reason(&own, Dialect::Local, r#"{"user": {"id": "a"}}"#, Reason::Match);
    check_reason(&own, Dialect::Local, r#"{"user": {"id": true}}"#, Reason::TargetingKeyError);
    check_reason(&own, Dialect::Local, r#"{"targeting_key": "a"}"#, Reason::NoSegmentMatch);
}

#[test]
fn splits_go_by_the_bucket_of_the_segment() {
    let split = r#"{"name": "r", "segment": "segments/all", "enabled": true, "assignmentSpec": {"bucketCount": 100,
        "assignments": [{"assignmentId": "low", "variant": {"variant": "on"}, "bucketRanges": [{"upper": 30}]},
            {"assignmentId": "high", "clientDefault": {}, "bucketRanges": [{"lower": 30, "upper": "60"}]}]}}"#;
    let state = state(split, EVERYONE);
    for unit in 0..200 {
        let context = context(&format!(r#"{{"targeting_key": "{unit}"}}"#));
        let resolved = state.resolve(&Request::new("secret", &context), &[]).unwrap();
        let flag = &resolved.flags[0];
        let expected = match variant_bucket("all", &unit.to_string(), 100) {
            0..30 => (Reason::Match, "low", "on"),
            30..60 => (Reason::Match, "high", ""),
            _ => (Reason::NoSegmentMatch, "", ""),
        };
        assert_eq!((flag.reason, flag.assignment_id, flag.variant), expected, "{unit}");
    }
}

#[test]
fn allocations() {
    let segments = r#""segments/none": {}, "segments/one": {}"#;
    check_reason(
        &state(&rule("r", "none", ""), segments),
        Dialect::Local,
        r#"{"targeting_key": "a"}"#,
        Reason::NoSegmentMatch,
    );
    let one = state(&rule("r", "one", ""), segments);
    // A unit without a key is in no segment that is not whole.
    check_reason(&one, Dialect::Local, "{}", Reason::NoSegmentMatch);
    let inside = (0_u64..).find(|unit| bucket("test", &unit.to_string(), BUCKETS) == 42).unwrap();
    check_reason(&one, Dialect::Local, &format!(r#"{{"targeting_key": "{inside}"}}"#), Reason::Match);
    check_reason(
        &one,
        Dialect::Local,
        &format!(r#"{{"targeting_key": "{}"}}"#, inside + 1),
        Reason::NoSegmentMatch,
    );
}

#[test]
fn fallthroughs_are_exposures() {
    let through = r#"{"name": "t", "segment": "segments/all", "enabled": true, "assignmentSpec": {"bucketCount": 1,
        "assignments": [{"assignmentId": "h", "fallthrough": {}, "bucketRanges": [{"upper": 1}]}]}}"#;
    let state = state(through, EVERYONE);
    let context = context(r#"{"targeting_key": "a"}"#);
    let resolved = state.resolve(&Request::new("secret", &context), &[]).unwrap();
    let flag = &resolved.flags[0];
    assert!(flag.reason == Reason::NoSegmentMatch && flag.should_apply());
    assert_eq!((flag.fallthroughs[0].rule, flag.fallthroughs[0].assignment_id), ("t", "h"));
}

#[test]
fn sticky_assignments() {
    let sticky = r#", "materializationSpec": {"readMaterialization": "m", "writeMaterialization": "m"}"#;
    let rules = format!("{}, {}", rule("first", "se", sticky), rule("second", "all", ""));
    let segments = format!(
        "{EVERYONE}, {}",
        targeted(
            "se",
            r#"{"attribute": {"attributeName": "country", "eqRule": {"value": {"stringValue": "SE"}}}}"#
        )
    );
    let state = state(&rules, &segments);
    let context = context(r#"{"targeting_key": "a", "country": "SE"}"#);
    let request = Request::new("secret", &context);
    let record = |rule: &str, variant: &str| Record {
        unit: "a".to_owned(),
        materialization: "m".to_owned(),
        rule: rule.to_owned(),
        variant: variant.to_owned(),
    };
    // The later rule would match, but may not before the earlier is known.
    let asked = state.resolve(&request, &[]).unwrap();
    assert_eq!((asked.flags.len(), &asked.to_read, asked.to_write.len()), (0, &vec![record("first", "")], 0));
    let fresh = state.resolve(&request.with_materializations(Materializations::Complete(&[])), &[]).unwrap();
    assert_eq!((fresh.flags[0].rule, &fresh.to_write), ("first", &vec![record("first", "on")]));
    let known = [record("first", "on")];
    let again =
        state.resolve(&request.with_materializations(Materializations::Complete(&known)), &[]).unwrap();
    assert_eq!((again.flags[0].variant, again.to_write.len()), ("on", 0));
    let none = state.resolve(&request.with_materializations(Materializations::Unsupported), &[]).unwrap();
    assert_eq!(none.flags[0].reason, Reason::MaterializationNotSupported);
}

#[test]
fn unknown_records_follow_kleene() {
    let both = |operator: &str| {
        format!(
            r#""segments/s": {{"targeting": {{"criteria": {{"m": {{"materializedSegment": {{"materializedSegment": "m"}}}},
                "c": {{"attribute": {{"attributeName": "x", "eqRule": {{"value": {{"boolValue": true}}}}}}}}}},
                "expression": {{"{operator}": {{"operands": [{{"ref": "m"}}, {{"ref": "c"}}]}}}}}}}}"#
        )
    };
    let check = |operator: &str, x: bool, flags: usize| {
        let state = state(&rule("r", "s", ""), &both(operator));
        let context = context(&format!(r#"{{"targeting_key": "a", "x": {x}}}"#));
        let resolved = state.resolve(&Request::new("secret", &context), &[]).unwrap();
        assert_eq!((resolved.flags.len(), resolved.to_read.len()), (flags, 1), "{operator} {x}");
    };
    check("and", true, 0);
    check("and", false, 1);
    check("or", true, 1);
    check("or", false, 0);
}

#[test]
fn the_resolvers_differ_in_named_corners() {
    let check = |criterion: &str, json: &str, service: Reason, local: Reason| {
        let state = state(&rule("r", "s", ""), &targeted("s", criterion));
        check_reason(&state, Dialect::Service, json, service);
        check_reason(&state, Dialect::Local, json, local);
    };
    let range =
        r#"{"rangeRule": {"startInclusive": {"numberValue": 0}, "endExclusive": {"numberValue": 5}}}"#;
    let all = format!(r#"{{"attribute": {{"attributeName": "x", "allRule": {{"rule": {range}}}}}}}"#);
    check(&all, "{}", Reason::Match, Reason::NoSegmentMatch);
    check(&all, r#"{"x": [0, 4.9]}"#, Reason::Match, Reason::Match);
    check(&all, r#"{"x": [5]}"#, Reason::NoSegmentMatch, Reason::NoSegmentMatch);
    let unset = r#"{"attribute": {"attributeName": "x", "eqRule": {"value": {}}}}"#;
    check(unset, r#"{"x": null}"#, Reason::Match, Reason::NoSegmentMatch);
    check(unset, r#"{"x": 1}"#, Reason::NoSegmentMatch, Reason::NoSegmentMatch);
    let open = r#"{"attribute": {"attributeName": "x", "rangeRule": {}}}"#;
    check(open, r#"{"x": 1}"#, Reason::NoSegmentMatch, Reason::Match);
    let new = r#"{"attribute": {"attributeName": "x", "regexRule": {}}}"#;
    check(new, r#"{"x": 1}"#, Reason::NoSegmentMatch, Reason::NoSegmentMatch);
    let state = state(&rule("r", "s", ""), &targeted("s", &all));
    let context = context(r#"{"x": "text"}"#);
    let refused = state.resolve(&Request::new("secret", &context), &[]).unwrap_err();
    assert_eq!(refused.to_string(), r#"attribute "x" has "\"text\"", and a number is needed"#);
    check_reason(&state, Dialect::Service, r#"{"x": "text"}"#, Reason::NoSegmentMatch);
}

#[test]
fn cycles_are_not_met_and_growth_is_refused() {
    let other = |name: &str, other: &str| {
        let criterion = format!(r#"{{"segment": {{"segment": "segments/{other}"}}}}"#);
        targeted(name, &criterion)
    };
    let cycle = state(&rule("r", "a", ""), &format!("{}, {}", other("a", "b"), other("b", "a")));
    check_reason(&cycle, Dialect::Local, r#"{"targeting_key": "u"}"#, Reason::NoSegmentMatch);
    // Each of 31 segments asks the next twice: 2^31 evaluations.
    let doubled: Vec<String> = (0..31)
        .map(|at| {
            let reference = format!(r#"{{"segment": {{"segment": "segments/{}"}}}}"#, at + 1);
            format!(
                r#""segments/{at}": {{"targeting": {{"criteria": {{"c": {reference}}}, "expression": {{"and": {{"operands": [{{"ref": "c"}}, {{"ref": "c"}}]}}}}}}}}"#
            )
        })
        .collect();
    let growing = state(&rule("r", "0", ""), &format!(r#"{}, "segments/31": {{}}"#, doubled.join(", ")));
    let deep: Vec<String> = (0..40).map(|at: u32| other(&at.to_string(), &(at + 1).to_string())).collect();
    let deep = state(&rule("r", "0", ""), &deep.join(", "));
    for state in [growing, deep] {
        let context = context(r#"{"targeting_key": "u"}"#);
        let refused = state.resolve(&Request::new("secret", &context), &[]);
        assert!(matches!(refused, Err(Error::Complex { .. })), "{refused:?}");
    }
}

#[test]
fn refused_states() {
    let check = |json: &str, expected: &str| {
        let error = State::from_json(json).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("{}", "missing field `account`");
    check(r#"{"account": {"name": "test"}}"#, "account: test is not like accounts/ID");
    let with = |more: &str| format!(r#"{{"account": {{"name": "accounts/a"}}, {more}}}"#);
    check(&with(r#""segments": {"s": {}}, "bitsets": {"s": "SOME"}"#), "s: SOME is not a bitset");
    check(&with(r#""bloomFilters": {"m": {"strategy": 1, "data": "!"}}"#), "m: ! is not base64");
    let nested = |depth: usize| format!("{}{{}}{}", r#"{"not": "#.repeat(depth), "}".repeat(depth));
    let segment = |depth| {
        with(&format!(r#""segments": {{"s": {{"targeting": {{"expression": {}}}}}}}"#, nested(depth)))
    };
    assert!(State::from_json(&segment(32)).is_ok());
    check(&segment(33), "s: its expression nests too deeply");
    check(&segment(10_000), "recursion limit");
    let time = targeted("s", r#"{"attribute": {"eqRule": {"value": {"timestampValue": "soon"}}}}"#);
    check(&with(&format!(r#""segments": {{{time}}}"#)), "segments/s: soon is not a time");
}

/// The form in which servers publish a state; the bitset is `packed_allocations` of `bits.rs`.
#[test]
fn published_states() {
    let json = r#"{
        "flags": [{"name": "flags/f", "state": 1, "clients": ["clients/c"], "variants": [{"name": "on"}],
            "rules": [{"name": "r", "segment": "segments/s", "enabled": true, "assignmentSpec": {"bucketCount": 1,
                "assignments": [{"variant": {"variant": "on"}, "bucketRanges": [{"upper": 1}]}]}}]}],
        "segmentsNoBitsets": [{"name": "segments/s", "targeting": {}, "allocation": {"proportion": {"value": "1"}}}],
        "bitsets": [{"segment": "segments/s", "gzippedBitset": "PACKED"}, {"segment": "x", "fullBitset": true}],
        "clients": [{"name": "clients/c"}],
        "clientCredentials": [{"name": "clients/c/credentials/1", "clientSecret": {"secret": "secret"}},
            {"name": "clients/d/credentials/1", "clientSecret": {"secret": "other"}}],
        "bloomFilters": [{"materializedSegment": "m", "strategy": 2}], "region": "REGION_EU"}"#
        .replace("PACKED", "H4sIAAAAAAAC");
    assert!(matches!(State::from_resolver_state(&json, "test"), Err(Error::State { .. })));
    let json = json.replace("H4sIAAAAAAAC", "H4sIAAAAAAACA2P9zwAGAD2b9L8IAAAA");
    let state = State::from_resolver_state(&json, "test").unwrap();
    let set = [0, 2, 8, 9, 10, 11, 12, 13, 14, 15];
    let mut inside = 0;
    for unit in 0..300_000_u64 {
        let bucket = bucket("test", &unit.to_string(), BUCKETS);
        if bucket < 16 {
            let expected = if set.contains(&bucket) { Reason::Match } else { Reason::NoSegmentMatch };
            check_reason(&state, Dialect::Local, &format!(r#"{{"targeting_key": "{unit}"}}"#), expected);
            inside += 1;
        }
    }
    assert!(inside > 0);
    check_reason(&state, Dialect::Local, "{}", Reason::NoSegmentMatch);
    let nobody = Context::default();
    assert_eq!(state.resolve(&Request::new("other", &nobody), &[]), Err(Error::Client { known: 1 }));
}
