//! Total orders of rows, so that what comes first does not depend on the log.

use std::cmp::Ordering;

use expt_core::{Exposure, ExposureTarget, Outcome, Output, Prediction, Subject, Timestamp};

/// By unit, then time, then arm: the first row of a unit is its first exposure, whatever came in first.
pub(super) fn exposures(a: &Exposure, b: &Exposure) -> Ordering {
    fn key(row: &Exposure) -> (&str, Timestamp, &str, &str) {
        let target = match &row.target {
            ExposureTarget::Arm { arm, .. } => arm.as_str(),
            _ => "",
        };
        (row.unit.as_str(), row.at, target, row.unit_kind.as_str())
    }
    key(a).cmp(&key(b))
}

/// By id, then time, then content. Equal are rows that say the same, to the bit.
pub(super) fn predictions(a: &Prediction, b: &Prediction) -> Ordering {
    let key = |row: &Prediction| (row.id, row.at, row.request);
    let units = || (&a.unit, &a.unit_kind).cmp(&(&b.unit, &b.unit_kind));
    // Stamps and outputs have no order of their own; what tells them apart is written out, for twins only.
    let stamps =
        || if a.stamp == b.stamp { Ordering::Equal } else { written(&a.stamp).cmp(&written(&b.stamp)) };
    key(a).cmp(&key(b)).then_with(units).then_with(stamps).then_with(|| outputs(&a.output, &b.output))
}

fn outputs(a: &Output, b: &Output) -> Ordering {
    match (a, b) {
        (Output::Value(a), Output::Value(b)) => a.total_cmp(b),
        (Output::Items(a), Output::Items(b)) => {
            let items = a.iter().zip(b).map(|(a, b)| a.key.cmp(&b.key).then(a.score.total_cmp(&b.score)));
            items.fold(a.len().cmp(&b.len()), Ordering::then)
        }
        _ => written(a).cmp(&written(b)),
    }
}

fn written(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

/// By id, then arrival, then content.
pub(super) fn outcomes(a: &Outcome, b: &Outcome) -> Ordering {
    let key = |row: &Outcome| (row.id, row.received, row.at, row.value.to_bits());
    key(a).cmp(&key(b)).then_with(|| a.metric.cmp(&b.metric)).then_with(|| subjects(&a.subject, &b.subject))
}

fn subjects(a: &Subject, b: &Subject) -> Ordering {
    match (a, b) {
        _ if a == b => Ordering::Equal,
        _ => written(a).cmp(&written(b)),
    }
}

/// The same outcome sent twice; when it was received does not matter.
pub(super) fn say_the_same(a: &Outcome, b: &Outcome) -> bool {
    a.at == b.at && a.subject == b.subject && a.metric == b.metric && a.value.to_bits() == b.value.to_bits()
}

/// The rows in a total order that begins with an id and a time. Sorts keys, not rows: a row is large.
pub(super) fn by_id<'a, T>(
    rows: &'a [T],
    key: impl Fn(&T) -> (&[u8; 16], Timestamp),
    full: impl Fn(&T, &T) -> Ordering,
) -> impl Iterator<Item = &'a T> {
    let with_key = |row: &'a T| {
        let (id, at) = key(row);
        (u128::from_be_bytes(*id), at, row)
    };
    let mut sorted: Vec<(u128, Timestamp, &'a T)> = rows.iter().map(with_key).collect();
    sorted.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| full(a.2, b.2)));
    sorted.into_iter().map(|(.., row)| row)
}
