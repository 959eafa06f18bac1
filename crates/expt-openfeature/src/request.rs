//! An evaluation context, as rules and kinds of units look at it.

use std::collections::HashMap;

use expt_assign::targeting::{Attribute, Attributes, Value};
use expt_core::Timestamp;
use open_feature::{EvaluationContext, EvaluationContextFieldValue, StructValue};

/// The attributes of an evaluation context: its fields by name, fields of structs as `outer.inner`, and the
/// targeting key as `targetingKey` and under the name of the attribute that it stands in for.
pub(crate) struct Request<'r> {
    fields: &'r HashMap<String, EvaluationContextFieldValue>,
    targeting_key: Option<&'r str>,
    stands_for: Option<&'r str>,
}

impl<'r> Request<'r> {
    pub(crate) fn new(context: &'r EvaluationContext) -> Self {
        // As for other attributes that identify, the empty text says that there is none.
        let targeting_key = context.targeting_key.as_deref().filter(|key| !key.is_empty());
        Self { fields: &context.custom_fields, targeting_key, stands_for: None }
    }

    /// The same, where the targeting key stands in for an attribute.
    pub(crate) fn with_key_as(self, attribute: Option<&'r str>) -> Self {
        Self { stands_for: attribute, ..self }
    }

    pub(crate) const fn targeting_key(&self) -> Option<&'r str> {
        self.targeting_key
    }

    /// The value of a field, or of a field of a struct.
    pub(crate) fn field(&self, name: &str) -> Option<Value<'r>> {
        use EvaluationContextFieldValue as Field;
        if let Some(field) = self.fields.get(name) {
            return Some(match field {
                Field::Bool(value) => Value::Bool(*value),
                Field::Int(value) => Value::Int(*value),
                Field::Float(value) => Value::Float(*value),
                Field::String(value) => Value::Text(value),
                Field::DateTime(value) => Value::Time(timestamp(value.unix_timestamp_nanos())),
                Field::Struct(_) => return None,
            });
        }
        // A struct is opaque to the SDK. Its own kind of struct is looked into, others are not.
        let (outer, inner) = name.split_once('.')?;
        let Field::Struct(value) = self.fields.get(outer)? else { return None };
        inside(value.downcast_ref::<StructValue>()?, inner)
    }
}

impl Attributes for Request<'_> {
    fn value(&self, attribute: &Attribute) -> Option<Value<'_>> {
        let name = attribute.name();
        let key = || {
            let stands = self.stands_for == Some(name) || name == TARGETING_KEY;
            self.targeting_key.filter(|_| stands).map(Value::Text)
        };
        match self.field(name) {
            None | Some(Value::Text("")) => key().or_else(|| self.field(name)),
            found => found,
        }
    }
}

/// As many levels as the name has dots.
fn inside<'r>(value: &'r StructValue, name: &str) -> Option<Value<'r>> {
    use open_feature::Value as Field;
    let (mut value, mut name) = (value, name);
    loop {
        match value.fields.get(name) {
            Some(Field::Bool(value)) => return Some(Value::Bool(*value)),
            Some(Field::Int(value)) => return Some(Value::Int(*value)),
            Some(Field::Float(value)) => return Some(Value::Float(*value)),
            Some(Field::String(value)) => return Some(Value::Text(value)),
            Some(Field::Array(_) | Field::Struct(_)) => return None,
            None => {
                let (outer, inner) = name.split_once('.')?;
                value = value.fields.get(outer)?.as_struct()?;
                name = inner;
            }
        }
    }
}

fn timestamp(nanos: i128) -> Timestamp {
    let micros = nanos.div_euclid(1000);
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX }))
}

/// What other products call the targeting key in rules.
const TARGETING_KEY: &str = "targetingKey";
