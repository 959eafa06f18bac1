//! One evaluation, from a flag key and a context to an assignment.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use expt_assign::targeting::Value;
use expt_assign::{Assignment, Context, Snapshot, StickyRecord, Unit, UnitEntry};
use expt_core::{DecisionPoint, Identity, Timestamp, UnitKind};
use open_feature::provider::ResolutionDetails;
use open_feature::{EvaluationContext, EvaluationError, EvaluationErrorCode, EvaluationResult};

use crate::given::Given;
use crate::identify::{Key, unit};
use crate::metadata;
use crate::nothing::NothingServed;
use crate::provider::{Fallback, Texts};
use crate::reason;
use crate::request::Request;
use crate::sticky::StickyMemory;

/// What a provider and its hooks share.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) snapshots: Arc<dyn Source>,
    pub(crate) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(crate) key_kind: Option<UnitKind>,
    pub(crate) sticky: Option<Arc<dyn StickyMemory>>,
    pub(crate) fallbacks: BTreeMap<DecisionPoint, Fallback>,
    pub(crate) texts: Texts,
}

/// Where the snapshot in force comes from.
pub(crate) trait Source: Send + Sync {
    /// Looks at it, once.
    fn look(&self, look: &mut dyn FnMut(&Snapshot));
}

impl<F, G> Source for F
where
    F: Fn() -> G + Send + Sync,
    G: Deref<Target = Snapshot>,
{
    fn look(&self, look: &mut dyn FnMut(&Snapshot)) {
        look(&self());
    }
}

/// What an evaluation came to.
pub(crate) struct Evaluated<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) point: &'a DecisionPoint,
    pub(crate) assignment: Assignment<'a>,
    pub(crate) now: Timestamp,
}

