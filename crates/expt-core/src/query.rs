//! The query language for runs: `metrics.val_auc > 0.85 and params.model = 'forest' order by metrics.val_auc desc`.
//!
//! A query is a closed tree ([`Expr`]), so that each store can push it down; [`Expr::matches`] says what it
//! means. The words of the language:
//!
//! | what | how it is written |
//! |---|---|
//! | a metric | `metrics.val_auc` (its last value), `min(metrics.loss)`, `max(metrics.val_auc)` |
//! | a parameter, a tag | `params.depth`, `tags.team`; odd names in back quotes: ``params.`learning rate` `` |
//! | an attribute | `id`, `experiment`, `name`, `kind`, `status`, `parent`, `started`, `ended` |
//! | comparing | `=`, `!=`, `<`, `<=`, `>`, `>=`, `like 'net%'`, `in (1, 2)`, `exists`, and `since '2026-03-01'` for `>=` |
//! | joining | `and`, `or`, `not`, parentheses |
//! | values | `0.85`, `'text'` (a quote inside is doubled), `true`, `false`; times are text: `'2026-03-01T12:00:00Z'` |
//! | after it | `order by FIELD [asc\|desc], ...`, then `limit N` |
//!
//! A comparison is true or false, never unknown: with a value that is absent, of another type or NaN it is
//! false, so `not (metrics.loss < 1)` also finds runs without that metric.

mod lexer;
mod matching;
mod parser;

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::id::MetricName;
use crate::run::Run;

pub(crate) use lexer::columns;

/// A parsed query: which runs, in which order, how many.
///
/// ```
/// use expt_core::query::RunQuery;
///
/// let query = RunQuery::parse("metrics.val_auc > 0.85 and params.model = 'forest' and started since '2026-03-01'")?;
/// assert_eq!(query.limit, None);
///
/// let error = RunQuery::parse("metrics.val_auc >> 1").unwrap_err().to_string();
/// assert!(error.contains("at byte 17"), "{error}");
/// # Ok::<(), expt_core::CoreError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunQuery {
    /// Which runs.
    pub filter: Expr,
    /// In which order; ties, and an empty order, by start (newest first), then by id.
    pub order: Vec<OrderBy>,
    /// At most how many.
    pub limit: Option<u32>,
}

impl RunQuery {
    /// All runs, newest first.
    #[must_use]
    pub const fn all() -> Self {
        Self { filter: Expr::All, order: Vec::new(), limit: None }
    }

    /// Parses the text. Empty text finds all runs.
    ///
    /// # Errors
    /// [`CoreError::Query`](crate::CoreError::Query), pointing at the first fault and saying what is
    /// allowed there.
    pub fn parse(text: &str) -> Result<Self> {
        parser::parse(text)
    }

    /// What the run is sorted by: the values of the `order by` fields, its start and its id.
    #[must_use]
    pub fn sort_key(&self, run: &Run) -> SortKey {
        let values = self.order.iter().map(|order| order.field.sort_value(run)).collect();
        SortKey { values, started: run.started.as_micros(), id: run.id }
    }

    /// Compares two keys in the order of this query. Runs without a value come last, in both directions.
    #[must_use]
    pub fn compare(&self, a: &SortKey, b: &SortKey) -> Ordering {
        let pairs = self.order.iter().zip(a.values.iter().zip(&b.values));
        for (order, (a, b)) in pairs {
            let ordering = match (a, b) {
                (None, None) => Ordering::Equal,
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some(a), Some(b)) if order.descending => b.total_cmp(a),
                (Some(a), Some(b)) => a.total_cmp(b),
            };
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
        b.started.cmp(&a.started).then_with(|| a.id.cmp(&b.id))
    }
}

/// A condition on a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Expr {
    /// Every run.
    All,
    /// All of these hold.
    And(Vec<Expr>),
    /// One of these holds.
    Or(Vec<Expr>),
    /// This does not hold.
    Not(Box<Expr>),
    /// The field is there, and compares like this.
    Compare {
        /// The field.
        field: Field,
        /// The comparison.
        op: CompareOp,
        /// What it is compared with.
        value: QueryValue,
    },
    /// The field is there, and is one of these.
    In {
        /// The field.
        field: Field,
        /// The values.
        values: Vec<QueryValue>,
    },
    /// The field is there.
    Exists(Field),
}

impl Expr {
    /// Whether the condition holds for the run: the meaning of a query, for every store.
    #[must_use]
    pub fn matches(&self, run: &Run) -> bool {
        matching::matches(self, run)
    }
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CompareOp {
    /// `=`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `like`: `%` stands for any text, `_` for any one character; letters must agree in case.
    Like,
}

impl CompareOp {
    /// Whether an ordering satisfies the comparison; [`CompareOp::Like`] is no ordering.
    #[must_use]
    pub const fn accepts(self, ordering: Ordering) -> bool {
        match self {
            Self::Eq => ordering.is_eq(),
            Self::Ne => ordering.is_ne(),
            Self::Lt => ordering.is_lt(),
            Self::Le => ordering.is_le(),
            Self::Gt => ordering.is_gt(),
            Self::Ge => ordering.is_ge(),
            Self::Like => false,
        }
    }
}

/// A field of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Field {
    /// A metric, by one of its summaries.
    Metric(MetricName, Summary),
    /// A parameter.
    Param(String),
    /// A tag.
    Tag(String),
    /// A text attribute.
    Text(TextAttribute),
    /// A time attribute.
    Time(TimeAttribute),
}

impl Field {
    fn sort_value(&self, run: &Run) -> Option<SortValue> {
        matching::sort_value(self, run)
    }
}

/// Which summary of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Summary {
    /// The value at the highest step.
    Last,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
}

/// An attribute that is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TextAttribute {
    /// The run's id.
    Id,
    /// Its experiment.
    Experiment,
    /// Its name.
    Name,
    /// `run`, `study` or `trial`.
    Kind,
    /// `running`, `finished`, `pruned`, `failed` or `interrupted`.
    Status,
    /// The id of its parent.
    Parent,
}

/// An attribute that is a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TimeAttribute {
    /// When it began.
    Started,
    /// When it ended.
    Ended,
}

/// A value in a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum QueryValue {
    /// A finite number.
    Number(f64),
    /// Text.
    Text(String),
    /// `true` or `false`.
    Bool(bool),
    /// A time, where the field is one.
    Time(crate::Timestamp),
}

/// One field to sort by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderBy {
    /// The field.
    pub field: Field,
    /// Largest first.
    pub descending: bool,
}

/// What a run is sorted by. Compare two with [`RunQuery::compare`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SortKey {
    /// The values of the `order by` fields; `None` where the run has none, or NaN.
    pub values: Vec<Option<SortValue>>,
    /// Microseconds of the run's start.
    pub started: i64,
    /// The run.
    pub id: crate::RunId,
}

/// One value to sort by. Between types, numbers come before text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SortValue {
    /// A number, never NaN, as its bits, so that a page token keeps infinities.
    Number(u64),
    /// Text, by its bytes.
    Text(String),
}

impl SortValue {
    /// A number to sort by, or `None` for NaN.
    #[must_use]
    pub fn number(value: f64) -> Option<Self> {
        (!value.is_nan()).then(|| Self::Number((value + 0.0).to_bits()))
    }

    fn total_cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => f64::from_bits(*a).total_cmp(&f64::from_bits(*b)),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}
