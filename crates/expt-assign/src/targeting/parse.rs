//! Rules from text.
//!
//! ```text
//! rule    = all { "or" all }
//! all     = unary { "and" unary }
//! unary   = "not" unary | ("all" | "any") "(" [rule] ")" | "(" rule ")" | test
//! test    = name ("=" | "!=" | "<" | "<=" | ">" | ">=") value
//!         | name ["not"] "in" "(" [value { "," value }] ")"
//!         | name ("contains" | "starts" "with" | "ends" "with" | "matches") text
//!         | name "is" ("present" | "missing")
//! value   = text | number | "true" | "false" | "version" text | "time" text | "number" number
//! ```
//! A name is letters, digits and `_ . - /`, or anything in double quotes; a text stands in single quotes, and
//! a quote in it is written twice.

use std::str::FromStr;

use expt_core::ParamValue;

use super::rule::{Comparison, Rule, Test};
use crate::error::{AssignError, Result, excerpt};

/// The deepest that a rule may be nested.
pub(crate) const MAX_DEPTH: usize = 32;

/// The longest text that is read as a rule, in bytes.
const MAX_TEXT: usize = 64 << 10;

const KEYWORDS: [&str; 8] = ["all", "and", "any", "in", "is", "not", "or", "version"];

impl FromStr for Rule {
    type Err = AssignError;

    /// Reads a rule.
    ///
    /// # Errors
    /// [`AssignError::Rule`], with the place and what was expected there.
    fn from_str(text: &str) -> Result<Self> {
        if text.len() > MAX_TEXT {
            let problem = format!("has {} bytes, allowed are {MAX_TEXT}", text.len());
            return Err(AssignError::Rule { at: 0, found: excerpt(text), problem });
        }
        let mut parser = Parser { text, at: 0 };
        let rule = parser.any(0)?;
        if parser.peek()? == Token::End { Ok(rule) } else { Err(parser.wants("`and`, `or` or the end")) }
    }
}

/// Whether a name can stand without quotes.
pub(super) fn is_plain_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && chars.all(is_name_char)
        && !KEYWORDS.contains(&name)
}

