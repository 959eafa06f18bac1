//! Tokens to a tree, by recursive descent.

use super::lexer::{Token, fault, tokens};
use super::{CompareOp, Expr, Field, OrderBy, QueryValue, RunQuery, Summary, TextAttribute, TimeAttribute};
use crate::error::{CoreError, Result};
use crate::id::MetricName;
use crate::time::Timestamp;

pub(super) fn parse(query: &str) -> Result<RunQuery> {
    let mut parser = Parser { query, tokens: tokens(query)?, next: 0, depth: 0 };
    let filter = if parser.peek() == &Token::End || parser.at_word("order") || parser.at_word("limit") {
        Expr::All
    } else {
        parser.or()?
    };
    let order = parser.order()?;
    let limit = parser.limit()?;
    match parser.peek() {
        Token::End => Ok(RunQuery { filter, order, limit }),
        _ => Err(parser.unexpected("write `and`, `or`, `order by`, `limit` or nothing")),
    }
}

struct Parser<'a> {
    query: &'a str,
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |(_, token)| token)
    }

    fn offset(&self) -> usize {
        self.tokens.get(self.next).map_or(self.query.len(), |(at, _)| *at)
    }

    fn unexpected(&self, help: &str) -> CoreError {
        fault(self.query, self.offset(), format!("{} is not expected", self.peek().describe()), help)
    }

    fn at_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(found) if found.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        self.next += usize::from(found);
        found
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(found) if *found == symbol);
        self.next += usize::from(found);
        found
    }

    fn expect_symbol(&mut self, symbol: &str) -> Result<()> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.unexpected(&format!("write `{symbol}`"))) }
    }

    fn or(&mut self) -> Result<Expr> {
        let mut any = vec![self.and()?];
        while self.take_word("or") {
            any.push(self.and()?);
        }
        Ok(single_or(any, Expr::Or))
    }

    fn and(&mut self) -> Result<Expr> {
        let mut all = vec![self.not()?];
        while self.take_word("and") {
            all.push(self.not()?);
        }
        Ok(single_or(all, Expr::And))
    }

    fn not(&mut self) -> Result<Expr> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let problem = format!("more than {MAX_DEPTH} nested `not` and parentheses");
            return Err(fault(self.query, self.offset(), problem, "write a flatter query"));
        }
        let expr = if self.take_word("not") {
            Expr::Not(Box::new(self.not()?))
        } else if self.take_symbol("(") {
            let inner = self.or()?;
            self.expect_symbol(")")?;
            inner
        } else {
            self.predicate()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn predicate(&mut self) -> Result<Expr> {
        let field = self.field()?;
        if self.take_word("exists") {
            return Ok(Expr::Exists(field));
        }
        let negated = self.take_word("not");
        if self.take_word("in") {
            let values = self.values(&field)?;
            let inside = Expr::In { field, values };
            return Ok(if negated { Expr::Not(Box::new(inside)) } else { inside });
        }
        if negated {
            return Err(self.unexpected("write `in` after `not`"));
        }
        let op = self.operator()?;
        let at = self.offset();
        let value = self.value(&field)?;
        if op == CompareOp::Like && !matches!(value, QueryValue::Text(_)) {
            return Err(fault(self.query, at, "`like` compares text".into(), "write a pattern like 'net%'"));
        }
        Ok(Expr::Compare { field, op, value })
    }

    fn operator(&mut self) -> Result<CompareOp> {
        let op = match self.peek() {
            Token::Symbol("=" | "==") => CompareOp::Eq,
            Token::Symbol("!=" | "<>") => CompareOp::Ne,
            Token::Symbol("<") => CompareOp::Lt,
            Token::Symbol("<=") => CompareOp::Le,
            Token::Symbol(">") => CompareOp::Gt,
            Token::Symbol(">=") => CompareOp::Ge,
            _ if self.at_word("like") => CompareOp::Like,
            _ if self.at_word("since") => CompareOp::Ge,
            _ => return Err(self.unexpected("write =, !=, <, <=, >, >=, like, since, in (...) or exists")),
        };
        self.next += 1;
        Ok(op)
    }

    fn values(&mut self, field: &Field) -> Result<Vec<QueryValue>> {
        self.expect_symbol("(")?;
        let mut values = vec![self.value(field)?];
        while self.take_symbol(",") {
            values.push(self.value(field)?);
        }
        self.expect_symbol(")")?;
        Ok(values)
    }

    fn value(&mut self, field: &Field) -> Result<QueryValue> {
        let at = self.offset();
        let value = match self.peek().clone() {
            Token::Number(value) => QueryValue::Number(value),
            Token::Text(text) => QueryValue::Text(text),
            _ if self.at_word("true") => QueryValue::Bool(true),
            _ if self.at_word("false") => QueryValue::Bool(false),
            _ => return Err(self.unexpected("write a number, a 'text' in quotes, true or false")),
        };
        self.next += 1;
        match (field, value) {
            (Field::Time(_), QueryValue::Text(text)) => {
                let time: Result<Timestamp> = text.parse();
                time.map(QueryValue::Time)
                    .map_err(|error| fault(self.query, at, error.to_string(), "times are UTC"))
            }
            (Field::Time(_), _) => Err(fault(
                self.query,
                at,
                "a time is compared with text".into(),
                "write it like '2026-03-01'",
            )),
            (Field::Metric(..), value) if !matches!(value, QueryValue::Number(_)) => {
                Err(fault(self.query, at, "a metric is compared with a number".into(), "write a number"))
            }
            (_, value) => Ok(value),
        }
    }

    fn field(&mut self) -> Result<Field> {
        let at = self.offset();
        let Token::Word(word) = self.peek().clone() else {
            return Err(self.unexpected(FIELD_HELP));
        };
        self.next += 1;
        let summary = match word.to_ascii_lowercase().as_str() {
            "min" => Summary::Min,
            "max" => Summary::Max,
            "last" => Summary::Last,
            _ => return self.plain_field(&word, at),
        };
        self.expect_symbol("(")?;
        let at = self.offset();
        let Field::Metric(metric, _) = self.field()? else {
            return Err(fault(self.query, at, "this is not a metric".into(), "write min(metrics.NAME)"));
        };
        self.expect_symbol(")")?;
        Ok(Field::Metric(metric, summary))
    }

    fn plain_field(&mut self, word: &str, at: usize) -> Result<Field> {
        let text = |attribute| Ok(Field::Text(attribute));
        match word {
            "id" => return text(TextAttribute::Id),
            "experiment" => return text(TextAttribute::Experiment),
            "name" => return text(TextAttribute::Name),
            "kind" => return text(TextAttribute::Kind),
            "status" => return text(TextAttribute::Status),
            "parent" => return text(TextAttribute::Parent),
            "started" => return Ok(Field::Time(TimeAttribute::Started)),
            "ended" => return Ok(Field::Time(TimeAttribute::Ended)),
            _ => {}
        }
        let Some((table, key)) = word.split_once('.') else {
            return Err(fault(self.query, at, format!("`{word}` is not a field"), FIELD_HELP));
        };
        let key = match (key, self.peek().clone()) {
            ("", Token::Quoted(name)) => {
                self.next += 1;
                name
            }
            ("", _) => return Err(self.unexpected("write a name after the dot, odd names in back quotes")),
            (key, _) => key.to_owned(),
        };
        match table {
            "metrics" | "metric" => {
                MetricName::new(&key).map(|metric| Field::Metric(metric, Summary::Last)).map_err(|error| {
                    fault(self.query, at, error.to_string(), "write a name that a metric can have")
                })
            }
            "params" | "param" => Ok(Field::Param(key)),
            "tags" | "tag" => Ok(Field::Tag(key)),
            _ => Err(fault(self.query, at, format!("`{table}` is not a table"), FIELD_HELP)),
        }
    }

    fn order(&mut self) -> Result<Vec<OrderBy>> {
        let mut order = Vec::new();
        if !self.take_word("order") {
            return Ok(order);
        }
        if !self.take_word("by") {
            return Err(self.unexpected("write `by` after `order`"));
        }
        loop {
            let field = self.field()?;
            let descending = self.take_word("desc");
            if !descending {
                self.take_word("asc");
            }
            order.push(OrderBy { field, descending });
            if !self.take_symbol(",") {
                return Ok(order);
            }
        }
    }

    fn limit(&mut self) -> Result<Option<u32>> {
        if !self.take_word("limit") {
            return Ok(None);
        }
        match *self.peek() {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked by the guard"
            )]
            Token::Number(value) if value >= 1.0 && value <= f64::from(u32::MAX) && value.fract() == 0.0 => {
                self.next += 1;
                Ok(Some(value as u32))
            }
            _ => Err(self.unexpected("write a whole number from 1")),
        }
    }
}

