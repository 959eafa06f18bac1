//! Metric points and their summaries.

use expt_core::{MetricPoint, MetricSummary, RunId, RunStatus, Timestamp};

use super::sample::*;
use super::{MetadataHarness, Opened};
use crate::blocking::wait;
use crate::{Durability, ErrorKind, PageOptions, RunStoreExt, RunUpdate};

/// A store with the run `r`.
fn with_run(harness: &dyn MetadataHarness) -> (Opened, RunId) {
    let opened = fresh(harness);
    let run = run("r", 1);
    wait(opened.runs.create_run(&run)).unwrap();
    (opened, run.id)
}

fn append(opened: &Opened, id: RunId, points: &[MetricPoint]) {
    wait(opened.runs.append_metrics(id, points, Durability::Committed)).unwrap();
}

fn points_of(opened: &Opened, id: RunId, metric: &str) -> Vec<MetricPoint> {
    wait(opened.runs.metric_points(id, &metric_name(metric))).unwrap()
}

fn summary_of(opened: &Opened, id: RunId, metric: &str) -> MetricSummary {
    wait(opened.runs.run(id)).unwrap().metrics[metric]
}

pub(super) fn summary_follows_the_points(harness: &dyn MetadataHarness) {
    let (opened, id) = with_run(harness);
    let points =
        [(3, 0.5), (1, 0.9), (3, 0.4), (7, f64::NAN), (5, 0.1), (8, f64::INFINITY), (9, f64::NEG_INFINITY)];
    let mut expected: Option<MetricSummary> = None;
    for (step, value) in points {
        append(&opened, id, &[point("loss", step, value)]);
        let next = expected.map_or(MetricSummary::of(step, value), |old| old.with(step, value));
        let found = summary_of(&opened, id, "loss");
        assert!(same_bits(found.last, next.last) && same_bits(found.min, next.min), "{found:?} {next:?}");
        assert!(same_bits(found.max, next.max), "{found:?} {next:?}");
        assert_eq!((found.last_step, found.count), (next.last_step, next.count));
        expected = Some(next);
    }
    // The same points in one call give the same summary.
    let all: Vec<_> = points.iter().map(|(step, value)| point("again", *step, *value)).collect();
    append(&opened, id, &all);
    assert_eq!(summary_of(&opened, id, "again"), summary_of(&opened, id, "loss"));
}

pub(super) fn history_is_in_the_order_of_appending(harness: &dyn MetadataHarness) {
    let (opened, id) = with_run(harness);
    let points = [9, 3, 3, 7, 1].map(|step| point("loss", step, step as f64));
    append(&opened, id, &points[..2]);
    append(&opened, id, &points[2..]);
    assert_eq!(points_of(&opened, id, "loss"), points);
}

pub(super) fn history_comes_in_pages(harness: &dyn MetadataHarness) {
    let (opened, id) = with_run(harness);
    let points: Vec<_> = (0..1234).map(|step| point("loss", step, step as f64 / 3.0)).collect();
    let mut rest = &points[..];
    // Appends of all sizes, so that the borders of pages and of appends fall together and apart.
    for size in [1, 1, 130, 2, 500, 128, 127, 1, 64, 280] {
        let (now, later) = rest.split_at(size);
        append(&opened, id, now);
        rest = later;
    }
    assert!(rest.is_empty());
    for limit in [1, 7, 128, 1000, 1234, 5000] {
        let found = all_pages(limit, |page| {
            wait(opened.runs.metric_history(id, &metric_name("loss"), page)).unwrap()
        });
        assert_eq!(found, points, "pages of {limit}");
    }
}

pub(super) fn history_may_grow_between_pages(harness: &dyn MetadataHarness) {
    let (opened, id) = with_run(harness);
    append(&opened, id, &[0, 1, 2].map(|step| point("loss", step, 0.0)));
    let mut page = PageOptions::default().with_limit(2);
    let first = wait(opened.runs.metric_history(id, &metric_name("loss"), &page)).unwrap();
    append(&opened, id, &[point("loss", 3, 0.0)]);
    page = page.with_limit(10).with_token(first.next);
    let second = wait(opened.runs.metric_history(id, &metric_name("loss"), &page)).unwrap();
    let steps: Vec<_> = first.items.iter().chain(&second.items).map(|point| point.step).collect();
    assert_eq!((steps, second.next), (vec![0, 1, 2, 3], None));
}

pub(super) fn nan_and_infinities_survive(harness: &dyn MetadataHarness) {
    let (opened, id) = with_run(harness);
    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324, f64::MAX];
    let points: Vec<_> = values.iter().map(|value| point("loss", 1, *value)).collect();
    append(&opened, id, &points);
    append(&opened, id, &[point("bad", 1, f64::NAN)]);
    let found = points_of(&opened, id, "loss");
    assert_eq!(found.len(), values.len());
    assert!(found.iter().zip(values).all(|(found, value)| same_bits(found.value, value)), "{found:?}");
    let bad = summary_of(&opened, id, "bad");
    assert!(bad.last.is_nan() && bad.min.is_nan() && bad.max.is_nan() && bad.count == 1);
    let loss = summary_of(&opened, id, "loss");
    assert_eq!((loss.min, loss.max), (f64::NEG_INFINITY, f64::INFINITY));
    let found = wait(opened.runs.find_runs("metrics.bad != 1 or metrics.bad = 1")).unwrap();
    assert!(found.is_empty(), "NaN never compares");
    assert_eq!(
        wait(opened.runs.find_runs("max(metrics.loss) > 1e308 and metrics.bad exists")).unwrap().len(),
        1
    );
}

