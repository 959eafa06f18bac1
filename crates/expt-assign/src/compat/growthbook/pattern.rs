//! Regular expressions of JavaScript, run by an engine that needs only linear time.

use regex::{Regex, RegexBuilder};

use super::error::GrowthBookError;

/// What the patterns of one payload may cost together, so that a hostile payload cannot fill the memory.
#[derive(Debug)]
pub(in crate::compat) struct Budget {
    left: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: TOTAL }
    }
}

impl Budget {
    /// Compiles a pattern of this engine's own syntax; nothing if it does not compile, or only to something
    /// larger than a pattern may be.
    ///
    /// The program is tried in steps of its size, as the engine does not tell how large one is.
    pub(in crate::compat) fn compile(
        &mut self,
        pattern: &str,
        insensitive: bool,
    ) -> Result<Option<Regex>, Exhausted> {
        // The flag is a part of the pattern, so that its text says everything.
        let pattern = if insensitive { format!("(?i){pattern}") } else { pattern.to_owned() };
        for size in STEPS {
            let built = RegexBuilder::new(&pattern).size_limit(size).dfa_size_limit(STATES).build();
            self.left = self.left.checked_sub(size).ok_or(Exhausted)?;
            match built {
                Ok(regex) => return Ok(Some(regex)),
                Err(regex::Error::CompiledTooBig(_)) => {}
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Compiles a JavaScript pattern, as `new RegExp(pattern)` without the flag `u` would.
    pub(in crate::compat) fn javascript(
        &mut self,
        pattern: &str,
        insensitive: bool,
    ) -> Result<Option<Regex>, GrowthBookError> {
        match Translation::of(pattern) {
            Some(translated) => self.compile(&translated, insensitive).map_err(|_| GrowthBookError::Patterns),
            None => Ok(None),
        }
    }
}

/// The patterns cost more than a payload may use.
#[derive(Debug)]
pub(in crate::compat) struct Exhausted;

/// Reads a JavaScript pattern and writes it in the syntax of this engine.
struct Translation<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    out: String,
    /// Whether a quantifier may follow.
    repeatable: bool,
}

impl<'a> Translation<'a> {
    /// Nothing for what is a syntax error in JavaScript, and for lookaround and back references.
    fn of(pattern: &'a str) -> Option<String> {
        let mut this = Self { rest: pattern.chars().peekable(), out: String::new(), repeatable: false };
        while let Some(letter) = this.rest.next() {
            this.term(letter)?;
        }
        Some(this.out)
    }

    fn term(&mut self, letter: char) -> Option<()> {
        match letter {
            '\\' => return self.escape(),
            '[' => return self.class(),
            '(' => return self.open(),
            '*' | '+' | '?' => return self.repeat(letter.encode_utf8(&mut [0; 4])),
            '{' => {
                if let Some(counts) = self.counts() {
                    return self.repeat(&counts);
                }
                self.atom("\\{");
            }
            '.' => self.atom("[^\\n\\r\\u{2028}\\u{2029}]"),
            '^' | '$' | '|' => {
                self.out.push(letter);
                self.repeatable = false;
            }
            ')' => self.atom(")"),
            _ => self.literal(letter),
        }
        Some(())
    }

    fn atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.repeatable = true;
    }

    fn literal(&mut self, letter: char) {
        self.atom(&hexadecimal(letter));
    }

    fn repeat(&mut self, quantifier: &str) -> Option<()> {
        if !self.repeatable {
            return None;
        }
        self.out.push_str(quantifier);
        if self.rest.next_if_eq(&'?').is_some() {
            self.out.push('?');
        }
        self.repeatable = false;
        Some(())
    }

    /// `{2}`, `{2,}` or `{2,5}`; anything else stays unread, as a brace is then a character.
    fn counts(&mut self) -> Option<String> {
        let mut ahead = self.rest.clone();
        let mut counts = String::from("{");
        for letter in ahead.by_ref() {
            counts.push(letter);
            match letter {
                '0'..='9' => {}
                ',' if counts.len() > 2 && counts.matches(',').count() == 1 => {}
                '}' if counts.len() > 2 => {
                    self.rest = ahead;
                    return Some(counts);
                }
                _ => return None,
            }
        }
        None
    }

    fn open(&mut self) -> Option<()> {
        self.repeatable = false;
        if self.rest.next_if_eq(&'?').is_none() {
            self.out.push('(');
            return Some(());
        }
        match self.rest.next()? {
            ':' => self.out.push_str("(?:"),
            '<' => {
                // A name, unless it is a look behind; nothing refers to it here.
                let mut name = String::new();
                loop {
                    match self.rest.next()? {
                        '>' => break,
                        letter => name.push(letter),
                    }
                }
                let start = |letter: char| letter.is_alphabetic() || letter == '_' || letter == '$';
                if !name.starts_with(start) {
                    return None;
                }
                self.out.push('(');
            }
            _ => return None,
        }
        Some(())
    }

    fn escape(&mut self) -> Option<()> {
        match self.rest.next()? {
            'b' => self.boundary("(?-u:\\b)"),
            'B' => self.boundary("(?-u:\\B)"),
            '1'..='9' | 'k' => return None,
            letter => match self.escaped(letter)? {
                Escaped::Letter(letter) => self.literal(letter),
                Escaped::Class(class) => self.atom(class),
            },
        }
        Some(())
    }

    fn boundary(&mut self, text: &str) {
        self.out.push_str(text);
        self.repeatable = false;
    }

    /// An escape that is the same inside and outside a class.
    fn escaped(&mut self, letter: char) -> Option<Escaped> {
        Some(Escaped::Letter(match letter {
            'd' => return Some(Escaped::Class("[0-9]")),
            'D' => return Some(Escaped::Class("[^0-9]")),
            'w' => return Some(Escaped::Class("[0-9A-Za-z_]")),
            'W' => return Some(Escaped::Class("[^0-9A-Za-z_]")),
            's' => return Some(Escaped::Class(SPACE)),
            'S' => return Some(Escaped::Class(NO_SPACE)),
            't' => '\t',
            'n' => '\n',
            'v' => '\u{b}',
            'f' => '\u{c}',
            'r' => '\r',
            '0' => match self.rest.peek() {
                Some('0'..='9') => return None,
                _ => '\0',
            },
            'x' => self.hexadecimal(2).and_then(char::from_u32).unwrap_or('x'),
            'u' => match self.hexadecimal(4) {
                Some(high @ 0xd800..=0xdbff) => self.low_surrogate(high)?,
                Some(code) => char::from_u32(code)?,
                None => 'u',
            },
            'c' => match self.rest.next_if(char::is_ascii_alphabetic) {
                Some(letter) => char::from_u32(u32::from(letter) % 32)?,
                None => return None,
            },
            _ => letter,
        }))
    }

    /// Exactly so many hexadecimal digits, or nothing read.
    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        let mut ahead = self.rest.clone();
        let mut code = 0;
        for _ in 0..digits {
            code = code * 16 + ahead.next()?.to_digit(16)?;
        }
        self.rest = ahead;
        Some(code)
    }

