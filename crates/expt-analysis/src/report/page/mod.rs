//! The report as a page of HTML.

mod appendix;
mod arms;
mod checks;
mod effects;
mod header;
mod ledger;
mod lineage;
mod metrics;

use std::fmt::Display;

use super::Report;
use super::markup::{Markup, Tag};
use crate::readout::Readout;

/// Writes the page.
pub(super) fn write(report: &Report<'_>) -> String {
    let readout = report.readout;
    let mut page = Page::default();
    page.section("checks", "Health checks", |out| checks::health(out, readout));
    for (index, facts) in report.facts.iter().enumerate() {
        page.section(format!("facts-{index}"), &facts.title, |out| checks::facts(out, facts));
    }
    page.section("effect", "Primary effect over time", |out| effects::over_time(out, readout));
    page.section("metrics", "Metrics", |out| metrics::all(out, readout));
    page.section("guardrails", "Guardrails", |out| metrics::guardrails(out, readout));
    page.section("join", "Offline and online", |out| arms::join(out, readout));
    page.section("exposures", "Exposures", |out| arms::exposures(out, readout));
    page.section("derivation", "Derivation", |out| effects::derivation(out, readout));
    page.section("lineage", "Lineage", |out| lineage::all(out, readout));
    page.section("ledger", "Join ledger", |out| ledger::all(out, readout));
    page.section("notes", "Notes", |out| appendix::notes(out, readout));
    page.section("methods", "Methods", appendix::methods);
    page.finish(readout)
}

/// The sections, with the links to them.
#[derive(Debug, Default)]
struct Page {
    links: Markup,
    body: Markup,
}

impl Page {
    fn section(&mut self, id: impl Display, title: &str, content: impl FnOnce(&mut Markup)) {
        self.links.tag("a").attr("href", format_args!("#{id}")).text(title);
        self.body.tag("section").attr("id", id).nest(|out| {
            out.tag("h2").text(title);
            content(out);
        });
    }

    fn finish(self, readout: &Readout) -> String {
        let mut out = Markup::default();
        out.constant("<!doctype html>\n");
        out.tag("html").attr("lang", "en").nest(|out| {
            out.tag("head").nest(|out| head(out, readout));
            out.tag("body").nest(|out| {
                out.tag("main").nest(|out| {
                    header::write(out, readout);
                    out.tag("nav").attr("aria-label", "Sections").nest(|out| out.append(&self.links));
                    out.append(&self.body);
                });
                out.data("readout", readout);
            });
        });
        out.finish()
    }
}

fn head(out: &mut Markup, readout: &Readout) {
    out.tag("meta").attr("charset", "utf-8").void();
    out.tag("meta").attr("name", "viewport").attr("content", "width=device-width, initial-scale=1").void();
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
    out.tag("meta").attr("http-equiv", "Content-Security-Policy").attr("content", policy).void();
    out.tag("meta").attr("name", "color-scheme").attr("content", "light dark").void();
    out.tag("title").text(format_args!("{}: {}", readout.verdict, readout.experiment));
    out.constant("<style>\n");
    out.constant(include_str!("../style.css"));
    out.constant("</style>\n");
}

/// A table that scrolls by itself where the page is too narrow for it.
fn table(out: &mut Markup, class: &'static str, columns: &[Column], rows: impl FnOnce(&mut Markup)) {
    let columns: Vec<_> = columns.iter().map(|column| (column.0, column.1.to_owned())).collect();
    table_of(out, class, &columns, rows);
}

/// The same, with names of columns that come from the readout.
fn table_of(
    out: &mut Markup,
    class: &'static str,
    columns: &[(Align, String)],
    rows: impl FnOnce(&mut Markup),
) {
    out.tag("div").class("scroll").nest(|out| {
        out.tag("table").class(class).nest(|out| {
            out.tag("thead").nest(|out| {
                out.tag("tr").nest(|out| {
                    for (align, title) in columns {
                        aligned(out.tag("th").attr("scope", "col"), *align).text(title);
                    }
                });
            });
            out.tag("tbody").nest(rows);
        });
    });
}

/// A column of a table.
type Column = (Align, &'static str);

/// Where the text of a column stands.
#[derive(Debug, Clone, Copy)]
enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

fn aligned(tag: Tag<'_>, align: Align) -> Tag<'_> {
    match align {
        Align::Left => tag,
        Align::Right => tag.class("num"),
    }
}

/// The name of a row.
fn row_name(out: &mut Markup, name: impl Display) {
    out.tag("th").attr("scope", "row").text(name);
}

/// A cell with words.
fn words(out: &mut Markup, text: impl Display) {
    out.tag("td").text(text);
}

/// A cell with a number.
fn figure(out: &mut Markup, number: impl Display) {
    out.tag("td").class("num").text(number);
}

/// A mark that passes or fails by shape, word and colour.
fn mark(out: &mut Markup, passed: bool, words: (&'static str, &'static str)) {
    let (class, sign, word) =
        if passed { ("mark-pass", "✓", words.0) } else { ("mark-fail", "✗", words.1) };
    out.tag("span").class(class).nest(|out| {
        out.tag("span").attr("aria-hidden", "true").text(sign);
        out.text(' ');
        out.text(word);
    });
}

/// A sentence in place of what is not there.
fn nothing(out: &mut Markup, sentence: &'static str) {
    out.tag("p").class("soft").text(sentence);
}

/// Which treatment is compared, where there is more than one.
fn heading(out: &mut Markup, readout: &Readout, treatment: impl Display) {
    if readout.comparisons.len() > 1 {
        out.tag("h3").nest(|out| {
            out.tag("bdi").text(treatment);
            out.text(" against ");
            out.tag("bdi").text(super::view::control(readout));
        });
    }
}
