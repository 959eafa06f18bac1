//! One evaluation, as an event.

use std::collections::BTreeMap;

use expt_assign::{Assignment, Outcome, Snapshot};
use expt_core::{DecisionPoint, Timestamp};
use open_feature::{
    EvaluationDetails, EvaluationError, EvaluationErrorCode, EvaluationReason, FlagMetadataValue,
    HookContext, Value,
};

use super::UnitIds;
use super::names;
use crate::nothing::NothingServed;
use crate::provider::NAME;
use crate::{metadata, reason};

/// An event `feature_flag.evaluation`.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct EvaluationEvent {
    /// `feature_flag.key`: the decision point.
    pub key: String,
    /// `feature_flag.result.variant`: the arm.
    pub variant: Option<String>,
    /// `feature_flag.result.value`. Filled in where there is no variant; values may be large, and may say
    /// something about a person.
    pub value: Option<Value>,
    /// `feature_flag.result.reason`, in lower case.
    pub reason: Option<String>,
    /// `feature_flag.context.id`: the unit.
    pub context_id: Option<String>,
    /// `feature_flag.set.id`: the layer.
    pub set_id: Option<String>,
    /// `feature_flag.version`: the version of the config.
    pub version: Option<String>,
    /// `feature_flag.provider.name`.
    pub provider_name: Option<String>,
    /// `error.type`, in lower case; none if the evaluation succeeded, or nothing is served.
    pub error_type: Option<String>,
    /// `feature_flag.error.message`.
    pub error_message: Option<String>,
    /// Attributes of expt, with the names of [`metadata`](crate::metadata): all that begin with `expt.`.
    pub expt: BTreeMap<String, Value>,
}

impl EvaluationEvent {
    /// The name of the event.
    pub const NAME: &str = "feature_flag.evaluation";

    /// The event of an assignment, for those who ask the engine without the SDK; `None` for an excluded unit.
    ///
    /// `snapshot` is the one that made the assignment, and `point` the decision point that it is of.
    #[must_use]
    pub fn of(snapshot: &Snapshot, point: &DecisionPoint, assignment: &Assignment<'_>) -> Option<Self> {
        let outcome = assignment.outcome();
        if matches!(outcome, Outcome::Excluded(_)) {
            return None;
        }
        let mut event = Self { key: point.as_str().to_owned(), ..Self::default() };
        event.provider_name = Some(NAME.to_owned());
        event.variant = assignment.served().map(|served| served.arm.as_str().to_owned());
        match outcome {
            Outcome::NoLayer => event.set_error(&EvaluationErrorCode::FlagNotFound),
            Outcome::WrongUnit { .. } => event.set_error(&EvaluationErrorCode::InvalidContext),
            _ => event.set_reason(&reason::of(&outcome, snapshot, point)),
        }
        // Whether an exposure is logged does not depend on the time.
        event.read_metadata(&metadata::of(assignment, Timestamp::from_micros(0)).values);
        Some(event)
    }

    /// The event of an evaluation that succeeded, of any provider; `None` for an excluded unit.
    #[must_use]
    pub fn after(context: &HookContext<'_>, details: &EvaluationDetails<Value>) -> Option<Self> {
        if metadata::is_excluded(&details.flag_metadata) {
            return None;
        }
        let mut event = Self { key: details.flag_key.clone(), ..Self::in_context(context) };
        event.variant.clone_from(&details.variant);
        if details.variant.is_none() {
            event.value = Some(details.value.clone());
        }
        event.set_reason(details.reason.as_ref().unwrap_or(&EvaluationReason::Unknown));
        event.read_metadata(&details.flag_metadata.values);
        Some(event)
    }