fn is_name_char(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '.' | '-' | '/')
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Name(String),
    Text(String),
    Number(ParamValue),
    Sign(&'static str),
    End,
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl Parser<'_> {
    fn any(&mut self, depth: usize) -> Result<Rule> {
        let first = self.all(depth)?;
        let rest = self.chain("or", |parser| parser.all(depth))?;
        Ok(if rest.is_empty() { first } else { Rule::Any(std::iter::once(first).chain(rest).collect()) })
    }

    fn all(&mut self, depth: usize) -> Result<Rule> {
        let first = self.unary(depth)?;
        let rest = self.chain("and", |parser| parser.unary(depth))?;
        Ok(if rest.is_empty() { first } else { Rule::All(std::iter::once(first).chain(rest).collect()) })
    }

    fn chain(&mut self, word: &str, mut next: impl FnMut(&mut Self) -> Result<Rule>) -> Result<Vec<Rule>> {
        let mut rules = Vec::new();
        while self.eat_word(word)? {
            rules.push(next(self)?);
        }
        Ok(rules)
    }

    fn unary(&mut self, depth: usize) -> Result<Rule> {
        if depth >= MAX_DEPTH {
            return Err(self.wants(&format!("at most {MAX_DEPTH} levels")));
        }
        if self.eat_word("not")? {
            return Ok(Rule::Not(Box::new(self.unary(depth + 1)?)));
        }
        for (word, make) in [("all", Rule::All as fn(Vec<Rule>) -> Rule), ("any", Rule::Any)] {
            if self.eat_word(word)? {
                self.expect("(")?;
                let rules =
                    if self.peek()? == Token::Sign(")") { vec![] } else { vec![self.any(depth + 1)?] };
                self.expect(")")?;
                return Ok(make(rules));
            }
        }
        if self.eat("(")? {
            let rule = self.any(depth + 1)?;
            self.expect(")")?;
            return Ok(rule);
        }
        self.test()
    }

    fn test(&mut self) -> Result<Rule> {
        let before = self.at;
        let attribute = match self.next()? {
            Token::Name(name) => name,
            Token::Word(name) if is_plain_name(&name) => name,
            _ => {
                self.at = before;
                return Err(self.wants("the name of an attribute, `not` or `(`"));
            }
        };
        let before = self.at;
        let rule = |is| Ok(Rule::test(attribute.clone(), is));
        match self.next()? {
            Token::Sign("=") => rule(self.compared(Comparison::Equal)?),
            Token::Sign("!=") => Ok(Rule::test(attribute, self.compared(Comparison::Equal)?).negate()),
            Token::Sign("<") => rule(self.compared(Comparison::Below)?),
            Token::Sign("<=") => rule(self.compared(Comparison::AtMost)?),
            Token::Sign(">") => rule(self.compared(Comparison::Above)?),
            Token::Sign(">=") => rule(self.compared(Comparison::AtLeast)?),
            Token::Word(word) => match word.as_str() {
                "in" => rule(self.set()?),
                "not" if self.eat_word("in")? => Ok(Rule::test(attribute, self.set()?).negate()),
                "contains" => rule(Test::Contains(self.quoted()?)),
                "matches" => rule(Test::Matches(self.quoted()?)),
                "starts" if self.eat_word("with")? => rule(Test::StartsWith(self.quoted()?)),
                "ends" if self.eat_word("with")? => rule(Test::EndsWith(self.quoted()?)),
                "is" if self.eat_word("present")? => rule(Test::Present),
                "is" if self.eat_word("missing")? => Ok(Rule::test(attribute, Test::Present).negate()),
                _ => {
                    self.at = before;
                    Err(self.wants(TESTS))
                }
            },
            _ => {
                self.at = before;
                Err(self.wants(TESTS))
            }
        }
    }

    fn compared(&mut self, comparison: Comparison) -> Result<Test> {
        if self.eat_word("version")? {
            return Ok(Test::Version(comparison, self.quoted()?));
        }
        if self.eat_word("time")? {
            let before = self.at;
            let text = self.quoted()?;
            let Ok(time) = text.parse() else {
                self.at = before;
                return Err(self.wants("a time such as '2026-03-01T00:00:00Z'"));
            };
            return Ok(Test::Time(comparison, time));
        }
        let explicit = self.eat_word("number")?;
        let before = self.at;
        let value = self.literal()?;
        match (comparison, value.as_f64()) {
            (Comparison::Equal, _) if !explicit => Ok(Test::Equals(value)),
            (_, Some(number)) => Ok(Test::Number(comparison, number)),
            _ => {
                self.at = before;
                Err(self.wants("a number, `version '...'` or `time '...'`"))
            }
        }
    }

    fn set(&mut self) -> Result<Test> {
        self.expect("(")?;
        let mut values = Vec::new();
        while !self.eat(")")? {
            if !values.is_empty() {
                self.expect(",")?;
            }
            values.push(self.literal()?);
        }
        Ok(Test::OneOf(values))
    }

    fn literal(&mut self) -> Result<ParamValue> {
        let before = self.at;
        match self.next()? {
            Token::Text(text) => Ok(ParamValue::Text(text)),
            Token::Number(number) => Ok(number),
            Token::Word(word) if word == "true" => Ok(ParamValue::Bool(true)),
            Token::Word(word) if word == "false" => Ok(ParamValue::Bool(false)),
            _ => {
                self.at = before;
                Err(self.wants("a text in single quotes, a number, `true` or `false`"))
            }
        }
    }

    fn quoted(&mut self) -> Result<String> {
        let before = self.at;
        match self.next()? {
            Token::Text(text) => Ok(text),
            _ => {
                self.at = before;
                Err(self.wants("a text in single quotes"))
            }
        }
    }

    fn eat_word(&mut self, word: &str) -> Result<bool> {
        self.eat_if(|token| matches!(token, Token::Word(found) if found == word))
    }

    fn eat(&mut self, sign: &str) -> Result<bool> {
        self.eat_if(|token| matches!(token, Token::Sign(found) if *found == sign))
    }

    fn eat_if(&mut self, wanted: impl FnOnce(&Token) -> bool) -> Result<bool> {
        let before = self.at;
        let found = wanted(&self.next()?);
        if !found {
            self.at = before;
        }
        Ok(found)
    }

    fn expect(&mut self, sign: &'static str) -> Result<()> {
        if self.eat(sign)? { Ok(()) } else { Err(self.wants(&format!("`{sign}`"))) }
    }

    fn peek(&mut self) -> Result<Token> {
        let before = self.at;
        let token = self.next();
        self.at = before;
        token
    }

    fn next(&mut self) -> Result<Token> {
        self.at += self.rest().len() - self.rest().trim_start().len();
        let Some(first) = self.rest().chars().next() else { return Ok(Token::End) };
        for sign in ["!=", "<=", ">=", "=", "<", ">", "(", ")", ","] {
            if self.rest().starts_with(sign) {
                self.at += sign.len();
                return Ok(Token::Sign(sign));
            }
        }
        match first {
            '\'' => Ok(Token::Text(self.between('\'')?)),
            '"' => Ok(Token::Name(self.between('"')?)),
            '-' | '+' | '0'..='9' => self.number(),
            _ if first.is_alphabetic() || first == '_' => Ok(Token::Word(self.take(is_name_char))),
            _ => Err(self.wants("a name, a text, a number or a sign")),
        }
    }

    fn number(&mut self) -> Result<Token> {
        let before = self.at;
        let text = self.take(|char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '+'));
        let whole = text.parse::<i64>().ok().map(ParamValue::Int);
        let real = || text.parse::<f64>().ok().filter(|number| number.is_finite()).map(ParamValue::Float);
        whole.or_else(real).map(Token::Number).ok_or_else(|| {
            self.at = before;
            self.wants("a finite number")
        })
    }

    fn take(&mut self, fits: impl Fn(char) -> bool) -> String {
        let rest = self.rest();
        let length = rest.find(|char| !fits(char)).unwrap_or(rest.len());
        let taken = rest.get(..length).unwrap_or_default().to_owned();
        self.at += length;
        taken
    }

    /// What stands between two quotes, where a doubled quote is one.
    fn between(&mut self, quote: char) -> Result<String> {
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1).peekable();
        while let Some((_, char)) = chars.next() {
            if char != quote {
                text.push(char);
            } else if chars.next_if(|(_, next)| *next == quote).is_some() {
                text.push(quote);
            } else {
                self.at = chars.peek().map_or(self.text.len(), |(index, _)| self.at + index);
                return Ok(text);
            }
        }
        Err(self.wants(&format!("a closing {quote}")))
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn wants(&self, wanted: &str) -> AssignError {
        let rest = self.rest().trim_start();
        let found = if rest.is_empty() { "the end".to_owned() } else { excerpt(rest) };
        AssignError::Rule {
            at: self.text.len() - rest.len(),
            found,
            problem: format!("here it takes {wanted}"),
        }
    }
}

