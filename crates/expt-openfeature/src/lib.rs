//! expt behind [OpenFeature]: a provider over `expt-assign`, a hook that logs exposures, and the
//! `feature_flag.evaluation` events of OpenTelemetry.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//!
//! use expt_assign::{
//!     ArmEntry, Config, Deduplicate, ExposureSink, Full, LayerEntry, PhaseEntry, PhaseState, Pushed, Ranges,
//!     Snapshot, UnitEntry,
//! };
//! use expt_core::*;
//! use expt_openfeature::Provider;
//! use expt_store::blocking::wait; // or any executor
//! use open_feature::{EvaluationContext, EvaluationReason, OpenFeature};
//!
//! # struct Rows(Mutex<Vec<Exposure>>);
//! # impl ExposureSink for Rows {
//! #     fn push(&self, _: &LayerId, exposure: Exposure) -> Result<Pushed, Full> {
//! #         self.0.lock().map_err(|_| Full)?.push(exposure);
//! #         Ok(Pushed::Taken)
//! #     }
//! # }
//! let (user, point) = (UnitKind::new("user")?, DecisionPoint::new("results-per-page")?);
//! let rows = |count: i64| Binding::Params([("value".to_owned(), count.into())].into());
//! let [few, many] = &Ranges::split(&[Share::HALF, Share::HALF])?[..] else { panic!() };
//! let plan = Digest::of(b"a sealed plan"); // really: PhaseEntry::from_plan(&plan.seal()?)
//! let phase = PhaseEntry::new("page/ab".parse()?, "page".parse()?, "search".parse()?, plan)
//!     .with_state(PhaseState::Running)
//!     .with_ranges(Ranges::all())
//!     .with_arm(ArmEntry::new("few".parse()?, few.clone()).with_binding(point.clone(), rows(10)))
//!     .with_arm(ArmEntry::new("many".parse()?, many.clone()).with_binding(point.clone(), rows(50)));
//! let config = Config::new("shop", "shop-2026", 1)
//!     .with_unit(UnitEntry::new(user.clone(), "user_id"))
//!     .with_layer(LayerEntry::new("search".parse()?, user, [point]))
//!     .with_phase(phase);
//! let snapshot = Arc::new(Snapshot::compile(config)?);
//!
//! // `move || router.read()` where expt-serve swaps configs.
//! let provider = Provider::new(move || Arc::clone(&snapshot));
//! // Opt-in: here an evaluation means that the unit sees the result.
//! let exposures = Arc::new(Deduplicate::new(Rows(Mutex::default()), 10_000));
//! let hook = provider.exposure_hook(Arc::clone(&exposures));
//!
//! let client = wait(async {
//!     let mut api = OpenFeature::singleton_mut().await;
//!     api.set_provider(provider).await;
//!     api.create_client().with_hook(hook)
//! });
//! let context = EvaluationContext::default().with_targeting_key("u-1");
//! let details = wait(client.get_int_details("results-per-page", Some(&context), None)).map_err(|e| e.code)?;
//! assert_eq!((details.value, details.variant.as_deref()), (10, Some("few")));
//! assert_eq!(details.reason, Some(EvaluationReason::Split));
//! assert_eq!(exposures.inner().0.lock().unwrap().len(), 1);
//! // Nothing is served: an error, so that the application's own default holds.
//! let value = wait(client.get_int_value("unknown", Some(&context), None)).unwrap_or(20);
//! assert_eq!(value, 20);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The main types
//! - [`Provider`]: resolves a flag, which is a decision point. Its documentation says which unit is meant,
//!   which value each resolver gives, and which reason each outcome has.
//! - [`NothingServed`]: tells "use your default" from a real error.
//! - [`ExposureHook`]: logs an exposure for each evaluation. [`ExternalExposureHook`] does that for flags
//!   that another provider randomises.
//! - [`telemetry`]: evaluation events, as names and values; [`metadata`]: what comes along with each
//!   evaluation.
//!
//! # When to use it
//! For code that speaks OpenFeature already, or that must be able to change its provider. Every resolver of
//! the SDK allocates a future in a box, and this one allocates the metadata beside it; in the SDK hooks run,
//! locks are taken, and contexts are merged and copied at each call.
//! [`Snapshot::assign`](expt_assign::Snapshot::assign) does none of that and stays the primary path: it gives
//! several decision points for one unit, borrows, and never fails.
//!
//! # Evaluation is not exposure
//! OpenFeature has evaluations only. In expt an exposure is an act of its own, because a unit that was
//! assigned and saw nothing dilutes the effect that is measured. So the provider logs nothing. Where an
//! evaluation does mean that the unit sees the result (the value is read where the page is made), install an
//! [`ExposureHook`]. Where flags are read ahead of time, in bulk, or for units that may not get there,
//! install none, and log when the unit sees it: [`Assignment::expose`](expt_assign::Assignment::expose) of an
//! assignment of the same snapshot, or `Router::record` of `expt-serve`. The assignment is the same, because
//! it is a function of the config and the unit.
//!
//! # What it does not do
//! - It logs no outcomes: the SDK for Rust (0.3) has no tracking. Log them as `expt_core::Outcome`.
//! - It emits no provider events, because the SDK has none. A config that is swapped holds from the next
//!   evaluation on.
//! - It stores no sticky records: give the provider a [`StickyMemory`]. Without one units of sticky phases
//!   get the arm of their place, and a phase that takes no new units serves nobody.
//! - It depends on no crate of OpenTelemetry: [`telemetry`] gives names and values, the application emits
//!   them.
//!
//! # The version of the SDK
//! `open-feature` 0.3.0 compiles with its default features only (without them it names `log` and a mock that
//! are not there), so `mockall` is below this crate. That is why it is a crate of its own, and not below the
//! facade `expt`.
//!
//! [OpenFeature]: https://openfeature.dev

pub mod metadata;
pub mod telemetry;

mod engine;
mod exposure;
mod external;
mod given;
mod identify;
mod nothing;
mod provider;
mod reason;
mod request;
mod sticky;

pub use exposure::{ExposureCounts, ExposureHook};
pub use external::{ExternalCounts, ExternalExposureHook, ExternalFlag};
pub use nothing::NothingServed;
pub use provider::{Fallback, Provider, Texts};
pub use sticky::StickyMemory;
