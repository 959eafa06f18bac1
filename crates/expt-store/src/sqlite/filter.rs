//! A condition on runs as SQL. Its meaning is that of `Expr::matches`: two-valued, so no part of it may be
//! NULL. Every value is bound; only names of our own columns are text.

use expt_core::query::{
    CompareOp, Expr, Field, OrderBy, QueryValue, RunQuery, SortKey, SortValue, Summary, TextAttribute,
    TimeAttribute,
};
use expt_core::{Run, RunId};
use rusqlite::functions::Context;
use rusqlite::types::Value;

use super::fault::Sql;
use super::update::kind;
use crate::{Error, ErrorKind};

/// A piece of SQL over `runs AS r`, with the values of its question marks in their order.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Piece {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Piece {
    pub(super) fn text(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), values: Vec::new() }
    }

    pub(super) fn bound(sql: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { sql: sql.into(), values: vec![value.into()] }
    }

    pub(super) fn push(&mut self, other: Self) {
        self.sql.push_str(&other.sql);
        self.values.extend(other.values);
    }

    fn wrapped(before: &str, inner: Self, after: &str) -> Self {
        Self { sql: format!("{before}{}{after}", inner.sql), values: inner.values }
    }

    /// Joins pieces by a word, as a balanced tree: SQLite limits the depth of an expression.
    fn joined(mut pieces: Vec<Self>, word: &str, empty: &str) -> Self {
        match pieces.len() {
            0 => Self::text(empty),
            1 => pieces.remove(0),
            count => {
                let right = Self::joined(pieces.split_off(count / 2), word, empty);
                let mut joined = Self::wrapped("(", Self::joined(pieces, word, empty), word);
                joined.push(Self::wrapped("", right, ")"));
                joined
            }
        }
    }
}

/// The condition as SQL that is 0 or 1 for each run.
pub(super) fn condition(expr: &Expr) -> Sql<Piece> {
    nested(expr, 0)
}

fn nested(expr: &Expr, depth: usize) -> Sql<Piece> {
    if depth > MAX_DEPTH {
        let message = format!("the filter is nested more than {MAX_DEPTH} deep; write a flatter query");
        return Err(Error::new(ErrorKind::InvalidInput, "search runs", message).into());
    }
    let all = |parts: &[Expr]| parts.iter().map(|part| nested(part, depth + 1)).collect::<Sql<Vec<_>>>();
    Ok(match expr {
        Expr::All => Piece::text("1"),
        Expr::And(parts) => Piece::joined(all(parts)?, " AND ", "1"),
        Expr::Or(parts) => Piece::joined(all(parts)?, " OR ", "0"),
        Expr::Not(inner) => Piece::wrapped("(NOT ", nested(inner, depth + 1)?, ")"),
        Expr::Compare { field, op, value } => leaf(field, &[(known(*op)?, value)])?,
        Expr::In { field, values } => {
            leaf(field, &values.iter().map(|value| (CompareOp::Eq, value)).collect::<Vec<_>>())?
        }
        Expr::Exists(field) => exists(field)?,
        _ => return Err(unknown("condition")),
    })
}

/// One of the tests holds for the field.
fn leaf(field: &Field, tests: &[(CompareOp, &QueryValue)]) -> Sql<Piece> {
    let (table, columns) = columns(field)?;
    let test = columns.any(tests)?;
    Ok(match table {
        _ if test.sql == "0" => test,
        Some((table, key)) => {
            let mut piece = Piece::bound(format!("EXISTS (SELECT 1 FROM {table} = ? AND "), key);
            piece.push(Piece::wrapped("", test, ")"));
            piece
        }
        None => test,
    })
}

fn exists(field: &Field) -> Sql<Piece> {
    Ok(match (columns(field)?.0, field) {
        (Some((table, key)), _) => Piece::bound(format!("EXISTS (SELECT 1 FROM {table} = ?)"), key),
        (None, Field::Text(TextAttribute::Parent)) => Piece::text("(r.parent IS NOT NULL)"),
        (None, Field::Time(TimeAttribute::Ended)) => Piece::text("(r.ended IS NOT NULL)"),
        (None, _) => Piece::text("1"),
    })
}

