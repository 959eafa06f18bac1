//! A readout as a page and as text.

mod chart;
mod markup;
mod number;
mod page;
mod text;
mod view;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::readout::Readout;

/// Shows a [`Readout`] to people: as a page that needs nothing but itself, or as text for a terminal.
///
/// The page is one file of HTML with its pictures inside. It loads nothing, runs no script, prints, follows
/// the reader's light or dark setting, and never says anything by colour alone. The readout itself is in it as
/// JSON, in the element with the id `readout`, so that a page that was kept is also a record. Names and
/// sentences of the readout are shown as text, whatever they contain.
///
/// It decides nothing: every number and word comes from the readout; only differences of offline metrics and
/// shares of counts are computed here.
///
/// ```
/// # fn show(readout: &expt_analysis::Readout) {
/// use expt_analysis::Report;
///
/// let report = Report::new(readout).with_facts("Shadow", [("agreement", "98.2 % of 12,040 requests")]);
/// let page: String = report.to_html();
/// assert!(page.starts_with("<!doctype html>") && report.to_text().contains("98.2 %"));
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Report<'a> {
    readout: &'a Readout,
    facts: Vec<Facts>,
}

/// A section of names and values.
#[derive(Debug, Clone)]
struct Facts {
    title: String,
    rows: Vec<(String, String)>,
}

impl<'a> Report<'a> {
    /// A report of the readout.
    pub const fn new(readout: &'a Readout) -> Self {
        Self { readout, facts: Vec::new() }
    }

    /// Adds a section of names and values after the health checks, such as what a shadow phase found.
    /// Sections stand in the order in which they were added.
    pub fn with_facts<N: Into<String>, V: Into<String>>(
        mut self,
        title: impl Into<String>,
        facts: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let rows = facts.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        self.facts.push(Facts { title: title.into(), rows });
        self
    }

    /// The report as a page.
    #[must_use]
    pub fn to_html(&self) -> String {
        page::write(self)
    }

    /// The report as text of at most 110 columns.
    ///
    /// Control characters and marks that change the direction of text are replaced, so that names cannot
    /// control a terminal.
    #[must_use]
    pub fn to_text(&self) -> String {
        text::write(self)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}
