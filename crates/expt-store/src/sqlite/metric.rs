//! Appending and reading metric points.

use std::collections::BTreeMap;

use expt_core::{MetricName, MetricPoint, MetricSummary, RunId};
use rusqlite::{Connection, OptionalExtension, params};

use super::column::bits;
use super::fault::Sql;
use super::{chunk, hydrate};
use crate::cursor::{Cursor, page_limit};
use crate::{Page, PageOptions, rules};

/// Points by metric, each metric's in the order in which they came.
pub(super) fn by_metric(points: &[MetricPoint]) -> BTreeMap<MetricName, Vec<MetricPoint>> {
    let mut metrics: BTreeMap<MetricName, Vec<MetricPoint>> = BTreeMap::new();
    for point in points {
        match metrics.get_mut(&point.metric) {
            Some(points) => points.push(point.clone()),
            None => {
                metrics.insert(point.metric.clone(), vec![point.clone()]);
            }
        }
    }
    metrics
}

pub(super) fn append(
    connection: &Connection,
    id: RunId,
    metrics: &BTreeMap<MetricName, Vec<MetricPoint>>,
) -> Sql<()> {
    let run = hydrate::seq_of(connection, id)?.ok_or_else(|| rules::no_run("append metrics", id))?;
    for (metric, points) in metrics {
        let old = summary(connection, run, metric)?;
        let Some(new) = points.iter().fold(old, |summary, point| {
            Some(match summary {
                Some(summary) => summary.with(point.step, point.value),
                None => MetricSummary::of(point.step, point.value),
            })
        }) else {
            continue;
        };
        put_summary(connection, run, metric, old.as_ref(), &new)?;
        put_points(connection, run, metric, old.map_or(0, |old| old.count), points)?;
    }
    Ok(())
}

pub(super) fn history(
    connection: &Connection,
    id: RunId,
    metric: &MetricName,
    page: &PageOptions,
    cursor: &Cursor,
) -> Sql<Page<MetricPoint>> {
    let from: u64 = cursor.position(page)?.unwrap_or(0);
    let run = hydrate::seq_of(connection, id)?.ok_or_else(|| rules::no_run("read metric history", id))?;
    let count = summary(connection, run, metric)?.map_or(0, |summary| summary.count);
    let limit = page_limit(page);
    let sql = "SELECT first, data FROM chunks
               WHERE run = ?1 AND metric = ?2 AND first >= coalesce(
                   (SELECT max(first) FROM chunks WHERE run = ?1 AND metric = ?2 AND first <= ?3), 0)
               ORDER BY first";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![run, metric.as_str(), from.cast_signed()])?;
    let mut items: Vec<MetricPoint> = Vec::new();
    while let Some(row) = rows.next()? {
        let first = row.get::<_, i64>(0)?.cast_unsigned();
        let skip = usize::try_from(from.saturating_sub(first)).unwrap_or(usize::MAX);
        let data = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        items.extend(chunk::points(data, metric, skip)?.take(limit - items.len()));
        if items.len() >= limit {
            break;
        }
    }
    let end = from.saturating_add(items.len() as u64);
    let next = (end < count && !items.is_empty()).then(|| cursor.token(&end));
    Ok(Page { items, next })
}

fn summary(connection: &Connection, run: i64, metric: &MetricName) -> Sql<Option<MetricSummary>> {
    let sql =
        "SELECT last_bits, min_bits, max_bits, last_step, count FROM metrics WHERE run = ? AND name = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![run, metric.as_str()])?;
    rows.next()?.map(|row| hydrate::summary(row, 0)).transpose()
}

/// Writes the summary. The smallest and largest value change rarely, and their indexes only then.
fn put_summary(
    connection: &Connection,
    run: i64,
    metric: &MetricName,
    old: Option<&MetricSummary>,
    new: &MetricSummary,
) -> Sql<()> {
    let (last, step, count) = (number(new.last), new.last_step.cast_signed(), new.count.cast_signed());
    let same = |old: f64, new: f64| old.to_bits() == new.to_bits();
    if old.is_some_and(|old| same(old.min, new.min) && same(old.max, new.max)) {
        let sql =
            "UPDATE metrics SET last = ?, last_bits = ?, last_step = ?, count = ? WHERE run = ? AND name = ?";
        let values = params![last, bits(new.last), step, count, run, metric.as_str()];
        connection.prepare_cached(sql)?.execute(values)?;
        return Ok(());
    }
    let sql =
        "INSERT INTO metrics (last, last_bits, last_step, count, run, name, min, min_bits, max, max_bits)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
               ON CONFLICT DO UPDATE SET last = ?1, last_bits = ?2, last_step = ?3, count = ?4,
                                         min = ?7, min_bits = ?8, max = ?9, max_bits = ?10";
    connection.prepare_cached(sql)?.execute(params![
        last,
        bits(new.last),
        step,
        count,
        run,
        metric.as_str(),
        number(new.min),
        bits(new.min),
        number(new.max),
        bits(new.max),
    ])?;
    Ok(())
}

/// Adds the points: to the last chunk while it is small, so that a history that was logged point by point
/// reads as fast as one that was logged in batches; otherwise as a chunk of their own.
fn put_points(
    connection: &Connection,
    run: i64,
    metric: &MetricName,
    first: u64,
    points: &[MetricPoint],
) -> Sql<()> {
    if first > 0 && points.len() < SMALL {
        let sql = "SELECT seq, data FROM chunks WHERE run = ? AND metric = ? ORDER BY first DESC LIMIT 1";
        let mut statement = connection.prepare_cached(sql)?;
        let last = statement.query_row(params![run, metric.as_str()], |row| {
            let data = row.get_ref(1)?.as_blob()?;
            let small = data.len() < SMALL * 24 && data.starts_with(&chunk::HEADER);
            Ok((row.get::<_, i64>(0)?, small.then(|| data.to_vec())))
        });
        if let Some((seq, Some(mut data))) = last.optional()? {
            points.iter().for_each(|point| chunk::push(&mut data, point));
            let sql = "UPDATE chunks SET data = ? WHERE seq = ?";
            connection.prepare_cached(sql)?.execute(params![data, seq])?;
            return Ok(());
        }
    }
    let mut data = chunk::HEADER.to_vec();
    points.iter().for_each(|point| chunk::push(&mut data, point));
    let sql = "INSERT INTO chunks (run, metric, first, data) VALUES (?, ?, ?, ?)";
    connection.prepare_cached(sql)?.execute(params![run, metric.as_str(), first.cast_signed(), data])?;
    Ok(())
}

/// A number for search: none for NaN.
fn number(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

/// A chunk with fewer points takes more. At 24 bytes each that is about one page, which is written whole
/// anyway.
const SMALL: usize = 128;
