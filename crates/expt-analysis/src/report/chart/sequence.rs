//! The primary effect over time.

use expt_core::Timestamp;

use super::scale::{Linear, Time, day_of_year};
use super::{Plot, label, line, path, picture};
use crate::readout::LookRow;
use crate::report::markup::{Coordinate, Markup};
use crate::report::number::{Format, Span, date, finite, typeset};

/// The difference at each look, with its interval as a band.
#[derive(Debug)]
pub(in crate::report) struct SequenceChart<'a> {
    /// The looks at one comparison, oldest first.
    pub(in crate::report) looks: &'a [&'a LookRow],
    /// What is drawn, for people who hear the page.
    pub(in crate::report) title: String,
    /// The first exposure.
    pub(in crate::report) started: Timestamp,
    /// The end of the minimum runtime.
    pub(in crate::report) earliest_ship: Timestamp,
    /// The first look with another verdict than the one before.
    pub(in crate::report) change: Option<&'a LookRow>,
}

impl SequenceChart<'_> {
    /// Draws it.
    pub(in crate::report) fn draw(&self, out: &mut Markup) {
        let times = self.looks.iter().map(|look| look.as_of).chain([self.earliest_ship, self.started]);
        let (from, to) =
            times.fold((self.started, self.started), |(from, to), time| (from.min(time), to.max(time)));
        let x = Time::new(from, to, PLOT.left, PLOT.right);
        let y = Linear::around(self.range(), PLOT.bottom, PLOT.top);
        let size = ("chart", WIDTH, PLOT.bottom + 28.0);
        picture(out, size, &self.title, &self.description(), |out| {
            PLOT.values(out, y, true);
            PLOT.dates(out, x);
            PLOT.clipped(out, |out| self.bands(out, x, y));
            if y.contains(0.0) {
                line(out, "zero", (PLOT.left, y.at(0.0)), (PLOT.right, y.at(0.0)));
            }
            self.markers(out, x, y);
            self.points(out, x, y);
        });
    }

    /// The values that must be visible. Early intervals are so wide that they would flatten the rest, so the
    /// first quarter of the looks may be cut at the edge.
    fn range(&self) -> impl Iterator<Item = f64> {
        let skipped = self.looks.len() / 4;
        let late = self.looks.iter().skip(skipped);
        let ends = late.clone().filter_map(|look| Span::of(look.interval)).flat_map(Span::ends);
        late.filter_map(|look| finite(look.difference)).chain(ends).chain([0.0])
    }

    fn description(&self) -> String {
        let Some((last, difference)) =
            self.looks.last().and_then(|look| Some((look, finite(look.difference)?)))
        else {
            return format!("{} looks; there is no estimate yet.", self.looks.len());
        };
        let span = Span::of(last.interval);
        let format = Format::of(span.into_iter().flat_map(Span::ends).chain([difference]));
        format!(
            "{} looks. On {} the difference is {}, its interval {}. All looks are in the table below.",
            self.looks.len(),
            date(last.as_of),
            format.signed(Some(difference)),
            format.interval(span)
        )
    }

    /// The looks in runs without a gap.
    fn runs(&self) -> impl Iterator<Item = Vec<(Timestamp, Option<f64>, Span)>> {
        let known = |look: &&LookRow| Some((look.as_of, finite(look.difference), Span::of(look.interval)?));
        self.looks
            .split(move |look| known(look).is_none())
            .map(move |run| run.iter().filter_map(known).collect())
    }

    fn bands(&self, out: &mut Markup, x: Time, y: Linear) {
        let low = |span: Span| span.low.map_or(PLOT.bottom + 9.0, |low| y.at(low));
        let high = |span: Span| span.high.map_or(PLOT.top - 9.0, |high| y.at(high));
        for run in self.runs() {
            if run.len() > 1 {
                let upper: Vec<_> = run.iter().map(|(time, _, span)| (x.at(*time), high(*span))).collect();
                let lower: Vec<_> = run.iter().map(|(time, _, span)| (x.at(*time), low(*span))).collect();
                let around = upper.iter().chain(lower.iter().rev()).copied();
                out.tag("path").class("band").attr("d", format!("{}Z", path(around))).empty();
                out.tag("path").class("edge").attr("d", path(upper)).empty();
                out.tag("path").class("edge").attr("d", path(lower)).empty();
            }
            if self.looks.len() <= MOST_WHISKERS {
                for (time, _, span) in &run {
                    let x = x.at(*time);
                    line(out, "whisker", (x, low(*span)), (x, high(*span)));
                }
            }
            let middle = run.iter().filter_map(|(time, value, _)| Some((x.at(*time), y.at((*value)?))));
            out.tag("path").class("effect").attr("d", path(middle)).empty();
        }
    }

    fn points(&self, out: &mut Markup, x: Time, y: Linear) {
        let shown = |look: &&&LookRow| finite(look.difference).is_some_and(|value| y.contains(value));
        for look in self.looks.iter().filter(shown) {
            let value = finite(look.difference);
            let changed = self.change.is_some_and(|change| std::ptr::eq(change, *look));
            let dot = out.tag("circle").class(if changed { "dot changed" } else { "dot" });
            let at = (x.at(look.as_of), value.map_or(0.0, |value| y.at(value)));
            dot.at("cx", at.0).at("cy", at.1).at("r", if changed { 6.0 } else { 3.5 }).nest(|out| {
                let span = Span::of(look.interval);
                let format = Format::of(span.into_iter().flat_map(Span::ends).chain(value));
                let (value, span) = (format.signed(value), format.interval(span));
                out.tag("title").text(format!("{}: {value} {span}, {}", date(look.as_of), look.verdict));
            });
        }
        if let Some((look, value)) = self.looks.last().and_then(|look| Some((look, finite(look.difference)?)))
        {
            let format = Format::of(Span::of(look.interval).into_iter().flat_map(Span::ends).chain([value]));
            let at = (x.at(look.as_of) + 10.0, y.inside(value) + 4.5);
            label(out, "value", "start", at, typeset(&format.signed(Some(value))));
        }
    }

    fn markers(&self, out: &mut Markup, x: Time, y: Linear) {
        let end = x.at(self.earliest_ship);
        line(out, "runtime", (end, 22.0), (end, PLOT.bottom));
        let text = format!("minimum runtime: {}", day_of_year(self.earliest_ship));
        note(out, (end, 18.0), text);
        if let Some(change) = self.change {
            let at = x.at(change.as_of);
            let value = finite(change.difference).map_or(PLOT.top, |value| y.inside(value) - 7.0);
            line(out, "leader", (at, 42.0), (at, value));
            note(out, (at, 38.0), format!("first {}: {}", change.verdict, day_of_year(change.as_of)));
        }
    }
}

/// A note above the plot, on the side of `x` that has room.
fn note(out: &mut Markup, (x, y): (f64, f64), text: String) {
    let late = x > (PLOT.left + PLOT.right) / 2.0;
    let (anchor, x) = if late { ("end", x - 5.0) } else { ("start", x + 5.0) };
    label(out, "note", anchor, (Coordinate(x).0, y), text);
}

const WIDTH: f64 = 880.0;
const PLOT: Plot = Plot { left: 64.0, right: 782.0, top: 48.0, bottom: 300.0 };
/// With more looks the intervals of single looks would hide the band.
const MOST_WHISKERS: usize = 45;
