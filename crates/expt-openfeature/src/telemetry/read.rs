//! From attributes back to an event.

use std::collections::BTreeMap;

use open_feature::{Type, Value};

use super::EvaluationEvent;
use super::event::EXPT;
use super::names;

/// Attributes that are not those of an evaluation event.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The one attribute that every event has is not there.
    #[error("the attribute feature_flag.key is missing; every event {name} has it", name = EvaluationEvent::NAME)]
    NoKey,
    /// A text has another type.
    #[error("the attribute {name} is of type {found}; allowed is a string")]
    NotText {
        /// The attribute, as it was named.
        name: String,
        /// Its type.
        found: Type,
    },
}

impl EvaluationEvent {
    /// Reads an event from attributes, under the names that hold now and under [older ones](names::OLDER); of
    /// both, those that hold now count. Other attributes are left out, but for those that begin with `expt.`.
    ///
    /// ```
    /// use expt_openfeature::telemetry::EvaluationEvent;
    ///
    /// let attributes = [("feature_flag.key", "ranker".into()), ("feature_flag.variant", "v2".into())];
    /// let event = EvaluationEvent::from_attributes(attributes)?;
    /// assert_eq!(event.variant.as_deref(), Some("v2"));
    /// # Ok::<(), expt_openfeature::telemetry::ReadError>(())
    /// ```
    ///
    /// # Errors
    /// [`ReadError::NoKey`] without `feature_flag.key`, [`ReadError::NotText`] for any attribute but the
    /// value that should be a text and is none.
    pub fn from_attributes<N: AsRef<str>>(
        attributes: impl IntoIterator<Item = (N, Value)>,
    ) -> Result<Self, ReadError> {
        let (mut found, mut older, mut expt) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (name, value) in attributes {
            let name = name.as_ref();
            if let Some(current) = CURRENT.into_iter().find(|current| *current == name) {
                found.insert(current, (current, value));
            } else if let Some(at) = names::OLDER.iter().position(|(old, _)| *old == name) {
                older.insert(at, value);
            } else if name.starts_with(EXPT) {
                expt.insert(name.to_owned(), value);
            }
        }
        for (at, value) in older {
            if let Some((old, current)) = names::OLDER.get(at) {
                found.entry(*current).or_insert((*old, value));
            }
        }
        let value = found.remove(names::VALUE).map(|(_, value)| value);
        let mut text = |name: &str| match found.remove(name) {
            None => Ok(None),
            Some((_, Value::String(text))) => Ok(Some(text)),
            Some((name, other)) => Err(ReadError::NotText { name: name.to_owned(), found: other.get_type() }),
        };
        let lower = |text: String| text.to_lowercase();
        Ok(Self {
            key: text(names::KEY)?.ok_or(ReadError::NoKey)?,
            variant: text(names::VARIANT)?,
            value,
            // Some write it as OpenFeature does.
            reason: text(names::REASON)?.map(lower),
            context_id: text(names::CONTEXT_ID)?,
            set_id: text(names::SET_ID)?,
            version: text(names::VERSION)?,
            provider_name: text(names::PROVIDER_NAME)?,
            error_type: text(names::ERROR_TYPE)?.map(lower),
            error_message: text(names::ERROR_MESSAGE)?,
            expt,
        })
    }
}

const CURRENT: [&str; 10] = [
    names::KEY,
    names::VARIANT,
    names::VALUE,
    names::REASON,
    names::CONTEXT_ID,
    names::SET_ID,
    names::VERSION,
    names::PROVIDER_NAME,
    names::ERROR_TYPE,
    names::ERROR_MESSAGE,
];
