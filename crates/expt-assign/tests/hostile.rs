//! Documents of about a megabyte that mean harm: each is refused, or compiles, in bounded memory.
//!
//! Alone in its program, because the counter of allocations is one for all threads' allocator. Time is not asserted
//! here; the fuzz targets have a limit for it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use expt_assign::{AssignError, Config, FaultKind, Faults, Snapshot};

/// Reads and compiles a document; says what was wrong with it. Neither takes more memory than this, at any time.
fn check(name: &str, json: &str) -> Result<(), AssignError> {
    assert!((500_000..2_500_000).contains(&json.len()), "{name}: {} bytes", json.len());
    let mut outcome = Ok(());
    let used = allocation_counter::measure(|| {
        outcome = Config::from_json(json).and_then(|config| Ok(Snapshot::compile(config)?)).map(drop);
    });
    assert!(used.bytes_max < MOST_BYTES, "{name}: {} bytes at once", used.bytes_max);
    if let Err(error) = &outcome {
        assert!(error.to_string().len() < MOST_TEXT, "{name}: {} bytes of text", error.to_string().len());
    }
    outcome
}

fn faults(name: &str, json: &str) -> Faults {
    match check(name, json) {
        Err(AssignError::Faults(faults)) => faults,
        other => panic!("{name}: {other:?}"),
    }
}

/// Some faults of this kind are among them; how many there are is counted exactly.
fn check_faulty(name: &str, json: &str, kind: FaultKind, count: usize) {
    let faults = faults(name, json);
    assert!(faults.as_slice().iter().any(|fault| fault.kind == kind), "{name}");
    assert_eq!(faults.as_slice().len(), count.min(1_000), "{name}");
    assert_eq!(faults.as_slice().len() + faults.more(), count, "{name}");
}

fn check_unreadable(name: &str, json: &str) {
    match check(name, json) {
        Err(AssignError::Json { .. }) => {}
        other => panic!("{name}: {other:?}"),
    }
}

/// A config with one kind of unit, one layer, and what is given.
fn document(fields: &[(&str, String)]) -> String {
    let fields: String = fields.iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect();
    format!(
        r#"{{"format":"expt-assign/1","version":1,"project":"p","key":"k",
        "units":[{{"kind":"user","attribute":"id"}}],
        "layers":[{{"id":"l","unit":"user","decision_points":["d"]}}]{fields}}}"#
    )
}

fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    format!("[{}]", (0..count).map(item).collect::<Vec<_>>().join(","))
}

fn pattern(pattern: &str) -> String {
    format!(r#"{{"test":{{"attribute":"a","is":{{"matches":"{pattern}"}}}}}}"#)
}

fn exclusion(rule: &str) -> String {
    format!(r#"[{{"cause":"Bot","when":{rule}}}]"#)
}

/// A phase on the whole layer with one arm; `more` begins with a comma.
fn phase(id: &str, more: &str) -> String {
    let plan = "0".repeat(64 - id.len().min(64)) + &format!("{:0>1$}", "", id.len().min(64));
    format!(
        r#"{{"id":"{id}","experiment":"{id}","layer":"l","plan":"{plan}","epoch":1,"state":"Draft","ranges":[],
        "arms":[{{"arm":"a","ranges":["{ALL}"],"bindings":{{"d":{{"Params":{{}}}}}}}}]{more}}}"#
    )
}

const ALL: &str = "0000000000000000-ffffffffffffffff";
const MOST_BYTES: u64 = 256 << 20;
const MOST_TEXT: usize = 1 << 20;