    /// The second half of a pair; half a pair alone matches no text here.
    fn low_surrogate(&mut self, high: u32) -> Option<char> {
        if (self.rest.next()?, self.rest.next()?) != ('\\', 'u') {
            return None;
        }
        match self.hexadecimal(4)? {
            low @ 0xdc00..=0xdfff => char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)),
            _ => None,
        }
    }

    fn class(&mut self) -> Option<()> {
        let negated = self.rest.next_if_eq(&'^').is_some();
        if self.rest.next_if_eq(&']').is_some() {
            self.atom(if negated { "(?s:.)" } else { "[a&&b]" });
            return Some(());
        }
        self.out.push_str(if negated { "[^" } else { "[" });
        loop {
            let first = match self.rest.next()? {
                ']' => break,
                letter => self.class_atom(letter)?,
            };
            let mut ahead = self.rest.clone();
            // A hyphen before the end is a character.
            let ranged = ahead.next() == Some('-') && ahead.next() != Some(']');
            if !ranged {
                self.class_item(&first);
                continue;
            }
            self.rest.next();
            let letter = self.rest.next()?;
            match (first, self.class_atom(letter)?) {
                (Escaped::Letter(start), Escaped::Letter(end)) if start <= end => {
                    let range = format!("{}-{}", hexadecimal(start), hexadecimal(end));
                    self.out.push_str(&range);
                }
                (Escaped::Letter(_), Escaped::Letter(_)) => return None,
                (first, second) => {
                    self.class_item(&first);
                    self.class_item(&Escaped::Letter('-'));
                    self.class_item(&second);
                }
            }
        }
        self.atom("]");
        Some(())
    }

    fn class_atom(&mut self, letter: char) -> Option<Escaped> {
        match letter {
            '\\' => match self.rest.next()? {
                'b' => Some(Escaped::Letter('\u{8}')),
                '1'..='9' => None,
                letter => self.escaped(letter),
            },
            _ => Some(Escaped::Letter(letter)),
        }
    }

    fn class_item(&mut self, item: &Escaped) {
        match item {
            Escaped::Letter(letter) => self.out.push_str(&hexadecimal(*letter)),
            Escaped::Class(class) => self.out.push_str(class),
        }
    }
}