/// Where a field is: the rows of a table with a key, or columns of the run.
fn columns(field: &Field) -> Sql<(Option<(&'static str, String)>, Columns)> {
    let none = Columns::default();
    Ok(match field {
        Field::Metric(name, summary) => (
            Some(("metrics AS m WHERE m.run = r.seq AND m.name", name.to_string())),
            Columns { number: Some(metric_column(*summary)?), ..none },
        ),
        Field::Param(key) => (
            Some(("params AS p WHERE p.run = r.seq AND p.key", key.clone())),
            Columns { number: Some("+p.num"), text: Some("+p.text"), param: true, ..none },
        ),
        Field::Tag(key) => (
            Some(("tags AS t WHERE t.run = r.seq AND t.key", key.clone())),
            Columns { text: Some("+t.value"), ..none },
        ),
        Field::Text(TextAttribute::Id) => (None, Columns { id: Some("r.id"), ..none }),
        Field::Text(TextAttribute::Parent) => (None, Columns { id: Some("r.parent"), ..none }),
        Field::Text(TextAttribute::Experiment) => (None, Columns { text: Some("r.experiment"), ..none }),
        Field::Text(TextAttribute::Name) => (None, Columns { text: Some("r.name"), ..none }),
        Field::Text(TextAttribute::Kind) => (None, Columns { text: Some("r.kind"), ..none }),
        Field::Text(TextAttribute::Status) => (None, Columns { text: Some("r.status"), ..none }),
        Field::Time(TimeAttribute::Started) => (None, Columns { time: Some("r.started"), ..none }),
        Field::Time(TimeAttribute::Ended) => (None, Columns { time: Some("r.ended"), ..none }),
        _ => return Err(unknown("field")),
    })
}

/// The columns that hold a field's value, by its type.
///
/// The plus signs keep SQLite from its indexes on values here: it would walk all runs with such a value for
/// each run that it looks at, instead of looking up the one row of the run. Starting from an index on values
/// is [`drivers`]' decision.
#[derive(Debug, Default, Clone, Copy)]
struct Columns {
    number: Option<&'static str>,
    text: Option<&'static str>,
    time: Option<&'static str>,
    /// A run's id, kept as bytes and compared as hexadecimal text.
    id: Option<&'static str>,
    /// Whether `kind` says of which type the value is.
    param: bool,
}

impl Columns {
    /// SQL for: one of the tests holds. A test of another type never does.
    fn any(&self, tests: &[(CompareOp, &QueryValue)]) -> Sql<Piece> {
        let mut pieces = Vec::new();
        let (mut numbers, mut texts) = (Vec::new(), Vec::new());
        for (op, value) in tests {
            match (op, value) {
                (_, QueryValue::Number(value)) if value.is_nan() => {}
                (CompareOp::Eq, QueryValue::Number(value)) => numbers.push(Value::from(*value)),
                (CompareOp::Eq, QueryValue::Text(value)) if self.id.is_none() => {
                    texts.push(Value::from(value.clone()));
                }
                _ => pieces.extend(self.one(*op, value)?),
            }
        }
        if let Some(column) = self.number.filter(|_| !numbers.is_empty()) {
            let list = one_of(column, numbers);
            pieces.push(if self.param {
                of_kind(kind::INT, kind::FLOAT, list)
            } else {
                not_null(column, list)
            });
        }
        if let Some(column) = self.text.filter(|_| !texts.is_empty()) {
            pieces.push(not_null(column, one_of(column, texts)));
        }
        Ok(Piece::joined(pieces, " OR ", "0"))
    }

    fn one(&self, op: CompareOp, value: &QueryValue) -> Sql<Option<Piece>> {
        Ok(match value {
            QueryValue::Text(text) if self.id.is_some() => self.id.map(|column| match (op, text.parse()) {
                (CompareOp::Eq, Ok(id)) => {
                    let id: RunId = id;
                    not_null(column, Piece::bound(format!("{column} = ?"), id.as_bytes().to_vec()))
                }
                (CompareOp::Eq, Err(_)) => Piece::text("0"),
                _ => not_null(column, compare_text(&format!("lower(hex({column}))"), op, text)),
            }),
            QueryValue::Text(text) => {
                self.text.map(|column| not_null(column, compare_text(column, op, text)))
            }
            _ if op == CompareOp::Like => None,
            QueryValue::Number(number) => self.number.map(|column| {
                let test = Piece::bound(format!("{column} {} ?", symbol(op)), *number);
                if self.param { of_kind(kind::INT, kind::FLOAT, test) } else { not_null(column, test) }
            }),
            QueryValue::Bool(value) => self.param.then(|| {
                let test = Piece::bound(format!("p.bits {} ?", symbol(op)), i64::from(*value));
                of_kind(kind::BOOL, kind::BOOL, test)
            }),
            QueryValue::Time(time) => self.time.map(|column| {
                not_null(column, Piece::bound(format!("{column} {} ?", symbol(op)), time.as_micros()))
            }),
            _ => return Err(unknown("value")),
        })
    }
}

/// The rows of `runs` to start from: those of the most selective conjunct that an index answers alone.
///
/// Each gives distinct `seq`. Without one, all runs are looked at.
pub(super) fn drivers(query: &RunQuery) -> Vec<Piece> {
    let mut conjuncts = Vec::new();
    flatten(&query.filter, &mut conjuncts);
    conjuncts.into_iter().filter_map(driver).collect()
}

fn flatten<'a>(expr: &'a Expr, conjuncts: &mut Vec<&'a Expr>) {
    match expr {
        Expr::And(parts) => parts.iter().for_each(|part| flatten(part, conjuncts)),
        other => conjuncts.push(other),
    }
}

