//! Exposures of flags that another provider randomises.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use expt_assign::ExposureSink;
use expt_core::{
    ArmId, ExperimentId, Exposure, ExposureTarget, Identity, LayerId, PhaseId, Timestamp, UnitId, UnitKind,
};
use open_feature::{
    EvaluationContext, EvaluationDetails, EvaluationError, EvaluationReason, Hook, HookContext, HookHints,
    Value, async_trait,
};

use crate::engine::system_time;
use crate::exposure::{PushCounts, add, count};
use crate::metadata;

/// A flag that another provider randomises, and what its variants are in a sealed plan.
///
/// An evaluation of a stranger says which variant a unit got, and not what an exposure needs beside it: which
/// experiment, phase, epoch and arm that is, of which layer, for which kind of unit. Nor can it be guessed.
/// So it is declared, flag by flag, and whoever declares it vouches that
/// - the provider draws the variants at random and independently of everything else, by the id that it is
///   given, and with the shares of the plan (the sample ratio test of the analysis looks at that);
/// - a change of its split is a new [epoch](Self::with_epoch) here, at the same time.
#[derive(Debug, Clone)]
pub struct ExternalFlag {
    unit: UnitKind,
    layer: LayerId,
    experiment: ExperimentId,
    phase: PhaseId,
    epoch: u32,
    version: u32,
    arms: BTreeMap<String, ArmId>,
    reasons: Vec<EvaluationReason>,
}

impl ExternalFlag {
    /// A flag without variants, in epoch 1 and version 1, whose random evaluations have the reason `SPLIT`.
    #[must_use]
    pub fn new(unit: UnitKind, layer: LayerId, experiment: ExperimentId, phase: PhaseId) -> Self {
        let reasons = vec![EvaluationReason::Split];
        Self { unit, layer, experiment, phase, epoch: 1, version: 1, arms: BTreeMap::new(), reasons }
    }

    /// Says which arm of the plan a variant is.
    #[must_use]
    pub fn with_arm(mut self, variant: impl Into<String>, arm: ArmId) -> Self {
        self.arms.insert(variant.into(), arm);
        self
    }

    /// Sets the epoch.
    #[must_use]
    pub const fn with_epoch(mut self, epoch: u32) -> Self {
        self.epoch = epoch;
        self
    }

    /// Sets the version of the config that exposures carry: count it up when the other provider's config
    /// changes.
    #[must_use]
    pub const fn with_config_version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Takes another reason for random as well. Some providers say `TARGETING_MATCH` also where a rule ends
    /// in a split; give it only if every evaluation of the flag with that reason is random, or units that a
    /// rule put into an arm bias the analysis.
    #[must_use]
    pub fn with_reason(mut self, reason: EvaluationReason) -> Self {
        self.reasons.push(reason);
        self
    }
}

/// Logs exposures of declared flags of other providers into the table that expt analyses.
///
/// An evaluation is logged if its flag is declared, its reason is one that says "random", its variant is an
/// arm of the declaration, and its unit is known: `contextId` of its metadata, else the targeting key.
/// Everything else is counted and left out. Evaluations of expt's own provider are never logged here.
///
/// That [an evaluation means that the unit sees the result](crate#evaluation-is-not-exposure) holds here as
/// well, and there is no other way to log it later. Holdouts of the other product are not seen.
///
/// ```
/// # use expt_assign::{Deduplicate, ExposureSink, Full, Pushed};
/// # use expt_core::{Exposure, LayerId};
/// # struct Rows(std::sync::Mutex<Vec<Exposure>>);
/// # impl ExposureSink for Rows {
/// #     fn push(&self, _: &LayerId, exposure: Exposure) -> Result<Pushed, Full> {
/// #         self.0.lock().map_err(|_| Full)?.push(exposure);
/// #         Ok(Pushed::Taken)
/// #     }
/// # }
/// # let sink = Rows(Default::default());
/// use expt_openfeature::{ExternalExposureHook, ExternalFlag};
///
/// let colour = ExternalFlag::new("user".parse()?, "checkout".parse()?, "colour".parse()?, "colour/ab".parse()?)
///     .with_arm("off", "control".parse()?)
///     .with_arm("on", "green".parse()?);
/// let hook = ExternalExposureHook::new(Deduplicate::new(sink, 1_000_000)).with_flag("checkout-colour", colour);
/// let counts = hook.counts(); // `client.with_hook(hook.clone())` first
/// # assert_eq!(counts.taken, 0);
/// # Ok::<(), expt_core::CoreError>(())
/// ```
///
/// Clones share the sink and the counts.
pub struct ExternalExposureHook<S> {
    shared: Arc<Shared<S>>,
    flags: Arc<BTreeMap<String, ExternalFlag>>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

/// What became of the evaluations that a hook saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ExternalCounts {
    /// Exposures that the sink took.
    pub taken: u64,
    /// Exposures that the sink knew.
    pub known: u64,
    /// Exposures that the sink had no room for.
    pub dropped: u64,
    /// Evaluations of flags that are not declared, or of expt's own provider.
    pub undeclared: u64,
    /// Evaluations whose reason is not one of chance.
    pub not_random: u64,
    /// Evaluations whose variant is no arm of the declaration, or that have none.
    pub unknown_variant: u64,
    /// Evaluations of nobody, or of an id that cannot be one.
    pub unidentified: u64,
}

