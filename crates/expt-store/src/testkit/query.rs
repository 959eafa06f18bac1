//! Finding runs: every answer is compared with what `Expr::matches` and `RunQuery::compare` say.

use std::sync::Arc;

use expt_core::query::{CompareOp, Expr, Field, OrderBy, QueryValue, RunQuery, Summary, TextAttribute};
use expt_core::{ParamValue, Run, RunKind, RunStatus};

use super::MetadataHarness;
use super::sample::*;
use crate::blocking::wait;
use crate::{Durability, ErrorKind, PageOptions, RunStore, RunStoreExt, RunUpdate};

/// A store with runs of all sorts, and those runs.
fn with_runs(harness: &dyn MetadataHarness) -> (Arc<dyn RunStore>, Vec<Run>) {
    let store = fresh(harness).runs;
    wait(store.create_experiment(&experiment("other"))).unwrap();
    let values: [ParamValue; 14] = [
        1.into(),
        1.0.into(),
        2.into(),
        (-1.5).into(),
        f64::NAN.into(),
        f64::INFINITY.into(),
        (-0.0).into(),
        true.into(),
        false.into(),
        "forest".into(),
        "Forest".into(),
        "1".into(),
        "".into(),
        i64::MAX.into(),
    ];
    let mut ids = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        let mut run = run(&format!("net-{index}"), (index as i64 * 7) % 5);
        run.params.insert("x".into(), value);
        if index % 2 == 0 {
            run.tags.insert("team".into(), ["ads", "Ads", "a%d_s", "é", ""][index % 5].into());
            run.params.insert("y".into(), (index as i64 % 3).into());
        }
        if index % 3 == 0 {
            run.experiment = experiment("other").id;
            run.kind = RunKind::Study;
        }
        if index % 5 == 4 {
            run.parent = ids.first().copied();
            run.kind = RunKind::Trial;
            (run.status, run.ended) = (RunStatus::Failed, Some(at(index as i64 % 4)));
        }
        wait(store.create_run(&run)).unwrap();
        let points = [
            point("auc", 1, index as f64 / 14.0),
            point("auc", 2, [0.5, f64::NAN, 0.9, f64::NEG_INFINITY][index % 4]),
        ];
        if index != 3 {
            wait(store.append_metrics(run.id, &points[..=index % 2], Durability::Committed)).unwrap();
        }
        ids.push(run.id);
    }
    let runs = ids.into_iter().map(|id| wait(store.run(id)).unwrap()).collect();
    (store, runs)
}

/// What the query must find, in its order.
fn expected(query: &RunQuery, runs: &[Run]) -> Vec<Run> {
    let mut found: Vec<Run> = runs.iter().filter(|run| query.filter.matches(run)).cloned().collect();
    found.sort_by(|a, b| query.compare(&query.sort_key(a), &query.sort_key(b)));
    found.truncate(query.limit.map_or(usize::MAX, |limit| limit as usize));
    found
}

fn names(runs: &[Run]) -> Vec<&str> {
    runs.iter().map(|run| run.name.as_str()).collect()
}

fn check(store: &dyn RunStore, runs: &[Run], query: &RunQuery) {
    for limit in [1000, 3] {
        let mut options = PageOptions::default().with_limit(limit);
        let mut found = Vec::new();
        loop {
            let page = wait(store.search_runs(query, &options)).unwrap();
            found.extend(page.items);
            assert!(found.len() <= runs.len(), "{query:?}: pages overlap or never end");
            let Some(next) = page.next else { break };
            options = options.with_token(Some(next));
        }
        assert_eq!(names(&found), names(&expected(query, runs)), "{query:?} in pages of {limit}");
    }
}

fn check_all(harness: &dyn MetadataHarness, queries: &[&str]) {
    let (store, runs) = with_runs(harness);
    for query in queries {
        check(&*store, &runs, &RunQuery::parse(query).unwrap());
    }
}

