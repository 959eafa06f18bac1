//! What a serving binary links: verified models, stamps, shadow, events.
//!
//! ```
//! use std::sync::Arc;
//!
//! use expt_assign::{Config, Context, LayerEntry, Snapshot, UnitEntry};
//! use expt_core::*;
//! use expt_serve::{EventQueue, LoadFor, Loader, ModelSet, Overflow, Router};
//! use expt_store::blocking::wait;
//! use expt_store::{EventScan, EventStoreExt, Stores, SystemClock};
//! use expt_track::{NewRun, Promote, blocking::{Registry, Tracker}};
//!
//! // A trainer registered a model ...
//! let stores = Stores::memory();
//! let clock = Arc::new(SystemClock);
//! let tracker = Tracker::new(&stores, clock.clone());
//! let (experiment, ranker) = (ExperimentId::new("ranker-v1")?, ModelName::new("ranker")?);
//! tracker.register(experiment.clone(), "a first model", Actor::new("ada")?)?;
//! let run = tracker.start(NewRun::new(experiment, "constant"))?;
//! run.artifact("model", "0.25")?;
//! run.finish()?;
//! let registry = Registry::new(&stores, clock);
//! let no_features = Declared::opted_out("it reads nothing");
//! let version = registry.register(&ranker, run.id(), "model", no_features.clone())?;
//! let promote = Promote::new(ranker.clone(), version.version, Stage::Production, Actor::new("grace")?, "the first");
//! registry.promote(promote.overriding_provenance("an example"))?;
//!
//! // ... and a server loads it, verified, and answers.
//! let loader = Loader::new(&stores, no_features);
//! let deployment = wait(loader.load_stage(&ranker, &Stage::Production, LoadFor::Showing))?;
//! let answer: f64 = std::str::from_utf8(deployment.bytes())?.parse()?;
//! let models = ModelSet::new(deployment, answer)?;
//!
//! let (user, point) = (UnitKind::new("user")?, DecisionPoint::new("ranker")?);
//! let config = Config::new("shop", "shop-2026", 1)
//!     .with_unit(UnitEntry::new(user.clone(), "user_id"))
//!     .with_layer(LayerEntry::new("ranking".parse()?, user.clone(), [point.clone()]));
//! let events = Arc::new(EventQueue::start(&stores, 1024, Overflow::Drop)?);
//! let router = Router::new(Snapshot::compile(config)?, Arc::clone(&events));
//!
//! let snapshot = router.read(); // once a request
//! let unit = snapshot.unit(&user, "u-21")?;
//! let handle = snapshot.decision_point(&point).ok_or("no layer lists it")?;
//! let assignment = snapshot.assign(&unit, handle, &Context::new(Timestamp::from_micros(0)));
//! let member = models.answer(&assignment);
//! let output = Output::Value(*member.model());
//! let request = RequestId::derive(["request 1"]);
//! let shown = router.record(&assignment, member, request, Timestamp::from_micros(0), output);
//!
//! wait(events.flush())?;
//! let logged = wait(stores.events.prediction(shown.id))?.ok_or("not logged")?;
//! assert_eq!(logged.stamp.model.run, run.id());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The main types
//! [`Loader`] verifies and gives a [`Deployment`]; [`ModelSet`] holds what the application made of it;
//! [`Router`] swaps assignment configs and logs; [`EventQueue`] is the border to the disk; [`Shadow`] runs a
//! candidate beside what is shown.
//!
//! # What it does not do yet
//! It does not re-check pins while it serves, load sticky records, or share bandit state.

mod latency;
mod loader;
mod queue;
mod router;
mod shadow;

pub use latency::Latencies;
pub use loader::{Deployment, LoadFor, Loader, PinPolicy};
pub use queue::{EventQueue, Overflow, QueueStats};
pub use router::{Member, ModelSet, Router, SnapshotGuard};
pub use shadow::{Shadow, ShadowStats};
