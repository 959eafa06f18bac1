//! What the page and the text have in common: which rows there are, and what is in them.

use std::collections::BTreeSet;

use expt_core::{Direction, MetricName};

use super::number::{self, Format, Span, finite};
use crate::readout::{ArmReadout, Comparison, LookRow, MetricReadout, Readout, ServedModel};

/// A metric of a comparison, written out.
#[derive(Debug)]
pub(super) struct MetricCells {
    pub(super) control: String,
    pub(super) treatment: String,
    pub(super) difference: String,
    pub(super) interval: String,
    pub(super) relative: String,
    pub(super) points: Option<String>,
    pub(super) p: String,
    pub(super) adjusted: String,
}

impl MetricCells {
    pub(super) fn of(metric: &MetricReadout) -> Self {
        let means = Format::of(metric.control.into_iter().chain(metric.treatment));
        let span = Span::of(metric.interval);
        let effect = effect_format(metric);
        Self {
            control: means.show(metric.control),
            treatment: means.show(metric.treatment),
            difference: effect.signed(metric.difference),
            interval: effect.interval(span),
            relative: number::relative(metric.relative),
            points: metric
                .difference
                .filter(|size| size.abs() <= 1.0 && is_proportion(metric))
                .map(number::points),
            p: number::p_value(metric.ln_p),
            adjusted: number::p_value(metric.adjusted_ln_p),
        }
    }
}

/// How the difference of a metric and its interval are written.
pub(super) fn effect_format(metric: &MetricReadout) -> Format {
    Format::of(Span::of(metric.interval).into_iter().flat_map(Span::ends).chain(metric.difference))
}

/// Whether differences of the metric may be called points. A readout does not say what a metric counts, so
/// this needs a name that says so, and means between 0 and 1.
fn is_proportion(metric: &MetricReadout) -> bool {
    let is_mean = |mean: Option<f64>| mean.is_some_and(|mean| (0.0..=1.0).contains(&mean));
    let name = metric.metric.as_str().to_lowercase();
    let mut words = name.split(|c: char| !c.is_alphanumeric());
    words.any(|word| PROPORTIONS.contains(&word)) && is_mean(metric.control) && is_mean(metric.treatment)
}

const PROPORTIONS: [&str; 18] = [
    "accuracy",
    "accept",
    "accepted",
    "bounce",
    "churn",
    "click",
    "clicked",
    "conversion",
    "converted",
    "correct",
    "ctr",
    "fraction",
    "precision",
    "proportion",
    "rate",
    "recall",
    "retention",
    "share",
];

/// `higher is better`, for people.
pub(super) const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::HigherIsBetter => "higher is better",
        Direction::LowerIsBetter => "lower is better",
    }
}

/// What the difference of a guardrail may not pass: `not below -0.01`.
pub(super) fn limit(metric: &MetricReadout) -> String {
    let Some(margin) = finite(metric.margin) else { return number::NONE.to_owned() };
    match metric.direction {
        Direction::HigherIsBetter => format!("not below {}", number::exact(-margin)),
        Direction::LowerIsBetter => format!("not above {}", number::exact(margin)),
    }
}

/// The name of the control, if there is one.
pub(super) fn control(readout: &Readout) -> &str {
    readout.arms.iter().find(|arm| arm.is_control).map_or("control", |arm| arm.arm.as_str())
}

/// The looks at one comparison, oldest first.
pub(super) fn looks<'a>(readout: &'a Readout, comparison: &Comparison) -> Vec<&'a LookRow> {
    readout.looks.iter().filter(|look| look.treatment == comparison.treatment).collect()
}

/// The first look with another verdict than the one before.
pub(super) fn first_change<'a>(looks: &[&'a LookRow]) -> Option<&'a LookRow> {
    looks.iter().zip(looks.iter().skip(1)).find(|(a, b)| a.verdict != b.verdict).map(|(_, look)| *look)
}