pub(super) fn every_field_and_operator(harness: &dyn MetadataHarness) {
    let (store, runs) = with_runs(harness);
    let id = runs[4].id;
    let parent = runs[0].id;
    let fields: [(&str, &[&str]); 13] = [
        ("metrics.auc", &["0.5", "0", "-1e308", "1e308"]),
        ("min(metrics.auc)", &["0.5", "0", "-1e308"]),
        ("max(metrics.auc)", &["0.5", "0.9", "0"]),
        ("metrics.none", &["0"]),
        (
            "params.x",
            &["1", "1.0", "0", "-1.5", "9223372036854775807", "'1'", "'forest'", "''", "true", "false"],
        ),
        ("params.none", &["1", "''"]),
        ("tags.team", &["'ads'", "'Ads'", "''", "'é'", "1", "true"]),
        ("experiment", &["'e'", "'other'", "'f'"]),
        ("name", &["'net-1'", "'net-2'", "3"]),
        ("kind", &["'run'", "'study'", "'trial'"]),
        ("status", &["'running'", "'failed'"]),
        ("started", &["'1970-01-01T00:00:02Z'", "'1970-01-01T00:00:02.000001Z'"]),
        ("ended", &["'1970-01-01T00:00:00Z'", "'1970-01-01T00:00:02Z'"]),
    ];
    let mut queries = vec![String::new()];
    for (field, values) in fields {
        for op in ["=", "!=", "<", "<=", ">", ">="] {
            queries.extend(values.iter().map(|value| format!("{field} {op} {value}")));
        }
        queries.push(format!("{field} exists"));
        queries.push(format!("{field} in ({})", values.join(", ")));
        queries.push(format!("{field} not in ({})", values.join(", ")));
    }
    for (field, value) in [("id", id), ("parent", parent)] {
        for op in ["=", "!=", "<", "<=", ">", ">="] {
            queries.push(format!("{field} {op} '{value}'"));
            queries.push(format!("{field} {op} '7f'"));
        }
        let upper = value.to_string().to_uppercase();
        queries.push(format!("{field} = '{upper}' or {field} in ('{value}', 'x', 3)"));
        queries.push(format!("{field} exists and {field} like '{}%'", &value.to_string()[..3]));
    }
    for query in &queries {
        check(&*store, &runs, &RunQuery::parse(query).unwrap());
        check(&*store, &runs, &RunQuery::parse(&format!("not ({query})").replace("not ()", "")).unwrap());
    }
}

pub(super) fn like_is_exact(harness: &dyn MetadataHarness) {
    let (store, mut runs) = with_runs(harness);
    for text in ["a%b", "a_b", "axb", "AXB", "a*b", "a?b", "a[x]b", "a\\b", "aébb", "a\0b", "ab", "aab"] {
        let mut run = run(&format!("like {text}"), 50);
        run.params.insert("t".into(), text.into());
        run.tags.insert("t".into(), text.into());
        run.name = text.into();
        wait(store.create_run(&run)).unwrap();
        runs.push(run);
    }
    for pattern in
        ["a%b", "a_b", "A_B", "%", "", "_", "a", "a*b", "a?b", "a[x]b", "%[%", "a\\b", "a__b", "%é%", "a%%b_"]
    {
        for field in ["params.t", "tags.t", "name", "params.x", "tags.team", "experiment", "kind", "id"] {
            let query = RunQuery::parse(&format!("{field} like '{pattern}'")).unwrap();
            check(&*store, &runs, &query);
            let filter = Expr::Not(Box::new(query.filter));
            check(&*store, &runs, &RunQuery { filter, ..RunQuery::all() });
        }
    }
}

pub(super) fn odd_trees(harness: &dyn MetadataHarness) {
    let (store, runs) = with_runs(harness);
    let auc = || Field::Metric(metric_name("auc"), Summary::Last);
    let compare = |field, op, value| Expr::Compare { field, op, value };
    let nested = |depth| (0..depth).fold(Expr::All, |inner, _| Expr::Not(Box::new(inner)));
    let wide =
        |n: i32| (0..n).map(|n| compare(auc(), CompareOp::Gt, QueryValue::Number(f64::from(n)))).collect();
    for filter in [
        Expr::And(vec![]),
        Expr::Or(vec![]),
        Expr::Not(Box::new(Expr::Or(vec![]))),
        Expr::In { field: auc(), values: vec![] },
        compare(auc(), CompareOp::Ne, QueryValue::Number(f64::NAN)),
        compare(auc(), CompareOp::Ge, QueryValue::Number(f64::NEG_INFINITY)),
        compare(auc(), CompareOp::Lt, QueryValue::Number(f64::INFINITY)),
        compare(auc(), CompareOp::Eq, QueryValue::Text("0.5".into())),
        compare(auc(), CompareOp::Like, QueryValue::Number(0.5)),
        compare(Field::Param("x".into()), CompareOp::Eq, QueryValue::Time(at(1))),
        compare(Field::Text(TextAttribute::Id), CompareOp::Ne, QueryValue::Number(1.0)),
        nested(40),
        nested(41),
        Expr::Or(wide(900)),
        Expr::And(wide(900)),
    ] {
        check(&*store, &runs, &RunQuery { filter, ..RunQuery::all() });
    }
    let nothing = RunQuery { limit: Some(0), ..RunQuery::all() };
    check(&*store, &runs, &nothing);
}

