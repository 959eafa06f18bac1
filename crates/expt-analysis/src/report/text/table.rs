//! Columns of text.

/// A table for a terminal: columns as wide as their widest cell.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
    left: Vec<usize>,
    most: usize,
    widest: usize,
}

#[derive(Debug)]
enum Row {
    Cells(Vec<String>),
    /// A line of its own, such as the title of a group.
    Line(String),
}

impl Table {
    /// A table whose cells have at most `most` columns of the terminal, and whose lines at most `widest`;
    /// longer ones are cut.
    pub(super) fn new(most: usize, widest: usize) -> Self {
        Self { most, widest, left: vec![0], ..Self::default() }
    }

    /// Puts the text of more columns than the first on the left.
    pub(super) fn with_left(mut self, columns: impl IntoIterator<Item = usize>) -> Self {
        self.left.extend(columns);
        self
    }

    /// Adds a row.
    pub(super) fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows
            .push(Row::Cells(cells.into_iter().map(|cell| cut(&clean(cell.as_ref()), self.most)).collect()));
    }

    /// Adds a line across all columns.
    pub(super) fn line(&mut self, text: &str) {
        self.rows.push(Row::Line(text.to_owned()));
    }

    /// Writes the table after `indent` spaces.
    pub(super) fn write(&self, out: &mut String, indent: usize) {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            let Row::Cells(cells) = row else { continue };
            for (index, cell) in cells.iter().enumerate() {
                match widths.get_mut(index) {
                    Some(most) => *most = (*most).max(width(cell)),
                    None => widths.push(width(cell)),
                }
            }
        }
        for row in &self.rows {
            let mut line = " ".repeat(indent);
            match row {
                Row::Line(text) => line.push_str(text),
                Row::Cells(cells) => {
                    for (index, (cell, most)) in cells.iter().zip(&widths).enumerate() {
                        if index > 0 {
                            line.push_str("  ");
                        }
                        let space = " ".repeat(most.saturating_sub(width(cell)));
                        if self.left.contains(&index) {
                            line.push_str(cell);
                            line.push_str(&space);
                        } else {
                            line.push_str(&space);
                            line.push_str(cell);
                        }
                    }
                }
            }
            out.push_str(&cut(line.trim_end(), self.widest));
            out.push('\n');
        }
    }
}

/// Text that cannot control a terminal: one line, without control characters and marks of direction.
pub(super) fn clean(text: &str) -> String {
    let harmless = |c: char| match c {
        '\n' | '\t' | '\r' => ' ',
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            '\u{fffd}'
        }
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.chars().map(harmless).collect()
}

/// Cuts a text that is too wide, and says so.
pub(super) fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        if width(&out) + columns(c) + 1 > most {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// Words in lines of at most so many columns. A word that is longer than a line is cut into pieces.
pub(super) fn wrapped(text: &str, most: usize) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in clean(text).split_whitespace() {
        let mut word = word;
        loop {
            let room = most.saturating_sub(if line.is_empty() { 0 } else { width(&line) + 1 });
            if width(word) <= room {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
                break;
            }
            if line.is_empty() {
                let (piece, rest) = word.split_at(fitting(word, most));
                lines.push(piece.to_owned());
                word = rest;
            } else {
                lines.push(std::mem::take(&mut line));
            }
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// How many bytes of the text fit into so many columns; at least one character, so that work goes on.
fn fitting(text: &str, most: usize) -> usize {
    let mut used = 0;
    for (index, c) in text.char_indices() {
        used += columns(c);
        if used > most && index > 0 {
            return index;
        }
    }
    text.len()
}

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// How many columns a character takes: two for those of East Asia and pictures, none for marks that combine.
/// A short form of the tables of Unicode (UAX 11), right for the common scripts.
const fn columns(c: char) -> usize {
    match c as u32 {
        0x0300..=0x036f
        | 0x0591..=0x05bd
        | 0x064b..=0x065f
        | 0x200b..=0x200d
        | 0x20d0..=0x20ff
        | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(8, 80).with_left([2]);
        table.row(["", "n", "what"]);
        table.row(["模型", "12", "a"]);
        table.row(["control-arm", "1,000", "b"]);
        let mut out = String::new();
        table.write(&mut out, 1);
        assert_eq!(out, "               n  what\n 模型         12  a\n control…  1,000  b\n");
    }

    #[test]
    fn lines_are_never_too_wide() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("abcdefgh i", 3), ["abc", "def", "gh", "i"]);
        assert_eq!(wrapped("", 3), [""]);
        assert_eq!(wrapped("模型", 1), ["模", "型"]);
        assert_eq!(clean("a\u{1b}[31m\nb\u{202e}c"), "a\u{fffd}[31m b\u{fffd}c");
        assert_eq!(cut("abcdef", 4), "abc…");
    }
}
