//! The hook that makes events.

use std::fmt;

use open_feature::{
    EvaluationContext, EvaluationDetails, EvaluationError, EvaluationReason, Hook, HookContext, HookHints,
    Value, async_trait,
};

use super::{EvaluationEvent, UnitIds};

/// Gives an event of each evaluation to a closure: one of each, whatever other hooks do, and of any provider.
pub struct TelemetryHook<F> {
    emit: F,
    ids: UnitIds,
}

impl<F: Fn(EvaluationEvent) + Send + Sync + 'static> TelemetryHook<F> {
    /// A hook that shows ids of units as they are. The closure runs within the evaluation: it must not block.
    #[must_use]
    pub const fn new(emit: F) -> Self {
        Self { emit, ids: UnitIds::Shown }
    }

    /// Sets how ids of units stand in events.
    #[must_use]
    pub fn with_unit_ids(mut self, ids: UnitIds) -> Self {
        self.ids = ids;
        self
    }

    fn give(&self, event: Option<EvaluationEvent>) {
        if let Some(event) = event {
            (self.emit)(event.with_unit_ids(&self.ids));
        }
    }
}

impl<F> fmt::Debug for TelemetryHook<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemetryHook").field("ids", &self.ids).finish_non_exhaustive()
    }
}

#[async_trait]
impl<F: Fn(EvaluationEvent) + Send + Sync + 'static> Hook for TelemetryHook<F> {
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
        _: &EvaluationDetails<Value>,
        _: Option<&'a HookHints>,
    ) -> Result<(), EvaluationError> {
        Ok(())
    }

    async fn error<'a>(&self, context: &HookContext<'a>, error: &EvaluationError, _: Option<&'a HookHints>) {
        self.give(EvaluationEvent::failed(context, error));
    }

    /// A hook that fails after a success makes it an error, so a success is certain only here.
    async fn finally<'a>(
        &self,
        context: &HookContext<'a>,
        details: &EvaluationDetails<Value>,
        _: Option<&'a HookHints>,
    ) {
        if details.reason != Some(EvaluationReason::Error) {
            self.give(EvaluationEvent::after(context, details));
        }
    }
}
