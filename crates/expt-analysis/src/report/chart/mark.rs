//! One interval beside zero.

use super::scale::Linear;
use super::{label, line, path, picture};
use crate::report::markup::Markup;
use crate::report::number::{Format, Span, exact, typeset};

/// An estimate and its interval on a scale of their own, with zero in the middle.
#[derive(Debug, Default)]
pub(in crate::report) struct IntervalMark {
    /// What is drawn, for people who hear the page.
    pub(in crate::report) title: String,
    /// The difference.
    pub(in crate::report) estimate: Option<f64>,
    /// Its interval.
    pub(in crate::report) span: Option<Span>,
    /// Whether more is better.
    pub(in crate::report) higher_is_better: bool,
    /// For a guardrail: how much worse is too much.
    pub(in crate::report) margin: Option<f64>,
    /// Other estimates of the same, drawn as hollow diamonds.
    pub(in crate::report) others: Vec<f64>,
}

impl IntervalMark {
    /// Draws it as small as a row.
    pub(in crate::report) fn draw_row(&self, out: &mut Markup) {
        self.draw(out, ("mark", 150.0, 24.0), 12.0, |_, _| ());
    }

    /// Draws it with the other estimates above it.
    pub(in crate::report) fn draw_pair(&self, out: &mut Markup) {
        self.draw(out, ("mark pair", 260.0, 38.0), 19.0, |_, _| ());
    }

    /// Draws it with labels at zero and at the margin.
    pub(in crate::report) fn draw_labelled(&self, out: &mut Markup) {
        self.draw(out, ("mark wide", 340.0, 62.0), 32.0, |out, x| {
            label(out, "tick", "middle", (x.at(0.0), 59.0), "0");
            if let Some(limit) = self.limit() {
                let text = format!("limit {}", typeset(&exact(limit)));
                let anchor = if limit < 0.0 { "start" } else { "end" };
                let text_at = if limit < 0.0 { x.at(limit).min(150.0) } else { x.at(limit).max(190.0) };
                label(out, "tick", anchor, (text_at, 11.0), text);
            }
        });
    }

    fn draw(
        &self,
        out: &mut Markup,
        size: (&'static str, f64, f64),
        y: f64,
        labels: impl FnOnce(&mut Markup, Linear),
    ) {
        let (_, width, height) = size;
        let lane = if self.others.is_empty() { 0.0 } else { 8.0 };
        let (top, bottom) = (y - 11.0 - lane, y + 11.0 + lane);
        let ends = self.span.into_iter().flat_map(Span::ends);
        let values = ends.chain(self.estimate).chain(self.limit()).chain(self.others.iter().copied());
        let half =
            values.filter(|value| value.is_finite()).fold(0.0, |half: f64, value| half.max(value.abs()));
        let half = if half > 0.0 { half.min(1e300) * 1.12 } else { 1.0 };
        let x = Linear::exact(-half, half, 0.0, width);
        picture(out, (size.0, width, height), &self.title, &self.describe(), |out| {
            let worse = if self.higher_is_better { (0.0, x.at(0.0)) } else { (x.at(0.0), width) };
            region(out, "worse", worse, top, bottom);
            if let Some(limit) = self.limit() {
                let harm = if self.higher_is_better { (0.0, x.at(limit)) } else { (x.at(limit), width) };
                region(out, "harm", harm, top, bottom);
                line(out, "margin", (x.at(limit), top - 3.0), (x.at(limit), bottom + 3.0));
            }
            line(out, "zero", (x.at(0.0), top), (x.at(0.0), bottom));
            self.bar(out, x, y + lane, width);
            for other in self.others.iter().filter(|other| other.is_finite()) {
                let (x, y, r) = (x.inside(*other), y - lane, 6.0);
                let diamond = path([(x, y - r), (x + r, y), (x, y + r), (x - r, y)]);
                out.tag("path").class("other").attr("d", format!("{diamond}Z")).empty();
            }
            labels(out, x);
        });
    }

    fn bar(&self, out: &mut Markup, x: Linear, y: f64, width: f64) {
        let tone = self.tone();
        if let Some(span) = self.span {
            let low = span.low.map_or(0.0, |low| x.inside(low));
            let high = span.high.map_or(width, |high| x.inside(high));
            line(out, tone, (low, y), (high, y));
            for (x, bounded, inwards) in [(low, span.low.is_some(), 5.0), (high, span.high.is_some(), -5.0)] {
                if bounded {
                    line(out, tone, (x, y - 4.0), (x, y + 4.0));
                } else {
                    line(out, tone, (x + inwards, y - 4.0), (x, y));
                    line(out, tone, (x + inwards, y + 4.0), (x, y));
                }
            }
        }
        if let Some(estimate) = self.estimate.filter(|estimate| estimate.is_finite()) {
            out.tag("circle").class(tone).at("cx", x.inside(estimate)).at("cy", y).at("r", 4.0).empty();
        }
    }

    /// The value of the difference beyond which a guardrail is broken.
    fn limit(&self) -> Option<f64> {
        let margin = self.margin.filter(|margin| margin.is_finite())?;
        Some(if self.higher_is_better { -margin } else { margin })
    }

    fn tone(&self) -> &'static str {
        let Some(span) = self.span else { return "ci unsure" };
        let (above, below) = (span.is_above(0.0), span.is_below(0.0));
        let (good, bad) = if self.higher_is_better { (above, below) } else { (below, above) };
        match (good, bad) {
            (true, false) => "ci good",
            (false, true) => "ci bad",
            _ => "ci unsure",
        }
    }

    fn describe(&self) -> String {
        let format = Format::of(self.span.into_iter().flat_map(Span::ends).chain(self.estimate));
        let mut text =
            format!("difference {}, interval {}", format.signed(self.estimate), format.interval(self.span));
        if let Some(limit) = self.limit() {
            text.push_str(&format!(", limit {}", exact(limit)));
        }
        for other in &self.others {
            text.push_str(&format!(", offline {}", Format::of([*other]).signed(Some(*other))));
        }
        text
    }
}

fn region(out: &mut Markup, class: &'static str, (from, to): (f64, f64), top: f64, bottom: f64) {
    let (width, height) = ((to - from).max(0.0), bottom - top);
    out.tag("rect").class(class).at("x", from).at("y", top).at("width", width).at("height", height).empty();
}