fn single_or(mut parts: Vec<Expr>, many: fn(Vec<Expr>) -> Expr) -> Expr {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            parts.push(last);
            many(parts)
        }
        (_, None) => Expr::All,
    }
}

const MAX_DEPTH: usize = 64;
const FIELD_HELP: &str = "fields are metrics.NAME, params.NAME, tags.NAME, id, experiment, name, kind, status, parent, started and ended";

#[cfg(test)]
mod tests {
    use super::*;

    fn check_error(query: &str, at: usize, part: &str) {
        let error = parse(query).unwrap_err();
        assert!(matches!(error, CoreError::Query { at: found, .. } if found == at), "{query}: {error}");
        assert!(error.to_string().contains(part), "{query}: {error}");
    }

    #[test]
    fn reads_the_whole_language() {
        let query = parse(
            "not (max(metrics.`val auc`) >= .85 or params.depth in (3, 4)) and tags.team like 'a%' \
             and params.warm = true and started since '2026-03-01' and metrics.loss exists \
             order by metrics.loss, name desc limit 10",
        )
        .unwrap();
        assert_eq!(query.limit, Some(10));
        assert_eq!(query.order.len(), 2);
        assert!(matches!(&query.filter, Expr::And(parts) if parts.len() == 5), "{:?}", query.filter);
        assert_eq!(parse("").unwrap(), RunQuery::all());
        assert_eq!(parse("name = 'it''s'").unwrap(), parse("name == \"it's\"").unwrap());
    }

    #[test]
    fn and_binds_closer_than_or() {
        let query = parse("name = 'a' or name = 'b' and name = 'c'").unwrap();
        assert!(
            matches!(query.filter, Expr::Or(parts) if matches!(parts[..], [Expr::Compare { .. }, Expr::And(_)]))
        );
    }

    #[test]
    fn points_at_the_fault_and_says_what_is_allowed() {
        check_error("metrics.auc > 'x'", 14, "compared with a number");
        check_error("started > 3", 10, "2026-03-01");
        check_error("started > '3'", 10, "not like 2026-03-01");
        check_error("auc > 3", 0, "metrics.NAME");
        check_error("name ~ 'x'", 5, "means nothing");
        check_error("name = 'x", 7, "never closed");
        check_error("name = 'x' name", 11, "`and`");
        check_error("params. = 3", 8, "back quotes");
        check_error("limit 0.5", 6, "whole number");
        check_error("name like 3", 10, "pattern");
        check_error(&"(".repeat(100), 64, "flatter");
        check_error("name = 1e999", 7, "finite");
    }
}
