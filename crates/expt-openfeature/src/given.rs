//! What is served, as the resolvers give it.

use std::collections::BTreeMap;

use expt_core::{Binding, ParamValue};
use open_feature::{EvaluationError, EvaluationErrorCode, EvaluationResult, StructValue, Value};

use crate::engine::{error, excerpt};
use crate::provider::Texts;

/// An arm, or a fallback, that is served.
pub(crate) struct Given<'a> {
    pub(crate) point: &'a str,
    /// `arm`, or `fallback`.
    pub(crate) what: &'static str,
    pub(crate) name: &'a str,
    pub(crate) binding: &'a Binding,
    pub(crate) texts: Texts,
}

impl Given<'_> {
    pub(crate) fn bool(&self) -> EvaluationResult<bool> {
        match self.parameter("a bool")? {
            (_, ParamValue::Bool(value)) => Ok(*value),
            (name, value) => Err(self.mismatch("a bool", name, value)),
        }
    }

    pub(crate) fn int(&self) -> EvaluationResult<i64> {
        match self.parameter("a whole number")? {
            (_, ParamValue::Int(value)) => Ok(*value),
            (name, value) => Err(self.mismatch("a whole number", name, value)),
        }
    }

    /// A whole number is given as a real one where that is exact, because JSON does not tell 3 from 3.0.
    pub(crate) fn float(&self) -> EvaluationResult<f64> {
        match self.parameter("a real number")? {
            (_, ParamValue::Float(value)) => Ok(*value),
            (name, value) => {
                let exact =
                    matches!(value, ParamValue::Int(int) if int.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS);
                let number = value.as_f64().filter(|_| exact);
                number.ok_or_else(|| self.mismatch("a real number", name, value))
            }
        }
    }

    pub(crate) fn text(&self) -> EvaluationResult<String> {
        if self.texts == Texts::Names {
            return Ok(self.name.to_owned());
        }
        match self.parameter("a text")? {
            (_, ParamValue::Text(value)) => Ok(value.clone()),
            (name, value) => Err(self.mismatch("a text", name, value)),
        }
    }

    pub(crate) fn structure(&self) -> EvaluationResult<StructValue> {
        let structure = StructValue::default();
        Ok(match self.binding {
            Binding::Params(params) => {
                params.iter().fold(structure, |all, (name, value)| all.with_field(name, as_value(value)))
            }
            Binding::Pinned { model, version, digest } => structure
                .with_field("model", model.as_str())
                .with_field("version", *version)
                .with_field("digest", digest.to_string()),
            Binding::Following { model, first, features } => {
                let following = structure.with_field("model", model.as_str()).with_field("first", *first);
                match features {
                    Some(features) => following.with_field("features", features.to_string()),
                    None => following,
                }
            }
            _ => {
                return Err(self.unlike(
                    "a struct",
                    "a binding of a later version of expt",
                    "Snapshot::assign",
                ));
            }
        })
    }

    /// The parameter that resolvers of one value give: the only one, or the one that is called `value`.
    fn parameter(&self, wanted: &str) -> EvaluationResult<(&str, &ParamValue)> {
        let params = match self.binding {
            Binding::Params(params) => params,
            Binding::Pinned { model, version, .. } => {
                let found = format!("model {model} version {version} and no parameter");
                return Err(self.unlike(wanted, &found, "get_struct_value"));
            }
            Binding::Following { model, first, .. } => {
                let found = format!("model {model} from version {first} on and no parameter");
                return Err(self.unlike(wanted, &found, "get_struct_value"));
            }
            _ => return Err(self.unlike(wanted, "a binding of a later version of expt", "Snapshot::assign")),
        };
        let sole = params.iter().next().filter(|_| params.len() == 1);
        let found = sole.or_else(|| params.get_key_value(VALUE));
        found.map(|(name, value)| (name.as_str(), value)).ok_or_else(|| {
            let found = format!("{}, and not one parameter or one that is called {VALUE:?}", names(params));
            self.unlike(wanted, &found, "get_struct_value")
        })
    }

    fn mismatch(&self, wanted: &str, name: &str, value: &ParamValue) -> EvaluationError {
        let (kind, call) = match value {
            ParamValue::Bool(_) => ("bool", "get_bool_value"),
            ParamValue::Int(_) => ("whole number", "get_int_value"),
            ParamValue::Float(_) => ("real number", "get_float_value"),
            // The text resolver gives the name of the arm, unless the provider says otherwise.
            ParamValue::Text(_) if self.texts == Texts::Names => ("text", "get_struct_value"),
            ParamValue::Text(_) => ("text", "get_string_value"),
        };
        let found = format!("parameter {name:?} as the {kind} {:?}", excerpt(&value.to_string()));
        self.unlike(wanted, &found, call)
    }

    fn unlike(&self, wanted: &str, found: &str, call: &str) -> EvaluationError {
        let Self { point, what, name, .. } = self;
        let message = format!(
            "{what} {name:?} gives decision point {point:?} {found}; asked for was {wanted}, call {call}"
        );
        error(EvaluationErrorCode::TypeMismatch, message)
    }
}

fn as_value(value: &ParamValue) -> Value {
    match value {
        ParamValue::Bool(value) => Value::Bool(*value),
        ParamValue::Int(value) => Value::Int(*value),
        ParamValue::Float(value) => Value::Float(*value),
        ParamValue::Text(value) => Value::String(value.clone()),
    }
}

fn names(params: &BTreeMap<String, ParamValue>) -> String {
    if params.is_empty() {
        return "no parameter".to_owned();
    }
    let names: Vec<_> = params.keys().take(10).map(|name| format!("{:?}", excerpt(name))).collect();
    format!("{} parameters ({})", params.len(), names.join(", "))
}

/// The parameter that is given where there are several: what the importers of other products' flags call it.
const VALUE: &str = "value";