    /// The event of an evaluation that failed, of any provider; `None` for an excluded unit.
    ///
    /// Where [nothing is served](NothingServed), that is the reason, and no error. An error of the SDK carries no
    /// metadata, so there is no set and no version then, and the unit is the targeting key; with a
    /// [`Fallback`](crate::Fallback) the evaluation succeeds, and all are there.
    #[must_use]
    pub fn failed(context: &HookContext<'_>, error: &EvaluationError) -> Option<Self> {
        let mut event = Self::in_context(context);
        match NothingServed::of(error) {
            Some(nothing) if nothing.because == expt_assign::Reason::Excluded => return None,
            Some(nothing) => {
                event.set_reason(&nothing.reason);
                let because = Value::String(nothing.because.as_str().to_owned());
                event.expt.insert(metadata::REASON.to_owned(), because);
            }
            None => {
                event.set_error(&error.code);
                event.error_message.clone_from(&error.message);
            }
        }
        Some(event)
    }

    /// The same, with the id of the unit as it may be shown. Unless it is shown as it is, the message of an
    /// error, which may quote it, is left out.
    #[must_use]
    pub fn with_unit_ids(mut self, ids: &UnitIds) -> Self {
        self.context_id = self.context_id.and_then(|id| ids.apply(&id));
        if *ids != UnitIds::Shown {
            self.error_message = None;
        }
        self
    }

    /// The attributes that it has, by the names that hold now.
    #[must_use]
    pub fn attributes(&self) -> Vec<(&str, Value)> {
        let texts = [
            (names::KEY, Some(&self.key)),
            (names::VARIANT, self.variant.as_ref()),
            (names::REASON, self.reason.as_ref()),
            (names::CONTEXT_ID, self.context_id.as_ref()),
            (names::SET_ID, self.set_id.as_ref()),
            (names::VERSION, self.version.as_ref()),
            (names::PROVIDER_NAME, self.provider_name.as_ref()),
            (names::ERROR_TYPE, self.error_type.as_ref()),
            (names::ERROR_MESSAGE, self.error_message.as_ref()),
        ];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name, Value::String(text?.clone()))));
        let value = self.value.iter().map(|value| (names::VALUE, value.clone()));
        let expt = self.expt.iter().map(|(name, value)| (name.as_str(), value.clone()));
        texts.chain(value).chain(expt).collect()
    }

    fn in_context(context: &HookContext<'_>) -> Self {
        Self {
            key: context.flag_key.to_owned(),
            context_id: context.evaluation_context.targeting_key.clone(),
            provider_name: Some(context.provider_metadata.name.clone()),
            ..Self::default()
        }
    }

    fn set_reason(&mut self, reason: &EvaluationReason) {
        self.reason = Some(reason.to_string().to_lowercase());
    }

    fn set_error(&mut self, code: &EvaluationErrorCode) {
        self.set_reason(&EvaluationReason::Error);
        self.error_type = Some(match code {
            // Anything may stand in it.
            EvaluationErrorCode::General(_) => "general".to_owned(),
            code => code.to_string().to_lowercase(),
        });
    }

    fn read_metadata<'m>(&mut self, metadata: impl IntoIterator<Item = (&'m String, &'m FlagMetadataValue)>) {
        for (key, found) in metadata {
            let field = match key.as_str() {
                metadata::CONTEXT_ID => &mut self.context_id,
                metadata::FLAG_SET_ID => &mut self.set_id,
                metadata::VERSION => &mut self.version,
                _ => {
                    if key.starts_with(EXPT) {
                        self.expt.insert(key.clone(), as_value(found));
                    }
                    continue;
                }
            };
            *field = Some(match found {
                FlagMetadataValue::Bool(value) => value.to_string(),
                FlagMetadataValue::Int(value) => value.to_string(),
                FlagMetadataValue::Float(value) => value.to_string(),
                FlagMetadataValue::String(value) => value.clone(),
            });
        }
    }
}

fn as_value(value: &FlagMetadataValue) -> Value {
    match value {
        FlagMetadataValue::Bool(value) => Value::Bool(*value),
        FlagMetadataValue::Int(value) => Value::Int(*value),
        FlagMetadataValue::Float(value) => Value::Float(*value),
        FlagMetadataValue::String(value) => Value::String(value.clone()),
    }
}

/// What the names of all attributes of expt begin with.
pub(super) const EXPT: &str = "expt.";
