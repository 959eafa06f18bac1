//! From an assignment to what is shown, and to the log.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use expt_assign::{Assignment, Deduplicate, ExclusionCause, ExposureSink, Full, Outcome, Pushed, Snapshot};
use expt_core::{
    Binding, Event, Exposure, LayerId, ModelName, Output, Prediction, PredictionId, RequestId, Shown, Stamp,
    Timestamp,
};
use expt_store::{Error, ErrorKind, Result};
use parking_lot::Mutex;

use crate::loader::Deployment;
use crate::queue::EventQueue;

/// Holds the assignment config in force, and logs what was shown.
///
/// The request path touches no store and waits for nothing: the snapshot is read through an atomic pointer,
/// events go into a bounded queue.
#[derive(Debug)]
pub struct Router {
    snapshot: ArcSwap<Snapshot>,
    /// Snapshots that requests may still hold: they are freed by whoever swaps, never by a request.
    retired: Mutex<Vec<Arc<Snapshot>>>,
    exposures: Deduplicate<ToQueue>,
    excluded: Mutex<BTreeMap<ExclusionCause, u64>>,
    events: Arc<EventQueue>,
}

/// The snapshot in force when it was taken: holding it delays nobody, and giving it back frees nothing.
#[derive(Debug)]
pub struct SnapshotGuard(Guard<Arc<Snapshot>>);

impl Deref for SnapshotGuard {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.0
    }
}

impl Router {
    /// A router that begins with a snapshot. It remembers the exposures of about a million units, so that
    /// each is logged once.
    #[must_use]
    pub fn new(snapshot: Snapshot, events: Arc<EventQueue>) -> Self {
        let exposures = Deduplicate::new(ToQueue(Arc::clone(&events)), 1 << 20);
        let (retired, excluded) = (Mutex::default(), Mutex::default());
        Self { snapshot: ArcSwap::from_pointee(snapshot), retired, exposures, excluded, events }
    }

    /// The snapshot in force, for the time of a request: it is found without a lock, and other requests and
    /// [`swap`](Self::swap) are not kept waiting. Take it once a request.
    #[must_use]
    pub fn read(&self) -> SnapshotGuard {
        SnapshotGuard(self.snapshot.load())
    }

    /// The snapshot in force, to keep.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Puts another snapshot in force. Requests that hold the old one finish with it; it is freed here, or at a
    /// later swap, when none does.
    pub fn swap(&self, snapshot: Snapshot) {
        let old = self.snapshot.swap(Arc::new(snapshot));
        let mut retired = self.retired.lock();
        retired.push(old);
        let held = std::mem::take(&mut *retired);
        let (held, free): (Vec<_>, Vec<_>) = held.into_iter().partition(|old| Arc::strong_count(old) > 1);
        *retired = held;
        drop(retired);
        drop(free);
    }

    /// How many requests of excluded units were recorded, by cause. Nothing else is kept of them.
    #[must_use]
    pub fn excluded(&self) -> BTreeMap<ExclusionCause, u64> {
        self.excluded.lock().clone()
    }

    /// Logs that a unit gets what its assignment says: its exposure, once, and the prediction that is shown.
    ///
    /// The stamp says [`Shown::Fallback`] if the assignment's arm pins another model than the one that
    /// answered. The prediction's id is derived from the request and the model, so a request that is logged
    /// again is a duplicate and not a second prediction. A request that asks one model at several decision
    /// points needs a request id for each, such as `RequestId::derive([request, "ranker"])`.
    ///
    /// Of an excluded unit nothing is logged: the request is counted ([`excluded`](Self::excluded)), and the
    /// prediction that comes back is nowhere else.
    ///
    /// What the queue drops is counted by [`EventQueue::stats`]; an exposure that was dropped is tried again
    /// with the unit's next request.
    pub fn record<M>(
        &self,
        assignment: &Assignment<'_>,
        answered: &Member<M>,
        request: RequestId,
        at: Timestamp,
        output: Output,
    ) -> Prediction {
        // A full queue counts what it drops.
        let _ = assignment.expose(at, &self.exposures);
        let origin = answered.deployment.origin();
        let shown = match assignment.binding() {
            Some(binding) if !answered.is(binding) => Shown::Fallback,
            _ => assignment.shown(),
        };
        let stamp = Stamp {
            model: origin.as_ref().clone(),
            arms: assignment.served().map(|served| served.arm_ref()).into_iter().collect(),
            config_version: assignment.config_version(),
            shown,
        };
        let prediction = Prediction {
            id: PredictionId::derive([request.as_bytes().as_slice(), origin.digest.as_bytes()]),
            at,
            request,
            unit: assignment.unit().unit_id(),
            unit_kind: assignment.unit().kind().clone(),
            stamp: Arc::new(stamp),
            output,
        };
        match assignment.outcome() {
            Outcome::Excluded(cause) => *self.excluded.lock().entry(cause).or_default() += 1,
            _ => drop(self.events.push(Event::Prediction(prediction.clone()))),
        }
        prediction
    }
}

