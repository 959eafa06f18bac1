//! Pictures: static SVG with a title and a description, coloured by the style sheet of the page.

mod exposures;
mod mark;
mod scale;
mod sequence;

use std::fmt::Display;

pub(super) use exposures::Exposures;
pub(super) use mark::IntervalMark;
pub(super) use sequence::SequenceChart;

use super::markup::{Coordinate, Markup};
use super::number::typeset;
use scale::{Linear, Time};

/// The series of an arm; after six the colours repeat.
pub(super) fn series(index: usize) -> &'static str {
    SERIES.get(index % SERIES.len()).copied().unwrap_or("s0")
}

const SERIES: [&str; 6] = ["s0", "s1", "s2", "s3", "s4", "s5"];

/// A picture of a given size, which shrinks with the page.
fn picture(
    out: &mut Markup,
    (class, width, height): (&'static str, f64, f64),
    title: &str,
    description: &str,
    content: impl FnOnce(&mut Markup),
) {
    let size = format!("0 0 {} {}", Coordinate(width), Coordinate(height));
    let svg = out.tag("svg").class(class).attr("viewBox", size).at("width", width).at("height", height);
    svg.attr("role", "img").nest(|out| {
        out.tag("title").text(title);
        out.tag("desc").text(description);
        content(out);
    });
}

/// A straight line.
fn line(out: &mut Markup, class: &'static str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    out.tag("line").class(class).at("x1", x1).at("y1", y1).at("x2", x2).at("y2", y2).empty();
}

/// A label; `anchor` is `start`, `middle` or `end`.
fn label(
    out: &mut Markup,
    class: &'static str,
    anchor: &'static str,
    (x, y): (f64, f64),
    text: impl Display,
) {
    out.tag("text").class(class).attr("text-anchor", anchor).at("x", x).at("y", y).text(text);
}

/// A path through points.
fn path(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut data = String::new();
    for (x, y) in points {
        data.push(if data.is_empty() { 'M' } else { 'L' });
        data.push_str(&format!("{} {}", Coordinate(x), Coordinate(y)));
    }
    data
}

/// The rectangle into which values are drawn, in pixels of the picture.
#[derive(Debug, Clone, Copy)]
struct Plot {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Plot {
    /// Horizontal lines at round values, with their labels on the left.
    fn values(&self, out: &mut Markup, scale: Linear, signed: bool) {
        for (value, text) in scale.ticks(7, signed) {
            let y = scale.at(value);
            line(out, "grid", (self.left, y), (self.right, y));
            label(out, "tick", "end", (self.left - 8.0, y + 4.0), typeset(&text));
        }
    }

    /// Dates along the bottom.
    fn dates(&self, out: &mut Markup, scale: Time) {
        line(out, "axis", (self.left, self.bottom), (self.right, self.bottom));
        for (time, text) in scale.ticks(8) {
            let x = scale.at(time);
            line(out, "axis", (x, self.bottom), (x, self.bottom + 5.0));
            label(out, "tick", "middle", (x, self.bottom + 20.0), text);
        }
    }

    /// The part of the picture outside of which nothing is drawn.
    fn clipped(&self, out: &mut Markup, content: impl FnOnce(&mut Markup)) {
        let (width, height) = (self.right - self.left, self.bottom - self.top);
        let size = [self.left, self.top, width, height].map(|value| Coordinate(value).to_string()).join(" ");
        let inner =
            out.tag("svg").at("x", self.left).at("y", self.top).at("width", width).at("height", height);
        inner.attr("viewBox", size).attr("overflow", "hidden").nest(content);
    }
}