pub(super) fn not_finds_what_has_no_value(harness: &dyn MetadataHarness) {
    check_all(
        harness,
        &[
            "not metrics.auc < 1",
            "not (metrics.none = 1) and not (params.x != 'forest')",
            "not (ended < '2026-01-01') and not parent exists",
            "not (not (metrics.auc < 1 or params.y = 2))",
            "not (tags.team = 'ads' and metrics.auc > 0.1)",
        ],
    );
}

pub(super) fn in_takes_many_values(harness: &dyn MetadataHarness) {
    let (store, runs) = with_runs(harness);
    let numbers: Vec<_> = (0..3000).map(|n| n.to_string()).collect();
    let texts: Vec<_> = (0..3000).map(|n| format!("'net-{n}'")).collect();
    let ids: Vec<_> = runs.iter().map(|run| format!("'{}'", run.id)).collect();
    for query in [
        format!("params.x in ({}, 'forest', true)", numbers.join(",")),
        format!("name in ({})", texts.join(",")),
        format!("name not in ({}) or id in ({})", texts.join(","), ids.join(",")),
    ] {
        check(&*store, &runs, &RunQuery::parse(&query).unwrap());
    }
}

pub(super) fn order_by_every_kind_of_field(harness: &dyn MetadataHarness) {
    let fields = [
        "metrics.auc",
        "min(metrics.auc)",
        "max(metrics.auc)",
        "params.x",
        "params.y",
        "tags.team",
        "id",
        "experiment",
        "name",
        "kind",
        "status",
        "parent",
        "started",
        "ended",
        "metrics.none",
    ];
    let mut queries: Vec<String> = Vec::new();
    for field in fields {
        for direction in ["asc", "desc"] {
            queries.push(format!("order by {field} {direction}"));
            queries
                .push(format!("tags.team exists order by kind {direction}, {field}, params.y desc limit 9"));
        }
    }
    check_all(harness, &queries.iter().map(String::as_str).collect::<Vec<_>>());
}

pub(super) fn missing_values_sort_last(harness: &dyn MetadataHarness) {
    let (store, runs) = with_runs(harness);
    for query in
        ["order by tags.team", "order by tags.team desc", "order by metrics.auc", "order by metrics.auc desc"]
    {
        let query = RunQuery::parse(query).unwrap();
        check(&*store, &runs, &query);
        let found = wait(store.search_runs(&query, &PageOptions::default())).unwrap().items;
        let present: Vec<_> = found.iter().map(|run| query.sort_key(run).values[0].is_some()).collect();
        assert!(present.is_sorted_by(|a, b| a >= b) && !present[present.len() - 1], "{present:?}");
    }
}

pub(super) fn ties_are_newest_first(harness: &dyn MetadataHarness) {
    let (store, runs) = with_runs(harness);
    check(&*store, &runs, &RunQuery::all());
    let found = wait(store.find_runs("")).unwrap();
    assert!(found.is_sorted_by_key(|run| (std::cmp::Reverse(run.started), run.id)));
    let found = wait(store.find_runs("order by kind")).unwrap();
    assert!(found.is_sorted_by_key(|run| (run.kind.as_str(), std::cmp::Reverse(run.started), run.id)));
}

pub(super) fn pages_are_the_whole(harness: &dyn MetadataHarness) {
    let (store, runs) = with_runs(harness);
    for text in ["", "order by params.x desc", "metrics.auc exists order by max(metrics.auc)", "limit 10"] {
        let query = RunQuery::parse(text).unwrap();
        for limit in 1..=15 {
            let found = all_pages(limit, |page| wait(store.search_runs(&query, page)).unwrap());
            assert_eq!(names(&found), names(&expected(&query, &runs)), "{text} in pages of {limit}");
        }
    }
}

pub(super) fn limit_counts_over_all_pages(harness: &dyn MetadataHarness) {
    let (store, _) = with_runs(harness);
    for (limit, page, pages) in [(5, 2, 3), (4, 2, 2), (1, 2, 1), (14, 7, 2), (100, 7, 2), (7, 7, 1)] {
        let query = RunQuery::parse(&format!("limit {limit}")).unwrap();
        let mut read = 0;
        let found = all_pages(page, |page| {
            read += 1;
            wait(store.search_runs(&query, page)).unwrap()
        });
        assert_eq!((found.len(), read), (limit.min(14), pages), "limit {limit} in pages of {page}");
    }
}

