//! Markup in which text cannot become a tag.

use std::fmt::{self, Display, Write};

use serde::Serialize;

/// HTML or SVG under construction.
///
/// Names of tags and attributes are constants, and there is no method that adds a computed string as it
/// is: everything that comes from outside goes through [`Escaped`], as text or as the value of an attribute.
#[derive(Debug, Default)]
pub(super) struct Markup {
    out: String,
}

impl Markup {
    /// Adds a constant as it is.
    pub(super) fn constant(&mut self, markup: &'static str) {
        self.out.push_str(markup);
    }

    /// Adds text.
    pub(super) fn text(&mut self, text: impl Display) {
        // Writing to a `String` cannot fail.
        let _ = write!(Escaped(&mut self.out), "{text}");
    }

    /// Begins an element.
    pub(super) fn tag(&mut self, name: &'static str) -> Tag<'_> {
        self.out.push('<');
        self.out.push_str(name);
        Tag { markup: self, name }
    }

    /// Adds what was built elsewhere.
    pub(super) fn append(&mut self, other: &Self) {
        self.out.push_str(&other.out);
    }

    /// Adds a block of data. JSON may have `\u003c` wherever it may have `<`, so no text in it can end it.
    pub(super) fn data(&mut self, id: &'static str, value: &impl Serialize) {
        let json = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
        self.out.push_str("<script type=\"application/json\" id=\"");
        self.out.push_str(id);
        self.out.push_str("\">");
        self.out.push_str(&json.replace('<', "\\u003c"));
        self.out.push_str("</script>\n");
    }

    /// The markup.
    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// An element that has no content yet.
#[must_use = "an element needs its content: `text`, `nest`, `empty` or `void`"]
#[derive(Debug)]
pub(super) struct Tag<'a> {
    markup: &'a mut Markup,
    name: &'static str,
}

impl Tag<'_> {
    /// Adds an attribute.
    pub(super) fn attr(self, name: &'static str, value: impl Display) -> Self {
        let out = &mut self.markup.out;
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        let _ = write!(Escaped(out), "{value}");
        out.push('"');
        self
    }

    /// Adds a class.
    pub(super) fn class(self, class: &'static str) -> Self {
        self.attr("class", class)
    }

    /// Adds a coordinate or a length.
    pub(super) fn at(self, name: &'static str, value: f64) -> Self {
        self.attr(name, Coordinate(value))
    }

    /// Gives it text, and ends it.
    pub(super) fn text(self, text: impl Display) {
        self.nest(|markup| markup.text(text));
    }

    /// Gives it elements, and ends it.
    pub(super) fn nest(self, content: impl FnOnce(&mut Markup)) {
        self.markup.out.push('>');
        content(self.markup);
        let out = &mut self.markup.out;
        out.push_str("</");
        out.push_str(self.name);
        out.push('>');
        if BLOCKS.contains(&self.name) {
            out.push('\n');
        }
    }

    /// Ends it without content.
    pub(super) fn empty(self) {
        self.nest(|_| ());
    }

    /// Ends it where HTML has no end tag, as for `meta`.
    pub(super) fn void(self) {
        self.markup.out.push_str(">\n");
    }
}

/// A number as SVG wants it: hundredths at most, and never `NaN`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coordinate(pub(super) f64);

impl Display for Coordinate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let finite = if self.0.is_finite() { self.0.clamp(-1e6, 1e6) } else { 0.0 };
        let text = format!("{:.1}", finite);
        let text = text.strip_suffix(".0").unwrap_or(&text);
        f.write_str(if text == "-0" { "0" } else { text })
    }
}

/// Writes text so that HTML and SVG read it as text, in content and in quoted attributes.
struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(c),
                c if c.is_control() => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

/// After these a line ends, so that two pages can be compared line by line.
const BLOCKS: [&str; 13] =
    ["div", "dl", "figure", "header", "h1", "h2", "li", "nav", "p", "section", "svg", "table", "tr"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_stay_text() {
        let mut markup = Markup::default();
        markup.tag("p").attr("title", "\"><script>'").text("<b> & \u{1b}[31m \u{202e}עברית");
        let expected =
            "<p title=\"&quot;&gt;&lt;script&gt;&#39;\">&lt;b&gt; &amp; \u{fffd}[31m \u{202e}עברית</p>\n";
        assert_eq!(markup.finish(), expected);
    }

    #[test]
    fn data_cannot_end_its_block_and_reads_back() {
        let text = "</script><!-- <script> \u{2028}";
        let mut markup = Markup::default();
        markup.data("x", &text);
        let page = markup.finish();
        assert_eq!(page.matches('<').count(), 2, "{page}");
        let json = page.split_once('>').unwrap().1.rsplit_once("</script>").unwrap().0;
        assert_eq!(serde_json::from_str::<String>(json).unwrap(), text);
    }

    #[test]
    fn coordinates_are_short_and_finite() {
        for (value, text) in [
            (1.0, "1"),
            (0.26, "0.3"),
            (-0.01, "0"),
            (f64::NAN, "0"),
            (f64::INFINITY, "0"),
            (1e300, "1000000"),
        ] {
            assert_eq!(Coordinate(value).to_string(), text);
        }
    }
}
