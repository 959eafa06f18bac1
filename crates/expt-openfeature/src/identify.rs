//! From an evaluation context to the unit that is meant.

use expt_assign::targeting::Value;
use expt_assign::{AssignError, Snapshot, Unit, UnitEntry};
use expt_core::{Timestamp, UnitKind};
use open_feature::{EvaluationError, EvaluationErrorCode};

use crate::engine::error;
use crate::request::Request;

/// Whether the targeting key says who a unit of a kind is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// An attribute does, or there is no key.
    NotNeeded,
    /// It stands in for the kind's own attribute.
    StandsIn,
    /// It is an id of another kind.
    OtherKind,
    /// It may be an id of this kind or of another.
    Ambiguous,
}

impl Key {
    pub(crate) fn of(
        entry: &UnitEntry,
        request: &Request<'_>,
        key_kind: Option<&UnitKind>,
        snapshot: &Snapshot,
    ) -> Self {
        let Some(key) = request.targeting_key() else { return Self::NotNeeded };
        if request.field(&entry.attribute).is_some_and(|value| value != Value::Text("")) {
            return Self::NotNeeded;
        }
        // Many applications give the id of the device as targeting key until they know the user.
        if entry.fallbacks.iter().any(|name| request.field(name).is_some_and(|value| is_text(value, key))) {
            return Self::NotNeeded;
        }
        match key_kind {
            Some(kind) if *kind == entry.kind => Self::StandsIn,
            Some(_) => Self::OtherKind,
            None if others_randomised(snapshot, &entry.kind) => Self::Ambiguous,
            None => Self::StandsIn,
        }
    }
}

/// The unit of a request, of the kind of a layer.
pub(crate) fn unit<'r>(
    snapshot: &'r Snapshot,
    entry: &UnitEntry,
    key: Key,
    request: &'r Request<'r>,
    now: Timestamp,
) -> Result<Unit<'r>, EvaluationError> {
    snapshot.identify(&entry.kind, request, now).map_err(|fault| match fault {
        AssignError::Unidentified { kind, attributes } => {
            let given = format!("no unit of kind {kind:?} in the evaluation context:");
            let attribute = &entry.attribute;
            match key {
                Key::Ambiguous => error(
                    EvaluationErrorCode::InvalidContext,
                    format!(
                        "{given} layers randomise several kinds, so the targeting key may be of another; say which \
                         with Provider::with_targeting_kind, or add the field {attribute:?}"
                    ),
                ),
                Key::OtherKind => error(
                    EvaluationErrorCode::TargetingKeyMissing,
                    format!("{given} the targeting key is of another kind; add a field of: {attributes}"),
                ),
                Key::NotNeeded | Key::StandsIn => error(
                    EvaluationErrorCode::TargetingKeyMissing,
                    format!(
                        "{given} set its targeting key (EvaluationContext::with_targeting_key), or add a field of: \
                         {attributes}"
                    ),
                ),
            }
        }
        other => error(EvaluationErrorCode::InvalidContext, other.to_string()),
    })
}

fn is_text(value: Value<'_>, text: &str) -> bool {
    match value {
        Value::Text(value) => value == text,
        Value::Int(value) => text.parse() == Ok(value),
        _ => false,
    }
}

/// Whether layers randomise another kind as well.
fn others_randomised(snapshot: &Snapshot, kind: &UnitKind) -> bool {
    let config = snapshot.config();
    config.units.len() > 1 && config.layers.iter().any(|layer| layer.unit != *kind)
}