enum Escaped {
    Letter(char),
    Class(&'static str),
}

/// A character that has no meaning of its own, inside and outside classes.
fn hexadecimal(letter: char) -> String {
    if letter.is_ascii_alphanumeric() { letter.into() } else { format!("\\x{{{:x}}}", u32::from(letter)) }
}

const SPACE: &str =
    "[\\t-\\r \\u{a0}\\u{1680}\\u{2000}-\\u{200a}\\u{2028}\\u{2029}\\u{202f}\\u{205f}\\u{3000}\\u{feff}]";
const NO_SPACE: &str =
    "[^\\t-\\r \\u{a0}\\u{1680}\\u{2000}-\\u{200a}\\u{2028}\\u{2029}\\u{202f}\\u{205f}\\u{3000}\\u{feff}]";

/// What a compiled pattern may take, in bytes; the last is the most.
const STEPS: [usize; 4] = [1 << 14, 1 << 16, 1 << 18, 1 << 20];
/// What the states that a search keeps may take, in bytes.
const STATES: usize = 1 << 18;
/// What all patterns of a payload may take, in bytes.
const TOTAL: usize = 1 << 26;

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> Option<bool> {
        let regex = Budget::default().javascript(pattern, false).unwrap()?;
        Some(regex.is_match(text))
    }

    /// Node 20: `new RegExp(pattern).test(text)`.
    #[test]
    fn means_what_javascript_means() {
        for (pattern, text, expected) in [
            (r"^\d+$", "٣", false),
            (r"^\w+$", "é", false),
            (r"^\s$", "\u{feff}", true),
            (r"\bé", "é", false),
            ("a.c", "a\u{2028}c", false),
            ("a{,2}", "a{,2}", true),
            ("^a{2}$", "aa", true),
            ("x{", "x{", true),
            ("]}", "]}", true),
            ("[[a]", "[", true),
            ("[a&&b]", "&", true),
            (r"[\w-.]", "-", true),
            ("[^]", "\n", true),
            ("[]", "a", false),
            (r"\/a\-\@\_", "/a-@_", true),
            (r"^\x41\u0042\cJ$", "AB\n", true),
            (r"^\ud83c\udf89$", "🎉", true),
            (r"(?<year>\d{4})-", "2024-", true),
            (r"a\Bb", "ab", true),
            ("a$", "a\n", false),
        ] {
            assert_eq!(matches(pattern, text), Some(expected), "{pattern:?} on {text:?}");
        }
    }

    /// Node 20 throws a syntax error for the first six; the others are what this engine does not have.
    #[test]
    fn refuses_what_cannot_run() {
        for pattern in ["a**", "*a", "[b-a]", "(a", "a)", "a{2}{3}", "(?=a)", "(?<!a)b", r"(a)\1"] {
            assert_eq!(matches(pattern, "aa"), None, "{pattern:?}");
        }
    }

    #[test]
    fn the_budget_is_limited() {
        let mut budget = Budget::default();
        let mut compiled = 0;
        while compiled < 100_000 && budget.javascript("(\\W{900}){9}", false).is_ok() {
            compiled += 1;
        }
        assert!((10..1_000).contains(&compiled), "{compiled}");
    }
}
