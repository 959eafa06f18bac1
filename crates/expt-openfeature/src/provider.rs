//! The provider.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use expt_assign::{ExposureSink, Snapshot};
use expt_core::{Binding, DecisionPoint, Timestamp, UnitKind};
use open_feature::provider::{FeatureProvider, ProviderMetadata, ResolutionDetails};
use open_feature::{EvaluationContext, EvaluationResult, StructValue, async_trait};

use crate::engine::{Engine, system_time};
use crate::exposure::ExposureHook;
use crate::sticky::StickyMemory;

/// Resolves flags from assignment configs: a flag key is the name of a decision point.
///
/// # The unit
/// The layer of the decision point says which kind of unit it randomises, and the config which attributes
/// identify it (`UnitEntry`). They are fields of the evaluation context:
/// 1. If the kind's own attribute is a field, that is the unit.
/// 2. Otherwise the targeting key is its id; where it equals a field that is one of the kind's fallbacks, the
///    unit is identified by that fallback, and its exposures say so.
/// 3. Without a targeting key the fallbacks identify it.
/// 4. Without any of them the error is `TargetingKeyMissing`: no unit is put anywhere by chance.
///
/// Where layers randomise several kinds, nobody can tell which of them the targeting key is of: rule 2 then
/// holds for the kind of [`with_targeting_kind`](Self::with_targeting_kind) only. What is in the context of
/// other kinds counts for holdouts and exclusions of those kinds.
///
/// # Targeting
/// Fields are attributes: bool, int, float, string, date and time. A struct is opaque to the SDK; fields of
/// an `Arc<open_feature::StructValue>` are attributes as `struct.field`, other structs and arrays are not
/// looked into. Rules see the targeting key as `targetingKey`.
///
/// # The value
/// | call | gives |
/// |---|---|
/// | `get_string_value` | the id of the arm; or a parameter, see [`Texts`] |
/// | `get_bool_value`, `get_int_value`, `get_float_value` | the only parameter of the arm; if it has several, the one that is called `value` |
/// | `get_struct_value` | all parameters as fields; of a pinned model `model`, `version`, `digest`; of a model that is followed `model`, `first`, `features` |
///
/// An arm without such a parameter, and a parameter of another type, is `TypeMismatch`: nothing is converted,
/// but a whole number that is asked for as a float is given if that is exact.
///
/// # Reasons
/// | outcome | reason | value |
/// |---|---|---|
/// | an arm of a running phase, also one that a record keeps | `SPLIT` | of the arm |
/// | the winner of a phase that has shipped, also in the comparison group of a holdout | `TARGETING_MATCH` | of the arm |
/// | forced by name | `TARGETING_MATCH` | of the arm |
/// | held out | `TARGETING_MATCH` | none |
/// | in a comparison group, nothing shipped here | `TARGETING_MATCH` | none |
/// | excluded | `DEFAULT` | none |
/// | the request does not fit the targeting, or a prerequisite | `DEFAULT` | none |
/// | the unit's place belongs to no phase, or to one that does not bind the point | `DEFAULT` | none |
/// | the same, and no phase that has traffic binds the point: drafts, stopped ones | `DISABLED` | none |
/// | the phase takes no new units | `DISABLED` | none |
/// | no layer lists the point | error `FLAG_NOT_FOUND` | |
/// | nobody is identified | error `TARGETING_KEY_MISSING` | |
/// | an id that cannot be one, a value in no cluster, a key that may be of several kinds | error `INVALID_CONTEXT` | |
///
/// Only `SPLIT` is a random assignment. Where there is no value the evaluation is the error
/// [`NothingServed`](crate::NothingServed), which says the reason, and the application's `unwrap_or(default)`
/// holds; with a [`Fallback`] for the point it succeeds, gives that, and has no variant.
///
/// What comes along is listed in [`metadata`](crate::metadata).
pub struct Provider {
    engine: Arc<Engine>,
    metadata: ProviderMetadata,
}