pub(super) fn extreme_steps_and_times_survive(harness: &dyn MetadataHarness) {
    let (opened, id) = with_run(harness);
    let extreme = |step, at| MetricPoint { metric: metric_name("m"), step, value: 1.0, at };
    let points = [extreme(u64::MAX, Timestamp::MIN), extreme(0, Timestamp::MAX)];
    append(&opened, id, &points);
    assert_eq!(points_of(&opened, id, "m"), points);
    assert_eq!(summary_of(&opened, id, "m").last_step, u64::MAX);
}

pub(super) fn missing_metric_is_empty(harness: &dyn MetadataHarness) {
    let (opened, id) = with_run(harness);
    let page = wait(opened.runs.metric_history(id, &metric_name("m"), &PageOptions::default())).unwrap();
    assert_eq!((page.items, page.next), (vec![], None));
}

pub(super) fn append_to_a_missing_run_is_refused(harness: &dyn MetadataHarness) {
    let opened = fresh(harness);
    for points in [&[point("m", 1, 1.0)][..], &[]] {
        let append = opened.runs.append_metrics(run_id("none"), points, Durability::Buffered);
        assert_eq!(kind_of(wait(append)), ErrorKind::NotFound);
    }
}

pub(super) fn append_of_nothing_does_nothing(harness: &dyn MetadataHarness) {
    let (opened, id) = with_run(harness);
    append(&opened, id, &[]);
    assert!(wait(opened.runs.run(id)).unwrap().metrics.is_empty());
}

pub(super) fn ended_run_takes_late_points(harness: &dyn MetadataHarness) {
    let (opened, id) = with_run(harness);
    wait(opened.runs.update_run(id, &RunUpdate::new().with_status(RunStatus::Finished, at(2)))).unwrap();
    append(&opened, id, &[point("loss", 1, 0.5)]);
    assert_eq!(summary_of(&opened, id, "loss").last, 0.5);
}

pub(super) fn one_append_may_have_many_metrics(harness: &dyn MetadataHarness) {
    let (opened, id) = with_run(harness);
    let points: Vec<_> = (0..300).map(|n| point(&format!("m{}", n % 7), n, n as f64)).collect();
    append(&opened, id, &points);
    for metric in 0..7 {
        let name = format!("m{metric}");
        let expected: Vec<_> = points.iter().filter(|p| p.metric.as_str() == name).cloned().collect();
        assert_eq!(points_of(&opened, id, &name), expected);
    }
    assert_eq!(wait(opened.runs.run(id)).unwrap().metrics.len(), 7);
}

pub(super) fn every_durability_is_taken(harness: &dyn MetadataHarness) {
    let (opened, id) = with_run(harness);
    for (step, durability) in (0..).zip([Durability::Buffered, Durability::Durable, Durability::Committed]) {
        wait(opened.runs.append_metrics(id, &[point("loss", step, 0.0)], durability)).unwrap();
    }
    assert_eq!(points_of(&opened, id, "loss").len(), 3);
}

pub(super) fn single_points_add_up(harness: &dyn MetadataHarness) {
    let (opened, id) = with_run(harness);
    let points: Vec<_> = (0..400).map(|step| point("loss", step, step as f64)).collect();
    points.iter().for_each(|point| append(&opened, id, std::slice::from_ref(point)));
    assert_eq!(points_of(&opened, id, "loss"), points);
    assert_eq!(summary_of(&opened, id, "loss").count, 400);
}

pub(super) fn token_of_another_history_is_refused(harness: &dyn MetadataHarness) {
    let (opened, id) = with_run(harness);
    append(&opened, id, &[point("a", 1, 1.0), point("a", 2, 1.0), point("b", 1, 1.0), point("b", 2, 1.0)]);
    let page = PageOptions::default().with_limit(1);
    let first = wait(opened.runs.metric_history(id, &metric_name("a"), &page)).unwrap();
    let page = page.with_token(first.next);
    let other = wait(opened.runs.metric_history(id, &metric_name("b"), &page));
    assert_eq!(kind_of(other), ErrorKind::InvalidInput);
}

pub(super) fn reopening_keeps_points(harness: &dyn MetadataHarness) {
    let (mut opened, id) = with_run(harness);
    let points: Vec<_> = (0..500).map(|step| point("loss", step, 1.0 / (step as f64 + 1.0))).collect();
    for part in points.chunks(100) {
        append(&opened, id, part);
        opened = harness.reopen(opened);
    }
    assert_eq!(points_of(&opened, id, "loss"), points);
    assert_eq!(summary_of(&opened, id, "loss").count, 500);
}
