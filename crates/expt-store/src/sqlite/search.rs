//! Finding runs: row numbers and sort values first, then only the page in full.

use expt_core::query::{RunQuery, SortKey, SortValue};
use expt_core::{Run, RunId};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};

use super::fault::{Fault, Sql};
use super::filter::{self, Piece};
use super::hydrate;
use crate::cursor::{Cursor, page_limit};
use crate::{Error, ErrorKind, Page, PageOptions};

pub(super) fn search(
    connection: &Connection,
    query: &RunQuery,
    page: &PageOptions,
    cursor: &Cursor,
) -> Sql<Page<Run>> {
    let (seen, after): (usize, Option<SortKey>) = cursor.position(page)?.unwrap_or((0, None));
    let left = query
        .limit
        .map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(seen));
    let limit = page_limit(page).min(left);
    if limit == 0 {
        return Ok(Page { items: Vec::new(), next: None });
    }
    let mut found = find(connection, query, after.as_ref(), limit.saturating_add(1))?;
    let more = found.len() > limit && left > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(key, _)| cursor.token(&(seen + found.len(), key)));
    let seqs: Vec<i64> = found.into_iter().map(|(_, seq)| seq).collect();
    Ok(Page { items: hydrate::runs(connection, &seqs)?, next })
}

/// The first `count` runs after the key, in order.
fn find(
    connection: &Connection,
    query: &RunQuery,
    after: Option<&SortKey>,
    count: usize,
) -> Sql<Vec<(SortKey, i64)>> {
    let driver = selective(connection, query)?;
    if query.order.is_empty() {
        return newest(connection, select(query, driver)?, after, count);
    }
    if driver.is_none()
        && let Some(leading) = filter::leading_metric(query, after)?
        && let Some(found) = walk(connection, query, leading, after, count)?
    {
        return Ok(found);
    }
    let mut found = Vec::new();
    rows(connection, &select(query, driver)?, |row| {
        let key = sort_key(row, query.order.len())?;
        if after.is_none_or(|after| query.compare(&key, after).is_gt()) {
            found.push((key, row.get(0)?));
        }
        Ok(true)
    })?;
    Ok(first(query, found, count))
}

/// Sorts, and keeps the first `count`.
fn first(query: &RunQuery, mut found: Vec<(SortKey, i64)>, count: usize) -> Vec<(SortKey, i64)> {
    if found.len() > count {
        found.select_nth_unstable_by(count, |(a, _), (b, _)| query.compare(a, b));
        found.truncate(count);
    }
    found.sort_unstable_by(|(a, _), (b, _)| query.compare(a, b));
    found
}

/// Walks the index of the metric that leads the order, until there are enough runs. None if it ends before:
/// runs without that metric are then part of the answer.
fn walk(
    connection: &Connection,
    query: &RunQuery,
    leading: Piece,
    after: Option<&SortKey>,
    count: usize,
) -> Sql<Option<Vec<(SortKey, i64)>>> {
    let descending = query.order.first().is_some_and(|order| order.descending);
    let mut select = select(query, Some(leading))?;
    select.push(Piece::text(if descending { " ORDER BY d.value DESC" } else { " ORDER BY d.value" }));
    let mut found: Vec<(SortKey, i64)> = Vec::new();
    let mut enough = false;
    rows(connection, &select, |row| {
        let key = sort_key(row, query.order.len())?;
        // Runs of one value are sorted among themselves, so all of them are needed.
        let last = found.last().and_then(|(key, _)| key.values.first());
        enough = found.len() >= count && last != key.values.first();
        if !enough && after.is_none_or(|after| query.compare(&key, after).is_gt()) {
            found.push((key, row.get(0)?));
        }
        Ok(!enough)
    })?;
    enough |= found.len() >= count;
    Ok(enough.then(|| first(query, found, count)))
}

/// The order of a query without one is that of an index, so SQLite stops where the page ends.
fn newest(
    connection: &Connection,
    mut select: Piece,
    after: Option<&SortKey>,
    count: usize,
) -> Sql<Vec<(SortKey, i64)>> {
    if let Some(after) = after {
        let values =
            vec![after.started.into(), after.started.into(), Value::Blob(after.id.as_bytes().to_vec())];
        let sql = " AND r.started <= ? AND (r.started < ? OR r.id > ?)".to_owned();
        select.push(Piece { sql, values });
    }
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    select.push(Piece::bound(" ORDER BY r.started DESC, r.id LIMIT ?", count));
    let mut found = Vec::new();
    rows(connection, &select, |row| {
        found.push((sort_key(row, 0)?, row.get(0)?));
        Ok(true)
    })?;
    Ok(found)
}

/// `SELECT seq, id, started, sort values` of the runs of the query, starting from the rows of the driver.
fn select(query: &RunQuery, driver: Option<Piece>) -> Sql<Piece> {
    let mut select = Piece::text("SELECT r.seq, r.id, r.started");
    for order in &query.order {
        select.push(Piece::text(", "));
        select.push(filter::sort_column(&order.field)?);
    }
    match driver {
        Some(driver) => {
            select.push(Piece::text(" FROM ("));
            select.push(driver);
            // The word CROSS keeps this order of the loops, whatever the statistics say.
            select.push(Piece::text(") AS d CROSS JOIN runs AS r ON r.seq = d.seq"));
        }
        None => select.push(Piece::text(" FROM runs AS r")),
    }
    select.push(Piece::text(" WHERE "));
    select.push(filter::condition(&query.filter)?);
    if select.values.len() > MAX_VALUES {
        let message = format!("the query has more than {MAX_VALUES} values; ask in several queries");
        return Err(Error::new(ErrorKind::InvalidInput, "search runs", message).into());
    }
    Ok(select)
}