impl Provider {
    /// A provider that asks for the snapshot in force at each evaluation: `move || router.read()` with the
    /// `Router` of `expt-serve`, which is wait-free; `move || Arc::clone(&snapshot)` for one that never
    /// changes.
    ///
    /// Time is that of the operating system. Several evaluations of one request may see two configs, if one
    /// is swapped between them; exposures are logged as evaluated.
    #[must_use]
    pub fn new<G: Deref<Target = Snapshot>>(snapshots: impl Fn() -> G + Send + Sync + 'static) -> Self {
        let engine = Engine {
            snapshots: Arc::new(snapshots),
            clock: Arc::new(system_time),
            key_kind: None,
            sticky: None,
            fallbacks: BTreeMap::new(),
            texts: Texts::Names,
        };
        Self { engine: Arc::new(engine), metadata: ProviderMetadata::new(NAME) }
    }

    /// Sets the clock: for replays and tests. Time matters to holdouts that end or rotate and to units that
    /// are cut into windows, and is the time of exposures.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.change(|engine| engine.clock = Arc::new(clock))
    }

    /// Says of which kind of unit targeting keys are the ids. Needed where layers randomise several kinds.
    #[must_use]
    pub fn with_targeting_kind(self, kind: UnitKind) -> Self {
        self.change(|engine| engine.key_kind = Some(kind))
    }

    /// Declares what a decision point gives where nothing is served, so that such an evaluation succeeds.
    #[must_use]
    pub fn with_fallback(self, point: DecisionPoint, fallback: Fallback) -> Self {
        self.change(|engine| drop(engine.fallbacks.insert(point, fallback)))
    }

    /// Sets what `get_string_value` gives.
    #[must_use]
    pub fn with_texts(self, texts: Texts) -> Self {
        self.change(|engine| engine.texts = texts)
    }

    /// Sets where sticky records are. Without it no record holds a unit.
    #[must_use]
    pub fn with_sticky(self, memory: impl StickyMemory + 'static) -> Self {
        self.change(|engine| engine.sticky = Some(Arc::new(memory)))
    }

    /// A hook that logs the exposures of this provider's evaluations. Wrap the sink in
    /// [`Deduplicate`](expt_assign::Deduplicate), so that each is logged once and not with each request.
    ///
    /// Read [when to use it](crate#evaluation-is-not-exposure) first. The hook has the settings that the
    /// provider has now, so make it when the provider is complete.
    #[must_use]
    pub fn exposure_hook<S: ExposureSink + 'static>(&self, sink: S) -> ExposureHook<S> {
        ExposureHook::new(Arc::clone(&self.engine), sink)
    }

    /// Hooks that were made before keep the engine that they have.
    fn change(mut self, change: impl FnOnce(&mut Engine)) -> Self {
        change(Arc::make_mut(&mut self.engine));
        self
    }
}

/// What a decision point gives where nothing is served.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Fallback {
    /// What `get_string_value` gives, as it gives the name of an arm otherwise.
    pub name: String,
    /// What the other calls give.
    pub binding: Binding,
}

impl Fallback {
    /// A fallback.
    #[must_use]
    pub fn new(name: impl Into<String>, binding: Binding) -> Self {
        Self { name: name.into(), binding }
    }
}

/// What `get_string_value` gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Texts {
    /// The id of the arm.
    #[default]
    Names,
    /// The parameter that the other calls give, which must be a text: for applications that come from another
    /// provider and whose flags are texts. The id of the arm is the variant in either case.
    Values,
}

#[async_trait]
impl FeatureProvider for Provider {
    fn metadata(&self) -> &ProviderMetadata {
        &self.metadata
    }

    async fn resolve_bool_value(
        &self,
        flag_key: &str,
        context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<bool>> {
        self.engine.resolve(flag_key, context, |given| given.bool())
    }

    async fn resolve_int_value(
        &self,
        flag_key: &str,
        context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<i64>> {
        self.engine.resolve(flag_key, context, |given| given.int())
    }

    async fn resolve_float_value(
        &self,
        flag_key: &str,
        context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<f64>> {
        self.engine.resolve(flag_key, context, |given| given.float())
    }

    async fn resolve_string_value(
        &self,
        flag_key: &str,
        context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<String>> {
        self.engine.resolve(flag_key, context, |given| given.text())
    }

    async fn resolve_struct_value(
        &self,
        flag_key: &str,
        context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<StructValue>> {
        self.engine.resolve(flag_key, context, |given| given.structure())
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.engine.fmt(f)
    }
}

/// The name of the provider, in its metadata and in events.
pub(crate) const NAME: &str = "expt";