const TESTS: &str = "`=`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `not in`, `contains`, `starts with`, `ends with`, \
                     `matches`, `is present` or `is missing`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back_as_it_was() {
        for text in [
            "a = 'x'",
            "(a = 1 and b < 2.5) or not (c is present)",
            "(a = 1 or b = 2) and c in ('x', 'it''s', 3, true)",
            "not (app >= version '2.3.0')",
            "seen < time '2026-03-01T00:00:00Z'",
            "\"odd name\" starts with 'a' and tag contains 'b' and mail ends with 'c'",
            "mail matches '^[a-z]+@'",
            "(all ()) or (any (a = 1))",
            "n = number 1.0",
            "\"not\" = 1",
        ] {
            let rule: Rule = text.parse().unwrap();
            let shown = rule.to_string();
            assert_eq!(shown.parse::<Rule>().unwrap(), rule, "{text}");
            assert_eq!(shown, text.replace("+00:00", "Z"));
        }
        let sugar: Rule = "a != 1 and b not in ('x') and c is missing".parse().unwrap();
        assert_eq!(sugar.to_string(), "not (a = 1) and not (b in ('x')) and not (c is present)");
    }

    #[test]
    fn faults_say_where_and_what() {
        for (text, at, part) in [
            ("", 0, "the name of an attribute"),
            ("a", 1, "`=`"),
            ("a = ", 4, "a text in single quotes, a number"),
            ("a < 'x'", 4, "a number"),
            ("a = 1 b", 6, "`and`, `or` or the end"),
            ("a = 'x", 4, "a closing '"),
            ("(a = 1", 6, "`)`"),
            ("a in (1 2)", 8, "`,`"),
            ("a > time 'soon'", 9, "a time such as"),
            ("a = 1e999", 4, "a finite number"),
            ("a = é§", 4, "a text in single quotes"),
            ("§", 0, "a name"),
        ] {
            match text.parse::<Rule>().unwrap_err() {
                AssignError::Rule { at: found, problem, .. } => {
                    assert_eq!(found, at, "{text}: {problem}");
                    assert!(problem.contains(part), "{text}: {problem}");
                }
                other => panic!("{text}: {other}"),
            }
        }
        let deep = "not ".repeat(100_000).get(..60_000).unwrap().to_owned();
        assert!(deep.parse::<Rule>().unwrap_err().to_string().contains("32 levels"));
    }
}