/// The models that a binary can answer with: one for production, and those that arms pin.
pub struct ModelSet<M> {
    production: Member<M>,
    others: BTreeMap<(ModelName, u32), Member<M>>,
}

/// A verified deployment, and what the application made of its bytes.
pub struct Member<M> {
    deployment: Deployment,
    model: M,
}

impl<M> Member<M> {
    /// The verified deployment.
    #[must_use]
    pub const fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// The application's model.
    #[must_use]
    pub const fn model(&self) -> &M {
        &self.model
    }

    fn is(&self, binding: &Binding) -> bool {
        let origin = self.deployment.origin();
        match binding {
            Binding::Pinned { model, version, digest } => {
                (&origin.model, origin.version, &origin.digest) == (model, *version, digest)
            }
            Binding::Following { model, first, features } => {
                origin.model == *model && origin.version >= *first && origin.features == *features
            }
            // Plain params parametrise whatever model answers.
            Binding::Params(_) => true,
            // What this version does not know it cannot answer.
            _ => false,
        }
    }
}

impl<M> ModelSet<M> {
    /// A set with the model that answers where no arm asks for another.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused) if the deployment may not be shown.
    pub fn new(production: Deployment, model: M) -> Result<Self> {
        check_may_show(&production)?;
        Ok(Self { production: Member { deployment: production, model }, others: BTreeMap::new() })
    }

    /// Adds a model that arms may pin; it replaces the same version.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused) if the deployment may not be shown.
    pub fn with(mut self, deployment: Deployment, model: M) -> Result<Self> {
        check_may_show(&deployment)?;
        let key = (deployment.origin().model.clone(), deployment.origin().version);
        self.others.insert(key, Member { deployment, model });
        Ok(self)
    }

    /// The model that answers where no arm asks for another.
    #[must_use]
    pub const fn production(&self) -> &Member<M> {
        &self.production
    }

    /// The model that an assignment asks for, and production where it asks for none, or for one that is not
    /// in the set. Of the versions that an arm which follows a model may get, it is the newest.
    #[must_use]
    pub fn answer(&self, assignment: &Assignment<'_>) -> &Member<M> {
        let Some(binding) = assignment.binding() else { return &self.production };
        // Plain params are for the model in production.
        if matches!(binding, Binding::Params(_)) {
            return &self.production;
        }
        let members = std::iter::once(&self.production).chain(self.others.values());
        let fit = members.filter(|member| member.is(binding));
        fit.max_by_key(|member| member.deployment.origin().version).unwrap_or(&self.production)
    }
}

impl<M> fmt::Debug for ModelSet<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut labels = f.debug_list();
        labels.entry(&self.production.deployment.version().label());
        labels.entries(self.others.values().map(|member| member.deployment.version().label())).finish()
    }
}

impl<M> fmt::Debug for Member<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Member").field(&self.deployment.version().label()).finish()
    }
}

fn check_may_show(deployment: &Deployment) -> Result<()> {
    if deployment.may_show() {
        return Ok(());
    }
    let message = format!(
        "{} may not be shown to users; load it for LoadFor::Showing with a matching feature pipeline, or run it in \
         a Shadow",
        deployment.version().label()
    );
    Err(Error::new(ErrorKind::Refused, "add model", message))
}

/// The sink below the deduplication.
#[derive(Debug)]
struct ToQueue(Arc<EventQueue>);

impl ExposureSink for ToQueue {
    fn push(&self, _: &LayerId, exposure: Exposure) -> Result<Pushed, Full> {
        if self.0.push(Event::Exposure(exposure)) { Ok(Pushed::Taken) } else { Err(Full) }
    }
}