fn driver(expr: &Expr) -> Option<Piece> {
    let Expr::Compare { field, op, value } = expr else { return None };
    if matches!(op, CompareOp::Ne | CompareOp::Like) {
        return None;
    }
    let symbol = symbol(*op);
    let keyed = |from: String, key: &str, value: Value| {
        Some(Piece { sql: from, values: vec![key.to_owned().into(), value] })
    };
    match (field, value) {
        (_, QueryValue::Number(number)) if number.is_nan() => None,
        (Field::Metric(name, summary), QueryValue::Number(number)) => {
            let column = metric_column(*summary).ok()?.trim_start_matches("+m.");
            let sql = format!("SELECT run AS seq FROM metrics WHERE name = ? AND {column} {symbol} ?");
            keyed(sql, name.as_str(), (*number).into())
        }
        (Field::Param(key), QueryValue::Number(number)) => keyed(
            format!("SELECT run AS seq FROM params WHERE key = ? AND num {symbol} ?"),
            key,
            (*number).into(),
        ),
        (Field::Param(key), QueryValue::Text(text)) => keyed(
            format!("SELECT run AS seq FROM params WHERE key = ? AND text {symbol} ?"),
            key,
            text.clone().into(),
        ),
        (Field::Tag(key), QueryValue::Text(text)) => keyed(
            format!("SELECT run AS seq FROM tags WHERE key = ? AND value {symbol} ?"),
            key,
            text.clone().into(),
        ),
        (Field::Text(TextAttribute::Experiment), QueryValue::Text(text)) => {
            Some(Piece::bound(format!("SELECT seq FROM runs WHERE experiment {symbol} ?"), text.clone()))
        }
        (Field::Text(attribute), QueryValue::Text(text)) if *op == CompareOp::Eq => {
            let column = match attribute {
                TextAttribute::Id => "id",
                TextAttribute::Parent => "parent",
                _ => return None,
            };
            let id: RunId = text.parse().ok()?;
            let sql = format!("SELECT seq FROM runs WHERE {column} = ?");
            Some(Piece::bound(sql, id.as_bytes().to_vec()))
        }
        (Field::Time(TimeAttribute::Started), QueryValue::Time(time)) => {
            Some(Piece::bound(format!("SELECT seq FROM runs WHERE started {symbol} ?"), time.as_micros()))
        }
        _ => None,
    }
}

