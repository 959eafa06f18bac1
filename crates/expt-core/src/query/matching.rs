//! What a query means.

use std::cmp::Ordering;

use super::{CompareOp, Expr, Field, QueryValue, SortValue, Summary, TextAttribute, TimeAttribute};
use crate::run::Run;
use crate::time::Timestamp;
use crate::value::ParamValue;

/// The value of a field, borrowed from the run.
enum Value<'a> {
    Number(f64),
    Text(std::borrow::Cow<'a, str>),
    Bool(bool),
    Time(Timestamp),
}

pub(super) fn matches(expr: &Expr, run: &Run) -> bool {
    match expr {
        Expr::All => true,
        Expr::And(parts) => parts.iter().all(|part| matches(part, run)),
        Expr::Or(parts) => parts.iter().any(|part| matches(part, run)),
        Expr::Not(inner) => !matches(inner, run),
        Expr::Compare { field, op, value } => {
            field_value(field, run).is_some_and(|found| compare(&found, *op, value))
        }
        Expr::In { field, values } => field_value(field, run)
            .is_some_and(|found| values.iter().any(|value| compare(&found, CompareOp::Eq, value))),
        Expr::Exists(field) => field_value(field, run).is_some(),
    }
}

pub(super) fn sort_value(field: &Field, run: &Run) -> Option<SortValue> {
    match field_value(field, run)? {
        Value::Number(value) => SortValue::number(value),
        Value::Text(text) => Some(SortValue::Text(text.into_owned())),
        Value::Bool(value) => SortValue::number(f64::from(u8::from(value))),
        #[allow(clippy::cast_precision_loss, reason = "microseconds up to the year 2255 are exact")]
        Value::Time(time) => SortValue::number(time.as_micros() as f64),
    }
}

fn field_value<'a>(field: &Field, run: &'a Run) -> Option<Value<'a>> {
    let text = |text: &'a str| Some(Value::Text(text.into()));
    match field {
        Field::Metric(metric, summary) => run.metrics.get(metric).map(|found| {
            Value::Number(match summary {
                Summary::Last => found.last,
                Summary::Min => found.min,
                Summary::Max => found.max,
            })
        }),
        Field::Param(key) => match run.params.get(key)? {
            ParamValue::Bool(value) => Some(Value::Bool(*value)),
            ParamValue::Text(value) => text(value),
            number => number.as_f64().map(Value::Number),
        },
        Field::Tag(key) => text(run.tags.get(key)?),
        Field::Text(TextAttribute::Id) => Some(Value::Text(run.id.to_string().into())),
        Field::Text(TextAttribute::Experiment) => text(run.experiment.as_str()),
        Field::Text(TextAttribute::Name) => text(&run.name),
        Field::Text(TextAttribute::Kind) => text(run.kind.as_str()),
        Field::Text(TextAttribute::Status) => text(run.status.as_str()),
        Field::Text(TextAttribute::Parent) => Some(Value::Text(run.parent?.to_string().into())),
        Field::Time(TimeAttribute::Started) => Some(Value::Time(run.started)),
        Field::Time(TimeAttribute::Ended) => run.ended.map(Value::Time),
    }
}

fn compare(found: &Value<'_>, op: CompareOp, value: &QueryValue) -> bool {
    let ordering = match (found, value) {
        (Value::Text(found), QueryValue::Text(pattern)) if op == CompareOp::Like => {
            return like(found, pattern);
        }
        (Value::Number(found), QueryValue::Number(value)) => found.partial_cmp(value),
        (Value::Text(found), QueryValue::Text(value)) => Some(found.as_ref().cmp(value)),
        (Value::Bool(found), QueryValue::Bool(value)) => Some(found.cmp(value)),
        (Value::Time(found), QueryValue::Time(value)) => Some(found.cmp(value)),
        _ => None,
    };
    ordering.is_some_and(|ordering: Ordering| op.accepts(ordering))
}

/// `%` is any text, `_` any one character. Linear space, at most quadratic time.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut t, mut p, mut retry) = (0, 0, None);
    while let Some(&c) = text.get(t) {
        match pattern.get(p) {
            Some('%') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(&wanted) if wanted == '_' || wanted == c => {
                t += 1;
                p += 1;
            }
            _ => match &mut retry {
                Some((percent, from)) => {
                    *from += 1;
                    (t, p) = (*from, *percent + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '%')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ExperimentId, MetricName, RunId};
    use crate::metric::MetricSummary;
    use crate::query::RunQuery;

    fn run() -> Run {
        let started = "2026-03-02".parse().unwrap();
        let mut run = Run::new(RunId::derive(["r"]), ExperimentId::new("e").unwrap(), "net-1", started);
        run.params.insert("depth".into(), 3.into());
        run.params.insert("model".into(), "forest".into());
        run.params.insert("warm".into(), true.into());
        run.metrics.insert(MetricName::new("auc").unwrap(), MetricSummary::of(0, 0.9).with(1, 0.8));
        run.metrics.insert(MetricName::new("bad").unwrap(), MetricSummary::of(0, f64::NAN));
        run
    }

    #[test]
    fn finds_by_each_kind_of_field() {
        for (query, expected) in [
            ("metrics.auc = 0.8 and max(metrics.auc) = 0.9 and last(metrics.auc) < 0.81", true),
            ("params.depth = 3.0 and params.depth in (1, 3)", true),
            ("params.depth = '3'", false),
            ("params.warm = true and params.model != 'linear'", true),
            ("name like 'net%' and name like '%_1' and not name like 'Net%'", true),
            ("status = 'running' and kind = 'run' and experiment = 'e'", true),
            ("started since '2026-03-02' and started < '2026-03-02T00:00:01Z'", true),
            ("ended exists or parent exists", false),
            ("metrics.bad != 1 or metrics.bad = 1", false),
            ("metrics.bad exists", true),
            ("metrics.none != 1", false),
            ("not metrics.none = 1", true),
            ("name not in ('x')", true),
        ] {
            assert_eq!(RunQuery::parse(query).unwrap().filter.matches(&run()), expected, "{query}");
        }
    }

    #[test]
    fn like_is_complete_and_bounded() {
        assert!(like("abcbc", "%bc") && like("", "%%") && like("é", "_") && !like("ab", "a"));
        assert!(!like(&"a".repeat(2000), &"%a".repeat(200).replace("%a", "%a_b")));
    }
}
