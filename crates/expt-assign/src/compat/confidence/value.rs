//! Values of contexts and variants.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::Error;

/// A value of a context or of a variant; its serde form is JSON's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A number.
    Number(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// Fields with names.
    Struct(BTreeMap<String, Value>),
}

/// What flags are resolved for: attributes with names, which may have attributes themselves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Context(BTreeMap<String, Value>);

impl Context {
    /// Reads an object.
    ///
    /// # Errors
    /// [`Error::Json`] if it is not one.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        Ok(serde_json::from_str(json)?)
    }

    /// The attribute that a path such as `user.country` leads to; null if there is none.
    pub(super) fn attribute(&self, path: &str) -> &Value {
        let mut fields = &self.0;
        let mut names = path.split('.').peekable();
        while let Some(value) = names.next().and_then(|name| fields.get(name)) {
            match value {
                value if names.peek().is_none() => return value,
                Value::Struct(inner) => fields = inner,
                _ => break,
            }
        }
        &Value::Null
    }
}

impl FromIterator<(String, Value)> for Context {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(attributes: I) -> Self {
        Self(attributes.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let context =
            Context::from_json(r#"{"user": {"country": "SE", "age": 7}, "a.b": 1, "": true}"#).unwrap();
        assert_eq!(context.attribute("user.country"), &Value::Text("SE".to_owned()));
        assert_eq!(context.attribute("user.age"), &Value::Number(7.0));
        assert_eq!(context.attribute(""), &Value::Bool(true));
        for path in ["user.country.x", "a.b", "user.", "nobody", "."] {
            assert_eq!(context.attribute(path), &Value::Null, "{path}");
        }
        assert!(matches!(Context::from_json("[]"), Err(Error::Json { .. })));
    }
}