pub(super) fn pages_go_on_while_runs_are_added(harness: &dyn MetadataHarness) {
    let (store, runs) = with_runs(harness);
    for text in ["", "order by name", "order by metrics.auc desc"] {
        let query = RunQuery::parse(text).unwrap();
        let mut added = 0;
        let found = all_pages(4, |page| {
            let found = wait(store.search_runs(&query, page)).unwrap();
            // One before and one after everything, by start and by name.
            for (name, second) in [("a", -100), ("z", 100)] {
                added += 1;
                let name = format!("{name} {text} {added}");
                if added < 7 {
                    wait(store.create_run(&run(&name, second))).unwrap();
                }
            }
            found
        });
        let old: Vec<_> = found.into_iter().filter(|run| run.name.starts_with("net")).collect();
        assert_eq!(names(&old), names(&expected(&query, &runs)), "{text}");
    }
}

pub(super) fn selective_and_broad_filters_agree(harness: &dyn MetadataHarness) {
    let store = fresh(harness).runs;
    let mut runs: Vec<_> = (0..300).map(|n| run(&format!("r{n}"), n % 17)).collect();
    for (n, run) in (0..).zip(&mut runs) {
        run.params.insert("lr".into(), (n as f64 / 300.0).into());
        run.params.insert("model".into(), ["a", "b"][n % 2].into());
        run.tags.insert("n".into(), n.to_string());
        wait(store.create_run(run)).unwrap();
        wait(store.append_metrics(run.id, &[point("auc", 0, n as f64)], Durability::Committed)).unwrap();
        *run = wait(store.run(run.id)).unwrap();
    }
    for query in [
        "params.lr > 0.99 and params.model = 'a'",
        "params.model = 'a' and metrics.auc < 200 and started since '1970-01-01T00:00:10Z'",
        "tags.n = '7' and params.lr < 0.5 order by metrics.auc",
        "tags.n > '29' and max(metrics.auc) >= 290 and (params.model = 'a' or params.lr > 0.98)",
        "metrics.auc >= 100 order by metrics.auc desc limit 20",
        "experiment = 'e' and min(metrics.auc) < 5",
        "experiment = 'x' and min(metrics.auc) < 5",
    ] {
        check(&*store, &runs, &RunQuery::parse(query).unwrap());
    }
}

pub(super) fn token_of_another_query_is_refused(harness: &dyn MetadataHarness) {
    let (store, _) = with_runs(harness);
    let page = PageOptions::default().with_limit(2);
    let first = wait(store.search_runs(&RunQuery::all(), &page)).unwrap();
    let page = page.with_token(first.next);
    for other in ["order by name", "name like 'net%'", "limit 10"] {
        let query = RunQuery::parse(other).unwrap();
        assert_eq!(kind_of(wait(store.search_runs(&query, &page))), ErrorKind::InvalidInput, "{other}");
    }
    assert_eq!(kind_of(wait(store.experiments(&page))), ErrorKind::InvalidInput);
    for bad in ["", "x", "a.b.c", "é'\"\0"] {
        let page = PageOptions::default().with_token(Some(crate::PageToken::new(bad)));
        assert_eq!(kind_of(wait(store.search_runs(&RunQuery::all(), &page))), ErrorKind::InvalidInput);
        assert_eq!(kind_of(wait(store.experiments(&page))), ErrorKind::InvalidInput);
    }
}

pub(super) fn found_runs_are_complete(harness: &dyn MetadataHarness) {
    let store = fresh(harness).runs;
    let full = full_run("full", None);
    wait(store.create_run(&full)).unwrap();
    wait(store.create_run(&run("bare", 3))).unwrap();
    wait(store.append_metrics(full.id, &[point("a", 1, 1.0), point("b", 1, 2.0)], Durability::Committed))
        .unwrap();
    wait(store.update_run(full.id, &RunUpdate::new().with_status(RunStatus::Finished, at(9)))).unwrap();
    let found = wait(store.find_runs("order by name desc")).unwrap();
    let read = [full.id, run_id("bare")].map(|id| wait(store.run(id)).unwrap());
    assert_eq!(found, read);
    assert_eq!(found[0].metrics.len(), 2);
}

pub(super) fn children_of_a_parent(harness: &dyn MetadataHarness) {
    let store = fresh(harness).runs;
    let study = run("study", 1);
    wait(store.create_run(&study)).unwrap();
    for n in 0..5 {
        let mut trial = run(&format!("trial {n}"), n);
        trial.parent = (n % 2 == 0).then_some(study.id);
        wait(store.create_run(&trial)).unwrap();
    }
    let query = RunQuery {
        filter: Expr::Compare {
            field: Field::Text(TextAttribute::Parent),
            op: CompareOp::Eq,
            value: QueryValue::Text(study.id.to_string()),
        },
        order: vec![OrderBy { field: Field::Text(TextAttribute::Name), descending: false }],
        limit: None,
    };
    let found = wait(store.search_runs(&query, &PageOptions::default())).unwrap().items;
    assert_eq!(names(&found), ["trial 0", "trial 2", "trial 4"]);
}