struct Shared<S> {
    sink: S,
    pushed: PushCounts,
    undeclared: AtomicU64,
    not_random: AtomicU64,
    unknown_variant: AtomicU64,
    unidentified: AtomicU64,
}

impl<S: ExposureSink + 'static> ExternalExposureHook<S> {
    /// A hook without flags. Time is that of the operating system.
    #[must_use]
    pub fn new(sink: S) -> Self {
        let shared = Shared {
            sink,
            pushed: PushCounts::default(),
            undeclared: AtomicU64::new(0),
            not_random: AtomicU64::new(0),
            unknown_variant: AtomicU64::new(0),
            unidentified: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared), flags: Arc::default(), clock: Arc::new(system_time) }
    }

    /// Declares a flag; it replaces the same one. Without effect on clones that were made before.
    #[must_use]
    pub fn with_flag(mut self, key: impl Into<String>, flag: ExternalFlag) -> Self {
        Arc::make_mut(&mut self.flags).insert(key.into(), flag);
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    fn log(&self, context: &HookContext<'_>, details: &EvaluationDetails<Value>) {
        let shared = &*self.shared;
        let ours = details.flag_metadata.values.contains_key(metadata::ANALYSED);
        let Some(flag) = self.flags.get(&details.flag_key).filter(|_| !ours) else {
            return add(&shared.undeclared);
        };
        if !details.reason.as_ref().is_some_and(|reason| flag.reasons.contains(reason)) {
            return add(&shared.not_random);
        }
        let Some(arm) = details.variant.as_ref().and_then(|variant| flag.arms.get(variant)) else {
            return add(&shared.unknown_variant);
        };
        let id = metadata::text(&details.flag_metadata, metadata::CONTEXT_ID);
        let id = id.or(context.evaluation_context.targeting_key.as_deref());
        let Some(unit) = id.and_then(|id| UnitId::new(id).ok()) else {
            return add(&shared.unidentified);
        };
        let ExternalFlag { experiment, phase, epoch, .. } = flag.clone();
        let exposure = Exposure {
            at: (self.clock)(),
            unit,
            unit_kind: flag.unit.clone(),
            identity: Identity::Own,
            target: ExposureTarget::Arm { experiment, phase, arm: arm.clone(), epoch },
            config_version: flag.version,
        };
        shared.pushed.push(&shared.sink, &flag.layer, exposure);
    }
}

impl<S> ExternalExposureHook<S> {
    /// What became of the evaluations so far.
    #[must_use]
    pub fn counts(&self) -> ExternalCounts {
        let Shared { pushed, undeclared, not_random, unknown_variant, unidentified, .. } = &*self.shared;
        ExternalCounts {
            taken: count(&pushed.taken),
            known: count(&pushed.known),
            dropped: count(&pushed.dropped),
            undeclared: count(undeclared),
            not_random: count(not_random),
            unknown_variant: count(unknown_variant),
            unidentified: count(unidentified),
        }
    }
}

impl<S> Clone for ExternalExposureHook<S> {
    fn clone(&self) -> Self {
        let Self { shared, flags, clock } = self;
        Self { shared: Arc::clone(shared), flags: Arc::clone(flags), clock: Arc::clone(clock) }
    }
}

impl<S> fmt::Debug for ExternalExposureHook<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ExternalExposureHook").field(&self.flags).field(&self.counts()).finish()
    }
}

#[async_trait]
impl<S: ExposureSink + 'static> Hook for ExternalExposureHook<S> {
    async fn before<'a>(
        &self,
        _: &HookContext<'a>,
        _: Option<&'a HookHints>,
    ) -> Result<Option<EvaluationContext>, EvaluationError> {
        Ok(None)
    }

    async fn after<'a>(
        &self,
        context: &HookContext<'a>,
        details: &EvaluationDetails<Value>,
        _: Option<&'a HookHints>,
    ) -> Result<(), EvaluationError> {
        self.log(context, details);
        Ok(())
    }

    async fn error<'a>(&self, _: &HookContext<'a>, _: &EvaluationError, _: Option<&'a HookHints>) {}

    async fn finally<'a>(&self, _: &HookContext<'a>, _: &EvaluationDetails<Value>, _: Option<&'a HookHints>) {
    }
}
