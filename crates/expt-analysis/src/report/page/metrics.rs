//! The metrics of each comparison, and the guardrails with their margins.

use expt_core::Direction;

use super::{Align, figure, heading, nothing, row_name, table, words};
use crate::readout::{Comparison, MetricReadout, Readout, Role};
use crate::report::chart::IntervalMark;
use crate::report::markup::Markup;
use crate::report::number::{NONE, Span, typeset};
use crate::report::view::{self, MetricCells};

pub(super) fn all(out: &mut Markup, readout: &Readout) {
    if readout.comparisons.iter().all(|comparison| comparison.metrics.is_empty()) {
        return nothing(out, "There is no metric.");
    }
    for comparison in &readout.comparisons {
        heading(out, readout, &comparison.treatment);
        metric_table(out, comparison);
    }
    out.tag("p").class("legend").text(
        "Difference is treatment minus control, with its interval below. In the pictures each row has a scale \
         of its own: the vertical line is no difference, the shaded side is worse, a dashed line is the limit \
         of a guardrail. Adj. p: corrected for the number of metrics in its family; a dash where a metric \
         is in no family.",
    );
    let mut kinds: Vec<&str> = Vec::new();
    for metric in readout.comparisons.iter().flat_map(|comparison| &comparison.metrics) {
        if !metric.interval_kind.is_empty() && !kinds.contains(&metric.interval_kind.as_str()) {
            kinds.push(&metric.interval_kind);
        }
    }
    if !kinds.is_empty() {
        out.tag("p").class("legend").text(format_args!("Intervals: {}.", kinds.join("; ")));
    }
}

fn metric_table(out: &mut Markup, comparison: &Comparison) {
    let columns = [
        (Align::Left, "Metric"),
        (Align::Right, "Control"),
        (Align::Right, "Treatment"),
        (Align::Right, "Difference"),
        (Align::Left, ""),
        (Align::Right, "Relative"),
        (Align::Right, "p"),
        (Align::Right, "Adj. p"),
        (Align::Left, "Conclusion"),
    ];
    table(out, "metrics", &columns, |out| {
        for metric in &comparison.metrics {
            row(out, metric);
        }
    });
}

fn row(out: &mut Markup, metric: &MetricReadout) {
    let cells = MetricCells::of(metric);
    out.tag("tr").attr("data-role", metric.role.as_str()).nest(|out| {
        out.tag("th").attr("scope", "row").nest(|out| {
            out.text(&metric.metric);
            out.tag("small").text(metric.role.as_str());
            out.tag("small").text(view::direction(metric.direction));
        });
        figure(out, typeset(&cells.control));
        figure(out, typeset(&cells.treatment));
        out.tag("td").class("num").nest(|out| {
            out.tag("b").text(typeset(&cells.difference));
            out.tag("small").text(typeset(&cells.interval));
        });
        out.tag("td").class("picture").nest(|out| mark(metric, Vec::new()).draw_row(out));
        out.tag("td").class("num").nest(|out| {
            out.text(typeset(&cells.relative));
            if let Some(points) = &cells.points {
                out.tag("small").text(typeset(points));
            }
        });
        figure(out, cells.p);
        figure(out, cells.adjusted);
        words(out, &metric.conclusion);
    });
}

/// The picture of a metric, with other estimates of the same.
pub(super) fn mark(metric: &MetricReadout, others: Vec<f64>) -> IntervalMark {
    IntervalMark {
        title: metric.metric.to_string(),
        estimate: metric.difference,
        span: Span::of(metric.interval),
        higher_is_better: metric.direction == Direction::HigherIsBetter,
        margin: metric.margin,
        others,
    }
}

pub(super) fn guardrails(out: &mut Markup, readout: &Readout) {
    let of = |comparison: &Comparison| {
        comparison.metrics.iter().filter(|metric| metric.role == Role::Guardrail).cloned().collect::<Vec<_>>()
    };
    if readout.comparisons.iter().all(|comparison| of(comparison).is_empty()) {
        return nothing(out, "The plan has no guardrail.");
    }
    for comparison in &readout.comparisons {
        heading(out, readout, &comparison.treatment);
        let columns = [
            (Align::Left, "Guardrail"),
            (Align::Left, "Limit"),
            (Align::Right, "Difference"),
            (Align::Left, ""),
            (Align::Left, "Conclusion"),
        ];
        table(out, "guardrails", &columns, |out| {
            for metric in of(comparison) {
                guardrail(out, &metric);
            }
        });
    }
    out.tag("p").class("legend").text(
        "A guardrail holds when its whole interval is on the allowed side of the limit (the dashed line). \
         Beyond it the treatment would be worse by more than the margin of the plan.",
    );
}

fn guardrail(out: &mut Markup, metric: &MetricReadout) {
    let cells = MetricCells::of(metric);
    out.tag("tr").nest(|out| {
        row_name(out, &metric.metric);
        let limit = view::limit(metric);
        let limit = if limit == NONE { "no margin".to_owned() } else { typeset(&limit) };
        out.tag("td").class("nowrap").text(limit);
        out.tag("td").class("num").nest(|out| {
            out.tag("b").text(typeset(&cells.difference));
            out.tag("small").text(typeset(&cells.interval));
        });
        out.tag("td").class("picture").nest(|out| mark(metric, Vec::new()).draw_labelled(out));
        words(out, &metric.conclusion);
    });
}
