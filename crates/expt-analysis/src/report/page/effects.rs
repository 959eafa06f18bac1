//! The primary effect over time, and how each verdict was derived.

use super::{Align, figure, heading, nothing, table, words};
use crate::readout::{Comparison, LookRow, MetricReadout, Readout, Role};
use crate::report::chart::SequenceChart;
use crate::report::markup::Markup;
use crate::report::number::{Format, Span, count, minute, typeset};
use crate::report::view;

pub(super) fn over_time(out: &mut Markup, readout: &Readout) {
    if readout.comparisons.is_empty() {
        return nothing(out, "Nothing is compared.");
    }
    for comparison in &readout.comparisons {
        heading(out, readout, &comparison.treatment);
        let looks = view::looks(readout, comparison);
        if looks.is_empty() {
            nothing(out, "There is no look yet.");
            continue;
        }
        let shown = view::thinned(&looks, MOST_LOOKS);
        let primary = comparison.metrics.iter().find(|metric| metric.role == Role::Primary);
        out.tag("figure").nest(|out| {
            out.tag("figcaption").nest(|out| caption(out, readout, comparison, primary));
            let title = primary.map_or("Difference over time".to_owned(), |metric| {
                format!("Difference in {} over time", metric.metric)
            });
            let (started, earliest_ship) = (readout.started, readout.earliest_ship);
            let change = view::first_change(&looks);
            SequenceChart { looks: &shown, title, started, earliest_ship, change }.draw(out);
            out.tag("p").class("legend").nest(|out| legend(out, primary));
        });
        looks_table(out, &looks, &shown);
    }
}

fn caption(out: &mut Markup, readout: &Readout, comparison: &Comparison, primary: Option<&MetricReadout>) {
    out.text("Difference in ");
    out.tag("bdi").text(primary.map_or("the primary metric", |metric| metric.metric.as_str()));
    out.text(": ");
    out.tag("bdi").text(&comparison.treatment);
    out.text(" minus ");
    out.tag("bdi").text(view::control(readout));
    if let Some(metric) = primary {
        out.text(format_args!(" ({})", view::direction(metric.direction)));
    }
}

fn legend(out: &mut Markup, primary: Option<&MetricReadout>) {
    let kind = primary.map_or("interval", |metric| metric.interval_kind.as_str());
    out.text("Each point is a look. The band is the ");
    out.tag("bdi").text(kind);
    out.text(
        "; early ones may reach beyond the picture. The dashed line is the end of the minimum runtime; a ring marks the first look with another verdict.",
    );
}

fn looks_table(out: &mut Markup, looks: &[&LookRow], shown: &[&LookRow]) {
    out.tag("details").nest(|out| {
        out.tag("summary").nest(|out| {
            if shown.len() == looks.len() {
                out.text(format_args!("All {} looks as a table", looks.len()));
            } else {
                out.text(format_args!(
                    "{} of {} looks as a table; the data block has all",
                    shown.len(),
                    looks.len()
                ));
            }
        });
        let columns = [
            (Align::Left, "As of"),
            (Align::Right, "Units"),
            (Align::Right, "Difference"),
            (Align::Right, "Interval"),
            (Align::Left, "Verdict"),
        ];
        // One format for the column, from the looks that are precise.
        let late = shown.iter().skip(shown.len() / 4);
        let spans = late.clone().filter_map(|look| Span::of(look.interval)).flat_map(Span::ends);
        let format = Format::of(spans.chain(late.filter_map(|look| look.difference)));
        table(out, "looks", &columns, |out| {
            for look in shown {
                out.tag("tr").nest(|out| {
                    out.tag("td").class("nowrap").text(minute(look.as_of));
                    figure(out, count(look.units));
                    figure(out, typeset(&format.signed(look.difference)));
                    figure(out, typeset(&format.interval(Span::of(look.interval))));
                    words(out, look.verdict);
                });
            }
        });
    });
}

pub(super) fn derivation(out: &mut Markup, readout: &Readout) {
    if readout.comparisons.is_empty() {
        return nothing(out, "Nothing is compared.");
    }
    out.tag("p").class("lead").text("Which adjustment was applied, in which order, and why.");
    for comparison in &readout.comparisons {
        heading(out, readout, &comparison.treatment);
        if comparison.derivation.is_empty() {
            nothing(out, "No step was recorded.");
            continue;
        }
        out.tag("ol").class("steps").nest(|out| {
            for step in &comparison.derivation {
                out.tag("li").text(step);
            }
        });
    }
}

const MOST_LOOKS: usize = 120;
