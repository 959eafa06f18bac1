//! What goes into a function of a case, and what comes out.

use std::fmt;

use expt::stats::StatsError;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The outputs by name, or why there are none.
pub(super) type Answer = Result<Value, Fault>;

#[derive(Debug)]
pub(super) enum Fault {
    /// The library refuses the input.
    Refused(StatsError),
    /// The input is not of the shape that the family documents.
    Shape(String),
    /// No function of that name.
    Unknown,
}

impl From<StatsError> for Fault {
    fn from(error: StatsError) -> Self {
        Self::Refused(error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => write!(f, "refused: {error}"),
            Self::Shape(what) => f.write_str(what),
            Self::Unknown => f.write_str("the library has no such function"),
        }
    }
}

/// The inputs of a case by name.
#[derive(Debug)]
pub(super) struct Input<'a>(&'a Map<String, Value>);

impl<'a> Input<'a> {
    pub(super) fn new(fields: &'a Map<String, Value>) -> Self {
        Self(fields)
    }

    /// An input that must be there, of any type: `let x: Vec<f64> = input.get("x")?`. The texts `inf` and `-inf`
    /// are numbers only for [`Input::number`].
    pub(super) fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, Fault> {
        self.find(name)?.ok_or_else(|| Fault::Shape(format!("there is no input {name:?}")))
    }

    /// An input that may be absent or null.
    pub(super) fn find<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Fault> {
        let value = self.0.get(name).filter(|value| !value.is_null());
        let read = |value: &Value| {
            serde_json::from_value(value.clone())
                .map_err(|error| Fault::Shape(format!("input {name:?}: {error}")))
        };
        value.map(read).transpose()
    }

    /// A number, infinities included.
    pub(super) fn number(&self, name: &str) -> Result<f64, Fault> {
        match self.0.get(name).and_then(Value::as_str) {
            Some("inf") => Ok(f64::INFINITY),
            Some("-inf") => Ok(f64::NEG_INFINITY),
            Some("nan" | "NaN") => Ok(f64::NAN),
            _ => self.get(name),
        }
    }

    /// A count. Whatever is none is refused as the library's type for counts refuses it.
    pub(super) fn count(&self, name: &str) -> Result<u64, Fault> {
        let value = self.number(name)?;
        let whole = value as u64;
        if (whole as f64 - value).abs() <= 0.0 {
            return Ok(whole);
        }
        let allowed = "a whole number, zero or more";
        Err(Fault::Refused(StatsError::OutOfRange { what: "a count", value, allowed }))
    }
}

/// A number as an output, infinities included.
pub(super) fn number(value: f64) -> Value {
    match value {
        f64::INFINITY => Value::from("inf"),
        f64::NEG_INFINITY => Value::from("-inf"),
        _ => Value::from(value),
    }
}

/// Outputs with more outputs.
pub(super) fn extended(mut outputs: Value, more: Value) -> Value {
    if let (Some(outputs), Value::Object(more)) = (outputs.as_object_mut(), more) {
        outputs.extend(more);
    }
    outputs
}

/// Numbers as an output.
pub(super) fn numbers(values: impl IntoIterator<Item = f64>) -> Value {
    values.into_iter().map(number).collect()
}