/// The conjunct that the fewest runs satisfy, if those are few: counted in its index, up to a bound.
fn selective(connection: &Connection, query: &RunQuery) -> Sql<Option<Piece>> {
    let mut best = None;
    for driver in filter::drivers(query) {
        let sql = format!("SELECT count(*) FROM ({} LIMIT {FEW})", driver.sql);
        let mut statement = connection.prepare_cached(&sql)?;
        let count: i64 = statement.query_row(params_from_iter(&driver.values), |row| row.get(0))?;
        if count < best.as_ref().map_or(FEW, |(fewest, _)| *fewest) {
            best = Some((count, driver));
        }
    }
    Ok(best.map(|(_, driver)| driver))
}

/// Gives the rows until the closure wants no more.
fn rows(connection: &Connection, select: &Piece, mut each: impl FnMut(&Row<'_>) -> Sql<bool>) -> Sql<()> {
    let mut statement = connection.prepare_cached(&select.sql)?;
    let mut rows = statement.query(params_from_iter(&select.values))?;
    while let Some(row) = rows.next()? {
        if !each(row)? {
            break;
        }
    }
    Ok(())
}

fn sort_key(row: &Row<'_>, values: usize) -> Sql<SortKey> {
    let value = |column| -> Sql<Option<SortValue>> {
        Ok(match row.get_ref(column)? {
            ValueRef::Null => None,
            #[allow(clippy::cast_precision_loss, reason = "times sort as f64, as `RunQuery::sort_key` does")]
            ValueRef::Integer(number) => SortValue::number(number as f64),
            ValueRef::Real(number) => SortValue::number(number),
            ValueRef::Text(text) => {
                let text = std::str::from_utf8(text).map_err(Fault::corrupted)?;
                Some(SortValue::Text(text.to_owned()))
            }
            ValueRef::Blob(_) => return Err(Fault::corrupted("bytes where a value to sort by is")),
        })
    };
    Ok(SortKey {
        values: (3..3 + values).map(value).collect::<Sql<_>>()?,
        started: row.get(2)?,
        id: RunId::from_bytes(row.get(1)?),
    })
}

/// So many runs are looked up one by one rather than found by looking at all.
const FEW: i64 = 2000;

/// SQLite takes a little more.
const MAX_VALUES: usize = 32_000;

#[cfg(test)]
mod tests {
    use super::super::{SqliteOptions, migrate};
    use super::*;

    /// The plan of SQLite for a query.
    fn plan(connection: &Connection, text: &str) -> String {
        let query = RunQuery::parse(text).unwrap();
        let select = match filter::leading_metric(&query, None).unwrap() {
            Some(leading) => {
                let mut select = select(&query, Some(leading)).unwrap();
                select.push(Piece::text(" ORDER BY d.value DESC"));
                select
            }
            None => select(&query, selective(connection, &query).unwrap()).unwrap(),
        };
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", select.sql)).unwrap();
        let rows =
            statement.query_map(params_from_iter(&select.values), |row| row.get::<_, String>(3)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("\n")
    }

    /// SQLite knows nothing of how many runs have which value, so no plan may be left to its guess.
    #[test]
    fn conditions_are_looked_up_by_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("expt.db");
        let options = SqliteOptions::default();
        drop(migrate::open_writer(&path, &options).unwrap());
        let connection = migrate::open_reader(&path, &options).unwrap();
        let few =
            "metrics.a > 1 and params.x = 'a' and tags.t = 'b' and params.y < 3 and max(metrics.b) in (1, 2)";
        for (text, first) in [
            (few.to_owned(), "metrics USING COVERING INDEX metrics_last"),
            (format!("not ({few})"), "SCAN r"),
            (format!("{few} order by params.x desc"), "metrics USING COVERING INDEX metrics_last"),
            (format!("{few} order by max(metrics.a) desc"), "metrics USING COVERING INDEX metrics_max"),
            ("params.x = 'a' and tags.t != 'b'".into(), "params USING COVERING INDEX params_text"),
            ("params.x > 1 and name = 'n'".into(), "params USING COVERING INDEX params_num"),
            ("tags.t = 'b' and metrics.a exists".into(), "tags USING COVERING INDEX tags_value"),
        ] {
            let plan = plan(&connection, &text);
            assert!(!plan.contains("TEMP B-TREE"), "{text}\n{plan}");
            let mut steps =
                plan.lines().filter(|step| step.starts_with("SEARCH") || step.starts_with("SCAN"));
            assert!(steps.next().unwrap().contains(first), "{text}\n{plan}");
            let by_run = |step: &str| {
                ["PRIMARY KEY (run=?", "INTEGER PRIMARY KEY (rowid=?)"].iter().any(|key| step.contains(key))
            };
            assert!(steps.all(by_run), "{text}\n{plan}");
        }
    }
}
