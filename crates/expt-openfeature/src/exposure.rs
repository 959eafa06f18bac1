//! The hook that logs exposures.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use expt_assign::{ExposureSink, Full, Pushed, Reason};
use expt_core::{Exposure, LayerId};
use open_feature::{
    EvaluationContext, EvaluationDetails, EvaluationError, Hook, HookContext, HookHints, Value, async_trait,
};

use crate::engine::Engine;
use crate::metadata::{self, Found};
use crate::nothing::NothingServed;
use crate::provider::NAME;

/// Logs an exposure for each evaluation of its [`Provider`](crate::Provider) that is to be analysed, from
/// [`Provider::exposure_hook`](crate::Provider::exposure_hook).
///
/// Install it on clients of that provider, where [an evaluation means that the unit sees
/// the result](crate#evaluation-is-not-exposure).
/// - What is logged is what was evaluated: it is read from the metadata of the evaluation, not evaluated
///   again.
/// - A unit that is held out is served nothing, and must be in the analysis all the same. Its evaluation is
///   an error without metadata (unless the point has a [`Fallback`](crate::Fallback)), so for this one the
///   hook asks the snapshot in force once more, and logs only if that still says "held out": in both cases
///   the unit gets nothing.
/// - What is forced, shipped, sampled out or excluded is not logged.
/// - It never fails an evaluation: what the sink has no room for is [counted](ExposureCounts), and a
///   [`Deduplicate`](expt_assign::Deduplicate) takes it at the unit's next evaluation.
///
/// Clones share the sink and the counts: keep one to read them.
pub struct ExposureHook<S> {
    shared: Arc<Shared<S>>,
}

/// What became of the evaluations that a hook saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ExposureCounts {
    /// Exposures that the sink took.
    pub taken: u64,
    /// Exposures that the sink knew.
    pub known: u64,
    /// Exposures that the sink had no room for.
    pub dropped: u64,
    /// Evaluations that are not analysed.
    pub not_analysed: u64,
    /// Evaluations of another provider.
    pub foreign: u64,
    /// Evaluations whose metadata lack what an exposure needs.
    pub unreadable: u64,
}

struct Shared<S> {
    engine: Arc<Engine>,
    sink: S,
    pushed: PushCounts,
    not_analysed: AtomicU64,
    foreign: AtomicU64,
    unreadable: AtomicU64,
}

/// What became of what was pushed.
#[derive(Debug, Default)]
pub(crate) struct PushCounts {
    pub(crate) taken: AtomicU64,
    pub(crate) known: AtomicU64,
    pub(crate) dropped: AtomicU64,
}

impl<S: ExposureSink + 'static> ExposureHook<S> {
    pub(crate) fn new(engine: Arc<Engine>, sink: S) -> Self {
        let shared = Shared {
            engine,
            sink,
            pushed: PushCounts::default(),
            not_analysed: AtomicU64::new(0),
            foreign: AtomicU64::new(0),
            unreadable: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }
}

impl<S> ExposureHook<S> {
    /// What became of the evaluations so far.
    #[must_use]
    pub fn counts(&self) -> ExposureCounts {
        let Shared { pushed, not_analysed, foreign, unreadable, .. } = &*self.shared;
        ExposureCounts {
            taken: count(&pushed.taken),
            known: count(&pushed.known),
            dropped: count(&pushed.dropped),
            not_analysed: count(not_analysed),
            foreign: count(foreign),
            unreadable: count(unreadable),
        }
    }
}

impl<S> Clone for ExposureHook<S> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<S> fmt::Debug for ExposureHook<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ExposureHook").field(&self.counts()).finish()
    }
}

#[async_trait]
impl<S: ExposureSink + 'static> Hook for ExposureHook<S> {
    async fn before<'a>(
        &self,
        _: &HookContext<'a>,
        _: Option<&'a HookHints>,
    ) -> Result<Option<EvaluationContext>, EvaluationError> {
        Ok(None)
    }

    async fn after<'a>(
        &self,
        _: &HookContext<'a>,
        details: &EvaluationDetails<Value>,
        _: Option<&'a HookHints>,
    ) -> Result<(), EvaluationError> {
        let Shared { engine, sink, pushed, not_analysed, foreign, unreadable } = &*self.shared;
        match metadata::exposure(&details.flag_metadata, (engine.clock)()) {
            Found::Exposure(layer, exposure) => pushed.push(sink, &layer, exposure),
            Found::NotAnalysed => add(not_analysed),
            Found::Foreign => add(foreign),
            Found::Unreadable => add(unreadable),
        }
        Ok(())
    }

    async fn error<'a>(&self, context: &HookContext<'a>, error: &EvaluationError, _: Option<&'a HookHints>) {
        let Some(nothing) = NothingServed::of(error).filter(|_| context.provider_metadata.name == NAME)
        else {
            return;
        };
        let Shared { engine, sink, pushed, not_analysed, .. } = &*self.shared;
        // A client of another provider of the same name would find nobody here, or somebody who is held out.
        let evaluated = engine.evaluate(context.flag_key, context.evaluation_context, |evaluated| {
            let assignment = &evaluated.assignment;
            let exposure = assignment.exposure(evaluated.now).filter(|_| !assignment.is_served());
            Ok(exposure.zip(assignment.layer().cloned()))
        });
        match (nothing.because, evaluated) {
            (Reason::Holdout | Reason::ShippedOnly, Ok(Some((exposure, layer)))) => {
                pushed.push(sink, &layer, exposure);
            }
            _ => add(not_analysed),
        }
    }

    async fn finally<'a>(&self, _: &HookContext<'a>, _: &EvaluationDetails<Value>, _: Option<&'a HookHints>) {
    }
}

impl PushCounts {
    pub(crate) fn push(&self, sink: &impl ExposureSink, layer: &LayerId, exposure: Exposure) {
        add(match sink.push(layer, exposure) {
            Ok(Pushed::Known) => &self.known,
            Ok(_) => &self.taken,
            Err(Full) => &self.dropped,
        });
    }
}

pub(crate) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