/// At most about `most` of the looks: the first, the last, every change of verdict, and of the others as many
/// as there is room for, evenly.
pub(super) fn thinned<'a>(looks: &[&'a LookRow], most: usize) -> Vec<&'a LookRow> {
    let every = looks.len().div_ceil(most.max(1)).max(1);
    let last = looks.len().saturating_sub(1);
    let before = std::iter::once(None).chain(looks.iter().map(Some));
    let kept = |index: usize, look: &LookRow, before: Option<&&LookRow>| {
        (last - index).is_multiple_of(every)
            || index == 0
            || before.is_some_and(|before| before.verdict != look.verdict)
    };
    let numbered = looks.iter().zip(before).enumerate();
    numbered
        .filter(|(index, (look, before))| kept(*index, look, *before))
        .map(|(_, (look, _))| *look)
        .collect()
}

/// A row of the table that puts offline metrics beside online ones: one cell for each arm.
#[derive(Debug)]
pub(super) struct JoinRow {
    pub(super) label: String,
    /// Whether the values are ids.
    pub(super) ids: bool,
    pub(super) cells: Vec<JoinCell>,
}

/// What an arm has in a row.
#[derive(Debug, Default)]
pub(super) struct JoinCell {
    /// The value itself.
    pub(super) value: String,
    /// How it differs from the control's.
    pub(super) difference: Option<String>,
    /// The interval of that difference.
    pub(super) interval: Option<String>,
}

/// The rows of the table that puts offline metrics beside online ones.
#[derive(Debug)]
pub(super) struct JoinTable {
    /// What was served, and to whom.
    pub(super) served: Vec<JoinRow>,
    /// Offline metrics.
    pub(super) offline: Vec<JoinRow>,
    /// Online means.
    pub(super) online: Vec<JoinRow>,
}

impl JoinTable {
    pub(super) fn of(readout: &Readout) -> Self {
        let offline: BTreeSet<&MetricName> = models(readout).flat_map(|model| model.offline.keys()).collect();
        // The plan's order, then what only an arm has.
        let mut online: Vec<&MetricName> = Vec::new();
        let compared = readout.comparisons.iter().flat_map(|comparison| &comparison.metrics);
        let named = compared.map(|metric| &metric.metric);
        for name in named.chain(readout.arms.iter().flat_map(|arm| arm.online.keys())) {
            if !online.contains(&name) {
                online.push(name);
            }
        }
        Self {
            served: served(readout),
            offline: offline.into_iter().map(|name| offline_row(readout, name)).collect(),
            online: online.into_iter().map(|name| online_row(readout, name)).collect(),
        }
    }
}

fn models(readout: &Readout) -> impl Iterator<Item = &ServedModel> {
    readout.arms.iter().filter_map(|arm| arm.model.as_ref())
}

fn served(readout: &Readout) -> Vec<JoinRow> {
    let row = |label: &str, cell: &dyn Fn(&ArmReadout) -> Option<String>| JoinRow {
        label: label.to_owned(),
        ids: label == "run",
        cells: readout.arms.iter().map(|arm| plain(cell(arm))).collect(),
    };
    vec![
        row("model", &|arm| arm.model.as_ref().map(|model| format!("{}@{}", model.model, model.version))),
        row("stage", &|arm| arm.model.as_ref().map(|model| model.stage.to_string())),
        row("run", &|arm| arm.model.as_ref().map(|model| short(&model.run.to_string()))),
        row("run name", &|arm| arm.model.as_ref().map(|model| model.run_name.clone())),
        row("units", &|arm| Some(number::count(arm.units))),
        row("predictions", &|arm| Some(number::count(arm.predictions))),
    ]
}

fn plain(value: Option<String>) -> JoinCell {
    JoinCell { value: value.unwrap_or_else(|| number::NONE.to_owned()), ..JoinCell::default() }
}