/// The rows of the index of the metric that leads the order, as `seq` and `value`, from where the page
/// begins. None if no metric leads, or the page begins among the runs without it.
pub(super) fn leading_metric(query: &RunQuery, after: Option<&SortKey>) -> Sql<Option<Piece>> {
    let Some(OrderBy { field: Field::Metric(name, summary), descending }) = query.order.first() else {
        return Ok(None);
    };
    let column = metric_column(*summary)?.trim_start_matches("+m.");
    let mut piece = Piece::bound(
        format!("SELECT run AS seq, {column} AS value FROM metrics WHERE name = ? AND {column} IS NOT NULL"),
        name.to_string(),
    );
    match after.map(|after| after.values.first()) {
        None => {}
        Some(Some(Some(SortValue::Number(bits)))) => {
            let bound = if *descending { "<=" } else { ">=" };
            piece.push(Piece::bound(format!(" AND {column} {bound} ?"), f64::from_bits(*bits)));
        }
        Some(_) => return Ok(None),
    }
    Ok(Some(piece))
}

/// SQL for the value that a field sorts by: NULL for none and for NaN.
pub(super) fn sort_column(field: &Field) -> Sql<Piece> {
    Ok(match (columns(field)?, field) {
        ((Some((table, key)), columns), _) => {
            let value = match (columns.number, columns.text) {
                (Some(number), Some(text)) => format!("coalesce({text}, {number})"),
                (number, text) => number.or(text).unwrap_or("NULL").to_owned(),
            };
            Piece::bound(format!("(SELECT {value} FROM {table} = ?)"), key)
        }
        ((None, columns), _) => match (columns.id, columns.text.or(columns.time)) {
            (Some(id), _) => Piece::text(format!("iif({id} IS NULL, NULL, lower(hex({id})))")),
            (None, column) => Piece::text(column.unwrap_or("NULL")),
        },
    })
}

/// `like` of the query language, by the code that says what it means.
pub(super) fn like(context: &mut Context<'_>) -> rusqlite::Result<bool> {
    let Ok(text) = context.get_raw(0).as_str() else { return Ok(false) };
    let pattern = context.get_or_create_aux(1, |pattern| -> Result<_, rusqlite::types::FromSqlError> {
        Ok(Expr::Compare {
            field: Field::Text(TextAttribute::Name),
            op: CompareOp::Like,
            value: QueryValue::Text(pattern.as_str()?.to_owned()),
        })
    })?;
    let Ok(experiment) = expt_core::ExperimentId::new("e") else { return Ok(false) };
    let named = Run::new(RunId::from_bytes([0; 16]), experiment, text, expt_core::Timestamp::default());
    Ok(pattern.matches(&named))
}

fn metric_column(summary: Summary) -> Sql<&'static str> {
    Ok(match summary {
        Summary::Last => "+m.last",
        Summary::Min => "+m.min",
        Summary::Max => "+m.max",
        _ => return Err(unknown("summary")),
    })
}

fn compare_text(column: &str, op: CompareOp, text: &str) -> Piece {
    match op {
        CompareOp::Like => Piece::bound(format!("expt_like({column}, ?)"), text.to_owned()),
        _ => Piece::bound(format!("{column} {} ?", symbol(op)), text.to_owned()),
    }
}

fn one_of(column: &str, values: Vec<Value>) -> Piece {
    let marks = vec!["?"; values.len()].join(", ");
    Piece { sql: format!("{column} IN ({marks})"), values }
}

/// The test, or 0 where the column is NULL.
fn not_null(column: &str, test: Piece) -> Piece {
    Piece::wrapped(&format!("({column} IS NOT NULL AND "), test, ")")
}

/// The test, for params of these kinds.
fn of_kind(first: i64, last: i64, test: Piece) -> Piece {
    Piece::wrapped(&format!("(p.kind BETWEEN {first} AND {last} AND "), test, ")")
}

/// The operator, if [`symbol`] or `like` means it.
fn known(op: CompareOp) -> Sql<CompareOp> {
    use CompareOp::{Eq, Ge, Gt, Le, Like, Lt, Ne};
    match op {
        Eq | Ne | Lt | Le | Gt | Ge | Like => Ok(op),
        _ => Err(unknown("operator")),
    }
}

fn symbol(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "=",
        CompareOp::Ne => "<>",
        CompareOp::Lt => "<",
        CompareOp::Le => "<=",
        CompareOp::Gt => ">",
        _ => ">=",
    }
}

fn unknown(what: &str) -> super::fault::Fault {
    let message = format!("this backend does not know a {what} of the query; use one that it knows");
    Error::new(ErrorKind::Unsupported, "search runs", message).into()
}

const MAX_DEPTH: usize = 200;