#[test]
fn patterns() {
    let bad = list(20_000, |_| pattern("("));
    let bad = document(&[("exclusions", exclusion(&format!(r#"{{"any":{bad}}}"#)))]);
    check_faulty("bad patterns", &bad, FaultKind::Rule, 20_000);
    let huge = list(15_000, |i| pattern(&format!(r"(\\pL{{999}}){{{}}}", 900 + i % 99)));
    let huge = document(&[("exclusions", exclusion(&format!(r#"{{"any":{huge}}}"#)))]);
    check_faulty("huge patterns", &huge, FaultKind::Rule, 15_000);
    // Each is as large as allowed, so that what is compiled is the most that there can be.
    let large = list(15_000, |i| pattern(&format!(r"\\pL{{3}}[a-z]{{{}}}", 1 + i % 99)));
    let large = document(&[("exclusions", exclusion(&format!(r#"{{"any":{large}}}"#)))]);
    let faults = faults("large patterns", &large);
    assert!(faults.as_slice().len() + faults.more() >= 14_000, "{} faults", faults.more());
    let long = document(&[("exclusions", exclusion(&pattern(&"a|".repeat(500_000))))]);
    check_faulty("a long pattern", &long, FaultKind::Rule, 1);
}

#[test]
fn nesting() {
    let deep = format!(r#"{}{{"all":[]}}{}"#, r#"{"not":"#.repeat(100_000), "}".repeat(100_000));
    check_unreadable("a deep rule", &document(&[("exclusions", exclusion(&deep))]));
    check_unreadable("a deep list", &"[".repeat(1_000_000));
    check_unreadable("a deep field", &document(&[("phases", "[".repeat(1_000_000))]));
}

#[test]
fn tests_and_names() {
    let tests = list(18_000, |i| format!(r#"{{"test":{{"attribute":"a{i}","is":"present"}}}}"#));
    check("many tests", &document(&[("exclusions", exclusion(&format!(r#"{{"any":{tests}}}"#)))])).unwrap();
    let empty = list(40_000, |_| r#"{"cause":"Bot"}"#.to_owned());
    check_faulty("empty exclusions", &document(&[("exclusions", empty)]), FaultKind::Empty, 40_000);
    check_unreadable(
        "a long name",
        &document(&[("phases", format!("[{}]", phase(&"x".repeat(1_000_000), "")))]),
    );
    let points = list(60_000, |i| format!(r#""point-{i}""#));
    let layers = format!(r#"[{{"id":"l","unit":"nobody","decision_points":{points}}}]"#);
    let json = document(&[]).replace(r#"[{"id":"l","unit":"user","decision_points":["d"]}]"#, &layers);
    check_faulty("many points", &json, FaultKind::Dangling, 1);
}

#[test]
fn pairs() {
    // Every forced unit is held out by every holdout: gigabytes of text, if all were kept.
    let holdouts = list(3_000, |i| {
        format!(r#"{{"id":"h{i}","unit":"user","salt":"{i}","ranges":["{ALL}"],"scope":"All"}}"#)
    });
    let forced = list(6_000, |i| format!(r#"{{"unit":"u{i}","phase":"p","arm":"a"}}"#));
    let phases = format!("[{}]", phase("p", ""));
    let json = document(&[("holdouts", holdouts), ("forced", forced), ("phases", phases)]);
    check_faulty("holdouts and forced units", &json, FaultKind::ForcedHeldOut, 18_000_000);
}

#[test]
fn phases() {
    let overlapping = list(7_000, |i| {
        phase(&format!("p{i}"), "")
            .replace(r#""Draft","ranges":[]"#, &format!(r#""Running","ranges":["{ALL}"]"#))
    });
    let faults = faults("overlapping phases", &document(&[("phases", overlapping)]));
    assert!(faults.more() > 1_000, "{}", faults.more());
    let chain = list(5_000, |i| {
        let next = format!(r#","prerequisites":[{{"phase":"p{}","arms":["a"]}}]"#, (i + 1) % 5_000);
        phase(&format!("p{i}"), &next)
    });
    let faults = self::faults("prerequisites in a circle", &document(&[("phases", chain)]));
    assert!(faults.more() > 1_000, "{}", faults.more());
    let arms = list(9_000, |i| {
        format!(r#"{{"arm":"a{i}","ranges":["{ALL}"],"bindings":{{"d{i}":{{"Params":{{}}}}}}}}"#)
    });
    let arms = phase("p", "").replace(
        &format!(r#"[{{"arm":"a","ranges":["{ALL}"],"bindings":{{"d":{{"Params":{{}}}}}}}}]"#),
        &arms,
    );
    let faults =
        self::faults("arms that bind different points", &document(&[("phases", format!("[{arms}]"))]));
    assert!(faults.more() > 10_000, "{}", faults.more());
}

/// Payloads of other products: what is not left out compiles.
#[cfg(feature = "compat")]
mod imports {
    use expt_assign::Snapshot;
    use expt_assign::compat::import::{Import, ImportOptions};
    use expt_assign::compat::{eppo, growthbook};

    use super::{MOST_BYTES, list};

    /// How many flags were imported, and how many were not.
    fn check(name: &str, text: &str, import: impl Fn(&str, &ImportOptions<'_>) -> Import) -> (usize, usize) {
        assert!((500_000..2_500_000).contains(&text.len()), "{name}: {} bytes", text.len());
        let mut counts = (0, 0);
        let used = allocation_counter::measure(|| {
            let import = import(text, &ImportOptions::new("p", "k", 1));
            counts = (import.flags.len(), import.left_out.len());
            Snapshot::compile(import.config).unwrap();
        });
        assert!(used.bytes_max < MOST_BYTES, "{name}: {} bytes at once", used.bytes_max);
        counts
    }

    fn features(text: &str, options: &ImportOptions<'_>) -> Import {
        growthbook::Features::from_json(text).unwrap().import(options).unwrap()
    }

    fn flags(text: &str, options: &ImportOptions<'_>) -> Import {
        eppo::Flags::from_json(text).unwrap().import(options).unwrap()
    }

    #[test]
    fn features_of_growthbook() {
        let payload = |rules: &str| format!(r#"{{"features":{{"a":{{"rules":{rules}}}}}}}"#);
        let rules = payload(&list(60_000, |_| r#"{"force":1}"#.to_owned()));
        assert_eq!(check("many rules", &rules, features), (0, 1));
        let variations = payload(&format!(r#"[{{"variations":{}}}]"#, list(400_000, |_| "1".to_owned())));
        assert_eq!(check("many variations", &variations, features), (0, 1));
        let filters = list(30_000, |i| format!(r#"{{"seed":"{i}","ranges":[[0,0.5]]}}"#));
        let filters = payload(&format!(r#"[{{"force":1,"filters":{filters}}}]"#));
        assert_eq!(check("many filters", &filters, features), (0, 1));
        let tests = list(30_000, |i| format!(r#"{{"attribute{i}":{i}}}"#));
        let tests = payload(&format!(r#"[{{"force":1,"condition":{{"$or":{tests}}}}}]"#));
        assert_eq!(check("many tests", &tests, features), (1, 0));
        let names: String = (0..20_000).map(|i| format!(r#","a#{i}":{{"rules":[{{"force":1}}]}}"#)).collect();
        let names = format!(r#"{{"features":{{"a":{{"rules":[{{"force":1}},{{"force":2}}]}}{names}}}}}"#);
        assert_eq!(check("names that are made for rules", &names, features), (20_001, 0));
    }

    #[test]
    fn flags_of_eppo() {
        let document = |allocations: &str| {
            format!(
                r#"{{"flags":{{"a":{{"key":"a","enabled":true,"variationType":"STRING","totalShards":4000000000,
                "variations":{{"x":{{"key":"x","value":"x"}}}},"allocations":{allocations}}}}}}}"#
            )
        };
        let shard = |salt: usize| format!(r#"{{"salt":"{salt}","ranges":[{{"start":0,"end":9}}]}}"#);
        let splits =
            list(10_000, |i| format!(r#"{{"variationKey":"x","shards":[{},{}]}}"#, shard(i), shard(i + 1)));
        let splits = document(&format!(r#"[{{"key":"k","splits":{splits}}}]"#));
        assert_eq!(check("many splits", &splits, flags), (0, 1));
        let shards = list(20_000, shard);
        let shards =
            document(&format!(r#"[{{"key":"k","splits":[{{"variationKey":"x","shards":{shards}}}]}}]"#));
        assert_eq!(check("many shards", &shards, flags), (0, 1));
        let allocations = list(15_000, |_| {
            r#"{"key":"k","splits":[{"variationKey":"x","shards":[]}],"rules":[]}"#.to_owned()
        });
        assert_eq!(check("many allocations", &document(&allocations), flags), (0, 1));
    }
}