/// The first digits of an id: enough to find it in the lineage below.
pub(super) fn short(id: &str) -> String {
    id.chars().take(12).collect()
}

fn offline_row(readout: &Readout, name: &MetricName) -> JoinRow {
    let values: Vec<Option<f64>> = readout.arms.iter().map(|arm| offline(arm, name)).collect();
    let control = readout.arms.iter().find(|arm| arm.is_control).and_then(|arm| offline(arm, name));
    let format = Format::of(values.iter().flatten().copied());
    let cell = |(arm, value): (&ArmReadout, &Option<f64>)| {
        let difference = control.zip(*value).map(|(control, value)| value - control);
        let difference = difference.filter(|_| !arm.is_control).map(|value| format.signed(Some(value)));
        JoinCell { value: format.show(*value), difference, interval: None }
    };
    JoinRow {
        label: name.to_string(),
        ids: false,
        cells: readout.arms.iter().zip(&values).map(cell).collect(),
    }
}

fn online_row(readout: &Readout, name: &MetricName) -> JoinRow {
    let mean = |arm: &ArmReadout| finite(arm.online.get(name).copied().flatten());
    let format = Format::of(readout.arms.iter().filter_map(mean));
    let cell = |arm: &ArmReadout| {
        let metric = comparison(readout, arm).and_then(|comparison| metric(comparison, name));
        let cells = metric.filter(|metric| finite(metric.difference).is_some()).map(MetricCells::of);
        let (difference, interval) = cells.map(|cells| (cells.difference, cells.interval)).unzip();
        JoinCell { value: format.show(mean(arm)), difference, interval }
    };
    JoinRow { label: name.to_string(), ids: false, cells: readout.arms.iter().map(cell).collect() }
}

fn offline(arm: &ArmReadout, name: &MetricName) -> Option<f64> {
    finite(arm.model.as_ref()?.offline.get(name).copied())
}

fn comparison<'a>(readout: &'a Readout, arm: &ArmReadout) -> Option<&'a Comparison> {
    readout.comparisons.iter().find(|comparison| comparison.treatment == arm.arm)
}

fn metric<'a>(comparison: &'a Comparison, name: &MetricName) -> Option<&'a MetricReadout> {
    comparison.metrics.iter().find(|metric| metric.metric == *name)
}

/// An online metric beside the offline metrics of the same name.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    /// The online metric.
    pub(super) online: &'a MetricReadout,
    /// The offline metrics with the difference of the two runs.
    pub(super) offline: Vec<(&'a MetricName, f64)>,
}

/// The online metrics that have offline ones of the same name, up to a prefix such as `val_`.
pub(super) fn pairs<'a>(readout: &'a Readout, comparison: &'a Comparison) -> Vec<Pair<'a>> {
    let control = readout.arms.iter().find(|arm| arm.is_control);
    let treatment = readout.arms.iter().find(|arm| arm.arm == comparison.treatment);
    let (Some(control), Some(treatment)) = (control, treatment) else { return Vec::new() };
    let Some(model) = &treatment.model else { return Vec::new() };
    let pair = |online: &'a MetricReadout| {
        let same = |name: &MetricName| unprefixed(name.as_str()) == unprefixed(online.metric.as_str());
        let difference = |name| Some(offline(treatment, name)? - offline(control, name)?);
        let known = model.offline.keys().filter(|name| same(name));
        let known = known.filter_map(|name| Some((name, finite(difference(name))?)));
        Pair { online, offline: known.collect() }
    };
    comparison.metrics.iter().map(pair).filter(|pair| !pair.offline.is_empty()).collect()
}

fn unprefixed(name: &str) -> &str {
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

const PREFIXES: [&str; 12] = [
    "validation_",
    "valid_",
    "val_",
    "test_",
    "eval_",
    "holdout_",
    "cv_",
    "offline_",
    "online_",
    "val/",
    "test/",
    "eval/",
];
