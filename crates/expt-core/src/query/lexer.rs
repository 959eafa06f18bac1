//! Text to tokens.

use crate::error::{CoreError, Result};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A bare word, with the dots in it: `metrics.val_auc`, `and`, `order`.
    Word(String),
    /// A name in back quotes.
    Quoted(String),
    Number(f64),
    Text(String),
    /// An operator, a bracket or a comma.
    Symbol(&'static str),
    End,
}

impl Token {
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Word(word) | Self::Quoted(word) => format!("`{word}`"),
            Self::Number(value) => format!("the number {value}"),
            Self::Text(text) => format!("the text '{text}'"),
            Self::Symbol(symbol) => format!("`{symbol}`"),
            Self::End => "the end".into(),
        }
    }
}

const SYMBOLS: [&str; 11] = ["!=", "<=", ">=", "==", "=", "<", ">", "(", ")", ",", "<>"];

/// All tokens with their byte offsets, the end last.
pub(super) fn tokens(query: &str) -> Result<Vec<(usize, Token)>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some((rest, c)) = query.get(at..).and_then(|rest| Some((rest, rest.chars().next()?))) {
        let (token, length) = match c {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '\'' | '"' => quoted(query, at, rest, c).map(|(text, length)| (Token::Text(text), length))?,
            '`' => quoted(query, at, rest, c).map(|(text, length)| (Token::Quoted(text), length))?,
            c if c.is_ascii_digit() || c == '-' || c == '+' || c == '.' => number(query, at, rest)?,
            c if c.is_alphabetic() || c == '_' => {
                let length = rest.find(|c: char| !(c.is_alphanumeric() || "_./-@".contains(c)));
                let word = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
                (Token::Word(word.into()), word.len())
            }
            c => {
                let symbol = SYMBOLS.iter().filter(|s| rest.starts_with(**s)).max_by_key(|s| s.len());
                let Some(symbol) = symbol else {
                    return Err(fault(
                        query,
                        at,
                        format!("{c:?} means nothing here"),
                        "write fields, operators and values",
                    ));
                };
                (Token::Symbol(symbol), symbol.len())
            }
        };
        tokens.push((at, token));
        at += length;
    }
    tokens.push((query.len(), Token::End));
    Ok(tokens)
}

fn quoted(query: &str, at: usize, rest: &str, quote: char) -> Result<(String, usize)> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((index, c)) = chars.next() {
        if c != quote {
            text.push(c);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            text.push(quote);
        } else {
            return Ok((text, index + 1));
        }
    }
    Err(fault(query, at, "this quote is never closed".into(), "close it; a quote inside is doubled"))
}

fn number(query: &str, at: usize, rest: &str) -> Result<(Token, usize)> {
    let mut length = 0;
    let mut previous = ' ';
    for c in rest.chars() {
        let sign = (c == '-' || c == '+') && (length == 0 || previous == 'e' || previous == 'E');
        if !(sign || c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E')) {
            break;
        }
        length += c.len_utf8();
        previous = c;
    }
    let text = rest.get(..length).unwrap_or_default();
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok((Token::Number(value), length)),
        _ => Err(fault(
            query,
            at,
            format!("`{text}` is not a finite number"),
            "write numbers like 12, 0.85 or 1e-3",
        )),
    }
}

pub(super) fn fault(query: &str, at: usize, problem: String, help: impl Into<String>) -> CoreError {
    CoreError::Query { query: query.into(), at, problem, help: help.into() }
}

/// The column of a byte offset, for a marker below the query.
pub(crate) fn columns(query: &str, at: usize) -> usize {
    query.char_indices().take_while(|(index, _)| *index < at).count()
}