impl Engine {
    /// Evaluates a flag, and gives what is served the form that the caller asks for.
    pub(crate) fn resolve<T>(
        &self,
        key: &str,
        context: &EvaluationContext,
        form: fn(&Given<'_>) -> EvaluationResult<T>,
    ) -> EvaluationResult<ResolutionDetails<T>> {
        self.evaluate(key, context, |evaluated| {
            let Evaluated { snapshot, point, assignment, now } = evaluated;
            let outcome = assignment.outcome();
            let reason = reason::of(&outcome, snapshot, point);
            let (point_name, texts) = (point.as_str(), self.texts);
            let (given, variant) = if let Some(served) = assignment.served() {
                let name = served.arm.as_str();
                let given = Given { point: point_name, what: "arm", name, binding: served.binding, texts };
                (given, Some(name.to_owned()))
            } else if let Some(Fallback { name, binding }) = self.fallbacks.get(*point) {
                (Given { point: point_name, what: "fallback", name, binding, texts }, None)
            } else {
                let message = format!(
                    "nothing is served at decision point {point:?} ({}); use the application's default, or declare \
                     one with Provider::with_fallback",
                    outcome.reason()
                );
                return Err(NothingServed::new(reason, outcome.reason()).into_error(message));
            };
            let value = form(&given)?;
            if let Some((memory, record)) = self.sticky.as_ref().zip(assignment.sticky_record()) {
                memory.keep(assignment.unit().kind(), assignment.unit().id(), record);
            }
            let flag_metadata = Some(metadata::of(assignment, *now));
            Ok(ResolutionDetails { value, variant, reason: Some(reason), flag_metadata })
        })
    }

    /// Evaluates a flag.
    pub(crate) fn evaluate<R>(
        &self,
        key: &str,
        context: &EvaluationContext,
        mut then: impl FnMut(&Evaluated<'_>) -> EvaluationResult<R>,
    ) -> EvaluationResult<R> {
        let now = (self.clock)();
        let mut result = None;
        self.snapshots.look(&mut |snapshot| {
            result = Some(self.evaluate_in(snapshot, key, context, now, &mut then));
        });
        result.unwrap_or_else(|| {
            Err(error(EvaluationErrorCode::ProviderNotReady, "no config is in force".to_owned()))
        })
    }

    fn evaluate_in<R>(
        &self,
        snapshot: &Snapshot,
        key: &str,
        context: &EvaluationContext,
        now: Timestamp,
        then: &mut impl FnMut(&Evaluated<'_>) -> EvaluationResult<R>,
    ) -> EvaluationResult<R> {
        // What cannot be a name is no decision point either.
        let point = DecisionPoint::new(key).ok();
        let handle = point.as_ref().and_then(|point| snapshot.decision_point(point));
        let layer = handle.and_then(|handle| snapshot.layer(handle));
        let (Some(point), Some(handle), Some(layer)) = (&point, handle, layer) else {
            return Err(unknown(snapshot, key));
        };
        let units = &snapshot.config().units;
        let Some(entry) = units.iter().find(|entry| entry.kind == layer.unit) else {
            return Err(unknown(snapshot, key));
        };

        let request = Request::new(context);
        let by_key = Key::of(entry, &request, self.key_kind.as_ref(), snapshot);
        let request = request.with_key_as((by_key == Key::StandsIn).then_some(&entry.attribute));
        let unit = unit(snapshot, entry, by_key, &request, now)?;

        // Other units that the request is of: a holdout or an exclusion of theirs counts.
        let others: Vec<(&UnitKind, Request<'_>)> = units
            .iter()
            .filter(|other| other.kind != entry.kind)
            .map(|other| {
                let its_key = self.key_kind.as_ref() == Some(&other.kind);
                (&other.kind, Request::new(context).with_key_as(its_key.then_some(&other.attribute)))
            })
            .collect();
        let also: Vec<Unit<'_>> =
            others.iter().filter_map(|(kind, request)| snapshot.identify(kind, request, now).ok()).collect();

        let sticky = self.records(entry, &unit, &request);
        let asked = Context::new(now).with_attributes(&request).with_also(&also).with_sticky(&sticky);
        let assignment = snapshot.assign(&unit, handle, &asked);
        then(&Evaluated { snapshot, point, assignment, now })
    }

    /// The sticky records of the unit, under all its ids that are known.
    fn records(&self, entry: &UnitEntry, unit: &Unit<'_>, request: &Request<'_>) -> Vec<StickyRecord> {
        let Some(memory) = &self.sticky else { return Vec::new() };
        let mut records = memory.records(&entry.kind, unit.id());
        if unit.identity() == Identity::Own {
            let fallbacks = entry.fallbacks.iter().filter_map(|name| match request.field(name)? {
                Value::Text(id) if !id.is_empty() => Some(memory.records(&entry.kind, id)),
                Value::Int(id) => Some(memory.records(&entry.kind, &id.to_string())),
                _ => None,
            });
            // Whatever it is kept as, under another id it is the record of a fallback.
            let fallbacks = fallbacks.flatten().map(|record| record.with_identity(Identity::Fallback));
            records.extend(fallbacks);
        }
        records
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key_kind, fallbacks, texts, .. } = self;
        let mut text = f.debug_struct("Engine");
        text.field("key_kind", key_kind)
            .field("fallbacks", fallbacks)
            .field("texts", texts)
            .finish_non_exhaustive()
    }
}

pub(crate) const fn error(code: EvaluationErrorCode, message: String) -> EvaluationError {
    EvaluationError { code, message: Some(message) }
}

/// The first characters of outside text, so that a message stays readable.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}

/// The time of the operating system.
pub(crate) fn system_time() -> Timestamp {
    let epoch = Timestamp::from_micros(0);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => epoch + since,
        Err(before) => epoch - before.duration(),
    }
}

fn unknown(snapshot: &Snapshot, key: &str) -> EvaluationError {
    let config = snapshot.config();
    let known = config.layers.iter().flat_map(|layer| &layer.decision_points);
    let known: Vec<_> = known.take(10).map(|point| format!("{point:?}")).collect();
    let message = format!(
        "no layer of config version {} of project {:?} lists decision point {:?}; listed are (the first ten): {}",
        config.version,
        excerpt(&config.project),
        excerpt(key),
        known.join(", ")
    );
    error(EvaluationErrorCode::FlagNotFound, message)
}
