//! Compiled scripts.

use super::error::{PlanOutError, Result};
use super::evaluate;
use super::map::Map;
use super::value::Value;
use crate::error::excerpt;

/// A script as PlanOut's compiler writes it.
///
/// It is read once and evaluated any number of times; evaluation changes nothing in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    code: Value,
}

/// What a script decided.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// The parameters: the overrides first, then what the script set, in that order.
    pub params: Map,
    /// Whether the unit is in the experiment: false only when the script returned something that is not true.
    pub enabled: bool,
}

impl Script {
    /// Reads a compiled script.
    ///
    /// # Errors
    /// [`PlanOutError::Json`], also for what nests deeper than 128 levels; [`PlanOutError::Literal`] for whole
    /// numbers beyond 64 bits.
    pub fn from_json(json: impl AsRef<[u8]>) -> Result<Self> {
        let json = json.as_ref();
        let code = serde_json::from_slice(json).map_err(|error| PlanOutError::Json {
            line: error.line(),
            column: error.column(),
            problem: excerpt(&error.to_string()),
        })?;
        match oversized(json) {
            Some(value) => Err(PlanOutError::Literal { value }),
            None => Ok(Self { code }),
        }
    }

    /// A script from its parts.
    ///
    /// # Errors
    /// [`PlanOutError::Depth`] for what nests deeper than 128 levels.
    pub fn new(code: impl Into<Value>) -> Result<Self> {
        let code = code.into();
        check_depth(&code, 0)?;
        Ok(Self { code })
    }

    /// Evaluates the script for the inputs of a unit. Variables with an override keep it, whatever the script says.
    ///
    /// # Errors
    /// Whatever the reference raises: an unknown operator, a missing argument, one of another type, a division by
    /// zero, a unit that is not ASCII. Also [`PlanOutError::Steps`] and [`PlanOutError::Depth`] for scripts that
    /// take too much, [`PlanOutError::NotFinite`] and [`PlanOutError::Overflow`] for numbers that leave the range,
    /// and [`PlanOutError::Reserved`].
    pub fn evaluate(&self, experiment_salt: &str, inputs: &Map, overrides: &Map) -> Result<Outcome> {
        evaluate::run(&self.code, experiment_salt, inputs, overrides)
    }
}

fn check_depth(code: &Value, level: usize) -> Result<()> {
    match code {
        Value::List(values) => {
            let level = super::heap::deeper(level)?;
            values.iter().try_for_each(|value| check_depth(value, level))
        }
        Value::Map(map) => {
            let level = super::heap::deeper(level)?;
            map.iter().try_for_each(|(_, value)| check_depth(value, level))
        }
        _ => Ok(()),
    }
}

/// The first whole number of a JSON text that does not fit into 64 bits. `serde_json` would read it as a fraction,
/// and its text, which may be hashed, would be another one.
fn oversized(json: &[u8]) -> Option<String> {
    let mut rest = json;
    while let Some((first, after)) = rest.split_first() {
        rest = match first {
            b'"' => after_string(after),
            b'-' | b'0'..=b'9' => {
                let length = rest.iter().take_while(|byte| NUMBER.contains(byte)).count();
                let (number, after) = rest.split_at(length);
                let number = String::from_utf8_lossy(number);
                let whole = !number.contains(['.', 'e', 'E']);
                if whole && number.parse::<i64>().is_err() && number.parse::<u64>().is_err() {
                    return Some(excerpt(&number));
                }
                after
            }
            _ => after,
        };
    }
    None
}

/// What follows the end of a string.
fn after_string(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [b'\\', _, after @ ..] => after,
            [b'"', after @ ..] => return after,
            [_, after @ ..] => after,
            [] => return text,
        };
    }
}

const NUMBER: &[u8] = b"+-.0123456789eE";
